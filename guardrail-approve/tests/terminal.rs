//! The terminal approver on real pseudoterminals, with hostile people and programs at both ends.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[path = "benches_of/mod.rs"]
mod benches_of;

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use benches_of::Pty;
use guardrail_approve::conformance::{question, question_for};
use guardrail_approve::{Terminal, block_on};
use guardrail_core::Risk;
use guardrail_core::plan::{Approver, Asked, Principal, Question, Say, Shown};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

fn anna(pty: &Pty) -> Terminal {
    Terminal::of(Principal::person("anna")).on(&pty.device)
}

/// Asks while somebody types these lines, each at its own prompt.
fn typed(terminal: &Terminal, pty: &Pty, question: &Question, lines: &[&str]) -> Asked {
    let mut from = pty.screen().len();
    thread::scope(|scope| {
        let asking = scope.spawn(|| block_on(terminal.ask(question)));
        for line in lines {
            if !pty.waits_for("[no] > ", from, question) {
                break;
            }
            from = pty.screen().len();
            pty.types(line);
        }
        asking.join().unwrap()
    })
}

fn said(asked: Asked) -> Say {
    match asked {
        Asked::Replied(reply) => reply.say,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_conversation() {
    let pty = Pty::new();
    let question = question();
    let lines =
        ["show\n", "explain step 1\n", "explain step 7\n", "what?\n", "use 5 replicas instead of 3\n"];
    let change = said(typed(&anna(&pty), &pty, &question, &lines));
    assert_eq!(change, Say::Change { parameter: "replicas".into(), value: 5.into() });
    let screen = pty.screen();
    assert_eq!(screen.matches("=== somebody has to say yes ===").count(), 2, "{screen}");
    assert!(screen.contains("step 1, action") || screen.contains("step 1"), "{screen}");
    assert!(screen.contains("there is no such step") && screen.contains("that is no answer"), "{screen}");
    assert_eq!(
        said(typed(&anna(&pty), &pty, &question, &["stop: wrong cluster\n"])),
        Say::Stop(Some("wrong cluster".into()))
    );
    assert_eq!(said(typed(&anna(&pty), &pty, &question, &["approve\n"])), Say::Approve(None));
    assert!(
        matches!(said(typed(&anna(&pty), &pty, &question, &["\n"])), Say::Reject(_)),
        "Enter alone is a no"
    );
    assert!(
        matches!(said(typed(&anna(&pty), &pty, &question, &["\u{4}"])), Say::Reject(_)),
        "the end is a no"
    );
    assert!(matches!(typed(&anna(&pty), &pty, &question, &["y\n"; 5]), Asked::Malformed(_)));
    let long = format!("{}\n", "yes ".repeat(900));
    assert_eq!(said(typed(&anna(&pty), &pty, &question, &[&long, "no\n"])), Say::Reject(None));
}

#[test]
fn what_was_typed_ahead_is_dropped() {
    let pty = Pty::new();
    pty.types("yes\nyes\nyes");
    let mut question = question();
    question.answer_by = question.asked_at + chrono::TimeDelta::milliseconds(700);
    assert_eq!(block_on(anna(&pty).ask(&question)), Asked::TimedOut);
    assert!(pty.screen().contains("[no] > "), "it was asked");
}

#[test]
fn what_is_critical_takes_what_is_drawn_on_the_screen() {
    let pty = Pty::new();
    let mut critical = question();
    critical.risk = Risk::Critical;
    let asked = thread::scope(|scope| {
        let asking = scope.spawn(|| block_on(anna(&pty).ask(&critical)));
        assert!(pty.waits_for("[no] > ", 0, &critical));
        let seen = pty.screen().len();
        pty.types("yes\n");
        assert!(pty.waits_for("[no] > ", seen, &critical), "a bare yes is no answer");
        let screen = pty.screen();
        let code: String = screen.split("yes ").last().unwrap().chars().take(4).collect();
        pty.types(&format!("yes {code}\n"));
        asking.join().unwrap()
    });
    assert_eq!(said(asked), Say::Approve(None));
}

#[test]
fn nothing_that_is_shown_commands_the_terminal() {
    let pty = Pty::new();
    let mut hostile = question();
    hostile.text = "harmless\u{1b}[2J\u{1b}[1;1H\u{202e}\rnothing to see\u{9b}31m\u{7}\n".into();
    hostile.shown = Shown::digest_of(&hostile.text);
    assert_eq!(said(typed(&anna(&pty), &pty, &hostile, &["no\n"])), Say::Reject(None));
    let screen = pty.screen();
    assert!(!screen.contains(['\u{1b}', '\u{202e}', '\u{9b}', '\u{7}']), "{screen:?}");
    assert!(screen.contains("harmless⟨U+001B⟩[2J"), "{screen}");
}

#[test]
fn a_host_that_draws_for_itself_gets_its_terminal_back() {
    let pty = Pty::new();
    let device = std::fs::File::options().read(true).write(true).open(&pty.device).unwrap();
    let mut raw = tcgetattr(&device).unwrap();
    raw.make_raw();
    tcsetattr(&device, OptionalActions::Now, &raw).unwrap();
    assert_eq!(said(typed(&anna(&pty), &pty, &question(), &["yes\r"])), Say::Approve(None));
    let behind = tcgetattr(&device).unwrap().local_modes;
    assert!(!behind.intersects(LocalModes::ICANON | LocalModes::ECHO));
}

#[test]
fn where_there_is_no_terminal_there_is_no_channel() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "yes\n").unwrap();
    for device in [file.path().to_owned(), "/dev/null".into(), "/dev/no-such".into()] {
        let terminal = Terminal::of(Principal::person("anna")).on(&device);
        assert!(matches!(block_on(terminal.ask(&question())), Asked::NoChannel(_)), "{device:?}");
    }
    // Somebody hangs up in the middle.
    let pty = Pty::new();
    let (terminal, question) = (anna(&pty), question());
    let asking = {
        let question = question.clone();
        thread::spawn(move || block_on(terminal.ask(&question)))
    };
    assert!(pty.waits_for("[no] > ", 0, &question));
    pty.hangs_up();
    assert!(matches!(asking.join().unwrap(), Asked::NoChannel(_)));
}

#[test]
fn two_questions_are_shown_one_after_the_other() {
    let pty = Pty::new();
    let terminal = anna(&pty);
    let (one, two) = (question_for("touch /srv/one"), question_for("touch /srv/two"));
    thread::scope(|scope| {
        let first = scope.spawn(|| block_on(terminal.ask(&one)));
        assert!(pty.waits_for("[no] > ", 0, &one));
        let second = scope.spawn(|| block_on(terminal.ask(&two)));
        thread::sleep(Duration::from_millis(200));
        assert!(!pty.screen().contains("/srv/two"));
        let from = pty.screen().len();
        pty.types("no\n");
        assert!(matches!(first.join().unwrap(), Asked::Replied(reply) if reply.question == one.id));
        assert!(pty.waits_for("[no] > ", from, &two));
        pty.types("yes\n");
        assert!(matches!(second.join().unwrap(), Asked::Replied(reply) if reply.question == two.id));
    });
}

/// The other half of the test below: asks on the controlling terminal, and says what came of it.
#[test]
#[ignore = "started by the test below, in a terminal of its own"]
fn asks_on_the_controlling_terminal() {
    let asked = block_on(Terminal::of(Principal::person("anna")).ask(&question()));
    println!("OUTCOME {asked:?}");
}

#[test]
fn the_standard_input_approves_nothing() {
    let found = Command::new("script").arg("--version").output();
    if !found.is_ok_and(|found| found.status.success()) {
        println!(
            "SKIPPED: `script` of util-linux is not installed, so there is no controlling terminal to have"
        );
        return;
    }
    let mut agent = tempfile::NamedTempFile::new().unwrap();
    agent.write_all("yes\n".repeat(1000).as_bytes()).unwrap();
    let program = std::env::current_exe().unwrap();
    let command = format!(
        "'{}' --exact asks_on_the_controlling_terminal --ignored --nocapture < '{}'",
        program.display(),
        agent.path().display()
    );
    for (answer, outcome) in [("no\n", "say: Reject"), ("yes\n", "say: Approve")] {
        let mut session = Command::new("script")
            .args(["-qefc", &command, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut screen = session.stdout.take().unwrap();
        let mut input = session.stdin.take().unwrap();
        let (mut seen, mut buffer, mut answered) = (String::new(), [0; 4096], false);
        while let Ok(count @ 1..) = screen.read(&mut buffer) {
            seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
            if !answered && seen.contains("[no] > ") {
                // The agent's thousand lines of yes have had their time.
                thread::sleep(Duration::from_millis(300));
                input.write_all(answer.as_bytes()).unwrap();
                answered = true;
            }
        }
        session.wait().unwrap();
        assert!(answered && seen.contains(outcome), "{seen}");
    }
}
