//! How many denials there are now, and how many are usual.

use std::collections::{BTreeMap, VecDeque};

use chrono::TimeDelta;
use guardrail_core::record::Timestamp;

/// In how many pieces the window is counted.
const PIECES: i64 = 5;
/// How fast what is usual follows: each piece that is past is this share of it.
const SHARE: f64 = 0.01;
/// So many actors are counted apart in each piece.
const MOST_ACTORS: usize = 32;

/// Counts in a window that moves in pieces, and the average of all that left it.
#[derive(Debug)]
pub(super) struct Spike {
    piece: TimeDelta,
    /// The number of the last piece since the epoch.
    last: i64,
    pieces: VecDeque<Piece>,
    /// How many are usual in a piece.
    usual: f64,
}

#[derive(Debug, Default)]
struct Piece {
    count: u64,
    actors: BTreeMap<String, u64>,
}

impl Spike {
    pub(super) fn new(window: TimeDelta) -> Self {
        let piece = (window / i32::try_from(PIECES).unwrap_or(1)).max(TimeDelta::seconds(1));
        Self { piece, last: i64::MIN, pieces: VecDeque::new(), usual: 0.0 }
    }

    pub(super) fn add(&mut self, actor: &str, at: Timestamp) {
        let number = at.timestamp().div_euclid(self.piece.num_seconds());
        // What comes a little late is counted as what comes now. A clock that was set back far begins anew.
        if self.last != i64::MIN && number < self.last.saturating_sub(PIECES) {
            (self.last, self.pieces) = (number, VecDeque::from([Piece::default()]));
        }
        let ahead = if self.last == i64::MIN { 1 } else { number.saturating_sub(self.last).max(0) };
        self.last = self.last.max(number);
        for _ in 0..ahead.min(PIECES) {
            self.pieces.push_back(Piece::default());
            if self.pieces.len() > PIECES as usize {
                let left = self.pieces.pop_front().unwrap_or_default();
                self.usual += SHARE * (left.count as f64 - self.usual);
            }
        }
        // In the rest of the time there was nothing.
        self.usual *= (1.0 - SHARE).powf((ahead - ahead.min(PIECES)) as f64);
        if let Some(now) = self.pieces.back_mut() {
            now.count += 1;
            if let Some(count) = now.actors.get_mut(actor) {
                *count += 1;
            } else if now.actors.len() < MOST_ACTORS {
                now.actors.insert(actor.to_owned(), 1);
            }
        }
    }

    /// How many there were in the window.
    pub(super) fn count(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.count).sum()
    }

    /// How many are usual in such a time.
    pub(super) fn usual(&self) -> f64 {
        self.usual * PIECES as f64
    }

    /// Who had the most of them, and how many.
    pub(super) fn most(&self) -> Option<(&str, u64)> {
        let mut actors: BTreeMap<&str, u64> = BTreeMap::new();
        for (actor, count) in self.pieces.iter().flat_map(|piece| &piece.actors) {
            *actors.entry(actor).or_default() += count;
        }
        actors.into_iter().max_by_key(|(_, count)| *count)
    }
}
