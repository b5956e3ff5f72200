//! The shell parser on hostile text: bounded depth, time and memory, spans within the text, and
//! a printer that loses nothing.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test meets the world")]
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]

mod shell_mutants;
mod shell_walk;

use std::time::{Duration, Instant};

use guardrail_core::Limits;
use guardrail_core::shell::{Bump, ProblemKind, outline, parse, parse_template, print};
use shell_walk::walk;

const SNIPPETS: &str = include_str!("data/shell_snippets.jsonl");

/// Openings and what closes them: every construct that nests, and some that only look like it.
const NESTS: &[(&str, &str)] = &[
    ("$(", ")"),
    ("\"$(", ")\""),
    ("`", ""),
    ("`\\", ""),
    ("\"`", "`\""),
    ("(", ")"),
    ("((", ""),
    ("((a) ", ""),
    ("$((", "))"),
    ("$((a) ", ""),
    ("$[", "]"),
    ("{ ", "; }"),
    ("if ", ""),
    ("if a; then ", "; fi"),
    ("while ", ""),
    ("${x:-", "}"),
    ("\"${x:-", "}\""),
    ("\"${x:-'", "'}\""),
    ("${x[", "]}"),
    ("${x#", "}"),
    ("${x/", "}"),
    ("${x!", ""),
    ("${ ", "; }"),
    ("x[", "]"),
    ("x[a;", ""),
    ("x=(", ")"),
    ("x=($(", "))"),
    ("declare x=(", ""),
    ("<(", ")"),
    ("<((", ""),
    ("@(", ")"),
    ("!(", ")"),
    ("(!(", ""),
    ("[[ ( ", " ) ]]"),
    ("[[ ! ", ""),
    ("[[ a =~ (", ""),
    ("! ", ""),
    ("time ", ""),
    ("f() { ", "; }"),
    ("f() ( ", ")"),
    ("function f { ", ";}"),
    ("coproc ", ""),
    ("case x in a) ", ";; esac"),
    ("$(case x in a) ", ""),
    ("for i in a; do ", "; done"),
    ("for ((", ""),
    ("<<E $(", ""),
    ("cat <<E\n$(", ""),
    ("<<'E' <<'F' ", ""),
    ("<<-E\n\t", ""),
    ("a && ", ""),
    ("a | ", ""),
    ("{a[", ""),
    ("\\\n", ""),
    ("#\n", ""),
    (";", ""),
    (")", ""),
    ("'", ""),
    ("\"", ""),
    ("$'", ""),
    ("\\((  #${$[; }", ""),
];

/// Runs on a stack as small as a host's worker thread may have.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(test).expect("a thread starts");
    thread.join().expect("the parser does not panic");
}

#[test]
fn nesting_is_bounded_whatever_nests() {
    on_a_small_stack(|| {
        for (open, close) in NESTS {
            for count in [3, 31, 63, 64, 65, 1000, (64 << 10) / open.len()] {
                let closed = format!("{}a{}", open.repeat(count), close.repeat(count));
                for text in [open.repeat(count), closed] {
                    let started = Instant::now();
                    let arena = Bump::new();
                    let script = parse(&arena, text.as_bytes(), &Limits::STANDARD);
                    let _ = parse_template(&arena, text.as_bytes(), &Limits::STANDARD);
                    assert!(started.elapsed() < Duration::from_secs(30), "{open:?} {count} times hangs");
                    assert_eq!(walk(&script).stray_spans, 0, "{open:?} {count} times");
                    let _ = outline(&script);
                    let _ = print(&script);
                }
            }
        }
    });
}

#[test]
fn too_deep_is_a_problem_and_never_a_literal() {
    for (open, close) in NESTS.iter().take(8).chain([("${x:-", "}"), ("${x#", "}"), ("x=($(", "))")].iter()) {
        if close.is_empty() {
            continue;
        }
        let text = format!("{}$(rm){}", open.repeat(80), close.repeat(80));
        let arena = Bump::new();
        let script = parse(&arena, text.as_bytes(), &Limits::STANDARD);
        let limit = script.problems().iter().any(|problem| problem.kind == ProblemKind::TooDeep);
        assert!(limit || walk(&script).commands.iter().any(|word| word == "rm"), "{open:?}");
    }
}

#[test]
fn mutants_neither_panic_nor_leave_their_text_and_print_as_they_read() {
    let seeds: Vec<Vec<u8>> = SNIPPETS
        .lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).expect(line);
            row["snippet"].as_str().expect("a snippet").as_bytes().to_vec()
        })
        .collect();
    for text in seeds.iter().cloned().chain(shell_mutants::mutants(&seeds, 7).take(20_000)) {
        let arena = Bump::new();
        let script = parse(&arena, &text, &Limits::STANDARD);
        assert_eq!(walk(&script).stray_spans, 0, "{:?}", String::from_utf8_lossy(&text));
        if script.problems().is_empty() && !shell_mutants::is_ambiguous(&text) {
            let printed = print(&script);
            let again = parse(&arena, &printed, &Limits::STANDARD);
            let (text, printed) = (String::from_utf8_lossy(&text), String::from_utf8_lossy(&printed));
            assert_eq!(outline(&script), outline(&again), "{text:?} was printed as {printed:?}");
            assert!(again.problems().is_empty(), "{text:?} was printed as {printed:?}");
        }
    }
}

#[test]
fn limits_are_problems_and_keep_what_was_read() {
    let long = format!("first; {}", "a ".repeat(40_000));
    let arena = Bump::new();
    let script = parse(&arena, long.as_bytes(), &Limits::STANDARD);
    assert_eq!(script.problems().last().map(|problem| problem.kind), Some(ProblemKind::TooLong));
    assert_eq!(walk(&script).commands, ["first", "a"]);

    let few = Limits { steps_per_byte: 0, ..Limits::STANDARD };
    let arena = Bump::new();
    let script = parse(&arena, b"a; b; c", &few);
    assert!(script.problems().iter().any(|problem| problem.kind == ProblemKind::TooManySteps));

    let shallow = Limits { depth: 2, ..Limits::STANDARD };
    assert!(parse(&Bump::new(), b"( (a) )", &shallow).problems().is_empty());
    let arena = Bump::new();
    let script = parse(&arena, b"( ( (a) ) )", &shallow);
    assert_eq!(script.problems().last().map(|problem| problem.kind), Some(ProblemKind::TooDeep));
}

#[test]
fn quoted_here_documents_have_a_limit_of_their_own() {
    let line = "x".repeat(99) + "\n";
    let body = line.repeat(5000);
    let text = format!("cat > f <<'E'\n{body}E\nnext\ncat <<\"E\"\n{body}E\nlast\n");
    let arena = Bump::new();
    let script = parse(&arena, text.as_bytes(), &Limits::STANDARD);
    assert_eq!(script.problems(), []);
    assert_eq!(walk(&script).commands, ["cat", "next", "cat", "last"]);

    let text = format!("cat <<E\n{body}E\nnext\n");
    let arena = Bump::new();
    let script = parse(&arena, text.as_bytes(), &Limits::STANDARD);
    assert_eq!(script.problems().last().map(|problem| problem.kind), Some(ProblemKind::TooLong));

    let text = format!("cat <<'E'\n{}E\nnext\n", line.repeat(11_000));
    let arena = Bump::new();
    let script = parse(&arena, text.as_bytes(), &Limits::STANDARD);
    assert_eq!(script.problems().last().map(|problem| problem.kind), Some(ProblemKind::TooLong));
    assert_eq!(walk(&script).commands, ["cat"]);
}
