//! Times as people write them.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, NaiveDate, TimeDelta};
use guardrail_core::record::Timestamp;

/// A time of a day, a day, or how long ago it was.
pub(crate) fn parse(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(day.and_time(chrono::NaiveTime::MIN).and_utc());
    }
    ago(text).ok_or_else(|| {
        "write 2026-01-26, 2026-01-26T10:00:00Z, or how long ago it was, as in 30s, 15m, 2h, 7d".to_owned()
    })
}

fn ago(text: &str) -> Option<Timestamp> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok().filter(|number| *number >= 0)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let now = DateTime::from_timestamp(i64::try_from(since.as_secs()).ok()?, 0)?;
    now.checked_sub_signed(TimeDelta::try_seconds(number.checked_mul(seconds)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_are_read() {
        let time = |text| parse(text).map(|time| time.to_rfc3339());
        assert_eq!(time("2026-01-26").unwrap(), "2026-01-26T00:00:00+00:00");
        assert_eq!(time("2026-01-26T10:00:00+02:00").unwrap(), "2026-01-26T08:00:00+00:00");
        assert!(parse("2h").unwrap() < parse("1h").unwrap());
        for wrong in ["", "h", "-1h", "2 h", "yesterday", "99999999999999d", "é"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
