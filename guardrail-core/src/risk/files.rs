//! Files that a script writes and reads again, so that what flows into one is followed out of it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Bound;

use guardrail_schema::{EffectKind, Mark, Role, Scope};

use super::flow;
use crate::effect::{Analysis, Code, Effect, Target};
use crate::identify::is_trusted_directory;
use crate::lower::{FileName, Input, Invocation, InvocationId, Value, Word};

/// Every mention of a file that matters to flows.
#[derive(Debug)]
pub(crate) struct Files {
    writes: Vec<Write>,
    reads: Vec<Read>,
    /// The writes of each invocation: places among them.
    by_writer: BTreeMap<u32, Vec<usize>>,
    /// The writes to where programs are searched, by the names of the programs.
    installed: BTreeMap<Vec<u8>, Vec<usize>>,
    /// The reads by the bytes of an exact name.
    by_name: BTreeMap<Vec<u8>, Vec<usize>>,
    /// The reads whose names are not exact.
    loose: Vec<usize>,
    /// How many names may still be compared one by one.
    budget: Cell<u32>,
}

#[derive(Debug)]
struct Write {
    name: FileName,
    /// A directory that holds more than what is written here.
    whole: bool,
}

#[derive(Debug)]
struct Read {
    name: FileName,
    invocation: u32,
}

/// How what was written meets what is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meets {
    /// Something was written to a directory around it, which also holds other things.
    Maybe,
    /// It is that file, or lies in what was written as a whole.
    Yes,
}

/// Names compared one by one; beyond that every file may be every other.
const BUDGET: u32 = 200_000;

impl Files {
    /// The files of a request; `None` where nothing is written, and so nothing flows through one.
    pub(super) fn of(analysis: &Analysis<'_, '_>) -> Option<Self> {
        let writes = |effect: &Effect<'_, '_>| effect.kind == EffectKind::Write && is_here(effect);
        if !analysis.effects.iter().any(writes) {
            return None;
        }
        let mut files = Self {
            writes: Vec::new(),
            reads: Vec::new(),
            by_writer: BTreeMap::new(),
            installed: BTreeMap::new(),
            by_name: BTreeMap::new(),
            loose: Vec::new(),
            budget: Cell::new(BUDGET),
        };
        for effect in &analysis.effects {
            let Some(invocation) = analysis.identified.program.invocation(effect.invocation) else {
                continue;
            };
            match (effect.kind, &effect.target) {
                (EffectKind::Write, Target::Path(word, location)) if is_here(effect) => {
                    let name = analysis.file(word, invocation);
                    files.writes_into(analysis, effect, name, location.whole);
                }
                (EffectKind::Write, Target::Nothing) if is_here(effect) => {
                    let here = analysis.file(&Word::known(b".", effect.span), invocation);
                    files.writes_unnamed(analysis, effect, &here);
                }
                // A move takes what it deletes along.
                (
                    EffectKind::Read | EffectKind::ReadSecret | EffectKind::Delete | EffectKind::NetworkOut,
                    Target::Path(word, _),
                ) => files.reads(analysis.file(word, invocation), effect.invocation),
                _ => {}
            }
        }
        for (index, invocation) in analysis.identified.program.invocations.iter().enumerate() {
            if let Input::File(word) = &invocation.stdin {
                files.reads(analysis.file(word, invocation), InvocationId(index as u32));
            }
        }
        Some(files)
    }

    /// How many writes there are.
    pub(super) const fn len(&self) -> usize {
        self.writes.len()
    }

    fn reads(&mut self, name: FileName, invocation: InvocationId) {
        let place = self.reads.len();
        if name.is_exact() {
            self.by_name.entry(name.as_bytes().to_vec()).or_default().push(place);
        } else {
            self.loose.push(place);
        }
        self.reads.push(Read { name, invocation: invocation.0 });
    }

    fn write(&mut self, effect: &Effect<'_, '_>, name: FileName, whole: bool) {
        let place = self.writes.len();
        self.by_writer.entry(effect.invocation.0).or_default().push(place);
        if name.above().next().is_some_and(is_trusted_directory) {
            self.installed.entry(name.leaf().to_vec()).or_default().push(place);
        }
        self.writes.push(Write { name, whole });
    }

    /// Into a directory that other things are in as well goes what the source is named.
    fn writes_into(
        &mut self,
        analysis: &Analysis<'_, '_>,
        effect: &Effect<'_, '_>,
        name: FileName,
        whole: bool,
    ) {
        let mut named = false;
        for source in sources(analysis, effect.invocation) {
            if whole {
                named = true;
                self.write(effect, name.join(&with_holes(source)), false);
            } else {
                // `-o 'x#1'` with `{a,b}` in the address.
                let leaf = with_holes(name.leaf());
                if let Some(above) = name.above().next().filter(|_| leaf != name.leaf()) {
                    self.write(effect, FileName::below(above, &leaf), false);
                }
            }
        }
        // A repository is the directory that it is cloned to.
        if named
            && analysis.identified.calls_of(effect.invocation).any(|call| call.scope == Scope::Repository)
        {
            named = false;
        }
        if !named {
            // What is unpacked in place loses its ending.
            if let Some((stem, _)) = split_ending(name.leaf()).filter(|_| !whole && effect.says.is_some())
                && let Some(above) = name.above().next()
            {
                let stem = FileName::below(above, stem);
                self.write(effect, stem, false);
            }
            self.write(effect, name, whole);
        }
    }

    /// The address names the file.
    fn writes_unnamed(&mut self, analysis: &Analysis<'_, '_>, effect: &Effect<'_, '_>, here: &FileName) {
        // The server names it.
        if effect.marks.has(Mark::All) {
            self.write(effect, here.clone(), false);
        }
        for source in sources(analysis, effect.invocation) {
            self.write(effect, here.join(&with_holes(source)), false);
            // What is fetched as a whole stands in a directory without the ending.
            if let Some((stem, _)) = split_ending(source) {
                self.write(effect, here.join(stem), false);
            }
        }
    }

    /// The writes of one invocation.
    pub(super) fn written_by(&self, invocation: InvocationId) -> &[usize] {
        self.by_writer.get(&invocation.0).map_or(&[], Vec::as_slice)
    }

    /// Every invocation that may read what a write leaves.
    pub(super) fn readers(&self, write: usize, each: &mut dyn FnMut(u32)) {
        let Some(write) = self.writes.get(write) else { return };
        let mut read = |places: &[usize]| {
            for place in places {
                self.reads.get(*place).into_iter().for_each(|read| each(read.invocation));
            }
        };
        let name = write.name.as_bytes();
        if write.name.is_exact() {
            self.by_name.get(name).into_iter().for_each(|places| read(places));
            for above in write.name.above() {
                self.by_name.get(above).into_iter().for_each(|places| read(places));
            }
            let below = [name, b"/"].concat();
            let range = (Bound::Excluded(below.as_slice()), Bound::Unbounded);
            for (_, places) in
                self.by_name.range::<[u8], _>(range).take_while(|(name, _)| name.starts_with(&below))
            {
                if !self.spend() {
                    break;
                }
                read(places);
            }
            for &place in &self.loose {
                if self.compare(place, &write.name) {
                    read(&[place]);
                }
            }
        } else {
            for place in 0..self.reads.len() {
                if self.compare(place, &write.name) {
                    read(&[place]);
                }
            }
        }
    }

    fn compare(&self, place: usize, name: &FileName) -> bool {
        !self.spend() || self.reads.get(place).is_some_and(|read| read.name.may_be(name))
    }

    fn spend(&self) -> bool {
        let left = self.budget.get();
        self.budget.set(left.saturating_sub(1));
        left > 0
    }

    /// Whether one of the writes that were reached is the file that is named, or has it inside.
    pub(super) fn meets(&self, reached: &[bool], name: &FileName, below: bool) -> Option<Meets> {
        let written = self.writes.iter().zip(reached).filter(|(_, reached)| **reached);
        let mut found = None;
        for (write, _) in written {
            if !self.spend() {
                return Some(Meets::Yes);
            }
            let meets = if write.name.may_be(name) || is_below(name, &write.name) {
                Some(if write.whole { Meets::Maybe } else { Meets::Yes })
            } else {
                (below && is_below(&write.name, name)).then_some(Meets::Yes)
            };
            found = found.max(meets);
            if found == Some(Meets::Yes) {
                break;
            }
        }
        found
    }

    /// Whether one of the writes that were reached is exactly that file.
    pub(super) fn holds(&self, reached: &[bool], name: &FileName) -> bool {
        let written = self.writes.iter().zip(reached).filter(|(_, reached)| **reached);
        written.into_iter().any(|(write, _)| !self.spend() || (!write.whole && write.name == *name))
    }

    /// Whether a program of that name was written to where programs are searched.
    pub(super) fn installs(&self, reached: &[bool], program: &[u8]) -> bool {
        let mut places = self.installed.get(program).into_iter().flatten();
        places.any(|place| reached.get(*place).copied().unwrap_or(false))
    }
}

/// Whether an effect is on files of this machine; a repository's are.
const fn is_here(effect: &Effect<'_, '_>) -> bool {
    matches!(effect.scope, Scope::Local | Scope::Repository)
}

/// Whether a name lies below a directory: both are known, or begin with the same unknown.
pub(super) fn is_below(name: &FileName, directory: &FileName) -> bool {
    name.as_bytes().strip_prefix(directory.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'/'))
}

/// The last pieces of the addresses and remote names that an invocation fetches from.
fn sources<'s>(
    analysis: &'s Analysis<'_, '_>,
    invocation: InvocationId,
) -> impl Iterator<Item = &'s [u8]> + 's {
    let effects = analysis.effects.iter().filter(move |effect| effect.invocation == invocation);
    let fetched =
        effects.filter(|effect| flow::is_network(effect)).filter_map(|effect| match &effect.target {
            Target::Address(word) | Target::Path(word, _) | Target::Name(word) => last_piece(word),
            _ => None,
        });
    let of_calls = analysis.identified.calls_of(invocation).flat_map(|call| &call.arguments);
    let addresses = of_calls.filter(|argument| matches!(argument.role, Role::Url | Role::Host));
    fetched.chain(addresses.filter_map(|argument| last_piece(&argument.word)))
}

/// A name that an address gives, with holes for what it stands for several of (`{a,b}`, `[1-3]`,
/// `#1`).
fn with_holes(name: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(name.len());
    let mut bytes = name.iter();
    while let Some(&byte) = bytes.next() {
        let close = match byte {
            b'{' => b'}',
            b'[' => b']',
            b'#' if bytes.as_slice().first().is_some_and(u8::is_ascii_digit) => {
                bytes.next();
                text.extend_from_slice(FileName::HOLE);
                continue;
            }
            byte => {
                text.push(byte);
                continue;
            }
        };
        bytes.by_ref().find(|byte| **byte == close);
        text.extend_from_slice(FileName::HOLE);
    }
    text
}

fn last_piece<'w>(word: &Word<'w>) -> Option<&'w [u8]> {
    let text = match word.value {
        _ if word.pattern.is_some() => word.pattern?,
        Value::Known(text) => text,
        Value::Partial { suffix, .. } => {
            suffix.iter().position(|b| *b == b'/').and_then(|at| suffix.get(at..))?
        }
        Value::Unknown => return None,
    };
    let end = text.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(text.len());
    let text = text.get(..end).unwrap_or_default();
    let text = text.strip_suffix(b"/").unwrap_or(text);
    text.rsplit(|byte| matches!(byte, b'/' | b':')).next().filter(|piece| !piece.is_empty())
}

fn split_ending(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = name.iter().rposition(|byte| *byte == b'.').filter(|&at| at > 0)?;
    name.split_at_checked(dot)
}

/// The file that an effect runs, where it runs one.
pub(super) fn run_by(
    analysis: &Analysis<'_, '_>,
    effect: &Effect<'_, '_>,
    invocation: &Invocation<'_>,
) -> Option<FileName> {
    if effect.kind != EffectKind::Execute {
        return None;
    }
    match &effect.target {
        Target::Path(word, _) | Target::Code(Code::Program(word, Some(_))) => {
            Some(analysis.file(word, invocation))
        }
        Target::Code(Code::Nameless) => invocation.words.first().map(|word| analysis.file(word, invocation)),
        _ => None,
    }
}
