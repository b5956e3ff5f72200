//! Whether the end of what has arrived may be the beginning of something that is looked for.

/// Byte strings, kept so that their beginnings are found fast.
pub(super) struct Prefixes {
    // Sorted.
    forms: Vec<Vec<u8>>,
    first: [bool; 256],
    longest: usize,
}

impl Prefixes {
    pub(super) fn new(forms: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut forms: Vec<Vec<u8>> = forms.into_iter().collect();
        forms.sort();
        forms.dedup();
        let mut first = [false; 256];
        for start in forms.iter().filter_map(|form| form.first()) {
            if let Some(slot) = first.get_mut(usize::from(*start)) {
                *slot = true;
            }
        }
        let longest = forms.iter().map(Vec::len).max().unwrap_or(0);
        Self { forms, first, longest }
    }

    /// The length of the longest form.
    pub(super) const fn longest(&self) -> usize {
        self.longest
    }

    /// How many forms there are.
    pub(super) const fn len(&self) -> usize {
        self.forms.len()
    }

    /// The first position from `base` on from which the rest of `bytes`, with `fold` applied to
    /// each of them, could still grow into a (longer) form.
    pub(super) fn earliest(&self, bytes: &[u8], base: usize, fold: impl Fn(u8) -> u8) -> Option<usize> {
        let from = base.max((bytes.len() + 1).saturating_sub(self.longest));
        let tail = bytes.get(from..).unwrap_or_default();
        let begins = |b: u8| self.first.get(usize::from(fold(b))).copied().unwrap_or(false);
        if !tail.iter().any(|b| begins(*b)) {
            return None;
        }
        let tail: Vec<u8> = tail.iter().map(|b| fold(*b)).collect();
        tail.iter()
            .enumerate()
            .filter(|(_, b)| begins(**b))
            .find(|(at, _)| self.is_begun_by(tail.get(*at..).unwrap_or_default()))
            .map(|(at, _)| from + at)
    }

    /// Whether `tail` is the beginning of a form, and not all of it.
    fn is_begun_by(&self, tail: &[u8]) -> bool {
        let at = self.forms.partition_point(|form| form.as_slice() <= tail);
        self.forms.get(at).is_some_and(|form| form.starts_with(tail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_proper_prefixes_count() {
        let prefixes = Prefixes::new(["abb", "b", "abc", "ab"].map(|form| form.as_bytes().to_vec()));
        let earliest = |text: &str| prefixes.earliest(text.as_bytes(), 0, |b| b.to_ascii_lowercase());
        assert_eq!(earliest("xxab"), Some(2));
        assert_eq!(earliest("xxaB"), Some(2));
        assert_eq!(earliest("xxa"), Some(2));
        assert_eq!(earliest("xabc"), None);
        assert_eq!(earliest("b"), None);
        assert_eq!(earliest(""), None);
        assert_eq!(prefixes.earliest(b"ab", 1, |b| b), None);
        assert_eq!((prefixes.longest(), prefixes.len()), (3, 4));
    }
}
