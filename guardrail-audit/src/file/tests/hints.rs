//! What the processes tell each other, wrong on purpose.

use std::io::Write as _;
use std::os::unix::fs::FileExt as _;

use super::*;

/// Copies of the files that a directory has.
fn copied(place: &Place) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(&place.0).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Makes the directory what it was, the files' modes included.
fn restore(place: &Place, files: &BTreeMap<PathBuf, Vec<u8>>) {
    use std::os::unix::fs::OpenOptionsExt as _;
    for path in copied(place).keys().filter(|path| !files.contains_key(*path)) {
        std::fs::remove_file(path).unwrap();
    }
    for (path, contents) in files {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(path).unwrap().write_all(contents).unwrap();
    }
}

fn tell(place: &Place, segment: u32, snapshot: u64) {
    let lock = std::fs::OpenOptions::new().write(true).open(place.0.join("lock")).unwrap();
    lock.write_all_at(&segment.to_le_bytes(), 4).unwrap();
    lock.write_all_at(&snapshot.to_le_bytes(), 8).unwrap();
}

fn snapshots(files: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<u64> {
    let size = |path: &PathBuf| path.file_name()?.to_str()?.strip_suffix(".index")?.parse().ok();
    files.keys().filter_map(size).collect()
}

fn last_segment(files: &BTreeMap<PathBuf, Vec<u8>>) -> u32 {
    let number = |path: &PathBuf| segment::number(path.file_name()?.to_str()?);
    files.keys().filter_map(number).max().unwrap()
}

fn put_some(store: &FileStore, count: usize) {
    for number in 0..count {
        put(store, &of_plan(&format!("p{}", number % 3), Kind::Note, None));
    }
}

#[test]
fn a_log_is_opened_alike_whatever_was_told() {
    let place = Place::new();
    let store = place.small();
    put_some(&store, 200);
    let right = store.head().unwrap().chain;
    store.crash();
    let left = copied(&place);
    let last = last_segment(&left);
    assert!(last > 4);
    let kept = snapshots(&left);
    let sizes = kept.iter().copied().chain([0, 1, kept[0] + 1, right.size, u64::MAX]);
    for size in sizes {
        for segment in (0..last + 3).chain([u32::MAX]) {
            tell(&place, segment, size);
            let store = place.small();
            let head = store.head().unwrap().chain;
            // One line says that it was not closed.
            assert_eq!((head.size, &head.plans), (right.size + 1, &right.plans), "{segment} {size}");
            store.close().unwrap();
            let values = checked(&place.0);
            assert_eq!(of_kind(&values, "note").len(), 200, "{segment} {size}");
            assert_eq!(of_kind(&values, "recovered").len(), 1, "{segment} {size}");
            restore(&place, &left);
        }
    }
}

#[test]
fn a_segment_that_is_missing_is_missed_whatever_was_told() {
    let place = Place::new();
    let store = place.small();
    put_some(&store, 60);
    let early = copied(&place);
    let cut = last_segment(&early);
    put_some(&store, 200);
    store.close().unwrap();
    let last = last_segment(&copied(&place));
    assert!(last > cut + 3);
    std::fs::remove_file(place.segment(cut + 1)).unwrap();
    for (path, contents) in &early {
        // Whoever can write here may have kept the snapshots of before.
        if path.extension().is_some_and(|ending| ending == "index") {
            let mut files = copied(&place);
            files.insert(path.clone(), contents.clone());
            restore(&place, &files);
        }
    }
    for path in copied(&place).keys() {
        if path.extension().is_some_and(|ending| ending == "index") && !early.contains_key(path) {
            std::fs::remove_file(path).unwrap();
        }
    }
    let left = copied(&place);
    // What is true leads to the directory, and there the gap is seen at once.
    let refused = place.small_options().open(&place.0).err();
    assert!(
        matches!(refused, Some(StoreError::Tampered { segment, .. }) if segment == cut + 1),
        "{refused:?}"
    );
    // What is forged hides it until the next checkpoint, behind which nothing is acknowledged.
    restore(&place, &left);
    tell(&place, cut, *snapshots(&early).last().unwrap());
    let store = place.small();
    let answers: Vec<Outcome> = (0..20)
        .map(|_| store.append(&[body(&note("more"))], &Condition::Always, Durability::Group))
        .collect();
    assert!(matches!(answers.last(), Some(Err(StoreError::Poisoned(why))) if why.contains("stands behind")));
    assert!(store.close().is_err());
    let refused = place.small_options().open(&place.0).err();
    assert!(matches!(refused, Some(StoreError::Tampered { .. })), "{refused:?}");
}
