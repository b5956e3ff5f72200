//! Three-valued logic (Kleene's): what follows from conditions some of which cannot be known.

/// Whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Truth {
    /// It does not, whatever the unknown is.
    False,
    /// It depends on what cannot be known.
    Unknown,
    /// It does, whatever the unknown is.
    True,
}

impl Truth {
    /// Both hold: the smaller in `False < Unknown < True`.
    pub(crate) fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// At least one holds: the greater.
    pub(crate) fn or(self, other: Self) -> Self {
        self.max(other)
    }

    pub(crate) const fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{self, False, True, Unknown};

    /// What a value may turn out to be.
    fn completions(value: Truth) -> &'static [bool] {
        match value {
            False => &[false],
            Unknown => &[false, true],
            True => &[true],
        }
    }

    #[test]
    fn it_is_what_all_completions_agree_on() {
        let all = [False, Unknown, True];
        let agreed = |outcomes: Vec<bool>| match (outcomes.contains(&true), outcomes.contains(&false)) {
            (true, false) => True,
            (false, _) => False,
            (true, true) => Unknown,
        };
        for a in all {
            assert_eq!(a.not(), agreed(completions(a).iter().map(|a| !a).collect()));
            for b in all {
                let pairs =
                    || completions(a).iter().flat_map(|&a| completions(b).iter().map(move |&b| (a, b)));
                assert_eq!(a.and(b), agreed(pairs().map(|(a, b)| a && b).collect()));
                assert_eq!(a.or(b), agreed(pairs().map(|(a, b)| a || b).collect()));
            }
        }
    }
}
