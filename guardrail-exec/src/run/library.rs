//! A library of plans that were tested by running: kept with their parameters, found again by
//! words, with what became of them since.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use guardrail_core::plan::{Flaw, Parameter, Plan, PlanName, Revision, State};
use guardrail_core::record::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Report;

/// Bytes that one entry may have.
const LONGEST: u64 = 4 << 20;
/// How many of its latest uses an entry remembers.
const MOST_USES: usize = 100;

/// Plans that succeeded, as files in a directory: one for each name.
///
/// What is in it saves nobody a yes: a plan from here is proposed, judged and approved like any
/// other. Whoever can write to the directory can change what is proposed, and not what is approved.
#[derive(Clone, Debug)]
pub struct Library {
    directory: PathBuf,
}

/// A plan that succeeded, and what became of it since.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Its name in the library.
    pub name: String,
    /// The plan, with its parameters as they were when it succeeded.
    pub plan: Plan,
    /// What became of it each time, the latest last.
    pub uses: Vec<Use>,
}

/// One time that a plan was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// As which plan.
    pub plan: PlanName,
    /// Where it came to rest.
    pub state: State,
    /// When that was written down.
    pub at: Timestamp,
}

/// Why the library could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LibraryError {
    /// Only what succeeded is kept.
    #[error("only a plan that succeeded is kept, and {plan} is {state}")]
    Untested {
        /// The plan.
        plan: PlanName,
        /// Where it is.
        state: State,
    },
    /// A name has lower-case letters, digits and dashes.
    #[error("`{0}` is no name: use lower-case letters, digits and dashes")]
    Name(String),
    /// Another plan has the name.
    #[error("`{0}` is another plan: choose another name")]
    Taken(String),
    /// There is no plan of that name.
    #[error("the library has no plan `{0}`")]
    Unknown(String),
    /// A value is none that a parameter may have.
    #[error(transparent)]
    Flaw(#[from] Flaw),
    /// An entry cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// Its file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file system failed.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What happened.
        #[source]
        error: io::Error,
    },
}

impl Library {
    /// The library in a directory, which is made where there is none; its parent must exist.
    ///
    /// # Errors
    ///
    /// [`LibraryError::Io`] where it cannot be made.
    pub fn open(directory: &Path) -> Result<Self, LibraryError> {
        match DirBuilder::new().mode(0o700).create(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(LibraryError::Io { path: directory.to_owned(), error })
            }
            _ => Ok(Self { directory: directory.to_owned() }),
        }
    }

    /// Keeps a plan that succeeded under a name. `report` is that of its `revision`.
    ///
    /// # Errors
    ///
    /// [`LibraryError::Untested`] where it did not succeed, [`LibraryError::Taken`] where the name is
    /// another plan's, and others where it cannot be written.
    pub fn keep(
        &self,
        name: &str,
        revision: &Revision,
        report: &Report,
        now: Timestamp,
    ) -> Result<Template, LibraryError> {
        let path = self.path(name)?;
        let plan = report.plan.name;
        if report.state != State::Succeeded || revision.id() != report.plan {
            return Err(LibraryError::Untested { plan, state: report.state });
        }
        if path.exists() && shape(&self.get(name)?.plan) != shape(revision.plan()) {
            return Err(LibraryError::Taken(name.to_owned()));
        }
        let mut template = match self.get(name) {
            Ok(template) => template,
            Err(LibraryError::Unknown(_)) => {
                Template { name: name.to_owned(), plan: revision.plan().clone(), uses: Vec::new() }
            }
            Err(error) => return Err(error),
        };
        template.add(Use { plan, state: report.state, at: now });
        self.put(&path, &template)?;
        Ok(template)
    }

    /// Writes down what became of a plan that came from the library, also where that was no success.
    ///
    /// # Errors
    ///
    /// [`LibraryError::Unknown`] where there is no such entry, and others where it cannot be written.
    pub fn used(&self, name: &str, report: &Report, now: Timestamp) -> Result<Template, LibraryError> {
        let path = self.path(name)?;
        let mut template = self.get(name)?;
        template.add(Use { plan: report.plan.name, state: report.state, at: now });
        self.put(&path, &template)?;
        Ok(template)
    }

    /// The entry of a name.
    ///
    /// # Errors
    ///
    /// [`LibraryError::Unknown`] where there is none, and others where it cannot be read.
    pub fn get(&self, name: &str) -> Result<Template, LibraryError> {
        let path = self.path(name)?;
        let failed = |error| LibraryError::Io { path: path.clone(), error };
        let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let file = match OpenOptions::new().read(true).custom_flags(no_follow).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(LibraryError::Unknown(name.to_owned()));
            }
            file => file.map_err(failed)?,
        };
        let mut text = String::new();
        file.take(LONGEST).read_to_string(&mut text).map_err(failed)?;
        let unreadable = |reason: String| LibraryError::Unreadable { path: path.clone(), reason };
        let template: Template =
            serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
        if template.name == name { Ok(template) } else { Err(unreadable("it has another name".to_owned())) }
    }

    /// The names of all entries, sorted.
    ///
    /// # Errors
    ///
    /// [`LibraryError::Io`].
    pub fn names(&self) -> Result<Vec<String>, LibraryError> {
        let failed = |error| LibraryError::Io { path: self.directory.clone(), error };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.directory).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(".json"));
            names.extend(name.filter(|name| is_name(name)).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    /// The entries whose words a request shares, best first: how many of the request's words, then
    /// how often it succeeded. Entries that cannot be read are left out.
    ///
    /// # Errors
    ///
    /// [`LibraryError::Io`].
    pub fn find(&self, request: &str) -> Result<Vec<Template>, LibraryError> {
        let wanted = words(request);
        let mut found: Vec<(usize, usize, Template)> = Vec::new();
        for name in self.names()? {
            let Ok(template) = self.get(&name) else { continue };
            let shared = words(&template.text()).intersection(&wanted).count();
            if shared > 0 {
                found.push((shared, template.successes(), template));
            }
        }
        // Names come sorted, and stay so among those that are alike.
        found.sort_by_key(|one| std::cmp::Reverse((one.0, one.1)));
        Ok(found.into_iter().map(|(_, _, template)| template).collect())
    }

    fn path(&self, name: &str) -> Result<PathBuf, LibraryError> {
        if is_name(name) {
            Ok(self.directory.join(format!("{name}.json")))
        } else {
            Err(LibraryError::Name(name.chars().take(64).collect()))
        }
    }

    fn put(&self, path: &Path, template: &Template) -> Result<(), LibraryError> {
        let failed = |error| LibraryError::Io { path: path.to_owned(), error };
        let text = serde_json::to_vec_pretty(template).map_err(|error| failed(error.into()))?;
        let fresh = self.directory.join(format!("new-{}", uuid::Uuid::new_v4()));
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&fresh, path)?;
            File::open(&self.directory)?.sync_all()
        })();
        written.map_err(|error| {
            // What is left of it has a name that nobody reads.
            let _ = std::fs::remove_file(&fresh);
            failed(error)
        })
    }
}

impl Template {
    /// The plan with other values for its parameters, to be proposed.
    ///
    /// # Errors
    ///
    /// [`Flaw`] where there is no such parameter. What a parameter may be is checked when the plan
    /// is proposed.
    pub fn with(&self, values: impl IntoIterator<Item = (String, Value)>) -> Result<Plan, Flaw> {
        let mut plan = self.plan.clone();
        for (name, value) in values {
            let Some(parameter) = plan.parameters.get_mut(&name) else {
                let message = format!("there is no parameter `{name}`");
                return Err(Flaw { slot: None, message });
            };
            parameter.value = value;
        }
        Ok(plan)
    }

    /// How often it succeeded.
    #[must_use]
    pub fn successes(&self) -> usize {
        self.uses.iter().filter(|one| one.state == State::Succeeded).count()
    }

    fn add(&mut self, one: Use) {
        // A plan that went on since is told once.
        self.uses.retain(|other| other.plan != one.plan);
        self.uses.push(one);
        let older = self.uses.len().saturating_sub(MOST_USES);
        self.uses.drain(..older);
    }

    /// What it is found by.
    fn text(&self) -> String {
        let plan = &self.plan;
        let mut text = format!("{} {} {}", self.name, plan.title, plan.reason);
        for step in &plan.steps {
            text.push_str(&format!(" {} {} {}", step.title, step.reason, step.command.typed()));
        }
        text
    }
}

/// A plan apart from the values of its parameters.
fn shape(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    for Parameter { value, .. } in plan.parameters.values_mut() {
        *value = Value::Null;
    }
    plan
}

fn is_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(good)
        && !name.starts_with(['-'])
        && !name.starts_with("new-")
}

fn words(text: &str) -> BTreeSet<String> {
    let parts = text.split(|c: char| !c.is_alphanumeric());
    parts.filter(|word| word.chars().count() > 2).map(str::to_lowercase).collect()
}
