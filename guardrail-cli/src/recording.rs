//! `--log`: each evaluation is in the audit log before it is answered.

use std::io;
use std::path::Path;
use std::sync::Arc;

use guardrail::redact::{Redactor, visible};
use guardrail::{Evaluation, Request};
use guardrail_audit::note::{NoteSigner, Verifier};
use guardrail_audit::read::LogFiles;
use guardrail_audit::{FieldRules, FileStore, Log, Redacting, TagKey};
use guardrail_core::record::Record;

/// The name of a log that is made here without a key. Whoever wants another one makes the log themselves.
const ORIGIN: &str = "localhost/guardrail";

/// An open log.
pub(crate) struct Recording(Log);

impl Recording {
    /// Opens the log of a directory, or makes one, which has the name of the key if there is one.
    ///
    /// A log that is there has to have that key, or none where none is given: a checkpoint that the
    /// log's own key did not sign is damage to whoever verifies it.
    pub(crate) fn open(directory: &Path, key: Option<&Path>) -> io::Result<Self> {
        let signer = key.map(NoteSigner::load).transpose().map_err(io::Error::other)?;
        let verifier = signer.as_ref().map(NoteSigner::verifier);
        let origin = match LogFiles::open(directory) {
            Ok(log) => {
                let keys = log.keys().map_err(io::Error::other)?;
                let named = keys.last().map(|(_, key)| key.as_str());
                if named != verifier.map(ToString::to_string).as_deref() {
                    let named = named.map_or_else(|| "no key".into(), |key| visible(key).into_owned());
                    return Err(io::Error::other(format!(
                        "{}: this log is signed by {named}: give the same with --log-key",
                        directory.display()
                    )));
                }
                log.identity().map_err(io::Error::other)?.origin
            }
            Err(_) => verifier.map_or(ORIGIN, Verifier::name).to_owned(),
        };
        let mut options = FileStore::options(&origin);
        if let Some(signer) = signer {
            options = options.sign(signer);
        }
        let store = options.open(directory).map_err(io::Error::other)?;
        let key = TagKey::open_or_create(&directory.join("tag.key"))?;
        let redacting = Redacting::new(Redactor::new(), FieldRules::standard(), Some(key));
        Log::with(Arc::new(store), redacting).map(Self).map_err(io::Error::other)
    }

    /// The log itself.
    pub(crate) fn into_log(self) -> Log {
        self.0
    }

    /// Records something else; durable when it returns.
    pub(crate) fn note(&self, record: &Record) -> io::Result<()> {
        self.0.append(record).map_err(io::Error::other)?;
        Ok(())
    }

    /// Records an evaluation; durable when it returns.
    pub(crate) fn keep(&self, request: &Request, evaluation: &Evaluation) -> io::Result<()> {
        self.0.append(&Record::evaluation(request, evaluation)).map_err(io::Error::other)?;
        Ok(())
    }
}
