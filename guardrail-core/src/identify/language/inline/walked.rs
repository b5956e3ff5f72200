//! Names of files that a Python text takes out of directories (`os.walk`, `os.listdir`, `glob`), and
//! the paths that it puts together from them.

use super::dialect::Dialect;
use super::lex::{Lexed, Token};
use super::names::{Constant, MAX_TEXTS, Names, is_plain, names_kind};
use super::shape::{
    argument_of, before, ends, is_comma, is_keyword, is_mark, matching, split_first, starts_statement,
};

/// Paths in paths that are looked into.
const MAX_DEPTH: usize = 3;

/// One piece of a path: each text it may be.
struct Piece {
    texts: Vec<Vec<u8>>,
    /// What a directory holds may be anything: it has to be a component of its own.
    wild: bool,
}

impl<'t> Names<'t> {
    /// `for root, directories, files in os.walk('src'):`, of the `for` at `index`.
    pub(super) fn walk(
        &self,
        dialect: &Dialect,
        tokens: &[Lexed<'t>],
        index: usize,
    ) -> Option<[(&'t [u8], usize, Constant<'t>); 2]> {
        let [
            Lexed { token: Token::Name(root), .. },
            Lexed { token: Token::Mark(b','), .. },
            Lexed { token: Token::Name(directories), .. },
            Lexed { token: Token::Mark(b','), .. },
            Lexed { token: Token::Name(files), .. },
            Lexed { token: Token::Name(b"in"), .. },
            rest @ ..,
        ] = tokens.get(index + 1..)?
        else {
            return None;
        };
        let (rest, sorted) = sorted(rest);
        let (name, rest) = self.called(dialect, rest)?;
        let (directory, rest) = self.only_argument(dialect, rest)?;
        let rest = if sorted { behind_call(rest)? } else { rest };
        // Where a walk goes on is in the list of directories.
        let walks = name == b"os.walk" && is_mark(rest, b':') && starts_statement(before(tokens, index));
        if !walks || !only_shortened(tokens, directories, index + 3) {
            return None;
        }
        let below = [&directory[..], b"/*"].concat();
        Some([(root, index + 1, Constant::Found(below)), (files, index + 5, Constant::Entries)])
    }

    /// The names that a loop goes through: `glob.glob('src/*')`, `os.listdir('src')`, `Path('src').iterdir()`
    /// or the files of a walk; and what follows.
    pub(super) fn listed<'l>(
        &self,
        dialect: &Dialect,
        behind: &'l [Lexed<'t>],
    ) -> Option<(Constant<'t>, &'l [Lexed<'t>])> {
        if let Some((directory, rest)) = self.path_call(dialect, behind) {
            return match rest {
                [
                    Lexed { token: Token::Mark(b'.'), .. },
                    Lexed { token: Token::Name(b"glob" | b"rglob"), .. },
                    Lexed { token: Token::Mark(b'('), .. },
                    Lexed { token: Token::Text(pattern), .. },
                    Lexed { token: Token::Mark(b')'), .. },
                    rest @ ..,
                ] if finds_kind(pattern) => {
                    Some((Constant::Found([directory, &b"/"[..], pattern].concat()), rest))
                }
                [
                    Lexed { token: Token::Mark(b'.'), .. },
                    Lexed { token: Token::Name(b"iterdir"), .. },
                    Lexed { token: Token::Mark(b'('), .. },
                    Lexed { token: Token::Mark(b')'), .. },
                    rest @ ..,
                ] => Some((Constant::Found([directory, &b"/*"[..]].concat()), rest)),
                _ => None,
            };
        }
        if let [Lexed { token: Token::Name(name), .. }, rest @ ..] = behind
            && matches!(self.constant(name), Some(Constant::Entries))
        {
            return Some((Constant::Entry, rest));
        }
        if let Some((texts, rest)) = self.argument(dialect, behind) {
            return Some((Constant::Texts(texts), rest));
        }
        let (name, rest) = self.called(dialect, behind)?;
        match (name.as_slice(), rest) {
            (b"os.listdir", _) => {
                let (_, rest) = self.only_argument(dialect, rest)?;
                Some((Constant::Entry, rest))
            }
            (
                b"glob.glob" | b"glob.iglob",
                [
                    Lexed { token: Token::Mark(b'('), .. },
                    Lexed { token: Token::Text(pattern), .. },
                    rest @ ..,
                ],
            ) if finds_kind(pattern) => {
                let rest = match rest {
                    [
                        Lexed { token: Token::Mark(b','), .. },
                        Lexed { token: Token::Name(b"recursive"), .. },
                        Lexed { token: Token::Mark(b'='), .. },
                        Lexed { token: Token::Name(b"True"), .. },
                        rest @ ..,
                    ]
                    | rest => rest,
                };
                let rest = is_mark(rest, b')').then(|| rest.get(1..))??;
                Some((Constant::Found(pattern.to_vec()), rest))
            }
            _ => None,
        }
    }

    /// What these tokens say of a path: each text that it may be, with `*` for what nobody knows.
    pub(super) fn paths_of(&self, dialect: &Dialect, tokens: &[Lexed<'t>]) -> Option<Vec<Vec<u8>>> {
        self.piece(dialect, tokens, 0).map(|piece| piece.texts)
    }

    fn piece(&self, dialect: &Dialect, tokens: &[Lexed<'t>], depth: usize) -> Option<Piece> {
        if depth > MAX_DEPTH {
            return None;
        }
        match tokens {
            [Lexed { token: Token::Text(text), .. }] => literal(text),
            [Lexed { token: Token::Template(body), .. }] => self.filled(body),
            [Lexed { token: Token::Name(name), .. }] => self.named(name),
            _ if let Some((texts, [])) = self.argument(dialect, tokens) => Some(Piece { texts, wild: false }),
            _ => match self.called(dialect, tokens) {
                Some((name, [Lexed { token: Token::Mark(b'('), .. }, rest @ ..]))
                    if name == b"os.path.join" =>
                {
                    let end = matching(rest).filter(|end| end + 1 == rest.len())?;
                    self.joined(dialect, rest.get(..end)?, depth)
                }
                _ => self.added(dialect, tokens, depth),
            },
        }
    }

    /// What a name that the text binds stands for.
    fn named(&self, name: &[u8]) -> Option<Piece> {
        let (texts, wild) = match self.constant(name)? {
            Constant::Texts(texts) => (texts.clone(), false),
            Constant::Found(pattern) => (vec![pattern.clone()], true),
            Constant::Entry => (vec![b"*".to_vec()], true),
            Constant::Path(_) | Constant::Entries | Constant::Table => return None,
        };
        Some(Piece { texts, wild })
    }

    /// `os.path.join(a, b)`: one that begins at the root begins anew.
    fn joined(&self, dialect: &Dialect, arguments: &[Lexed<'t>], depth: usize) -> Option<Piece> {
        let mut whole: Option<Piece> = None;
        let mut left = arguments;
        loop {
            let (first, rest) = split_first(left);
            let piece = self.piece(dialect, first, depth + 1)?;
            whole = Some(match whole {
                None => piece,
                Some(above) => Piece {
                    wild: piece.wild,
                    texts: each(&above.texts, &piece.texts, |above, below| {
                        if below.first() == Some(&b'/') {
                            below.to_vec()
                        } else {
                            [above, b"/", below].concat()
                        }
                    })?,
                },
            });
            match rest {
                Some(rest) if !rest.is_empty() => left = rest,
                _ => return whole,
            }
        }
    }

    /// `'src/' + name + '/x'`
    fn added(&self, dialect: &Dialect, tokens: &[Lexed<'t>], depth: usize) -> Option<Piece> {
        let mut level = 0_usize;
        let mut pieces = Vec::new();
        let mut start = 0;
        for (index, one) in tokens.iter().enumerate() {
            match one.token {
                Token::Mark(b'(' | b'[' | b'{') => level += 1,
                Token::Mark(b')' | b']' | b'}') => level = level.checked_sub(1)?,
                Token::Mark(b'+') if level == 0 => {
                    pieces.push(self.piece(dialect, tokens.get(start..index)?, depth + 1)?);
                    start = index + 1;
                }
                _ => {}
            }
        }
        if start == 0 {
            return None;
        }
        pieces.push(self.piece(dialect, tokens.get(start..)?, depth + 1)?);
        chained(pieces)
    }

    /// `f'{root}/{name}'`
    fn filled(&self, body: &[u8]) -> Option<Piece> {
        if !is_plain(body) {
            return None;
        }
        let mut pieces = Vec::new();
        let mut left = body;
        while let Some(open) = left.iter().position(|byte| matches!(byte, b'{' | b'}')) {
            let (text, code) = left.split_at_checked(open)?;
            let code = code.strip_prefix(b"{")?;
            let close = code.iter().position(|byte| *byte == b'}')?;
            if !text.is_empty() {
                pieces.push(literal(text)?);
            }
            pieces.push(self.named(code.get(..close)?)?);
            left = code.get(close + 1..)?;
        }
        if !left.is_empty() || pieces.is_empty() {
            pieces.push(literal(left)?);
        }
        chained(pieces)
    }

    /// `sys.argv[1]`, `sys.argv[1:]`: one of the words that the program is called with, and what follows.
    fn argument<'l>(
        &self,
        dialect: &Dialect,
        tokens: &'l [Lexed<'t>],
    ) -> Option<(Vec<Vec<u8>>, &'l [Lexed<'t>])> {
        let [Lexed { token: Token::Name(first), .. }, rest @ ..] = tokens else { return None };
        // Its own `len` could change the list.
        if self.is_rebound(first) || self.bound.contains(&&b"len"[..]) || self.arguments.is_empty() {
            return None;
        }
        let path = self.path(dialect, first)?;
        let rest = match (path.as_slice(), rest) {
            (b"sys.argv", rest) => rest,
            (
                b"sys",
                [
                    Lexed { token: Token::Mark(b'.'), .. },
                    Lexed { token: Token::Name(b"argv"), .. },
                    rest @ ..,
                ],
            ) => rest,
            _ => return None,
        };
        let rest = match rest {
            [
                Lexed { token: Token::Mark(b'['), .. },
                Lexed { token: Token::Number, .. },
                Lexed { token: Token::Mark(b']'), .. },
                rest @ ..,
            ]
            | [
                Lexed { token: Token::Mark(b'['), .. },
                Lexed { token: Token::Number, .. },
                Lexed { token: Token::Mark(b':'), .. },
                Lexed { token: Token::Mark(b']'), .. },
                rest @ ..,
            ] => rest,
            _ => return None,
        };
        Some((self.arguments.clone(), rest))
    }

    /// The whole name of what is called, and the call's brackets with what follows.
    pub(super) fn called<'l>(
        &self,
        dialect: &Dialect,
        tokens: &'l [Lexed<'t>],
    ) -> Option<(Vec<u8>, &'l [Lexed<'t>])> {
        let [Lexed { token: Token::Name(root), .. }, rest @ ..] = tokens else { return None };
        // A loop may have given it another meaning.
        if self.is_rebound(root) {
            return None;
        }
        let mut path = self.path(dialect, root)?;
        let mut rest = rest;
        while let [
            Lexed { token: Token::Mark(b'.'), .. },
            Lexed { token: Token::Name(name), .. },
            more @ ..,
        ] = rest
        {
            path.push(b'.');
            path.extend_from_slice(name);
            rest = more;
        }
        is_mark(rest, b'(').then_some((path, rest))
    }

    /// The directory in `('src')`, or the one that no argument means; and what follows.
    fn only_argument<'l>(
        &self,
        dialect: &Dialect,
        tokens: &'l [Lexed<'t>],
    ) -> Option<(Vec<u8>, &'l [Lexed<'t>])> {
        let rest = tokens.get(1..)?;
        let end = matching(rest)?;
        let (arguments, rest) = (rest.get(..end)?, rest.get(end + 1..)?);
        if arguments.is_empty() {
            return Some((b".".to_vec(), rest));
        }
        if arguments.iter().any(is_comma) {
            return None;
        }
        let [path] = self.paths_of(dialect, arguments)?.try_into().ok()?;
        Some((path, rest))
    }
}

/// What is inside of `sorted(...)`, and whether it is.
pub(super) fn sorted<'l, 't>(tokens: &'l [Lexed<'t>]) -> (&'l [Lexed<'t>], bool) {
    match tokens {
        [Lexed { token: Token::Name(b"sorted"), .. }, Lexed { token: Token::Mark(b'('), .. }, rest @ ..] => {
            (rest, true)
        }
        rest => (rest, false),
    }
}

/// What stands behind a call, of which the rest of the arguments is given.
pub(super) fn behind_call<'l, 't>(arguments: &'l [Lexed<'t>]) -> Option<&'l [Lexed<'t>]> {
    let more = is_mark(arguments, b',') || is_mark(arguments, b')');
    more.then(|| arguments.get(matching(arguments)? + 1..))?
}

/// A pattern that finds files of one kind, or all that are not hidden.
fn finds_kind(pattern: &[u8]) -> bool {
    let last = pattern.rsplit(|byte| *byte == b'/').next().unwrap_or(pattern);
    names_kind(pattern) || (is_plain(pattern) && matches!(last, b"*" | b"**"))
}

fn literal(text: &[u8]) -> Option<Piece> {
    is_plain(text).then(|| Piece { texts: vec![text.to_vec()], wild: false })
}

/// Pieces one behind the other.
fn chained(pieces: Vec<Piece>) -> Option<Piece> {
    let mut pieces = pieces.into_iter();
    let mut whole = pieces.next()?;
    for piece in pieces {
        let parted = (!whole.wild || piece.texts.iter().all(|text| text.first() == Some(&b'/')))
            && (!piece.wild || whole.texts.iter().all(|text| text.last() == Some(&b'/')));
        if !parted {
            return None;
        }
        let texts = each(&whole.texts, &piece.texts, |above, below| [above, below].concat())?;
        whole = Piece { texts, wild: piece.wild };
    }
    Some(whole)
}

/// Each of the one with each of the other, if these are few.
fn each(
    above: &[Vec<u8>],
    below: &[Vec<u8>],
    join: impl Fn(&[u8], &[u8]) -> Vec<u8>,
) -> Option<Vec<Vec<u8>>> {
    if above.len() * below.len() > MAX_TEXTS {
        return None;
    }
    Some(above.iter().flat_map(|above| below.iter().map(|below| join(above, below))).collect())
}

/// Whether the list of directories only ever gets shorter, so that a walk stays below where it began.
fn only_shortened(tokens: &[Lexed<'_>], name: &[u8], binding: usize) -> bool {
    tokens.iter().enumerate().all(|(index, one)| {
        if one.token != Token::Name(name) || index == binding || is_target(tokens, index) {
            return true;
        }
        let rest = tokens.get(index + 1..).unwrap_or_default();
        match rest {
            // `directories[:] = [one for one in directories if ...]`
            [
                Lexed { token: Token::Mark(b'['), .. },
                Lexed { token: Token::Mark(b':'), .. },
                Lexed { token: Token::Mark(b']'), .. },
                Lexed { token: Token::Mark(b'='), .. },
                Lexed { token: Token::Mark(b'['), .. },
                Lexed { token: Token::Name(taken), .. },
                Lexed { token: Token::Name(b"for"), .. },
                Lexed { token: Token::Name(one), .. },
                Lexed { token: Token::Name(b"in"), .. },
                Lexed { token: Token::Name(list), .. },
                condition @ ..,
            ] => {
                let Some(end) = matching(condition) else { return false };
                let (condition, behind) = condition.split_at_checked(end).unwrap_or_default();
                let again = condition.iter().any(|one| one.token == Token::Name(b"for"));
                taken == one
                    && *list == name
                    && !again
                    && ends(behind.get(1..).unwrap_or_default())
                    && starts_statement(before(tokens, index))
            }
            [
                Lexed { token: Token::Mark(b'.'), .. },
                Lexed { token: Token::Name(b"remove" | b"sort" | b"clear" | b"reverse"), .. },
                Lexed { token: Token::Mark(b'('), .. },
                ..,
            ] => true,
            _ => is_only_looked_at(tokens, index),
        }
    })
}

/// Whether a list is only gone through, or counted.
pub(super) fn is_only_looked_at(tokens: &[Lexed<'_>], index: usize) -> bool {
    let next = tokens.get(index + 1).map(|one| one.token);
    if matches!(before(tokens, index), Some(Token::Name(b"in" | b"if" | b"not"))) {
        return matches!(next, Some(Token::Mark(b':' | b']' | b')') | Token::Name(b"if")));
    }
    argument_of(tokens, index, index).is_some_and(|called| {
        let name = tokens.get(called).map(|one| one.token);
        matches!(name, Some(Token::Name(b"len" | b"sorted" | b"print" | b"set" | b"list")))
            && before(tokens, called) != Some(Token::Mark(b'.'))
    })
}

/// Whether a loop binds the name there: `for a, name in`.
fn is_target(tokens: &[Lexed<'_>], index: usize) -> bool {
    let names = |one: &&Lexed<'_>| match one.token {
        Token::Mark(b',') => true,
        Token::Name(name) => !is_keyword(name),
        _ => false,
    };
    let first = tokens.get(..index).unwrap_or_default().iter().rev().find(|one| !names(one));
    first.is_some_and(|one| one.token == Token::Name(b"for"))
}

#[cfg(test)]
mod tests {
    use guardrail_schema::Language::Python;

    use super::super::super::testing::check;

    #[test]
    fn what_lies_in_directories_is_known_by_them() {
        check(
            Python,
            &[
                (
                    "import os\nfor root, dirs, files in os.walk('src'):\n    dirs[:] = [d for d in dirs if d != '.git']\n    for f in sorted(files):\n        if f.endswith('.py'):\n            path = os.path.join(root, f)\n            print(path, len(open(path).read()))",
                    &["read:src/*/*"],
                ),
                (
                    "import os\nfor f in os.listdir('src'):\n    print(open('src/' + f).read())",
                    &["read:src/*"],
                ),
                (
                    "import os\nfor f in os.listdir('src'):\n    print(open(f'src/{f}').read())",
                    &["read:src/*"],
                ),
                (
                    "import glob\nfor f in glob.glob('src/**/*', recursive=True):\n    print(f, len(open(f).read()))",
                    &["read:src/**/*"],
                ),
                ("from glob import glob\nfor f in glob('*'): print(open(f).read())", &["read:*"]),
                (
                    "from pathlib import Path\nfor p in sorted(Path('src').iterdir(), key=lambda q: q.name):\n    print(p.read_text())",
                    &["read:src/*"],
                ),
                (
                    "d = 'src'\nfor n in ['a', 'b']: print(open(d + '/' + n + '.txt').read())",
                    &["read:src/a.txt", "read:src/b.txt"],
                ),
                (
                    "import os\nfor f in os.listdir('/etc'): print(open(os.path.join('/etc', f)).read())",
                    &["read:/etc/*"],
                ),
            ],
        );
    }

    #[test]
    fn what_may_be_another_file_is_unknown() {
        let walk = "import os\nfor root, dirs, files in os.walk('src'):\n";
        for rest in [
            "    dirs.append('../../etc')\n    for f in files: open(os.path.join(root, f))",
            "    dirs[:] = [d for d in dirs] + ['../../etc']\n    for f in files: open(os.path.join(root, f))",
            "    dirs[:] = [d for d in dirs for d in ['../../etc']]\n    for f in files: open(os.path.join(root, f))",
            "    files.append('../../etc/shadow')\n    for f in files: open(os.path.join(root, f))",
            "    x = files\n    x.append('../../etc/shadow')\n    for f in files: open(os.path.join(root, f))",
            "    root += '/../../etc'\n    for f in files: open(os.path.join(root, f))",
            "    for f in files:\n        f += '/../../../etc/shadow'\n        open(os.path.join(root, f))",
            "    for f in files: open(os.path.join(root, f.replace('x', '/')))",
            "    for f in files: open(root.replace('src', '/etc') + '/' + f)",
            "    for f in files: open('.' + f)",
            "    for f in files: open(root + f)",
        ] {
            let text = [walk, rest].concat();
            check(Python, &[(text.as_str(), &["read:?"])]);
        }
        check(
            Python,
            &[
                (
                    "import glob\nsorted = lambda x: ['/etc/shadow']\nfor f in sorted(glob.glob('*.py')): print(open(f).read())",
                    &["read:?"],
                ),
                (
                    "from glob import glob\nfor glob in [lambda p: ['/etc/shadow']]:\n    for f in glob('*.py'): print(open(f).read())",
                    &["opaque", "import:glob"],
                ),
                ("import glob\nfor f in glob.glob('.*'): print(open(f).read())", &["read:?"]),
                ("import glob\nfor f in glob.glob('*_rsa'): print(open(f).read())", &["read:?"]),
            ],
        );
    }
}
