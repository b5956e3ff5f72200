//! `export`, `declare`, `typeset`, `local`, `readonly`.

use crate::lower::environment::{self, Attribute, Binding, Found};
use crate::lower::lowerer::Lowerer;
use crate::lower::scope::is_name;
use crate::lower::{Lead, SourceId, Value, Word};
use crate::shell::Span;

/// What the flags of a declaration ask for.
#[derive(Clone, Copy, Default)]
struct Flags {
    export: bool,
    no_export: bool,
    function: bool,
    print: bool,
    global: bool,
    array: bool,
    attribute: Attribute,
    /// A change of case: the variable does not simply hold the text.
    altering: bool,
    /// A reference: who assigns it changes the variable that it names.
    reference: bool,
    /// `+n`: a reference no longer.
    no_reference: bool,
    /// `+i`: evaluated no longer.
    no_integer: bool,
}

impl<'a> Lowerer<'a> {
    pub(super) fn declaration(
        &mut self,
        builtin: &[u8],
        source: SourceId,
        words: &'a [Word<'a>],
        declared: usize,
    ) {
        if builtin == b"local" && self.calls.is_empty() {
            // Outside of a function it is an error that binds nothing.
            return;
        }
        let local =
            builtin == b"local" || (matches!(builtin, b"declare" | b"typeset") && !self.calls.is_empty());
        let mut flags = Flags::default();
        match builtin {
            b"export" => flags.export = true,
            b"readonly" => flags.attribute = Attribute::Altering,
            _ => {}
        }
        let mut in_flags = true;
        for (index, word) in words.iter().enumerate().skip(1) {
            let entry = self
                .declared
                .get(declared..)
                .unwrap_or_default()
                .iter()
                .find(|entry| entry.index == index)
                .copied();
            if let Some(entry) = entry {
                in_flags = false;
                if let (Some(text @ [b'(', ..]), None) = (entry.value.as_known(), entry.elements) {
                    self.inline_array(text, source, word);
                }
                self.declare(&flags, local, entry.name, Some((entry.value, entry.elements)), word);
                continue;
            }
            match word.as_known() {
                Some(b"--") if in_flags => in_flags = false,
                Some([b'-', letters @ ..]) if in_flags && !letters.is_empty() => flags.read(letters, builtin),
                Some([b'+', letters @ ..]) if in_flags && builtin != b"export" => {
                    flags.no_export |= letters.contains(&b'x');
                    flags.no_reference |= letters.contains(&b'n');
                    flags.no_integer |= letters.contains(&b'i');
                }
                Some(text) => {
                    in_flags = false;
                    self.declare_text(&flags, local, text, source, word);
                }
                None => {
                    in_flags = false;
                    self.declare_unknown(&flags, local, source, word, builtin);
                }
            }
        }
    }

    /// An argument that became known by expansion: `export "$x"`, `declare 'a[i]=v'`.
    fn declare_text(
        &mut self,
        flags: &Flags,
        local: bool,
        text: &'a [u8],
        source: SourceId,
        word: &Word<'a>,
    ) {
        let equals = text.iter().position(|byte| *byte == b'=');
        let left = text.get(..equals.unwrap_or(text.len())).unwrap_or_default();
        let append = left.last() == Some(&b'+') && equals.is_some();
        let left = if append { left.get(..left.len() - 1).unwrap_or_default() } else { left };
        let value = equals.map(|equals| Word::known(text.get(equals + 1..).unwrap_or_default(), word.span));
        if is_name(left) {
            if flags.function {
                return;
            }
            let value = match value {
                Some(value) if append => Some(self.appended(left, &value)),
                value => value,
            };
            // `declare -a 'x=(a b)'` reads the text as an array.
            let array =
                value.and_then(|value| value.as_known()).is_some_and(|text| text.first() == Some(&b'('));
            // Whether it is one already, nobody has to know.
            if array {
                self.inline_array(text, source, word);
                self.assign_unknown(left, &[super::Origin::Input], word.span);
                return;
            }
            self.declare(flags, local, left, value.map(|value| (value, None)), word);
        } else if let Some(open) = left.iter().position(|byte| *byte == b'[') {
            self.subscripts(left, source, word.span);
            let name = left.get(..open).unwrap_or_default();
            self.declare_element(name, word.span);
        }
    }

    /// Of an array whose element is set, what it held stays.
    fn declare_element(&mut self, array: &'a [u8], span: Span) {
        if is_name(array) {
            let from = self.variable(array, span).value.from;
            self.assign_unknown(array, from, span);
        }
    }

    /// The array text of `declare -a 'x=($(cmd))'` is expanded a second time.
    fn inline_array(&mut self, text: &'a [u8], source: SourceId, word: &Word<'a>) {
        if text.iter().any(|byte| matches!(byte, b'$' | b'`')) {
            self.template(text, source, word.span);
        }
    }

    fn declare_unknown(
        &mut self,
        flags: &Flags,
        local: bool,
        source: SourceId,
        word: &Word<'a>,
        builtin: &[u8],
    ) {
        if let Value::Partial { prefix, suffix } = word.value
            && let Some(equals) = prefix.iter().position(|byte| *byte == b'=')
        {
            let left = prefix.get(..equals).unwrap_or_default();
            let name = left.strip_suffix(b"+").unwrap_or(left);
            if is_name(name) && word.lead == super::Lead::Text {
                let prefix = prefix.get(equals + 1..).unwrap_or_default();
                let value = if prefix.is_empty() && suffix.is_empty() || left != name {
                    Value::Unknown
                } else {
                    Value::Partial { prefix, suffix }
                };
                self.declare(
                    flags,
                    local,
                    name,
                    Some((Word { value, outputs: super::Outputs::Mixed, ..*word }, None)),
                    word,
                );
                if word.splits {
                    self.forget(false);
                }
                return;
            }
        }
        // `a[i]=v`, as a pattern.
        if let Some(array) = word.pattern.and_then(|pattern| pattern.split(|byte| *byte == b'[').next()) {
            self.declare_element(array, word.span);
        }
        // `export` takes names alone; the others evaluate a subscript. What others wrote may set anything.
        if builtin == b"export" && word.is_of_variables() {
            self.stray(word);
        } else {
            self.unknown_name(word, source);
        }
    }

    fn declare(
        &mut self,
        flags: &Flags,
        local: bool,
        name: &'a [u8],
        value: Option<(Word<'a>, Option<&'a [Word<'a>]>)>,
        word: &Word<'a>,
    ) {
        // An exported function stays one that only others call.
        if flags.function || (flags.print && value.is_none()) {
            return;
        }
        let is_local = local && !flags.global;
        let mut fresh = false;
        let mut name = name;
        if is_local
            && let Some(call) = self.calls.last_mut()
            && !call.locals.contains(&name)
        {
            call.locals.push(name);
            fresh = true;
        }
        if flags.reference {
            let old = self.raw(name, fresh, word.span);
            let target = value.map_or(old.value, |(value, _)| value);
            self.refer(name, target, flags.export);
            return;
        }
        let held = self.raw(name, fresh, word.span);
        if flags.no_reference && held.attribute == Attribute::Reference {
            self.rebind(name, Binding { attribute: Attribute::Plain, ..held });
        }
        if !fresh && self.raw(name, false, word.span).attribute == Attribute::Reference {
            // What is declared is the variable that it names.
            match self.target_of(name) {
                Some(target) => name = target,
                None => {
                    if let Some((value, elements)) = value {
                        self.assign(name, value, elements);
                    }
                    return;
                }
            }
        }
        let old = self.variable(name, word.span);
        let integer = matches!(old.attribute, Attribute::Integer | Attribute::MaybeInteger);
        let attribute = match flags.attribute {
            Attribute::Plain if integer && flags.no_integer => Attribute::Plain,
            Attribute::Plain if fresh => Attribute::Plain,
            Attribute::Plain => old.attribute,
            attribute => attribute,
        };
        match value {
            Some((value, elements)) => {
                if !fresh && old.attribute == Attribute::Altering {
                    // Read-only, a reference, or changed in case: not simply this text.
                    self.assign(name, value, elements);
                } else {
                    let integer = attribute == Attribute::Integer;
                    let altering = attribute == Attribute::Altering && flags.altering;
                    if fresh || old.attribute != attribute {
                        let binding = Binding { attribute: Attribute::Plain, ..old };
                        self.rebind(name, binding);
                    }
                    if integer {
                        let sum = self.number(&value, elements).filter(|_| elements.is_none());
                        let value = sum.map_or(Word::unknown(word.span), |sum| self.decimal(sum, word.span));
                        self.assign(name, value, None);
                    } else if altering {
                        let from = self.arena.alloc_slice_copy(&[super::Origin::Variable(name)]);
                        let maybe = self.in_either_case(&Word { maybe: &[], ..value }, &value);
                        self.assign(name, Word { from, maybe, ..Word::unknown(word.span) }, None);
                    } else {
                        self.assign(name, value, elements);
                    }
                }
            }
            None if fresh => {
                let missing = Binding { set: false, ..Binding::of(Word::known(b"", word.span)) };
                self.rebind(name, Binding { attribute, ..missing });
            }
            None => {}
        }
        let mut binding = self.variable(name, word.span);
        binding.attribute = attribute;
        binding.exported = (binding.exported || flags.export) && !flags.no_export;
        self.rebind(name, binding);
    }
}

impl<'a> Lowerer<'a> {
    /// A value was given to some variable: any of which nothing else is known may hold it.
    pub(super) fn stray(&mut self, value: &Word<'a>) {
        self.forget(false);
        let mut from = self.traces(value);
        if let (Value::Partial { prefix, suffix }, Lead::Text) = (value.value, value.lead) {
            for end in [prefix, suffix] {
                let text = end.iter().position(|byte| *byte == b'=').and_then(|equals| end.get(equals + 1..));
                if let Some(text) = text.filter(|text| text.contains(&b'/')) {
                    from = self.with_files(from, Lead::Text, text);
                }
            }
        }
        self.seen.strays = environment::union(self.arena, self.seen.strays, from);
    }

    /// A binding as it stands, whatever it refers to; nothing of one that is new.
    fn raw(&mut self, name: &'a [u8], fresh: bool, span: crate::shell::Span) -> Binding<'a> {
        match self.environments.lookup(self.state.environment, name) {
            Found::Bound(binding) if !fresh => binding,
            _ => Binding { set: false, ..Binding::of(Word::known(b"", span)) },
        }
    }
}

impl Flags {
    fn read(&mut self, letters: &[u8], builtin: &[u8]) {
        for letter in letters {
            match letter {
                b'x' => self.export = true,
                b'n' if builtin == b"export" => self.no_export = true,
                b'n' => self.reference = true,
                b'l' | b'u' | b'c' => {
                    self.attribute = Attribute::Altering;
                    self.altering = true;
                }
                b'r' => self.attribute = Attribute::Altering,
                b'i' => self.attribute = Attribute::Integer,
                b'A' => {
                    self.attribute = Attribute::Associative;
                    self.array = true;
                }
                b'a' => self.array = true,
                b'f' | b'F' => self.function = true,
                b'p' => self.print = true,
                b'g' => self.global = true,
                _ => {}
            }
        }
    }
}
