//! A record written as JSON, text by text.

use std::borrow::Cow;
use std::io::Write as _;
use std::ops::Range;

use guardrail_core::record::Record;
use serde_json::{Map, Value};

use super::rules::{Part, Rule};
use super::{MAX_DEPTH, Redacting, RedactingError, vector};
use crate::hash::Hash;

/// The shortest text in which anything could be found.
const SHORTEST: usize = 4;

/// The shortest secret that is looked for in the rest of its record.
const LEARNED: usize = 6;

/// The most places of which is said what was replaced there; of the rest only how much.
const PLACES: usize = 16;

/// The last field of a record in which something was replaced.
const REDACTED: &str = "redacted";

/// A piece of text to be replaced, and what it is.
pub(super) type Piece = (Range<usize>, &'static str);

/// The state of writing one record.
pub(super) struct Writing<'r, 'o> {
    redacting: &'r Redacting,
    out: &'o mut Vec<u8>,
    path: Vec<Part<'r>>,
    /// Values that are secrets by their field's name. The same record may say them elsewhere.
    learned: Vec<&'r str>,
    found: Vec<Found>,
    /// The most bytes of a text.
    longest: usize,
}

/// What was replaced at one place.
struct Found {
    path: String,
    kind: &'static str,
    count: u64,
}

impl<'r, 'o> Writing<'r, 'o> {
    pub(super) fn new(redacting: &'r Redacting, out: &'o mut Vec<u8>) -> Self {
        Self {
            redacting,
            out,
            path: Vec::with_capacity(8),
            learned: Vec::new(),
            found: Vec::new(),
            longest: usize::MAX,
        }
    }

    /// Cuts texts that are longer than so many bytes, once their secrets are replaced.
    pub(super) const fn cutting(mut self, longest: usize) -> Self {
        self.longest = longest;
        self
    }

    /// Writes all of a record.
    pub(super) fn record(&mut self, record: &'r Record) -> Result<(), RedactingError> {
        let Record { plan_id, arguments, details, .. } = record;
        for (name, value) in [("arguments", arguments), ("details", details)] {
            if value.as_ref().is_some_and(|value| depth(value, MAX_DEPTH - 1).is_none()) {
                return Err(RedactingError::TooDeep { field: name });
            }
        }
        let start = self.out.len();
        self.fields(record);
        if !self.learned.is_empty() {
            // Texts that were written before may hold what was learned after them.
            if plan_id.as_ref().is_some_and(|id| self.learned.iter().any(|secret| id.contains(secret))) {
                return Err(RedactingError::SecretInPlanId { kind: "secret" });
            }
            self.out.truncate(start);
            self.found.clear();
            self.fields(record);
        }
        Ok(())
    }

    /// The object itself. The order and the names of the fields are those of the record's
    /// `Serialize`, which a test compares.
    fn fields(&mut self, record: &'r Record) {
        let Record {
            kind,
            id,
            plan_id,
            revision,
            step,
            actor,
            session,
            channel,
            tool,
            action,
            arguments,
            cwd,
            resource,
            risk,
            decision,
            rule,
            approver,
            status,
            duration_seconds,
            reason,
            result,
            details,
        } = record;
        self.out.extend_from_slice(b"{\"kind\":\"");
        self.out.extend_from_slice(kind.as_str().as_bytes());
        self.out.push(b'"');
        if let Some(id) = id {
            self.name("id");
            let mut text = uuid::Uuid::encode_buffer();
            let text = id.hyphenated().encode_lower(&mut text);
            self.quoted(text);
        }
        if let Some(id) = plan_id {
            self.name("plan_id");
            self.plain(id.as_str());
        }
        self.number("revision", *revision);
        self.number("step", *step);
        self.text("actor", actor.as_deref());
        self.text("session", session.as_deref());
        self.text("channel", channel.as_deref());
        self.text("tool", tool.as_deref());
        self.text("action", action.as_deref());
        self.tree("arguments", arguments.as_ref());
        self.text("cwd", cwd.as_deref());
        self.text("resource", resource.as_deref());
        if let Some(risk) = risk {
            self.name("risk");
            self.quoted(risk.as_str());
        }
        self.text("decision", decision.as_ref().map(|decision| decision.as_str()));
        self.text("rule", rule.as_deref());
        self.text("approver", approver.as_deref());
        self.text("status", status.as_ref().map(|status| status.as_str()));
        if let Some(seconds) = duration_seconds {
            self.name("duration_seconds");
            self.plain(seconds);
        }
        self.text("reason", reason.as_deref());
        self.text("result", result.as_deref());
        self.tree("details", details.as_ref());
        self.report();
        self.out.push(b'}');
    }

    /// A field's name, after a comma.
    fn name(&mut self, name: &str) {
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// Text that needs no escapes.
    fn quoted(&mut self, text: &str) {
        self.out.push(b'"');
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'"');
    }

    /// What has nothing to hide.
    fn plain(&mut self, value: &(impl serde::Serialize + ?Sized)) {
        // Numbers and texts are always JSON, and a vector takes all of it.
        let _ = serde_json::to_writer(&mut *self.out, value);
    }

    fn number(&mut self, name: &'static str, number: Option<u32>) {
        if let Some(number) = number {
            self.name(name);
            self.plain(&number);
        }
    }

    fn text(&mut self, name: &'static str, text: Option<&'r str>) {
        let Some(text) = text else { return };
        self.path.push(Part::Key(name));
        match self.rule_of_path() {
            Rule::Drop => self.note("dropped", 1),
            Rule::Replace(kind) => {
                self.name(name);
                self.replace_text(text, kind);
            }
            Rule::Allow => {
                self.name(name);
                self.string(text);
            }
        }
        self.path.pop();
    }

    fn tree(&mut self, name: &'static str, value: Option<&'r Value>) {
        let Some(value) = value else { return };
        self.path.push(Part::Key(name));
        match self.rule_of_path() {
            Rule::Drop => self.note("dropped", 1),
            Rule::Replace(kind) => {
                self.name(name);
                self.replace(value, kind);
            }
            Rule::Allow => {
                self.name(name);
                self.value(value);
            }
        }
        self.path.pop();
    }

    fn rule_of_path(&self) -> Rule {
        if self.redacting.rules.has_paths() { self.redacting.rules.of_path(&self.path) } else { Rule::Allow }
    }

    fn value(&mut self, value: &'r Value) {
        match value {
            Value::String(text) => self.string(text),
            Value::Array(elements) => self.array(elements),
            Value::Object(fields) => self.object(fields),
            Value::Null | Value::Bool(_) | Value::Number(_) => self.plain(value),
        }
    }

    fn object(&mut self, fields: &'r Map<String, Value>) {
        // Names that were changed, so that no two become the same.
        let mut changed: Vec<String> = Vec::new();
        let mut first = true;
        self.out.push(b'{');
        for (name, value) in fields {
            self.path.push(Part::Key(name));
            let rule = self.rule_of(fields, name);
            if rule == Rule::Drop {
                self.note("dropped", 1);
                self.path.pop();
                continue;
            }
            if !std::mem::take(&mut first) {
                self.out.push(b',');
            }
            let pieces = self.pieces(name);
            if pieces.is_empty() {
                self.plain(name.as_str());
            } else {
                let name = self.replaced(name, &pieces);
                let mut unique = name.clone();
                let mut copy = 1;
                while fields.contains_key(&unique) || changed.contains(&unique) {
                    copy += 1;
                    unique = format!("{name}~{copy}");
                }
                self.plain(unique.as_str());
                changed.push(unique);
            }
            self.out.push(b':');
            match rule {
                Rule::Replace(kind) => self.replace(value, kind),
                Rule::Allow | Rule::Drop => self.value(value),
            }
            self.path.pop();
        }
        self.out.push(b'}');
    }

    /// What is to become of a field: by its place, by its name, or by what stands beside it.
    fn rule_of(&self, fields: &Map<String, Value>, name: &str) -> Rule {
        let rule = self.rule_of_path();
        if rule != Rule::Allow {
            return rule;
        }
        match self.redacting.rules.of_name(name) {
            // The variables of a container: `{"name": "DB_PASSWORD", "value": "…"}`.
            Rule::Allow if name.eq_ignore_ascii_case("value") => {
                let named =
                    ["name", "key", "Name", "Key"].iter().find_map(|name| fields.get(*name)?.as_str());
                named.map_or(Rule::Allow, |name| self.redacting.rules.of_name(name))
            }
            // Kubernetes' own secrets.
            Rule::Allow
                if matches!(name, "data" | "stringData")
                    && fields.get("kind").and_then(Value::as_str) == Some("Secret") =>
            {
                self.redacting.rules.of_name("secret")
            }
            rule => rule,
        }
    }

    fn array(&mut self, elements: &'r [Value]) {
        let in_command = vector::secrets(self.redacting, elements);
        for (index, (range, _)) in &in_command {
            let text = elements.get(*index).and_then(Value::as_str).unwrap_or_default();
            self.learn(text.get(range.clone()).unwrap_or_default());
        }
        self.out.push(b'[');
        for (index, element) in elements.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.path.push(Part::Index(index));
            match (self.rule_of_path(), element) {
                (Rule::Drop, _) => {
                    self.note("dropped", 1);
                    self.out.extend_from_slice(b"null");
                }
                (Rule::Replace(kind), _) => self.replace(element, kind),
                (Rule::Allow, Value::String(text)) if !in_command.is_empty() => {
                    let here = in_command.iter().filter(|(at, _)| *at == index);
                    let mut pieces: Vec<Piece> = here.map(|(_, piece)| piece.clone()).collect();
                    pieces.extend(self.pieces(text));
                    self.string_without(text, join(pieces));
                }
                (Rule::Allow, _) => self.value(element),
            }
            self.path.pop();
        }
        self.out.push(b']');
    }

    /// A text, without its secrets.
    fn string(&mut self, text: &str) {
        let pieces = self.pieces(text);
        self.string_without(text, pieces);
    }

    fn string_without(&mut self, text: &str, pieces: Vec<Piece>) {
        let text = if pieces.is_empty() { Cow::Borrowed(text) } else { self.replaced(text, &pieces).into() };
        if text.len() <= self.longest || !self.is_cuttable() {
            self.plain(&*text);
            return;
        }
        self.note("cut", 1);
        self.plain(cut(&text, self.longest).as_str());
    }

    /// Whether a text says something, and is not a name by which the record is found.
    fn is_cuttable(&self) -> bool {
        matches!(
            self.path.first(),
            Some(Part::Key("action" | "resource" | "reason" | "result" | "arguments" | "details"))
        )
    }

    /// Where the secrets of a text are, apart and in order.
    fn pieces(&self, text: &str) -> Vec<Piece> {
        if text.len() < SHORTEST {
            return Vec::new();
        }
        let secrets = self.redacting.redactor.secrets(text);
        let mut pieces: Vec<Piece> = secrets.into_iter().map(|(range, kind)| (range, kind.name())).collect();
        for secret in &self.learned {
            pieces.extend(text.match_indices(secret).map(|(at, _)| (at..at + secret.len(), "secret")));
        }
        if self.learned.is_empty() { pieces } else { join(pieces) }
    }

    /// A text with pieces of it replaced.
    fn replaced(&mut self, text: &str, pieces: &[Piece]) -> String {
        let mut out = String::with_capacity(text.len() + 16);
        let mut at = 0;
        for (range, kind) in pieces {
            // A registered value that is no UTF-8 may begin or end inside of a character.
            let start = (at..=range.start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(at);
            let end = (range.end..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
            out.push_str(text.get(at..start).unwrap_or_default());
            let secret = text.as_bytes().get(range.clone()).unwrap_or_default();
            self.push_replacement(&mut out, secret, kind);
            self.note(kind, 1);
            at = end;
        }
        out.push_str(text.get(at..).unwrap_or_default());
        out
    }

    fn push_replacement(&self, out: &mut String, secret: &[u8], kind: &str) {
        use std::fmt::Write as _;
        // Writing to a string cannot fail.
        let _ = match &self.redacting.key {
            Some(key) => write!(out, "[redacted:{kind}#{:08x}]", key.tag(secret)),
            None => write!(out, "[redacted:{kind}]"),
        };
    }

    /// A value that is a secret by its name. What says nothing stays.
    fn replace(&mut self, value: &'r Value, kind: &'static str) {
        match value {
            Value::Null => self.plain(value),
            Value::String(text) => self.replace_text(text, kind),
            _ => self.replace_bytes(value.to_string().as_bytes(), kind),
        }
    }

    fn replace_text(&mut self, text: &'r str, kind: &'static str) {
        if text.is_empty() {
            self.plain(text);
        } else {
            self.learn(text);
            self.replace_bytes(text.as_bytes(), kind);
        }
    }

    fn replace_bytes(&mut self, secret: &[u8], kind: &'static str) {
        let mut text = String::new();
        self.push_replacement(&mut text, secret, kind);
        self.note(kind, 1);
        self.quoted(&text);
    }

    /// Remembers a value that is a secret by what names it: other texts may hold it too.
    fn learn(&mut self, text: &'r str) {
        // References are no secrets, and short words stand in texts that mean something else.
        let is_reference = text.starts_with(['$', '<', '{', '[', '*']);
        if text.len() >= LEARNED && !is_reference && !self.learned.contains(&text) {
            self.learned.push(text);
        }
    }

    /// Counts what was replaced where the path points to.
    fn note(&mut self, kind: &'static str, count: u64) {
        let path = if self.found.len() < PLACES { self.place() } else { "…".to_owned() };
        match self.found.iter_mut().find(|found| found.kind == kind && found.path == path) {
            Some(found) => found.count += count,
            None => self.found.push(Found { path, kind, count }),
        }
    }

    /// The path in words, which may hold secrets themselves.
    fn place(&self) -> String {
        let mut place = String::new();
        for part in &self.path {
            if !place.is_empty() {
                place.push('.');
            }
            match part {
                Part::Key(key) => place.push_str(&self.redacting.redactor.redact(key)),
                Part::Index(index) => place.push_str(&index.to_string()),
            }
        }
        place
    }

    fn report(&mut self) {
        if self.found.is_empty() {
            return;
        }
        self.name(REDACTED);
        let found = std::mem::take(&mut self.found);
        for (index, Found { path, kind, count }) in found.iter().enumerate() {
            self.out.extend_from_slice(if index == 0 { b"[{\"path\":" } else { b",{\"path\":" });
            self.plain(path.as_str());
            // Writing to a vector cannot fail.
            let _ = write!(self.out, ",\"kind\":\"{kind}\",\"n\":{count}}}");
        }
        self.out.push(b']');
    }
}

/// The start and the end of a text, with what was left out between them.
fn cut(whole: &str, keep: usize) -> String {
    let is_boundary = |at: &usize| whole.is_char_boundary(*at);
    let head = (0..=keep / 2).rev().find(is_boundary).unwrap_or(0);
    let tail = (whole.len() - keep / 2..whole.len()).find(is_boundary).unwrap_or(whole.len());
    let start = whole.get(..head).unwrap_or_default();
    let end = whole.get(tail..).unwrap_or_default();
    let digest = Hash::of(whole.as_bytes());
    format!("{start} [cut: {} of {} bytes, sha256 {digest}] {end}", tail - head, whole.len())
}

/// Pieces in order; those that touch become one, named after the first.
pub(super) fn join(mut pieces: Vec<Piece>) -> Vec<Piece> {
    pieces.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    let mut joined: Vec<Piece> = Vec::with_capacity(pieces.len());
    for (range, kind) in pieces {
        match joined.last_mut() {
            Some((last, _)) if range.start < last.end => last.end = last.end.max(range.end),
            _ => joined.push((range, kind)),
        }
    }
    joined
}

/// How deep a value is nested, if at most so deep.
fn depth(value: &Value, most: usize) -> Option<usize> {
    let inner =
        |deepest: Option<usize>, value: &Value| Some(deepest?.max(depth(value, most.checked_sub(1)?)?));
    match value {
        Value::Array(elements) => elements.iter().fold(Some(0), inner).map(|depth| depth + 1),
        Value::Object(fields) => fields.values().fold(Some(0), inner).map(|depth| depth + 1),
        _ => Some(0),
    }
}
