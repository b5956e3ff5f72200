//! Finds the rules that may speak about an act without trying all of them.
//!
//! Every rule is filed under one of its conditions that is a list of plain words or of paths
//! below plain directories: the one whose words the fewest rules share. Whatever could match the
//! rule finds it under one of these words. Where an act's own word is unknown, the rules filed
//! there are looked through by their next condition, in an index of their own; those that have
//! none are all alike to the act (each may match), and what they ask for was put together when
//! the policy was loaded.

use std::sync::OnceLock;

use crate::evaluation::Approval;
use crate::policy::facet::{Facet, Patterns, Side, Slot};
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
    /// Rules all of whose conditions are settled here, some of them by being unknown.
    alike: Alike,
    /// Whether something was unknown on the way here.
    doubtful: bool,
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
    /// By word; a rule stands under each of its words.
    files: Vec<File>,
    /// Its rules that ask or deny by their other conditions, put together when first met.
    unknown: OnceLock<Box<Index>>,
}

/// The rules under one word.
#[derive(Clone, Debug)]
struct File {
    word: Box<[u8]>,
    rules: Vec<Open>,
    /// Those that ask or deny by their other conditions, put together when first met.
    next: OnceLock<Box<Index>>,
}

/// A rule on its way into the index, with its conditions as bits.
#[derive(Clone, Copy, Debug)]
struct Open {
    id: u32,
    /// Those that it was not filed by.
    left: u64,
    /// Those that are not settled by the words that it is filed under.
    unsettled: u64,
}

/// A word that a rule can be filed under, with its shelf.
type Key<'r> = (Shelf, &'r [u8]);

/// A rule under one of its words.
struct Filing<'r> {
    /// The rule's place among those that are filed.
    place: usize,
    /// The condition that has the word.
    at: usize,
    key: Key<'r>,
    /// How many have the same word.
    shared: u32,
}

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
        Self::of(rules, open.collect(), false)
    }

    fn of(rules: &[Rule], open: Vec<Open>, doubtful: bool) -> Self {
        // One list for all of them.
        let mut keys: Vec<Filing<'_>> = Vec::with_capacity(4 * open.len());
        for (place, open) in open.iter().enumerate() {
            let conditions = rules.get(open.id as usize).map(|rule| rule.conditions.as_slice());
            for (at, condition) in conditions.unwrap_or_default().iter().enumerate() {
                if open.left & bit(at) != 0 {
                    words(condition, |key| keys.push(Filing { place, at, key, shared: 0 }));
                }
            }
        }
        // Two words that hash alike make a choice worse, and nothing wrong.
        let counts = how_often(keys.iter().map(|filing| hash(&filing.key)));
        keys.iter_mut().zip(counts).for_each(|(filing, count)| filing.shared = count);
        let mut index = Self { doubtful, ..Self::default() };
        let mut filed: Vec<(Shelf, &[u8], Open)> = Vec::with_capacity(open.len());
        let mut keys = keys.chunk_by(|one, other| one.place == other.place).peekable();
        for (place, open) in open.into_iter().enumerate() {
            let Some(rule) = rules.get(open.id as usize) else { continue };
            let own = keys.next_if(|keys| keys.first().is_some_and(|filing| filing.place == place));
            let conditions = own.unwrap_or_default().chunk_by(|one, other| one.at == other.at);
            let rarest = conditions.min_by_key(|keys| keys.iter().map(|filing| filing.shared).max());
            match rarest.and_then(|keys| keys.first().map(|filing| (filing.at, keys))) {
                Some((at, keys)) => {
                    let settled = if has_exceptions(rule, at) { 0 } else { bit(at) };
                    let open =
                        Open { left: open.left & !bit(at), unsettled: open.unsettled & !settled, ..open };
                    filed.extend(keys.iter().map(|Filing { key: (shelf, word), .. }| (*shelf, *word, open)));
                }
                None if open.unsettled == 0 && doubtful => index.alike.add(open.id, rule),
                None => index.always.push(open.id),
            }
        }
        filed.sort_unstable_by_key(|(shelf, word, open)| (*shelf, *word, open.id));
        filed.dedup_by_key(|(shelf, word, open)| (*shelf, *word, open.id));
        for shelf in filed.chunk_by(|(one, ..), (other, ..)| one == other) {
            let Some((name, ..)) = shelf.first() else { continue };
            let files = shelf.chunk_by(|(_, one, _), (_, other, _)| one == other);
            let files = files.filter_map(|same| {
                let (_, word, _) = same.first()?;
                let rules = same.iter().map(|(.., open)| *open).collect();
                Some(File { word: (*word).into(), rules, next: OnceLock::new() })
            });
            index.groups.push(Group { shelf: *name, files: files.collect(), unknown: OnceLock::new() });
        }
        index
    }

    /// Finds the rules that may speak about an act.
    pub(crate) fn candidates<'p>(
        &'p self,
        rules: &[Rule],
        scene: &Scene<'_>,
        act: &Act<'_>,
        found: &mut Found<'p>,
    ) {
        found.rules.clear();
        found.alike.clear();
        self.look(rules, scene, act, found);
        found.rules.sort_unstable();
        found.rules.dedup();
    }

    fn look<'p>(&'p self, rules: &[Rule], scene: &Scene<'_>, act: &Act<'_>, found: &mut Found<'p>) {
        found.rules.extend(&self.always);
        if !self.alike.rules.is_empty() {
            found.alike.push(&self.alike);
        }
        for group in &self.groups {
            Shelved { group, rules, scene, act, doubtful: self.doubtful }.look(found);
        }
    }
}

impl File {
    fn ids(&self) -> impl Iterator<Item = u32> {
        self.rules.iter().map(|open| open.id)
    }
}

fn hash((shelf, word): &Key<'_>) -> u64 {
    let shelf = match shelf {
        Shelf::Of(facet) => *facet as u8,
        Shelf::Below(root) => 0x80 | *root as u8,
    };
    fnv(shelf, word)
}

/// For each of some hashes how many are like it.
pub(super) fn how_often(hashes: impl Iterator<Item = u64>) -> Vec<u32> {
    let mut sorted: Vec<(u64, u32)> = hashes.zip(0..).collect();
    sorted.sort_unstable();
    let mut counts = vec![0; sorted.len()];
    for same in sorted.chunk_by(|(one, _), (other, _)| one == other) {
        for (_, at) in same {
            if let Some(count) = counts.get_mut(*at as usize) {
                *count = same.len() as u32;
            }
        }
    }
    counts
}

/// FNV-1a, the same on every machine.
pub(super) fn fnv(first: u8, rest: &[u8]) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    rest.iter().copied().fold(mix(0xcbf2_9ce4_8422_2325, first), mix)
}

/// An index of those of some rules that ask or deny.
fn of_restricting<'o>(rules: &[Rule], open: impl Iterator<Item = &'o Open>) -> Box<Index> {
    let restricting =
        |open: &&Open| rules.get(open.id as usize).is_some_and(|rule| rule.side() == Side::Restricting);
    let mut open: Vec<Open> = open.filter(restricting).copied().collect();
    open.sort_unstable_by_key(|open| open.id);
    open.dedup_by_key(|open| open.id);
    Box::new(Index::of(rules, open, true))
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

/// A group as an act comes to it.
struct Shelved<'p, 'x, 's> {
    group: &'p Group,
    rules: &'x [Rule],
    scene: &'x Scene<'s>,
    act: &'x Act<'s>,
    doubtful: bool,
}

impl<'p> Shelved<'p, '_, '_> {
    fn look(&self, found: &mut Found<'p>) {
        let Self { group, scene, act, .. } = *self;
        let facet = match group.shelf {
            Shelf::Of(facet) => facet,
            Shelf::Below(_) => Facet::Target,
        };
        let slot = scene.slot(act, facet);
        let hidden = (act.opaque && facet.is_deed())
            || (act.nameless && matches!(facet, Facet::Tool | Facet::Command));
        if hidden || *slot == Slot::Unknown {
            self.unknown(found);
        }
        match (slot, group.shelf) {
            (Slot::Nothing | Slot::Unknown, _) | (Slot::Path(_), Shelf::Of(_)) => {}
            (Slot::Every, _) => self.each(found),
            (Slot::Alias(one, other), _) => {
                self.word(one, found);
                self.word(other, found);
            }
            (Slot::Path(forms), Shelf::Below(root)) => {
                if !forms.keys(root, &mut |word, all| self.below(word, all, found)) && !hidden {
                    self.unknown(found);
                }
            }
            (slot, shelf) => {
                for value in slot.values() {
                    match (shelf, facet.reading()) {
                        // It may become any word.
                        _ if value.suffix.is_some() => self.each(found),
                        (Shelf::Below(root), _) => {
                            path::name_keys(&value.prefix, root, &mut |word, all| {
                                self.below(word, all, found)
                            });
                        }
                        (_, Reading::AnyCase) => self.word(&value.prefix.to_ascii_lowercase(), found),
                        _ => self.word(&value.prefix, found),
                    }
                }
            }
        }
    }

    fn unknown(&self, found: &mut Found<'p>) {
        let all = || of_restricting(self.rules, self.group.files.iter().flat_map(|file| &file.rules));
        self.group.unknown.get_or_init(all).look(self.rules, self.scene, self.act, found);
    }

    /// Those that may match by what else they ask, to be tried one by one: here they may match, or
    /// do, or not. No single word allows anything then.
    fn each(&self, found: &mut Found<'p>) {
        let before = found.alike.len();
        self.unknown(found);
        for alike in found.alike.drain(before..) {
            found.rules.extend(&alike.rules);
        }
    }

    /// Those under a word that is the act's own: where something else is unknown already, they are
    /// looked through further.
    fn word(&self, word: &[u8], found: &mut Found<'p>) {
        let Ok(at) = self.group.files.binary_search_by(|file| (*file.word).cmp(word)) else { return };
        let Some(file) = self.group.files.get(at) else { return };
        if self.doubtful {
            let next = file.next.get_or_init(|| of_restricting(self.rules, file.rules.iter()));
            next.look(self.rules, self.scene, self.act, found);
        } else {
            found.rules.extend(file.ids());
        }
    }

    /// Those under a directory, or under all that lie below it; where the path itself lies has to
    /// be looked at.
    fn below(&self, word: &[u8], all: bool, found: &mut Found<'p>) {
        let from = self.group.files.partition_point(|file| *file.word < *word);
        let files = self.group.files.get(from..).unwrap_or_default().iter();
        let these =
            files.take_while(|file| if all { file.word.starts_with(word) } else { *file.word == *word });
        found.rules.extend(these.flat_map(File::ids));
    }
}

/// Hands on every word that a condition can be filed under, if all of it can.
fn words<'r>(condition: &'r Condition, mut found: impl FnMut(Key<'r>)) {
    match condition {
        Condition::Texts(facet, Patterns { any, .. }) => {
            if any.iter().all(|pattern| pattern.literal().is_some()) {
                let words = any.iter().filter_map(|pattern| pattern.literal());
                words.for_each(|word| found((Shelf::Of(*facet), word)));
            }
        }
        Condition::Paths(PathPatterns { any, .. }) => {
            if any.iter().all(|pattern| pattern.key().is_some()) {
                let words = any.iter().filter_map(path::PathPattern::key);
                words.for_each(|(root, word)| found((Shelf::Below(root), word)));
            }
        }
        Condition::Time(_) | Condition::Argument(..) => {}
    }
}
