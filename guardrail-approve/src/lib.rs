//! Asks people before an AI agent acts.
//!
//! It is the part of [guardrail](https://crates.io/crates/agent-guardrail) that puts a plan's
//! [`Question`](guardrail_core::plan::Question) before somebody and brings back what they said.
//! What that means to the plan is decided elsewhere: a reply becomes a vote, which the plan's
//! machine judges and the log keeps. So a quorum fills over hours and restarts, and an approver
//! that is fooled still cannot make a vote count that may not.
//!
//! # What it is not
//!
//! * **It is not where votes are counted.** How many must say yes, and who, stands in the question.
//!   No approver can lower it.
//! * **It is not a yes by default.** Silence, a lost channel and an answer that nobody understands are
//!   outcomes of their own ([`Asked`](guardrail_core::plan::Asked)), and none of them is a yes.
//! * **It is not proof against its own account.** An agent that runs as the same user as a reviewer can
//!   do what the reviewer can. Each approver says how it would be got past, and what an operator does
//!   about it; the short of it is: another account, or another machine.
//!
//! # A minimal client
//!
//! ```no_run
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use guardrail_approve::{Chain, FileDrop, Reviewers, Terminal, block_on};
//! use guardrail_core::plan::{Approver, Asked, Principal, Question};
//!
//! # fn f(question: Question, reviewers: Arc<Reviewers>) -> Result<(), Box<dyn std::error::Error>> {
//! // Whoever sits at the terminal is asked first, and five minutes later the reviewers as well.
//! let chain = Chain::of(Arc::new(Terminal::of(Principal::person("anna@example.com"))))
//!     .then(Duration::from_secs(300), Arc::new(FileDrop::open("/srv/guardrail/review", reviewers)?));
//! match block_on(chain.ask(&question)) {
//!     Asked::Replied(reply) => match reply.vote(&question, chain.name()) {
//!         Some(vote) => println!("to be recorded: {vote:?}"), // Machine::vote
//!         None => println!("neither yes nor no: {:?}", reply.say),
//!     },
//!     silence => println!("not approved: {silence:?}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # The public interface
//!
//! | approver | asks | knows who answers by |
//! |---|---|---|
//! | [`Terminal`] | at the controlling terminal, never the standard input | being told who sits there |
//! | [`FileDrop`] | by a directory | an Ed25519 signature of a listed [`Reviewer`] |
//! | `webhook::Webhook` (feature `webhook`) | Slack, or a service of your own | a signed callback and a listed account |
//! | [`Inbox`] | in the host's own window or chat | the host |
//! | [`Grants`] | nobody: somebody granted it beforehand | the [`Grant`] |
//! | [`AutoApprover`] | nobody: it only reads | |
//! | [`DenyAll`] | nobody | |
//! | [`Chain`], [`Quorum`] | others: one after the other's silence, or all at once | them |
//!
//! * **In words:** [`understand`] reads a line that a person typed; [`admit`] says whether a reply may
//!   count. Both are pure.
//! * **An approver of your own** holds the contract if it passes the suite of `conformance` (feature
//!   `conformance`), which every approver here does.
//! * **News** that need no answer: [`LinesNotifier`], `webhook::WebhookNotifier`, and [`FanOut`] to
//!   several.
//! * **Without a runtime:** everything is `async` and needs none. What blocks has one of at most 64
//!   threads for itself, and ends when the future is dropped; one thread wakes all that wait.
//!   [`block_on`] runs a future where the host has no runtime.

mod admit;
mod auto;
mod chain;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod file_drop;
mod grant;
pub mod hex;
mod inbox;
mod notify;
mod panel;
mod pattern;
mod quorum;
mod reviewers;
mod say;
mod signed;
mod terminal;
mod tty;
mod wait;
#[cfg(feature = "webhook")]
pub mod webhook;

pub use admit::{Unfit, admit};
pub use auto::{AutoApprover, DenyAll};
pub use chain::Chain;
pub use file_drop::{FileDrop, FileDropError, drop_answer, read_questions};
pub use grant::{Grant, GrantError, GrantShape, Grants};
pub use inbox::{Inbox, NotTaken};
pub use notify::{FanOut, LinesNotifier};
pub use quorum::Quorum;
pub use reviewers::{Reviewer, ReviewerError, Reviewers};
pub use say::understand;
pub use signed::{SignError, sign_answer};
pub use terminal::Terminal;
pub use wait::block_on;
