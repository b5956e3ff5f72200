//! Secrets reach the command, and nobody else.

use std::sync::Arc;

use async_trait::async_trait;
use guardrail_core::plan::{
    Command, CredentialError, CredentialProvider, CredentialReference, CredentialUse, Ended, Injection,
    Refusal, Sandbox, Secret,
};
use guardrail_core::redact::Redactor;

use crate::bench::{Bench, executor};

const VALUE: &str = "correct horse/battery+staple";

struct Vault;

#[async_trait]
impl CredentialProvider for Vault {
    async fn fetch(
        &self,
        reference: &CredentialReference,
        purpose: &CredentialUse,
    ) -> Result<Secret, CredentialError> {
        assert_eq!(purpose.slot().to_string(), "step 1");
        match reference.name.as_str() {
            "long" => Ok(Secret::new(VALUE.into())),
            "short" => Ok(Secret::new(b"abc".to_vec())),
            "nul" => Ok(Secret::new(b"correct\0horse".to_vec())),
            name => Err(CredentialError::Unknown { name: name.parse().unwrap() }),
        }
    }
}

fn bench() -> Bench {
    Bench::with(executor().credentials(Arc::new(Vault)))
}

fn with(command: Command, name: &str, into: Injection) -> Command {
    command.credential(CredentialReference { name: name.parse().unwrap(), into })
}

#[test]
fn a_variable_and_what_is_said_of_it_in_any_pieces() {
    let bench = bench();
    let source = r#"
        echo "is $SECRET"
        printf %s "$SECRET" | base64 -w0; echo
        printf %s "$SECRET" | od -An -tx1 -v | tr -d ' \n'; echo
        text=$SECRET
        while [ -n "$text" ]; do
            rest=${text#?}; printf %s "${text%"$rest"}"; sleep 0.01; text=$rest
        done
        echo; echo "$SECRET" >&2; echo ${#SECRET}
    "#;
    let command = with(bench.shell(source), "long", Injection::Environment("SECRET".into()));
    let (execution, heard) = bench.heard(command);
    let all =
        "is [redacted:registered]\n[redacted:registered]\n[redacted:registered]\n[redacted:registered]\n28\n";
    let text = &execution.stdout.text;
    assert_eq!(text.lines().count(), 5, "{text}");
    assert_eq!(text.lines().next(), all.lines().next());
    assert_eq!(text.lines().nth(3), Some("[redacted:registered]"), "one byte at a time");
    for part in ["correct", "battery", "Y29ycmVjdC", "636f7272656374"] {
        assert!(!text.contains(part), "{part} in {text}");
    }
    assert_eq!(heard.stdout, text.as_bytes());
    assert_eq!(execution.stderr.text, "[redacted:registered]\n");
    let everything = format!("{execution:?} {:?}", bench.executor);
    assert!(!everything.contains("horse"));
}

#[test]
fn a_file_that_lives_as_long_as_the_command() {
    let bench = bench();
    let source = r#"stat -c '%a %F' "$FILE"; stat -c %a "${FILE%/*}"; wc -c <"$FILE"; echo "$FILE""#;
    for sandbox in [
        Sandbox::default(),
        Sandbox { files: Some(Default::default()), best_effort: true, ..Sandbox::default() },
    ] {
        let command = with(bench.shell(source), "long", Injection::File("FILE".into()));
        let execution = bench.run(command.sandbox(sandbox));
        let lines: Vec<_> = execution.stdout.text.lines().collect();
        assert_eq!(lines[..3], ["600 regular file", "700", "28"], "{execution:?}");
        let path = std::path::Path::new(lines[3]);
        assert!(!path.exists() && !path.parent().unwrap().exists(), "it is gone with the command");
    }
}

#[test]
fn a_descriptor_that_only_the_command_has() {
    let bench = bench();
    let source = r#"wc -c <"/proc/self/fd/$FD"; ls -l /proc/self/fd | grep -c memfd; cat /proc/self/cmdline | tr '\0' ' '"#;
    let command = with(bench.shell(source), "long", Injection::Descriptor("FD".into()));
    let execution = bench.run(command);
    assert!(execution.stdout.text.starts_with("28\n1\n"), "{execution:?}");
}

#[test]
fn without_the_secret_nothing_starts() {
    let refused = |bench: &Bench, name: &str| {
        let command = with(bench.shell("touch ran"), name, Injection::Environment("SECRET".into()));
        let execution = bench.run(command);
        let Ended::NotStarted(Refusal::Credential(why)) = execution.ended else { panic!("{execution:?}") };
        assert!(!bench.has("ran") && !why.contains("abc"), "{why}");
    };
    refused(&bench(), "unknown");
    // It could not be kept out of the output.
    refused(&bench(), "short");
    refused(&bench(), "nul");
    refused(&Bench::new(), "long");
}

#[test]
fn what_a_command_wrote_down_is_not_shown_by_the_next() {
    let bench = bench();
    let command =
        with(bench.shell("echo \"$S\" >noted; echo it"), "long", Injection::Environment("S".into()));
    assert_eq!(bench.run(command).stdout.text, "it\n");
    assert_eq!(bench.run(bench.shell("cat noted; base64 -w0 noted")).stdout.text.matches(VALUE).count(), 0);
    let text = bench.run(bench.shell("cat noted; rm noted; env")).stdout.text;
    assert!(text.starts_with("[redacted:registered]\n") && !text.contains("\nS="), "{text}");
}

#[test]
fn secrets_that_only_the_embedder_knows() {
    let values = Redactor::builder().secret("hush-hush").unwrap();
    let bench = Bench::with(executor().secrets(values).unwrap().credentials(Arc::new(Vault)));
    let source = "printf hush-; sleep 0.1; echo hush";
    assert_eq!(bench.run(bench.shell(source)).stdout.text, "[redacted:registered]\n");
    let both = with(
        bench.shell("printf hush-; sleep 0.1; echo hush; echo $S"),
        "long",
        Injection::Environment("S".into()),
    );
    assert_eq!(bench.run(both).stdout.text, "[redacted:registered]\n[redacted:registered]\n");
}

#[test]
fn what_was_cut_off_may_be_half_a_secret_and_is_not_shown() {
    let bench = bench();
    // The limit is reached within the secret.
    let limits = guardrail_core::plan::StepLimits { output_bytes: Some(5000), ..crate::bench::limits(30, 1) };
    let source = r#"head -c 4990 /dev/zero | tr '\0' x; printf %s "${S%????}"; sleep 0.3; yes"#;
    let command = with(bench.shell(source), "long", Injection::Environment("S".into())).limits(limits);
    let (execution, heard) = bench.heard(command);
    let heard = String::from_utf8(heard.stdout).unwrap();
    assert!(!heard.contains("corr") && !execution.stdout.text.contains("corr"), "{heard}");
}
