//! A request taken apart into acts, each with the facets that rules ask about.
//!
//! An act is one invocation with one of its effects (or an invocation that does nothing by
//! itself). Every finding above Low is pinned to the acts its words belong to, and gives them
//! their risk; what belongs to none is pinned to one act of which nothing is known.

use chrono::{DateTime, Utc};
use guardrail_schema::{EffectKind, Mark, Risk, Scope};
use serde_json::Value as Json;

use crate::effect::{Analysis, Area, Code, Effect, Target};
use crate::evaluation::Finding;
use crate::lower::{InvocationId, Place};
use crate::policy::facet::{Facet, Facets, Slot};
use crate::policy::read::Reader;
use crate::request::{Action, Request};
use crate::shell::Span;

/// A request as rules see it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scene<'s> {
    /// What holds for all acts; indexed by facet.
    pub(crate) request: [Slot<'s>; Facet::COUNT],
    pub(crate) time: Option<DateTime<Utc>>,
    /// The arguments of a named tool call.
    pub(crate) arguments: Option<&'s Json>,
    pub(crate) acts: Vec<Act<'s>>,
}

/// One thing that a request would do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Act<'s> {
    /// Indexed by facet; those of the request are not here.
    pub(crate) slots: [Slot<'s>; Facet::COUNT],
    pub(crate) risk: Risk,
    /// A finding says that something about it cannot be known.
    pub(crate) unknown: bool,
    /// The program only goes by the tool's name: it does not stand where tools do.
    pub(crate) claimed: bool,
    /// It happens only if a word that cannot be known is what it asks for.
    pub(crate) possible: bool,
    /// It runs code that nobody sees: it may do anything.
    pub(crate) opaque: bool,
    /// Nobody knows which programs it starts either.
    pub(crate) nameless: bool,
    /// Work inside of the workspace that the light setting frees.
    pub(crate) light: bool,
    /// The whole act is what could not be pinned to any.
    pub(crate) rest: bool,
    /// Its place among the evaluation's invocations in the order found, for explanations.
    pub(crate) invocation: Option<InvocationId>,
    pub(crate) effect: Option<EffectKind>,
}

impl<'s> Act<'s> {
    /// An act of which nothing is known.
    fn unknown(risk: Risk) -> Self {
        Self {
            slots: std::array::from_fn(|_| Slot::Unknown),
            risk,
            unknown: true,
            opaque: true,
            nameless: true,
            rest: true,
            ..Self::default()
        }
    }

    pub(crate) fn set(&mut self, facet: Facet, slot: Slot<'s>) {
        if let Some(place) = self.slots.get_mut(facet as usize) {
            *place = slot;
        }
    }
}

const NOTHING: &Slot<'static> = &Slot::Nothing;

impl<'s> Scene<'s> {
    /// What is known of a facet of one of its acts.
    pub(crate) fn slot<'x>(&'x self, act: &'x Act<'s>, facet: Facet) -> &'x Slot<'s> {
        let slots = if facet.is_of_request() { &self.request } else { &act.slots };
        slots.get(facet as usize).unwrap_or(NOTHING)
    }

    pub(crate) fn set(&mut self, facet: Facet, slot: Slot<'s>) {
        if let Some(place) = self.request.get_mut(facet as usize) {
            *place = slot;
        }
    }

    /// Takes a request apart; of the facets, only those that are wanted are read.
    pub(crate) fn new(
        request: &'s Request,
        analysis: &'s Analysis<'_, '_>,
        findings: &[Finding],
        wanted: Facets,
    ) -> Self {
        let mut scene = Self { time: request.time, ..Self::default() };
        scene.set(Facet::Actor, Slot::fact(request.actor.as_deref()));
        scene.set(Facet::Channel, Slot::fact(request.channel.as_deref()));
        scene.set(Facet::Session, Slot::fact(request.session.as_deref()));
        scene.set(Facet::Skill, Slot::fact(request.skill.as_deref()));
        if let Action::Call { name, arguments } = &request.action {
            scene.set(Facet::CallName, Slot::known(name.as_bytes()));
            scene.arguments = Some(arguments);
        }
        let mut places = Vec::with_capacity(analysis.effects.len() + analysis.identified.calls.len());
        for effect in &analysis.effects {
            let mut act = deed(effect);
            Reader { request, analysis, wanted }.read(effect.invocation, Some(effect), &mut act);
            places.push((effect.source.0, effect.span));
            scene.acts.push(act);
        }
        let mut busy: Vec<InvocationId> = analysis.effects.iter().map(|effect| effect.invocation).collect();
        busy.sort_unstable();
        let mut last = None;
        for call in &analysis.identified.calls {
            if busy.binary_search(&call.invocation).is_ok() || last == Some(call.invocation) {
                continue;
            }
            last = Some(call.invocation);
            let mut act = Act { invocation: Some(call.invocation), ..Act::default() };
            Reader { request, analysis, wanted }.read(call.invocation, None, &mut act);
            let place = analysis.identified.program.invocation(call.invocation);
            places.push(place.map_or((call.source.0, call.named), |i| (i.source.0, i.span)));
            scene.acts.push(act);
        }
        scene.pin(analysis, findings, &places);
        scene.lighten(analysis);
        for act in &mut scene.acts {
            act.set(Facet::Risk, Slot::name(act.risk.as_str()));
        }
        scene
    }

    /// Gives every act the risk of the findings that are about it.
    fn pin(&mut self, analysis: &Analysis<'_, '_>, findings: &[Finding], places: &[(u32, Span)]) {
        let mut rest: Option<Risk> = None;
        for finding in findings.iter().filter(|finding| finding.risk > Risk::Low || finding.unknown) {
            let at = (finding.source, finding.span);
            let mut found = false;
            for (act, _) in self.acts.iter_mut().zip(places).filter(|(_, place)| **place == at) {
                found = true;
                act.risk = act.risk.max(finding.risk);
                act.unknown |= finding.unknown;
            }
            if found {
                continue;
            }
            // About no effect: about the smallest command around it.
            let around = analysis.identified.program.invocations.iter().enumerate().filter(|(_, i)| {
                i.source.0 == finding.source
                    && i.span.start <= finding.span.start
                    && finding.span.end <= i.span.end
            });
            let smallest = around.clone().map(|(_, i)| i.span.end - i.span.start).min();
            for (id, _) in around.filter(|(_, i)| Some(i.span.end - i.span.start) == smallest) {
                for act in self.acts.iter_mut().filter(|act| act.invocation == Some(InvocationId(id as u32)))
                {
                    found = true;
                    act.risk = act.risk.max(finding.risk);
                    act.unknown |= finding.unknown;
                }
            }
            if !found {
                rest = rest.max(Some(finding.risk));
            }
        }
        self.acts.extend(rest.map(Act::unknown));
    }

    /// Finds the acts that are everyday work: Medium, on what lies in the workspace, by an
    /// invocation that reaches no network and acts with nobody else's rights.
    fn lighten(&mut self, analysis: &Analysis<'_, '_>) {
        let heavy = |kind: EffectKind| {
            !matches!(
                kind,
                EffectKind::Read
                    | EffectKind::Write
                    | EffectKind::Delete
                    | EffectKind::Execute
                    | EffectKind::Configure
            )
        };
        let mut burdened: Vec<InvocationId> = analysis
            .effects
            .iter()
            .filter(|effect| heavy(effect.kind))
            .map(|effect| effect.invocation)
            .collect();
        burdened.sort_unstable();
        for (act, effect) in self.acts.iter_mut().zip(&analysis.effects) {
            let near =
                effect.place == Place::Here && matches!(effect.scope, Scope::Local | Scope::Repository);
            let inside = match &effect.target {
                Target::Path(_, location) => location.area == Area::Workspace && !location.startup,
                Target::Nothing | Target::Name(_) => true,
                Target::Address(_) | Target::Data(_) | Target::Code(_) | Target::Statement(..) => false,
            };
            act.light = act.risk == Risk::Medium
                && !act.unknown
                && !act.claimed
                && near
                && inside
                && burdened.binary_search(&effect.invocation).is_err();
        }
    }
}

/// What an effect says of an act, beside its facets.
fn deed<'s>(effect: &Effect<'_, '_>) -> Act<'s> {
    let (opaque, nameless) = match &effect.target {
        Target::Code(Code::Program(..) | Code::Visible) => (true, false),
        Target::Code(Code::Nameless | Code::Opaque | Code::Fed(_)) => (true, true),
        _ => (false, false),
    };
    Act {
        invocation: Some(effect.invocation),
        effect: Some(effect.kind),
        possible: effect.possible,
        opaque,
        nameless,
        ..Act::default()
    }
}

/// Whether an effect takes along what is in the directory it is on.
pub(crate) fn is_recursive(effect: &Effect<'_, '_>) -> bool {
    effect.marks.has(Mark::Recursive)
}
