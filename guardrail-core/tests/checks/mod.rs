//! What must hold for any input whatsoever. The fuzz targets call these with what they come up
//! with; the tests call them with what once went wrong.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice
)]

pub mod commands;
pub mod wrappers;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use guardrail_core::policy::{Layer, Policy, PolicyBuilder, PolicyError, PolicyProblem};
use guardrail_core::shell::{self, Bump, Script, Span};
use guardrail_core::{Decision, Environment, Evaluation, Facts, Guard, Limits, Request, Risk, Style};

use wrappers::{Form, WRAPPERS};

pub static GUARD: LazyLock<Guard> = LazyLock::new(Guard::new);

/// Far more than any evaluation within the limits takes, on a slow machine in a debug build.
const LONGEST: Duration = Duration::from_secs(60);

/// The parser ends, twice with the same tree, and points into its text.
pub fn parse(bytes: &[u8]) {
    let arena = Bump::new();
    let script = shell::parse(&arena, bytes, &Limits::STANDARD);
    assert_eq!(script.text(), bytes);
    for problem in script.problems() {
        within(problem.span, bytes.len());
    }
    let again = shell::parse(&arena, bytes, &Limits::STANDARD);
    assert_eq!(shell::outline(&script), shell::outline(&again));
    let (template, word) = shell::parse_template(&arena, bytes, &Limits::STANDARD);
    within(word.span, bytes.len());
    for problem in template.problems() {
        within(problem.span, bytes.len());
    }
}

/// What was accepted is printed as something that reads as the same tree.
pub fn roundtrip(bytes: &[u8]) {
    let arena = Bump::new();
    let script: Script<'_> = shell::parse(&arena, bytes, &Limits::STANDARD);
    let printed = shell::print(&script);
    if !script.problems().is_empty() || bytes.len() > 8 << 10 {
        return;
    }
    // A continued line may part the bytes of a character, which printing joins again.
    if std::str::from_utf8(bytes).is_err() && bytes.windows(2).any(|pair| pair == b"\\\n") {
        return;
    }
    // Such a word is a negated subshell wherever that makes sense of what follows, up to a comment
    // that a printed newline ends earlier.
    if bytes.contains(&b'#') && shell::outline(&script).contains("simple <|!(") {
        return;
    }
    let again = shell::parse(&arena, &printed, &Limits::STANDARD);
    let shown = || format!("{:?} was printed as {:?}", text(bytes), text(&printed));
    if again.problems().iter().any(|problem| problem.kind.is_limit()) {
        return;
    }
    assert!(again.problems().is_empty(), "{}: {:?}", shown(), again.problems());
    assert_eq!(shell::outline(&script), shell::outline(&again), "{}", shown());
    assert_eq!(text(&printed), text(&shell::print(&again)), "{}", shown());
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Evaluates bytes as shell text; where they hold zero bytes, also as an argument vector that
/// these divide; where they are a JSON object, also as a tool call.
pub fn evaluate(bytes: &[u8]) {
    let source = text(bytes);
    if source.contains('\0') {
        let _ = consistent(&situated(Request::argv(source.split('\0')), source.len()));
    }
    if let Ok(serde_json::Value::Object(mut call)) = serde_json::from_str(&source)
        && let Some(serde_json::Value::String(name)) = call.remove("name")
    {
        let arguments = call.remove("arguments").unwrap_or_default();
        let _ = consistent(&situated(Request::call(name, arguments), source.len()));
    }
    let _ = consistent(&situated(Request::shell(source), bytes.len()));
}

/// Bytes as a document of every kind, as the content of a file and through a pipe: evaluated as
/// anything else is; and where all of it could be read, another document never lowers the risk.
pub fn manifest(bytes: &[u8]) {
    let more = b"\n---\nkind: ConfigMap\nmetadata: {name: another}\n";
    for command in [
        "kubectl apply -f doc",
        "kubectl delete -f - < doc",
        "kubectl replace --force -f doc",
        "docker compose -f doc up",
        "docker compose -f doc down -v",
        "terraform apply doc",
    ] {
        let facts = Facts { environment: Some(Environment::Development), ..Facts::default() };
        let request = Request::shell(command).facts(facts);
        let without = GUARD.evaluate(&request).risk;
        let request = request.attachment("doc", bytes);
        let evaluation = consistent(&request);
        assert!(evaluation.risk >= without, "{command}: its content lowers the risk");
        let two = request.attachment("doc", &[bytes, more].concat());
        if command.starts_with("kubectl") && !evaluation.blast_radius.incomplete && bytes.len() < 1 << 19 {
            let both = GUARD.evaluate(&two);
            assert!(both.risk >= evaluation.risk, "{command}: one more object lowers the risk");
        }
    }
    let inline = [b"kubectl apply -f - <<EOF\n", bytes, b"\nEOF"].concat();
    let _ = consistent(&Request::shell(text(&inline)));
    let patch = format!("kubectl patch pod x -p {}", shell_quoted(&text(bytes)));
    let _ = consistent(&Request::shell(patch));
}

fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Bytes as a policy, and behind a line of `---` a request, or else some that are usual: the policy
/// is refused with problems that can be drawn, or holds what every policy promises.
pub fn policy(bytes: &[u8]) {
    let source = text(bytes);
    let (file, command) = source.split_once("\n---\n").unwrap_or((&source, ""));
    let read: [Read; 2] = [PolicyBuilder::layer, PolicyBuilder::json_layer];
    for read in read {
        for layer in [Layer::Organisation, Layer::Project] {
            match read(Policy::builder(), layer, file).and_then(PolicyBuilder::build) {
                Err(error) => refused(&error),
                Ok(policy) => used(&policy, read, layer, file, command),
            }
        }
    }
}

fn refused(error: &PolicyError) {
    assert!(!error.problems().is_empty() && !error.to_string().is_empty());
    for style in [Style::Plain, Style::Colour] {
        assert!(!error.draw(style).to_string().is_empty());
    }
}

type Read = fn(PolicyBuilder, Layer, &str) -> Result<PolicyBuilder, PolicyError>;

fn used(policy: &Policy, read: Read, layer: Layer, file: &str, command: &str) {
    let strict =
        "[[rule]]\nname = 'added'\ndecision = 'ask'\nwhen = { effect = ['write', 'delete', 'network-out'] }";
    let stricter = read(Policy::builder(), layer, file)
        .and_then(|builder| builder.layer(Layer::User, strict))
        .and_then(PolicyBuilder::build)
        .expect("a rule of another layer breaks nothing");
    let _ = PolicyProblem::draw_all(policy.warnings(), Style::Plain).to_string();
    let guard = match Guard::builder().policy(policy.clone()) {
        Ok(builder) => builder.build(),
        Err(error) => return refused(&error),
    };
    let stricter = Guard::builder().policy(stricter).expect("its examples hold without the rule").build();
    let usual = [
        "ls",
        "rm -rf /",
        "kubectl delete pod x -n prod",
        "git push origin main",
        "cat \"$x\"",
        "touch src/a",
    ];
    for command in usual.into_iter().chain([command]) {
        let request = situated(Request::shell(command), command.len());
        assert_eq!(guard.usage(&request), stricter.usage(&request), "a rule counts nothing: {command}");
        let evaluation = guard.evaluate(&request);
        assert!(evaluation == guard.evaluate(&request), "evaluated twice, it is not the same");
        assert!(
            evaluation.risk < Risk::Critical || evaluation.decision != Decision::Allow,
            "what is Critical runs without a person"
        );
        if layer == Layer::Project {
            let rubric = GUARD.evaluate(&request).decision;
            assert!(strictness(&evaluation.decision) >= strictness(&rubric), "an untrusted layer loosens");
        }
        let more = stricter.evaluate(&request).decision;
        assert!(strictness(&more) >= strictness(&evaluation.decision), "a rule that asks loosens");
        assert!(!guard.explain(&request).to_string().is_empty());
        assert!(!evaluation.draw(Style::Plain).to_string().is_empty());
    }
}

fn strictness(decision: &Decision) -> u8 {
    match decision {
        Decision::Allow => 0,
        Decision::Ask(_) => 1,
        Decision::Deny => 2,
    }
}

/// Half of the requests know where they are.
fn situated(request: Request, length: usize) -> Request {
    if length.is_multiple_of(2) {
        return request;
    }
    let facts = Facts { home: Some("/home/dev".into()), ..Facts::default() };
    request.cwd("/home/dev/project").facts(facts)
}

/// Evaluates a request, and holds the answer to everything an answer promises.
pub fn consistent(request: &Request) -> Evaluation {
    let before = Instant::now();
    let evaluation = GUARD.evaluate(request);
    let took = before.elapsed();
    assert!(took < LONGEST, "took {took:?}");
    assert!(evaluation == GUARD.evaluate(request), "evaluated twice, it is not the same");

    let worst = evaluation.findings.iter().map(|finding| finding.risk).max().unwrap_or(Risk::Low);
    assert_eq!(evaluation.risk, worst);
    assert_eq!(evaluation.unknown, evaluation.findings.iter().any(|finding| finding.unknown));
    assert!(evaluation.findings.is_sorted_by_key(|finding| std::cmp::Reverse(finding.risk)));
    match evaluation.decision {
        Decision::Allow => assert_eq!(evaluation.risk, Risk::Low),
        Decision::Ask(_) => assert!(evaluation.risk < Risk::Critical),
        Decision::Deny => assert_eq!(evaluation.risk, Risk::Critical),
    }

    let span = |source: u32, span: Span| match evaluation.sources.get(source as usize) {
        Some(source) => within(span, source.text.len()),
        None => panic!("points into source {source} of {}", evaluation.sources.len()),
    };
    let place = |place: Option<u32>| {
        assert!(
            place.is_none_or(|place| (place as usize) < evaluation.invocations.len()),
            "no such invocation"
        );
    };
    for finding in &evaluation.findings {
        span(finding.source, finding.span);
        assert!(!finding.message.is_empty() && !finding.rule.is_empty());
    }
    for effect in &evaluation.effects {
        span(effect.source, effect.span);
        place(effect.invocation);
    }
    for invocation in &evaluation.invocations {
        span(invocation.source, invocation.span);
        place(invocation.parent);
    }
    for problem in &evaluation.problems {
        span(problem.source, problem.span);
    }
    for (index, source) in evaluation.sources.iter().enumerate() {
        let Some((invocation, at)) = source.parent else { continue };
        place(Some(invocation));
        let holder = evaluation.invocations[invocation as usize].source;
        assert!((holder as usize) < index, "a source inside of itself");
        span(holder, at);
    }

    let json = serde_json::to_string(&evaluation).expect("an evaluation is plain data");
    let read: Evaluation = serde_json::from_str(&json).expect("it reads what it wrote");
    assert!(read == evaluation, "something was lost in JSON");
    for style in [Style::Plain, Style::Colour] {
        assert!(!evaluation.draw(style).to_string().is_empty());
    }
    evaluation
}

fn within(span: Span, length: usize) {
    assert!(span.start <= span.end && span.end as usize <= length, "{span:?} lies outside of {length} bytes");
}

/// The first byte chooses a wrapper, the second one to put around that (or none), and the rest is
/// the command: shell text, or an argument vector divided by zero bytes.
pub fn wrap(bytes: &[u8]) {
    let [inner, outer, rest @ ..] = bytes else { return };
    let Ok(source) = std::str::from_utf8(rest) else { return };
    let inner = &WRAPPERS[usize::from(*inner) % WRAPPERS.len()];
    let command = if source.contains('\0') {
        let words: Vec<String> = source.split('\0').map(wrappers::quote).collect();
        words.join(" ")
    } else {
        source.to_owned()
    };
    let Some(once) = never_lowers(&command, inner) else { return };
    let outer = usize::from(*outer);
    if outer < 2 * WRAPPERS.len() {
        never_lowers(&once, &WRAPPERS[outer % WRAPPERS.len()]);
    }
}

/// Puts a wrapper around a command and compares the risks; gives the whole back, where it is one
/// that can be compared.
pub fn never_lowers(command: &str, wrapper: &wrappers::Wrapper) -> Option<String> {
    let alone = GUARD.evaluate(&Request::shell(command));
    if !comparable(command, &alone, wrapper) {
        return None;
    }
    let whole = (wrapper.around)(command);
    let wrapped = GUARD.evaluate(&Request::shell(whole.as_str()));
    assert!(
        wrapped.risk >= alone.risk,
        "`{}` lowers\n{command}\nfrom {:?} to {:?}:\n{whole}\n\n{}\n{}",
        wrapper.name,
        alone.risk,
        wrapped.risk,
        alone.draw(Style::Plain),
        wrapped.draw(Style::Plain),
    );
    Some(whole)
}

/// Whether the wrapped command is the same command: text that is no complete program changes its
/// meaning by what stands around it.
fn comparable(command: &str, alone: &Evaluation, wrapper: &wrappers::Wrapper) -> bool {
    // A last backslash would escape the newline behind it, a first dash would make it a flag.
    if !alone.problems.is_empty() || command.ends_with('\\') || command.starts_with(['-', '+']) {
        return false;
    }
    if command.trim().is_empty() {
        return false;
    }
    // Where a limit was hit, the whole was not read. An outer loop can spare an inner one rounds.
    if alone.findings.iter().any(|finding| finding.rule == "incomplete") {
        return false;
    }
    // Whether an alias is expanded depends on the line it stands in and on the kind of shell.
    if command.contains("alias") {
        return false;
    }
    // What a shell was called with, and what it is, is not the same inside of another.
    let of_its_own = |after: &str| {
        let name = after.trim_start_matches('{');
        name.starts_with(|c: char| c.is_ascii_digit() || "@*#-_?$!".contains(c))
    };
    if command.split('$').skip(1).any(of_its_own) {
        return false;
    }
    // These feed it something else, or nothing: what it would have read cannot be compared.
    let fed =
        wrapper.name.starts_with("xargs") || matches!(wrapper.name, "coproc of one" | "background of one");
    if fed && alone.findings.iter().any(|finding| finding.message.contains("standard input")) {
        return false;
    }
    match wrapper.form {
        Form::Text => !command.lines().any(|line| line == wrappers::DELIMITER),
        Form::Words => {
            let [only] = &alone.invocations[..] else { return false };
            let words: Option<Vec<&str>> = only.argv.iter().map(|word| word.as_deref()).collect();
            let Some(words) = words else { return false };
            let [name, ..] = words[..] else { return false };
            // Quoted or not, a wrapper takes it for a flag of its own.
            if name.starts_with(['-', '+']) {
                return false;
            }
            // The first lone semicolon ends what `find` executes.
            if wrapper.name.starts_with("find") && words.contains(&";") {
                return false;
            }
            let quoted: Vec<String> = words.iter().map(|word| wrappers::quote(word)).collect();
            // One program with its words and nothing else, of a name that no shell keeps to itself.
            !guardrail_core::lower::is_builtin(name.as_bytes()) && quoted.join(" ") == command
        }
    }
}
