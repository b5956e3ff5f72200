//! Real bash as the oracle of word expansion: what we decode is what a program would be given.
//!
//! Every case is a script whose commands are named `record`. One bash runs them all, each in a
//! subshell, with a `record` that writes its arguments down; the same scripts are lowered, and the
//! words of each `record` are compared: exactly where they are known, by their ends where partly.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test meets the world")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use bumpalo::Bump;
use guardrail_core::Limits;
use guardrail_core::lower::{Entry, Known, Lowerer, Value, Word};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Hand-written cases, one a line (`\n` spelled `<NL>`).
const CASES: &str = include_str!("lower_oracle_cases.txt");

const HOME: &str = "/home/user";

/// What bash passed to each `record` of each case; `None` where there is no bash 5.
fn observe(cases: &[String]) -> Option<Vec<Vec<Vec<Vec<u8>>>>> {
    let version = Command::new("bash").args(["-c", "echo ${BASH_VERSINFO[0]}"]).output().ok()?;
    if version.stdout.trim_ascii() != b"5" {
        return None;
    }
    let directory = Directory::new();
    let driver = r#"
        record() { printf '%s\0' "$case_number" "$#" "$@" >&7; }
        case_number=0
        while IFS= read -r -d '' case <&6; do
            ( eval "$case" ) </dev/null >/dev/null 2>&1 6<&-
            case_number=$((case_number+1))
        done 6<../cases 7>../recorded
    "#;
    let mut input = Vec::new();
    for case in cases {
        input.extend_from_slice(case.as_bytes());
        input.push(0);
    }
    std::fs::write(directory.0.join("cases"), input).unwrap();
    let bash = ["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"];
    let bash = bash.into_iter().find(|path| std::path::Path::new(path).exists())?;
    let status = Command::new(bash)
        .args(["--norc", "--noprofile", "-c", driver, "zero"])
        .env_clear()
        .env("HOME", HOME)
        .env("PATH", directory.0.join("empty"))
        .env("LC_ALL", "C.UTF-8")
        .current_dir(directory.0.join("empty"))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let recorded = std::fs::read(directory.0.join("recorded")).unwrap();
    let mut fields = recorded.split(|byte| *byte == 0);
    let mut all = vec![Vec::new(); cases.len()];
    while let Some(case) = fields.next().filter(|case| !case.is_empty()) {
        let number = |field: &[u8]| std::str::from_utf8(field).unwrap().parse::<usize>().unwrap();
        let count = number(fields.next().unwrap());
        all[number(case)].push(fields.by_ref().take(count).map(<[u8]>::to_vec).collect());
    }
    Some(all)
}

/// A fresh directory with an empty one inside, gone at the end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("lower-oracle-{}-{count}", std::process::id()));
        std::fs::create_dir_all(path.join("empty")).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How a case went.
enum Outcome {
    Agrees,
    /// Nothing could be compared: the words may be any number.
    Open,
    Differs(String),
}

fn compare(case: &str, observed: &[Vec<Vec<u8>>]) -> Outcome {
    let arena = Bump::new();
    let known = Known { home: Some(HOME.as_bytes()), ..Known::default() };
    let mut lowerer = Lowerer::new(&arena, &Limits::STANDARD, &known);
    lowerer.source(case.as_bytes(), Entry::request());
    let program = &lowerer.program;
    if !program.problems.is_empty() || program.exhausted.is_some() {
        return Outcome::Differs(format!("not read: {:?} {:?}", program.problems, program.exhausted));
    }
    let mut records = Vec::new();
    for invocation in &program.invocations {
        if invocation.words.first().and_then(Word::as_known) == Some(b"record") {
            if invocation.context != guardrail_core::lower::Context::default() {
                return Outcome::Open;
            }
            records.push(invocation);
        } else if invocation.words.first().is_some_and(|word| word.as_known().is_none()) {
            return Outcome::Open;
        }
    }
    if records.len() != observed.len() {
        return Outcome::Differs(format!("{} commands, bash ran {}", records.len(), observed.len()));
    }
    for (record, observed) in records.iter().zip(observed) {
        let words = &record.words[1..];
        if words.iter().any(|word| word.splits || word.pattern.is_some()) {
            return Outcome::Open;
        }
        let fits = words.len() == observed.len()
            && words.iter().zip(observed).all(|(word, text)| match word.value {
                Value::Known(known) => known == text.as_slice(),
                Value::Partial { prefix, suffix } => text.starts_with(prefix) && text.ends_with(suffix),
                Value::Unknown => true,
            });
        if !fits {
            let shown = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
            let ours: Vec<String> = words
                .iter()
                .map(|word| match word.value {
                    Value::Known(known) => shown(known),
                    Value::Partial { prefix, suffix } => format!("{}<?>{}", shown(prefix), shown(suffix)),
                    Value::Unknown => "<?>".to_owned(),
                })
                .collect();
            let theirs: Vec<String> = observed.iter().map(|text| shown(text)).collect();
            return Outcome::Differs(format!("ours {ours:?}, bash {theirs:?}"));
        }
    }
    Outcome::Agrees
}

/// Compares all cases; the share of those in which every word could be compared.
fn check(cases: &[String]) -> Option<f64> {
    let Some(observed) = observe(cases) else {
        eprintln!("skipped: no bash 5 here");
        return None;
    };
    let mut wrong = Vec::new();
    let mut agreed = 0;
    for (case, observed) in cases.iter().zip(&observed) {
        match compare(case, observed) {
            Outcome::Agrees => agreed += 1,
            Outcome::Open => {}
            Outcome::Differs(why) => wrong.push(format!("{case:?}: {why}")),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong[..wrong.len().min(40)].join("\n")
    );
    Some(f64::from(agreed) / cases.len() as f64)
}

#[test]
fn hand_written_cases() {
    let cases: Vec<String> = CASES
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("##"))
        .map(|line| line.replace("<NL>", "\n"))
        .collect();
    assert!(cases.len() > 250);
    if let Some(share) = check(&cases) {
        assert!(share > 0.9, "only {share} of the cases could be compared");
    }
}

#[test]
fn generated_cases() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = script();
    let cases: Vec<String> = (0..1500).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
    if let Some(share) = check(&cases) {
        assert!(share > 0.6, "only {share} of the cases could be compared");
    }
}

// ---- generated scripts

fn script() -> impl Strategy<Value = String> {
    let command = proptest::collection::vec(word(), 0..4).prop_map(|words| {
        let words: String = words.iter().map(|word| format!(" {word}")).collect();
        format!("record{words}")
    });
    let command = command.boxed();
    let statement = prop_oneof![
        3 => command.clone(),
        2 => (prop_oneof!["a", "b", "c"], word()).prop_map(|(name, value)| format!("{name}={value}")),
        1 => (prop_oneof!["a", "b", "c"], word()).prop_map(|(name, value)| format!("{name}+={value}")),
        1 => (prop_oneof!["a", "b", "c"], word()).prop_map(|(name, value)| format!("export {name}={value}")),
        1 => proptest::collection::vec(word(), 0..3).prop_map(|words| format!("set -- {}", words.join(" "))),
    ];
    let start = (value(), value(), value()).prop_map(|(a, b, c)| format!("a={a}; b={b}; c={c}"));
    (start, proptest::collection::vec(statement, 0..4), command).prop_map(|(start, statements, command)| {
        let mut text = start;
        for statement in statements {
            text.push_str("; ");
            text.push_str(&statement);
        }
        format!("set -- x 'y z'; {text}; {command}")
    })
}

fn value() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("''"),
        Just("abc"),
        Just("'a b'"),
        Just("' a  b '"),
        Just("12"),
        Just("path/to/file.tar.gz"),
        Just("'-x'"),
        Just("$'a\\tb\\nc'"),
        Just("x\\ y"),
        Just("'{a,b}'"),
        Just("'~'"),
        Just("aXbXc"),
    ]
}

fn word() -> impl Strategy<Value = String> {
    proptest::collection::vec(piece(), 1..4).prop_map(|pieces| pieces.concat())
}

fn piece() -> BoxedStrategy<String> {
    let plain = prop_oneof![
        "[a-c0-2./,:=@%+_-]{1,4}",
        r"\\[a-z$\\ '{}*?~]".prop_map(|text| text),
        "'[a-c {}$~*]{0,3}'",
        "\"[a-c {}~*']{0,3}\"",
        r#""(\\\$|\\"|\\\\|\\a|x)*""#,
        r"\$'(\\n|\\t|\\x4[1-9]|\\1[0-2][0-7]|\\u00e9|\\'|\\\\|\\cA|q)*'",
        Just("~".to_owned()),
        Just("~/q".to_owned()),
        Just("{}".to_owned()),
    ];
    let expansion = prop_oneof![
        Just("$a"),
        Just("${b}"),
        Just("\"$a\""),
        Just("\"${b}$c\""),
        Just("\"$@\""),
        Just("$*"),
        Just("\"$*\""),
        Just("$1"),
        Just("\"$2\""),
        Just("$#"),
        Just("${#a}"),
        Just("${a:-d e}"),
        Just("\"${a:-d  e}\""),
        Just("${a:+q 'r s'}"),
        Just("${u:-v}"),
        Just("${a%.*}"),
        Just("${a%%.*}"),
        Just("${a#*/}"),
        Just("${a##*/}"),
        Just("${a/b/Q}"),
        Just("${a//[ab]/Q}"),
        Just("${a/#a/Q}"),
        Just("${a/%c/Q}"),
        Just("${a:1}"),
        Just("${a:1:2}"),
        Just("${a: -2}"),
        Just("${a^^}"),
        Just("${a^}"),
        Just("${b,,}"),
        Just("$((1+2*3))"),
        Just("$((${#a}*2))"),
        Just("$(echo x y)"),
        Just("\"$(printf '%s-' a b)\""),
        Just("`echo '$a'`"),
        Just("\"${@:2}\""),
        Just("\"${@:1:1}\""),
        Just("${b:=w}"),
        Just("$(echo \"$a\")"),
    ]
    .prop_map(str::to_owned);
    let simple = prop_oneof![3 => plain, 3 => expansion].boxed();
    let braces = prop_oneof![
        (simple.clone(), simple.clone()).prop_map(|(a, b)| format!("{{{a},{b}}}")),
        (simple.clone(), simple.clone()).prop_map(|(a, b)| format!("{{{a},{{p,{b}}}}}")),
        (0..12i32, 0..12i32).prop_map(|(a, b)| format!("{{{a}..{b}}}")),
        (0..12i32, 0..5i32).prop_map(|(a, b)| format!("{{0{a}..{b}}}")),
        Just("{a..e..2}".to_owned()),
        Just("{a}".to_owned()),
        Just("{,}".to_owned()),
        Just("{a,".to_owned()),
        Just("b}".to_owned()),
    ];
    prop_oneof![5 => simple, 1 => braces].boxed()
}

#[test]
fn the_harness_bites() {
    // A case that our own output contradicts must not pass.
    let observed = vec![vec![b"y".to_vec()]];
    assert!(matches!(compare("record x", &observed), Outcome::Differs(_)));
    assert!(matches!(compare("record x", &[]), Outcome::Differs(_)));
    std::io::stderr().flush().unwrap();
}
