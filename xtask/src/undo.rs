//! What the files of `undo/` say, held against what the guard says: every rule's example is derived, and
//! what comes out has to be understood, to take back something, and to be no worse than it may be.

use std::collections::{BTreeMap, BTreeSet};

use guardrail_core::plan::{Command, Derived};
use guardrail_core::{Action, EffectKind, Evaluation, Guard, Request, Risk};
use guardrail_schema::{Operation, Way, WayExample, Ways, WaysFile};

use crate::tree::{self, Entry};
use crate::{Outcome, compare};

/// What is wrong with the files whose tools are `wanted`, and how many examples there were.
///
/// # Errors
///
/// Where a file or a model cannot be read.
pub fn review(
    entries: &[Entry],
    guard: &Guard,
    wanted: impl Fn(&str) -> bool,
) -> Outcome<(usize, Vec<String>)> {
    let (mut count, mut problems) = (0, Vec::new());
    for (_, _, file) in tree::undo()?.iter().filter(|(_, _, file)| wanted(&file.ways.tool)) {
        let tool = &file.ways.tool;
        let told = |problem: String| format!("undo/{tool}: {problem}");
        problems.extend(missing(entries, file).into_iter().map(told));
        for (way, examples) in file.ways.ways.iter().zip(&file.examples) {
            for example in examples {
                count += 1;
                problems.extend(wrong(guard, way, example).into_iter().map(told));
            }
        }
        let (operations, wrong) = operations(guard, &file.ways)?;
        count += operations;
        problems.extend(wrong.into_iter().map(told));
    }
    Ok((count, problems))
}

/// Paths in rules that the tool's own file does not have.
fn missing(entries: &[Entry], file: &WaysFile) -> Vec<String> {
    if let Some(name) = file.ways.also.iter().find(|name| tree::find(entries, name).is_none()) {
        return vec![format!("no tool is named `{name}`")];
    }
    let Some(entry) = tree::find(entries, &file.ways.tool) else {
        return vec!["no tool has this name".to_owned()];
    };
    let known = |path: &Vec<String>| {
        entry.file.tool.commands.iter().any(|command| {
            command.path.len() == path.len()
                && command.path.iter().zip(path).all(|(g, w)| compare::glob(g, w) || compare::glob(w, g))
        })
    };
    let paths = file.ways.ways.iter().flat_map(|way| &way.of);
    let modelled = !file.ways.operations.is_empty();
    paths
        .filter(|path| !known(path) && (!modelled || path.iter().all(|word| !word.contains('*'))))
        .map(|path| format!("`{}` is no command of it", path.join(" ")))
        .collect()
}

/// What is wrong with what is derived from an example.
fn wrong(guard: &Guard, way: &Way, example: &WayExample) -> Vec<String> {
    let shell = Request::shell(&example.run);
    let evaluation = guard.evaluate(&shell);
    let mut problems = Vec::new();
    let mut say = |problem: String| problems.push(format!("`{}`: {problem}", example.run));
    let words = evaluation.invocations.first().map(|invocation| {
        invocation
            .argv
            .iter()
            .map(|word| word.as_ref().map(ToString::to_string))
            .collect::<Option<Vec<String>>>()
    });
    let Some(Some(words)) = words else {
        return vec![format!("`{}` is not one command with known words", example.run)];
    };
    let derived = guard.derive(&Command::argv(&words), &Request::argv(&words));
    if evaluation.risk == Risk::Low {
        say("is Low: nothing is to be taken back".to_owned());
    }
    if evaluation.unknown {
        say("is not understood itself".to_owned());
    }
    if let Some(form) = &way.dry_run {
        match &derived.dry_run {
            None => say(format!("`{form}` gives no rehearsal")),
            Some(dry_run) => {
                let judged = judge(guard, dry_run);
                if judged.unknown {
                    say(format!("its rehearsal `{}` is not understood", dry_run.typed()));
                } else if judged.risk >= evaluation.risk && way.partial.is_none() {
                    say(format!(
                        "its rehearsal `{}` is {} too; say why (`partial`)",
                        dry_run.typed(),
                        judged.risk
                    ));
                }
            }
        }
    }
    if way.capture.is_some() && derived.state.is_none() {
        say("its capture cannot be filled, or is not Low".to_owned());
    }
    if way.backup.is_some() {
        match &derived.backup {
            None => say("its backup cannot be filled".to_owned()),
            Some(backup) if judge(guard, backup).unknown => {
                say(format!("its backup `{}` is not understood", backup.typed()));
            }
            Some(_) => {}
        }
    }
    if !way.inverse.is_empty() {
        for problem in back(guard, way, example, &derived, &evaluation) {
            say(problem);
        }
    }
    if way.by_hand.is_some() && derived.by_hand != way.by_hand {
        say("another rule comes before this one".to_owned());
    }
    if way.irreversible.is_some() && derived.irreversible != way.irreversible {
        say("another rule comes before this one, and says otherwise".to_owned());
    }
    problems
}

fn back(guard: &Guard, way: &Way, example: &WayExample, derived: &Derived, of: &Evaluation) -> Vec<String> {
    let Some(rollback) = &derived.rollback else {
        return vec![format!("no way back comes of it ({:?})", derived.irreversible)];
    };
    let typed: Vec<String> = rollback.commands.iter().map(Command::typed).collect();
    let mut problems = Vec::new();
    if let Some(back) = &example.back
        && *back != typed
    {
        problems.push(format!("is taken back by {typed:?}"));
    }
    let mut changes = false;
    for command in &rollback.commands {
        let judged = judge(guard, command);
        let shown = command.typed();
        changes |= judged
            .effects
            .iter()
            .any(|effect| !matches!(effect.kind, EffectKind::Read | EffectKind::NetworkIn));
        if judged.unknown {
            problems.push(format!("`{shown}` is not understood"));
        }
        if judged.risk == Risk::Critical && of.risk < Risk::Critical && way.worse.is_none() {
            problems.push(format!("`{shown}` is Critical, and it is {}; say why (`worse`)", of.risk));
        }
    }
    if !changes {
        problems.push(format!("{typed:?} change nothing"));
    }
    problems
}

/// What the guard says of a derived command, with something in the place of what is captured.
fn judge(guard: &Guard, command: &Command) -> Evaluation {
    let filled = match &command.action {
        Action::Argv(words) => {
            Action::Argv(words.iter().map(|w| w.replace("{{captured.before}}", "1")).collect())
        }
        other => other.clone(),
    };
    guard.evaluate(&Request::new(filled))
}

/// Operations by a model: each exists there, and so does what it is taken back by; that is understood.
fn operations(guard: &Guard, ways: &Ways) -> Outcome<(usize, Vec<String>)> {
    if ways.operations.is_empty() {
        return Ok((0, Vec::new()));
    }
    let known = recorded(&ways.tool)?;
    let (mut count, mut problems) = (0, Vec::new());
    for (group, list) in &ways.operations {
        for (name, operation) in list {
            count += 1;
            let Operation { inverse, absent, printed, capture, by_name, told } = operation;
            let texts = [inverse, absent, printed, capture, by_name, told];
            let others = texts.into_iter().flatten().filter_map(|text| text.split(' ').next());
            for wanted in others.chain([name.as_str()]) {
                if !known.get(group.as_str()).is_some_and(|names| names.contains(wanted)) {
                    problems.push(format!("`{group} {wanted}` is not in the model"));
                }
            }
            problems.extend(operation_wrong(guard, ways, group, name));
        }
    }
    Ok((count, problems))
}

fn operation_wrong(guard: &Guard, ways: &Ways, group: &str, name: &str) -> Vec<String> {
    let path: Vec<&str> = group.split(' ').chain([name]).collect();
    let Some(way) = ways.of(&path).find(|way| !way.of.iter().flatten().any(|word| word.contains('*'))) else {
        return vec![format!("`{group} {name}` cannot be found")];
    };
    let mut run = format!("{} {group} {name}", ways.tool);
    let mut given = BTreeSet::new();
    for hole in
        way.inverse.iter().chain(&way.capture).chain(&way.needs).flat_map(|form| form.split('{').skip(1))
    {
        let flag = hole.split(['}', '|', '?']).next().unwrap_or_default();
        if flag.starts_with('-') && given.insert(flag.to_owned()) {
            run += &format!(" {flag} x");
        }
    }
    wrong(guard, &way, &WayExample { run, back: None })
}

/// The groups of a recorded model, each with its operations.
fn recorded(vendor: &str) -> Outcome<BTreeMap<String, BTreeSet<String>>> {
    let text = tree::data(&format!("models/{vendor}.txt"))?;
    let lines = text.lines().skip(1).filter_map(|line| line.split_once(": "));
    let lines = lines.map(|(group, list)| (group.trim(), list));
    let name = |operation: &str| operation.trim_end_matches(['=', '?', '+', '-', '!']).to_owned();
    Ok(lines.map(|(group, list)| (group.to_owned(), list.split(' ').map(name).collect())).collect())
}
