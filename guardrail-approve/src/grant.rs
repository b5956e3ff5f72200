//! Standing grants: a yes that a person gave beforehand, to things of a shape, for a while.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;
use guardrail_core::plan::{Approver, Asked, Principal, PrincipalKind, Question, QuestionCommand, Say};
use guardrail_core::record::Timestamp;
use guardrail_core::{Decision, Effect, EffectKind, Evaluation, Invocation, Risk};
use serde::{Deserialize, Serialize};

use crate::admit::{admit, beforehand};
use crate::pattern::matches;
use crate::wait::{lock, now};

/// The longest that a grant may stand.
const LONGEST: chrono::TimeDelta = chrono::TimeDelta::days(90);

/// A yes that a person gives beforehand.
///
/// ```
/// use guardrail_approve::{Grant, Grants};
///
/// let grant: Grant = serde_json::from_str(r#"{
///     "id": "scale-the-shop",
///     "granted_by": { "kind": "person", "name": "anna" },
///     "requester": { "kind": "agent", "name": "session-17" },
///     "shapes": [{
///         "tool": "kubectl",
///         "command": "scale",
///         "effects": ["configure"],
///         "targets": ["deployment/shop-*"]
///     }],
///     "from": "2026-01-26T08:00:00Z",
///     "until": "2026-01-26T18:00:00Z",
///     "risk": "medium",
///     "uses": 20
/// }"#)?;
/// let grants = Grants::new([grant])?;
/// assert!(grants.revoke("scale-the-shop"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Its own name, for records and for revoking it.
    pub id: String,
    /// The person who gives it.
    pub granted_by: Principal,
    /// The agent, or the session, that may use it, exactly so.
    pub requester: Principal,
    /// The owner of the session, where the grant is for sessions of one person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Principal>,
    /// What may be done: every command that does more than read is of one of these shapes.
    pub shapes: Vec<GrantShape>,
    /// From when on.
    pub from: Timestamp,
    /// Until when, at most 90 days later.
    pub until: Timestamp,
    /// The worst risk that it covers; never [`Risk::Critical`].
    pub risk: Risk,
    /// How many plans it covers; `None` for any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
}

/// A shape of commands. It is what a command is understood as, never its text: a wrapper
/// (`sudo`, `bash -c`) is a command of its own and has to be granted as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantShape {
    /// The tool.
    pub tool: String,
    /// Its subcommand, exactly; `None` for a tool that is called without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What it may do. Reading is always covered, reading secrets is not.
    pub effects: BTreeSet<EffectKind>,
    /// To what: patterns in which `*` is anything but a slash and `**` is anything. An effect on
    /// something that is not known is not covered. `["**"]` is anything that is known.
    pub targets: Vec<String>,
}

/// A grant that cannot stand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("grant `{id}`: {reason}")]
pub struct GrantError {
    /// The grant.
    pub id: String,
    /// What is wrong with it, and what to do.
    pub reason: String,
}

/// Says yes where a person has said yes beforehand; for anything else it is no channel, so that a
/// [`Chain`](crate::Chain) asks somebody.
///
/// Its yes is recorded under the name of the person who granted it, as a service of theirs, with
/// the grant in the reason: that person cannot say yes once more, and where the plan needs a person,
/// somebody still has to look. What is [`Risk::Critical`] is never covered.
///
/// Grants are held in memory, and so is how often each was used. Who keeps them in a file keeps it
/// where no agent can write.
///
/// **How would an agent get past it?** By stretching what was granted: it may do all that the shape
/// allows, as often as it allows. Grants want narrow targets, few effects and an early end. What it
/// cannot do is to wrap something else into a granted command: every program that would start is
/// looked at, and what is not known is not covered.
#[derive(Debug, Default)]
pub struct Grants {
    grants: Mutex<BTreeMap<String, (Grant, u32)>>,
}

/// How the reason of its yes begins, before its id.
const REASON: &str = "standing grant `";

impl Grant {
    /// The grant that a recorded yes names as its reason: who has the log can tell which grants are
    /// still used. Only a yes of a service has one; a person may write whatever they like.
    ///
    /// ```
    /// use guardrail_approve::Grant;
    ///
    /// let reason = "standing grant `scale-the-shop` of person:anna, until 2026-01-26 18:00:00 UTC";
    /// assert_eq!(Grant::named_in(reason), Some("scale-the-shop"));
    /// ```
    #[must_use]
    pub fn named_in(reason: &str) -> Option<&str> {
        let rest = reason.strip_prefix(REASON)?;
        rest.split_once("` of ").map(|(id, _)| id)
    }

    /// Whether it can stand.
    fn check(&self) -> Result<(), GrantError> {
        let wrong = |reason: &str| Err(GrantError { id: self.id.clone(), reason: reason.to_owned() });
        if self.id.trim().is_empty() {
            return wrong("it has no name");
        }
        if self.granted_by.kind != PrincipalKind::Person || self.granted_by.is_nobody() {
            return wrong("only a person grants");
        }
        if self.requester.is_nobody() || self.requester.is_namesake(&self.granted_by) {
            return wrong("it is for somebody else than the one who grants it");
        }
        if self.risk == Risk::Critical {
            return wrong("nothing critical is granted beforehand: `risk` is `high` at most");
        }
        if self.from >= self.until || self.until - self.from > LONGEST {
            return wrong("it ends after it begins, and within 90 days: mind `from` and `until`");
        }
        if self.shapes.is_empty() {
            return wrong("it covers nothing: `shapes` is empty");
        }
        if self
            .shapes
            .iter()
            .any(|shape| shape.tool.is_empty() || shape.effects.is_empty() || shape.targets.is_empty())
        {
            return wrong("each shape has a `tool`, `effects` and `targets`");
        }
        Ok(())
    }

    /// Why it does not cover a question; nothing where it does.
    fn shortfall(&self, question: &Question, now: Timestamp) -> Option<String> {
        if self.requester != question.requester {
            return Some("it is for another requester".to_owned());
        }
        if self.owner.is_some() && self.owner != question.owner {
            return Some("it is for sessions of somebody else".to_owned());
        }
        if now < self.from || now > self.until {
            return Some("it does not stand now".to_owned());
        }
        if question.risk > self.risk {
            return Some(format!("it covers {} at most", self.risk));
        }
        if question.commands.is_empty() {
            return Some("there is no command to look at".to_owned());
        }
        let outside = question.commands.iter().find(|command| !self.covers(command))?;
        Some(format!("it does not cover {}", outside.slot))
    }

    fn covers(&self, command: &QuestionCommand) -> bool {
        let evaluation = &command.evaluation;
        if evaluation.unknown || !evaluation.problems.is_empty() || evaluation.decision == Decision::Deny {
            return false;
        }
        if evaluation.risk > self.risk {
            return false;
        }
        if evaluation.risk == Risk::Low && evaluation.decision == Decision::Allow {
            return true;
        }
        // What the shell itself writes belongs to no invocation, and so to no shape.
        let of_none = |effect: &Effect| effect.invocation.is_none() && effect.kind != EffectKind::Read;
        !evaluation.invocations.is_empty()
            && !evaluation.effects.iter().any(of_none)
            && (0_u32..).zip(&evaluation.invocations).all(|(place, invocation)| {
                self.shapes.iter().any(|shape| shape.covers(evaluation, place, invocation))
            })
    }
}

impl GrantShape {
    fn covers(&self, evaluation: &Evaluation, place: u32, invocation: &Invocation) -> bool {
        invocation.tool.as_deref() == Some(self.tool.as_str())
            && invocation.command.as_deref() == self.command.as_deref()
            && evaluation
                .effects
                .iter()
                .filter(|effect| effect.invocation == Some(place) && effect.kind != EffectKind::Read)
                .all(|effect| self.takes(effect))
    }

    fn takes(&self, effect: &Effect) -> bool {
        let target = effect.target.as_deref().filter(|target| !target.is_empty());
        self.effects.contains(&effect.kind)
            && target.is_some_and(|target| self.targets.iter().any(|pattern| matches(pattern, target)))
    }
}

impl Grants {
    /// These grants.
    ///
    /// # Errors
    ///
    /// [`GrantError`] for the first that cannot stand; none of them does then.
    pub fn new(grants: impl IntoIterator<Item = Grant>) -> Result<Self, GrantError> {
        let all = Self::default();
        for grant in grants {
            all.add(grant)?;
        }
        Ok(all)
    }

    /// Adds a grant.
    ///
    /// # Errors
    ///
    /// [`GrantError`] where it cannot stand, or there is one of that name.
    pub fn add(&self, grant: Grant) -> Result<(), GrantError> {
        grant.check()?;
        let mut grants = lock(&self.grants);
        if grants.contains_key(&grant.id) {
            let reason = "there is one of that name; revoke it first".to_owned();
            return Err(GrantError { id: grant.id, reason });
        }
        grants.insert(grant.id.clone(), (grant, 0));
        Ok(())
    }

    /// Takes a grant back. Gives whether there was one. What it said yes to already is to be
    /// revoked plan by plan.
    pub fn revoke(&self, id: &str) -> bool {
        lock(&self.grants).remove(id).is_some()
    }

    /// Takes back all that a person granted; their number.
    pub fn revoke_all_of(&self, person: &Principal) -> usize {
        let mut grants = lock(&self.grants);
        let before = grants.len();
        grants.retain(|_, (grant, _)| !grant.granted_by.is_namesake(person));
        before - grants.len()
    }

    /// Those that stand at `now`.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Vec<Grant> {
        let grants = lock(&self.grants);
        let stands = |grant: &&Grant| grant.from <= now && now <= grant.until;
        grants.values().map(|(grant, _)| grant).filter(stands).cloned().collect()
    }
}

#[async_trait]
impl Approver for Grants {
    fn name(&self) -> &'static str {
        "grants"
    }

    async fn ask(&self, question: &Question) -> Asked {
        let now = now();
        if let Some(asked) = beforehand(question, self.name(), now) {
            return asked;
        }
        let mut short = Vec::new();
        let mut grants = lock(&self.grants);
        for (grant, used) in grants.values_mut() {
            if let Some(reason) = grant.shortfall(question, now) {
                short.push(format!("`{}`: {reason}", grant.id));
                continue;
            }
            if grant.uses.is_some_and(|uses| *used >= uses) {
                short.push(format!("`{}`: it is used up", grant.id));
                continue;
            }
            let who = Principal::service(grant.granted_by.name.clone());
            let reason = format!("{REASON}{}` of {}, until {}", grant.id, grant.granted_by, grant.until);
            let reply = question.reply(who, Say::Approve(Some(reason)), now);
            match admit(question, &reply, now) {
                Ok(()) => {
                    *used = used.saturating_add(1);
                    return Asked::Replied(reply);
                }
                Err(unfit) => short.push(format!("`{}`: {unfit}", grant.id)),
            }
        }
        let why = if short.is_empty() { String::new() } else { format!(": {}", short.join("; ")) };
        Asked::NoChannel(format!("no standing grant covers it{why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block_on;
    use crate::conformance::{question, question_for};

    fn grant(tool: &str, command: Option<&str>, effects: &[EffectKind], targets: &[&str]) -> Grant {
        let now = now();
        Grant {
            id: "g".into(),
            granted_by: Principal::person("anna"),
            requester: question().requester,
            owner: None,
            shapes: vec![GrantShape {
                tool: tool.into(),
                command: command.map(Into::into),
                effects: effects.iter().copied().collect(),
                targets: targets.iter().map(|target| (*target).to_owned()).collect(),
            }],
            from: now - chrono::TimeDelta::hours(1),
            until: now + chrono::TimeDelta::hours(1),
            risk: Risk::High,
            uses: None,
        }
    }

    fn touch() -> Grant {
        grant("touch", None, &[EffectKind::Write], &["/srv/**"])
    }

    fn says(grant: Grant, question: &Question) -> Option<Principal> {
        match block_on(Grants::new([grant]).unwrap().ask(question)) {
            Asked::Replied(reply) => {
                assert!(
                    matches!(&reply.say, Say::Approve(Some(reason)) if reason.contains("`g` of person:anna"))
                );
                Some(reply.principal)
            }
            Asked::NoChannel(_) => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_covers_its_shape_and_nothing_beside_it() {
        for (command, covered) in [
            ("touch /srv/a", true),
            ("touch /srv/a /srv/b/c", true),
            ("ls /srv; touch /srv/a", false),
            ("touch /etc/a", false),
            ("touch /srv/../etc/a", false),
            ("touch $X", false),
            ("touch /srv/a > /srv/b", true),
            ("touch /srv/a > /etc/b", false),
            ("> /srv/b", false),
            ("sudo touch /srv/a", false),
            ("bash -c 'touch /srv/a'", false),
            ("/tmp/touch /srv/a", false),
            ("touch /srv/a; rm /srv/a", false),
            ("touch /srv/$(rm -rf /)", false),
            ("cat /srv/a", true),
        ] {
            let question = question_for(command);
            assert_eq!(says(touch(), &question).is_some(), covered, "{command}");
        }
    }

    #[test]
    fn it_is_recorded_under_who_granted_it_and_they_have_no_second_yes() {
        let mut question = question_for("touch /srv/a");
        assert_eq!(says(touch(), &question), Some(Principal::service("anna")));
        question.approved_by = vec![Principal::person("Anna")];
        assert_eq!(says(touch(), &question), None);
    }

    #[test]
    fn it_ends_is_used_up_is_taken_back_and_is_for_one_requester() {
        let question = question_for("touch /srv/a");
        let past = Grant { until: now() - chrono::TimeDelta::seconds(1), ..touch() };
        assert_eq!(says(past, &question), None);
        let future = Grant { from: now() + chrono::TimeDelta::minutes(1), ..touch() };
        assert_eq!(says(future, &question), None);
        assert_eq!(says(Grant { requester: Principal::agent("other"), ..touch() }, &question), None);
        assert_eq!(says(Grant { owner: Some(Principal::person("olga")), ..touch() }, &question), None);
        assert_eq!(says(Grant { risk: Risk::Low, ..touch() }, &question), None);
        let grants = Grants::new([Grant { uses: Some(1), ..touch() }]).unwrap();
        assert!(matches!(block_on(grants.ask(&question)), Asked::Replied(_)));
        assert!(matches!(block_on(grants.ask(&question)), Asked::NoChannel(_)));
        let grants = Grants::new([touch()]).unwrap();
        assert_eq!(grants.standing(now()).len(), 1);
        assert_eq!(grants.revoke_all_of(&Principal::person("ANNA")), 1);
        assert!(matches!(block_on(grants.ask(&question)), Asked::NoChannel(_)));
    }

    #[test]
    fn grants_that_cannot_stand() {
        let now = now();
        for (grant, why) in [
            (Grant { risk: Risk::Critical, ..touch() }, "critical"),
            (Grant { granted_by: Principal::agent("helper"), ..touch() }, "only a person"),
            (Grant { granted_by: Principal::person(question().requester.name), ..touch() }, "somebody else"),
            (Grant { until: now + chrono::TimeDelta::days(400), ..touch() }, "90 days"),
            (Grant { shapes: vec![], ..touch() }, "covers nothing"),
            (Grant { id: " ".into(), ..touch() }, "no name"),
            (grant("touch", None, &[], &["**"]), "effects"),
            (grant("touch", None, &[EffectKind::Write], &[]), "targets"),
        ] {
            let error = Grants::new([grant]).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        assert!(Grants::new([touch(), touch()]).is_err());
    }

    #[test]
    fn what_is_critical_is_never_covered() {
        let mut question = question_for("touch /srv/a");
        question.risk = Risk::Critical;
        assert_eq!(says(touch(), &question), None);
    }
}
