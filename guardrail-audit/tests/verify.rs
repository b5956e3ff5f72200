//! The verifier over whole logs: the golden one, parts, pruned ones, anchors, and what is declared.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

#[path = "golden/maker.rs"]
#[allow(dead_code, unreachable_pub)]
mod maker;

use std::collections::BTreeMap;
use std::path::Path;

use guardrail_audit::Hash;
use guardrail_audit::checkpoint::Checkpoint;
use guardrail_audit::note::{NoteSigner, Verifier};
use guardrail_audit::verify::{Damage, Directory, Level, Report, Verification, VerifyError};
use maker::Maker;

type Segments = BTreeMap<u32, Vec<u8>>;

fn key() -> Verifier {
    NoteSigner::parse(maker::GOLDEN_KEY).unwrap().verifier().clone()
}

fn verify(segments: &Segments) -> Report {
    Verification::new().trust([key()]).threads(1).log(segments).unwrap()
}

fn first(report: &Report) -> &Damage {
    &report.findings.first().expect("something is wrong").damage
}

#[test]
fn the_golden_log_is_what_the_program_makes() {
    let log = maker::golden();
    for (number, bytes) in &log.segments {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/log/{number:08}.jsonl"));
        assert!(std::fs::read(&path).unwrap() == *bytes, "{} is another one", path.display());
    }
}

#[test]
fn the_golden_log_is_verified_from_its_files() {
    let directory = Directory::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/log"));
    let log = maker::golden();
    for threads in [1, 2, 8] {
        for level in [Level::Chain, Level::Tree, Level::Full] {
            let verification = Verification::new().trust([key()]).threads(threads).level(level);
            let report = verification.log(&directory).unwrap();
            assert_eq!(report.findings, []);
            assert_eq!((report.lines, report.size, report.segments), (log.sequence, log.sequence, 3));
            assert_eq!(report.head, Some(log.head));
            assert_eq!(report.origin.as_deref(), Some("example.org/golden"));
            assert_eq!((report.torn.as_slice(), report.tail), ([(2, 19)].as_slice(), 0));
            assert_eq!(report.checkpoints, 3);
            if level > Level::Chain {
                assert_eq!(report.root, Some(log.frontier.root()));
                assert_eq!((report.confirmed, report.signed), (log.sequence - 3, log.sequence - 3));
            }
        }
    }
}

#[test]
fn a_key_that_did_not_sign_is_not_satisfied() {
    let log = maker::golden();
    let other = NoteSigner::generate("example.org/golden").unwrap().verifier().clone();
    let report = Verification::new().trust([other]).log(&log.segments).unwrap();
    assert_eq!(first(&report), &Damage::Unsigned);
    let report = Verification::new().log(&log.segments).unwrap();
    assert_eq!((report.is_intact(), report.signed, report.confirmed), (true, 0, log.sequence - 3));
    let unsigned = maker::made("example.org/golden", "0198e7a4-5f6b-4c3a-9d2e-8f7a6b5c4d3e", None);
    assert_eq!(first(&verify(&unsigned.segments)), &Damage::Unsigned);
}

#[test]
fn another_name_is_not_the_log() {
    let log = maker::golden();
    let report = Verification::new().origin("example.org/other").log(&log.segments).unwrap();
    assert!(matches!(first(&report), Damage::WrongClaim { .. }));
    assert!(matches!(Verification::new().log(&Segments::new()), Err(VerifyError::NoLog)));
}

#[test]
fn parts_are_verified_with_their_borders() {
    let log = maker::golden();
    let verification = Verification::new().trust([key()]);
    for number in 1..=3 {
        let report = verification.segment(&log.segments, number).unwrap();
        assert_eq!(report.findings, [], "{number}");
        assert_eq!(report.segments, 1);
    }
    let second = verification.segment(&log.segments, 2).unwrap();
    let report = verification.range(&log.segments, second.first..=second.first).unwrap();
    assert_eq!((report.first, report.size), (second.first, second.size));
    assert_eq!(verification.range(&log.segments, 0..=u64::MAX).unwrap().lines, log.sequence);
    assert!(matches!(verification.segment(&log.segments, 4), Err(VerifyError::NoSuchPart(_))));
    // The last line of segment 1 is held by the header of segment 2 alone.
    let mut changed = log.segments.clone();
    let bytes = changed.get_mut(&1).unwrap();
    let at = bytes.len() - 30;
    bytes[at] ^= 2;
    for report in [verification.segment(&changed, 1).unwrap(), verification.range(&changed, 0..=1).unwrap()] {
        assert_eq!(report.findings[0].offset, at as u64);
        assert!(matches!(first(&report), Damage::BitFlip { bit: 1 }), "{report:?}");
    }
}

#[test]
fn what_a_crash_leaves_is_a_tail_and_no_damage() {
    let mut log = maker::golden();
    let whole = log.segments[&3].len();
    log.segments.get_mut(&3).unwrap().extend_from_slice(b"{\"v\":1,\"prev\":\"ab");
    let report = verify(&log.segments);
    assert_eq!((report.is_intact(), report.tail), (true, 17));
    log.segments.get_mut(&3).unwrap().truncate(whole);
    log.segments.get_mut(&3).unwrap().extend_from_slice(&[0; 100_000]);
    let report = verify(&log.segments);
    assert_eq!((report.is_intact(), report.tail), (true, 100_000));
    log.segments.get_mut(&3).unwrap().extend_from_slice(b"x\n");
    assert!(!verify(&log.segments).is_intact());
}

#[test]
fn declared_tails_are_held_to_it() {
    let log = maker::golden();
    let mut longer = log.segments.clone();
    longer.get_mut(&2).unwrap().push(b'x');
    assert_eq!(first(&verify(&longer)), &Damage::UndeclaredTail { bytes: 1 });
    let mut shorter = log.segments.clone();
    shorter.get_mut(&2).unwrap().pop();
    assert_eq!(first(&verify(&shorter)), &Damage::TailChanged);
    let mut sealed = log.segments;
    sealed.get_mut(&1).unwrap().push(b'x');
    assert_eq!(first(&verify(&sealed)), &Damage::BehindSeal);
}

#[test]
fn a_header_cannot_disown_lines() {
    let mut log = Maker::new("o", "0198e7a4-5f6b-4c3a-9d2e-8f7a6b5c4d3e", None);
    log.note("kept");
    let (head, sequence) = (log.head, log.sequence);
    let torn = format!(
        "{{\"v\":1,\"prev\":\"{head}\",\"seq\":{sequence},\"timestamp\":\"2030-01-01T00:00:00.000000Z\",\"kind\":\"note\"}}\n"
    );
    log.next_segment(torn.as_bytes());
    let report = Verification::new().log(&log.segments).unwrap();
    assert_eq!(first(&report), &Damage::LinesDisowned);
}

#[test]
fn the_kinds_of_damage_are_told_apart() {
    let mut log = Maker::new("o", "0198e7a4-5f6b-4c3a-9d2e-8f7a6b5c4d3e", None);
    for number in 0..9 {
        log.note(&format!("number {number}"));
    }
    let text = String::from_utf8(log.segments[&1].clone()).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let damage = |lines: &[&str]| {
        let segments = Segments::from([(1, lines.concat().into_bytes())]);
        let report = Verification::new().threads(1).log(&segments).unwrap();
        let finding = report.findings.first().expect("something is wrong").clone();
        (finding.line, finding.damage)
    };
    let with = |from: usize, to: usize, new: &[&'static str]| [&lines[..from], new, &lines[to..]].concat();
    assert_eq!(damage(&with(4, 6, &[])), (5, Damage::Missing { from: 4, to: 5 }));
    let twice = [&lines[..5], &lines[4..]].concat();
    assert_eq!(damage(&twice), (6, Damage::Duplicated { of: 4 }));
    let swapped = [&lines[..4], &lines[5..6], &lines[4..5], &lines[6..]].concat();
    assert_eq!(damage(&swapped), (5, Damage::Reordered { expected: 4, found: 5 }));
    let changed = lines[3].replace("number 2", "number 7 (no)");
    let lined = [&lines[..3], &[changed.as_str()], &lines[4..]].concat();
    assert_eq!(damage(&lined), (4, Damage::Altered));
    assert_eq!(damage(&with(4, 5, &["\n"])).1, Damage::Malformed(guardrail_audit::verify::Malformed::Prefix));
    // The line of another log in its place.
    let mut other = Maker::new("p", "0198e7a4-5f6b-4c3a-9d2e-8f7a6b5c4d3f", None);
    for number in 0..9 {
        other.note(&format!("other {number}"));
    }
    let others = String::from_utf8(other.segments[&1].clone()).unwrap();
    let others: Vec<&str> = others.split_inclusive('\n').collect();
    let inserted = [&lines[..4], &others[2..3], &lines[4..]].concat();
    assert_eq!(damage(&inserted), (5, Damage::Spliced("this line belongs elsewhere")));
}

#[test]
fn a_splice_shows_by_the_next_checkpoint() {
    let make = |reason: &str| {
        let mut log = Maker::new("o", "0198e7a4-5f6b-4c3a-9d2e-8f7a6b5c4d3e", None);
        (0..6).for_each(|_| log.note(reason));
        log.checkpoint();
        log.note("end");
        String::from_utf8(log.segments.remove(&1).unwrap()).unwrap()
    };
    let (one, other) = (make("a"), make("b"));
    let joined: String =
        one.split_inclusive('\n').take(4).chain(other.split_inclusive('\n').skip(4)).collect();
    let report = Verification::new().threads(1).log(&Segments::from([(1, joined.into_bytes())])).unwrap();
    assert_eq!(first(&report), &Damage::Spliced("the line does not follow the one before"));
}

fn anchor(log: &Maker) -> Checkpoint {
    Checkpoint { origin: "example.org/golden".into(), size: log.sequence, root: log.frontier.root() }
}

#[test]
fn anchors_hold_the_end() {
    let log = maker::golden();
    let anchored = anchor(&log);
    for threads in [1, 3] {
        let verification = Verification::new().threads(threads).anchors([anchored.clone()]);
        let report = verification.log(&log.segments).unwrap();
        assert_eq!((report.is_intact(), report.anchored), (true, log.sequence));
        let mut cut = log.segments.clone();
        let last = cut.get_mut(&3).unwrap();
        let end = last[..last.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
        last.truncate(end + 1);
        let report = verification.log(&cut).unwrap();
        assert_eq!(first(&report), &Damage::RolledBack { anchored: log.sequence, found: log.sequence - 1 });
        cut.remove(&3);
        assert!(matches!(first(&verification.log(&cut).unwrap()), Damage::RolledBack { .. }));
        let wrong = Checkpoint { root: Hash([0; 32]), ..anchored.clone() };
        let report = Verification::new().threads(threads).anchors([wrong]).log(&log.segments).unwrap();
        assert!(matches!(first(&report), Damage::SplitView { .. }));
        let foreign = Checkpoint { origin: "x".into(), ..anchored.clone() };
        let report = Verification::new().threads(threads).anchors([foreign]).log(&log.segments).unwrap();
        assert!(matches!(first(&report), Damage::OtherOrigin { .. }));
    }
}

#[test]
fn pruned_logs_are_whole_from_where_they_say() {
    let mut log = maker::golden();
    log.pruned(3);
    log.checkpoint();
    let whole = verify(&log.segments);
    assert_eq!(whole.findings, []);
    // Removed one after the other: each state that a crash can leave.
    for gone in [1, 2] {
        log.segments.remove(&gone);
        for threads in [1, 4] {
            let verification = Verification::new().trust([key()]).threads(threads);
            let report = verification.anchors([anchor(&log)]).log(&log.segments).unwrap();
            assert_eq!(report.findings, [], "{gone}");
            assert_eq!((report.pruned, report.first), (Some(report.first), report.first));
            assert_eq!((report.root, report.head), (Some(log.frontier.root()), whole.head));
            assert_eq!((report.signed, report.anchored), (log.sequence - 1, log.sequence));
        }
    }
    // More is gone than was said.
    let mut more = maker::golden();
    more.pruned(2);
    more.segments.remove(&1);
    assert_eq!(verify(&more.segments).findings, []);
    more.segments.remove(&2);
    assert_eq!(first(&verify(&more.segments)), &Damage::MissingStart);
    let mut silent = maker::golden().segments;
    silent.remove(&1);
    assert_eq!(first(&verify(&silent)), &Damage::MissingStart);
    let mut gap = maker::golden().segments;
    gap.remove(&2);
    assert_eq!(first(&verify(&gap)), &Damage::MissingSegment(2));
}

#[test]
fn many_checkpoints_and_segments_in_any_number_of_threads() {
    let mut log = Maker::new("o", "0198e7a4-5f6b-4c3a-9d2e-8f7a6b5c4d3e", None);
    for _ in 0..4 {
        (0..4_200).for_each(|_| log.checkpoint());
        log.seal();
        log.next_segment(b"");
    }
    let expected = Verification::new().threads(1).log(&log.segments).unwrap();
    assert_eq!((expected.findings.as_slice(), expected.checkpoints), ([].as_slice(), 16_800));
    for threads in [2, 5] {
        assert_eq!(Verification::new().threads(threads).log(&log.segments).unwrap(), expected);
    }
    let bytes = log.segments.get_mut(&3).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 16;
    for threads in [1, 2] {
        let report = Verification::new().threads(threads).log(&log.segments).unwrap();
        assert_eq!((report.findings[0].segment, report.findings[0].offset), (3, at as u64));
    }
}
