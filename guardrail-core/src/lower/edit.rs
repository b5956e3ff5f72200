//! What the operators of a parameter expansion do to a value: take a prefix or suffix off, replace,
//! change case, cut.

use crate::lower::environment;
use crate::lower::expand::Mode;
use crate::lower::lowerer::{Lowerer, MAX_CONSTANT, Unit};
use crate::lower::parameter::{Expansion, List};
use crate::lower::{Lead, Origin, Value, Word, pattern};
use crate::shell::{Parameter, ParameterOperator, Part, Slice, Span};

impl<'a> Lowerer<'a> {
    /// A pattern argument as decoded; `None` where any of it is unknown.
    pub(super) fn pattern(
        &mut self,
        unit: Unit<'_, 'a>,
        parts: Slice<Part>,
        span: Span,
    ) -> (Option<Vec<u8>>, &'a [Origin<'a>]) {
        let separating = std::mem::replace(&mut self.separating, false);
        let mut field = self.open_field(span);
        self.parts(&mut field, unit, unit.script.parts(parts), Mode::Pattern);
        self.separating = separating;
        let whole = self.is_whole(&field) && !pattern::has_class(self.field_text(&field));
        let text = whole.then(|| self.field_pattern(&field));
        let from = self.field_origins(&field);
        self.discard(&field);
        // Extended globs are more than this matcher reads.
        let plain = text.filter(|text| {
            !text.windows(2).any(|pair| matches!(pair, [b'@' | b'!' | b'+' | b'*' | b'?', b'(']))
        });
        (plain, from)
    }

    pub(super) fn removal(
        &mut self,
        unit: Unit<'_, 'a>,
        value: Word<'a>,
        argument: Slice<Part>,
        prefix: bool,
        longest: bool,
    ) -> Word<'a> {
        let (pattern, from) = self.pattern(unit, argument, value.span);
        let unknown = |lowerer: &Self| {
            let all = if prefix { value.from } else { lowerer.neighbours(&value) };
            Word { from: environment::union(lowerer.arena, all, from), ..Word::unknown(value.span) }
        };
        let Some(pattern) = pattern else { return unknown(self) };
        if pattern.is_empty() {
            return value;
        }
        let Some(text) = value.as_known() else {
            return match value.value {
                // The beginning is known, and the least that matches is taken from there.
                Value::Partial { prefix: start, suffix }
                    if prefix && !longest && value.lead == Lead::Text && start.len() <= 1024 =>
                {
                    let begin = |at: &usize| pattern::matches(&pattern, start.get(..*at).unwrap_or_default());
                    match (1..=start.len()).find(begin).filter(|_| pattern.len() <= 128) {
                        Some(at) => {
                            let start = start.get(at..).unwrap_or_default();
                            let from = environment::union(self.arena, value.from, from);
                            edited(value, Value::Partial { prefix: start, suffix }, from)
                        }
                        None => unknown(self),
                    }
                }
                // The end is known, and the least that matches is taken from there.
                Value::Partial { prefix: start, suffix } if !prefix && !longest && suffix.len() <= 1024 => {
                    let end = |at: &usize| {
                        let removed = suffix.get(*at..).unwrap_or_default();
                        pattern::matches(&pattern, removed)
                    };
                    match (0..suffix.len()).rev().find(end).filter(|_| pattern.len() <= 128) {
                        Some(at) => {
                            let suffix = suffix.get(..at).unwrap_or_default();
                            let from = environment::union(self.arena, self.neighbours(&value), from);
                            edited(value, Value::Partial { prefix: start, suffix }, from)
                        }
                        None => unknown(self),
                    }
                }
                _ => unknown(self),
            };
        };
        if !text.is_ascii() || text.len() > 1024 || pattern.len() > 128 {
            return unknown(self);
        }
        if !self.spend(1 + (text.len() * pattern.len()) as u32 / 64, unit.source, value.span) {
            return unknown(self);
        }
        // Shortest first; for the longest the other way round.
        let cuts = |at: usize| {
            let len = if longest { text.len() - at } else { at };
            if prefix {
                let (removed, kept) = text.split_at(len);
                (removed, kept)
            } else {
                let (kept, removed) = text.split_at(text.len() - len);
                (removed, kept)
            }
        };
        for at in 0..=text.len() {
            let (removed, kept) = cuts(at);
            if pattern::matches(&pattern, removed) {
                return edited(value, Value::Known(kept), value.from);
            }
        }
        value
    }

    /// Whether an operator makes another text of each value, and runs nothing for it.
    pub(super) fn edits(&self, unit: Unit<'_, 'a>, parameter: &Parameter) -> bool {
        let plain = |part: &Part| {
            matches!(part, Part::Literal(_) | Part::Escaped(_) | Part::SingleQuoted(_) | Part::AnsiQuoted(_))
        };
        let operator = matches!(
            parameter.operator,
            ParameterOperator::RemovePrefix { .. }
                | ParameterOperator::RemoveSuffix { .. }
                | ParameterOperator::Replace { .. }
                | ParameterOperator::Substring
                | ParameterOperator::Case { .. }
        );
        operator
            && !parameter.indirect
            && parameter.arguments.iter().all(|parts| unit.script.parts(*parts).iter().all(plain))
    }

    /// What an operator makes of a value, and of each of the constants that it may be.
    #[inline(never)]
    pub(super) fn each_edited(
        &mut self,
        unit: Unit<'_, 'a>,
        parameter: &Parameter,
        name: &'a [u8],
        value: Word<'a>,
    ) -> Word<'a> {
        let word = self.edited(unit, parameter, name, value);
        if value.maybe.is_empty() || word.as_known().is_some() || !self.edits(unit, parameter) {
            return word;
        }
        let mut made: Vec<&'a [u8]> = Vec::new();
        for text in value.maybe {
            let text = self.edited(unit, parameter, name, Word::known(text, parameter.span)).as_known();
            made.extend(text.filter(|text| !made.contains(text)));
        }
        Word { maybe: self.arena.alloc_slice_copy(&made), ..word }
    }

    /// `"${@:-x}"`: some of the list, or what stands in its place.
    #[inline(never)]
    pub(super) fn list_or_other(
        &mut self,
        unit: Unit<'_, 'a>,
        parameter: &Parameter,
        name: &'a [u8],
        list: List<'a>,
    ) -> Expansion<'a> {
        let List { elements, rest, joined } = list;
        let [other, _] = parameter.arguments;
        if elements.is_empty() && rest.is_none() {
            if matches!(parameter.operator, ParameterOperator::Default { .. }) {
                return Expansion::Parts(other);
            }
            self.unused(unit, other, parameter.span);
            return Expansion::List(list);
        }
        let other = self.argument(unit, other, parameter.span, Mode::Assignment);
        let from = environment::union(self.arena, self.traces(&other), rest.unwrap_or_default());
        let all = elements.iter().copied().chain([other]).collect::<Vec<_>>();
        self.some_of(self.arena.alloc_slice_copy(&all), from, name, joined)
    }

    /// What an operator makes of each value of a list.
    #[inline(never)]
    pub(super) fn edited_list(
        &mut self,
        unit: Unit<'_, 'a>,
        parameter: &Parameter,
        name: &'a [u8],
        List { elements, rest, joined }: List<'a>,
    ) -> Expansion<'a> {
        let mut made: Vec<Word<'a>> = Vec::with_capacity(elements.len());
        for element in elements {
            let value = self.value_of(element);
            made.push(self.each_edited(unit, parameter, name, value));
        }
        let rest = rest.map(|from| self.neighbours(&Word { from, ..Word::unknown(parameter.span) }));
        Expansion::List(List { elements: self.arena.alloc_slice_copy(&made), rest, joined })
    }

    /// What is left of a path may be the slash that it begins with: `${PATH:0:1}`, `${HOME%%[a-z]*}`.
    pub(super) fn rooted(&self, left: Word<'a>, name: &[u8]) -> Word<'a> {
        let path = matches!(name, b"HOME" | b"PATH" | b"PWD" | b"OLDPWD" | b"SHELL" | b"BASH");
        let open = left.as_known().is_none() && left.maybe.is_empty();
        if path && open { Word { maybe: &[b"/"], ..left } } else { left }
    }

    /// Something unknown made of a value.
    pub(super) fn derived(&self, value: &Word<'a>, name: &'a [u8]) -> Word<'a> {
        let from = if value.as_known().is_some() { self.named(value.from, name) } else { value.from };
        Word { from, ..Word::unknown(value.span) }
    }

    /// What a value may be once its end is cut or changed: whatever lies beside the files that it names.
    pub(super) fn neighbours(&self, value: &Word<'a>) -> &'a [Origin<'a>] {
        let mut from = value.from;
        for origin in self.traces(value) {
            let Origin::Files(lead, paths) = origin else { continue };
            for path in paths.split(|byte| *byte == b'\n') {
                if let Some(slash) = path.iter().rposition(|byte| *byte == b'/') {
                    let all = [path.get(..=slash).unwrap_or_default(), b"*"].concat();
                    from = self.with_files(from, *lead, self.arena.alloc_slice_copy(&all));
                }
            }
        }
        from
    }

    pub(super) fn replacement(
        &mut self,
        unit: Unit<'_, 'a>,
        value: Word<'a>,
        argument: Slice<Part>,
        replacement: Slice<Part>,
        which: u8,
    ) -> Word<'a> {
        let (pattern, from) = self.pattern(unit, argument, value.span);
        let by = self.argument(unit, replacement, value.span, Mode::Assignment);
        self.replaced(unit, value, (pattern, from), &by, which)
    }

    /// The value with what matches the pattern replaced by a word.
    #[inline(never)]
    fn replaced(
        &mut self,
        unit: Unit<'_, 'a>,
        value: Word<'a>,
        (pattern, from): (Option<Vec<u8>>, &'a [Origin<'a>]),
        by: &Word<'a>,
        which: u8,
    ) -> Word<'a> {
        let from = environment::union(self.arena, from, by.from);
        let unknown = |lowerer: &Self| Word {
            from: environment::union(lowerer.arena, lowerer.neighbours(&value), from),
            ..Word::unknown(value.span)
        };
        let (Some(text), Some(pattern), Some(by)) = (value.as_known(), pattern, by.as_known()) else {
            return unknown(self);
        };
        // An unquoted `&` in the replacement stands for what was matched.
        if !text.is_ascii()
            || text.len() > 1024
            || pattern.len() > 128
            || by.contains(&b'&')
            || by.contains(&b'\\')
        {
            return unknown(self);
        }
        if pattern.is_empty() {
            return value;
        }
        if !self.spend(1 + (text.len() * pattern.len()) as u32 / 8, unit.source, value.span) {
            return unknown(self);
        }
        let mut out = Vec::new();
        let mut rest = text;
        loop {
            // The longest match at this place.
            let most = (0..=rest.len()).rev().find(|&len| {
                let whole = which != b'%' || len == rest.len();
                whole && pattern::matches(&pattern, rest.get(..len).unwrap_or_default())
            });
            match (most, rest.split_first()) {
                (Some(len), _) if len > 0 || which == b'#' || which == b'%' => {
                    out.extend_from_slice(by);
                    rest = rest.get(len..).unwrap_or_default();
                    if which != b'a' {
                        break;
                    }
                }
                (_, Some((byte, tail))) => {
                    if which == b'#' {
                        break;
                    }
                    out.push(*byte);
                    rest = tail;
                }
                (_, None) => break,
            }
            if out.len() > MAX_CONSTANT {
                return unknown(self);
            }
        }
        out.extend_from_slice(rest);
        if out.len() > MAX_CONSTANT {
            return unknown(self);
        }
        Word::known(self.arena.alloc_slice_copy(&out), value.span)
    }

    pub(super) fn change_case(&self, text: &'a [u8], which: u8, all: bool, span: Span) -> Word<'a> {
        let mut changed = text.to_vec();
        let count = if all { changed.len() } else { changed.len().min(1) };
        for byte in changed.iter_mut().take(count) {
            *byte = match which {
                b'^' => byte.to_ascii_uppercase(),
                b',' => byte.to_ascii_lowercase(),
                _ if byte.is_ascii_uppercase() => byte.to_ascii_lowercase(),
                _ => byte.to_ascii_uppercase(),
            };
        }
        Word::known(self.arena.alloc_slice_copy(&changed), span)
    }
}

/// `${x:offset:length}` on ASCII text.
pub(super) fn cut<'a>(text: &'a [u8], offset: i64, length: Option<i64>, span: Span) -> Word<'a> {
    let len = text.len() as i64;
    let start = if offset < 0 { len.saturating_add(offset) } else { offset };
    if start < 0 || start > len {
        return Word::known(b"", span);
    }
    let end = match length {
        None => len,
        Some(length) if length < 0 => len.saturating_add(length),
        Some(length) => start.saturating_add(length).min(len),
    };
    if end < start {
        // bash reports an error here; nothing is known of what follows.
        return Word::unknown(span);
    }
    Word::known(text.get(start as usize..end as usize).unwrap_or_default(), span)
}

/// A piece of a value: nothing is known of how it begins.
fn edited<'a>(value: Word<'a>, piece: Value<'a>, from: &'a [Origin<'a>]) -> Word<'a> {
    Word { value: piece, from, ..Word::part(value) }
}
