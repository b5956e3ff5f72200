//! Several approvers asked about the same question: all of them at once or one after the other's
//! silence. What is shared by [`Chain`](crate::Chain) and [`Quorum`](crate::Quorum).

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use guardrail_core::plan::{Approver, Asked, Principal, PrincipalKind, Question, Reply, Say};
use uuid::Uuid;

use crate::admit::fits;
use crate::inbox::{Matter, matter};
use crate::wait::{Sleep, lock, moment, now, until};

/// How often one member may hand on what cannot count before it is asked no more.
const MOST_UNFIT: u8 = 8;

/// Members with the time after which each is asked.
pub(crate) struct Panel {
    members: Vec<(Duration, Arc<dyn Approver>)>,
    /// Rounds that wait for the next call: some said yes, and more have to.
    rounds: Mutex<BTreeMap<Matter, Round>>,
}

type Asking = Pin<Box<dyn Future<Output = Asked> + Send>>;

enum Seat {
    /// It is asked when its time comes.
    Later(Pin<Box<Sleep>>),
    Asking(Asking),
    /// It replied, and is asked again by the next call, which knows who has said yes by then.
    Again,
    /// It has ended, and how.
    Over(Asked),
}

/// One question on its way through the panel.
struct Round {
    seats: Vec<(Seat, u8)>,
    ids: Vec<Uuid>,
    answer_by: Instant,
    /// Roles of those whose yes went through here.
    roles: BTreeSet<String>,
    expired: Pin<Box<Sleep>>,
}

impl Panel {
    pub(crate) fn new(members: Vec<(Duration, Arc<dyn Approver>)>) -> Self {
        Self { members, rounds: Mutex::default() }
    }

    pub(crate) fn push(&mut self, after: Duration, member: Arc<dyn Approver>) {
        self.members.push((after, member));
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.members.iter().map(|(_, member)| member.name()).collect()
    }

    /// Asks the members, and gives the first reply that may count and that `may` takes.
    ///
    /// Members that are still being asked go on being asked by the next call for the same text of
    /// the same revision, unless what was said settles it or the call is dropped.
    pub(crate) async fn ask(
        &self,
        question: &Question,
        may: impl Fn(&Principal) -> bool + Send + Sync,
    ) -> Asked {
        let this = matter(question);
        let mut round = {
            let mut rounds = lock(&self.rounds);
            let now = Instant::now();
            let kept = rounds.remove(&this);
            // Dropped behind the lock: dropping a member's future may do anything.
            let over: Vec<Matter> = rounds
                .iter()
                .filter(|(matter, round)| matter.0 == this.0 || round.answer_by <= now)
                .map(|(matter, _)| *matter)
                .collect();
            let over: Vec<_> = over.iter().map(|matter| rounds.remove(matter)).collect();
            drop(rounds);
            drop(over);
            kept.unwrap_or_else(|| self.round(question))
        };
        round.ids.push(question.id);
        round.answer_by = moment(question.answer_by);
        round.expired = Box::pin(until(round.answer_by));
        let asked = std::future::poll_fn(|context| self.poll(question, &mut round, &may, context)).await;
        if let Asked::Replied(reply) = &asked
            && round.goes_on(question, reply)
        {
            lock(&self.rounds).insert(this, round);
        }
        asked
    }

    fn round(&self, question: &Question) -> Round {
        let start = Instant::now();
        let answer_by = moment(question.answer_by);
        let seat = |(after, member): &(Duration, Arc<dyn Approver>)| {
            let seat = if !question.need.allows_channel(member.name()) {
                Seat::Over(Asked::NoChannel(format!(
                    "the policy lets nobody be asked in `{}`",
                    member.name()
                )))
            } else if after.is_zero() {
                Seat::Asking(asking(member, question))
            } else {
                Seat::Later(Box::pin(until(start.checked_add(*after).unwrap_or(answer_by))))
            };
            (seat, 0)
        };
        Round {
            seats: self.members.iter().map(seat).collect(),
            ids: Vec::new(),
            answer_by,
            roles: BTreeSet::new(),
            expired: Box::pin(until(answer_by)),
        }
    }

    fn poll(
        &self,
        question: &Question,
        round: &mut Round,
        may: &impl Fn(&Principal) -> bool,
        context: &mut std::task::Context<'_>,
    ) -> Poll<Asked> {
        let Round { seats, ids, expired, .. } = round;
        let mut found: Option<Reply> = None;
        let (mut all_over, mut deserted) = (true, true);
        for (place, ((seat, unfit), (_, member))) in seats.iter_mut().zip(&self.members).enumerate() {
            loop {
                match seat {
                    Seat::Over(_) => break,
                    Seat::Later(sleep) => {
                        let due = sleep.as_mut().poll(context).is_ready();
                        // Where all before it cannot answer any more, nobody is waited for in vain.
                        let in_vain = deserted && place > 0;
                        if !due && !in_vain {
                            break;
                        }
                        *seat = Seat::Asking(asking(member, question));
                    }
                    Seat::Again => *seat = Seat::Asking(asking(member, question)),
                    Seat::Asking(asked) => {
                        let Poll::Ready(asked) = asked.as_mut().poll(context) else { break };
                        let Asked::Replied(mut reply) = asked else {
                            *seat = Seat::Over(asked);
                            break;
                        };
                        let known = ids.contains(&reply.question) && may(&reply.principal);
                        // It may have been put under another id: the revision and the text are the
                        // same.
                        reply.question = question.id;
                        if !known || fits(question, &reply, now()).is_err() {
                            *unfit += 1;
                            if *unfit < MOST_UNFIT {
                                *seat = Seat::Again;
                                continue;
                            }
                            let name = member.name();
                            let reason = format!("`{name}` gave only answers that cannot count");
                            *seat = Seat::Over(Asked::Malformed(reason));
                            break;
                        }
                        // One reply at a time: each is recorded before the next is heard. But a no
                        // is heard before anything else.
                        let is_no = matches!(reply.say, Say::Reject(_) | Say::Stop(_));
                        if is_no || found.is_none() {
                            found = Some(reply);
                            *seat = Seat::Again;
                        } else {
                            *seat = Seat::Asking(Box::pin(std::future::ready(Asked::Replied(reply))));
                        }
                        break;
                    }
                }
            }
            all_over &= matches!(seat, Seat::Over(_));
            deserted &= matches!(seat, Seat::Over(asked) if *asked != Asked::Delivered);
        }
        if let Some(reply) = found {
            return Poll::Ready(Asked::Replied(reply));
        }
        if all_over {
            return Poll::Ready(in_all(&self.members, seats));
        }
        expired.as_mut().poll(context).map(|()| Asked::TimedOut)
    }
}

fn asking(member: &Arc<dyn Approver>, question: &Question) -> Asking {
    let (member, question) = (Arc::clone(member), question.clone());
    Box::pin(async move { member.ask(&question).await })
}

/// What came of asking all, where none of them replied.
fn in_all(members: &[(Duration, Arc<dyn Approver>)], seats: &[(Seat, u8)]) -> Asked {
    let ends =
        || seats.iter().filter_map(|(seat, _)| if let Seat::Over(asked) = seat { Some(asked) } else { None });
    if ends().any(|asked| *asked == Asked::Delivered) {
        return Asked::Delivered;
    }
    if ends().any(|asked| *asked == Asked::TimedOut) {
        return Asked::TimedOut;
    }
    if let Some(malformed) = ends().find(|asked| matches!(asked, Asked::Malformed(_))) {
        return malformed.clone();
    }
    let reasons: Vec<String> = members
        .iter()
        .zip(ends())
        .map(|((_, member), asked)| match asked {
            Asked::NoChannel(reason) => format!("{}: {reason}", member.name()),
            _ => format!("{}: no answer", member.name()),
        })
        .collect();
    if reasons.is_empty() {
        return Asked::NoChannel("there is nobody to ask".to_owned());
    }
    Asked::NoChannel(reasons.join("; "))
}

impl Round {
    /// Whether the others have to be heard as well behind this reply.
    fn goes_on(&mut self, question: &Question, reply: &Reply) -> bool {
        match reply.say {
            Say::Explain(_) | Say::Show => true,
            Say::Approve(_) => {
                self.roles.extend(reply.roles.iter().cloned());
                let voters = || question.approved_by.iter().chain([&reply.principal]);
                let people = voters().filter(|voter| voter.kind == PrincipalKind::Person).count();
                voters().count() < usize::from(question.need.approvers)
                    || people < usize::from(question.need.people)
                    || !question.need.roles.is_subset(&self.roles)
            }
            _ => false,
        }
    }
}
