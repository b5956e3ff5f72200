//! The lowering is total: hostile nesting, growth and loops end soon, on a small stack.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test meets the world")]
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use bumpalo::Bump;
use guardrail_core::Limits;
use guardrail_core::lower::{Entry, Known, Lowerer};
use proptest::prelude::*;

/// Lowers on a stack of 512 KB; how many invocations there were, and whether it was all of them.
fn lower(text: String) -> (usize, bool) {
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(move || {
        let arena = Bump::new();
        let mut lowerer = Lowerer::new(&arena, &Limits::STANDARD, &Known::default());
        lowerer.source(text.as_bytes(), Entry::request());
        let program = &lowerer.program;
        let whole = program.exhausted.is_none() && program.problems.is_empty() && program.notes.is_empty();
        let _ = (program.in_source_order(), program.programs());
        (program.invocations.len(), whole)
    });
    thread.unwrap().join().unwrap()
}

fn nested(open: &str, middle: &str, close: &str, times: usize) -> String {
    format!("{}{middle}{}", open.repeat(times), close.repeat(times))
}

#[test]
fn deep_nesting_fits_a_small_stack() {
    for times in [5, 15, 31, 62, 200, 5000] {
        for (open, middle, close) in [
            ("echo $(", "x", ")"),
            ("echo \"$(", "x", ")\""),
            ("echo ${x:-", "$(y)", "}"),
            ("echo \"${x:-\"", "$(y)", "\"}\""),
            ("(", "x", ")"),
            ("{ ", "x;", " }"),
            ("if x; then ", "y;", " fi"),
            ("while x; do ", "y;", " done"),
            ("for i in a b; do v=$i;", "y;", " done"),
            ("case x in y) ", "z", ";; esac"),
            ("echo $((1+", "1", "))"),
            ("echo ${x[", "1", "]}"),
            ("f() { ", "x;", " }"),
            ("f() { (", "f;", ") }"),
            ("echo <(", "x", ")"),
            ("! ", "x", ""),
            ("a=(", "x", ")"),
            ("echo {a,", "b", "}"),
            ("echo @(", "b", ")"),
            ("x | { ", "y;", "}"),
            ("x && { ", "y;", "}"),
        ] {
            lower(nested(open, middle, close, times));
        }
        lower(format!("echo $(({}1{}))", "(".repeat(times), ")".repeat(times)));
        lower(format!("let '{}1{}'", "(".repeat(times), ")".repeat(times)));
        lower(format!("let '{}1'", "-".repeat(times)));
        lower(format!("let '{}1'", "2**".repeat(times)));
        lower(format!("let '{}1'", "1?2:".repeat(times)));
        lower(format!("test -v '{}1{}'", "a[".repeat(times), "]".repeat(times)));
    }
    // Code in code, each layer at the parser's own depth.
    let mut text = "echo done".to_owned();
    for _ in 0..6 {
        let quoted = text.replace('\'', "'\\''");
        text = nested("( ", &format!("eval '{quoted}'"), " )", 20);
        if text.len() > 60_000 {
            break;
        }
        lower(text.clone());
    }
    let calls: String = (0..40).map(|at| format!("f{at}() {{ ( ( ( f{} ) ) ) }}; ", at + 1)).collect();
    lower(format!("{calls} f0"));
    let mut variables = "x0=1; ".to_owned();
    for at in 1..60 {
        variables.push_str(&format!("x{at}='a[x{}]+x{}'; ", at - 1, at - 1));
    }
    lower(format!("{variables} echo $((x59))"));
}

#[test]
fn growth_ends() {
    let started = Instant::now();
    let doubling = format!("x=aaaaaaaa; {} echo $x", "x=$x$x; ".repeat(200));
    lower(doubling);
    let mut calls = String::new();
    for at in 0..30 {
        calls.push_str(&format!("f{at}() {{ f{0}; f{0}; f{0}; }}; ", at + 1));
    }
    let (_, whole) = lower(format!("{calls} f30() {{ rm x; }}; f0"));
    assert!(!whole, "three to the thirtieth calls cannot all have been followed");
    lower(format!("echo {}", "{a,b}".repeat(1000)));
    lower(format!("echo {}", "{a..z}".repeat(4)));
    lower(format!("x='{}'; for i in {}; do echo $x; done", "a ".repeat(2000), "b ".repeat(2000)));
    lower(format!("x='{}'; {}", "ab ".repeat(2000), "echo $x; ".repeat(3000)));
    lower(format!("x={}; {}", "ab".repeat(500), "y=${x//a*b/c}; ".repeat(3000)));
    lower((0..4000).map(|at| format!("x{at}=1; y=$x0; ")).collect());
    lower(nested("for i in a b; do v=$v$i; ", "echo $v;", " done", 40));
    lower(nested("while x=$(a); do y=$x$y; ", "echo $v;", " done", 40));
    lower(format!("case x in {} esac; echo $x", "a) x=1;; ".repeat(3000)));
    lower(format!("if a; then x=1; {} fi", "elif b; then y=2; ".repeat(3000)));
    lower(format!("{} echo $x", "a && x=1 || y=2; ".repeat(2500)));
    lower(format!("f() {{ eval '{}'; }}; {}", "x; ".repeat(1000), "f; ".repeat(3000)));
    lower(format!("{}; echo \"${{a[@]}}\"", "a+=(x y z)\n".repeat(4000)));
    lower(format!("set -- {}; {}", "x ".repeat(3000), "echo $@; ".repeat(3000)));
    lower(format!("set -- {}; {}", "x ".repeat(3000), "shift; ".repeat(3000)));
    lower("trap 'trap \"trap x EXIT\" EXIT' EXIT; ".repeat(1000));
    lower(format!("f() {{ trap f EXIT; f; }}; {}", "f; ".repeat(1000)));
    lower(format!("x='x+x+x+x+x+x+x'; {}", "echo $((x)); ".repeat(3000)));
    lower(format!("{} y", "x=1 ".repeat(8000)));
    lower("f() { x=1; }; f; ".repeat(3000).to_string());
    lower(format!("echo {}", "$(a)".repeat(8000)));
    lower("alias a='b'; ".repeat(4000));
    let took = started.elapsed();
    // Debug builds on a busy machine; without the bounds most of these would not end at all.
    assert!(took < Duration::from_secs(60), "{took:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_tokens_are_lowered(tokens in proptest::collection::vec(token(), 0..40)) {
        lower(tokens.concat());
    }

    #[test]
    fn any_bytes_are_lowered(text in "[ -~\n]{0,80}") {
        lower(text);
    }
}

fn token() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        " ",
        ";",
        "\n",
        "&&",
        "||",
        "|",
        "&",
        "(",
        ")",
        "{ ",
        " }",
        "$(",
        "`",
        "\"",
        "'",
        "${",
        "}",
        "$((",
        "))",
        "[[ ",
        " ]]",
        "((",
        "if ",
        "then ",
        "fi",
        "for x in ",
        "do ",
        "done",
        "while ",
        "case x in ",
        "esac",
        ";;",
        "x=",
        "x",
        "$x",
        "$@",
        "\"$@\"",
        "eval ",
        "read ",
        "export ",
        "local ",
        "declare -n ",
        "declare -i ",
        "unset ",
        "cd ",
        "f() ",
        "f ",
        "trap ",
        "EXIT",
        "source ",
        "test -v ",
        "a[",
        "]",
        "printf -v ",
        "{a,b}",
        "{1..5}",
        "~",
        "*",
        "<<E\n",
        "E\n",
        ">",
        "<(",
        "2>&1",
        "set -- ",
        "shift ",
        "return ",
        "exit ",
        "command ",
        "builtin ",
        "let ",
        "1",
        "+",
        "%",
        "#",
        "/",
        ":-",
        ":=",
        "@P}",
        "!x",
        "\\",
        "$'\\x",
        "mapfile ",
        "=(",
        "IFS=: ",
        "alias ",
        "exec ",
        "coproc ",
        "select x in ",
        "function f ",
        "${x//a/b}",
        "${x:1:2}",
        "${!x}",
    ])
}
