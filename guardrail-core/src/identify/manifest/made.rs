//! What a script itself leaves in files that it then hands on as documents: texts that it prints, copies of
//! other files, and what nobody can know. Each writer counts by itself: what one of them is known to write
//! says nothing of the others.

use std::borrow::Cow;

use bumpalo::Bump;
use guardrail_schema::{EffectKind, Leaves, Prints, Role, Scope};

use super::path::Path;
use super::source::{Wanted, printed_files};
use crate::identify::Identifier;
use crate::identify::call::{Argument, Call, Given, Standing, Unknown};
use crate::identify::language::Act;
use crate::lower::{FileName, Input, Invocation, Place, RedirectKind, Resolution, SourceId, Template, Word};
use crate::shell::Span;

/// Texts that are kept of one file.
const MOST_TEXTS: usize = 16;

/// Bytes that are kept of one text.
const MOST_BYTES: usize = 1 << 20;

/// A file that something in the script writes.
#[derive(Clone)]
pub(in crate::identify) struct Write<'a> {
    path: Path<'a>,
    /// Whether all of its name is known.
    exact: bool,
    name: FileName,
    manner: Manner,
    left: Left<'a>,
}

/// How a write meets what stood in the file before.
#[derive(Clone, Copy)]
enum Manner {
    /// By a redirection that takes its place, unless it was opened there already.
    Instead((SourceId, Span)),
    /// By one that goes on behind it.
    Behind((SourceId, Span)),
    /// By a program, or in a way of which nobody knows how.
    Somehow,
}

/// What a write leaves.
#[derive(Clone, Default)]
struct Left<'a> {
    texts: Vec<Template<'a>>,
    /// Files of which it is a copy, each with who reads it.
    sources: Vec<(Invocation<'a>, Word<'a>)>,
    rest: Rest,
}

/// What it leaves beside that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rest {
    #[default]
    Nothing,
    /// What stood there, with changes.
    Changes,
    Anything,
}

/// All that a script leaves in one file.
#[derive(Default)]
pub(super) struct Made<'a> {
    /// What may stand in it at one time or another.
    pub(super) texts: Vec<Template<'a>>,
    pub(super) sources: Vec<(Invocation<'a>, Word<'a>)>,
    /// Something else is written to it.
    pub(super) unknown: bool,
    /// What stands in it is changed.
    pub(super) changed: bool,
    /// Bytes that were put together to know this.
    pub(super) bytes: usize,
}

impl<'a, 'k> Identifier<'a, 'k> {
    /// Every write of the script to a file.
    pub(super) fn all_writes(&self) -> Vec<Write<'a>> {
        let mut writes = Vec::new();
        let mut calls = self.calls.iter().peekable();
        for (index, invocation) in self.lowerer.program.invocations.iter().enumerate() {
            let mut own: Vec<&Call<'a, 'k>> = Vec::new();
            while let Some(call) = calls.next_if(|call| call.invocation.0 as usize <= index) {
                own.push(call);
            }
            self.redirections(&mut writes, invocation, &own);
            for call in own {
                self.written_by(&mut writes, invocation, call);
            }
        }
        writes
    }

    fn write(&self, by: &Invocation<'a>, word: Word<'a>, manner: Manner, left: Left<'a>) -> Write<'a> {
        Write {
            path: Path::of(self.attachments.cwd, &by.directory, &word),
            exact: word.as_known().is_some(),
            name: FileName::of(&word, &by.directory, self.lowerer.roots()),
            manner,
            left,
        }
    }

    /// What goes to files by redirection.
    fn redirections(&self, writes: &mut Vec<Write<'a>>, by: &Invocation<'a>, calls: &[&Call<'a, 'k>]) {
        // What a function prints, the commands in it do.
        if by.resolution == Resolution::Function {
            return;
        }
        let mut printed: Option<Left<'a>> = None;
        for redirect in by.redirects.iter().filter(|redirect| redirect.kind.writes()) {
            let mut left = printed.get_or_insert_with(|| self.prints(by, calls)).clone();
            let place = (redirect.source, redirect.span);
            let manner = match redirect.kind {
                RedirectKind::Append => Manner::Behind(place),
                RedirectKind::Write => Manner::Instead(place),
                // Over what stands there.
                _ => Manner::Somehow,
            };
            let output = redirect.both || redirect.descriptor == Some(1);
            if !output || matches!(manner, Manner::Somehow) {
                left.rest = Rest::Anything;
            }
            for target in redirect.targets() {
                writes.push(self.write(by, target, manner, left.clone()));
            }
        }
    }

    /// What a command prints.
    fn prints(&self, by: &Invocation<'a>, calls: &[&Call<'a, 'k>]) -> Left<'a> {
        if let Some(text) = self.lowerer.printed(by) {
            return Left { texts: vec![text], ..Left::default() };
        }
        let output = self.lowerer.output_of(by);
        let number = |call: &&Call<'a, 'k>| call.prints == Some(Prints::Number);
        let plain = |text: &'a [u8]| Template { text, lines: false };
        let mut left = Left { texts: output.texts.into_iter().map(plain).collect(), ..Left::default() };
        if output.exact || (!calls.is_empty() && calls.iter().all(number)) {
            return left;
        }
        let copied = match calls {
            [call] => printed_files(call),
            _ => None,
        };
        match copied {
            Some(words) if words.is_empty() => return self.input_of(by),
            Some(words) => left.sources.extend(words.into_iter().map(|word| (*by, word))),
            None => {
                left.rest = Rest::Anything;
                let read = calls.iter().flat_map(|call| sources(call, None));
                left.sources.extend(read.map(|word| (*by, word)));
            }
        }
        left
    }

    /// What goes to the files that the words of a call name.
    fn written_by(&self, writes: &mut Vec<Write<'a>>, by: &Invocation<'a>, call: &Call<'a, 'k>) {
        let leaves = call.command.and_then(|command| command.leaves);
        if leaves == Some(Leaves::Content) || call.rehearsal {
            return;
        }
        for argument in call.arguments.iter().filter(|argument| *argument.role == Role::Write) {
            let mut left = match leaves {
                Some(Leaves::Content | Leaves::Copies) => Left::default(),
                Some(Leaves::Input) | None => self.input_of(by),
            };
            let sources: Vec<Word<'a>> = sources(call, Some(argument.name)).collect();
            if leaves.is_none() {
                // It changes a file where it stands, unless it is given what it writes.
                let given = !sources.is_empty() || matches!(by.stdin, Input::Channel(_) | Input::File(_));
                left.rest = if given { Rest::Anything } else { Rest::Changes };
            }
            let maybe = argument.word.maybe.iter().map(|text| Word::known(text, argument.word.span));
            for target in std::iter::once(argument.word).chain(maybe) {
                let write = self.write(by, target, Manner::Somehow, left.clone());
                for source in &sources {
                    let mut one =
                        Write { left: Left { rest: left.rest, ..Left::default() }, ..write.clone() };
                    one.left.sources.push((*by, *source));
                    // It may be a directory.
                    if let Some(leaf) = Path::of(None, &by.directory, source).parts.last() {
                        let mut below = one.clone();
                        below.path.parts.push(leaf);
                        below.name = below.name.join(leaf);
                        writes.push(below);
                    }
                    writes.push(one);
                }
                if sources.is_empty() && leaves != Some(Leaves::Copies) {
                    writes.push(write);
                }
            }
        }
        let anything = |rest| Left { rest, ..Left::default() };
        for (effect, _) in &call.effects {
            let local = effect.scope.unwrap_or(call.scope) == Scope::Local;
            if let (Some(EffectKind::Write), true, Some(target)) = (effect.kind, local, &effect.target) {
                for word in call.facet(target) {
                    writes.push(self.write(by, word, Manner::Somehow, anything(Rest::Changes)));
                }
            }
        }
        for act in &call.found {
            if let Act::Write(Some(path)) = &act.found.act {
                let path: &'a [u8] = match path {
                    Cow::Borrowed(path) => path,
                    Cow::Owned(path) => self.arena.alloc_slice_copy(path),
                };
                let word = Word::known(path, act.span);
                writes.push(self.write(by, word, Manner::Somehow, anything(Rest::Anything)));
            }
        }
    }

    /// What comes in on standard input.
    fn input_of(&self, by: &Invocation<'a>) -> Left<'a> {
        let mut left = Left::default();
        match by.stdin {
            Input::Text(word) => {
                let known = self.lowerer.known_text(&word);
                left.texts.extend(known);
                left.texts.extend(word.maybe.iter().map(|text| Template { text, lines: false }));
                left.rest = if known.is_some() { Rest::Nothing } else { Rest::Anything };
            }
            Input::Channel(channel) => {
                let (texts, whole) = self.lowerer.channel_templates(channel);
                let copied = if whole { None } else { self.copied_into(channel) };
                match copied {
                    Some((from, words)) if !words.is_empty() => {
                        left.sources.extend(words.into_iter().map(|word| (from, word)));
                    }
                    _ => {
                        left.texts = texts;
                        left.rest = if whole { Rest::Nothing } else { Rest::Anything };
                    }
                }
            }
            Input::File(word) => left.sources.push((*by, word)),
            Input::Inherited => left.rest = Rest::Anything,
            Input::Empty => {}
        }
        left
    }

    /// What all writes together leave in a file.
    pub(super) fn made_of(&self, writes: &[Write<'a>], wanted: &Wanted<'_, '_>, name: &FileName) -> Made<'a> {
        let mut made = Made::default();
        let mut last = None;
        for write in writes {
            if !wanted.is_written(write, name) {
                made.sources.extend(wanted.moved(self.arena, write));
                continue;
            }
            let (goes_on, place) = match write.manner {
                Manner::Instead(place) => (last == Some(place), Some(place)),
                Manner::Behind(place) => (true, Some(place)),
                Manner::Somehow => (false, None),
            };
            last = place;
            for text in &write.left.texts {
                self.take(&mut made, *text, goes_on);
            }
            made.sources.extend_from_slice(&write.left.sources);
            made.unknown |= write.left.rest == Rest::Anything;
            made.changed |= write.left.rest == Rest::Changes;
        }
        made
    }

    /// Whether something that `of` does not stand before changes files that no word of it names: it unpacks,
    /// checks out, or runs what nobody has seen.
    pub(super) fn may_be_replaced(&self, wanted: &Wanted<'_, '_>, of: &Invocation<'a>) -> bool {
        let program = &self.lowerer.program;
        let first = |invocation: &Invocation<'a>| {
            let mut invocation = *invocation;
            while let Some(&parent) = invocation.parent.and_then(|id| program.invocation(id)) {
                invocation = parent;
            }
            (invocation.source, invocation.span)
        };
        let reader = first(of);
        let again = |by: &Invocation<'_>| {
            let context = by.context;
            context.in_loop.is_some() || context.background || context.deferred || context.uncalled
        };
        self.calls.iter().any(|call| {
            let Some(by) = program.invocation(call.invocation).filter(|by| by.place == Place::Here) else {
                return false;
            };
            if by.span == of.span && by.source == of.source {
                return false;
            }
            let writer = first(by);
            let behind = writer.0 == reader.0 && writer.1.start > reader.1.start;
            (!behind || again(by) || again(of)) && self.replaces_files(call, by, wanted)
        })
    }

    fn replaces_files(&self, call: &Call<'a, 'k>, by: &Invocation<'a>, wanted: &Wanted<'_, '_>) -> bool {
        let leaves = call.command.and_then(|command| command.leaves);
        if leaves == Some(Leaves::Content) || call.rehearsal {
            return false;
        }
        // Of code that is not followed, what it says that it writes is taken for what it writes.
        let acts = call.found.iter().map(|act| &act.found.act);
        let unseen = !matches!(call.standing, Standing::Known | Standing::Nothing)
            || call.unknown.iter().any(|(unknown, _)| *unknown == Unknown::Code)
            || acts.clone().any(|act| matches!(act, Act::Write(None)))
            || (acts.clone().any(|act| *act == Act::Opaque)
                && !acts.clone().any(|act| matches!(act, Act::Write(_))))
            || !call.feeds.is_empty();
        let around = |word: Word<'a>| {
            let path = Path::of(self.attachments.cwd, &by.directory, &word);
            let known = path.rooted && wanted.path.rooted && word.as_known().is_some();
            !known
                || (wanted.path.parts.len() > path.parts.len() && wanted.path.parts.starts_with(&path.parts))
        };
        let stated = || {
            call.effects.iter().any(|(effect, _)| {
                let here = matches!(effect.scope.unwrap_or(call.scope), Scope::Local | Scope::Repository);
                let target = || effect.target.as_ref().map(|target| call.facet(target));
                here && match effect.kind {
                    Some(EffectKind::Execute) => true,
                    Some(EffectKind::Write) => {
                        let mut words = target().into_iter().flatten().peekable();
                        words.peek().is_none() || words.any(around)
                    }
                    _ => false,
                }
            })
        };
        let named = || {
            call.arguments.iter().any(|argument| match argument.role {
                Role::Script(_) => true,
                Role::Write if leaves.is_none() => {
                    argument.word.as_known().is_some() && around(argument.word)
                }
                _ => false,
            })
        };
        unseen || stated() || named()
    }

    /// Takes in a text: behind each that may stand there, or in its place.
    fn take(&self, made: &mut Made<'a>, text: Template<'a>, goes_on: bool) {
        if !goes_on || made.texts.is_empty() {
            return keep(made, text);
        }
        for at in 0..made.texts.len() {
            let Some(&old) = made.texts.get(at) else { break };
            if old.text.len() + text.text.len() > MOST_BYTES {
                made.unknown = true;
                continue;
            }
            let longer: &'a [u8] = self.arena.alloc_slice_copy(&[old.text, text.text].concat());
            made.bytes += longer.len();
            let longer = Template { text: longer, lines: old.lines || text.lines };
            match made.texts.get_mut(at) {
                // Whoever read it before has read these lines.
                Some(old) if old.text.ends_with(b"\n") => *old = longer,
                _ => keep(made, longer),
            }
        }
    }
}

fn keep<'a>(made: &mut Made<'a>, text: Template<'a>) {
    if made.texts.iter().any(|known| known.text == text.text) {
        return;
    }
    made.bytes += text.text.len();
    match made.texts.len() < MOST_TEXTS {
        true => made.texts.push(text),
        false => made.unknown = true,
    }
}

impl Wanted<'_, '_> {
    /// Whether a write may be to this file, or to one of this directory's.
    fn is_written(&self, write: &Write<'_>, name: &FileName) -> bool {
        if write.exact && self.path.rooted {
            return self.holds(&write.path);
        }
        let below = || {
            let rest = write.name.as_bytes().strip_prefix(name.as_bytes());
            rest.is_some_and(|rest| rest.first() == Some(&b'/')) && self.reads(write.name.leaf())
        };
        name.may_be(&write.name) || below()
    }

    /// Where this file was before a directory around it was copied or moved to where it is.
    fn moved<'a>(&self, arena: &'a Bump, write: &Write<'a>) -> Option<(Invocation<'a>, Word<'a>)> {
        let [(by, source)] = write.left.sources.as_slice() else { return None };
        let around = write.path.parts.as_slice();
        let rest = self.path.parts.strip_prefix(around).filter(|rest| !rest.is_empty())?;
        let text = [source.as_known()?, &rest.join(&b'/')].join(&b'/');
        let known = write.exact && write.path.rooted && self.path.rooted;
        known.then(|| (*by, Word::known(arena.alloc_slice_copy(&text), source.span)))
    }
}

/// What a call reads, for what it writes to `target`: where it has another operand that it writes, that may be
/// the one that goes there.
fn sources<'c, 'a>(
    call: &'c Call<'a, '_>,
    target: Option<&'c str>,
) -> impl Iterator<Item = Word<'a>> + use<'c, 'a> {
    let reads = move |argument: &&Argument<'a, '_>| match argument.role {
        Role::Read | Role::Delete => true,
        Role::Write => argument.given == Given::Operand && target.is_some_and(|name| name != argument.name),
        _ => false,
    };
    call.arguments.iter().filter(reads).map(|argument| argument.word)
}
