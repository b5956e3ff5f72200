//! `guardrail plan answer` and `plan key`: a reviewer's side of a directory of questions.

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use ed25519_dalek::SigningKey;
use guardrail::redact::visible;
use guardrail_approve::{drop_answer, hex, read_questions, sign_answer, understand};
use guardrail_core::plan::Question;

use super::arguments::Answer;

/// Lists the questions, or answers one of them, and returns the exit status.
pub(super) fn run(task: &Answer) -> io::Result<u8> {
    let named = |error: io::Error| io::Error::other(format!("{}: {error}", task.directory.display()));
    let questions = read_questions(&task.directory).map_err(named)?;
    let (Some(key), Some(shown)) = (&task.key, &task.shown) else { return list(&questions) };
    let words = task.answer.join(" ");
    let say = understand(&words).ok_or_else(|| {
        let why = "say yes, no, explain step 2, use 5 replicas, show or stop";
        io::Error::other(format!("`{}` is no answer: {why}", visible(&words)))
    })?;
    // What was read is named by the digest of its text, so that the answer is to that and no other.
    let mut seen = questions.iter().filter(|question| question.shown.to_string().starts_with(shown.as_str()));
    let (Some(question), None) = (seen.next(), seen.next()) else {
        return Err(io::Error::other(format!(
            "`{}` names no question, or several: `guardrail plan answer DIR` lists them",
            visible(shown)
        )));
    };
    let key = read_key(key)?;
    let (file, bytes) = sign_answer(question, say, &key, chrono::Utc::now()).map_err(io::Error::other)?;
    drop_answer(&task.directory, &file, &bytes).map_err(named)?;
    writeln!(io::stdout(), "answered: {}", visible(&question.title))?;
    Ok(0)
}

fn list(questions: &[Question]) -> io::Result<u8> {
    let mut out = io::stdout().lock();
    for question in questions {
        // The text has nothing invisible in it; it was drawn for people.
        writeln!(out, "{}", question.text)?;
        writeln!(out, "until {}: --shown {}\n", question.answer_by.format("%F %T UTC"), question.shown)?;
    }
    if questions.is_empty() {
        writeln!(out, "nothing is asked here")?;
    }
    Ok(0)
}

/// Makes a reviewer's key, and prints its public half for the list of reviewers.
pub(super) fn generate(path: &Path) -> io::Result<u8> {
    let mut secret = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut secret)?;
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).map_err(named)?;
    writeln!(file, "{}", hex::encode(&secret)).and_then(|()| file.sync_all()).map_err(named)?;
    writeln!(io::stdout(), "{}", hex::encode(SigningKey::from_bytes(&secret).verifying_key().as_bytes()))?;
    Ok(0)
}

fn read_key(path: &Path) -> io::Result<SigningKey> {
    let wrong = |why: &dyn std::fmt::Display| io::Error::other(format!("{}: {why}", path.display()));
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| wrong(&error))?;
    file.take(1024).read_to_string(&mut text).map_err(|error| wrong(&error))?;
    let secret = hex::decode(text.trim());
    let wanted = || wrong(&"this is no key of a reviewer: `guardrail plan key` makes one");
    Ok(SigningKey::from_bytes(&secret.ok_or_else(wanted)?))
}
