//! Python's attributes: parts of modules, and members of what they give out.

use std::borrow::Cow;

use super::super::Act;
use super::check::Checker;
use super::dialect::lists;
use super::lex::{Lexed, Token, Unreadable};
use super::names::Constant;
use super::shape::{argument_of, arguments, before, each_argument, is_mark, matching};
use super::tables::{aggregates, applies, pivot, pivots, prints};

impl<'t> Checker<'t> {
    /// A name that stands for a part of a module, with what is taken from it; says how many
    /// tokens behind it that is.
    pub(super) fn part(
        &mut self,
        mut path: Vec<u8>,
        tokens: &[Lexed<'t>],
        index: usize,
    ) -> Result<usize, Unreadable> {
        let rest = tokens.get(index + 1..).unwrap_or_default();
        let start = tokens.get(index).map_or(0, |one| one.at.start);
        if self.only_names(tokens, index) {
            return Ok(0);
        }
        let mut listed = None;
        let mut taken = 0;
        loop {
            let behind = rest.get(taken..).unwrap_or_default();
            if self.dialect.gives(&path) {
                listed = Some((taken, path.len()));
                if lists(self.dialect.readers, &path) {
                    // What stands at a place without a name may be more than how the file is read.
                    if !opens_streams(&path) && !names_options(behind) {
                        return Err(Unreadable);
                    }
                    return Ok(taken + self.reads(behind, start)?);
                }
                if path == b"sqlite3.connect" {
                    return Ok(taken + self.connects(behind, start)?);
                }
                if asks_address(&path) {
                    return Ok(taken + self.fetches(behind, start)?);
                }
            } else if taken > 0 && !self.dialect.holds(&path) {
                break;
            }
            let [Lexed { token: Token::Mark(b'.'), .. }, Lexed { token: Token::Name(name), .. }, next @ ..] =
                behind
            else {
                break;
            };
            taken += 2;
            // What every module says of itself.
            if matches!(*name, b"__version__" | b"__file__" | b"__name__" | b"__doc__" | b"VERSION") {
                let told = !matches!(
                    next.first().map(|one| one.token),
                    Some(Token::Mark(b'=' | b'(' | b':') | Token::Operator)
                );
                return if told { Ok(taken) } else { Err(Unreadable) };
            }
            if taken > 8 {
                break;
            }
            path.push(b'.');
            path.extend_from_slice(name);
        }
        let (listed, length) = listed.ok_or(Unreadable)?;
        path.truncate(length);
        let behind = rest.get(listed..).unwrap_or_default();
        let tame = match path.as_slice() {
            // What a module is made of stays what it is.
            _ if is_mark(behind, b'=') => false,
            // To find `a.b` is to load `a`.
            b"importlib.util.find_spec" => self.finds_module(behind),
            // What it gives out holds other functions, and an option makes it run annotations.
            b"inspect.signature" => {
                let Some(length) = self.looked_at(behind, false) else { return Err(Unreadable) };
                let called = argument_of(tokens, index, index + listed + length);
                let shown = |name: &[u8]| {
                    matches!(name, b"print" | b"str" | b"repr") && !self.names.bound.contains(&name)
                };
                match called.and_then(|at| tokens.get(at)).map(|one| one.token) {
                    Some(Token::Name(name)) if shown(name) => return Ok(listed + length),
                    _ => false,
                }
            }
            b"inspect.getdoc"
            | b"inspect.getfile"
            | b"inspect.getsource"
            | b"inspect.getsourcefile"
            | b"inspect.getsourcelines" => match self.looked_at(behind, true) {
                Some(length) => return Ok(listed + length),
                None => true,
            },
            // Other options name a module that is loaded.
            b"pandas.set_option" => sets_display(behind),
            // A name would be asked for, with what is in it.
            b"socket.getfqdn" => is_mark(behind, b'(') && is_mark(behind.get(1..).unwrap_or_default(), b')'),
            b"pandas.pivot_table" | b"pandas.crosstab" => tabulates(&self.names.bound, behind),
            b"psutil.process_iter" => names_attributes(behind),
            b"sys.path" => self.shown(tokens, index, behind),
            // `Path.replace(a, b)` renames, whatever name the class goes by.
            b"pathlib.Path" | b"pathlib.PosixPath" => self.makes_paths(tokens, index, behind),
            _ => true,
        };
        if tame { Ok(listed) } else { Err(Unreadable) }
    }

    /// `dir(module)`, `hasattr(module, 'name')`: only names of it are told.
    fn only_names(&self, tokens: &[Lexed<'t>], index: usize) -> bool {
        let token = |at: usize| index.checked_sub(at).and_then(|at| tokens.get(at)).map(|one| one.token);
        let rest = tokens.get(index + 1..).unwrap_or_default();
        let method = matches!(token(3), Some(Token::Mark(b'.') | Token::Name(b"def")));
        let given = |name: &[u8]| !self.names.bound.contains(&name);
        match (token(2), token(1), rest) {
            (Some(Token::Name(b"dir")), Some(Token::Mark(b'(')), rest) => {
                !method && given(b"dir") && is_mark(rest, b')')
            }
            (
                Some(Token::Name(b"hasattr")),
                Some(Token::Mark(b'(')),
                [
                    Lexed { token: Token::Mark(b','), .. },
                    Lexed { token: Token::Text(_), .. },
                    Lexed { token: Token::Mark(b')'), .. },
                    ..,
                ],
            ) => !method && given(b"hasattr"),
            _ => false,
        }
    }

    /// `(module.name.name)`: how long that is, where it is only named and never called. What is not
    /// foreign is left to the tables of its module.
    fn looked_at(&self, behind: &[Lexed<'t>], foreign: bool) -> Option<usize> {
        let [Lexed { token: Token::Mark(b'('), .. }, Lexed { token: Token::Name(module), .. }, rest @ ..] =
            behind
        else {
            return None;
        };
        let known = self.names.is_taken(module) && !self.names.is_rebound(module);
        let path = self.names.path(self.dialect, module)?;
        let root = path.split(|byte| *byte == b'.').next().unwrap_or_default();
        if !known || foreign && lists(self.dialect.roots, root) {
            return None;
        }
        let mut length = 2;
        let mut rest = rest;
        loop {
            match rest {
                [
                    Lexed { token: Token::Mark(b'.'), .. },
                    Lexed { token: Token::Name(name), .. },
                    next @ ..,
                ] if !name.starts_with(b"_") => {
                    length += 2;
                    rest = next;
                }
                [Lexed { token: Token::Mark(b')'), .. }, ..] => return Some(length + 1),
                _ => return None,
            }
        }
    }

    /// `('name')`, or a name that stands for such texts: a dotted one would load what holds it.
    fn finds_module(&self, rest: &[Lexed<'t>]) -> bool {
        let plain = |text: &[u8]| text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        match rest {
            [
                Lexed { token: Token::Mark(b'('), .. },
                Lexed { token: Token::Name(name), .. },
                Lexed { token: Token::Mark(b')'), .. },
                ..,
            ] => match self.names.constant(name) {
                Some(Constant::Texts(texts)) => texts.iter().all(|text| plain(text)),
                _ => false,
            },
            rest => names_module(rest),
        }
    }

    /// Whether the class of paths is called there, or handed to `map`.
    fn makes_paths(&self, tokens: &[Lexed<'t>], index: usize, behind: &[Lexed<'t>]) -> bool {
        let token = |at: usize| index.checked_sub(at).and_then(|at| tokens.get(at)).map(|one| one.token);
        let mapped = token(1) == Some(Token::Mark(b'('))
            && token(2) == Some(Token::Name(b"map"))
            && !self.names.bound.contains(&&b"map"[..])
            && is_mark(behind, b',');
        mapped || is_mark(behind, b'(')
    }

    /// Whether a list that must not change is only looked at.
    fn shown(&self, tokens: &[Lexed<'t>], index: usize, behind: &[Lexed<'t>]) -> bool {
        if before(tokens, index) == Some(Token::Name(b"in")) {
            let next = behind.first().map(|one| one.token);
            return matches!(next, Some(Token::Mark(b':' | b']' | b')' | b'}') | Token::Name(b"if")));
        }
        let last = (tokens.len() - behind.len()).saturating_sub(1);
        let called = argument_of(tokens, index, last).and_then(|at| tokens.get(at));
        called.is_some_and(|called| match called.token {
            Token::Name(name) => {
                let shows = matches!(name, b"print" | b"pprint" | b"len" | b"join" | b"repr" | b"str");
                shows && !self.names.bound.contains(&name)
            }
            _ => false,
        })
    }

    /// `.name` behind something that is no module.
    pub(super) fn python_member(
        &mut self,
        name: &'t [u8],
        tokens: &[Lexed<'t>],
        index: usize,
    ) -> Result<usize, Unreadable> {
        let rest = tokens.get(index + 1..).unwrap_or_default();
        let start = tokens.get(index).map_or(0, |one| one.at.start);
        let token = |at: usize| index.checked_sub(at).and_then(|at| tokens.get(at)).map(|one| one.token);
        let called = is_mark(rest, b'(');
        let fits = match name {
            // A file by its name, not the rest of one that is open.
            b"read" if !called && self.names.loads(b"configparser") => false,
            b"read" if called && (self.names.loads(b"configparser") || reads_text(rest)) => {
                let counts =
                    matches!(rest.get(1).map(|one| one.token), Some(Token::Number | Token::Mark(b')')));
                if counts { true } else { return self.reads(rest, start) }
            }
            b"read_text" | b"read_bytes" if self.names.loads(b"pathlib") => {
                let path = self.path_before(tokens, index);
                self.push(Act::Read(path), start, None);
                called
            }
            b"open" if self.names.loads(b"pathlib") && self.opens(rest) => {
                let path = self.path_before(tokens, index);
                self.push(Act::Read(path), start, None);
                true
            }
            // A method that a text names is called, with what stands beside it.
            b"agg" | b"aggregate" if called => aggregates(&self.names.bound, rest),
            b"apply" if called => applies(&self.names.bound, rest),
            b"pivot_table" => called && pivots(&self.names.bound, rest),
            // Without a file to go to, it is a text.
            b"to_string" | b"to_csv" | b"to_markdown" | b"to_json" if called => {
                prints(&self.names.bound, rest)
            }
            // `"{0.__globals__}".format(f)` reaches through attributes.
            b"format" => {
                let plain = |token| matches!(token, Some(Token::Text(text)) if !reaches(text));
                called && plain(token(2)) && !matches!(token(3), Some(Token::Text(_) | Token::Template(_)))
            }
            b"execute" if self.names.loads(b"sqlite3") => return self.asks(rest, start),
            b"cursor" | b"description" | b"fetchall" | b"fetchmany" | b"fetchone"
                if self.names.loads(b"sqlite3") =>
            {
                !is_mark(rest, b'=')
            }
            // What a table is asked is code, which reaches everything.
            b"query" => {
                !called && ![&b"pandas"[..], b"polars", b"pyarrow"].iter().any(|name| self.names.loads(name))
            }
            // A path is renamed by one word, a text or a date is not.
            b"replace" if self.names.loads(b"pathlib") => called && !renames(rest),
            // Only a path is copied to where an argument says.
            b"copy" if self.names.loads(b"pathlib") => {
                called && is_mark(rest.get(1..).unwrap_or_default(), b')')
            }
            // A tree of XML writes to the file that it is given.
            b"write" if self.names.loads(b"xml") => {
                let stream = matches!(token(2), Some(Token::Name(b"stdout" | b"stderr")))
                    && matches!((token(3), token(4)), (Some(Token::Mark(b'.')), Some(Token::Name(b"sys"))));
                called && stream && !self.names.bound.contains(&&b"sys"[..])
            }
            b"__name__" | b"__doc__" => !called && !is_mark(rest, b'='),
            _ if !called && self.is_column(name, tokens, index) => true,
            _ => self.is_member(name, rest),
        };
        if fits { Ok(0) } else { Err(Unreadable) }
    }

    /// The path in `Path('x').name`, or in a name that stands for it.
    fn path_before(&self, tokens: &[Lexed<'t>], index: usize) -> Option<Cow<'t, [u8]>> {
        let token = |at: usize| index.checked_sub(at).and_then(|at| tokens.get(at)).map(|one| one.token);
        match (token(2)?, token(3), token(4), token(5)) {
            (Token::Name(name), ..) if token(3) != Some(Token::Mark(b'.')) => {
                match self.names.constant(name)? {
                    Constant::Path(path) => Some(Cow::Borrowed(path)),
                    Constant::Found(pattern) => Some(Cow::Owned(pattern.clone())),
                    Constant::Texts(_) | Constant::Entry | Constant::Entries | Constant::Table => None,
                }
            }
            (
                Token::Mark(b')'),
                Some(text @ Token::Text(_)),
                Some(Token::Mark(b'(')),
                Some(Token::Name(called)),
            ) => {
                let named = self.names.path(self.dialect, called);
                let whole = named.as_deref() == Some(b"pathlib.Path") && token(6) != Some(Token::Mark(b'.'));
                let of_module = called == b"Path"
                    && token(6) == Some(Token::Mark(b'.'))
                    && token(7) == Some(Token::Name(b"pathlib"));
                if whole || of_module { self.constant(text).map(Cow::Borrowed) } else { None }
            }
            _ => None,
        }
    }
}

/// `('display.name', value)`
fn sets_display(rest: &[Lexed<'_>]) -> bool {
    let of_name = |byte: &u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'.');
    matches!(
        rest,
        [
            Lexed { token: Token::Mark(b'('), .. },
            Lexed { token: Token::Text(name), .. },
            Lexed { token: Token::Mark(b','), .. },
            _,
            Lexed { token: Token::Mark(b')'), .. },
            ..,
        ] if name.starts_with(b"display.") && name.iter().all(of_name)
    )
}

/// Modules whose second argument is a mode.
fn opens_streams(path: &[u8]) -> bool {
    [&b"bz2."[..], b"codecs.", b"gzip.", b"lzma.", b"tarfile.", b"tokenize.", b"xml.", b"zipfile."]
        .iter()
        .any(|module| path.starts_with(module))
}

/// `('x', name=value)`: no second argument without a name.
fn names_options(rest: &[Lexed<'_>]) -> bool {
    let Ok((_, Some(options))) = arguments(rest) else { return true };
    each_argument(options).all(|option| {
        option.is_empty()
            || matches!(
                option,
                [Lexed { token: Token::Name(_), .. }, Lexed { token: Token::Mark(b'='), .. }, ..]
            )
    })
}

/// `(table, index='a')`, `(table.a, table.b)`: nothing that computes is given but as in a pivot table.
fn tabulates(bound: &[&[u8]], rest: &[Lexed<'_>]) -> bool {
    let Ok((_, options)) = arguments(rest) else { return false };
    options.is_none_or(|options| {
        each_argument(options).all(|option| match option {
            [Lexed { token: Token::Name(_), .. }, Lexed { token: Token::Mark(b'='), .. }, ..] => {
                pivot(bound, option)
            }
            option => !option.iter().any(|one| matches!(one.token, Token::Mark(b'*'))),
        })
    })
}

/// `()`, `(['pid', 'name'])`: what is told of each process, and not its environment.
fn names_attributes(rest: &[Lexed<'_>]) -> bool {
    let Some(arguments) = rest.get(1..).and_then(|rest| rest.get(..matching(rest)?)) else { return false };
    match arguments {
        [] => true,
        [
            Lexed { token: Token::Mark(b'['), .. },
            Lexed { token: Token::Text(_), .. },
            ..,
            Lexed { token: Token::Mark(b']'), .. },
        ] => arguments.iter().all(|one| match one.token {
            Token::Text(name) => {
                name != b"environ" && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            }
            Token::Mark(mark) => matches!(mark, b'[' | b']' | b','),
            _ => false,
        }),
        _ => false,
    }
}

/// What of a module asks the address that it is given.
fn asks_address(path: &[u8]) -> bool {
    matches!(
        path,
        b"urllib.request.urlopen" | b"requests.get" | b"requests.head" | b"httpx.get" | b"httpx.head"
    )
}

/// `('name')`
fn names_module(rest: &[Lexed<'_>]) -> bool {
    matches!(
        rest,
        [
            Lexed { token: Token::Mark(b'('), .. },
            Lexed { token: Token::Text(name), .. },
            Lexed { token: Token::Mark(b')'), .. },
            ..,
        ] if name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    )
}

/// `('text'`, where what is read is named.
fn reads_text(rest: &[Lexed<'_>]) -> bool {
    matches!(rest.get(1).map(|one| one.token), Some(Token::Text(_) | Token::Template(_)))
}

/// Whether a format takes attributes or elements of what it is given, or may.
fn reaches(format: &[u8]) -> bool {
    let mut open = false;
    let mut bytes = format.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            // `\x7b`, `\N{...}`
            b'\\' if matches!(bytes.next(), Some(b'n' | b't' | b'\\' | b'\'' | b'"' | b'\n')) => {}
            b'\\' => return true,
            b'{' => open = true,
            // What stands behind says how wide it is, which may be a field again.
            b'}' | b':' => open = false,
            b'.' | b'[' if open => return true,
            _ => {}
        }
    }
    open
}

/// Whether the arguments may be the one that a path is renamed or copied to.
fn renames(rest: &[Lexed<'_>]) -> bool {
    let Some(arguments) = rest.get(1..).and_then(|rest| rest.get(..matching(rest)?)) else { return true };
    let mut depth = 0_usize;
    let mut commas = 0;
    // Behind the last one a comma says nothing.
    let arguments = match arguments {
        [rest @ .., Lexed { token: Token::Mark(b','), .. }] => rest,
        all => all,
    };
    for one in arguments {
        match one.token {
            Token::Mark(b'(' | b'[' | b'{') => depth += 1,
            Token::Mark(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            Token::Mark(b',') if depth == 0 => commas += 1,
            Token::Mark(b'*') if depth == 0 => return true,
            _ => {}
        }
    }
    let named = matches!(
        arguments,
        [Lexed { token: Token::Name(name), .. }, Lexed { token: Token::Mark(b'='), .. }, ..]
            if !matches!(*name, b"target" | b"target_directory")
    );
    !arguments.is_empty() && commas == 0 && !named
}
