//! A circuit breaker: so many bad ones in a row, a rest, trials, and on. Pure.

use guardrail_core::quota::{Finished, Quota};

/// A breaker of which nothing bad is known is not kept at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Breaker {
    /// How many were bad, one after the other.
    pub(super) row: u32,
    /// How many trials went well since the rest.
    pub(super) good: u32,
    /// When it opened, in milliseconds; 0 where it is closed.
    pub(super) opened: i64,
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// All are let through.
    Closed,
    /// None is, up to this moment in milliseconds.
    Open(i64),
    /// One after the other is tried.
    Trying,
}

/// A row that nothing was added to for so long is over, in milliseconds: a day.
const FORGOTTEN: i64 = 86_400_000;

impl Breaker {
    /// Where it stands now.
    pub(super) fn stand(&self, quota: &Quota, now: i64) -> Stand {
        if self.opened == 0 {
            return Stand::Closed;
        }
        let until = self.opened.saturating_add(rest(quota));
        if now < until { Stand::Open(until) } else { Stand::Trying }
    }

    /// Something ended. What began before it opened, and ends after that, moves nothing: only a
    /// `trial` does.
    pub(super) fn ended(&mut self, quota: &Quota, ended: Finished, trial: bool, now: i64) {
        match (self.stand(quota, now), ended) {
            (Stand::Closed, Finished::Well) => *self = Self::default(),
            (Stand::Closed, Finished::Badly) => {
                self.row = self.row.saturating_add(1);
                if self.row >= quota.most {
                    *self = Self { row: self.row, good: 0, opened: now.max(1) };
                }
            }
            (Stand::Trying, Finished::Well) if trial => {
                self.good = self.good.saturating_add(1);
                if self.good >= quota.trials {
                    *self = Self::default();
                }
            }
            // A trial that began in one rest's wake may end in the next one's.
            (_, Finished::Badly) if trial => *self = Self { good: 0, opened: now.max(1), ..*self },
            _ => {}
        }
    }

    /// When it says nothing any more, in milliseconds.
    pub(super) fn over_at(&self, quota: &Quota, now: i64) -> i64 {
        now.saturating_add(FORGOTTEN.max(rest(quota).saturating_mul(2)))
    }
}

fn rest(quota: &Quota) -> i64 {
    i64::try_from(quota.rest_seconds).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use guardrail_core::quota::Counts;

    use super::*;

    #[test]
    fn every_stand_is_walked() {
        let quota = Quota {
            name: "x".into(),
            layer: "user",
            counts: Counts::Failures,
            most: 3,
            within_seconds: 0,
            rest_seconds: 10,
            trials: 2,
        };
        let mut breaker = Breaker::default();
        let (bad, well) = (Finished::Badly, Finished::Well);
        breaker.ended(&quota, bad, false, 1_000);
        breaker.ended(&quota, bad, false, 2_000);
        breaker.ended(&quota, well, false, 3_000);
        assert_eq!(breaker, Breaker::default(), "a good one ends a row");
        for at in [4_000, 5_000] {
            breaker.ended(&quota, bad, false, at);
            assert_eq!(breaker.stand(&quota, at), Stand::Closed);
        }
        breaker.ended(&quota, bad, false, 6_000);
        assert_eq!(breaker.stand(&quota, 6_000), Stand::Open(16_000));
        assert_eq!(breaker.stand(&quota, 15_999), Stand::Open(16_000));
        let open = breaker;
        breaker.ended(&quota, well, false, 7_000);
        breaker.ended(&quota, bad, false, 7_000);
        assert_eq!(breaker, open, "what began before it opened moves nothing");
        assert_eq!(breaker.stand(&quota, 16_000), Stand::Trying);
        breaker.ended(&quota, well, false, 16_000);
        assert_eq!(breaker.stand(&quota, 16_000), Stand::Trying, "that was no trial");
        breaker.ended(&quota, well, true, 16_500);
        assert_eq!(breaker.stand(&quota, 16_500), Stand::Trying, "two are wanted");
        breaker.ended(&quota, bad, true, 17_000);
        assert_eq!(
            breaker.stand(&quota, 17_000),
            Stand::Open(27_000),
            "one that fails begins the rest again"
        );
        breaker.ended(&quota, well, true, 27_000);
        assert_eq!(breaker.stand(&quota, 27_000), Stand::Trying, "the good ones count from the last rest");
        breaker.ended(&quota, well, true, 28_000);
        assert_eq!(breaker, Breaker::default());
        assert_eq!(breaker.stand(&quota, 0), Stand::Closed);
    }
}
