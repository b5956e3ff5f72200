//! `cargo bench -p agent-guardrail-benches --features peers --bench audit_append`: how fast records become durable,
//! beside a bare loop of writes and syncs and beside other stores.
//!
//! All modes run in turns, for many rounds, and a figure is over all rounds: what disturbs the disk
//! disturbs all of them. Trust the ratios. The directory is `AUDIT_BENCH_DIR`, or a temporary one; it
//! must be on a disk, since in memory a sync costs nothing. On a busy machine run it with
//! `chrt -f 50`, or what is measured is how long threads wait for a processor.

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use guardrail_audit::chain::Note;
use guardrail_audit::line::overhead;
use guardrail_audit::{Body, Durability, FieldRules, FileOptions, FileStore, Log, Redacting, Store};
use guardrail_core::record::{Condition, Kind, Record, Status};
use guardrail_core::redact::Redactor;
use rusqlite::Connection;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// One way to make a record durable.
type Mode<'m> = Box<dyn FnMut() -> Result<()> + 'm>;

const ORIGIN: &str = "example.org/bench";
const WORKER: &str = "GUARDRAIL_AUDIT_BENCH_WORKER";
const ROUNDS: usize = 30;
const SLICE: Duration = Duration::from_millis(250);

fn main() -> Result<()> {
    if let Ok(directory) = std::env::var(WORKER) {
        return worker(Path::new(&directory));
    }
    let base = std::env::var_os("AUDIT_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let base = base.join(format!("guardrail-bench-{}", std::process::id()));
    std::fs::create_dir_all(&base)?;
    let done = all(&base);
    std::fs::remove_dir_all(&base)?;
    done
}

fn all(base: &Path) -> Result<()> {
    redaction()?;
    latency(base)?;
    rates(base)?;
    buffered(base)?;
    opening(base)
}

/// A record whose line has about 300 bytes.
fn record() -> Record {
    let mut record = Record::new(Kind::Outcome);
    record.plan_id = Some("plan-20260126-001".into());
    record.actor = Some("agent-7".into());
    record.action = Some("kubectl scale deployment/api --replicas=5".into());
    record.resource = Some("deployment/api".into());
    record.status = Some(Status::Succeeded);
    record.duration_seconds = Some(4.25);
    record
}

fn body() -> Result<Body<'static>> {
    let record = record();
    Ok(Body { json: serde_json::to_vec(&record)?.into(), note: Note::of(&record) })
}

/// As many bytes as the log writes for it.
fn line() -> Result<Vec<u8>> {
    Ok(vec![b'x'; overhead(100_000) + body()?.json.len() + 1])
}

fn options() -> FileOptions {
    FileStore::options(ORIGIN)
}

fn raw_file(path: &Path) -> Result<File> {
    Ok(OpenOptions::new().append(true).create(true).open(path)?)
}

/// Median and 99th percentile, in microseconds.
fn percentiles(times: &mut [Duration]) -> (f64, f64) {
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).map_or(0.0, |time| time.as_secs_f64() * 1e6);
    (at(50), at(99))
}

/// What it costs to make the body of a line, without secrets, from a record.
fn redaction() -> Result<()> {
    const EACH: u32 = 1_000;
    let log = "2026-01-26T10:00:00Z INFO api: GET /orders/17 200 in 4 ms, user 8812\n";
    let secret = "2026-01-26T10:00:01Z DEBUG api: connecting with password=hunter2hunter2\n";
    let mut long = record();
    long.result = Some(log.repeat(60));
    let mut secrets = record();
    secrets.result = Some(format!("{}{secret}", log.repeat(5)).repeat(10));
    let plain = record();
    let redacting = Redacting::new(Redactor::new(), FieldRules::standard(), None);
    println!("redaction, microseconds a record          p50    MB a second");
    for (name, record) in
        [("of 200 bytes", &plain), ("of 4 KB", &long), ("of 4 KB, with ten secrets", &secrets)]
    {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            for _ in 0..EACH {
                black_box(redacting.body(black_box(record))?);
            }
            times.push(start.elapsed() / EACH);
        }
        let (p50, bytes) = (percentiles(&mut times).0, serde_json::to_vec(record)?.len());
        println!("{name:<36} {p50:>9.2} {:>14.0}", bytes as f64 / p50);
    }
    println!();
    Ok(())
}

/// One thread, one record at a time, each durable.
fn latency(base: &Path) -> Result<()> {
    const EACH: usize = 40;
    let line = line()?;
    let bodies = [body()?];
    let batch: Vec<Body<'_>> = std::iter::repeat_n(body()?, 64).collect();
    let record = record();

    let raw = raw_file(&base.join("raw"))?;
    let raw_batch = raw_file(&base.join("raw-batch"))?;
    let store = options().open(base.join("log"))?;
    let exclusive = options().exclusive(true).open(base.join("log-exclusive"))?;
    let batches = options().open(base.join("log-batch"))?;
    let front = Log::over(options().open(base.join("log-front"))?)?;
    let sqlite = Connection::open(base.join("sqlite"))?;
    sqlite.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = full; create table log (line blob not null);",
    )?;
    let redb = redb::Database::create(base.join("redb"))?;
    let table = redb::TableDefinition::<u64, &[u8]>::new("log");
    let plain = Mutex::new(raw_file(&base.join("mutex"))?);

    let mut next = 0;
    let always = Condition::Always;
    let mut modes: Vec<(&str, Mode<'_>)> = vec![
        (
            "raw: write, fdatasync",
            Box::new(|| {
                (&raw).write_all(&line)?;
                Ok(raw.sync_data()?)
            }),
        ),
        (
            "guardrail, the store",
            Box::new(|| {
                store.append(&bodies, &always, Durability::Group)?;
                Ok(())
            }),
        ),
        (
            "guardrail, the store, exclusive",
            Box::new(|| {
                exclusive.append(&bodies, &always, Durability::Group)?;
                Ok(())
            }),
        ),
        (
            "guardrail, with redaction",
            Box::new(|| {
                front.append(&record)?;
                Ok(())
            }),
        ),
        (
            "SQLite, WAL, FULL",
            Box::new(|| {
                sqlite.prepare_cached("insert into log values (?1)")?.execute([&line])?;
                Ok(())
            }),
        ),
        (
            "redb",
            Box::new(|| {
                let transaction = redb.begin_write()?;
                transaction.open_table(table)?.insert(next, line.as_slice())?;
                next += 1;
                Ok(transaction.commit()?)
            }),
        ),
        (
            "mutex over write and sync",
            Box::new(|| {
                let file = plain.lock().map_err(|_| "poisoned")?;
                (&*file).write_all(&line)?;
                Ok(file.sync_data()?)
            }),
        ),
        (
            "raw: 64 lines, fdatasync",
            Box::new(|| {
                (&raw_batch).write_all(&line.repeat(64))?;
                Ok(raw_batch.sync_data()?)
            }),
        ),
        (
            "guardrail, batches of 64",
            Box::new(|| {
                batches.append(&batch, &always, Durability::Group)?;
                Ok(())
            }),
        ),
    ];
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); modes.len()];
    for round in 0..ROUNDS {
        for ((_, mode), times) in modes.iter_mut().zip(&mut times) {
            for _ in 0..EACH {
                let start = Instant::now();
                mode()?;
                if round > 0 {
                    times.push(start.elapsed());
                }
            }
        }
    }
    println!("one thread, durable, microseconds         p50       p99      mean   p50 / raw");
    let mut raw_p50 = 0.0;
    for ((name, _), times) in modes.iter().zip(&mut times) {
        let (p50, p99) = percentiles(times);
        let mean = times.iter().sum::<Duration>().as_secs_f64() * 1e6 / times.len() as f64;
        if name.starts_with("raw") {
            raw_p50 = p50;
        }
        println!("{name:<36} {p50:>9.1} {p99:>9.1} {mean:>9.1} {:>11.2}", p50 / raw_p50);
    }
    println!("(64 lines: the target is a rate of 0.9 of raw, that is a time of at most 1.11)\n");
    Ok(())
}

/// How many records a second become durable, with so many threads or processes.
fn rates(base: &Path) -> Result<()> {
    let line = line()?;
    let raw = raw_file(&base.join("raw-rate"))?;
    let store = options().open(base.join("log-rate"))?;
    let plain = Mutex::new(raw_file(&base.join("mutex-rate"))?);
    let bodies = [body()?];
    let shared = base.join("log-processes");
    options().open(&shared)?.close()?;

    let append = || Ok(store.append(&bodies, &Condition::Always, Durability::Group).map(drop)?);
    let lock_and_sync = || {
        let file = plain.lock().map_err(|_| "poisoned")?;
        (&*file).write_all(&line)?;
        Ok(file.sync_data()?)
    };
    let write_and_sync = || {
        (&raw).write_all(&line)?;
        Ok(raw.sync_data()?)
    };
    let names = [
        "raw loop, 1 thread",
        "guardrail, 1 thread",
        "guardrail, 8 threads",
        "guardrail, 64 threads",
        "mutex over write and sync, 64 threads",
        "guardrail, 8 processes",
    ];
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); names.len()];
    for _ in 0..ROUNDS / 3 {
        let round = [
            rate(1, &write_and_sync)?,
            rate(1, &append)?,
            rate(8, &append)?,
            rate(64, &append)?,
            rate(64, &lock_and_sync)?,
            processes(&shared, 8)?,
        ];
        rates.iter_mut().zip(round).for_each(|(rates, rate)| rates.push(rate));
    }
    println!("durable records a second, 1 at a time   median      best   median / raw");
    let mut raw = 0.0;
    for (name, rates) in names.iter().zip(&mut rates) {
        rates.sort_by(f64::total_cmp);
        let median = rates.get(rates.len() / 2).copied().unwrap_or_default();
        let best = rates.last().copied().unwrap_or_default();
        if raw == 0.0 {
            raw = median;
        }
        println!("{name:<36} {median:>9.0} {best:>9.0} {:>14.2}", median / raw);
    }
    println!();
    Ok(())
}

fn rate(threads: usize, work: &(impl Fn() -> Result<()> + Sync)) -> Result<f64> {
    let count = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while start.elapsed() < SLICE {
                    if work().is_err() {
                        failed.store(true, Ordering::Relaxed);
                        return;
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    if failed.load(Ordering::Relaxed) {
        return Err("an append failed".into());
    }
    Ok(count.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64())
}

/// So many processes that append to one log.
fn processes(directory: &Path, count: usize) -> Result<f64> {
    let start = |_| {
        let mut command = Command::new(std::env::current_exe()?);
        Ok(command.env(WORKER, directory).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?)
    };
    let mut children = (0..count).map(start).collect::<Result<Vec<_>>>()?;
    // All have the log open before any begins.
    std::thread::sleep(Duration::from_millis(100));
    for child in &mut children {
        drop(child.stdin.take());
    }
    let mut records = 0.0;
    for child in children {
        let output = child.wait_with_output()?;
        let text = String::from_utf8(output.stdout)?;
        records += text.trim().parse::<f64>()?;
    }
    Ok(records)
}

/// Appends for a while once its input ends, and prints how many records a second became durable.
fn worker(directory: &Path) -> Result<()> {
    let store = options().open(directory)?;
    std::io::read_to_string(std::io::stdin())?;
    let bodies = [body()?];
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < SLICE {
        store.append(&bodies, &Condition::Always, Durability::Group)?;
        count += 1;
    }
    println!("{}", f64::from(count) / start.elapsed().as_secs_f64());
    Ok(())
}

/// Appends that wait for no sync.
fn buffered(base: &Path) -> Result<()> {
    const EACH: usize = 2_000;
    let line = line()?;
    let raw = raw_file(&base.join("raw-buffered"))?;
    let shared = options().open(base.join("log-buffered"))?;
    let exclusive = options().exclusive(true).open(base.join("log-buffered-exclusive"))?;
    let bodies = [body()?];
    let append = |store: &FileStore| -> Result<()> {
        for _ in 0..EACH {
            black_box(store.append(&bodies, &Condition::Always, Durability::OsBuffered)?);
        }
        Ok(())
    };
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        let starts = [
            Instant::now(),
            {
                for _ in 0..EACH {
                    (&raw).write_all(&line)?;
                }
                Instant::now()
            },
            {
                append(&shared)?;
                Instant::now()
            },
            {
                append(&exclusive)?;
                Instant::now()
            },
        ];
        for ((times, start), end) in times.iter_mut().zip(starts).zip(starts.iter().skip(1)) {
            times.push(end.duration_since(start) / EACH as u32);
        }
    }
    println!("append without a sync, microseconds       p50");
    for (name, times) in ["raw: write", "guardrail", "guardrail, exclusive"].iter().zip(&mut times) {
        println!("{name:<36} {:>9.2}", percentiles(times).0);
    }
    println!();
    Ok(())
}

/// How long opening a log takes.
fn opening(base: &Path) -> Result<()> {
    let bodies: Vec<Body<'_>> = std::iter::repeat_n(body()?, 500).collect();
    let fill = |options: &FileOptions, directory: &Path, bytes: u64| -> Result<()> {
        let store = options.clone().open(directory)?;
        let segment = |number: u32| directory.join(format!("{number:08}.jsonl"));
        let mut written = 0;
        while written < bytes {
            store.append(&bodies, &Condition::Always, Durability::OsBuffered)?;
            written = std::fs::metadata(segment(1))?.len();
        }
        Ok(store.close()?)
    };
    let timed = |name: &str, directory: &Path, prepare: &dyn Fn() -> Result<()>| -> Result<f64> {
        let mut times = Vec::new();
        for _ in 0..7 {
            prepare()?;
            let start = Instant::now();
            let store = options().open(directory)?;
            times.push(start.elapsed());
            store.close()?;
        }
        let p50 = percentiles(&mut times).0 / 1e3;
        println!("{name:<36} {p50:>9.2}");
        Ok(p50)
    };
    let no_index = |directory: PathBuf| {
        move || -> Result<()> {
            for entry in std::fs::read_dir(&directory)? {
                let path = entry?.path();
                if path.extension().is_some_and(|ending| ending == "index") {
                    std::fs::remove_file(path)?;
                }
            }
            Ok(())
        }
    };
    println!("opening a log, milliseconds               p50");
    let big = base.join("log-64");
    fill(&options(), &big, 63 << 20)?;
    timed("64 MiB, from a checkpoint", &big, &|| Ok(()))?;
    timed("64 MiB, all of it read (warm)", &big, &no_index(big.clone()))?;

    let mut costs = Vec::new();
    // Of no plan: an open plan's records stand in the snapshot, however many segments there are.
    let bodies: Vec<Body<'_>> = std::iter::repeat_n(Body { note: Note::default(), ..body()? }, 8).collect();
    for segments in [10, 1_000] {
        let directory = base.join(format!("log-{segments}"));
        let store = options().segment_bytes(4_096).open(&directory)?;
        while !directory.join(format!("{:08}.jsonl", segments + 1)).exists() {
            store.append(&bodies, &Condition::Always, Durability::OsBuffered)?;
        }
        store.close()?;
        costs.push(timed(&format!("{segments} sealed segments"), &directory, &|| Ok(()))?);
    }
    if let [ten, thousand] = costs.as_slice() {
        println!("1,000 sealed segments / 10: {:.2}", thousand / ten);
    }

    let plans = base.join("log-plans");
    let store = options().open(&plans)?;
    for number in 0..10_000 {
        let mut record = record();
        record.plan_id = Some(format!("plan-20260126-{number:05}"));
        let body = Body { json: serde_json::to_vec(&record)?.into(), note: Note::of(&record) };
        store.append(&[body], &Condition::Always, Durability::OsBuffered)?;
    }
    store.close()?;
    timed("10,000 open plans, from a checkpoint", &plans, &|| Ok(()))?;
    timed("10,000 open plans, all of it read", &plans, &no_index(plans.clone()))?;
    Ok(())
}
