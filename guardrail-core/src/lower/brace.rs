//! Brace expansion, on the parts of a word before anything else happens to them.

use crate::lower::lowerer::{Lowerer, Unit};
use crate::lower::scope::is_name;
use crate::shell::{Part, Span};

/// A piece of a word during brace expansion. Only text can hold active braces.
#[derive(Clone, Copy)]
pub(super) enum Atom<'a> {
    /// Unquoted literal text.
    Text(&'a [u8]),
    /// Anything else: inert.
    Part(Part),
    /// A sequence too long to be spelled out: any of its numbers or letters.
    Numbers,
    /// `$x` whose name goes on in an alternative: `$x{a,b}` is `$xa $xb`.
    Variable(&'a [u8], Span),
}

/// A place in a run of atoms: which, and which byte of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    atom: usize,
    byte: usize,
}

/// More alternatives than the limit allows.
struct TooMany;

/// Makes one word of several alternatives, each a run of atoms.
type Alternatives<'a> = Vec<Vec<Atom<'a>>>;

impl<'a> Lowerer<'a> {
    /// Whether brace expansion makes several words of one.
    pub(super) fn has_alternatives(&self, unit: Unit<'_, 'a>, parts: &[Part]) -> bool {
        let braced =
            parts.iter().any(|part| matches!(part, Part::Literal(span) if unit.bytes(*span).contains(&b'{')));
        if !braced {
            return false;
        }
        let braces = Braces { most: self.limits.brace_words, arena: self.arena, spell: true };
        braces.expand(&atoms(unit, parts), 0).map_or(true, |alternatives| alternatives.len() > 1)
    }

    pub(super) fn expand_braces(&mut self, unit: Unit<'_, 'a>, parts: &[Part], span: Span) {
        let atoms = atoms(unit, parts);
        let most = self.limits.brace_words;
        let exact = Braces { most, arena: self.arena, spell: true }.expand(&atoms, 0);
        // `{1..100}` is no attack: where spelling sequences out is what takes too many words, one
        // word stands for all of them.
        let expanded = exact.or_else(|_| Braces { most, arena: self.arena, spell: false }.expand(&atoms, 0));
        let Ok(alternatives) = expanded else {
            self.exhaust(unit.source, span);
            return;
        };
        let remembers = std::mem::replace(&mut self.remembers, alternatives.len() > 1);
        let substituted = std::mem::take(&mut self.substituted);
        let several = alternatives.len() > 1;
        for alternative in &alternatives {
            let alternative = self.joined(unit, alternative);
            if !self.spend(1 + alternative.len() as u32, unit.source, span) {
                break;
            }
            // An alternative of nothing is no word, as an unquoted empty expansion is none.
            self.expand_atoms(unit, &alternative, several, span);
        }
        self.remembers = remembers;
        self.substituted = substituted;
    }
}

impl<'a> Lowerer<'a> {
    /// Brace expansion is done on text: what it puts side by side is read as one.
    fn joined(&self, unit: Unit<'_, 'a>, atoms: &[Atom<'a>]) -> Vec<Atom<'a>> {
        let mut out: Vec<Atom<'a>> = Vec::with_capacity(atoms.len());
        for atom in atoms {
            let Atom::Text(text) = *atom else {
                out.push(*atom);
                continue;
            };
            match out.last_mut() {
                Some(Atom::Text(before)) => *before = self.arena.alloc_slice_copy(&[*before, text].concat()),
                Some(last @ Atom::Part(Part::Parameter(_))) => {
                    let Atom::Part(Part::Parameter(id)) = *last else { continue };
                    let more = text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_');
                    let (more, rest) = text.split_at(more.count());
                    let open = unit
                        .script
                        .parameter(id)
                        .map(|parameter| (parameter.span, unit.bytes(parameter.span)));
                    match open {
                        Some((span, [b'$', name @ ..])) if !more.is_empty() && is_name(name) => {
                            let name = self.arena.alloc_slice_copy(&[name, more].concat());
                            *last = Atom::Variable(name, span);
                            if !rest.is_empty() {
                                out.push(Atom::Text(rest));
                            }
                        }
                        _ => out.push(*atom),
                    }
                }
                Some(Atom::Variable(before, _)) => {
                    let more = text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_');
                    let (more, rest) = text.split_at(more.count());
                    *before = self.arena.alloc_slice_copy(&[*before, more].concat());
                    if !rest.is_empty() {
                        out.push(Atom::Text(rest));
                    }
                }
                _ => out.push(*atom),
            }
        }
        out
    }
}

fn atoms<'a>(unit: Unit<'_, 'a>, parts: &[Part]) -> Vec<Atom<'a>> {
    let atom = |part: &Part| match part {
        Part::Literal(span) => Atom::Text(unit.bytes(*span)),
        part => Atom::Part(*part),
    };
    parts.iter().map(atom).collect()
}

struct Braces<'a> {
    most: usize,
    arena: &'a bumpalo::Bump,
    /// Whether sequences become their members.
    spell: bool,
}

/// Braces inside braces deeper than this are not taken apart.
const MAX_NESTING: u32 = 24;

/// A word with more braces than this is not taken apart: each that is never closed costs a search
/// to the end of the word.
const MAX_BRACES: usize = 256;

fn count(atoms: &[Atom<'_>], byte: u8) -> usize {
    let text = |atom: &Atom<'_>| match atom {
        Atom::Text(text) => text.iter().filter(|&&b| b == byte).count(),
        _ => 0,
    };
    atoms.iter().map(text).sum()
}

impl<'a> Braces<'a> {
    /// What bash's `brace_expand` does: the first brace that can be closed, what is before it, each
    /// alternative, and what is behind it.
    fn expand(&self, atoms: &[Atom<'a>], depth: u32) -> Result<Alternatives<'a>, TooMany> {
        if depth > MAX_NESTING || (depth == 0 && count(atoms, b'{') > MAX_BRACES) {
            return Err(TooMany);
        }
        let mut search = Place { atom: 0, byte: 0 };
        while let Some(open) = find(atoms, search, b'{') {
            let inside = next(open);
            // `{}` at the head of a word is the two characters.
            if open == (Place { atom: 0, byte: 0 }) && byte_at(atoms, inside) == Some(b'}') {
                search = next(inside);
                continue;
            }
            let Some((close, commas)) = closing(atoms, inside) else {
                search = inside;
                continue;
            };
            let amble = slice(atoms, inside, close);
            let middle = if commas.is_empty() && !any_comma(&amble) {
                match self.sequence(&amble)? {
                    Some(sequence) => sequence,
                    None => vec![slice(atoms, open, next(close))],
                }
            } else {
                let mut all = Vec::new();
                let mut from = inside;
                for comma in commas.iter().copied().chain([close]) {
                    all.extend(self.expand(&slice(atoms, from, comma), depth + 1)?);
                    if all.len() > self.most {
                        return Err(TooMany);
                    }
                    from = next(comma);
                }
                all
            };
            let head = slice(atoms, Place { atom: 0, byte: 0 }, open);
            let tail = slice(atoms, next(close), Place { atom: atoms.len(), byte: 0 });
            let tails = if tail.is_empty() { vec![Vec::new()] } else { self.expand(&tail, depth + 1)? };
            if middle.len() * tails.len() > self.most {
                return Err(TooMany);
            }
            let mut all = Vec::with_capacity(middle.len() * tails.len());
            for middle in &middle {
                for tail in &tails {
                    all.push([head.as_slice(), middle, tail].concat());
                }
            }
            return Ok(all);
        }
        Ok(vec![atoms.to_vec()])
    }

    /// `{1..3}`, `{a..e..2}`: `None` where it is no sequence.
    fn sequence(&self, amble: &[Atom<'a>]) -> Result<Option<Alternatives<'a>>, TooMany> {
        let text: Vec<u8> = match amble {
            [Atom::Text(text)] => text.to_vec(),
            _ => return Ok(None),
        };
        let Some((first, rest)) = split(&text) else { return Ok(None) };
        let (last, step) = match split(rest) {
            Some((last, step)) => match integer(step) {
                Some(step) => (last, step),
                None => return Ok(None),
            },
            None => (rest, 1),
        };
        let letters =
            matches!((first, last), ([a], [b]) if a.is_ascii_alphabetic() && b.is_ascii_alphabetic());
        let (from, to) = match (letters, first, last) {
            (true, [a], [b]) => (i64::from(*a), i64::from(*b)),
            _ => match (integer(first), integer(last)) {
                (Some(a), Some(b)) => (a, b),
                _ => return Ok(None),
            },
        };
        let zeros = |text: &[u8]| {
            let digits = text.strip_prefix(b"-").unwrap_or(text);
            digits.len() > 1 && digits.first() == Some(&b'0')
        };
        let width = if !letters && (zeros(first) || zeros(last)) { first.len().max(last.len()) } else { 0 };
        let step = step.unsigned_abs().max(1);
        let count = from.abs_diff(to) / step;
        if !self.spell {
            return Ok(Some(vec![vec![Atom::Numbers]]));
        }
        if count >= self.most as u64 {
            return Err(TooMany);
        }
        let mut all = Vec::new();
        for at in 0..=count {
            let offset = (at * step) as i64;
            let value = if from <= to { from.wrapping_add(offset) } else { from.wrapping_sub(offset) };
            let text = if letters {
                // Between `Z` and `a` lies a backslash, which then quotes nothing and is gone.
                if value == i64::from(b'\\') { Vec::new() } else { vec![value as u8] }
            } else {
                format!("{value:0width$}").into_bytes()
            };
            all.push(vec![Atom::Text(self.arena.alloc_slice_copy(&text))]);
        }
        Ok(Some(all))
    }
}

/// The text before and behind the first `..`, neither of them empty.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.windows(2).position(|pair| pair == b"..")?;
    let (before, behind) = (text.get(..at)?, text.get(at + 2..)?);
    (!before.is_empty() && !behind.is_empty()).then_some((before, behind))
}

fn integer(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn byte_at(atoms: &[Atom<'_>], place: Place) -> Option<u8> {
    match atoms.get(place.atom) {
        Some(Atom::Text(text)) => match text.get(place.byte) {
            Some(byte) => Some(*byte),
            None => byte_at(atoms, Place { atom: place.atom + 1, byte: 0 }),
        },
        _ => None,
    }
}

const fn next(place: Place) -> Place {
    Place { atom: place.atom, byte: place.byte + 1 }
}

/// The active bytes from a place on.
fn active<'t>(atoms: &'t [Atom<'_>], from: Place) -> impl Iterator<Item = (Place, u8)> + 't {
    atoms.iter().enumerate().skip(from.atom).flat_map(move |(atom, piece)| {
        let text: &[u8] = match piece {
            Atom::Text(text) => text,
            _ => &[],
        };
        let start = if atom == from.atom { from.byte } else { 0 };
        text.iter().enumerate().skip(start).map(move |(byte, value)| (Place { atom, byte }, *value))
    })
}

fn find(atoms: &[Atom<'_>], from: Place, wanted: u8) -> Option<Place> {
    active(atoms, from).find(|(_, byte)| *byte == wanted).map(|(place, _)| place)
}

fn any_comma(atoms: &[Atom<'_>]) -> bool {
    find(atoms, Place { atom: 0, byte: 0 }, b',').is_some()
}

/// The brace that closes one opened just before `from`, with the commas at its level. Without
/// a comma or `..` at that level a closing brace closes nothing.
fn closing(atoms: &[Atom<'_>], from: Place) -> Option<(Place, Vec<Place>)> {
    let mut level = 0u32;
    let mut separated = false;
    let mut commas = Vec::new();
    for (place, byte) in active(atoms, from) {
        match byte {
            b'}' if level == 0 && separated => return Some((place, commas)),
            b'{' => level += 1,
            b'}' => level = level.saturating_sub(1),
            b',' if level == 0 => {
                separated = true;
                commas.push(place);
            }
            b'.' if level == 0
                && byte_at(atoms, next(place)) == Some(b'.')
                && byte_at(atoms, next(next(place))) != Some(b'}') =>
            {
                separated = true;
            }
            _ => {}
        }
    }
    None
}

/// The atoms between two places.
fn slice<'a>(atoms: &[Atom<'a>], from: Place, to: Place) -> Vec<Atom<'a>> {
    let mut out = Vec::new();
    for (at, atom) in atoms.iter().enumerate().skip(from.atom).take((to.atom + 1).saturating_sub(from.atom)) {
        match atom {
            Atom::Text(text) => {
                let start = if at == from.atom { from.byte } else { 0 };
                let end = if at == to.atom { to.byte } else { text.len() };
                if let Some(piece) = text.get(start..end).filter(|piece| !piece.is_empty()) {
                    out.push(Atom::Text(piece));
                }
            }
            atom => {
                if at < to.atom {
                    out.push(*atom);
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(text: &str) -> Option<Vec<String>> {
        let arena = bumpalo::Bump::new();
        let braces = Braces { most: 64, arena: &arena, spell: true };
        let all = braces.expand(&[Atom::Text(text.as_bytes())], 0).ok()?;
        let join = |atoms: &Vec<Atom<'_>>| {
            let pieces = atoms.iter().map(|atom| match atom {
                Atom::Text(text) => String::from_utf8_lossy(text).into_owned(),
                _ => String::new(),
            });
            pieces.collect::<String>()
        };
        Some(all.iter().map(join).collect())
    }

    #[test]
    fn as_bash_does() {
        for (text, expected) in [
            ("{a,b}{c,d}", "ac ad bc bd"),
            ("{{a,b}}", "{a} {b}"),
            ("{a},b}", "a} b"),
            ("{a,{b,c}", "{a,b {a,c"),
            ("a{},b}", "a} ab"),
            ("{1..3}", "1 2 3"),
            ("{01..3}", "01 02 03"),
            ("{3..1..2}", "3 1"),
            ("{a..e..2}", "a c e"),
            ("{1..a}", "{1..a}"),
            ("{}", "{}"),
            ("{a}", "{a}"),
            ("x{,}", "x x"),
            ("{a,b{1..2}}", "a b1 b2"),
            ("{a..c}{x", "a{x b{x c{x"),
        ] {
            assert_eq!(expand(text).map(|all| all.join(" ")).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(expand("{1..100000}"), None);
        assert_eq!(expand(&"{a,b}".repeat(7)), None);
    }
}
