//! The programs of a text in the order a reader meets them.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test meets the world")]
#![allow(clippy::expect_used, clippy::indexing_slicing)]

use bumpalo::Bump;
use guardrail_core::Limits;
use guardrail_core::lower::{Entry, Inherit, Invocation, Known, Lowerer};
use guardrail_core::shell::Span;

fn shown(lowerer: &Lowerer<'_>) -> String {
    let name =
        |name: &Option<&[u8]>| name.map_or("?".to_owned(), |name| String::from_utf8_lossy(name).into_owned());
    lowerer.program.programs().iter().map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn in_the_order_of_the_text() {
    for (script, expected) in [
        ("a; b | c && d", "a b c d"),
        ("echo $(a $(b `c`))", "echo a b c"),
        ("echo `a \\`b\\`` $(c)", "echo a b c"),
        ("x[1+$(rm)]+=1 a", "a rm"),
        (":(){ :|:& };:", ": : :"),
        ("for i in $(rm); do c; done", "rm c"),
        ("cat <<E; rm\n$(a)\nE", "cat rm a"),
        ("x=1; > f", ""),
        ("x=$(a) y=`b`", "a b"),
        ("$Y b; r\\m a", "? rm"),
        ("f() { a; b; }; f; c; f", "a b f c f"),
        ("f() { $1; }; f a; f b", "? f f"),
        ("f() { $1; }; f a; f a", "a f f"),
        ("f() { a; }", "a"),
        ("eval 'a; b'; c", "eval a b c"),
        ("eval 'a' \"$(b)\"", "eval b"),
        ("trap 'a' EXIT; b", "trap a b"),
        ("[[ -v 'a[$(rm)]' ]]; b", "rm b"),
        ("test -v 'a[$(rm)]'", "test rm"),
        ("read 'a[$(rm)]'", "read rm"),
        ("printf -v 'a[$(rm)]' x", "printf rm"),
        ("let 'a[$(rm)]=1'", "let rm"),
        ("declare 'a[$(rm)]=1'", "declare rm"),
        ("unset 'a[$(rm)]'", "unset rm"),
        ("x='a[$(rm)]'; echo $((x))", "echo rm"),
        ("x='a[$(rm)]'; [[ x -eq 1 ]]", "rm"),
        ("x='$(rm)'; echo \"${x@P}\"", "echo rm"),
        ("x='\\044(rm)'; echo \"${x@P}\"", "echo rm"),
        ("echo ${x:-$(a)} ${y#$(b)} ${z/$(c)/$(d)} ${w:$(e):$(f)} ${v[$(g)]}", "echo a b c d e f g"),
        ("echo \"${x:-'$(a)'}\" <(b) $((1+$(c)))", "echo a b c"),
        ("case $(a) in $(b)) c;; esac", "a b c"),
        ("[[ $(a) == $(b) && -n $(c) ]]", "a b c"),
        ("(( $(a) )); for ((i=$(b);$(c);$(d))); do e; done", "a b c d e"),
        ("if a; then b; elif c; then d; else e; fi", "a b c d e"),
        ("coproc a; time b; ! c", "a b c"),
        ("declare x=$(a); export y=`b`; local z=$(c)", "declare a export b local c"),
        ("a=($(b) [$(c)]=$(d))", "b c d"),
        ("a > $(b) < <(c) <<< $(d)", "a b c d"),
        ("{a,b} $(c); {d,$(e)}", "a c d e"),
        ("while :; do x=$(a); done", ": a"),
        ("while a; do x=1; b; done; for i in 1 2; do y=$(c); d; done", "a b c d"),
        ("command cd x; builtin eval 'a'", "command cd builtin eval a"),
        ("exec a b", "exec"),
        ("alias x='a'; b", "alias a b"),
    ] {
        let arena = Bump::new();
        let mut lowerer = Lowerer::new(&arena, &Limits::STANDARD, &Known::default());
        lowerer.source(script.as_bytes(), Entry::request());
        assert_eq!(shown(&lowerer), expected, "{script}");
        assert!(lowerer.program.exhausted.is_none(), "{script}");
    }
}

#[test]
fn with_what_identify_appends() {
    let script = "sudo -u x bash -c 'r\\m a; $Y b' | /bin/cat";
    let arena = Bump::new();
    let mut lowerer = Lowerer::new(&arena, &Limits::STANDARD, &Known::default());
    let request = lowerer.source(script.as_bytes(), Entry::request());
    let sudo = guardrail_core::lower::InvocationId(0);
    let outer = *lowerer.program.invocation(sudo).expect("sudo");
    let words = outer.words.get(3..).expect("what sudo runs");
    let span = Span { start: words[0].span.start, end: words[2].span.end };
    let bash = lowerer.invocation(Invocation { words, span, parent: Some(sudo), ..outer });
    let code = words[2];
    let inner = lowerer.source(
        code.as_known().expect("constant"),
        Entry {
            environment: outer.environment,
            inherit: Inherit::Exported,
            positional: words.get(..1).expect("a word"),
            parent: Some((bash, code.span)),
            stdin: outer.stdin,
            stdout: outer.stdout,
            directory: outer.directory,
            context: outer.context,
            place: outer.place,
        },
    );
    assert_ne!(request, inner);
    assert_eq!(shown(&lowerer), "sudo bash rm ? /bin/cat");
    let source = lowerer.program.source(inner).expect("the source");
    assert_eq!((source.layer, source.parent), (1, Some((bash, code.span))));
}

#[test]
fn layers_are_bounded() {
    let arena = Bump::new();
    let mut code = "a".to_owned();
    for _ in 0..5 {
        code = format!("eval {}", code.replace('\\', "\\\\").replace(' ', "\\ "));
    }
    let limits = Limits { layers: 3, ..Limits::STANDARD };
    let mut lowerer = Lowerer::new(&arena, &limits, &Known::default());
    lowerer.source(code.as_bytes(), Entry::request());
    let kinds: Vec<_> = lowerer.program.notes.iter().map(|note| note.kind).collect();
    assert_eq!(kinds, [guardrail_core::lower::NoteKind::TooManyLayers]);
}
