//! `cargo xtask undo`: what takes an operation of a vendor's model back, found by the verbs of
//! `models/undo.toml` and held against the model: the other operation is there, and all that it needs was
//! given to the first one, or is printed by it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use guardrail_core::{Request, Risk};
use guardrail_schema::Operation;
use serde::Deserialize;

use crate::model::{self, folder, kebab, python, quoted, renamed};
use crate::{Outcome, compare, tree};

/// Where what is written by hand ends in a file of `undo/`.
const MARK: &str = "# --- operations by their model, written by `cargo xtask undo`; do not edit below ---";

/// How the operations of one vendor are taken back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Verbs {
    pairs: Vec<String>,
    captures: Vec<String>,
    skip: BTreeSet<String>,
    extra: BTreeMap<String, String>,
    except: Vec<String>,
}

/// One operation: its flags, and what it prints.
#[derive(Clone, Debug, Default)]
struct About {
    /// Each flag with whether it is required, and whether it takes a value.
    flags: BTreeMap<String, (bool, bool)>,
    /// How each flag is spelled, where it has more than one spelling.
    spelled: BTreeMap<String, String>,
    /// Names of all that is in its output, as flags.
    prints: BTreeSet<String>,
    /// Whether its flags are known.
    known: bool,
    /// Whether it fails where what it makes is there already.
    refuses: bool,
    /// A flag without which it asks somebody.
    sure: Option<String>,
}

impl About {
    fn flag(&self, name: &str) -> String {
        self.spelled.get(name).cloned().unwrap_or_else(|| format!("--{name}"))
    }
}

/// The operations of one service.
type Service = BTreeMap<String, About>;

/// Writes the operations of `vendor` into its file of `undo/`, from the model in `source`.
///
/// # Errors
///
/// Where a file cannot be read or written.
pub fn run(vendor: &str, source: &str) -> Outcome<()> {
    let mut verbs: BTreeMap<String, Verbs> = toml::from_str(&tree::data("models/undo.toml")?)
        .map_err(|error| format!("models/undo.toml: {error}"))?;
    let verbs = verbs.remove(vendor).ok_or_else(|| format!("{vendor}: not in models/undo.toml"))?;
    let mut services = match vendor {
        "aws" => aws(Path::new(source))?,
        "az" => az(Path::new(source))?,
        "gcloud" => BTreeMap::new(),
        _ => return Err(format!("{vendor}: no such model; one of aws, az, gcloud")),
    };
    // Of the others the names alone are known.
    for path in model::operations(vendor)?.unwrap_or_default() {
        let (group, name) = path.rsplit_once(' ').unwrap_or(("", &path));
        services.entry(group.to_owned()).or_default().entry(name.to_owned()).or_default();
    }
    let secret = reads(vendor)?;
    let guard = tree::guard(&tree::tools()?)?;
    let mut text = format!("{MARK}\n");
    let mut count = 0;
    for (service, operations) in &services {
        let mut lines = String::new();
        for (name, about) in operations {
            let path = format!("{service} {name}");
            let mut found = undone(&verbs, operations, name, about, &path, &secret);
            let low = |text: &String| {
                let line = format!(
                    "{vendor} {service} {}",
                    spelled_once(text).replace('?', "").replace(" --", " x --").replacen(" x", "", 1)
                );
                guard.evaluate(&Request::shell(format!("{line} x"))).risk == Risk::Low
            };
            if found.absent.as_ref().is_some_and(|text| !low(text)) {
                (found.absent, found.inverse) = (None, None);
            }
            // What looks has to be Low with the flags that it is given, too.
            found.capture = found.capture.filter(low);
            if found != Operation::default() {
                count += 1;
                let _ = writeln!(lines, "{name} = {}", shown(&found));
            }
        }
        if !lines.is_empty() {
            let _ = write!(text, "\n[operations.\"{service}\"]\n{lines}");
        }
    }
    let path = format!("guardrail-knowledge/undo/{vendor}.toml");
    let old = fs::read_to_string(tree::root().join(&path)).map_err(|error| format!("{path}: {error}"))?;
    let by_hand = old.split(MARK).next().unwrap_or_default();
    tree::put(&path, &format!("{by_hand}{text}"))?;
    println!("{vendor}: {count} operations");
    Ok(())
}

fn shown(operation: &Operation) -> String {
    let keys = [
        ("inverse", &operation.inverse),
        ("absent", &operation.absent),
        ("printed", &operation.printed),
        ("capture", &operation.capture),
        ("by_name", &operation.by_name),
        ("told", &operation.told),
    ];
    let pairs: Vec<String> = keys
        .iter()
        .filter_map(|(key, text)| text.as_ref().map(|text| format!("{key} = \"{text}\"")))
        .collect();
    format!("{{ {} }}", pairs.join(", "))
}

/// The operations that only read, and give no secret, as they were recorded.
fn reads(vendor: &str) -> Outcome<BTreeSet<String>> {
    let text = tree::data(&format!("models/{vendor}.txt"))?;
    let mut reads = BTreeSet::new();
    for (group, list) in text.lines().skip(1).filter_map(|line| line.split_once(": ")) {
        let plain = list.split(' ').filter_map(|operation| operation.strip_suffix('='));
        reads.extend(plain.map(|name| format!("{group} {name}")));
    }
    Ok(reads)
}

/// What takes an operation back, or tells the state before it; nothing where it only reads.
fn undone(
    verbs: &Verbs,
    service: &Service,
    name: &str,
    about: &About,
    path: &str,
    reads: &BTreeSet<String>,
) -> Operation {
    let mut found = Operation::default();
    if reads.contains(path) || verbs.except.iter().any(|glob| compare::glob(glob, path)) {
        return found;
    }
    let flags_known = |other: &&About| about.known && other.known;
    let looks = looking(verbs, service, name, path, reads).and_then(|(other, look)| {
        let flags = Some(look).filter(flags_known).and_then(|look| given(verbs, about, look))?;
        Some((other, flags))
    });
    for other in opposites(verbs, name) {
        let Some(inverse) = service.get(&other) else { continue };
        let extra = verbs.extra.get(path).or(inverse.sure.as_ref());
        let extra = extra.map_or(String::new(), |flag| format!(" ={flag}"));
        let known = Some(inverse).filter(flags_known);
        if let Some(flags) = known.and_then(|inverse| given(verbs, about, inverse)) {
            // What may have been there before is taken back only where it can be seen that it was not.
            let makes =
                ["create", "import", "register", "deploy", "upload"].iter().any(|verb| has_verb(name, verb));
            let look = looks.as_ref().map(|(other, flags)| format!("{other}{flags}"));
            if makes && !about.refuses && look.is_none() {
                found.by_name = Some(other);
                continue;
            }
            found.absent = look.filter(|_| makes && !about.refuses);
            found.inverse = Some(format!("{other}{flags}{extra}"));
        } else if let Some(flags) = known.and_then(|inverse| printed(about, inverse)) {
            found.printed = Some(format!("{other}{flags}"));
        } else if found.by_name.is_none() {
            found.by_name = Some(other);
        }
        if found.inverse.is_some() || found.printed.is_some() {
            found.by_name = None;
            break;
        }
    }
    let creates = ["create", "run", "add"].iter().any(|verb| has_verb(name, verb));
    if creates || found.printed.is_some() {
        return found;
    }
    if let Some((other, flags)) = looks {
        found.capture = Some(format!("{other}{flags}"));
    } else if found.inverse.is_none() && found.by_name.is_none() {
        found.told = looking(verbs, service, name, path, reads).map(|(other, _)| other);
    }
    found
}

/// Whether an operation's name begins with this verb.
fn has_verb(name: &str, verb: &str) -> bool {
    name.strip_prefix(verb).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// The operation that tells the state of what another one is about, if there is one that only reads.
fn looking<'s>(
    verbs: &Verbs,
    service: &'s Service,
    name: &str,
    path: &str,
    reads: &BTreeSet<String>,
) -> Option<(String, &'s About)> {
    let noun = name.split_once('-').map(|(_, noun)| format!("-{noun}")).unwrap_or_default();
    let group = path.rsplit_once(' ').map_or("", |(group, _)| group);
    verbs.captures.iter().find_map(|verb| {
        let other = format!("{verb}{noun}");
        let looks = reads.contains(format!("{group} {other}").trim());
        let about = service.get(&other).filter(|_| looks)?;
        Some((other, about))
    })
}

/// The names of the operations that would undo it, by its verb.
fn opposites(verbs: &Verbs, name: &str) -> Vec<String> {
    let mut names = Vec::new();
    for pair in &verbs.pairs {
        let (both, parts) = match pair.split_once(" ~ ") {
            Some(parts) => (true, parts),
            None => (false, pair.split_once(" > ").unwrap_or((pair, pair))),
        };
        let mut one_way = |from: &str, to: &str| match name.strip_prefix(from) {
            Some("") => names.push(to.to_owned()),
            Some(noun) if noun.starts_with('-') => names.push(format!("{to}{noun}")),
            _ => {}
        };
        one_way(parts.0, parts.1);
        if both {
            one_way(parts.1, parts.0);
        }
    }
    names
}

/// The flags of an operation, each by its first spelling alone.
fn spelled_once(text: &str) -> String {
    let words = text.split(' ').filter(|word| !word.starts_with('='));
    words.map(|word| word.split('|').next().unwrap_or(word)).collect::<Vec<_>>().join(" ")
}

/// The flags that another operation is given of those of the first; `None` where one that it needs is not
/// there, or nothing says which thing it is about.
fn given(verbs: &Verbs, about: &About, other: &About) -> Option<String> {
    let mut flags = String::new();
    let mut needed = 0;
    for (flag, (required, valued)) in &other.flags {
        let there = about.flags.get(flag);
        if *required {
            let (_, same) = there?;
            if same != valued || verbs.skip.contains(flag) {
                return None;
            }
            needed += 1;
            let _ = write!(flags, " {}", about.flag(flag));
        }
    }
    for (flag, (required, valued)) in &other.flags {
        if !required
            && *valued
            && !verbs.skip.contains(flag)
            && about.flags.get(flag).is_some_and(|(_, v)| *v)
        {
            let always = about.flags.get(flag).is_some_and(|(required, _)| *required);
            let _ = write!(flags, " {}{}", about.flag(flag), if always { "" } else { "?" });
            needed += usize::from(always);
        }
    }
    (needed > 0 || other.flags.keys().all(|flag| verbs.skip.contains(flag))).then_some(flags)
}

/// The flags of an operation that needs what the first one prints; `None` where that has it not either.
fn printed(about: &About, other: &About) -> Option<String> {
    let mut flags = String::new();
    let mut fresh = false;
    for (flag, _) in other.flags.iter().filter(|(_, (required, _))| *required) {
        let is_given = about.flags.contains_key(flag);
        if !is_given && !about.prints.contains(flag) {
            return None;
        }
        fresh |= !is_given;
        let _ = write!(flags, " --{flag}");
    }
    fresh.then_some(flags)
}

/// The services of botocore, with the shapes of what goes in and comes out.
fn aws(source: &Path) -> Outcome<BTreeMap<String, Service>> {
    #[derive(Deserialize)]
    struct Model {
        operations: BTreeMap<String, ModelOperation>,
        shapes: BTreeMap<String, Shape>,
    }
    #[derive(Deserialize)]
    struct ModelOperation {
        input: Option<Reference>,
        output: Option<Reference>,
        #[serde(default)]
        errors: Vec<Reference>,
    }
    #[derive(Deserialize)]
    struct Reference {
        shape: String,
        #[serde(default, rename = "idempotencyToken")]
        token: bool,
    }
    #[derive(Deserialize)]
    struct Shape {
        #[serde(rename = "type")]
        kind: String,
        #[serde(default)]
        required: BTreeSet<String>,
        #[serde(default)]
        members: BTreeMap<String, Reference>,
        member: Option<Reference>,
    }
    fn prints(shapes: &BTreeMap<String, Shape>, shape: &str, depth: usize, into: &mut BTreeSet<String>) {
        let Some(shape) = shapes.get(shape).filter(|_| depth < 4) else { return };
        for (name, member) in &shape.members {
            into.insert(kebab(name));
            prints(shapes, &member.shape, depth + 1, into);
        }
        if let Some(member) = &shape.member {
            prints(shapes, &member.shape, depth + 1, into);
        }
    }
    let mut services = BTreeMap::new();
    for service in folder(&source.join("botocore/data"))? {
        let Some(version) = folder(&service).unwrap_or_default().into_iter().next_back() else { continue };
        let path = version.join("service-2.json");
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let model: Model =
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let name = service.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let operations = services.entry(renamed(&name).to_owned()).or_insert_with(Service::new);
        for (operation, shapes) in &model.operations {
            let mut about = About { known: true, ..About::default() };
            if let Some(shape) = shapes.input.as_ref().and_then(|input| model.shapes.get(&input.shape)) {
                for (member, reference) in shape.members.iter().filter(|(_, reference)| !reference.token) {
                    let valued =
                        model.shapes.get(&reference.shape).is_some_and(|shape| shape.kind != "boolean");
                    about.flags.insert(kebab(member), (shape.required.contains(member), valued));
                }
            }
            let taken = ["AlreadyExist", "Exists", "Conflict", "Duplicate", "InUse"];
            about.refuses =
                shapes.errors.iter().any(|error| taken.iter().any(|word| error.shape.contains(word)));
            if let Some(output) = &shapes.output {
                prints(&model.shapes, &output.shape, 0, &mut about.prints);
            }
            operations.insert(kebab(operation), about);
        }
    }
    Ok(services)
}

/// The commands of azure-cli that are generated from the vendor's descriptions: each has a file with its
/// name (`@register_command`) and its arguments (`_args_schema.name = AAZStrArg(options=[...], ...)`).
fn az(source: &Path) -> Outcome<BTreeMap<String, Service>> {
    let mut services: BTreeMap<String, Service> = BTreeMap::new();
    let mut files = Vec::new();
    python(&source.join("azure/cli/command_modules"), &mut files)?;
    for path in files.iter().filter(|path| path.iter().any(|part| part == "aaz")) {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let Some((_, behind)) = text.split_once("@register_command(") else { continue };
        let Some((name, after)) = quoted(behind) else { continue };
        let Some((group, name)) = name.rsplit_once(' ') else { continue };
        let mut about = About { known: true, ..About::default() };
        about.sure = after
            .split_once("class ")
            .filter(|(head, _)| head.contains("confirmation="))
            .map(|_| "--yes".to_owned());
        for argument in after.split("\n        _args_schema.").skip(1) {
            let Some((argument_name, definition)) = argument.split_once(" = ") else { continue };
            // What stands deeper belongs to a part of the value.
            let definition = definition.split("\n        )").next().unwrap_or(definition);
            let own =
                |key: &str| definition.split_once(&format!("\n            {key}")).map(|(_, rest)| rest);
            let options = own("options=[").and_then(|rest| rest.split_once(']')).map(|(list, _)| list);
            let mut spellings: Vec<String> = options.map_or_else(
                || vec![format!("--{}", argument_name.replace('_', "-"))],
                |list| list.split(',').map(|one| one.trim().trim_matches('"').to_owned()).collect(),
            );
            if definition.starts_with("AAZResourceGroupNameArg") && options.is_none() {
                spellings.push("-g".to_owned());
            }
            spellings.sort_by_key(|spelling| (!spelling.starts_with("--"), spelling.len()));
            let valued = !definition.starts_with("AAZBoolArg");
            about.flags.insert(argument_name.to_owned(), (own("required=True").is_some(), valued));
            about.spelled.insert(argument_name.to_owned(), spellings.join("|"));
        }
        services.entry(group.to_owned()).or_default().insert(name.to_owned(), about);
    }
    Ok(services)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(flags: &[(&str, bool)], prints: &[&str]) -> About {
        About {
            flags: flags.iter().map(|(name, required)| ((*name).to_owned(), (*required, true))).collect(),
            prints: prints.iter().map(|name| (*name).to_owned()).collect(),
            known: true,
            refuses: true,
            ..About::default()
        }
    }

    #[test]
    fn an_inverse_needs_what_was_given_or_is_printed() {
        let verbs = Verbs {
            pairs: vec!["create > delete".into(), "attach ~ detach".into()],
            captures: vec!["get".into()],
            skip: BTreeSet::from(["tags".to_owned()]),
            extra: BTreeMap::new(),
            except: vec!["x create-odd".into()],
        };
        let service = Service::from([
            ("create-user".into(), about(&[("user-name", true), ("tags", false)], &["arn"])),
            ("delete-user".into(), about(&[("user-name", true)], &[])),
            ("create-key".into(), about(&[("user-name", false)], &["key-id"])),
            ("delete-key".into(), about(&[("key-id", true)], &[])),
            ("create-group".into(), about(&[("path", false)], &[])),
            ("delete-group".into(), about(&[("group-name", true)], &[])),
            ("detach-policy".into(), about(&[("role", true), ("policy", true)], &[])),
            ("attach-policy".into(), about(&[("role", true), ("policy", true)], &[])),
            ("update-user".into(), about(&[("user-name", true)], &[])),
            ("get-user".into(), about(&[("user-name", false)], &[])),
        ]);
        let reads = BTreeSet::from(["x get-user".to_owned()]);
        let of = |name: &str| undone(&verbs, &service, name, &service[name], &format!("x {name}"), &reads);
        assert_eq!(of("create-user").inverse.as_deref(), Some("delete-user --user-name"));
        assert_eq!(of("create-key").printed.as_deref(), Some("delete-key --key-id"));
        assert_eq!(of("create-group").inverse, None, "nothing says which group");
        assert_eq!(of("create-group").by_name.as_deref(), Some("delete-group"));
        assert_eq!(of("detach-policy").inverse.as_deref(), Some("attach-policy --policy --role"));
        assert_eq!(of("update-user").capture.as_deref(), Some("get-user --user-name"));
        assert_eq!(of("get-user"), Operation::default());
    }
}
