//! `export`, `check-export`, `backup`, `restore`: what leaves a log, and comes back.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use guardrail_audit::read::LogFiles;
use guardrail_audit::read::backup::{self, BackupError, Copied};
use guardrail_audit::read::export::{self, Manifest};
use serde_json::json;

use super::arguments::{CheckExportArguments, CopyArguments, ExportArguments, Format};
use super::{Failure, progress, proof};

pub(super) fn export(task: &ExportArguments) -> Result<(), Failure> {
    let log = LogFiles::open(&task.log)?;
    let filter = task.wanted.filter();
    let manifest = manifest_of(&task.out);
    let mut out = BufWriter::new(create(&task.out)?);
    let written = match task.format {
        Format::Jsonl => {
            let bar = progress::bytes(log.bytes()?, "exporting");
            let identity = log.identity()?;
            let identity = Some((identity.log, identity.origin.as_str()));
            let watch = |bytes| bar.set_position(bytes);
            export::json_lines(&log, filter, identity, &mut out, watch).map_err(Failure::from).and_then(
                |made| {
                    bar.finish_and_clear();
                    let mut file = create(&manifest)?;
                    serde_json::to_writer_pretty(&mut file, &made)?;
                    writeln!(file)?;
                    file.sync_all()?;
                    Ok((made.records, Some(made)))
                },
            )
        }
        Format::Csv => {
            export::csv(&log, filter, &mut out, |_| {}).map_err(Failure::from).map(|records| (records, None))
        }
    };
    let written = written.and_then(|written| {
        out.flush()?;
        out.get_ref().sync_all()?;
        Ok(written)
    });
    if written.is_err() {
        // It is not whole, and this run made it.
        let _ = std::fs::remove_file(&task.out);
    }
    let (records, made) = written?;
    let mut stdout = io::stdout();
    if task.json {
        writeln!(stdout, "{}", json!({"records": records, "file": task.out, "manifest": made}))?;
        return Ok(());
    }
    writeln!(stdout, "{records} records in {}", task.out.display())?;
    if let Some(made) = made {
        let proved = match made.proof {
            Some(_) => "proved by a signed checkpoint",
            None => "no signed checkpoint stands behind them, so that only this manifest vouches for them",
        };
        writeln!(stdout, "records {} to {}, {proved}: {}", made.first, made.last, manifest.display())?;
    }
    Ok(())
}

pub(super) fn check_export(task: &CheckExportArguments) -> Result<(), Failure> {
    let manifest = manifest_of(&task.file);
    let text = std::fs::read_to_string(&manifest).map_err(|error| named(&manifest, &error))?;
    let made: Manifest = serde_json::from_str(&text)
        .map_err(|error| Failure::failed(format!("{}: {error}", manifest.display())))?;
    let trusted = proof::trusted(&task.key)?;
    let file = File::open(&task.file).map_err(|error| named(&task.file, &error))?;
    let verified = export::verify(&mut BufReader::new(file), &made, &trusted)?;
    if !trusted.is_empty() && verified.checkpoint.is_none() {
        return Err(Failure::No(
            "the lines fit their manifest, which has no proof by a signed checkpoint".into(),
        ));
    }
    let size = verified.checkpoint.map(|checkpoint| checkpoint.size);
    let mut stdout = io::stdout();
    if task.json {
        let (first, last) = (made.first, made.last);
        let answer = json!({"records": verified.records, "first": first, "last": last, "signed_size": size});
        writeln!(stdout, "{answer}")?;
    } else {
        let by = match size {
            Some(size) => format!(
                "are in the log of {} whose first {size} records were signed",
                made.origin.unwrap_or_default()
            ),
            None => "fit their manifest; give --key to check who vouches for it".to_owned(),
        };
        writeln!(stdout, "good: records {} to {} {by}", made.first, made.last)?;
    }
    Ok(())
}

pub(super) fn backup(task: &CopyArguments) -> Result<(), Failure> {
    copied(task, "backing up", |watch| backup::backup(&task.from, &task.to, watch))
}

pub(super) fn restore(task: &CopyArguments) -> Result<(), Failure> {
    copied(task, "restoring", |watch| backup::restore(&task.from, &task.to, watch))
}

fn copied(
    task: &CopyArguments,
    what: &'static str,
    copy: impl FnOnce(&dyn Fn(u64)) -> Result<Copied, BackupError>,
) -> Result<(), Failure> {
    let bar = progress::bytes(LogFiles::open(&task.from)?.bytes()?, what);
    let copied = copy(&|bytes| bar.set_position(bytes))?;
    bar.finish_and_clear();
    let mut stdout = io::stdout();
    if task.json {
        serde_json::to_writer(&mut stdout, &copied)?;
        writeln!(stdout)?;
    } else {
        let Copied { records, segments, files, first, last, head, .. } = copied;
        writeln!(
            stdout,
            "{records} records ({first} to {last}) in {segments} segments and {files} other files, all read back: {}\nhead {head}",
            task.to.display()
        )?;
    }
    Ok(())
}

fn manifest_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".manifest.json");
    name.into()
}

/// A new file, which holds what an agent did: for its owner alone.
fn create(path: &Path) -> Result<File, Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|error| named(path, &error))
}

fn named(path: &Path, error: &io::Error) -> Failure {
    Failure::Failed(io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}
