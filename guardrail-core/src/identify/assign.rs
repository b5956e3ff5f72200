//! Giving each word its role, and settling which of the command's effects count.
//!
//! Raising needs only possibility, lowering needs proof: a flag that puts harmless effects in
//! place of the command's own counts only where it is provably on and nothing behind it could
//! switch it off again; a case that may match stands beside what it would replace.

use bumpalo::collections::Vec as BumpVec;
use guardrail_schema::{self as schema, Case, Count, EffectKind, Mark, Operand, Risk, Role, Test, ValueKind};

use crate::identify::call::{Argument, Call, FlagUse, Given, Unknown};
use crate::identify::lookup::{is_assignment, is_open_group, is_true};
use crate::identify::matching::{is_of_ids, matches_any, may_match};
use crate::identify::reading::Read;
use crate::lower::{Lead, Value, Word};
use crate::{glob, host};

/// Three-valued truth about what cannot all be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Yes,
    /// Of some of the values given, but not of all.
    Partly,
    Maybe,
    No,
}

/// Roles for operands and flag values, then effects of command, flags and cases.
pub(super) fn assign<'a, 'k>(call: &mut Call<'a, 'k>, read: &Read<'a, 'k>) {
    call.command = Some(read.command);
    call.scope = read.command.scope;
    flag_values(call, read);
    operands(call, read);
    prefixed_operands(call);
    let sets = if read.helps { Some(&[][..]) } else { proven_sets(call, read) };
    call.rehearsal = sets.is_some();
    // A group called bare prints its help, but what only matches a glob's beginning is no group.
    if sets.is_none() && is_open_group(read.command) {
        let root = call.tool.and_then(|tool| tool.root()).map_or(Risk::Medium, |root| root.unlisted);
        call.unknown.push((Unknown::Subcommand(root.max(read.command.unlisted)), call.named));
    }
    let named = call.named;
    // What variables of the environment mean stays, whatever the command turns out to do.
    let mut before = call.effects.len();
    match sets {
        Some(sets) => {
            call.effects.extend(sets.iter().map(|effect| (effect, named)));
            other_sets(call);
        }
        None => {
            call.prints = read.command.prints;
            call.keeps_form = call.flags.iter().all(|used| used.flag.keeps_form);
            call.effects.extend(read.command.effects.iter().map(|effect| (effect, named)));
            for case in &read.command.cases {
                refine(call, case, read, &mut before);
            }
        }
    }
    flag_effects(call);
    // What is not understood may print anything.
    if read.hidden_flags || read.shifts || !call.unknown.is_empty() {
        call.prints = None;
    }
    let maybe = |(unknown, _): &(Unknown, _)| *unknown == Unknown::MaybeFlag;
    if !call.unknown.iter().any(maybe) {
        return;
    }
    // Whether a word that could be a flag matters depends on what this tool's flags can do. A mark
    // only changes what writes and deletes mean.
    let changes =
        call.effects.iter().any(|(effect, _)| !matches!(effect.kind, None | Some(EffectKind::Read)))
            || call.arguments.iter().any(|argument| matches!(argument.role, Role::Write | Role::Delete));
    let raises = |flag: &schema::Flag| raises(flag) || (changes && !flag.marks.is_empty());
    let by_case = || read.command.cases.iter().any(|case| asks_flag(case, read));
    if !read.command.flags.iter().any(raises) && !root_flags(call).any(raises) && !by_case() {
        call.unknown.retain(|unknown| !maybe(unknown));
    }
}

fn root_flags<'k>(call: &Call<'_, 'k>) -> impl Iterator<Item = &'k schema::Flag> {
    call.tool.and_then(|tool| tool.root()).into_iter().flat_map(|root| &root.flags)
}

/// Whether a flag could make its command worse than it is.
fn raises(flag: &schema::Flag) -> bool {
    let role = |role: &Role| {
        !matches!(
            role,
            Role::Text | Role::Name | Role::Read | Role::Document(_) | Role::Directory | Role::Placeholder
        )
    };
    flag.effects.iter().any(matters)
        || flag.role.as_ref().is_some_and(role)
        || flag.keys.iter().any(|(_, r)| role(r))
        || flag.operands.iter().flatten().any(|operand| role(&operand.role))
}

/// Whether an effect is more than a read, or than a note about one.
fn matters(effect: &schema::Effect) -> bool {
    match effect.kind {
        Some(kind) => kind != EffectKind::Read,
        None => effect.risk > Some(Risk::Low),
    }
}

/// Whether a case could make its command worse by a flag.
fn asks_flag(case: &Case, read: &Read<'_, '_>) -> bool {
    let flag = |facet: &str| facet != schema::CALLED && !read.slots.iter().any(|slot| slot.name == facet);
    // A read that picks out secrets reads no more than one that picks out nothing.
    let more = |effect: &schema::Effect| matters(effect) && effect.kind != Some(EffectKind::ReadSecret);
    case.effects.iter().any(more)
        && case.when.iter().any(|condition| !matches!(condition.test, Test::Absent) && flag(&condition.facet))
}

fn flag_values<'a, 'k>(call: &mut Call<'a, 'k>, read: &Read<'a, 'k>) {
    let prefixes = call.tool.map_or(&[][..], |tool| &tool.tool.prefixes);
    let Call { flags, arguments, marks, unknown, .. } = call;
    for used in flags.iter() {
        for &mark in &used.flag.marks {
            // The one that makes things better than they are needs proof.
            let proven = used.value.is_none() && read.negated.is_empty() && !read.hidden_flags;
            if mark != Mark::Query || proven {
                marks.insert(mark);
            }
        }
        if let (Some(role), Some(word)) = (&used.flag.then, used.second) {
            arguments.push(Argument { name: &used.flag.facet, role, word, given: Given::Flag });
        }
        let Some(word) = used.value else { continue };
        if word.as_known().is_some_and(|text| is_harmless(used.flag, text)) {
            continue;
        }
        let (role, word) = if used.flag.keys.is_empty() {
            (used.flag.role.as_ref(), word)
        } else {
            match keyed(&used.flag.keys, word) {
                Some((role, word)) => (Some(role), word),
                // Whichever of them it is, it only reads: an unknown operand of a read.
                None if used.flag.keys.iter().all(|(_, role)| reads(role)) => continue,
                None => {
                    unknown.push((Unknown::Key, used.span));
                    continue;
                }
            }
        };
        let own = used.flag.prefixes.as_slice();
        let said = prefixed(own, word)
            .or_else(|| prefixed(prefixes, word).filter(|_| role.is_none_or(says_nothing)));
        if used.flag.leads {
            arguments.push(Argument { name: &used.flag.facet, role: &Role::Argv, word, given: Given::Flag });
        }
        let whole = role.filter(|role| said.is_none() || !says_nothing(role)).map(|role| (role, word));
        for (role, word) in whole.into_iter().chain(said) {
            arguments.push(Argument { name: &used.flag.facet, role, word, given: Given::Flag });
        }
        // `@file;type=text/plain`, `@a,b`: what the name ends at is the program's own.
        if let (Some((role, word)), false) = (said, own.is_empty()) {
            for piece in word.prefix().split(|byte| matches!(byte, b';' | b',')) {
                if piece.len() < word.prefix().len() {
                    let word = Word { value: Value::Known(piece), ..word };
                    arguments.push(Argument { name: &used.flag.facet, role, word, given: Given::Flag });
                }
            }
        }
    }
}

/// Whether a value changes nothing that matters.
fn is_harmless(flag: &schema::Flag, value: &[u8]) -> bool {
    glob::is_among(&flag.harmless, value) || host::spares(&flag.harmless, value)
}

const fn reads(role: &Role) -> bool {
    matches!(role, Role::Text | Role::Name | Role::Read | Role::Document(_))
}

const fn says_nothing(role: &Role) -> bool {
    matches!(role, Role::Text | Role::Name)
}

/// What the beginning of a word says of the rest, and the rest.
fn prefixed<'a, 'k>(prefixes: &'k [(String, Role)], word: Word<'a>) -> Option<(&'k Role, Word<'a>)> {
    let text = word.prefix();
    let (rest, role) = prefixes.iter().find_map(|(prefix, role)| {
        let rest = match prefix.as_bytes() {
            // `name@file`, but not `name=text@text`.
            [b'*', mark @ ..] => {
                let at = text.iter().position(|byte| mark.first() == Some(byte) || *byte == b'=')?;
                text.get(at..)?.strip_prefix(mark)?
            }
            prefix => text.strip_prefix(prefix)?,
        };
        Some((rest, role))
    })?;
    let value = match word.value {
        Value::Partial { suffix, .. } => Value::Partial { prefix: rest, suffix },
        _ => Value::Known(rest),
    };
    // The program looks for its home by itself.
    let word = match (rest, value) {
        ([b'~', below @ ..], Value::Known(_)) if matches!(below.first(), None | Some(b'/')) => {
            Word { value: Value::Partial { prefix: b"", suffix: below }, lead: Lead::Home, ..word }
        }
        _ => Word { value, ..word },
    };
    Some((role, word))
}

/// The role of the value in `key=value` (or `key value`), and the value alone.
fn keyed<'a, 'k>(keys: &'k [(String, Role)], word: Word<'a>) -> Option<(&'k Role, Word<'a>)> {
    let prefix = word.prefix();
    let split = prefix.iter().position(|&b| b == b'=' || b == b' ');
    if split.is_none() && word.as_known().is_none() {
        return None;
    }
    let (key, rest) = prefix.split_at(split.unwrap_or(prefix.len()));
    let (_, role) = keys.iter().find(|(glob, _)| glob::matches_any_case(glob.as_bytes(), key))?;
    let mut rest = rest.get(1..).unwrap_or_default();
    if matches!(role, Role::Code(_)) {
        // Where a setting may hold either, `!` says that it holds a command for the shell.
        rest = rest.strip_prefix(b"!").unwrap_or(rest);
    }
    let value = match word.value {
        Value::Partial { suffix, .. } => Value::Partial { prefix: rest, suffix },
        _ => Value::Known(rest),
    };
    Some((role, Word { value, ..word }))
}

/// Fills the operand slots in order: each that needs one word gets one, optional ones while words
/// are left over, and the one that takes any number the rest. A word that may become several
/// could be in any slot.
fn operands<'a, 'k>(call: &mut Call<'a, 'k>, read: &Read<'a, 'k>) {
    let provided = |slot: &&Operand| {
        !call.flags.iter().any(|used| used.flag.provides.as_deref() == Some(slot.name.as_str()))
    };
    let mut slots: BumpVec<'a, &'k Operand> =
        BumpVec::with_capacity_in(read.slots.len(), call.arguments.bump());
    slots.extend(read.slots.iter().filter(provided));
    let mut words: &[Word<'a>] = &read.operands;
    call.rest = read.rest;
    let arguments = &mut call.arguments;
    let needed = slots.iter().filter(|slot| slot.count == Count::One && !takes_rest(slot)).count();
    let mut spare = words.len().saturating_sub(needed);
    let mut any_number = false;
    for slot in &slots {
        let take = if slot.role == Role::Assignment && slot.count == Count::Many {
            words.iter().take_while(|word| is_assignment(word)).count()
        } else if takes_rest(slot) || slot.count == Count::Many {
            any_number = true;
            std::mem::take(&mut spare)
        } else if slot.count == Count::One {
            1
        } else if any_number || spare == 0 {
            0
        } else {
            spare -= 1;
            1
        };
        if slot.role == Role::Assignment {
            spare = spare.saturating_sub(take);
        }
        let (taken, rest) = words.split_at(take.min(words.len()));
        arguments.extend(taken.iter().map(|&word| Argument {
            name: &slot.name,
            role: &slot.role,
            word,
            given: Given::Operand,
        }));
        words = rest;
        if let (true, Some(&word)) = (takes_rest(slot), read.rest.first()) {
            arguments.push(Argument { name: &slot.name, role: &slot.role, word, given: Given::Operand });
        }
    }
    // More words than slots: nobody knows what they mean, and the last slot's role is the best guess there is.
    if let Some(word) = words.first() {
        call.unknown.push((Unknown::Operand, word.span));
    }
    if let Some(last) = slots.last() {
        arguments.extend(words.iter().map(|&word| Argument {
            name: &last.name,
            role: &last.role,
            word,
            given: Given::Operand,
        }));
    }
    // `cp $FILES`, `mv *`: each slot could hold what such a word becomes.
    if slots.len() > 1 {
        let sure = leading(&read.operands, slots.iter().copied()).count();
        for word in read.operands.iter().filter(|word| word.splits || word.pattern.is_some()) {
            for slot in slots.iter().skip(sure).filter(|slot| slot.count != Count::Many && !takes_rest(slot))
            {
                if read.operands.len() <= needed || slot.count == Count::Optional {
                    let word = Word { value: Value::Unknown, pattern: None, ..*word };
                    arguments.push(Argument {
                        name: &slot.name,
                        role: &slot.role,
                        word,
                        given: Given::Operand,
                    });
                }
            }
        }
    }
}

/// `file://...` as an operand.
fn prefixed_operands(call: &mut Call<'_, '_>) {
    let prefixes = call.tool.map_or(&[][..], |tool| &tool.tool.prefixes);
    if prefixes.is_empty() {
        return;
    }
    for at in 0..call.arguments.len() {
        let Some(&argument) = call.arguments.get(at) else { break };
        let plain = argument.given == Given::Operand && says_nothing(argument.role);
        if let Some((role, word)) = prefixed(prefixes, argument.word).filter(|_| plain) {
            call.arguments.push(Argument { role, word, given: Given::Flag, ..argument });
        }
    }
}

const fn takes_rest(slot: &Operand) -> bool {
    matches!(slot.role, Role::Argv | Role::Words(_))
}

/// The effects that a flag provably puts in place of the command's own.
fn proven_sets<'k>(call: &Call<'_, 'k>, read: &Read<'_, 'k>) -> Option<&'k [schema::Effect]> {
    let used = call.flags.iter().find(|used| used.flag.sets.is_some())?;
    // A word that may be a flag could say the opposite, and come last.
    if call.unknown.iter().any(|(unknown, _)| *unknown == Unknown::MaybeFlag) || hides_flags(read) {
        return None;
    }
    let all_hold = call
        .flags
        .iter()
        .filter(|other| std::ptr::eq(other.flag, used.flag))
        .all(|other| value_holds(&other.flag.when, other.value) == Holds::Yes);
    // `--dry-run --no-dry-run`, and what abbreviates it.
    let taken_back = |(spelling, flag): (&str, &schema::Flag)| {
        std::ptr::eq(flag, used.flag)
            && spelling
                .strip_prefix("--")
                .is_some_and(|name| read.negated.iter().any(|no| name.as_bytes().starts_with(no)))
    };
    if read.doubted || spellings(call, read).any(taken_back) {
        return None;
    }
    if all_hold { used.flag.sets.as_deref() } else { None }
}

/// `crontab -l -r`: which of two modes wins differs from tool to tool, so that both count.
fn other_sets<'k>(call: &mut Call<'_, 'k>) {
    let Call { flags, effects, named, .. } = call;
    let lowering = |used: &&FlagUse<'_, 'k>| used.flag.sets.is_some();
    let Some(first) = flags.iter().find(lowering) else { return };
    for used in flags.iter().filter(lowering).filter(|used| !std::ptr::eq(used.flag, first.flag)) {
        if value_holds(&used.flag.when, used.value) == Holds::No {
            continue;
        }
        let others = used.flag.sets.iter().flatten();
        effects.extend(others.filter(|effect| raising(effect)).map(|effect| (effect, *named)));
    }
}

fn raising(effect: &schema::Effect) -> bool {
    effect.kind != Some(EffectKind::Read) || effect.risk.is_some()
}

/// Every spelling of a flag that counts here, with the flag.
fn spellings<'r, 'k>(
    call: &Call<'_, 'k>,
    read: &'r Read<'_, 'k>,
) -> impl Iterator<Item = (&'k str, &'k schema::Flag)> + 'r
where
    'k: 'r,
{
    let root = call.tool.and_then(|tool| tool.root());
    let commands = std::iter::once(read.command).chain(root);
    commands.flat_map(|command: &'k schema::Command| {
        let flags = command.spellings.iter();
        flags.filter_map(|(spelling, place)| {
            Some((spelling.as_str(), command.flags.get(usize::from(*place))?))
        })
    })
}

/// Whether an operand may become several words, one of which may be a flag.
fn hides_flags(read: &Read<'_, '_>) -> bool {
    read.operands.iter().any(|word| word.may_be_flag() && word.as_known().is_none() && !word.is_tame())
}

fn value_holds(when: &[String], value: Option<Word<'_>>) -> Holds {
    if when.is_empty() {
        return Holds::Yes;
    }
    match value {
        None => {
            if when.iter().any(String::is_empty) {
                Holds::Yes
            } else {
                Holds::No
            }
        }
        Some(word) => match word.as_known() {
            Some(text) if when.iter().any(|wanted| glob::matches(wanted.as_bytes(), text)) => Holds::Yes,
            Some(_) => Holds::No,
            None => Holds::Maybe,
        },
    }
}

fn flag_effects<'a, 'k>(call: &mut Call<'a, 'k>) {
    let Call { flags, effects, .. } = call;
    for used in flags.iter() {
        if used.flag.sets.is_none() && value_holds(&used.flag.when, used.value) == Holds::No {
            continue;
        }
        if used.value.and_then(|word| word.as_known()).is_some_and(|text| is_harmless(used.flag, text)) {
            continue;
        }
        effects.extend(used.flag.effects.iter().map(|effect| (effect, used.span)));
    }
}

/// `kept` effects stay whatever the case says; what one adds stays from here on.
fn refine<'a, 'k>(call: &mut Call<'a, 'k>, case: &'k Case, read: &Read<'a, 'k>, kept: &mut usize) {
    let mut holds = Holds::Yes;
    let mut unseen = false;
    for condition in &case.when {
        // What a word that is no flag becomes cannot be the value of one.
        let operand = read.slots.iter().any(|slot| slot.name == condition.facet);
        // Of a flag that nobody gave it is said at the word itself that it could be that one.
        let given = call.has_facet(&condition.facet) || matches!(condition.test, Test::Absent);
        let uncertain =
            if operand { moves(read) && !leads(read, &condition.facet) } else { read.hidden_flags && given };
        let test = tests(call, &condition.facet, &condition.test, uncertain);
        unseen |= test == Holds::Maybe && (operand || !call.has_facet(&condition.facet));
        holds = match (holds, test) {
            (Holds::No, _) | (_, Holds::No) => Holds::No,
            (Holds::Maybe, _) | (_, Holds::Maybe) => Holds::Maybe,
            (Holds::Partly, _) | (_, Holds::Partly) => Holds::Partly,
            _ => Holds::Yes,
        };
    }
    if case.known && holds == Holds::Maybe {
        return;
    }
    if holds == Holds::Yes && case.prints.is_some() {
        call.prints = case.prints;
        let named = |facet: &str| case.when.iter().any(|condition| condition.facet == facet);
        call.keeps_form = call.flags.iter().all(|used| used.flag.keeps_form || named(&used.flag.facet));
    }
    if case.effects.is_empty() {
        return;
    }
    let only_floors = case.effects.iter().all(|effect| effect.kind.is_none());
    match holds {
        Holds::No => return,
        Holds::Yes if !case.adds && !only_floors => call.effects.truncate(*kept),
        // Reading some of the words as secrets is a read of the others too.
        Holds::Partly
            if !case.adds
                && only(call, *kept, EffectKind::Read)
                && of_kind(&case.effects, EffectKind::ReadSecret) =>
        {
            call.effects.truncate(*kept);
        }
        Holds::Yes | Holds::Partly => {}
        // A flag that was given could ask for it; an unknown operand of a read adds nothing: what it
        // reads is read.
        Holds::Maybe if !unseen => {}
        Holds::Maybe => {
            let harmless =
                |kind: Option<EffectKind>| matches!(kind, Some(EffectKind::Read | EffectKind::ReadSecret));
            if call.effects.iter().all(|(effect, _)| harmless(effect.kind))
                && case.effects.iter().all(|effect| harmless(effect.kind) || effect.kind.is_none())
            {
                return;
            }
        }
    }
    if holds == Holds::Maybe {
        call.possible.extend(&case.effects);
    }
    let named = call.named;
    call.effects.extend(case.effects.iter().map(|effect| (effect, named)));
    if case.adds
        && let Some(others) = call.effects.get_mut(*kept..)
    {
        others.rotate_right(case.effects.len());
        *kept += case.effects.len();
    }
}

/// Whether words could be in another slot than they seem to be: not where there is one slot, and
/// all that a word stands for begins as it does (`http://host/?page=1`) or has the same form.
fn moves(read: &Read<'_, '_>) -> bool {
    let alike = |word: &Word<'_>| {
        word.as_known().is_some() || (!word.splits && !word.prefix().is_empty()) || is_of_ids(word)
    };
    read.uncertain && !(read.slots.len() == 1 && !read.hidden_flags && read.operands.iter().all(alike))
}

/// Whether an operand's slot is filled before any word that could be several: nothing moves it.
fn leads(read: &Read<'_, '_>, name: &str) -> bool {
    leading(&read.operands, read.slots.iter()).any(|slot| slot.name == name)
}

/// The slots that the words fill which stand before any that could be several. One that needs no word
/// leaves its own to one behind it that does.
fn leading<'s>(
    words: &[Word<'_>],
    slots: impl Iterator<Item = &'s Operand> + Clone,
) -> impl Iterator<Item = &'s Operand> {
    let sure = words.iter().take_while(|word| word.as_known().is_some()).count();
    let optional = |slot: &&Operand| slot.count == Count::Optional;
    let leaves = slots.clone().skip_while(|slot| !optional(slot)).any(|slot| slot.count == Count::One);
    slots
        .take_while(move |slot| slot.count != Count::Many && !takes_rest(slot) && !(leaves && optional(slot)))
        .take(sure)
}

fn only(call: &Call<'_, '_>, before: usize, kind: EffectKind) -> bool {
    call.effects.iter().skip(before).all(|(effect, _)| effect.kind == Some(kind))
}

fn of_kind(effects: &[schema::Effect], kind: EffectKind) -> bool {
    effects.iter().all(|effect| effect.kind == Some(kind))
}

/// Whether an operand or flag was given. A switch may be given as off (`--list=false`).
fn presence(call: &Call<'_, '_>, facet: &str) -> Holds {
    if !call.has_facet(facet) {
        return Holds::No;
    }
    let switch = |used: &&FlagUse<'_, '_>| used.flag.facet == facet && used.flag.value == ValueKind::None;
    let mut given = call.flags.iter().filter(switch).filter_map(|used| used.value).peekable();
    if given.peek().is_none() || given.all(|value| value.as_known().is_some_and(is_true)) {
        return Holds::Yes;
    }
    Holds::Maybe
}

fn tests(call: &Call<'_, '_>, facet: &str, test: &Test, uncertain: bool) -> Holds {
    match test {
        Test::Matches(globs) if facet == schema::CALLED && !call.has_facet(facet) => {
            if matches_any(globs, &call.path.join(&b' ')) { Holds::Yes } else { Holds::No }
        }
        Test::Once => {
            let several = |word: &Word<'_>| word.splits || word.pattern.is_some();
            let mut given = call.facet(facet).take(2);
            match (given.next(), given.next()) {
                _ if uncertain => Holds::Maybe,
                (Some(word), None) if several(&word) => Holds::Maybe,
                (_, None) => Holds::Yes,
                (_, Some(_)) => Holds::No,
            }
        }
        Test::Present | Test::Absent => {
            let present = match presence(call, facet) {
                Holds::No if uncertain => Holds::Maybe,
                present => present,
            };
            match (test, present) {
                (Test::Absent, Holds::Yes) => Holds::No,
                (Test::Absent, Holds::No) => Holds::Yes,
                (_, present) => present,
            }
        }
        Test::Matches(globs) => {
            let (mut all, mut some, mut maybe) = (!uncertain, false, uncertain);
            // A flag without its value is the empty text.
            let bare = call.flags.iter().any(|used| used.flag.facet == facet && used.value.is_none());
            if bare {
                some |= globs.iter().any(String::is_empty);
                all &= some;
            }
            for word in call.facet(facet) {
                match word.as_known() {
                    Some(text) if matches_any(globs, text) => some = true,
                    Some(_) => all = false,
                    // A glob stands for itself where no file matches it, and for what it says where one does.
                    None if word.pattern.is_some_and(|pattern| matches_any(globs, pattern)) => {
                        (some, all) = (true, false);
                    }
                    None => {
                        all = false;
                        maybe |= globs.iter().any(|glob| may_match(glob.as_bytes(), word));
                    }
                }
            }
            match (some, all, maybe) {
                (true, true, _) => Holds::Yes,
                (true, false, _) => Holds::Partly,
                (false, _, true) => Holds::Maybe,
                (false, _, false) => Holds::No,
            }
        }
    }
}
