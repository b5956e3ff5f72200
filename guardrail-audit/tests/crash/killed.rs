//! The log on the real file system: processes that are killed, a full disk, and failing calls.
//!
//! The processes are this test program again, as `child`. Each prints a line for everything that
//! was acknowledged.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use guardrail_audit::{Acknowledged, Body, Durability, FileStore, Store as _};
use guardrail_core::record::Condition;

use crate::ledger::note;

const DIRECTORY: &str = "GUARDRAIL_CRASH_DIRECTORY";
pub(crate) const APPENDS: &str = "GUARDRAIL_CRASH_APPENDS";

fn open(path: &Path) -> FileStore {
    let options =
        FileStore::options("example.org/killed").segment_bytes(64 << 10).checkpoint_every(20, 1 << 20);
    options.open(path).unwrap_or_else(|error| panic!("{error}"))
}

/// Appends until it is killed or something fails, and says what was acknowledged.
#[test]
#[ignore = "a process that the other tests start"]
fn child() {
    let Ok(path) = std::env::var(DIRECTORY) else { return };
    let most = crate::number(APPENDS).unwrap_or(u64::MAX);
    let store = open(Path::new(&path));
    let mut out = std::io::stdout();
    for number in 0..most {
        let mut record = note(200);
        record.reason = Some(format!("{}-{number}", std::process::id()));
        let json = serde_json::to_vec(&record).unwrap();
        let body = Body { json: json.into(), note: guardrail_audit::chain::Note::default() };
        match store.append(&[body], &Condition::Always, Durability::Group) {
            Ok(appended) if appended.acknowledged == Acknowledged::Durable => {
                writeln!(out, "\nacknowledged {} {}", appended.last, record.reason.unwrap()).unwrap();
                out.flush().unwrap();
            }
            other => {
                writeln!(out, "\nfailed {other:?}").unwrap();
                break;
            }
        }
    }
    drop(store);
    if std::env::var("GUARDRAIL_CRASH_FULL").is_ok() {
        let lines = open(Path::new(&path)).lines(0).unwrap().map(Result::unwrap).count();
        writeln!(out, "\nlines {lines}").unwrap();
    }
}

pub(crate) fn command(before: &[&str], path: &Path) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut command = match before {
        [] => Command::new(&program),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(&program);
            command
        }
    };
    command.args(["killed::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(DIRECTORY, path).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// What a process said, up to its end; it is killed after so many lines.
pub(crate) fn said(mut child: Child, kill_after: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let Ok(line) = line else { break };
        if line.starts_with("acknowledged ") || line.starts_with("failed ") || line.starts_with("lines ") {
            lines.push(line);
        }
        if lines.len() == kill_after {
            // It goes on meanwhile; what it says until it is dead counts too.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    lines
}

/// Everything that was acknowledged is a line of the log, with its number.
fn look(path: &Path, said: &[String]) -> usize {
    let store = open(path);
    let lines: Vec<Vec<u8>> = store.lines(0).unwrap().map(Result::unwrap).collect();
    let mut head = guardrail_audit::Hash::of_origin("example.org/killed");
    for text in &lines {
        assert_eq!(guardrail_audit::line::read(text).expect("a line").prev, head);
        head = guardrail_audit::Hash::of_line(text);
    }
    let mut acknowledged = 0;
    for line in said.iter().filter_map(|line| line.strip_prefix("acknowledged ")) {
        let (sequence, reason) = line.split_once(' ').unwrap();
        let text = lines.get(sequence.parse::<usize>().unwrap()).unwrap_or_else(|| panic!("{line} is lost"));
        let reason = format!("\"reason\":\"{reason}\"");
        assert!(String::from_utf8_lossy(text).contains(&reason), "{line} is another one");
        acknowledged += 1;
    }
    acknowledged
}

pub(crate) fn place(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("guardrail-crash-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    path
}

#[test]
fn what_killed_processes_acknowledged_is_there() {
    let path = place("killed");
    let rounds = crate::number("GUARDRAIL_CRASH_KILLS").unwrap_or(24) / 4;
    let mut all = Vec::new();
    for round in 0..rounds.max(1) {
        let threads: Vec<_> = (0..4)
            .map(|process| {
                let child = command(&[], &path).spawn().unwrap();
                let after = 1 + (round * 7 + process * 5) as usize % 23;
                std::thread::spawn(move || said(child, after))
            })
            .collect();
        all.extend(threads.into_iter().flat_map(|thread| thread.join().unwrap()));
        look(&path, &all);
    }
    let acknowledged = look(&path, &all);
    assert!(acknowledged > 4 * rounds as usize, "only {acknowledged} were acknowledged");
    println!("{} kills, {acknowledged} acknowledged records, all there", 4 * rounds);
    std::fs::remove_dir_all(&path).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn what_was_acknowledged_before_a_call_failed_is_there() {
    if !Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_ok_and(|status| status.success()) {
        println!("SKIPPED: strace is not installed");
        return;
    }
    let path = place("strace");
    drop(open(&path));
    let mut all = Vec::new();
    for inject in [
        "fdatasync:error=EIO:when=9",
        "write:error=ENOSPC:when=40",
        "write:error=EIO:when=41",
        "write:error=EINTR:when=30..40",
        "fallocate:error=EROFS:when=12",
        "fdatasync:error=EINTR:when=7",
        "pwrite64:error=EIO:when=3+",
        "openat:error=EMFILE:when=60",
        "flock:error=EINTR:when=4..6",
        "pread64:error=EINTR:when=9",
        "linkat:error=EIO:when=1",
    ] {
        let trace = format!("inject={inject}");
        let before = ["strace", "-f", "-o", "/dev/null", "-e", &trace];
        let child = command(&before, &path).env(APPENDS, "60").spawn().unwrap();
        let lines = said(child, usize::MAX);
        // A run that could not be traced says nothing at all.
        if lines.is_empty() && all.is_empty() {
            println!("SKIPPED: strace cannot trace here");
            return;
        }
        all.extend(lines);
        look(&path, &all);
    }
    let failed = all.iter().filter(|line| line.starts_with("failed ")).count();
    assert!(failed >= 3, "only {failed} of the calls that failed were felt");
    println!("{} acknowledged records, all there; {failed} runs failed", look(&path, &all));
    std::fs::remove_dir_all(&path).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_takes_nothing_that_was_acknowledged() {
    let path = place("full");
    std::fs::create_dir(&path).unwrap();
    let log = path.join("log");
    let script = format!("mount -t tmpfs -o size=700k tmpfs {0} && exec \"$@\"", path.display());
    let before = ["unshare", "-Urm", "sh", "-c", &script, "sh"];
    let Ok(child) = command(&before, &log).env("GUARDRAIL_CRASH_FULL", "1").spawn() else {
        println!("SKIPPED: unshare is not installed");
        return;
    };
    let lines = said(child, usize::MAX);
    std::fs::remove_dir_all(&path).unwrap();
    if lines.is_empty() {
        println!("SKIPPED: no file system can be mounted here");
        return;
    }
    let acknowledged = lines.iter().filter(|line| line.starts_with("acknowledged ")).count();
    let failed = lines.iter().find(|line| line.starts_with("failed ")).expect("the disk was never full");
    assert!(failed.contains("NotWritten"), "not a clean failure: {failed}");
    let whole = lines.last().and_then(|line| line.strip_prefix("lines ")).expect("it was opened again");
    assert!(whole.parse::<usize>().unwrap() > acknowledged, "{acknowledged} acknowledged, {whole} lines");
}
