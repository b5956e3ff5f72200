//! Which tools an actor uses.

use std::collections::BTreeMap;

use guardrail_core::record::Timestamp;

use super::AlarmSettings;

/// So many tools are remembered of one actor. Of 4,096 actors that makes 8 MB.
const MOST_TOOLS: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Habits {
    actors: BTreeMap<String, Habit>,
    /// Numbers for the names of tools, of which there are as many as there is knowledge of.
    tools: BTreeMap<String, u16>,
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
    /// Tools by their numbers, and the minute of the last use; sorted.
    tools: Vec<(u16, u32)>,
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
            let new = Habit { since: at, last: at, uses: 0, tools: Vec::new() };
            self.actors.insert(actor.to_owned(), new);
        }
        let tool = self.number(tool);
        let minute = |at: Timestamp| u32::try_from(at.timestamp().max(0) / 60).unwrap_or(u32::MAX);
        let (now, remember) = (minute(at), settings.remember.num_minutes().max(0));
        let Some(habit) = self.actors.get_mut(actor) else { return false };
        let found = habit.tools.binary_search_by_key(&tool, |(tool, _)| *tool);
        let last = found.ok().and_then(|at| habit.tools.get(at)).map(|(_, last)| *last);
        let is_known = last.is_some_and(|last| i64::from(now.saturating_sub(last)) <= remember);
        let is_unusual = !is_known && habit.is_learned(settings, at);
        habit.last = habit.last.max(at);
        habit.uses = habit.uses.saturating_add(1);
        if teaches {
            match found.map(|at| habit.tools.get_mut(at)) {
                Ok(used) => used.into_iter().for_each(|(_, last)| *last = now.max(*last)),
                Err(place) => {
                    habit.tools.insert(place, (tool, now));
                    if habit.tools.len() > MOST_TOOLS {
                        let oldest = (0..).zip(&habit.tools).min_by_key(|(_, (_, last))| *last);
                        if let Some(oldest) = oldest.map(|(place, _): (usize, _)| place) {
                            habit.tools.remove(oldest);
                            self.forgotten.1 += 1;
                        }
                    }
                }
            }
        }
        is_unusual
    }

    /// The number of a tool. Those for which there is none left are one.
    fn number(&mut self, tool: &str) -> u16 {
        if let Some(number) = self.tools.get(tool) {
            return *number;
        }
        let number = u16::try_from(self.tools.len()).unwrap_or(u16::MAX);
        if number < u16::MAX {
            self.tools.insert(tool.to_owned(), number);
        }
        number
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
