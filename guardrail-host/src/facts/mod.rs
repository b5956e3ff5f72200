//! Facts about the place where an action would run.
//!
//! They come from files and variables alone: no program is started, since a program's answer can be
//! chosen by who can write its settings. What cannot be read is left out with the reason, and a
//! fact that is left out counts as the worse possibility.

mod cloud;
mod environment;
mod file;
mod git;
mod kubernetes;
mod terraform;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use guardrail_core::{Environment, Facts, Request};

pub use cloud::Clouds;
pub use environment::{PatternError, Place};
pub use git::Remote;

use environment::Rules;

/// Gathers [`Facts`] from this machine.
///
/// ```
/// use guardrail_core::{Environment, Request};
/// use guardrail_host::facts::{FactFinder, Place};
///
/// let finder = FactFinder::new()
///     .environment(Environment::Production, Place::KubeContext, "*prod*")?
///     .environment(Environment::Test, Place::KubeContext, "kind-*")?;
/// let mut request = Request::shell("kubectl delete pod web-0").cwd("/srv/app");
/// let gathered = finder.complete(&mut request);
/// for missing in &gathered.missing {
///     eprintln!("{missing}");
/// }
/// # Ok::<(), guardrail_host::facts::PatternError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FactFinder {
    variables: Arc<BTreeMap<String, String>>,
    within: Duration,
    rules: Rules,
    /// Readings that did not come back so far.
    hanging: Arc<AtomicUsize>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gathered {
    /// What evaluation can use.
    pub facts: Facts,
    /// What it has no key for, for people and records.
    pub details: Details,
    /// What could not be read. What is simply not there is not among it.
    pub missing: Vec<Missing>,
}

/// More about the place than [`Facts`] has keys for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// The machine's name.
    pub host: Option<String>,
    /// The number of the user that this process runs as.
    pub user: Option<u32>,
    /// Remotes of the repository, by name, as its own configuration has them.
    pub remotes: Vec<Remote>,
    /// The selected terraform workspace.
    pub terraform_workspace: Option<String>,
    /// The selected profile of each cloud.
    pub clouds: Clouds,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot be known: {why}")]
pub struct Missing {
    /// What.
    pub what: Subject,
    /// Why, in a sentence.
    pub why: String,
}

/// So many readings may hang, on a file system that does not answer, before no more are begun.
const MOST_HANGING: usize = 8;

impl FactFinder {
    /// With the variables of this process, and a quarter of a second for all that has to be read.
    #[must_use]
    pub fn new() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self {
            variables: Arc::new(variables.collect()),
            within: Duration::from_millis(250),
            rules: Rules::default(),
            hanging: Arc::default(),
        }
    }

    /// With these variables, and none of this process: those that the action itself would have.
    /// They name the home directory and where tools keep their settings.
    #[must_use]
    pub fn variables(
        self,
        variables: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables: Arc::new(variables), ..self }
    }

    /// How long all the reading may take. What is not there by then is [`Missing`].
    #[must_use]
    pub fn within(self, within: Duration) -> Self {
        Self { within, ..self }
    }

    /// That a place whose name matches a pattern (`*` any run of characters, `?` one, `[ab]` and
    /// `{a,b}` choices) is of this kind.
    ///
    /// Where several patterns match, the strictest kind counts. A kind that is less than production
    /// is only believed if every cluster and cloud profile that is known matches some pattern, and
    /// none was unreadable: the one command may reach all of them.
    ///
    /// # Errors
    ///
    /// [`PatternError`] where the pattern is none.
    pub fn environment(
        mut self,
        kind: Environment,
        place: Place,
        pattern: &str,
    ) -> Result<Self, PatternError> {
        self.rules.add(kind, place, pattern)?;
        Ok(self)
    }

    /// Gathers what is known of a working directory, which has to be absolute.
    #[must_use]
    pub fn gather(&self, cwd: &Path) -> Gathered {
        let mut gathered = Gathered::default();
        gathered.facts.home = self.variables.get("HOME").filter(|home| home.starts_with('/')).cloned();
        gathered.facts.root = Some(rustix::process::geteuid().is_root());
        gathered.details.user = Some(rustix::process::geteuid().as_raw());
        gathered.details.host = rustix::system::uname().nodename().to_str().ok().map(str::to_owned);
        let mut unread = Subject::ALL.to_vec();
        let end = Instant::now() + self.within;
        match self.begin(cwd) {
            Err(why) => gathered.missing.extend(unread.drain(..).map(|subject| subject.missing(why.clone()))),
            Ok(answers) => {
                while !unread.is_empty() {
                    let left = end.saturating_duration_since(Instant::now());
                    match answers.recv_timeout(left) {
                        Ok((subject, read)) => {
                            unread.retain(|unread| *unread != subject);
                            match read {
                                Ok(found) => found.put_into(&mut gathered),
                                Err(why) => gathered.missing.push(subject.missing(why)),
                            }
                        }
                        Err(RecvTimeoutError::Timeout) => {
                            let why = format!("reading took longer than {} ms", self.within.as_millis());
                            gathered
                                .missing
                                .extend(unread.drain(..).map(|subject| subject.missing(why.clone())));
                        }
                        Err(RecvTimeoutError::Disconnected) => {
                            let why = "reading failed".to_owned();
                            gathered
                                .missing
                                .extend(unread.drain(..).map(|subject| subject.missing(why.clone())));
                        }
                    }
                }
            }
        }
        let known = gathered.details.clouds.only();
        if known.is_none() && gathered.details.clouds.count() > 1 {
            let why = format!("several are set up: {}", gathered.details.clouds);
            gathered.missing.push(Subject::Clouds.missing(why));
        }
        gathered.facts.cloud_profile = known.map(str::to_owned);
        gathered.facts.environment = self.rules.judge(&gathered);
        gathered
    }

    /// Gathers for a request, and fills in what it does not say itself. A request without a working
    /// directory is looked at from `/`, where nothing is found but what the user's settings say.
    pub fn complete(&self, request: &mut Request) -> Gathered {
        let cwd = request.cwd.as_deref().filter(|cwd| cwd.starts_with('/')).unwrap_or("/");
        let gathered = self.gather(Path::new(cwd));
        let found = gathered.facts.clone();
        let facts = &mut request.facts;
        let texts = [
            (&mut facts.home, found.home),
            (&mut facts.kube_context, found.kube_context),
            (&mut facts.kube_namespace, found.kube_namespace),
            (&mut facts.cloud_profile, found.cloud_profile),
            (&mut facts.git_branch, found.git_branch),
        ];
        for (given, found) in texts {
            if given.is_none() {
                *given = found;
            }
        }
        facts.environment = facts.environment.or(found.environment);
        facts.root = facts.root.or(found.root);
        gathered
    }

    /// Begins to read on a thread of its own: a file system over a network may never answer.
    fn begin(&self, cwd: &Path) -> Result<Receiver<(Subject, Answer)>, String> {
        if self.hanging.load(Ordering::Relaxed) >= MOST_HANGING {
            return Err("earlier readings still wait for a file system that does not answer".to_owned());
        }
        let (sender, receiver) = mpsc::channel();
        let place = At { variables: Arc::clone(&self.variables), cwd: cwd.to_owned() };
        let hanging = Hanging::new(&self.hanging);
        std::thread::Builder::new()
            .name("guardrail-facts".to_owned())
            .spawn(move || {
                let _hanging = hanging;
                for subject in Subject::ALL {
                    if sender.send((subject, subject.read(&place))).is_err() {
                        return;
                    }
                }
            })
            .map_err(|error| error.to_string())?;
        Ok(receiver)
    }
}

impl Default for FactFinder {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts a reading for as long as it lasts.
struct Hanging(Arc<AtomicUsize>);

impl Hanging {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// From where it is looked.
struct At {
    variables: Arc<BTreeMap<String, String>>,
    cwd: PathBuf,
}

impl At {
    /// A variable that is set to something.
    fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn home(&self) -> Option<&Path> {
        self.variable("HOME").map(Path::new).filter(|home| home.is_absolute())
    }

    /// A path as a variable has it, from the working directory.
    fn path(&self, name: &str) -> Option<PathBuf> {
        self.variable(name).map(|path| self.cwd.join(path))
    }
}

/// What is read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The branch and the remotes of a git repository.
    Git,
    /// The context and namespace of kubectl.
    Kubernetes,
    /// The workspace of terraform.
    Terraform,
    /// The profiles of clouds.
    Clouds,
}

/// What was read, or why it could not be.
type Answer = Result<Found, String>;

enum Found {
    Git(git::Repository),
    Kubernetes(kubernetes::Current),
    Terraform(Option<String>),
    Clouds(Clouds),
}

impl Subject {
    const ALL: [Self; 4] = [Self::Git, Self::Kubernetes, Self::Terraform, Self::Clouds];

    fn read(self, at: &At) -> Answer {
        Ok(match self {
            Self::Git => Found::Git(git::read(at)?),
            Self::Kubernetes => Found::Kubernetes(kubernetes::read(at)?),
            Self::Terraform => Found::Terraform(terraform::read(at)?),
            Self::Clouds => Found::Clouds(cloud::read(at)?),
        })
    }

    const fn missing(self, why: String) -> Missing {
        Missing { what: self, why }
    }
}

impl std::fmt::Display for Subject {
    /// `the kubectl context`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Git => "the git branch",
            Self::Kubernetes => "the kubectl context",
            Self::Terraform => "the terraform workspace",
            Self::Clouds => "the cloud profile",
        })
    }
}

impl Found {
    fn put_into(self, gathered: &mut Gathered) {
        match self {
            Self::Git(repository) => {
                gathered.facts.git_branch = repository.branch;
                gathered.details.remotes = repository.remotes;
            }
            Self::Kubernetes(current) => {
                gathered.facts.kube_context = current.context;
                gathered.facts.kube_namespace = current.namespace;
            }
            Self::Terraform(workspace) => gathered.details.terraform_workspace = workspace,
            Self::Clouds(clouds) => gathered.details.clouds = clouds,
        }
    }
}
