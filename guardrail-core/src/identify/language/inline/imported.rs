//! JavaScript's modules by name: `import fs from "fs"`, `import { join } from "node:path"`, `const { join } = require("path")`.

use super::check::Checker;
use super::dialect::lists;
use super::lex::{Lexed, Token, Unreadable};
use super::shape::{ends, is_mark};

impl<'t> Checker<'t> {
    /// What stands behind `import` at the start of a statement; says how many tokens that is.
    pub(super) fn imported(&mut self, rest: &[Lexed<'t>]) -> Result<usize, Unreadable> {
        let token = |at: usize| rest.get(at).map(|one| one.token);
        match (token(0), token(1)) {
            (Some(Token::Name(name)), Some(Token::Name(b"from"))) => self.under_its_name(name, rest, 2),
            (Some(Token::Mark(b'*')), Some(Token::Name(b"as"))) => {
                let (Some(Token::Name(name)), Some(Token::Name(b"from"))) = (token(2), token(3)) else {
                    return Err(Unreadable);
                };
                self.under_its_name(name, rest, 4)
            }
            (Some(Token::Mark(b'{')), _) => {
                let (names, close) = listed(rest, &Token::Name(b"as")).ok_or(Unreadable)?;
                let (Some(Token::Name(b"from")), Some(Token::Text(module))) =
                    (token(close + 1), token(close + 2))
                else {
                    return Err(Unreadable);
                };
                self.parts(module, &names)?;
                Ok(close + 3)
            }
            _ => Err(Unreadable),
        }
    }

    /// `{ join, sep: separator } = require("path")` behind `const`: how many tokens that is, or none where it is not that.
    pub(super) fn unpacked(&mut self, rest: &[Lexed<'t>]) -> usize {
        let Some((names, close)) = listed(rest, &Token::Mark(b':')) else { return 0 };
        match rest.get(close + 1..).unwrap_or_default() {
            [
                Lexed { token: Token::Mark(b'='), .. },
                Lexed { token: Token::Name(b"require"), .. },
                Lexed { token: Token::Mark(b'('), .. },
                Lexed { token: Token::Text(module), .. },
                Lexed { token: Token::Mark(b')'), .. },
                behind @ ..,
            ] if ends(behind) && self.parts(module, &names).is_ok() => close + 6,
            _ => 0,
        }
    }

    /// A whole module, which is known by its own name alone.
    fn under_its_name(&self, name: &[u8], rest: &[Lexed<'t>], at: usize) -> Result<usize, Unreadable> {
        let Some(Token::Text(module)) = rest.get(at).map(|one| one.token) else { return Err(Unreadable) };
        let module = module.strip_prefix(b"node:").unwrap_or(module);
        let known = name == module && lists(self.dialect.modules, module);
        if known && ends(rest.get(at + 1..).unwrap_or_default()) { Ok(at + 1) } else { Err(Unreadable) }
    }

    /// Parts of a module, each under the name that it is given.
    fn parts(&mut self, module: &[u8], names: &[(&'t [u8], &'t [u8])]) -> Result<(), Unreadable> {
        let module = module.strip_prefix(b"node:").unwrap_or(module);
        let path = |part: &[u8]| [module, b".", part].concat();
        let known = |(part, _): &(&[u8], &[u8])| lists(self.dialect.members_of, &path(part));
        let root = |(_, name): &(&[u8], &[u8])| lists(self.dialect.roots, name);
        if !lists(self.dialect.modules, module) || !names.iter().all(known) || names.iter().any(root) {
            return Err(Unreadable);
        }
        names.iter().try_for_each(|(part, name)| self.names.take(self.dialect, name, path(part)))
    }
}

/// Parts of a module, each with the name that it is given.
type Parts<'t> = Vec<(&'t [u8], &'t [u8])>;

/// `{ a, b as c }`: the parts with their names, and where the list ends.
fn listed<'t>(rest: &[Lexed<'t>], renames: &Token<'t>) -> Option<(Parts<'t>, usize)> {
    if !is_mark(rest, b'{') {
        return None;
    }
    let mut names = Vec::new();
    let mut at = 1;
    loop {
        let Token::Name(part) = rest.get(at)?.token else { return None };
        at += 1;
        let mut name = part;
        if rest.get(at)?.token == *renames {
            let Token::Name(other) = rest.get(at + 1)?.token else { return None };
            name = other;
            at += 2;
        }
        names.push((part, name));
        match rest.get(at)?.token {
            Token::Mark(b',') => at += 1,
            Token::Mark(b'}') => return Some((names, at)),
            _ => return None,
        }
    }
}
