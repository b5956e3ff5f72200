//! What must hold of every policy and every request: stricter rules never loosen, nor does an
//! untrusted layer, and the unknown is what all it could be agree on.

use guardrail_schema::{EffectKind, Risk};
use proptest::prelude::*;

use crate::evaluation::{Approval, Decision};
use crate::lower::{Value, Word};
use crate::policy::facet::{Facet, Side, Slot};
use crate::policy::index::Found;
use crate::policy::model::*;
use crate::policy::path::{self, Reach};
use crate::policy::rule::Rule;
use crate::policy::scene::{Act, Scene};
use crate::policy::truth::Truth;
use crate::policy::value::OneOrMany;
use crate::policy::{Layer, Policy};
use crate::request::Request;
use crate::shell::Span;

/// Facets that the rules here ask about; each holds one of few words.
const ASKED: [Facet; 5] =
    [Facet::Tool, Facet::Command, Facet::KubernetesNamespace, Facet::Actor, Facet::GitBranch];
/// Words that patterns name, and one that none does.
const WORDS: [&str; 3] = ["a", "b", "other"];
const PATTERNS: [&str; 5] = ["a", "b", "!a", "*", "a*"];

fn patterns() -> impl Strategy<Value = Option<OneOrMany<String>>> {
    prop::option::weighted(0.4, prop::collection::vec(prop::sample::select(&PATTERNS[..]), 1..3))
        .prop_map(|texts| texts.map(|texts| OneOrMany(texts.into_iter().map(str::to_owned).collect())))
}

/// Targets that rules name.
const TARGETS: [&str; 7] = ["src/**", "src/a/b", "/srv/x/**", "/etc/**", "~/.ssh/**", "!src/a/**", "**/b"];

fn targets() -> impl Strategy<Value = Option<OneOrMany<String>>> {
    prop::option::weighted(0.3, prop::collection::vec(prop::sample::select(&TARGETS[..]), 1..3))
        .prop_map(|texts| texts.map(|texts| OneOrMany(texts.into_iter().map(str::to_owned).collect())))
}

/// What acts are on: paths that are known more or less, with and without a place to stand.
fn target() -> impl Strategy<Value = Slot<'static>> {
    const PATHS: [&str; 9] =
        [".", "src", "src/a/b", "/", "/srv/x/y", "/etc/passwd", "/home/dev", "src/*", "b"];
    let reach = prop::sample::select(vec![Reach::Itself, Reach::Perhaps, Reach::Below]);
    (prop::option::weighted(0.9, prop::sample::select(&PATHS[..])), reach, any::<[bool; 3]>()).prop_map(
        |(path, reach, [stands, at_home, name])| {
            let Some(path) = path else { return Slot::Unknown };
            if name {
                return Slot::name(path);
            }
            let mut request = Request::shell("");
            request.cwd = stands.then(|| "/home/dev/app".into());
            request.facts.home = at_home.then(|| "/home/dev".into());
            let mut word = Word::known(path.as_bytes(), Span::default());
            if path.contains('*') {
                word = Word { value: Value::Unknown, pattern: Some(path.as_bytes()), ..word };
            }
            path::slot(&word, &Word::known(b"", Span::default()), &request, reach)
        },
    )
}

fn when() -> impl Strategy<Value = When> {
    let risk = prop::option::weighted(0.2, prop::sample::select(vec![Risk::Low, Risk::Medium, Risk::High]));
    let effect =
        prop::option::weighted(0.2, prop::sample::select(vec![EffectKind::Write, EffectKind::Delete]));
    (patterns(), patterns(), patterns(), patterns(), patterns(), targets(), risk, effect).prop_map(
        |(tool, command, namespace, actor, branch, target, risk, effect)| When {
            target,
            tool,
            command,
            actor,
            kubernetes: Kubernetes { namespace, ..Kubernetes::default() },
            git: Git { branch, ..Git::default() },
            risk: risk.map(|risk| OneOrMany(vec![risk])),
            effect: effect.map(|effect| OneOrMany(vec![effect])),
            ..When::default()
        },
    )
}

fn rule(says: impl Strategy<Value = Says>) -> impl Strategy<Value = RuleFile> {
    let overrides = prop::sample::select(vec![vec![], vec![Override::Production], vec![Override::Critical]]);
    (says, when(), 1_u8..4, overrides, any::<u32>()).prop_map(|(decision, when, approvers, overrides, id)| {
        let approval = ApprovalFile { approvers: Some(approvers), ..ApprovalFile::default() };
        RuleFile {
            name: format!("rule-{id}"),
            decision,
            when,
            approval: (decision == Says::Ask).then_some(approval),
            overrides: if decision == Says::Allow { overrides } else { Vec::new() },
            reason: None,
            instead: None,
            matches: Vec::new(),
            not_matches: Vec::new(),
        }
    })
}

fn any_rule() -> impl Strategy<Value = RuleFile> {
    rule(prop::sample::select(vec![Says::Allow, Says::Ask, Says::Deny]))
}

fn audience() -> impl Strategy<Value = Audience> {
    let kind = prop::sample::select(vec![AudienceKind::Direct, AudienceKind::Team, AudienceKind::Public]);
    (prop::option::of(kind), patterns()).prop_map(|(kind, tools)| Audience { kind, max_risk: None, tools })
}

prop_compose! {
    fn file()(
        mode in prop::option::weighted(0.3, prop::sample::select(Mode::ALL.to_vec())),
        flags in prop::array::uniform6(prop::option::weighted(0.3, any::<bool>())),
        channel in prop::option::weighted(0.2, audience()),
        skill in prop::option::weighted(0.2, audience()),
        approvers in prop::option::weighted(0.2, 2_u8..4),
        rules in prop::collection::vec(any_rule(), 0..6),
    ) -> PolicyFile {
        let [low, workspace, dry_run, block, critical, approval] = flags;
        let more = approvers.map(|count| ApprovalFile { approvers: Some(count), ..ApprovalFile::default() });
        PolicyFile {
            mode,
            execution: Execution {
                auto_approve_low_risk: low,
                auto_approve_workspace: workspace,
                require_dry_run: dry_run,
            },
            safety: Safety {
                block_production: block,
                production_namespaces: None,
                allow_critical: critical,
                require_approval: approval,
            },
            approval: Approvals { high: more.clone(), critical: more, ..Approvals::default() },
            channels: channel.into_iter().map(|audience| ("*".to_owned(), audience)).collect(),
            skills: skill.into_iter().map(|audience| ("a".to_owned(), audience)).collect(),
            rules,
            ..PolicyFile::default()
        }
    }
}

fn slot() -> impl Strategy<Value = Slot<'static>> {
    prop_oneof![
        1 => Just(Slot::Nothing),
        2 => Just(Slot::Unknown),
        1 => Just(Slot::Every),
        4 => prop::sample::select(&WORDS[..]).prop_map(Slot::name),
    ]
}

prop_compose! {
    fn act()(
        slots in prop::collection::vec(slot(), ASKED.len()),
        target in target(),
        effect in prop::sample::select(vec![EffectKind::Read, EffectKind::Write, EffectKind::Delete]),
        risk in prop::sample::select(vec![Risk::Low, Risk::Medium, Risk::High, Risk::Critical]),
        environment in prop_oneof![Just(Slot::Unknown), Just(Slot::name("production")), Just(Slot::name("test"))],
        flags in any::<[bool; 6]>(),
    ) -> Act<'static> {
        let [claimed, possible, opaque, nameless, light, unknown] = flags;
        let mut act = Act {
            risk, claimed, possible, opaque, nameless, light, unknown, effect: Some(effect), ..Act::default()
        };
        for (facet, slot) in ASKED.into_iter().zip(slots) {
            act.set(facet, slot);
        }
        act.set(Facet::Target, target);
        act.set(Facet::Effect, Slot::name(effect.as_str()));
        act.set(Facet::Risk, Slot::name(risk.as_str()));
        act.set(Facet::Environment, environment);
        act
    }
}

prop_compose! {
    fn scene()(acts in prop::collection::vec(act(), 0..4), request in prop::collection::vec(slot(), 3)) -> Scene<'static> {
        let mut scene = Scene { acts, ..Scene::default() };
        for (facet, slot) in [Facet::Actor, Facet::Channel, Facet::Skill].into_iter().zip(request) {
            // A request has these, or nobody knows them.
            scene.set(facet, if slot == Slot::Nothing || slot == Slot::Every { Slot::Unknown } else { slot });
        }
        scene
    }
}

fn built(files: impl IntoIterator<Item = (Layer, PolicyFile)>) -> Option<Policy> {
    let builder =
        files.into_iter().fold(Policy::builder(), |builder, (layer, file)| builder.file(layer, file));
    builder.build().ok()
}

/// Whether all that `other` asks for is asked for by `one` too.
fn at_least(one: &Decision, other: &Decision) -> bool {
    match (one, other) {
        (Decision::Deny, _) | (_, Decision::Allow) => true,
        (Decision::Ask(one), Decision::Ask(other)) => {
            let Approval { approvers, roles, rollback, impact, dry_run, .. } = one;
            *approvers >= other.approvers
                && other.roles.iter().all(|role| roles.contains(role))
                && *rollback >= other.rollback
                && *impact >= other.impact
                && *dry_run >= other.dry_run
        }
        _ => false,
    }
}

/// Every scene that this one may turn out to be: its unknown words are one of the alphabet.
fn completions(scene: &Scene<'static>) -> Vec<Scene<'static>> {
    let mut open: Vec<(Option<usize>, Facet)> = Vec::new();
    let unknown = |slots: &[Slot<'_>], facet: Facet| slots.get(facet as usize) == Some(&Slot::Unknown);
    open.extend(
        ASKED.into_iter().filter(|f| f.is_of_request() && unknown(&scene.request, *f)).map(|f| (None, f)),
    );
    for (at, act) in scene.acts.iter().enumerate() {
        let of_act = ASKED.into_iter().filter(|f| !f.is_of_request() && unknown(&act.slots, *f));
        open.extend(of_act.map(|facet| (Some(at), facet)));
    }
    let mut all = vec![scene.clone()];
    for (at, facet) in open.into_iter().take(5) {
        all = all
            .into_iter()
            .flat_map(|scene| {
                WORDS.map(|word| {
                    let mut scene = scene.clone();
                    match at {
                        None => scene.set(facet, Slot::name(word)),
                        Some(at) => scene.acts[at].set(facet, Slot::name(word)),
                    }
                    scene
                })
            })
            .collect();
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 400 } else { 20_000 }))]

    #[test]
    fn a_stricter_rule_never_loosens(
        file in file(),
        added in rule(prop::sample::select(vec![Says::Ask, Says::Deny])),
        scene in scene(),
    ) {
        let mut more = file.clone();
        more.rules.push(added);
        let (Some(before), Some(after)) = (built([(Layer::User, file)]), built([(Layer::User, more)])) else {
            return Ok(());
        };
        let (before, after) = (before.weigh(&scene).0, after.weigh(&scene).0);
        prop_assert!(at_least(&after, &before), "{before:?} became {after:?}");
    }

    #[test]
    fn an_untrusted_layer_never_loosens(upper in file(), lower in file(), scene in scene()) {
        let above = built([(Layer::User, upper.clone())]);
        let both = built([(Layer::User, upper), (Layer::Project, lower)]);
        let (Some(above), Some(both)) = (above, both) else { return Ok(()) };
        let (above, both) = (above.weigh(&scene).0, both.weigh(&scene).0);
        prop_assert!(at_least(&both, &above), "{above:?} became {both:?}");
    }

    #[test]
    fn nothing_critical_runs_without_a_person(file in file(), scene in scene()) {
        let Some(policy) = built([(Layer::User, file)]) else { return Ok(()) };
        if scene.acts.iter().any(|act| act.risk == Risk::Critical) {
            let asks = match policy.weigh(&scene).0 {
                Decision::Allow => false,
                Decision::Ask(approval) => approval.approvers >= 2 && approval.dry_run && approval.rollback,
                Decision::Deny => true,
            };
            prop_assert!(asks);
        }
    }

    #[test]
    fn a_decision_on_the_unknown_holds_whatever_it_is(mut file in file(), mut scene in scene()) {
        // What the rubric denies stays denied where the rule that would lift it may not match.
        file.rules.iter_mut().for_each(|rule| rule.overrides.clear());
        // Two at most, so that all completions can be looked at.
        scene.acts.truncate(2);
        for act in &mut scene.acts {
            (act.opaque, act.nameless) = (false, false);
        }
        let Some(policy) = built([(Layer::User, file)]) else { return Ok(()) };
        let decision = policy.weigh(&scene).0;
        for completion in completions(&scene) {
            let complete = policy.weigh(&completion).0;
            match decision {
                Decision::Allow => prop_assert_eq!(&complete, &Decision::Allow),
                Decision::Deny => prop_assert_eq!(&complete, &Decision::Deny),
                Decision::Ask(_) => {}
            }
        }
    }

    #[test]
    fn a_rule_on_the_unknown_is_what_all_completions_agree_on(file in any_rule(), act in act(), actor in slot()) {
        let mixed = |patterns: &Option<OneOrMany<String>>| {
            let texts = patterns.as_ref().map(|patterns| patterns.0.as_slice()).unwrap_or_default();
            texts.iter().any(|text| text.starts_with('!')) && texts.iter().any(|text| !text.starts_with('!'))
        };
        let when = &file.when;
        let exact = ![&when.tool, &when.command, &when.kubernetes.namespace, &when.actor, &when.git.branch]
            .into_iter()
            .any(mixed);
        let rule = Rule::new(&file, 0, 0);
        let act = Act { claimed: false, possible: false, opaque: false, nameless: false, ..act };
        let mut scene = Scene { acts: vec![act], ..Scene::default() };
        scene.set(Facet::Actor, actor);
        let truth = rule.holds(&scene, &scene.acts[0]);
        let outcomes: Vec<Truth> = completions(&scene).iter().map(|scene| rule.holds(scene, &scene.acts[0])).collect();
        // Every value there is stays what it is, and may be unknown to a rule of exceptions.
        let settled = outcomes.iter().all(|outcome| *outcome != Truth::Unknown);
        let agreed = |truth| outcomes.iter().all(|outcome| *outcome == truth);
        match truth {
            Truth::True => prop_assert!(agreed(Truth::True)),
            Truth::False => prop_assert!(agreed(Truth::False)),
            Truth::Unknown if exact && settled && file.when.target.is_none() => prop_assert!(!agreed(Truth::True) && !agreed(Truth::False)),
            Truth::Unknown => {}
        }
    }

    #[test]
    fn the_index_leaves_no_rule_out(rules in prop::collection::vec(any_rule(), 0..12), scene in scene()) {
        let file = PolicyFile { rules, ..PolicyFile::default() };
        let Some(policy) = built([(Layer::User, file)]) else { return Ok(()) };
        let mut found = Found::default();
        for act in &scene.acts {
            policy.index().candidates(policy.rules(), &scene, act, &mut found);
            for (id, rule) in policy.rules().iter().enumerate() {
                let id = id as u32;
                let truth = rule.holds(&scene, act);
                let alike = found.alike.iter().any(|alike| alike.rules.contains(&id));
                let speaks = match rule.side() {
                    Side::Allowing => truth == Truth::True,
                    Side::Restricting => truth != Truth::False,
                };
                prop_assert!(!speaks || alike || found.rules.contains(&id), "{rule:?} was left out");
                prop_assert!(truth != Truth::True || found.rules.contains(&id), "{rule:?} certainly matches");
                // What is not tried has to be what trying it would give.
                prop_assert!(!alike || truth != Truth::False, "{rule:?} cannot match");
            }
        }
    }
}
