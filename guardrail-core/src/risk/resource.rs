//! Changes to what is no local file: clusters, clouds, databases, services, repositories,
//! containers. Graded by kind, by where it lands, and by how hard it is to undo.

use std::borrow::Cow;

use guardrail_schema::{EffectKind, Risk, Scope, Undo};

use super::{Case, Found, shown};
use crate::effect::{Effect, Target};

pub(super) fn check(case: &Case<'_, '_, '_>, found: &mut Found) {
    for effect in case.effects() {
        let file = matches!(effect.target, Target::Path(..)) && effect.scope == Scope::Local;
        if file && matches!(effect.kind, EffectKind::Write | EffectKind::Delete) {
            continue;
        }
        let Some((risk, verb)) = grade(case, effect, found) else { continue };
        let unknown = matches!(&effect.target, Target::Name(word) if word.as_known().is_none());
        let target_matters = matches!(effect.kind, EffectKind::Write | EffectKind::Delete);
        let risk = if unknown && target_matters { risk.max(Risk::High) } else { risk };
        found.on(effect, risk, unknown && target_matters, || describe(verb, effect));
    }
}

fn grade(
    case: &Case<'_, '_, '_>,
    effect: &Effect<'_, '_>,
    found: &mut Found,
) -> Option<(Risk, &'static str)> {
    use Risk::{Critical, High, Medium};
    use Scope::{Cloud, Cluster, Container, Database, Local, Registry, Remote, Repository, System};
    Some(match (effect.kind, effect.scope) {
        (EffectKind::Configure, System | Registry) => (High, "changes settings of"),
        (EffectKind::Configure, Cloud) => {
            (if case.production(found) { High } else { Medium }, "changes settings of")
        }
        (EffectKind::Configure, _) => (Medium, "changes settings of"),
        (EffectKind::Deploy, Registry) => (High, "publishes"),
        (EffectKind::Deploy, _) => (if case.production(found) { High } else { Medium }, "deploys"),
        (EffectKind::Restart, _) => (Medium, "restarts or scales"),
        (EffectKind::Stop, Container) => (Medium, "stops"),
        (EffectKind::Stop, _) => (High, "stops"),
        (EffectKind::Write, Registry | System) => (High, "changes"),
        (EffectKind::Write, Cloud) => (if case.production(found) { High } else { Medium }, "changes"),
        (EffectKind::Write, Database) if effect.undo == Undo::Never => (High, "changes all of"),
        (EffectKind::Write, _) => (Medium, "changes"),
        (EffectKind::Delete, Database) if effect.undo == Undo::Never => {
            (if case.production(found) { Critical } else { High }, "deletes for good")
        }
        (EffectKind::Delete, Cluster | Cloud | Database | Registry | System | Remote) => (High, "deletes"),
        (EffectKind::Delete, Container) if effect.undo == Undo::Never => (Critical, "deletes for good"),
        (EffectKind::Delete, Repository | Container) if effect.undo != Undo::Easy => (High, "deletes"),
        (EffectKind::Delete, Repository | Container | Local) => (Medium, "deletes"),
        (EffectKind::Schema, _) => (High, "changes the structure of"),
        (EffectKind::Security, _) => (High, "changes the protection of"),
        _ => return None,
    })
}

fn describe(verb: &str, effect: &Effect<'_, '_>) -> Cow<'static, str> {
    let place = match effect.scope {
        Scope::Local => "this machine",
        Scope::Repository => "the repository",
        Scope::Container => "a container, image or volume",
        Scope::System => "the system",
        Scope::Remote => "another machine",
        Scope::Cluster => "the cluster",
        Scope::Cloud => "cloud resources",
        Scope::Database => "the database",
        Scope::Registry => "what others read",
    };
    match &effect.target {
        Target::Name(word) | Target::Path(word, _) => {
            [verb, " ", &shown(word), " (", place, ")"].concat().into()
        }
        Target::Statement(statement, Some(object)) => {
            format!("{verb} `{object}` ({statement}, {place})").into()
        }
        Target::Statement(statement, None) => format!("{verb} {place} ({statement})").into(),
        _ => [verb, " ", place].concat().into(),
    }
}
