//! A secret that is known by the name of its variable alone, on its way to a network: `curl -d "$TOKEN"`.
//!
//! Whoever gave it out may have it, and so may a machine of one's own. In a header, or in front of an `@`, any
//! service is given what it asks for: there it matters only where it is known whose the secret is.

use std::collections::BTreeSet;

use guardrail_schema::{EffectKind, Prints, Risk, Role, Scope};

use super::exfiltration::is_redirection;
use super::flow::{self, Reach};
use super::{Case, Found};
use crate::effect::{Effect, Target};
use crate::host::Host;
use crate::identify::language::Act;
use crate::identify::{Given, Standing};
use crate::lower::{Input, InvocationId, Lead, Origin, Value, Word, is_secret};
use crate::shell::Span;

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    if !case.effects().any(flow::is_network) {
        return;
    }
    let secrets = Secrets::of(case);
    if !secrets.any {
        return;
    }
    // Effects of one invocation stand together.
    let mut last = None;
    let effects = &case.analysis.effects;
    for (at, effect) in effects.iter().enumerate().filter(|(_, effect)| flow::is_network(effect)) {
        if !is_redirection(effect) && last.replace(effect.invocation) == Some(effect.invocation) {
            continue;
        }
        let sent = secrets.sent(case, effect, effects.get(at..).unwrap_or_default());
        let Some((risk, unknown)) = sent.worth(case) else { continue };
        let name = sent.names.first().map(|name| String::from_utf8_lossy(name)).unwrap_or_default();
        let message = ["sends the secret in `", &name, "` to a host that did not give it out"].concat();
        found.at(effect.source, sent.span.unwrap_or(effect.span), risk, unknown, message);
    }
}

/// The secrets that a request carries, and how.
#[derive(Default)]
struct Sent<'a> {
    names: BTreeSet<&'a [u8]>,
    /// As what it says, and not as what it signs in with.
    told: bool,
    /// Through a pipe or a file: not among the words.
    flows: bool,
    /// The word that carries it.
    span: Option<Span>,
    hosts: Vec<Option<Host<'a>>>,
    /// An address is known, and may be read in more than one way.
    unclear: bool,
}

impl<'a> Sent<'a> {
    fn add(&mut self, names: BTreeSet<&'a [u8]>, told: bool, span: Option<Span>) {
        if names.is_empty() {
            return;
        }
        if (told && !self.told) || self.span.is_none() {
            self.span = span;
        }
        self.told |= told;
        self.names.extend(names);
    }

    /// How bad it is, and whether that is for want of knowing the host.
    fn worth(&self, case: &Case<'_, '_, '_>) -> Option<(Risk, bool)> {
        // A tool that is given no address asks the service that it is for.
        if self.names.is_empty() || (self.hosts.is_empty() && !self.flows) {
            return None;
        }
        let given_by =
            |name: &[u8], host: &Host<'_>| case.knowledge.hosts(name).map(|hosts| host.is_among(hosts));
        let known = self.names.iter().any(|name| case.knowledge.hosts(name).is_some());
        let strange = |host: &Host<'_>| {
            !host.is_private() && self.names.iter().any(|name| given_by(name, host) == Some(false))
        };
        let stranger = self.hosts.iter().flatten().any(strange) || (known && self.unclear);
        if !self.told {
            return stranger.then_some((Risk::High, false));
        }
        let home = |host: &Option<Host<'_>>| {
            host.is_some_and(|host| {
                host.is_private()
                    || (host.scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"https"))
                        && self.names.iter().all(|name| given_by(name, &host) == Some(true)))
            })
        };
        if !self.hosts.is_empty() && self.hosts.iter().all(home) {
            return None;
        }
        let named = self.hosts.iter().any(Option::is_some);
        Some(if known && named { (Risk::Critical, false) } else { (Risk::High, !named) })
    }
}

/// The variables that hold secrets, and how far what prints them reaches.
struct Secrets<'a> {
    /// Whether there is any.
    any: bool,
    /// Those that something prints.
    printed: BTreeSet<&'a [u8]>,
    reach: Reach,
    /// What prints one, and what is wrapped around that.
    printing: BTreeSet<InvocationId>,
}

impl<'a> Secrets<'a> {
    fn of(case: &Case<'_, 'a, '_>) -> Self {
        let program = &case.analysis.identified.program;
        let mut any = false;
        let mut starts: Vec<(InvocationId, BTreeSet<&'a [u8]>)> = Vec::new();
        for (invocation, at) in program.invocations.iter().zip(0..) {
            let id = InvocationId(at);
            any |= invocation.words.iter().any(|word| names(case, word).next().is_some());
            let mut printed = BTreeSet::new();
            if let Input::Text(word) = &invocation.stdin {
                printed.extend(names(case, word));
            }
            for word in invocation.words {
                printed.extend(names(case, word).filter(|_| may_print(case, id, word)));
            }
            if !printed.is_empty() {
                starts.push((id, printed));
            }
        }
        any |= !starts.is_empty();
        if !starts.is_empty() {
            // What asks somebody else prints the answer, and what starts another command what that prints.
            let asks = |effect: &&Effect<'_, '_>| {
                (flow::is_network(effect) || effect.scope != Scope::Local) && !is_redirection(effect)
            };
            let asking: BTreeSet<_> = case.effects().filter(asks).map(|effect| effect.invocation).collect();
            let wraps: BTreeSet<_> = program.invocations.iter().filter_map(|child| child.parent).collect();
            let fed = |id| {
                let invocation = program.invocation(id);
                invocation.is_some_and(|invocation| matches!(invocation.stdin, Input::Text(_)))
            };
            starts.retain(|(id, _)| !asking.contains(id) && (!wraps.contains(id) || fed(*id)));
        }
        let printed = starts.iter().flat_map(|(_, names)| names).copied().collect();
        let starts: Vec<_> = starts.into_iter().map(|(id, _)| id).collect();
        let mut printing = BTreeSet::new();
        for &id in &starts {
            let mut next = Some(id);
            while let Some(id) = next.filter(|&id| printing.insert(id)) {
                next = program.invocation(id).and_then(|invocation| invocation.parent);
            }
        }
        Self { any, printed, reach: Reach::from(case, starts.into_iter()), printing }
    }

    /// What goes out with a request: with an invocation, or with what the shell itself opens.
    fn sent<'k>(
        &self,
        case: &Case<'_, 'a, 'k>,
        effect: &Effect<'a, 'k>,
        behind: &[Effect<'a, 'k>],
    ) -> Sent<'a> {
        let mut sent = Sent::default();
        let identified = &case.analysis.identified;
        let Some(invocation) = identified.program.invocation(effect.invocation) else { return sent };
        if is_redirection(effect) {
            if self.printing.contains(&effect.invocation) || self.reach.enters(effect.invocation, invocation)
            {
                sent.add(self.printed.clone(), true, None);
                sent.hosts.push(opened(&effect.target));
            }
            return sent;
        }
        let own = || behind.iter().take_while(|other| other.invocation == effect.invocation);
        let outward = || own().filter(|other| other.kind == EffectKind::NetworkOut && !is_redirection(other));
        if outward().next().is_some() {
            let piped = match &invocation.stdin {
                Input::Channel(channel) => self.reach.has(*channel),
                _ => false,
            };
            if piped || self.reach.is_read_by(case, effect.invocation) {
                sent.add(self.printed.clone(), true, None);
                sent.flows = true;
            }
            if let Input::Text(word) = &invocation.stdin {
                sent.add(self.held(case, effect.invocation, word), true, Some(word.span));
                sent.flows = true;
            }
        }
        let arguments = || identified.calls_of(effect.invocation).flat_map(|call| &call.arguments);
        // Code of its own says whom it asks, and what.
        let coded = identified
            .calls_of(effect.invocation)
            .flat_map(|call| &call.found)
            .any(|found| matches!(found.found.act, Act::Network(_)));
        for word in invocation.words.iter().skip(1) {
            let names = self.held(case, effect.invocation, word);
            if names.is_empty() {
                continue;
            }
            let within = |span: Span| span.start >= word.span.start && span.end <= word.span.end;
            let mut told = coded;
            sent.flows |= coded;
            let mut is_address = false;
            for argument in arguments().filter(|argument| within(argument.word.span)) {
                match argument.role {
                    Role::Send => told |= argument.given != Given::Operand || !is_header(&argument.word),
                    Role::Upload => told = true,
                    address if !address.is_address() => {}
                    _ if argument.given == Given::Operand && is_header(&argument.word) => {}
                    _ => {
                        // One that is nothing but the variable is the service's own.
                        is_address |= matches!(argument.word.value, Value::Unknown);
                        told |= !is_address && signs_in(&argument.word).is_none();
                    }
                }
            }
            let flagged = |other: &Effect<'_, '_>| {
                let around = other.span.start < word.span.start && word.span.end <= other.span.end;
                let attached = other.span == word.span;
                (around || attached)
                    && matches!(other.target, Target::Nothing)
                    && other.source == effect.source
            };
            told |= !is_address && outward().any(flagged);
            sent.add(if is_address { BTreeSet::new() } else { names }, told, Some(word.span));
        }
        if !sent.names.is_empty() {
            let unclear = |word: &Word<'_>| {
                word.as_known().is_some_and(|text| !text.is_empty() && Host::of(text).is_none())
            };
            sent.unclear = arguments().any(|argument| *argument.role == Role::Url && unclear(&argument.word));
            let addressed =
                arguments().filter(|argument| argument.role.is_address() && !is_header(&argument.word));
            sent.hosts.extend(addressed.map(|argument| destination(&argument.word)));
            sent.hosts.extend(own().filter_map(|other| match &other.target {
                Target::Address(word) if !is_header(word) => Some(destination(word)),
                _ => None,
            }));
        }
        sent
    }

    /// What a word holds of them.
    fn held(&self, case: &Case<'_, 'a, '_>, id: InvocationId, word: &Word<'a>) -> BTreeSet<&'a [u8]> {
        let flowed =
            |origin: &Origin<'_>| matches!(origin, Origin::Channel(channel) if self.reach.has(*channel));
        if word.as_known().is_none() && word.from.iter().any(flowed) {
            return self.printed.clone();
        }
        let mut held: BTreeSet<_> = names(case, word).collect();
        // What a wrapper was given stands among the words of what it starts.
        let program = &case.analysis.identified.program;
        let mut around = program.invocation(id).and_then(|invocation| invocation.parent);
        if word.from.contains(&Origin::Input) {
            for _ in 0..MOST_WRAPPERS {
                let Some(wrapper) = around.and_then(|id| program.invocation(id)) else { break };
                if let Input::Text(text) = &wrapper.stdin {
                    held.extend(names(case, text));
                }
                around = wrapper.parent;
            }
        }
        held
    }
}

/// Wrappers around a command that are looked at.
const MOST_WRAPPERS: usize = 64;

/// Whether what a word holds may be printed. What a tool that is known is given behind a flag, such as a password, it
/// keeps; what is code of its own may do anything with it.
fn may_print(case: &Case<'_, '_, '_>, id: InvocationId, word: &Word<'_>) -> bool {
    let mut calls = case.analysis.identified.calls_of(id).peekable();
    calls.peek().is_none()
        || calls.any(|call| {
            let is_code = |role: &Role| matches!(role, Role::Code(_) | Role::Script(_));
            let around = |span: Span| span.start <= word.span.start && word.span.end <= span.end;
            call.standing != Standing::Known
                || call.prints == Some(Prints::Operands)
                || call.arguments.iter().any(|argument| is_code(argument.role))
                || !call.flags.iter().any(|used| around(used.span))
        })
}

/// The variables with secrets that a word is made of.
fn names<'a>(case: &Case<'_, 'a, '_>, word: &Word<'a>) -> impl Iterator<Item = &'a [u8]> {
    let from = if word.as_known().is_some() { &[] } else { word.from };
    from.iter().filter_map(|origin| match origin {
        Origin::Variable(name) if is_secret(name) || case.knowledge.hosts(name).is_some() => Some(*name),
        _ => None,
    })
}

/// `Name: value`, as some tools take headers among what they send.
fn is_header(word: &Word<'_>) -> bool {
    let text = word.prefix();
    let end =
        text.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'-')).unwrap_or(text.len());
    let value = text.get(end..).and_then(|behind| behind.strip_prefix(b":"));
    // Neither `name:=value`, nor an address.
    let is_value = |text: &[u8]| !matches!(text.first(), Some(b'=' | b'/' | b'0'..=b'9'));
    end > 0 && word.as_known().is_none() && value.is_some_and(is_value)
}

/// What stands behind the name of whoever signs in, in `https://name:$TOKEN@host/path`: only where nothing but
/// variables of the caller's stands in front of it.
fn signs_in<'a>(word: &Word<'a>) -> Option<&'a [u8]> {
    let Value::Partial { prefix, suffix } = word.value else { return None };
    let at = prefix.windows(3).position(|three| three == b"://")?;
    let name = prefix.get(at + 3..)?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_' | b'.');
    let begins = suffix.iter().position(|byte| !plain(byte))?;
    let (_, behind) = suffix.split_at_checked(begins)?;
    let host = behind.strip_prefix(b"@")?;
    (word.lead == Lead::Text && word.is_of_variables() && name.iter().all(plain)).then_some(host)
}

/// Whom an address names.
fn destination<'a>(word: &Word<'a>) -> Option<Host<'a>> {
    match word.value {
        Value::Known(text) => Host::of(text),
        Value::Partial { prefix, .. } => match signs_in(word) {
            Some(behind) => Host::of(behind).map(|host| Host { scheme: scheme(prefix), ..host }),
            None => Host::of_beginning(prefix),
        },
        Value::Unknown => None,
    }
}

fn scheme(prefix: &[u8]) -> Option<&[u8]> {
    prefix.windows(3).position(|three| three == b"://").and_then(|at| prefix.get(..at))
}

/// The host behind `/dev/tcp/`.
fn opened<'a>(target: &Target<'a>) -> Option<Host<'a>> {
    let Target::Path(word, _) = target else { return None };
    Host::of(word.as_known()?.split(|byte| *byte == b'/').nth(3)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word<'a>(prefix: &'a str, suffix: &'a str, from: &'a [Origin<'a>]) -> Word<'a> {
        let value = Value::Partial { prefix: prefix.as_bytes(), suffix: suffix.as_bytes() };
        Word { value, from, ..Word::unknown(Span::default()) }
    }

    #[test]
    fn whom_a_name_in_front_of_an_address_is_told() {
        let from = [Origin::Variable(b"TOKEN")];
        let name = |prefix, suffix| destination(&word(prefix, suffix, &from)).map(|host| host.name);
        assert_eq!(name("https://", "@example.com/x"), Some(&b"example.com"[..]));
        assert_eq!(name("https://me:", "@example.com/x"), Some(&b"example.com"[..]));
        assert_eq!(name("https://", ":x@example.com/x"), Some(&b"example.com"[..]));
        assert_eq!(name("https://evil.example/", "@example.com"), Some(&b"evil.example"[..]));
        assert_eq!(name("https://", ".evil.example/@example.com"), None);
        assert_eq!(name("https://", "@evil.example@example.com"), None);
        let from = [Origin::Input];
        assert_eq!(destination(&word("https://", "@example.com/x", &from)).map(|host| host.name), None);
    }

    #[test]
    fn headers_among_what_is_sent() {
        for (text, header) in [
            ("Authorization:Bearer ", true),
            ("x=", false),
            ("x:=", false),
            (":", false),
            ("https://x/", false),
            ("x:8080/", false),
        ] {
            assert_eq!(is_header(&word(text, "", &[])), header, "{text}");
        }
    }
}
