//! The property: what runs without a prompt is Low, over every row of the corpus, every example of the
//! knowledge, and what becomes of them by changing words.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use guardrail_core::{Facts, Guard, Request, Risk};
use guardrail_host::openclaw::{Program, generate};
use guardrail_schema::ToolFile;
use serde::Deserialize;

use crate::model::{Fate, OpenClaw};
use crate::{TOOLS, machine, openclaw, programs, standard};

/// The files of the knowledge.
static FILES: LazyLock<Vec<ToolFile>> = LazyLock::new(|| {
    let mut found = Vec::new();
    files(&root().join("guardrail-knowledge/tools"), &mut found);
    found.iter().map(|path| ToolFile::parse(&std::fs::read_to_string(path).unwrap()).unwrap()).collect()
});

/// Every other tool of the knowledge by its first name, where a system keeps its programs; all of them where
/// `GUARDRAIL_EVERY_TOOL` is set, which takes twice as long.
pub(crate) static EVERYWHERE: LazyLock<Vec<String>> = LazyLock::new(|| {
    let step = if std::env::var_os("GUARDRAIL_EVERY_TOOL").is_some() { 1 } else { 2 };
    let paths = FILES.iter().step_by(step).map(|file| format!("/usr/bin/{}", file.tool.names[0]));
    paths.filter(|path| Program::new(&TOOLS, path).is_ok()).collect()
});

/// The documents for all of them.
pub(crate) static ALL: LazyLock<OpenClaw> = LazyLock::new(|| {
    let paths: Vec<&str> = EVERYWHERE.iter().map(String::as_str).collect();
    let start = std::time::Instant::now();
    let documents = generate(&Guard::new(), &standard(), &programs(&paths)).unwrap();
    println!("generated in {:?}", start.elapsed());
    let entries: usize = documents.entries.values().sum();
    let programs = documents.entries.values().filter(|count| **count > 0).count();
    println!(
        "{entries} entries for {programs} of {} programs, {} bytes",
        paths.len(),
        documents.approvals.len()
    );
    assert!(programs > 60, "only {programs} programs have entries");
    openclaw(&documents, &paths)
});

#[derive(Deserialize)]
struct Theme {
    row: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    run: Option<String>,
    argv: Option<Vec<String>>,
    cwd: Option<String>,
    #[serde(default)]
    facts: Facts,
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("policies") {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            found.push(path);
        }
    }
    found.sort();
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The command lines of the corpus.
fn rows() -> Vec<Request> {
    let mut found = Vec::new();
    files(&root().join("corpus"), &mut found);
    let mut requests = Vec::new();
    for file in found {
        let theme: Theme = toml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        for row in theme.row {
            let request = match (&row.run, row.argv) {
                (Some(text), _) => Request::shell(text),
                (None, Some(words)) => Request::argv(words),
                (None, None) => continue,
            };
            requests.push(Request { cwd: row.cwd, facts: row.facts, ..request });
        }
    }
    requests
}

/// Those of the knowledge.
pub(crate) fn examples() -> Vec<String> {
    FILES.iter().flat_map(|file| &file.examples).map(|example| example.run.clone()).collect()
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[test]
fn what_runs_unprompted_is_low() {
    let guard = Guard::new();
    let mut requests = rows();
    requests.extend(examples().iter().map(Request::shell));
    let (mut runs, mut low, mut wrong) = (0, 0, Vec::new());
    for request in &requests {
        let text = match &request.action {
            guardrail_core::Action::Shell(text) => text.clone(),
            guardrail_core::Action::Argv(words) => {
                words.iter().map(|w| quoted(w)).collect::<Vec<_>>().join(" ")
            }
            _ => continue,
        };
        let evaluation = guard.evaluate(request);
        low += usize::from(evaluation.risk == Risk::Low);
        if ALL.shell("main", &text) == Fate::Runs {
            runs += 1;
            if evaluation.risk != Risk::Low {
                wrong.push(format!("{} {text}", evaluation.risk));
            }
        }
    }
    println!("{runs} of {} command lines run without a prompt; {low} are low", requests.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(requests.len() > 3000 && runs > 400, "{runs} of {}", requests.len());
}

/// Numbers that follow from a seed, the same on every machine.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }

    fn one<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }
}

/// Words that somebody would try who knows the patterns.
const WORDS: &[&str] = &[
    "secret",
    "secrets",
    "SECRET/x",
    "secret.v1",
    "pods,secrets",
    "Secrets,pods",
    "pods/x",
    "deploy",
    "yaml",
    "json",
    "-",
    "--",
    "-x",
    "--x",
    "file:///etc/shadow",
    "file://x",
    "fileb://x",
    "@/etc/passwd",
    "x@y",
    "/etc/shadow",
    "~/.ssh/id_rsa",
    "../..",
    "a b",
    "a\nb",
    "",
    " ",
    "$(id)",
    "*",
    "{a,b}",
    "go-template-file=/etc/shadow",
    "jsonpath-file",
    "GO-TEMPLATE-FILE",
    "dump",
    "true",
    "false",
    "0",
    "=x",
    "+x",
    "!x",
    "HEAD",
    "HEAD:.env",
    "ext::sh",
    "http://x/",
    "ssh://h/",
    "https://x",
    "a=b",
    "A=b",
    "prod",
    "all",
    "cpu",
    "delete",
    "rm",
    "apply",
    "exec",
    "set",
    "add",
    "push",
    "run",
    "x;y",
    "x|y",
    "&",
    "a:b",
    ":x",
    ".",
    "./x",
    "x/",
    "name=",
    "%x",
    "a,b",
    "NaN",
    "-1",
    "help",
    "--help",
    "-h",
    "--output=x",
    "-ox",
    "-o",
    "--config=x",
];

/// Every spelling of every flag of a tool, raising ones and all.
fn flags() -> BTreeMap<String, Vec<String>> {
    let mut flags: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in FILES.iter() {
        let tool = &file.tool;
        let mut all: Vec<String> = Vec::new();
        for command in &tool.commands {
            all.extend(command.spellings.iter().map(|(spelling, _)| spelling.clone()));
            all.extend(command.path.iter().map(|word| word.replace('*', "x")));
        }
        all.sort();
        all.dedup();
        flags.insert(tool.names[0].clone(), all);
    }
    flags
}

fn change(argv: &mut Vec<String>, flags: &[String], numbers: &mut Numbers) {
    let at = 1 + numbers.below(argv.len());
    let word = |numbers: &mut Numbers| match numbers.below(4) {
        0 if !flags.is_empty() => numbers.one(flags).clone(),
        1 if !flags.is_empty() => format!("{}={}", numbers.one(flags), numbers.one(WORDS)),
        2 if !flags.is_empty() => {
            // The beginning of a long flag, or two short ones in one.
            let flag = numbers.one(flags).clone();
            let end = 2 + numbers.below(flag.len().saturating_sub(2));
            let mut begun: String = flag.chars().take(end).collect();
            if numbers.below(2) == 0 {
                begun.extend(numbers.one(flags).chars().nth(1));
            }
            begun
        }
        _ => (*numbers.one(WORDS)).to_owned(),
    };
    match numbers.below(6) {
        0 if at < argv.len() => drop(argv.remove(at)),
        1 if at < argv.len() => argv[at] = word(numbers),
        2 if at < argv.len() => {
            let other = 1 + numbers.below(argv.len() - 1);
            argv.swap(at, other);
        }
        3 => {
            let flag = word(numbers);
            let value = (*numbers.one(WORDS)).to_owned();
            argv.splice(at.min(argv.len())..at.min(argv.len()), [flag, value]);
        }
        _ => argv.insert(at.min(argv.len()), word(numbers)),
    }
}

#[test]
fn what_becomes_of_them_is_low_too() {
    let guard = Guard::new();
    let flags = flags();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut seeds: Vec<Vec<String>> =
        examples().iter().filter_map(|text| crate::model::segments(text)).flatten().collect();
    let machine = machine(&EVERYWHERE.iter().map(String::as_str).collect::<Vec<_>>());
    seeds.retain(|argv| machine.contains_key(&argv[0]));
    let rounds = std::env::var("GUARDRAIL_ROUNDS").map_or(4, |rounds| rounds.parse().unwrap());
    let mut changed = Vec::new();
    for _ in 0..rounds {
        for seed in &seeds {
            let mut argv = seed.clone();
            for _ in 0..=numbers.below(3) {
                change(&mut argv, &flags[&seed[0]], &mut numbers);
            }
            changed.push(argv);
        }
    }
    // What runs without a prompt, and of that what is not Low.
    let look = |lines: &[Vec<String>]| {
        let (mut runs, mut wrong) = (0, Vec::new());
        for argv in lines.iter().filter(|argv| ALL.passes("main", argv)) {
            runs += 1;
            let mut argv = argv.clone();
            // A shell may have a builtin of that name.
            let text = argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
            let filters = ["cut", "uniq", "head", "tail", "tr", "wc"].contains(&argv[0].as_str());
            argv[0] = machine[&argv[0]].clone();
            for request in [Request::shell(text), Request::argv(argv.clone())] {
                let evaluation = guard.evaluate(&request);
                // Its own filters take letters that no program has in front of one that they know
                // (`tail -f=run`); the programs refuse them.
                let refused = filters && evaluation.findings.iter().all(|finding| finding.unknown);
                if evaluation.risk != Risk::Low && !refused {
                    wrong.push(format!("{} {argv:?}", evaluation.risk));
                }
            }
        }
        (runs, wrong)
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (mut runs, mut wrong) = (0, Vec::new());
    std::thread::scope(|scope| {
        let looks: Vec<_> = changed
            .chunks(changed.len().div_ceil(threads).max(1))
            .map(|lines| scope.spawn(|| look(lines)))
            .collect();
        for done in looks {
            let (ran, not_low) = done.join().unwrap();
            runs += ran;
            wrong.extend(not_low);
        }
    });
    let tried = changed.len();
    println!("{runs} of {tried} run without a prompt");
    assert!(wrong.is_empty(), "{} of {runs}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(runs > tried / 50, "only {runs} of {tried}");
}
