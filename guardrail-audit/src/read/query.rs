//! The lines of a log that match a filter.

use super::{Entry, Filter, LineSource, remaining};
use crate::store::{Lines, StoreError};

/// The entries of a log that match a [`Filter`], in order.
///
/// Reading begins near the filter's time and ends behind it. Nothing is verified beyond the form of
/// the lines: [`Tail`](super::tail::Tail) checks the chain as it reads.
pub struct Query<'s> {
    lines: Lines<'s>,
    filter: Filter,
    scanned: u64,
}

impl<'s> Query<'s> {
    /// Looks for what matches.
    ///
    /// # Errors
    ///
    /// Where the log cannot be read.
    pub fn new<S: LineSource + ?Sized>(source: &'s S, filter: Filter) -> Result<Self, StoreError> {
        let from = match filter.begins() {
            Some(time) => source.skip_to(time)?.max(filter.begins_at()),
            None => filter.begins_at(),
        };
        Ok(Self { lines: remaining(source, from)?, filter, scanned: 0 })
    }

    /// How many lines were looked at so far.
    #[must_use]
    pub const fn scanned(&self) -> u64 {
        self.scanned
    }

    /// The next line that matches, without reading it further.
    pub fn next_line(&mut self) -> Option<Result<Vec<u8>, StoreError>> {
        loop {
            let line = match self.lines.next()? {
                Ok(line) => line,
                Err(error) => return Some(Err(error)),
            };
            self.scanned += 1;
            match super::prefix(&line) {
                Ok(prefix) if self.filter.is_over(&prefix) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
            match self.filter.matches(&line) {
                Ok(true) => return Some(Ok(line)),
                Ok(false) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Iterator for Query<'_> {
    type Item = Result<Entry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.next_line()?.and_then(Entry::read))
    }
}
