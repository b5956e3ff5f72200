//! The one recogniser of Python, JavaScript, Ruby and PHP: a text is harmless if every name in it
//! is known to be.

use std::borrow::Cow;

use super::super::{Act, Found};
use super::computed::keeps_rules;
use super::dialect::{Dialect, Syntax, lists};
use super::lex::{Lexed, Token, Unreadable, code_end, prints, tokens};
use super::names::{Names, imports};
use super::php_shape::{calls_back, is_global, is_php_constant, makes_date, php_template};
use super::reads::only_looks_at_arguments;
use super::shape::{
    argument_of, arguments, before_lines, behind_lines, calls_function, calls_value, closes_key, declares,
    ends_import, ends_operand, folds_plainly, indexes_if_there, is_key, is_mark, is_only_called, loops_over,
    makes_bare, matching, passes_block, shows_arguments, starts_statement,
};

/// Files of data that a project has, so that none of code is loaded whose name only begins like that.
const MANIFESTS: &[&[u8]] =
    &[b"composer.json", b"lerna.json", b"nx.json", b"package-lock.json", b"package.json", b"tsconfig.json"];

/// The files that a text reads, if it does nothing else; `None` if that cannot be told.
pub(super) fn harmless<'t>(
    dialect: &'static Dialect,
    text: &'t [u8],
    arguments: &[&[u8]],
) -> Option<Vec<Found<'t>>> {
    // Carriage returns end lines in some languages, and `?>` ends PHP even in a comment.
    if text.iter().any(|byte| matches!(byte, b'\r' | 0)) || text.windows(2).any(|pair| pair == b"?>") {
        return None;
    }
    // What stands between these is a comment, whatever quotes are in it.
    if dialect.syntax == Syntax::Ruby && text.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"="))
    {
        return None;
    }
    let given = if only_looks_at_arguments(text) { arguments } else { &[] };
    let names = Names::of(given.iter().map(|word| word.to_vec()).collect());
    let mut checker = Checker { dialect, names, depth: 0, base: 0, found: Vec::new(), computes_keys: false };
    checker.text(text).ok()?;
    if checker.computes_keys {
        keeps_rules(dialect, &checker.names, text).ok()?;
    }
    let mut found = checker.found;
    found.extend(
        checker
            .names
            .modules
            .iter()
            .map(|module| Found { act: Act::Import(Cow::Borrowed(*module)), at: 0..text.len() }),
    );
    Some(found)
}

pub(super) struct Checker<'t> {
    pub(super) dialect: &'static Dialect,
    /// Names that the text itself gives a meaning.
    pub(super) names: Names<'t>,
    depth: u32,
    /// Where the text being checked starts in the whole.
    base: usize,
    found: Vec<Found<'t>>,
    /// JavaScript's `x[k]` stands somewhere, so that the text as a whole must keep rules.
    computes_keys: bool,
}

impl<'t> Checker<'t> {
    fn text(&mut self, text: &'t [u8]) -> Result<(), Unreadable> {
        let tokens = tokens(self.dialect.syntax, text)?;
        self.names.learn(self.dialect, &tokens)?;
        let mut index = 0;
        while let Some(one) = tokens.get(index) {
            let rest = tokens.get(index + 1..).unwrap_or_default();
            let before = index.checked_sub(1).and_then(|before| tokens.get(before)).map(|one| one.token);
            // In some languages the end of a line says nothing of what stands on both sides of it.
            let over_lines = before_lines(&tokens, index);
            let taken = match one.token {
                Token::Name(name) => self.name(name, &tokens, index)?,
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
                    // What a symbol names is called where `&` hands it over; see `inject` too.
                    let called = over_lines == Some(Token::Mark(b'&'));
                    if called && !lists(self.dialect.members, name) && !(key && indexes) {
                        return Err(Unreadable);
                    }
                    0
                }
                // `p %w[...]` divides where `p` is a variable.
                Token::Words(_) => match before {
                    Some(Token::Name(name)) if prints(name) && !is_only_called(&tokens, name) => {
                        return Err(Unreadable);
                    }
                    _ => 0,
                },
                // Calling what a string, an element or a result names.
                Token::Mark(b'(')
                    if self.dialect.syntax == Syntax::Php && over_lines.is_some_and(calls_value) =>
                {
                    return Err(Unreadable);
                }
                Token::Mark(b'[') if self.dialect.syntax == Syntax::JavaScript => {
                    self.index(over_lines, rest)?;
                    0
                }
                Token::Mark(b']')
                    if self.dialect.syntax == Syntax::JavaScript && closes_key(&tokens, index) =>
                {
                    return Err(Unreadable);
                }
                // A block that a name holds may be any method.
                Token::Mark(b'&') if self.dialect.syntax == Syntax::Ruby && passes_block(&tokens, index) => {
                    return Err(Unreadable);
                }
                // A member is checked by its name.
                Token::Mark(b'.') if self.dialect.syntax != Syntax::Php => match rest {
                    [Lexed { token: Token::Name(_), .. }, ..] => 0,
                    _ if self.dialect.syntax == Syntax::JavaScript && indexes_if_there(&tokens, index) => 0,
                    _ => return Err(Unreadable),
                },
                Token::Variable(name) if self.dialect.syntax == Syntax::Php => {
                    if is_global(name) {
                        return Err(Unreadable);
                    }
                    0
                }
                // Data has any name; only methods act.
                Token::Member(name) if is_mark(behind_lines(rest), b'(') => {
                    if !lists(self.dialect.members, name) {
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
    fn name(&mut self, name: &'t [u8], tokens: &[Lexed<'t>], index: usize) -> Result<usize, Unreadable> {
        let dialect = self.dialect;
        let rest = tokens.get(index + 1..).unwrap_or_default();
        let start = tokens.get(index).map_or(0, |one| one.at.start);
        let token = |at: usize| index.checked_sub(at).and_then(|at| tokens.get(at)).map(|one| one.token);
        let before = token(1);
        if dialect.syntax == Syntax::Php {
            let lower = name.to_ascii_lowercase();
            // A constant, which is no function, stands for itself.
            if is_php_constant(name) && !is_mark(behind_lines(rest), b'(') {
                return Ok(0);
            }
            if lower == b"new" {
                return if makes_date(rest) { Ok(0) } else { Err(Unreadable) };
            }
            return if lists(dialect.words, &lower) || lists(dialect.words, name) {
                Ok(0)
            } else if lists(dialect.readers, &lower) {
                self.reads(rest, start)
            } else if lists(dialect.roots, &lower) && calls_back(dialect, &lower, rest) {
                Ok(0)
            } else {
                Err(Unreadable)
            };
        }
        if before == Some(Token::Mark(b'.')) {
            if dialect.syntax == Syntax::Python {
                return self.python_member(name, tokens, index);
            }
            // `[1, "code"].inject("instance_eval")` calls what a text names.
            let folds = dialect.syntax == Syntax::Ruby && matches!(name, b"inject" | b"reduce");
            let fits =
                self.is_member(name, rest) && (!folds || folds_plainly(rest) && self.folds_by_member(rest));
            return if fits { Ok(0) } else { Err(Unreadable) };
        }
        match (dialect.syntax, name) {
            // What these load has been looked at.
            (Syntax::Python, b"from") if starts_statement(before) && !imports(rest) => {
                return Err(Unreadable);
            }
            (Syntax::Python, b"import" | b"from") if starts_statement(before) => {
                return Ok(rest.iter().take_while(|one| !ends_import(one.token)).count());
            }
            (Syntax::Python, b"open") => return self.reads(rest, start),
            // `type(path)(...)` makes another, `type(path).replace(a, b)` renames.
            (Syntax::Python, b"type") if !self.only_says_type(tokens, index) => return Err(Unreadable),
            (Syntax::Python, b"__name__" | b"__file__") if !is_mark(rest, b'=') => return Ok(0),
            // As the name of a variable it would hide what is taken from that by `of[...]`.
            (Syntax::JavaScript, b"let") if !declares(before, behind_lines(rest)) => return Err(Unreadable),
            (Syntax::JavaScript, b"of") if !loops_over(before, behind_lines(rest)) => return Err(Unreadable),
            (Syntax::JavaScript, b"import") if starts_statement(before) => return self.imported(rest),
            (Syntax::JavaScript, b"const") => {
                let taken = self.unpacked(rest);
                if taken > 0 {
                    return Ok(taken);
                }
            }
            (Syntax::JavaScript, _) if self.names.is_taken(name) => {
                let reads = self.names.path(dialect, name).is_some_and(|path| lists(dialect.readers, &path));
                return if reads { self.reads(rest, start) } else { Ok(0) };
            }
            (Syntax::JavaScript, b"fetch") if !self.names.bound.contains(&name) => {
                return self.fetches(rest, start);
            }
            (Syntax::JavaScript, b"require") => return self.require([token(2), before], rest, start),
            (Syntax::JavaScript, b"setTimeout" | b"setInterval") if calls_function(rest) => return Ok(0),
            (Syntax::Ruby, b"require") => {
                return match rest.first().map(|one| one.token) {
                    Some(token) if self.constant(token).is_some_and(|name| lists(dialect.modules, name)) => {
                        Ok(1)
                    }
                    _ => Err(Unreadable),
                };
            }
            (Syntax::Ruby, b"ARGV") if shows_arguments(rest) => return Ok(0),
            (Syntax::Ruby, b"Dir") if is_mark(rest, b'[') => return Ok(0),
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
        // What the text binds itself is no module, but both may not be.
        let own = self.names.is_rebound(name);
        if own && self.names.is_taken(name) && dialect.syntax == Syntax::Python {
            return Err(Unreadable);
        }
        if dialect.syntax == Syntax::Python
            && !own
            && let Some(path) = self.names.path(dialect, name)
        {
            if names_argument && !self.names.is_taken(name) {
                return Ok(0);
            }
            return self.part(path, tokens, index);
        }
        if key || lists(dialect.words, name) {
            return Ok(0);
        }
        if lists(dialect.roots, name) && !(own && dialect.syntax == Syntax::Python) {
            // `const fs = require(...)`: that it is that module is checked there.
            if matches!(
                rest,
                [Lexed { token: Token::Mark(b'='), .. }, Lexed { token: Token::Name(b"require"), .. }, ..]
            ) {
                return Ok(0);
            }
            if name == b"Object" && makes_bare(rest) {
                return Ok(2);
            }
            return self.members(name, rest, start);
        }
        if self.names.bound.contains(&name) { Ok(0) } else { Err(Unreadable) }
    }

    /// `inject(:merge)`: no symbol that is handed over names what must not be called.
    fn folds_by_member(&self, rest: &[Lexed<'t>]) -> bool {
        let end = rest.get(1..).and_then(matching).map_or(1, |end| end + 1);
        rest.iter().take(end).all(|one| match one.token {
            Token::Symbol(name) => lists(self.dialect.members, name),
            _ => true,
        })
    }

    /// `type(x).__name__`, `type(x) is str`, `print(type(x))`: nothing is made of what it says.
    fn only_says_type(&self, tokens: &[Lexed<'t>], index: usize) -> bool {
        let rest = tokens.get(index + 1..).unwrap_or_default();
        let Ok((_, None)) = arguments(rest) else { return false };
        let Some(end) = rest.get(1..).and_then(matching) else { return false };
        let behind = rest.get(end + 2..).unwrap_or_default();
        match behind.first().map(|one| one.token) {
            Some(Token::Mark(b'.')) => {
                matches!(behind.get(1).map(|one| one.token), Some(Token::Name(b"__name__")))
            }
            Some(Token::Operator | Token::Name(b"is" | b"in" | b"not")) => true,
            None => self.depth > 0,
            _ => {
                let called = argument_of(tokens, index, index + end + 2).and_then(|at| tokens.get(at));
                let shows = |name: &[u8]| {
                    matches!(name, b"print" | b"str" | b"repr" | b"len") && !self.names.bound.contains(&name)
                };
                called.is_some_and(|called| matches!(called.token, Token::Name(name) if shows(name)))
            }
        }
    }

    pub(super) fn is_member(&self, name: &[u8], rest: &[Lexed<'t>]) -> bool {
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
                if lists(self.dialect.readers, &path) {
                    return Ok(taken + self.reads(rest.get(taken..).unwrap_or_default(), start)?);
                }
            }
            if taken > 8 {
                break;
            }
        }
        if listed == 0 { Err(Unreadable) } else { Ok(listed) }
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
            // `require.resolve("x")` only looks for the file.
            return match rest {
                [
                    Lexed { token: Token::Mark(b'.'), .. },
                    Lexed { token: Token::Name(b"resolve"), .. },
                    Lexed { token: Token::Mark(b'('), .. },
                    Lexed { token: Token::Text(_), .. },
                    ..,
                ] => Ok(2),
                _ => Err(Unreadable),
            };
        };
        let file = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        if MANIFESTS.contains(&file) && !name.contains(&b'\\') {
            self.push(Act::Read(Some(Cow::Borrowed(name))), start, None);
            return Ok(3);
        }
        let module = name.strip_prefix(b"node:").unwrap_or(name);
        if !lists(self.dialect.modules, module) {
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

    /// What a token of text stands for, where that is said in full.
    pub(super) fn constant(&self, token: Token<'t>) -> Option<&'t [u8]> {
        let (text, code): (_, &[u8]) = match (token, self.dialect.syntax) {
            (Token::Text(text), _) => (text, b""),
            (Token::Template(text), Syntax::Ruby) => (text, b"#"),
            (Token::Template(text), Syntax::Python) => (text, b"{}"),
            (Token::Template(text), _) => (text, b"${"),
            _ => return None,
        };
        (!text.iter().any(|byte| *byte == b'\\' || code.contains(byte))).then_some(text)
    }

    /// JavaScript's `x[...]` reaches everything that `x.name` does, under a name that need not
    /// stand in the text.
    fn index(&mut self, before: Option<Token<'t>>, rest: &[Lexed<'t>]) -> Result<(), Unreadable> {
        let bound = |token| matches!(token, Token::Name(name) if self.names.bound.contains(&name));
        let holds = |token| matches!(token, Token::Number | Token::Mark(b'.'));
        if before.is_some_and(|token| ends_operand(token) || holds(token) || bound(token)) {
            return match rest {
                [Lexed { token: Token::Number, .. }, Lexed { token: Token::Mark(b']'), .. }, ..] => Ok(()),
                [Lexed { token: Token::Text(key), .. }, Lexed { token: Token::Mark(b']'), .. }, ..]
                    if self.is_data(key) =>
                {
                    Ok(())
                }
                [Lexed { token: Token::Text(_), .. }, Lexed { token: Token::Mark(b']'), .. }, ..]
                // Who takes a key to pieces hides it.
                | [
                    Lexed { token: Token::Text(_), .. },
                    Lexed { token: Token::Mark(b'+'), .. },
                    Lexed { token: Token::Text(_), .. },
                    ..,
                ] => Err(Unreadable),
                // A database's collections are reached like that.
                _ if self.dialect.modules.is_empty() => Err(Unreadable),
                _ => {
                    self.computes_keys = true;
                    Ok(())
                }
            };
        }
        Ok(())
    }

    fn is_data(&self, key: &[u8]) -> bool {
        !key.contains(&b'\\') && !lists(self.dialect.never_members, key)
    }

    fn string(&self, body: &[u8], rest: &[Lexed<'t>]) -> Result<(), Unreadable> {
        let fits = match self.dialect.syntax {
            Syntax::JavaScript => !is_key(behind_lines(rest)) || self.is_data(body),
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
                return if php_template(body) { Ok(()) } else { Err(Unreadable) };
            }
        };
        if self.depth > 2 {
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
            let ruby = self.dialect.syntax == Syntax::Ruby;
            let end = match ruby {
                true => code_end(Syntax::Ruby, code, self.depth)?,
                false => {
                    code.iter().position(|byte| matches!(byte, b'}' | b'{' | b'\\')).ok_or(Unreadable)?
                }
            };
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
                    Some([b'!', next, rest @ ..]) => {
                        *next != b'=' && (rest.is_empty() || rest.starts_with(b":"))
                    }
                    _ => false,
                };
                if let Some(cut) = cut.filter(format) {
                    code = code.get(..cut).unwrap_or_default();
                }
            }
            // The language reads a comment to the end of the line, over the bracket that closes here.
            let comments: &[&[u8]] = match self.dialect.syntax {
                Syntax::JavaScript => &[b"//", b"/*"],
                // The end was found behind any comment.
                Syntax::Ruby => &[],
                _ => &[b"#"],
            };
            if comments.iter().any(|start| code.windows(start.len()).any(|part| part == *start)) {
                return Err(Unreadable);
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

    pub(super) fn push(&mut self, act: Act<'t>, start: usize, last: Option<&Lexed<'t>>) {
        let end = last.map_or(start, |last| last.at.end);
        self.found.push(Found { act, at: self.base + start..self.base + end });
    }
}
