//! The plans that are closed, in little room: a log has ever more of them, and none may begin again.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hash::Hash;

/// What is kept of a plan: the beginning of the digest of its id, and its last record.
type Entry = (u64, u64);

/// How many wait at least before they are sorted in.
const FEW: usize = 1_024;

/// The closed plans of a log, each with its last record: 16 bytes for each. A copy shares nearly all.
///
/// Ids are kept as 64 bits of their SHA-256 digests. Of two ids that agree in these, the second is taken for
/// closed: whoever seeks one on purpose keeps a plan of their own from beginning.
///
/// ```
/// use guardrail_audit::chain::ClosedPlans;
///
/// let mut closed = ClosedPlans::default();
/// closed.insert("p", 12);
/// assert_eq!((closed.last_of("p"), closed.last_of("q")), (Some(12), None));
/// closed.forget_before(13);
/// assert_eq!(closed.last_of("p"), None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ClosedPlans {
    /// Sorted.
    settled: Arc<Vec<Entry>>,
    /// Newer ones, which count where a plan is in both.
    recent: BTreeMap<u64, u64>,
}

impl ClosedPlans {
    /// The last record of a closed plan; `None` where it is not known to be closed.
    #[must_use]
    pub fn last_of(&self, plan_id: &str) -> Option<u64> {
        let key = key(plan_id);
        if let Some(last) = self.recent.get(&key) {
            return Some(*last);
        }
        let at = self.settled.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        self.settled.get(at).map(|(_, last)| *last)
    }

    /// Adds a plan, or gives one that is there another last record.
    pub fn insert(&mut self, plan_id: &str, last: u64) {
        self.recent.insert(key(plan_id), last);
        if self.recent.len() > FEW + self.settled.len() / 16 {
            self.settled = Arc::new(self.sorted());
            self.recent.clear();
        }
    }

    /// Forgets the plans whose last record is before a number, since it is no longer there.
    pub fn forget_before(&mut self, sequence: u64) {
        let mut kept = self.sorted();
        kept.retain(|(_, last)| *last >= sequence);
        *self = Self { settled: Arc::new(kept), recent: BTreeMap::new() };
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let new = |key: &&u64| self.settled.binary_search_by_key(*key, |(key, _)| *key).is_err();
        self.settled.len() + self.recent.keys().filter(new).count()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn sorted(&self) -> Vec<Entry> {
        let mut sorted = Vec::with_capacity(self.settled.len() + self.recent.len());
        let mut recent = self.recent.iter().map(|(&key, &last)| (key, last)).peekable();
        for &(key, last) in self.settled.iter() {
            while let Some(new) = recent.next_if(|(new, _)| *new < key) {
                sorted.push(new);
            }
            sorted.push(recent.next_if(|(new, _)| *new == key).unwrap_or((key, last)));
        }
        sorted.extend(recent);
        sorted
    }
}

fn key(plan_id: &str) -> u64 {
    let digest = Hash::of(plan_id.as_bytes()).0;
    digest.first_chunk().copied().map(u64::from_le_bytes).unwrap_or_default()
}

impl PartialEq for ClosedPlans {
    fn eq(&self, other: &Self) -> bool {
        self.sorted() == other.sorted()
    }
}

impl Eq for ClosedPlans {}

impl Serialize for ClosedPlans {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sorted = self.sorted();
        let mut bytes = Vec::with_capacity(16 * sorted.len());
        for (key, last) in sorted {
            bytes.extend_from_slice(&key.to_le_bytes());
            bytes.extend_from_slice(&last.to_le_bytes());
        }
        serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for ClosedPlans {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text.as_bytes()).map_err(D::Error::custom)?;
        let (numbers, []) = bytes.as_chunks::<8>() else {
            return Err(D::Error::custom("closed plans that end within a number"));
        };
        let (entries, []) = numbers.as_chunks::<2>() else {
            return Err(D::Error::custom("closed plans that end within a plan"));
        };
        let entry = |[key, last]: &[[u8; 8]; 2]| (u64::from_le_bytes(*key), u64::from_le_bytes(*last));
        let settled: Vec<Entry> = entries.iter().map(entry).collect();
        if !settled.is_sorted_by(|(one, _), (two, _)| one < two) {
            return Err(D::Error::custom("closed plans that are not sorted"));
        }
        Ok(Self { settled: Arc::new(settled), recent: BTreeMap::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_plans_are_found_again_in_whatever_order_they_came() {
        let mut closed = ClosedPlans::default();
        let id = |number: u64| format!("plan-{number}");
        for number in 0..5_000 {
            closed.insert(&id(number), number);
        }
        // Some end a second time.
        for number in (0..5_000).step_by(7) {
            closed.insert(&id(number), number + 10_000);
        }
        let last = |number: u64| if number.is_multiple_of(7) { number + 10_000 } else { number };
        assert!((0..5_000).all(|number| closed.last_of(&id(number)) == Some(last(number))));
        assert_eq!((closed.len(), closed.last_of("plan-5000")), (5_000, None));

        let text = serde_json::to_string(&closed).unwrap();
        assert!(text.len() < 22 * 5_000, "{}", text.len());
        let read: ClosedPlans = serde_json::from_str(&text).unwrap();
        assert_eq!(read, closed);

        closed.forget_before(10_000);
        assert_eq!(closed.len(), 5_000_usize.div_ceil(7));
        assert_eq!((closed.last_of(&id(7)), closed.last_of(&id(8))), (Some(10_007), None));
        assert_ne!(read, closed);
    }

    #[test]
    fn what_is_no_list_of_plans_is_refused() {
        let two = serde_json::to_string(&{
            let mut closed = ClosedPlans::default();
            closed.insert("a", 1);
            closed.insert("b", 2);
            closed
        })
        .unwrap();
        let bytes = STANDARD_NO_PAD.decode(two.trim_matches('"')).unwrap();
        let turned = [&bytes[16..], &bytes[..16]].concat();
        for bad in [&bytes[..15], &bytes[..8], &turned] {
            let text = format!("\"{}\"", STANDARD_NO_PAD.encode(bad));
            assert!(serde_json::from_str::<ClosedPlans>(&text).is_err());
        }
        assert!(serde_json::from_str::<ClosedPlans>("\"!\"").is_err());
    }
}
