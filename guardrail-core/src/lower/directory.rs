//! `cd` and `pushd`: where the shell stands, as a path from where the request stands.

use crate::lower::environment::{self, Binding, EVERYWHERE, Found, MOST_ORIGINS};
use crate::lower::lowerer::Lowerer;
use crate::lower::scope::join_path;
use crate::lower::{Lead, Origin, Value, Word};
use crate::shell::Span;

/// No system goes to a longer path (Linux's `PATH_MAX`): a directory below is not followed.
const LONGEST: usize = 4096;

/// How far a directory is followed that is one of many: nobody's lie deeper, and a longer one may be any.
const LONGEST_OF_MANY: usize = 512;

/// What holds the directories that `pushd` left.
const STACK: &[u8] = b"DIRSTACK";

impl<'a> Lowerer<'a> {
    /// `cd` and `pushd`: what the shell remembers of where it was stays known.
    pub(super) fn change_directory(&mut self, arguments: &'a [Word<'a>], is_cd: bool) {
        let before = self.working_directory(Span::default());
        self.seen.left = environment::union(self.arena, self.seen.left, self.traces(&before));
        if !is_cd {
            // `pushd -n` leaves nothing and still remembers.
            for word in arguments {
                self.seen.left = environment::union(self.arena, self.seen.left, self.traces(word));
            }
        }
        self.enter_directory(arguments, is_cd);
        self.state.stayed = false;
        self.arrived();
        self.remember(before);
    }

    /// Takes note of where the shell stands now.
    fn arrived(&mut self) {
        let here = self.directory_traces(&self.state.directory);
        self.entered = environment::union(self.arena, self.entered, here);
        self.seen.entered = environment::union(self.arena, self.seen.entered, here);
    }

    /// What is read now runs later, wherever the shell then stands.
    pub(super) fn moved_since(&mut self, entered: &'a [Origin<'a>]) {
        if entered != self.seen.entered {
            let before = self.directory_traces(&self.state.directory);
            let from = environment::union(self.arena, before, self.seen.entered);
            self.state.directory = Word { from, ..Word::unknown(self.state.directory.span) };
        }
    }

    /// What ran in a copy of this shell went there in this one.
    pub(super) fn moved_to(&mut self, directory: &Word<'a>) {
        self.moves += 1;
        let there = self.directory_traces(directory);
        self.entered = environment::union(self.arena, self.entered, there);
    }

    /// `popd`.
    pub(super) fn leave_directory(&mut self) {
        let before = self.working_directory(Span::default());
        self.directory_unknown();
        let stack = self.variable(STACK, Span::default()).value.from;
        self.state.directory.from = environment::union(self.arena, self.state.directory.from, stack);
        self.arrived();
        self.remember(before);
    }

    fn remember(&mut self, before: Word<'a>) {
        self.state.previous = Some(self.arena.alloc(before));
        // One that the script bound itself is bound anew.
        if let Found::Bound(_) = self.environments.lookup(self.state.environment, b"OLDPWD") {
            self.rebind(b"OLDPWD", Binding { exported: true, ..Binding::of(before) });
        }
    }

    fn enter_directory(&mut self, arguments: &'a [Word<'a>], is_cd: bool) {
        let mut operands = arguments.iter();
        let mut target = operands.next();
        while let Some(flag) = target.and_then(Word::as_known) {
            if flag == b"--" {
                target = operands.next();
                break;
            }
            if !flag.starts_with(b"-") || flag == b"-" || !flag.iter().skip(1).all(u8::is_ascii_alphabetic) {
                break;
            }
            // `pushd -n` stays where it is; not worth telling apart.
            if !is_cd {
                self.directory_unknown();
                return;
            }
            target = operands.next();
        }
        let Some(target) = target else {
            if is_cd {
                let home = self.variable(b"HOME", Span::default()).value;
                self.go_to(&home);
            } else {
                self.leave_directory();
            }
            return;
        };
        if operands.next().is_some() || target.splits || target.pattern.is_some() {
            let mut from = self.places_below(target);
            self.directory_unknown();
            // As if it were one word: else nobody goes there.
            if let (Value::Partial { prefix, suffix }, None) = (target.value, target.pattern)
                && prefix.first() == Some(&b'/')
            {
                let whole = self.arena.alloc_slice_copy(&[prefix, b"*", suffix].concat());
                from = self.with_files(from, Lead::Text, whole);
            }
            self.state.directory.from = from;
            return;
        }
        match target.as_known() {
            Some(b"-") if is_cd => {
                let old = self.variable(b"OLDPWD", target.span).value;
                if matches!(old.value, Value::Unknown) {
                    self.directory_unknown();
                    self.state.directory.from = old.from;
                } else {
                    self.go_to(&old);
                }
            }
            Some(b"") => self.directory_unknown(),
            Some(path) if !is_cd && matches!(path.first(), Some(b'+' | b'-')) => self.leave_directory(),
            // With CDPATH a plain name may lead anywhere.
            Some(path) if self.searches_directories(path) => {
                let around = self.variable(b"CDPATH", target.span).value;
                self.directory_unknown();
                let mut all = Vec::new();
                let led = match around.value {
                    Value::Known(text) => Some(text),
                    Value::Partial { suffix, .. } if around.lead != Lead::Text => Some(suffix),
                    _ => None,
                };
                for text in led.iter().chain(around.maybe) {
                    for directory in text.split(|byte| *byte == b':') {
                        all.extend_from_slice(directory);
                        all.push(b'/');
                        all.extend_from_slice(path);
                        all.push(b'\n');
                    }
                }
                let all = self.arena.alloc_slice_copy(&all);
                self.state.directory.from = self.with_files(around.from, around.lead, all);
            }
            _ => self.go_to(target),
        }
    }

    fn searches_directories(&self, path: &[u8]) -> bool {
        let plain = !matches!(path, [b'/', ..] | b"." | b".." | [b'.', b'/', ..] | [b'.', b'.', b'/', ..]);
        plain
            && matches!(
                self.environments.lookup(self.state.environment, b"CDPATH"),
                Found::Bound(binding) if binding.set
            )
    }

    pub(super) fn directory_unknown(&mut self) {
        self.moves += 1;
        let from = self.directory_traces(&self.state.directory);
        self.state.directory = Word { from, ..Word::unknown(self.state.directory.span) };
    }

    /// The places that a word may lead to from here.
    fn places_below(&self, target: &Word<'a>) -> &'a [Origin<'a>] {
        self.below(self.directory_traces(&self.state.directory), target)
    }

    /// The same from all that is in `above`.
    fn below(&self, above: &'a [Origin<'a>], target: &Word<'a>) -> &'a [Origin<'a>] {
        if above.is_empty() && target.maybe.is_empty() {
            return self.traces(target);
        }
        let mut all = Places::default();
        let mut relative: Vec<&'a [u8]> = Vec::new();
        for text in target.as_known().iter().chain(target.maybe) {
            if text.first() == Some(&b'/') {
                all.add(Origin::Files(Lead::Text, text));
            } else {
                relative.push(text);
            }
        }
        for origin in self.flowed(target) {
            match origin {
                Origin::Files(Lead::Text, paths) => {
                    for path in paths.split(|byte| *byte == b'\n').filter(|path| !path.is_empty()) {
                        if path.first() == Some(&b'/') {
                            all.add(Origin::Files(Lead::Text, path));
                        } else {
                            relative.push(path);
                        }
                    }
                }
                origin => all.add(*origin),
            }
        }
        if target.as_known().is_none() {
            // It may be a name of which nothing is known, or this very place.
            relative.extend([&b"."[..], b"*"]);
        }
        let climbs =
            self.around.context.in_loop.is_some() && relative.iter().any(|path| path.starts_with(b".."));
        if climbs {
            all.add(Origin::Files(Lead::Text, b"/"));
        }
        for origin in above {
            let Origin::Files(lead, paths) = origin else {
                all.add(*origin);
                continue;
            };
            for path in paths.split(|byte| *byte == b'\n') {
                for below in &relative {
                    // What lies in the request's own directory is judged by itself.
                    if path == b"." && *below == b"*" {
                        continue;
                    }
                    if all.is_full() {
                        break;
                    }
                    let joined = match *below {
                        b"." => path,
                        below => self.arena.alloc_slice_copy(&[path, b"/", below].concat()),
                    };
                    if joined.len() > LONGEST_OF_MANY {
                        all.add(EVERYWHERE);
                    } else {
                        all.add(Origin::Files(*lead, joined));
                    }
                }
            }
        }
        self.arena.alloc_slice_copy(&all.origins)
    }

    pub(super) fn go_to(&mut self, target: &Word<'a>) {
        self.moves += 1;
        let here = self.state.directory;
        let span = target.span;
        let reached = match (target.as_known(), here.value) {
            (Some(path), _) if path.first() == Some(&b'/') => {
                Word::known(self.arena.alloc_slice_copy(&join_path(b"", path)), span)
            }
            (Some(path), Value::Known(base)) => {
                let reached = Word::known(self.arena.alloc_slice_copy(&join_path(base, path)), span);
                let from = if here.from.is_empty() { here.from } else { self.below(here.from, target) };
                Word { from, ..reached }
            }
            // Below a known place, or a place such as `~/x`: stay exact where no `..` leads out of it.
            (Some(path), Value::Partial { prefix, suffix })
                if here.from.is_empty() || here.lead != Lead::Text =>
            {
                let joined = join_path(b"", path);
                if joined.starts_with(b"..") {
                    Word { from: self.places_below(target), ..Word::unknown(span) }
                } else {
                    let suffix = [suffix, b"/", joined.as_slice()].concat();
                    let suffix: &'a [u8] = self.arena.alloc_slice_copy(&suffix);
                    let from = if here.from.is_empty() { here.from } else { self.below(here.from, target) };
                    Word { value: Value::Partial { prefix, suffix }, span, from, ..here }
                }
            }
            (Some(_), _) => Word { from: self.places_below(target), ..Word::unknown(span) },
            (None, _) => match target.value {
                Value::Partial { prefix, .. }
                    if target.lead != Lead::Text || prefix.first() == Some(&b'/') =>
                {
                    Word { splits: false, pattern: None, ..*target }
                }
                _ => Word { from: self.places_below(target), ..Word::unknown(span) },
            },
        };
        let long = match reached.value {
            Value::Known(path) => path.len() > LONGEST,
            Value::Partial { suffix, .. } => suffix.len() > LONGEST,
            Value::Unknown => false,
        };
        self.state.directory =
            if long { Word { from: reached.from, ..Word::unknown(span) } } else { reached };
    }
}

/// Places that a directory may be, each once: past a number of them it may be any.
#[derive(Default)]
struct Places<'a> {
    origins: Vec<Origin<'a>>,
}

impl<'a> Places<'a> {
    fn add(&mut self, origin: Origin<'a>) {
        if self.is_full() || self.origins.contains(&origin) {
            return;
        }
        let last = self.origins.len() + 1 == MOST_ORIGINS;
        self.origins.push(if last { EVERYWHERE } else { origin });
    }

    fn is_full(&self) -> bool {
        self.origins.len() >= MOST_ORIGINS
    }
}
