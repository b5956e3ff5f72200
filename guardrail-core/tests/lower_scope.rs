//! What variables, functions and the directory are at each command: scoping, joins, builtins.
//!
//! A row is a script and its invocations in the order of the text, as the shell would make them:
//! `…` stands for what cannot be known (`a…b` begins and ends so), `~` for the home directory, `.`
//! for the working directory; a trailing `+` marks a word that may be several or none.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test meets the world")]
#![allow(clippy::panic, clippy::expect_used)]

use bumpalo::Bump;
use guardrail_core::Limits;
use guardrail_core::lower::{Entry, Input, Known, Lead, Lowerer, NoteKind, Resolution, Value, Word};

fn shown(word: &Word<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let lead = match word.lead {
        Lead::Text => "",
        Lead::Home => "~",
        Lead::OtherHome => "~user",
        Lead::WorkingDirectory => ".",
    };
    let value = match word.value {
        Value::Known(known) => text(known),
        Value::Partial { suffix, .. } if word.lead != Lead::Text => text(suffix),
        Value::Partial { prefix, suffix } => format!("{}…{}", text(prefix), text(suffix)),
        Value::Unknown => "…".to_owned(),
    };
    let pattern = word.pattern.map_or(String::new(), |pattern| format!("<{}>", text(pattern)));
    format!("{lead}{value}{pattern}{}", if word.splits { "+" } else { "" })
}

fn with<T>(script: &str, read: impl FnOnce(&Lowerer<'_>) -> T) -> T {
    let arena = Bump::new();
    let mut lowerer = Lowerer::new(&arena, &Limits::STANDARD, &Known::default());
    lowerer.source(script.as_bytes(), Entry::request());
    assert!(lowerer.program.problems.is_empty(), "{script}: {:?}", lowerer.program.problems);
    assert_eq!(lowerer.program.exhausted, None, "{script}");
    read(&lowerer)
}

fn commands(script: &str) -> String {
    with(script, |lowerer| {
        let program = &lowerer.program;
        let lines: Vec<String> = program
            .invocations
            .iter()
            .filter(|invocation| invocation.resolution != Resolution::Nothing)
            .map(|invocation| invocation.words.iter().map(shown).collect::<Vec<_>>().join(" "))
            .collect();
        lines.join("; ")
    })
}

fn check(rows: &[(&str, &str)]) {
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|(script, expected)| {
            let got = commands(script);
            (got != *expected).then(|| format!("{script}\n    is       {got}\n    expected {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn words() {
    check(&[
        ("rm -rf $x", "rm -rf …+"),
        ("rm -rf \"$x\"", "rm -rf …"),
        ("rm a$x/b", "rm a…/b+"),
        ("rm *.log a?b [ab]c x[", "rm ….log<*.log> a…b<a?b> …c<[ab]c> x["),
        ("rm 'a*'* \"*\"", "rm a*…<a\\**> *"),
        ("x='*'; rm $x \"$x\"", "rm …<*> *"),
        ("rm ~ ~/x $HOME \"$HOME/x\" a$HOME ~bob/x", "rm ~ ~/x ~+ ~/x a…+ ~user/x"),
        ("ls $PWD ~+/x", "ls .+ ./x"),
        ("x=~/a; rm $x/b", "rm ~/a/b+"),
        ("x=rm; $x a", "rm a"),
        ("x='rm -rf /'; $x", "rm -rf /"),
        ("x=\"rm $y\"; $x", "rm …+"),
        ("$(echo rm) -rf /", "rm -rf /; echo rm"),
        ("`printf r`m", "rm; printf r"),
        ("x=$(cat <<'E'\na b\nE\n); y \"$x\"", "cat; y a b"),
        ("{rm,-rf,/}", "rm -rf /"),
        ("cat <(a) >(b)", "cat /dev/fd/… /dev/fd/…; a; b"),
        ("echo $'\\x2drf' $((2+2)) $((x))", "echo -rf 4 …"),
        ("echo ${x:-rm} ${x:+y} ${x%.*} ${#x}", "echo …+ …+ …+ …+"),
        ("echo ${HOME:-x}", "echo …+"),
        ("IFS=,; x=a,b; rm $x \"$x\"", "rm …+ a,b"),
        ("IFS=$y; x='a b'; rm $x", "rm …+"),
        ("echo \"$@\" \"$1\" $#", "echo …+ … …+"),
        ("set -- a $x; echo \"$1\" \"$2\" $#", "set -- a …+; echo a … …+"),
        ("RANDOM=5; rm $RANDOM", "rm …+"),
        ("x=1; rm $x$y", "rm 1…+"),
        ("touch f{1..500}.txt {a,b}{1..50}", "touch f….txt+ a…+ b…+"),
        ("for i in {1..100}; do a $i; done", "a …+"),
        ("ls ~1 ~-", "ls … …"),
        ("echo @(a|b)c", "echo …c<@(a|b)c>"),
    ]);
}

#[test]
fn joins() {
    check(&[
        ("x=1; if a; then x=2; fi; b $x", "a; b …"),
        ("x=1; if a; then x=1; fi; b $x", "a; b 1"),
        ("if a; then x=/tmp/p; else x=/tmp/q; fi; rm $x", "a; rm /tmp/…"),
        ("x=1; if a; then x=2; exit; fi; b $x", "a; exit; b 1"),
        ("x=1; a && x=2; b $x", "a; b …"),
        ("x=1; a || x=2; b $x", "a; b …"),
        ("x=1 && y=2 && a $x $y; b $y", "a 1 2; b 2"),
        ("x=1; (x=2); a $x", "a 1"),
        ("x=1; echo | x=2; a $x", "echo; a 1"),
        ("x=1; y=$(x=2); a $x", "a 1"),
        ("x=1; x=2 & a $x", "a 1"),
        ("x=1; { x=2; }; a $x", "a 2"),
        ("x=1; case $y in a) x=2;; esac; b $x", "b …"),
        ("case $y in a) x=2;; *) x=2;; esac; b $x", "b 2"),
        ("x=1; while a; do b $x; x=2; done; c $x", "a; b …+; c …+"),
        ("x=1; while a; do b $x; done; c $x", "a; b 1; c 1"),
        ("for x in 1 2; do a $x; done", "a 1; a 2"),
        ("for x in 1; do a $x; done", "a 1"),
        ("for x in /t/a /t/b; do rm $x/c; done", "rm /t/a/c; rm /t/b/c"),
        ("for x in /t/1 /t/2 /t/3 /t/4 /t/5 /t/6 /t/7 /t/8 /t/9; do rm $x/c; done", "rm /t/…/c"),
        ("for x in *.c; do rm $x; done", "rm ….c+"),
        ("for x; do a $x; done", "a …+"),
        ("for x in $y; do a $x; done", "a …+"),
        (
            "x=1; for i in a b; do if c; then x=2; continue; fi; d $x; done",
            "c; continue; d …+; c; continue; d …+",
        ),
        ("x=1; while :; do x=2; if a; then break; fi; x=1; done; b $x", ":; a; break; b …+"),
        ("x=1; for i in a; do for j in b; do c $x; x=2; done; done", "c …+"),
        ("while read l; do a $l; done", "read l; a …+"),
        ("for ((i=0;i<3;i++)); do a $i; done", "a …+"),
        ("select x in a b; do c $x; done", "c …+"),
        ("x=1; until a; do x=$((x+1)); done; b $x", "a; b …+"),
        ("x=1; for i in a b; do cd /; done; pwd", "cd /; cd /; pwd"),
    ]);
}

#[test]
fn builtins() {
    check(&[
        ("x=1; read x; a $x", "read x; a …+"),
        ("x=1; read -r -p 'x y' -a z x; a $x", "read -r -p x y -a z x; a …+"),
        ("x=1; read -d x y; a $x", "read -d x y; a 1"),
        ("x=1; mapfile -t x; a $x", "mapfile -t x; a …+"),
        ("printf -v x '%s-%s' a b; c $x", "printf -v x %s-%s a b; c a-b"),
        ("x=1; printf -v x %q $y; c $x", "printf -v x %q …+; c …+"),
        ("x=1; unset x; a \"$x\"", "unset x; a "),
        ("x=1; unset $y; a $x", "unset …+; a …+"),
        ("x=1; export $y; a $x", "export …+; a …+"),
        ("declare -n x=y; x=1; a $x $y", "declare -n x=y; a 1 1"),
        ("declare -n x=y; y=1; declare x=2; a $x $y", "declare -n x=y; declare x=2; a 2 2"),
        (
            "declare -n x=y z=x; y=1; a $z; declare -n x=x; a $x",
            "declare -n x=y z=x; a 1; declare -n x=x; a …+",
        ),
        ("f() { local -n o=$1; o=1; }; f y; a $y", "f y; local -n o=y; a 1"),
        ("declare -i x=1; x=1+1; a $x; x+=3; a $x", "declare -i x=1; a 2; a 5"),
        ("declare -i x=$y; a $x", "declare -i x=…; a …+"),
        ("declare -u x; x=rm; $x", "declare -u x; …+"),
        ("readonly x=1; x=2; a $x", "readonly x=1; a …+"),
        ("x=1; let x=x+1; a $x", "let x=x+1; a 2"),
        ("x=1; getopts ab x; a $x $OPTARG", "getopts ab x; a …+ …+"),
        ("x=1; eval \"$y\"; a $x", "eval …; a …+"),
        ("x=1; eval x=2; a $x", "eval x=2; a 2"),
        ("eval 'a b' c", "eval a b c; a b c"),
        ("x=1; . ./f; a $x", ". ./f; a …+"),
        ("x=1; source <(echo x=2); a $x", "source /dev/fd/…; echo x=2; a 2"),
        ("x=1; . /dev/stdin <<<'x=2; b'; a $x", ". /dev/stdin; b; a 2"),
        ("x=1; $y z; a $x", "…+ z; a …+"),
        ("x=1; ./$y z; a $x", "./…+ z; a 1"),
        ("builtin eval 'x=2; a'; b $x", "builtin eval x=2; a; eval x=2; a; a; b 2"),
        ("command eval 'a'", "command eval a; eval a; a"),
        ("command -v eval", "command -v eval"),
        ("command rm x", "command rm x"),
        ("trap 'rm $x' EXIT; x=1", "trap rm $x EXIT; rm …+"),
        ("x=1; trap 'rm $x' EXIT", "trap rm $x EXIT; rm 1"),
        ("trap - EXIT; trap '' INT", "trap - EXIT; trap  INT"),
        ("alias l='ls -l'", "alias l=ls -l; ls -l"),
        ("set -a; x=1; a", "set -a; a"),
        ("x=(a b); rm \"${x[@]}\" \"${x[1]}\"", "rm a b b"),
        ("x=(a $y); rm \"${x[@]}\"", "rm … …+"),
        ("x=(a b); x[0]=c; rm \"${x[@]}\"", "rm … …+"),
        ("cd /a; cd /b; a $OLDPWD ~-/c; cd -; a $PWD", "cd /a; cd /b; a /a /a/c; cd -; a /a"),
        ("mapfile -C 'rm x' a", "mapfile -C rm x a; rm x … …"),
        ("x=1; y=x; echo ${!y} ${!z}", "echo 1 …+"),
        ("echo ${x:=1}; a $x", "echo …+; a …+"),
        ("unset x; echo ${x:=1}; a $x", "unset x; echo 1; a 1"),
    ]);
}

#[test]
fn functions() {
    check(&[
        ("f() { rm $1; }; f a; f b", "f a; rm a; f b; rm b"),
        ("f() { x=2; }; x=1; f; a $x", "f; a 2"),
        ("f() { local x=2; a $x; }; x=1; f; b $x", "f; local x=2; a 2; b 1"),
        ("f() { if a; then x=2; return; fi; x=3; }; f; b $x", "f; a; return; b …"),
        ("f() { rm $1; }", "rm …+"),
        ("x=1; f() { rm $x; }", "rm …+"),
        ("f() { f; x=2; }; x=1; f; a $x", "f; f; a 2"),
        ("if a; then f() { b; }; else f() { c; }; fi; f", "a; f; b; c"),
        ("f() { a; }; unset -f f; f", "unset -f f; f; a"),
        ("(f() { a; }); f", "f; a"),
        ("f() { a \"$@\"; }; f x 'y z'", "f x y z; a x y z"),
        ("f() { a \"$@\"; }; f x $y", "f x …+; a x …+"),
        ("f() { shift; a $1; }; f x y", "f x y; shift; a y"),
        ("f() { \"$@\"; }; f rm -rf /", "f rm -rf /; rm -rf /"),
        ("f() { g; }; g() { a; }; f", "f; g; a"),
        ("eval 'f() { rm $1; }'; f x", "eval f() { rm $1; }; f x; rm x"),
        ("rm() { echo; }; rm x", "rm x; echo"),
    ]);
}

fn directories(script: &str) -> String {
    with(script, |lowerer| {
        let all = lowerer.program.invocations.iter().filter(|invocation| {
            !matches!(
                invocation.words.first().and_then(Word::as_known),
                Some(b"cd" | b"pushd" | b"popd" | b"exit") | None
            )
        });
        all.map(|invocation| format!("[{}]", shown(&invocation.directory))).collect()
    })
}

#[test]
fn the_directory() {
    for (script, expected) in [
        ("cd a; x", "[a]"),
        ("cd a && cd b && x; y", "[a/b][a/b]"),
        ("w && cd a && x && y", "[][a][a]"),
        ("w && cd a && x; y", "[][a][…]"),
        ("cd a/b; cd ..; x", "[a]"),
        ("cd ..; cd ..; x", "[../..]"),
        ("cd /a/./b/../c; x", "[/a/c]"),
        ("cd; x", "[~]"),
        ("cd ~/a; cd b; x", "[~/a/b]"),
        ("cd ~/a; cd ..; x", "[…]"),
        ("cd -; x", "[…]"),
        ("cd \"$y\"; x", "[…]"),
        ("cd \"/a/$y\"; x", "[/a/…]"),
        ("cd a || exit; x", "[a]"),
        ("cd a || x; y", "[][…]"),
        ("cd a && x || y", "[a][…]"),
        ("(cd a; x); y", "[a][]"),
        ("cd a | x; y", "[][]"),
        ("if cd a; then x; else y; fi; z", "[a][][…]"),
        ("if ! cd a; then x; exit; fi; z", "[][a]"),
        ("pushd a; x; popd; y", "[a][…]"),
        ("for i in 1 2; do x; cd a; done; y", "[…][…][…]"),
        ("f() { cd a; }; f; x", "[][a]"),
        ("builtin cd a; x", "[][a]"),
        ("CDPATH=/y; cd a; x", "[…]"),
        ("eval 'cd a'; x", "[][a]"),
        ("cd a b; x", "[…]"),
        ("cd *; x", "[…]"),
        ("cd -P a; x", "[a]"),
    ] {
        assert_eq!(directories(script), expected, "{script}");
    }
}

#[test]
fn notes() {
    use NoteKind::*;
    let cases: &[(&str, &[NoteKind])] = &[
        ("eval \"$x\"", &[OpaqueCode]),
        ("eval 'a'", &[]),
        ("trap \"$x\" EXIT", &[OpaqueCode]),
        ("echo ${x@P}", &[PromptExpansion]),
        ("x='$(rm)'; echo ${x@P}", &[]),
        ("i=0; i=$((i+1)); while a; do i=$((i+1)); done; echo $((i*2))", &[]),
        ("i=0; for x in a b; do ((i++)); done", &[]),
        ("for i in 1 2 3; do echo $((i+1)); done", &[]),
        ("for i in {1..100}; do echo $((i+1)); done", &[]),
        ("x=$(a); [ $x ]", &[OpaqueArithmetic]),
        ("[ $DEBUG ]", &[]),
        ("read x; echo $((x))", &[OpaqueArithmetic]),
        ("x=$(a); echo $((x))", &[OpaqueArithmetic]),
        // Nobody but the caller sets the caller's environment.
        ("echo $((x))", &[]),
        ("echo $(($1))", &[OpaqueArithmetic]),
        ("echo $((RANDOM % 6)) $(($# - 1)) $(($?))", &[]),
        ("x=5; echo $((x))", &[]),
        ("[[ $x -eq 1 ]]", &[OpaqueArithmetic]),
        ("[ $x -eq 1 ]", &[]),
        ("[[ -v $x ]]", &[OpaqueArithmetic]),
        ("[[ -v x ]]", &[]),
        ("test -v \"$x\"", &[OpaqueArithmetic]),
        ("read \"$x\"", &[OpaqueArithmetic]),
        ("printf -v \"$x\" a", &[OpaqueArithmetic]),
        ("declare \"$x\"", &[OpaqueArithmetic]),
        ("export \"$x\"", &[]),
        ("unset \"$x\"", &[OpaqueArithmetic]),
        ("let \"$x\"", &[OpaqueArithmetic]),
        ("declare -A m; echo ${m[$k]}", &[]),
        ("echo ${a[$k]}", &[OpaqueArithmetic]),
        ("echo $GITHUB_TOKEN", &[SecretVariable]),
        ("curl -H \"a: ${API_KEY}\"", &[SecretVariable]),
        ("cat <<E\n$DB_PASSWORD\nE", &[SecretVariable]),
        ("x=$GITHUB_TOKEN; echo $x", &[SecretVariable]),
        ("x=$GITHUB_TOKEN", &[]),
        ("TOKEN=abc; echo $TOKEN", &[]),
        ("echo ${#TOKEN} ${TOKEN:+set}", &[]),
        ("[ -n \"$TOKEN\" ] && [[ -z $TOKEN ]]; test -z \"$TOKEN\"", &[]),
        ("echo $(echo $TOKEN)", &[SecretVariable]),
    ];
    for (script, expected) in cases {
        let kinds: Vec<NoteKind> =
            with(script, |lowerer| lowerer.program.notes.iter().map(|note| note.kind).collect());
        assert_eq!(kinds, *expected, "{script}");
    }
}

#[test]
fn edges() {
    with("a | b 2>&1 | c > f", |lowerer| {
        let [a, b, c] = lowerer.program.invocations.as_slice() else { panic!("three commands") };
        assert!(matches!(b.stdin, Input::Channel(channel) if Some(channel) == a.stdout));
        assert!(matches!(c.stdin, Input::Channel(channel) if Some(channel) == b.stdout));
        assert_eq!(c.stdout, None);
    });
    with("curl x | { read y; sh; } > log", |lowerer| {
        let sh = lowerer.program.invocations.last().expect("a command");
        let curl = lowerer.program.invocations.first().expect("a command");
        assert!(matches!(sh.stdin, Input::Channel(channel) if Some(channel) == curl.stdout));
        assert_eq!(sh.redirects.len(), 1);
    });
    with("sh <<'E'\nrm x\nE\n", |lowerer| {
        let sh = lowerer.program.invocations.first().expect("a command");
        assert!(matches!(sh.stdin, Input::Text(text) if text.as_known() == Some(b"rm x\n")));
    });
    with("a > >(sh)", |lowerer| {
        let [a, sh] = lowerer.program.invocations.as_slice() else { panic!("two commands") };
        assert!(matches!(sh.stdin, Input::Channel(channel) if Some(channel) == a.stdout));
    });
    with("echo 'rm x' | sh", |lowerer| {
        let channel = lowerer.program.invocations.first().and_then(|echo| echo.stdout).expect("a pipe");
        assert_eq!(lowerer.channel_text(channel), Some(&b"rm x\n"[..]));
    });
    // A loop around the whole pipe opens a new one in each round; one around its writer does not.
    for (script, text) in [
        ("while a; do echo 'rm x' | sh; done", Some(&b"rm x\n"[..])),
        ("while a; do echo 'rm x'; done | sh", None),
        ("for i in *; do while a; do echo 'rm x'; done | sh; done", None),
        ("while echo 'rm x'; do b; done | sh", None),
    ] {
        with(script, |lowerer| {
            let sh = lowerer.program.invocations.last().expect("a command");
            let Input::Channel(channel) = sh.stdin else { panic!("a pipe in {script}") };
            assert_eq!(lowerer.channel_text(channel), text, "{script}");
        });
    }
    with("X=1 a; b", |lowerer| {
        let [a, b] = lowerer.program.invocations.as_slice() else { panic!("two commands") };
        assert!(lowerer.lookup(a.environment, b"X").is_some_and(|binding| binding.exported));
        assert!(lowerer.lookup(b.environment, b"X").is_none());
    });
    with("export X=1; Y=2; PATH=/t:$PATH; a", |lowerer| {
        let a = lowerer.program.invocations.last().expect("a command");
        let exported = |name: &[u8]| lowerer.lookup(a.environment, name).map(|binding| binding.exported);
        assert_eq!(
            [exported(b"X"), exported(b"Y"), exported(b"PATH")],
            [Some(true), Some(false), Some(true)]
        );
    });
    with("f() { a; } > x; f", |lowerer| {
        assert_eq!(lowerer.program.invocations.last().map(|a| a.redirects.len()), Some(1));
    });
    let arena = Bump::new();
    let mut lowerer = Lowerer::new(&arena, &Limits::STANDARD, &Known::default());
    lowerer.source(b"export IFS= X=1; a", Entry::request());
    let environment = lowerer.program.invocations.last().expect("a command").environment;
    let inherit = guardrail_core::lower::Inherit::Exported;
    lowerer.source(b"y='rm -rf /'; $y $X", Entry { environment, inherit, ..Entry::request() });
    let words = lowerer.program.invocations.last().expect("a command").words;
    assert_eq!(words.iter().map(shown).collect::<Vec<_>>(), ["rm", "-rf", "/", "1"]);
    with("exec 2>log; a; (exec <f; b); c", |lowerer| {
        let all = &lowerer.program.invocations;
        let redirects: Vec<usize> = all.iter().map(|invocation| invocation.redirects.len()).collect();
        assert_eq!(redirects, [1, 1, 2, 2, 1]);
    });
}
