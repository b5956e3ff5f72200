//! The file drop among hostile files, and with reviewers who do things by halves.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

#[path = "benches_of/mod.rs"]
mod benches_of;

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use benches_of::{Dropped, is_empty, key};
use guardrail_approve::conformance::{Who, question};
use guardrail_approve::{FileDrop, Reviewers, block_on, drop_answer, read_questions, sign_answer};
use guardrail_core::plan::{Approver, Asked, Question, Say, Shown};

fn approve(question: &Question, who: Who) -> (String, Vec<u8>) {
    sign_answer(question, Say::Approve(None), &key(who), question.asked_at).unwrap()
}

/// Asks while somebody does something, once the question lies there.
fn asked(dropped: &Dropped, question: &Question, act: impl FnOnce(&Path) + Send) -> Asked {
    thread::scope(|scope| {
        let asking = scope.spawn(|| block_on(dropped.approver.ask(question)));
        dropped.wait_for(question).unwrap();
        act(&dropped.path().join("answers"));
        asking.join().unwrap()
    })
}

fn soon(mut question: Question) -> Question {
    question.answer_by = question.asked_at + chrono::TimeDelta::milliseconds(1500);
    question
}

#[test]
fn what_is_no_answer_goes_aside_and_a_reviewer_may_answer_again() {
    let dropped = Dropped::new();
    let question = question();
    let (file, bytes) = approve(&question, Who::First);
    let asked = asked(&dropped, &question, |answers| {
        let aside = dropped.path().join("refused");
        // A link to a good answer, a pipe that nobody writes to, a folder, and too much of it.
        let outside = dropped.directory.path().join("good");
        std::fs::write(&outside, &bytes).unwrap();
        let hostile: [&dyn Fn(&Path); 4] = [
            &|path| symlink(&outside, path).unwrap(),
            &|path| {
                let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
                assert!(made.success());
            },
            &|path| std::fs::create_dir(path).unwrap(),
            &|path| std::fs::write(path, vec![b' '; 100_000]).unwrap(),
        ];
        for (count, make) in (1..).zip(hostile) {
            make(&answers.join(&file));
            while std::fs::read_dir(&aside).unwrap().count() < count {
                thread::sleep(Duration::from_millis(2));
            }
            assert!(outside.exists());
        }
        drop_answer(dropped.path(), &file, &bytes).unwrap();
    });
    assert!(matches!(asked, Asked::Replied(reply) if reply.roles == ["reviewer"]));
    assert!(dropped.path().join("taken").join(&file).exists());
    assert!(is_empty(&dropped.path().join("questions")), "it is asked no more");
}

#[test]
fn an_answer_that_is_being_written_is_waited_for() {
    let dropped = Dropped::new();
    let question = question();
    let (file, bytes) = approve(&question, Who::First);
    let asked = asked(&dropped, &question, |answers| {
        let (half, _) = bytes.split_at(bytes.len() / 2);
        std::fs::write(answers.join(&file), half).unwrap();
        thread::sleep(Duration::from_millis(100));
        std::fs::write(answers.join(&file), &bytes).unwrap();
    });
    assert!(matches!(asked, Asked::Replied(_)), "{asked:?}");
}

#[test]
fn where_nothing_came_but_what_is_no_answer_that_is_said() {
    let dropped = Dropped::new();
    let question = soon(question());
    let (file, bytes) = approve(&question, Who::First);
    let asked = asked(&dropped, &question, |_| {
        let forged = String::from_utf8(bytes).unwrap().replace("approve", "reject");
        drop_answer(dropped.path(), &file, forged.as_bytes()).unwrap();
    });
    assert!(matches!(&asked, Asked::Malformed(why) if why.contains("signature")), "{asked:?}");
}

#[test]
fn a_no_comes_before_every_yes() {
    let dropped = Dropped::new();
    let question = question();
    // Both lie there before anybody looks.
    let (yes, bytes) = approve(&question, Who::First);
    drop_answer(dropped.path(), &yes, &bytes).unwrap();
    let no = sign_answer(&question, Say::Reject(None), &key(Who::Second), question.asked_at).unwrap();
    drop_answer(dropped.path(), &no.0, &no.1).unwrap();
    let asked = block_on(dropped.approver.ask(&question));
    assert!(matches!(asked, Asked::Replied(reply) if reply.say == Say::Reject(None)));
}

#[test]
fn a_forged_question_deceives_nobody_for_long() {
    let dropped = Dropped::new();
    let question = soon(question());
    let asked = asked(&dropped, &question, |_| {
        let path = dropped.path().join("questions").join(format!("{}.json", question.id));
        let mut forged = question.clone();
        forged.text = "restart the tea machine".into();
        // Whose digest is wrong is not even read.
        std::fs::write(&path, serde_json::to_vec(&forged).unwrap()).unwrap();
        assert!(read_questions(dropped.path()).unwrap().is_empty());
        forged.shown = Shown::digest_of(&forged.text);
        std::fs::write(&path, serde_json::to_vec(&forged).unwrap()).unwrap();
        let read = read_questions(dropped.path()).unwrap().remove(0);
        let (file, bytes) = approve(&read, Who::First);
        drop_answer(dropped.path(), &file, &bytes).unwrap();
    });
    assert!(matches!(&asked, Asked::Malformed(why) if why.contains("another text")), "{asked:?}");
}

#[test]
fn directories_that_others_could_write_to_are_refused() {
    let open = |path: &Path| {
        FileDrop::open(path, Arc::new(Reviewers::default())).map(drop).map_err(|error| error.to_string())
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("drop");
    open(&path).unwrap();
    let mode = |name: &str, mode: u32| {
        std::fs::set_permissions(path.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for (name, bits) in
        [("", 0o777), ("answers", 0o777), ("questions", 0o775), ("taken", 0o720), ("refused", 0o702)]
    {
        mode(name, bits);
        let error = open(&path).unwrap_err();
        assert!(error.contains("take the bits"), "{error}");
        mode(name, 0o700);
    }
    mode("answers", 0o770);
    open(&path).unwrap();
    let link = directory.path().join("link");
    symlink(&path, &link).unwrap();
    assert!(open(&link).unwrap_err().contains("symbolic link"));
    std::fs::remove_dir(path.join("answers")).unwrap();
    symlink(directory.path(), path.join("answers")).unwrap();
    assert!(open(&path).unwrap_err().contains("symbolic link"));
    assert!(open(&path.join("none/deeper")).is_err());
}

#[test]
fn the_name_of_an_answer_leads_nowhere_else() {
    let dropped = Dropped::new();
    for name in ["../escaped.json", ".hidden", "a/b"] {
        assert!(drop_answer(dropped.path(), name, b"x").is_err());
    }
    assert!(!dropped.path().join("escaped.json").exists());
}

#[test]
fn many_questions_wait_without_a_thread_each() {
    let dropped = Dropped::new();
    let questions: Vec<Question> = (0..200).map(|_| soon(question())).collect();
    let before = std::fs::read_dir("/proc/self/task").map(Iterator::count);
    let mut asks: Vec<_> = questions.iter().map(|question| dropped.approver.ask(question)).collect();
    let mut asked = Vec::new();
    block_on(std::future::poll_fn(|context| {
        asks.retain_mut(|ask| match ask.as_mut().poll(context) {
            std::task::Poll::Ready(end) => {
                asked.push(end);
                false
            }
            std::task::Poll::Pending => true,
        });
        if asks.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    }));
    assert_eq!(asked, vec![Asked::TimedOut; 200]);
    if let (Ok(before), Ok(after)) = (before, std::fs::read_dir("/proc/self/task").map(Iterator::count)) {
        // Other tests of this program have threads too.
        assert!(after < before + 50, "{before} threads, then {after}");
    }
}
