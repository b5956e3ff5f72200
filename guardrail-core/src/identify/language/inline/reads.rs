//! Calls that read a file or ask an address, and say nothing else.

use std::borrow::Cow;

use super::super::Act;
use super::check::Checker;
use super::dialect::Syntax;
use super::lex::{Lexed, Token, Unreadable};
use super::names::Constant;
use super::shape::{arguments, each_argument, matching, reads_only};

/// What is said to the readers of tables besides the file.
const TABLE_OPTIONS: &[&[u8]] = &[
    b"chunksize",
    b"columns",
    b"comment",
    b"compression",
    b"data_only",
    b"date_format",
    b"dayfirst",
    b"decimal",
    b"delimiter",
    b"dtype",
    b"engine",
    b"escapechar",
    b"has_header",
    b"header",
    b"index_col",
    b"infer_schema_length",
    b"keep_default_na",
    b"lines",
    b"low_memory",
    b"max_rows",
    b"memory_map",
    b"n_rows",
    b"na_filter",
    b"na_values",
    b"names",
    b"nrows",
    b"on_bad_lines",
    b"orient",
    b"parse_dates",
    b"quotechar",
    b"quoting",
    b"read_only",
    b"sep",
    b"separator",
    b"sheet_name",
    b"skip_header",
    b"skipfooter",
    b"skipinitialspace",
    b"skiprows",
    b"thousands",
    b"try_parse_dates",
    b"usecols",
];

/// What is said to Ruby's readers besides the file.
const RUBY_OPTIONS: &[&[u8]] = &[
    b"aliases",
    b"chomp",
    b"col_sep",
    b"converters",
    b"header_converters",
    b"headers",
    b"liberal_parsing",
    b"quote_char",
    b"return_headers",
    b"row_sep",
    b"skip_blanks",
    b"skip_lines",
    b"strip",
    b"symbolize_names",
];

impl<'t> Checker<'t> {
    /// The arguments of a call that reads a file, if that is all it does. They are checked as any
    /// tokens are.
    pub(super) fn reads(&mut self, rest: &[Lexed<'t>], start: usize) -> Result<usize, Unreadable> {
        let (arguments, options) = arguments(rest)?;
        let says_how =
            options.is_none_or(|options| each_argument(options).all(|option| self.only_reads(option)));
        if says_how && self.dialect.syntax == Syntax::Python && self.is_opened(arguments) {
            return Ok(0);
        }
        if arguments.is_empty() || !says_how {
            return Err(Unreadable);
        }
        // `*names`, `file=...`, and what two names stand for.
        let odd = |one: &Lexed<'_>| matches!(one.token, Token::Mark(b'|' | b'=') | Token::Operator);
        if matches!(arguments, [Lexed { token: Token::Mark(b'*'), .. }, ..]) || arguments.iter().any(odd) {
            return Err(Unreadable);
        }
        let path = match arguments {
            [Lexed { token: Token::Number, .. }] => Some(&b"/dev/stdin"[..]),
            [Lexed { token: Token::Name(name), .. }] => {
                return self.reads_named(name, start, arguments.last());
            }
            [Lexed { token, .. }] if self.constant(*token).is_some() => self.constant(*token),
            _ => {
                let paths = match self.dialect.syntax {
                    Syntax::Python => self.names.paths_of(self.dialect, arguments),
                    _ => None,
                };
                if let Some(paths) = paths {
                    // Readers of tables ask addresses.
                    if paths.iter().any(|path| is_address(path)) {
                        return Err(Unreadable);
                    }
                    for path in paths {
                        self.push(Act::Read(Some(Cow::Owned(path))), start, arguments.last());
                    }
                    return Ok(0);
                }
                None
            }
        };
        // Other schemes open connections, and a pipe starts a program.
        let plain = match path {
            Some(path) => {
                path.starts_with(b"php://stdin") || !is_address(path) && path.first() != Some(&b'|')
            }
            None => self.dialect.syntax == Syntax::Python || self.dialect.syntax == Syntax::JavaScript,
        };
        if !plain {
            return Err(Unreadable);
        }
        if !path.is_some_and(|path| matches!(path, b"/dev/stdin" | b"php://stdin")) {
            self.push(Act::Read(path.map(Cow::Borrowed)), start, arguments.last());
        }
        Ok(0)
    }

    /// `load(open('x'))`, `read_csv(sys.stdin)`: what is opened is seen where that is.
    fn is_opened(&self, argument: &[Lexed<'t>]) -> bool {
        let given = |name: &[u8]| !self.names.bound.contains(&name);
        match argument {
            [
                Lexed { token: Token::Name(b"open"), .. },
                Lexed { token: Token::Mark(b'('), .. },
                inside @ ..,
            ] => given(b"open") && matching(inside) == inside.len().checked_sub(1),
            [
                Lexed { token: Token::Name(b"sys"), .. },
                Lexed { token: Token::Mark(b'.'), .. },
                Lexed { token: Token::Name(b"stdin"), .. },
            ]
            | [
                Lexed { token: Token::Name(b"sys"), .. },
                Lexed { token: Token::Mark(b'.'), .. },
                Lexed { token: Token::Name(b"stdin"), .. },
                Lexed { token: Token::Mark(b'.'), .. },
                Lexed { token: Token::Name(b"buffer"), .. },
            ] => given(b"sys"),
            _ => false,
        }
    }

    /// Whether an argument says nothing but how a file is read.
    fn only_reads(&self, option: &[Lexed<'t>]) -> bool {
        match option {
            [Lexed { token, .. }] => self.constant(*token).is_some_and(reads_only),
            [
                Lexed { token: Token::Name(b"encoding" | b"errors" | b"newline"), .. },
                Lexed { token: Token::Mark(b'=' | b':'), .. },
                Lexed { token: Token::Text(_) | Token::Template(_) | Token::Name(b"None"), .. },
            ] => true,
            // `headers: true`
            [Lexed { token: Token::Name(name), .. }, Lexed { token: Token::Mark(b':'), .. }, value]
                if self.dialect.syntax == Syntax::Ruby && RUBY_OPTIONS.contains(name) =>
            {
                matches!(
                    value.token,
                    Token::Text(_)
                        | Token::Template(_)
                        | Token::Number
                        | Token::Symbol(_)
                        | Token::Name(b"true" | b"false" | b"nil")
                )
            }
            [Lexed { token: Token::Name(name), .. }, Lexed { token: Token::Mark(b'='), .. }, _, ..]
                if self.dialect.syntax == Syntax::Python && TABLE_OPTIONS.contains(name) =>
            {
                true
            }
            [
                Lexed { token: Token::Name(b"mmap_mode"), .. },
                Lexed { token: Token::Mark(b'='), .. },
                Lexed { token: Token::Text(b"r" | b"c"), .. },
            ] => true,
            // The other value runs what the file holds.
            [
                Lexed { token: Token::Name(b"allow_pickle"), .. },
                Lexed { token: Token::Mark(b'='), .. },
                Lexed { token: Token::Name(b"False"), .. },
            ] => true,
            [
                Lexed { token: Token::Name(b"mode"), .. },
                Lexed { token: Token::Mark(b'='), .. },
                Lexed { token, .. },
            ] => self.constant(*token).is_some_and(reads_only),
            [
                Lexed { token: Token::Mark(b'{'), .. },
                Lexed { token: Token::Name(b"encoding"), .. },
                Lexed { token: Token::Mark(b':'), .. },
                Lexed { token: Token::Text(_), .. },
                Lexed { token: Token::Mark(b'}'), .. },
            ] => true,
            _ => false,
        }
    }

    /// `path.open()`, where nothing is said but how the file is read.
    pub(super) fn opens(&self, rest: &[Lexed<'t>]) -> bool {
        let Ok((first, others)) = arguments(rest) else { return false };
        let first = if first.is_empty() { None } else { Some(first) };
        first
            .into_iter()
            .chain(others.into_iter().flat_map(each_argument))
            .all(|option| self.only_reads(option))
    }

    /// The arguments of a call that asks an address, if the text says all of it, and nothing but a time
    /// to wait is said besides.
    pub(super) fn fetches(&mut self, rest: &[Lexed<'t>], start: usize) -> Result<usize, Unreadable> {
        let (address, options) = arguments(rest)?;
        let waits = |options: &[Lexed<'t>]| {
            matches!(
                options,
                [
                    Lexed { token: Token::Name(b"timeout"), .. },
                    Lexed { token: Token::Mark(b'='), .. },
                    Lexed { token: Token::Number, .. },
                ]
            )
        };
        match address {
            [Lexed { token: Token::Text(url), .. }] if !url.contains(&b'\\') && options.is_none_or(waits) => {
                self.push(Act::Fetch(url), start, address.last());
                Ok(0)
            }
            _ => Err(Unreadable),
        }
    }

    /// A file whose name a name holds.
    fn reads_named(
        &mut self,
        name: &[u8],
        start: usize,
        last: Option<&Lexed<'t>>,
    ) -> Result<usize, Unreadable> {
        let known = self.names.constant(name).is_some();
        if !known && !matches!(self.dialect.syntax, Syntax::Python | Syntax::JavaScript) {
            return Err(Unreadable);
        }
        match self.names.constant(name).cloned() {
            Some(Constant::Texts(texts)) => {
                if texts.iter().any(|text| is_address(text)) {
                    return Err(Unreadable);
                }
                for text in texts {
                    self.push(Act::Read(Some(Cow::Owned(text))), start, last);
                }
            }
            Some(Constant::Path(path)) => self.push(Act::Read(Some(Cow::Borrowed(path))), start, last),
            Some(Constant::Found(pattern)) => self.push(Act::Read(Some(Cow::Owned(pattern))), start, last),
            Some(Constant::Entry) => self.push(Act::Read(Some(Cow::Borrowed(b"*"))), start, last),
            Some(Constant::Entries | Constant::Table) | None => self.push(Act::Read(None), start, last),
        }
        Ok(0)
    }
}

/// Not a path, but something of a network.
fn is_address(path: &[u8]) -> bool {
    path.windows(3).any(|part| part == b"://")
}

/// Whether Python's list of arguments stays what it is: each time it is named, one of them is handed to a call
/// or to a name, or a loop goes through them.
pub(super) fn only_looks_at_arguments(text: &[u8]) -> bool {
    const LIST: &[u8] = b"argv";
    let places = text.windows(LIST.len()).enumerate().filter(|(_, part)| *part == LIST).map(|(at, _)| at);
    places.into_iter().all(|at| {
        let (before, behind) =
            (text.get(..at).unwrap_or_default(), text.get(at + LIST.len()..).unwrap_or_default());
        let before = before.strip_suffix(b"sys.").unwrap_or(before);
        let Some(inside) = behind.strip_prefix(b"[") else {
            return before.strip_suffix(b"len(").is_some_and(|before| !ends_in_name(before))
                && behind.starts_with(b")");
        };
        let digits = inside.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (all, behind) = match inside.get(digits..) {
            Some([b']', behind @ ..]) => (false, behind),
            Some([b':', b']', behind @ ..]) => (true, behind),
            _ => return false,
        };
        let next = behind.iter().find(|byte| **byte != b' ');
        match before.trim_ascii_end() {
            _ if digits == 0 => false,
            // `for (sys.argv[1], x) in` binds it.
            [before @ .., b'('] if calls(before) => matches!(next, Some(b')' | b',')),
            [.., b'='] => matches!(next, None | Some(b';' | b'\n')),
            [.., b' ', b'i', b'n'] if all => matches!(next, Some(b':' | b']' | b')' | b'f' | b'i')),
            _ => false,
        }
    })
}

fn ends_in_name(text: &[u8]) -> bool {
    text.last().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | 0x80..))
}

/// Whether a name ends there that an opening bracket calls.
fn calls(before: &[u8]) -> bool {
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'_' | 0x80..);
    let length = before.iter().rev().take_while(is_name).count();
    let name = before.get(before.len() - length..).unwrap_or_default();
    matches!(
        name,
        b"open"
            | b"Path"
            | b"len"
            | b"int"
            | b"str"
            | b"float"
            | b"print"
            | b"load"
            | b"parse"
            | b"ZipFile"
            | b"reader"
    ) || name.starts_with(b"read_")
}

#[cfg(test)]
mod tests {
    use super::only_looks_at_arguments;
    use crate::identify::language::Act;
    use crate::identify::language::read;

    fn paths(text: &str) -> Vec<String> {
        read(guardrail_schema::Language::Python, text.as_bytes(), &[b"a.txt"])
            .iter()
            .filter_map(|found| match &found.act {
                Act::Read(path) => {
                    Some(path.as_ref().map_or("?".into(), |path| String::from_utf8_lossy(path).into_owned()))
                }
                Act::Opaque => Some("opaque".to_owned()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_file_named_by_an_argument_is_that_file() {
        for text in [
            "import sys; print(open(sys.argv[1]).read(), len(sys.argv))",
            "import sys, json; print(json.load(open(sys.argv[1])))",
            "from sys import argv; print(open(argv[1], encoding='utf-8').read())",
            "import sys\nfor p in sys.argv[1:]:\n    print(open(p).read())",
            "import sys; p = sys.argv[1]; print(open(p).read())",
        ] {
            let expected: &[&str] = if text.starts_with("from") { &["?"] } else { &["a.txt"] };
            assert_eq!(paths(text), expected, "{text}");
        }
    }

    #[test]
    fn a_list_of_arguments_that_changes_is_unknown() {
        for text in [
            "sys.argv[1] = '/etc/shadow'",
            "sys.argv.insert(1, '/etc/shadow')",
            "a = sys.argv",
            "sys.argv[1:] = ['/etc/shadow']",
            "for(sys.argv[1], b)in[('/etc/shadow', 1)]: pass",
            "for sys.argv[1] in ['/etc/shadow']: pass",
            "sys.argv[1], b = '/etc/shadow', 2",
            "(sys.argv[1]) = '/etc/shadow'",
            "p = sys.argv[1] = '/etc/shadow'",
            "with open('x') as(sys.argv[1]): pass",
            "sys.argv[-1] += '/../../etc/shadow'",
        ] {
            assert!(!only_looks_at_arguments(text.as_bytes()), "{text}");
            let read = paths(&format!("import sys\n{text}\nprint(open(sys.argv[1]).read())"));
            assert!(!read.contains(&"a.txt".to_owned()), "{text}: {read:?}");
        }
    }

    #[test]
    fn opened_paths_are_read_and_nothing_else() {
        let text = |call: &str| format!("from pathlib import Path\nprint(Path('a').{call}.read())");
        assert_eq!(paths(&text("open()")), ["a"]);
        assert_eq!(paths(&text("open(encoding='utf-8')")), ["a"]);
        for call in ["open('w')", "open(mode='a')", "open(m)", "open(opener=f)"] {
            assert!(paths(&text(call)).contains(&"opaque".to_owned()), "{call}");
        }
    }
}
