//! `docs/metrics.md` says which metrics there are: it is made from the table that they come from.
//!
//! `GUARDRAIL_BLESS=1 cargo test -p agent-guardrail --test metrics_reference` rewrites it.

#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fmt::Write as _;

use guardrail::host::observe::{METRICS, MOST_RULES, MetricKind, Values};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
const OPEN: &str = "<!-- from the table: every metric -->\n";
const CLOSE: &str = "<!-- to here -->\n";

#[test]
fn the_page_has_every_metric() {
    let page = std::fs::read_to_string(PATH).unwrap();
    let (before, rest) = page.split_once(OPEN).unwrap();
    let (_, after) = rest.split_once(CLOSE).unwrap();
    let mut out = String::from("| metric | type | unit | labels | says |\n|---|---|---|---|---|\n");
    let mut labels: Vec<(&str, Values)> = Vec::new();
    for metric in METRICS {
        let names: Vec<_> = metric.labels.iter().map(|label| format!("`{}`", label.name)).collect();
        let (kind, unit, help) = (metric.kind.as_str(), metric.unit, metric.help);
        let _ = writeln!(out, "| `{}` | {kind} | {unit} | {} | {help} |", metric.name, names.join(", "));
        for label in metric.labels {
            if !labels.iter().any(|(name, _)| *name == label.name) {
                labels.push((label.name, label.values));
            }
        }
    }
    out.push_str("\n| label | values |\n|---|---|\n");
    for (name, values) in labels {
        let values = match values {
            Values::Words(words) => {
                words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
            }
            Values::Tools => {
                "the tools and tool calls that there is knowledge of; `other`; `none`".to_owned()
            }
            Values::Rules => format!(
                "the rules and settings that the guard decides by or has decided by, at most {MOST_RULES}; `other`; `none`"
            ),
        };
        let _ = writeln!(out, "| `{name}` | {values} |");
    }
    out.push_str("\n| histogram | at most |\n|---|---|\n");
    for metric in METRICS {
        if let MetricKind::Histogram(bounds) = metric.kind {
            let bounds: Vec<_> = bounds.iter().map(ToString::to_string).collect();
            let _ = writeln!(out, "| `{}` | {} |", metric.name, bounds.join(", "));
        }
    }
    let actual = format!("{before}{OPEN}\n{out}\n{CLOSE}{after}");
    if std::env::var_os("GUARDRAIL_BLESS").is_some() {
        std::fs::write(PATH, &actual).unwrap();
        return;
    }
    assert!(page == actual, "docs/metrics.md is out of date");
}
