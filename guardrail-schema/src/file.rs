//! Reading a knowledge file: TOML in, a checked [`Tool`] and its examples out.
//!
//! Every error names the key it is about. The reader takes the keys it knows from each table and
//! refuses what is left, so a misspelled key is never a silent hole in what is known.

use std::collections::BTreeSet;

use serde::Deserialize;
use toml::{Table, Value};

use crate::environment_file::variables_in;
use crate::keys::Keys;
use crate::{
    Command, EffectKind, Externals, Flag, Inside, Mark, NamedCall, Placeholder, Risk, Role, Scope, Tool,
    ValueKind,
};

/// Why a knowledge file was refused.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {message}")]
pub struct FileError {
    /// The dotted path of the key, or `line N` where the text is no TOML.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// A knowledge file, read and checked.
#[derive(Clone, Debug)]
pub struct ToolFile {
    /// What the tool is, in a few words.
    pub summary: String,
    /// Where its facts were taken from.
    pub from: Origin,
    /// The tool, compiled.
    pub tool: Tool,
    /// Its self-tests.
    pub examples: Vec<Example>,
}

/// Where the facts of a knowledge file were taken from, the surest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Every subcommand that the tool itself lists was compared, in the version that `checked` says.
    Installed,
    /// Every operation in the vendor's machine-readable model was compared, in that version.
    Model,
    /// It was read from the manual of that version.
    Manual,
    /// It was written by people who know the tool; `checked` is the version they had in mind.
    #[default]
    Memory,
}

impl Origin {
    /// Its name, as in a knowledge file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Model => "model",
            Self::Manual => "manual",
            Self::Memory => "memory",
        }
    }
}

/// One self-test of a knowledge file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// A command line.
    pub run: String,
    /// The effect kinds its evaluation must have, no more and no less; one name or a list.
    pub effect: Option<Wanted>,
    /// The risk it must have.
    pub risk: Option<Risk>,
}

/// One effect kind or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Wanted {
    /// Exactly this one.
    One(EffectKind),
    /// Exactly these.
    All(Vec<EffectKind>),
}

impl Wanted {
    /// The kinds as a list.
    #[must_use]
    pub fn kinds(&self) -> &[EffectKind] {
        match self {
            Self::One(kind) => std::slice::from_ref(kind),
            Self::All(kinds) => kinds,
        }
    }
}

impl ToolFile {
    /// Reads one knowledge file.
    ///
    /// # Errors
    ///
    /// [`FileError`] where the text is no TOML, has an unknown key, names something that is not
    /// there, or leaves a command without a meaning.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line =
                error.span().and_then(|s| text.get(..s.start)).map_or(1, |t| t.matches('\n').count() + 1);
            FileError { key: format!("line {line}"), message: error.message().to_owned() }
        })?;
        let mut keys = Keys::new(String::new(), table);
        let names: String = keys.require("name")?;
        let summary = keys.take("summary")?.unwrap_or_default();
        let (checked, from) =
            (keys.take::<String>("checked")?.unwrap_or_default(), keys.take("from")?.unwrap_or_default());
        if checked.is_empty() && matches!(from, Origin::Installed | Origin::Model | Origin::Manual) {
            return Err(keys.error("checked", "is missing: `from` says of which version"));
        }
        let grammar = keys.take("grammar")?.unwrap_or_default();
        let root_flags_anywhere = match keys.take::<String>("root_flags")?.as_deref() {
            None | Some("anywhere") => true,
            Some("before") => false,
            Some(other) => {
                return Err(keys.error("root_flags", format!("`{other}` is neither `anywhere` nor `before`")));
            }
        };
        let externals = match keys.take::<String>("externals")? {
            None => None,
            Some(form) => Some(externals(&form).ok_or_else(|| {
                keys.error("externals", format!("`{form}` is neither `PREFIX*` nor `PREFIX* *`"))
            })?),
        };
        let chain = keys.take("chain")?;
        let (pflag, versions) =
            (keys.take("pflag")?.unwrap_or(false), keys.take("versions")?.unwrap_or(false));
        let abbreviations = keys.take("abbreviations")?.unwrap_or(!pflag);
        let dash_values = keys.take("dash_values")?.unwrap_or(true);
        let attached_values = keys.take("attached_values")?.unwrap_or(true);
        let tracks: Vec<String> = keys.take::<String>("tracks")?.map_or_else(Vec::new, |text| list(&text));
        let runtimes = runtimes(&mut keys)?;
        let (prefixes, help) = (keys.roles("prefixes")?, keys.take("help")?);
        let examples = keys.take("examples")?.unwrap_or_default();
        let (subcommands, environment) = (keys.tables("commands")?, keys.tables("environment")?);
        let named_calls = keys.tables("calls")?;
        let has_subcommands = !subcommands.is_empty();

        let mut commands =
            vec![read_command(keys, Vec::new(), None, has_subcommands || !named_calls.is_empty())?];
        let root_scope = commands.first().map_or(Scope::Local, |root| root.scope);
        for (spelled, keys) in subcommands {
            for path in on_tracks(paths(&spelled), &tracks) {
                let command = read_command(keys.clone(), path, Some(root_scope), false)?;
                commands.push(command);
            }
        }
        let groups: BTreeSet<Vec<String>> = commands
            .iter()
            .flat_map(|c| (1..c.path.len()).filter_map(|n| c.path.get(..n)).map(<[_]>::to_vec))
            .collect();
        for path in groups {
            if !commands.iter().any(|c| c.path == path) {
                commands.push(Command {
                    path,
                    scope: root_scope,
                    unlisted: Risk::Medium,
                    ..Command::default()
                });
            }
        }
        if let Some((root, rest)) = commands.split_first_mut() {
            rest.sort_by(|a, b| a.path.cmp(&b.path));
            let twice = |pair: &&[Command]| matches!(pair, [a, b] if a.path == b.path);
            if let Some([first, ..]) = rest.windows(2).find(twice) {
                return Err(FileError {
                    key: format!("commands.{}", first.path.join(" ")),
                    message: "listed twice".into(),
                });
            }
            for command in rest {
                check_names(command, Some(root))?;
            }
            check_names(root, None)?;
        }
        let variables = variables_in(environment)?;
        let calls = named_calls.into_iter().map(read_call).collect::<Result<_, _>>()?;
        let names = list(&names);
        if names.is_empty() {
            return Err(FileError { key: "name".into(), message: "is empty".into() });
        }
        let globs = commands.iter().any(|command| command.path.iter().any(|word| word.contains('*')));
        let tool = Tool {
            names,
            checked,
            grammar,
            root_flags_anywhere,
            abbreviations,
            externals,
            chain,
            globs,
            versions,
            pflag,
            dash_values,
            attached_values,
            help,
            prefixes,
            commands,
            variables,
            runtimes,
            calls,
        };
        Ok(Self { summary, from, tool, examples })
    }
}

/// `git-*`, or `cargo-* *` where the program is given the subcommand's name as well.
fn externals(form: &str) -> Option<Externals> {
    let (name, again) = form.strip_suffix(" *").map_or((form, false), |name| (name, true));
    let prefix =
        name.strip_suffix('*').filter(|prefix| !prefix.is_empty() && !prefix.contains(['*', ' ']))?;
    Some(Externals { prefix: prefix.to_owned(), again })
}

/// How many words `**` stands for at most.
const DEEPEST: usize = 6;

/// `"uninstall, delete, remote add"`: one path an entry; `** list`: one for each depth.
fn paths(spelled: &str) -> Vec<Vec<String>> {
    let mut paths: Vec<Vec<String>> = Vec::new();
    for path in list(spelled) {
        let words: Vec<String> = path.split_whitespace().map(str::to_owned).collect();
        match words.split_first() {
            Some((first, rest)) if first == "**" => paths.extend((1..=DEEPEST).map(|depth| {
                std::iter::repeat_n("*".to_owned(), depth).chain(rest.iter().cloned()).collect()
            })),
            _ => paths.push(words),
        }
    }
    paths
}

/// The paths, and each behind the word of each track. What any words may lead to needs none.
fn on_tracks(paths: Vec<Vec<String>>, tracks: &[String]) -> Vec<Vec<String>> {
    let exact = paths.iter().filter(|path| path.first().is_some_and(|first| first != "*"));
    let tracked: Vec<Vec<String>> = exact
        .flat_map(|path| {
            tracks
                .iter()
                .map(move |track| std::iter::once(track.clone()).chain(path.iter().cloned()).collect())
        })
        .collect();
    paths.into_iter().chain(tracked).collect()
}

/// The word for a tool that runs on nothing but the system's own libraries.
const NATIVE: &str = "native";

/// `runtime = "python"`, `["ruby", "git"]` or `"native"`. Whether they exist is for whoever has
/// the environment file.
fn runtimes(keys: &mut Keys) -> Result<Option<Vec<String>>, FileError> {
    let names = match keys.table.remove("runtime") {
        None => return Ok(None),
        Some(Value::String(name)) => vec![name],
        Some(value) => value
            .try_into::<Vec<String>>()
            .map_err(|_| keys.error("runtime", "is a name or a list of names"))?,
    };
    match names.as_slice() {
        [native] if native == NATIVE => Ok(Some(Vec::new())),
        [] => Err(keys.error("runtime", "is empty: `native` stands for none")),
        names if names.iter().any(|name| name == NATIVE) => {
            Err(keys.error("runtime", "`native` stands alone"))
        }
        _ => Ok(Some(names)),
    }
}

pub(crate) fn list(text: &str) -> Vec<String> {
    text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

fn read_command(
    mut keys: Keys,
    path: Vec<String>,
    scope: Option<Scope>,
    group: bool,
) -> Result<Command, FileError> {
    let mut command = Command {
        path,
        grammar: keys.take("grammar")?,
        scope: keys
            .table
            .get("scope")
            .cloned()
            .and_then(|v| v.try_into().ok())
            .or(scope)
            .unwrap_or(Scope::Local),
        unlisted: keys.take("unlisted")?.unwrap_or(Risk::Medium),
        obeys: keys.roles("obeys")?,
        appends_input: keys.take("appends_input")?,
        prints: keys.take("prints")?,
        public: keys
            .take::<String>("public")?
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        links: keys.take("links")?.unwrap_or(false),
        otherwise: keys.take("otherwise")?.unwrap_or_default(),
        leaves: keys.take("leaves")?,
        inside: keys.take::<Inside>("inside")?.unwrap_or_default(),
        stdin: keys.role("stdin")?.map(|(_, role)| role),
        dry_run: keys.take("dry_run")?,
        capture: keys.take("capture")?,
        inverse: keys.take("inverse")?,
        cases: keys.cases()?,
        other_flags_harmless: match keys.take::<String>("other_flags")?.as_deref() {
            None | Some("unknown") => false,
            Some("harmless") => true,
            Some(other) => {
                return Err(
                    keys.error("other_flags", format!("`{other}` is neither `unknown` nor `harmless`"))
                );
            }
        },
        ..Command::default()
    };
    // A scope alone is no effect: it says where those that come from roles land.
    let scope_alone = !["effect", "risk", "undo", "why"].iter().any(|key| keys.table.contains_key(*key));
    if scope_alone {
        keys.table.remove("scope");
    }
    let operands = keys.operands("operands")?;
    let switches = keys.take::<String>("switches")?.unwrap_or_default();
    let options = keys.take::<String>("options")?.unwrap_or_default();
    for (key, spellings, kind) in
        [("switches", switches, ValueKind::None), ("options", options, ValueKind::Required)]
    {
        for spelling in spellings.split_whitespace() {
            let (spelling, value) = match spelling.strip_suffix("=?") {
                Some(spelling) => (spelling, ValueKind::Optional),
                None => (spelling, kind),
            };
            add_flag(&mut command, &[spelling.to_owned()], Flag { value, ..Flag::default() })
                .map_err(|m| keys.error(key, m))?;
        }
    }
    for (spelled, flag_keys) in keys.tables("flags")? {
        let path = flag_keys.path.clone();
        let flag = read_flag(flag_keys)?;
        add_flag(&mut command, &list(&spelled), flag).map_err(|message| FileError { key: path, message })?;
    }
    for spelling in keys.take::<String>("prints_with")?.unwrap_or_default().split_whitespace() {
        let known = command.spellings.iter().find(|(known, _)| known == spelling).map(|(_, place)| *place);
        let flag = known.and_then(|place| command.flags.get_mut(usize::from(place)));
        let Some(flag) = flag else {
            return Err(keys.error("prints_with", format!("`{spelling}` is no flag of this command")));
        };
        flag.keeps_form = true;
    }
    command.spellings.sort();
    command.effects = keys.effects()?;
    let says = !command.effects.is_empty()
        || operands.is_some()
        || !command.cases.is_empty()
        || command.stdin.is_some();
    command.operands = operands.unwrap_or_default();
    command.runs = says;
    if !says && !group {
        return Err(keys.error(
            "effect",
            "is missing: a command must say what it does (`effect`, or `operands` with roles)",
        ));
    }
    keys.finish()?;
    Ok(command)
}

fn add_flag(command: &mut Command, spellings: &[String], mut flag: Flag) -> Result<(), String> {
    let Some(first) = spellings.first() else { return Err("a flag without a spelling".into()) };
    flag.name.clone_from(first);
    if flag.facet.is_empty() {
        let long = spellings.iter().find(|s| s.starts_with("--")).unwrap_or(first);
        flag.facet = long.trim_start_matches(['-', '+']).to_owned();
    }
    let place = u16::try_from(command.flags.len()).map_err(|_| "more flags than fit".to_owned())?;
    for spelling in spellings {
        if command.spellings.iter().any(|(known, _)| known == spelling) {
            return Err(format!("`{spelling}` is listed twice"));
        }
        command.spellings.push((spelling.clone(), place));
    }
    if flag.absent.is_some() {
        command.assumed.push(place);
    }
    command.flags.push(flag);
    Ok(())
}

fn read_flag(mut keys: Keys) -> Result<Flag, FileError> {
    let is = keys.role("is")?;
    let (key_roles, prefixes) = (keys.roles("keys")?, keys.roles("prefixes")?);
    let sets = match keys.take::<Table>("sets")? {
        None => None,
        Some(table) => {
            let mut sets = Keys::new(keys.error("sets", "").key, table);
            let effects = sets.effects()?;
            sets.finish()?;
            Some(effects)
        }
    };
    let (facet, role) = match is {
        Some((facet, role)) => (if role == Role::Name { facet } else { String::new() }, Some(role)),
        None => (String::new(), None),
    };
    let flag = Flag {
        value: match keys.take::<String>("value")?.as_deref() {
            None if role.is_some() || !key_roles.is_empty() || !prefixes.is_empty() => ValueKind::Required,
            None | Some("none") => ValueKind::None,
            Some("required") => ValueKind::Required,
            Some("optional") => ValueKind::Optional,
            Some("until ;") => ValueKind::Terminated,
            Some(other) => {
                return Err(
                    keys.error("value", format!("`{other}` is not one of none, required, optional, until ;"))
                );
            }
        },
        facet: keys.take("name")?.unwrap_or(facet),
        role,
        then: keys.role("then")?.map(|(_, role)| role),
        leads: keys.take("leads")?.unwrap_or(false),
        within: keys.take("within")?,
        harmless: keys.take("harmless")?.unwrap_or_default(),
        keys: key_roles,
        prefixes,
        sets,
        alone: keys.take("alone")?.unwrap_or(false),
        when: keys.take("when")?.unwrap_or_default(),
        operands: keys.operands("operands")?,
        provides: keys.take("provides")?,
        marks: keys.take::<Vec<Mark>>("marks")?.unwrap_or_default(),
        stdin: keys.role("stdin")?.map(|(_, role)| role),
        pieces: keys.take("pieces")?,
        placeholder: keys.take::<Table>("placeholder")?.map(|t| placeholder(&keys, t)).transpose()?,
        absent: keys.take("absent")?,
        effects: keys.effects()?,
        ..Flag::default()
    };
    if flag.absent.is_some() && !matches!(flag.role, Some(Role::Document(_))) {
        return Err(keys.error("absent", "needs `is = \"document:LANG\"` beside it"));
    }
    if flag.then.is_some() && flag.value != ValueKind::Required {
        return Err(keys.error("then", "needs a required value before it (`is`)"));
    }
    if flag.alone && flag.sets.is_none() {
        return Err(keys.error("alone", "needs `sets` beside it"));
    }
    if !flag.when.is_empty() && flag.sets.is_none() && flag.effects.is_empty() {
        return Err(keys.error("when", "needs `sets` or an effect beside it"));
    }
    keys.finish()?;
    Ok(flag)
}

fn placeholder(keys: &Keys, table: Table) -> Result<Placeholder, FileError> {
    let mut inner = Keys::new(keys.error("placeholder", "").key, table);
    let appends = inner.take("appends")?.unwrap_or(false);
    let placeholder = Placeholder { text: inner.require("text")?, of: inner.require("of")?, appends };
    inner.finish()?;
    Ok(placeholder)
}

fn read_call((spelled, mut keys): (String, Keys)) -> Result<NamedCall, FileError> {
    let arguments: Table = keys.take("arguments")?.unwrap_or_default();
    let arguments = arguments
        .into_iter()
        .map(|(pointer, role)| match role {
            _ if !pointer.starts_with('/') => {
                Err(keys.error("arguments", format!("`{pointer}` is no JSON pointer")))
            }
            Value::String(word) => Role::parse(&word)
                .map(|(facet, role)| (pointer, facet, role))
                .map_err(|message| keys.error("arguments", message)),
            _ => Err(keys.error("arguments", format!("`{pointer}` is not a role"))),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let scope = keys.table.get("scope").cloned().and_then(|v| v.try_into().ok()).unwrap_or(Scope::Local);
    let cases = keys.cases()?;
    if !keys.table.contains_key("effect") {
        keys.table.remove("scope");
    }
    let call = NamedCall { names: list(&spelled), arguments, effects: keys.effects()?, cases, scope };
    if call.effects.is_empty()
        && call.arguments.iter().all(|(_, _, role)| matches!(role, Role::Text | Role::Name))
    {
        return Err(keys.error("effect", "is missing: a call must say what it does"));
    }
    keys.finish()?;
    Ok(call)
}

/// In a case, the words of the subcommand, of commands that are described together.
pub const CALLED: &str = "called";

/// In a case, what stands before a text that has to be spelled just so; everything else counts in either case.
pub const EXACT: &str = "exact ";

/// Every name that an effect, a case, a template or `provides` refers to is an operand or a flag.
fn check_names(command: &Command, root: Option<&Command>) -> Result<(), FileError> {
    let at = |what: &str| FileError {
        key: if command.path.is_empty() {
            what.to_owned()
        } else {
            format!("commands.\"{}\".{what}", command.path.join(" "))
        },
        message: String::new(),
    };
    let mut known: BTreeSet<&str> = command.operands.iter().map(|operand| operand.name.as_str()).collect();
    for flag in command.flags.iter().chain(root.into_iter().flat_map(|root| &root.flags)) {
        known.insert(&flag.facet);
        known.extend(flag.operands.iter().flatten().map(|operand| operand.name.as_str()));
        known.extend(flag.provides.as_deref());
    }
    let check = |what: &str, name: &str| {
        if known.contains(name) {
            Ok(())
        } else {
            Err(FileError { message: format!("`{name}` is no operand or flag here"), ..at(what) })
        }
    };
    let effects =
        command.effects.iter().chain(command.cases.iter().flat_map(|case| &case.effects)).chain(
            command.flags.iter().flat_map(|flag| flag.effects.iter().chain(flag.sets.iter().flatten())),
        );
    for effect in effects {
        effect.target.as_deref().map_or(Ok(()), |name| check("target", name))?;
    }
    for condition in command.cases.iter().flat_map(|case| &case.when) {
        if condition.facet == CALLED && !command.path.is_empty() {
            continue;
        }
        check("cases.when", &condition.facet)?;
    }
    for flag in &command.flags {
        if let Some(placeholder) = &flag.placeholder {
            check("placeholder", &placeholder.of)?;
        }
    }
    for (what, template) in
        [("dry_run", &command.dry_run), ("capture", &command.capture), ("inverse", &command.inverse)]
    {
        for hole in template.iter().flat_map(|text| holes(text)) {
            if !hole.starts_with("captured") {
                check(what, hole)?;
            }
        }
    }
    Ok(())
}

/// The names between braces in a template.
fn holes(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(hole, _)| hole))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELM: &str = r#"
name = "helm"
checked = "3.18"
scope = "cluster"

[flags]
"-n, --namespace" = { value = "required", is = "namespace" }

[commands."uninstall, delete, del, un"]
operands = ["release..."]
effect = "delete"
target = "release"
undo   = "hard"
risk   = "critical"
why    = "removes every resource the release owns"

[commands.upgrade]
operands = ["release", "chart: read"]
effect  = "deploy"
dry_run = "--dry-run=server"
capture = "helm -n {namespace} history {release} --max 1 -o json"
inverse = "helm -n {namespace} rollback {release} {captured:0.revision}"

[commands.upgrade.flags]
"--dry-run" = { value = "optional", sets = { effect = "read" }, when = ["", "client", "server", "true"] }

[[examples]]
run = "helm upgrade web ./chart --dry-run=none"
effect = "deploy"
"#;

    #[test]
    fn the_design_sketch_reads() {
        let file = ToolFile::parse(HELM).unwrap();
        assert_eq!(file.tool.names, ["helm"]);
        assert_eq!(file.tool.commands.len(), 6);
        let upgrade = file.tool.commands.iter().find(|c| c.path == ["upgrade"]).unwrap();
        assert_eq!(upgrade.scope, Scope::Cluster);
        assert_eq!(upgrade.effects.first().and_then(|e| e.kind), Some(EffectKind::Deploy));
        assert!(upgrade.flags.iter().any(|f| f.sets.is_some() && f.when.len() == 4));
        assert_eq!(file.examples.len(), 1);
    }

    fn refused(text: &str) -> String {
        ToolFile::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_the_key() {
        assert_eq!(
            refused("name = \"x\"\nefect = \"read\""),
            "effect: is missing: a command must say what it does (`effect`, or `operands` with roles)"
        );
        assert_eq!(refused("name = \"x\"\neffect = \"read\"\ncolour = 1"), "colour: unknown key");
        assert_eq!(refused("effect = \"read\""), "name: is missing");
        assert!(
            refused("name = \"x\"\neffect = \"reads\"")
                .starts_with("effect: `reads` is no effect; one of read, ")
        );
        assert!(refused("name = \"x\"\n\n[[").starts_with("line 3: "));
    }

    #[test]
    fn names_must_exist() {
        assert_eq!(
            refused(
                "name = \"x\"\n[commands.rm]\noperands = [\"thing\"]\neffect = \"delete\"\ntarget = \"thong\""
            ),
            "commands.\"rm\".target: `thong` is no operand or flag here"
        );
        assert_eq!(
            refused("name = \"x\"\noperands = [\"a...\", \"b...\"]"),
            "operands: only one operand may take any number of words"
        );
    }

    #[test]
    fn two_stars_stand_for_any_depth() {
        let file = ToolFile::parse("name = \"x\"\n[commands.\"** list\"]\neffect = \"read\"").unwrap();
        let runs = file.tool.commands.iter().filter(|command| command.runs);
        let depths: Vec<usize> = runs.map(|command| command.path.len()).collect();
        assert_eq!(depths, [2, 3, 4, 5, 6, 7].into_iter().rev().collect::<Vec<_>>());
    }

    #[test]
    fn a_runtime_is_a_name_several_or_native() {
        let of = |runtime: &str| {
            ToolFile::parse(&format!("name = \"x\"\n{runtime}effect = \"read\""))
                .map(|file| file.tool.runtimes)
        };
        assert_eq!(of("").unwrap(), None);
        assert_eq!(of("runtime = \"native\"\n").unwrap(), Some(Vec::new()));
        assert_eq!(of("runtime = \"python\"\n").unwrap(), Some(vec!["python".to_owned()]));
        assert_eq!(of("runtime = [\"ruby\", \"git\"]\n").unwrap().map(|all| all.len()), Some(2));
        for wrong in ["runtime = 1\n", "runtime = []\n", "runtime = [\"native\", \"git\"]\n"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_value_that_may_be_attached_is_said_in_either_list() {
        let text = "name = \"x\"\neffect = \"read\"\nswitches = \"-a --all=?\"\noptions = \"-o --on=?\"";
        let tool = ToolFile::parse(text).unwrap().tool;
        let command = tool.commands.first().unwrap();
        let kinds: Vec<(&str, ValueKind)> = command
            .spellings
            .iter()
            .map(|(spelling, at)| (spelling.as_str(), command.flags[usize::from(*at)].value))
            .collect();
        assert_eq!(
            kinds,
            [
                ("--all", ValueKind::Optional),
                ("--on", ValueKind::Optional),
                ("-a", ValueKind::None),
                ("-o", ValueKind::Required),
            ]
        );
    }

    #[test]
    fn a_flag_is_listed_once() {
        assert_eq!(
            refused("name = \"x\"\neffect = \"read\"\nswitches = \"-a\"\n[flags]\n\"-a\" = {}"),
            "flags.\"-a\": `-a` is listed twice"
        );
    }
}
