//! What can be said on the command line.

use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use guardrail::{Facts, Request};
use guardrail_host::facts::{FactFinder, Place};
use guardrail_host::quotas::FileQuotas;

/// Tells what a command would do, how bad that is, and who must say yes.
#[derive(Debug, Parser)]
#[command(name = "guardrail", version, disable_help_subcommand = true, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) task: Task,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Draw what one command would do, for a person
    Explain(Explain),
    /// Answer a JSON line for every command on standard input, for a program
    Check(Check),
    /// Run a plan: ask, run what was approved step by step, check, and undo it on a yes
    Run(Box<crate::run::arguments::Run>),
    /// Show, check and list plans
    Plan(Box<crate::run::arguments::Plan>),
    /// Stop everything: nothing begins, and what runs is ended, until a person says `resume`
    Stop(crate::stop::Stop),
    /// Lift the emergency stop; only a person at a terminal can
    Resume(crate::stop::Resume),
    /// Keep secrets for the commands of plans in an encrypted file
    Secrets(Box<crate::secrets::arguments::SecretsArguments>),
    /// Look at audit logs: verify, follow, query, export, prove, copy
    Audit(Box<crate::audit::arguments::Audit>),
    /// Check, test and explain policies
    #[command(subcommand)]
    Policy(Policy),
    /// Keep the log with its plans, the policy, knowledge and templates together, and bring them back
    Backup(Box<crate::backup::Backup>),
    /// Make the settings of OpenClaw, another agent framework, from a mode
    #[command(subcommand, name = "openclaw")]
    OpenClaw(OpenClaw),
}

const STATUSES: &str = "\
Exit status:
  0   done (with --exit-code: every decision is allow)
  1   standard input or output failed
  2   wrong usage
  10  with --exit-code: the strictest decision is ask
  20  with --exit-code: the strictest decision is deny, or something was no request";

const LINES: &str = "\
Without --batch each line of standard input is shell text. With it each line is a JSON object:
  {\"command\": \"git push\"}                            shell text
  {\"argv\": [\"git\", \"push\"]}                          a program and its arguments
  {\"call\": {\"name\": \"Bash\", \"arguments\": {...}}}     a named tool call
and with any of them: \"id\" (any value, given back), \"cwd\", \"facts\", \"actor\", \"channel\",
\"session\", \"skill\", \"attachments\" (contents of files that it names, by their paths). Other
fields are ignored.
The answer to a line that is no request is {\"error\": \"...\"}. Answers come in order, each as soon
as its line is read.
With --quotas each line is a call, and one that is allowed an execution that begins; what is refused
is answered as deny, with \"refused\" beside it. How it ended, and what runs at the same time, is
not seen here: `guardrail run` and embedders count that.";

/// `guardrail explain`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES)]
pub(crate) struct Explain {
    /// The command as one word of shell text; `-` reads it from standard input
    #[arg(required = true, value_name = "COMMAND")]
    pub(crate) words: Vec<String>,
    /// Take all words as a program and its arguments, which no shell reads
    #[arg(long)]
    pub(crate) argv: bool,
    /// Read this file and judge what it holds where the command names it: a manifest, a compose file;
    /// NAME=FILE where the command calls it NAME (for a saved plan, what `terraform show -json` prints)
    #[arg(long, value_name = "[NAME=]FILE")]
    pub(crate) attach: Vec<String>,
    /// Print the whole evaluation as JSON (nothing in it is redacted)
    #[arg(long)]
    pub(crate) json: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    /// Tell the decision by the exit status
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// Record the evaluation in the audit log of this directory, made where there is none
    #[arg(long, value_name = "DIR")]
    pub(crate) log: Option<std::path::PathBuf>,
    /// The signing key of that log, as `audit keys generate` wrote it
    #[arg(long, value_name = "FILE", requires = "log")]
    pub(crate) log_key: Option<std::path::PathBuf>,
    #[command(flatten)]
    pub(crate) layers: Layers,
    #[command(flatten)]
    pub(crate) known: Known,
}

/// `guardrail check`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES, after_long_help = format!("{LINES}\n\n{STATUSES}"))]
pub(crate) struct Check {
    /// Read JSON Lines instead of a command a line
    #[arg(long)]
    pub(crate) batch: bool,
    /// Tell the strictest decision by the exit status
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// Record each evaluation in the audit log of this directory, made where there is none, before
    /// it is answered
    #[arg(long, value_name = "DIR")]
    pub(crate) log: Option<std::path::PathBuf>,
    /// The signing key of that log, as `audit keys generate` wrote it
    #[arg(long, value_name = "FILE", requires = "log")]
    pub(crate) log_key: Option<std::path::PathBuf>,
    /// A policy file that is only tried, in place of those of the user's layer: each answer and each
    /// record says what it would have decided, and nothing depends on it, not even on whether it
    /// can be loaded
    #[arg(long, value_name = "FILE")]
    pub(crate) shadow: Vec<std::path::PathBuf>,
    #[command(flatten)]
    pub(crate) counting: Counting,
    #[command(flatten)]
    pub(crate) layers: Layers,
    #[command(flatten)]
    pub(crate) known: Known,
}

/// Where is counted what was done, and what stops everything.
#[derive(Debug, Args)]
pub(crate) struct Counting {
    /// Count against the policy's quotas in this directory, made where there is none; a file `stop` in
    /// it refuses everything
    #[arg(long, value_name = "DIR")]
    pub(crate) quotas: Option<PathBuf>,
    /// Another file that refuses everything while it is there, such as one that the agent's account
    /// cannot write
    #[arg(long, value_name = "FILE")]
    pub(crate) stop_file: Vec<PathBuf>,
}

impl Counting {
    /// The counts of the directory, or of this one where none was given.
    pub(crate) fn open(&self, otherwise: Option<&Path>) -> std::io::Result<Option<FileQuotas>> {
        let Some(directory) = self.quotas.as_deref().or(otherwise) else {
            if self.stop_file.is_empty() {
                return Ok(None);
            }
            wrong_usage(ErrorKind::MissingRequiredArgument, "--stop-file needs --quotas DIR");
        };
        let quotas = FileQuotas::open(directory).map_err(std::io::Error::other)?;
        Ok(Some(self.stop_file.iter().fold(quotas, |quotas, file| quotas.stopped_by(file))))
    }
}

const POLICY_STATUSES: &str = "\
Exit status:
  0   done, and as it should be
  1   a file, standard input or output failed
  2   wrong usage
  10  diff, shadow: some decisions change, none is loosened
  20  a policy was refused, a fixture does not come out, or diff, shadow: a decision is loosened";

/// `guardrail policy`.
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Read policy files strictly and say what is wrong or odd
    #[command(after_help = POLICY_STATUSES)]
    Check(PolicyCheck),
    /// Run fixtures: requests with the decision that should come of them
    #[command(after_help = POLICY_STATUSES)]
    Test(PolicyTest),
    /// Tell which rule decides about a command, which layer it stands in, and why the others do not
    #[command(after_help = POLICY_STATUSES)]
    Explain(PolicyExplain),
    /// Evaluate recorded requests again and tell which decisions another policy would change
    #[command(after_help = POLICY_STATUSES)]
    Diff(PolicyDiff),
    /// Tell what a policy that was tried (`check --shadow`) would have decided otherwise
    #[command(after_help = POLICY_STATUSES)]
    Shadow(PolicyShadow),
    /// Print rules that would have saved approvals, and name rules and grants that nobody uses
    #[command(after_help = POLICY_STATUSES)]
    Suggest(PolicySuggest),
    /// Print a commented policy to start from
    Init(PolicyInit),
    /// Print the JSON schema of policy files, for editors
    Schema,
}

/// The files of each layer; `.json`, `.yaml` and `.yml` are read as that, all else as TOML.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Layers {
    /// A policy file of the user's layer
    #[arg(short = 'p', long = "policy", value_name = "FILE")]
    pub(crate) user: Vec<PathBuf>,
    /// A policy file of the organisation's layer
    #[arg(long, value_name = "FILE")]
    pub(crate) organisation: Vec<PathBuf>,
    /// A policy file of the project's layer, which may only tighten unless it is trusted
    #[arg(long, value_name = "FILE")]
    pub(crate) project: Vec<PathBuf>,
}

/// `guardrail policy check`.
#[derive(Debug, Args)]
pub(crate) struct PolicyCheck {
    /// Policy files of the user's layer
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) layers: Layers,
    /// Refuse what is only odd, too
    #[arg(long)]
    pub(crate) strict: bool,
}

/// `guardrail policy test`.
#[derive(Debug, Args)]
pub(crate) struct PolicyTest {
    /// Files of fixtures; a file's own layers come before those that are given
    #[arg(required = true, value_name = "FIXTURES")]
    pub(crate) fixtures: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) layers: Layers,
}

/// `guardrail policy explain`.
#[derive(Debug, Args)]
pub(crate) struct PolicyExplain {
    /// The command as one word of shell text
    #[arg(value_name = "COMMAND")]
    pub(crate) command: String,
    #[command(flatten)]
    pub(crate) layers: Layers,
    #[command(flatten)]
    pub(crate) known: Known,
    /// Who asks
    #[arg(long, value_name = "NAME")]
    pub(crate) actor: Option<String>,
    /// Where the conversation takes place
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Option<String>,
    /// The skill on whose behalf it acts
    #[arg(long, value_name = "NAME")]
    pub(crate) skill: Option<String>,
    /// When the request was made, as 2026-01-26T09:30:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) time: Option<String>,
}

/// `guardrail policy diff`.
#[derive(Debug, Args)]
pub(crate) struct PolicyDiff {
    /// The policy that holds
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// The policy that would
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    /// The directory of an audit log, a segment of one, or requests as JSON Lines; facts that were not
    /// recorded count as unknown
    #[arg(long, value_name = "LOG")]
    pub(crate) log: PathBuf,
}

/// `guardrail policy shadow`.
#[derive(Debug, Args)]
pub(crate) struct PolicyShadow {
    /// The directory of an audit log, or records as JSON Lines
    #[arg(long, value_name = "LOG")]
    pub(crate) log: PathBuf,
    /// From this time on: 2026-01-26, 2026-01-26T10:00:00Z, or how long ago (30s, 15m, 2h, 7d)
    #[arg(long, value_name = "TIME", value_parser = crate::audit::time::parse)]
    pub(crate) since: Option<guardrail::record::Timestamp>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `guardrail policy suggest`.
#[derive(Debug, Args)]
pub(crate) struct PolicySuggest {
    /// The directory of an audit log; all of it is tried, whatever --since says
    #[arg(long, value_name = "LOG")]
    pub(crate) log: PathBuf,
    /// Count only what was approved, and used, from this time on: 2026-01-26, 30d, ...
    #[arg(long, value_name = "TIME", value_parser = crate::audit::time::parse)]
    pub(crate) since: Option<guardrail::record::Timestamp>,
    /// How often people must have said yes to something
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) at_least: u32,
    /// A file with the standing grants, as a JSON array
    #[arg(long, value_name = "FILE")]
    pub(crate) grants: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) layers: Layers,
    #[command(flatten)]
    pub(crate) known: Known,
}

/// `guardrail policy init`.
#[derive(Debug, Args)]
pub(crate) struct PolicyInit {
    /// The mode to start from
    #[arg(long, value_name = "MODE", default_value = "standard")]
    pub(crate) mode: PolicyMode,
}

/// `guardrail openclaw`.
#[derive(Debug, Subcommand)]
pub(crate) enum OpenClaw {
    /// Make a fragment of openclaw.json and a document of approvals: reads run there, all else prompts
    #[command(after_help = OPENCLAW_STATUSES)]
    Generate(OpenClawGenerate),
}

const OPENCLAW_STATUSES: &str = "\
Without --out both documents are printed. What has to be done with them, and which programs are left
out, stands on standard error. Nothing is ever written into OpenClaw's state directory.

Exit status:
  0   done
  1   a document could not be made or written
  2   wrong usage
  20  the policy was refused";

/// `guardrail openclaw generate`.
#[derive(Debug, Args)]
pub(crate) struct OpenClawGenerate {
    /// What holds for all agents
    #[arg(long, value_name = "MODE")]
    pub(crate) mode: PolicyMode,
    /// A stricter mode for one agent, as often as needed: `reviewer=safe`
    #[arg(long, value_name = "ID=MODE", value_parser = crate::openclaw::agent)]
    pub(crate) agent: Vec<(String, guardrail::policy::Mode)>,
    /// The release that reads the documents
    #[arg(long = "for", value_name = "RELEASE", default_value = "2026.8")]
    pub(crate) release: OpenClawRelease,
    /// Write the documents into this directory, made where there is none
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Make entries for the program at this absolute path alone, as often as needed; it is not looked up
    #[arg(long, value_name = "PATH", conflicts_with = "search")]
    pub(crate) program: Vec<String>,
    /// Look for programs in these directories, written as PATH is, in place of the system's
    #[arg(long, value_name = "DIRS")]
    pub(crate) search: Option<std::ffi::OsString>,
    #[command(flatten)]
    pub(crate) layers: Layers,
}

/// [`guardrail_host::openclaw::Release`] as an argument.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OpenClawRelease {
    #[value(name = "2026.7")]
    V2026_7,
    #[value(name = "2026.8")]
    V2026_8,
}

/// [`guardrail::policy::Mode`] as an argument.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum PolicyMode {
    Safe,
    Standard,
    Full,
}

/// Ends the program as clap does where the words do not fit together.
pub(crate) fn wrong_usage(kind: ErrorKind, message: &str) -> ! {
    Arguments::command().error(kind, message).exit()
}

/// What the caller knows about the world; a line of a batch may know better.
#[derive(Debug, Args)]
pub(crate) struct Known {
    /// The absolute working directory of the command
    #[arg(long, value_name = "PATH")]
    cwd: Option<String>,
    /// The user's home directory
    #[arg(long, value_name = "PATH")]
    home: Option<String>,
    /// The root of the workspace; otherwise the working directory is it
    #[arg(long, value_name = "PATH")]
    workspace: Option<String>,
    /// The environment the command reaches; what is not known counts as production
    #[arg(long, value_name = "KIND")]
    environment: Option<Environment>,
    /// Add what this machine's settings say: home directory, kubectl context and namespace, cloud
    /// profile, git branch
    #[arg(long)]
    host_facts: bool,
    /// With --host-facts, which names are of which environment, as often as needed:
    /// `production=context:*prod*`; places are context, profile, workspace, branch and host
    #[arg(long, value_name = "KIND=PLACE:PATTERN", requires = "host_facts")]
    environment_of: Vec<EnvironmentOf>,
}

impl Known {
    /// What gathers facts from this machine, where that was asked for.
    pub(crate) fn finder(&self) -> Option<FactFinder> {
        let mut finder = self.host_facts.then(FactFinder::new)?;
        for EnvironmentOf { kind, place, pattern } in &self.environment_of {
            finder = match finder.environment((*kind).into(), *place, pattern) {
                Ok(finder) => finder,
                Err(error) => wrong_usage(ErrorKind::InvalidValue, &error.to_string()),
            };
        }
        Some(finder)
    }

    /// Adds what is known to a request that does not say.
    pub(crate) fn complete(&self, request: &mut Request, finder: Option<&FactFinder>) {
        let Facts { home, workspace, environment, .. } = &mut request.facts;
        for (field, known) in
            [(&mut request.cwd, &self.cwd), (home, &self.home), (workspace, &self.workspace)]
        {
            if field.is_none() {
                field.clone_from(known);
            }
        }
        *environment = environment.or(self.environment.map(Into::into));
        if let Some(finder) = finder {
            if request.cwd.is_none() {
                request.cwd =
                    std::env::current_dir().ok().and_then(|here| here.into_os_string().into_string().ok());
            }
            for missing in finder.complete(request).missing {
                eprintln!("guardrail: {missing}");
            }
        }
    }
}

/// `production=context:*prod*`.
#[derive(Clone, Debug)]
struct EnvironmentOf {
    kind: Environment,
    place: Place,
    pattern: String,
}

impl std::str::FromStr for EnvironmentOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "it is not of the form KIND=PLACE:PATTERN".to_owned();
        let (kind, rest) = text.split_once('=').ok_or_else(form)?;
        let (place, pattern) = rest.split_once(':').ok_or_else(form)?;
        let place = match place {
            "context" => Place::KubeContext,
            "profile" => Place::CloudProfile,
            "workspace" => Place::TerraformWorkspace,
            "branch" => Place::GitBranch,
            "host" => Place::Host,
            _ => return Err(format!("`{place}` is no place: context, profile, workspace, branch or host")),
        };
        let kind = <Environment as ValueEnum>::from_str(kind, false)?;
        Ok(Self { kind, place, pattern: pattern.to_owned() })
    }
}

/// When to use colours.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// [`guardrail::Environment`] as an argument.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Environment {
    Production,
    Staging,
    Development,
    Test,
}

impl From<Environment> for guardrail::Environment {
    fn from(environment: Environment) -> Self {
        match environment {
            Environment::Production => Self::Production,
            Environment::Staging => Self::Staging,
            Environment::Development => Self::Development,
            Environment::Test => Self::Test,
        }
    }
}
