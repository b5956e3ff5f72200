//! Archives: a log with the files beside it, whole or not at all.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod made;

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use guardrail_audit::Hash;
use guardrail_audit::read::archive::{ArchiveError, Part, create, restore, verify};
use guardrail_audit::verify::{Directory, Verification};
use guardrail_audit::{FieldRules, FileStore, Log, PlanFiles, Redacting};
use guardrail_core::record::{Kind, Record};
use guardrail_core::redact::Redactor;
use made::{Files, at, list};

fn log() -> Files {
    let mut files = Files::new();
    for n in 0..90 {
        files.append(&Record::new(Kind::Note), at(n));
        if n % 40 == 39 {
            files.rotate(at(n));
        }
    }
    let plans = PlanFiles::open(&files.path().join("plans"), Redactor::new()).unwrap();
    plans.put(b"a plan").unwrap();
    files
}

fn part(files: &Files, name: &str, text: &str) -> Part {
    let from = files.directory.path().join(name.replace('/', "-"));
    std::fs::write(&from, text).unwrap();
    Part { name: name.to_owned(), from }
}

/// An archive, the place of one that is restored, and what made it.
fn archive() -> (Files, PathBuf, PathBuf, Hash) {
    let files = log();
    let parts = [
        part(&files, "policy/user/shop.toml", "mode = 'safe'\n"),
        part(&files, "templates/scale.json", "{}"),
    ];
    let kept = files.directory.path().join("kept");
    let back = files.directory.path().join("back");
    let digest = create(&files.path(), &parts, &kept).unwrap().digest;
    (files, kept, back, digest)
}

fn everything(directory: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let mode = path.symlink_metadata().unwrap().permissions().mode() & 0o777;
        if path.is_dir() {
            found.extend(everything(&path));
        }
        found.push((path, mode));
    }
    found
}

#[test]
fn an_archive_comes_back_as_it_was_and_for_its_owner_alone() {
    let (files, kept, back, digest) = archive();
    let verified = verify(&kept, Some(digest)).unwrap();
    assert_eq!(
        (verified.manifest.log.size, verified.manifest.log.head),
        (files.maker.size, Some(files.maker.head))
    );
    assert_eq!(restore(&kept, &back, Some(digest)).unwrap(), verified);
    assert_eq!(std::fs::read_to_string(back.join("policy/user/shop.toml")).unwrap(), "mode = 'safe'\n");
    let plans = PlanFiles::open(&back.join("log/plans"), Redactor::new()).unwrap();
    assert_eq!(plans.list().unwrap().len(), 1);
    assert!(Verification::new().log(&Directory::new(back.join("log"))).unwrap().is_intact());
    for directory in [&kept, &back] {
        for (path, mode) in everything(directory) {
            assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
        }
    }
    // Nothing is overwritten, and nothing is left of what was refused.
    for error in
        [restore(&kept, &back, None), restore(&kept, &files.path(), None), create(&files.path(), &[], &kept)]
    {
        assert!(matches!(error, Err(ArchiveError::Exists(_))), "{error:?}");
    }
    let other = Hash::of(b"another");
    let error = restore(&kept, &files.directory.path().join("no"), Some(other)).unwrap_err();
    assert!(matches!(error, ArchiveError::Another { found } if found == digest));
    assert!(list(files.directory.path()).iter().all(|name| !name.starts_with('.') && name != "no"));
}

#[test]
fn whatever_is_torn_changed_added_or_taken_away_is_seen() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 12] = [
        ("has no manifest.json", |kept| std::fs::remove_file(kept.join("manifest.json")).unwrap()),
        ("manifest.json", |kept| cut(&kept.join("manifest.json"), 10)),
        ("was changed", |kept| {
            std::fs::write(kept.join("policy/user/shop.toml"), "mode = 'full'\n").unwrap()
        }),
        ("was changed", |kept| cut(&kept.join("log/00000001.jsonl"), 100)),
        ("is missing", |kept| std::fs::remove_file(kept.join("log/00000002.jsonl")).unwrap()),
        ("is missing", |kept| std::fs::remove_dir_all(kept.join("templates")).unwrap()),
        ("is in no manifest", |kept| std::fs::write(kept.join("policy/user/more.toml"), "").unwrap()),
        ("neither a file nor a directory", |kept| {
            std::fs::remove_file(kept.join("policy/user/shop.toml")).unwrap();
            symlink("/etc/passwd", kept.join("policy/user/shop.toml")).unwrap();
        }),
        ("neither a file nor a directory", |kept| {
            std::fs::rename(kept.join("log"), kept.with_file_name("elsewhere")).unwrap();
            symlink(kept.with_file_name("elsewhere"), kept.join("log")).unwrap();
        }),
        // With a manifest to match, by somebody who has no keys.
        ("no name of a file", |kept| edit(kept, "policy/user/shop.toml", "../../shop.toml")),
        ("no name of a file", |kept| edit(kept, "policy/user/shop.toml", "/tmp/shop.toml")),
        ("its log", |kept| {
            let segment = kept.join("log/00000003.jsonl");
            let before = std::fs::read(&segment).unwrap();
            let shorter: Vec<u8> =
                before.split_inclusive(|b| *b == b'\n').skip(2).flatten().copied().collect();
            std::fs::write(&segment, &shorter).unwrap();
            edit(kept, &hex(&before), &hex(&shorter));
            edit(kept, &format!("\"bytes\": {}", before.len()), &format!("\"bytes\": {}", shorter.len()));
        }),
    ];
    for (why, harm) in harms {
        let (files, kept, back, _) = archive();
        harm(&kept);
        for error in [verify(&kept, None).unwrap_err(), restore(&kept, &back, None).unwrap_err()] {
            let said = error.to_string();
            assert!(matches!(error, ArchiveError::Damaged(_)) && said.contains(why), "{why}: {said}");
        }
        assert!(!back.exists() && !Path::new("/tmp/shop.toml").exists());
        assert!(list(files.directory.path()).iter().all(|name| !name.starts_with('.')));
    }
}

fn hex(bytes: &[u8]) -> String {
    Hash::of(bytes).to_string()
}

fn cut(path: &Path, bytes: usize) {
    let whole = std::fs::read(path).unwrap();
    std::fs::write(path, &whole[..whole.len() - bytes]).unwrap();
}

fn edit(kept: &Path, from: &str, to: &str) {
    let path = kept.join("manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}: {text}");
    std::fs::write(&path, text.replace(from, to)).unwrap();
}

#[test]
fn what_cannot_be_kept_is_refused() {
    let files = log();
    let to = files.directory.path().join("kept");
    let good = part(&files, "policy/a.toml", "");
    for name in [
        "",
        "/etc/x",
        "../x",
        "a/../b",
        "a//b",
        "log/00000001.jsonl",
        "manifest.json",
        "a\\b",
        "a\nb",
        "policy/a.toml",
    ] {
        let parts = [good.clone(), Part { name: name.to_owned(), ..good.clone() }];
        let error = create(&files.path(), &parts, &to).unwrap_err();
        assert!(matches!(error, ArchiveError::Part { .. }), "{name:?}: {error}");
    }
    for from in ["/dev/zero", "/etc"] {
        let parts = [Part { from: from.into(), ..good.clone() }];
        assert!(
            matches!(create(&files.path(), &parts, &to).unwrap_err(), ArchiveError::Part { .. }),
            "{from}"
        );
    }
    // A log that is damaged is not kept over good archives.
    std::fs::write(files.path().join("00000002.jsonl"), "{}\n").unwrap();
    assert!(create(&files.path(), &[good], &to).is_err());
    assert!(list(files.directory.path()).iter().all(|name| !name.starts_with('.') && name != "kept"));
}

#[test]
fn it_is_made_while_others_write() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("log");
    let store = FileStore::options("localhost/test").open(&place).unwrap();
    let redacting = Redacting::new(Redactor::new(), FieldRules::standard(), None);
    let log = Arc::new(Log::with(Arc::new(store), redacting).unwrap());
    log.append(&Record::new(Kind::Note)).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..3)
        .map(|_| {
            let (log, over) = (Arc::clone(&log), Arc::clone(&over));
            std::thread::spawn(move || {
                let mut written = 0_u64;
                while !over.load(Ordering::Relaxed) {
                    log.append(&Record::new(Kind::Note)).unwrap();
                    written += 1;
                }
                written
            })
        })
        .collect();
    let mut sizes = Vec::new();
    for n in 0..5 {
        let kept = directory.path().join(format!("kept-{n}"));
        let verified = create(&place, &[], &kept).unwrap();
        sizes.push(verified.manifest.log.size);
        let back = directory.path().join(format!("back-{n}"));
        assert_eq!(restore(&kept, &back, Some(verified.digest)).unwrap(), verified);
    }
    over.store(true, Ordering::Relaxed);
    let written: u64 = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
    assert!(sizes.is_sorted() && written > 0, "{sizes:?}, {written}");
    // The log goes on from what was restored.
    let back = directory.path().join("back-4/log");
    let store = FileStore::options("localhost/test").open(&back).unwrap();
    let redacting = Redacting::new(Redactor::new(), FieldRules::standard(), None);
    Log::with(Arc::new(store), redacting).unwrap().append(&Record::new(Kind::Note)).unwrap();
    assert!(Verification::new().log(&Directory::new(&back)).unwrap().is_intact());
}
