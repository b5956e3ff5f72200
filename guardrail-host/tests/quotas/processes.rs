//! Many processes at once, and what becomes of what they hold when they are killed.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use guardrail_core::quota::{QuotaRefusal, Quotas as _};
use guardrail_core::record::Timestamp;
use guardrail_host::quotas::FileQuotas;

use crate::stage::*;

const MOST: &str = "
[[quota]]
name = 'together'
counts = 'executions'
most = 100
within = '1h'

[[quota]]
name = 'at once'
counts = 'running'
most = 2
when = { tool = 'terraform' }

[[quota]]
name = 'failing'
counts = 'failures'
most = 1
rest = '1m'
when = { tool = 'make' }
";

/// This program again, as another process that does one thing with the same counts.
fn another(directory: &Path, what: &str, milliseconds: i64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::as_another_process", "--nocapture"])
        .env("QUOTAS_DIRECTORY", directory)
        .env("QUOTAS_WHAT", what)
        .env("QUOTAS_CLOCK", milliseconds.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// No test: what [`another`] does.
#[test]
fn as_another_process() {
    let Some(directory) = std::env::var_os("QUOTAS_DIRECTORY") else { return };
    let clock: i64 = std::env::var("QUOTAS_CLOCK").unwrap().parse().unwrap();
    let quotas = FileQuotas::open(Path::new(&directory))
        .unwrap()
        .patience(Duration::from_secs(60))
        .clock(move || Timestamp::from_timestamp_millis(clock).unwrap());
    let guard = guard(MOST);
    let what = std::env::var("QUOTAS_WHAT").unwrap();
    if what == "many" {
        let usage = guard.usage(&request("ann", "mkdir x"));
        let admitted = (0..40).filter(|_| done(quotas.admit(&usage)).is_ok()).count();
        println!("\nadmitted {admitted}");
        return;
    }
    if what == "for ever" {
        let usage = guard.usage(&request("ann", "terraform apply; make all"));
        println!("\nheld");
        std::io::stdout().flush().unwrap();
        loop {
            let _ = done(quotas.called(&usage, &guardrail_core::record::Verdict::Deny));
            if let Ok(admission) = done(quotas.admit(&usage)) {
                let _ = done(admission.finish(guardrail_core::quota::Finished::Well));
            }
        }
    }
    let held = done(quotas.admit(&guard.usage(&request("ann", &what))));
    println!("\n{}", if held.is_ok() { "held" } else { "refused" });
    std::io::stdout().flush().unwrap();
    // Until it is killed, or whoever started it is gone.
    let _ = std::io::stdin().lock().read_line(&mut String::new());
}

/// What it says, behind what the test's frame says.
fn says(child: &mut Child) -> String {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let found = lines
        .map_while(Result::ok)
        .find(|line| ["held", "refused"].contains(&line.as_str()) || line.starts_with("admitted "));
    found.unwrap_or_default()
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn many_processes_together_get_what_one_would() {
    let stage = Stage::new(MOST);
    let mut all: Vec<Child> = (0..6).map(|_| another(&stage.directory, "many", START)).collect();
    let mut admitted = 0;
    for child in &mut all {
        let said = says(child);
        admitted += said.strip_prefix("admitted ").unwrap().parse::<u32>().unwrap();
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(admitted, 100, "of 240 that were tried");
}

#[test]
fn many_threads_together_get_what_one_would() {
    let stage = Stage::new(MOST);
    let usage = stage.usage("ann", "mkdir x");
    let quotas = stage.quotas.clone().patience(Duration::from_secs(60));
    let admitted: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..40).filter(|_| done(quotas.admit(&usage)).is_ok()).count()))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(admitted, 100);
}

#[test]
fn a_place_is_given_back_by_a_process_that_is_killed() {
    let stage = Stage::new(MOST);
    let mut one = another(&stage.directory, "terraform apply", START);
    assert_eq!(says(&mut one), "held");
    let own = stage.admit("bob", "terraform apply").unwrap();
    let refusal = stage.admit("bob", "terraform apply").unwrap_err();
    assert!(refusal.to_string().contains("2 run at the same time"), "{refusal}");
    assert_eq!(refusal.retry_at(), None);
    let mut other = another(&stage.directory, "terraform plan && terraform apply", START);
    assert_eq!(says(&mut other), "refused");
    other.kill().unwrap();
    other.wait().unwrap();
    one.kill().unwrap();
    one.wait().unwrap();
    eventually("SIGKILL gives the place back", || stage.admit("bob", "terraform apply").is_ok());
    drop(own);
    let held: Vec<_> = (0..2).map(|_| stage.admit("bob", "terraform apply").unwrap()).collect();
    assert!(stage.admit("bob", "terraform apply").is_err(), "and no more than there were");
    drop(held);
    let left = std::fs::read_dir(stage.directory.join("running")).unwrap().count();
    assert!(left <= 1, "nothing is left but by who was killed: {left}");
}

/// Killed wherever they are, between two system calls or in one: what the file says is whole.
#[test]
fn whoever_is_killed_in_the_middle_damages_nothing() {
    let stage = Stage::new(MOST);
    for round in 0..12_u64 {
        let mut all: Vec<Child> = (0..2).map(|_| another(&stage.directory, "for ever", START)).collect();
        all.iter_mut().for_each(|child| assert_eq!(says(child), "held"));
        // Somewhere else each time.
        std::thread::sleep(Duration::from_micros(700 * round));
        for mut child in all {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let held = stage.admit("ann", "terraform apply").map(drop);
        assert!(!matches!(held, Err(QuotaRefusal::Unavailable { .. })), "{held:?}");
    }
    stage.pass(3_800_000);
    eventually("all places are free", || {
        let one = stage.admit("ann", "terraform apply");
        one.is_ok() && stage.admit("ann", "terraform apply").is_ok()
    });
}

#[test]
fn a_trial_is_given_back_by_a_process_that_is_killed() {
    let stage = Stage::new(MOST);
    stage.ends("ann", "make x", guardrail_core::quota::Finished::Badly).unwrap();
    assert!(stage.admit("ann", "make x").is_err());
    stage.pass(60_000);
    let mut trial = another(&stage.directory, "make x", START + 60_000);
    assert_eq!(says(&mut trial), "held");
    assert!(stage.admit("ann", "make x").is_err(), "it is being tried");
    trial.kill().unwrap();
    trial.wait().unwrap();
    eventually("the next one may try", || stage.admit("ann", "make x").is_ok());
}
