//! The five members that every line begins with, read for the verifier alone.

use crate::hash::Hash;

/// A time as it stands in a line. Times compare as their bytes do.
pub(super) type Stamp = [u8; 27];

/// The beginning of a line, by its bytes. Nothing is said of `prev` and `sequence` yet but their place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prefix<'l> {
    pub(super) prev: &'l [u8; 64],
    pub(super) sequence: &'l [u8],
    pub(super) timestamp: &'l Stamp,
    pub(super) kind: &'l [u8],
    /// Where the line goes on behind the kind's last quotation mark.
    pub(super) rest: usize,
}

/// The beginning of a line, where it has the right form.
#[inline]
pub(super) fn read(line: &[u8]) -> Option<Prefix<'_>> {
    let rest = line.strip_prefix(b"{\"v\":1,\"prev\":\"")?;
    let (prev, rest) = rest.split_first_chunk::<64>()?;
    let rest = rest.strip_prefix(b"\",\"seq\":")?;
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    let (sequence, rest) = rest.split_at_checked(digits)?;
    let rest = rest.strip_prefix(b",\"timestamp\":\"")?;
    let (timestamp, rest) = rest.split_first_chunk::<27>()?;
    let rest = rest.strip_prefix(b"\",\"kind\":\"")?;
    let length =
        rest.iter().position(|byte| !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.'))?;
    let (kind, rest) = rest.split_at_checked(length)?;
    let rest = rest.strip_prefix(b"\"")?;
    (1..=64).contains(&length).then_some(Prefix {
        prev,
        sequence,
        timestamp,
        kind,
        rest: line.len() - rest.len(),
    })
}

/// A number without leading zeros.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 1 && digits.first() == Some(&b'0') {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        number.checked_mul(10)?.checked_add(u64::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?))
    })
}

/// Whether a time is one of the calendar. Where it begins like one that is, only the rest is looked
/// at.
#[inline]
pub(super) fn is_time(stamp: &Stamp, known: &Stamp) -> bool {
    // To the minute. Minutes change seldom.
    const MINUTE: usize = 17;
    let same = stamp.get(..MINUTE) == known.get(..MINUTE);
    (same || is_minute(stamp)) && is_second(stamp)
}

fn is_second(stamp: &Stamp) -> bool {
    let [.., s1, s2, dot, a, b, c, d, e, f, z] = stamp;
    (b'0'..=b'5').contains(s1)
        && [s2, a, b, c, d, e, f].iter().all(|digit| digit.is_ascii_digit())
        && (*dot, *z) == (b'.', b'Z')
}

fn is_minute(stamp: &Stamp) -> bool {
    let two = |at: usize| match stamp.get(at..at + 2) {
        Some([tens, ones]) if tens.is_ascii_digit() && ones.is_ascii_digit() => {
            Some(u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
        }
        _ => None,
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if marks.iter().any(|&(at, mark)| stamp.get(at) != Some(&mark)) {
        return false;
    }
    let (Some(century), Some(year), Some(month), Some(day)) = (two(0), two(2), two(5), two(8)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year != 0 || century % 4 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
        && two(11).is_some_and(|hour| hour < 24)
        && two(14).is_some_and(|minute| minute < 60)
}

/// What the next line must begin with: digits that count on, and a hash in digits.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) sequence: u64,
    pub(super) head: Hash,
    digits: [u8; 20],
    used: usize,
    hex: [u8; 64],
}

impl Expected {
    pub(super) fn new(sequence: u64, head: Hash) -> Self {
        let mut expected = Self { sequence, head, digits: [b'0'; 20], used: 1, hex: head.hex() };
        let mut rest = sequence;
        let mut at = expected.digits.iter_mut().rev();
        expected.used = 0;
        loop {
            if let Some(digit) = at.next() {
                *digit = b'0' + (rest % 10) as u8;
            }
            expected.used += 1;
            rest /= 10;
            if rest == 0 {
                return expected;
            }
        }
    }

    /// Whether a line is the next.
    #[inline]
    pub(super) fn is(&self, prefix: &Prefix<'_>) -> bool {
        *prefix.prev == self.hex && self.digits.get(20 - self.used..) == Some(prefix.sequence)
    }

    /// Moves on over a line with a hash.
    #[inline]
    pub(super) fn follow(&mut self, hash: Hash) {
        self.head = hash;
        self.hex = hex(&hash);
        self.sequence = self.sequence.wrapping_add(1);
        let mut carried = 0;
        for digit in self.digits.iter_mut().rev() {
            carried += 1;
            if *digit < b'9' {
                *digit += 1;
                break;
            }
            *digit = b'0';
        }
        self.used = self.used.max(carried);
    }
}

/// The digits of a hash, without a table, so that many are made at once.
#[inline]
fn hex(hash: &Hash) -> [u8; 64] {
    let digit = |half: u8| half + b'0' + (b'a' - b'0' - 10) * u8::from(half > 9);
    let mut out = [0; 64];
    for (pair, byte) in out.as_chunks_mut::<2>().0.iter_mut().zip(hash.0) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
    out
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn expected_numbers_count_on() {
        let mut expected = Expected::new(0, Hash([0; 32]));
        for sequence in 0..12_345_u64 {
            assert_eq!((expected.sequence, expected.used), (sequence, sequence.to_string().len()));
            let digits = sequence.to_string();
            assert_eq!(expected.digits.get(20 - expected.used..), Some(digits.as_bytes()));
            expected.follow(Hash::of(&sequence.to_le_bytes()));
            assert_eq!(expected.hex, expected.head.hex());
        }
        assert_eq!(Expected::new(u64::MAX, Hash([0; 32])).digits, *b"18446744073709551615");
    }

    #[test]
    fn both_readings_of_a_prefix_agree() {
        let good = format!(
            "{{\"v\":1,\"prev\":\"{}\",\"seq\":12,\"timestamp\":\"2026-01-26T10:00:00.000000Z\",\"kind\":\"note\"}}",
            "ab".repeat(32)
        );
        let here = read(good.as_bytes()).unwrap();
        let there = crate::line::read(good.as_bytes()).unwrap();
        assert_eq!(number(here.sequence), Some(there.sequence));
        assert_eq!(Hash::from_hex(here.prev), Some(there.prev));
        assert_eq!((here.kind, &good.as_bytes()[here.rest..]), (there.kind.as_bytes(), &b"}"[..]));
        for at in 0..good.len() - 1 {
            for bit in 0..8 {
                let mut line = good.clone().into_bytes();
                line[at] ^= 1 << bit;
                let here = read(&line).is_some_and(|prefix| {
                    number(prefix.sequence).is_some()
                        && Hash::from_hex(prefix.prev).is_some()
                        && is_time(prefix.timestamp, &[0; 27])
                });
                let there = crate::line::read(&line).is_some_and(|prefix| {
                    prefix
                        .kind
                        .bytes()
                        .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.'))
                });
                assert_eq!(here, there, "{}", String::from_utf8_lossy(&line));
            }
        }
    }

    #[test]
    fn numbers_have_one_spelling() {
        assert_eq!(number(b"0"), Some(0));
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        for other in [&b""[..], b"00", b"01", b"1a", b"18446744073709551616"] {
            assert_eq!(number(other), None);
        }
    }

    proptest! {
        #[test]
        fn times_are_those_of_the_calendar(year in 0_u32..10_000, month in 0_u32..14, day in 0_u32..33, hour in 0_u32..26, minute in 55_u32..62, second in 55_u32..62) {
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.123456Z");
            let expected = NaiveDate::from_ymd_opt(year as i32, month, day)
                .is_some_and(|date| date.and_hms_opt(hour, minute, second).is_some());
            let stamp: Stamp = text.as_bytes().try_into().unwrap();
            prop_assert_eq!(is_time(&stamp, &[0; 27]), expected);
            prop_assert_eq!(expected && is_time(&stamp, &stamp), expected);
        }
    }
}
