//! All secrets in what has arrived, and up to where nothing more can come of it.

use super::detect::{DETECTORS, Match, Tail};
use super::kind::Kind;
use super::registered::Registered;
use super::view::View;

/// What a scan found.
pub(super) struct Scan {
    /// Matches in order of their start.
    pub(super) matches: Vec<Match>,
    /// Every byte before this is decided: no match that is not in `matches` covers it, now or
    /// when more arrives.
    pub(super) settled: usize,
    // The last match for each kind of memoryless tail.
    latest: Vec<Match>,
}

/// Scans the bytes of `view` from `base` on. `carried` are matches from before that may reach
/// into it.
pub(super) fn scan(
    registered: Option<&Registered>,
    view: View<'_>,
    base: usize,
    carried: Vec<Match>,
) -> Scan {
    let mut scan = Scan { matches: Vec::new(), settled: view.bytes().len(), latest: Vec::new() };
    for found in carried {
        scan.add(view, found);
    }
    if let Some(detectors) = DETECTORS.as_ref() {
        detectors.for_each(view, base, |trigger, says| match says {
            Ok(Some(found)) => scan.add(view, found),
            Ok(None) => {}
            Err(_) => scan.settled = scan.settled.min(trigger),
        });
        if !view.is_complete()
            && let Some(partial) =
                detectors.prefixes().earliest(view.bytes(), base, |b| b.to_ascii_lowercase())
        {
            scan.settled = scan.settled.min(partial);
        }
    }
    if let Some(registered) = registered {
        for (start, end) in registered.find_all(view.bytes(), base) {
            scan.add(view, Match::new(start, start..end, Kind::Registered, Tail::Closed));
        }
        if !view.is_complete()
            && let Some(partial) = registered.prefixes().earliest(view.bytes(), base, |b| b)
        {
            scan.settled = scan.settled.min(partial);
        }
    }
    // A tail that waits for more has not decided what it has not covered.
    for found in scan.matches.iter().filter(|found| found.open) {
        scan.settled = scan.settled.min(found.end);
    }
    scan.matches.sort_by_key(|found| (found.start, found.kind));
    scan
}

impl Scan {
    fn add(&mut self, view: View<'_>, mut found: Match) {
        if found.open && found.is_memoryless() {
            let tail = found.tail;
            match self.latest.iter_mut().find(|by| by.tail == tail) {
                // A match inside another that ends alike adds nothing. Without this, a run made
                // of token prefixes would cost its square.
                Some(by) if by.start <= found.start && found.end <= by.end => return,
                by => {
                    found.advance(view);
                    match by {
                        Some(by) => *by = found.clone(),
                        None => self.latest.push(found.clone()),
                    }
                }
            }
        } else {
            found.advance(view);
        }
        self.matches.push(found);
    }
}
