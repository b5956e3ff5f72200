//! What a crash leaves, and what it does not.

use std::io::Write as _;

use uuid::Uuid;

use super::*;

fn append_bytes(path: &Path, bytes: &[u8]) {
    std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn tampered(place: &Place) -> (u32, u64) {
    match FileStore::options(ORIGIN).open(&place.0).err() {
        Some(StoreError::Tampered { segment, byte, why }) => {
            assert!(!why.is_empty());
            (segment, byte)
        }
        other => panic!("{other:?}"),
    }
}

/// A log that was not closed, with so many notes behind its first line.
fn crashed(notes: usize) -> Place {
    let place = Place::new();
    let store = place.open();
    for number in 0..notes {
        put(&store, &note(&format!("note {number}")));
    }
    store.crash();
    place
}

#[test]
fn intents_without_outcome_are_named() {
    let place = Place::new();
    let store = place.open();
    let intent = |plan: &str, id: u128, kind: Kind| {
        let mut record = of_plan(plan, kind, None);
        record.id = Some(Uuid::from_u128(id));
        record
    };
    put(&store, &intent("p", 1, Kind::Intent));
    put(&store, &intent("p", 2, Kind::Intent));
    put(&store, &intent("p", 1, Kind::Outcome));
    store.crash();
    let store = place.open();
    let recovery = store.recovery().clone();
    assert!(recovery.unclean && recovery.torn_bytes == 0);
    let ids: Vec<u128> = recovery.in_doubt.iter().map(|(id, _)| id.as_u128()).collect();
    assert_eq!(ids, [2]);
    store.close().unwrap();
    let values = checked(&place.0);
    let recovered = of_kind(&values, "recovered");
    assert_eq!(recovered.len(), 1);
    assert_eq!(recovered[0]["details"]["in_doubt"][0]["seq"], 2);
    // It was closed now, and the step is still in doubt.
    let store = place.open();
    assert_eq!(store.recovery().in_doubt.len(), 1);
    assert!(!store.recovery().unclean);
}

#[test]
fn torn_tails_stay_and_are_declared() {
    let place = crashed(3);
    let whole = std::fs::read(place.segment(1)).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
    let mut half = whole[last..].to_vec();
    half.truncate(half.len() / 2);
    let tails: [&[u8]; 6] =
        [b"{", &half, &[0; 700], b"\0\0\0\n", b"nonsense\nand more\n", &[b'x'; line::MAX_LINE * 2]];
    for (number, tail) in tails.into_iter().enumerate() {
        let number = number as u32 + 1;
        append_bytes(&place.segment(number), tail);
        let size = std::fs::metadata(place.segment(number)).unwrap().len();
        let store = place.open();
        assert_eq!(store.recovery().torn_bytes, tail.len() as u64);
        put(&store, &note("after"));
        assert_eq!(
            store.lines(0).unwrap().map(Result::unwrap).count() as u64,
            store.head().unwrap().chain.size
        );
        store.crash();
        assert_eq!(std::fs::metadata(place.segment(number)).unwrap().len(), size);
        let values = checked(&place.0);
        assert_eq!(of_kind(&values, "recovered").len() as u32, number);
    }
    place.remove_indexes();
    place.open().close().unwrap();
    assert_eq!(of_kind(&checked(&place.0), "note").len(), 9);
}

#[test]
fn a_line_without_its_end_was_not_acknowledged() {
    let place = crashed(3);
    let bytes = std::fs::read(place.segment(1)).unwrap();
    std::fs::write(place.segment(1), &bytes[..bytes.len() - 1]).unwrap();
    let store = place.open();
    assert!(store.recovery().torn_bytes > 0);
    drop(store);
    assert_eq!(of_kind(&checked(&place.0), "note").len(), 2);
}

#[test]
fn blocks_that_the_disk_lost_are_a_crash() {
    let place = crashed(100);
    let mut bytes = std::fs::read(place.segment(1)).unwrap();
    bytes[8_192..12_288].fill(0);
    std::fs::write(place.segment(1), &bytes).unwrap();
    let store = place.open();
    assert!(store.recovery().torn_bytes > 4_096);
    put(&store, &note("after"));
    drop(store);
    let values = checked(&place.0);
    assert!(of_kind(&values, "note").len() < 60);
}

#[test]
fn changes_are_refused_with_their_place() {
    let place = crashed(10);
    let bytes = std::fs::read(place.segment(1)).unwrap();
    let starts: Vec<usize> = std::iter::once(0)
        .chain(bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1))
        .collect();
    let text = "note 4";
    let at = bytes.windows(6).position(|part| part == text.as_bytes()).unwrap();
    let fifth = starts.iter().copied().rfind(|&start| start <= at).unwrap();
    let after = starts.iter().copied().find(|&start| start > at).unwrap();

    // Another text: the line after no longer quotes its hash.
    let mut changed = bytes.clone();
    changed[at + 5] = b'5';
    std::fs::write(place.segment(1), &changed).unwrap();
    assert_eq!(tampered(&place), (1, after as u64));

    // A line less, and two swapped.
    let mut shorter = bytes.clone();
    shorter.drain(fifth..after);
    std::fs::write(place.segment(1), &shorter).unwrap();
    assert_eq!(tampered(&place), (1, fifth as u64));
    let mut swapped = bytes[..fifth].to_vec();
    let then = starts.iter().copied().find(|&start| start > after).unwrap();
    swapped.extend_from_slice(&bytes[after..then]);
    swapped.extend_from_slice(&bytes[fifth..after]);
    swapped.extend_from_slice(&bytes[then..]);
    std::fs::write(place.segment(1), &swapped).unwrap();
    assert_eq!(tampered(&place), (1, fifth as u64));

    // A line that is broken, with others behind it.
    let mut broken = bytes.clone();
    broken[fifth] = b' ';
    std::fs::write(place.segment(1), &broken).unwrap();
    assert_eq!(tampered(&place), (1, fifth as u64));

    std::fs::write(place.segment(1), &bytes).unwrap();
    place.open().close().unwrap();
}

#[test]
fn a_changed_segment_before_the_last_is_refused() {
    let place = Place::new();
    let store = place.small();
    for number in 0..200 {
        put(&store, &note(&format!("note {number}")));
    }
    store.close().unwrap();
    place.remove_indexes();
    let whole = std::fs::read(place.segment(2)).unwrap();
    std::fs::write(place.segment(2), &whole[..whole.len() - 5]).unwrap();
    assert_eq!(tampered(&place).0, 2);
    append_bytes(&place.segment(2), b"12345more");
    assert_eq!(tampered(&place).0, 2);
    std::fs::write(place.segment(2), &whole).unwrap();
    std::fs::rename(place.segment(3), place.0.join("away")).unwrap();
    assert_eq!(tampered(&place), (3, 0));
}

#[test]
fn whatever_follows_a_seal_is_refused() {
    let place = Place::new();
    let store = place.small();
    for number in 0..60 {
        put(&store, &note(&format!("note {number}")));
    }
    store.close().unwrap();
    place.remove_indexes();
    for number in 2.. {
        if std::fs::remove_file(place.segment(number)).is_err() {
            assert!(number > 2);
            break;
        }
    }
    let sealed = std::fs::read(place.segment(1)).unwrap();
    let seal = sealed[..sealed.len() - 1].rsplit(|&byte| byte == b'\n').next().unwrap();
    let prefix = line::read(seal).unwrap();
    assert_eq!(prefix.kind, "seal");
    // The very line that would be the next.
    let mut next = Vec::new();
    let (sequence, time) = (prefix.sequence + 1, prefix.timestamp);
    line::write(&mut next, &Hash::of_line(seal), sequence, time, br#"{"kind":"note","reason":"more"}"#);
    let zeros = vec![0; 512 - sealed.len() % 512];
    for more in [next.as_slice(), &next[..next.len() / 2], b"more", &zeros] {
        append_bytes(&place.segment(1), more);
        assert_eq!(tampered(&place), (1, sealed.len() as u64));
        std::fs::write(place.segment(1), &sealed).unwrap();
    }
    place.open().close().unwrap();
    assert_eq!(std::fs::read(place.segment(1)).unwrap(), sealed);
}

#[test]
fn what_is_derived_is_not_believed() {
    let place = Place::new();
    let store = place.small();
    for number in 0..30 {
        put(&store, &of_plan(&format!("p{}", number % 3), Kind::Note, None));
    }
    store.close().unwrap();
    let chain = |place: &Place| place.small().head().unwrap().chain;
    let right = chain(&place);
    let indexes = || -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&place.0).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "index")).collect()
    };
    assert_eq!(indexes().len(), 3);
    for path in indexes() {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("\"p1\""));
        std::fs::write(&path, text.replace("\"p1\"", "\"p9\"")).unwrap();
    }
    assert_eq!(chain(&place), right);
    for (number, path) in indexes().into_iter().enumerate() {
        std::fs::write(path, [&b""[..], b"{}", &[0xff; 100]][number % 3]).unwrap();
    }
    assert_eq!(chain(&place), right);
    // What the processes share, of any content.
    for content in [&b""[..], &[0; 400], &[0xff; 400], b"GA1\0\x09\0\0\0"] {
        std::fs::write(place.0.join("lock"), content).unwrap();
        assert_eq!(chain(&place), right);
    }
}

#[test]
fn a_segment_that_was_begun_and_not_named_is_begun_anew() {
    let place = Place::new();
    let store = place.small();
    for number in 0..100 {
        put(&store, &note(&format!("note {number}")));
    }
    let newest = store.head().unwrap().chain.size;
    store.crash();
    let mut last = 1;
    while place.segment(last + 1).exists() {
        last += 1;
    }
    // The crash came when the segment before was sealed and this one had no name.
    std::fs::rename(place.segment(last), place.0.join(segment::new_name(last))).unwrap();
    let store = place.small();
    put(&store, &note("after"));
    assert!(store.head().unwrap().chain.size < newest + 3);
    store.close().unwrap();
    let values = checked(&place.0);
    assert_eq!(values.last().unwrap()["kind"], "checkpoint");
    assert!(!place.0.join(segment::new_name(last)).exists());
}

#[test]
fn a_segment_whose_first_line_the_disk_lost_counts_for_nothing() {
    let place = crashed(3);
    std::fs::write(place.segment(2), [0; 300]).unwrap();
    set_private(&place.segment(2));
    let store = place.open();
    put(&store, &note("after"));
    drop(store);
    let next = std::fs::read_to_string(place.segment(3)).unwrap();
    assert!(next.contains(r#""good_bytes":0,"#));
    place.remove_indexes();
    place.open().close().unwrap();
}

fn set_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn files_that_can_only_be_appended_to_are_enough() {
    let place = Place::new();
    place.small().close().unwrap();
    let set = |flag: &str, file: &Path| {
        std::process::Command::new("chattr").arg(flag).arg(file).status().is_ok_and(|status| status.success())
    };
    if !set("+a", &place.segment(1)) {
        println!("SKIPPED: chattr +a is not possible here");
        return;
    }
    let store = place.small();
    for number in 0..100 {
        put(&store, &note(&format!("note {number}")));
    }
    store.crash();
    let store = place.small();
    put(&store, &note("after"));
    store.close().unwrap();
    assert!(set("-a", &place.segment(1)));
    assert_eq!(of_kind(&checked(&place.0), "note").len(), 101);
}
