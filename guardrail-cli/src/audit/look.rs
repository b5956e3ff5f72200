//! `tail`, `query`, `replay`, `stats`: records for people, or the lines themselves for programs.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Duration;

use guardrail_audit::read::replay::Replay;
use guardrail_audit::read::stats::{Spread, Stats};
use guardrail_audit::read::tail::{Tail, Tailed};
use guardrail_audit::read::{Entry, Filter, LogFiles, Query};

use super::arguments::{QueryArguments, ReplayArguments, StatsArguments, TailArguments};
use super::{Failure, progress};
use crate::explain::colours;

/// How long to wait for more.
const PAUSE: Duration = Duration::from_millis(200);

/// Writes records as they come.
struct Printer {
    /// Draws for people; without it, lines are printed as they are.
    replay: Option<Replay>,
    drawn: String,
}

impl Printer {
    fn new(json: bool, colour: bool) -> Self {
        Self { replay: (!json).then(|| Replay::new(colour)), drawn: String::new() }
    }

    fn print(&mut self, out: &mut dyn io::Write, entry: &Entry) -> io::Result<()> {
        match &mut self.replay {
            Some(replay) => {
                self.drawn.clear();
                replay.push(&entry.recorded, &mut self.drawn);
                out.write_all(self.drawn.as_bytes())
            }
            None => {
                out.write_all(&entry.line)?;
                out.write_all(b"\n")
            }
        }
    }
}

pub(super) fn tail(task: &TailArguments) -> Result<(), Failure> {
    let log = LogFiles::open(&task.log)?;
    let filter = task.wanted.filter();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut printer = Printer::new(task.json, colours(task.color));
    let mut tail = Tail::from_end(&log, task.lines)?;
    loop {
        let news = tail.poll()?;
        let is_all = news.is_empty();
        for news in news {
            match news {
                Tailed::Entry(entry) if !filter.matches(&entry.line)? => {}
                Tailed::Entry(entry) => printer.print(&mut out, &entry)?,
                Tailed::Withdrawn { from, count } => {
                    out.flush()?;
                    writeln!(
                        io::stderr(),
                        "guardrail: the {count} records from {from} on never became durable, and were withdrawn"
                    )?;
                }
                _ => {}
            }
        }
        out.flush()?;
        match (is_all, task.follow) {
            (true, false) => return Ok(()),
            (true, true) => std::thread::sleep(PAUSE),
            // Damage behind what was given out is told the next time.
            (false, _) => {}
        }
    }
}

pub(super) fn query(task: &QueryArguments) -> Result<(), Failure> {
    let log = LogFiles::open(&task.log)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut printer = Printer::new(task.json, colours(task.color));
    let limit = usize::try_from(task.limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    for entry in Query::new(&log, task.wanted.filter())?.take(limit) {
        printer.print(&mut out, &entry?)?;
    }
    out.flush()?;
    Ok(())
}

pub(super) fn replay(task: &ReplayArguments) -> Result<(), Failure> {
    let log = LogFiles::open(&task.log)?;
    let mut filter = Filter::new();
    if let Some(session) = &task.session {
        filter = filter.session(session);
    }
    if let Some(plan) = &task.plan {
        filter = filter.plan(plan);
    }
    let drawn = Replay::draw(&log, filter, colours(task.color))?;
    if drawn.is_empty() {
        return Err(Failure::failed("no record of the log is of that session or plan"));
    }
    io::stdout().write_all(drawn.as_bytes())?;
    Ok(())
}

pub(super) fn stats(task: &StatsArguments) -> Result<(), Failure> {
    let log = LogFiles::open(&task.log)?;
    let bar = progress::bytes(log.bytes()?, "reading");
    let stats = Stats::of_watched(&log, task.wanted.filter(), |bytes| bar.set_position(bytes))?;
    bar.finish_and_clear();
    let mut out = io::stdout().lock();
    if task.json {
        serde_json::to_writer(&mut out, &stats)?;
        writeln!(out)?;
    } else {
        out.write_all(drawn(&stats).as_bytes())?;
    }
    Ok(())
}

fn drawn(stats: &Stats) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write!(out, "{} records, {} bytes", stats.records, stats.bytes);
    if let (Some(from), Some(until)) = (stats.from, stats.until) {
        let _ = write!(out, ", {} to {}", from.format("%F %T"), until.format("%F %T"));
    }
    out.push('\n');
    for (title, table) in [
        ("decisions by risk", &stats.decisions),
        ("decisions by rule", &stats.rules),
        ("votes", &stats.approvers),
    ] {
        if table.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{title}");
        for (name, counts) in table {
            let counts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
            let _ = writeln!(out, "  {:<16} {}", guardrail::redact::visible(name), counts.join(", "));
        }
    }
    for (title, counts) in
        [("records", &stats.kinds), ("outcomes", &stats.outcomes), ("failures by tool", &stats.failures)]
    {
        if counts.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{title}");
        for (name, count) in counts {
            let _ = writeln!(out, "  {:<16} {count}", guardrail::redact::visible(name));
        }
    }
    out.push('\n');
    for (title, spread, open, what) in [
        ("approval", &stats.approval_seconds, stats.unanswered, "unanswered"),
        ("steps", &stats.step_seconds, stats.unfinished, "without an outcome"),
    ] {
        let Spread { count, p50, p90, p99, max } = spread;
        if *count > 0 {
            let _ = write!(
                out,
                "{title}: {count}; seconds: p50 {p50:.3}, p90 {p90:.3}, p99 {p99:.3}, max {max:.3}"
            );
        } else {
            let _ = write!(out, "{title}: none");
        }
        let _ = if open > 0 { writeln!(out, "; {open} {what}") } else { writeln!(out) };
    }
    if stats.redacted > 0 {
        let _ = writeln!(out, "secrets taken out: {}", stats.redacted);
    }
    out
}
