//! What can be said on the command line.

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use guardrail::{Facts, Request};

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
    /// Look at audit logs: verify, follow, query, export, prove, copy
    Audit(Box<crate::audit::arguments::Audit>),
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
and with any of them: \"id\" (any value, given back), \"cwd\", \"facts\". Other fields are ignored.
The answer to a line that is no request is {\"error\": \"...\"}. Answers come in order, each as soon
as its line is read.";

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
    #[command(flatten)]
    pub(crate) known: Known,
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
}

impl Known {
    /// Adds what is known to a request that does not say.
    pub(crate) fn complete(&self, request: &mut Request) {
        let Facts { home, workspace, environment, .. } = &mut request.facts;
        for (field, known) in
            [(&mut request.cwd, &self.cwd), (home, &self.home), (workspace, &self.workspace)]
        {
            if field.is_none() {
                field.clone_from(known);
            }
        }
        *environment = environment.or(self.environment.map(Into::into));
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
