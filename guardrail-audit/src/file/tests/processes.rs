//! Several processes, and processes that are killed.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::*;

const WORKER: &str = "GUARDRAIL_AUDIT_TEST_WORKER";

/// This test binary again, as a process that appends to a log until it is done or killed. It prints
/// what was acknowledged.
fn worker(place: &Place, name: &str, records: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["file::tests::processes::a_worker", "--exact", "--nocapture", "--test-threads=1"])
        .env(WORKER, format!("{}|{name}|{records}", place.0.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_worker() {
    let Ok(task) = std::env::var(WORKER) else { return };
    let parts: Vec<&str> = task.split('|').collect();
    let place = Place(parts[0].into());
    let store = place.small();
    let records: usize = parts[2].parse().unwrap();
    for number in 0..records {
        let text = format!("{}.{number}", parts[1]);
        let appended = put(&store, &note(&text));
        println!("\nacknowledged {} {text}", appended.last);
    }
    store.close().unwrap();
    std::mem::forget(place);
}

/// What a process said was acknowledged: numbers and texts.
fn said(child: &mut Child) -> Vec<(u64, String)> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let words = lines.filter_map(|line| {
        let mut words = line.split(' ');
        (words.next() == Some("acknowledged")).then_some(())?;
        let number = words.next()?.parse().ok()?;
        Some((number, words.next()?.to_owned()))
    });
    words.collect()
}

fn holds(place: &Place, said: &[(u64, String)]) -> Vec<serde_json::Value> {
    let values = checked(&place.0);
    for (number, text) in said {
        assert_eq!(values[*number as usize]["reason"], text.as_str());
    }
    values
}

#[test]
fn processes_share_a_log() {
    let place = Place::new();
    let mut children: Vec<Child> = (0..4).map(|name| worker(&place, &format!("w{name}"), 60)).collect();
    let all: Vec<(u64, String)> = children.iter_mut().flat_map(said).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(all.len(), 240);
    let values = holds(&place, &all);
    assert_eq!(of_kind(&values, "note").len(), 240);
    assert!(of_kind(&values, "seal").len() > 3);
    assert!(!place.small().recovery().unclean);
}

#[test]
fn nothing_acknowledged_is_lost_to_a_kill() {
    let place = Place::new();
    let mut all = Vec::new();
    for round in 0..6 {
        let mut children: Vec<Child> =
            (0..3).map(|name| worker(&place, &format!("r{round}w{name}"), 100_000)).collect();
        std::thread::sleep(std::time::Duration::from_millis(30 + 17 * round));
        for child in &mut children {
            child.kill().unwrap();
        }
        for child in &mut children {
            let said = said(child);
            all.extend(said);
            child.wait().unwrap();
        }
    }
    let store = place.small();
    store.close().unwrap();
    assert!(!all.is_empty());
    holds(&place, &all);
}

#[test]
fn who_dies_in_the_midst_of_a_write_is_cleaned_up_after() {
    let place = Place::new();
    let store = place.small();
    put(&store, &note("before"));
    // Another process held the lock, wrote a part of a line and died.
    let other = crate::storage::RealStorage::open(&place.0).unwrap();
    let held = other.lock().unwrap();
    other.open(&segment::name(1)).unwrap().append(b"{\"v\":1,\"prev\":\"12").unwrap();
    drop(held);
    put(&store, &note("after"));
    let other = place.small();
    put(&other, &note("after too"));
    drop((store, other));
    let values = checked(&place.0);
    assert_eq!(of_kind(&values, "recovered").len(), 1);
    assert_eq!(of_kind(&values, "note").len(), 3);
}

#[test]
fn words_of_before_the_machine_started_do_not_count() {
    let place = Place::new();
    place.small().close().unwrap();
    // The log was poisoned, and knew of other segments, when the machine ran before.
    let mut bytes = b"GA1\0\x07\0\0\0".to_vec();
    bytes.resize(64, 0x33);
    std::fs::write(place.0.join("lock"), bytes).unwrap();
    let store = place.small();
    assert!(!store.recovery().unclean);
    put(&store, &note("x"));
    drop(store);
    assert_eq!(of_kind(&checked(&place.0), "segment").len(), 0);
}
