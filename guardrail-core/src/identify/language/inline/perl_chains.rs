//! Perl's variables with their subscripts, and the brackets around them: which values are used as
//! references, and what is done to them.

use super::perl::{Before, Chain, Checker, Last, MAX_WAYS, Open};
use super::perl_refs::{Through, Way};
use super::perl_text::{Written, closing, is_name, is_reserved, writes};

impl<'t> Checker<'t> {
    /// `$x`, `@x`, `%x`, `$#x`, `$_`, `$1`, `$,`, `@{$x}`; none of those that name what Perl opens or
    /// runs.
    pub(super) fn variable(&mut self, sigil: u8) -> Option<()> {
        self.before = Before::Term;
        let sigil = if sigil == b'$' && self.cursor.peek() == Some(b'#') {
            self.cursor.skip(1);
            b'#'
        } else {
            sigil
        };
        let [first, second] = self.last;
        let call = |wanted: &[u8]| {
            let named = |last| matches!(last, Last::Word(word) if word == wanted);
            named(first) || first == Last::Mark(b'(') && named(second)
        };
        let declared = call(b"my") || matches!(self.open.last(), Some(Open::Round(true)));
        let keys = call(b"keys");
        let chosen = first == Last::Mark(b':')
            || second == Last::Mark(b':') && matches!(first, Last::Word(b"my" | b"our" | b"local"));
        let stepped = first == Last::Step;
        let compared = matches!(first, Last::Word(word) if compares(word));
        let chain =
            |way: usize, of: Option<u8>| Chain { way, of, keys, chosen, stepped, compared, arrow: false };
        let looped = |last| matches!(last, Last::Word(b"for" | b"foreach"));
        let refers = self.cursor.peek() == Some(b'{') || self.cursor.peek() == Some(b'$');
        let way = self.ways.all.len();
        if refers {
            let block = self.cursor.eat(b'{');
            self.cursor.eat_while(|byte| block && byte == b' ');
            if !self.cursor.eat(b'$') {
                return None;
            }
            let name = self.cursor.eat_while(is_name);
            if name.is_empty() || is_reserved(name, b'$') || self.joined() || name == b"ARGV" {
                return None;
            }
            let mut made = Way::of(b'$', name);
            made.target = self.mutates(sigil);
            made.written = made.target && self.fills();
            self.mutator = None;
            self.ways.all.push(made);
            if block {
                self.open.push(Open::Reference(sigil, chain(way, None)));
                // Inside, nothing may stand but a variable with its subscripts.
                self.chain = Some(Chain { keys: false, chosen: false, stepped: false, ..chain(way, None) });
            } else {
                self.chain = Some(chain(way, Some(sigil)));
            }
            return (self.ways.all.len() <= MAX_WAYS && self.open.len() <= MAX_WAYS).then_some(());
        }
        let name = self.cursor.eat_while(is_name);
        if name.is_empty() {
            if sigil != b'$' {
                return None;
            }
            let at = self.cursor.position();
            match self.cursor.next()? {
                b'&' | b',' | b'.' | b'/' | b'\\' | b';' | b'!' | b'"' | b'|' | b'+' | b'0' | b']' => {}
                b'^' if matches!(self.cursor.next()?, b'V' | b'O' | b'T' | b'X') => {}
                _ => return None,
            }
            self.mutator = None;
            self.ways.all.push(Way::of(b'$', self.cursor.slice(at..self.cursor.position())));
            self.chain = Some(chain(way, None));
            return (way < MAX_WAYS).then_some(());
        }
        // The name of the file that is read now; its elements are those that will be.
        if name == b"ARGV" && matches!(sigil, b'$' | b'#') {
            let mut ahead = self.cursor;
            ahead.eat_while(|byte| byte.is_ascii_whitespace());
            return (!matches!(ahead.peek(), Some(b'[' | b'{' | b'#' | b'-')) && !self.joined())
                .then_some(());
        }
        if name == b"Data" && sigil == b'$' && self.joined() {
            self.mutator = None;
            return self.dumps();
        }
        if is_reserved(name, sigil) || self.joined() {
            return None;
        }
        let mut made = Way::of(if sigil == b'#' { b'@' } else { sigil }, name);
        made.declared = declared;
        made.target = self.mutates(sigil);
        // A list of new variables is given values.
        made.written =
            made.target && self.fills() || declared && matches!(self.open.last(), Some(Open::Round(_)));
        self.mutator = None;
        if looped(first) || looped(second) && matches!(first, Last::Word(_)) {
            self.ways.loops.push(name);
        }
        self.ways.all.push(made);
        self.chain = (sigil != b'#').then(|| chain(way, None));
        (way < MAX_WAYS).then_some(())
    }

    /// `$Data::Dumper::Indent = 1`
    fn dumps(&mut self) -> Option<()> {
        if !self.cursor.eat_all(b"::Dumper::") {
            return None;
        }
        let name = self.cursor.eat_while(is_name);
        let known = matches!(name, b"Deepcopy" | b"Indent" | b"Maxdepth" | b"Sortkeys" | b"Terse" | b"Useqq");
        self.cursor.eat_while(|byte| byte == b' ');
        let given = self.cursor.eat(b'=');
        self.cursor.eat_while(|byte| byte == b' ');
        let number = self.cursor.eat_while(|byte| byte.is_ascii_digit());
        self.cursor.eat_while(|byte| byte == b' ');
        let ends = matches!(self.cursor.peek(), None | Some(b';' | b'}' | b')'));
        (known && given && !number.is_empty() && ends).then_some(())
    }

    /// `$main::x`, `$main'x`
    fn joined(&self) -> bool {
        self.cursor.peek() == Some(b'\'') || self.cursor.rest().starts_with(b"::")
    }

    /// The variable that comes is changed by the word before it.
    fn mutates(&self, sigil: u8) -> bool {
        self.mutator.is_some() && sigil != b'#'
    }

    /// That word puts something into it.
    fn fills(&self) -> bool {
        matches!(self.mutator, Some(b"push" | b"unshift" | b"splice"))
    }

    /// What stands behind a word that changes it.
    pub(super) fn aim(&mut self, byte: u8) -> Option<()> {
        let Some(word) = self.mutator else { return Some(()) };
        match byte {
            b'$' | b'@' | b'%' => return Some(()),
            // `push (@x, 1)`, but no `push ((@x), 1)`
            b'(' if self.last.first() == Some(&Last::Word(word)) => return Some(()),
            b'm' | b'o' if [&b"y "[..], b"ur "].iter().any(|rest| self.cursor.rest().starts_with(rest)) => {
                return Some(());
            }
            b';' | b')' | b'}' | b',' | b']' | b':' | b'?' | b'=' | b'|' | b'<' | b'>' | b'.' => {}
            // Something that need not be seen as such, with what it does to it.
            _ => self.ways.changes_aliases = true,
        }
        self.mutator = None;
        Some(())
    }

    /// Unless a subscript follows, the variable before ends here: says what is done to it.
    pub(super) fn settle(&mut self) -> Option<()> {
        let rest = self.cursor.rest();
        if self.round.take() == Some(false) && writes(rest) != Written::No {
            self.ways.changes_aliases = true;
        }
        let Some(chain) = self.chain else { return Some(()) };
        // `$h{a}("x")` calls what it names; behind a whole variable, a loop opens its list.
        let whole = self.ways.all.get(chain.way).is_some_and(Way::is_fresh);
        if rest.first() == Some(&b'(') && !(whole && chain.of.is_none()) {
            return None;
        }
        let subscript = matches!(rest.first(), Some(b'[' | b'{'));
        let continues = match chain.of {
            None => chain.arrow || subscript || rest.starts_with(b"->"),
            Some(b'#') => false,
            Some(_) => subscript,
        };
        if continues {
            return Some(());
        }
        self.chain = None;
        let way = self.ways.all.get_mut(chain.way)?;
        match chain.of {
            None => {}
            Some(b'@' | b'#') => way.pass(Through::Array),
            Some(b'%') if chain.keys => way.pass(Through::Keys),
            Some(b'%') => way.pass(Through::Any),
            Some(_) => return None,
        }
        let written = writes(rest);
        way.written |= chain.stepped || written == Written::Value;
        way.target |= written == Written::Empty;
        // What is compared goes no further.
        let word = rest.split(|byte| !is_name(*byte)).next().unwrap_or_default();
        way.shown |= chain.compared || compares(word) || rest.starts_with(b"<=>");
        self.ways.changes_aliases |= way.written && chain.chosen && self.choice;
        // What stands in brackets as a reference is all of it, or what stands in for it is empty.
        match self.open.last() {
            Some(Open::Reference(..)) => {
                let other = [&b"|| []"[..], b"// []", b"||[]", b"//[]", b"|| {}", b"// {}", b"||{}", b"//{}"];
                let _ = other.iter().any(|other| self.cursor.eat_all(other));
                self.cursor.eat_while(|byte| byte == b' ');
                (self.cursor.peek() == Some(b'}')).then_some(())
            }
            _ => Some(()),
        }
    }

    /// `->`, with a subscript behind it.
    pub(super) fn arrow(&mut self) -> Option<()> {
        match &mut self.chain {
            Some(chain) => chain.arrow = true,
            None => self.result(true)?,
        }
        Some(())
    }

    /// Something that no variable holds, with a subscript behind it.
    fn result(&mut self, arrow: bool) -> Option<()> {
        let way = self.ways.all.len();
        self.ways.all.push(Way::of_result());
        let (keys, chosen, stepped, compared) = (false, true, false, false);
        self.chain = Some(Chain { way, of: None, keys, chosen, stepped, compared, arrow });
        (way < MAX_WAYS).then_some(())
    }

    pub(super) fn opens(&mut self, byte: u8) -> Option<()> {
        let [first, second] = self.last;
        let open = match (byte, self.chain.take()) {
            (b'(', _) => {
                let new = first == Last::Word(b"my");
                // `for my ($a, $b)`
                if new && matches!(second, Last::Word(b"for" | b"foreach")) {
                    return None;
                }
                Open::Round(new && second != Last::Mark(b':'))
            }
            (_, Some(chain)) => Open::Subscript(chain, byte, self.cursor.position()),
            (b'[', None) if matches!(first, Last::Mark(b')') | Last::Text) => Open::Slice,
            (b'[', None) => Open::Square,
            _ => Open::Block,
        };
        self.open.push(open);
        (self.open.len() < MAX_WAYS).then_some(())
    }

    pub(super) fn closes(&mut self, byte: u8) -> Option<()> {
        self.before = if byte == b'}' { Before::Either } else { Before::Term };
        let Some(open) = self.open.pop() else {
            // The loop that flags put around a text.
            self.ways.strict = false;
            return (byte == b'}').then_some(());
        };
        match (open, byte) {
            (Open::Block, b'}') | (Open::Square, b']') => {}
            (Open::Round(new), b')') => self.round = Some(new),
            (Open::Slice, b']') => self.result(false)?,
            (Open::Reference(sigil, chain), b'}') => {
                self.chain = Some(Chain { of: Some(sigil), ..chain });
                self.before = Before::Term;
            }
            (Open::Subscript(chain, open @ (b'[' | b'{'), start), _) if closing(open) == byte => {
                let key = self.cursor.slice(start..self.cursor.position().saturating_sub(1)).trim_ascii();
                let way = self.ways.all.get_mut(chain.way)?;
                match chain.of {
                    None => way.subscript(open, key, chain.arrow),
                    Some(b'$') => way.subscript(open, key, true),
                    Some(_) if open == b'[' => way.pass(Through::Array),
                    Some(_) => way.pass(Through::Any),
                }
                self.chain = Some(Chain { of: None, arrow: false, ..chain });
                self.before = Before::Term;
            }
            _ => return None,
        }
        Some(())
    }
}

/// Operators that give out neither of their operands.
fn compares(word: &[u8]) -> bool {
    matches!(word, b"cmp" | b"eq" | b"ge" | b"gt" | b"le" | b"lt" | b"ne")
}
