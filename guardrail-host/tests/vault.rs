//! A vault on a real disk: against a map, damaged in every way, opened by others, written by many.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use guardrail_core::plan::{CredentialName, Secret};
use guardrail_core::record::Timestamp;
use guardrail_host::secrets::{Untrusted, Vault, VaultError, VaultKey, generate_key};
use proptest::prelude::*;

fn name(path: &str) -> CredentialName {
    format!("vault:{path}").parse().unwrap()
}

fn secret(bytes: &[u8]) -> Secret {
    Secret::new(bytes.to_vec())
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(seconds, 0).unwrap()
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        generate_key(&folder.path().join("key")).unwrap();
        Self { folder }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("vault.age")
    }

    fn vault(&self) -> Vault {
        Vault::at(self.path(), VaultKey::read(&self.folder.path().join("key")).unwrap())
    }
}

fn read(vault: &Vault, path: &str) -> Option<Vec<u8>> {
    vault.read(&name(path)).unwrap().map(|secret| secret.expose().to_owned())
}

#[derive(Clone, Debug)]
enum Deed {
    Set(u8, Vec<u8>),
    Remove(u8),
    Reopen,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 4..40),
        prop::collection::vec(any::<u8>(), 1000..5000),
    ];
    let deed = prop_oneof![
        4 => (0_u8..5, value).prop_map(|(name, value)| Deed::Set(name, value)),
        2 => (0_u8..5).prop_map(Deed::Remove),
        1 => Just(Deed::Reopen),
    ];
    prop::collection::vec(deed, 0..12)
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn it_is_a_map(deeds in deeds()) {
        let place = Place::new();
        let mut vault = place.vault();
        let mut map: BTreeMap<String, (Timestamp, Vec<u8>)> = BTreeMap::new();
        vault.set(&name("first"), &secret(b"the first"), at(0)).unwrap();
        map.insert("first".to_owned(), (at(0), b"the first".to_vec()));
        for (now, deed) in (1..).zip(deeds) {
            match deed {
                Deed::Set(number, value) => {
                    let path = format!("of/{number}");
                    let set = vault.set(&name(&path), &secret(&value), at(now));
                    if value.trim_ascii().len() < 4 {
                        prop_assert!(matches!(set, Err(VaultError::Value(_))));
                    } else {
                        let before = map.insert(path, (at(now), value));
                        prop_assert_eq!(set.unwrap(), before.is_some());
                    }
                }
                Deed::Remove(number) => {
                    let path = format!("of/{number}");
                    prop_assert_eq!(vault.remove(&name(&path)).unwrap(), map.remove(&path).is_some());
                }
                Deed::Reopen => vault = place.vault(),
            }
            let listed: Vec<_> =
                vault.list().unwrap().into_iter().map(|entry| (entry.name, entry.set)).collect();
            let expected: Vec<_> = map.iter().map(|(path, (set, _))| (path.clone(), *set)).collect();
            prop_assert_eq!(listed, expected);
        }
        for (path, (_, value)) in &map {
            prop_assert_eq!(&read(&vault, path), &Some(value.clone()));
        }
        let on_disk = fs::read(place.path()).unwrap();
        prop_assert!(!holds(&on_disk, b"the first") && !holds(&on_disk, b"secrets"));
    }
}

#[test]
fn damage_is_said_and_left_as_it_is() {
    let place = Place::new();
    let vault = place.vault();
    vault.set(&name("a"), &secret(b"correct horse"), at(0)).unwrap();
    let good = fs::read(place.path()).unwrap();
    let put = |bytes: &[u8]| {
        fs::write(place.path(), bytes).unwrap();
        for outcome in [
            vault.list().map(|_| ()),
            vault.read(&name("a")).map(|_| ()),
            vault.set(&name("b"), &secret(b"battery staple"), at(1)).map(|_| ()),
            vault.remove(&name("a")).map(|_| ()),
        ] {
            let error = outcome.expect_err("damage was not noticed");
            assert!(matches!(error, VaultError::Damaged { .. } | VaultError::WrongKey { .. }), "{error}");
            assert!(!format!("{error} {error:?}").contains("horse"));
        }
        assert_eq!(fs::read(place.path()).unwrap(), bytes, "it was overwritten");
    };
    for place in (0..good.len()).step_by(7).chain([good.len() - 1]) {
        let mut changed = good.clone();
        changed[place] ^= 1;
        put(&changed);
    }
    for length in [0, 1, 20, good.len() / 2, good.len() - 1] {
        put(&good[..length]);
    }
    put(&[&good[..], b"more"].concat());
    put(b"correct horse");
    fs::write(place.path(), &good).unwrap();
    assert_eq!(read(&vault, "a").unwrap(), b"correct horse");
}

#[test]
fn only_its_key_opens_it() {
    let place = Place::new();
    place.vault().set(&name("a"), &secret(b"correct horse"), at(0)).unwrap();
    let other = Place::new();
    let stranger = Vault::at(place.path(), VaultKey::read(&other.folder.path().join("key")).unwrap());
    assert!(matches!(stranger.list(), Err(VaultError::WrongKey { .. })));
    let typed = VaultKey::passphrase(&secret(b"a passphrase of some length")).unwrap();
    assert!(matches!(Vault::at(place.path(), typed).list(), Err(VaultError::WrongKey { .. })));
    assert!(VaultKey::passphrase(&secret(b"too short")).is_err());
    assert!(VaultKey::passphrase(&secret(&[0xff; 20])).is_err());
}

#[test]
fn a_passphrase_opens_what_it_sealed() {
    let place = Place::new();
    let file = place.folder.path().join("passphrase");
    let write = |text: &str| {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    };
    write("a passphrase of some length\n");
    let vault = || Vault::at(place.path(), VaultKey::passphrase_file(&file).unwrap());
    vault().set(&name("a"), &secret(b"correct horse"), at(0)).unwrap();
    assert_eq!(read(&vault(), "a").unwrap(), b"correct horse");
    assert!(fs::read(place.path()).unwrap().starts_with(b"age-encryption.org/v1\n-> scrypt "));
    write("another passphrase of some length\n");
    assert!(matches!(vault().list(), Err(VaultError::WrongKey { .. })));
    let debug = format!("{:?}", vault());
    assert!(!debug.contains("another passphrase"), "{debug}");
}

#[test]
fn others_may_have_had_no_hand_in_it() {
    let place = Place::new();
    let vault = place.vault();
    assert!(matches!(vault.list(), Err(VaultError::Untrusted(Untrusted::Missing(_)))));
    vault.set(&name("a"), &secret(b"correct horse"), at(0)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&place.path()), mode(&place.folder.path().join("key"))), (0o600, 0o600));
    let set_mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for path in [place.path(), place.folder.path().to_owned()] {
        let before = mode(&path);
        set_mode(&path, 0o777);
        for outcome in [vault.list().map(|_| ()), vault.remove(&name("a")).map(|_| ())] {
            assert!(matches!(outcome, Err(VaultError::Untrusted(Untrusted::Unfit { .. }))), "{outcome:?}");
        }
        set_mode(&path, before);
    }
    let key = place.folder.path().join("key");
    set_mode(&key, 0o640);
    assert!(matches!(VaultKey::read(&key), Err(VaultError::Untrusted(_))));
    set_mode(&key, 0o600);
    assert!(generate_key(&key).is_err(), "a key is never overwritten");
    std::os::unix::fs::symlink(&key, place.folder.path().join("link")).unwrap();
    assert!(VaultKey::read(&place.folder.path().join("link")).is_err());
}

#[test]
fn many_write_and_nothing_is_lost() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let place = &place;
            scope.spawn(move || {
                for number in 0..6 {
                    let path = format!("of/{writer}/{number}");
                    place.vault().set(&name(&path), &secret(path.as_bytes()), at(number)).unwrap();
                }
            });
        }
    });
    let vault = place.vault();
    assert_eq!(vault.list().unwrap().len(), 24);
    for entry in vault.list().unwrap() {
        assert_eq!(read(&vault, &entry.name).unwrap(), entry.name.as_bytes());
    }
}

#[test]
fn a_vault_has_an_end() {
    let place = Place::new();
    let vault = place.vault();
    let long = vec![b'x'; 32 << 10];
    let mut count = 0;
    let full = loop {
        match vault.set(&name(&format!("of/{count}")), &secret(&long), at(0)) {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, VaultError::Full { .. }) && count > 20, "{full}: {count}");
    assert_eq!(vault.list().unwrap().len(), count);
}
