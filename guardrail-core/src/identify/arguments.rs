//! Reading an argument vector as its tool would: subcommands, flags with their values, operands.

mod external;
mod partial;
mod several;
mod windows;

use bumpalo::collections::Vec as BumpVec;
use guardrail_schema::{Command, Count, Flag, Grammar, Operand, Risk, Role, ValueKind};

use crate::identify::call::{Call, FlagUse, Unknown};
use crate::identify::lookup::{
    asks_version, begins_with_dash, begun, counts, decides, exact, is_assignment, is_open_group, is_true,
    may_spell_flag, may_vanish, strays,
};
use crate::identify::reading::Read;
use crate::knowledge::{Knowledge, KnownTool};
use crate::lower::{Value, Word};
use crate::shell::Span;

/// The commands whose flags count, innermost first: a subcommand, its groups, the tool itself.
const LEVELS: usize = 8;

pub(super) struct Arguments<'c, 'a, 'k> {
    knowledge: &'k Knowledge,
    tool: &'k KnownTool,
    call: &'c mut Call<'a, 'k>,
    words: &'a [Word<'a>],
    at: usize,
    chain: [Option<&'k Command>; LEVELS],
    command: &'k Command,
    grammar: Grammar,
    /// The subcommand's words so far.
    path: [&'a [u8]; LEVELS],
    path_len: usize,
    operands: BumpVec<'a, Word<'a>>,
    /// The words of the command it wraps.
    rest: &'a [Word<'a>],
    /// Behind `--`, or where an operand ends flags.
    ended: bool,
    /// The operands that a flag put in place of the command's own.
    replaced: Option<&'k [Operand]>,
    /// A word that may vanish, split or be a flag stands before this point.
    uncertain: bool,
    /// A word that could be a flag is among them.
    hidden_flags: bool,
    /// What is no flag stands for the value of one, and may be none: then that is the next word.
    shifts: bool,
    subcommands: bool,
    /// What was said to be off: the names behind `--no-`.
    negated: BumpVec<'a, &'a [u8]>,
    /// Where the word stands that an unlisted flag may have taken for its value.
    may_be_value: Option<usize>,
    /// A lowering flag is there that may mean something else.
    doubted: bool,
    /// The tool's own version is asked for.
    asks_version: bool,
    /// Where a word stands that cannot be known, in the place of a subcommand.
    unsettled: Option<usize>,
    /// Where an unlisted flag stands whose value the word behind it may be, which decides what this does.
    swallows: Option<usize>,
    vanishing: BumpVec<'a, usize>,
    /// Where the words behind the subcommand begin.
    behind: usize,
    /// All it does is print help.
    helps: bool,
}

impl<'c, 'a, 'k> Arguments<'c, 'a, 'k> {
    /// Reads `words`, whose first is the command word, into `call`.
    pub(super) fn read(
        knowledge: &'k Knowledge,
        tool: &'k KnownTool,
        words: &'a [Word<'a>],
        call: &'c mut Call<'a, 'k>,
    ) -> Option<Read<'a, 'k>> {
        let root = tool.root()?;
        let operands = BumpVec::with_capacity_in(words.len().min(8), call.arguments.bump());
        let negated = BumpVec::new_in(call.arguments.bump());
        let vanishing = BumpVec::new_in(call.arguments.bump());
        let mut reader = Self {
            knowledge,
            tool,
            call,
            words,
            at: 1,
            chain: std::array::from_fn(|level| (level == 0).then_some(root)),
            command: root,
            grammar: root.grammar.unwrap_or(tool.tool.grammar),
            path: [&[]; LEVELS],
            path_len: 0,
            operands,
            rest: &[],
            ended: false,
            replaced: None,
            uncertain: false,
            hidden_flags: false,
            shifts: false,
            subcommands: tool.has_subcommands(),
            negated,
            may_be_value: None,
            doubted: false,
            asks_version: false,
            unsettled: None,
            swallows: None,
            vanishing,
            behind: 1,
            helps: false,
        };
        reader.run();
        let path = reader.path.get(..reader.path_len).unwrap_or_default();
        if !path.is_empty() {
            reader.call.path = reader.call.arguments.bump().alloc_slice_copy(path);
        }
        // What stands for the flags that name documents, where none of them is given.
        for command in reader.chain.iter().flatten() {
            for flag in command.assumed.iter().filter_map(|&place| command.flags.get(usize::from(place))) {
                if !reader.call.flags.iter().any(|used| used.flag.facet == flag.facet) {
                    reader.call.unnamed.push(flag);
                }
            }
        }
        let slots = reader.replaced.unwrap_or(&reader.command.operands);
        Some(Read {
            command: reader.command,
            operands: reader.operands,
            rest: reader.rest,
            slots,
            uncertain: reader.uncertain,
            hidden_flags: reader.hidden_flags,
            shifts: reader.shifts,
            negated: reader.negated,
            doubted: reader.doubted,
            unsettled: reader.unsettled,
            swallows: reader.swallows,
            vanishing: reader.vanishing,
            helps: reader.helps,
        })
    }

    fn run(&mut self) {
        if self.grammar == Grammar::Bundled
            && let Some(first) = self.words.get(1)
            && let Some(text) = first.as_known()
            && text.first().is_some_and(u8::is_ascii_alphabetic)
        {
            self.at = 2;
            self.bundle(text, first.span);
        }
        while let Some(&word) = self.words.get(self.at) {
            self.at += 1;
            self.word(word);
        }
    }

    fn word(&mut self, word: Word<'a>) {
        self.note_uncertain(word);
        if self.grammar == Grammar::KeyValue {
            return self.key_value(word);
        }
        if !self.ended && self.grammar == Grammar::Windows && self.windows(word) {
            return;
        }
        if !self.ended && !matches!(self.grammar, Grammar::None | Grammar::Windows) {
            match word.value {
                Value::Known(text) if text.len() > 1 && text.first() == Some(&b'-') => {
                    return self.flag(text, word);
                }
                Value::Known(text)
                    if text.len() > 1 && text.first() == Some(&b'+') && self.find(text).is_some() =>
                {
                    return self.flag(text, word);
                }
                Value::Known(b"-") if self.find(b"-").is_some() => return self.flag(b"-", word),
                Value::Known(text)
                    if self.grammar == Grammar::Find && matches!(text, b"(" | b")" | b"!" | b",") =>
                {
                    return;
                }
                Value::Partial { prefix, .. } if prefix.len() > 1 && prefix.first() == Some(&b'-') => {
                    return self.partial_flag(prefix, word);
                }
                Value::Known(_) => {}
                _ if word.is_tame() => {}
                _ if word.may_be_flag() && self.may_spell_flag(&word) => {
                    self.call.unknown.push((Unknown::MaybeFlag, word.span));
                    (self.uncertain, self.hidden_flags) = (true, true);
                }
                _ => {}
            }
        }
        if self.subcommands && self.operands.is_empty() && self.subcommand(word) {
            return;
        }
        self.operand(word);
    }

    /// What an unquoted word may become: several words; flags too, unless it begins like none.
    fn note_uncertain(&mut self, word: Word<'a>) {
        let several = (word.splits || word.pattern.is_some()) && !word.begins_with_own_address();
        self.uncertain |= several;
        // All that `-o*` becomes is that flag, and is seen as such. What nothing chose (`$PWD`, `$HOME`,
        // a number) brings no flag along behind it, as it is none in front.
        let chosen = word.splits && !word.from.is_empty();
        let one_flag = !chosen && word.prefix().first() == Some(&b'-');
        let hidden = several && !self.ended && !one_flag && !word.is_tame() && word.may_be_flag();
        self.hidden_flags |= hidden && self.may_spell_flag(&word);
    }

    /// The value of a flag that may come to nothing: the word behind it is the value then.
    fn note_vanishing(&mut self) {
        if self.words.get(self.at).is_some_and(may_vanish) {
            self.vanishing.push(self.at);
        }
    }

    fn may_spell_flag(&self, word: &Word<'a>) -> bool {
        may_spell_flag(&self.tool.tool, self.chain.iter().flatten().copied(), word)
    }

    fn operand(&mut self, word: Word<'a>) {
        if self.chained(&word) {
            return;
        }
        let slots = self.replaced.unwrap_or(&self.command.operands);
        // Assignments before a wrapped command do not count as operands of their own.
        let assignments =
            matches!(slots.first(), Some(Operand { role: Role::Assignment, count: Count::Many, .. }));
        let index = if !assignments {
            self.operands.len()
        } else if self.operands.iter().all(is_assignment) && is_assignment(&word) {
            0
        } else {
            1 + self.operands.iter().filter(|operand| !is_assignment(operand)).count()
        };
        if slots.get(index).is_some_and(|slot| matches!(slot.role, Role::Argv | Role::Words(_))) {
            // Not copied: wrappers in wrappers would cost their square.
            self.rest = self.words.get(self.at - 1..).unwrap_or_default();
            self.at = self.words.len();
            return;
        }
        if slots.get(index).is_some_and(|slot| slot.count != Count::Many && decides(self.command, slot)) {
            self.may_be_swallowed();
        }
        // In front of a command it may leave its place to the command's name.
        let wraps = |slot: &Operand| matches!(slot.role, Role::Argv | Role::Words(_));
        if may_vanish(&word) && slots.iter().skip(index + 1).any(wraps) {
            self.vanishing.push(self.at - 1);
            self.note_several(&word);
        }
        self.operands.push(word);
        self.ended |= self.grammar == Grammar::Posix;
    }

    /// Takes `word` as the next word of a subcommand, if it is one.
    fn subcommand(&mut self, word: Word<'a>) -> bool {
        let Some(text) = word.as_known() else {
            self.unsettled = self.at.checked_sub(1);
            if !self.command.runs || self.path_len == 0 {
                self.call.unknown.push((Unknown::Subcommand(self.unlisted_command()), word.span));
                self.subcommands = false;
            }
            return false;
        };
        let Some(slot) = self.path.get_mut(self.path_len) else { return false };
        *slot = text;
        let wanted = self.path.get(..=self.path_len).unwrap_or_default();
        // What only might be a group, behind a command that runs, is its operand; and so is what
        // only looks like a command of another branch (`delete list`, beside `* list`).
        let operand = |command: &Command| {
            self.command.runs && (is_open_group(command) || strays(command, self.command))
        };
        match self.tool.subcommand(wanted).filter(|command| !operand(command)) {
            Some(command) => {
                self.path_len += 1;
                // Some tools read it there and go on (`docker -v run`).
                self.doubted |= self.asks_version;
                self.behind = self.at;
                self.command = command;
                self.grammar = command.grammar.unwrap_or(self.grammar);
                if self.tool.tool.root_flags_anywhere || self.path_len > 1 {
                    self.chain.rotate_right(1);
                }
                if let Some(first) = self.chain.first_mut() {
                    *first = Some(command);
                }
                self.call.named = self.call.named.join(word.span);
                self.may_be_swallowed();
                true
            }
            None => {
                self.subcommands = false;
                if self.external(text, word) {
                    return true;
                }
                // What takes no operands and has commands below it is given one that nobody knows.
                let group = || self.path_len == 0 || self.tool.has_below(&self.command.path);
                if !self.command.runs || (self.command.operands.is_empty() && group()) {
                    self.call.unknown.push((Unknown::Subcommand(self.unlisted_command()), word.span));
                }
                false
            }
        }
    }

    /// The word that decides what this does may be the value of the unlisted flag before it: then it
    /// is known of no other word that it is no value, and the flag is not harmless.
    fn may_be_swallowed(&mut self) {
        let Some(word) = self.at.checked_sub(1).filter(|at| self.may_be_value == Some(*at)) else { return };
        let flag = word.checked_sub(1);
        self.swallows = self.swallows.or(flag);
        let Some(span) = flag.and_then(|at| self.words.get(at)).map(|flag| flag.span) else { return };
        if !self.call.unknown.contains(&(Unknown::Flag, span)) {
            self.call.unknown.push((Unknown::Flag, span));
        }
    }

    /// The risk of a subcommand that is not there: as its group says, at least as the tool says.
    fn unlisted_command(&self) -> Risk {
        let root = self.tool.root().map_or(Risk::Medium, |root| root.unlisted);
        root.max(self.command.unlisted)
    }

    fn find(&self, spelling: &[u8]) -> Option<&'k Flag> {
        let flag = |command: &&'k Command| {
            exact(command, spelling).filter(|flag| counts(self.path_len, command, spelling, flag))
        };
        self.chain.iter().flatten().find_map(flag)
    }

    fn flag(&mut self, text: &'a [u8], word: Word<'a>) {
        if text == b"--" && self.grammar != Grammar::Find {
            self.ended = true;
            return;
        }
        if let Some(name) = text.strip_prefix(b"--no-").filter(|name| !name.is_empty()) {
            self.negated.push(name);
        }
        if let Some(flag) = self.find(text) {
            self.asks_version |= flag.sets.is_some() && asks_version(text);
            return self.take(flag, None, word.span);
        }
        let help = self.tool.tool.help.as_deref().is_some_and(|help| help.as_bytes() == text);
        if help && self.path_len == 1 && self.at == self.behind + 1 {
            self.helps = true;
            return;
        }
        match self.grammar {
            Grammar::Find => return self.unlisted(word.span),
            Grammar::SingleDash => return self.long(text, word),
            _ => {}
        }
        if text.starts_with(b"--") { self.long(text, word) } else { self.cluster(text, word.span, false) }
    }

    /// `--flag=value`, `--fl` for `--flag`, and with single-dash grammars `-flag=value`.
    fn long(&mut self, text: &'a [u8], word: Word<'a>) {
        let equals = text.iter().position(|&b| b == b'=').filter(|_| self.tool.tool.attached_values);
        let (name, value) = match equals {
            Some(equals) => {
                let (name, value) = text.split_at(equals);
                (name, Some(Word::known(value.get(1..).unwrap_or_default(), word.span)))
            }
            None => (text, None),
        };
        let flag = self.find(name).or_else(|| {
            if self.grammar == Grammar::SingleDash {
                // `--name` and `-name` are one.
                let other = if name.starts_with(b"--") { name.get(1..) } else { None };
                return other.and_then(|name| self.find(name)).or_else(|| {
                    let mut doubled = BumpVec::with_capacity_in(name.len() + 1, self.operands.bump());
                    doubled.push(b'-');
                    doubled.extend_from_slice_copy(name);
                    self.find(&doubled)
                });
            }
            self.abbreviated(name)
        });
        self.asks_version |= asks_version(name) && flag.is_some_and(|flag| flag.sets.is_some());
        match flag {
            Some(flag) => self.take(flag, value, word.span),
            None => {
                self.unlisted(word.span);
                if value.is_some() {
                    self.may_be_value = None;
                }
                // As if it stood apart, where its beginning may say what it is.
                self.operands.extend(value.filter(|_| !self.tool.tool.prefixes.is_empty()));
            }
        }
    }

    /// The one long flag that `name` begins, if there is exactly one.
    fn abbreviated(&self, name: &[u8]) -> Option<&'k Flag> {
        if name.len() < 3 || !self.tool.tool.abbreviations {
            return None;
        }
        self.begun(name)
    }

    fn begun(&self, name: &[u8]) -> Option<&'k Flag> {
        begun(self.chain.iter().flatten().copied(), self.path_len, name)
    }

    /// `-abc`: one flag a letter; the first that takes a value takes the rest.
    fn cluster(&mut self, text: &'a [u8], span: Span, bundle: bool) {
        if text.get(1..).is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
            && let Some(flag) = self.find(b"-NUM")
        {
            return self.take(flag, None, span);
        }
        let mut at = 1;
        while let Some(&letter) = text.get(at) {
            at += 1;
            let Some(flag) = self.find(&[b'-', letter]) else {
                if letter.is_ascii_digit() && self.find(b"-NUM").is_some() {
                    continue;
                }
                return self.unlisted(span);
            };
            self.asks_version |= flag.sets.is_some() && matches!(letter, b'v' | b'V');
            let rest = text.get(at..).unwrap_or_default();
            if self.tool.tool.pflag {
                match (rest.strip_prefix(b"="), flag.value) {
                    (Some(value), _) => return self.take(flag, Some(Word::known(value, span)), span),
                    // Without it what follows are more flags.
                    (None, ValueKind::Optional) => {
                        self.take(flag, None, span);
                        continue;
                    }
                    _ => {}
                }
            }
            let attached = (!rest.is_empty()).then(|| Word::known(rest, span));
            match flag.value {
                ValueKind::None => self.take(flag, None, span),
                ValueKind::Required if bundle || !self.tool.tool.attached_values => {
                    self.take(flag, None, span);
                }
                ValueKind::Required | ValueKind::Optional | ValueKind::Terminated => {
                    return self.take(flag, attached, span);
                }
            }
        }
    }

    /// tar's `xzf`: the cluster has no dash, and the values are the next words in order.
    fn bundle(&mut self, text: &'a [u8], span: Span) {
        let mut dashed = BumpVec::with_capacity_in(text.len() + 1, self.operands.bump());
        dashed.push(b'-');
        dashed.extend_from_slice_copy(text);
        self.cluster(dashed.into_bump_slice(), span, true);
    }

    fn key_value(&mut self, word: Word<'a>) {
        let (prefix, whole) = (word.prefix(), word.as_known());
        if let Some(text) = whole
            && let Some(flag) = self.find(text)
        {
            return self.take(flag, None, word.span);
        }
        let Some(equals) = prefix.iter().position(|&b| b == b'=') else {
            let unknown = if whole.is_some() { Unknown::Flag } else { Unknown::MaybeFlag };
            self.call.unknown.push((unknown, word.span));
            return;
        };
        let (key, value) = prefix.split_at(equals);
        let rest = value.get(1..).unwrap_or_default();
        let value = match word.value {
            Value::Known(_) => Word::known(rest, word.span),
            Value::Partial { suffix, .. } => {
                Word { value: Value::Partial { prefix: rest, suffix }, ..Word::part(word) }
            }
            Value::Unknown => word,
        };
        match self.find(key) {
            Some(flag) => self.take(flag, Some(value), word.span),
            None => self.unlisted(word.span),
        }
    }

    fn unlisted(&mut self, span: Span) {
        let harmless = self.chain.iter().flatten().any(|command| command.other_flags_harmless);
        if !harmless {
            self.call.unknown.push((Unknown::Flag, span));
        }
        self.may_be_value = Some(self.at);
    }

    /// Notes a flag and takes its value from the words behind it where it has one.
    fn take(&mut self, flag: &'k Flag, value: Option<Word<'a>>, span: Span) {
        let value = match (flag.value, value) {
            (ValueKind::Terminated, Some(value)) => {
                let wrapped = self.operands.bump().alloc_slice_copy(&[value]);
                self.call.flags.push(FlagUse { flag, value: None, second: None, span, wrapped });
                return;
            }
            (_, Some(value)) => Some(value),
            (ValueKind::Required, None) => {
                // A flag of its own makes nothing safer, should it be this one's value after all.
                let next = self.words.get(self.at).copied();
                let flag = !self.tool.tool.dash_values && next.as_ref().is_some_and(begins_with_dash);
                self.may_be_value = if flag { Some(self.at) } else { self.may_be_value };
                let next = next.filter(|_| !flag);
                self.note_vanishing();
                self.at += usize::from(next.is_some());
                next.into_iter().for_each(|word| self.note_value(word));
                self.shifts |= next.is_some_and(|word| word.is_tame() && word.splits);
                next
            }
            (ValueKind::Terminated, None) => {
                return self.terminated(flag, span);
            }
            (ValueKind::None | ValueKind::Optional, None) => None,
        };
        let off = flag.value == ValueKind::None
            && match value {
                Some(word) => !word.as_known().is_some_and(is_true),
                None => self.words.get(self.at).is_some_and(|next| next.as_known() == Some(b"false")),
            };
        // In a tool of many habits `-v` behind other words may well be theirs.
        let off = off || (flag.alone && (self.at != self.behind + 1 || self.words.len() != self.at));
        if flag.sets.is_some() {
            self.doubted |= off || (self.at > 0 && self.may_be_value == Some(self.at - 1));
        }
        if let Some(operands) = &flag.operands
            && !off
        {
            self.replaced = Some(operands);
        }
        // The command it starts has the words behind it, flags and all.
        self.ended |= flag.role == Some(Role::Argv);
        let mut span = value.map_or(span, |value| span.join(value.span));
        let mut second = None;
        if flag.then.is_some() {
            second = self.words.get(self.at).copied();
            self.note_vanishing();
            self.at += usize::from(second.is_some());
            span = second.map_or(span, |second| span.join(second.span));
        }
        // Whatever stood in front of it.
        if flag.role == Some(Role::Argv) && flag.value == ValueKind::Required {
            self.rest = self.words.get(self.at..).unwrap_or_default();
            self.at = self.words.len();
        }
        self.call.flags.push(FlagUse { flag, value, second, span, wrapped: &[] });
    }

    /// find's `-exec`: the words up to `;`, or up to `+` behind `{}`, are the wrapped command.
    fn terminated(&mut self, flag: &'k Flag, span: Span) {
        let from = self.at;
        let mut last: Option<&[u8]> = None;
        let mut whole = span;
        while let Some(word) = self.words.get(self.at) {
            let text = word.as_known();
            if text == Some(b";") || (text == Some(b"+") && last == Some(b"{}")) {
                break;
            }
            last = text;
            whole = whole.join(word.span);
            self.at += 1;
        }
        let wrapped = self.words.get(from..self.at).unwrap_or_default();
        self.at += 1;
        self.call.flags.push(FlagUse { flag, value: None, second: None, span: whole, wrapped });
    }
}
