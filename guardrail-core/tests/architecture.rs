//! The house rules, read off the sources: who may import whom, and how a file has to look.
//! Each check also runs over a seeded violation, so that one that stopped biting fails too.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "a test")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads the sources")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The modules of the core in order: each may import those before it.
const CORE: &[(&str, &str)] = &[
    ("limits", "numbers that every stage takes"),
    ("error", "plain kinds that every stage may return"),
    ("glob", "patterns over bytes"),
    ("host", "whose address it is, from its text alone"),
    ("redact", "text in, text out: whatever prints or judges text may use it"),
    ("knowledge", "what tools do, decoded; nothing of any request"),
    ("request", "what was asked, as data; all stages read it"),
    ("shell", "text to script"),
    ("evaluation", "the answer, as data that the later stages fill in; it points into sources by span"),
    ("record", "what is remembered of all that, as data, and who keeps it"),
    ("quota", "how much may be done, as data, and who counts"),
    ("conformance", "what a suite found; of no stage"),
    ("lower", "script to invocations"),
    ("identify", "invocations to calls"),
    ("effect", "calls to effects"),
    ("risk", "effects to findings"),
    ("policy", "risk to decision"),
    ("draw", "an evaluation for people to read"),
    ("plan", "what was decided, on its way to being done"),
    ("guard", "the front: runs the stages, and nothing imports it"),
];

/// The crates by floor: each may import those of lower floors, and none of its own.
const CRATES: &[(&str, u8)] = &[
    ("guardrail-schema", 0),
    ("guardrail-knowledge", 1),
    ("guardrail-core", 2),
    ("guardrail-audit", 3),
    ("guardrail-exec", 3),
    ("guardrail-approve", 3),
    ("guardrail-host", 3),
    ("guardrail", 4),
    ("guardrail-cli", 5),
];

/// Builtins are language: the stages that read a language know them by name.
const LANGUAGE: &[&str] = &[
    ".",
    ":",
    "[",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "cd",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "coproc",
    "declare",
    "dirs",
    "disown",
    "echo",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "time",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
];

/// Comparisons with a word that is a tool's name and means something else: file, word, reason.
const NOT_A_TOOL: &[(&str, &str, &str)] = &[
    ("guardrail-approve/src/say.rs", "set", "a word that a reviewer types"),
    ("guardrail-audit/src/verify/json.rs", "kind", "a member of a line"),
    ("guardrail-audit/src/verify/json.rs", "seq", "a member of a line"),
    ("guardrail-cli/src/arguments.rs", "host", "a place by which an environment is known"),
    ("guardrail-core/src/effect/names.rs", "apt", "a folder of configuration"),
    ("guardrail-core/src/effect/names.rs", "passwd", "the file"),
    ("guardrail-core/src/effect/names.rs", "ssh", "a folder of configuration"),
    ("guardrail-core/src/effect/names.rs", "zsh", "a folder of configuration"),
    ("guardrail-core/src/effect/place.rs", "nix", "a directory of the system's"),
    ("guardrail-core/src/effect/roles.rs", "file", "the scheme of an address"),
    ("guardrail-core/src/effect/roles.rs", "git", "the scheme of an address"),
    ("guardrail-core/src/effect/roles.rs", "source", "a key of a mount option"),
    ("guardrail-core/src/effect/roles.rs", "ssh", "the scheme of an address"),
    ("guardrail-core/src/effect/roles.rs", "true", "the value of a mount option"),
    ("guardrail-core/src/identify/manifest/tree.rs", "seq", "the name of a tag"),
    ("guardrail-core/src/identify/language/jq.rs", "env", "a function of jq"),
    ("guardrail-core/src/identify/language/jq.rs", "envsubst", "a function of yq"),
    ("guardrail-core/src/lower/constant.rs", "cat", "the one program whose output is its here-document"),
    ("guardrail-core/src/policy/load.rs", "quota", "a section of a policy"),
    ("guardrail-core/src/policy/problem.rs", "quota", "a section of a policy"),
    ("guardrail-core/src/redact/detect/pair.rs", "passwd", "a key of a secret"),
    ("guardrail-schema/src/role_file.rs", "code", "the name of a role"),
    ("guardrail-schema/src/role_file.rs", "host", "the name of a role"),
    ("guardrail-schema/src/role_file.rs", "mount", "the name of a role"),
    ("guardrail-schema/src/role_file.rs", "script", "the name of a role"),
    ("guardrail-schema/src/role_file.rs", "split", "the name of a role"),
    ("xtask/src/listing.rs", "command", "a word of a heading"),
    ("xtask/src/manual_value.rs", "true", "the value of a switch"),
    ("xtask/src/model.rs", "aws", "whose model is read"),
    ("xtask/src/model.rs", "az", "whose model is read"),
    ("xtask/src/model.rs", "command", "a method in a table of commands"),
    ("xtask/src/model.rs", "gcloud", "whose model is read"),
    ("xtask/src/undo_model.rs", "aws", "whose model is read"),
    ("xtask/src/undo_model.rs", "az", "whose model is read"),
    ("xtask/src/undo_model.rs", "gcloud", "whose model is read"),
];

/// What the core may not touch, in whole. `clippy.toml` bans the single calls, and says why.
const IMPURE: &[&str] = &["env", "fs", "net", "os", "process", "thread"];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["util", "utils", "helper", "helpers", "common", "manager", "managers", "misc", "shared", "stuff"];

const MAX_LINES: usize = 600;

/// One source file, with its path from the root of the workspace.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The folder at the root of the workspace that it belongs to.
    fn package(&self) -> &str {
        self.path.split('/').next().unwrap()
    }

    fn is_test(&self) -> bool {
        self.path
            .trim_end_matches(".rs")
            .split('/')
            .any(|part| matches!(part, "tests" | "benches" | "examples" | "fuzz"))
    }

    /// The text before its unit tests.
    fn before_tests(&self) -> &str {
        self.text.find("\n#[cfg(test)]\nmod ").map_or(&self.text, |at| &self.text[..at])
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
    Other(char),
}

/// Splits Rust into tokens; comments are dropped.
fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut out, mut i) = (Vec::new(), 0);
    while i < chars.len() {
        match (at(i), at(i + 1)) {
            ('/', '/') => i += chars[i..].iter().take_while(|c| **c != '\n').count(),
            ('/', '*') => {
                let mut depth = 0;
                loop {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => (depth, i) = (depth + 1, i + 2),
                        ('*', '/') => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                    if depth == 0 || i >= chars.len() {
                        break;
                    }
                }
            }
            ('"', _) => {
                let mut text = String::new();
                i += 1;
                while i < chars.len() && at(i) != '"' {
                    i += usize::from(at(i) == '\\');
                    text.push(at(i));
                    i += 1;
                }
                i += 1;
                out.push(Token::Text(text));
            }
            ('\'', next) => {
                // A character, or else a lifetime.
                let len = if next == '\\' { 2 } else { 1 };
                let close = (i + 1 + len..i + 14).find(|k| at(*k) == '\'');
                match close {
                    Some(end) if next == '\\' || end == i + 2 => i = end + 1,
                    _ => i += 1,
                }
            }
            (c, _) if is_word(c) => {
                let word: String = chars[i..].iter().take_while(|c| is_word(**c)).collect();
                i += word.chars().count();
                let hashes = chars[i..].iter().take_while(|c| **c == '#').count();
                if matches!(word.as_str(), "r" | "br" | "cr") && at(i + hashes) == '"' {
                    let close: String = format!("\"{}", "#".repeat(hashes));
                    let rest: String = chars[i + hashes + 1..].iter().collect();
                    let end = rest.find(&close).unwrap_or(rest.len());
                    i += hashes + 1 + rest[..end].chars().count() + close.len();
                    out.push(Token::Text(rest[..end].to_owned()));
                } else if !(matches!(word.as_str(), "b" | "c") && matches!(at(i), '"' | '\'')) {
                    out.push(Token::Word(word));
                }
            }
            (c, next) => {
                let sign = ["::", "==", "!=", "=>", "||"]
                    .into_iter()
                    .find(|sign| sign.starts_with(c) && sign.ends_with(next) && next != '\0');
                match sign {
                    Some(sign) => (out.push(Token::Sign(sign)), i += 2).1,
                    None => {
                        if !c.is_whitespace() {
                            out.push(Token::Other(c));
                        }
                        i += 1;
                    }
                }
            }
        }
    }
    out
}

/// The first segments of what a use tree, or a path, that starts at `i` leads to.
fn heads(tokens: &[Token], i: usize) -> Vec<String> {
    match tokens.get(i) {
        Some(Token::Word(word)) => vec![word.clone()],
        Some(Token::Other('{')) => {
            let (mut depth, mut heads, mut expects) = (0, Vec::new(), true);
            for token in &tokens[i..] {
                match token {
                    Token::Other('{') => depth += 1,
                    Token::Other('}') => depth -= 1,
                    Token::Other(',') if depth == 1 => expects = true,
                    Token::Word(word) if depth == 1 && expects => {
                        heads.push(word.clone());
                        expects = false;
                    }
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
            heads
        }
        _ => Vec::new(),
    }
}

/// Names that a file refers to by paths from the root of its crate.
fn root_paths(source: &Source) -> BTreeSet<String> {
    let inside = source.path.split_once("/src/").unwrap().1;
    let file: Vec<&str> = inside.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").collect();
    let tokens = tokens(&source.text);
    let (mut found, mut braces, mut inline) = (BTreeSet::new(), 0, Vec::new());
    let mut i = 0;
    while i < tokens.len() {
        match &tokens[i] {
            Token::Other('{') => braces += 1,
            Token::Other('}') => {
                braces -= 1;
                inline.retain(|opened| *opened <= braces);
            }
            Token::Word(word) if word == "mod" && tokens.get(i + 2) == Some(&Token::Other('{')) => {
                inline.push(braces + 1);
            }
            Token::Word(word) if word == "crate" && tokens.get(i + 1) == Some(&Token::Sign("::")) => {
                found.extend(heads(&tokens, i + 2));
            }
            Token::Word(word) if word == "super" => {
                let (start, mut depth) = (i, file.len() + inline.len());
                while tokens.get(i) == Some(&Token::Word("super".into()))
                    && tokens.get(i + 1) == Some(&Token::Sign("::"))
                {
                    depth = depth.saturating_sub(1);
                    i += 2;
                }
                if depth == 0 {
                    found.extend(heads(&tokens, i));
                }
                // `pub(super)` leads nowhere; what a path led to is looked at next.
                i += usize::from(i == start);
                continue;
            }
            _ => {}
        }
        i += 1;
    }
    found
}

/// What the root of the core re-exports, and from which module.
fn re_exports(root: &str) -> BTreeMap<String, String> {
    let tokens = tokens(root);
    let mut exports = BTreeMap::new();
    for (i, token) in tokens.iter().enumerate() {
        let Token::Word(module) = token else { continue };
        if i == 0
            || tokens[i - 1] != Token::Word("use".into())
            || tokens.get(i + 1) != Some(&Token::Sign("::"))
        {
            continue;
        }
        for token in tokens[i + 2..].iter().take_while(|token| **token != Token::Other(';')) {
            if let Token::Word(name) = token {
                exports.insert(name.clone(), module.clone());
            }
        }
    }
    exports
}

/// Imports inside of the core that run up.
fn core_imports(sources: &[Source]) -> Vec<String> {
    let place = |name: &str| CORE.iter().position(|(module, _)| *module == name);
    let root = sources.iter().find(|s| s.path == "guardrail-core/src/lib.rs");
    let exports = root.map(|root| re_exports(&root.text)).unwrap_or_default();
    let mut problems = Vec::new();
    for source in sources {
        let Some(inside) = source.path.strip_prefix("guardrail-core/src/") else { continue };
        if inside == "lib.rs" {
            continue;
        }
        let module = inside.split('/').next().unwrap().trim_end_matches(".rs");
        let Some(own) = place(module) else {
            problems.push(format!(
                "{}: `{module}` has no place in CORE: give it one, with a reason",
                source.path
            ));
            continue;
        };
        for name in root_paths(source) {
            let target = exports.get(&name).map_or(name.as_str(), String::as_str);
            match place(target) {
                Some(place) if place > own => {
                    problems
                        .push(format!("{}: `{module}` imports `{target}`, which lies above it", source.path));
                }
                Some(_) => {}
                // Re-exported from a lower crate.
                None if CRATES.iter().any(|(name, _)| name.replace('-', "_") == target) => {}
                None => {
                    problems.push(format!("{}: `crate::{name}` is no known module or re-export", source.path))
                }
            }
        }
    }
    problems
}

/// Imports between crates that run up or sideways, in sources and manifests.
fn crate_imports(sources: &[Source]) -> Vec<String> {
    let floor = |name: &str| CRATES.iter().find_map(|(n, floor)| (*n == name).then_some(*floor));
    let mut problems = Vec::new();
    for source in sources {
        let package = source.package();
        if !package.starts_with("guardrail") {
            continue;
        }
        let Some(own) = floor(package) else {
            problems.push(format!("{}: `{package}` has no floor in CRATES", source.path));
            continue;
        };
        let names: BTreeSet<String> = if source.path.ends_with(".toml") {
            let starts = |line: &str| line.split(['.', ' ', '=']).next().unwrap_or("").to_owned();
            source.text.lines().map(starts).collect()
        } else {
            let tokens = tokens(&source.text);
            let used = |i: usize| i > 0 && tokens[i - 1] == Token::Word("use".into());
            let path = |i: usize| {
                tokens.get(i + 1) == Some(&Token::Sign("::"))
                    && (i == 0 || tokens[i - 1] != Token::Sign("::"))
            };
            (0..tokens.len())
                .filter(|&i| used(i) || path(i))
                .filter_map(|i| {
                    if let Token::Word(word) = &tokens[i] { Some(word.replace('_', "-")) } else { None }
                })
                .collect()
        };
        for name in names.iter().filter(|name| *name != package) {
            if floor(name).is_some_and(|floor| floor >= own) {
                problems
                    .push(format!("{}: `{package}` imports `{name}`, which is not below it", source.path));
            }
        }
    }
    problems
}

/// Files that are too long, without a purpose, or named after nothing.
fn shapes(sources: &[Source]) -> Vec<String> {
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| source.path.ends_with(".rs")) {
        if !source.text.starts_with("//! ") {
            problems
                .push(format!("{}: does not start with a `//!` line that says what it is for", source.path));
        }
        let lines = source.before_tests().lines().count();
        if lines > MAX_LINES && !source.is_test() {
            problems.push(format!("{}: {lines} lines before its tests, more than {MAX_LINES}", source.path));
        }
        for part in source.path.trim_end_matches(".rs").split('/').filter(|part| EMPTY_NAMES.contains(part)) {
            problems.push(format!("{}: `{part}` says nothing about what is inside", source.path));
        }
    }
    problems
}

/// Folders whose words belong to other languages than the shell's: a function of Perl or SQL may
/// go by a tool's name.
const OTHER_LANGUAGES: &[&str] =
    &["guardrail-core/src/identify/language/inline/", "guardrail-core/src/identify/language/sql/"];

/// Tools that are known by name in Rust, where they belong into a knowledge file.
fn tool_names(sources: &[Source], tools: &BTreeSet<String>) -> Vec<String> {
    const COMPARES: [&str; 5] = ["eq", "eq_ignore_ascii_case", "contains", "starts_with", "ends_with"];
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| source.path.ends_with(".rs") && !source.is_test()) {
        if OTHER_LANGUAGES.iter().any(|folder| source.path.starts_with(folder)) {
            continue;
        }
        let is_language = [
            "guardrail-core/src/shell/",
            "guardrail-core/src/lower/",
            "guardrail-core/src/identify/language/",
        ]
        .iter()
        .any(|p| source.path.starts_with(p));
        let tokens = tokens(source.before_tests());
        let get = |i: Option<usize>| i.and_then(|i| tokens.get(i));
        let is_operator = |token: Option<&Token>| {
            matches!(token, Some(Token::Sign("==" | "!=" | "=>") | Token::Other('|')))
        };
        for (i, token) in tokens.iter().enumerate() {
            let Token::Text(name) = token else { continue };
            if !tools.contains(name) || (is_language && LANGUAGE.contains(&name.as_str())) {
                continue;
            }
            if NOT_A_TOOL.iter().any(|(path, word, _)| *path == source.path && word == name) {
                continue;
            }
            let (before, after) = (get(i.checked_sub(1)), get(Some(i + 1)));
            // Past a reference, and into a call or a pattern.
            let open = i.checked_sub(if before == Some(&Token::Other('&')) { 2 } else { 1 });
            let called = get(open) == Some(&Token::Other('('))
                && matches!(get(open.and_then(|i| i.checked_sub(1))), Some(Token::Word(word)) if COMPARES.contains(&word.as_str()));
            let after_arrow = before == Some(&Token::Sign("=>"));
            if (is_operator(before) && !after_arrow) || is_operator(after) || called {
                problems.push(format!(
                    "{}: compares with the tool `{name}`: say it in its knowledge file",
                    source.path
                ));
            }
        }
    }
    problems
}

/// Modules of the standard library that reach out of the process, in the core.
fn impurities(sources: &[Source]) -> Vec<String> {
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| source.path.starts_with("guardrail-core/src/")) {
        let tokens = tokens(source.before_tests());
        for (i, token) in tokens.iter().enumerate() {
            if *token != Token::Word("std".into()) || tokens.get(i + 1) != Some(&Token::Sign("::")) {
                continue;
            }
            for module in heads(&tokens, i + 2).iter().filter(|module| IMPURE.contains(&module.as_str())) {
                problems.push(format!("{}: `std::{module}` in the core, which is pure", source.path));
            }
        }
    }
    problems
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Rust file and manifest of the workspace.
fn sources() -> Vec<Source> {
    let root = root();
    let mut sources = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && name != "target" && name != "node_modules" {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") || (name == "Cargo.toml" && folder != root) {
                let inside = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
                sources.push(Source { path: inside, text: std::fs::read_to_string(&path).unwrap() });
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

/// The tools that there are knowledge files for.
fn tools() -> BTreeSet<String> {
    let mut tools = BTreeSet::new();
    let mut folders = vec![root().join("guardrail-knowledge/tools")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                tools.insert(path.file_stem().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    tools
}

#[track_caller]
fn none(problems: Vec<String>) {
    let mut list = String::new();
    for problem in &problems {
        writeln!(list, "  {problem}").unwrap();
    }
    assert!(problems.is_empty(), "\n{list}");
}

#[test]
fn imports_never_run_up() {
    let sources = sources();
    assert!(sources.iter().any(|s| s.path == "guardrail-core/src/lib.rs"), "the sources were not found");
    none(core_imports(&sources));
    none(crate_imports(&sources));
}

#[test]
fn the_core_is_pure() {
    none(impurities(&sources()));
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    none(shapes(&sources()));
}

#[test]
fn tools_are_known_as_data() {
    none(tool_names(&sources(), &tools()));
}

#[test]
fn seeded_imports_inside_the_core_are_caught() {
    let root = Source::new(
        "guardrail-core/src/lib.rs",
        "pub use risk::{Finding, Risk}; pub use guardrail_schema::Scope;",
    );
    let check = |path: &str, text: &str| {
        core_imports(&[Source::new(&root.path, &root.text), Source::new(path, text)])
    };
    for (path, text) in [
        ("guardrail-core/src/shell/word.rs", "use crate::lower::Program;"),
        ("guardrail-core/src/shell/word.rs", "use crate::{limits::Limits, guard};"),
        ("guardrail-core/src/shell/word.rs", "use crate::{\n    limits::{A, B},\n    lower::{C},\n};"),
        ("guardrail-core/src/shell/word.rs", "fn f() -> crate::risk::Risk { todo() }"),
        ("guardrail-core/src/shell/word.rs", "use super::super::policy;"),
        ("guardrail-core/src/shell/mod.rs", "use super::policy;"),
        ("guardrail-core/src/shell/mod.rs", "mod tests { use super::super::policy; }"),
        ("guardrail-core/src/limits.rs", "mod tests { use super::super::shell; }"),
        ("guardrail-core/src/effect/mod.rs", "use crate::Risk;"),
        ("guardrail-core/src/policy/mod.rs", "use crate::plan::Plan;"),
        ("guardrail-core/src/redact/mod.rs", "use crate::request::Request;"),
        ("guardrail-core/src/plan/mod.rs", "use crate::guard::Guard;"),
        ("guardrail-core/src/lucky/mod.rs", ""),
        ("guardrail-core/src/plan/mod.rs", "use crate::lucky;"),
    ] {
        assert_eq!(check(path, text).len(), 1, "{path}: {text}");
    }
    for (path, text) in [
        (
            "guardrail-core/src/lower/mod.rs",
            "use crate::shell::Script; use super::limits; pub(super) fn f() {}",
        ),
        (
            "guardrail-core/src/lower/mod.rs",
            "// use crate::guard;\n/* crate::guard::x */ const A: &str = \"crate::guard::x\";",
        ),
        (
            "guardrail-core/src/lower/mod.rs",
            "const A: &str = r#\"\"crate::guard\"\"#; fn f<'a>(x: &'a str) -> char { '\"' }",
        ),
        ("guardrail-core/src/lower/part.rs", "use super::guard; mod tests { use super::super::plan; }"),
        ("guardrail-core/src/policy/mod.rs", "use crate::{Risk, Scope}; use crate::policy::rule;"),
        ("guardrail-core/src/guard.rs", "use crate::{plan, evaluation::Evaluation};"),
    ] {
        none(check(path, text));
    }
}

#[test]
fn seeded_imports_between_crates_are_caught() {
    for (path, text) in [
        ("guardrail-schema/src/lib.rs", "use guardrail_core::Risk;"),
        ("guardrail-knowledge/build.rs", "fn main() { guardrail_core::run(); }"),
        ("guardrail-core/src/guard.rs", "use guardrail_audit as audit;"),
        ("guardrail-core/tests/x.rs", "use guardrail_exec::Run;"),
        ("guardrail-exec/src/run.rs", "use guardrail_audit::Log;"),
        ("guardrail-host/src/lib.rs", "use guardrail::Guard;"),
        ("guardrail/src/lib.rs", "pub use guardrail_cli::main;"),
        ("guardrail-exec/Cargo.toml", "[dependencies]\nguardrail-approve.workspace = true"),
        ("guardrail-core/Cargo.toml", "[dev-dependencies]\nguardrail-audit = { path = \"x\" }"),
        ("guardrail-lucky/src/lib.rs", ""),
    ] {
        assert_eq!(crate_imports(&[Source::new(path, text)]).len(), 1, "{path}: {text}");
    }
    for (path, text) in [
        (
            "guardrail-cli/src/lib.rs",
            "use guardrail::Guard; use guardrail_exec::Run; use other::guardrail_cli::x;",
        ),
        ("guardrail-core/src/guard.rs", "use guardrail_schema::Risk; use guardrail_core::x;"),
        ("guardrail-core/Cargo.toml", "name = \"agent-guardrail-core\"\nguardrail-schema.workspace = true"),
        ("xtask/src/main.rs", "use guardrail_cli::x;"),
    ] {
        none(crate_imports(&[Source::new(path, text)]));
    }
}

#[test]
fn seeded_impurities_are_caught() {
    let check = |text: &str| impurities(&[Source::new("guardrail-core/src/x.rs", text)]);
    for text in ["use std::fs;", "use std::{fmt, env::var};", "fn f() { std::process::exit(1) }"] {
        assert_eq!(check(text).len(), 1, "{text}");
    }
    none(check(
        "use std::fmt; // std::fs\nconst A: &str = env!(\"X\");\n#[cfg(test)]\nmod tests { use std::fs; }",
    ));
}

#[test]
fn seeded_shapes_are_caught() {
    let long = format!("//! Long.\n{}", "const A: u8 = 0;\n".repeat(MAX_LINES));
    for (path, text) in [
        ("guardrail-core/src/x.rs", "use a::b;"),
        ("guardrail-core/src/x.rs", "//!\nuse a::b;"),
        ("guardrail-core/src/x.rs", long.as_str()),
        ("guardrail-core/src/shell/utils.rs", "//! Things."),
        ("guardrail-core/tests/common/mod.rs", "//! Things."),
    ] {
        assert_eq!(shapes(&[Source::new(path, text)]).len(), 1, "{path}: {}", &text[..text.len().min(40)]);
    }
    let tested = format!("//! Short.\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
    none(shapes(&[
        Source::new("guardrail-core/src/x.rs", &tested),
        Source::new("guardrail-core/tests/x.rs", &long),
    ]));
}

#[test]
fn seeded_tool_names_are_caught() {
    let tools: BTreeSet<String> = ["git", "kubectl", "test"].map(str::to_owned).into();
    for text in [
        "if name == \"git\" {}",
        "if \"git\" != name {}",
        "match name { \"git\" => 1, _ => 2 }",
        "match name { \"hg\" | \"kubectl\" if x => 1, _ => 2 }",
        "matches!(name, b\"git\" | b\"hg\")",
        "name.eq_ignore_ascii_case(\"git\")",
        "names.contains(&\"git\")",
        "if name == r#\"git\"# {}",
        "if name == \"test\" {}",
    ] {
        assert_eq!(
            tool_names(&[Source::new("guardrail-core/src/risk/x.rs", text)], &tools).len(),
            1,
            "{text}"
        );
    }
    for (path, text) in [
        ("guardrail-core/src/lower/x.rs", "match name { \"test\" => 1, _ => 2 }"),
        (
            "guardrail-core/src/risk/x.rs",
            "let kind = match x { 1 => \"git\", _ => \"hg\" }; // name == \"git\"",
        ),
        ("guardrail-core/src/risk/x.rs", "say(\"git\"); if name == \"gitx\" {}"),
        ("guardrail-core/src/risk/x.rs", "//! X.\n\n#[cfg(test)]\nmod tests { fn f() { x == \"git\" } }"),
        ("guardrail-core/tests/x.rs", "x == \"git\""),
    ] {
        none(tool_names(&[Source::new(path, text)], &tools));
    }
}
