//! Runners that are killed, with SIGKILL, at moments of chance in real plans: with real processes, a
//! real log, and another process that goes on. Every resume ends where it should, nothing is run a
//! second time unasked, and nothing of which the runner had a receipt is gone.
//!
//! `GUARDRAIL_KILLS` says how many times (200 by default), `GUARDRAIL_SEED` at which moments.

#![cfg(all(feature = "exec", feature = "audit", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod house;

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use guardrail::audit::Log;
use guardrail::exec::{Unseen, block_on, survivors};
use guardrail::plan::{Command, Plan, PlanName, Settlement, Slot, State, Stop};
use guardrail::record::{Condition, Receipt, Record, RecordError, Recorded, Recorder};
use house::*;

const STEPS: u32 = 4;

/// The log, with a list beside it of every record that was acknowledged to the runner.
struct Acknowledged {
    log: Log,
    list: Mutex<std::fs::File>,
}

#[async_trait]
impl Recorder for Acknowledged {
    async fn record(&self, records: &[Record], condition: &Condition) -> Result<Receipt, RecordError> {
        let receipt = self.log.record(records, condition).await?;
        let mut lines = String::new();
        for (record, sequence) in records.iter().zip(receipt.first()..) {
            lines.push_str(&format!("{sequence} {}\n", record.id.unwrap()));
        }
        // One write, and so it is there whole once the process has got past it.
        self.list.lock().unwrap().write_all(lines.as_bytes()).unwrap();
        Ok(receipt)
    }

    async fn history(&self, plan_id: &str) -> Result<Vec<Recorded>, RecordError> {
        self.log.history(plan_id).await
    }

    async fn open_plans(&self) -> Result<Vec<(String, u64)>, RecordError> {
        self.log.open_plans().await
    }
}

fn plan(house: &House, fails: bool) -> Plan {
    let mut plan = house.plan("Lines");
    plan.steps = (1..=STEPS).map(ledger).collect();
    if fails {
        let last = plan.steps.last_mut().unwrap();
        last.command = Command::shell("echo 'do 4' >> ledger; false");
    }
    plan
}

/// What is killed. It goes on with what is open, or begins.
#[test]
#[ignore = "the other test starts it, in a process of its own"]
fn a_runner() {
    let Some(folder) = std::env::var_os("GUARDRAIL_KILL_FOLDER") else { return };
    let house = House::at(Path::new(&folder));
    let list = std::fs::OpenOptions::new().create(true).append(true).open(house.folder.join("acknowledged"));
    let recorder = Arc::new(Acknowledged { log: house.log(), list: Mutex::new(list.unwrap()) });
    let runner = house.builder(recorder).approver(Arc::new(Yes)).build();
    let open = block_on(runner.open()).unwrap();
    let name = match open.first() {
        Some((name, _)) => *name,
        None => {
            let fails = std::env::var_os("GUARDRAIL_KILL_FAILS").is_some();
            block_on(runner.propose(plan(&house, fails), origin())).unwrap().name
        }
    };
    block_on(runner.drive(name, &Stop::new(), &Unseen)).unwrap();
}

/// Numbers that look like chance, and come again for a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Starts a runner and kills it, unless it has ended before; says whether it was killed.
fn killed(house: &House, fails: bool, after: Option<Duration>) -> bool {
    let mut process = Process::new(std::env::current_exe().unwrap());
    process.args(["--exact", "a_runner", "--ignored", "--nocapture"]);
    process.env("GUARDRAIL_KILL_FOLDER", &house.folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    if fails {
        process.env("GUARDRAIL_KILL_FAILS", "1");
    }
    let mut child = process.spawn().unwrap();
    if let Some(after) = after {
        std::thread::sleep(after);
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    if output.status.signal() == Some(9) {
        return true;
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    false
}

/// The plan that is open, and where it is.
fn open(house: &House) -> Option<(PlanName, State)> {
    let runner = house.runner(Arc::new(Yes));
    let open = block_on(runner.open()).unwrap();
    assert!(open.len() <= 1, "a resume goes on with the plan, and begins no other");
    let (name, life) = open.into_iter().next()?;
    Some((name, life.unwrap().state()))
}

/// A person looks what became of the command, and says so.
fn settle(house: &House, name: PlanName, fails: bool) {
    let runner = house.runner(Arc::new(Yes));
    let records = block_on(house.log().history(&name.to_string())).unwrap();
    let doubt = guardrail::plan::life(&records, &name.to_string()).unwrap().in_doubt().unwrap();
    // What the dead runner had started may still run.
    while !survivors(doubt.id).is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let Slot { step: Some(step), part, .. } = doubt.slot else {
        panic!("only steps do something: {doubt:?}")
    };
    let word = if part == guardrail::plan::Part::Rollback { "undo" } else { "do" };
    let done = house.read("ledger").lines().any(|line| line == format!("{word} {step}"));
    let how = match done {
        // It writes its line, and then it fails.
        true if fails && word == "do" && step == STEPS => Settlement::Failed,
        true => Settlement::Done,
        false => Settlement::RunAgain,
    };
    block_on(runner.settle(name, anna(), how)).unwrap();
}

fn check(house: &House, fails: bool) {
    house.verify();
    let log = house.log();
    let kept: Vec<Recorded> = log.records(0).unwrap().map(Result::unwrap).collect();
    let list = std::fs::read_to_string(house.folder.join("acknowledged")).unwrap();
    for line in list.lines() {
        let (sequence, id) = line.split_once(' ').unwrap();
        let found = kept.iter().find(|kept| kept.sequence.to_string() == sequence);
        let found = found.unwrap_or_else(|| panic!("record {sequence} was acknowledged and is gone"));
        assert_eq!(found.record.id.unwrap().to_string(), id, "record {sequence}");
    }
    let done: Vec<String> = (1..=STEPS).map(|step| format!("do {step}")).collect();
    let undone = (1..=STEPS).rev().map(|step| format!("undo {step}"));
    let expected: Vec<String> = done.into_iter().chain(undone.filter(|_| fails)).collect();
    assert_eq!(house.read("ledger").lines().collect::<Vec<_>>(), expected, "each once, in order");
}

#[test]
fn a_runner_that_is_killed_at_any_moment_is_continued() {
    let points = number("GUARDRAIL_KILLS", 200);
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    let seed = number("GUARDRAIL_SEED", u64::from(clock)) | 1;
    println!("seed {seed}");
    let mut chance = Chance(seed);
    // How long one takes on this machine that nobody disturbs.
    let began = std::time::Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let house = House::at(folder.path());
    assert!(!killed(&house, true, None));
    check(&house, true);
    let whole = u64::try_from(began.elapsed().as_micros()).unwrap().max(1000);
    let (mut kills, mut doubts, mut plans) = (0, 0, 0);
    while kills < points {
        let folder = tempfile::tempdir().unwrap();
        let house = House::at(folder.path());
        let fails = chance.below(2) == 0;
        plans += 1;
        // Where the plan is over, a runner would begin another one.
        while open(&house).is_some() || house.read("ledger").is_empty() {
            let left = kills < points;
            // Mostly soon, so that a plan is killed several times.
            let span = whole / (1 + chance.below(3));
            let after = left.then(|| Duration::from_micros(chance.below(span)));
            if !killed(&house, fails, after) {
                match open(&house) {
                    Some((name, State::InDoubt)) => {
                        doubts += 1;
                        settle(&house, name, fails);
                    }
                    Some((name, state)) => panic!("{name} rests and is {state}"),
                    None => {}
                }
                continue;
            }
            kills += 1;
            // Whether it is in doubt or was only lost, the next runner finds out.
        }
        check(&house, fails);
    }
    println!("{kills} kills in {plans} plans; {doubts} times a person was asked");
    assert!(kills >= points);
}
