//! Which tools an actor uses.

use std::collections::BTreeMap;

use guardrail_core::record::Timestamp;

use super::AlarmSettings;

/// So many tools are remembered of one actor.
const MOST_TOOLS: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Habits {
    actors: BTreeMap<String, Habit>,
    forgotten: (u64, u64),
    /// How much of that was asked for already.
    told: (u64, u64),
}

/// What one actor does.
#[derive(Debug)]
struct Habit {
    since: Timestamp,
    last: Timestamp,
    uses: u64,
    tools: BTreeMap<String, Timestamp>,
}

impl Habit {
    fn is_learned(&self, settings: &AlarmSettings, at: Timestamp) -> bool {
        at - self.since >= settings.learning && self.uses >= settings.learning_uses
    }
}

impl Habits {
    /// An actor uses a tool: whether that is unusual. Where it `teaches`, it is usual from then on.
    pub(super) fn is_unusual(
        &mut self,
        settings: &AlarmSettings,
        actor: &str,
        tool: &str,
        at: Timestamp,
        teaches: bool,
    ) -> bool {
        if !self.actors.contains_key(actor) {
            if self.actors.len() >= settings.actors && !self.make_room(settings, at) {
                self.forgotten.0 += 1;
                return false;
            }
            let new = Habit { since: at, last: at, uses: 0, tools: BTreeMap::new() };
            self.actors.insert(actor.to_owned(), new);
        }
        let Some(habit) = self.actors.get_mut(actor) else { return false };
        let is_known = habit.tools.get(tool).is_some_and(|last| at - *last <= settings.remember);
        let is_unusual = !is_known && habit.is_learned(settings, at);
        habit.last = habit.last.max(at);
        habit.uses = habit.uses.saturating_add(1);
        if teaches {
            if !habit.tools.contains_key(tool) && habit.tools.len() >= MOST_TOOLS {
                let oldest = habit.tools.iter().min_by_key(|(_, last)| **last).map(|(tool, _)| tool.clone());
                if let Some(oldest) = oldest {
                    habit.tools.remove(&oldest);
                    self.forgotten.1 += 1;
                }
            }
            habit.tools.insert(tool.to_owned(), at);
        }
        is_unusual
    }

    /// Forgets an actor that was not seen for long, or else the one of those still being learned
    /// that was not seen for longest. Whoever invents names pushes out nobody who is known.
    fn make_room(&mut self, settings: &AlarmSettings, at: Timestamp) -> bool {
        let gone = |habit: &Habit| at - habit.last > settings.remember;
        let free = |(_, habit): &(&String, &Habit)| gone(habit) || !habit.is_learned(settings, at);
        let oldest = self.actors.iter().filter(free).min_by_key(|(_, habit)| habit.last);
        let Some((actor, is_gone)) = oldest.map(|(actor, habit)| (actor.clone(), gone(habit))) else {
            return false;
        };
        self.actors.remove(&actor);
        // Of one that is gone nothing is lost: it would be learned anew.
        self.forgotten.0 += u64::from(!is_gone);
        true
    }

    /// How many actors and tools were forgotten so far.
    pub(super) const fn forgotten(&self) -> (u64, u64) {
        self.forgotten
    }

    /// How many since this was last asked.
    pub(super) fn take_forgotten(&mut self) -> (u64, u64) {
        let told = std::mem::replace(&mut self.told, self.forgotten);
        (self.forgotten.0 - told.0, self.forgotten.1 - told.1)
    }
}
