//! Vendors' machine-readable models: every operation with its class, recorded with the version, and
//! compared with what the guard says of it.
//!
//! Facts are taken, no text: the name of each operation, and what is said of its nature (the HTTP
//! verb, a trait that it only reads). `xtask/data/models/classes.toml` says what the verbs of the
//! names mean, and where they mislead; the rest is the model's.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use guardrail_core::{EffectKind, Guard, Request, Risk};
use serde::Deserialize;

use crate::tree::{self, Entry};
use crate::{Outcome, compare};

/// What an operation does, as far as its model and its name say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Read,
    Secret,
    Write,
    Delete,
    Security,
}

impl Class {
    const ALL: [(Self, char); 5] = [
        (Self::Read, '='),
        (Self::Secret, '?'),
        (Self::Write, '+'),
        (Self::Delete, '-'),
        (Self::Security, '!'),
    ];

    fn mark(self) -> char {
        Self::ALL.iter().find(|(class, _)| *class == self).map_or('+', |(_, mark)| *mark)
    }
}

/// What the verbs of one vendor's operations mean: globs over the last word, or over the whole path
/// where there is a blank in them; the first that matches counts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Classes {
    secret: Vec<String>,
    security: Vec<String>,
    delete: Vec<String>,
    write: Vec<String>,
    read: Vec<String>,
}

impl Classes {
    fn of(&self, path: &str) -> Option<Class> {
        let last = path.split_whitespace().last().unwrap_or(path);
        let any = |globs: &[String]| {
            globs.iter().any(|glob| compare::glob(glob, if glob.contains(' ') { path } else { last }))
        };
        let tables = [
            (&self.secret, Class::Secret),
            (&self.security, Class::Security),
            (&self.delete, Class::Delete),
            (&self.write, Class::Write),
            (&self.read, Class::Read),
        ];
        tables.into_iter().find(|(globs, _)| any(globs)).map(|(_, class)| class)
    }
}

fn classes() -> Outcome<BTreeMap<String, Classes>> {
    toml::from_str(&tree::data("models/classes.toml")?).map_err(|error| format!("classes.toml: {error}"))
}

/// Reads the model of `vendor` from `source`, records it, and compares.
///
/// # Errors
///
/// Where the model cannot be read, or what is known differs from it.
pub fn run(vendor: &str, source: &str) -> Outcome<()> {
    let classes = classes()?;
    let table = classes.get(vendor).ok_or_else(|| format!("{vendor}: not in models/classes.toml"))?;
    let (version, operations) = match vendor {
        "aws" => aws(Path::new(source))?,
        "gcloud" => gcloud(Path::new(source))?,
        "az" => az(Path::new(source))?,
        _ => return Err(format!("{vendor}: no such model; one of aws, az, gcloud")),
    };
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (path, only_reads) in &operations {
        // The model's own word counts where the tables say nothing.
        let unsaid = if *only_reads == Some(true) { Class::Read } else { Class::Write };
        let class = table.of(path).unwrap_or(unsaid);
        let (group, operation) = path.rsplit_once(' ').unwrap_or(("", path));
        groups.entry(group).or_default().push(format!("{operation}{}", class.mark()));
    }
    let mut text = format!(
        "# {version}. Written by `cargo xtask model`. Marks: = reads, ? reads a secret, + writes, - deletes, ! security\n"
    );
    for (group, operations) in groups {
        let _ = writeln!(text, "{group}: {}", operations.join(" "));
    }
    tree::put(&format!("xtask/data/models/{vendor}.txt"), &text)?;
    let entries = tree::tools()?;
    let problems = review(&entries)?;
    println!("{vendor}: {} operations, {} problems", operations.len(), problems.len());
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}

/// The paths of all recorded operations of a tool; `None` where it has no model.
///
/// # Errors
///
/// Where a record cannot be read.
pub fn operations(tool: &str) -> Outcome<Option<Vec<String>>> {
    if !classes()?.contains_key(tool) {
        return Ok(None);
    }
    let text = tree::data(&format!("models/{tool}.txt"))?;
    let mut paths = Vec::new();
    for line in text.lines().skip(1) {
        let (group, list) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
        for operation in list.split(' ').filter(|operation| !operation.is_empty()) {
            let name = operation.trim_end_matches(['=', '?', '+', '-', '!']);
            paths.push(format!("{group} {name}").trim().to_owned());
        }
    }
    Ok(Some(paths))
}

/// Where what is known differs from the recorded models.
///
/// # Errors
///
/// Where a record cannot be read.
pub fn review(entries: &[Entry]) -> Outcome<Vec<String>> {
    let guard = tree::guard(entries)?;
    let mut problems = Vec::new();
    for vendor in classes()?.keys() {
        let text = tree::data(&format!("models/{vendor}.txt"))?;
        let mut lines = text.lines();
        let version = lines.next().unwrap_or_default().trim_start_matches("# ");
        if let Some(entry) = tree::find(entries, vendor) {
            let checked = &entry.file.tool.checked;
            if !version.contains(&format!(" {checked}.")) && !version.contains(&format!(" {checked} ")) {
                problems.push(format!("{vendor}: claims {checked}, and the model is of {version}"));
            }
        }
        for line in lines {
            let (group, operations) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
            for operation in operations.split(' ').filter(|operation| !operation.is_empty()) {
                let name = operation.trim_end_matches(['=', '?', '+', '-', '!']);
                let mark = operation.chars().last().unwrap_or('+');
                let class = Class::ALL.iter().find(|(_, m)| *m == mark).map_or(Class::Write, |(c, _)| *c);
                let line = format!("{vendor} {group} {name}");
                if let Some(problem) = differs(&guard, &line, class) {
                    problems.push(problem);
                }
            }
        }
    }
    Ok(problems)
}

/// What is wrong with the guard's answer about an operation of this class.
fn differs(guard: &Guard, line: &str, class: Class) -> Option<String> {
    let evaluation = guard.evaluate(&Request::argv(line.split_whitespace()));
    let kinds: Vec<EffectKind> = evaluation.effects.iter().map(|effect| effect.kind).collect();
    let guarded = [EffectKind::Security, EffectKind::Credential, EffectKind::Privilege];
    let well = match class {
        _ if evaluation.unknown => false,
        Class::Read => evaluation.risk == Risk::Low,
        Class::Secret => evaluation.risk > Risk::Low && kinds.contains(&EffectKind::ReadSecret),
        Class::Write => evaluation.risk > Risk::Low,
        Class::Delete => evaluation.risk >= Risk::High,
        Class::Security => evaluation.risk >= Risk::High && kinds.iter().any(|kind| guarded.contains(kind)),
    };
    if well {
        return None;
    }
    let unknown = if evaluation.unknown { ", unknown" } else { "" };
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    Some(format!("{line}: is {} {kinds:?}{unknown}, and the model says {class:?}", evaluation.risk))
}

/// An operation's path, and whether the model says that it only reads.
type Operations = BTreeMap<String, Option<bool>>;

/// The services of botocore: `data/SERVICE/VERSION/service-2.json`, unpacked.
fn aws(source: &Path) -> Outcome<(String, Operations)> {
    #[derive(Deserialize)]
    struct Service {
        operations: BTreeMap<String, Operation>,
    }
    #[derive(Deserialize)]
    struct Operation {
        #[serde(default)]
        readonly: bool,
        #[serde(default)]
        http: BTreeMap<String, serde_json::Value>,
    }
    let mut operations = Operations::new();
    for service in folder(&source.join("botocore/data"))? {
        let Some(version) = folder(&service).unwrap_or_default().into_iter().next_back() else { continue };
        let path = version.join("service-2.json");
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let model: Service =
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let name = service.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = renamed(&name);
        for (operation, about) in model.operations {
            let gets = about.http.get("method").is_some_and(|method| method == "GET" || method == "HEAD");
            let only_reads = (about.readonly || gets).then_some(true);
            operations.insert(format!("{name} {}", kebab(&operation)), only_reads);
        }
    }
    Ok((format!("botocore {}", dist(source, "botocore")?), operations))
}

/// The command line calls some services otherwise than their models do.
pub(crate) fn renamed(name: &str) -> &str {
    match name {
        "s3" => "s3api",
        "codedeploy" => "deploy",
        "config" => "configservice",
        other => other,
    }
}

/// `DescribeDBInstances` as the command line spells it: `describe-db-instances`.
pub(crate) fn kebab(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at)).copied().unwrap_or('a');
        let next_is_lower = chars.get(at + 1).is_some_and(char::is_ascii_lowercase);
        let starts = c.is_ascii_uppercase()
            && at > 0
            && (before.is_ascii_lowercase() || before.is_ascii_digit() || next_is_lower);
        if starts && !out.ends_with('-') {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// The tree of commands that the Cloud SDK completes by: nested objects, as Python writes them.
fn gcloud(source: &Path) -> Outcome<(String, Operations)> {
    let text = fs::read_to_string(source).map_err(|error| format!("{}: {error}", source.display()))?;
    let mut operations = Operations::new();
    // Only the lines that open and close objects matter: `"NAME": {` and `}`.
    let mut path: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if let Some(key) =
            line.strip_suffix(": {").or_else(|| line.strip_suffix(": {},").or(line.strip_suffix(": {}")))
        {
            let key = key.trim_matches('"').to_owned();
            if line.ends_with('{') {
                path.push(key);
            } else if key == "commands" {
                let words: Vec<&str> =
                    path.iter().map(String::as_str).filter(|word| *word != "commands").collect();
                let released = !matches!(words.first(), Some(&("alpha" | "beta" | "preview")));
                if released && !words.is_empty() {
                    operations.insert(words.join(" "), None);
                }
            }
        } else if line.starts_with('}') {
            path.pop();
        }
    }
    // The SDK's own VERSION lies three folders up.
    let path = source.ancestors().nth(3).unwrap_or(source).join("VERSION");
    let version = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok((format!("Google Cloud SDK {}", version.trim()), operations))
}

/// The command tables of azure-cli: `@register_command("a b c")`, and `command_group('a b')` with
/// the `g.command('c', ...)` below it.
fn az(source: &Path) -> Outcome<(String, Operations)> {
    let mut operations = Operations::new();
    let mut files = Vec::new();
    python(&source.join("azure/cli/command_modules"), &mut files)?;
    for path in files {
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut rest = text.as_str();
        while let Some((_, behind)) = rest.split_once("@register_command(") {
            let Some((name, after)) = quoted(behind) else { break };
            operations.insert(name.to_owned(), None);
            rest = after;
        }
        if !path.ends_with("commands.py") {
            continue;
        }
        let mut group = String::new();
        for line in text.lines().map(str::trim) {
            if let Some((_, behind)) = line.split_once("command_group(") {
                group = quoted(behind).map_or(String::new(), |(name, _)| name.to_owned());
            }
            let call = line.strip_prefix("g.").and_then(|rest| rest.split_once('('));
            if let Some((method, behind)) = call
                && (method.contains("command") || method.contains("show") || method.contains("wait"))
                && let Some((name, _)) = quoted(behind)
                && !group.is_empty()
            {
                operations.insert(format!("{group} {name}").trim().to_owned(), None);
            }
        }
    }
    Ok((format!("azure-cli {}", dist(source, "azure_cli")?), operations))
}

/// The first text between quotes, and what stands behind it.
pub(crate) fn quoted(text: &str) -> Option<(&str, &str)> {
    let start = text.find(['"', '\''])?;
    let quote = text.get(start..)?.chars().next()?;
    text.get(start + 1..)?.split_once(quote)
}

pub(crate) fn python(folder_path: &Path, files: &mut Vec<PathBuf>) -> Outcome<()> {
    for path in folder(folder_path)? {
        if path.is_dir() {
            python(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "py") {
            files.push(path);
        }
    }
    Ok(())
}

pub(crate) fn folder(path: &Path) -> Outcome<Vec<PathBuf>> {
    let said = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(path).map_err(said)? {
        paths.push(entry.map_err(said)?.path());
    }
    paths.sort();
    Ok(paths)
}

/// The version of an unpacked wheel.
fn dist(source: &Path, package: &str) -> Outcome<String> {
    let names = folder(source)?;
    let found = names.iter().find_map(|path| {
        let name = path.file_name()?.to_str()?;
        let version = name.strip_prefix(package)?.strip_prefix('-')?;
        Some(version.strip_suffix(".dist-info")?.to_owned())
    });
    found.ok_or_else(|| format!("{}: no {package}-VERSION.dist-info", source.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_spelled_as_the_command_line_does() {
        assert_eq!(kebab("DescribeDBInstances"), "describe-db-instances");
        assert_eq!(kebab("GetObject"), "get-object");
        assert_eq!(kebab("CreateVpcEndpointServiceV2"), "create-vpc-endpoint-service-v2");
    }

    #[test]
    fn a_model_that_says_otherwise_is_noticed() {
        let guard = Guard::new();
        assert!(differs(&guard, "aws ec2 describe-instances", Class::Read).is_none());
        assert!(differs(&guard, "aws ec2 describe-instances", Class::Write).is_some());
        assert!(differs(&guard, "aws ec2 terminate-instances", Class::Read).is_some());
    }
}
