//! Giving each word its role, and settling which of the command's effects count.
//!
//! Raising needs only possibility, lowering needs proof: a flag that puts harmless effects in
//! place of the command's own counts only where it is provably on and nothing behind it could
//! switch it off again; a case that may match stands beside what it would replace.

use bumpalo::collections::Vec as BumpVec;
use guardrail_schema::{self as schema, Case, Count, EffectKind, Operand, Role, Test};

use crate::glob;
use crate::identify::arguments::{Read, is_assignment};
use crate::identify::call::{Argument, Call, Unknown};
use crate::lower::{Value, Word};
use crate::shell::Span;

/// Three-valued truth about what cannot all be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Yes,
    Maybe,
    No,
}

/// Roles for operands and flag values, then effects of command, flags and cases.
pub(super) fn assign<'a, 'k>(call: &mut Call<'a, 'k>, read: &Read<'a, 'k>) {
    call.command = Some(read.command);
    call.scope = read.command.scope;
    flag_values(call);
    operands(call, read);
    let sets = proven_sets(call, read);
    call.rehearsal = sets.is_some();
    let named = call.named;
    match sets {
        Some(sets) => call.effects.extend(sets.iter().map(|effect| (effect, named))),
        None => {
            call.effects.extend(read.command.effects.iter().map(|effect| (effect, named)));
            for case in &read.command.cases {
                refine(call, case, read.uncertain);
            }
        }
    }
    flag_effects(call);
    // Whether a word that could be a flag matters depends on what this tool's flags can do.
    if !read.command.flags.iter().any(raises) && !root_flags(call).any(raises) {
        call.unknown.retain(|(unknown, _)| *unknown != Unknown::MaybeFlag);
    }
}

fn root_flags<'k>(call: &Call<'_, 'k>) -> impl Iterator<Item = &'k schema::Flag> {
    call.tool.and_then(|tool| tool.commands.first()).into_iter().flat_map(|root| &root.flags)
}

/// Whether a flag could make its command worse than it is.
fn raises(flag: &schema::Flag) -> bool {
    let role = |role: &Role| !matches!(role, Role::Text | Role::Name | Role::Read | Role::Directory | Role::Placeholder);
    flag.effects.iter().any(|effect| effect.kind != Some(EffectKind::Read))
        || flag.role.as_ref().is_some_and(role)
        || flag.keys.iter().any(|(_, r)| role(r))
        || flag.operands.iter().flatten().any(|operand| role(&operand.role))
        || !flag.marks.is_empty()
}

fn flag_values<'a, 'k>(call: &mut Call<'a, 'k>) {
    let Call { flags, arguments, marks, unknown, .. } = call;
    for used in flags.iter() {
        for &mark in &used.flag.marks {
            marks.insert(mark);
        }
        let Some(word) = used.value else { continue };
        if !used.flag.keys.is_empty() {
            match keyed(&used.flag.keys, word) {
                Some((role, word)) => arguments.push(Argument { name: &used.flag.facet, role, word }),
                None => unknown.push((Unknown::Key, used.span)),
            }
        } else if let Some(role) = &used.flag.role {
            arguments.push(Argument { name: &used.flag.facet, role, word });
        }
    }
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
    let rest = rest.get(1..).unwrap_or_default();
    let value = match word.value {
        Value::Partial { suffix, .. } => Value::Partial { prefix: rest, suffix },
        _ => Value::Known(rest),
    };
    Some((role, Word { value, ..word }))
}

/// Fills the operand slots: those before the one that takes any number from the front, those
/// behind it from the end. A word that may become several could be in any slot left.
fn operands<'a, 'k>(call: &mut Call<'a, 'k>, read: &Read<'a, 'k>) {
    let arena = call.arguments.bump();
    let provided = |slot: &&Operand| {
        !call.flags.iter().any(|used| used.flag.provides.as_deref() == Some(slot.name.as_str()))
    };
    let mut slots: BumpVec<'a, &'k Operand> = BumpVec::new_in(arena);
    slots.extend(read.slots.iter().filter(provided));
    let mut words: &[Word<'a>] = &read.operands;
    let arguments = &mut call.arguments;

    let many = slots.iter().position(|slot| slot.count == Count::Many || matches!(slot.role, Role::Argv | Role::Words(_)));
    let front = many.unwrap_or(slots.len());
    let mut spread = false;
    for slot in slots.get(..front).unwrap_or_default() {
        let Some((word, rest)) = words.split_first() else { break };
        arguments.push(Argument { name: &slot.name, role: &slot.role, word: *word });
        if word.splits || word.pattern.is_some() {
            // It may fill this slot and any behind it.
            spread = true;
            for other in slots.iter().filter(|other| !std::ptr::eq(**other, *slot)) {
                arguments.push(Argument { name: &other.name, role: &other.role, word: *word });
            }
        }
        words = rest;
    }
    let Some(slot) = many.and_then(|many| slots.get(many)) else {
        // More words than slots: the last slot's role is the best guess there is.
        if let Some(last) = slots.last() {
            arguments.extend(words.iter().map(|&word| Argument { name: &last.name, role: &last.role, word }));
        }
        return;
    };
    if slot.role == Role::Assignment {
        let count = words.iter().take_while(|word| is_assignment(word)).count();
        let (assignments, rest) = words.split_at(count);
        arguments.extend(assignments.iter().map(|&word| Argument { name: &slot.name, role: &slot.role, word }));
        words = rest;
        for slot in slots.get(front + 1..).unwrap_or_default() {
            if matches!(slot.role, Role::Argv | Role::Words(_)) {
                arguments.extend(words.iter().map(|&word| Argument { name: &slot.name, role: &slot.role, word }));
                break;
            }
            let Some((word, rest)) = words.split_first() else { break };
            arguments.push(Argument { name: &slot.name, role: &slot.role, word: *word });
            words = rest;
        }
        return;
    }
    let back = slots.get(front + 1..).unwrap_or_default();
    let middle = words.len().saturating_sub(back.len());
    let (several, last) = words.split_at(middle);
    arguments.extend(several.iter().map(|&word| Argument { name: &slot.name, role: &slot.role, word }));
    for (slot, word) in back.iter().zip(last) {
        arguments.push(Argument { name: &slot.name, role: &slot.role, word: *word });
    }
    // `cp $FILES`: the slots at the end are filled by a word that hides them.
    let hidden = spread || several.iter().chain(last).any(|word| word.splits && word.pattern.is_none());
    if hidden && last.len() < back.len().max(1) {
        for slot in back.iter().skip(last.len()) {
            let word = several.iter().chain(last).next_back().map_or(Span::default(), |word| word.span);
            arguments.push(Argument { name: &slot.name, role: &slot.role, word: Word::unknown(word) });
        }
    }
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
    if all_hold { used.flag.sets.as_deref() } else { None }
}

/// Whether an operand may become several words, one of which may be a flag.
fn hides_flags(read: &Read<'_, '_>) -> bool {
    read.operands.iter().any(|word| word.may_be_flag() && word.as_known().is_none())
}

fn value_holds(when: &[String], value: Option<Word<'_>>) -> Holds {
    if when.is_empty() {
        return Holds::Yes;
    }
    match value {
        None => if when.iter().any(String::is_empty) { Holds::Yes } else { Holds::No },
        Some(word) => match word.as_known() {
            Some(text) if when.iter().any(|wanted| wanted.as_bytes() == text) => Holds::Yes,
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
        effects.extend(used.flag.effects.iter().map(|effect| (effect, used.span)));
    }
}

fn refine<'a, 'k>(call: &mut Call<'a, 'k>, case: &'k Case, uncertain: bool) {
    let mut holds = Holds::Yes;
    for condition in &case.when {
        holds = match (holds, tests(call, &condition.facet, &condition.test, uncertain)) {
            (Holds::No, _) | (_, Holds::No) => Holds::No,
            (Holds::Maybe, _) | (_, Holds::Maybe) => Holds::Maybe,
            _ => Holds::Yes,
        };
    }
    let only_floors = case.effects.iter().all(|effect| effect.kind.is_none());
    match holds {
        Holds::No => return,
        Holds::Yes if !case.adds && !only_floors => call.effects.clear(),
        Holds::Yes => {}
        // An unknown operand of a read adds nothing: what it reads is read.
        Holds::Maybe => {
            let harmless = |kind: Option<EffectKind>| matches!(kind, Some(EffectKind::Read | EffectKind::ReadSecret));
            if call.effects.iter().all(|(effect, _)| harmless(effect.kind))
                && case.effects.iter().all(|effect| harmless(effect.kind) || effect.kind.is_none())
            {
                return;
            }
        }
    }
    let named = call.named;
    call.effects.extend(case.effects.iter().map(|effect| (effect, named)));
}

fn tests(call: &Call<'_, '_>, facet: &str, test: &Test, uncertain: bool) -> Holds {
    match test {
        Test::Present if call.has_facet(facet) => Holds::Yes,
        Test::Present if uncertain => Holds::Maybe,
        Test::Present => Holds::No,
        Test::Absent if call.has_facet(facet) => Holds::No,
        Test::Absent if uncertain => Holds::Maybe,
        Test::Absent => Holds::Yes,
        Test::Matches(globs) => {
            let (mut all, mut some) = (true, uncertain);
            for word in call.facet(facet) {
                let holds = match word.as_known() {
                    Some(text) => globs.iter().any(|glob| glob::matches_any_case(glob.as_bytes(), text)),
                    None => globs.iter().any(|glob| may_match(glob.as_bytes(), word)),
                };
                all &= holds && word.as_known().is_some();
                some |= holds;
            }
            match (all && call.has_facet(facet) && !uncertain, some) {
                (true, _) => Holds::Yes,
                (false, true) => Holds::Maybe,
                (false, false) => Holds::No,
            }
        }
    }
}

/// Whether a word that is not wholly known could match a glob: its known beginning must agree
/// with the glob's own.
fn may_match(glob: &[u8], word: Word<'_>) -> bool {
    let literal = glob.iter().position(|&b| b == b'*').and_then(|star| glob.get(..star)).unwrap_or(glob);
    let known = word.prefix();
    let shared = literal.len().min(known.len());
    match (literal.get(..shared), known.get(..shared)) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => true,
    }
}
