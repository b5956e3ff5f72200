//! Which command lines of a tool are nothing but reads, proven from the knowledge.
//!
//! A [`Form`] is a small grammar of argument lists: flags of the tool, the subcommand, then flags and
//! operands that are named one by one. What is not proven is left out, so a flag that nobody knows, the
//! beginning of a long one, `--`, or a value that starts with a dash belongs to no form.

use guardrail_schema::{
    Command, Condition, Count, Effect, EffectKind, Flag, Grammar, Operand, Risk, Role, Scope, Test, Tool,
    ValueKind,
};

use crate::openclaw::word::{Word, matches, overlap};

/// How many ways of keeping a command's worse cases out are followed.
const MOST_WAYS: usize = 6;

/// As many levels of flags count, innermost first.
const LEVELS: usize = 4;

/// One command of a tool with what may stand around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// The subcommand's words; each may be a glob. Empty for the tool itself.
    pub(super) path: Vec<String>,
    /// Other commands that a path with globs also matches, and that are not this one.
    pub(super) but_not: Vec<Vec<String>>,
    /// What may stand around the path.
    pub(super) shape: Shape,
}

/// What may stand around a command's path.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape {
    /// The tool's own flags, before the path.
    pub(super) before: Vec<FlagForm>,
    /// Flags behind the path.
    pub(super) flags: Vec<FlagForm>,
    /// Whether short switches may be put together (`-la`).
    pub(super) clusters: bool,
    /// Whether the first operand ends flags.
    pub(super) flags_first: bool,
    /// How many operands there may be; `None` for any number.
    pub(super) most: Option<usize>,
    /// What each of them may be.
    pub(super) operand: Word,
}

/// A flag that changes nothing about a read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FlagForm {
    /// All its spellings.
    pub(super) spellings: Vec<String>,
    /// The name by which cases refer to it.
    pub(super) facet: String,
    /// What its value is.
    pub(super) takes: Takes,
    /// What its value may be.
    pub(super) value: Word,
}

/// Whether a flag has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Takes {
    Nothing,
    /// In the next word, or behind `=`.
    Value,
    /// Behind `=`, or not at all.
    Maybe,
    /// Behind `=`.
    Attached,
}

/// The forms of a command that only read; none where it cannot be proven.
pub(super) fn forms(tool: &Tool, command: &Command) -> Vec<Form> {
    let Some(shape) = shape(tool, command) else { return Vec::new() };
    let Some(but_not) = but_not(tool, command) else { return Vec::new() };
    let mut shapes = vec![shape];
    for case in command.cases.iter().filter(|case| !only_reads(&case.effects)) {
        let mut ways: Vec<Shape> = Vec::new();
        for shape in shapes {
            let kept = case.when.iter().filter_map(|condition| without(&shape, command, condition));
            let kept: Vec<Shape> = kept.collect();
            // Nothing that is left could make the case hold.
            let moot = kept.contains(&shape);
            for way in if moot { vec![shape] } else { kept } {
                if !ways.contains(&way) && ways.len() < MOST_WAYS {
                    ways.push(way);
                }
            }
        }
        shapes = ways;
    }
    let form = |shape| Form { path: command.path.clone(), but_not: but_not.clone(), shape };
    shapes.into_iter().map(form).collect()
}

/// Whether these effects are no more than a read: the case that adds them changes nothing.
fn only_reads(effects: &[Effect]) -> bool {
    effects.iter().all(|effect| {
        matches!(effect.kind, None | Some(EffectKind::Read))
            && effect.risk.is_none_or(|risk| risk == Risk::Low)
    })
}

/// A word that is only a text or a name.
const fn says_nothing(role: &Role) -> bool {
    matches!(role, Role::Text | Role::Name)
}

fn shape(tool: &Tool, command: &Command) -> Option<Shape> {
    let grammar = command.grammar.unwrap_or(tool.grammar);
    let plain = |grammar| matches!(grammar, Grammar::Getopt | Grammar::Posix | Grammar::SingleDash);
    if !plain(grammar) || !plain(tool.grammar) {
        return None;
    }
    let says = command.effects.iter().any(|effect| effect.kind.is_some()) || !command.operands.is_empty();
    let quiet = command.stdin.is_none() && command.appends_input.is_none();
    if !command.runs || !says || !quiet || !only_reads(&command.effects) || command.path.len() >= LEVELS {
        return None;
    }
    let (mut operand, mut most) = operands(command);
    let open = starts(tool, &mut operand) && children(tool, command, &mut operand);
    if !open {
        most = Some(0);
    }
    let root = tool.commands.first()?;
    let before = if command.path.is_empty() { Vec::new() } else { options(tool, &[root], &[]) };
    let (levels, contested) = levels(tool, command);
    let flags = options(tool, &levels, &contested);
    let long_short = |spelling: &String| {
        spelling.len() > 2 && spelling.starts_with('-') && !spelling.starts_with("--") && spelling != NUMBER
    };
    let spellings = levels.iter().flat_map(|command| &command.spellings);
    let clusters = grammar != Grammar::SingleDash && !spellings.map(|(s, _)| s).any(long_short);
    Some(Shape { before, flags, clusters, flags_first: grammar == Grammar::Posix, most, operand })
}

/// What operands may be, and how many may be given.
fn operands(command: &Command) -> (Word, Option<usize>) {
    let slots = &command.operands;
    let count = |slots: &[Operand]| {
        let many = slots.iter().any(|slot| slot.count == Count::Many);
        (!many).then_some(slots.len())
    };
    if slots.iter().all(|slot| says_nothing(&slot.role)) {
        return (Word::default(), count(slots));
    }
    // What a repository is asked for by a revision is in its history; by a path it may be anything.
    let reads = |slot: &Operand| says_nothing(&slot.role) || slot.role == Role::Read;
    if command.scope == Scope::Repository && slots.iter().all(reads) {
        return (Word::revision(), count(slots));
    }
    // The first ones are filled first, and what lies behind them stays empty.
    let first = slots.iter().take_while(|slot| slot.count == Count::One && says_nothing(&slot.role));
    (Word::default(), Some(first.count()))
}

/// Refuses words whose beginning says that they are more than a text (`file://`).
fn starts(tool: &Tool, word: &mut Word) -> bool {
    tool.prefixes.iter().filter(|(_, role)| !says_nothing(role)).all(|(start, _)| word.refuse_start(start))
}

/// Refuses words that would make another command of it (`cluster-info dump`).
fn children(tool: &Tool, command: &Command, word: &mut Word) -> bool {
    let mut open = true;
    for other in &tool.commands {
        let inside = other.path.get(command.path.len());
        let along = other.path.iter().zip(&command.path).all(|(a, b)| overlap(a, b));
        if let Some(next) = inside.filter(|_| along) {
            open &= word.refuse(next, false);
        }
    }
    open
}

/// The commands that a path with globs matches too, and that may win. `None` where they leave
/// nothing.
fn but_not(tool: &Tool, command: &Command) -> Option<Vec<Vec<String>>> {
    let globs = |path: &[String]| path.iter().any(|word| word.contains('*'));
    if !globs(&command.path) {
        return Some(Vec::new());
    }
    let rank = |path: &[String]| {
        let exact = path.iter().filter(|word| !word.contains('*')).count();
        (exact, path.iter().map(String::len).sum::<usize>())
    };
    let mut others = Vec::new();
    for other in tool.commands.iter().filter(|other| !other.path.is_empty()) {
        let beside = other.path.len() == command.path.len() && other.path != command.path;
        let along = other.path.iter().zip(&command.path).all(|(a, b)| overlap(a, b));
        let stars = other.path.iter().all(|word| word.chars().all(|c| c == '*'));
        if beside && along && rank(&other.path) >= rank(&command.path) {
            if stars {
                return None;
            }
            others.push(other.path.clone());
        }
        // Behind a command that is named and does something, what a glob matches is its operand.
        let before = other.path.len() < command.path.len();
        let group = command.path.starts_with(&other.path) || !other.runs;
        if before && along && !stars && !group {
            others.push(other.path.clone());
        }
    }
    Some(others)
}

/// The commands whose flags count behind a command's path, innermost first, and spellings about
/// which it is not certain whose they are.
fn levels<'t>(tool: &'t Tool, command: &'t Command) -> (Vec<&'t Command>, Vec<&'t str>) {
    let mut levels: Vec<&Command> = tool.commands.first().into_iter().collect();
    let mut contested = Vec::new();
    for length in 1..=command.path.len() {
        let along = |other: &&Command| {
            other.path.len() == length && other.path.iter().zip(&command.path).all(|(a, b)| overlap(a, b))
        };
        let same = |other: &&Command| command.path.get(..length) == Some(other.path.as_slice());
        for other in tool.commands.iter().filter(along) {
            if same(&other) {
                if !tool.root_flags_anywhere && length == 1 {
                    levels.clear();
                }
                levels.insert(0, other);
            } else if length < command.path.len() {
                contested.extend(other.spellings.iter().map(|(spelling, _)| spelling.as_str()));
            }
        }
    }
    levels.truncate(LEVELS);
    let own = |spelling: &&str| command.spellings.iter().any(|(s, _)| s == spelling);
    contested.retain(|spelling| !own(spelling));
    (levels, contested)
}

/// How a number as a flag is spelled in the knowledge (`head -5`).
pub(super) const NUMBER: &str = "-NUM";

/// The flags of these levels that change nothing about a read.
fn options(tool: &Tool, levels: &[&Command], contested: &[&str]) -> Vec<FlagForm> {
    let mut seen: Vec<&str> = contested.to_vec();
    let mut options: Vec<FlagForm> = Vec::new();
    for command in levels {
        let mut own: Vec<(u16, FlagForm)> = Vec::new();
        for (spelling, place) in &command.spellings {
            if seen.contains(&spelling.as_str()) {
                continue;
            }
            seen.push(spelling);
            let Some(flag) = command.flags.get(usize::from(*place)) else { continue };
            if !is_plain(spelling) {
                continue;
            }
            match own.iter_mut().find(|(known, _)| known == place) {
                Some((_, option)) => option.spellings.push(spelling.clone()),
                None => {
                    if let Some(mut option) = option(tool, flag) {
                        option.spellings.push(spelling.clone());
                        own.push((*place, option));
                    }
                }
            }
        }
        options.extend(own.into_iter().map(|(_, option)| option));
    }
    options.sort();
    options
}

/// A spelling of a flag that means itself to every shell.
fn is_plain(spelling: &str) -> bool {
    let name = spelling.trim_start_matches('-');
    let dashes = spelling.len() - name.len();
    (1..=2).contains(&dashes)
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
}

/// A flag as it may be given; `None` where it could be more than nothing.
fn option(tool: &Tool, flag: &Flag) -> Option<FlagForm> {
    let Flag { role, then, keys, prefixes, effects, sets, operands, provides, marks, stdin, .. } = flag;
    let harmless = role.as_ref().is_none_or(says_nothing)
        && then.is_none()
        && prefixes.is_empty()
        && only_reads(effects)
        && sets.is_none()
        && operands.is_none()
        && provides.is_none()
        && marks.is_empty()
        && stdin.is_none()
        && flag.pieces.is_none()
        && flag.placeholder.is_none();
    let mut takes = match flag.value {
        ValueKind::None => Takes::Nothing,
        ValueKind::Required => Takes::Value,
        ValueKind::Optional => Takes::Maybe,
        ValueKind::Terminated => return None,
    };
    if !harmless {
        return None;
    }
    let mut value = Word::default();
    let mut open = starts(tool, &mut value);
    if !keys.is_empty() {
        // What the value is depends on its key; every key must be settled.
        if !keys.iter().any(|(glob, role)| glob == "*" && says_nothing(role)) {
            return None;
        }
        for (glob, _) in keys.iter().filter(|(_, role)| !says_nothing(role)) {
            open &= value.refuse_key(glob);
        }
    }
    if !open {
        takes = match takes {
            Takes::Nothing | Takes::Maybe => Takes::Nothing,
            Takes::Value | Takes::Attached => return None,
        };
    }
    Some(FlagForm { spellings: Vec::new(), facet: flag.facet.clone(), takes, value })
}

/// The shape in which a condition never holds; `None` where that cannot be had.
fn without(shape: &Shape, command: &Command, condition: &Condition) -> Option<Shape> {
    let mut shape = shape.clone();
    let is_operand = command.operands.iter().any(|slot| slot.name == condition.facet);
    if condition.facet == guardrail_schema::CALLED && !is_operand {
        return (!is_called(command, &condition.test)).then_some(shape);
    }
    match &condition.test {
        Test::Absent | Test::Once => return None,
        Test::Present => {
            for options in [&mut shape.before, &mut shape.flags] {
                options.retain(|option| option.facet != condition.facet);
            }
            if is_operand {
                shape.most = Some(0);
            }
        }
        Test::Matches(globs) => {
            for options in [&mut shape.before, &mut shape.flags] {
                options.retain_mut(|option| option.facet != condition.facet || narrow(option, globs));
            }
            if is_operand && shape.most != Some(0) {
                let open = globs.iter().all(|glob| shape.operand.refuse(glob, true));
                if !open {
                    shape.most = Some(0);
                }
            }
        }
    }
    Some(shape)
}

/// Whether a command's own words may be what a case asks for.
fn is_called(command: &Command, test: &Test) -> bool {
    let Test::Matches(globs) = test else { return true };
    let path = command.path.join(" ");
    path.contains('*') || globs.iter().any(|glob| glob.starts_with("not ") || matches(glob, &path, true))
}

/// Takes the values that match from a flag. Whether any is left.
fn narrow(option: &mut FlagForm, globs: &[String]) -> bool {
    // Without a value it is the empty text.
    let bare = globs.iter().any(|glob| glob.chars().all(|c| c == '*'));
    match option.takes {
        Takes::Nothing => return !bare,
        Takes::Maybe if bare => option.takes = Takes::Attached,
        _ => {}
    }
    // What is left out of a glob may as well be refused with it.
    let wanted = globs.iter().filter(|glob| !glob.is_empty() && !glob.starts_with("not "));
    wanted.into_iter().all(|glob| option.value.refuse(glob, true))
}
