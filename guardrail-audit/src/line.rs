//! A line of the log: its fixed prefix, written and read.
//!
//! ```text
//! {"v":1,"prev":"<64 hex>","seq":<decimal>,"timestamp":"2026-01-26T10:00:00.000000Z","kind":"intent",...}
//! ```
//!
//! `docs/audit-format.md` is the definition.

use chrono::{DateTime, NaiveDate, Timelike as _, Utc};
use guardrail_core::record::Timestamp;

use crate::hash::Hash;

/// The version of the format that this crate writes and reads.
pub const VERSION: u8 = 1;

/// The most bytes a line may have, without its newline. A longer one does not fit the entry
/// bundles of C2SP tlog-tiles.
pub const MAX_LINE: usize = 65_535;

const BEFORE_PREV: &[u8] = b"{\"v\":1,\"prev\":\"";
const BEFORE_SEQUENCE: &[u8] = b"\",\"seq\":";
const BEFORE_TIMESTAMP: &[u8] = b",\"timestamp\":\"";
const BEFORE_KIND: &[u8] = b"\",\"kind\":\"";
const TIMESTAMP: usize = 27;

/// What every line begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix<'l> {
    /// The hash of the line before.
    pub prev: Hash,
    /// The line's number in the log, from 0.
    pub sequence: u64,
    /// When it was appended.
    pub timestamp: Timestamp,
    /// What kind of event it is.
    pub kind: &'l str,
}

/// Appends one line, with its newline, to `out`.
///
/// `body` is a JSON object whose first key is `kind`, as [`Record`](guardrail_core::record::Record)
/// is serialised.
pub fn write(out: &mut Vec<u8>, prev: &Hash, sequence: u64, timestamp: Timestamp, body: &[u8]) {
    out.reserve(overhead(sequence) + body.len() + 1);
    out.extend_from_slice(BEFORE_PREV);
    out.extend_from_slice(&prev.hex());
    out.extend_from_slice(BEFORE_SEQUENCE);
    push_decimal(out, sequence);
    out.extend_from_slice(BEFORE_TIMESTAMP);
    push_timestamp(out, timestamp);
    out.extend_from_slice(b"\",");
    out.extend_from_slice(body.get(1..).unwrap_or_default());
    out.push(b'\n');
}

/// The bytes of a line beside its body: what [`write()`] adds to it, without the newline.
#[must_use]
pub const fn overhead(sequence: u64) -> usize {
    let digits = match sequence.checked_ilog10() {
        Some(log) => log as usize + 1,
        None => 1,
    };
    BEFORE_PREV.len() + 64 + BEFORE_SEQUENCE.len() + digits + BEFORE_TIMESTAMP.len() + TIMESTAMP + 1
}

/// Where the kind of a line begins.
pub(crate) const fn before_kind(sequence: u64) -> usize {
    overhead(sequence) - 1 + BEFORE_KIND.len()
}

/// The prefix of a line without its newline; `None` where it is not exactly as [`write()`] makes it.
/// The rest of the line is not looked at.
#[must_use]
pub fn read(line: &[u8]) -> Option<Prefix<'_>> {
    let rest = line.strip_prefix(BEFORE_PREV)?;
    let (prev, rest) = rest.split_at_checked(64)?;
    let rest = rest.strip_prefix(BEFORE_SEQUENCE)?;
    let (sequence, rest) = rest.split_at(rest.iter().position(|&byte| byte == b',')?);
    let rest = rest.strip_prefix(BEFORE_TIMESTAMP)?;
    let (timestamp, rest) = rest.split_at_checked(TIMESTAMP)?;
    let rest = rest.strip_prefix(BEFORE_KIND)?;
    let kind = rest.get(..rest.iter().position(|&byte| byte == b'"')?)?;
    Some(Prefix {
        prev: Hash::from_hex(prev)?,
        sequence: read_decimal(sequence)?,
        timestamp: read_timestamp(timestamp)?,
        kind: std::str::from_utf8(kind).ok()?,
    })
}

/// Decimal digits, without leading zeros.
fn push_decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [b'0'; 20];
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        used += 1;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
}

/// `2026-01-26T10:00:00.000000Z`. Years beyond four digits do not occur: [`clamp`] sees to it.
fn push_timestamp(out: &mut Vec<u8>, timestamp: Timestamp) {
    use chrono::Datelike as _;
    let (date, time) = (timestamp.date_naive(), timestamp.time());
    let year = date.year().unsigned_abs() % 10_000;
    let micros = time.nanosecond() % 1_000_000_000 / 1_000;
    let pair = |number: u32| [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8];
    let [y1, y2] = pair(year / 100);
    let [y3, y4] = pair(year);
    let [m1, m2] = pair(date.month());
    let [d1, d2] = pair(date.day());
    let [h1, h2] = pair(time.hour());
    let [i1, i2] = pair(time.minute());
    let [s1, s2] = pair(time.second());
    let [f1, f2] = pair(micros / 10_000);
    let [f3, f4] = pair(micros / 100);
    let [f5, f6] = pair(micros);
    let text: [u8; TIMESTAMP] = [
        y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', i1, i2, b':', s1, s2, b'.', f1, f2,
        f3, f4, f5, f6, b'Z',
    ];
    out.extend_from_slice(&text);
}

/// A time as a line can have it: to the microsecond, from 1970 to 9999, no leap second.
#[must_use]
pub fn clamp(timestamp: Timestamp) -> Timestamp {
    const LAST: i64 = 253_402_300_799_999_999;
    DateTime::from_timestamp_micros(timestamp.timestamp_micros().clamp(0, LAST)).unwrap_or_default()
}

fn read_decimal(digits: &[u8]) -> Option<u64> {
    if digits.len() > 1 && digits.first() == Some(&b'0') || digits.first() == Some(&b'+') {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn read_timestamp(text: &[u8]) -> Option<Timestamp> {
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        digits.iter().try_fold(0_u32, |number, &digit| {
            digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
        })
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (26, b'Z')];
    if text.len() != TIMESTAMP || marks.iter().any(|&(at, mark)| text.get(at) != Some(&mark)) {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(i32::try_from(number(0, 4)?).ok()?, number(5, 7)?, number(8, 10)?)?;
    let time = date.and_hms_micro_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?, number(20, 26)?)?;
    Some(DateTime::<Utc>::from_naive_utc_and_offset(time, Utc))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(sequence: u64, timestamp: Timestamp, body: &str) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, &Hash([0xab; 32]), sequence, timestamp, body.as_bytes());
        assert_eq!(out.pop(), Some(b'\n'));
        out
    }

    #[test]
    fn a_line_is_json_with_its_names_in_order() {
        let text = line(12, Timestamp::UNIX_EPOCH, r#"{"kind":"note","reason":"x"}"#);
        let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(value["seq"], 12);
        assert_eq!(value["timestamp"], "1970-01-01T00:00:00.000000Z");
        assert_eq!(value["reason"], "x");
        assert_eq!(text.len(), overhead(12) + r#"{"kind":"note","reason":"x"}"#.len());
        let prefix = read(&text).unwrap();
        assert_eq!((prefix.sequence, prefix.kind, prefix.prev), (12, "note", Hash([0xab; 32])));
    }

    #[test]
    fn other_spellings_are_not_read() {
        let good = String::from_utf8(line(12, Timestamp::UNIX_EPOCH, r#"{"kind":"note"}"#)).unwrap();
        assert!(read(good.as_bytes()).is_some());
        for (from, to) in [
            ("\"seq\":12", "\"seq\":012"),
            ("\"seq\":12", "\"seq\": 12"),
            ("\"seq\":12", "\"seq\":+12"),
            ("\"seq\":12", "\"seq\":"),
            ("abab", "ABAB"),
            ("\"v\":1", "\"v\":2"),
            ("1970-01-01", "1970-02-30"),
            (".000000Z", ".0000000"),
            ("T00:00:00", "T00:00:60"),
        ] {
            assert!(good.contains(from));
            assert_eq!(read(good.replacen(from, to, 1).as_bytes()), None, "{from} -> {to}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(sequence: u64, micros in 0_i64..253_402_300_799_999_999) {
            let timestamp = DateTime::from_timestamp_micros(micros).unwrap();
            let text = line(sequence, timestamp, r#"{"kind":"note"}"#);
            let prefix = read(&text).unwrap();
            prop_assert_eq!((prefix.sequence, prefix.timestamp), (sequence, timestamp));
            let shown = timestamp.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
            prop_assert!(std::str::from_utf8(&text).unwrap().contains(&shown));
        }

        #[test]
        fn any_bytes_are_read_or_not(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }
}
