//! The checks, one clause each.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use guardrail_core::plan::{Asked, Principal, Question, Reply, Say};
use uuid::Uuid;

use super::{Act, Bench, Scene, Who};
use crate::block_on;
use crate::wait::{before, moment, now};

/// Why a check ended early.
pub(super) enum Stop {
    Broken(String),
    Untested,
}

pub(super) type Check = fn(&dyn Bench) -> Result<(), Stop>;

/// How long a question is open that nobody answers well.
const SHORT: TimeDelta = TimeDelta::milliseconds(1500);
/// How long behind its time a question may still be asked before that counts as hanging.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) const ALL: &[(&str, Check)] = &[
    ("a yes is that of the one who gave it, to what was shown", a_yes),
    ("a no is a no", a_no),
    ("silence is its own outcome", silence),
    ("nobody is asked what it is too late to answer", too_late_to_ask),
    ("a lost channel is its own outcome", lost),
    ("what is no answer is no yes", garbage),
    ("a late answer is no yes, to this question or to the next", late),
    ("a second yes of the same person is none", twice),
    ("the same answer again is no second yes", replayed),
    ("an answer to another question is none to this", another_question),
    ("a yes to another revision is none to this", another_digest),
    ("a yes to another text is none to this", another_text),
    ("nobody says yes to a text that was cut", cut),
    ("the one who asks does not vote, nor who could be taken for them", requester),
    ("the owner of the session gives no second yes", owner),
    ("a stranger does not vote", stranger),
    ("who was revoked does not vote", revoked),
    ("a text that is not the recorded one is not put", tampered),
    ("where the policy lets nobody be asked, nobody is", excluded),
    ("a question that was dropped leaves nothing behind", dropped),
    ("of two who say yes each is heard, one by one", two),
];

fn hold(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Stop> {
    if holds { Ok(()) } else { Err(Stop::Broken(otherwise())) }
}

fn able(able: bool) -> Result<(), Stop> {
    if able { Ok(()) } else { Err(Stop::Untested) }
}

/// A question of the bench with little time.
fn short(bench: &dyn Bench) -> Question {
    let mut question = bench.question();
    question.answer_by = now() + SHORT;
    question
}

/// Asks, while somebody acts. Where nobody can, it is not tested.
fn asked(scene: &dyn Scene, question: &Question, act: impl FnOnce() -> bool + Send) -> Result<Asked, Stop> {
    let given_up = AtomicBool::new(false);
    let patience = moment(question.answer_by) + PATIENCE;
    thread::scope(|scope| {
        let asking = scope.spawn(|| {
            block_on(async {
                let mut ask = pin!(scene.approver().ask(question));
                while Instant::now() < patience && !given_up.load(Ordering::Acquire) {
                    if let Some(asked) = before(Instant::now() + Duration::from_millis(20), &mut ask).await {
                        return Ok(asked);
                    }
                }
                Err(Stop::Broken("it went on asking long behind its time".to_owned()))
            })
        });
        let acted = act();
        given_up.store(!acted, Ordering::Release);
        let asked = asking.join().unwrap_or_else(|_| Err(Stop::Broken("it panicked".to_owned())));
        if acted { asked } else { Err(Stop::Untested) }
    })
}

const fn is_yes(asked: &Asked) -> bool {
    matches!(asked, Asked::Replied(Reply { say: Say::Approve(_), .. }))
}

/// Asks while the first reviewer acts, and expects no yes. One that decides by itself is asked as
/// though somebody had said yes.
fn no_yes(scene: &dyn Scene, question: &Question, act: Act) -> Result<(), Stop> {
    let acts = || scene.act(question, Who::First, act);
    if !scene.waits() {
        able(act == Act::Approve || acts())?;
    }
    let asked = asked(scene, question, || !scene.waits() || acts())?;
    hold(!is_yes(&asked), || format!("it gave {asked:?}"))
}

fn a_yes(bench: &dyn Bench) -> Result<(), Stop> {
    let scene = bench.scene();
    let question = bench.question();
    let asked = asked(&*scene, &question, || scene.act(&question, Who::First, Act::Approve))?;
    let Asked::Replied(reply) = &asked else { return Err(Stop::Broken(format!("it gave {asked:?}"))) };
    let is_it = reply.question == question.id
        && reply.shown == question.shown
        && reply.principal == scene.reviewer(Who::First)
        && matches!(reply.say, Say::Approve(_));
    hold(is_it, || format!("it gave {reply:?}"))
}

fn a_no(bench: &dyn Bench) -> Result<(), Stop> {
    let scene = bench.scene();
    let question = bench.question();
    let asked = asked(&*scene, &question, || scene.act(&question, Who::First, Act::Reject))?;
    let Asked::Replied(reply) = &asked else { return Err(Stop::Broken(format!("it gave {asked:?}"))) };
    let is_it = reply.question == question.id
        && reply.principal == scene.reviewer(Who::First)
        && matches!(reply.say, Say::Reject(_));
    hold(is_it, || format!("it gave {reply:?}"))
}

fn silence(bench: &dyn Bench) -> Result<(), Stop> {
    let scene = bench.scene();
    able(scene.waits())?;
    let question = short(bench);
    let asked = asked(&*scene, &question, || true)?;
    hold(asked == Asked::TimedOut, || format!("it gave {asked:?}"))
}

fn too_late_to_ask(bench: &dyn Bench) -> Result<(), Stop> {
    let scene = bench.scene();
    let mut question = bench.question();
    question.answer_by = now() - TimeDelta::seconds(1);
    let asked = asked(&*scene, &question, || true)?;
    let no = matches!(asked, Asked::Replied(Reply { say: Say::Reject(_), .. }));
    hold(no || asked == Asked::TimedOut, || format!("it gave {asked:?}"))
}

fn lost(bench: &dyn Bench) -> Result<(), Stop> {
    let scene = bench.lost().ok_or(Stop::Untested)?;
    let asked = asked(&*scene, &short(bench), || true)?;
    hold(matches!(asked, Asked::NoChannel(_)), || format!("it gave {asked:?}"))
}

fn garbage(bench: &dyn Bench) -> Result<(), Stop> {
    no_yes(&*bench.scene(), &short(bench), Act::Garbage)
}

fn late(bench: &dyn Bench) -> Result<(), Stop> {
    let scene = bench.scene();
    able(scene.waits())?;
    let mut question = short(bench);
    question.answer_by = now() + TimeDelta::milliseconds(300);
    let first = asked(&*scene, &question, || true)?;
    hold(!is_yes(&first), || format!("silence gave {first:?}"))?;
    able(scene.act(&question, Who::First, Act::Approve))?;
    let again = asked(&*scene, &question, || true)?;
    hold(!is_yes(&again), || format!("the late answer gave {again:?}"))?;
    let next = asked(&*scene, &short(bench), || true)?;
    hold(!is_yes(&next), || format!("the next question was given the late answer: {next:?}"))
}

fn twice(bench: &dyn Bench) -> Result<(), Stop> {
    let scene = bench.scene();
    let mut question = short(bench);
    question.need.approvers = 2;
    let name = scene.reviewer(Who::First).name;
    question.approved_by = vec![Principal::person(name.to_uppercase())];
    no_yes(&*scene, &question, Act::Approve)
}

fn replayed(bench: &dyn Bench) -> Result<(), Stop> {
    let scene = bench.scene();
    let mut question = bench.question();
    question.need.approvers = 2;
    let first = asked(&*scene, &question, || scene.act(&question, Who::First, Act::Approve))?;
    hold(is_yes(&first), || format!("a yes gave {first:?}"))?;
    let mut again = question.clone();
    again.id = Uuid::new_v4();
    again.approved_by = vec![scene.reviewer(Who::First)];
    again.answer_by = now() + SHORT;
    no_yes(&*scene, &again, Act::Replay)
}

fn another_question(bench: &dyn Bench) -> Result<(), Stop> {
    no_yes(&*bench.scene(), &short(bench), Act::AnotherQuestion)
}

fn another_digest(bench: &dyn Bench) -> Result<(), Stop> {
    no_yes(&*bench.scene(), &short(bench), Act::AnotherDigest)
}

fn another_text(bench: &dyn Bench) -> Result<(), Stop> {
    no_yes(&*bench.scene(), &short(bench), Act::AnotherText)
}

fn cut(bench: &dyn Bench) -> Result<(), Stop> {
    let mut question = short(bench);
    question.complete = false;
    no_yes(&*bench.scene(), &question, Act::Approve)
}

fn requester(bench: &dyn Bench) -> Result<(), Stop> {
    for change in [str::to_owned, str::to_uppercase, |name: &str| format!(" {name}\u{200b}")] {
        let scene = bench.scene();
        let mut question = short(bench);
        question.requester = Principal::agent(change(&scene.reviewer(Who::First).name));
        no_yes(&*scene, &question, Act::Approve)?;
    }
    Ok(())
}

fn owner(bench: &dyn Bench) -> Result<(), Stop> {
    let scene = bench.scene();
    let mut question = short(bench);
    question.need.approvers = 2;
    question.owner = Some(scene.reviewer(Who::First));
    question.approved_by = vec![Principal::person("somebody else")];
    no_yes(&*scene, &question, Act::Approve)
}

fn stranger(bench: &dyn Bench) -> Result<(), Stop> {
    no_yes(&*bench.scene(), &short(bench), Act::Stranger)
}

fn revoked(bench: &dyn Bench) -> Result<(), Stop> {
    no_yes(&*bench.scene(), &short(bench), Act::Revoked)
}

fn tampered(bench: &dyn Bench) -> Result<(), Stop> {
    let mut question = short(bench);
    question.text.push_str("and something else\n");
    no_yes(&*bench.scene(), &question, Act::Approve)
}

fn excluded(bench: &dyn Bench) -> Result<(), Stop> {
    let mut question = short(bench);
    question.need.channels = Some(BTreeSet::new());
    no_yes(&*bench.scene(), &question, Act::Approve)
}

fn dropped(bench: &dyn Bench) -> Result<(), Stop> {
    let scene = bench.scene();
    able(scene.waits())?;
    let question = bench.question();
    let started = Instant::now() + Duration::from_millis(300);
    let ended = block_on(before(started, scene.approver().ask(&question)));
    hold(ended.is_none(), || format!("silence gave {ended:?}"))?;
    let next = bench.question();
    let asked = asked(&*scene, &next, || scene.act(&next, Who::First, Act::Approve))?;
    hold(is_yes(&asked), || format!("the next question gave {asked:?}"))
}

fn two(bench: &dyn Bench) -> Result<(), Stop> {
    let scene = bench.scene();
    let mut question = bench.question();
    question.need.approvers = 2;
    let first = asked(&*scene, &question, || {
        scene.act(&question, Who::First, Act::Approve) && scene.act(&question, Who::Second, Act::Approve)
    })?;
    let Asked::Replied(one) = first else { return Err(Stop::Broken(format!("two gave {first:?}"))) };
    let mut again = question.clone();
    again.id = Uuid::new_v4();
    again.approved_by = vec![one.principal.clone()];
    let second = asked(&*scene, &again, || true)?;
    let Asked::Replied(other) = second else {
        return Err(Stop::Broken(format!("the second was lost: {second:?}")));
    };
    let mut both = [one.principal, other.principal];
    both.sort();
    let mut expected = [scene.reviewer(Who::First), scene.reviewer(Who::Second)];
    expected.sort();
    hold(both == expected, || format!("it gave {both:?}"))?;
    hold(other.shown == again.shown && other.question == again.id, || {
        "the second yes was to another text, or names another question than was asked".to_owned()
    })
}
