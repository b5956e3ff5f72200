//! A rule as TOML of which nothing is invisible, whatever texts it was made from.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// In which order a person reads a rule.
const ORDER: [&str; 4] = ["name", "decision", "when", "reason"];

/// The rule, with a key on each line.
pub(super) fn rule(rule: &Map<String, Value>) -> String {
    let mut out = String::from("[[rule]]\n");
    let mut keys: Vec<(&String, &Value)> = rule.iter().collect();
    keys.sort_by_key(|(key, _)| ORDER.iter().position(|known| known == key).unwrap_or(ORDER.len()));
    for (key, value) in keys {
        text_key(key, &mut out);
        out.push_str(" = ");
        match value {
            // Examples are long: one on each line.
            Value::Array(values) if key == "match" => {
                out.push_str("[\n");
                for value in values {
                    out.push_str("  ");
                    inline(value, &mut out);
                    out.push_str(",\n");
                }
                out.push(']');
            }
            value => inline(value, &mut out),
        }
        out.push('\n');
    }
    out
}

fn inline(value: &Value, out: &mut String) {
    match value {
        // Absent and null are the same to a policy.
        Value::Null => out.push_str("\"\""),
        Value::Bool(_) | Value::Number(_) => {
            // Writing to a string cannot fail.
            let _ = write!(out, "{value}");
        }
        Value::String(text) => string(text, out),
        Value::Array(values) => {
            out.push('[');
            for (at, value) in values.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                inline(value, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push_str("{ ");
            for (at, (key, value)) in members.iter().filter(|(_, value)| !value.is_null()).enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                text_key(key, out);
                out.push_str(" = ");
                inline(value, out);
            }
            out.push_str(" }");
        }
    }
}

fn text_key(key: &str, out: &mut String) {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !key.is_empty() && key.bytes().all(bare) {
        out.push_str(key);
    } else {
        string(key, out);
    }
}

/// A basic string in which only printable ASCII stands for itself.
fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            ' '..='~' => out.push(c),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c as u32 <= 0xffff => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c => {
                let _ = write!(out, "\\U{:08X}", c as u32);
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_read_as_it_was_and_is_plain_to_see(key in ".{0,12}", text in "(?s).{0,40}") {
            let mut rule = Map::new();
            rule.insert(key.clone(), Value::from(vec![text.clone()]));
            rule.insert("match".into(), serde_json::json!([{ "run": text, "none": null }]));
            let written = super::rule(&rule);
            prop_assert!(written.bytes().all(|b| matches!(b, b'\n' | b' '..=b'~')), "{written}");
            let read: toml::Table = toml::from_str(&written).unwrap();
            let read = read["rule"].as_array().unwrap()[0].clone();
            if key != "match" {
                prop_assert_eq!(read[key.as_str()][0].as_str(), Some(text.as_str()));
            }
            prop_assert_eq!(read["match"][0]["run"].as_str(), Some(text.as_str()));
        }
    }
}
