//! What a suite found that checks an embedder's own part against the contract of a trait: the suites
//! themselves stand beside the traits' users, such as stores of the log and approvers.

use std::fmt;

/// What was found of one clause of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It held.
    Held,
    /// It did not hold, and how that was seen.
    Broken(String),
    /// Whoever set the part up cannot bring about what it takes to see.
    Untested,
}

/// What was found of all clauses, in order. Prints as one line for each.
#[derive(Clone, Debug)]
pub struct Report {
    findings: Vec<(&'static str, Outcome)>,
}

impl Report {
    /// A report of these clauses, in their order.
    #[must_use]
    pub fn new(findings: Vec<(&'static str, Outcome)>) -> Self {
        Self { findings }
    }

    /// Each clause, and what was found.
    #[must_use]
    pub fn findings(&self) -> &[(&'static str, Outcome)] {
        &self.findings
    }

    /// Whether no clause was broken. Those that were not tested count for nothing.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.findings.iter().any(|(_, outcome)| matches!(outcome, Outcome::Broken(_)))
    }

    /// Whether every clause was tested, and none broken.
    #[must_use]
    pub fn holds_in_full(&self) -> bool {
        self.findings.iter().all(|(_, outcome)| *outcome == Outcome::Held)
    }

    /// The clauses that were not tested.
    #[must_use]
    pub fn untested(&self) -> Vec<&'static str> {
        let untested =
            |(clause, outcome): &(&'static str, Outcome)| (*outcome == Outcome::Untested).then_some(*clause);
        self.findings.iter().filter_map(untested).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.findings.iter().try_for_each(|(clause, outcome)| match outcome {
            Outcome::Held => writeln!(f, "held      {clause}"),
            Outcome::Broken(how) => writeln!(f, "BROKEN    {clause}: {how}"),
            Outcome::Untested => writeln!(f, "SKIPPED   {clause}: it cannot be brought about here"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_tested_is_never_said_to_hold() {
        let report = Report::new(vec![("a", Outcome::Held), ("b", Outcome::Untested)]);
        assert!(report.holds() && !report.holds_in_full());
        assert_eq!(report.untested(), ["b"]);
        assert_eq!(report.to_string(), "held      a\nSKIPPED   b: it cannot be brought about here\n");
        let broken = Report::new(vec![("a", Outcome::Broken("it said no".to_owned()))]);
        assert!(!broken.holds() && broken.to_string().contains("BROKEN    a: it said no"));
    }
}
