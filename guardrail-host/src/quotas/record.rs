//! One count as the file has it: 256 bytes with a checksum.

use guardrail_core::quota::ChargeKey;

use super::breaker::Breaker;
use super::window::{PLACES, Window};

/// Bytes of a record.
pub(super) const BYTES: usize = 256;
/// Where the checksum begins.
const SUM: usize = BYTES - 8;
const WINDOW: u8 = 1;
const BREAKER: u8 = 2;

/// What is counted under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Count {
    Window(Window),
    Breaker(Breaker),
}

/// A count with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CountRecord {
    pub(super) key: ChargeKey,
    /// When it says nothing any more, in milliseconds.
    pub(super) over_at: i64,
    pub(super) count: Count,
}

/// It is neither empty nor a record.
#[derive(Debug)]
pub(super) struct Garbled;

/// A checksum against accidents (FNV-1a). Who wants to forge one can as well delete the file.
pub(super) fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl CountRecord {
    pub(super) fn to_bytes(&self) -> [u8; BYTES] {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend(self.key.0);
        bytes.extend([match self.count {
            Count::Window(_) => WINDOW,
            Count::Breaker(_) => BREAKER,
        }]);
        bytes.extend(self.over_at.to_le_bytes());
        match &self.count {
            Count::Window(window) => {
                bytes.extend(window.newest.to_le_bytes());
                bytes.extend(window.counts.iter().flat_map(|count| count.to_le_bytes()));
            }
            Count::Breaker(Breaker { row, good, opened }) => {
                bytes.extend(row.to_le_bytes());
                bytes.extend(good.to_le_bytes());
                bytes.extend(opened.to_le_bytes());
            }
        }
        bytes.resize(SUM, 0);
        bytes.extend(sum(&bytes).to_le_bytes());
        let mut all = [0; BYTES];
        all.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        all
    }

    /// What some bytes say; `None` where there is nothing.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Option<Self>, Garbled> {
        if bytes.len() == BYTES && bytes.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let (body, own) = bytes.split_at_checked(SUM).ok_or(Garbled)?;
        if own != sum(body).to_le_bytes() {
            return Err(Garbled);
        }
        let mut rest = body;
        let mut key = [0; 16];
        key.copy_from_slice(take(&mut rest, 16)?);
        let kind = take(&mut rest, 1)?.first().copied();
        let over_at = i64::from_le_bytes(number(&mut rest)?);
        let count = match kind {
            Some(WINDOW) => {
                let newest = i64::from_le_bytes(number(&mut rest)?);
                let mut counts = [0; PLACES];
                for count in &mut counts {
                    *count = u32::from_le_bytes(number(&mut rest)?);
                }
                Count::Window(Window { newest, counts })
            }
            Some(BREAKER) => Count::Breaker(Breaker {
                row: u32::from_le_bytes(number(&mut rest)?),
                good: u32::from_le_bytes(number(&mut rest)?),
                opened: i64::from_le_bytes(number(&mut rest)?),
            }),
            _ => return Err(Garbled),
        };
        Ok(Some(Self { key: ChargeKey(key), over_at, count }))
    }
}

fn take<'b>(bytes: &mut &'b [u8], count: usize) -> Result<&'b [u8], Garbled> {
    let (taken, rest) = bytes.split_at_checked(count).ok_or(Garbled)?;
    *bytes = rest;
    Ok(taken)
}

fn number<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Garbled> {
    take(bytes, N)?.try_into().map_err(|_| Garbled)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn count() -> impl Strategy<Value = Count> {
        prop_oneof![
            (any::<i64>(), any::<[u32; PLACES]>())
                .prop_map(|(newest, counts)| Count::Window(Window { newest, counts })),
            (any::<u32>(), any::<u32>(), any::<i64>())
                .prop_map(|(row, good, opened)| Count::Breaker(Breaker { row, good, opened })),
        ]
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(key in any::<[u8; 16]>(), over_at in any::<i64>(), count in count()) {
            let record = CountRecord { key: ChargeKey(key), over_at, count };
            let bytes = record.to_bytes();
            prop_assert_eq!(CountRecord::from_bytes(&bytes).unwrap(), Some(record));
        }

        #[test]
        fn no_flipped_bit_is_read(at in 0..BYTES * 8, key in any::<[u8; 16]>(), count in count()) {
            let mut bytes = CountRecord { key: ChargeKey(key), over_at: 1, count }.to_bytes();
            bytes[at / 8] ^= 1 << (at % 8);
            prop_assert!(CountRecord::from_bytes(&bytes).is_err());
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = CountRecord::from_bytes(&bytes);
        }
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(CountRecord::from_bytes(&[0; BYTES]).unwrap(), None);
        assert!(CountRecord::from_bytes(&[]).is_err());
    }
}
