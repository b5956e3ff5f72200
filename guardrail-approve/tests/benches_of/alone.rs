//! Those who decide by themselves.

use chrono::TimeDelta;
use guardrail_approve::conformance::{Act, Bench, Scene, Who, question, question_for};
use guardrail_approve::{AutoApprover, DenyAll, Grant, GrantShape, Grants};
use guardrail_core::plan::{Approver, Principal, Question};
use guardrail_core::{EffectKind, Risk};

struct Alone<A> {
    approver: A,
    who: Principal,
    act: Act,
    revoke: Option<fn(&A)>,
}

impl<A: Approver> Scene for Alone<A> {
    fn approver(&self) -> &dyn Approver {
        &self.approver
    }

    fn reviewer(&self, _: Who) -> Principal {
        self.who.clone()
    }

    fn act(&self, _: &Question, who: Who, act: Act) -> bool {
        if let (Act::Revoked, Some(revoke)) = (act, self.revoke) {
            revoke(&self.approver);
            return true;
        }
        who == Who::First && act == self.act
    }

    fn waits(&self) -> bool {
        false
    }
}

/// Plans that only read, approved by nobody.
pub(crate) struct Autos;

impl Bench for Autos {
    fn scene(&self) -> Box<dyn Scene> {
        Box::new(Alone {
            approver: AutoApprover,
            who: Principal::service("auto"),
            act: Act::Approve,
            revoke: None,
        })
    }

    fn question(&self) -> Question {
        question_for("ls -l /srv")
    }
}

/// Everything refused.
pub(crate) struct Denies;

impl Bench for Denies {
    fn scene(&self) -> Box<dyn Scene> {
        Box::new(Alone {
            approver: DenyAll,
            who: Principal::service("deny-all"),
            act: Act::Reject,
            revoke: None,
        })
    }
}

/// A grant for one shape of commands.
pub(crate) struct Granted;

impl Bench for Granted {
    fn scene(&self) -> Box<dyn Scene> {
        Box::new(Alone {
            approver: Grants::new([grant()]).unwrap(),
            who: Principal::service("anna"),
            act: Act::Approve,
            revoke: Some(|grants| assert!(grants.revoke("touch"))),
        })
    }

    fn lost(&self) -> Option<Box<dyn Scene>> {
        let grants = Grants::new([grant()]).unwrap();
        assert!(grants.revoke("touch"));
        Some(Box::new(Alone {
            approver: grants,
            who: Principal::service("anna"),
            act: Act::Approve,
            revoke: None,
        }))
    }

    fn question(&self) -> Question {
        question_for("touch /srv/a")
    }
}

fn grant() -> Grant {
    let now = question().asked_at;
    Grant {
        id: "touch".into(),
        granted_by: Principal::person("anna"),
        requester: question().requester,
        owner: None,
        shapes: vec![GrantShape {
            tool: "touch".into(),
            command: None,
            effects: [EffectKind::Write].into(),
            targets: vec!["/srv/**".into()],
        }],
        from: now - TimeDelta::hours(1),
        until: now + TimeDelta::hours(1),
        risk: Risk::High,
        uses: None,
    }
}
