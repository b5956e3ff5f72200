//! How many there were lately: counts in slots of time. Pure.
//!
//! Each slot is a thirtieth of the window, and whatever lies in a slot that the window touches
//! counts. So there are never more than a quota says in any window of its length, wherever it begins;
//! the price is that something counts up to a thirtieth longer than it had to.

/// Slots that a window is cut into.
const SLOTS: i64 = 30;
/// Slots that a window of that length may touch.
const TOUCHED: i64 = SLOTS + 1;
/// Places for slots; a slot's place is its number modulo this.
pub(super) const PLACES: usize = 32;

/// The counts of one window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    /// The number of the newest slot.
    pub(super) newest: i64,
    /// The counts of the slots up to it.
    pub(super) counts: [u32; PLACES],
}

/// How long a slot of a window is, in milliseconds.
pub(super) fn width(within_seconds: u64) -> i64 {
    let within = i64::try_from(within_seconds).unwrap_or(i64::MAX / 2_000).clamp(1, i64::MAX / 2_000) * 1_000;
    (within + SLOTS - 1) / SLOTS
}

impl Window {
    /// Lets time pass up to a moment, in milliseconds. Time never goes back here.
    pub(super) fn advance(&mut self, now: i64, width: i64) {
        let slot = now.div_euclid(width.max(1));
        if slot <= self.newest {
            return;
        }
        for passed in (self.newest + 1..=slot).take(PLACES) {
            if let Some(count) = self.counts.get_mut(place(passed)) {
                *count = 0;
            }
        }
        self.newest = slot;
    }

    /// How many there were in the window that ends now.
    pub(super) fn total(&self) -> u32 {
        self.touched().fold(0, |sum, (_, count)| sum.saturating_add(count))
    }

    /// Counts one more, now.
    pub(super) fn add(&mut self) {
        if let Some(count) = self.counts.get_mut(place(self.newest)) {
            *count = count.saturating_add(1);
        }
    }

    /// When there is room for one more below `most`, in milliseconds, if nothing is added.
    pub(super) fn room_at(&self, most: u32, width: i64) -> i64 {
        let mut total = self.total();
        let mut at = self.newest.saturating_mul(width);
        for (slot, count) in self.touched() {
            if total < most {
                break;
            }
            total -= count;
            at = (slot + TOUCHED).saturating_mul(width);
        }
        at
    }

    /// When all of it is over, in milliseconds.
    pub(super) fn over_at(&self, width: i64) -> i64 {
        self.newest.saturating_add(TOUCHED).saturating_mul(width)
    }

    /// The slots that the window touches, the oldest first.
    fn touched(&self) -> impl Iterator<Item = (i64, u32)> {
        (self.newest - TOUCHED + 1..=self.newest)
            .map(|slot| (slot, self.counts.get(place(slot)).copied().unwrap_or_default()))
    }
}

fn place(slot: i64) -> usize {
    usize::try_from(slot.rem_euclid(PLACES as i64)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Compared with a list of every moment: never more than `most` in any window, and never
        /// refused where a window that is a slot longer had room.
        #[test]
        fn never_too_many_and_never_too_strict(
            within in 1_u64..200,
            most in 1_u32..20,
            steps in prop::collection::vec(0_i64..9_000, 1..300),
        ) {
            let (width, length) = (width(within), within as i64 * 1_000);
            let (mut window, mut now, mut admitted) = (Window::default(), 1_700_000_000_000, Vec::new());
            for step in steps {
                now += step;
                window.advance(now, width);
                let since = |from: i64| admitted.iter().filter(|at| **at > from).count() as u32;
                if window.total() < most {
                    window.add();
                    admitted.push(now);
                    // Every window that holds this moment ends at one of them at the latest.
                    prop_assert!(admitted.iter().filter(|at| **at > now - length).count() as u32 <= most);
                } else {
                    prop_assert!(since(now - length - 2 * width) >= most, "refused with room to spare");
                    let at = window.room_at(most, width);
                    prop_assert!(at > now && at <= now + length + 2 * width);
                    let mut later = window.clone();
                    later.advance(at, width);
                    prop_assert!(later.total() < most, "there is room when it was said");
                    let mut before = window.clone();
                    before.advance(at - 1, width);
                    prop_assert!(before.total() >= most, "and not before");
                }
            }
            window.advance(window.over_at(width), width);
            prop_assert_eq!(window.total(), 0);
        }
    }

    #[test]
    fn a_clock_that_goes_back_frees_nothing() {
        let width = width(60);
        let mut window = Window::default();
        window.advance(1_000_000, width);
        window.add();
        window.advance(0, width);
        window.advance(-5, width);
        assert_eq!(window.total(), 1);
    }
}
