//! `guardrail secrets`, and secrets on their way to the commands of a plan: real processes, and a
//! search through every byte that was written.

#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test"
)]

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use guardrail_host::secrets::{Vault, VaultKey};
use serde_json::{Value, json};

const DATABASE: &str = "correct horse/battery+\"staple\"=é";
const TOKEN: &str = "hunter2-Zm9vYmFy-of-the-environment";
const KEY: &str = "first line of a key 0123456789\nsecond line of a key 9876543210\n";
const SESSION: &str = "printed-by-a-command-4711";

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// A folder with a vault, its key, files with secrets, and a reviewer.
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(place.path().join("below")).unwrap();
        place.private("below/key", KEY);
        place.private("below/session", &format!("{SESSION}\n"));
        let config = format!(
            "[env]\nnames = [\"HANDED\"]\n[file]\ndirectory = {below:?}\n[command.session]\nrun = [\"/bin/cat\", {session:?}]\n",
            below = place.path().join("below"),
            session = place.path().join("below/session"),
        );
        place.private("secrets.toml", &config);
        assert!(place.guardrail(&["secrets", "key", "vault.key"]).status.success());
        let set = place.with_input(&["secrets", "set", "db/prod"], &format!("{DATABASE}\n"));
        assert_eq!(String::from_utf8_lossy(&set.stdout), "set vault:db/prod\n", "{set:?}");
        let public = place.guardrail(&["plan", "key", "anna.key"]);
        let key = String::from_utf8(public.stdout).unwrap().trim().to_owned();
        let reviewers =
            json!([{ "principal": { "kind": "person", "name": "anna@example.com" }, "key": key }]);
        place.private("reviewers.json", &reviewers.to_string());
        place
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn private(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
        std::fs::set_permissions(self.path().join(name), std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The program in the folder, without a controlling terminal. What has to do with a vault gets it.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("setsid");
        command.args(["--wait", env!("CARGO_BIN_EXE_guardrail")]).args(words);
        if words[0] == "secrets" && words[1] != "key" {
            command.args(["--vault", "vault.age", "--vault-key", "vault.key"]);
        }
        command.current_dir(self.path()).env("NO_COLOR", "1").env("HANDED", TOKEN).stdin(Stdio::null());
        command
    }

    fn guardrail(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    fn with_input(&self, words: &[&str], input: &str) -> Output {
        let mut child = self
            .command(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    fn vault(&self) -> Vault {
        Vault::at(self.path().join("vault.age"), VaultKey::read(&self.path().join("vault.key")).unwrap())
    }

    /// Runs a plan to which the reviewer says yes.
    fn run(&self, plan: &Value) -> Output {
        std::fs::write(self.path().join("plan.json"), plan.to_string()).unwrap();
        let words = ["run", "plan.json", "--log", "log", "--approver", "files", "--questions", "asked"];
        let more = ["--reviewers", "reviewers.json", "--verbose", "--secrets", "secrets.toml"];
        let vault = ["--vault", "vault.age", "--vault-key", "vault.key"];
        // Not through `setsid`, so that its number is known.
        let mut running = Command::new(env!("CARGO_BIN_EXE_guardrail"))
            .args(words.iter().chain(&more).chain(&vault))
            .current_dir(self.path())
            .env("NO_COLOR", "1")
            .env("HANDED", TOKEN)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let heard = [listen(running.stdout.take()), listen(running.stderr.take())];
        let mut answered = false;
        let status = loop {
            if let Some(status) = running.try_wait().unwrap() {
                break status;
            }
            self.no_secret_among_its_arguments(&running);
            let listed = String::from_utf8(self.guardrail(&["plan", "answer", "asked"]).stdout).unwrap();
            if let (Some((_, shown)), false) = (listed.split_once("--shown "), answered) {
                let shown = shown.lines().next().unwrap().trim();
                let words = ["plan", "answer", "asked", "yes", "--key", "anna.key", "--shown", shown];
                assert!(self.guardrail(&words).status.success());
                answered = true;
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let [stdout, stderr] = heard.map(|thread| thread.join().unwrap());
        Output { status, stdout, stderr }
    }

    fn no_secret_among_its_arguments(&self, running: &Child) {
        let words = std::fs::read(format!("/proc/{}/cmdline", running.id())).unwrap_or_default();
        assert_eq!(secrets_in(&words), [""; 0]);
    }

    /// The records of accesses: resource, status and reason.
    fn accesses(&self) -> Vec<(String, String, Option<String>)> {
        let text = |record: &Value, name: &str| record[name].as_str().map(str::to_owned);
        let log = self.guardrail(&["audit", "query", "log", "--kind", "credential", "--json"]);
        let lines = String::from_utf8(log.stdout).unwrap();
        let records = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        records
            .map(|record| {
                (
                    text(&record, "resource").unwrap(),
                    text(&record, "status").unwrap(),
                    text(&record, "reason"),
                )
            })
            .collect()
    }

    /// No file holds a secret in any form, but for those that were written by hand.
    fn no_secret_was_written(&self) {
        let mut folders = vec![self.path().to_owned()];
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.ends_with("below") {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(bytes) = std::fs::read(&path) {
                    files += 1;
                    assert_eq!(secrets_in(&bytes), [""; 0], "{}", path.display());
                }
            }
        }
        assert!(files > 5, "{files}");
    }
}

fn listen(pipe: Option<impl std::io::Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    let mut pipe = pipe.unwrap();
    std::thread::spawn(move || {
        let mut heard = Vec::new();
        pipe.read_to_end(&mut heard).unwrap();
        heard
    })
}

/// The secrets that some bytes hold: as they are, in base64, hexadecimal, percent-encoded, in JSON.
fn secrets_in(bytes: &[u8]) -> Vec<&'static str> {
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    [DATABASE, TOKEN, KEY, SESSION]
        .into_iter()
        .filter(|secret| {
            let raw = secret.trim().as_bytes();
            let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
            let percent: String = raw
                .iter()
                .map(|byte| match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(*byte).to_string(),
                    byte => format!("%{byte:02X}"),
                })
                .collect();
            let json = serde_json::to_string(secret.trim()).unwrap();
            let base64 = (0..3).map(|offset| base64(&raw[offset..]));
            holds(raw)
                || holds(hex.as_bytes())
                || holds(hex.to_uppercase().as_bytes())
                || holds(percent.as_bytes())
                || holds(json.trim_matches('"').as_bytes())
                || base64.into_iter().any(|form| holds(form.as_bytes()))
        })
        .collect()
}

/// Whole groups alone, so that it is found in the middle of a longer one.
fn base64(bytes: &[u8]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(alphabet[bits >> shift & 63]))
    };
    bytes.chunks_exact(3).flat_map(group).collect()
}

fn credential(name: &str, how: &str, variable: &str) -> Value {
    json!([{ "name": name, "into": { how: variable } }])
}

#[test]
fn from_where_it_is_kept_to_the_command_and_to_nobody_else() {
    let place = Place::new();
    let step = |title: &str, shell: &str, credentials: Value| {
        json!({
            "title": title,
            "command": { "shell": shell, "credentials": credentials },
        })
    };
    // Each says it in every way, and writes down how long it is: it had it.
    let says = |value: &str, to: &str| {
        format!(
            "echo {value}; echo {value} >&2; printf %s {value} | base64; printf %s {value} | od -An -tx1 -v | tr -d ' \\n'; \
             printf %s {value} | wc -c > {to}"
        )
    };
    let plan = json!({
        "title": "Say it in every way",
        "reason": "to see",
        "steps": [
            step("Vault", &says("\"$X\"", "vault.length"), credential("vault:db/prod", "environment", "X")),
            step("Environment", &says("\"$X\"", "env.length"), credential("env:HANDED", "environment", "X")),
            step("Command", &says("\"$(cat /proc/self/fd/$FD)\"", "command.length"), credential("command:session", "descriptor", "FD")),
            step("File", "cat \"$F\"; wc -c <\"$F\" > file.length", credential("file:key", "file", "F")),
        ],
    });
    let output = place.run(&plan);
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{errors}");
    for (file, length) in
        [("vault", DATABASE.len()), ("env", TOKEN.len()), ("command", SESSION.len()), ("file", KEY.len())]
    {
        let written = std::fs::read_to_string(place.path().join(format!("{file}.length"))).unwrap();
        assert_eq!(written.trim(), length.to_string(), "{file}");
    }
    assert!(said.contains("[redacted:registered]"), "{said}");
    assert_eq!(secrets_in(&output.stdout), [""; 0], "{said}");
    assert_eq!(secrets_in(&output.stderr), [""; 0], "{errors}");
    place.no_secret_was_written();
    let names = ["vault:db/prod", "env:HANDED", "command:session", "file:key"];
    let accesses = place.accesses();
    assert_eq!(accesses, names.map(|name| (name.to_owned(), "succeeded".to_owned(), None)));
    assert!(place.guardrail(&["audit", "verify", "log"]).status.success());
    // The access stands between the decision to run a command and what became of it.
    let all = String::from_utf8(place.guardrail(&["audit", "query", "log", "--json"]).stdout).unwrap();
    let kinds: Vec<_> = all
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["kind"].as_str().unwrap().to_owned())
        .filter(|kind| ["intent", "credential", "outcome"].contains(&kind.as_str()))
        .collect();
    assert_eq!(kinds, ["intent", "credential", "outcome"].repeat(4));
    let shown = place.guardrail(&["secrets", "list"]);
    assert!(String::from_utf8_lossy(&shown.stdout).starts_with("vault:db/prod  20"), "{shown:?}");
}

#[test]
fn an_agent_who_knows_all_this_gets_no_secret_without_a_person() {
    let place = Place::new();
    let plan = |shell: &str, credentials: Value| json!({ "title": "Look", "steps": [{ "title": "It", "command": { "shell": shell, "credentials": credentials } }] });
    // In a form that nobody looks for; nothing about the command itself is any risk.
    let backwards = plan("printf %s \"$X\" | rev", credential("vault:db/prod", "environment", "X"));
    std::fs::write(place.path().join("plan.json"), backwards.to_string()).unwrap();
    let words = ["run", "plan.json", "--log", "log", "--approver", "nobody", "--secrets", "secrets.toml"];
    let vault = ["--vault", "vault.age", "--vault-key", "vault.key"];
    let output = place.guardrail(&[&words[..], &vault].concat());
    assert_eq!(output.status.code(), Some(20), "{output:?}");
    assert!(place.accesses().is_empty(), "nobody asked for it");
    // What was not offered cannot be named, and each attempt is recorded.
    for (name, why) in [
        ("env:HOME", "no credential is called"),
        ("file:none", "no credential is called"),
        ("vault:db/other", "no credential is called"),
        ("database", "no credential is called"),
    ] {
        let output = place.run(&plan("touch ran", credential(name, "environment", "X")));
        assert_eq!(output.status.code(), Some(30), "{name}: {output:?}");
        let (resource, status, reason) = place.accesses().pop().unwrap();
        assert_eq!((resource.as_str(), status.as_str()), (name, "failed"));
        assert!(reason.unwrap().contains(why));
        assert!(!place.path().join("ran").exists());
    }
    // A name is a name, and no way to somewhere else.
    for name in ["file:../secrets.toml", "file:/etc/hostname", "env:A B", "vault:{{x}}", "Vault:x"] {
        std::fs::write(
            place.path().join("plan.json"),
            plan("ls", credential(name, "environment", "X")).to_string(),
        )
        .unwrap();
        let output = place.guardrail(&["plan", "validate", "plan.json"]);
        assert_eq!(output.status.code(), Some(20), "{name}: {output:?}");
    }
    // Nor is one had from the environment that the program was started with, without its name.
    let mut inherits = plan("echo \"<$HANDED>\"", json!([]));
    inherits["steps"][0]["command"]["inherit"] = json!(["HANDED"]);
    let output = place.run(&inherits);
    assert!(!output.status.success() && secrets_in(&output.stdout).is_empty(), "{output:?}");
    // A step has what it named, and nothing of another's.
    let mut two = plan("test -n \"$X\" && touch first", credential("vault:db/prod", "environment", "X"));
    let second =
        json!({ "title": "Other", "command": { "shell": "test -z \"$X\" && ls /dev/shm && touch second" } });
    two["steps"].as_array_mut().unwrap().push(second);
    let output = place.run(&two);
    assert!(output.status.success() && place.path().join("second").exists(), "{output:?}");
    place.no_secret_was_written();
}

#[test]
fn a_value_is_taken_from_input_alone_and_never_shown() {
    let place = Place::new();
    let output = place.guardrail(&["secrets", "set", "db/prod", "swordfish-on-the-command-line"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && !said.contains("swordfish"), "{said}");
    for (input, why) in
        [("", "empty"), ("\n", "empty"), ("abc\n", "fewer than 4"), (&"x".repeat(40_000), "more than")]
    {
        let output = place.with_input(&["secrets", "set", "db/prod"], input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(why), "{said}");
    }
    let read = |name: &str| {
        let name = format!("vault:{name}").parse().unwrap();
        place.vault().read(&name).unwrap().map(|secret| secret.expose().to_owned())
    };
    assert_eq!(read("db/prod").unwrap(), DATABASE.as_bytes(), "it is what it was");
    let output = place.with_input(&["secrets", "set", "vault:db/prod"], "another value\n");
    assert_eq!(output.stdout, b"replaced vault:db/prod\n");
    assert_eq!(read("db/prod").unwrap(), b"another value");
    assert_eq!(place.with_input(&["secrets", "set", "tls/key"], KEY).stdout, b"set vault:tls/key\n");
    assert_eq!(read("tls/key").unwrap(), KEY.as_bytes());
    let listed = place.guardrail(&["secrets", "list", "--json"]);
    let names: Vec<Value> = String::from_utf8(listed.stdout.clone())
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["name"].clone())
        .collect();
    assert_eq!(names, ["vault:db/prod", "vault:tls/key"]);
    assert!(secrets_in(&listed.stdout).is_empty());
    assert_eq!(place.guardrail(&["secrets", "remove", "tls/key"]).stdout, b"removed vault:tls/key\n");
    assert_eq!(place.guardrail(&["secrets", "remove", "tls/key"]).status.code(), Some(20));
    assert_eq!(place.guardrail(&["secrets", "set", "../x"]).status.code(), Some(2));
    place.no_secret_was_written();
}

#[test]
fn whoever_is_killed_while_setting_a_secret_loses_nothing() {
    let place = Place::new();
    let before = place.vault().list().unwrap().len();
    let (mut killed, mut done) = (0, 0);
    for round in 0..24_u64 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_guardrail"))
            .args(["secrets", "set", "of/rounds", "--vault", "vault.age", "--vault-key", "vault.key"])
            .current_dir(place.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The first one ends; those behind it die at every moment of it.
        let _ = child.stdin.take().unwrap().write_all(format!("value of round {round}\n").as_bytes());
        if round % 8 != 0 {
            std::thread::sleep(Duration::from_millis(round * 2));
            let _ = child.kill();
        }
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            done += 1
        } else {
            killed += 1
        }
        let name = "vault:of/rounds".parse().unwrap();
        let vault = place.vault();
        let value = String::from_utf8(vault.read(&name).unwrap().unwrap().expose().to_owned()).unwrap();
        let of: u64 = value.strip_prefix("value of round ").unwrap().parse().unwrap();
        assert!(of <= round && (!output.status.success() || of == round), "{value} behind round {round}");
        assert_eq!(vault.list().unwrap().len(), before + 1);
        let name = "vault:db/prod".parse().unwrap();
        assert_eq!(vault.read(&name).unwrap().unwrap().expose(), DATABASE.as_bytes());
    }
    println!("{killed} were killed, {done} came to an end");
    assert!(done >= 3);
}

#[test]
fn a_passphrase_comes_from_a_file_a_descriptor_or_the_terminal() {
    let place = Place::new();
    place.private("passphrase", "a passphrase of some length\n");
    let set = |more: &str, input: &str| {
        let line = format!("exec 3<passphrase; exec \"$0\" secrets set a --vault other.age {more}");
        let mut child = Command::new("sh")
            .args(["-c", &line, env!("CARGO_BIN_EXE_guardrail")])
            .current_dir(place.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    };
    assert!(set("--passphrase-file passphrase", "the first value\n").status.success());
    assert!(set("--passphrase-fd 3", "the second value\n").status.success());
    place.private("passphrase", "another passphrase, and wrong\n");
    let wrong = set("--passphrase-fd 3", "the third value\n");
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("does not fit"), "{wrong:?}");
    let both = set("--passphrase-fd 3 --vault-key vault.key", "x\n");
    assert_eq!(both.status.code(), Some(2));
    if Command::new("script").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("SKIPPED: there is no `script` to make a terminal with");
        return;
    }
    let mut child = Command::new("script")
        .args([
            "-qefc",
            &format!("{} secrets list --vault other.age", env!("CARGO_BIN_EXE_guardrail")),
            "/dev/null",
        ])
        .current_dir(place.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut said, mut byte, mut typed) = (Vec::new(), [0; 256], false);
    while let Ok(count @ 1..) = stdout.read(&mut byte) {
        said.extend_from_slice(&byte[..count]);
        if !typed && String::from_utf8_lossy(&said).contains("Passphrase of other.age: ") {
            stdin.write_all(b"a passphrase of some length\r").unwrap();
            typed = true;
        }
    }
    let said = String::from_utf8(said).unwrap();
    assert!(child.wait().unwrap().success() && said.contains("vault:a  20"), "{said}");
    assert!(!said.contains("some length"), "{said}");
}
