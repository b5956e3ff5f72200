//! `docs/policy.md` and the editors' schema say what a policy file can say: both are made from
//! the types.
//!
//! `GUARDRAIL_BLESS=1 cargo test -p agent-guardrail --test policy_reference` rewrites them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use guardrail::policy::PolicyFile;
use serde_json::Value;

const OPEN: &str = "<!-- from the types: every key -->\n";
const CLOSE: &str = "<!-- to here -->\n";

fn schema() -> Value {
    serde_json::to_value(schemars::schema_for!(PolicyFile)).unwrap()
}

fn blessed(path: &str, text: &str) {
    if std::env::var_os("GUARDRAIL_BLESS").is_some() {
        std::fs::write(path, text).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == text, "{path} is out of date");
}

#[test]
fn the_schema_for_editors_is_up_to_date() {
    let text = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    blessed(concat!(env!("CARGO_MANIFEST_DIR"), "/../guardrail-cli/schema/policy.schema.json"), &text);
}

#[test]
fn the_reference_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/policy.md");
    let page = std::fs::read_to_string(path).unwrap_or_default();
    let (before, rest) = page.split_once(OPEN).unwrap_or((&page, ""));
    let (_, after) = rest.split_once(CLOSE).unwrap_or(("", ""));
    let mut tables = String::new();
    let schema = schema();
    let mut told = BTreeSet::new();
    table(&schema, &schema, "", &mut told, &mut tables);
    blessed(path, &format!("{before}{OPEN}\n{}\n{CLOSE}{after}", tables.trim()));
}

fn resolved<'s>(schema: &'s Value, root: &'s Value) -> &'s Value {
    match schema["$ref"].as_str() {
        Some(reference) => &root["$defs"][reference.rsplit('/').next().unwrap()],
        None => match schema["anyOf"].as_array().map(Vec::as_slice) {
            // A value or nothing; a value or a list of them.
            Some([one, _]) => resolved(one, root),
            _ => schema,
        },
    }
}

/// One table of the keys of an object, then those of the objects in it.
fn table(schema: &Value, root: &Value, path: &str, told: &mut BTreeSet<String>, out: &mut String) {
    let Some(properties) = schema["properties"].as_object() else { return };
    let title = if path.is_empty() { "The file" } else { path };
    let _ = writeln!(out, "### {}\n", if path.is_empty() { title.to_owned() } else { format!("`{title}`") });
    let _ = writeln!(out, "| key | is | means |\n|---|---|---|");
    let mut below = Vec::new();
    for (key, property) in properties {
        let description = property["description"].as_str().unwrap_or_default();
        let inner = resolved(property, root);
        let meaning = description.replace('\n', " ").replace('|', "\\|");
        let _ = writeln!(out, "| `{key}` | {} | {meaning} |", kind(property, root));
        let inner = if inner["type"] == "array" { resolved(&inner["items"], root) } else { inner };
        let (name, inner) = match inner.get("additionalProperties").filter(|values| values.is_object()) {
            Some(values) => (format!("{key}.NAME"), resolved(values, root)),
            None => (key.clone(), inner),
        };
        let path = if path.is_empty() { name } else { format!("{path}.{name}") };
        below.push((path, inner));
    }
    let _ = writeln!(out);
    // Its conditions are those of a rule, and are told there.
    below.sort_by_key(|(path, _)| path == "quota");
    for (path, inner) in below {
        let first = inner["properties"].is_object() && told.insert(inner["description"].to_string());
        if first {
            table(inner, root, &path, told, out);
        }
    }
}

/// Whether a list of values can stand in place of one.
fn is_list_too(schema: &Value) -> bool {
    let choices = schema["anyOf"].as_array().into_iter().flatten();
    choices.into_iter().any(|choice| choice["type"] == "array" || is_list_too(choice))
}

/// What a value is, in a few words.
fn kind(schema: &Value, root: &Value) -> String {
    let list = is_list_too(schema);
    let of = resolved(schema, root);
    let names: Vec<String> = of["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|choice| choice["const"].as_str())
        .map(|name| format!("`{name}`"))
        .chain(
            of["enum"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(|name| format!("`{name}`")),
        )
        .collect();
    let own = of["type"].as_str().or_else(|| of["type"][0].as_str()).unwrap_or("object");
    let word = match own {
        _ if !names.is_empty() => names.join(", "),
        "string" => "text".into(),
        "boolean" => "`true` or `false`".into(),
        "integer" => "number".into(),
        "array" => format!("list of {}", kind(&of["items"], root)),
        _ => "table".into(),
    };
    if list { format!("{word}; or a list") } else { word }
}
