//! Reads the facets of an act off its call and effect.

use std::borrow::Cow;

use guardrail_schema::{EffectKind, Scope};

use crate::effect::{Analysis, Area, Code, Effect, Target};
use crate::identify::manifest::Namespace;
use crate::identify::{Call, Standing, Unknown};
use crate::lower::{InvocationId, Lead, Place, Value as WordValue, Word};
use crate::policy::facet::{Facet, Facets, Slot, Value};
use crate::policy::kubernetes;
use crate::policy::model::AreaName;
use crate::policy::path::{self, Reach};
use crate::policy::scene::{Act, is_recursive};
use crate::request::{Environment, Request};

/// Reads facets of the acts of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'s, 'x, 'a, 'k> {
    pub(crate) request: &'s Request,
    pub(crate) analysis: &'x Analysis<'a, 'k>,
    pub(crate) wanted: Facets,
}

impl<'s> Reader<'s, 's, '_, '_> {
    pub(crate) fn read(self, id: InvocationId, effect: Option<&'s Effect<'_, '_>>, act: &mut Act<'s>) {
        let environment = match self.request.facts.environment {
            None => Slot::Unknown,
            Some(environment) => Slot::name(environment_name(environment)),
        };
        act.set(Facet::Environment, environment);
        // Where two calls are one invocation, an embedder's tool adds to a built-in one.
        let Some(call) = self.analysis.identified.calls_of(id).next() else { return };
        self.tool(call, act);
        self.command(call, act);
        let Some(effect) = effect else { return };
        act.set(Facet::Effect, Slot::name(effect.kind.as_str()));
        act.set(Facet::Scope, Slot::name(landing(effect).as_str()));
        if self.wanted.has(Facet::Target) {
            act.set(Facet::Target, self.target(id, effect));
        }
        if let Target::Path(_, location) = &effect.target {
            act.set(Facet::Area, area(location.area));
        }
        match landing(effect) {
            Scope::Cluster => self.kubernetes(call, effect, act),
            Scope::Database => sql(effect, act),
            _ => {}
        }
        if matches!(effect.kind, EffectKind::NetworkIn | EffectKind::NetworkOut) {
            self.http(call, effect, act);
        }
        self.git(call, effect, act);
    }

    fn tool(self, call: &'s Call<'_, '_>, act: &mut Act<'s>) {
        act.claimed = matches!(call.standing, Standing::Elsewhere | Standing::File);
        let slot = match call.standing {
            Standing::Nothing => Slot::Nothing,
            Standing::Nameless => {
                act.nameless = true;
                Slot::Unknown
            }
            _ => {
                let word = self.analysis.identified.program.invocation(call.invocation);
                let word = word.and_then(|invocation| invocation.words.first());
                let named_call = self.is_named_call(call);
                match word.and_then(Word::as_known).filter(|_| !named_call) {
                    Some(word) => {
                        let own = base(word);
                        let known =
                            call.tool.and_then(|tool| tool.tool.names.first()).map(|name| name.as_bytes());
                        match known.filter(|known| *known != own) {
                            Some(known) => Slot::Alias(known, own),
                            None => Slot::known(own),
                        }
                    }
                    None if named_call => Slot::Nothing,
                    None => Slot::Unknown,
                }
            }
        };
        act.set(Facet::Tool, slot);
    }

    /// Whether the call is the request's own, not a program.
    fn is_named_call(self, call: &Call<'_, '_>) -> bool {
        matches!(self.request.action, crate::request::Action::Call { .. })
            && call.invocation == InvocationId(0)
    }

    fn command(self, call: &'s Call<'_, '_>, act: &mut Act<'s>) {
        let unlisted = call.unknown.iter().any(|(unknown, _)| matches!(unknown, Unknown::Subcommand(_)));
        let slot = match call.command {
            _ if unlisted => Slot::Unknown,
            Some(command) if command.path.len() == 1 => {
                command.path.first().map_or(Slot::Nothing, |word| Slot::known(word.as_bytes()))
            }
            Some(command) if !command.path.is_empty() => Slot::known(command.path.join(" ").into_bytes()),
            _ => Slot::Nothing,
        };
        act.set(Facet::Command, slot);
    }

    fn target(self, id: InvocationId, effect: &'s Effect<'_, '_>) -> Slot<'s> {
        match &effect.target {
            Target::Path(word, location) => {
                if effect.place != Place::Here {
                    // Another machine's files: only what is written from the root says where.
                    let text = word.as_known().filter(|text| text.first() == Some(&b'/'));
                    return text.map_or(Slot::Unknown, |_| {
                        path::slot(word, &Word::known(b"", effect.span), self.request, Reach::Perhaps)
                    });
                }
                let Some(invocation) = self.analysis.identified.program.invocation(id) else {
                    return Slot::Unknown;
                };
                let reach = match effect.kind {
                    _ if is_recursive(effect) || location.whole => Reach::Below,
                    EffectKind::Read | EffectKind::ReadSecret | EffectKind::Execute => Reach::Itself,
                    _ => Reach::Perhaps,
                };
                path::slot(word, &invocation.directory, self.request, reach)
            }
            Target::Name(word) | Target::Address(word) => text(word),
            Target::Data(_) => Slot::Nothing,
            Target::Code(Code::Program(word, _)) => text(word),
            Target::Code(_) => Slot::Unknown,
            Target::Statement(_, object) => match object {
                Some(object) => Slot::known(object.as_bytes()),
                None => Slot::Unknown,
            },
            Target::Nothing => match effect.kind {
                EffectKind::Read
                | EffectKind::Execute
                | EffectKind::NetworkIn
                | EffectKind::NetworkOut
                | EffectKind::Privilege => Slot::Nothing,
                // It changes something that the command line does not name.
                _ => Slot::Unknown,
            },
        }
    }

    fn kubernetes(self, call: &'s Call<'_, '_>, effect: &Effect<'_, '_>, act: &mut Act<'s>) {
        let facts = &self.request.facts;
        let verb = call.command.and_then(|command| command.path.first());
        act.set(
            Facet::KubernetesVerb,
            match verb {
                Some(verb) => Slot::known(verb.as_bytes()),
                None => Slot::Unknown,
            },
        );
        if self.wanted.has(Facet::KubernetesKind) {
            act.set(Facet::KubernetesKind, self.kinds(call));
        }
        // What is known of this machine's configuration is not known of another's.
        let here = effect.place == Place::Here;
        let context = one_of(call, "context");
        let usual = here
            && !call.has_facet("kubeconfig")
            && match &context {
                None => true,
                Some(Slot::One(value)) => {
                    value.suffix.is_none()
                        && facts.kube_context.as_deref().map(str::as_bytes) == Some(&value.prefix)
                }
                Some(_) => false,
            };
        let fact = |fact: &'s Option<String>| Slot::fact(fact.as_deref().filter(|_| usual));
        if self.wanted.has(Facet::KubernetesNamespace) {
            let everywhere = call.has_facet("all-namespaces") || call.has_facet("A");
            let named = one_of(call, "namespace");
            let slot = match named {
                _ if everywhere => Slot::Every,
                Some(slot) => slot,
                None => fact(&facts.kube_namespace),
            };
            act.set(Facet::KubernetesNamespace, self.with_documents(call, with_namespaces(call, slot)));
        }
        let context = context.unwrap_or_else(|| fact(&facts.kube_context));
        act.set(Facet::KubernetesContext, context);
    }

    /// The kinds of what is named, and of what the documents describe.
    fn kinds(self, call: &Call<'_, '_>) -> Slot<'static> {
        let resources = resources(call);
        let documented = !call.manifests.is_empty() || !call.documents.is_empty();
        // What a release holds is not on the command line.
        if resources.is_none() && !documented || documented && !self.is_told(call) {
            return Slot::Unknown;
        }
        let mut kinds: Vec<_> = resources.into_iter().flatten().map(|(kind, _)| kind).collect();
        for object in call.manifests.iter().flat_map(|manifest| &manifest.contents.objects) {
            match object.kind {
                Some(kind) => kinds.push(kubernetes::kind(kind)),
                None => return Slot::Unknown,
            }
        }
        kinds.sort_unstable();
        kinds.dedup();
        match kinds.is_empty() {
            true => Slot::Unknown,
            false => Slot::of(kinds.into_iter().map(|kind| Value::known(kind.into_bytes())).collect()),
        }
    }

    /// Whether everything that the documents of a call describe is known: those that are files were given
    /// by the caller, whom policies believe as they believe its facts, and nothing else in the request
    /// could have made others of them.
    fn is_told(self, call: &Call<'_, '_>) -> bool {
        let unread = call
            .manifests
            .iter()
            .any(|manifest| manifest.contents.problem.is_some() || !manifest.contents.follow.is_empty());
        if unread || !call.documents.iter().all(|named| named.seen) {
            return false;
        }
        let meddles = |effect: &Effect<'_, '_>| {
            effect.invocation != call.invocation
                && !matches!(
                    effect.kind,
                    EffectKind::Read
                        | EffectKind::ReadSecret
                        | EffectKind::NetworkOut
                        | EffectKind::Privilege
                )
        };
        call.documents.is_empty() || !self.analysis.effects.iter().any(meddles)
    }

    /// Whoever acts on what a document describes acts in the namespaces that it names, beside the usual
    /// one.
    fn with_documents(self, call: &Call<'_, '_>, slot: Slot<'s>) -> Slot<'s> {
        let objects = || call.manifests.iter().flat_map(|manifest| &manifest.contents.objects);
        let documented = !call.manifests.is_empty() || !call.documents.is_empty();
        // A command that names its namespace refuses objects of another one.
        let named = call.manifests.is_empty() && call.has_facet("namespace");
        if slot == Slot::Every || !documented || named {
            return slot;
        }
        if !self.is_told(call) || objects().any(|object| object.namespace == Namespace::Unknown) {
            return Slot::Unknown;
        }
        let mut names: Vec<Value<'s>> = Vec::new();
        let mut usual = false;
        for object in objects() {
            match object.namespace {
                Namespace::Named(name) => {
                    let name = Value::known(name.as_bytes().to_vec());
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
                _ => usual = true,
            }
        }
        if names.is_empty() {
            return slot;
        }
        match slot {
            Slot::One(value) if usual => names.push(value),
            Slot::Many(values) if usual => names.extend(values),
            Slot::Unknown if usual => return Slot::Unknown,
            _ => {}
        }
        Slot::of(names)
    }

    fn http(self, call: &'s Call<'_, '_>, effect: &'s Effect<'_, '_>, act: &mut Act<'s>) {
        if self.wanted.has(Facet::HttpHost) {
            let host = match &effect.target {
                Target::Address(word) => host(word),
                // What is sent goes to the addresses of the same call.
                _ => {
                    let addresses = call.arguments.iter().filter(|argument| argument.role.is_address());
                    let mut hosts = Vec::new();
                    let mut unknown = false;
                    for argument in addresses {
                        match host(&argument.word) {
                            Slot::One(host) => hosts.push(host),
                            _ => unknown = true,
                        }
                    }
                    if unknown || hosts.is_empty() { Slot::Unknown } else { Slot::of(hosts) }
                }
            };
            act.set(Facet::HttpHost, host);
        }
        if self.wanted.has(Facet::HttpMethod) {
            let method = one_of(call, "method").or_else(|| one_of(call, "request"));
            let method = method.unwrap_or(match effect.kind {
                EffectKind::NetworkIn => Slot::name("GET"),
                _ => Slot::Unknown,
            });
            act.set(Facet::HttpMethod, method);
        }
    }

    fn git(self, call: &'s Call<'_, '_>, effect: &Effect<'_, '_>, act: &mut Act<'s>) {
        let refspec = |call: &'s Call<'_, '_>| call.facet("refspec").collect::<Vec<_>>();
        let of_repository = landing(effect) == Scope::Repository
            || call.scope == Scope::Repository
            || call.has_facet("refspec");
        if !of_repository {
            return;
        }
        if self.wanted.has(Facet::GitRepository) {
            let named = one_of(call, "repository").or_else(|| one_of(call, "repo"));
            let network = matches!(effect.kind, EffectKind::NetworkIn | EffectKind::NetworkOut)
                || landing(effect) == Scope::Registry;
            let slot = named.unwrap_or(if network { Slot::Unknown } else { Slot::Nothing });
            act.set(Facet::GitRepository, slot);
        }
        if self.wanted.has(Facet::GitBranch) {
            let words = refspec(call);
            let every = ["all", "mirror", "branches"].iter().any(|flag| call.has_facet(flag));
            let slot = if every && landing(effect) != Scope::Repository {
                Slot::Every
            } else if words.is_empty() {
                Slot::fact(self.request.facts.git_branch.as_deref().filter(|_| effect.place == Place::Here))
            } else {
                let values = words.iter().map(|word| match word.as_known() {
                    Some(b"HEAD" | b"@") => {
                        self.request.facts.git_branch.as_deref().map(|b| Value::known(b.as_bytes()))
                    }
                    Some(word) => Some(Value::known(branch(word).to_vec())),
                    None => None,
                });
                values.collect::<Option<Vec<_>>>().map_or(Slot::Unknown, Slot::of)
            };
            act.set(Facet::GitBranch, slot);
        }
    }
}

/// Where an effect lands, the place its invocation was taken to counted in.
pub(crate) fn landing(effect: &Effect<'_, '_>) -> Scope {
    match effect.place {
        Place::Here => effect.scope,
        Place::Container if effect.scope == Scope::Local => Scope::Container,
        Place::Remote if effect.scope == Scope::Local => Scope::Remote,
        _ => effect.scope,
    }
}

pub(crate) const fn environment_name(environment: Environment) -> &'static str {
    match environment {
        Environment::Production => "production",
        Environment::Staging => "staging",
        Environment::Development => "development",
        Environment::Test => "test",
    }
}

fn area(area: Area) -> Slot<'static> {
    match area {
        Area::Workspace => Slot::name(AreaName::Workspace.as_str()),
        Area::Temporary => Slot::name(AreaName::Temporary.as_str()),
        Area::Home => Slot::name(AreaName::Home.as_str()),
        Area::Device => Slot::name(AreaName::Device.as_str()),
        Area::System => Slot::name(AreaName::System.as_str()),
        Area::Stream | Area::Network => Slot::Nothing,
        Area::Unknown => Slot::Unknown,
    }
}

fn base(word: &[u8]) -> &[u8] {
    word.rsplit(|b| *b == b'/').next().unwrap_or(word)
}

/// The last place of a refspec, without what stands before a branch's name.
fn branch(refspec: &[u8]) -> &[u8] {
    let refspec = refspec.strip_prefix(b"+").unwrap_or(refspec);
    let last = refspec.rsplit(|b| *b == b':').next().unwrap_or(refspec);
    last.strip_prefix(b"refs/heads/").unwrap_or(last)
}

fn text(word: &Word<'_>) -> Slot<'static> {
    match value(word) {
        Some(value) => Slot::One(value),
        None => Slot::Unknown,
    }
}

fn value(word: &Word<'_>) -> Option<Value<'static>> {
    if word.lead != Lead::Text || word.splits || word.pattern.is_some() {
        return None;
    }
    match word.value {
        WordValue::Known(text) => Some(Value::known(text.to_vec())),
        WordValue::Partial { prefix, suffix } => {
            Some(Value { prefix: Cow::Owned(prefix.to_vec()), suffix: Some(Cow::Owned(suffix.to_vec())) })
        }
        WordValue::Unknown => None,
    }
}

/// The words that a call has for a facet of its knowledge; `None` where it has none.
fn one_of(call: &Call<'_, '_>, facet: &str) -> Option<Slot<'static>> {
    let mut values = Vec::new();
    for word in call.facet(facet) {
        match value(&word) {
            Some(value) => values.push(value),
            None => return Some(Slot::Unknown),
        }
    }
    (!values.is_empty()).then(|| Slot::of(values))
}

/// The resources that a call names, as `kind/name`, `kind name...` or `kind,kind`.
fn resources(call: &Call<'_, '_>) -> Option<Vec<(String, Option<String>)>> {
    let mut found = Vec::new();
    let mut behind: Option<Vec<String>> = None;
    for word in call.facet("resource") {
        let text = std::str::from_utf8(word.as_known()?).ok()?.to_owned();
        match (text.split_once('/'), &behind) {
            (Some((kind, name)), _) => found.push((kubernetes::kind(kind), Some(name.to_owned()))),
            (None, None) => {
                let kinds: Vec<String> = text.split(',').map(kubernetes::kind).collect();
                found.extend(kinds.iter().map(|kind| (kind.clone(), None)));
                behind = Some(kinds);
            }
            (None, Some(kinds)) => found.extend(kinds.iter().map(|kind| (kind.clone(), Some(text.clone())))),
        }
    }
    (!found.is_empty()).then_some(found)
}

/// Whoever acts on a namespace itself acts in it.
fn with_namespaces<'s>(call: &Call<'_, '_>, slot: Slot<'s>) -> Slot<'s> {
    let namespace = kubernetes::kind("namespace");
    let Some(resources) = resources(call) else { return slot };
    let of_namespaces: Vec<_> = resources.into_iter().filter(|(kind, _)| *kind == namespace).collect();
    if of_namespaces.is_empty() || slot == Slot::Every {
        return slot;
    }
    let names: Vec<Value<'s>> = of_namespaces
        .into_iter()
        .filter_map(|(_, name)| name)
        .map(|name| Value::known(name.into_bytes()))
        .collect();
    if names.is_empty() { Slot::Every } else { Slot::of(names) }
}

/// The host of an address.
fn host(word: &Word<'_>) -> Slot<'static> {
    let bytes = match word.value {
        WordValue::Known(text) => text,
        // All of it stands before the unknown piece.
        WordValue::Partial { prefix, .. } => {
            let rest = prefix.windows(3).position(|w| w == b"://").and_then(|at| prefix.get(at + 3..));
            match rest {
                Some(rest) if rest.contains(&b'/') || rest.contains(&b'?') => prefix,
                _ => return Slot::Unknown,
            }
        }
        WordValue::Unknown => return Slot::Unknown,
    };
    let Ok(text) = std::str::from_utf8(bytes) else { return Slot::Unknown };
    // curl makes several addresses of these; and some read a backslash as a slash.
    if text.contains(['{', '[', '\\']) || text.chars().any(char::is_whitespace) {
        return Slot::Unknown;
    }
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().trim_end_matches('.');
    if host.is_empty() { Slot::Unknown } else { Slot::known(host.as_bytes().to_vec()) }
}

fn sql(effect: &Effect<'_, '_>, act: &mut Act<'_>) {
    match &effect.target {
        Target::Statement(verb, object) => {
            act.set(Facet::SqlVerb, Slot::name(verb));
            let table = object.as_ref().map(|object| Slot::known(object.as_bytes().to_vec()));
            act.set(Facet::SqlTable, table.unwrap_or(Slot::Unknown));
        }
        // Statements that nothing is found in only ask; which tables is not read.
        _ if effect.kind == EffectKind::Read => {
            act.set(Facet::SqlVerb, Slot::name("select"));
            act.set(Facet::SqlTable, Slot::Unknown);
        }
        _ => {
            act.set(Facet::SqlVerb, Slot::Unknown);
            act.set(Facet::SqlTable, Slot::Unknown);
        }
    }
}
