//! A log in memory for tests of plans, and plans to keep in it.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::cell::RefCell;

use chrono::TimeDelta;
use guardrail_core::plan::{
    Captured, Change, Check, Command, Digest, Ended, Execution, Expect, FileRole, Intent, Look, Machine,
    Output, Parameter, Permit, PinnedDirectory, PinnedFile, Pins, Plan, PlanId, Preparation, Principal,
    Question, Refused, Revision, Rollback, Say, Slot, Step, Times, Vote,
};
use guardrail_core::record::{Condition, Receipt, Record, Recorded, Timestamp};
use guardrail_core::redact::Redactor;
use guardrail_core::{Guard, Request};
use uuid::Uuid;

/// Keeps records as a log does: in order, on conditions.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) records: RefCell<Vec<Recorded>>,
}

impl Book {
    pub(crate) fn keep(&self, records: &[Record], condition: &Condition, now: Timestamp) -> Option<Receipt> {
        let mut all = self.records.borrow_mut();
        if let Condition::PlanAt { plan_id, sequence } = condition {
            let of_plan = |kept: &&Recorded| kept.record.plan_id.as_ref() == Some(plan_id);
            if all.iter().rev().find(of_plan).map(|kept| kept.sequence) != *sequence {
                return None;
            }
        }
        for record in records {
            let sequence = all.len() as u64 + 1;
            all.push(Recorded { sequence, timestamp: now, record: record.clone() });
        }
        Some(Receipt::of_durable(records, Uuid::nil(), all.len() as u64, now, [0; 32]))
    }

    pub(crate) fn change(
        &self,
        machine: &mut Machine,
        decide: impl FnOnce(&Machine) -> Result<Change, Refused>,
    ) {
        let change = decide(machine).unwrap();
        let receipt = self.keep(change.records(), change.condition(), at(0)).unwrap();
        machine.recorded(change, &receipt).unwrap();
    }

    pub(crate) fn permit(&self, machine: &mut Machine, intent: Result<Intent, Refused>) -> Permit {
        let intent = intent.unwrap();
        let receipt = self.keep(intent.records(), intent.condition(), at(0)).unwrap();
        machine.permit(intent, receipt).unwrap()
    }

    /// The plan as somebody finds it who only has the log.
    pub(crate) fn read(&self, machine: &Machine) -> Machine {
        Machine::resume(machine.revision().clone(), &self.records.borrow()).unwrap()
    }
}

/// A time some seconds into the test.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
}

pub(crate) fn agent() -> Principal {
    Principal::agent("helper")
}

pub(crate) fn anna() -> Principal {
    Principal::person("anna")
}

pub(crate) fn id() -> PlanId {
    PlanId::new(at(0).date_naive(), 1, Uuid::from_u128(1))
}

pub(crate) fn preparation() -> Preparation {
    let mut preparation = Preparation::new(id(), agent());
    preparation.versions.policy = "p1".into();
    preparation.versions.knowledge = "k1".into();
    preparation
}

/// What a look at a command finds, in a world where nothing changes.
pub(crate) fn look(guard: &Guard, command: &Command, request: &Request) -> Look {
    let program = command.typed().split(' ').next().unwrap().to_owned();
    let file = PinnedFile {
        role: FileRole::Program,
        path: format!("/usr/bin/{program}"),
        digest: Digest::of_content(program.as_bytes()),
        name: program,
    };
    let cwd = request.cwd.clone().unwrap();
    let directory = PinnedDirectory { path: cwd.clone(), name: cwd, device: Some(1), inode: Some(2) };
    let environment = [("PATH".to_owned(), "/usr/bin".to_owned())].into();
    let pins = Pins { files: vec![file], unpinned: Vec::new(), directory: Some(directory), environment };
    Look { evaluation: guard.evaluate(request), pins }
}

pub(crate) fn prepare(plan: Plan, preparation: &Preparation) -> Result<Revision, Vec<String>> {
    let guard = Guard::new();
    Revision::prepare(plan, preparation, &mut |_, command, request| look(&guard, command, request))
        .map_err(|flaws| flaws.iter().map(ToString::to_string).collect())
}

/// What a look finds now at a command of a machine's revision.
pub(crate) fn now_at(machine: &Machine, slot: Slot) -> Look {
    let revision = machine.revision();
    let request = revision.request(slot, Default::default()).unwrap();
    look(&Guard::new(), &revision.command(slot).unwrap().command, &request)
}

pub(crate) fn gave(text: &str) -> Execution {
    let mut execution = Execution::ended(Ended::Exited(0), 0.5);
    execution.stdout = Output::whole(text);
    execution
}

pub(crate) fn scale() -> Plan {
    let get = Command::argv(["kubectl", "-n", "shop", "get", "deployment", "api", "-o", "json"]);
    let ready = |number: &str| {
        Check::new("replicas are ready", get.clone()).expect(Expect::Json {
            pointer: "/spec/replicas".into(),
            equals: serde_json::Value::from(number),
        })
    };
    let words = ["kubectl", "-n", "shop", "scale", "deployment", "api"];
    let scale = |replicas: &str| Command::argv(words.into_iter().chain([replicas]));
    let mut step = Step::new("Scale api to {{replicas}}", scale("--replicas={{replicas}}"));
    step.preflight = vec![Check::new("it is there", get.clone())];
    step.captures = vec![guardrail_core::plan::Capture {
        name: "replicas".into(),
        command: get.clone(),
        pick: Some("/spec/replicas".into()),
        hold: true,
    }];
    step.post = vec![ready("{{replicas}}")];
    step.rollback = Some(
        Rollback::new("scale back", [scale("--replicas={{captured.replicas}}")])
            .verified_by(Check::new("as before", get)),
    );
    let parameter = Parameter {
        value: 5.into(),
        about: "how many".into(),
        minimum: Some(1.0),
        maximum: Some(9.0),
        one_of: vec![],
    };
    Plan {
        title: "Scale the API".into(),
        reason: "it is slow".into(),
        impact: String::new(),
        cwd: Some("/srv".into()),
        parameters: [("replicas".to_owned(), parameter)].into(),
        preflight: vec![],
        steps: vec![step],
        post: vec![],
        monitor: None,
        rollback: None,
        times: Times { approval_seconds: 600, valid_seconds: 300 },
        expected_seconds: Some(20),
    }
}

/// A plan of a step that only looks.
pub(crate) fn low() -> Plan {
    Plan { steps: vec![Step::new("Look", Command::argv(["ls"]))], parameters: [].into(), ..scale() }
}

pub(crate) fn captured(value: &str) -> Preparation {
    let mut preparation = preparation();
    let mut captured = Captured::new();
    captured.insert(1, "replicas", value);
    preparation.captured = captured;
    preparation
}

/// A machine whose plan was put forward and asked about.
pub(crate) fn asked(book: &Book, plan: Plan) -> (Machine, Question) {
    let revision = prepare(plan, &captured("3")).unwrap();
    let mut machine = Machine::new(revision.clone());
    book.change(&mut machine, |machine| machine.propose(revision, at(0)));
    let question = ask(book, &mut machine);
    (machine, question)
}

pub(crate) fn ask(book: &Book, machine: &mut Machine) -> Question {
    let text = machine.revision().text(&Redactor::new(), 100_000);
    let (question, change) = machine.ask("test", &text, at(1)).unwrap();
    book.change(machine, |_| Ok(change));
    question
}

pub(crate) fn yes(question: &Question, principal: Principal) -> Vote {
    question.reply(principal, Say::Approve(None), at(2)).vote(question, "test").unwrap()
}

pub(crate) fn approved(book: &Book, plan: Plan) -> Machine {
    let (mut machine, question) = asked(book, plan);
    book.change(&mut machine, |machine| machine.vote(yes(&question, anna()), at(2)));
    machine
}

/// Runs the command that is due, and reports what it gave.
pub(crate) fn run(book: &Book, machine: &mut Machine, execution: &Execution) {
    drop(ran(book, machine, execution));
}

/// As [`run`], with the permit that it had.
pub(crate) fn ran(book: &Book, machine: &mut Machine, execution: &Execution) -> Permit {
    let slot = machine.life().due().unwrap();
    let versions = machine.revision().versions().clone();
    let intent = machine.intent(slot, &now_at(machine, slot), &versions, at(3));
    let permit = book.permit(machine, intent);
    book.change(machine, |machine| machine.outcome(permit.id(), execution, at(4)));
    permit
}
