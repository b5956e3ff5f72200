//! What assignments, branches, loops and calls do to the variables of the running shell.

use crate::lower::environment::{self, Attribute, Binding, Found, Node};
use crate::lower::lowerer::{Deferred, Lowerer};
use crate::lower::{EnvironmentId, Lead, Origin, Outputs, Value, Word};
use crate::shell::Span;

/// Variables that every environment holds, so that assigning them changes what programs see.
const ALWAYS_EXPORTED: &[&[u8]] =
    &[b"PATH", b"HOME", b"USER", b"LOGNAME", b"SHELL", b"TERM", b"LANG", b"PWD", b"OLDPWD", b"SHLVL"];

/// Variables whose value the shell makes up at each use: numbers, harmless in arithmetic.
const DYNAMIC_NUMBERS: &[&[u8]] = &[
    b"RANDOM",
    b"SRANDOM",
    b"SECONDS",
    b"LINENO",
    b"BASHPID",
    b"EPOCHSECONDS",
    b"HISTCMD",
    b"BASH_SUBSHELL",
    b"UID",
    b"EUID",
    b"PPID",
    b"SHLVL",
    b"OPTIND",
];

/// Variables that hold whatever the shell last did: an assignment does not last.
const DYNAMIC_TEXT: &[&[u8]] = &[
    b"_",
    b"BASH_COMMAND",
    b"BASH_ARGV0",
    b"BASH_ARGV",
    b"DIRSTACK",
    b"FUNCNAME",
    b"GROUPS",
    b"PIPESTATUS",
    b"EPOCHREALTIME",
    b"BASH_REMATCH",
    b"REPLY",
    b"OPTARG",
    b"MAPFILE",
    b"COPROC",
];

pub(super) fn is_dynamic_number(name: &[u8]) -> bool {
    DYNAMIC_NUMBERS.contains(&name)
}

impl<'a> Lowerer<'a> {
    /// The variable as the shell would read it now. Special parameters are not variables.
    pub(super) fn variable(&mut self, name: &'a [u8], span: Span) -> Binding<'a> {
        let opaque = |lowerer: &Self, outputs: Outputs| {
            let from: &'a [Origin<'a>] = lowerer.arena.alloc_slice_copy(&[Origin::Variable(name)]);
            Binding::of(Word { from, outputs, ..Word::unknown(span) })
        };
        match self.environments.lookup(self.state.environment, name) {
            Found::Bound(binding) if binding.attribute == Attribute::Reference => {
                self.referred(name, &binding, span)
            }
            Found::Bound(binding) => {
                Binding { value: homely(name, Word { span, ..binding.value }), ..binding }
            }
            // Which a shell that starts sets itself, and `cd` moves along.
            Found::Forgotten if name == b"PWD" => Binding::of(self.working_directory(span)),
            Found::Forgotten => {
                let mut binding = self.remembered(name, span).unwrap_or_else(|| opaque(self, Outputs::Mixed));
                binding.value.from = environment::union(self.arena, binding.value.from, self.seen.strays);
                Binding { value: homely(name, binding.value), ..binding }
            }
            Found::Missing => {
                if is_dynamic_number(name) {
                    return Binding::of(Word::unknown(span));
                }
                if let Some(fact) = self.fact(name) {
                    return Binding { value: Word { span, ..fact.value }, ..fact };
                }
                let lead = match name {
                    b"HOME" => Lead::Home,
                    b"PWD" => return Binding::of(self.working_directory(span)),
                    _ => return self.remembered(name, span).unwrap_or_else(|| opaque(self, Outputs::Own)),
                };
                let value = Value::Partial { prefix: &[], suffix: &[] };
                Binding::of(Word { value, lead, ..Word::unknown(span) })
            }
        }
    }

    /// What the request says about a variable.
    pub(super) fn fact(&self, name: &[u8]) -> Option<Binding<'a>> {
        let value = match self.known.variables.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => value,
            None if name == b"HOME" => self.known.home?,
            None => return None,
        };
        Some(Binding { exported: true, ..Binding::of(Word::known(value, Span::default())) })
    }

    /// A variable of the shell's own, which may be something of what it saw before.
    fn remembered(&self, name: &'a [u8], span: Span) -> Option<Binding<'a>> {
        let seen = match (name, self.state.previous) {
            (b"OLDPWD", Some(before)) => {
                return Some(Binding { exported: true, ..Binding::of(Word { span, ..*before }) });
            }
            (b"OLDPWD" | b"DIRSTACK", _) => self.seen.left,
            (b"BASH_REMATCH", _) => self.seen.matched,
            // The script's own text, of which any piece can be cut.
            (b"BASH_EXECUTION_STRING" | b"BASH_COMMAND" | b"BASH_ARGV" | b"FUNCNAME", _) => {
                self.arena.alloc_slice_copy(&[environment::EVERYWHERE])
            }
            _ => return None,
        };
        let itself = self.arena.alloc_slice_copy(&[Origin::Variable(name)]);
        let from = environment::union(self.arena, itself, seen);
        Some(Binding::of(Word { from, ..Word::unknown(span) }))
    }

    /// `$PWD`.
    pub(super) fn working_directory(&mut self, span: Span) -> Word<'a> {
        let Some(relative) = self.state.directory.as_known() else {
            return Word { span, ..self.state.directory };
        };
        if relative.first() == Some(&b'/') {
            return Word::known(relative, span);
        }
        if let Some(directory) = self.known.directory {
            let path = join_path(directory, relative);
            return Word::known(self.arena.alloc_slice_copy(&path), span);
        }
        let suffix: &'a [u8] =
            if relative.is_empty() { &[] } else { self.arena.alloc_slice_copy(&[b"/", relative].concat()) };
        Word {
            value: Value::Partial { prefix: &[], suffix },
            lead: Lead::WorkingDirectory,
            ..Word::unknown(span)
        }
    }

    /// Binds a variable of the running shell, as an assignment does; whether it is exported.
    pub(super) fn assign(
        &mut self,
        name: &'a [u8],
        mut value: Word<'a>,
        elements: Option<&'a [Word<'a>]>,
    ) -> bool {
        let old = match self.environments.lookup(self.state.environment, name) {
            Found::Bound(binding) => Some(binding),
            _ => None,
        };
        let attribute = old.map_or(Attribute::Plain, |old| old.attribute);
        if attribute == Attribute::Reference
            && let Some(old) = old
        {
            return self.assign_referred(name, &old, value, elements);
        }
        if matches!(attribute, Attribute::Integer | Attribute::MaybeInteger) || is_dynamic_number(name) {
            let sum = self.number(&value, elements);
            if let (Some(sum), Attribute::Integer) = (sum, attribute) {
                value = self.decimal(sum, value.span);
            }
        }
        let exported = self.state.export_all
            || old.is_some_and(|old| old.exported)
            || (old.is_none() && (self.fact(name).is_some() || ALWAYS_EXPORTED.contains(&name)));
        value = self.value_of(&value);
        let altered = match attribute {
            Attribute::Plain | Attribute::Associative => {
                DYNAMIC_TEXT.contains(&name) || is_dynamic_number(name)
            }
            Attribute::Integer => value.as_known().is_none_or(|text| !is_integer(text)),
            Attribute::MaybeInteger | Attribute::Altering | Attribute::Reference => true,
        };
        if altered {
            let number = value.as_known().is_some_and(is_integer)
                || (value.from.is_empty() && value.value == Value::Unknown);
            let from = match attribute {
                // What arithmetic makes of it is a number.
                Attribute::Integer => &[][..],
                _ if number => &[][..],
                // Once it was unset, and in other shells, it is a variable like any other.
                _ if is_dynamic_number(name) => self.traces(&value),
                // Not what it was before, whatever it is.
                Attribute::Altering | Attribute::MaybeInteger => {
                    self.arena.alloc_slice_copy(&[Origin::Variable(name), Origin::Input])
                }
                _ => {
                    let itself = self.arena.alloc_slice_copy(&[Origin::Variable(name)]);
                    environment::union(self.arena, itself, self.traces(&value))
                }
            };
            let maybe = match (attribute, old) {
                (Attribute::Altering | Attribute::MaybeInteger, Some(old)) => {
                    self.in_either_case(&old.value, &value)
                }
                _ if DYNAMIC_TEXT.contains(&name) || (is_dynamic_number(name) && !number) => {
                    environment::merge(self.arena, &value, &Word::unknown(value.span)).maybe
                }
                _ => &[],
            };
            value = Word { from, maybe, ..Word::unknown(value.span) };
        }
        let elements = if altered { None } else { elements };
        self.rebind(name, Binding { value, elements, exported, set: true, attribute });
        exported
    }

    /// Binds a variable exactly so.
    pub(super) fn rebind(&mut self, name: &'a [u8], binding: Binding<'a>) {
        self.separators_bound |= name == b"IFS";
        self.hidden_match |= name == b"GLOBIGNORE";
        self.state.environment =
            self.environments.push(self.state.environment, Node::Variable { name, binding, passing: false });
    }

    /// Binds a variable for the one command that it stands in front of.
    pub(super) fn rebind_passing(&mut self, name: &'a [u8], binding: Binding<'a>) {
        self.rebind(name, binding);
        self.environments.pass();
    }

    /// Binds a variable to something that cannot be known.
    pub(super) fn assign_unknown(&mut self, name: &'a [u8], from: &'a [Origin<'a>], span: Span) {
        self.assign(name, Word { from, ..Word::unknown(span) }, None);
    }

    /// From here on every variable, and with `functions` every function, may be anything.
    pub(super) fn forget(&mut self, functions: bool) {
        self.moves += 1;
        self.separators_bound = true;
        self.state.environment =
            self.environments.push(self.state.environment, Node::Forgotten { functions });
        self.state.previous = None;
        if functions {
            self.state.positional = self.any_positional(&self.state.positional);
            let from = self.directory_traces(&self.state.directory);
            self.state.directory = Word { from, ..Word::unknown(self.state.directory.span) };
        }
    }

    pub(super) fn environments_forget(&mut self, functions: bool) {
        self.separators_bound = true;
        self.state.environment =
            self.environments.push(self.state.environment, Node::Forgotten { functions });
    }

    pub(super) fn binding_at(&mut self, environment: EnvironmentId, name: &'a [u8]) -> Binding<'a> {
        let saved = std::mem::replace(&mut self.state.environment, environment);
        let binding = self.variable(name, Span::default());
        self.state.environment = saved;
        binding
    }

    /// What a name itself holds, whatever it refers to.
    pub(super) fn raw_at(&self, environment: EnvironmentId, name: &'a [u8]) -> Binding<'a> {
        match self.environments.lookup(environment, name) {
            Found::Bound(binding) => binding,
            _ => {
                let from = self.arena.alloc_slice_copy(&[Origin::Variable(name)]);
                Binding::of(Word { from, ..Word::unknown(Span::default()) })
            }
        }
    }

    pub(super) fn merge_bindings(&self, a: &Binding<'a>, b: &Binding<'a>) -> Binding<'a> {
        let elements = match (a.elements, b.elements) {
            (Some(x), Some(y)) if std::ptr::eq(x, y) => Some(x),
            _ => None,
        };
        let mut value = environment::merge(self.arena, &a.value, &b.value);
        if a.set != b.set || (elements.is_none() && (a.elements.is_some() || b.elements.is_some())) {
            value = Word { from: value.from, maybe: value.maybe, ..Word::unknown(value.span) };
        }
        Binding {
            value,
            elements,
            exported: a.exported || b.exported,
            set: a.set || b.set,
            attribute: match (a.attribute, b.attribute) {
                (a, b) if a == b => a,
                (Attribute::Reference, _) | (_, Attribute::Reference) => Attribute::Reference,
                (Attribute::Integer | Attribute::MaybeInteger, _)
                | (_, Attribute::Integer | Attribute::MaybeInteger) => Attribute::MaybeInteger,
                _ => Attribute::Altering,
            },
        }
    }

    /// Makes what `since` bound (in any of its paths) one of all those values, on top of `environment`.
    pub(super) fn blur(&mut self, environment: EnvironmentId, since: usize) -> EnvironmentId {
        let mut bound: Vec<(&'a [u8], Binding<'a>)> = Vec::new();
        let functions = self.environments.functions_since(since);
        let mut forgotten = None;
        for node in self.environments.since(since) {
            match node {
                Node::Variable { passing: true, .. } => {}
                Node::Variable { name, binding, .. } => bound.push((name, *binding)),
                Node::Function { .. } => {}
                Node::FunctionRemoved { .. } => forgotten = Some(true),
                Node::Forgotten { functions } => forgotten = Some(*functions || forgotten == Some(true)),
                Node::Child => {}
            }
        }
        let saved = std::mem::replace(&mut self.state.environment, environment);
        bound.sort_by_key(|(a, _)| *a);
        for group in bound.chunk_by(|(a, _), (b, _)| a == b) {
            let Some((name, _)) = group.first() else { continue };
            let mut merged = self.binding_at(environment, name);
            for (_, binding) in group {
                merged = self.merge_bindings(&merged, binding);
            }
            merged.elements = None;
            self.rebind(name, merged);
        }
        // On top: what may have stayed is still seen by who looks for it.
        if let Some(functions) = forgotten {
            self.environments_forget(functions);
        }
        // What is copied is paid for, since the next handler copies it again.
        self.environments.visit(8 * bound.len() + 32 * functions.len());
        for function in functions {
            self.state.environment =
                self.environments.push(self.state.environment, Node::Function { function, certain: false });
        }
        std::mem::replace(&mut self.state.environment, saved)
    }

    /// What a handler that was set at `environment` sees when it runs at some later time.
    pub(super) fn environment_later(&mut self, environment: EnvironmentId, bindings: usize) -> EnvironmentId {
        let functions = self.environments.functions_since(bindings);
        let mut later = self.blur(environment, bindings);
        for function in functions {
            later = self.environments.push(later, Node::Function { function, certain: true });
        }
        later
    }

    /// Takes bindings of some names back: locals at the end of a call, prefix assignments. What
    /// else was bound since `entered` stays, on top of `base`.
    pub(super) fn drop_names(&mut self, entered: EnvironmentId, base: EnvironmentId, names: &[&[u8]]) {
        let mut kept: Vec<Node<'a>> = self
            .environments
            .chain(self.state.environment, entered)
            .filter(|node| !matches!(node, Node::Variable { name, .. } if names.contains(name)))
            .copied()
            .collect();
        kept.reverse();
        let mut environment = base;
        for node in kept {
            environment = self.environments.push(environment, node);
        }
        self.state.environment = environment;
    }

    pub(super) fn defer(&mut self, text: &'a [u8], by: crate::lower::InvocationId, span: Span) {
        self.deferred.push(Deferred {
            text,
            by,
            span,
            state: self.state,
            around: self.around,
            bindings: self.environments.len(),
            entered: self.seen.entered,
        });
    }
}

/// The value of a variable that somebody set. Whoever set `HOME`, to whatever: it is somebody's.
pub(super) fn homely<'a>(name: &[u8], value: Word<'a>) -> Word<'a> {
    match value.value {
        Value::Unknown if name == b"HOME" => {
            Word { value: Value::Partial { prefix: &[], suffix: &[] }, lead: Lead::OtherHome, ..value }
        }
        _ => value,
    }
}

pub(super) fn is_integer(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    !digits.is_empty() && digits.len() < 19 && digits.iter().all(u8::is_ascii_digit)
}

/// Whether text is a variable's name.
pub(super) fn is_name(text: &[u8]) -> bool {
    text.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// The path of `relative` from `base`, as `cd` normalises it: `.` and `..` taken away by text.
/// An empty path is the place where it all started; going up from there keeps the `..`.
pub(super) fn join_path(base: &[u8], relative: &[u8]) -> Vec<u8> {
    let mut out: Vec<&[u8]> = Vec::new();
    let absolute = relative.first() == Some(&b'/') || base.first() == Some(&b'/');
    let pieces: [&[u8]; 2] = if relative.first() == Some(&b'/') { [b"", relative] } else { [base, relative] };
    for piece in pieces.iter().flat_map(|path| path.split(|&byte| byte == b'/')) {
        match piece {
            b"" | b"." => {}
            b".." => {
                if out.last().is_some_and(|last| *last != b"..") {
                    out.pop();
                } else if !absolute {
                    out.push(piece);
                }
            }
            _ => out.push(piece),
        }
    }
    let mut path = Vec::new();
    for (at, piece) in out.iter().enumerate() {
        if at > 0 || absolute {
            path.push(b'/');
        }
        path.extend_from_slice(piece);
    }
    if path.is_empty() && absolute {
        path.push(b'/');
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        assert_eq!(join_path(b"", b"a"), b"a");
        assert_eq!(join_path(b"a", b"../b/./c"), b"b/c");
        assert_eq!(join_path(b"a", b".."), b"");
        assert_eq!(join_path(b"", b"../.."), b"../..");
        assert_eq!(join_path(b"/w", b"x/"), b"/w/x");
        assert_eq!(join_path(b"a", b"/"), b"/");
        assert_eq!(join_path(b"/", b".."), b"/");
    }
}
