//! What the design says must always hold, held to generated commands.
#![allow(
    clippy::string_slice,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used
)]

mod checks;

use std::panic::catch_unwind;

use guardrail_core::{Request, Risk};
use proptest::prelude::*;

use checks::GUARD;
use checks::commands::{COMMANDS, SCRIPTS};
use checks::wrappers::{WRAPPERS, quote};

fn risk(text: &str) -> Risk {
    GUARD.evaluate(&Request::shell(text)).risk
}

// ---- wrapping never lowers

#[test]
fn every_wrapper_around_every_command() {
    let mut failures = Vec::new();
    let mut compared = 0;
    for command in COMMANDS.iter().chain(SCRIPTS) {
        for wrapper in WRAPPERS {
            match catch_unwind(|| checks::never_lowers(command, wrapper).is_some()) {
                Ok(done) => compared += usize::from(done),
                Err(_) => failures.push(format!("{}: {command}", wrapper.name)),
            }
        }
    }
    assert!(compared > 4000, "only {compared} could be compared");
    assert!(failures.is_empty(), "{} of {compared} lower:\n{}", failures.len(), failures.join("\n"));
}

// ---- neither does standing beside something else

#[test]
fn a_list_is_as_bad_as_its_worst_part() {
    // What moves the shell elsewhere changes what the second part means.
    let moves = [
        "cd ", "set ", "exec", "export", "declare", "IFS=", "PS4=", "exit", "trap", "enable", "x=", "hash",
        "read ",
    ];
    let first = COMMANDS.iter().chain(SCRIPTS).filter(|text| !moves.iter().any(|word| text.contains(word)));
    let mut failures = Vec::new();
    for a in first {
        let alone = risk(a);
        for b in COMMANDS.iter().chain(SCRIPTS) {
            let worst = alone.max(risk(b));
            // Here-documents end at their line; a newline keeps them apart from what follows.
            let lists = if a.contains("<<") {
                vec![
                    format!("{{ {a}\n}}; {b}"),
                    format!("{{ {a}\n}} && {{ {b}\n}}"),
                    format!("{{ {a}\n}} | {b}"),
                ]
            } else {
                vec![
                    format!("{a}; {b}"),
                    format!("{a} && {{ {b}\n}}"),
                    format!("{a} || {{ {b}\n}}"),
                    format!("{a} | {{ {b}\n}}"),
                    format!("{a} & {b}"),
                    format!("{a}\n{b}"),
                ]
            };
            for list in lists {
                let together = risk(&list);
                if together < worst {
                    failures.push(format!("{together} instead of {worst}: {list}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} lower:\n{}", failures.len(), failures.join("\n"));
}

// ---- decoded words, never raw text

/// One word in one of the ways to write it. Each choice decides how one character goes.
fn spelled(word: &str, choices: &[u8]) -> String {
    let mut out = String::new();
    let mut choices = choices.iter().copied().cycle();
    for character in word.chars() {
        match choices.next().unwrap_or_default() % 9 {
            0 => out.push_str(&format!(
                "'{}'",
                if character == '\'' { "'\\''".into() } else { character.to_string() }
            )),
            1 if !matches!(character, '$' | '`' | '"' | '\\') => out.push_str(&format!("\"{character}\"")),
            1 => out.push_str(&format!("\"\\{character}\"")),
            2 if character.is_ascii() => out.push_str(&format!("$'\\x{:02x}'", u32::from(character))),
            3 if character.is_ascii() => out.push_str(&format!("$'\\{:03o}'", u32::from(character))),
            4 => out.push_str(&format!("$'\\u{:04x}'", u32::from(character))),
            5 => out.push_str(&format!("''\\{character}")),
            6 => out.push_str(&format!("\"\"\\{character}")),
            7 => out.push_str(&format!("\\\n\\{character}")),
            _ => out.push_str(&format!("\\{character}")),
        }
    }
    if out.is_empty() { "''".into() } else { out }
}

fn words_of(command: &str) -> Vec<String> {
    let evaluation = GUARD.evaluate(&Request::shell(command));
    let [first, ..] = &evaluation.invocations[..] else { panic!("{command}") };
    first.argv.iter().map(|word| word.clone().unwrap_or_else(|| panic!("{command}"))).collect()
}

fn essence(text: &str) -> (Risk, Vec<Option<String>>, Vec<String>) {
    let evaluation = GUARD.evaluate(&Request::shell(text));
    let programs = evaluation.programs().map(|name| name.map(str::to_owned)).collect();
    let effects =
        evaluation.effects.iter().map(|effect| format!("{:?} {:?}", effect.kind, effect.target)).collect();
    (evaluation.risk, programs, effects)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn quoting_changes_nothing(
        command in prop::sample::select(COMMANDS),
        choices in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        let words = words_of(command);
        let plain: Vec<String> = words.iter().map(|word| quote(word)).collect();
        let plain = plain.join(" ");
        let mut choices = choices;
        let spelled: Vec<String> = words.iter().map(|word| {
            choices.rotate_left(1);
            spelled(word, &choices)
        }).collect();
        let spelled = spelled.join(" ");
        prop_assert_eq!(essence(&plain), essence(&spelled), "{}\n{}", plain, spelled);
    }

    #[test]
    fn an_argument_vector_is_its_quoted_words(
        words in prop::collection::vec(prop_oneof![
            prop::sample::select(&["rm", "-rf", "/", "cat", "find", ".", "-delete", "sh", "-c", "x;y", "a b", "'", "$x", "~", "*", "-"][..]).prop_map(str::to_owned),
            "[ -~]{0,12}",
        ], 1..6),
    ) {
        prop_assume!(!guardrail_core::lower::is_builtin(words[0].as_bytes()) && !words[0].is_empty());
        let quoted: Vec<String> = words.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
        let shell = GUARD.evaluate(&Request::shell(quoted.join(" ")));
        let argv = GUARD.evaluate(&Request::argv(words));
        prop_assert_eq!(shell.risk, argv.risk);
        prop_assert_eq!(
            shell.programs().collect::<Vec<_>>(),
            argv.programs().collect::<Vec<_>>()
        );
    }
}

// ---- raising needs possibility, lowering needs proof

/// A command, and a flag that makes it harmless.
const REHEARSALS: &[(&str, &str)] = &[
    ("kubectl delete pod web", "--dry-run=server"),
    ("kubectl delete namespace prod", "--dry-run=client"),
    ("kubectl apply -f web.yaml", "--dry-run=server"),
    ("helm upgrade web ./chart", "--dry-run=server"),
    ("helm upgrade web ./chart", "--dry-run"),
    ("helm uninstall web", "--dry-run"),
    ("aws s3 rm s3://bucket/x --recursive", "--dryrun"),
    ("git push --force origin main", "--dry-run"),
    ("git clean -fd", "-n"),
    ("rsync -a --delete a/ b/", "--dry-run"),
    ("make deploy", "-n"),
    ("apt-get install x", "--simulate"),
    ("npm publish", "--dry-run"),
    ("terraform apply", "-help"),
    ("cargo publish", "--dry-run"),
];

#[test]
fn a_rehearsal_counts_only_where_it_is_certain() {
    let mut failures = Vec::new();
    for (command, flag) in REHEARSALS {
        let real = risk(command);
        let rehearsed = risk(&format!("{command} {flag}"));
        let name = flag.split('=').next().unwrap_or(flag);
        let mut hold = |text: String, why: &str| {
            let found = risk(&text);
            if found < real {
                failures.push(format!("{text}: {found} instead of {real}: {why}"));
            }
        };
        if rehearsed >= real {
            // It does not lower; there is nothing to undo either.
            continue;
        }
        if flag.contains('=') {
            hold(format!("{command} {name}=$MODE"), "the value is unknown");
            hold(format!("{command} {name}=\"$MODE\""), "the value is unknown");
            hold(format!("{command} {name}=none"), "the value says no");
            hold(format!("{command} {name}=\"${{MODE:-server}}\""), "only the default is known");
            hold(format!("{command} {flag} {name}=none"), "the last one counts");
        }
        hold(format!("{command} $FLAGS"), "nobody knows the flags");
        hold(format!("{command} \"$FLAG\""), "nobody knows the flag");
        hold(format!("{command} ${{DRY:+{flag}}}"), "it may be empty");
        hold(format!("{command} -- {flag}"), "behind `--` it is no flag");
        hold(format!("{command} ; : {flag}"), "it is another command's");
        hold(format!("{command} # {flag}"), "it is a comment");
        hold(format!("if test x; then D={flag}; fi; {command} $D"), "it is set on one path only");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The word that is replaced by something unknown, and what the rubric then demands.
const SLOTS: &[(&str, usize, Risk)] = &[
    ("rm x", 0, Risk::High),
    ("ls x", 0, Risk::High),
    ("rm x", 1, Risk::High),
    ("rm -r x", 2, Risk::High),
    ("tee x", 1, Risk::High),
    ("cp a b", 2, Risk::High),
    ("mv a b", 1, Risk::High),
    ("mv a b", 2, Risk::High),
    ("dd if=a of=b", 2, Risk::High),
    ("sh -c x", 2, Risk::High),
    ("bash x", 1, Risk::High),
    ("eval x", 1, Risk::High),
    ("source x", 1, Risk::High),
    ("python3 -c x", 2, Risk::High),
    ("ssh host x", 2, Risk::High),
    ("sudo x", 1, Risk::High),
    ("xargs x", 1, Risk::High),
    ("env x", 1, Risk::High),
    ("find . -exec x ;", 3, Risk::High),
    ("kubectl delete pod web", 3, Risk::High),
    ("kubectl exec web -- x", 4, Risk::High),
    ("docker exec web x", 3, Risk::High),
    ("psql -c x", 2, Risk::High),
    ("sed -i s/a/b/ f", 3, Risk::High),
    ("sed x f", 1, Risk::Medium),
    ("awk x f", 1, Risk::Medium),
    ("kubectl x pods", 1, Risk::Medium),
    ("git x", 1, Risk::Medium),
    ("terraform x", 1, Risk::Medium),
    ("aws ec2 x", 2, Risk::Medium),
    ("find . x", 2, Risk::Medium),
    ("curl http://host x", 2, Risk::Medium),
    ("sort x", 1, Risk::Medium),
];

#[test]
fn unknown_words_are_graded_by_what_they_could_be() {
    let mut failures = Vec::new();
    for (command, slot, least) in SLOTS {
        for unknown in ["$UNKNOWN", "\"$UNKNOWN\"", "\"$(cat list)\"", "\"${X:-$Y}\""] {
            let words: Vec<String> = command
                .split(' ')
                .enumerate()
                .map(|(at, word)| {
                    if at == *slot {
                        word.rfind('=')
                            .map_or(unknown.into(), |equals| format!("{}={unknown}", &word[..equals]))
                    } else {
                        quote(word)
                    }
                })
                .collect();
            let text = words.join(" ");
            let found = risk(&text);
            if found < *least {
                failures.push(format!("{text}: {found} instead of {least}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn an_unknown_word_more_never_lowers() {
    let mut failures = Vec::new();
    for command in COMMANDS {
        let real = risk(command);
        for unknown in ["$UNKNOWN", "\"$UNKNOWN\"", "\"$@\"", "*"] {
            let mut words: Vec<String> = words_of(command).iter().map(|word| quote(word)).collect();
            for at in 1..=words.len() {
                words.insert(at, unknown.into());
                let text = words.join(" ");
                let found = risk(&text);
                // In front of a subcommand it hides what is done, which is a medium unknown.
                let least = if at < words.len() - 1 { real.min(Risk::Medium) } else { real };
                if found < least {
                    failures.push(format!("{text}: {found} instead of {least}"));
                }
                words.remove(at);
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
