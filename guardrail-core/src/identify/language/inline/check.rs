//! The one recogniser of Python, JavaScript, Ruby and PHP: a text is harmless if every name in it
//! is known to be.

use std::borrow::Cow;

use super::super::{Act, Found};
use super::bind::bind;
use super::dialect::{Dialect, Syntax, lists};
use super::lex::{Lexed, Token, Unreadable, tokens};

/// More names than a one-liner binds.
const MAX_NAMES: usize = 256;

/// The files that a text reads, if it does nothing else; `None` if that cannot be told.
pub(super) fn harmless<'t>(dialect: &'static Dialect, text: &'t [u8]) -> Option<Vec<Found<'t>>> {
    // Carriage returns end lines in some languages, and `?>` ends PHP even in a comment.
    if text.iter().any(|byte| matches!(byte, b'\r' | 0)) || text.windows(2).any(|pair| pair == b"?>") {
        return None;
    }
    // What stands between these is a comment, whatever quotes are in it.
    if dialect.syntax == Syntax::Ruby && text.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"="))
    {
        return None;
    }
    let mut checker =
        Checker { dialect, bound: Vec::new(), imported: Vec::new(), depth: 0, base: 0, found: Vec::new() };
    checker.text(text).ok()?;
    Some(checker.found)
}

struct Checker<'t> {
    dialect: &'static Dialect,
    /// Names that the text itself gives a meaning.
    bound: Vec<&'t [u8]>,
    /// Names that it takes from modules, all of them harmless.
    imported: Vec<&'t [u8]>,
    depth: u32,
    /// Where the text being checked starts in the whole.
    base: usize,
    found: Vec<Found<'t>>,
}

impl<'t> Checker<'t> {
    fn text(&mut self, text: &'t [u8]) -> Result<(), Unreadable> {
        let tokens = tokens(self.dialect.syntax, text)?;
        bind(self.dialect.syntax, &tokens, &mut self.bound);
        if self.bound.len() > MAX_NAMES {
            return Err(Unreadable);
        }
        let mut index = 0;
        while let Some(one) = tokens.get(index) {
            let rest = tokens.get(index + 1..).unwrap_or_default();
            let before = index.checked_sub(1).and_then(|before| tokens.get(before)).map(|one| one.token);
            let taken = match one.token {
                Token::Name(name) => {
                    let target =
                        index.checked_sub(2).and_then(|target| tokens.get(target)).map(|one| one.token);
                    self.name(name, [target, before], rest, one.at.start)?
                }
                Token::Template(body) => {
                    self.template(body, one.at.start)?;
                    0
                }
                Token::Text(body) => {
                    self.string(body, rest)?;
                    0
                }
                Token::Symbol(name) => {
                    let key = before == Some(Token::Mark(b'['));
                    let array = index.checked_sub(2).and_then(|index| tokens.get(index));
                    let indexes = array.is_some_and(|one| ends_operand(one.token));
                    if !(lists(self.dialect.members, name) || key && indexes) {
                        return Err(Unreadable);
                    }
                    0
                }
                // Calling what a string, an element or a result names.
                Token::Mark(b'(')
                    if self.dialect.syntax == Syntax::Php && before.is_some_and(calls_value) =>
                {
                    return Err(Unreadable);
                }
                Token::Mark(b'[') if self.dialect.syntax == Syntax::JavaScript => {
                    self.index(before, rest)?;
                    0
                }
                // A computed key.
                Token::Mark(b']') if self.dialect.syntax == Syntax::JavaScript && is_mark(rest, b':') => {
                    return Err(Unreadable);
                }
                // A member is checked by its name.
                Token::Mark(b'.') if self.dialect.syntax != Syntax::Php => match rest {
                    [Lexed { token: Token::Name(_), .. }, ..] => 0,
                    _ => return Err(Unreadable),
                },
                Token::Variable(name) if self.dialect.syntax == Syntax::Php => {
                    if matches!(name, b"GLOBALS" | b"_ENV" | b"_SERVER" | b"this") {
                        return Err(Unreadable);
                    }
                    0
                }
                _ => 0,
            };
            index += 1 + taken;
        }
        Ok(())
    }

    /// A name; says how many of the tokens behind it belong to it.
    fn name(
        &mut self,
        name: &'t [u8],
        [target, before]: [Option<Token<'t>>; 2],
        rest: &[Lexed<'t>],
        start: usize,
    ) -> Result<usize, Unreadable> {
        let dialect = self.dialect;
        if dialect.syntax == Syntax::Php {
            let lower = name.to_ascii_lowercase();
            return if lists(dialect.words, &lower) || lists(dialect.words, name) {
                Ok(0)
            } else if name == b"file_get_contents" {
                self.reads(rest, start)
            } else {
                Err(Unreadable)
            };
        }
        if before == Some(Token::Mark(b'.')) {
            return if self.is_member(name, rest) { Ok(0) } else { Err(Unreadable) };
        }
        match (dialect.syntax, name) {
            (Syntax::Python, b"import") => return self.import(rest),
            (Syntax::Python, b"from") => return self.names_from(rest),
            (Syntax::Python, b"open") => return self.reads(rest, start),
            (Syntax::JavaScript, b"require") => return self.require([target, before], rest, start),
            (Syntax::Ruby, b"require") => {
                return match rest {
                    [Lexed { token: Token::Text(name), .. }, ..] if lists(dialect.modules, name) => Ok(1),
                    _ => Err(Unreadable),
                };
            }
            _ => {}
        }
        let names_argument = dialect.syntax == Syntax::Python && is_mark(rest, b'=');
        if !names_argument && lists(dialect.reserved, name) || name.starts_with(b"__") {
            // As a key too: it may be what reaches for the thing.
            return Err(Unreadable);
        }
        let key = dialect.syntax != Syntax::Python
            && is_key(rest)
            && matches!(before, Some(Token::Mark(b'{' | b',' | b'(')) | Some(Token::Newline));
        if key || lists(dialect.words, name) || self.imported.contains(&name) {
            return Ok(0);
        }
        if lists(dialect.roots, name) {
            // `const fs = require(...)`: that it is that module is checked there.
            if matches!(
                rest,
                [Lexed { token: Token::Mark(b'='), .. }, Lexed { token: Token::Name(b"require"), .. }, ..]
            ) {
                return Ok(0);
            }
            return self.members(name, rest, start);
        }
        if self.bound.contains(&name) { Ok(0) } else { Err(Unreadable) }
    }

    fn is_member(&self, name: &[u8], rest: &[Lexed<'t>]) -> bool {
        let dialect = self.dialect;
        if lists(dialect.members, name) {
            return true;
        }
        // Data may have any name; only calling it, or what every object has, may be harmful.
        dialect.syntax == Syntax::JavaScript
            && !lists(dialect.never_members, name)
            && !matches!(rest, [Lexed { token: Token::Mark(b'(' | b'=') | Token::Template(_), .. }, ..])
    }

    /// `root.member.member`: the longest listed path counts.
    fn members(&mut self, root: &'t [u8], rest: &[Lexed<'t>], start: usize) -> Result<usize, Unreadable> {
        let mut path = root.to_vec();
        let mut taken = 0;
        let mut listed = 0;
        while let Some([Lexed { token: Token::Mark(b'.'), .. }, Lexed { token: Token::Name(name), .. }]) =
            rest.get(taken..taken + 2)
        {
            path.push(b'.');
            path.extend_from_slice(name);
            taken += 2;
            if lists(self.dialect.members_of, &path) {
                listed = taken;
                if reads_file(&path) {
                    return Ok(taken + self.reads(rest.get(taken..).unwrap_or_default(), start)?);
                }
            }
            if taken > 8 {
                break;
            }
        }
        if listed == 0 { Err(Unreadable) } else { Ok(listed) }
    }

    /// `import a, b.c`
    fn import(&mut self, rest: &[Lexed<'t>]) -> Result<usize, Unreadable> {
        let mut taken = 0;
        let mut root = true;
        for one in rest {
            match one.token {
                Token::Name(name) if root && lists(self.dialect.roots, name) => root = false,
                // What it holds is checked where it is used.
                Token::Name(name) if !root && matches!(name, b"parse" | b"path") => {}
                Token::Mark(b'.') if !root => {}
                Token::Mark(b',') if !root => root = true,
                Token::Newline | Token::Mark(b';') if !root => break,
                _ => return Err(Unreadable),
            }
            taken += 1;
        }
        if root { Err(Unreadable) } else { Ok(taken) }
    }

    /// `from a.b import c, d`, or the `from` of `raise`.
    fn names_from(&mut self, rest: &[Lexed<'t>]) -> Result<usize, Unreadable> {
        let mut path: Vec<u8> = Vec::new();
        let mut module = 0;
        let mut taken = 0;
        let mut imported = false;
        for one in rest {
            match one.token {
                Token::Name(b"import") if !imported => {
                    imported = true;
                    path.push(b'.');
                    module = path.len();
                }
                Token::Name(name) if imported => {
                    path.truncate(module);
                    path.extend_from_slice(name);
                    if !lists(self.dialect.members_of, &path) || reads_file(&path) {
                        return Err(Unreadable);
                    }
                    self.imported.push(name);
                }
                Token::Name(name) => path.extend_from_slice(name),
                Token::Mark(b'.') if !imported => path.push(b'.'),
                Token::Mark(b',') if imported => {}
                Token::Newline | Token::Mark(b';') => break,
                _ => return Err(Unreadable),
            }
            taken += 1;
        }
        if imported { Ok(taken) } else { Err(Unreadable) }
    }

    /// `require("fs").readFileSync(...)`, `const fs = require("fs")`, `require("./package.json").x`
    fn require(
        &mut self,
        [target, before]: [Option<Token<'t>>; 2],
        rest: &[Lexed<'t>],
        start: usize,
    ) -> Result<usize, Unreadable> {
        let [
            Lexed { token: Token::Mark(b'('), .. },
            Lexed { token: Token::Text(name), .. },
            Lexed { token: Token::Mark(b')'), .. },
            rest @ ..,
        ] = rest
        else {
            return Err(Unreadable);
        };
        if matches!(*name, b"./package.json" | b"../package.json") {
            self.push(Act::Read(Some(Cow::Borrowed(name))), start, None);
            return Ok(3);
        }
        let module = name.strip_prefix(b"node:").unwrap_or(name);
        if !matches!(module, b"fs" | b"os" | b"path" | b"querystring" | b"util") {
            return Err(Unreadable);
        }
        if matches!(rest, [Lexed { token: Token::Mark(b'.'), .. }, ..]) {
            return Ok(3 + self.members(module, rest, start)?);
        }
        // Bound to its own name, it is that root.
        let named = target == Some(Token::Name(module)) && before == Some(Token::Mark(b'='));
        let ends = matches!(
            rest.first().map(|one| one.token),
            None | Some(Token::Mark(b';' | b',') | Token::Newline)
        );
        if named && ends { Ok(3) } else { Err(Unreadable) }
    }

    /// The arguments of a call that reads a file, if that is all it does. They are checked as any
    /// tokens are.
    fn reads(&mut self, rest: &[Lexed<'t>], start: usize) -> Result<usize, Unreadable> {
        let [Lexed { token: Token::Mark(b'('), .. }, arguments @ ..] = rest else { return Err(Unreadable) };
        let end = matching(arguments).ok_or(Unreadable)?;
        let arguments = arguments.get(..end).unwrap_or_default();
        let arguments = match arguments {
            [] | [Lexed { token: Token::Mark(b'*') | Token::Operator, .. }, ..] => return Err(Unreadable),
            [path @ .., Lexed { token: Token::Mark(b','), .. }, Lexed { token: Token::Text(mode), .. }]
                if matches!(*mode, b"r" | b"rb" | b"rt" | b"utf8" | b"utf-8" | b"ascii" | b"base64") =>
            {
                path
            }
            [
                path @ ..,
                Lexed { token: Token::Mark(b','), .. },
                Lexed { token: Token::Name(b"encoding"), .. },
                Lexed { token: Token::Mark(b'='), .. },
                Lexed { token: Token::Text(_), .. },
            ] => path,
            path => path,
        };
        let path = match arguments {
            [Lexed { token: Token::Text(path), .. }] if !path.contains(&b'\\') => Some(*path),
            [Lexed { token: Token::Number, .. }] => Some(&b"/dev/stdin"[..]),
            _ => None,
        };
        let tame = !arguments.iter().any(|one| matches!(one.token, Token::Mark(b',' | b'|')));
        // Other schemes open connections, and a pipe starts a program.
        let plain = match path {
            Some(path) => {
                path.starts_with(b"php://stdin")
                    || !path.windows(3).any(|part| part == b"://") && path.first() != Some(&b'|')
            }
            None => self.dialect.syntax != Syntax::Php,
        };
        if !tame || !plain {
            return Err(Unreadable);
        }
        if !path.is_some_and(|path| matches!(path, b"/dev/stdin" | b"php://stdin")) {
            self.push(Act::Read(path.map(Cow::Borrowed)), start, arguments.last());
        }
        Ok(0)
    }

    /// JavaScript's `x[...]` reaches everything that `x.name` does, under a name that need not
    /// stand in the text.
    fn index(&self, before: Option<Token<'t>>, rest: &[Lexed<'t>]) -> Result<(), Unreadable> {
        if before.is_some_and(ends_operand) {
            return match rest {
                [Lexed { token: Token::Number, .. }, Lexed { token: Token::Mark(b']'), .. }, ..] => Ok(()),
                [Lexed { token: Token::Text(key), .. }, Lexed { token: Token::Mark(b']'), .. }, ..]
                    if self.is_data(key) =>
                {
                    Ok(())
                }
                _ => Err(Unreadable),
            };
        }
        Ok(())
    }

    fn is_data(&self, key: &[u8]) -> bool {
        !key.contains(&b'\\') && !lists(self.dialect.never_members, key)
    }

    fn string(&self, body: &[u8], rest: &[Lexed<'t>]) -> Result<(), Unreadable> {
        let fits = match self.dialect.syntax {
            // `"{0.__globals__}".format(f)` reaches through attributes.
            Syntax::Python => !body.windows(2).any(|pair| pair == b"__"),
            Syntax::JavaScript => !is_key(rest) || self.is_data(body),
            _ => true,
        };
        if fits { Ok(()) } else { Err(Unreadable) }
    }

    /// Code inside a string.
    fn template(&mut self, body: &'t [u8], at: usize) -> Result<(), Unreadable> {
        let (open, plain): (&[u8], &[u8]) = match self.dialect.syntax {
            Syntax::Python => (b"{", b"{{"),
            Syntax::JavaScript => (b"${", b""),
            Syntax::Ruby => (b"#", b""),
            _ => {
                // `{$` and `${` start code, `$x->y` and `$x[...]` do not.
                let code = body.windows(2).any(|pair| matches!(pair, b"{$" | b"${"));
                return if code { Err(Unreadable) } else { Ok(()) };
            }
        };
        if self.depth > 2 || body.windows(2).any(|pair| pair == b"__") {
            return Err(Unreadable);
        }
        let mut place = 0;
        while let Some(rest) = body.get(place..).filter(|rest| !rest.is_empty()) {
            if rest.first() == Some(&b'\\') {
                // An escape may spell what opens code.
                if rest.get(1) == Some(&b'N') {
                    return Err(Unreadable);
                }
                place += if rest.get(1) == Some(&b'{') { 1 } else { 2 };
                continue;
            }
            if !plain.is_empty() && rest.starts_with(plain) {
                place += plain.len();
                continue;
            }
            if !rest.starts_with(open) {
                place += 1;
                continue;
            }
            let mut skip = open.len();
            if open == b"#" {
                match rest.get(1) {
                    Some(b'{') => skip = 2,
                    Some(b'$' | b'@') => return Err(Unreadable),
                    _ => {
                        place += 1;
                        continue;
                    }
                }
            }
            let code = rest.get(skip..).unwrap_or_default();
            let end = code.iter().position(|byte| matches!(byte, b'}' | b'{' | b'\\')).ok_or(Unreadable)?;
            if code.get(end) != Some(&b'}') {
                return Err(Unreadable);
            }
            let mut code = code.get(..end).unwrap_or_default();
            if self.dialect.syntax == Syntax::Python {
                // The format stands behind `:`, and no bracket before it makes that a slice.
                let cut =
                    code.iter().position(|byte| matches!(byte, b':' | b'!' | b'[' | b'(' | b'\'' | b'"'));
                let format = |&cut: &usize| match code.get(cut..) {
                    Some([b':', ..]) => true,
                    Some([b'!', next, ..]) => *next != b'=',
                    _ => false,
                };
                if let Some(cut) = cut.filter(format) {
                    code = code.get(..cut).unwrap_or_default();
                }
            }
            let base = self.base;
            self.base += at;
            self.depth += 1;
            self.text(code)?;
            self.depth -= 1;
            self.base = base;
            place += skip + end + 1;
        }
        Ok(())
    }

    fn push(&mut self, act: Act<'t>, start: usize, last: Option<&Lexed<'t>>) {
        let end = last.map_or(start, |last| last.at.end);
        self.found.push(Found { act, at: self.base + start..self.base + end });
    }
}

/// Calls that read the file that their first argument names.
fn reads_file(path: &[u8]) -> bool {
    matches!(path, b"fs.readFileSync" | b"File.read" | b"File.readlines")
}

/// Where the bracket closes that opened just before these tokens, if that is near.
fn matching(tokens: &[Lexed<'_>]) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, one) in tokens.iter().enumerate().take(64) {
        match one.token {
            Token::Mark(b'(' | b'[' | b'{') => depth += 1,
            Token::Mark(b')' | b']' | b'}') if depth == 0 => return Some(index),
            Token::Mark(b')' | b']' | b'}') => depth -= 1,
            _ => {}
        }
    }
    None
}

fn is_mark(rest: &[Lexed<'_>], mark: u8) -> bool {
    rest.first().is_some_and(|one| one.token == Token::Mark(mark))
}

fn is_key(rest: &[Lexed<'_>]) -> bool {
    matches!(rest, [Lexed { token: Token::Mark(b':') | Token::Symbol(_), .. }, ..])
}

fn ends_operand(token: Token<'_>) -> bool {
    match token {
        Token::Name(name) => !matches!(
            name,
            b"return"
                | b"of"
                | b"in"
                | b"case"
                | b"typeof"
                | b"const"
                | b"let"
                | b"var"
                | b"puts"
                | b"p"
                | b"print"
                | b"pp"
        ),
        Token::Variable(_)
        | Token::Text(_)
        | Token::Template(_)
        | Token::Mark(b')' | b']' | b'}')
        | Token::Regex => true,
        _ => false,
    }
}

/// What PHP calls when brackets follow it.
fn calls_value(token: Token<'_>) -> bool {
    matches!(
        token,
        Token::Variable(_) | Token::Text(_) | Token::Template(_) | Token::Mark(b')' | b']' | b'}')
    )
}
