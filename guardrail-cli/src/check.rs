//! `guardrail check`: a JSON line for every line of standard input, each as soon as it is read,
//! so that a program can keep it running beside itself and ask as it goes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::mem::ManuallyDrop;

use guardrail::{Evaluation, Facts, Guard, Request, record};
use guardrail_core::quota::{QuotaRefusal, Quotas as _};
use guardrail_exec::block_on;
use guardrail_host::quotas::FileQuotas;
use serde::Deserialize;
use serde_json::Value;

use crate::answer::{Answer, Answerer};
use crate::arguments::Check;
use crate::lines::{LONGEST, Line, Lines};
use crate::policy;
use crate::recording::Recording;
use crate::verdict::Verdict;

/// Answers all of standard input and returns the exit status.
pub(crate) fn run(task: &Check) -> io::Result<u8> {
    // Freed with the program, all at once.
    let Some(guard) = policy::guard(&task.layers)? else { return Ok(policy::REFUSED) };
    let guard = ManuallyDrop::new(guard);
    policy::shadow(&guard, &task.shadow, &task.layers);
    let finder = task.known.finder();
    let answerer = Answerer::default();
    let recording =
        task.log.as_deref().map(|log| Recording::open(log, task.log_key.as_deref())).transpose()?;
    let quotas = task.counting.open(None)?;
    let mut lines = Lines::new(io::stdin().lock(), LONGEST);
    let mut out = io::stdout().lock();
    let mut strictest = Verdict::Allow;
    let mut written = Vec::new();

    while let Some(line) = lines.next()? {
        let (id, request) = match line {
            Line::Whole(line) if task.batch => batched(line),
            Line::Whole(line) => (None, plain(line)),
            Line::TooLong => (None, Err(format!("the line has more than {LONGEST} bytes").into())),
        };
        let (verdict, answer) = match request {
            Ok(mut request) => {
                task.known.complete(&mut request, finder.as_ref());
                let evaluation = guard.evaluate(&request);
                if let Some(recording) = &recording {
                    recording.keep(&request, &evaluation)?;
                }
                match quotas.as_ref().and_then(|quotas| refusal(quotas, &guard, &request, &evaluation)) {
                    None => (Verdict::from(&evaluation.decision), answerer.answer(id, evaluation)),
                    Some(refusal) => {
                        if let Some(recording) = &recording {
                            recording.note(&refusal.record(&request, &evaluation))?;
                        }
                        (Verdict::Deny, answerer.refused(id, evaluation, &refusal))
                    }
                }
            }
            Err(error) => (Verdict::Deny, Answer::error(id, error)),
        };
        strictest = strictest.max(verdict);

        written.clear();
        serde_json::to_writer(&mut written, &answer)?;
        written.push(b'\n');
        match out.write_all(&written).and_then(|()| out.flush()) {
            Ok(()) => {}
            // What nobody heard was not allowed.
            Err(error) if task.exit_code && error.kind() == io::ErrorKind::BrokenPipe => {
                return Ok(Verdict::Deny.status());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(if task.exit_code { strictest.status() } else { 0 })
}

/// Counts a request and its answer; why it is refused all the same.
fn refusal(
    quotas: &FileQuotas,
    guard: &Guard,
    request: &Request,
    evaluation: &Evaluation,
) -> Option<QuotaRefusal> {
    let usage = guard.usage(request);
    let asked = record::Verdict::from(&evaluation.decision);
    let counted = block_on(async {
        quotas.called(&usage, &asked).await?;
        // Whoever asked begins it now; nobody tells when it ends.
        if asked == record::Verdict::Allow { quotas.admit(&usage).await.map(drop) } else { Ok(()) }
    });
    counted.err()
}

/// Why a line is no request.
type NoRequest = Cow<'static, str>;

fn plain(line: &[u8]) -> Result<Request, NoRequest> {
    let text = std::str::from_utf8(line).map_err(|error| NoRequest::from(error.to_string()))?;
    Ok(Request::shell(text))
}

/// A line of a batch. Fields it does not name are ignored: callers pass on records as they are.
#[derive(Debug, Deserialize)]
struct Batched {
    #[serde(default)]
    command: Option<String>,
    #[serde(default)]
    argv: Option<Vec<String>>,
    #[serde(default)]
    call: Option<Call>,
    #[serde(default)]
    cwd: Option<String>,
    #[serde(default)]
    facts: Option<Facts>,
    #[serde(default)]
    actor: Option<String>,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    session: Option<String>,
    #[serde(default)]
    skill: Option<String>,
    #[serde(default)]
    attachments: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "present")]
    id: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    name: String,
    #[serde(default)]
    arguments: Value,
}

/// `null` is an id like any other.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn batched(line: &[u8]) -> (Option<Value>, Result<Request, NoRequest>) {
    let batched: Batched = match serde_json::from_slice(line) {
        Ok(batched) => batched,
        Err(error) => return (id_of(line), Err(error.to_string().into())),
    };
    let Batched { command, argv, call, cwd, facts, actor, channel, session, skill, attachments, id } =
        batched;
    let request = match (argv, call, command) {
        (Some(_), Some(_), _) | (_, Some(_), Some(_)) => {
            return (id, Err("a call stands alone, without `command` and `argv`".into()));
        }
        (Some(argv), None, _) => Request::argv(argv),
        (None, Some(Call { name, arguments }), None) => Request::call(name, arguments),
        (None, None, Some(command)) => Request::shell(command),
        (None, None, None) => return (id, Err("missing `command`, `argv` or `call`".into())),
    };
    let request =
        Request { actor, channel, session, skill, attachments, ..request.facts(facts.unwrap_or_default()) };
    (
        id,
        Ok(match cwd {
            Some(cwd) => request.cwd(cwd),
            None => request,
        }),
    )
}

/// The id of a line that is JSON, but no request.
fn id_of(line: &[u8]) -> Option<Value> {
    let value: Value = serde_json::from_slice(line).ok()?;
    value.get("id").cloned()
}
