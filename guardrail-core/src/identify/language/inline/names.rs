//! What the names of a text stand for: modules, what is taken out of them, and constants that a
//! name is bound to once and for all.

use super::bind::bind;
use super::dialect::{Dialect, Syntax, lists};
use super::lex::{Lexed, Token, Unreadable};
use super::shape::{argument_of, before, ends, is_element, is_value, matching, starts_statement};
use super::walked::{behind_call, is_only_looked_at, sorted};

/// The meaning of the names of one text.
#[derive(Debug, Default)]
pub(super) struct Names<'t> {
    /// Names that the text gives a meaning, each time it does.
    pub(super) bound: Vec<&'t [u8]>,
    /// Names of modules and of what was taken from them, with their whole paths.
    taken: Vec<(&'t [u8], Vec<u8>)>,
    /// Those of them that stand behind `as`, which binds them.
    aliases: Vec<&'t [u8]>,
    /// Names that are bound once, and what they hold.
    constants: Vec<(&'t [u8], Constant<'t>)>,
    /// Modules that are loaded.
    pub(super) modules: Vec<&'t [u8]>,
    /// The words that the program is called with, where all of them are known.
    pub(super) arguments: Vec<Vec<u8>>,
}

/// What a name holds.
#[derive(Clone, Debug)]
pub(super) enum Constant<'t> {
    /// One of these texts, whichever.
    Texts(Vec<Vec<u8>>),
    /// A `Path` of this text.
    Path(&'t [u8]),
    /// One of the paths that this pattern finds.
    Found(Vec<u8>),
    /// The name of something in a directory, without the directory.
    Entry,
    /// A list of such names.
    Entries,
    /// A table that was read.
    Table,
}

/// More names than a one-liner binds.
const MAX_NAMES: usize = 256;

/// Texts that a name may stand for.
pub(super) const MAX_TEXTS: usize = 32;

impl<'t> Names<'t> {
    /// Of a program that is called with these words.
    pub(super) fn of(arguments: Vec<Vec<u8>>) -> Self {
        Self { arguments, ..Self::default() }
    }

    /// Takes in what the tokens bind.
    pub(super) fn learn(
        &mut self,
        dialect: &'static Dialect,
        tokens: &[Lexed<'t>],
    ) -> Result<(), Unreadable> {
        let known = self.bound.len();
        bind(dialect.syntax, tokens, &mut self.bound);
        if self.bound.len() > MAX_NAMES {
            return Err(Unreadable);
        }
        // `f"{(x := 1)}"` comes too late for what has been said of `x`.
        let again = self.bound.get(known..).unwrap_or_default();
        if again.iter().any(|name| self.constant(name).is_some() || self.is_taken(name)) {
            return Err(Unreadable);
        }
        if dialect.syntax == Syntax::Ruby {
            self.listed_files(tokens);
        }
        if dialect.syntax != Syntax::Python {
            return Ok(());
        }
        for (index, one) in tokens.iter().enumerate() {
            let rest = tokens.get(index + 1..).unwrap_or_default();
            match one.token {
                Token::Name(b"import") if starts_statement(before(tokens, index)) => {
                    self.import(dialect, rest)?
                }
                Token::Name(b"from") if imports(rest) => self.from(dialect, rest)?,
                _ => {}
            }
        }
        self.constants(dialect, tokens);
        Ok(())
    }

    /// The whole path of what a name stands for, if it stands for a part of a module.
    pub(super) fn path(&self, dialect: &Dialect, name: &[u8]) -> Option<Vec<u8>> {
        match self.taken.iter().find(|(known, _)| *known == name) {
            Some((_, path)) => Some(path.clone()),
            None => lists(dialect.roots, name).then(|| name.to_vec()),
        }
    }

    /// Whether the text says itself what the name stands for.
    pub(super) fn is_taken(&self, name: &[u8]) -> bool {
        self.taken.iter().any(|(known, _)| *known == name)
    }

    /// Whether the text gives a name a meaning other than by loading something.
    pub(super) fn is_rebound(&self, name: &[u8]) -> bool {
        let count = |names: &[&[u8]]| names.iter().filter(|known| **known == name).count();
        count(&self.bound) > count(&self.aliases)
    }

    pub(super) fn constant(&self, name: &[u8]) -> Option<&Constant<'t>> {
        self.constants.iter().find(|(known, _)| *known == name).map(|(_, constant)| constant)
    }

    /// Whether the text loads that module.
    pub(super) fn loads(&self, module: &[u8]) -> bool {
        self.modules.contains(&module)
    }

    pub(super) fn take(
        &mut self,
        dialect: &Dialect,
        name: &'t [u8],
        path: Vec<u8>,
    ) -> Result<(), Unreadable> {
        let means = lists(dialect.words, name) || lists(dialect.reserved, name);
        let twice = self.taken.iter().any(|(known, old)| *known == name && *old != path);
        if means || twice || self.taken.len() > MAX_NAMES {
            return Err(Unreadable);
        }
        if !self.is_taken(name) {
            self.taken.push((name, path));
        }
        Ok(())
    }

    /// `import a, b.c as d`
    fn import(&mut self, dialect: &Dialect, rest: &[Lexed<'t>]) -> Result<(), Unreadable> {
        let mut rest = rest.iter().map(|one| one.token).peekable();
        loop {
            let Some(Token::Name(module)) = rest.next() else { return Err(Unreadable) };
            if !lists(dialect.roots, module) && !lists(dialect.modules, module) {
                return Err(Unreadable);
            }
            self.load(module);
            let mut path = module.to_vec();
            while rest.next_if_eq(&Token::Mark(b'.')).is_some() {
                let Some(Token::Name(part)) = rest.next() else { return Err(Unreadable) };
                // `json.__main__` runs.
                if part.starts_with(b"__") {
                    return Err(Unreadable);
                }
                path.push(b'.');
                path.extend_from_slice(part);
            }
            if rest.next_if_eq(&Token::Name(b"as")).is_some() {
                let Some(Token::Name(name)) = rest.next() else { return Err(Unreadable) };
                self.aliases.push(name);
                self.take(dialect, name, path)?;
            } else {
                self.take(dialect, module, module.to_vec())?;
            }
            match rest.next() {
                Some(Token::Mark(b',')) => {}
                None | Some(Token::Newline | Token::Mark(b';')) => return Ok(()),
                _ => return Err(Unreadable),
            }
        }
    }

    /// `from a.b import c, d as e`
    fn from(&mut self, dialect: &Dialect, rest: &[Lexed<'t>]) -> Result<(), Unreadable> {
        let mut rest = rest.iter().map(|one| one.token).peekable();
        let mut path: Vec<u8> = Vec::new();
        loop {
            match rest.next() {
                Some(Token::Name(b"import")) if !path.is_empty() => break,
                Some(Token::Name(part)) => {
                    if path.is_empty() {
                        self.load(part);
                    }
                    path.extend_from_slice(part);
                }
                Some(Token::Mark(b'.')) if !path.is_empty() => path.push(b'.'),
                _ => return Err(Unreadable),
            }
        }
        path.push(b'.');
        let module = path.len();
        let open = rest.next_if_eq(&Token::Mark(b'(')).is_some();
        loop {
            while open && rest.next_if_eq(&Token::Newline).is_some() {}
            if open && rest.next_if_eq(&Token::Mark(b')')).is_some() {
                return Ok(());
            }
            let Some(Token::Name(name)) = rest.next() else { return Err(Unreadable) };
            path.truncate(module);
            path.extend_from_slice(name);
            // A module out of a package, or something that is listed.
            if !dialect.gives(&path) && !dialect.holds(&path) {
                return Err(Unreadable);
            }
            let name = match rest.next_if_eq(&Token::Name(b"as")) {
                None => name,
                Some(_) => match rest.next() {
                    Some(Token::Name(name)) => {
                        self.aliases.push(name);
                        name
                    }
                    _ => return Err(Unreadable),
                },
            };
            self.take(dialect, name, path.clone())?;
            match rest.next() {
                Some(Token::Mark(b',')) => {}
                Some(Token::Mark(b')')) if open => return Ok(()),
                Some(Token::Newline) if open => {}
                None | Some(Token::Newline | Token::Mark(b';')) if !open => return Ok(()),
                _ => return Err(Unreadable),
            }
        }
    }

    fn load(&mut self, module: &'t [u8]) {
        if !self.modules.contains(&module) {
            self.modules.push(module);
        }
    }

    /// Names that are bound in one place to what can be read there.
    fn constants(&mut self, dialect: &Dialect, tokens: &[Lexed<'t>]) {
        // What lists are handed to has to be what it is called.
        if self.bound.iter().any(|name| matches!(*name, b"sorted" | b"len" | b"print" | b"set" | b"list")) {
            return;
        }
        let mut depth = 0_usize;
        for (index, one) in tokens.iter().enumerate() {
            match one.token {
                Token::Mark(b'(' | b'[' | b'{') => depth += 1,
                Token::Mark(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
                _ => {}
            }
            let Token::Name(name) = one.token else { continue };
            let behind = tokens.get(index + 1..).unwrap_or_default();
            let constant = match behind.first().map(|one| one.token) {
                // In brackets it is a parameter, or the name of an argument.
                Some(Token::Mark(b'=')) if depth == 0 && starts_statement(before(tokens, index)) => {
                    self.assigned(dialect, behind.get(1..).unwrap_or_default())
                }
                Some(Token::Name(b"in")) if before(tokens, index) == Some(Token::Name(b"for")) => {
                    let first = index.checked_sub(2).and_then(|at| tokens.get(at)).map(|one| one.token);
                    self.looped(dialect, behind.get(1..).unwrap_or_default(), starts_statement(first))
                }
                _ if name == b"for" => {
                    for (name, binding, constant) in self.walk(dialect, tokens, index).into_iter().flatten() {
                        self.keep(tokens, name, binding, constant);
                    }
                    continue;
                }
                _ => continue,
            };
            if let Some(constant) = constant {
                self.keep(tokens, name, index, constant);
            }
        }
    }

    /// Keeps what a name is bound to, if that is all that it ever stands for.
    fn keep(&mut self, tokens: &[Lexed<'t>], name: &'t [u8], binding: usize, constant: Constant<'t>) {
        let once = self.bound.iter().filter(|bound| **bound == name).count() == 1;
        let stays = match constant {
            Constant::Entries => only_used(tokens, name, binding, is_only_looked_at),
            // Whatever is done to it, it is one.
            Constant::Table => true,
            // Neither a text nor a path can be changed, only another one be made of it.
            _ => only_used(tokens, name, binding, |tokens, index| {
                argument_of(tokens, index, index).is_some()
                    || is_value(tokens, index)
                    || is_element(tokens, index)
            }),
        };
        if once && stays && self.constants.len() < MAX_TEXTS {
            self.constants.push((name, constant));
        }
    }

    /// Keeps what a name is one of.
    pub(super) fn keep_found(&mut self, name: &'t [u8], pattern: &[u8]) {
        if self.constants.len() < MAX_TEXTS {
            self.constants.push((name, Constant::Found(pattern.to_vec())));
        }
    }

    /// `'text'` or `Path('text')`, and nothing behind it.
    fn assigned(&self, dialect: &Dialect, behind: &[Lexed<'t>]) -> Option<Constant<'t>> {
        if let [Lexed { token: Token::Text(text), .. }, rest @ ..] = behind {
            return (ends(rest) && is_plain(text)).then(|| Constant::Texts(vec![text.to_vec()]));
        }
        if let Some((text, rest)) = self.path_call(dialect, behind) {
            return ends(rest).then_some(Constant::Path(text));
        }
        if let Some((called, rest)) = self.called(dialect, behind)
            && called.starts_with(b"pandas.read_")
            && lists(dialect.readers, &called)
        {
            let rest = rest.get(1..)?;
            return ends(rest.get(matching(rest)? + 1..)?).then_some(Constant::Table);
        }
        // `os.path.join(root, name)`
        let end = behind.iter().position(|one| matches!(one.token, Token::Newline | Token::Mark(b';')));
        let paths = self.paths_of(dialect, behind.get(..end.unwrap_or(behind.len()))?)?;
        let [path] = paths.try_into().ok()?;
        Some(Constant::Found(path))
    }

    /// `Path('text')`, and what follows it.
    pub(super) fn path_call<'l>(
        &self,
        dialect: &Dialect,
        tokens: &'l [Lexed<'t>],
    ) -> Option<(&'t [u8], &'l [Lexed<'t>])> {
        let (name, call) = self.called(dialect, tokens)?;
        match call {
            [
                Lexed { token: Token::Mark(b'('), .. },
                Lexed { token: Token::Text(text), .. },
                Lexed { token: Token::Mark(b')'), .. },
                rest @ ..,
            ] if name == b"pathlib.Path" && is_plain(text) => Some((text, rest)),
            _ => None,
        }
    }

    /// `['a', 'b']`, or what is found in a directory, up to the colon of a loop or the end of a
    /// comprehension.
    fn looped(&self, dialect: &Dialect, behind: &[Lexed<'t>], statement: bool) -> Option<Constant<'t>> {
        let (behind, sorted) = sorted(behind);
        let (constant, rest) = match behind {
            [Lexed { token: Token::Mark(b'[' | b'('), .. }, rest @ ..] => {
                let (texts, rest) = texts(rest)?;
                (Constant::Texts(texts), rest)
            }
            _ => self.listed(dialect, behind)?,
        };
        let rest = if sorted { behind_call(rest)? } else { rest };
        // `[:10]`
        let rest = match rest {
            [
                Lexed { token: Token::Mark(b'['), .. },
                Lexed { token: Token::Mark(b':'), .. },
                Lexed { token: Token::Number, .. },
                Lexed { token: Token::Mark(b']'), .. },
                rest @ ..,
            ]
            | rest => rest,
        };
        let ends = match rest.first().map(|one| one.token) {
            Some(Token::Mark(b':')) => statement,
            // In a statement, something else may stand behind the condition.
            Some(Token::Mark(b']' | b')' | b'}') | Token::Name(b"if" | b"for")) => !statement,
            _ => false,
        };
        ends.then_some(constant)
    }
}

/// `a.b import ...`, and no `raise ... from ...`.
pub(super) fn imports(rest: &[Lexed<'_>]) -> bool {
    rest.iter()
        .take(32)
        .take_while(|one| matches!(one.token, Token::Name(_) | Token::Mark(b'.')))
        .any(|one| one.token == Token::Name(b"import"))
}

/// The text stands for itself.
pub(super) fn is_plain(text: &[u8]) -> bool {
    !text.contains(&b'\\')
}

/// A pattern whose last part ends in letters behind a dot, so that what it finds is of one kind,
/// and hidden files are found by none.
pub(super) fn names_kind(pattern: &[u8]) -> bool {
    let last = pattern.rsplit(|byte| *byte == b'/').next().unwrap_or(pattern);
    let ending = last.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    is_plain(pattern)
        && ending.len() < last.len()
        && !last.starts_with(b".")
        && !ending.is_empty()
        && ending.iter().all(u8::is_ascii_alphanumeric)
}

/// The rest of a list of texts, and what follows it.
fn texts<'t, 'l>(tokens: &'l [Lexed<'t>]) -> Option<(Vec<Vec<u8>>, &'l [Lexed<'t>])> {
    let mut texts = Vec::new();
    let mut rest = tokens;
    loop {
        match rest {
            [
                Lexed { token: Token::Text(text), .. },
                Lexed { token: Token::Mark(mark @ (b',' | b']' | b')')), .. },
                more @ ..,
            ] if is_plain(text) && texts.len() < MAX_TEXTS => {
                texts.push(text.to_vec());
                rest = more;
                if *mark != b',' {
                    return Some((texts, rest));
                }
            }
            [Lexed { token: Token::Mark(b']' | b')'), .. }, more @ ..] if !texts.is_empty() => {
                return Some((texts, more));
            }
            _ => return None,
        }
    }
}

/// Whether a name is only used in one way, apart from the place that binds it: nothing else can give
/// it another value.
fn only_used(
    tokens: &[Lexed<'_>],
    name: &[u8],
    binding: usize,
    fits: impl Fn(&[Lexed<'_>], usize) -> bool,
) -> bool {
    tokens
        .iter()
        .enumerate()
        .all(|(index, one)| one.token != Token::Name(name) || index == binding || fits(tokens, index))
}
