//! What a person or a program sees while a plan is driven.

use std::io::{self, Write as _};
use std::sync::Mutex;

use guardrail::Risk;
use guardrail::redact::visible;
use guardrail_core::plan::{Ended, Part, Revision, Slot, State};
use guardrail_exec::{Fate, News, Observer, Report};
use serde_json::{Value, json};

/// Draws what happens on standard output.
pub(super) struct Screen {
    pub(super) json: bool,
    pub(super) verbose: bool,
    pub(super) colours: bool,
    /// Whether the last output was a whole line.
    pub(super) line: Mutex<bool>,
}

impl Screen {
    pub(super) const fn new(json: bool, verbose: bool, colours: bool) -> Self {
        Self { json, verbose, colours, line: Mutex::new(true) }
    }

    /// A line; that nobody reads it any more is no reason to stop a plan.
    fn put(&self, text: &str) {
        let mut whole = self.line.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let gap = if *whole { "" } else { "\n" };
        *whole = true;
        let _ = writeln!(io::stdout().lock(), "{gap}{text}");
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn risk(&self, risk: Risk) -> String {
        let code = match risk {
            Risk::Low => "32",
            Risk::Medium => "33",
            Risk::High => "31",
            Risk::Critical => "1;31",
        };
        self.paint(code, risk.as_str())
    }

    /// A plan: its steps with their risks and what undoes them.
    pub(super) fn plan(&self, revision: &Revision) {
        let shown = |text: &str| visible(text).into_owned();
        let (id, title) = (revision.id().to_string(), shown(&revision.plan().title));
        let number =
            if revision.number() > 1 { format!(", revision {}", revision.number()) } else { String::new() };
        self.put(&format!("{}{number}  {title}  {}", self.paint("1", &id), self.risk(revision.risk())));
        for (number, step) in (1..).zip(&revision.plan().steps) {
            let Some(prepared) = revision.command(Slot::action(number)) else { continue };
            let risk = prepared.evaluation.risk;
            let gap = " ".repeat(8_usize.saturating_sub(risk.as_str().len()));
            self.put(&format!("  {number:>2}  {}{gap}  {}", self.risk(risk), shown(&step.title)));
            for line in prepared.command.typed().lines() {
                self.put(&format!("                {}", self.paint("2", &shown(line))));
            }
            if let Some(reason) = &step.irreversible {
                self.put(&format!("                cannot be undone: {}", shown(reason)));
            }
        }
        let need = revision.need();
        let people =
            if need.people > 0 { format!(", {} of them people", need.people) } else { String::new() };
        self.put(&match need.approvers {
            0 => "  needs nobody's yes".to_owned(),
            1 => format!("  needs one yes{}", if need.people > 0 { " of a person" } else { "" }),
            many => format!("  needs {many} to say yes{people}"),
        });
    }

    /// A sentence that belongs to no command.
    pub(super) fn say(&self, text: &str) {
        self.saw(&News::Said(text));
    }

    /// Where a plan has come to rest.
    pub(super) fn report(&self, report: &Report) {
        if self.json {
            self.put(&json!({ "event": "report", "report": report }).to_string());
            return;
        }
        let good = report.state == State::Succeeded;
        let state = self.paint(if good { "1;32" } else { "1;33" }, &report.state.to_string());
        self.put(&format!("{} is {state}", report.plan));
        if !good {
            for step in &report.steps {
                let mark = match step.fate {
                    Fate::Done => self.paint("32", "✓"),
                    Fate::Failed | Fate::NotUndone => self.paint("31", "✗"),
                    Fate::Undone => self.paint("33", "↶"),
                    Fate::InDoubt | Fate::Stopped | Fate::UnderWay => self.paint("33", "?"),
                    Fate::NotBegun => "·".to_owned(),
                };
                self.put(&format!("  {mark} step {}: {}  {}", step.step, visible(&step.title), step.fate));
            }
        }
        for (who, wish) in &report.wishes {
            self.put(&format!("  {} asks for: {}", visible(who), visible(wish)));
        }
        for left in &report.left {
            self.put(&format!("  left behind: {}", visible(left)));
        }
        if let Some(by) = &report.blocked_by {
            self.put(&format!("  {}", visible(by)));
        }
        if let Some(wants) = &report.wants {
            self.put(&format!("  {wants}"));
        }
    }

    fn ended(&self, slot: Slot, title: &str, failures: &[String], seconds: f64) {
        // What only repeats the step's own name needs no line of its own.
        let indent = if matches!(slot.part, Part::Action | Part::Rollback) { "  " } else { "      " };
        let good = failures.is_empty();
        let mark = if good { self.paint("32", "✓") } else { self.paint("31", "✗") };
        let name = match slot.part {
            Part::Action => format!("{slot}: "),
            Part::Rollback => format!("{slot}: "),
            part => format!("{}: ", part.as_str()),
        };
        let time = self.paint("2", &format!("{seconds:.1} s"));
        self.put(&format!("{indent}{mark} {name}{}  {time}", visible(title)));
        for failure in failures {
            self.put(&format!("{indent}    {}", visible(failure)));
        }
    }

    fn event(news: &News<'_>) -> Option<Value> {
        Some(match news {
            News::Proposed(revision) => json!({
                "event": "proposed", "plan": revision.id().to_string(), "revision": revision.number(),
                "digest": revision.digest(), "risk": revision.risk(), "need": revision.need(),
            }),
            News::Asking(question) => json!({
                "event": "asking", "question": question.id, "shown": question.shown,
                "complete": question.complete, "answer_by": question.answer_by,
            }),
            News::Reached(state) => json!({ "event": "state", "state": state }),
            News::Waiting(what) => json!({ "event": "waiting", "for": what }),
            News::Started { slot, title } => json!({ "event": "started", "slot": slot, "title": title }),
            News::Output { slot, stream, bytes } => json!({
                "event": "output", "slot": slot, "stream": stream, "text": String::from_utf8_lossy(bytes),
            }),
            News::Ended { slot, title, ended, failures, seconds } => json!({
                "event": "ended", "slot": slot, "title": title, "ended": ended, "failures": failures,
                "seconds": seconds,
            }),
            News::Said(text) => json!({ "event": "said", "text": text }),
            _ => return None,
        })
    }
}

impl Observer for Screen {
    fn saw(&self, news: &News<'_>) {
        if self.json {
            let quiet = matches!(news, News::Output { .. }) && !self.verbose;
            if let Some(event) = Self::event(news).filter(|_| !quiet) {
                self.put(&event.to_string());
            }
            return;
        }
        match news {
            News::Proposed(revision) => self.plan(revision),
            News::Asking(_) => self.put("  asking for approval ..."),
            News::Reached(State::Approved) => self.put("  approved"),
            News::Reached(State::RollingBack) => self.put("  undoing what was done"),
            News::Waiting(what) => self.put(&format!("  waiting: {}", visible(what))),
            News::Ended { slot, title, ended, failures, seconds } => {
                if matches!(ended, Ended::NotStarted(_)) && failures.is_empty() {
                    return;
                }
                self.ended(*slot, title, failures, *seconds);
            }
            News::Output { bytes, .. } if self.verbose => {
                let mut whole = self.line.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                // What a command puts out may hold anything; only ends of lines are let through.
                let text = String::from_utf8_lossy(bytes);
                let mut out = io::stdout().lock();
                for line in text.split_inclusive('\n') {
                    let gap = if *whole { "      | " } else { "" };
                    *whole = line.ends_with('\n');
                    let end = if *whole { "\n" } else { "" };
                    let _ = write!(out, "{gap}{}{end}", visible(line.trim_end_matches('\n')));
                }
            }
            News::Said(text) => {
                for line in text.lines() {
                    self.put(&format!("  {}", visible(line)));
                }
            }
            _ => {}
        }
    }
}
