//! `cd` and `pushd`: where the shell stands, as a path from where the request stands.

use crate::lower::environment::Found;
use crate::lower::lowerer::Lowerer;
use crate::lower::scope::join_path;
use crate::lower::{Lead, Value, Word};
use crate::shell::Span;

impl<'a> Lowerer<'a> {
    pub(super) fn change_directory(&mut self, arguments: &'a [Word<'a>], is_cd: bool) {
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
                self.directory_unknown();
            }
            return;
        };
        if operands.next().is_some() || target.splits || target.pattern.is_some() {
            self.directory_unknown();
            return;
        }
        match target.as_known() {
            Some(b"-") | Some(b"") => self.directory_unknown(),
            Some(path) if !is_cd && matches!(path.first(), Some(b'+' | b'-')) => self.directory_unknown(),
            // With CDPATH a plain name may lead anywhere.
            Some(path) if self.searches_directories(path) => self.directory_unknown(),
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
        self.state.directory = Word::unknown(self.state.directory.span);
    }

    pub(super) fn go_to(&mut self, target: &Word<'a>) {
        self.moves += 1;
        let here = self.state.directory;
        let span = target.span;
        self.state.directory = match (target.as_known(), here.value) {
            (Some(path), _) if path.first() == Some(&b'/') => {
                Word::known(self.arena.alloc_slice_copy(&join_path(b"", path)), span)
            }
            (Some(path), Value::Known(here)) => {
                Word::known(self.arena.alloc_slice_copy(&join_path(here, path)), span)
            }
            // Below a known place, or a place such as `~/x`: stay exact where no `..` leads out of it.
            (Some(path), Value::Partial { prefix, suffix })
                if here.from.is_empty() || here.lead != Lead::Text =>
            {
                let joined = join_path(b"", path);
                if joined.starts_with(b"..") {
                    Word { from: here.from, ..Word::unknown(span) }
                } else {
                    let suffix = [suffix, b"/", joined.as_slice()].concat();
                    let suffix: &'a [u8] = self.arena.alloc_slice_copy(&suffix);
                    Word { value: Value::Partial { prefix, suffix }, span, ..here }
                }
            }
            (Some(_), _) => Word { from: here.from, ..Word::unknown(span) },
            (None, _) => match target.value {
                Value::Partial { prefix, .. }
                    if target.lead != Lead::Text || prefix.first() == Some(&b'/') =>
                {
                    Word { splits: false, pattern: None, ..*target }
                }
                _ => Word { from: target.from, ..Word::unknown(span) },
            },
        };
    }
}
