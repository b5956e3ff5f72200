//! Holes in a plan's commands, and what is put into them: `{{replicas}}` stands for a parameter,
//! `{{captured.replicas}}` for a piece of the state before a step.
//!
//! A hole that names neither stays as it is, since other templates are written that way too. What
//! is put in never becomes more than a piece of one word: in shell text only characters are
//! accepted that mean nothing to a shell, and nothing that begins a word may begin with a dash.
//! The commands are judged and shown with their holes filled.

use std::collections::BTreeMap;

use serde_json::Value;

use super::command::Command;
use super::document::{Check, Expect, Parameter, Plan};
use crate::request::Action;

/// Captured values by step and name.
pub(super) type World = BTreeMap<u32, BTreeMap<String, String>>;

/// What the holes of one part of a plan stand for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filler<'p> {
    parameters: &'p BTreeMap<String, Parameter>,
    captured: Option<&'p BTreeMap<String, String>>,
}

/// A hole that cannot be filled; a sentence without capital or period.
pub(super) type Unfilled = String;

/// Where a value goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Into {
    Word,
    Shell,
    Text,
}

impl<'p> Filler<'p> {
    /// For what belongs to the plan, or to a step before it has run.
    pub(super) const fn new(plan: &'p Plan) -> Self {
        Self { parameters: &plan.parameters, captured: None }
    }

    /// For the way back of a step.
    pub(super) fn with_captured(self, world: &'p World, step: u32) -> Self {
        Self { captured: world.get(&step), ..self }
    }

    /// The command with its holes filled.
    pub(super) fn command(&self, command: &Command) -> Result<Command, Unfilled> {
        let mut filled = command.clone();
        match &mut filled.action {
            Action::Shell(text) => *text = self.text(text, Into::Shell)?,
            Action::Argv(words) => {
                for word in words {
                    *word = self.text(word, Into::Word)?;
                }
            }
            Action::Call { arguments, .. } => *arguments = self.value(arguments)?,
        }
        for text in filled.environment.values_mut().chain(&mut filled.cwd) {
            *text = self.text(text, Into::Word)?;
        }
        Ok(filled)
    }

    /// The check with its holes filled.
    pub(super) fn check(&self, check: &Check) -> Result<Check, Unfilled> {
        let mut expect = check.expect.clone();
        for one in &mut expect {
            match one {
                Expect::Contains(text) | Expect::Lacks(text) => *text = self.text(text, Into::Text)?,
                Expect::Json { equals, .. } => *equals = self.value(equals)?,
                Expect::Matches(_) | Expect::Exit(_) | Expect::AtLeast { .. } | Expect::AtMost { .. } => {}
            }
        }
        Ok(Check { name: self.shown(&check.name), command: self.command(&check.command)?, expect })
    }

    /// A text for people with its holes filled, as far as that can be done.
    pub(super) fn shown(&self, text: &str) -> String {
        self.text(text, Into::Text).unwrap_or_else(|_| text.to_owned())
    }

    /// JSON with its holes filled. A text that is one hole becomes the value itself.
    fn value(&self, value: &Value) -> Result<Value, Unfilled> {
        Ok(match value {
            Value::String(text) => {
                let whole = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
                match whole.and_then(|name| self.parameters.get(name.trim())) {
                    Some(parameter) => parameter.value.clone(),
                    None => Value::String(self.text(text, Into::Text)?),
                }
            }
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?)
            }
            Value::Object(entries) => Value::Object(
                entries.iter().map(|(key, value)| Ok((key.clone(), self.value(value)?))).collect::<Result<
                    _,
                    Unfilled,
                >>(
                )?,
            ),
            plain => plain.clone(),
        })
    }

    fn text(&self, text: &str, into: Into) -> Result<String, Unfilled> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            filled.push_str(before);
            let known = after.split_once("}}").map(|(name, behind)| (self.known(name.trim()), behind));
            match known {
                Some((Some(value), behind)) => {
                    let value = value?;
                    acceptable(&value, into, filled.is_empty())?;
                    filled.push_str(&value);
                    rest = behind;
                }
                _ => {
                    filled.push_str("{{");
                    rest = after;
                }
            }
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// The value that a hole's name stands for; `None` where it is no hole of ours.
    fn known(&self, name: &str) -> Option<Result<String, Unfilled>> {
        if let Some(captured) = name.strip_prefix("captured.") {
            let value = self.captured.and_then(|captured_values| captured_values.get(captured));
            return Some(value.cloned().ok_or_else(|| format!("`{captured}` has not been captured")));
        }
        Some(printed(&self.parameters.get(name)?.value))
    }
}

fn printed(value: &Value) -> Result<String, Unfilled> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        _ => Err("a parameter is a text, a number or a truth value".to_owned()),
    }
}

fn acceptable(value: &str, into: Into, begins: bool) -> Result<(), Unfilled> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:/@%+=,-".contains(c);
    if into != Into::Text && value.is_empty() {
        return Err("an empty value would change which words there are".to_owned());
    }
    if into == Into::Shell && !value.chars().all(plain) {
        return Err(format!(
            "`{}` has characters that a shell may read; use an argument vector",
            value.escape_debug()
        ));
    }
    if into == Into::Word && value.chars().any(char::is_control) {
        return Err(format!("`{}` has control characters", value.escape_debug()));
    }
    // In shell text any place may begin a word.
    if value.starts_with('-') && (into == Into::Shell || (into == Into::Word && begins)) {
        return Err(format!("`{value}` would be read as a flag"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plan(value: Value) -> Plan {
        let parameter = json!({ "value": value });
        serde_json::from_value(json!({ "title": "t", "steps": [], "parameters": { "x": parameter } }))
            .unwrap()
    }

    #[test]
    fn holes_become_pieces_of_words() {
        let plan = plan(json!(5));
        let filler = Filler::new(&plan);
        let command = filler.command(&Command::argv(["scale", "--replicas={{x}}", "{{.Status}}"])).unwrap();
        assert_eq!(command, Command::argv(["scale", "--replicas=5", "{{.Status}}"]));
        let command = filler.command(&Command::shell("scale {{ x }} '{{range y}}'")).unwrap();
        assert_eq!(command, Command::shell("scale 5 '{{range y}}'"));
        assert_eq!(filler.value(&json!({"n": ["{{x}}", "n{{x}}"]})), Ok(json!({"n": [5, "n5"]})));
    }

    #[test]
    fn values_cannot_break_out_of_their_word() {
        for text in [
            "a b", "a;b", "$(a)", "`a`", "a\nb", "'", "\"", "a|b", "a>b", "*", "~", "-rf", "", "a\u{a0}b",
            "{a,b}",
        ] {
            let plan = plan(json!(text));
            let filled = Filler::new(&plan).command(&Command::shell("rm {{x}}"));
            assert!(filled.is_err(), "{text:?} gave {filled:?}");
        }
        for text in ["-rf", "a\0b", "", "a\u{1b}b"] {
            let plan = plan(json!(text));
            assert!(Filler::new(&plan).command(&Command::argv(["rm", "{{x}}"])).is_err(), "{text:?}");
        }
        // A value is never read again.
        let plan = plan(json!("{{x}}"));
        let filled = Filler::new(&plan).command(&Command::argv(["echo", "{{x}}"])).unwrap();
        assert_eq!(filled, Command::argv(["echo", "{{x}}"]));
    }

    #[test]
    fn what_was_not_captured_is_no_empty_text() {
        let plan = plan(json!(1));
        let world = World::from([(1, [("n".to_owned(), "3".to_owned())].into())]);
        let command = Command::argv(["scale", "--replicas={{captured.n}}"]);
        let filler = Filler::new(&plan);
        assert_eq!(
            filler.with_captured(&world, 1).command(&command).unwrap(),
            Command::argv(["scale", "--replicas=3"])
        );
        assert!(filler.with_captured(&world, 2).command(&command).is_err());
        assert!(filler.command(&command).is_err());
    }
}
