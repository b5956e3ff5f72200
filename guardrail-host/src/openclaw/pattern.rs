//! Forms as `argPattern`s: regular expressions of JavaScript over the arguments.
//!
//! OpenClaw joins the arguments by blanks, unless the pattern holds a zero byte: then by zero bytes, with
//! one behind the last. No argument can hold a zero byte, so only that form tells `a b` from `a` and `b`,
//! and it is the only one that is written here. No arguments at all are two zero bytes.

use std::collections::BTreeMap;

use crate::openclaw::form::{FlagForm, Form, NUMBER, Shape, Takes};
use crate::openclaw::word::{any_of, escaped, glob_regex};

/// One pattern for each shape, with the paths that it is about.
pub(super) fn patterns(forms: &[Form]) -> Vec<String> {
    let mut by_shape: BTreeMap<&Shape, Vec<String>> = BTreeMap::new();
    for form in forms {
        let paths = by_shape.entry(&form.shape).or_default();
        let path = path(form);
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let mut patterns: Vec<String> = by_shape
        .into_iter()
        .map(|(shape, mut paths)| {
            paths.sort();
            pattern(shape, paths)
        })
        .collect();
    patterns.sort();
    patterns
}

fn pattern(shape: &Shape, paths: Vec<String>) -> String {
    let bare = paths.iter().any(String::is_empty);
    let before = repeated(&options(&shape.before, false));
    let flags = options(&shape.flags, shape.clusters);
    let operand = format!("{}\0", shape.operand.regex());
    let behind = match (shape.most, shape.flags_first) {
        (Some(0), _) => repeated(&flags),
        (None, false) => repeated(&flags.into_iter().chain([operand]).collect::<Vec<_>>()),
        (None, true) => format!("{}(?:{operand})*", repeated(&flags)),
        (Some(most), true) => format!("{}(?:{operand}){{0,{most}}}", repeated(&flags)),
        (Some(most), false) => {
            let flags = repeated(&flags);
            format!("{flags}(?:{operand}{flags}){{0,{most}}}")
        }
    };
    let path = any_of(paths);
    // The zero bytes that stand for no arguments.
    let nothing = if bare { "\0\0|" } else { "" };
    format!("^(?:{nothing}{before}{path}{behind})$")
}

fn path(form: &Form) -> String {
    let words =
        |path: &[String]| path.iter().map(|word| format!("{}\0", path_word(word))).collect::<String>();
    let mut out = String::new();
    if !form.but_not.is_empty() {
        out = format!("(?!{})", any_of(form.but_not.iter().map(|path| words(path)).collect()));
    }
    out + &words(&form.path)
}

/// A word of a path; what stands for a star is part of a name.
fn path_word(word: &str) -> String {
    let star = if word.starts_with('*') { "[A-Za-z0-9][A-Za-z0-9_-]*" } else { "[A-Za-z0-9_-]*" };
    glob_regex(word, false, star)
}

fn repeated(alternatives: &[String]) -> String {
    if alternatives.is_empty() { String::new() } else { format!("(?:{})*", alternatives.join("|")) }
}

/// What flags may look like, each with the zero byte behind it.
fn options(options: &[FlagForm], clusters: bool) -> Vec<String> {
    let mut groups: BTreeMap<(Takes, bool, String), Vec<&str>> = BTreeMap::new();
    let mut numbers = false;
    for option in options {
        for spelling in &option.spellings {
            if spelling == NUMBER {
                numbers |= option.takes == Takes::Nothing;
                continue;
            }
            let long = spelling.len() > 2;
            groups.entry((option.takes, long, option.value.regex())).or_default().push(spelling);
        }
    }
    let mut out = Vec::new();
    let letters: String = options
        .iter()
        .filter(|option| option.takes == Takes::Nothing)
        .flat_map(|option| &option.spellings)
        .filter(|spelling| spelling.len() == 2)
        .filter_map(|spelling| spelling.chars().nth(1))
        .filter(char::is_ascii_alphabetic)
        .collect();
    if numbers {
        out.push("-[0-9]+\0".to_owned());
    }
    if clusters && letters.len() > 1 {
        out.push(format!("-[{letters}]{{2,}}\0"));
    }
    let switches: Vec<&str> = groups
        .iter()
        .filter(|((takes, long, _), _)| match takes {
            Takes::Nothing => true,
            Takes::Maybe => !long,
            _ => false,
        })
        .flat_map(|(_, spellings)| spellings.iter().copied())
        // No word is to be two things: whoever repeats it would double the ways to try each time.
        .filter(|spelling| !(numbers && spelling.chars().skip(1).all(|c| c.is_ascii_digit())))
        .collect();
    if !switches.is_empty() {
        out.push(format!("{}\0", spelled(switches)));
    }
    for ((takes, long, value), spellings) in groups {
        let spellings = spelled(spellings);
        match (takes, long) {
            (Takes::Value, true) => out.push(format!("{spellings}[=\0]{value}\0")),
            (Takes::Value, false) => out.push(format!("{spellings}\0{value}\0")),
            (Takes::Maybe, true) => out.push(format!("{spellings}(?:={value})?\0")),
            (Takes::Attached, true) => out.push(format!("{spellings}={value}\0")),
            (Takes::Nothing, _) | (Takes::Maybe | Takes::Attached, false) => {}
        }
    }
    out
}

fn spelled(mut spellings: Vec<&str>) -> String {
    spellings.sort_unstable();
    spellings.dedup();
    any_of(spellings.into_iter().map(escaped).collect())
}
