//! Words as written to words as a program receives them: quote removal, tilde, splitting, globs.

use crate::lower::ansi_c::{self, Dialect};
use crate::lower::brace::Atom;
use crate::lower::field::Field;
use crate::lower::lowerer::{Lowerer, Unit};
use crate::lower::parameter::{Expansion, List};
use crate::lower::scope::is_name;
use crate::lower::{Lead, NoteKind, Origin, Outputs, Value, Word};
use crate::shell::{self, Part, Slice, Span};

/// How much of expansion a word undergoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// A command's word: everything.
    Fields,
    /// The value of an assignment: no splitting, no globs; a tilde also behind a colon.
    Assignment,
    /// Within double quotes, a here-document, arithmetic: expansions alone.
    Text,
    /// A pattern: no splitting, but glob characters count.
    Pattern,
    /// The argument of an unquoted expansion (`${x:-a b}`): as a command's word, and literal text
    /// is split as well.
    Argument,
}

impl Mode {
    /// Whether an expansion may become several words.
    const fn splits(self) -> bool {
        matches!(self, Self::Fields | Self::Argument)
    }
}

/// An argument of a declaration builtin that is an assignment.
#[derive(Clone, Copy)]
pub(super) struct Declared<'a> {
    /// Which of the command's words it is.
    pub(super) index: usize,
    pub(super) name: &'a [u8],
    pub(super) value: Word<'a>,
    pub(super) elements: Option<&'a [Word<'a>]>,
}

/// Bytes that make unquoted literal text more than itself.
#[expect(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
static SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut bytes: &[u8] = b"*?[{~";
    while let [byte, rest @ ..] = bytes {
        special[*byte as usize] = true;
        bytes = rest;
    }
    special
};

impl<'a> Lowerer<'a> {
    /// Expands words and appends what they come to.
    pub(super) fn expand_words(&mut self, unit: Unit<'_, 'a>, words: &[shell::Word]) {
        for word in words {
            self.expand_word(unit, word);
        }
    }

    /// Moves the scratch words behind `base` into the arena.
    pub(super) fn take_words(&mut self, base: usize) -> &'a [Word<'a>] {
        let taken = self.words.get(base..).unwrap_or_default();
        let taken: &'a [Word<'a>] = if taken.is_empty() { &[] } else { self.arena.alloc_slice_copy(taken) };
        self.words.truncate(base);
        taken
    }

    pub(super) fn expand_word(&mut self, unit: Unit<'_, 'a>, word: &shell::Word) {
        if let Some(text) = constant(unit, word) {
            self.words.push(Word::known(text, word.span));
            return;
        }
        let parts = unit.script.parts(word.parts);
        let braces = parts.iter().any(|part| match part {
            Part::Literal(span) => unit.bytes(*span).contains(&b'{'),
            _ => false,
        });
        if braces {
            self.expand_braces(unit, parts, word.span);
            return;
        }
        let separating = std::mem::replace(&mut self.separating, true);
        let mut field = self.open_field(word.span);
        for (at, part) in parts.iter().enumerate() {
            match part {
                Part::Literal(span) => {
                    let first = at == 0;
                    let assignment = is_assignment(unit, parts);
                    self.literal(
                        &mut field,
                        unit.bytes(*span),
                        first,
                        at + 1 == parts.len(),
                        assignment,
                        true,
                    );
                }
                _ => self.part(&mut field, unit, part, Mode::Fields),
            }
        }
        self.close_field(field);
        self.separating = separating;
    }

    /// One alternative of a word with braces.
    pub(super) fn expand_atoms(&mut self, unit: Unit<'_, 'a>, atoms: &[Atom<'a>], several: bool, span: Span) {
        let separating = std::mem::replace(&mut self.separating, true);
        let mut field = self.open_field(span);
        // What brace expansion made is no assignment to the shell any more.
        let assignment = !several && matches!(atoms.first(), Some(Atom::Text(text)) if assigns(text));
        for (at, atom) in atoms.iter().enumerate() {
            match atom {
                Atom::Text(text) => {
                    self.literal(&mut field, text, at == 0, at + 1 == atoms.len(), assignment, true);
                }
                Atom::Part(part) => self.part(&mut field, unit, part, Mode::Fields),
                Atom::Numbers => self.push_hole(&mut field, &[], true),
                Atom::Variable(name, span) => {
                    let value = self.variable(name, *span).value;
                    self.push_split(&mut field, &value);
                }
            }
        }
        self.close_field(field);
        self.separating = separating;
    }

    /// A word that stays one: a value, a `case` subject, the target of a redirection.
    pub(super) fn single(&mut self, unit: Unit<'_, 'a>, word: &shell::Word, mode: Mode) -> Word<'a> {
        if let Some(text) = constant(unit, word) {
            return Word::known(text, word.span);
        }
        let parts = unit.script.parts(word.parts);
        self.single_parts(unit, parts, word.span, mode)
    }

    fn single_parts(&mut self, unit: Unit<'_, 'a>, parts: &[Part], span: Span, mode: Mode) -> Word<'a> {
        let separating = std::mem::replace(&mut self.separating, false);
        let mut field = self.open_field(span);
        self.parts(&mut field, unit, parts, mode);
        self.separating = separating;
        self.close_single(field)
    }

    /// Parts as they are within double quotes.
    pub(super) fn text(&mut self, unit: Unit<'_, 'a>, parts: &[Part], span: Span) -> Word<'a> {
        match parts {
            [] => Word::known(b"", span),
            [Part::Literal(only)] => Word::known(unit.bytes(*only), span),
            _ => self.single_parts(unit, parts, span, Mode::Text),
        }
    }

    /// Parts of anything into an open field.
    pub(super) fn parts(&mut self, field: &mut Field<'a>, unit: Unit<'_, 'a>, parts: &[Part], mode: Mode) {
        for (at, part) in parts.iter().enumerate() {
            match part {
                Part::Literal(span) => {
                    let text = unit.bytes(*span);
                    match mode {
                        Mode::Text => self.push_text(field, text, false),
                        Mode::Pattern => self.push_text(field, text, true),
                        Mode::Argument => self.argument_text(field, text, at == 0, at + 1 == parts.len()),
                        Mode::Assignment | Mode::Fields => {
                            let last = at + 1 == parts.len();
                            let assignment = mode == Mode::Assignment;
                            self.literal(field, text, at == 0, last, assignment, mode == Mode::Fields);
                        }
                    }
                }
                _ => self.part(field, unit, part, mode),
            }
        }
    }

    /// Unquoted text with its tildes: at the head of a word, and in an assignment behind its `=` and each `:`.
    fn literal(
        &mut self,
        field: &mut Field<'a>,
        text: &'a [u8],
        first: bool,
        last: bool,
        assignment: bool,
        globs: bool,
    ) {
        if !text.contains(&b'~') {
            self.push_text(field, text, globs);
            return;
        }
        let mut rest = text;
        let mut may_begin = first;
        let mut equals_seen = !first || !globs;
        while !rest.is_empty() {
            if may_begin && rest.first() == Some(&b'~') {
                let ends_at = |byte: &u8| *byte == b'/' || (assignment && *byte == b':');
                let end = rest.iter().position(ends_at);
                // What the tilde's user is called may go on in the next part, and then it is none.
                if end.is_some() || last {
                    let (user, tail) = rest.split_at(end.unwrap_or(rest.len()));
                    self.tilde(field, user);
                    rest = tail;
                    may_begin = false;
                    continue;
                }
            }
            let Some(stop) =
                rest.iter().position(|&byte| assignment && (byte == b':' || (byte == b'=' && !equals_seen)))
            else {
                self.push_text(field, rest, globs);
                return;
            };
            equals_seen |= rest.get(stop) == Some(&b'=');
            let (piece, tail) = rest.split_at(stop + 1);
            self.push_text(field, piece, globs);
            rest = tail;
            may_begin = true;
        }
    }

    /// Literal text within `${x:-...}`: a tilde may lead it, and it is split.
    fn argument_text(&mut self, field: &mut Field<'a>, text: &'a [u8], first: bool, last: bool) {
        let mut rest = text;
        if first && rest.first() == Some(&b'~') {
            let end = rest.iter().position(|byte| matches!(byte, b'/' | b' '));
            if end.is_some() || last {
                let (user, tail) = rest.split_at(end.unwrap_or(rest.len()));
                self.tilde(field, user);
                rest = tail;
            }
        }
        let word = Word::known(rest, Span::default());
        self.push_split(field, &word);
    }

    /// The unquoted text behind the `=` of an assignment.
    pub(super) fn assigned_text(&mut self, field: &mut Field<'a>, text: &'a [u8], last: bool) {
        self.literal(field, text, true, last, true, false);
    }

    fn tilde(&mut self, field: &mut Field<'a>, user: &'a [u8]) {
        match user {
            b"~" => {
                let home = self.variable(b"HOME", Span::default());
                self.push_value(field, &home.value);
            }
            b"~+" => {
                let directory = self.working_directory(Span::default());
                self.push_value(field, &directory);
            }
            b"~-" => {
                let before = self.variable(b"OLDPWD", Span::default());
                self.push_value(field, &before.value);
            }
            // An entry of the directory stack.
            [b'~', b'+' | b'-' | b'0'..=b'9', ..] => {
                let stack = self.variable(b"DIRSTACK", Span::default()).value.from;
                self.push_hole(field, stack, false);
            }
            _ => self.push_lead(field, Lead::OtherHome, &[]),
        }
    }

    /// Any part but unquoted literal text.
    pub(super) fn part(&mut self, field: &mut Field<'a>, unit: Unit<'_, 'a>, part: &Part, mode: Mode) {
        match *part {
            Part::Literal(span) => self.push_text(field, unit.bytes(span), false),
            Part::Escaped(span) => {
                self.push_quotes(field);
                self.push_text(field, unit.bytes(span), false);
            }
            Part::SingleQuoted(span) => {
                self.push_quotes(field);
                self.push_text(field, unit.bytes(span), false);
            }
            Part::AnsiQuoted(span) => {
                self.push_quotes(field);
                self.ansi_quoted(field, unit.bytes(span));
            }
            Part::DoubleQuoted { parts, span, .. } => self.double_quoted(field, unit, parts, span),
            Part::Parameter(id) => {
                if let Some(parameter) = unit.script.parameter(id) {
                    self.parameter_part(field, unit, parameter, mode);
                }
            }
            // Each of these has a method of its own, so that this one's frame stays small: it is on
            // the stack once for every level of nesting.
            Part::CommandSubstitution { .. } | Part::Backquoted { .. } | Part::ProcessSubstitution { .. } => {
                self.substitution_part(field, unit, part, mode);
            }
            Part::Arithmetic { parts, span, .. } => self.arithmetic_part(field, unit, parts, span, mode),
            Part::ExtendedGlob { operator, parts, span } => {
                self.extended_glob(field, unit, operator, parts, span, mode);
            }
            Part::Array { words, .. } => self.array_part(field, unit, words),
            Part::Opaque(_) => self.push_hole(field, &[Origin::Input], mode.splits()),
        }
    }

    #[inline(never)]
    fn arithmetic_part(
        &mut self,
        field: &mut Field<'a>,
        unit: Unit<'_, 'a>,
        parts: Slice<Part>,
        span: Span,
        mode: Mode,
    ) {
        let value = self.arithmetic_word(unit, parts, span);
        self.push_expanded(field, &value, mode);
    }

    /// An array where none can be: its elements count for what flows through them.
    #[inline(never)]
    fn array_part(&mut self, field: &mut Field<'a>, unit: Unit<'_, 'a>, words: Slice<shell::Word>) {
        let base = self.words.len();
        self.expand_words(unit, unit.script.words(words));
        let elements = self.take_words(base);
        for element in elements {
            self.push_hole(field, element.from, true);
        }
    }

    fn ansi_quoted(&mut self, field: &mut Field<'a>, text: &'a [u8]) {
        if !text.contains(&b'\\') {
            self.push_text(field, text, false);
            return;
        }
        let mut decoded = Vec::with_capacity(text.len());
        ansi_c::decode(text, Dialect::Quote, &mut decoded);
        self.push_text(field, self.arena.alloc_slice_copy(&decoded), false);
    }

    fn double_quoted(&mut self, field: &mut Field<'a>, unit: Unit<'_, 'a>, parts: Slice<Part>, span: Span) {
        if !self.enter(unit.source, span) {
            return;
        }
        let parts = unit.script.parts(parts);
        // `"$@"` alone is no word where there are no parameters.
        let may_vanish = matches!(parts, [Part::Parameter(id)]
            if unit.script.parameter(*id).is_some_and(|parameter| self.is_list(unit, parameter)));
        if !may_vanish {
            self.push_quotes(field);
        }
        self.parts(field, unit, parts, Mode::Text);
        self.leave();
    }

    /// Appends an expansion's value as the mode wants it.
    pub(super) fn push_expanded(&mut self, field: &mut Field<'a>, value: &Word<'a>, mode: Mode) {
        match mode {
            // A number is never nothing, and holds none of the usual separators.
            _ if value.outputs == Outputs::Numbers && self.separators().is_some() => {
                self.push_value(field, value);
            }
            Mode::Fields | Mode::Argument => self.push_split(field, value),
            Mode::Pattern => match value.value {
                Value::Known(text) => self.push_text(field, text, true),
                _ => self.push_value(field, value),
            },
            Mode::Assignment | Mode::Text => self.push_value(field, value),
        }
    }

    fn parameter_part(
        &mut self,
        field: &mut Field<'a>,
        unit: Unit<'_, 'a>,
        parameter: &shell::Parameter,
        mode: Mode,
    ) {
        if !self.enter(unit.source, parameter.span) {
            return;
        }
        match self.parameter(unit, parameter, mode) {
            Expansion::Value(value) => {
                self.note_secret(unit, parameter, &value);
                self.charge(&value, unit, parameter.span);
                self.push_expanded(field, &value, mode);
            }
            Expansion::Parts(parts) => {
                let parts = unit.script.parts(parts);
                let mode = if mode == Mode::Fields { Mode::Argument } else { mode };
                self.parts(field, unit, parts, mode);
            }
            Expansion::List(list) => self.list_expansion(field, unit, parameter, list, mode),
        }
        self.leave();
    }

    fn list_expansion(
        &mut self,
        field: &mut Field<'a>,
        unit: Unit<'_, 'a>,
        parameter: &shell::Parameter,
        List { elements, rest, joined }: List<'a>,
        mode: Mode,
    ) {
        let separate = self.separating && (mode.splits() || (mode == Mode::Text && !joined));
        let blank = match self.separators() {
            Some(separators) => separators.get(..1),
            None => None,
        };
        for (at, element) in elements.iter().enumerate() {
            let element = &Word { from: self.flowed(element), ..*element };
            self.note_secret(unit, parameter, element);
            self.charge(element, unit, parameter.span);
            if at > 0 {
                match (separate, blank) {
                    (true, _) => self.break_field(field),
                    (false, Some(blank)) => self.push_text(field, blank, false),
                    (false, None) if joined => match self.joiner() {
                        Some(joiner) => self.push_text(field, joiner, false),
                        None => self.push_hole(field, &[Origin::Variable(b"IFS")], false),
                    },
                    (false, None) => self.push_text(field, b" ", false),
                }
            }
            if mode.splits() {
                self.push_split(field, element);
            } else {
                if separate {
                    self.push_quotes(field);
                }
                self.push_value(field, element);
                // An element that is itself several arguments (a glob given to a call) stays several.
                if separate && element.splits {
                    self.push_hole(field, &[], true);
                }
            }
        }
        if let Some(from) = rest {
            if separate && !elements.is_empty() {
                self.break_field(field);
            }
            self.push_hole(field, from, separate);
        }
    }

    fn charge(&mut self, value: &Word<'a>, unit: Unit<'_, 'a>, span: Span) {
        let len = value.prefix().len() as u32;
        self.spend(1 + len / 64, unit.source, span);
    }

    fn note_secret(&mut self, unit: Unit<'_, 'a>, parameter: &shell::Parameter, value: &Word<'a>) {
        use crate::lower::secret_names::is_secret;
        if !self.reveals || self.current.is_none() || value.as_known().is_some() {
            return;
        }
        use shell::ParameterOperator::{Alternate, Length};
        if matches!(parameter.operator, Length | Alternate { .. }) {
            return;
        }
        let named = is_secret(unit.bytes(parameter.name));
        if named
            || value.from.iter().any(|origin| matches!(origin, Origin::Variable(name) if is_secret(name)))
        {
            self.note(NoteKind::SecretVariable, unit.source, parameter.span);
        }
    }

    fn extended_glob(
        &mut self,
        field: &mut Field<'a>,
        unit: Unit<'_, 'a>,
        operator: u8,
        parts: Slice<Part>,
        span: Span,
        mode: Mode,
    ) {
        if !self.enter(unit.source, span) {
            return;
        }
        self.push_glob_character(field, operator);
        self.push_glob_character(field, b'(');
        for part in unit.script.parts(parts) {
            match part {
                Part::Literal(span) => {
                    let mut pieces = unit.bytes(*span).split(|&byte| byte == b'|');
                    if let Some(first) = pieces.next() {
                        self.push_text(field, first, true);
                    }
                    for piece in pieces {
                        self.push_glob_character(field, b'|');
                        self.push_text(field, piece, true);
                    }
                }
                _ => {
                    let mode = if mode.splits() { Mode::Pattern } else { mode };
                    self.part(field, unit, part, mode);
                }
            }
        }
        self.push_glob_character(field, b')');
        self.leave();
    }
}

/// The text of a word that is nothing but one literal or quoted piece.
fn constant<'a>(unit: Unit<'_, 'a>, word: &shell::Word) -> Option<&'a [u8]> {
    match unit.script.parts(word.parts) {
        [Part::Literal(span)] => {
            let text = unit.bytes(*span);
            let special = |byte: &u8| SPECIAL.get(usize::from(*byte)) == Some(&true);
            (!text.iter().any(special)).then_some(text)
        }
        [Part::SingleQuoted(span)] => Some(unit.bytes(*span)),
        [Part::DoubleQuoted { parts, .. }] => match unit.script.parts(*parts) {
            [] => Some(b""),
            [Part::Literal(span)] => Some(unit.bytes(*span)),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a word has the form of an assignment, which makes tildes inside of it count.
fn is_assignment(unit: Unit<'_, '_>, parts: &[Part]) -> bool {
    matches!(parts.first(), Some(Part::Literal(span)) if assigns(unit.bytes(*span)))
}

pub(super) fn assigns(text: &[u8]) -> bool {
    let Some(equals) = text.iter().position(|&byte| byte == b'=') else { return false };
    let name = text.get(..equals).unwrap_or_default();
    is_name(name.strip_suffix(b"+").unwrap_or(name))
}
