//! Asks by a directory: the question lies there as a file, and a reviewer's signed answer appears
//! beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use guardrail_core::plan::{Approver, Asked, Question, Reply, Say, Shown};
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, fsync, mkdirat, openat, renameat, unlinkat,
};
use rustix::io::Errno;
use uuid::Uuid;

use crate::admit::{beforehand, fits};
use crate::inbox::{Matter, matter};
use crate::reviewers::Reviewers;
use crate::signed::{NotSigned, file_name, read_answer};
use crate::wait::{lock, moment, now, until};

/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;
/// The largest question that is read, in bytes.
const LARGEST_QUESTION: usize = 64 * 1024 * 1024;
/// How long an answer may be incomplete, for those who write in place: in seconds.
const GRACE: i64 = 3;

const QUESTIONS: &str = "questions";
const ANSWERS: &str = "answers";
const TAKEN: &str = "taken";
const REFUSED: &str = "refused";

/// Asks by a directory.
///
/// A question lies in `questions/ID.json` for as long as it is asked. A reviewer reads it
/// ([`read_questions`]), signs an answer with a key that the operator has listed
/// ([`sign_answer`](crate::sign_answer)), and drops it ([`drop_answer`]) as `answers/ID.KEY.json`.
/// What was taken goes to `taken/`, what was no answer to `refused/`, and neither ends the waiting:
/// a reviewer may answer again. Where nothing came but what is no answer, that is what the asking
/// gives in the end.
///
/// An answer is bound to the question, the revision and the text by its signature. It may be read
/// twice, and is the same yes then, which counts once.
///
/// The directories are opened once and must be real ones that belong to this user or root, and that
/// not everybody can write to; no symbolic link is followed in them. It reads small files
/// from a local disk where others would wait for them: on a file system that may hang, give it a
/// thread.
///
/// **How would an agent get past it?** One that runs as the same user can delete questions and
/// answers, which is silence and no yes. It can put a forged question before the reviewer; but what
/// is signed is the digest of the text that the reviewer saw, which is then not the digest of what
/// was asked. It cannot sign, unless it can read a reviewer's key: keys belong on another account
/// or machine, or into hardware. The list of reviewers belongs where the agent cannot write.
pub struct FileDrop {
    name: String,
    reviewers: Arc<Reviewers>,
    folders: Folders,
    every: Duration,
    matters: Mutex<BTreeMap<Matter, (Vec<Uuid>, Instant)>>,
}

struct Folders {
    questions: OwnedFd,
    answers: OwnedFd,
    taken: OwnedFd,
    refused: OwnedFd,
}

/// A directory that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the directory {} cannot be used: {reason}", path.display())]
pub struct FileDropError {
    /// Which.
    pub path: PathBuf,
    /// What is wrong with it, and what to do.
    pub reason: String,
}

impl FileDrop {
    /// Opens a directory, and makes what is missing of it, for this user alone. Whoever lets
    /// reviewers of other accounts in gives their group the right to write to `answers`, and no
    /// other.
    ///
    /// # Errors
    ///
    /// [`FileDropError`] where it cannot be made, is a symbolic link, or can be written to by those
    /// who should not.
    pub fn open(path: impl AsRef<Path>, reviewers: Arc<Reviewers>) -> Result<Self, FileDropError> {
        let path = path.as_ref();
        let root = folder(CWD, path, path, 0o002)?;
        let inner = |name: &str, not: u32| folder(&root, Path::new(name), &path.join(name), not);
        let folders = Folders {
            questions: inner(QUESTIONS, 0o022)?,
            answers: inner(ANSWERS, 0o002)?,
            taken: inner(TAKEN, 0o022)?,
            refused: inner(REFUSED, 0o022)?,
        };
        Ok(Self {
            name: "file-drop".to_owned(),
            reviewers,
            folders,
            every: Duration::from_millis(500),
            matters: Mutex::default(),
        })
    }

    /// The same under another name, by which policies know it as a channel.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same, looking for answers so often; at least every millisecond.
    #[must_use]
    pub fn every(mut self, every: Duration) -> Self {
        self.every = every.max(Duration::from_millis(1));
        self
    }

    /// Under which ids this text of this revision was asked about.
    fn ids(&self, question: &Question) -> Vec<Uuid> {
        let this = matter(question);
        let now = Instant::now();
        let mut matters = lock(&self.matters);
        matters.retain(|matter, (_, until)| *until > now && (matter.0 != this.0 || *matter == this));
        let (ids, _) = matters.entry(this).or_insert_with(|| (Vec::new(), moment(question.answer_by)));
        if !ids.contains(&question.id) {
            ids.push(question.id);
        }
        ids.clone()
    }

    /// Looks once for answers. The no of anybody comes before every yes.
    fn look(&self, question: &Question, ids: &[Uuid], wrong: &mut BTreeSet<String>) -> Option<Reply> {
        let mut found: Option<(String, Reply)> = None;
        for fingerprint in self.reviewers.fingerprints() {
            for id in ids {
                let file = file_name(*id, &fingerprint);
                match self.answer(&file, question, ids) {
                    Ok(None) => {}
                    Ok(Some(reply)) => {
                        let is_no = matches!(reply.say, Say::Reject(_) | Say::Stop(_));
                        if is_no || found.is_none() {
                            found = Some((file, reply));
                        }
                    }
                    Err(reason) => {
                        let away = format!("{}.{file}", Uuid::new_v4().simple());
                        let _ = renameat(&self.folders.answers, &file, &self.folders.refused, &away);
                        wrong.insert(reason);
                    }
                }
            }
        }
        let (file, reply) = found?;
        // Where it cannot be moved it would be read again, and be the same answer.
        let _ = renameat(&self.folders.answers, &file, &self.folders.taken, &file);
        Some(reply)
    }

    /// The answer in a file, if there is one.
    fn answer(&self, file: &str, question: &Question, ids: &[Uuid]) -> Result<Option<Reply>, String> {
        let (bytes, fresh) = match read_file(&self.folders.answers, file, LARGEST_ANSWER) {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(None),
            Err(reason) => return Err(reason),
        };
        let now = now();
        match read_answer(&bytes, question, ids, &self.reviewers, now) {
            Ok(reply) => match fits(question, &reply, now) {
                Ok(()) => Ok(Some(reply)),
                Err(unfit) => Err(format!("the answer of {}: {unfit}", reply.principal)),
            },
            // Somebody may be writing it.
            Err(NotSigned::Malformed(_)) if fresh => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl std::fmt::Debug for FileDrop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileDrop").field("name", &self.name).field("reviewers", &self.reviewers).finish()
    }
}

/// A question that lies in its folder, for as long as it is asked.
struct Laid<'f>(&'f OwnedFd, String);

impl Drop for Laid<'_> {
    fn drop(&mut self) {
        let _ = unlinkat(self.0, &self.1, AtFlags::empty());
    }
}

#[async_trait]
impl Approver for FileDrop {
    fn name(&self) -> &str {
        &self.name
    }

    async fn ask(&self, question: &Question) -> Asked {
        if let Some(asked) = beforehand(question, &self.name, now()) {
            return asked;
        }
        let lost = |error: &dyn std::fmt::Display| {
            Asked::NoChannel(format!("the directory of `{}` cannot be used: {error}", self.name))
        };
        let ids = self.ids(question);
        let file = format!("{}.json", question.id);
        let laid = match serde_json::to_vec(question) {
            Ok(bytes) => write_file(&self.folders.questions, &file, &bytes, 0o640),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = laid {
            return lost(&error);
        }
        let _laid = Laid(&self.folders.questions, file);
        let deadline = moment(question.answer_by);
        let mut wrong = BTreeSet::new();
        loop {
            match fstat(&self.folders.answers) {
                Ok(stat) if stat.st_nlink > 0 => {}
                Ok(_) => return lost(&"it was removed"),
                Err(error) => return lost(&error),
            }
            if let Some(reply) = self.look(question, &ids, &mut wrong) {
                return Asked::Replied(reply);
            }
            if Instant::now() >= deadline {
                let wrong: Vec<String> = wrong.into_iter().collect();
                return if wrong.is_empty() { Asked::TimedOut } else { Asked::Malformed(wrong.join("; ")) };
            }
            until((Instant::now() + self.every).min(deadline)).await;
        }
    }
}

/// The questions that lie in a drop, for a reviewer's program. Those whose text is not the one that
/// their digest says are left out: they were tampered with.
///
/// # Errors
///
/// Where the directory cannot be read.
pub fn read_questions(path: impl AsRef<Path>) -> io::Result<Vec<Question>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(CWD, path.as_ref().join(QUESTIONS), flags, Mode::empty())?;
    let mut questions = Vec::new();
    for entry in Dir::read_from(&folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        if name.starts_with('.') || !name.ends_with(".json") {
            continue;
        }
        let Ok(Some((bytes, _))) = read_file(&folder, name, LARGEST_QUESTION) else { continue };
        let read: Result<Question, _> = serde_json::from_slice(&bytes);
        questions.extend(read.ok().filter(|question| Shown::digest_of(&question.text) == question.shown));
    }
    questions.sort_by_key(|question| (question.asked_at, question.id));
    Ok(questions)
}

/// Drops a signed answer, whole or not at all. `file` and `bytes` are what
/// [`sign_answer`](crate::sign_answer) gave.
///
/// # Errors
///
/// Where it cannot be written; nobody sees a part of it then.
pub fn drop_answer(path: impl AsRef<Path>, file: &str, bytes: &[u8]) -> io::Result<()> {
    if file.contains('/') || file.starts_with('.') {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "that is not the name of an answer"));
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(CWD, path.as_ref().join(ANSWERS), flags, Mode::empty())?;
    write_file(&folder, file, bytes, 0o640)
}

/// Opens a directory, or makes it; it must not be writable by those whose bits are in `not`.
fn folder(
    parent: impl std::os::fd::AsFd,
    name: &Path,
    path: &Path,
    not: u32,
) -> Result<OwnedFd, FileDropError> {
    let wrong = |reason: String| FileDropError { path: path.to_owned(), reason };
    match mkdirat(&parent, name, Mode::from_raw_mode(0o700)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(wrong(format!("it cannot be made: {error}"))),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = openat(&parent, name, flags, Mode::empty());
    let opened = opened.map_err(|error| match error {
        Errno::LOOP | Errno::NOTDIR => wrong("it is a symbolic link or no directory".to_owned()),
        error => wrong(error.to_string()),
    })?;
    let stat = fstat(&opened).map_err(|error| wrong(error.to_string()))?;
    let mine = rustix::process::geteuid().as_raw();
    if stat.st_uid != mine && stat.st_uid != 0 {
        return Err(wrong(format!("it belongs to user {}, neither this one nor root", stat.st_uid)));
    }
    if stat.st_mode & not != 0 {
        return Err(wrong(format!("its mode is {:o}: take the bits {not:o} away", stat.st_mode & 0o7777)));
    }
    Ok(opened)
}

/// What is in a file, and whether it was written a moment ago; `None` where there is none.
fn read_file(folder: &OwnedFd, name: &str, largest: usize) -> Result<Option<(Vec<u8>, bool)>, String> {
    // A pipe must not be waited for, and a link not followed.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match openat(folder, name, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err("it is a symbolic link".to_owned()),
        Err(error) => return Err(format!("it cannot be opened: {error}")),
    };
    let stat = fstat(&file).map_err(|error| error.to_string())?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err("it is no file".to_owned());
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(largest).unwrap_or(u64::MAX).saturating_add(1);
    io::Read::read_to_end(&mut io::Read::take(std::fs::File::from(file), limit), &mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.len() > largest {
        return Err(format!("it has more than {largest} bytes"));
    }
    let age = now().timestamp().saturating_sub(stat.st_mtime);
    Ok(Some((bytes, (0..=GRACE).contains(&age))))
}

/// Writes a file so that it is there as a whole or not at all, also behind a crash.
fn write_file(folder: &OwnedFd, name: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
    let draft = format!(".{}.new", Uuid::new_v4().simple());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(folder, &draft, flags, Mode::from_raw_mode(mode))?;
    let written = {
        let mut file = std::fs::File::from(file);
        io::Write::write_all(&mut file, bytes).and_then(|()| file.sync_all())
    };
    let placed = written.and_then(|()| {
        renameat(folder, &draft, folder, name)?;
        Ok(fsync(folder)?)
    });
    if placed.is_err() {
        let _ = unlinkat(folder, &draft, AtFlags::empty());
    }
    placed
}
