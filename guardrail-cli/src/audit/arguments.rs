//! What can be said to `guardrail audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use guardrail::Risk;
use guardrail_audit::read::Filter;
use guardrail_core::record::{Kind, Status, Timestamp, Verdict};

use super::time;
use crate::arguments::{Color, Layers};

/// The exit statuses of all audit commands.
pub(crate) const STATUSES: &str = "\
Exit status:
  0   good
  1   could not be done: the log cannot be read, a file is there already, ...
  2   wrong usage
  3   done, and the answer is no: the log is damaged, a proof proves nothing";

/// `guardrail audit`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES, disable_help_subcommand = true)]
pub(crate) struct Audit {
    #[command(subcommand)]
    pub(crate) task: AuditTask,
}

/// The subcommands of `guardrail audit`.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditTask {
    /// Check all of a log, or a part of it, and say what is wrong and where
    Verify(VerifyArguments),
    /// Print the last records, and with -f those that follow, checking the chain
    Tail(TailArguments),
    /// Print the records that match
    Query(QueryArguments),
    /// Draw what happened in a session or a plan
    Replay(ReplayArguments),
    /// Count decisions, approvals, outcomes
    Stats(StatsArguments),
    /// Print metrics for Prometheus, or write them to a file
    Metrics(MetricsArguments),
    /// Write a range as JSON Lines with what proves it, or a selection as CSV
    Export(ExportArguments),
    /// Check exported JSON Lines against their manifest
    CheckExport(CheckExportArguments),
    /// Print the proof that a record is in the log
    Prove(ProveArguments),
    /// Check such a proof, without the log
    CheckProof(CheckProofArguments),
    /// Copy a log, also while it is written
    Backup(CopyArguments),
    /// Copy a backup to where the log is to go on
    Restore(CopyArguments),
    /// Make and show the keys that sign checkpoints
    Keys(Keys),
}

/// `guardrail audit verify`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES)]
pub(crate) struct VerifyArguments {
    /// The directory of the log
    pub(crate) log: PathBuf,
    /// A verifier key that is trusted (may be repeated); without one, no signature is believed
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Vec<String>,
    /// The name that the log must have
    #[arg(long, value_name = "NAME")]
    pub(crate) origin: Option<String>,
    /// A file with a signed checkpoint that was kept elsewhere, which the log must still contain (may be
    /// repeated); needs --key
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) checkpoint: Vec<PathBuf>,
    /// Only the segments with the records from this one on
    #[arg(long, value_name = "SEQ")]
    pub(crate) first: Option<u64>,
    /// Only the segments with the records up to this one
    #[arg(long, value_name = "SEQ")]
    pub(crate) last: Option<u64>,
    /// Only this segment
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["first", "last"])]
    pub(crate) segment: Option<u32>,
    /// How much is checked; each level has all of the one before
    #[arg(long, value_name = "LEVEL", default_value = "full")]
    pub(crate) level: Depth,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// How much is checked.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Depth {
    /// The chain from line to line
    Chain,
    /// And the roots and signatures of checkpoints
    Tree,
    /// And that each line is strict JSON
    Full,
}

/// Which records.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// From this time on: 2026-01-26, 2026-01-26T10:00:00Z, or how long ago (30s, 15m, 2h, 7d)
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    from: Option<Timestamp>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    until: Option<Timestamp>,
    /// From this sequence number on
    #[arg(long, value_name = "SEQ")]
    first: Option<u64>,
    /// Up to this sequence number
    #[arg(long, value_name = "SEQ")]
    last: Option<u64>,
    /// Of this plan
    #[arg(long, value_name = "ID")]
    plan: Option<String>,
    /// Of this session
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Asked for by this actor
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Voted on by this approver
    #[arg(long, value_name = "NAME")]
    approver: Option<String>,
    /// With this tool
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// To this resource
    #[arg(long, value_name = "NAME")]
    resource: Option<String>,
    /// Decided by this rule
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// Of this kind (may be repeated): evaluation, plan, approval, intent, outcome, ...
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// Of this risk (may be repeated)
    #[arg(long, value_name = "RISK", value_parser = risk)]
    risk: Vec<Risk>,
    /// With this status (may be repeated): approved, failed, in_doubt, ...
    #[arg(long, value_name = "STATUS")]
    status: Vec<String>,
    /// With this decision (may be repeated): allow, ask, deny
    #[arg(long, value_name = "DECISION")]
    decision: Vec<String>,
    /// With this text anywhere (may be repeated); ASCII letters match in either case
    #[arg(long, value_name = "TEXT")]
    text: Vec<String>,
}

fn risk(word: &str) -> Result<Risk, String> {
    serde_json::from_value(serde_json::Value::from(word))
        .map_err(|_| "it is one of low, medium, high, critical".to_owned())
}

impl Wanted {
    /// The same as a filter.
    pub(crate) fn filter(&self) -> Filter {
        let mut filter = Filter::new();
        if let Some(time) = self.from {
            filter = filter.from(time);
        }
        if let Some(time) = self.until {
            filter = filter.until(time);
        }
        if let Some(first) = self.first {
            filter = filter.first(first);
        }
        if let Some(last) = self.last {
            filter = filter.last(last);
        }
        type Add = fn(Filter, &str) -> Filter;
        let words = [
            (&self.plan, Filter::plan as Add),
            (&self.session, Filter::session),
            (&self.actor, Filter::actor),
            (&self.approver, Filter::approver),
            (&self.tool, Filter::tool),
            (&self.resource, Filter::resource),
            (&self.rule, Filter::rule),
        ];
        for (word, add) in words {
            if let Some(word) = word {
                filter = add(filter, word);
            }
        }
        filter = self.kind.iter().fold(filter, |filter, word| filter.kind(Kind::from_word(word)));
        filter = self.risk.iter().fold(filter, |filter, risk| filter.risk(*risk));
        filter = self.status.iter().fold(filter, |filter, word| filter.status(Status::from_word(word)));
        filter = self.decision.iter().fold(filter, |filter, word| filter.decision(Verdict::from_word(word)));
        self.text.iter().fold(filter, |filter, text| filter.text(text))
    }
}

/// `guardrail audit tail`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES)]
pub(crate) struct TailArguments {
    /// The directory of the log
    pub(crate) log: PathBuf,
    /// Go on as records are appended, until interrupted
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Begin with so many of the last lines
    #[arg(short = 'n', long, value_name = "LINES", default_value_t = 10)]
    pub(crate) lines: u64,
    #[command(flatten)]
    pub(crate) wanted: Wanted,
    /// Print the lines of the log themselves
    #[arg(long)]
    pub(crate) json: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

/// `guardrail audit query`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES)]
pub(crate) struct QueryArguments {
    /// The directory of the log
    pub(crate) log: PathBuf,
    #[command(flatten)]
    pub(crate) wanted: Wanted,
    /// Stop after so many
    #[arg(long, value_name = "RECORDS")]
    pub(crate) limit: Option<u64>,
    /// Print the lines of the log themselves
    #[arg(long)]
    pub(crate) json: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

/// `guardrail audit replay`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES)]
pub(crate) struct ReplayArguments {
    /// The directory of the log
    pub(crate) log: PathBuf,
    /// Of this session
    #[arg(long, value_name = "ID", required_unless_present = "plan")]
    pub(crate) session: Option<String>,
    /// Of this plan
    #[arg(long, value_name = "ID")]
    pub(crate) plan: Option<String>,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

/// `guardrail audit stats`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES)]
pub(crate) struct StatsArguments {
    /// The directory of the log
    pub(crate) log: PathBuf,
    #[command(flatten)]
    pub(crate) wanted: Wanted,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `guardrail audit metrics`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES)]
pub(crate) struct MetricsArguments {
    /// The directory of the log
    pub(crate) log: PathBuf,
    /// Write them to this file, in one step, for node_exporter's textfile collector (it reads *.prom)
    #[arg(long, value_name = "FILE")]
    pub(crate) textfile: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) layers: Layers,
}

/// `guardrail audit export`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES)]
pub(crate) struct ExportArguments {
    /// The directory of the log
    pub(crate) log: PathBuf,
    /// The file to write, which must not exist. JSON Lines get a FILE.manifest.json beside them
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// JSON Lines are a range by time or sequence number; CSV may be any selection
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) wanted: Wanted,
    /// Print what was written as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The formats of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// The lines as they are, with a manifest
    Jsonl,
    /// A table for spreadsheets
    Csv,
}

/// `guardrail audit check-export`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES)]
pub(crate) struct CheckExportArguments {
    /// The exported JSON Lines; their manifest is FILE.manifest.json
    pub(crate) file: PathBuf,
    /// A verifier key that is trusted (may be repeated); without one, no signature is believed
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `guardrail audit prove`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES)]
pub(crate) struct ProveArguments {
    /// The directory of the log
    pub(crate) log: PathBuf,
    /// The sequence number of the record
    pub(crate) sequence: u64,
    /// Put the line itself into the proof
    #[arg(long)]
    pub(crate) with_line: bool,
}

/// `guardrail audit check-proof`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES)]
pub(crate) struct CheckProofArguments {
    /// The proof, as `prove` printed it
    pub(crate) proof: PathBuf,
    /// A verifier key that is trusted (may be repeated)
    #[arg(long, value_name = "KEY", required = true)]
    pub(crate) key: Vec<String>,
    /// The name of the log; otherwise that of the first key
    #[arg(long, value_name = "NAME")]
    pub(crate) origin: Option<String>,
    /// A file with the line, where the proof does not carry it
    #[arg(long, value_name = "FILE")]
    pub(crate) line: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `guardrail audit backup` and `restore`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES)]
pub(crate) struct CopyArguments {
    /// The directory to copy
    pub(crate) from: PathBuf,
    /// Where to, which must not exist or be empty
    pub(crate) to: PathBuf,
    /// Print what was copied as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `guardrail audit keys`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES, disable_help_subcommand = true)]
pub(crate) struct Keys {
    #[command(subcommand)]
    pub(crate) task: KeysTask,
}

/// The subcommands of `guardrail audit keys`.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysTask {
    /// Make a signing key and print its public half
    Generate {
        /// The key's name, which is the name of the log: example.org/agents/build
        name: String,
        /// The file to write, which must not exist. Keep it away from the log
        #[arg(short, long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Print the public half of a signing key
    Public {
        /// The file of the signing key
        file: PathBuf,
    },
    /// Print the public keys that a log names
    List {
        /// The directory of the log
        log: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}
