//! Objects that a JavaScript text makes itself, so that what it stores in them under computed keys
//! becomes no part of any other.

use super::computed::Rules;
use super::lex::Token;
use super::whole::is_keyword;

/// An object that the text makes.
pub(super) struct Own {
    /// Where its name is bound.
    pub(super) binding: usize,
    /// Under its keys may already be anything.
    pub(super) dynamic: bool,
}

impl Rules<'_, '_> {
    pub(super) fn name_is_closed(&self, at: usize, binding: usize) -> bool {
        self.whole.name(at).is_some_and(|name| self.is_closed(name, binding))
    }

    /// The object that the text makes, if a name always means that one.
    pub(super) fn own(&self, at: usize) -> Option<Own> {
        let whole = self.whole;
        let name = whole.name(at).filter(|_| !whole.is_member(at))?;
        let declares = |at: &usize| {
            whole.name(*at) == Some(name)
                && whole.is(at + 1, b'=')
                && matches!(whole.back(*at, 1), Some(Token::Name(b"const" | b"let" | b"var")))
        };
        let binding = (0..whole.len()).find(declares)?;
        let dynamic = self.makes(binding + 2, whole.value_end(binding + 2))?;
        let stays = self.each_use(name, Some(binding), |at| self.is_use(at) || self.is_value(at));
        stays.then_some(Own { binding, dynamic })
    }

    /// Whether that makes an object, and if so, whether under keys that are not known.
    fn makes(&self, from: usize, end: usize) -> Option<bool> {
        let whole = self.whole;
        match whole.token(from)? {
            Token::Mark(b'{' | b'[') => (whole.partner(from) + 1 == end).then_some(false),
            Token::Name(b"new") => {
                let made = matches!(whole.name(from + 1)?, b"Map" | b"Set" | b"Array");
                (made && whole.is(from + 2, b'(') && self.ends_filled(from + 2, end)).then_some(false)
            }
            Token::Name(b"Array") => {
                let open = from + if whole.name(from + 2) == Some(b"from") { 3 } else { 1 };
                (whole.is(open, b'(') && self.ends_filled(open, end)).then_some(false)
            }
            Token::Name(b"Object") => {
                let made = whole.is(from + 3, b'(') && whole.partner(from + 3) + 1 == end;
                match whole.name(from + 2)? {
                    b"create" => (made && self.is_bare(from + 3)).then_some(false),
                    b"fromEntries" => made.then_some(true),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Nothing stands behind the call, or `.fill(x)`.
    fn ends_filled(&self, open: usize, end: usize) -> bool {
        let whole = self.whole;
        let behind = whole.partner(open) + 1;
        behind == end
            || whole.name(behind + 1) == Some(b"fill")
                && whole.is(behind + 2, b'(')
                && whole.partner(behind + 2) + 1 == end
    }

    /// `const own = Object.fromEntries(...)`, where nothing is called on it.
    pub(super) fn is_kept(&self, at: usize, open: usize) -> bool {
        let whole = self.whole;
        let Some(binding) = at.checked_sub(4) else { return false };
        whole.is(at - 3, b'=')
            && whole.partner(open) + 1 == whole.value_end(at - 2)
            && self.own(binding).is_some_and(|own| own.binding == binding)
            && self.name_is_closed(binding, binding)
    }

    /// `reduce((own, x) => { ...; return own }, {})`, at a place inside.
    pub(super) fn accumulates(&self, at: usize) -> bool {
        let whole = self.whole;
        let Some(name) = whole.name(at).filter(|_| !whole.is_member(at)) else { return false };
        let mut around = whole.outer(at);
        while let Some(body) = around {
            around = whole.outer(body);
            let Some(arrow) = body.checked_sub(1).filter(|at| whole.token(*at) == Some(Token::Arrow)) else {
                continue;
            };
            let Some(close) = arrow.checked_sub(1).filter(|at| whole.is(*at, b')')) else { continue };
            let open = whole.partner(close);
            let parameters = whole.inside(open);
            if parameters.first() != Some(&(open + 1, open + 2)) || whole.name(open + 1) != Some(name) {
                continue;
            }
            let Some(call) = open.checked_sub(1).filter(|at| whole.is(*at, b'(')) else { return false };
            let reduces = call.checked_sub(1).is_some_and(|at| {
                whole.is_member(at) && matches!(whole.name(at), Some(b"reduce" | b"reduceRight"))
            });
            let end = whole.partner(body);
            let starts = match whole.inside(call).as_slice() {
                [(from, to), (start, stop)] => {
                    (*from, *to) == (open, end + 1)
                        && matches!(whole.token(*start), Some(Token::Mark(b'{' | b'[')))
                        && whole.partner(*start) + 1 == *stop
                }
                _ => false,
            };
            // It comes back as what it is.
            let gives = end.saturating_sub(1 + usize::from(whole.was(end, b';')));
            let comes_back = whole.name(gives) == Some(name)
                && if whole.is(body, b'{') {
                    let returns = |at: &usize| whole.name(*at) == Some(b"return") && !whole.is_member(*at);
                    (body..end).filter(returns).eq([gives.saturating_sub(1)])
                } else {
                    whole.is(body, b'(') && whole.was(gives, b',') && whole.outer(gives) == Some(body)
                };
            let stays = (body..end).all(|at| {
                whole.name(at) != Some(name)
                    || whole.is_member(at)
                    || self.is_key(at)
                    || at == gives
                    || self.is_use(at)
                    || self.is_value(at)
            });
            let once = (open + 2..close).all(|at| whole.name(at) != Some(name));
            return reduces && starts && comes_back && stays && once;
        }
        false
    }

    /// Whether no method of an object is called, neither by the text nor by others.
    fn is_closed(&self, name: &[u8], binding: usize) -> bool {
        let whole = self.whole;
        self.each_use(name, Some(binding), |at| {
            whole.is(at + 1, b'[')
                || matches!(whole.back(at, 1), Some(Token::Name(b"in")))
                    && matches!(
                        whole.token(at + 1),
                        None | Some(Token::Mark(b')' | b';' | b'?' | b'&' | b'|'))
                    )
                    && !whole.opens_chain(at + 1)
                || self.is_shown(at, at)
        })
    }

    /// `Object.keys(x)`, `console.log(x)`, where `x` stands between these.
    pub(super) fn is_shown(&self, first: usize, last: usize) -> bool {
        let whole = self.whole;
        let Some(open) = whole.outer(first).filter(|_| self.is_argument(first, last)) else { return false };
        let Some(called) = open.checked_sub(1).filter(|at| whole.is_member(*at)) else { return false };
        let Some(root) = called.checked_sub(2).filter(|at| !whole.is_member(*at)) else { return false };
        match (whole.name(root), whole.name(called)) {
            (Some(b"Object"), Some(b"keys" | b"values" | b"entries" | b"hasOwn")) => true,
            (Some(b"console"), Some(b"log" | b"table" | b"error" | b"info" | b"warn")) => true,
            // A function would be handed the object.
            (Some(b"JSON"), Some(b"stringify")) => {
                whole.was(first, b'(') && !whole.is(last + 1, b',') || whole.name(last + 2) == Some(b"null")
            }
            _ => false,
        }
    }

    /// Whether those tokens are all of one argument of a call.
    pub(super) fn is_argument(&self, first: usize, last: usize) -> bool {
        let whole = self.whole;
        let Some(open) = whole.outer(first).filter(|open| whole.is(*open, b'(')) else { return false };
        let starts = whole.was(first, b'(') || whole.was(first, b',');
        let ends = whole.is(last + 1, b',') || whole.is(last + 1, b')');
        let Some(called) = open.checked_sub(1) else { return false };
        let calls = whole.name(called).is_some_and(|name| whole.is_member(called) || !is_keyword(name))
            && !matches!(whole.back(called, 1), Some(Token::Name(b"function")))
            && !(whole.was(called, b'*') && matches!(whole.back(called, 2), Some(Token::Name(b"function"))));
        let behind = whole.token(whole.partner(open) + 1);
        starts && ends && calls && !matches!(behind, Some(Token::Arrow | Token::Mark(b'{')))
    }
}
