//! The builtins that are language: what they do to variables, functions, the directory, and which
//! text they run as a program.

use crate::lower::builtin_names::is_builtin;
use crate::lower::environment::{Attribute, Binding, Node};
use crate::lower::lowerer::{Lowerer, Positional};
use crate::lower::scope::is_name;
use crate::lower::{
    ChannelId, Input, Invocation, InvocationId, Lead, NoteKind, Origin, Resolution, SourceId, Value, Word,
};
use crate::shell::Span;

impl<'a> Lowerer<'a> {
    pub(super) fn builtin(
        &mut self,
        id: InvocationId,
        source: SourceId,
        name: &[u8],
        words: &'a [Word<'a>],
        declared: usize,
    ) {
        let arguments = words.get(1..).unwrap_or_default();
        match name {
            b"eval" => self.eval(id, source, arguments),
            b"source" | b"." => self.source_file(id, source, arguments),
            b"export" | b"declare" | b"typeset" | b"local" | b"readonly" => {
                self.declaration(name, source, words, declared);
            }
            b"cd" => self.change_directory(arguments, true),
            b"pushd" => self.change_directory(arguments, false),
            b"popd" => self.leave_directory(),
            b"unset" => self.unset(source, arguments),
            b"read" => self.read_builtin(source, arguments),
            b"mapfile" | b"readarray" => self.mapfile(id, source, arguments),
            b"printf" => self.printf(source, arguments),
            b"getopts" => {
                let given = match arguments.get(2..) {
                    Some(given) if !given.is_empty() => given,
                    _ => self.state.positional.words.get(1..).unwrap_or_default(),
                };
                let value = self.option_value(given);
                self.assign(b"OPTARG", value, None);
                if let Some(name) = arguments.get(1) {
                    self.bind_named(name, source);
                }
                self.assign_unknown(b"OPTIND", &[], Span::default());
            }
            b"let" => {
                for argument in arguments {
                    self.arithmetic_operand(argument, source);
                    if argument.as_known().is_none() {
                        self.forget(false);
                    }
                }
            }
            b"set" => self.set(source, arguments),
            b"shift" => self.shift(arguments),
            b"shopt" => {
                self.state.last_pipe |=
                    arguments.iter().any(|word| matches!(word.as_known(), Some(b"lastpipe") | None));
                self.hidden_match |= arguments.iter().any(|word| word.as_known() == Some(b"dotglob"));
                self.seen.exec_fails |=
                    arguments.iter().any(|word| matches!(word.as_known(), Some(b"execfail") | None));
            }
            b"[" => self.test_builtin(arguments.split_last().map_or(&[], |(_, rest)| rest), source),
            b"test" => self.test_builtin(arguments, source),
            b"trap" => self.trap(id, source, arguments),
            b"alias" => self.alias(id, source, arguments),
            b"command" | b"builtin" => self.prefix(id, source, name, words, declared),
            b"exec" if arguments.iter().any(|word| !word.splits) => {
                self.state.dead |= !self.seen.exec_fails;
            }
            // With more words than one it is an error that leaves nothing.
            b"exit" => self.state.dead |= arguments.len() < 2,
            b"return" => self.leave_call(arguments.len() < 2),
            // Outside of a loop, or in a function that is called in one, they may do nothing.
            b"break" | b"continue" => {
                let here = self.around.context.in_loop.is_some() && self.calls.is_empty();
                self.state.dead |= here && arguments.len() < 2;
            }
            b"wait" => {
                let mut words = arguments.iter();
                while let Some(word) = words.next() {
                    match word.as_known() {
                        // `-fp NAME`, `-pNAME`.
                        Some([b'-', flags @ ..]) => {
                            let Some(at) = flags.iter().position(|flag| *flag == b'p') else { continue };
                            match flags.get(at + 1..) {
                                Some(name) if !name.is_empty() => {
                                    self.bind_named(&Word::known(name, word.span), source);
                                }
                                _ => words.next().into_iter().for_each(|name| self.bind_named(name, source)),
                            }
                        }
                        Some(_) => {}
                        // Numbers of processes; else it may be the flag.
                        None if word.from.is_empty() => {}
                        None if word.splits => self.reference(word, source),
                        None => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn leave_call(&mut self, leaves: bool) {
        let state = self.state;
        // Where nothing was called there is nothing to leave: it goes on.
        let leaves = leaves && !self.calls.is_empty();
        if let Some(call) = self.calls.last_mut()
            && !state.dead
            && call.returns.len() < 64
        {
            call.returns.push(state);
        }
        self.state.dead |= leaves;
    }

    // ---- code

    fn eval(&mut self, id: InvocationId, source: SourceId, arguments: &'a [Word<'a>]) {
        let arguments = match arguments.first().and_then(Word::as_known) {
            Some(b"--") => arguments.get(1..).unwrap_or_default(),
            _ => arguments,
        };
        let (Some(first), Some(last)) = (arguments.first(), arguments.last()) else { return };
        let span = first.span.join(last.span);
        match self.constant_code(arguments) {
            Some(code) => {
                self.inline(code, Some(id), source, span);
            }
            None => {
                if let [only] = arguments {
                    self.possible_code(only, id, source);
                }
                self.opaque_code(source, span);
            }
        }
    }

    /// Reads the constants that code may be, each in a copy of the shell.
    fn possible_code(&mut self, word: &Word<'a>, id: InvocationId, source: SourceId) {
        for text in word.maybe {
            self.leave_shell();
            self.around.context.conditional = true;
            self.inline(text, Some(id), source, word.span);
            self.enter_shell();
        }
    }

    /// Words joined with blanks, where all are known.
    fn constant_code(&self, words: &[Word<'a>]) -> Option<&'a [u8]> {
        if words.iter().any(|word| word.splits || word.pattern.is_some()) {
            return None;
        }
        if let [only] = words {
            return only.as_known();
        }
        let mut code = Vec::new();
        for (at, word) in words.iter().enumerate() {
            if at > 0 {
                code.push(b' ');
            }
            code.extend_from_slice(word.as_known()?);
            if code.len() > super::lowerer::MAX_CONSTANT {
                return None;
            }
        }
        Some(self.arena.alloc_slice_copy(&code))
    }

    fn opaque_code(&mut self, source: SourceId, span: Span) {
        self.note(NoteKind::OpaqueCode, source, span);
        self.forget(true);
    }

    fn source_file(&mut self, id: InvocationId, source: SourceId, arguments: &'a [Word<'a>]) {
        let arguments = match arguments.first().and_then(Word::as_known) {
            Some(b"--") => arguments.get(1..).unwrap_or_default(),
            _ => arguments,
        };
        let Some((file, parameters)) = arguments.split_first() else { return };
        let stdin = self.program.invocation(id).map(|invocation| invocation.stdin);
        let code = match (file.as_known(), file.from, stdin) {
            (Some(b"/dev/stdin" | b"/dev/fd/0" | b"/proc/self/fd/0"), _, Some(Input::Text(text))) => {
                text.as_known()
            }
            (Some(b"/dev/stdin" | b"/dev/fd/0" | b"/proc/self/fd/0"), _, Some(Input::Channel(channel))) => {
                self.channel_text(channel)
            }
            (None, [Origin::Channel(channel)], _) if file.is_pipe() => self.channel_text(*channel),
            _ => None,
        };
        match code {
            Some(code) => {
                let positional = self.state.positional;
                if !parameters.is_empty() {
                    self.state.positional = self.arguments_of(arguments);
                }
                self.inline(code, Some(id), source, file.span);
                self.state.positional = positional;
            }
            None => self.forget(true),
        }
    }

    /// The exact text of a channel, where the one invocation that writes to it prints a constant.
    #[must_use]
    pub fn channel_text(&self, channel: ChannelId) -> Option<&'a [u8]> {
        let (_, writer) = self.only_writer(channel)?;
        super::constant::output(self.arena, writer)
    }

    fn trap(&mut self, id: InvocationId, source: SourceId, arguments: &'a [Word<'a>]) {
        let arguments = match arguments.first().and_then(Word::as_known) {
            Some(b"--") => arguments.get(1..).unwrap_or_default(),
            _ => arguments,
        };
        let Some(first) = arguments.first() else { return };
        match first.as_known() {
            Some(b"" | b"-" | b"-l" | b"-p") => {}
            Some(code) => {
                if arguments.len() > 1 {
                    self.defer(code, id, first.span);
                }
            }
            None => self.note(NoteKind::OpaqueCode, source, first.span),
        }
    }

    fn alias(&mut self, id: InvocationId, source: SourceId, arguments: &'a [Word<'a>]) {
        for argument in arguments {
            match argument.value {
                Value::Known(text) => {
                    let Some(equals) = text.iter().position(|byte| *byte == b'=') else { continue };
                    let code = text.get(equals + 1..).unwrap_or_default();
                    if !code.is_empty() {
                        self.defer(code, id, argument.span);
                    }
                }
                _ => self.note(NoteKind::OpaqueCode, source, argument.span),
            }
        }
    }

    /// `command` and `builtin`: the builtin behind them acts as if they were not there.
    fn prefix(
        &mut self,
        id: InvocationId,
        source: SourceId,
        name: &[u8],
        words: &'a [Word<'a>],
        declared: usize,
    ) {
        let mut at = 1;
        while let Some([b'-', flags @ ..]) = words.get(at).and_then(Word::as_known) {
            if name == b"command" && flags.iter().any(|flag| matches!(flag, b'v' | b'V')) {
                return;
            }
            at += 1;
            if flags == b"-" {
                break;
            }
        }
        let child = words.get(at..).unwrap_or_default();
        let (Some(first), Some(last)) = (child.first(), child.last()) else { return };
        let Some(child_name) = first.as_known() else {
            // `command "$x"` may be `command eval`.
            if first.lead == Lead::Text && !first.prefix().contains(&b'/') {
                self.forget(true);
            }
            return;
        };
        if !is_builtin(child_name) {
            return;
        }
        if self.program.invocations.len() >= self.limits.invocations as usize {
            self.exhaust(source, first.span);
            return;
        }
        let Some(wrapper) = self.program.invocation(id).copied() else { return };
        let span = first.span.join(last.span);
        let child_id = InvocationId(self.program.invocations.len() as u32);
        self.program.invocations.push(Invocation {
            words: child,
            assignments: &[],
            span,
            parent: Some(id),
            resolution: Resolution::Builtin,
            ..wrapper
        });
        if !self.spend(2, source, span) || !self.enter(source, span) {
            return;
        }
        for entry in self.declared.get_mut(declared..).unwrap_or_default() {
            entry.index = entry.index.saturating_sub(at);
        }
        self.builtin(child_id, source, child_name, child, declared);
        self.leave();
    }

    // ---- variables

    /// Assigns a name given as text, with or without a subscript.
    pub(super) fn assign_reference(&mut self, name: Option<&'a [u8]>, from: &'a [Origin<'a>]) {
        let Some(name) = name else { return };
        let end = name.iter().position(|byte| *byte == b'[').unwrap_or(name.len());
        let name = name.get(..end).unwrap_or_default();
        if is_name(name) {
            self.assign_unknown(name, from, Span::default());
        }
    }

    /// The value of an option that `getopts` finds: a word of its own, or behind its letter.
    fn option_value(&self, given: &'a [Word<'a>]) -> Word<'a> {
        let behind = |word: &Word<'a>| match word.value {
            Value::Known([b'-', _, value @ ..]) => Word { value: Value::Known(value), ..*word },
            Value::Partial { prefix: [b'-', _, prefix @ ..], suffix } => {
                Word { value: Value::Partial { prefix, suffix }, ..*word }
            }
            _ => *word,
        };
        let values: Vec<Word<'a>> =
            given.iter().take(super::lowerer::MAX_DEPTH as usize).map(behind).collect();
        let any = self.one_of(&values);
        let either = super::environment::merge(self.arena, &any, &Word::unknown(any.span));
        let mut from: &'a [Origin<'a>] = &[Origin::Input];
        for value in &values {
            from = super::environment::union(self.arena, from, self.traces(value));
        }
        Word { from, maybe: either.maybe, ..Word::unknown(any.span) }
    }

    /// A builtin puts something of its own into the variable that a word names.
    fn bind_named(&mut self, name: &Word<'a>, source: SourceId) {
        match name.as_known() {
            Some(text) => {
                self.reference(name, source);
                self.assign_reference(Some(text), &[Origin::Input]);
            }
            None => self.unknown_name(name, source),
        }
    }

    /// Some variable was changed, and which one cannot be known.
    pub(super) fn unknown_name(&mut self, word: &Word<'a>, source: SourceId) {
        self.reference(word, source);
        match word.value {
            Value::Partial { prefix, .. } => match prefix.iter().position(|byte| matches!(byte, b'[' | b'='))
            {
                Some(end) => {
                    let name = prefix.get(..end).unwrap_or_default();
                    self.assign_reference(Some(name), word.from);
                }
                None => self.stray(word),
            },
            _ => self.stray(word),
        }
    }

    fn unset(&mut self, source: SourceId, arguments: &'a [Word<'a>]) {
        let mut functions_only = false;
        let mut references = false;
        for argument in arguments {
            match argument.as_known() {
                Some(b"-f") => functions_only = true,
                Some(b"-n") => references = true,
                Some(flag) if flag.first() == Some(&b'-') => {}
                Some(name) if !references && is_name(name) && self.target_of(name) != Some(name) => {
                    // A reference, or what it refers to.
                    match self.target_of(name) {
                        Some(target) => self.assign_unknown(target, &[], argument.span),
                        None => self.forget(false),
                    }
                }
                Some(name) if is_name(name) => {
                    // Without `-v` a name that is no variable may be a function.
                    if functions_only {
                        self.state.environment =
                            self.environments.push(self.state.environment, Node::FunctionRemoved { name });
                        continue;
                    }
                    if !references {
                        self.may_unset_function(name);
                    }
                    let local = self.calls.iter().any(|call| call.locals.contains(&name));
                    let old = self.variable(name, argument.span);
                    if local || old.attribute == Attribute::Altering {
                        // What it covered comes to light again.
                        self.assign_unknown(name, old.value.from, argument.span);
                    } else if name == b"PATH" {
                        // Without one the shell looks where it stands.
                        self.assign(name, Word::known(b".", argument.span), None);
                    } else {
                        let missing = Binding { set: false, ..Binding::of(Word::known(b"", argument.span)) };
                        self.rebind(name, missing);
                    }
                }
                Some(text) => {
                    self.reference(argument, source);
                    let end = text.iter().position(|byte| *byte == b'[').unwrap_or(text.len());
                    if let Some(name) = text.get(..end).filter(|name| is_name(name)) {
                        // The others stay.
                        let old = self.variable(name, argument.span);
                        let any = old.elements.map_or(old.value, |elements| self.one_of(elements));
                        let any = super::environment::merge(self.arena, &any, &Word::unknown(any.span));
                        let any = Word { from: any.from, maybe: any.maybe, ..Word::unknown(any.span) };
                        self.assign(name, any, None);
                    }
                }
                None => {
                    self.unknown_name(argument, source);
                    if !self.functions.is_empty() {
                        self.environments_forget(true);
                    }
                }
            }
        }
    }

    /// `unset NAME`: where there is no such variable, a function of that name is gone.
    fn may_unset_function(&mut self, name: &'a [u8]) {
        if self.functions.is_empty() {
            return;
        }
        let found = self.environments.lookup(self.state.environment, name);
        if matches!(found, super::environment::Found::Bound(binding) if binding.set) {
            return;
        }
        let mut functions = Vec::new();
        self.environments.functions(self.state.environment, name, &mut functions);
        self.state.environment =
            self.environments.push(self.state.environment, Node::FunctionRemoved { name });
        // The caller's environment may have the variable.
        for function in functions.into_iter().rev() {
            let node = Node::Function { function, certain: false };
            self.state.environment = self.environments.push(self.state.environment, node);
        }
    }

    fn printf(&mut self, source: SourceId, arguments: &'a [Word<'a>]) {
        let Some(flag) = arguments.first() else { return };
        let (name, rest) = match flag.as_known() {
            Some(b"-v") => match arguments.split_at_checked(2) {
                Some(([_, name], rest)) => (*name, rest),
                _ => return,
            },
            Some([b'-', b'v', name @ ..]) => {
                (Word::known(name, flag.span), arguments.get(1..).unwrap_or_default())
            }
            None if flag.splits => {
                // It may be `-v`.
                self.unknown_name(flag, source);
                return;
            }
            _ => return,
        };
        let Some(target) = name.as_known() else {
            self.unknown_name(&name, source);
            return;
        };
        let rest = match rest.split_first() {
            Some((ends, rest)) if ends.as_known() == Some(b"--") => rest,
            _ => rest,
        };
        self.reference(&name, source);
        let mut from: &'a [Origin<'a>] = &[];
        for word in rest {
            from = super::environment::union(self.arena, from, self.traces(word));
        }
        let known: Option<Vec<&[u8]>> =
            rest.iter().map(|word| word.as_known().filter(|_| !word.splits)).collect();
        let text = known
            .as_deref()
            .and_then(<[&[u8]]>::split_first)
            .and_then(|(format, arguments)| super::constant::print(format, arguments))
            .filter(|text| !text.contains(&0));
        match text {
            Some(text) if is_name(target) => {
                self.assign(target, Word::known(self.arena.alloc_slice_copy(&text), name.span), None);
            }
            _ => {
                // Made of its pieces, and so none of them.
                let from = super::environment::union(self.arena, from, &[Origin::Input]);
                let end = target.iter().position(|byte| *byte == b'[').unwrap_or(target.len());
                let base = target.get(..end).filter(|base| is_name(base));
                let maybe: &'a [&'a [u8]] = match &text {
                    Some(text) => self.arena.alloc_slice_copy(&[&*self.arena.alloc_slice_copy(text)]),
                    None => &[],
                };
                if let Some(base) = base {
                    let value = Word { from, maybe, ..Word::unknown(name.span) };
                    let old = self.variable(base, name.span).value;
                    let either = super::environment::merge(self.arena, &old, &value);
                    self.assign(base, Word { maybe: either.maybe, ..value }, None);
                }
            }
        }
    }

    fn set(&mut self, source: SourceId, arguments: &'a [Word<'a>]) {
        let mut at = 0;
        let name = self.state.positional.words.get(..1).unwrap_or_default();
        while let Some(word) = arguments.get(at) {
            match word.as_known() {
                Some(b"--") => {
                    self.set_positional(name, arguments.get(at + 1..).unwrap_or_default());
                    return;
                }
                Some(b"-") => {
                    if arguments.len() > at + 1 {
                        self.set_positional(name, arguments.get(at + 1..).unwrap_or_default());
                    }
                    return;
                }
                Some([sign @ (b'-' | b'+'), flags @ ..]) if !word.splits => {
                    if flags.contains(&b'a') {
                        self.state.export_all = *sign == b'-';
                    }
                    if flags.contains(&b'e') {
                        self.state.strict = *sign == b'-';
                    }
                    let option = (flags.last() == Some(&b'o')).then(|| arguments.get(at + 1)).flatten();
                    let keyword = option.is_some_and(|option| option.as_known() == Some(b"keyword"));
                    if *sign == b'-' && (keyword || flags.contains(&b'k')) {
                        // From here on any word may be an assignment to its command's environment.
                        self.note(NoteKind::OpaqueCode, source, word.span);
                    }
                    if flags.last() == Some(&b'o') {
                        at += 1;
                        match arguments.get(at).and_then(Word::as_known) {
                            Some(b"allexport") => self.state.export_all = *sign == b'-',
                            Some(b"errexit") => self.state.strict = *sign == b'-',
                            _ => {}
                        }
                    }
                }
                Some(_) => {
                    self.set_positional(name, arguments.get(at..).unwrap_or_default());
                    return;
                }
                None => {
                    self.moves += 1;
                    let given = self.any_text(arguments.get(at..).unwrap_or_default());
                    self.seen.given = super::environment::union(self.arena, self.seen.given, given);
                    self.state.positional = self.any_positional(&self.state.positional);
                    return;
                }
            }
            at += 1;
        }
    }

    fn set_positional(&mut self, name: &[Word<'a>], words: &[Word<'a>]) {
        self.moves += 1;
        let zero = name
            .first()
            .copied()
            .unwrap_or_else(|| Word { from: &[Origin::Input], ..Word::unknown(Span::default()) });
        // It is one word, whatever it was made of.
        let zero = Word { splits: false, pattern: None, ..zero };
        let all: &'a [Word<'a>] = self.arena.alloc_slice_copy(&[&[zero], words].concat());
        let given = self.any_text(words);
        self.seen.given = super::environment::union(self.arena, self.seen.given, given);
        self.state.positional = self.arguments_of(all);
    }

    fn shift(&mut self, arguments: &'a [Word<'a>]) {
        self.moves += 1;
        let count = match arguments.first().map(Word::as_known) {
            None => Some(1),
            Some(text) => text.and_then(|text| std::str::from_utf8(text).ok()?.parse::<usize>().ok()),
        };
        let positional = self.state.positional;
        let parameters = positional.words.len().saturating_sub(1);
        self.state.positional = match (count, positional.words.split_first()) {
            (Some(count), Some((zero, words))) if count <= parameters || positional.rest.is_none() => {
                // More than there are is an error that shifts nothing.
                let count = if count <= parameters { count } else { 0 };
                let words = words.get(count..).unwrap_or_default();
                let all = self.arena.alloc_slice_copy(&[&[*zero], words].concat());
                Positional { words: all, rest: positional.rest }
            }
            _ => {
                let mut from = positional.rest.unwrap_or(&[Origin::Input]);
                for word in positional.words {
                    from = super::environment::union(self.arena, from, self.traces(word));
                }
                Positional { words: &[], rest: Some(from) }
            }
        };
    }
}
