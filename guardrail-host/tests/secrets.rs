//! Who gets which secret, and what is recorded of it before: with permits of a real plan machine.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use async_trait::async_trait;
use guardrail_core::plan::{
    Command, CredentialError, CredentialProvider, CredentialReference, CredentialUse, Demands, Digest,
    FileRole, Injection, Look, Machine, Permit, PinnedFile, Pins, Plan, PlanId, Preparation, Principal,
    Revision, Secret, Slot, Step,
};
use guardrail_core::record::{
    Condition, Kind, Receipt, Record, RecordError, Recorded, Recorder, Status, Timestamp,
};
use guardrail_core::{Action, Guard, Request};
use guardrail_host::secrets::{
    CommandSecrets, EnvironmentSecrets, FileSecrets, SecretCommand, Secrets, SecretsFile, Vault, VaultKey,
    generate_key,
};
use uuid::Uuid;

const VALUE: &[u8] = b"correct horse/battery+staple";

/// A log in memory, which may be full.
#[derive(Default)]
struct Notebook {
    records: Mutex<Vec<Record>>,
    full: AtomicBool,
}

#[async_trait]
impl Recorder for Notebook {
    async fn record(&self, records: &[Record], _: &Condition) -> Result<Receipt, RecordError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(RecordError::NotRecorded { reason: "the disk is full".to_owned() });
        }
        let mut kept = self.records.lock().unwrap();
        kept.extend_from_slice(records);
        Ok(Receipt::of_durable(records, Uuid::nil(), kept.len() as u64, Timestamp::UNIX_EPOCH, [0; 32]))
    }

    async fn history(&self, _: &str) -> Result<Vec<Recorded>, RecordError> {
        Ok(Vec::new())
    }

    async fn open_plans(&self) -> Result<Vec<(String, u64)>, RecordError> {
        Ok(Vec::new())
    }
}

impl Notebook {
    fn last(&self) -> Record {
        self.records.lock().unwrap().last().unwrap().clone()
    }
}

/// The right to run a command, as if it had been judged to be harmless.
fn permit(command: Command) -> Permit {
    let now = Timestamp::UNIX_EPOCH;
    let role = if matches!(command.action, Action::Shell(_)) { FileRole::Shell } else { FileRole::Program };
    let name = match &command.action {
        Action::Argv(words) => words[0].clone(),
        _ => "/bin/sh".to_owned(),
    };
    let path = std::fs::canonicalize(&name).unwrap().into_os_string().into_string().unwrap();
    let pins = Pins {
        files: vec![PinnedFile { role, name, path, digest: Digest::of_content(b"") }],
        environment: BTreeMap::new(),
        ..Pins::default()
    };
    let plan = Plan::from_json(
        r#"{"title": "One", "cwd": "/", "steps": [{"title": "It", "command": {"argv": ["ls"]}}]}"#,
    );
    let mut plan = plan.unwrap();
    plan.steps = vec![Step::new("It", command)];
    let look = Look { evaluation: Guard::new().evaluate(&Request::argv(["ls"])), pins };
    let mut preparation =
        Preparation::new(PlanId::new(now.date_naive(), 1, Uuid::nil()), Principal::agent("a"));
    preparation.demands = Demands { credential: Default::default(), ..Demands::STANDARD };
    let revision = Revision::prepare(plan, &preparation, &mut |_, _, _| look.clone()).unwrap();
    let mut machine = Machine::new(revision.clone());
    let mut kept = 0;
    let mut receipt = |records: &[Record]| {
        kept += records.len() as u64;
        Receipt::of_durable(records, Uuid::nil(), kept, now, [0; 32])
    };
    for step in 0..2 {
        let change =
            if step == 0 { machine.propose(revision.clone(), now) } else { machine.allow(now) }.unwrap();
        let receipt = receipt(change.records());
        machine.recorded(change, &receipt).unwrap();
    }
    let intent = machine.intent(Slot::action(1), &look, revision.versions(), now).unwrap();
    let receipt = receipt(intent.records());
    machine.permit(intent, receipt).unwrap()
}

struct Parked(std::thread::Thread);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Parked(std::thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

fn reference(name: &str) -> CredentialReference {
    CredentialReference { name: name.parse().unwrap(), into: Injection::Environment("X".into()) }
}

fn fetch_for(secrets: &Secrets, name: &str, command: Command) -> Result<Vec<u8>, CredentialError> {
    let reference = reference(name);
    let permit = permit(command.credential(reference.clone()));
    wait(secrets.fetch(&reference, &CredentialUse::of(&permit))).map(|secret| secret.expose().to_owned())
}

fn fetch(secrets: &Secrets, name: &str) -> Result<Vec<u8>, CredentialError> {
    fetch_for(secrets, name, Command::argv(["/bin/cat"]))
}

#[test]
fn from_each_place_by_its_scheme_and_each_time_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("secret"), VALUE).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(path("secret"), mode).unwrap();
    generate_key(&path("key")).unwrap();
    let vault = Vault::at(path("vault.age"), VaultKey::read(&path("key")).unwrap());
    let named = "vault:db/prod".parse().unwrap();
    vault.set(&named, &Secret::new(VALUE.to_vec()), Timestamp::UNIX_EPOCH).unwrap();
    let notebook = Arc::new(Notebook::default());
    let command = SecretCommand::new(["/bin/cat".to_owned(), path("secret").to_str().unwrap().to_owned()]);
    let secrets = Secrets::new(notebook.clone())
        .provider("env", Arc::new(EnvironmentSecrets::of(["CARGO_PKG_DESCRIPTION"])))
        .provider("file", Arc::new(FileSecrets::below(folder.path())))
        .provider("command", Arc::new(CommandSecrets::of([("session".to_owned(), command)])))
        .provider("vault", Arc::new(vault));
    for name in ["file:secret", "command:session", "vault:db/prod"] {
        assert_eq!(fetch(&secrets, name).as_deref(), Ok(VALUE), "{name}");
        let record = notebook.last();
        assert_eq!((&record.kind, record.status.as_ref()), (&Kind::Credential, Some(&Status::Succeeded)));
        assert_eq!(
            (record.resource.as_deref(), record.step, record.revision),
            (Some(name), Some(1), Some(1))
        );
        assert!(record.plan_id.is_some() && record.reason.is_none());
        let details = record.details.as_ref().unwrap();
        assert_eq!((&details["into"], &details["variable"]), (&"environment".into(), &"X".into()));
        assert!(details["permit"].is_string() && details["program"].as_str().unwrap().ends_with("cat"));
        let text = serde_json::to_string(&record).unwrap();
        assert!(!text.contains("horse") && !text.contains("28"), "neither the value nor its length: {text}");
    }
    assert_eq!(
        fetch(&secrets, "env:CARGO_PKG_DESCRIPTION").unwrap(),
        env!("CARGO_PKG_DESCRIPTION").as_bytes()
    );
    // An agent chooses names: none leads to what was not offered.
    let before = notebook.records.lock().unwrap().len();
    let names = [
        "env:PATH",
        "env:CARGO_PKG_DESCRIPTION/x",
        "file:none",
        "file:secret/x",
        "command:other",
        "vault:db",
        "vault:db/prod/x",
        "keyring:db/prod",
        "secret",
    ];
    for name in names {
        let error = fetch(&secrets, name).unwrap_err();
        assert!(matches!(error, CredentialError::Unknown { .. }), "{name}: {error}");
        let record = notebook.last();
        assert_eq!((record.status, record.resource.as_deref()), (Some(Status::Failed), Some(name)));
    }
    assert_eq!(notebook.records.lock().unwrap().len(), before + names.len());
    let debug = format!("{secrets:?}");
    assert!(debug.contains("vault") && !debug.contains("horse"), "{debug}");
}

#[test]
fn no_record_no_secret() {
    let notebook = Arc::new(Notebook::default());
    let secrets = Secrets::new(notebook.clone())
        .provider("env", Arc::new(EnvironmentSecrets::of(["CARGO_PKG_DESCRIPTION"])));
    assert!(fetch(&secrets, "env:CARGO_PKG_DESCRIPTION").is_ok());
    notebook.full.store(true, Ordering::SeqCst);
    for name in ["env:CARGO_PKG_DESCRIPTION", "env:NONE"] {
        let error = fetch(&secrets, name).unwrap_err();
        let why = "could not be recorded: not recorded: the disk is full";
        assert!(
            matches!(&error, CredentialError::Unavailable { reason, .. } if reason.contains(why)),
            "{error}"
        );
    }
}

#[test]
fn some_secrets_are_for_some_programs() {
    let notebook = Arc::new(Notebook::default());
    let environment = EnvironmentSecrets::of(["CARGO_PKG_DESCRIPTION", "CARGO_PKG_NAME"]);
    let secrets = Secrets::new(notebook.clone())
        .provider("env", Arc::new(environment))
        .only("env:*_DESCRIPTION", ["/bin/cat", "/bin/ls"])
        .unwrap()
        .only("env:CARGO*", ["/bin/cat"])
        .unwrap();
    let fetch = |name: &str, command| fetch_for(&secrets, name, command);
    assert!(fetch("env:CARGO_PKG_DESCRIPTION", Command::argv(["/bin/cat"])).is_ok());
    assert!(fetch("env:CARGO_PKG_NAME", Command::argv(["/bin/cat"])).is_ok());
    for (name, command, why) in [
        ("env:CARGO_PKG_DESCRIPTION", Command::argv(["/bin/ls"]), "it is not for "),
        ("env:CARGO_PKG_NAME", Command::argv(["/bin/sh"]), "it is not for "),
        ("env:CARGO_PKG_NAME", Command::shell("/bin/cat"), "read by a shell"),
    ] {
        let error = fetch(name, command).unwrap_err();
        assert!(matches!(&error, CredentialError::Refused { reason, .. } if reason.contains(why)), "{error}");
        assert_eq!(notebook.last().status, Some(Status::Denied));
    }
    let wrong = || Secrets::new(notebook.clone());
    assert!(wrong().only("env:[", ["/bin/cat"]).is_err());
    // It would match no name, and so keep nothing from anybody.
    assert!(wrong().only("database/*", ["/bin/cat"]).is_err());
    // A link's file may be a shell under another name.
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("fetch");
    std::os::unix::fs::symlink("/bin/cat", &link).unwrap();
    assert!(wrong().only("env:*", [&link]).is_err());
    assert!(wrong().only("env:*", ["/no/such/program"]).is_err());
}

/// Somebody who has whatever is asked for, and thinks nothing of it.
struct Careless(&'static [u8]);

#[async_trait]
impl CredentialProvider for Careless {
    async fn fetch(&self, _: &CredentialReference, _: &CredentialUse) -> Result<Secret, CredentialError> {
        Ok(Secret::new(self.0.to_vec()))
    }
}

#[test]
fn what_could_not_be_kept_out_of_the_output_is_refused() {
    for (value, why) in
        [(&b""[..], "empty"), (b"\n\n", "empty"), (b"abc\n", "fewer than 4"), (&[b'x'; 40_000], "more than")]
    {
        let notebook = Arc::new(Notebook::default());
        let secrets = Secrets::new(notebook.clone()).provider("own", Arc::new(Careless(value)));
        let error = fetch(&secrets, "own:x").unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert_eq!(notebook.last().status, Some(Status::Denied));
    }
}

#[test]
fn an_operators_file_says_who_has_what() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    generate_key(&key).unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let text = format!(
        "[env]\nnames = [\"CARGO_PKG_DESCRIPTION\"]\n[file]\ndirectory = {:?}\n[vault]\nfile = {:?}\nkey = {:?}\n\
         [command.hello]\nrun = [\"/bin/echo\", \"hello there\"]\n[[only]]\nnames = \"command:*\"\nprograms = [\"/bin/cat\"]\n",
        folder.path(),
        path("vault.age"),
        path("key"),
    );
    let file = SecretsFile::from_toml(&text).unwrap();
    let notebook = Arc::new(Notebook::default());
    let secrets = file.secrets(notebook).unwrap();
    assert_eq!(fetch(&secrets, "command:hello").unwrap(), b"hello there");
    assert!(fetch_for(&secrets, "command:hello", Command::shell("cat")).is_err());
    assert!(fetch(&secrets, "env:CARGO_PKG_DESCRIPTION").is_ok());
    let none = fetch(&secrets, "vault:none").unwrap_err();
    assert!(matches!(none, CredentialError::Unavailable { .. }), "there is no vault: {none}");
    for wrong in [
        text.replace("key =", "passphrase_file = \"/nowhere\"\nkey ="),
        text.replace(&path("key"), &path("no-key")),
        text.replace("/bin/cat", "/no/such/program"),
    ] {
        let file = SecretsFile::from_toml(&wrong).unwrap();
        assert!(file.secrets(Arc::new(Notebook::default())).is_err(), "{wrong}");
    }
}
