//! The branch and the remotes of the repository that a directory lies in.

use std::path::{Path, PathBuf};

use super::At;
use super::file;

/// What is known of a repository; nothing where there is none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Repository {
    pub(super) branch: Option<String>,
    pub(super) remotes: Vec<Remote>,
}

/// A remote of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Its name, such as `origin`.
    pub name: String,
    /// Its address as the repository's own configuration has it, without a user's name and
    /// password. Other configuration may rewrite it (`url.<base>.insteadOf`).
    pub url: String,
}

pub(super) fn read(at: &At) -> Result<Repository, String> {
    let Some(folder) = folder(at)? else { return Ok(Repository::default()) };
    let Some(head) = file::text(&folder.join("HEAD"))? else { return Ok(Repository::default()) };
    let branch = head.trim_end().strip_prefix("ref: refs/heads/").map(str::to_owned);
    // A linked working tree shares the configuration of its repository.
    let shared = match file::text(&folder.join("commondir"))? {
        Some(path) => folder.join(path.trim_end()),
        None => folder,
    };
    let mut remotes = Vec::new();
    if let Some(text) = file::text(&shared.join("config"))? {
        file::settings(&text, |section, key, url| {
            let name = section.strip_prefix("remote \"").and_then(|name| name.strip_suffix('"'));
            if let (Some(name), "url") = (name, key) {
                remotes.push(Remote { name: name.to_owned(), url: without_user(url) });
            }
        });
    }
    Ok(Repository { branch, remotes })
}

/// The repository's own folder, as git would find it.
fn folder(at: &At) -> Result<Option<PathBuf>, String> {
    if let Some(folder) = at.path("GIT_DIR") {
        return Ok(Some(folder));
    }
    for above in at.cwd.ancestors() {
        let entry = above.join(".git");
        if entry.is_dir() {
            return Ok(Some(entry));
        }
        if let Some(text) = file::text(&entry)? {
            // A working tree or a submodule names its folder.
            let path = text.trim_end().strip_prefix("gitdir: ").map(|path| above.join(path));
            return path.map(Some).ok_or_else(|| format!("{}: it names no folder", entry.display()));
        }
        if is_bare(above) {
            return Ok(Some(above.to_owned()));
        }
    }
    Ok(None)
}

fn is_bare(folder: &Path) -> bool {
    folder.join("HEAD").is_file() && folder.join("objects").is_dir() && folder.join("refs").is_dir()
}

/// An address without what would log in.
fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match host.rsplit_once('@') {
        Some((user, _)) => {
            let rest = rest.strip_prefix(user).and_then(|rest| rest.strip_prefix('@')).unwrap_or_default();
            format!("{scheme}://{rest}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::facts::{FactFinder, Subject};

    fn git(folder: &Path, words: &[&str]) {
        let run = Command::new("git").current_dir(folder).args(words).output().unwrap();
        assert!(run.status.success(), "{run:?}");
    }

    #[test]
    fn a_repository_and_a_tree_linked_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("main");
        std::fs::create_dir_all(main.join("deep/er")).unwrap();
        git(&main, &["init", "-q", "-b", "trunk"]);
        git(&main, &["remote", "add", "origin", "https://me:secret@example.com/a.git"]);
        git(&main, &["remote", "add", "up.stream", "git@example.com:a.git"]);
        let finder = FactFinder::new().variables([("HOME", "/none")]);
        let gathered = finder.gather(&main.join("deep/er"));
        assert_eq!(gathered.facts.git_branch.as_deref(), Some("trunk"));
        let remotes = [("origin", "https://example.com/a.git"), ("up.stream", "git@example.com:a.git")];
        let remotes = remotes.map(|(name, url)| Remote { name: name.to_owned(), url: url.to_owned() });
        assert_eq!(gathered.details.remotes, remotes);

        let as_somebody =
            ["-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false"];
        let commit = [&as_somebody[..], &["commit", "-q", "--allow-empty", "-m", "first"]].concat();
        git(&main, &commit);
        git(&main, &["worktree", "add", "-q", "-b", "side/line", "../side"]);
        let gathered = finder.gather(&folder.path().join("side"));
        assert_eq!(gathered.facts.git_branch.as_deref(), Some("side/line"));
        assert_eq!(gathered.details.remotes, remotes);

        git(&main, &["checkout", "-q", "--detach"]);
        assert_eq!(finder.gather(&main).facts.git_branch, None);
        let elsewhere =
            finder.clone().variables([("GIT_DIR", main.join(".git/worktrees/side").to_str().unwrap())]);
        assert_eq!(elsewhere.gather(Path::new("/")).facts.git_branch.as_deref(), Some("side/line"));
    }

    #[test]
    fn what_is_broken_is_said() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".git"), "nonsense").unwrap();
        let gathered = FactFinder::new().variables([("HOME", "/none")]).gather(folder.path());
        assert_eq!(gathered.facts.git_branch, None);
        assert!(gathered.missing.iter().any(|missing| missing.what == Subject::Git), "{gathered:?}");
    }

    #[test]
    fn an_address_loses_its_user() {
        for (url, shown) in [
            ("https://example.com/a@b", "https://example.com/a@b"),
            ("https://x@y@example.com/a", "https://example.com/a"),
            ("ssh://git@example.com:22/a", "ssh://example.com:22/a"),
            ("../beside", "../beside"),
        ] {
            assert_eq!(without_user(url), shown);
        }
    }
}
