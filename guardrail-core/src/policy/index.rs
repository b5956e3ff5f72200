//! Finds the rules that may speak about an act without trying all of them.
//!
//! Every rule is filed under one of its conditions that is a list of plain words or of paths
//! below plain directories: the one whose words the fewest rules share. Whatever could match the
//! rule finds it under one of these words. Where an act's own word is unknown, the rules filed
//! there are looked through by their next condition, in an index of their own; those that have
//! none are all alike to the act (each may match), and what they ask for was put together when
//! the policy was loaded.

use std::collections::BTreeMap;

use crate::evaluation::Approval;
use crate::policy::facet::{Facet, Patterns, Side, Slot, Value};
use crate::policy::model::Says;
use crate::policy::path::{self, PathPatterns, RootKey};
use crate::policy::pattern::Reading;
use crate::policy::rule::{Condition, Rule};
use crate::policy::scene::{Act, Scene};

/// Rules by what they ask about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// By shelf.
    groups: Vec<Group>,
    /// Rules that cannot be filed: always tried.
    always: Vec<u32>,
    /// Rules all of whose conditions are unknown here.
    alike: Alike,
}

/// Rules that ask or deny, of which an act tells nothing but that each may match.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alike {
    pub(crate) rules: Vec<u32>,
    /// All that those ask for which ask.
    pub(crate) asks: Option<Approval>,
}

/// What rules are filed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shelf {
    Of(Facet),
    /// Targets below a root.
    Below(RootKey),
}

#[derive(Clone, Debug)]
struct Group {
    shelf: Shelf,
    /// Sorted; a rule stands under each of its words.
    filed: Filed,
    /// Its rules that ask or deny, by their other conditions.
    unknown: Box<Index>,
}

/// Rules by a word.
type Filed = Vec<(Box<[u8]>, u32)>;

/// A rule on its way into the index, with its conditions as bits.
#[derive(Clone, Copy, Debug)]
struct Open {
    id: u32,
    /// Those that it was not filed by.
    left: u64,
    /// Those that are not settled by being unknown.
    unsettled: u64,
}

/// The words that a condition can be filed under, each with its shelf.
type Words = Vec<(Shelf, Vec<u8>)>;

/// What an act finds.
#[derive(Debug, Default)]
pub(crate) struct Found<'p> {
    /// Rules to try, each once, in order.
    pub(crate) rules: Vec<u32>,
    /// Rules that need not be tried: each may match.
    pub(crate) alike: Vec<&'p Alike>,
}

impl Index {
    pub(crate) fn new(rules: &[Rule]) -> Self {
        let open = rules.iter().enumerate().map(|(id, rule)| {
            // A rule of more conditions than there are bits is tried each time.
            let all = if rule.conditions.len() < 64 { (1 << rule.conditions.len()) - 1 } else { 0 };
            Open { id: id as u32, left: all, unsettled: if all == 0 { 1 } else { all } }
        });
        let words: Vec<Vec<Option<Words>>> =
            rules.iter().map(|rule| rule.conditions.iter().map(words).collect()).collect();
        Self::of(rules, &words, open.collect())
    }

    fn of(rules: &[Rule], words: &[Vec<Option<Words>>], open: Vec<Open>) -> Self {
        let filable = |rule: &Open| {
            let conditions = words.get(rule.id as usize).map(Vec::as_slice).unwrap_or_default();
            let rule = *rule;
            conditions
                .iter()
                .enumerate()
                .filter(move |(at, _)| rule.left & bit(*at) != 0)
                .filter_map(|(at, words)| words.as_ref().map(|words| (at, words)))
        };
        let mut shared: BTreeMap<(Shelf, &[u8]), u32> = BTreeMap::new();
        for rule in &open {
            for (shelf, word) in filable(rule).flat_map(|(_, words)| words) {
                *shared.entry((*shelf, word)).or_default() += 1;
            }
        }
        let crowd = |words: &Words| {
            let counts = words.iter().filter_map(|(shelf, word)| shared.get(&(*shelf, word.as_slice())));
            counts.max().copied().unwrap_or_default()
        };
        let mut index = Self::default();
        let mut shelves: BTreeMap<Shelf, (Filed, Vec<Open>)> = BTreeMap::new();
        for rule in open {
            let Some(own) = rules.get(rule.id as usize) else { continue };
            let Some((at, filed)) = filable(&rule).min_by_key(|(_, words)| crowd(words)) else {
                // What is left of it has to be tried, if anything is.
                if rule.unsettled == 0 {
                    index.alike.add(rule.id, own);
                } else {
                    index.always.push(rule.id);
                }
                continue;
            };
            let mut last = None;
            for (shelf, word) in filed {
                let (words, below) = shelves.entry(*shelf).or_default();
                words.push((word.as_slice().into(), rule.id));
                if own.side() == Side::Restricting && last != Some(*shelf) {
                    let settled = if has_exceptions(own, at) { 0 } else { bit(at) };
                    below.push(Open {
                        left: rule.left & !bit(at),
                        unsettled: rule.unsettled & !settled,
                        ..rule
                    });
                }
                last = Some(*shelf);
            }
        }
        index.groups = shelves
            .into_iter()
            .map(|(shelf, (mut filed, mut below))| {
                filed.sort_unstable();
                filed.dedup();
                below.sort_unstable_by_key(|rule| rule.id);
                below.dedup_by_key(|rule| rule.id);
                Group { shelf, filed, unknown: Box::new(Self::of(rules, words, below)) }
            })
            .collect();
        index
    }

    /// Finds the rules that may speak about an act.
    pub(crate) fn candidates<'p>(&'p self, scene: &Scene<'_>, act: &Act<'_>, found: &mut Found<'p>) {
        found.rules.clear();
        found.alike.clear();
        self.look(scene, act, found);
        found.rules.sort_unstable();
        found.rules.dedup();
    }

    fn look<'p>(&'p self, scene: &Scene<'_>, act: &Act<'_>, found: &mut Found<'p>) {
        found.rules.extend(&self.always);
        if !self.alike.rules.is_empty() {
            found.alike.push(&self.alike);
        }
        for group in &self.groups {
            group.look(scene, act, found);
        }
    }

    /// Everything that is filed here, to be tried one by one.
    fn all(&self, found: &mut Vec<u32>) {
        found.extend(&self.always);
        found.extend(&self.alike.rules);
        for group in &self.groups {
            found.extend(group.filed.iter().map(|(_, id)| id));
        }
    }
}

const fn bit(condition: usize) -> u64 {
    if condition < 64 { 1 << condition } else { 0 }
}

/// Whether a condition names what must not match, which has to be looked at all the same.
fn has_exceptions(rule: &Rule, at: usize) -> bool {
    match rule.conditions.get(at) {
        Some(Condition::Texts(_, patterns)) => !patterns.none.is_empty(),
        Some(Condition::Paths(patterns)) => !patterns.none.is_empty(),
        _ => true,
    }
}

impl Alike {
    fn add(&mut self, id: u32, rule: &Rule) {
        self.rules.push(id);
        if rule.says == Says::Ask {
            self.asks = Some(match self.asks.take() {
                Some(there) => there.and(rule.approval.clone()),
                None => rule.approval.clone(),
            });
        }
    }
}

impl Group {
    fn look<'p>(&'p self, scene: &Scene<'_>, act: &Act<'_>, found: &mut Found<'p>) {
        let facet = match self.shelf {
            Shelf::Of(facet) => facet,
            Shelf::Below(_) => Facet::Target,
        };
        let slot = scene.slot(act, facet);
        let hidden = (act.opaque && facet.is_deed())
            || (act.nameless && matches!(facet, Facet::Tool | Facet::Command));
        if hidden || *slot == Slot::Unknown {
            self.unknown.look(scene, act, found);
        }
        match (slot, self.shelf) {
            (Slot::Nothing | Slot::Unknown, _) => {}
            // Each of them holds as far as this goes.
            (Slot::Every, _) => self.unknown.all(&mut found.rules),
            (Slot::Alias(one, other), _) => {
                self.take(one, false, &mut found.rules);
                self.take(other, false, &mut found.rules);
            }
            (Slot::Path(forms), Shelf::Below(root)) => {
                if !forms.keys(root, &mut |word, beginning| self.take(word, beginning, &mut found.rules))
                    && !hidden
                {
                    self.unknown.look(scene, act, found);
                }
            }
            (Slot::Path(_), Shelf::Of(_)) => {}
            (slot, _) => {
                for value in slot.values() {
                    self.look_up(facet, value, &mut found.rules);
                }
            }
        }
    }

    fn look_up(&self, facet: Facet, value: &Value<'_>, found: &mut Vec<u32>) {
        if value.suffix.is_some() {
            // It may become any word.
            return self.take(b"", true, found);
        }
        match (self.shelf, facet.reading()) {
            (Shelf::Below(root), _) => {
                path::name_keys(&value.prefix, root, &mut |word, beginning| {
                    self.take(word, beginning, found)
                });
            }
            (_, Reading::AnyCase) => self.take(&value.prefix.to_ascii_lowercase(), false, found),
            _ => self.take(&value.prefix, false, found),
        }
    }

    /// Takes the rules of a word, or of all words that begin with it.
    fn take(&self, word: &[u8], beginning: bool, found: &mut Vec<u32>) {
        let from = self.filed.partition_point(|(filed, _)| **filed < *word);
        let these = self.filed.get(from..).unwrap_or_default().iter();
        if beginning {
            found.extend(these.take_while(|(filed, _)| filed.starts_with(word)).map(|(_, id)| id));
        } else {
            found.extend(these.take_while(|(filed, _)| **filed == *word).map(|(_, id)| id));
        }
    }
}

fn words(condition: &Condition) -> Option<Words> {
    match condition {
        Condition::Texts(facet, Patterns { any, .. }) if !any.is_empty() => any
            .iter()
            .map(|pattern| pattern.literal().map(|word| (Shelf::Of(*facet), word.to_vec())))
            .collect(),
        Condition::Paths(PathPatterns { any, .. }) if !any.is_empty() => {
            let mut words: Words = any
                .iter()
                .map(|pattern| pattern.key().map(|(root, word)| (Shelf::Below(root), word)))
                .collect::<Option<_>>()?;
            words.sort_unstable();
            Some(words)
        }
        _ => None,
    }
}
