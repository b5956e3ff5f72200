//! Paths of effects and of rules: written from the file system's root, from the workspace's and
//! from the home directory, as far as the request tells.

use std::fmt;

use crate::lower::{Lead, Value as WordValue, Word};
use crate::policy::facet::{Side, Slot};
use crate::policy::pattern::{Pattern, Reading, Text};
use crate::policy::truth::Truth;
use crate::request::Request;

/// A path in each way to write it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Forms {
    absolute: Form,
    /// Below the workspace; the workspace itself is empty.
    workspace: Form,
    /// Below the home directory.
    home: Form,
    /// Whether what is below it is touched too.
    reach: Reach,
}

/// Whether an effect reaches what lies below its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Only itself.
    Itself,
    /// It may be a directory, and so what is known to be in it may be touched.
    Perhaps,
    /// All that is in it.
    Below,
}

/// A path written in one way.
#[derive(Clone, Debug, PartialEq)]
enum Form {
    /// What lies behind the root, without slashes at the ends; behind the hole, if there is one,
    /// the suffix.
    Known(String, Option<String>),
    /// It does not lie below that root.
    Elsewhere,
    /// That root lies below it.
    Above,
    /// Cannot be known.
    Unknown,
}

/// The roots that a request knows.
#[derive(Clone, Copy, Debug)]
struct Roots<'r> {
    cwd: Option<&'r str>,
    workspace: Option<&'r str>,
    home: Option<&'r str>,
}

impl<'r> Roots<'r> {
    fn of(request: &'r Request) -> Self {
        let absolute = |path: &'r Option<String>| path.as_deref().filter(|path| path.starts_with('/'));
        let cwd = absolute(&request.cwd);
        Self {
            cwd,
            workspace: absolute(&request.facts.workspace).or(cwd),
            home: absolute(&request.facts.home),
        }
    }
}

/// What the path in `word` is, seen from `directory`.
pub(crate) fn slot(word: &Word<'_>, directory: &Word<'_>, request: &Request, reach: Reach) -> Slot<'static> {
    match forms(word, directory, Roots::of(request), reach) {
        Some(forms) => Slot::Path(Box::new(forms)),
        None => Slot::Unknown,
    }
}

impl fmt::Display for Forms {
    /// The shortest way to write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let forms =
            [(Root::Workspace, &self.workspace), (Root::Home, &self.home), (Root::Absolute, &self.absolute)];
        for (root, form) in forms {
            if let Form::Known(path, suffix) = form {
                let hole = if suffix.is_some() { "…" } else { "" };
                return write!(f, "{}{path}{hole}{}", root.key(), suffix.as_deref().unwrap_or_default());
            }
        }
        f.write_str("unknown")
    }
}

impl Forms {
    /// The shortest way to write it, if all of it is known and it is no root itself.
    pub(crate) fn written(&self) -> Option<String> {
        let forms =
            [(Root::Workspace, &self.workspace), (Root::Home, &self.home), (Root::Absolute, &self.absolute)];
        let known = forms.into_iter().find_map(|(root, form)| match form {
            Form::Known(path, suffix) => Some((root, path, suffix)),
            _ => None,
        });
        let (root, path, _) = known.filter(|(_, path, suffix)| suffix.is_none() && !path.is_empty())?;
        Some(format!("{}{path}", root.key()))
    }

    /// Hands on every word below a root that a rule which may match is filed under: `true` asks for
    /// all that begin with it. Tells whether that is known at all: if not, each rule may match.
    pub(crate) fn keys(&self, root: RootKey, take: &mut impl FnMut(&[u8], bool)) -> bool {
        let form = match root {
            RootKey::Absolute | RootKey::System => &self.absolute,
            RootKey::Workspace => &self.workspace,
            RootKey::Home => &self.home,
        };
        match form {
            Form::Elsewhere => true,
            Form::Above => self.reach == Reach::Itself,
            Form::Unknown => root == RootKey::System,
            // Of the root itself all that is below is reached, or may be.
            Form::Known(path, suffix) if path.is_empty() && suffix.as_deref().is_none_or(str::is_empty) => {
                suffix.is_none() && self.reach == Reach::Itself
            }
            Form::Known(path, suffix) => {
                directories(path, take);
                if suffix.is_some() || self.reach != Reach::Itself {
                    let slash = if path.is_empty() || suffix.is_some() { "" } else { "/" };
                    take(format!("{path}{slash}").as_bytes(), true);
                }
                true
            }
        }
    }
}

/// The same for the name of what is no path.
pub(crate) fn name_keys(name: &[u8], root: RootKey, take: &mut impl FnMut(&[u8], bool)) {
    let name = String::from_utf8_lossy(name);
    let (own, rest) = Root::split(&name);
    let same = match root {
        RootKey::Absolute | RootKey::System => own == Root::Absolute,
        RootKey::Workspace => own == Root::Workspace,
        RootKey::Home => own == Root::Home,
    };
    if same {
        directories(rest, take);
    }
}

/// A path and each directory above it, down from the root.
fn directories(path: &str, take: &mut impl FnMut(&[u8], bool)) {
    for (at, _) in path.match_indices('/') {
        take(path.get(..=at).unwrap_or_default().as_bytes(), false);
    }
    take(format!("{path}/").as_bytes(), false);
}

/// Which root a rule's path is filed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RootKey {
    Absolute,
    /// Those of them that no workspace or home lies in.
    System,
    Workspace,
    Home,
}

/// Where a path starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Root,
    Home,
    /// The directory the request stands in.
    Here,
}

fn forms(word: &Word<'_>, directory: &Word<'_>, roots: Roots<'_>, reach: Reach) -> Option<Forms> {
    let (prefix, suffix) = known_parts(word)?;
    let start = match word.lead {
        Lead::Text if prefix.starts_with('/') => Start::Root,
        Lead::Text | Lead::WorkingDirectory => Start::Here,
        Lead::Home => Start::Home,
        Lead::OtherHome => return None,
    };
    let mut parts: Vec<&str> = Vec::new();
    let mut start = start;
    if start == Start::Here {
        let directory = match (directory.value, directory.lead) {
            (WordValue::Known(text), Lead::Text) => std::str::from_utf8(text).ok()?,
            _ => return None,
        };
        let from = if directory.starts_with('/') { None } else { roots.cwd };
        if directory.starts_with('/') || from.is_some() {
            start = Start::Root;
        }
        join(&mut parts, from.unwrap_or_default(), start)?;
        join(&mut parts, directory, start)?;
    }
    // The piece behind the last slash goes on in the hole.
    let (whole, last) = match &suffix {
        Some(_) => prefix.rsplit_once('/').map_or(("", prefix), |(whole, last)| (whole, last)),
        None => (prefix, ""),
    };
    join(&mut parts, whole, start)?;
    // What the kernel shows of a process leads anywhere.
    if start == Start::Root
        && parts.first() == Some(&"proc")
        && parts.iter().any(|p| matches!(*p, "cwd" | "root"))
    {
        return None;
    }
    let path = |skip: usize| {
        let mut text = parts.get(skip..).unwrap_or_default().join("/");
        if suffix.is_some() && !text.is_empty() {
            text.push('/');
        }
        text.push_str(last);
        Form::Known(text, suffix.clone())
    };
    let below = |root: &str| {
        let root: Vec<&str> = root.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if parts.starts_with(&root) {
            path(root.len())
        } else if root.starts_with(&parts) {
            Form::Above
        } else {
            Form::Elsewhere
        }
    };
    Some(match start {
        Start::Root => Forms {
            absolute: path(0),
            workspace: match roots.workspace {
                Some(root) => below(root),
                None => Form::Unknown,
            },
            home: match (roots.home, parts.as_slice()) {
                (Some(home), _) => below(home),
                // As everywhere in the analysis, these are taken for homes.
                (None, ["home" | "Users", _, ..]) => path(2),
                (None, ["root", ..]) => path(1),
                (None, [] | ["home" | "Users"]) => Form::Above,
                (None, _) => Form::Elsewhere,
            },
            reach,
        },
        Start::Home => match roots.home {
            Some(home) => {
                let mut whole: Vec<&str> = Vec::new();
                join(&mut whole, home, Start::Root)?;
                let mut text = whole.join("/");
                let Form::Known(rest, _) = path(0) else { return None };
                if !rest.is_empty() || suffix.is_some() {
                    text.push('/');
                    text.push_str(&rest);
                }
                let workspace = match roots.workspace.map(|root| (root.trim_matches('/'), text.as_str())) {
                    Some((root, text)) if within(root, text) => Form::Known(
                        text.get(root.len()..).unwrap_or_default().trim_start_matches('/').to_owned(),
                        suffix.clone(),
                    ),
                    Some((root, text)) if within(text, root) => Form::Above,
                    Some(_) => Form::Elsewhere,
                    None => Form::Unknown,
                };
                Forms { absolute: Form::Known(text, suffix.clone()), workspace, home: path(0), reach }
            }
            None => Forms { absolute: Form::Unknown, workspace: Form::Unknown, home: path(0), reach },
        },
        // Without a working directory the workspace is where the request stands.
        Start::Here => Forms {
            absolute: Form::Unknown,
            workspace: if roots.workspace.is_none() { path(0) } else { Form::Unknown },
            home: Form::Elsewhere,
            reach,
        },
    })
}

/// Whether `path` is `root` or lies below it.
fn within(root: &str, path: &str) -> bool {
    root.is_empty() || path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What is known of a word: all of it, or what stands around a hole that stays in its directory.
fn known_parts<'w>(word: &Word<'w>) -> Option<(&'w str, Option<String>)> {
    let text = |bytes: &'w [u8]| std::str::from_utf8(bytes).ok();
    if let Some(pattern) = word.pattern {
        if !word.from.is_empty() {
            return None;
        }
        let pattern = text(pattern)?;
        let wild = ['*', '?', '[', '(', '{', '\\'];
        let first = pattern.find(wild)?;
        let last = pattern.rfind([')', ']', '}', '*', '?', '[', '(', '{', '\\'])?;
        let suffix =
            pattern.get(last..).and_then(|rest| rest.char_indices().nth(1).map(|(at, _)| rest.get(at..)));
        // Options of the shell let one pattern match in several directories.
        let suffix = suffix.flatten().unwrap_or_default();
        let middle = pattern.get(first..last).unwrap_or_default();
        if middle.contains('/') || suffix.contains('/') {
            return Some((pattern.get(..first)?, Some(String::new())))
                .filter(|_| !pattern.split('/').any(|part| part == ".."));
        }
        return Some((pattern.get(..first)?, Some(suffix.to_owned())));
    }
    match (word.value, word.lead) {
        (WordValue::Known(known), Lead::Text) => Some((text(known)?, None)),
        // Behind a place, the suffix is all there is where nothing else flowed in.
        (WordValue::Partial { prefix: b"", suffix }, Lead::Home | Lead::WorkingDirectory)
            if word.from.is_empty() =>
        {
            Some((text(suffix)?, None))
        }
        _ => None,
    }
}

/// Walks on from `parts`; `None` where that leads above a start whose place is not known.
fn join<'p>(parts: &mut Vec<&'p str>, path: &'p str, start: Start) -> Option<()> {
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() && start != Start::Root {
                    return None;
                }
            }
            part => parts.push(part),
        }
    }
    Some(())
}

/// A glob over paths, or over the names of other targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathPattern {
    root: Root,
    /// Behind the root; two of them for `x/**`, which is `x` too.
    paths: Vec<Pattern>,
    /// The same for what is no path.
    name: Pattern,
    /// The directories before the first wildcard, behind the root, with a slash at the end.
    pub(crate) directory: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Root {
    Absolute,
    Workspace,
    Home,
}

impl Root {
    /// Where a path as it is written starts, and the rest.
    fn split(text: &str) -> (Self, &str) {
        if let Some(rest) = text.strip_prefix("~/") {
            (Self::Home, rest)
        } else if let Some(rest) = text.strip_prefix('/') {
            (Self::Absolute, rest)
        } else {
            (Self::Workspace, text.strip_prefix("./").unwrap_or(text))
        }
    }

    /// What its paths begin with in the index.
    const fn key(self) -> &'static str {
        match self {
            Self::Absolute => "/",
            Self::Workspace => "./",
            Self::Home => "~/",
        }
    }
}

impl PathPattern {
    pub(crate) fn new(text: &str) -> Self {
        let (root, rest) = Root::split(text);
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let mut paths = vec![Pattern::new(rest, Reading::Path)];
        if rest != "**"
            && let Some(itself) = rest.strip_suffix("/**")
        {
            paths.push(Pattern::new(itself, Reading::Path));
        }
        // `**/x` is also `x`.
        if let Some(anywhere) = rest.strip_prefix("**/") {
            paths.push(Pattern::new(anywhere, Reading::Path));
        }
        let beginning = rest.split(['*', '?']).next().unwrap_or_default();
        let directory = match beginning.rsplit_once('/') {
            Some((directory, _)) => format!("{directory}/"),
            None => String::new(),
        };
        Self { root, paths, name: Pattern::new(text, Reading::Name), directory }
    }

    /// The root and the word that it is filed under: the directories before its first wildcard.
    pub(crate) fn key(&self) -> Option<(RootKey, &[u8])> {
        if self.directory.is_empty() {
            return None;
        }
        let root = match self.root {
            Root::Absolute if self.is_of_the_system() => RootKey::System,
            Root::Absolute => RootKey::Absolute,
            Root::Workspace => RootKey::Workspace,
            Root::Home => RootKey::Home,
        };
        Some((root, self.directory.as_bytes()))
    }

    fn form<'f>(&self, forms: &'f Forms) -> &'f Form {
        match self.root {
            Root::Absolute => &forms.absolute,
            Root::Workspace => &forms.workspace,
            Root::Home => &forms.home,
        }
    }

    fn matches(&self, forms: &Forms, side: Side) -> Truth {
        let (path, suffix) = match self.form(forms) {
            Form::Known(path, suffix) => (path.as_bytes(), suffix.as_deref().map(str::as_bytes)),
            Form::Elsewhere => return Truth::False,
            // `rm -rf /` takes the workspace along.
            Form::Above => {
                let reached = side == Side::Restricting && forms.reach != Reach::Itself;
                return if reached { Truth::Unknown } else { Truth::False };
            }
            // Nobody's workspace or home lies in the directories of the system.
            Form::Unknown if self.is_of_the_system() => return Truth::False,
            Form::Unknown => return Truth::Unknown,
        };
        let text = Text { prefix: path, suffix };
        let itself = self.paths.iter().fold(Truth::False, |truth, pattern| truth.or(pattern.matches(text)));
        if itself == Truth::True || side == Side::Allowing {
            return itself;
        }
        itself.or(self.below(path, forms.reach))
    }

    /// Whether something that matches may lie below a path.
    fn below(&self, path: &[u8], reach: Reach) -> Truth {
        let inside = |directory: &[u8]| {
            path.is_empty() || directory.strip_prefix(path).is_some_and(|rest| rest.first() == Some(&b'/'))
        };
        let may = match reach {
            Reach::Itself => false,
            Reach::Perhaps => !self.directory.is_empty() && inside(self.directory.as_bytes()),
            Reach::Below => {
                let mut prefix = path.to_vec();
                if !path.is_empty() {
                    prefix.push(b'/');
                }
                let text = Text { prefix: &prefix, suffix: Some(b"") };
                self.paths.iter().any(|pattern| pattern.matches(text) != Truth::False)
            }
        };
        if may { Truth::Unknown } else { Truth::False }
    }

    fn is_of_the_system(&self) -> bool {
        const SYSTEM: &[&str] =
            &["bin", "boot", "dev", "etc", "lib", "lib64", "proc", "run", "sbin", "sys", "usr", "var"];
        self.root == Root::Absolute
            && self.directory.split('/').next().is_some_and(|first| SYSTEM.contains(&first))
    }
}

/// Paths of which one must match, and paths of which none may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PathPatterns {
    pub(crate) any: Vec<PathPattern>,
    pub(crate) none: Vec<PathPattern>,
}

impl PathPatterns {
    pub(crate) fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut patterns = Self::default();
        for text in texts {
            match text.strip_prefix('!') {
                Some(text) => patterns.none.push(PathPattern::new(text)),
                None => patterns.any.push(PathPattern::new(text)),
            }
        }
        patterns
    }

    pub(crate) fn slot(&self, slot: &Slot<'_>, side: Side) -> Truth {
        match slot {
            Slot::Nothing => self.any.is_empty().into(),
            Slot::Every | Slot::Unknown => Truth::Unknown,
            Slot::Path(forms) => self.forms(forms, side),
            values => {
                let truths = values.values().iter().map(|value| self.name(value.text()));
                match side {
                    Side::Allowing => truths.fold(Truth::True, Truth::and),
                    Side::Restricting => truths.fold(Truth::False, Truth::or),
                }
            }
        }
    }

    fn forms(&self, forms: &Forms, side: Side) -> Truth {
        // What must not match is looked at from the other side.
        let other = match side {
            Side::Allowing => Side::Restricting,
            Side::Restricting => Side::Allowing,
        };
        self.each(|pattern, wanted| pattern.matches(forms, if wanted { side } else { other }))
    }

    fn name(&self, text: Text<'_>) -> Truth {
        self.each(|pattern, _| pattern.name.matches(text))
    }

    fn each(&self, matches: impl Fn(&PathPattern, bool) -> Truth) -> Truth {
        let any = |patterns: &[PathPattern], wanted| {
            let mut truth = Truth::False;
            for pattern in patterns {
                truth = truth.or(matches(pattern, wanted));
                if truth == Truth::True {
                    break;
                }
            }
            truth
        };
        let wanted = if self.any.is_empty() { Truth::True } else { any(&self.any, true) };
        wanted.and(any(&self.none, false).not())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::Span;

    fn truth(pattern: &str, path: &str, directory: &str, reach: Reach, side: Side, situated: bool) -> Truth {
        let mut request = Request::shell("x");
        if situated {
            request = request.cwd("/home/dev/app/sub");
            request.facts.workspace = Some("/home/dev/app".into());
            request.facts.home = Some("/home/dev".into());
        }
        let word = match path.strip_prefix('~') {
            Some(rest) => Word {
                value: WordValue::Partial { prefix: b"", suffix: rest.as_bytes() },
                lead: Lead::Home,
                ..Word::unknown(Span::default())
            },
            None if path.contains('*') => {
                Word { pattern: Some(path.as_bytes()), ..Word::unknown(Span::default()) }
            }
            None => Word::known(path.as_bytes(), Span::default()),
        };
        let directory = Word::known(directory.as_bytes(), Span::default());
        PathPatterns::new([pattern]).slot(&slot(&word, &directory, &request, reach), side)
    }

    #[test]
    fn a_path_is_found_however_it_is_written() {
        use Truth::{False, True, Unknown};
        for (pattern, path, directory, expected) in [
            ("src/**", "../src/a.rs", "", True),
            ("src/**", "a.rs", "../src", True),
            ("src/**", "/home/dev/app/src/a.rs", "", True),
            ("src/**", "~/app/src/a.rs", "", True),
            ("src/**", "src/a.rs", "", False),
            ("src/**", "/etc/passwd", "", False),
            ("/etc/**", "/etc/x/../passwd", "", True),
            ("/etc/**", "/etc", "", True),
            ("~/.ssh/**", "/home/dev/.ssh/id", "", True),
            ("~/.ssh/**", "~/.ssh/id", "", True),
            ("/home/dev/app/x", "~/app/x", "", True),
            ("sub/**", "*.rs", "", True),
            ("sub/*.rs", "*.rs", "", Unknown),
            ("sub/a*.rs", "*.rs", "", Unknown),
            ("sub/*.py", "*.rs", "", False),
            ("!src/**", "../src/a.rs", "", False),
            ("!src/**", "a.rs", "", True),
            ("**/.env", ".env", "", True),
            ("**/.env", "/home/dev/app/.env", "", True),
        ] {
            for side in [Side::Allowing, Side::Restricting] {
                let found = truth(pattern, path, directory, Reach::Itself, side, true);
                assert_eq!(found, expected, "{pattern} {path} from {directory:?}");
            }
        }
    }

    #[test]
    fn what_is_not_known_of_the_world_is_unknown() {
        use Truth::{False, True, Unknown};
        for (pattern, path, expected) in [
            ("src/**", "src/a", True),
            ("src/**", "../src/a", Unknown),
            ("/srv/x", "x", Unknown),
            ("/etc/**", "x", False),
            ("~/.ssh/**", "x", False),
            ("~/.ssh/**", "/home/any/.ssh/id", True),
            ("src/**", "/home/any/src/a", Unknown),
            ("/x", "~/x", Unknown),
        ] {
            let found = truth(pattern, path, "", Reach::Itself, Side::Restricting, false);
            assert_eq!(found, expected, "{pattern} {path}");
        }
    }

    #[test]
    fn what_lies_below_may_be_touched() {
        use Truth::{False, Unknown};
        for (pattern, path, reach, expected) in [
            ("src/secret/**", "/home/dev/app/src", Reach::Perhaps, Unknown),
            ("src/secret/**", "/home/dev/app/src", Reach::Itself, False),
            ("src/secret/**", "/home/dev/app/srcs", Reach::Below, False),
            ("**/.env", "/home/dev/app/src", Reach::Below, Unknown),
            ("**/.env", "/home/dev/app/src", Reach::Perhaps, False),
            ("src/**", "/", Reach::Below, Unknown),
            ("src/**", "/home/dev", Reach::Below, Unknown),
        ] {
            let found = truth(pattern, path, "", reach, Side::Restricting, true);
            assert_eq!(found, expected, "{pattern} {path}");
            assert_eq!(truth(pattern, path, "", reach, Side::Allowing, true), False, "{pattern} {path}");
        }
    }
}
