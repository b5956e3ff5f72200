//! One field (a future argument) while it is put together from the pieces of a word.

use crate::lower::environment;
use crate::lower::lowerer::{Lowerer, MAX_CONSTANT};
use crate::lower::{Form, Lead, Origin, Outputs, Value, Word};
use crate::shell::Span;

/// Marks a hole in the text of a field: no argument can hold this byte.
pub(super) const HOLE: u8 = 0;

/// Longer texts that a word with holes may come to are not kept.
const MAX_MAYBE: usize = 1 << 10;

const NOWHERE: usize = usize::MAX;

/// The bookkeeping of a field; its text lies in the lowerer's scratch buffer.
pub(super) struct Field<'a> {
    span: Span,
    start: usize,
    origins: usize,
    globs: usize,
    choices: usize,
    /// First and last place whose text is not exactly known, holes and globs alike.
    first_unknown: usize,
    after_unknown: usize,
    holed: bool,
    open_bracket: usize,
    globbing: bool,
    /// Whether there is a field at all: unquoted nothing is none.
    exists: bool,
    splits: bool,
    /// A hole that is not one of several plain constants.
    open: bool,
    /// What the holes are made of, but for the constants; nothing before the first.
    outputs: Option<Outputs>,
    lead: Lead,
    /// The one piece it consists of, to be borrowed instead of copied.
    only: Option<&'a [u8]>,
    overlong: bool,
}

impl<'a> Lowerer<'a> {
    pub(super) fn open_field(&self, span: Span) -> Field<'a> {
        Field {
            span,
            start: self.buffer.len(),
            origins: self.origins.len(),
            globs: self.globs.len(),
            choices: self.choices.len(),
            first_unknown: NOWHERE,
            after_unknown: 0,
            holed: false,
            open_bracket: NOWHERE,
            globbing: false,
            exists: false,
            splits: false,
            open: false,
            outputs: None,
            lead: Lead::Text,
            only: None,
            overlong: false,
        }
    }

    /// Text; with `active`, its glob characters are ones.
    pub(super) fn push_text(&mut self, field: &mut Field<'a>, text: &'a [u8], active: bool) {
        if text.is_empty() {
            return;
        }
        field.only = (self.buffer.len() == field.start && !field.exists).then_some(text);
        field.exists = true;
        if self.buffer.len() - field.start + text.len() > MAX_CONSTANT && field.only.is_none() {
            field.overlong = true;
            return;
        }
        let at = self.buffer.len();
        self.buffer.extend_from_slice_copy(text);
        if active {
            for (offset, byte) in text.iter().enumerate() {
                match byte {
                    b'*' | b'?' => self.push_glob(field, at + offset),
                    b'[' => {
                        self.globs.push((at + offset - field.start) as u32);
                        if field.open_bracket == NOWHERE {
                            field.open_bracket = at + offset;
                        }
                    }
                    b']' if field.open_bracket != NOWHERE && at + offset > field.open_bracket + 1 => {
                        let open = field.open_bracket;
                        self.push_glob(field, at + offset);
                        field.first_unknown = field.first_unknown.min(open);
                        field.open_bracket = NOWHERE;
                    }
                    _ => {}
                }
            }
        }
    }

    fn push_glob(&mut self, field: &mut Field<'a>, at: usize) {
        field.globbing = true;
        field.first_unknown = field.first_unknown.min(at);
        field.after_unknown = at + 1;
        self.globs.push((at - field.start) as u32);
    }

    /// A character of an extended glob: its operator, a parenthesis, a bar.
    pub(super) fn push_glob_character(&mut self, field: &mut Field<'a>, byte: u8) {
        let at = self.buffer.len();
        self.buffer.push(byte);
        field.exists = true;
        field.only = None;
        self.push_glob(field, at);
    }

    /// Quotes: there is a field even if they hold nothing.
    pub(super) fn push_quotes(&mut self, field: &mut Field<'a>) {
        if !field.exists {
            field.exists = true;
            field.only = Some(&[]);
        } else if field.only.is_some_and(<[u8]>::is_empty) {
            field.only = None;
        }
    }

    /// Something that cannot be known.
    pub(super) fn push_hole(&mut self, field: &mut Field<'a>, from: &[Origin<'a>], splits: bool) {
        field.open = true;
        field.outputs = Some(Outputs::Mixed);
        self.push_piece(field, from, splits, &[]);
    }

    /// Something that cannot be known, of which some of the constants it may be are.
    fn push_open(&mut self, field: &mut Field<'a>, word: &Word<'a>, splits: bool) {
        field.open = true;
        field.outputs = Some(match (field.outputs, word.outputs) {
            (Some(Outputs::Mixed), _) | (_, Outputs::Mixed) => Outputs::Mixed,
            (None | Some(Outputs::Numbers), Outputs::Numbers) => Outputs::Numbers,
            (None, Outputs::Own) => Outputs::Own,
            (None, Outputs::First) => Outputs::First,
            (None, Outputs::Pipe) => Outputs::Pipe,
            (Some(Outputs::Pipe), _) | (_, Outputs::Pipe) => Outputs::Mixed,
            (Some(Outputs::Own), _) | (_, Outputs::Own) => Outputs::Mixed,
            (Some(Outputs::Words | Outputs::First | Outputs::Numbers), _)
            | (_, Outputs::Words | Outputs::First | Outputs::Numbers) => Outputs::Words,
            _ => Outputs::Piece,
        });
        let maybe = self.between(word);
        self.push_piece(field, word.from, splits, maybe);
    }

    /// What may stand between the known ends of a word.
    fn between(&self, word: &Word<'a>) -> &'a [&'a [u8]] {
        match word.value {
            _ if word.maybe.is_empty() => &[],
            Value::Partial { prefix, suffix } if word.lead == Lead::Text => {
                let inside = |text: &&'a [u8]| text.strip_prefix(prefix)?.strip_suffix(suffix);
                self.arena.alloc_slice_fill_iter(word.maybe.iter().filter_map(inside).collect::<Vec<_>>())
            }
            Value::Unknown => word.maybe,
            _ => &[],
        }
    }

    /// One of several plain constants.
    fn push_choice(&mut self, field: &mut Field<'a>, word: &Word<'a>) {
        let (prefix, suffix) = match word.value {
            Value::Partial { prefix, suffix } => (prefix, suffix),
            _ => (&[][..], &[][..]),
        };
        self.push_text(field, prefix, false);
        let maybe = self.between(word);
        self.push_piece(field, word.from, false, maybe);
        self.push_text(field, suffix, false);
    }

    fn push_piece(
        &mut self,
        field: &mut Field<'a>,
        from: &[Origin<'a>],
        splits: bool,
        maybe: &'a [&'a [u8]],
    ) {
        self.choices.push(maybe);
        field.exists = true;
        field.only = None;
        field.holed = true;
        field.splits |= splits;
        field.first_unknown = field.first_unknown.min(self.buffer.len());
        self.buffer.push(HOLE);
        field.after_unknown = self.buffer.len();
        for origin in from {
            let known = self.origins.get(field.origins..).unwrap_or_default();
            if known.contains(origin) {
                continue;
            }
            if known.len() < environment::MOST_ORIGINS {
                self.origins.push(*origin);
                continue;
            }
            field.outputs = Some(Outputs::Mixed);
            if let (Origin::Files(..), Some(last)) = (origin, self.origins.last_mut()) {
                *last = environment::EVERYWHERE;
            }
        }
    }

    /// A place (the home directory, ...) at the head of a field; elsewhere it is only unknown text.
    pub(super) fn push_lead(&mut self, field: &mut Field<'a>, lead: Lead, from: &[Origin<'a>]) {
        if self.buffer.len() == field.start && !field.holed {
            field.lead = lead;
        }
        self.push_hole(field, from, false);
    }

    /// A value as one piece, as within quotes.
    pub(super) fn push_value(&mut self, field: &mut Field<'a>, word: &Word<'a>) {
        match word.value {
            _ if word.choice => self.push_choice(field, word),
            Value::Known(text) => self.push_text(field, text, false),
            Value::Partial { prefix, suffix } => {
                if word.lead == Lead::Text {
                    self.push_text(field, prefix, false);
                    self.push_open(field, word, false);
                } else {
                    self.push_lead(field, word.lead, word.from);
                }
                self.push_text(field, suffix, false);
            }
            Value::Unknown => self.push_open(field, word, false),
        }
    }

    /// A value as an unquoted expansion: split at blanks, its glob characters active.
    pub(super) fn push_split(&mut self, field: &mut Field<'a>, word: &Word<'a>) {
        let Some(separators) = self.separators() else {
            // Nobody knows where it splits.
            let from = self.pieces(word);
            self.push_hole(field, from, true);
            return;
        };
        match word.value {
            _ if word.choice => self.push_choice(field, word),
            Value::Known(text) => self.push_split_text(field, text, separators),
            Value::Partial { prefix, suffix } => {
                if word.lead == Lead::Text {
                    self.push_split_text(field, prefix, separators);
                    self.push_open(field, word, true);
                } else {
                    self.push_lead(field, word.lead, word.from);
                    field.splits = true;
                }
                self.push_split_text(field, suffix, separators);
            }
            Value::Unknown => self.push_open(field, word, true),
        }
    }

    fn push_split_text(&mut self, field: &mut Field<'a>, text: &'a [u8], separators: &[u8]) {
        let mut rest = text;
        while !rest.is_empty() {
            let len = rest.iter().position(|byte| separators.contains(byte)).unwrap_or(rest.len());
            let (piece, tail) = rest.split_at(len);
            self.push_text(field, piece, true);
            if tail.is_empty() {
                break;
            }
            self.break_field(field);
            rest = tail.get(1..).unwrap_or_default();
        }
    }

    /// Ends the field, if there is one, and opens the next.
    pub(super) fn break_field(&mut self, field: &mut Field<'a>) {
        let span = field.span;
        let done = std::mem::replace(field, self.open_field(span));
        self.close_field(done);
        *field = self.open_field(span);
    }

    /// Ends the field: appends it to the words, unless there is none.
    pub(super) fn close_field(&mut self, field: Field<'a>) {
        if field.exists {
            let word = self.finish_field(&field, true);
            self.words.push(word);
        } else {
            self.discard(&field);
        }
    }

    /// Ends a field that is one word whatever it holds.
    pub(super) fn close_single(&mut self, field: Field<'a>) -> Word<'a> {
        let word = self.finish_field(&field, false);
        Word { splits: false, ..word }
    }

    /// The text of a field that is not closed, with [`HOLE`]s.
    pub(super) fn field_text(&self, field: &Field<'a>) -> &[u8] {
        self.buffer.get(field.start..).unwrap_or_default()
    }

    /// The text as a pattern: glob characters that are none get a backslash. With holes as stars.
    pub(super) fn field_pattern(&self, field: &Field<'a>) -> Vec<u8> {
        let active = self.globs.get(field.globs..).unwrap_or_default();
        let mut active = active.iter().copied().peekable();
        let mut pattern = Vec::new();
        for (at, &byte) in self.field_text(field).iter().enumerate() {
            while active.peek().is_some_and(|&next| (next as usize) < at) {
                active.next();
            }
            let is_active = active.peek() == Some(&(at as u32));
            match byte {
                // The place that it leads with is no part of the pattern.
                HOLE if at == 0 && field.lead != Lead::Text => {}
                HOLE if field.holed => pattern.push(b'*'),
                b'*' | b'?' | b'[' | b']' | b'\\' | b'(' | b')' | b'|' if !is_active => {
                    pattern.extend_from_slice(&[b'\\', byte]);
                }
                _ => pattern.push(byte),
            }
        }
        pattern
    }

    /// Whether all of the field's text is known, globs or not.
    pub(super) fn is_whole(&self, field: &Field<'a>) -> bool {
        !field.holed && !field.overlong
    }

    pub(super) fn field_origins(&self, field: &Field<'a>) -> &'a [Origin<'a>] {
        match self.origins.get(field.origins..).unwrap_or_default() {
            [] => &[],
            origins => self.arena.alloc_slice_copy(origins),
        }
    }

    pub(super) fn discard(&mut self, field: &Field<'a>) {
        self.buffer.truncate(field.start);
        self.origins.truncate(field.origins);
        self.globs.truncate(field.globs);
        self.choices.truncate(field.choices);
    }

    /// The texts that a field with holes may come to: what each hole may be, in every combination
    /// up to a handful. Nothing where of some hole nothing is known.
    fn field_choices(&self, field: &Field<'a>) -> &'a [&'a [u8]] {
        let holes = self.choices.get(field.choices..).unwrap_or_default();
        if holes.is_empty() || holes.iter().any(|maybe| maybe.is_empty()) || field.overlong {
            return &[];
        }
        let count = holes.iter().fold(1, |count: usize, maybe| count.saturating_mul(maybe.len()));
        let mut texts: Vec<&'a [u8]> = Vec::new();
        for turn in 0..count.min(environment::MOST_MAYBE) {
            let mut rest = turn;
            let mut holes = holes.iter();
            let mut text = Vec::new();
            for &byte in self.field_text(field) {
                match if byte == HOLE { holes.next() } else { None } {
                    Some(maybe) => {
                        text.extend_from_slice(maybe.get(rest % maybe.len()).copied().unwrap_or_default());
                        rest /= maybe.len();
                    }
                    None => text.push(byte),
                }
                if text.len() > MAX_MAYBE {
                    break;
                }
            }
            // `x=$x$x` must not grow for ever.
            if text.len() <= MAX_MAYBE {
                texts.push(self.arena.alloc_slice_copy(&text));
            }
        }
        self.arena.alloc_slice_copy(&texts)
    }

    fn finish_field(&mut self, field: &Field<'a>, globs: bool) -> Word<'a> {
        let globbing = field.globbing && globs;
        let outputs = self.field_outputs(field);
        let made = !matches!(outputs, Outputs::Mixed | Outputs::Own | Outputs::Pipe);
        let value = if field.overlong {
            Value::Unknown
        } else if !field.holed && !globbing {
            match field.only {
                Some(only) => Value::Known(only),
                None => Value::Known(self.arena.alloc_slice_copy(self.field_text(field))),
            }
        } else {
            let text = self.field_text(field);
            let first = field.first_unknown.saturating_sub(field.start);
            let after = field.after_unknown.saturating_sub(field.start);
            let (prefix, suffix) = match field.lead {
                Lead::Text => (text.get(..first).unwrap_or_default(), text.get(after..).unwrap_or_default()),
                _ => (&[][..], text.get(after..).unwrap_or_default()),
            };
            if prefix.is_empty() && suffix.is_empty() && field.lead == Lead::Text {
                Value::Unknown
            } else if field.holed && field.lead == Lead::Text && (text.contains(&b':') || made) {
                // All of it stays for whoever reads what stands around the holes.
                let text: &'a [u8] = self.arena.alloc_slice_copy(text);
                self.templates.push(text);
                Value::Partial {
                    prefix: text.get(..first).unwrap_or_default(),
                    suffix: text.get(after..).unwrap_or_default(),
                }
            } else {
                Value::Partial {
                    prefix: self.arena.alloc_slice_copy(prefix),
                    suffix: self.arena.alloc_slice_copy(suffix),
                }
            }
        };
        let pattern: Option<&'a [u8]> = (globbing && !field.overlong)
            .then(|| -> &'a [u8] { self.arena.alloc_slice_copy(&self.field_pattern(field)) });
        let mut from = self.field_origins(field);
        if let Some(pattern) = pattern.filter(|_| self.hidden_match) {
            from = self.with_hidden(from, field.lead, pattern);
        }
        // Of what stands between a place and something unknown, the value keeps nothing.
        let placed = field.lead != Lead::Text && !field.overlong && pattern.is_none();
        if placed && self.field_text(field).iter().filter(|byte| **byte == HOLE).count() > 1 {
            let path: &'a [u8] = self.arena.alloc_slice_copy(&self.field_pattern(field));
            if !path.contains(&b':') {
                from = self.with_files(from, field.lead, path);
            }
        }
        let choice = field.holed
            && !(field.open || field.splits || globbing || field.overlong)
            && self.field_text(field).iter().all(|&byte| byte == HOLE || environment::is_plain(byte));
        let maybe = if field.holed { self.field_choices(field) } else { &[] };
        let form = if outputs == Outputs::Numbers { Form::Digits } else { Form::Any };
        self.discard(field);
        let (span, lead, splits) = (field.span, field.lead, field.splits);
        Word { value, span, lead, splits, pattern, from, choice, maybe, outputs, form }
    }

    /// What the holes are made of, where the text beside them begins no flag, however little they hold.
    fn field_outputs(&self, field: &Field<'a>) -> Outputs {
        let outputs = field.outputs.unwrap_or_default();
        if outputs == Outputs::Mixed {
            return outputs;
        }
        let text = self.field_text(field);
        let first = text.iter().position(|byte| *byte != HOLE).unwrap_or(0);
        let begins_flag = text.get(first) == Some(&b'-') && (first == 0 || outputs != Outputs::Piece);
        let plain = |&byte: &u8| byte == HOLE || environment::is_plain(byte) || b"~^{}=?&;".contains(&byte);
        let whole = field.lead == Lead::Text && !field.globbing && !field.overlong;
        if whole && !begins_flag && text.iter().all(plain) { outputs } else { Outputs::Mixed }
    }

    /// What `"$*"` puts between its words, where it is a constant of the script.
    pub(super) fn joiner(&self) -> Option<&'a [u8]> {
        match self.environments.lookup(self.state.environment, b"IFS") {
            environment::Found::Bound(binding) if binding.set => {
                binding.value.as_known().map(|ifs| ifs.get(..1).unwrap_or_default())
            }
            _ => None,
        }
    }

    /// What unquoted expansions split at; `None` where that cannot be known (or is more than blanks).
    pub(super) fn separators(&self) -> Option<&'a [u8]> {
        const DEFAULT: &[u8] = b" \t\n";
        if !self.separators_bound {
            return Some(DEFAULT);
        }
        match self.environments.lookup(self.state.environment, b"IFS") {
            environment::Found::Missing => Some(DEFAULT),
            environment::Found::Bound(binding) if !binding.set => Some(DEFAULT),
            environment::Found::Bound(binding) => {
                binding.value.as_known().filter(|ifs| ifs.iter().all(|byte| DEFAULT.contains(byte)))
            }
            // Code that nobody sees was found to run already; that it changed the separators as
            // well is no reason to read what follows as less than it usually is.
            environment::Found::Forgotten => Some(DEFAULT),
        }
    }
}
