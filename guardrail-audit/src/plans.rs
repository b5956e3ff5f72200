//! Whole plans beside the log: one file each, named after the digest that the log has of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use async_trait::async_trait;
use guardrail_core::record::{DocumentDigest, PlanStore, Record, RecordError, Timestamp};
use guardrail_core::redact::{Kind as SecretKind, Redactor};

use crate::clock;
use crate::hash::Hash;
use crate::line;
use crate::store::{Store, StoreError};

const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();

/// The most bytes a document may have.
pub const MAX_DOCUMENT: usize = 16 << 20;

/// Keeps plans as files in a directory, `0600` in `0700`, under the digests of their contents.
///
/// A document is durable when [`put`](Self::put) returns, is never changed, and is compared with
/// its digest whenever it is read. One that holds secrets is refused: plans name secrets by
/// reference, and a digest could not be redacted afterwards.
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// use guardrail_audit::PlanFiles;
/// use guardrail_core::redact::Redactor;
///
/// let plans = PlanFiles::open(&directory.path().join("plans"), Redactor::new())?;
/// let digest = plans.put(br#"{"steps":["kubectl scale deployment/api --replicas=5"]}"#)?;
/// assert!(plans.fetch(&digest)?.is_some());
/// let error = plans.put(b"run: db --password hunter2").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the plan holds a secret (password) at byte 19, line 1: name it by a reference, such as $NAME",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PlanFiles {
    directory: PathBuf,
    redactor: Redactor,
}

/// Why a plan was not kept, or not found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// It holds a secret, which is not in this message.
    #[error(
        "the plan holds a secret ({kind}) at byte {byte}, line {line}: name it by a reference, such as $NAME"
    )]
    Secret {
        /// What kind of secret.
        kind: SecretKind,
        /// Where it begins, from 0.
        byte: usize,
        /// The line it begins on, from 1.
        line: usize,
    },
    /// It is too long.
    #[error("the plan has {bytes} bytes, and may have {MAX_DOCUMENT}")]
    TooLong {
        /// Its bytes.
        bytes: usize,
    },
    /// What is kept under the digest has another one.
    #[error("{} was changed: its digest is {found}", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// The digest of its contents.
        found: Hash,
    },
    /// The log could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file system failed.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What happened.
        #[source]
        error: io::Error,
    },
}

impl PlanFiles {
    /// The plans in a directory, which is made where there is none; its parent must exist. The
    /// redactor is the one that the log has.
    ///
    /// # Errors
    ///
    /// [`PlanError::Io`] where the directory cannot be made.
    pub fn open(directory: &Path, redactor: Redactor) -> Result<Self, PlanError> {
        let failed = |error| PlanError::Io { path: directory.to_owned(), error };
        match DirBuilder::new().mode(0o700).create(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        if !std::fs::symlink_metadata(directory).map_err(failed)?.is_dir() {
            return Err(failed(io::ErrorKind::NotADirectory.into()));
        }
        if let Some(parent) = directory.parent() {
            sync(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })?;
        }
        Ok(Self { directory: directory.to_owned(), redactor })
    }

    /// Keeps a document and gives its digest. Durable when it returns; putting the same again
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// [`PlanError::Secret`] and [`PlanError::TooLong`], before anything is written;
    /// [`PlanError::Io`]; [`PlanError::Changed`] where the document is there and was changed.
    pub fn put(&self, document: &[u8]) -> Result<DocumentDigest, PlanError> {
        if document.len() > MAX_DOCUMENT {
            return Err(PlanError::TooLong { bytes: document.len() });
        }
        self.refuse_secrets(document)?;
        let digest = DocumentDigest(Hash::of(document).0);
        let path = self.path(&digest);
        let _held = self.hold(File::lock_shared)?;
        if self.fetch(&digest)?.is_none() {
            self.write(document, &path)?;
        } else {
            // It is wanted from now on, whatever came of the plan it was first put for.
            let failed = |error| PlanError::Io { path: path.clone(), error };
            let file = OpenOptions::new().append(true).custom_flags(NO_FOLLOW).open(&path).map_err(failed)?;
            file.set_modified(SystemTime::now()).map_err(failed)?;
        }
        // Also where it was there: whoever wrote it may not have come to this.
        sync(&self.directory)?;
        Ok(digest)
    }

    fn write(&self, document: &[u8], path: &Path) -> Result<(), PlanError> {
        // Its own name, since several may put the same at once.
        let fresh = self.directory.join(format!("new-{}", uuid::Uuid::new_v4()));
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
            file.write_all(document)?;
            file.sync_all()?;
            std::fs::rename(&fresh, path)
        })();
        written.map_err(|error| {
            // What is left of it has a name that nobody reads.
            let _ = std::fs::remove_file(&fresh);
            PlanError::Io { path: path.to_owned(), error }
        })
    }

    fn refuse_secrets(&self, document: &[u8]) -> Result<(), PlanError> {
        let text = String::from_utf8_lossy(document);
        let mut secrets = self.redactor.secrets(&text).into_iter();
        let Some((range, kind)) = secrets.next() else { return Ok(()) };
        let before = text.get(..range.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Err(PlanError::Secret { kind, byte: range.start, line })
    }

    /// The document of a digest; `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`PlanError::Changed`] where the file no longer holds what was put, and [`PlanError::Io`].
    pub fn fetch(&self, digest: &DocumentDigest) -> Result<Option<Vec<u8>>, PlanError> {
        let path = self.path(digest);
        let failed = |error| PlanError::Io { path: path.clone(), error };
        let file = match OpenOptions::new().read(true).custom_flags(NO_FOLLOW).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut document = Vec::new();
        file.take(MAX_DOCUMENT as u64 + 1).read_to_end(&mut document).map_err(failed)?;
        let found = Hash::of(&document);
        if found.0 != digest.0 {
            return Err(PlanError::Changed { path, found });
        }
        Ok(Some(document))
    }

    /// Removes the documents that no plan needs any more, and gives their digests. `store` is the open log of
    /// these plans; all of it is read.
    ///
    /// A document stays where a record of an open plan names its digest, or a record of no plan; and where it
    /// was put after the last record that names it, since a plan may be about to begin. One that no record
    /// names stays if it is younger than the first line of the log that was not pruned.
    ///
    /// # Errors
    ///
    /// [`PlanError::Store`] where the log cannot be read: nothing is removed then.
    /// [`PlanError::Io`]; what was removed by then is gone.
    pub fn prune(&self, store: &dyn Store) -> Result<Vec<DocumentDigest>, PlanError> {
        let all = self.list()?;
        let named = Named::in_log(store, &all)?;
        // Plans that were open before the log was read may be closed by now, which does no harm. What was
        // closed may be open: it is being undone, by a record that comes after these.
        let open = store.head()?.chain.plans;
        let _held = self.hold(File::lock)?;
        let mut removed = Vec::new();
        for digest in all {
            let found = named.of(&digest);
            if found
                .is_some_and(|found| found.stays || found.plans.iter().any(|plan| open.contains_key(plan)))
            {
                continue;
            }
            let path = self.path(&digest);
            let failed = |error| PlanError::Io { path: path.clone(), error };
            let put = match std::fs::symlink_metadata(&path).and_then(|metadata| metadata.modified()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                put => clock::of(put.map_err(failed)?),
            };
            if put < found.map_or(named.from, |found| found.last) {
                std::fs::remove_file(&path).map_err(failed)?;
                removed.push(digest);
            }
        }
        sync(&self.directory)?;
        Ok(removed)
    }

    /// Keeps others from removing documents, or from putting them.
    fn hold(&self, lock: impl Fn(&File) -> io::Result<()>) -> Result<File, PlanError> {
        let failed = |error| PlanError::Io { path: self.directory.clone(), error };
        let directory = File::open(&self.directory).map_err(failed)?;
        lock(&directory).map_err(failed)?;
        Ok(directory)
    }

    /// The digests of all documents, sorted.
    ///
    /// # Errors
    ///
    /// [`PlanError::Io`].
    pub fn list(&self) -> Result<Vec<DocumentDigest>, PlanError> {
        let failed = |error| PlanError::Io { path: self.directory.clone(), error };
        let mut digests = Vec::new();
        for entry in std::fs::read_dir(&self.directory).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            digests.extend(Hash::from_hex(name.as_encoded_bytes()).map(|hash| DocumentDigest(hash.0)));
        }
        digests.sort();
        Ok(digests)
    }

    fn path(&self, digest: &DocumentDigest) -> PathBuf {
        self.directory.join(digest.to_string())
    }
}

/// Where the log names documents.
struct Named {
    by: BTreeMap<DocumentDigest, Naming>,
    /// The time of the first line that is there.
    from: Timestamp,
}

/// The records that name a document.
#[derive(Default)]
struct Naming {
    plans: BTreeSet<String>,
    /// A record of no plan is among them.
    stays: bool,
    last: Timestamp,
}

impl Named {
    fn in_log(store: &dyn Store, all: &[DocumentDigest]) -> Result<Self, PlanError> {
        let mut named = Self { by: BTreeMap::new(), from: Timestamp::MIN_UTC };
        let lines = match store.lines(0) {
            Err(StoreError::Pruned { first }) => store.lines(first)?,
            lines => lines?,
        };
        for line in lines {
            let line = line?;
            let Some(prefix) = line::read(&line) else { continue };
            if named.from == Timestamp::MIN_UTC {
                named.from = prefix.timestamp;
            }
            let mut plan = None;
            for digest in digests(&line).filter(|digest| all.binary_search(digest).is_ok()) {
                let plan = plan.get_or_insert_with(|| {
                    serde_json::from_slice::<Record>(&line).ok().and_then(|record| record.plan_id)
                });
                let naming = named.by.entry(digest).or_default();
                naming.last = naming.last.max(prefix.timestamp);
                match plan {
                    Some(plan) => drop(naming.plans.insert(plan.clone())),
                    None => naming.stays = true,
                }
            }
        }
        Ok(named)
    }

    fn of(&self, digest: &DocumentDigest) -> Option<&Naming> {
        self.by.get(digest)
    }
}

/// All runs of 64 hexadecimal digits in a line.
fn digests(line: &[u8]) -> impl Iterator<Item = DocumentDigest> {
    let runs = line.split(|byte| !matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    runs.filter_map(Hash::from_hex).map(|hash| DocumentDigest(hash.0))
}

fn sync(directory: &Path) -> Result<(), PlanError> {
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| PlanError::Io { path: directory.to_owned(), error })
}

#[async_trait]
impl PlanStore for PlanFiles {
    async fn put(&self, document: &[u8]) -> Result<DocumentDigest, RecordError> {
        Self::put(self, document).map_err(|error| match error {
            PlanError::Secret { .. } | PlanError::TooLong { .. } => {
                RecordError::Invalid { reason: error.to_string() }
            }
            PlanError::Changed { .. } | PlanError::Io { .. } | PlanError::Store(_) => {
                RecordError::NotRecorded { reason: error.to_string() }
            }
        })
    }

    async fn fetch(&self, digest: &DocumentDigest) -> Result<Option<Vec<u8>>, RecordError> {
        Self::fetch(self, digest).map_err(|error| RecordError::Unavailable { reason: error.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use guardrail_core::record::{Kind, Status};

    use super::*;
    use crate::Log;

    fn plans() -> (tempfile::TempDir, PlanFiles) {
        let directory = tempfile::tempdir().unwrap();
        let redactor = Redactor::builder().secret("correct-horse").unwrap().build().unwrap();
        let plans = PlanFiles::open(&directory.path().join("plans"), redactor).unwrap();
        (directory, plans)
    }

    #[test]
    fn what_was_put_is_fetched() {
        let (_directory, plans) = plans();
        let digest = plans.put(b"a plan").unwrap();
        assert_eq!(plans.put(b"a plan").unwrap(), digest);
        assert_eq!(digest.0, Hash::of(b"a plan").0);
        assert_eq!(plans.fetch(&digest).unwrap().as_deref(), Some(&b"a plan"[..]));
        assert_eq!(plans.fetch(&DocumentDigest([0; 32])).unwrap(), None);
        assert_eq!(plans.list().unwrap(), [digest]);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&plans.path(&digest)), 0o600);
        assert_eq!(mode(&plans.directory), 0o700);
        assert_eq!(std::fs::read_dir(&plans.directory).unwrap().count(), 1);
    }

    #[test]
    fn a_changed_document_is_not_given_out() {
        let (_directory, plans) = plans();
        let digest = plans.put(b"a plan").unwrap();
        std::fs::write(plans.path(&digest), b"another").unwrap();
        let error = plans.fetch(&digest).unwrap_err();
        assert!(matches!(&error, PlanError::Changed { found, .. } if *found == Hash::of(b"another")));
        assert!(matches!(plans.put(b"a plan"), Err(PlanError::Changed { .. })));
        std::fs::remove_file(plans.path(&digest)).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", plans.path(&digest)).unwrap();
        assert!(matches!(plans.fetch(&digest), Err(PlanError::Io { .. })), "links are not followed");
    }

    #[test]
    fn secrets_are_refused_and_references_are_not() {
        let (_directory, plans) = plans();
        for secret in ["one\ntwo correct-horse", "DB_PASSWORD=hunter2", "Y29ycmVjdC1ob3JzZQ=="] {
            let error = plans.put(secret.as_bytes()).unwrap_err();
            assert!(matches!(error, PlanError::Secret { .. }), "{error}");
            assert!(!error.to_string().contains("horse") && !error.to_string().contains("hunter"));
        }
        assert!(plans.put(b"one\ntwo correct-horse").unwrap_err().to_string().contains("line 2"));
        assert!(plans.list().unwrap().is_empty());
        plans.put(b"login --password \"$DB_PASSWORD\" --token ${vault:prod/token}").unwrap();
    }

    #[test]
    fn what_a_plan_may_still_need_is_not_pruned() {
        let (_directory, plans) = plans();
        // The log's time is late, so that documents are older than what names them.
        let clock = || clock::system() + Duration::from_hours(1);
        let log = crate::FileStore::options("example.org/plans").clock(clock);
        let log = Log::over(log.open(plans.directory.with_file_name("log")).unwrap()).unwrap();
        let record = |kind: Kind, plan: Option<&str>, status: Status, names: &[DocumentDigest]| {
            let mut record = Record::new(kind);
            (record.plan_id, record.status) = (plan.map(str::to_owned), Some(status));
            let names: Vec<String> = names.iter().map(|digest| format!("sha256:{digest}")).collect();
            record.details =
                (!names.is_empty()).then(|| serde_json::json!({ "content": { "digests": names } }));
            log.append(&record).unwrap();
        };
        let put = |text: &str| plans.put(text.as_bytes()).unwrap();
        let [open, closed, both, note, early] = ["open", "closed", "both", "note", "early"].map(put);
        record(Kind::Plan, Some("o"), Status::Proposed, &[open, both]);
        record(Kind::Plan, Some("c"), Status::Proposed, &[closed, both]);
        record(Kind::Note, None, Status::Allowed, &[note]);
        let store = log.store().as_ref();
        assert_eq!(plans.prune(store).unwrap(), [early], "nobody has ever named it");
        record(Kind::Plan, Some("c"), Status::Succeeded, &[]);
        record(Kind::Rollback, Some("c"), Status::Started, &[]);
        assert_eq!(plans.prune(store).unwrap(), [], "a plan that is being undone is open");
        record(Kind::Plan, Some("c"), Status::RolledBack, &[]);
        assert_eq!(plans.prune(store).unwrap(), [closed]);
        assert!(plans.fetch(&closed).unwrap().is_none() && plans.fetch(&both).unwrap().is_some());
        record(Kind::Plan, Some("o"), Status::Cancelled, &[]);
        // One of the two is put once more: another plan is about to begin.
        let later = SystemTime::now() + Duration::from_hours(2);
        File::options().append(true).open(plans.path(&open)).unwrap().set_modified(later).unwrap();
        assert_eq!(plans.prune(store).unwrap(), [both]);
        assert_eq!(
            plans.list().unwrap(),
            [open, note].into_iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
        );
    }

    #[test]
    fn putting_again_makes_a_document_new() {
        let (_directory, plans) = plans();
        let path = plans.path(&plans.put(b"a plan").unwrap());
        let age = || std::fs::metadata(&path).unwrap().modified().unwrap().elapsed().unwrap_or_default();
        let long_ago = SystemTime::now() - Duration::from_hours(100);
        File::options().append(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        assert!(age() > Duration::from_hours(90));
        plans.put(b"a plan").unwrap();
        assert!(age() < Duration::from_hours(90));
    }
}
