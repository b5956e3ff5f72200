//! A directory in which reviewers drop signed answers.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ed25519_dalek::{Signer as _, SigningKey};
use guardrail_approve::conformance::{Act, Bench, Scene, Who, is_open};
use guardrail_approve::{FileDrop, Reviewer, Reviewers, drop_answer, read_questions, sign_answer};
use guardrail_core::plan::{Approver, Digest, Principal, Question, Say, Shown};
use tempfile::TempDir;
use uuid::Uuid;

use super::person;

/// Directories with two reviewers each.
pub(crate) struct Drops;

/// A directory, and those who answer in it.
pub(crate) struct Dropped {
    pub(crate) directory: TempDir,
    pub(crate) reviewers: Arc<Reviewers>,
    pub(crate) approver: FileDrop,
    last: Mutex<Option<(String, Vec<u8>)>>,
    read: Mutex<Option<Question>>,
}

pub(crate) fn key(who: Who) -> SigningKey {
    SigningKey::from_bytes(&[if who == Who::First { 1 } else { 2 }; 32])
}

impl Dropped {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listed = [Who::First, Who::Second].map(|who| Reviewer {
            principal: person(who),
            roles: vec!["reviewer".into()],
            key: Some(key(who).verifying_key().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()),
            account: None,
        });
        let reviewers = Arc::new(Reviewers::new(listed).unwrap());
        let approver = FileDrop::open(directory.path().join("drop"), Arc::clone(&reviewers))
            .unwrap()
            .every(Duration::from_millis(10));
        Self { directory, reviewers, approver, last: Mutex::default(), read: Mutex::default() }
    }

    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("drop")
    }

    /// Waits until a question is there, and gives it as the reviewer reads it.
    pub(crate) fn wait_for(&self, question: &Question) -> Option<Question> {
        loop {
            let found =
                read_questions(self.path()).unwrap().into_iter().find(|found| found.id == question.id);
            if found.is_some() || !is_open(question) {
                return found;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn put(&self, file: &str, bytes: &[u8]) {
        drop_answer(self.path(), file, bytes).unwrap();
        *self.last.lock().unwrap() = Some((file.to_owned(), bytes.to_vec()));
    }
}

/// The same answer with the payload changed and signed again, as a hostile program would that has
/// the key.
fn forged(bytes: &[u8], key: &SigningKey, change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let mut envelope: serde_json::Value = serde_json::from_slice(bytes).unwrap();
    let mut payload: serde_json::Value = serde_json::from_str(envelope["payload"].as_str().unwrap()).unwrap();
    change(&mut payload);
    let payload = payload.to_string();
    let signature = key.sign(format!("guardrail signed answer 1\n{payload}").as_bytes());
    envelope["signature"] =
        signature.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
    envelope["payload"] = payload.into();
    envelope.to_string().into_bytes()
}

impl Scene for Dropped {
    fn approver(&self) -> &dyn Approver {
        &self.approver
    }

    fn reviewer(&self, who: Who) -> Principal {
        person(who)
    }

    fn act(&self, question: &Question, who: Who, act: Act) -> bool {
        // Whoever answers second has it on their screen, though the first answer was taken by now.
        let read = self.read.lock().unwrap().take().filter(|read| read.id == question.id);
        let seen = read.or_else(|| self.wait_for(question)).unwrap_or_else(|| question.clone());
        *self.read.lock().unwrap() = Some(seen.clone());
        // A hostile reviewer signs what an honest program would refuse to.
        let mut signed = seen.clone();
        signed.complete = true;
        signed.shown = Shown::digest_of(&signed.text);
        let say = if act == Act::Reject { Say::Reject(None) } else { Say::Approve(None) };
        let key = key(who);
        let (file, bytes) = sign_answer(&signed, say, &key, question.asked_at).unwrap();
        let other = Digest::of_content(b"other").to_string();
        match act {
            Act::Approve | Act::Reject => self.put(&file, &bytes),
            Act::Garbage => self.put(&file, b"\xffyes\0"),
            Act::AnotherQuestion => {
                let id = Uuid::new_v4().to_string();
                self.put(&file, &forged(&bytes, &key, |payload| payload["question"] = id.into()));
            }
            Act::AnotherDigest => {
                self.put(&file, &forged(&bytes, &key, |payload| payload["digest"] = other.into()));
            }
            Act::AnotherText => {
                self.put(&file, &forged(&bytes, &key, |payload| payload["shown"] = other.into()));
            }
            Act::Stranger => {
                let eve = SigningKey::from_bytes(&[66; 32]);
                let (_, theirs) = sign_answer(&signed, Say::Approve(None), &eve, question.asked_at).unwrap();
                self.put(&file, &theirs);
            }
            Act::Revoked => {
                assert_eq!(self.reviewers.revoke(&person(who).name), 1);
                self.put(&file, &bytes);
            }
            Act::Replay => {
                let (file, bytes) = self.last.lock().unwrap().clone().unwrap();
                self.put(&file, &bytes);
            }
            _ => return false,
        }
        true
    }
}

impl Bench for Drops {
    fn scene(&self) -> Box<dyn Scene> {
        Box::new(Dropped::new())
    }

    fn lost(&self) -> Option<Box<dyn Scene>> {
        let dropped = Dropped::new();
        std::fs::remove_dir_all(dropped.path()).unwrap();
        Some(Box::new(dropped))
    }
}

/// Whether a folder has nothing in it.
pub(crate) fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}
