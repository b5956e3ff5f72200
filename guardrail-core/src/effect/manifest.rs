//! What the documents of a call do: the effects of what they describe, and how far they reach.

use bumpalo::Bump;
use guardrail_schema::{self as schema, Role, Scope};
use smol_str::SmolStr;

use crate::effect::{Collector, Floor, Target};
use crate::evaluation::{BlastRadius, Change, NamedDocument, Touched};
use crate::identify::manifest::{Manifest, Namespace, Object};
use crate::identify::{Call, Identified};
use crate::lower::Word;

/// Objects of which the same thing is said one by one.
const MOST_ALIKE: usize = 8;

/// Groups that a blast radius lists, and names for each.
const MOST_GROUPS: usize = 64;
const MOST_NAMES: usize = 8;

/// Files that are named to whoever may read them.
const MOST_DOCUMENTS: usize = 256;

impl<'a, 'k> Collector<'_, 'a, 'k> {
    pub(super) fn manifests(&mut self) {
        let call = self.call;
        for manifest in &call.manifests {
            self.objects(manifest);
            if manifest.verb.changes {
                self.fields(manifest);
            }
        }
    }

    fn objects(&mut self, manifest: &Manifest<'a, 'k>) {
        let mut alike: Vec<(&'k schema::Effect, usize)> = Vec::new();
        for object in &manifest.contents.objects {
            for known in &object.known {
                let said = [
                    (changes(manifest, object), &known.changed),
                    (destroys(manifest, object), &known.deleted),
                ];
                for says in said.into_iter().filter(|(holds, _)| *holds).flat_map(|(_, effects)| effects) {
                    let seen = match alike.iter_mut().find(|(other, _)| std::ptr::eq(*other, says)) {
                        Some((_, seen)) => {
                            *seen += 1;
                            *seen
                        }
                        None => {
                            alike.push((says, 1));
                            1
                        }
                    };
                    if seen <= MOST_ALIKE {
                        let kind = object.kind.unwrap_or_default();
                        let text = match object.name {
                            Some(name) if name.starts_with(kind) => name.to_owned(),
                            name => format!("{kind}/{}", name.unwrap_or("?")),
                        };
                        self.say(manifest, says, object.at, &text);
                    }
                }
            }
        }
    }

    fn fields(&mut self, manifest: &Manifest<'a, 'k>) {
        let mut alike: Vec<(*const schema::Field, usize)> = Vec::new();
        for used in &manifest.contents.fields {
            let seen = match alike.iter_mut().find(|(other, _)| std::ptr::eq(*other, used.field)) {
                Some((_, seen)) => {
                    *seen += 1;
                    *seen
                }
                None => {
                    alike.push((used.field, 1));
                    1
                }
            };
            // Paths differ in where they lead, and each has to be looked at.
            if used.field.role.is_none() && seen > MOST_ALIKE {
                continue;
            }
            let key = used.field.path.join(".");
            for says in &used.field.effects {
                self.say(manifest, says, used.at, used.text.filter(|text| !text.is_empty()).unwrap_or(&key));
            }
            let (source, span) = manifest.place(self.call.source, used.at);
            let word =
                used.text.map_or_else(|| Word::unknown(span), |text| Word::known(text.as_bytes(), span));
            let before = self.effects.len();
            match used.field.role {
                Some(Role::Mount) => self.mount(word),
                Some(Role::Read) => self.path(schema::EffectKind::Read, word, span),
                Some(Role::Write) => self.path(schema::EffectKind::Write, word, span),
                _ => {}
            }
            for effect in self.effects.iter_mut().skip(before) {
                effect.source = source;
            }
        }
    }

    /// One effect of a piece of a document, in the words of what is known of it.
    fn say(&mut self, manifest: &Manifest<'a, 'k>, says: &'k schema::Effect, at: (u32, u32), on: &str) {
        let (source, span) = manifest.place(self.call.source, at);
        let Some(kind) = says.kind else {
            self.floors.push(Floor { source, span, says });
            return;
        };
        let arena: &'a Bump = self.effects.bump();
        let target = Target::Name(Word::known(arena.alloc_str(on).as_bytes(), span));
        let scope = says.scope.unwrap_or(self.call.scope);
        self.state(says, kind, scope, span, target);
        if let Some(effect) = self.effects.last_mut() {
            effect.source = source;
        }
    }
}

fn changes(manifest: &Manifest<'_, '_>, object: &Object<'_, '_>) -> bool {
    manifest.verb.changes && object.change != Some(Change::Destroy)
}

fn destroys(manifest: &Manifest<'_, '_>, object: &Object<'_, '_>) -> bool {
    match object.change {
        None => manifest.verb.destroys,
        Some(change) => manifest.verb.changes && matches!(change, Change::Replace | Change::Destroy),
    }
}

/// How far the documents of a request reach. `namespace` is the one that the caller knows to be the
/// usual one.
pub(crate) fn blast_radius(identified: &Identified<'_, '_>, namespace: Option<&str>) -> BlastRadius {
    let mut radius = BlastRadius::default();
    for call in &identified.calls {
        for manifest in call.manifests.iter().filter(|manifest| !manifest.verb.reads()) {
            radius.incomplete |= manifest.contents.problem.is_some();
            for object in &manifest.contents.objects {
                touch(&mut radius, call, manifest, object, namespace);
            }
        }
    }
    radius
}

/// The files that are read as documents by commands that do something with what they describe.
pub(crate) fn documents(identified: &Identified<'_, '_>) -> Vec<NamedDocument> {
    let mut found: Vec<NamedDocument> = Vec::new();
    let named = identified.calls.iter().flat_map(|call| &call.documents);
    for named in named.filter(|named| !named.verb.reads()) {
        let Some(path) = named.path else { continue };
        let within = named.within.iter().map(SmolStr::new).collect();
        let document = NamedDocument { path: path.into(), within, deep: named.deep, attached: named.seen };
        if !found.contains(&document) && found.len() < MOST_DOCUMENTS {
            found.push(document);
        }
    }
    found
}

fn touch(
    radius: &mut BlastRadius,
    call: &Call<'_, '_>,
    manifest: &Manifest<'_, '_>,
    object: &Object<'_, '_>,
    usual: Option<&str>,
) {
    let verb = manifest.verb;
    let change = object.change.unwrap_or(match (verb.destroys, verb.changes) {
        (true, true) => Change::Replace,
        (true, false) => Change::Destroy,
        (false, true) => Change::Apply,
        (false, false) => Change::Update,
    });
    let kind = object.kind.map(SmolStr::new);
    let cluster = object.namespace == Namespace::Cluster;
    let namespace = match object.namespace {
        Namespace::Named(name) => Some(SmolStr::new(name)),
        Namespace::Default => match call.facet("namespace").last() {
            Some(word) => word.as_known().map(|text| SmolStr::new(String::from_utf8_lossy(text))),
            None => usual.map(SmolStr::new),
        },
        Namespace::Cluster | Namespace::Unknown => None,
    };
    radius.incomplete |= object.namespace == Namespace::Unknown || object.kind.is_none();
    radius.objects = radius.objects.saturating_add(1);
    let same = |one: &&mut Touched| {
        one.change == change
            && one.scope == call.scope
            && one.kind == kind
            && one.namespace == namespace
            && one.whole_cluster == (cluster && call.scope == Scope::Cluster)
    };
    let name = object.name.map(SmolStr::new);
    if let Some(one) = radius.touched.iter_mut().find(same) {
        one.count = one.count.saturating_add(1);
        if one.names.len() < MOST_NAMES {
            one.names.extend(name);
        }
    } else if radius.touched.len() < MOST_GROUPS {
        radius.touched.push(Touched {
            change,
            scope: call.scope,
            kind,
            namespace,
            whole_cluster: cluster && call.scope == Scope::Cluster,
            count: 1,
            names: name.into_iter().collect(),
        });
    } else {
        radius.incomplete = true;
    }
}
