//! Any bytes, as the segments of a log or as changes of the golden one, are verified: no panic, and no
//! change of the golden log is missed that an anchor at its end shows.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use guardrail_audit::checkpoint::Checkpoint;
use guardrail_audit::verify::{Report, Verification};
use libfuzzer_sys::fuzz_target;

static GOLDEN: LazyLock<(BTreeMap<u32, Vec<u8>>, Report)> = LazyLock::new(|| {
    let golden = BTreeMap::from([
        (1, include_bytes!("../../guardrail-audit/tests/golden/log/00000001.jsonl").to_vec()),
        (2, include_bytes!("../../guardrail-audit/tests/golden/log/00000002.jsonl").to_vec()),
        (3, include_bytes!("../../guardrail-audit/tests/golden/log/00000003.jsonl").to_vec()),
    ]);
    let report = Verification::new().threads(1).log(&golden).unwrap();
    assert!(report.is_intact());
    (golden, report)
});

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    if kind % 2 == 0 {
        let segments: BTreeMap<u32, Vec<u8>> =
            (u32::from(kind / 128) + 1..).zip(data.split(|byte| *byte == 0xff).map(<[u8]>::to_vec)).collect();
        let _ = Verification::new().threads(1).log(&segments);
        return;
    }
    // Changes: a segment, what is done, a place, and a number.
    let (golden, report) = &*GOLDEN;
    let mut changed = golden.clone();
    for change in data.chunks_exact(6) {
        let [segment, what, high, low, length, byte] = *change else { return };
        let bytes = changed.entry(u32::from(segment % 3) + 1).or_default();
        let at = usize::from(u16::from_be_bytes([high, low])) % (bytes.len() + 1);
        let end = (at + usize::from(length)).min(bytes.len());
        match what % 4 {
            0 => drop(bytes.splice(at..end, [])),
            1 => drop(bytes.splice(at..at, std::iter::repeat_n(byte, usize::from(length)))),
            2 => {
                let copied = bytes[at..end].to_vec();
                let to = usize::from(byte) * 8 % (bytes.len() + 1);
                drop(bytes.splice(to..to, copied));
            }
            _ => bytes[at..end].fill(byte),
        }
    }
    if changed == *golden {
        return;
    }
    let anchor =
        Checkpoint { origin: report.origin.clone().unwrap(), size: report.size, root: report.root.unwrap() };
    let found = Verification::new().threads(1).anchors([anchor]).log(&changed);
    if let Ok(found) = found
        && found.is_intact()
    {
        // Bytes behind the last line are no damage.
        assert!(found.tail > 0 && found.size == report.size, "{found:?}");
    }
});
