//! Code that comes from a network, or was hidden by an encoding, straight into an interpreter or
//! by way of a file: nobody has seen what will run.

use guardrail_schema::{EffectKind, Risk};

use super::files::{Meets, run_by};
use super::flow::{self, Reach};
use super::{Case, Found};
use crate::effect::{Area, Code, Effect, Target};
use crate::identify::language::Act;
use crate::identify::{Call, FeedSource};
use crate::lower::{Input, Invocation, InvocationId, Origin, Word};
use crate::shell::Span;

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    let analysis = case.analysis;
    let is_fed = |effect: &&Effect<'_, '_>| {
        effect.kind == EffectKind::Execute && matches!(effect.target, Target::Code(_))
    };
    // `sh < /dev/tcp/...`, or a descriptor that leads there: what cannot be known while one is open.
    let runs = |effect: &&Effect<'_, '_>| effect.kind == EffectKind::Execute;
    let connected = case.effects().any(|effect| is_at(effect, Area::Network));
    for effect in case.effects().filter(runs).filter(|_| connected) {
        if is_at(effect, Area::Network) || is_at(effect, Area::Unknown) {
            found.on(effect, Risk::Critical, false, || "runs code that comes from a network".into());
        }
    }
    evaluated(case, found);
    let executes = |effect: &Effect<'_, '_>| effect.kind == EffectKind::Execute;
    let program = &analysis.identified.program;
    // Without a stream or a file between them nothing reaches what runs.
    let fed = case.effects().any(|effect| is_fed(&effect)) && !program.channels.is_empty();
    let runs = || {
        let installs =
            |effect: &Effect<'_, '_>| effect.kind == EffectKind::Write && is_at(effect, Area::System);
        let loads = || analysis.identified.calls.iter().any(|call| imports(call).next().is_some());
        program.invocations.len() > 1
            && (case.effects().any(|effect| executes(effect) || installs(effect)) || loads())
    };
    let comes = || {
        let decodes = || analysis.identified.calls.iter().any(|call| call.has_facet("decode"));
        case.effects().any(flow::is_network) || decodes()
    };
    if !(fed || runs()) || !comes() || !(fed || case.files().is_some()) {
        return;
    }
    let network = Reach::of(case, flow::is_network);
    // A tool's file names the flag that makes it decode.
    let decoders = analysis.identified.calls.iter().filter(|call| call.has_facet("decode"));
    let decoded = Reach::from(case, decoders.map(|call| call.invocation));
    if case.files().is_some() {
        for effect in case.effects().filter(|effect| executes(effect)) {
            files(case, effect, &network, &decoded, found);
        }
        installed(case, &network, found);
        imported(case, &network, found);
    }
    for effect in case.effects().filter(is_fed) {
        let Some(invocation) = analysis.identified.program.invocation(effect.invocation) else { continue };
        let reached = |reach: &Reach| match &effect.target {
            Target::Code(Code::Fed(feed)) => match feed.from {
                FeedSource::Channel(channel) => reach.has(channel),
                _ => false,
            },
            Target::Code(Code::Opaque | Code::Nameless) => {
                flow::word_channels(invocation).any(|c| reach.has(c))
                    || (reads_input(invocation) && reach.is_read_by(case, effect.invocation))
            }
            // A program nothing is known of may be an interpreter as well.
            Target::Code(Code::Program(..)) => match invocation.stdin {
                Input::Channel(channel) => reach.has(channel),
                _ => false,
            },
            _ => false,
        };
        let interpreter = !matches!(&effect.target, Target::Code(Code::Program(..)));
        if reached(&network) {
            let risk = if interpreter { Risk::Critical } else { Risk::High };
            found.on(effect, risk, true, || "runs code that comes from a network".into());
            if let Some(finding) = found.findings.last_mut() {
                finding.instead.get_or_insert("download it to a file, read it, then run the file".into());
            }
        } else if interpreter && is_code(effect) && reached(&decoded) {
            found.on(effect, Risk::Critical, true, || "runs code that was hidden by an encoding".into());
        }
    }
}

/// Texts that run what the programs they start have printed (`eval(execSync('curl ...'))`).
fn evaluated(case: &Case<'_, '_, '_>, found: &mut Found) {
    let identified = &case.analysis.identified;
    for call in &identified.calls {
        let Some(text) = call.found.iter().find(|found| matches!(found.found.act, Act::Printed)) else {
            continue;
        };
        let within = |mut id: InvocationId| {
            for _ in 0..MOST_WRAPPERS {
                match identified.program.invocation(id).and_then(|invocation| invocation.parent) {
                    Some(parent) if parent == call.invocation => return true,
                    Some(parent) => id = parent,
                    None => return false,
                }
            }
            true
        };
        if case.effects().any(|effect| flow::is_network(effect) && within(effect.invocation)) {
            found.at(call.source, text.span, Risk::Critical, true, "runs code that comes from a network");
        } else if identified.calls.iter().any(|inner| inner.has_facet("decode") && within(inner.invocation)) {
            found.at(
                call.source,
                text.span,
                Risk::Critical,
                true,
                "runs code that was hidden by an encoding",
            );
        }
    }
}

/// Wrappers around a command that are looked at.
const MOST_WRAPPERS: usize = 64;

/// A file that runs, or a directory whose code does, and what the script has written there.
fn files(
    case: &Case<'_, '_, '_>,
    effect: &Effect<'_, '_>,
    network: &Reach,
    decoded: &Reach,
    found: &mut Found,
) {
    let analysis = case.analysis;
    let Some(invocation) = analysis.identified.program.invocation(effect.invocation) else { return };
    let Some(file) = run_by(analysis, effect, invocation) else {
        // `make` runs what lies in its directory.
        if matches!(effect.target, Target::Nothing) && effect.says.is_some() {
            let here = analysis.file(&Word::known(b".", effect.span), invocation);
            if network.meets(case, &here, false) == Some(Meets::Yes) {
                found.on(effect, Risk::High, true, || {
                    "runs code in a directory that comes from a network".into()
                });
            }
            // `pip install ./x.whl`: what it is given it runs, or some of it.
            let given = |word: &Word<'_>| {
                let plain = word.as_known().is_some_and(|text| !text.is_empty() && !text.starts_with(b"-"));
                plain && network.holds(case, &analysis.file(word, invocation))
            };
            if invocation.words.iter().skip(1).any(given) {
                found.on(effect, Risk::High, true, || "runs code of a file that comes from a network".into());
            }
        }
        return;
    };
    let (risk, message) = match (network.meets(case, &file, true), decoded.meets(case, &file, true)) {
        (Some(Meets::Yes), _) => {
            (Risk::Critical, "runs a file that comes from a network, which nobody has seen")
        }
        (_, Some(Meets::Yes)) => (Risk::Critical, "runs a file that was hidden by an encoding"),
        (None, None) => return,
        _ => (Risk::High, "may run a file that comes out of an archive which nobody has seen"),
    };
    found.on(effect, risk, true, || message.into());
    if let Some(finding) = found.findings.last_mut() {
        finding
            .instead
            .get_or_insert("fetch the file first, read it, and run it in a step of its own".into());
    }
}

/// Programs that the script puts where programs are searched, and runs by their names.
fn installed(case: &Case<'_, '_, '_>, network: &Reach, found: &mut Found) {
    for call in &case.analysis.identified.calls {
        let invocation = case.analysis.identified.program.invocation(call.invocation);
        let Some(name) = invocation.and_then(|i| i.words.first()).and_then(Word::as_known) else { continue };
        if !name.contains(&b'/') && network.installs(case, name) {
            let message = "runs a program that comes from a network, which nobody has seen";
            found.at(call.source, call.named, Risk::Critical, true, message);
        }
    }
}

/// Modules that a text loads and files that a tool runs unasked, which the script has fetched.
fn imported(case: &Case<'_, '_, '_>, network: &Reach, found: &mut Found) {
    for call in &case.analysis.identified.calls {
        let Some(invocation) = case.analysis.identified.program.invocation(call.invocation) else { continue };
        for (path, span) in imports(call) {
            let file = case.analysis.file(&Word::known(path, span), invocation);
            // What may lie in a directory that was fetched is only there if it is.
            if network.holds(case, &file) {
                let message = "loads a file that comes from a network, which nobody has seen";
                found.at(call.source, span, Risk::Critical, true, message);
            }
        }
    }
}

/// The files that a call would load where they are there.
fn imports<'c, 'a>(call: &'c Call<'a, '_>) -> impl Iterator<Item = (&'c [u8], Span)> {
    call.found.iter().filter_map(|found| match &found.found.act {
        Act::Import(path) => Some((&**path, found.span)),
        _ => None,
    })
}

/// Whether what an invocation runs was read from its input, or its wrapper's.
fn reads_input(invocation: &Invocation<'_>) -> bool {
    invocation.words.iter().any(|word| word.from.contains(&Origin::Input))
}

fn is_at(effect: &Effect<'_, '_>, area: Area) -> bool {
    matches!(&effect.target, Target::Path(_, location) if location.area == area)
}

fn is_code(effect: &Effect<'_, '_>) -> bool {
    match &effect.target {
        Target::Code(Code::Fed(feed)) => !feed.language.is_sql(),
        _ => true,
    }
}
