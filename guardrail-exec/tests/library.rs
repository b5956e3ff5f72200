//! The library of tested plans: only what succeeded is kept, it is found again, and using it saves
//! nobody a yes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod stage;

use guardrail_core::plan::{Ended, Execution, State};
use guardrail_exec::{Library, LibraryError, block_on};
use stage::*;

fn library(folder: &tempfile::TempDir) -> Library {
    Library::open(&folder.path().join("library")).unwrap()
}

#[test]
fn a_plan_that_succeeded_is_found_again_and_asked_about_again() {
    let folder = tempfile::tempdir().unwrap();
    let library = library(&folder);
    let stage = Stage::new(cluster(), [yes(), yes()]);
    let report = stage.run(scale());
    let revision = block_on(stage.runner().revision(report.plan.name)).unwrap();
    let kept = library.keep("scale-api", &revision, &report, start()).unwrap();
    assert_eq!(kept.successes(), 1);
    let other = Stage::new(|_, _| gave(""), [yes()]);
    let written = other.run(files(1));
    let revision = block_on(other.runner().revision(written.plan.name)).unwrap();
    library.keep("write-files", &revision, &written, start()).unwrap();

    let found = library.find("the API is slow, scale it").unwrap();
    assert_eq!(found[0].name, "scale-api");
    assert!(library.find("nothing of the kind").unwrap().is_empty());
    let plan = found[0].with([("replicas".to_owned(), 7.into())]).unwrap();
    assert!(found[0].with([("nodes".to_owned(), 7.into())]).is_err());
    let report = stage.run(plan);
    assert_eq!((report.state, stage.questions()), (State::Succeeded, 2), "it was approved as well");
    assert!(report.steps[0].command.ends_with("=7"));
    assert_eq!(library.used("scale-api", &report, start()).unwrap().successes(), 2);
    assert_eq!(library.names().unwrap(), ["scale-api", "write-files"]);
}

#[test]
fn what_failed_is_not_kept_but_remembered_of_what_is() {
    let folder = tempfile::tempdir().unwrap();
    let library = library(&folder);
    let play = |_: &_, _: &_| Execution::ended(Ended::Exited(1), 0.1);
    let failed = Stage::new(play, [yes(), no()]);
    let report = failed.run(files(1));
    let revision = block_on(failed.runner().revision(report.plan.name)).unwrap();
    let refused = library.keep("files", &revision, &report, start());
    assert!(matches!(refused, Err(LibraryError::Untested { state: State::Failed, .. })), "{refused:?}");
    let good = Stage::new(|_, _| gave(""), [yes()]);
    let done = good.run(files(1));
    let revision = block_on(good.runner().revision(done.plan.name)).unwrap();
    library.keep("files", &revision, &done, start()).unwrap();
    let again = library.used("files", &report, start()).unwrap();
    // Both are plan 001 of the same day here, and one plan is told once.
    assert_eq!(again.uses.last().unwrap().state, State::Failed);
}

#[test]
fn names_are_plain_and_belong_to_one_plan() {
    let folder = tempfile::tempdir().unwrap();
    let library = library(&folder);
    let stage = Stage::new(|_, _| gave(""), [yes(), yes()]);
    let (one, two) = (stage.run(files(1)), stage.run(files(2)));
    let revision =
        |report: &guardrail_exec::Report| block_on(stage.runner().revision(report.plan.name)).unwrap();
    for name in ["", "../x", "A", "a/b", "new-1", "a b", ".hidden"] {
        let refused = library.keep(name, &revision(&one), &one, start());
        assert!(matches!(refused, Err(LibraryError::Name(_))), "{name}");
    }
    library.keep("files", &revision(&one), &one, start()).unwrap();
    let taken = library.keep("files", &revision(&two), &two, start());
    assert!(matches!(taken, Err(LibraryError::Taken(_))), "{taken:?}");
    let mixed = library.keep("mixed", &revision(&one), &two, start());
    assert!(matches!(mixed, Err(LibraryError::Untested { .. })), "the report of another plan: {mixed:?}");

    // What somebody put there is read strictly, or not at all.
    let entry = folder.path().join("library/files.json");
    let text = std::fs::read_to_string(&entry).unwrap();
    std::fs::write(&entry, text.replace("\"files\"", "\"other\"")).unwrap();
    assert!(matches!(library.get("files"), Err(LibraryError::Unreadable { .. })));
    std::fs::remove_file(&entry).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &entry).unwrap();
    assert!(library.get("files").is_err());
    assert!(library.find("files").unwrap().is_empty());
}
