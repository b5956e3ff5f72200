//! Finds the rules that may speak about an act without trying all of them.
//!
//! Every rule is filed under one of its conditions that is a list of plain words or of paths
//! that begin with one: the one whose words the fewest rules share. Whatever could match a rule
//! finds it under one of these words, or is unknown there and then sees all that are filed under
//! that facet.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::policy::facet::{Facet, Patterns, Slot, Value};
use crate::policy::path::{self, PathPatterns};
use crate::policy::pattern::Reading;
use crate::policy::rule::{Condition, Rule};
use crate::policy::scene::{Act, Scene};

/// Rules by what they ask about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// Sorted; a rule stands under each of its words.
    filed: Vec<(Facet, Box<[u8]>, u32)>,
    /// Where each facet's words lie.
    ranges: Vec<Range<usize>>,
    /// Rules without such a condition: always tried.
    always: Vec<u32>,
}

/// A facet and the words of a condition on it.
type Key = (Facet, Vec<Vec<u8>>);

impl Index {
    pub(crate) fn new(rules: &[Rule]) -> Self {
        let keys: Vec<Vec<Key>> =
            rules.iter().map(|rule| rule.conditions.iter().filter_map(key).collect()).collect();
        let mut shared: BTreeMap<(Facet, &[u8]), usize> = BTreeMap::new();
        for (facet, words) in keys.iter().flatten() {
            for word in words {
                *shared.entry((*facet, word)).or_default() += 1;
            }
        }
        let crowd = |key: &&Key| {
            let (facet, words) = key;
            let most = words.iter().filter_map(|word| shared.get(&(*facet, word.as_slice()))).max();
            most.copied().unwrap_or_default()
        };
        let mut index = Self::default();
        for (id, keys) in keys.iter().enumerate() {
            let id = id as u32;
            match keys.iter().min_by_key(crowd) {
                Some((facet, words)) => {
                    index.filed.extend(words.iter().map(|word| (*facet, word.as_slice().into(), id)));
                }
                None => index.always.push(id),
            }
        }
        index.filed.sort_unstable();
        index.filed.dedup();
        index.ranges = Facet::ALL
            .iter()
            .map(|facet| {
                let start = index.filed.partition_point(|(filed, ..)| filed < facet);
                start..index.filed.partition_point(|(filed, ..)| filed <= facet)
            })
            .collect();
        index
    }

    /// Puts the rules that may speak about an act into `found`, each once, in order.
    pub(crate) fn candidates(&self, scene: &Scene<'_>, act: &Act<'_>, found: &mut Vec<u32>) {
        found.clear();
        found.extend(&self.always);
        for (facet, range) in Facet::ALL.iter().zip(&self.ranges) {
            let filed = self.filed.get(range.clone()).unwrap_or_default();
            if filed.is_empty() {
                continue;
            }
            let hidden = (act.opaque && facet.is_deed())
                || (act.nameless && matches!(facet, Facet::Tool | Facet::Command));
            let slot = scene.slot(act, *facet);
            if hidden || matches!(slot, Slot::Unknown | Slot::Every) {
                found.extend(filed.iter().map(|(.., id)| id));
                continue;
            }
            let mut take = |word: &[u8], beginning: bool| {
                let from = filed.partition_point(|(_, filed, _)| **filed < *word);
                let these = filed.get(from..).unwrap_or_default().iter();
                if beginning {
                    found
                        .extend(these.take_while(|(_, filed, _)| filed.starts_with(word)).map(|(.., id)| id));
                } else {
                    found.extend(these.take_while(|(_, filed, _)| **filed == *word).map(|(.., id)| id));
                }
            };
            match slot {
                Slot::Nothing | Slot::Unknown | Slot::Every => {}
                Slot::Path(forms) => forms.keys(&mut take),
                Slot::Alias(one, other) => {
                    take(one, false);
                    take(other, false);
                }
                slot => {
                    for value in slot.values() {
                        look_up(*facet, value, &mut take);
                    }
                }
            }
        }
        found.sort_unstable();
        found.dedup();
    }
}

fn look_up(facet: Facet, value: &Value<'_>, take: &mut impl FnMut(&[u8], bool)) {
    if value.suffix.is_some() {
        // It may become any word.
        return take(b"", true);
    }
    match facet.reading() {
        Reading::Path => path::name_keys(&value.prefix, take),
        Reading::AnyCase => take(&value.prefix.to_ascii_lowercase(), false),
        Reading::Name => take(&value.prefix, false),
    }
}

fn key(condition: &Condition) -> Option<Key> {
    match condition {
        Condition::Texts(facet, Patterns { any, .. }) if !any.is_empty() => {
            let words = any.iter().map(|pattern| pattern.literal().map(<[u8]>::to_vec));
            Some((*facet, words.collect::<Option<_>>()?))
        }
        Condition::Paths(PathPatterns { any, .. }) if !any.is_empty() => {
            Some((Facet::Target, any.iter().map(path::PathPattern::key).collect::<Option<_>>()?))
        }
        _ => None,
    }
}
