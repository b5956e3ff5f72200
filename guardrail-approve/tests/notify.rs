//! News to files and to several.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::Arc;

use guardrail_approve::conformance::question;
use guardrail_approve::{FanOut, LinesNotifier, block_on};
use guardrail_core::plan::{Notice, NoticeKind, Notifier};

fn notice(text: &str) -> Notice {
    let question = question();
    Notice {
        kind: NoticeKind::ApprovalNeeded,
        at: question.asked_at,
        plan: Some(question.plan),
        step: None,
        text: text.into(),
    }
}

#[test]
fn each_is_a_line_that_only_the_owner_reads() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("news.jsonl");
    let lines = LinesNotifier::to(&path);
    let notices = [notice("one\nand more"), notice("two")];
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..50).for_each(|_| block_on(lines.notify(&notices[0])).unwrap()));
        }
    });
    // It was rotated away meanwhile.
    std::fs::rename(&path, directory.path().join("old")).unwrap();
    block_on(lines.notify(&notices[1])).unwrap();
    let read = |name: &str| {
        let text = std::fs::read_to_string(directory.path().join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str::<Notice>(line).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(read("old"), vec![notices[0].clone(); 200]);
    assert_eq!(read("news.jsonl"), [notices[1].clone()]);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn no_link_and_no_device_is_written_to() {
    let directory = tempfile::tempdir().unwrap();
    let (target, link) = (directory.path().join("target"), directory.path().join("link"));
    std::fs::write(&target, "").unwrap();
    symlink(&target, &link).unwrap();
    for path in [link, "/dev/null".into(), directory.path().join("none/news")] {
        assert!(block_on(LinesNotifier::to(&path).notify(&notice("x"))).is_err(), "{path:?}");
    }
    assert_eq!(std::fs::read(&target).unwrap(), b"");
}

#[test]
fn one_that_fails_keeps_no_other_from_being_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("news");
    let news = FanOut::default()
        .and(Arc::new(LinesNotifier::to(directory.path().join("none/a"))))
        .and(Arc::new(LinesNotifier::to(&path)))
        .and(Arc::new(LinesNotifier::to(directory.path().join("none/b"))));
    let error = block_on(news.notify(&notice("x"))).unwrap_err().reason;
    assert!(error.contains("none/a") && error.contains("none/b"), "{error}");
    assert!(path.exists());
    assert_eq!(block_on(FanOut::default().notify(&notice("x"))), Ok(()));
}
