//! The time of the system.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::DateTime;
use guardrail_core::record::Timestamp;

/// Now, to the microsecond.
pub(crate) fn system() -> Timestamp {
    of(SystemTime::now())
}

/// A time of the system, to the microsecond, from 1970 on.
pub(crate) fn of(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    DateTime::from_timestamp_micros(i64::try_from(since.as_micros()).unwrap_or_default()).unwrap_or_default()
}
