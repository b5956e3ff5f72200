//! How fast an audit log is verified, beside hashing the same lines and nothing else.
//!
//! `cargo bench -p agent-guardrail-benches --bench audit_verify [-- RECORDS]`. One thread, files in the page
//! cache, the best of five rounds in which the candidates take turns. The limit reads the same files in
//! the same pieces, finds the newlines and hashes each line.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use guardrail_audit::Hash;
use guardrail_audit::checkpoint::Checkpoint;
use guardrail_audit::merkle::{Frontier, TreeFiles};
use guardrail_audit::note::NoteSigner;
use guardrail_audit::verify::{Directory, Level, Report, Verification};

const ROUNDS: usize = 5;
const SEGMENT_BYTES: u64 = 64 << 20;
const CHECKPOINT_EVERY: u64 = 8_192;
const ORIGIN: &str = "example.org/bench";

/// Writes a log of so many records of about 312 bytes, and gives the hashes of its lines.
fn write(directory: &Path, records: u64, signer: &NoteSigner) -> (Vec<Hash>, Frontier) {
    let mut log = Writer {
        head: Hash::of_origin(ORIGIN),
        sequence: 0,
        bytes: 0,
        first: 0,
        leaves: Vec::new(),
        frontier: Frontier::default(),
        file: BufWriter::new(File::create(directory.join("00000001.jsonl")).unwrap()),
    };
    let about = |segment: u32| {
        format!(
            r#""log_id":"0198e7a4-5f6b-4c3a-9d2e-8f7a6b5c4d3e","origin":"{ORIGIN}","segment":{segment},"max_segment_bytes":{SEGMENT_BYTES}"#
        )
    };
    log.line("genesis", &format!(r#""details":{{{}}}"#, about(1)));
    let mut segment = 1;
    for record in 0..records {
        log.line(
            "outcome",
            &format!(
                r#""plan_id":"plan-{:08}","step":1,"actor":"agent-7","tool":"kubectl","action":"kubectl scale deployment/api --replicas=5","resource":"deployment/api","status":"succeeded","duration_seconds":4.25"#,
                record / 3
            ),
        );
        if record % CHECKPOINT_EVERY == CHECKPOINT_EVERY - 1 {
            let (size, root) = (log.sequence, log.frontier.root());
            let note = Checkpoint { origin: ORIGIN.into(), size, root }.sign(signer).unwrap();
            let note = note.replace('\n', "\\n");
            log.line(
                "checkpoint",
                &format!(r#""details":{{"size":{size},"root":"{root}","note":"{note}"}}"#),
            );
        }
        if log.bytes > SEGMENT_BYTES {
            let (records, bytes, head) = (log.sequence - log.first, log.bytes, log.head);
            log.file.flush().unwrap();
            segment += 1;
            log.file = BufWriter::new(File::create(directory.join(format!("{segment:08}.jsonl"))).unwrap());
            (log.bytes, log.first) = (0, log.sequence);
            let before = segment - 1;
            let previous = format!(
                r#""previous":{{"segment":{before},"good_bytes":{bytes},"records":{records},"head":"{head}","torn_bytes":0}}"#
            );
            log.line("segment", &format!(r#""details":{{{},{previous}}}"#, about(segment)));
        }
    }
    log.file.flush().unwrap();
    (log.leaves, log.frontier)
}

struct Writer {
    head: Hash,
    sequence: u64,
    bytes: u64,
    first: u64,
    leaves: Vec<Hash>,
    frontier: Frontier,
    file: BufWriter<File>,
}

impl Writer {
    fn line(&mut self, kind: &str, members: &str) {
        let second = self.sequence / 5_000;
        let line = format!(
            r#"{{"v":1,"prev":"{}","seq":{},"timestamp":"2026-01-26T{:02}:{:02}:{:02}.{:06}Z","kind":"{kind}",{members}}}"#,
            self.head,
            self.sequence,
            second / 3_600,
            second / 60 % 60,
            second % 60,
            self.sequence % 5_000 * 200,
        );
        self.head = Hash::of_line(line.as_bytes());
        self.leaves.push(self.head);
        self.frontier.push(self.head);
        self.sequence += 1;
        self.bytes += line.len() as u64 + 1;
        self.file.write_all(line.as_bytes()).unwrap();
        self.file.write_all(b"\n").unwrap();
    }
}

/// Reads, splits and hashes, and checks nothing.
fn hash_only(directory: &Path, hash: bool) -> u64 {
    let mut names: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|name| name.extension().is_some_and(|ending| ending == "jsonl"));
    names.sort();
    let mut buffer = vec![0; (1 << 20) + 65_536];
    let (mut lines, mut all) = (0, 0_u8);
    for name in names {
        let mut file = File::open(name).unwrap();
        let mut filled = 0;
        loop {
            let read = file.read(&mut buffer[filled..]).unwrap();
            if read == 0 {
                break;
            }
            filled += read;
            let mut start = 0;
            for end in memchr::memchr_iter(b'\n', &buffer[..filled]) {
                all ^= if hash { Hash::of_line(&buffer[start..end]).0[0] } else { buffer[end] };
                lines += 1;
                start = end + 1;
            }
            buffer.copy_within(start..filled, 0);
            filled -= start;
        }
    }
    std::hint::black_box(all);
    lines
}

fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

/// In a process of its own, which only verifies: how much memory that took.
fn measure_memory(directory: &Path, threads: usize) {
    let report = Verification::new().threads(threads).log(&Directory::new(directory)).unwrap();
    assert!(report.is_intact());
    if let Some(kilobytes) = peak_memory() {
        println!(
            "memory, {threads} threads, {} MB of log: {} MB",
            report.bytes / 1_000_000,
            kilobytes / 1_000
        );
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--memory") {
        return measure_memory(Path::new(&arguments[at + 1]), arguments[at + 2].parse().unwrap());
    }
    let records = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let base = std::env::temp_dir().join(format!("guardrail-bench-{}", std::process::id()));
    let directory = base.join("log");
    fs::create_dir_all(&directory).unwrap();
    let signer = NoteSigner::generate(ORIGIN).unwrap();
    let (leaves, frontier) = write(&directory, records, &signer);
    let lines = leaves.len() as u64;
    let source = Directory::new(&directory);
    let verify = |level: Level, threads: usize| -> Report {
        let key = signer.verifier().clone();
        let report = Verification::new().trust([key]).level(level).threads(threads).log(&source).unwrap();
        assert_eq!((report.findings.as_slice(), report.size), ([].as_slice(), lines));
        report
    };
    let bytes = verify(Level::Chain, 1).bytes;
    println!("{lines} lines, {} MB, a signed checkpoint every {CHECKPOINT_EVERY}", bytes / 1_000_000);
    type Candidate<'c> = (&'static str, Box<dyn Fn() + 'c>);
    let candidates: Vec<Candidate<'_>> = vec![
        ("split only", Box::new(|| assert_eq!(hash_only(&directory, false), lines))),
        ("split and hash (the limit)", Box::new(|| assert_eq!(hash_only(&directory, true), lines))),
        ("verify: chain", Box::new(|| drop(verify(Level::Chain, 1)))),
        ("verify: chain and tree", Box::new(|| drop(verify(Level::Tree, 1)))),
        ("verify: chain, tree and JSON", Box::new(|| drop(verify(Level::Full, 1)))),
        ("the same, two threads", Box::new(|| drop(verify(Level::Full, 2)))),
    ];
    let mut best = vec![Duration::MAX; candidates.len()];
    for _ in 0..ROUNDS {
        for ((_, run), best) in candidates.iter().zip(&mut best) {
            let start = Instant::now();
            run();
            *best = start.elapsed().min(*best);
        }
    }
    for ((name, _), time) in candidates.iter().zip(&best) {
        println!(
            "{name:32} {:7.1} ms  {:5.2} GB/s  {:.2} of the limit",
            time.as_secs_f64() * 1e3,
            bytes as f64 / time.as_secs_f64() / 1e9,
            best[1].as_secs_f64() / time.as_secs_f64()
        );
    }

    let mut tree = TreeFiles::open(&base.join("tree")).unwrap();
    let start = Instant::now();
    tree.extend(&leaves).unwrap();
    println!("tree files of {lines} lines written in {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    let root = frontier.root();
    let mut times: Vec<Duration> = (0..1_000_u64)
        .map(|proof| {
            let leaf = proof * 7_919_777 % lines;
            let start = Instant::now();
            tree.inclusion(leaf, lines, &root).unwrap();
            start.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "inclusion proof: median {:.0} us, 99th of 100 {:.0} us, worst {:.0} us",
        times[500].as_secs_f64() * 1e6,
        times[990].as_secs_f64() * 1e6,
        times[999].as_secs_f64() * 1e6
    );
    for threads in ["1", "8"] {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        assert!(command.arg("--memory").arg(&directory).arg(threads).status().unwrap().success());
    }
    fs::remove_dir_all(&base).unwrap();
}
