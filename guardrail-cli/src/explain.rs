//! `guardrail explain`: one command, drawn for a person.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::mem::ManuallyDrop;

use clap::error::ErrorKind;
use guardrail::plan::Command;
use guardrail::{Action, Evaluation, Guard, Request, Risk, Style};

use crate::arguments::{Color, Explain, wrong_usage};
use crate::lines::LONGEST;
use crate::policy;
use crate::recording::Recording;
use crate::verdict::Verdict;

/// Draws the evaluation and returns the exit status.
pub(crate) fn run(task: &Explain) -> io::Result<u8> {
    let mut request = request(task)?;
    for attached in &task.attach {
        request = attach(request, attached)?;
    }
    task.known.complete(&mut request, task.known.finder().as_ref());
    // The program is about to end, and the system frees all of it at once.
    let Some(guard) = policy::guard(&task.layers)? else { return Ok(policy::REFUSED) };
    let guard = ManuallyDrop::new(guard);
    let evaluation = guard.evaluate(&request);
    if let Some(log) = &task.log {
        Recording::open(log, task.log_key.as_deref())?.keep(&request, &evaluation)?;
    }

    let status = if task.exit_code { Verdict::from(&evaluation.decision).status() } else { 0 };
    match print(task, &guard, &request, &evaluation) {
        // Whoever read the output has seen enough; the decision is what it is.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(status),
        printed => printed.map(|()| status),
    }
}

fn print(task: &Explain, guard: &Guard, request: &Request, evaluation: &Evaluation) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    if task.json {
        serde_json::to_writer_pretty(&mut out, evaluation)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", evaluation.draw(style(task.color)))?;
        let ways = ways(guard, request, evaluation);
        if !ways.is_empty() {
            writeln!(out, "\nway back:")?;
        }
        for (what, text) in ways {
            writeln!(out, "  {what:<12}  {text}")?;
        }
    }
    out.flush()
}

/// How it is rehearsed and taken back, where it is one command that does something and this is known.
fn ways(guard: &Guard, request: &Request, evaluation: &Evaluation) -> Vec<(&'static str, String)> {
    let first = evaluation.invocations.first();
    let words: Option<Vec<String>> =
        first.and_then(|first| first.argv.iter().map(|word| Some(word.as_deref()?.to_owned())).collect());
    let Some(words) = words.filter(|_| evaluation.risk > Risk::Low) else { return Vec::new() };
    let alone = Request { action: Action::Argv(words.clone()), ..request.clone() };
    let judged = guard.evaluate(&alone);
    let same = judged.invocations.len() == evaluation.invocations.len()
        && judged.effects.len() == evaluation.effects.len();
    if !same {
        return Vec::new();
    }
    let derived = guard.derive(&Command::argv(words), &alone);
    let mut ways = Vec::new();
    ways.extend(derived.dry_run.as_ref().map(|command| ("rehearse", command.typed())));
    ways.extend(derived.state.as_ref().map(|command| ("state before", command.typed())));
    ways.extend(derived.backup.as_ref().map(|command| ("keep first", command.typed())));
    for command in derived.rollback.iter().flat_map(|rollback| &rollback.commands) {
        ways.push(("take back", command.typed()));
    }
    // What a person can do says more than that no command does it.
    let told = derived.by_hand.map(|text| ("by hand", text));
    ways.extend(told.or(derived.irreversible.map(|text| ("irreversible", text))));
    ways
}

fn request(task: &Explain) -> io::Result<Request> {
    match task.words.as_slice() {
        words if task.argv => Ok(Request::argv(words)),
        [word] if word == "-" => Ok(Request::shell(standard_input()?)),
        [text] => Ok(Request::shell(text)),
        _ => wrong_usage(
            ErrorKind::TooManyValues,
            "the command is more than one word: quote it, or use `--argv -- WORD...` for an argument vector",
        ),
    }
}

/// The request with the content of a file, as `[NAME=]FILE` says.
fn attach(request: Request, attached: &str) -> io::Result<Request> {
    let (name, file) = attached.split_once('=').unwrap_or((attached, attached));
    let mut content = Vec::new();
    let told = |error: io::Error| io::Error::new(error.kind(), format!("{file}: {error}"));
    let opened = std::fs::File::open(file).map_err(told)?;
    if opened.take(LONGEST as u64 + 1).read_to_end(&mut content).map_err(told)? > LONGEST {
        return Err(io::Error::other(format!("{file} has more than {LONGEST} bytes")));
    }
    Ok(request.attachment(name, &content))
}

fn standard_input() -> io::Result<String> {
    let mut text = String::new();
    let read = io::stdin().lock().take(LONGEST as u64 + 1).read_to_string(&mut text)?;
    if read > LONGEST {
        return Err(io::Error::other(format!("the command has more than {LONGEST} bytes")));
    }
    Ok(text)
}

fn style(color: Color) -> Style {
    if colours(color) { Style::Colour } else { Style::Plain }
}

/// Whether standard output is to be coloured.
pub(crate) fn colours(color: Color) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            io::stdout().is_terminal()
                && !set("NO_COLOR")
                && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        }
    }
}
