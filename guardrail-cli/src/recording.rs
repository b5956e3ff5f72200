//! `--log`: each evaluation is in the audit log before it is answered.

use std::io;
use std::path::Path;
use std::sync::Arc;

use guardrail::redact::Redactor;
use guardrail::{Evaluation, Request};
use guardrail_audit::read::LogFiles;
use guardrail_audit::{FieldRules, FileStore, Log, Redacting, TagKey};
use guardrail_core::record::Record;

/// The name of a log that is made here. Whoever wants another one makes the log themselves.
const ORIGIN: &str = "localhost/guardrail";

/// An open log.
pub(crate) struct Recording(Log);

impl Recording {
    /// Opens the log of a directory, or makes one.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let origin = match LogFiles::open(directory) {
            Ok(log) => log.identity().map_err(io::Error::other)?.origin,
            Err(_) => ORIGIN.to_owned(),
        };
        let store = FileStore::options(&origin).open(directory).map_err(io::Error::other)?;
        let key = TagKey::open_or_create(&directory.join("tag.key"))?;
        let redacting = Redacting::new(Redactor::new(), FieldRules::standard(), Some(key));
        Log::with(Arc::new(store), redacting).map(Self).map_err(io::Error::other)
    }

    /// Records an evaluation; durable when it returns.
    pub(crate) fn keep(&self, request: &Request, evaluation: &Evaluation) -> io::Result<()> {
        self.0.append(&Record::evaluation(request, evaluation)).map_err(io::Error::other)?;
        Ok(())
    }
}
