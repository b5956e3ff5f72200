//! What is posted: the question as JSON for a service of your own, or as a card for Slack.

use guardrail_core::plan::{Notice, Question};
use serde_json::{Value, json};

/// The ids of the buttons.
pub(super) const APPROVE: &str = "guardrail_approve";
pub(super) const REJECT: &str = "guardrail_reject";

/// How many characters Slack takes in one block, with room to spare.
const BLOCK: usize = 2_800;
/// How many blocks of text a card has at most, of the fifty that Slack takes.
const BLOCKS: usize = 12;

/// In what form a question is posted and a callback comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Style {
    /// The question as JSON, signed, for a service of your own that authenticates people; a callback
    /// is an [`Answer`](super::Answer) as JSON.
    Json,
    /// A card for Slack's incoming webhooks; a callback is Slack's `block_actions`.
    Slack,
}

impl Style {
    /// The names of the two headers of a callback: that of its time, and that of its signature.
    #[must_use]
    pub const fn headers(self) -> (&'static str, &'static str) {
        match self {
            Self::Json => ("X-Guardrail-Timestamp", "X-Guardrail-Signature"),
            Self::Slack => ("X-Slack-Request-Timestamp", "X-Slack-Signature"),
        }
    }
}

/// The body of a post, and whether it holds the whole text.
pub(super) fn card(style: Style, question: &Question, buttons: bool) -> (Vec<u8>, bool) {
    match style {
        // Nothing in it fails to serialise: all keys are texts.
        Style::Json => (serde_json::to_vec(question).unwrap_or_default(), true),
        Style::Slack => slack(question, buttons),
    }
}

/// The body of a post with a notice.
pub(crate) fn news(style: Style, notice: &Notice) -> Vec<u8> {
    let body = match style {
        Style::Json => serde_json::to_vec(notice),
        Style::Slack => {
            let (mut blocks, whole) = preformatted(&notice.text);
            if !whole {
                blocks.push(context("[cut]"));
            }
            serde_json::to_vec(&json!({ "text": "news of guardrail", "blocks": blocks }))
        }
    };
    body.unwrap_or_default()
}

fn slack(question: &Question, buttons: bool) -> (Vec<u8>, bool) {
    let name = question.plan.name;
    let headline = format!("{name}, revision {}: {} risk, needs a yes", question.revision, question.risk);
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": headline, "emoji": false },
    })];
    let (text, fits) = preformatted(&question.text);
    blocks.extend(text);
    let whole = fits && question.complete;
    if !whole {
        blocks.push(context("this is not the whole plan, and cannot be approved from here"));
    }
    blocks.push(context(&format!(
        "to be answered until {} UTC",
        question.answer_by.format("%Y-%m-%d %H:%M:%S")
    )));
    if buttons {
        let value = format!("{}:{}:{}", question.id, question.digest, question.shown);
        let button = |id: &str, label: &str, style: &str| {
            json!({
                "type": "button",
                "action_id": id,
                "text": { "type": "plain_text", "text": label, "emoji": false },
                "style": style,
                "value": value,
            })
        };
        let mut elements = Vec::new();
        if whole {
            elements.push(button(APPROVE, "Approve", "primary"));
        }
        elements.push(button(REJECT, "Reject", "danger"));
        blocks.push(json!({ "type": "actions", "elements": elements }));
    }
    let body = json!({ "text": headline, "blocks": blocks });
    (serde_json::to_vec(&body).unwrap_or_default(), fits)
}

fn context(text: &str) -> Value {
    json!({ "type": "context", "elements": [{ "type": "plain_text", "text": text, "emoji": false }] })
}

/// A text in blocks in which nothing is markup, and whether all of it has room.
fn preformatted(text: &str) -> (Vec<Value>, bool) {
    let mut parts: Vec<String> = vec![String::new()];
    for line in text.split_inclusive('\n') {
        let mut rest: Vec<char> = line.chars().collect();
        let long = rest.len() > BLOCK;
        if let Some(last) = parts.last()
            && (long || last.chars().count() + rest.len() > BLOCK)
            && !last.is_empty()
        {
            parts.push(String::new());
        }
        while rest.len() > BLOCK {
            let behind = rest.split_off(BLOCK);
            parts.push(rest.into_iter().collect());
            parts.push(String::new());
            rest = behind;
        }
        if let Some(last) = parts.last_mut() {
            last.extend(rest);
        }
    }
    parts.retain(|part| !part.is_empty());
    let fits = parts.len() <= BLOCKS;
    parts.truncate(BLOCKS);
    let block = |part: String| {
        json!({
            "type": "rich_text",
            "elements": [{ "type": "rich_text_preformatted", "elements": [{ "type": "text", "text": part }] }],
        })
    };
    (parts.into_iter().map(block).collect(), fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::question;

    fn shown(body: &[u8]) -> String {
        let body: Value = serde_json::from_slice(body).unwrap();
        let blocks = body["blocks"].as_array().unwrap();
        blocks.iter().filter_map(|block| block["elements"][0]["elements"][0]["text"].as_str()).collect()
    }

    fn buttons(body: &[u8]) -> Vec<String> {
        let body: Value = serde_json::from_slice(body).unwrap();
        let actions =
            body["blocks"].as_array().unwrap().last().unwrap()["elements"].as_array().unwrap().clone();
        actions.iter().filter_map(|button| button["action_id"].as_str().map(ToOwned::to_owned)).collect()
    }

    #[test]
    fn the_whole_text_is_shown_as_it_is() {
        let mut question = question();
        question.text = format!("*bold* <!channel> ```\n{}\nend", "x".repeat(6_000));
        let (body, whole) = card(Style::Slack, &question, true);
        assert!(whole);
        assert_eq!(shown(&body), question.text);
        assert_eq!(buttons(&body), [APPROVE, REJECT]);
    }

    #[test]
    fn what_has_no_room_has_no_button_for_a_yes() {
        let mut question = question();
        question.text = "line\n".repeat(20_000);
        let (body, whole) = card(Style::Slack, &question, true);
        assert!(!whole && question.text.starts_with(&shown(&body)));
        assert_eq!(buttons(&body), [REJECT]);
        let mut cut = crate::conformance::question();
        cut.complete = false;
        assert_eq!(buttons(&card(Style::Slack, &cut, true).0), [REJECT]);
    }
}
