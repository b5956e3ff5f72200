//! What the knowledge of tools says around a command: how it is rehearsed, what of the state before
//! it is worth keeping, and what takes it back.
//!
//! Only a command that is one program is understood this far, with nothing around it but programs that
//! start what stands behind them (`sudo`): whoever writes a script knows better what undoes it. What
//! comes out is a proposal; it is judged, shown and approved like everything else in a plan.

use guardrail_schema::{Count, Role, Test, Way, Ways};

use super::command::Command;
use super::document::{Capture, Check, Expect, Rollback, Step};
use super::template::{Filled, Given};
use crate::evaluation::Evaluation;
use crate::glob;
use crate::identify::{Call, Identified};
use crate::knowledge::Knowledge;
use crate::request::Action;
use crate::{EffectKind, Risk, Undo};

/// The name under which a derived capture is kept.
pub(super) const BEFORE: &str = "before";

/// What is proposed around a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Derived {
    /// What rehearses it.
    pub dry_run: Option<Command>,
    /// What must hold before it: what it works on is there.
    pub preflight: Vec<Check>,
    /// What of the state before it is kept.
    pub captures: Vec<Capture>,
    /// What must hold behind it: what it works on is still there.
    pub post: Vec<Check>,
    /// What takes it back.
    pub rollback: Option<Rollback>,
    /// Why nothing takes it back.
    pub irreversible: Option<String>,
    /// How a person takes it back, where no command can be written down beforehand.
    pub by_hand: Option<String>,
    /// What tells the state before, whether or not a way back needs it.
    pub state: Option<Command>,
    /// What keeps what would be lost. It writes, so it would be a step of its own, before.
    pub backup: Option<Command>,
}

impl Step {
    /// The step with the parts that it does not have taken from a proposal. What it has stays, and
    /// a way back is proposed only together with the captures that it needs.
    #[must_use]
    pub fn or_derived(mut self, derived: Derived) -> Self {
        let Derived { dry_run, preflight, captures, post, rollback, irreversible, by_hand, state: _, backup } =
            derived;
        self.dry_run = self.dry_run.or(dry_run);
        let mut looks = preflight;
        if self.preflight.is_empty() {
            self.preflight.append(&mut looks);
        }
        if self.post.is_empty() {
            self.post = post;
        }
        if self.rollback.is_none() && self.irreversible.is_none() {
            if self.captures.is_empty() {
                self.captures = captures;
                self.rollback = rollback;
            } else if captures.is_empty() {
                self.rollback = rollback;
            }
            // What it takes for granted is looked at, whatever else the step looks at.
            if self.rollback.is_some() {
                self.preflight.append(&mut looks);
            }
            if self.rollback.is_none() {
                self.irreversible = stated(irreversible, by_hand, backup);
            }
        }
        self
    }
}

impl Derived {
    /// Without the looks that would do more than look, and without a way back that needs them.
    pub(crate) fn looking_only(mut self, looks: impl Fn(&Command) -> bool) -> Self {
        let checks = self.preflight.len();
        self.preflight.retain(|check| looks(&check.command));
        self.post.retain(|check| looks(&check.command));
        self.state = self.state.filter(&looks);
        let captures = self.captures.len();
        self.captures.retain(|capture| looks(&capture.command));
        if self.captures.len() < captures || self.preflight.len() < checks {
            self.rollback = None;
            self.irreversible = Some("the state before it cannot be kept by a look alone".to_owned());
        }
        if let Some(rollback) = &mut self.rollback {
            rollback.verification.clone_from(&self.preflight);
        }
        self
    }

    /// With a way back that deletes for a step alone that did what it should, unless a look before says
    /// that there was nothing to delete: a command that is refused, since what it would make is there
    /// already, has made nothing that could be taken back.
    pub(crate) fn deleting_own(mut self, deletes: impl Fn(&Command) -> bool) -> Self {
        let absent = |expect: &Expect| matches!(expect, Expect::Exit(code) if *code != 0);
        let looked = |check: &Check| check.expect.iter().any(absent);
        let known = !self.captures.is_empty() || self.preflight.iter().any(looked);
        if let Some(rollback) = &mut self.rollback {
            rollback.only_if_done = !known && rollback.commands.iter().any(deletes);
        }
        self
    }
}

/// What a step says that nothing takes back by itself.
fn stated(irreversible: Option<String>, by_hand: Option<String>, backup: Option<Command>) -> Option<String> {
    let kept = || backup.map(|backup| format!("only what is kept beforehand: `{}`", backup.typed()));
    by_hand.map(|by_hand| format!("only a person takes it back: {by_hand}")).or_else(kept).or(irreversible)
}

/// What the knowledge says around the one command that a request is.
pub(crate) fn derive(
    identified: &Identified<'_, '_>,
    evaluation: &Evaluation,
    like: &Command,
    knowledge: &Knowledge,
) -> Derived {
    let mut derived = Derived::default();
    let changes = |effect: &&crate::Effect| !matches!(effect.kind, EffectKind::Read | EffectKind::NetworkIn);
    if evaluation.effects.iter().all(|effect| !changes(&effect)) {
        return derived;
    }
    let hardest = evaluation.effects.iter().filter(changes).map(|effect| effect.undo).max();
    let final_reason = || match hardest {
        Some(Undo::Never) => Some("what it does is not undone by any command".to_owned()),
        Some(Undo::Hard) => Some("only a backup or a rebuild brings back what it does".to_owned()),
        _ => None,
    };
    let Some((around, call, words)) = inner(identified, evaluation, like) else {
        derived.irreversible = final_reason();
        return derived;
    };
    let typed = words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
    let named = call.tool.and_then(|known| known.tool.names.first());
    let ways = knowledge.ways(typed).or_else(|| knowledge.ways(named?));
    let said = Said::of(call, words, ways.as_deref());
    let carries = ways.as_ref().map_or(<&[String]>::default(), |ways| ways.carries.as_slice());
    // Without a file of its own: what stands with the tool's subcommands calls it by its first name.
    let own_name = named.filter(|_| !call.path.is_empty()).map_or("", String::as_str);
    let given = Given { call, words, carries, tool: ways.as_ref().map_or(own_name, |ways| &ways.tool) };
    let wrapped = |words: Vec<String>| Command {
        action: Action::Argv(around.iter().cloned().chain(words).collect()),
        ..like.clone()
    };
    // What only looks may be asked by whoever runs the plan.
    let looking = |words: Vec<String>| {
        if said.anyone { Command { action: Action::Argv(words), ..like.clone() } } else { wrapped(words) }
    };
    let fill = |form: &str| given.fill(form, &said.stars);
    derived.dry_run =
        said.dry_run.as_deref().and_then(|form| given.rehearsal(form, &said.stars)).map(wrapped);
    derived.backup =
        said.backup.as_deref().and_then(fill).filter(|f| f.captured.is_none()).map(|f| wrapped(f.words));
    let inverse: Option<Vec<Filled>> = said.inverse.iter().map(|form| fill(form)).collect();
    let inverse = inverse.filter(|inverse| !inverse.is_empty());
    let pick = inverse.iter().flatten().find_map(|filled| filled.captured.clone());
    if let Some(Filled { words, .. }) = said.capture.as_deref().and_then(fill) {
        let look = looking(words);
        derived.state = Some(look.clone());
        if !said.may_be_missing {
            derived.preflight.push(Check::new("what it works on is there", look.clone()));
            if !evaluation.effects.iter().any(|effect| effect.kind == EffectKind::Delete) {
                derived.post.push(Check::new("what it works on is there", look.clone()));
            }
        }
        if let Some(pick) = &pick {
            let (name, pick) = (BEFORE.to_owned(), pick.clone());
            derived.captures.push(Capture { name, command: look, pick, hold: true });
        }
    }
    let needs = said.needs.as_deref().map(|form| fill(form).map(|filled| looking(filled.words)));
    if let Some(Some(needs)) = &needs {
        let check = Check::new("it is not yet as it will be", needs.clone());
        derived.preflight.push(check.expect(Expect::Exit(said.exit)));
    }
    // A way back that needs what nothing captures is none.
    let ready = (pick.is_none() || !derived.captures.is_empty()) && !matches!(needs, Some(None));
    derived.rollback = inverse.filter(|_| ready).map(|inverse| {
        let commands: Vec<Command> = inverse.into_iter().map(|filled| wrapped(filled.words)).collect();
        let method =
            if commands.len() == 1 { "the command that takes it back" } else { "what takes it back" };
        Rollback::new(method, commands)
    });
    derived.by_hand = said.by_hand;
    if let Some(rollback) = &mut derived.rollback {
        rollback.verification.clone_from(&derived.preflight);
    } else {
        derived.irreversible = said.irreversible.or_else(final_reason);
    }
    if evaluation.risk == Risk::Low {
        derived.irreversible = None;
    }
    derived
}

/// The one call that does something, its words, and those of the programs around it that start it and
/// are given nothing else to run.
fn inner<'i, 'a, 'k, 'w>(
    identified: &'i Identified<'a, 'k>,
    evaluation: &Evaluation,
    like: &'w Command,
) -> Option<(&'w [String], &'i Call<'a, 'k>, &'w [String])> {
    let Action::Argv(words) = &like.action else { return None };
    let mut rest = words.as_slice();
    let mut calls = Vec::new();
    for call in identified.calls.iter().filter(|call| call.command.is_some()) {
        if calls.last().is_none_or(|last: &&Call<'_, '_>| last.invocation != call.invocation) {
            calls.push(call);
        }
    }
    if calls.len() != evaluation.invocations.len() {
        return None;
    }
    for (place, invocation) in evaluation.invocations.iter().enumerate() {
        let start = words.len().checked_sub(invocation.argv.len())?;
        rest = words.get(start..)?;
        let same =
            invocation.argv.iter().zip(rest).all(|(known, word)| known.as_deref() == Some(word.as_str()));
        let is_last = place + 1 == evaluation.invocations.len();
        if !same || (place == 0) != (start == 0) || (!is_last && !starts_behind(calls.get(place)?)) {
            return None;
        }
    }
    let around = words.get(..words.len().checked_sub(rest.len())?)?;
    Some((around, calls.last()?, rest))
}

/// Whether a program starts the words behind its own as they are, once.
fn starts_behind(call: &Call<'_, '_>) -> bool {
    call.command.is_some_and(|command| {
        command.appends_input.is_none()
            && command
                .operands
                .iter()
                .any(|operand| operand.role == Role::Argv && operand.count != Count::Many)
    })
}

/// What the rules say of a call: the first that holds, for the rehearsal and for the way back each;
/// then what stands with the command itself.
#[derive(Default)]
struct Said {
    dry_run: Option<String>,
    capture: Option<String>,
    may_be_missing: bool,
    anyone: bool,
    needs: Option<String>,
    exit: i32,
    inverse: Vec<String>,
    backup: Option<String>,
    by_hand: Option<String>,
    irreversible: Option<String>,
    stars: Vec<String>,
}

impl Said {
    fn of(call: &Call<'_, '_>, words: &[String], ways: Option<&Ways>) -> Self {
        let mut said = Self::default();
        let path: Option<Vec<&str>> = call.path.iter().map(|word| std::str::from_utf8(word).ok()).collect();
        let path = path.unwrap_or_default();
        let mut back = false;
        for way in ways.into_iter().flat_map(|ways| ways.of(&path)) {
            if !holds(&way, call, words) {
                continue;
            }
            if said.stars.is_empty() {
                said.stars = way.stars(&path).into_iter().map(str::to_owned).collect();
            }
            said.dry_run = said.dry_run.or_else(|| way.dry_run.clone());
            if !back && way.is_back() {
                back = true;
                let way = way.into_owned();
                said.capture = way.capture;
                said.may_be_missing = way.may_be_missing;
                said.anyone = way.anyone;
                (said.needs, said.exit) = (way.needs, way.exit);
                said.inverse = way.inverse;
                said.backup = way.backup;
                said.by_hand = way.by_hand;
                said.irreversible = way.irreversible;
            }
        }
        if let Some(command) = call.command {
            said.dry_run = said.dry_run.or_else(|| command.dry_run.clone());
            if !back {
                said.capture.clone_from(&command.capture);
                said.inverse.extend(command.inverse.clone());
            }
        }
        said
    }
}

/// Whether all that a rule asks of a call is so. All of its words are known.
fn holds(way: &Way, call: &Call<'_, '_>, words: &[String]) -> bool {
    way.when.iter().all(|condition| {
        let name = condition.facet.as_str();
        let spelled = |word: &&String| {
            word.as_str() == name || word.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))
        };
        let commands = [call.command, call.tool.and_then(|tool| tool.root())];
        let known = commands.into_iter().flatten().find_map(|command| {
            let (_, place) = command.spellings.iter().find(|(spelling, _)| spelling == name)?;
            command.flags.get(usize::from(*place))
        });
        let count = if name == "--" {
            words.iter().filter(|word| *word == "--").count()
        } else if let Some(flag) = known {
            call.flags.iter().filter(|used| std::ptr::eq(used.flag, flag)).count()
        } else if name.starts_with('-') {
            words.iter().take_while(|word| *word != "--").filter(spelled).count()
        } else {
            let flags = call.flags.iter().filter(|used| used.flag.facet == name && used.flag.role.is_none());
            call.arguments.iter().filter(|argument| argument.name == name).count() + flags.count()
        };
        match &condition.test {
            Test::Present => count > 0,
            Test::Absent => count == 0,
            Test::Once => count <= 1,
            Test::Matches(globs) => {
                let (not, globs): (Vec<&String>, Vec<&String>) =
                    globs.iter().partition(|glob| glob.starts_with("not "));
                let any = |globs: &[&String], value: &[u8]| {
                    globs
                        .iter()
                        .any(|g| glob::matches_any_case(g.trim_start_matches("not ").as_bytes(), value))
                };
                let fits = |value: &[u8]| (globs.is_empty() || any(&globs, value)) && !any(&not, value);
                if name == "words" {
                    return words.iter().skip(1).any(|word| fits(word.as_bytes()));
                }
                call.facet(name).filter_map(|word| word.as_known()).any(fits)
            }
        }
    })
}
