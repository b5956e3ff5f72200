//! Looking at the world: what a command's names stand for right now, so that it can be nailed down
//! before it is approved, and compared before it runs.

mod content;
mod documents;
mod resolve;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use guardrail_core::plan::{Command, FileRole, PinnedDirectory, Pins};
use guardrail_core::{Action, Evaluation, Facts};

pub use documents::Documents;
use resolve::Finder;

/// Knows the world that commands run in.
///
/// It is asked when a plan is prepared, and again right before each command starts. What it says
/// then has to be what the [`Executor`](guardrail_core::plan::Executor) will use: the environment
/// that it pins is the whole environment.
pub trait World: Send + Sync {
    /// What the caller knows of the world now.
    fn facts(&self) -> Facts {
        Facts::default()
    }

    /// What the names of a command stand for now: `cwd` is the absolute directory it runs in,
    /// `evaluation` what the analysis found in it.
    fn pins(&self, command: &Command, cwd: &str, evaluation: &Evaluation) -> Pins;

    /// The files that a command takes for a description of what to do, as far as this evaluation names
    /// them and was not given them: what is in them is judged and pinned with the command. A world that
    /// reads none judges such a command by its words alone.
    fn documents(&self, cwd: &str, evaluation: &Evaluation) -> Documents {
        let _ = (cwd, evaluation);
        Documents::default()
    }
}

/// The machine that this process runs on.
///
/// ```
/// use guardrail_core::plan::Command;
/// use guardrail_core::{Guard, Request};
/// use guardrail_exec::{LocalWorld, World as _};
///
/// let evaluation = Guard::new().evaluate(&Request::argv(["ls", "-l"]).cwd("/"));
/// let pins = LocalWorld::new().pins(&Command::argv(["ls", "-l"]), "/", &evaluation);
/// assert!(pins.files[0].path.ends_with("/ls") || pins.files[0].path.contains("coreutils"));
/// assert_eq!(pins.environment["LC_ALL"], "C.UTF-8");
/// assert!(pins.unpinned.is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct LocalWorld {
    facts: Facts,
    shell: String,
    environment: BTreeMap<String, String>,
    withheld: BTreeSet<String>,
}

/// Where programs are looked for, unless somebody says otherwise: directories that only the
/// administrator writes to.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What else every command has in its environment. Commands run without a terminal and without
/// anybody to ask.
const STANDARD: [(&str, &str); 7] = [
    ("PATH", PATH),
    ("LC_ALL", "C.UTF-8"),
    ("TERM", "dumb"),
    ("PAGER", "cat"),
    ("GIT_PAGER", "cat"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("DEBIAN_FRONTEND", "noninteractive"),
];

impl LocalWorld {
    /// This machine with a small, clean environment: `PATH` with the system's directories, the
    /// home directory of the account, and what keeps tools from asking.
    #[must_use]
    pub fn new() -> Self {
        let mut environment: BTreeMap<String, String> =
            STANDARD.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut facts = Facts::default();
        if let Some(home) = std::env::home_dir().and_then(|home| home.into_os_string().into_string().ok()) {
            environment.insert("HOME".to_owned(), home.clone());
            facts.home = Some(home);
        }
        Self { facts, shell: "/bin/bash".to_owned(), environment, withheld: BTreeSet::new() }
    }

    /// The same machine with a variable that every command has. It is no secret: it is shown,
    /// approved and recorded.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// The same machine, of which the caller knows more.
    #[must_use]
    pub fn known(mut self, facts: Facts) -> Self {
        self.facts = facts;
        self
    }

    /// The same machine, but no command inherits one of these variables: they hold secrets, and what is
    /// inherited is shown and kept.
    #[must_use]
    pub fn withhold<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.withheld.extend(names.into_iter().map(Into::into));
        self
    }

    /// The same machine with another shell for shell source; an absolute path.
    #[must_use]
    pub fn shell(mut self, path: impl Into<String>) -> Self {
        self.shell = path.into();
        self
    }

    /// Everything that is in the environment of a command, but for its credentials: what is
    /// inherited is read now, and what the command sets wins.
    fn environment(&self, command: &Command) -> BTreeMap<String, String> {
        let mut environment = self.environment.clone();
        for name in command.inherit.iter().filter(|name| !self.withheld.contains(*name)) {
            if let Ok(value) = std::env::var(name) {
                environment.insert(name.clone(), value);
            }
        }
        environment.extend(command.environment.clone());
        environment
    }
}

impl Default for LocalWorld {
    fn default() -> Self {
        Self::new()
    }
}

impl World for LocalWorld {
    fn facts(&self) -> Facts {
        let mut facts = self.facts.clone();
        for (name, value) in &self.environment {
            facts.variables.entry(name.clone()).or_insert_with(|| value.clone());
        }
        facts
    }

    fn pins(&self, command: &Command, cwd: &str, evaluation: &Evaluation) -> Pins {
        let environment = self.environment(command);
        let mut pins = Pins::default();
        match directory(cwd) {
            Ok(found) => pins.directory = Some(found),
            Err(reason) => pins.unpinned.push((cwd.to_owned(), reason)),
        }
        let search = environment.get("PATH").map_or("", String::as_str);
        let mut finder = Finder::new(Path::new(cwd), search, &mut pins);
        match &command.action {
            Action::Argv(words) => {
                if let Some(program) = words.first() {
                    finder.program(FileRole::Program, program);
                }
            }
            Action::Shell(_) => finder.program(FileRole::Shell, &self.shell),
            // What stands behind a named call is the executor's.
            Action::Call { .. } => {}
        }
        finder.inside(evaluation, matches!(command.action, Action::Shell(_)));
        let withheld = command.inherit.iter().filter(|name| self.withheld.contains(*name));
        let why = "it holds a secret, and is not inherited: name it under `credentials`";
        pins.unpinned.extend(withheld.map(|name| (name.clone(), why.to_owned())));
        pins.environment = environment;
        pins
    }

    fn documents(&self, cwd: &str, evaluation: &Evaluation) -> Documents {
        documents::read(Path::new(cwd), evaluation)
    }
}

fn directory(name: &str) -> Result<PinnedDirectory, String> {
    use std::os::unix::fs::MetadataExt as _;
    let path = Path::new(name).canonicalize().map_err(|error| error.to_string())?;
    let metadata = path.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_dir() {
        return Err("it is no directory".to_owned());
    }
    let path = path.into_os_string().into_string().map_err(|_| "its path is no UTF-8".to_owned())?;
    Ok(PinnedDirectory {
        name: name.to_owned(),
        path,
        device: Some(metadata.dev()),
        inode: Some(metadata.ino()),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use guardrail_core::plan::FileRole;
    use guardrail_core::{Guard, Request};

    use super::*;

    fn pins(command: &Command, cwd: &Path) -> Pins {
        let cwd = cwd.to_str().unwrap();
        let request = Request::new(command.action.clone()).cwd(cwd);
        LocalWorld::new().pins(command, cwd, &Guard::new().evaluate(&request))
    }

    fn script(directory: &Path, name: &str, text: &str) {
        let path = directory.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn roles(pins: &Pins) -> Vec<(FileRole, &str)> {
        pins.files.iter().map(|file| (file.role, file.name.as_str())).collect()
    }

    #[test]
    fn every_file_that_is_run_or_read_as_code_is_pinned() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path().canonicalize().unwrap();
        script(&directory, "deploy.sh", "#!/usr/bin/env -S bash -e\necho hi\n");
        script(&directory, "inner", "#!/bin/sh\n");
        let run = |command: Command| pins(&command, &directory);

        let direct = run(Command::argv(["./deploy.sh"]));
        let found = roles(&direct);
        assert_eq!(found[0], (FileRole::Program, "./deploy.sh"));
        assert!(found.contains(&(FileRole::Interpreter, "/usr/bin/env")), "{found:?}");
        assert!(found.contains(&(FileRole::Interpreter, "bash")), "{found:?}");

        let read = run(Command::argv(["bash", "deploy.sh"]));
        assert!(roles(&read).contains(&(FileRole::Script, "deploy.sh")), "{:?}", roles(&read));

        let shell = run(Command::shell("cd . && cat /etc/hostname | ./inner; nosuchthing"));
        let found = roles(&shell);
        assert_eq!(found[0], (FileRole::Shell, "/bin/bash"));
        assert!(found.contains(&(FileRole::Inner, "cat")), "{found:?}");
        assert!(found.contains(&(FileRole::Inner, "./inner")), "{found:?}");
        assert!(!found.iter().any(|(_, name)| *name == "cd" || *name == "nosuchthing"), "{found:?}");

        fs::write(directory.join("deploy.sh"), "#!/usr/bin/env -S bash -e\nrm -rf .\n").unwrap();
        let now = run(Command::argv(["bash", "deploy.sh"]));
        assert_eq!(read.drift(&now), [format!("{}/deploy.sh has changed", directory.display())]);
    }

    #[test]
    fn a_name_that_appears_later_is_drift() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path().canonicalize().unwrap();
        let path = format!("{}:/usr/bin:/bin", directory.display());
        let command = Command::shell("newcomer --all; cat x");
        let look = || {
            let mut command = command.clone();
            command.environment.insert("PATH".into(), path.clone());
            pins(&command, &directory)
        };
        let before = look();
        script(&directory, "newcomer", "#!/bin/sh\n");
        assert_eq!(before.drift(&look()), ["the files that it runs are others"]);
        let before = look();
        script(&directory, "cat", "#!/bin/sh\n");
        assert!(before.drift(&look())[0].starts_with("cat is now "), "{:?}", before.drift(&look()));
    }

    #[test]
    fn what_cannot_be_pinned_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let gone = pins(&Command::argv(["no-such-program-here"]), directory.path());
        assert_eq!(gone.unpinned, [("no-such-program-here".to_owned(), "it is not on PATH".to_owned())]);
        let nowhere = pins(&Command::argv(["ls"]), Path::new("/no/such/place"));
        assert_eq!(nowhere.unpinned[0].0, "/no/such/place");
        assert!(nowhere.directory.is_none());
        let fifo = directory.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        let hangs = pins(&Command::argv(["./fifo"]), directory.path());
        assert_eq!(hangs.unpinned, [("./fifo".to_owned(), "it is no file".to_owned())]);
    }

    #[test]
    fn the_environment_is_what_the_command_says_and_no_more() {
        let mut command = Command::argv(["ls"]);
        command.environment.insert("TERM".into(), "xterm".into());
        command.inherit = vec!["CARGO_MANIFEST_DIR".into(), "NO_SUCH_VARIABLE_HERE".into()];
        let evaluation = Guard::new().evaluate(&Request::new(command.action.clone()).cwd("/"));
        let withheld = LocalWorld::new().withhold(["CARGO_MANIFEST_DIR"]).pins(&command, "/", &evaluation);
        assert!(!withheld.environment.contains_key("CARGO_MANIFEST_DIR"));
        assert_eq!(withheld.unpinned[0].0, "CARGO_MANIFEST_DIR");
        let environment = pins(&command, Path::new("/")).environment;
        assert_eq!(environment["TERM"], "xterm");
        assert_eq!(environment["CARGO_MANIFEST_DIR"], env!("CARGO_MANIFEST_DIR"));
        assert!(!environment.contains_key("NO_SUCH_VARIABLE_HERE") && !environment.contains_key("CARGO"));
        assert_eq!(environment["PATH"], PATH);
    }
}
