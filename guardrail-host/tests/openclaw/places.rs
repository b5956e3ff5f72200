//! Where programs are found, and where documents are not written.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use guardrail_core::Guard;
use guardrail_core::policy::Mode;
use guardrail_host::openclaw::{
    Documents, FoundProgram, OpenClawError, Program, Release, Settings, StateFolders, Tools, find_programs,
    generate, write,
};

fn made() -> Documents {
    generate(&Guard::new(), &Settings::new(Mode::Safe, Release::V2026_8), &[]).unwrap()
}

fn states(home: &Path, state: Option<&Path>) -> StateFolders {
    let (home, state) = (home.to_owned(), state.map(Path::to_owned));
    StateFolders::new(move |name| match name {
        "HOME" => Some(OsString::from(&home)),
        "OPENCLAW_STATE_DIR" => state.as_ref().map(OsString::from),
        _ => None,
    })
}

fn refused(out: PathBuf, states: &StateFolders) {
    let error = write(&made(), &out, states).unwrap_err();
    assert!(matches!(error, OpenClawError::State { .. }), "{}: {error}", out.display());
}

#[test]
fn the_state_directory_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let own = home.join(".openclaw");
    let named = home.join("elsewhere");
    let states = states(home, Some(&named));
    // Before it is there.
    refused(own.clone(), &states);
    refused(own.join("a/b"), &states);
    refused(named.join("x"), &states);
    refused(home.join(".openclaw-dev"), &states);
    let error = write(&made(), &home.join("x/../.openclaw"), &states).unwrap_err();
    assert!(matches!(error, OpenClawError::Io { .. }), "{error}");
    assert!(!own.exists() && !named.exists() && !home.join("x").exists(), "nothing is made on the way");
    std::fs::create_dir_all(own.join("agents")).unwrap();
    std::fs::create_dir_all(&named).unwrap();
    refused(own.join("agents/../docs"), &states);
    refused(home.join(".openclaw/agents"), &states);
    // Through links: to it, into it, and from its usual name to somewhere else.
    symlink(&own, home.join("link")).unwrap();
    symlink(own.join("agents"), home.join("deep")).unwrap();
    refused(home.join("link"), &states);
    refused(home.join("link/new/dir"), &states);
    refused(home.join("deep"), &states);
    let disk = home.join("disk");
    std::fs::create_dir(&disk).unwrap();
    symlink(&disk, home.join(".moltbot")).unwrap();
    refused(disk.join("out"), &states);
    // A place that holds its files is one, whatever it is called.
    let odd = home.join("odd");
    std::fs::create_dir(&odd).unwrap();
    std::fs::write(odd.join("exec-approvals.json"), "{}").unwrap();
    refused(odd.join("below"), &states);
    assert_eq!(std::fs::read_dir(&own).unwrap().count(), 1);
    // A link that leads nowhere might lead there tomorrow.
    symlink(home.join("nowhere"), home.join("dangling")).unwrap();
    let error = write(&made(), &home.join("dangling/x"), &states).unwrap_err();
    assert!(matches!(error, OpenClawError::Io { .. }), "{error}");
}

#[test]
fn documents_are_their_owners_and_replace_nothing() {
    let home = tempfile::tempdir().unwrap();
    let states = states(home.path(), None);
    let out = home.path().join("new/dir");
    let documents = made();
    let written = write(&documents, &out, &states).unwrap();
    assert_eq!(written.len(), 3);
    for path in &written {
        assert_eq!(std::fs::metadata(path).unwrap().mode() & 0o777, 0o600, "{}", path.display());
    }
    assert_eq!(std::fs::read_to_string(out.join("approvals.json")).unwrap(), documents.approvals);
    let error = write(&documents, &out, &states).unwrap_err();
    assert!(matches!(error, OpenClawError::Io { .. }), "{error}");
    // Nor what a link of that name leads to.
    let other = home.path().join("other");
    std::fs::create_dir(&other).unwrap();
    symlink(home.path().join("target"), other.join("approvals.json")).unwrap();
    write(&documents, &other, &states).unwrap_err();
    assert!(!home.path().join("target").exists());
}

#[test]
fn programs_are_found_where_only_root_writes() {
    let tools = Tools::builtin();
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("git");
    std::fs::write(&program, "").unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    symlink("/bin/sh", folder.path().join("ls")).unwrap();
    std::fs::write(folder.path().join("cat"), "not executable").unwrap();
    let found = find_programs(&tools, folder.path().as_os_str());
    assert_eq!(found.programs, [], "anybody may write to the directory for temporary files");
    let why = |name: &str| {
        found.left_out.iter().find(|left| left.path.ends_with(name)).map(|left| left.why.clone())
    };
    assert!(why("git").unwrap().contains("else than root"), "{:?}", why("git"));
    assert!(why("ls").unwrap().contains("may be other programs"), "{:?}", why("ls"));
    assert_eq!(why("cat"), None);
    // Relative directories would be whatever the working directory is.
    assert_eq!(find_programs(&tools, OsStr::new("bin:.:")).programs, []);
    let found = find_programs(&tools, OsStr::new("/usr/bin:/bin"));
    for FoundProgram { path, names } in &found.programs {
        Program::new(&tools, path).unwrap();
        // Every link of another name is known.
        for name in names {
            let mut places =
                ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/etc/alternatives", "/usr/lib/git-core"].iter();
            let leads = |folder: &&str| {
                std::fs::canonicalize(Path::new(folder).join(name)).is_ok_and(|real| real == Path::new(path))
            };
            assert!(places.any(leads), "{name} {path}");
        }
        assert_eq!(std::fs::canonicalize(path).unwrap().to_str(), Some(path.as_str()));
    }
    let roots =
        |path: &str| std::fs::metadata(path).is_ok_and(|found| found.uid() == 0 && found.mode() & 0o022 == 0);
    if ["/", "/usr", "/usr/bin"].into_iter().all(roots) {
        assert!(!found.programs.is_empty());
    } else {
        println!("SKIPPED: on this machine somebody else than root may write to /usr/bin");
    }
}
