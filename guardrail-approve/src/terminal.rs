//! Asks the person at a terminal: the controlling one of this process, or another that an operator
//! names. Never the standard input, which may be the agent's.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use guardrail_core::plan::{Approver, Asked, Principal, Question, Reply, Say};
use guardrail_core::redact::Redactor;
use guardrail_core::{Risk, Style};
use uuid::Uuid;

use crate::admit::{admit, beforehand, may_agree, may_speak};
use crate::say::understand;
use crate::tty::{Line, Tty};
use crate::wait::{Cancelled, before, job, lock, moment, now, until};

/// How many lines that are no answer are taken in a row.
const MOST_MISUNDERSTOOD: u8 = 5;

/// Asks the person at a terminal.
///
/// It shows the whole plan, drops what was typed before that, and takes a line: `yes` or `approve`,
/// `no` or `cancel`, `explain step 2`, `use 5 replicas instead of 3`, `show`, `stop`. Enter alone is
/// a no, and a line that it does not understand is no answer. What is [`Risk::Critical`] asks for
/// `yes` with four characters that are drawn anew each time. Explaining and showing happen at the
/// terminal; whatever else is said is the reply.
///
/// It knows who sits there because it was told so: whoever has the terminal is that person. Of
/// several questions of this process one is shown at a time.
///
/// **How would an agent get past it?** One that runs as the same user in the same terminal session
/// can open `/dev/tty` as well: it can read what is typed, draw a prompt of its own, and where the
/// kernel still allows it (`dev.tty.legacy_tiocsti`), type. One that owns the other end (a terminal
/// multiplexer, a recorder) can type whatever it likes. So run agents in a session of their own
/// without a terminal, as `guardrail-exec` does with what it starts; or name a terminal that they
/// have no right to open ([`on`](Self::on)); or ask elsewhere for what matters ([`FileDrop`]).
///
/// [`FileDrop`]: crate::FileDrop
#[derive(Clone, Debug)]
pub struct Terminal {
    person: Principal,
    roles: Vec<String>,
    device: PathBuf,
    redactor: Redactor,
    code_from: Risk,
}

/// At each terminal one question is shown at a time, in the order in which they came.
static TURNS: Mutex<VecDeque<(PathBuf, Uuid)>> = Mutex::new(VecDeque::new());

struct Turn {
    device: PathBuf,
    ticket: Uuid,
}

impl Turn {
    fn line_up(device: &Path) -> Self {
        let turn = Self { device: device.to_owned(), ticket: Uuid::new_v4() };
        lock(&TURNS).push_back((turn.device.clone(), turn.ticket));
        turn
    }

    async fn comes(&self) {
        let first =
            || lock(&TURNS).iter().find(|(device, _)| *device == self.device).map(|(_, ticket)| *ticket);
        while first() != Some(self.ticket) {
            until(Instant::now() + Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        lock(&TURNS).retain(|(_, ticket)| *ticket != self.ticket);
    }
}

impl Terminal {
    /// The controlling terminal of this process, at which this person sits.
    #[must_use]
    pub fn of(person: Principal) -> Self {
        Self {
            person,
            roles: Vec::new(),
            device: PathBuf::from("/dev/tty"),
            redactor: Redactor::new(),
            code_from: Risk::Critical,
        }
    }

    /// The same person at another terminal, such as `/dev/pts/3`.
    #[must_use]
    pub fn on(mut self, device: impl Into<PathBuf>) -> Self {
        self.device = device.into();
        self
    }

    /// The same person with these roles.
    #[must_use]
    pub fn with_roles(mut self, roles: impl IntoIterator<Item = String>) -> Self {
        self.roles = roles.into_iter().collect();
        self
    }

    /// Explains without these secrets. What is asked has none in it already.
    #[must_use]
    pub fn redacted_by(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    /// Asks for `yes` with four drawn characters from this risk on.
    #[must_use]
    pub const fn with_code_from(mut self, risk: Risk) -> Self {
        self.code_from = risk;
        self
    }

    /// The conversation about one question, on a thread of its own.
    fn talk(&self, question: &Question, deadline: Instant, cancelled: &Cancelled) -> Asked {
        let gone = |error: &dyn std::fmt::Display| {
            Asked::NoChannel(format!("the terminal {} cannot be used: {error}", self.device.display()))
        };
        let mut tty = match Tty::open(&self.device) {
            Ok(tty) => tty,
            Err(error) => return gone(&error),
        };
        let code = (question.risk >= self.code_from).then(drawn);
        if let Err(error) = tty.show(&screen(question)).and_then(|()| tty.forget_input()) {
            return gone(&error);
        }
        let mut misunderstood = 0;
        loop {
            if let Err(error) = tty.show(&prompt(question, code.as_deref())) {
                return gone(&error);
            }
            let line = match tty.line(deadline, cancelled) {
                Line::Text(line) => line,
                Line::Unreadable => "?".to_owned(),
                Line::Ended => String::new(),
                Line::Closed => return Asked::NoChannel("the terminal was closed".to_owned()),
                Line::TimedOut | Line::Cancelled => {
                    let _ = tty.show("\n[no longer asked; this was not approved here]\n");
                    return Asked::TimedOut;
                }
            };
            let said = match read(&line, code.as_deref()) {
                Some(Say::Approve(_)) if !question.complete => {
                    let _ = tty.show("this is not the whole plan, and cannot be approved from here\n");
                    None
                }
                said => said,
            };
            match said {
                Some(Say::Explain(step)) => {
                    let _ = tty.show(&self.explain(question, step));
                    misunderstood = 0;
                }
                Some(Say::Show) => {
                    let _ = tty.show(&screen(question));
                    misunderstood = 0;
                }
                Some(say) => {
                    let _ = tty.show("noted\n");
                    return Asked::Replied(self.reply(question, say));
                }
                None => {
                    misunderstood += 1;
                    if misunderstood >= MOST_MISUNDERSTOOD {
                        return Asked::Malformed("five lines at the terminal were no answer".to_owned());
                    }
                    let _ = tty.show("that is no answer\n");
                }
            }
        }
    }

    fn reply(&self, question: &Question, say: Say) -> Reply {
        question.reply(self.person.clone(), say, now()).with_roles(self.roles.clone())
    }

    /// What was found out about a step, or about all.
    fn explain(&self, question: &Question, step: Option<u32>) -> String {
        let mut text = String::new();
        for command in question.commands.iter().filter(|command| step.is_none() || command.slot.step == step)
        {
            let drawing = command.evaluation.draw(Style::Plain).redacted_by(&self.redactor).to_string();
            text.push_str(&format!("\n{}: {}\n{drawing}\n", command.slot, command.text));
        }
        if text.is_empty() { "there is no such step\n".to_owned() } else { text }
    }
}

/// What a line says. Where there is a code, a yes has to carry it.
fn read(line: &str, code: Option<&str>) -> Option<Say> {
    if line.trim().is_empty() {
        return Some(Say::Reject(Some("nothing was typed".to_owned())));
    }
    let Some(code) = code else { return understand(line) };
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    if let [word, typed] = words.as_slice()
        && *typed == code
        && matches!(understand(word), Some(Say::Approve(_)))
    {
        return Some(Say::Approve(None));
    }
    understand(line).filter(|say| !matches!(say, Say::Approve(_)))
}

/// Four characters that nobody could have typed ahead.
fn drawn() -> String {
    Uuid::new_v4().simple().to_string().chars().take(4).collect()
}

fn screen(question: &Question) -> String {
    format!("\n=== somebody has to say yes ===\n{}\n", question.text)
}

fn prompt(question: &Question, code: Option<&str>) -> String {
    let mut text =
        format!("--- {}, revision {}: {} risk", question.plan.name, question.revision, question.risk);
    if question.need.approvers > 1 {
        let said = question.approved_by.len();
        text.push_str(&format!(", {} of {} have said yes", said, question.need.approvers));
    }
    text.push_str(&format!(", until {} UTC\n", question.answer_by.format("%H:%M:%S")));
    let yes = match (question.complete, code) {
        (false, _) => String::new(),
        (true, Some(code)) => format!("yes {code} | "),
        (true, None) => "yes | ".to_owned(),
    };
    text.push_str(&format!("{yes}no | explain step N | use VALUE NAME | show | stop  [no] > "));
    text
}

#[async_trait]
impl Approver for Terminal {
    fn name(&self) -> &'static str {
        "terminal"
    }

    async fn ask(&self, question: &Question) -> Asked {
        if let Some(asked) = beforehand(question, self.name(), now()) {
            return asked;
        }
        let may = may_speak(question, &self.person).and_then(|()| may_agree(question, &self.person));
        if let Err(unfit) = may {
            return Asked::NoChannel(format!("{} sits at the terminal: {unfit}", self.person));
        }
        let deadline = moment(question.answer_by);
        let turn = Turn::line_up(&self.device);
        if before(deadline, turn.comes()).await.is_none() {
            return Asked::TimedOut;
        }
        let (terminal, asked) = (self.clone(), question.clone());
        let talk = job("terminal", move |cancelled| {
            let _turn = turn;
            terminal.talk(&asked, deadline, cancelled)
        });
        let asked = match talk {
            Ok(talk) => {
                talk.await.unwrap_or_else(|| Asked::NoChannel("the conversation broke off".to_owned()))
            }
            Err(reason) => Asked::NoChannel(reason),
        };
        match asked {
            // The clock on the wall may have gone on otherwise than the one that was waited by.
            Asked::Replied(reply) if admit(question, &reply, now()).is_err() => Asked::TimedOut,
            asked => asked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yes_carries_the_code_where_there_is_one() {
        assert_eq!(read("yes", None), Some(Say::Approve(None)));
        assert_eq!(read("yes 3f2a", Some("3f2a")), Some(Say::Approve(None)));
        assert_eq!(read("yes", Some("3f2a")), None);
        assert_eq!(read("yes 3f2b", Some("3f2a")), None);
        assert_eq!(read("no", Some("3f2a")), Some(Say::Reject(None)));
        assert!(matches!(read("  ", None), Some(Say::Reject(_))));
    }
}
