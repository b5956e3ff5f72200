//! `prove`, `check-proof`, `keys`: who vouches for what is in a log.

use std::io::{self, Write as _};
use std::path::Path;

use guardrail_audit::StoreError;
use guardrail_audit::note::{NoteSigner, Verifier};
use guardrail_audit::proof::LineProof;
use guardrail_audit::read::{LineSource as _, LogFiles, export};
use serde_json::json;

use super::Failure;
use super::arguments::{CheckProofArguments, KeysTask, ProveArguments};

pub(super) fn prove(task: &ProveArguments) -> Result<(), Failure> {
    let log = LogFiles::open(&task.log)?;
    let line = match log.lines(task.sequence).and_then(|mut lines| lines.next().transpose()) {
        // What was pruned is proved by its hash.
        Err(StoreError::Pruned { .. }) if !task.with_line => None,
        line => line?.map_or_else(
            || Err(Failure::failed(format!("the log has no record {}", task.sequence))),
            |line| Ok(Some(line)),
        )?,
    };
    let Some(mut proof) = export::prove(&log, task.sequence)? else {
        return Err(Failure::failed(format!(
            "no signed checkpoint stands behind record {}, or the hashes of what was pruned are not in tree/",
            task.sequence
        )));
    };
    if task.with_line {
        proof.line = line;
    }
    write!(io::stdout(), "{proof}")?;
    Ok(())
}

pub(super) fn check(task: &CheckProofArguments) -> Result<(), Failure> {
    let proof: LineProof = read(&task.proof)?
        .parse()
        .map_err(|error| Failure::No(format!("{}: {error}", task.proof.display())))?;
    let trusted = trusted(&task.key)?;
    let origin = task.origin.as_deref().or(trusted.first().map(Verifier::name)).unwrap_or_default();
    let line = task.line.as_deref().map(read).transpose()?;
    let line = line.as_deref().map(|line| line.strip_suffix('\n').unwrap_or(line).as_bytes());
    let checkpoint = proof.verify(line, origin, &trusted).map_err(|error| Failure::No(error.to_string()))?;
    let mut stdout = io::stdout();
    if task.json {
        let (index, size, root) = (proof.index, checkpoint.size, checkpoint.root);
        writeln!(stdout, "{}", json!({"index": index, "origin": origin, "size": size, "root": root}))?;
    } else {
        writeln!(
            stdout,
            "good: it is record {} of {origin}, whose first {} records were signed",
            proof.index, checkpoint.size
        )?;
    }
    Ok(())
}

pub(super) fn keys(task: &KeysTask) -> Result<(), Failure> {
    let mut stdout = io::stdout();
    match task {
        KeysTask::Generate { name, out } => {
            let signer = NoteSigner::generate(name).map_err(Failure::failed)?;
            signer.save(out).map_err(Failure::failed)?;
            writeln!(stdout, "{}", signer.verifier())?;
        }
        KeysTask::Public { file } => {
            writeln!(stdout, "{}", NoteSigner::load(file).map_err(Failure::failed)?.verifier())?;
        }
        KeysTask::List { log, json } => {
            let keys = LogFiles::open(log)?.keys()?;
            if *json {
                let keys: Vec<_> =
                    keys.iter().map(|(segment, key)| json!({"from_segment": segment, "key": key})).collect();
                writeln!(stdout, "{}", json!(keys))?;
            } else {
                for (segment, key) in keys {
                    let key = guardrail::redact::visible(&key).into_owned();
                    writeln!(stdout, "from segment {segment}: {key}")?;
                }
            }
        }
    }
    Ok(())
}

/// The keys that the caller trusts.
pub(super) fn trusted(keys: &[String]) -> Result<Vec<Verifier>, Failure> {
    keys.iter()
        .map(|key| key.parse().map_err(|error| Failure::failed(format!("--key {key}: {error}"))))
        .collect()
}

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())).into())
}
