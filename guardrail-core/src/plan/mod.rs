//! Plans: what an agent wants to do step by step, what people say to it, and the right to run it.
//!
//! A [`Plan`] is what is written down. Prepared with an evaluation for each of its commands and
//! with what its names stand for in the world, it has one [`Digest`], to which people say yes. Only
//! then is there a [`Permit`] for one command after the other, each made from the proof that the
//! log knows of it. Everything here is pure: times, ids, evaluations and looks at the world come
//! in as arguments.

mod approver;
mod canonical;
mod command;
mod credential;
mod demands;
mod derive;
mod digest;
mod document;
mod event;
mod executor;
mod expect;
mod fill;
mod history;
mod id;
mod life;
mod machine;
mod namesake;
mod notice;
mod permit;
mod pins;
mod precedents;
mod revision;
mod slot;
mod state;
mod stop;
mod template;
mod text;
#[cfg(feature = "yaml")]
mod yaml;

pub use approver::{
    Approver, Asked, Choice, Principal, PrincipalKind, Question, QuestionCommand, Reply, Say, Vote,
};
pub use command::{Command, FileAccess, Sandbox, StepLimits};
pub use credential::{
    CredentialError, CredentialName, CredentialNameError, CredentialProvider, CredentialReference,
    CredentialUse, Injection, Secret,
};
pub use demands::{Demand, Demands, Flaw, Need, WayBack};
pub use derive::Derived;
pub(crate) use derive::derive;
pub use digest::{Digest, DigestError};
pub use document::{Capture, Check, DocumentError, Expect, Monitor, Parameter, Plan, Rollback, Step, Times};
pub use event::{Event, OutcomeVerdict, RevisionContent, Settlement, Shape, StepShape, What};
pub use executor::{
    Achieved, Ended, Execution, Executor, Limit, Measure, NoOutput, Output, OutputSink, Progress, Refusal,
    Stream,
};
pub use history::{HistoryError, event, latest, life};
pub use id::{PlanId, PlanName, PlanNameError};
pub use life::{Illegal, InFlight, Life};
pub use machine::{Change, Intent, Machine, Next, Refused};
pub use notice::{Notice, NoticeKind, Notifier, NotifyError};
pub use permit::{Authority, Permit};
pub use pins::{FileRole, PinnedDirectory, PinnedFile, Pins};
pub use precedents::{Precedents, precedents};
pub use revision::{Captured, Look, NotThatRevision, Origin, Preparation, Prepared, Revision, Versions};
pub use slot::{Part, Slot};
pub use state::State;
pub use stop::{Stop, StopLevel};
pub use text::Shown;
