//! Named tool calls: what the values in a JSON argument object are, by the same knowledge.

use guardrail_schema::{Condition, NamedCall, Role, Test};
use serde_json::Value as Json;

use crate::glob;
use crate::identify::Identifier;
use crate::identify::call::{Argument, Call, Given, Standing};
use crate::lower::{
    Context, EnvironmentId, Input, Invocation, InvocationId, Place, Resolution, Source, SourceId, Word,
};
use crate::shell::Span;

impl<'a, 'k> Identifier<'a, 'k> {
    /// Understands a named tool call; what it hands to a shell is queued like any other source.
    /// Its source text is the JSON of its arguments.
    pub(crate) fn named_call(&mut self, name: &str, arguments: &Json) {
        let printed: &'a str = self.arena.alloc_str(&arguments.to_string());
        let span = Span::new(0, printed.len());
        let name: &'a str = self.arena.alloc_str(name);
        let source = SourceId(self.lowerer.program.sources.len() as u32);
        self.lowerer.program.sources.push(Source {
            text: printed.as_bytes(),
            parent: None,
            layer: 0,
            within: None,
        });
        let invocation = Invocation {
            words: self.arena.alloc_slice_copy(&[Word::known(name.as_bytes(), span)]),
            assignments: &[],
            redirects: &[],
            source,
            span,
            parent: None,
            stdin: Input::Empty,
            stdout: None,
            environment: EnvironmentId::default(),
            directory: Word::known(b"", span),
            resolution: Resolution::Program,
            context: Context::default(),
            place: Place::Here,
        };
        let id = InvocationId(self.lowerer.program.invocations.len() as u32);
        self.lowerer.program.invocations.push(invocation);
        self.lowerer.program.written.push(id);
        self.next = self.lowerer.program.invocations.len();

        let mut call = Call::new(self.arena, id, source, span, 4);
        match find(self.knowledge.calls(), name) {
            None => call.standing = Standing::Unknown,
            Some(known) => {
                call.standing = Standing::Known;
                self.arguments(&mut call, known, arguments, printed);
                let case =
                    |case: &&'k guardrail_schema::Case| case.when.iter().all(|c| holds(c, &call.arguments));
                let cases: Vec<_> = known.cases.iter().filter(case).collect();
                if !cases
                    .iter()
                    .any(|case| !case.adds && case.effects.iter().any(|effect| effect.kind.is_some()))
                {
                    call.effects.extend(known.effects.iter().map(|effect| (effect, span)));
                }
                call.effects.extend(cases.iter().flat_map(|case| &case.effects).map(|effect| (effect, span)));
                call.scope = known.scope;
                // Nothing of what makes it what it is was found: it may go by another name.
                let tells = |role: &Role| {
                    !matches!(role, Role::Text | Role::Name | Role::Directory | Role::Assignment)
                };
                if call.effects.is_empty() && !call.arguments.iter().any(|argument| tells(argument.role)) {
                    call.standing = Standing::Unknown;
                }
            }
        }
        self.unwrap(&mut call, &invocation);
        self.calls.push(call);
    }

    fn arguments(&self, call: &mut Call<'a, 'k>, known: &'k NamedCall, arguments: &Json, printed: &str) {
        for (pointer, facet, role) in &known.arguments {
            let tokens: Vec<&str> = pointer.split('/').skip(1).collect();
            walk(arguments, &tokens, "", &mut |key, value| {
                let plain = match value {
                    Json::String(text) => text.clone(),
                    other => other.to_string(),
                };
                let text: &'a str = match role {
                    Role::Assignment => self.arena.alloc_str(&assignment(key, value, plain)),
                    _ => self.arena.alloc_str(&plain),
                };
                // The value as it is printed, so that a finding can point at it.
                let quoted = value.to_string();
                let at = printed.find(&quoted);
                let span = at.map_or(call.named, |at| Span::new(at, at + quoted.len()));
                call.arguments.push(Argument {
                    name: facet,
                    role,
                    word: Word::known(text.as_bytes(), span),
                    given: Given::Operand,
                });
            });
        }
    }
}

/// The call that goes by a name: an exact name before a glob.
fn find<'k>(calls: impl Iterator<Item = &'k NamedCall>, name: &str) -> Option<&'k NamedCall> {
    let mut globbed = None;
    for call in calls {
        if call.names.iter().any(|known| known == name) {
            return Some(call);
        }
        let matches =
            |known: &String| known.contains('*') && glob::matches(known.as_bytes(), name.as_bytes());
        if globbed.is_none() && call.names.iter().any(matches) {
            globbed = Some(call);
        }
    }
    globbed
}

fn holds(condition: &Condition, arguments: &[Argument<'_, '_>]) -> bool {
    let mut given = arguments.iter().filter(|argument| argument.name == condition.facet);
    match &condition.test {
        Test::Present => given.next().is_some(),
        Test::Absent => given.next().is_none(),
        Test::Once => given.nth(1).is_none(),
        Test::Matches(globs) => given.any(|argument| {
            let text = argument.word.as_known().unwrap_or_default();
            globs.iter().any(|glob| glob::matches_any_case(glob.as_bytes(), text))
        }),
    }
}

/// A variable and its value as `NAME=value`: of an object of them, of a list of such texts, or of
/// objects that name both.
fn assignment(key: &str, value: &Json, plain: String) -> String {
    let part = |names: [&str; 2]| names.iter().find_map(|name| value.get(name)?.as_str());
    match (part(["name", "key"]), part(["value", "val"])) {
        (Some(name), Some(text)) => format!("{name}={text}"),
        _ if key.is_empty() => plain,
        _ => format!("{key}={plain}"),
    }
}

/// RFC 6901 pointer tokens with `*` for any one; `key` is the one that led here, in an object.
/// Arrays count value by value: for a role that is a whole command, they are its words.
fn walk(value: &Json, tokens: &[&str], key: &str, found: &mut impl FnMut(&str, &Json)) {
    let Some((token, rest)) = tokens.split_first() else {
        match value {
            Json::Null => {}
            Json::Array(values) => values.iter().for_each(|value| found("", value)),
            value => found(key, value),
        }
        return;
    };
    let token = token.replace("~1", "/").replace("~0", "~");
    match value {
        Json::Object(map) if token == "*" => {
            map.iter().for_each(|(key, value)| walk(value, rest, key, found));
        }
        Json::Array(values) if token == "*" => values.iter().for_each(|value| walk(value, rest, "", found)),
        Json::Object(map) => {
            if let Some(value) = map.get(&token) {
                walk(value, rest, &token, found);
            }
        }
        Json::Array(values) => {
            if let Some(value) = token.parse::<usize>().ok().and_then(|index| values.get(index)) {
                walk(value, rest, "", found);
            }
        }
        _ => {}
    }
}
