//! What can be said to `guardrail run` and `guardrail plan`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use guardrail_core::plan::{PlanName, Settlement};

use crate::arguments::{Color, Counting, Known, Layers};
use crate::secrets::arguments::Given;

const STATUSES: &str = "\
Exit status:
  0   it succeeded
  1   it could not be read, recorded or run
  2   wrong usage
  10  it waits for somebody: for approval, or for a person to look at it
  20  it was refused: something is wrong with it or missing, or nobody said yes
  30  it failed, was stopped, or was undone";

const PLAN_STATUSES: &str = "\
Exit status:
  0   done, and nothing is wrong
  1   a plan or the log could not be read
  2   wrong usage
  20  something is wrong with the plan, or missing from it";

/// `guardrail run`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES)]
pub(crate) struct Run {
    /// A plan, in JSON or (by its ending) YAML; `-` reads JSON from standard input
    #[arg(value_name = "PLAN", required_unless_present = "resume", conflicts_with = "resume")]
    pub(crate) plan: Option<PathBuf>,
    /// Only rehearse: run the dry runs of its steps, and say which steps have none
    #[arg(long, conflicts_with = "resume")]
    pub(crate) dry_run: bool,
    /// Who is asked
    #[arg(long, value_name = "KIND", default_value = "terminal")]
    pub(crate) approver: ApproverKind,
    /// With `--approver files`: the directory of questions and answers, made where there is none
    #[arg(long, value_name = "DIR", required_if_eq("approver", "files"))]
    pub(crate) questions: Option<PathBuf>,
    /// With `--approver files`: who may answer, a JSON list of {"principal": {"kind": "person", "name":
    /// ...}, "roles": [...], "key": ...}
    #[arg(long, value_name = "FILE", required_if_eq("approver", "files"))]
    pub(crate) reviewers: Option<PathBuf>,
    /// Go on with a plan from where the log has it
    #[arg(long, value_name = "ID")]
    pub(crate) resume: Option<PlanName>,
    #[command(flatten)]
    pub(crate) decide: Decide,
    /// Print a JSON line for everything that happens, and the report as the last
    #[arg(long)]
    pub(crate) json: bool,
    /// Print what commands put out, too
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Take the plan as it is written, and add nothing that the knowledge of tools proposes
    #[arg(long)]
    pub(crate) as_written: bool,
    /// Refuse a plan while another one works on the same thing, instead of waiting
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Who proposes the plan
    #[arg(long, value_name = "NAME", default_value = "agent")]
    pub(crate) actor: String,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    #[command(flatten)]
    pub(crate) secrets: Given,
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) counting: Counting,
    #[command(flatten)]
    pub(crate) layers: Layers,
    #[command(flatten)]
    pub(crate) known: Known,
}

/// What a person decides about a plan that is resumed. They are asked on their terminal whether
/// they mean it.
#[derive(Debug, Default, Args)]
#[group(multiple = false)]
pub(crate) struct Decide {
    /// Say what became of the command that is in doubt
    #[arg(long, value_name = "WHAT", requires = "resume")]
    pub(crate) settle: Option<Settle>,
    /// Undo what was done
    #[arg(long, requires = "resume")]
    pub(crate) roll_back: bool,
    /// Close the plan by hand, and say what state it was left in
    #[arg(long, value_name = "REASON", requires = "resume")]
    pub(crate) close: Option<String>,
}

/// [`Settlement`] as an argument.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Settle {
    /// It was done
    Done,
    /// It was done badly or in part
    Failed,
    /// It was not done, or may be done again
    RunAgain,
}

impl From<Settle> for Settlement {
    fn from(settle: Settle) -> Self {
        match settle {
            Settle::Done => Self::Done,
            Settle::Failed => Self::Failed,
            Settle::RunAgain => Self::RunAgain,
        }
    }
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ApproverKind {
    /// The person at the controlling terminal. Whoever starts this program chooses the terminal: an
    /// agent must not be able to start it
    Terminal,
    /// Reviewers who sign their answers, by a directory (`guardrail plan answer`)
    Files,
    /// Nobody: what needs a yes is refused
    Nobody,
}

/// Where plans are remembered.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The directory of the audit log, made where there is none; plans are kept in it [default:
    /// ~/.local/state/guardrail]
    #[arg(long, value_name = "DIR")]
    pub(crate) log: Option<PathBuf>,
    /// The signing key of that log, as `audit keys generate` wrote it
    #[arg(long, value_name = "FILE")]
    pub(crate) log_key: Option<PathBuf>,
}

/// `guardrail plan`.
#[derive(Debug, Args)]
#[command(after_help = PLAN_STATUSES, disable_help_subcommand = true)]
pub(crate) struct Plan {
    #[command(subcommand)]
    pub(crate) task: PlanTask,
}

/// The subcommands of `guardrail plan`.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanTask {
    /// Draw a plan as approvers would see it, or what became of one
    #[command(after_help = PLAN_STATUSES)]
    Show(Show),
    /// Say what is wrong with a plan or missing from it, and what it needs
    #[command(after_help = PLAN_STATUSES)]
    Validate(Validate),
    /// Print the digest of a plan's file, the same for JSON and YAML
    Digest {
        /// The plan's file
        #[arg(value_name = "PLAN")]
        plan: PathBuf,
    },
    /// List the plans that are not over
    List(List),
    /// Read what is asked in a directory, and answer it with a signature
    Answer(Answer),
    /// Make a reviewer's key, and print its public half for the list of reviewers
    Key {
        /// The file for the key, which must not be there yet
        #[arg(value_name = "FILE")]
        out: PathBuf,
    },
}

/// `guardrail plan answer`.
#[derive(Debug, Args)]
pub(crate) struct Answer {
    /// The directory that `guardrail run --approver files --questions` asks by
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// The answer: yes, no, explain step 2, use 5 replicas, show or stop. Without one, what is asked
    /// is printed
    #[arg(value_name = "ANSWER", requires_all = ["key", "shown"])]
    pub(crate) answer: Vec<String>,
    /// The reviewer's key, as `guardrail plan key` made it
    #[arg(long, value_name = "FILE", requires = "answer")]
    pub(crate) key: Option<PathBuf>,
    /// The digest that is printed with the text that was read, or how it begins
    #[arg(long, value_name = "DIGEST", requires = "answer", value_parser = digest)]
    pub(crate) shown: Option<String>,
}

/// At least so much of a digest that nobody makes another text to fit.
fn digest(text: &str) -> Result<String, String> {
    let enough = text.len() >= 32;
    if enough { Ok(text.to_owned()) } else { Err("give at least 32 characters of it".to_owned()) }
}

/// `guardrail plan show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A plan's file, or the name of a plan in the log, such as plan-20260126-001
    #[arg(value_name = "PLAN")]
    pub(crate) plan: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) layers: Layers,
    #[command(flatten)]
    pub(crate) known: Known,
}

/// `guardrail plan validate`.
#[derive(Debug, Args)]
pub(crate) struct Validate {
    /// Plans' files
    #[arg(value_name = "PLAN", required = true)]
    pub(crate) plans: Vec<PathBuf>,
    /// Take them as they are written, and add nothing that the knowledge of tools proposes
    #[arg(long)]
    pub(crate) as_written: bool,
    /// Print a JSON line for each
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) layers: Layers,
    #[command(flatten)]
    pub(crate) known: Known,
}

/// `guardrail plan list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Print a JSON line for each
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: Place,
}
