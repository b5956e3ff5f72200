//! The knowledge at run time: built-in tools decoded when first met, and an embedder's own.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use guardrail_knowledge::{Pack, Path};
use guardrail_schema::{
    Command, Document, FileError, Language, NamedCall, Role, Runtime, Secret, Tool, ToolFile, Variable, Ways,
    WaysFile,
};
use sha2::{Digest as _, Sha256};
use smol_str::SmolStr;

use crate::glob;

/// What command-line tools do: the built-in files and an embedder's own.
#[derive(Debug)]
pub(crate) struct Knowledge {
    pack: Pack,
    /// The places of the pack's names, each in its slot or in the next one that was free.
    slots: Vec<u16>,
    decoded: Vec<OnceLock<Option<Box<KnownTool>>>>,
    documents: OnceLock<Vec<Document>>,
    runtimes: OnceLock<Vec<Runtime>>,
    secrets: OnceLock<Vec<Secret>>,
    addresses: OnceLock<Vec<String>>,
    numbers: OnceLock<Vec<String>>,
    own: BTreeMap<String, Own>,
    own_calls: Vec<NamedCall>,
    own_ways: BTreeMap<String, Ways>,
    /// The texts that were added, each with whether it replaces.
    texts: Vec<(String, bool)>,
    version: OnceLock<String>,
}

#[derive(Debug)]
struct Own {
    tool: Box<KnownTool>,
    replaces: bool,
}

/// Why knowledge was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnowledgeError {
    /// The file cannot be read as a knowledge file.
    #[error("knowledge file: {0}")]
    File(#[from] FileError),
    /// Two of the embedder's own files name the same tool.
    #[error("knowledge file: `{0}` was added before")]
    Twice(String),
    /// The file says that the tool runs on something that nothing is known of.
    #[error("knowledge file: runtime: `{0}` is not known; leave `runtime` out where none fits")]
    Runtime(String),
}

/// The tools that go by one name: a built-in one, and an embedder's that adds to it.
pub(crate) type Named<'k> = [Option<&'k KnownTool>; 2];

impl Knowledge {
    pub(crate) fn builtin() -> Self {
        let pack = Pack::builtin();
        let decoded = (0..pack.len()).map(|_| OnceLock::new()).collect();
        let mut slots = vec![u16::MAX; (2 * pack.names.len()).next_power_of_two()];
        for (place, (name, _)) in (0..u16::MAX).zip(&pack.names) {
            let free = probe(&slots, name.as_bytes()).find(|(_, place)| *place == u16::MAX);
            if let Some(slot) = free.and_then(|(at, _)| slots.get_mut(at)) {
                *slot = place;
            }
        }
        Self {
            pack,
            slots,
            decoded,
            documents: OnceLock::new(),
            runtimes: OnceLock::new(),
            secrets: OnceLock::new(),
            addresses: OnceLock::new(),
            numbers: OnceLock::new(),
            own: BTreeMap::new(),
            own_calls: Vec::new(),
            own_ways: BTreeMap::new(),
            texts: Vec::new(),
            version: OnceLock::new(),
        }
    }

    /// Adds a tool of the embedder's. Where a built-in tool has the name, both are asked and the
    /// worse answer counts, unless `replaces`.
    pub(crate) fn add(&mut self, text: &str, replaces: bool) -> Result<(), KnowledgeError> {
        let mut tool = ToolFile::parse(text)?.tool;
        let known = |name: &&String| self.all_runtimes().iter().any(|runtime| runtime.name == **name);
        if let Some(name) = tool.runtimes.iter().flatten().find(|name| !known(name)) {
            return Err(KnowledgeError::Runtime(name.clone()));
        }
        self.own_calls.append(&mut tool.calls);
        for name in tool.names.clone() {
            let own = Own { tool: Box::new(KnownTool::whole(tool.clone())), replaces };
            if self.own.insert(name.clone(), own).is_some() {
                return Err(KnowledgeError::Twice(name));
            }
        }
        self.texts.push((text.to_owned(), replaces));
        self.version = OnceLock::new();
        Ok(())
    }

    /// Adds what takes back the commands of a tool, in place of what was known of that.
    pub(crate) fn add_ways(&mut self, text: &str) -> Result<(), KnowledgeError> {
        let ways = WaysFile::parse(text)?.ways;
        for name in std::iter::once(&ways.tool).chain(&ways.also) {
            if self.own_ways.insert(name.clone(), ways.clone()).is_some() {
                return Err(KnowledgeError::Twice(name.clone()));
            }
        }
        self.texts.push((text.to_owned(), false));
        self.version = OnceLock::new();
        Ok(())
    }

    /// What takes back the commands of a tool, by one of its names.
    pub(crate) fn ways(&self, tool: &str) -> Option<Cow<'_, Ways>> {
        match self.own_ways.get(tool) {
            Some(own) => Some(Cow::Borrowed(own)),
            None => self.pack.ways(tool).map(Cow::Owned),
        }
    }

    /// The SHA-256 digest over all of it, in hexadecimal. Another one may judge otherwise.
    pub(crate) fn version(&self) -> &str {
        self.version.get_or_init(|| {
            let mut hash = Sha256::new();
            let own = self.texts.iter().flat_map(|(text, replaces)| {
                [text.as_bytes(), if *replaces { b"replaces".as_slice() } else { b"adds" }]
            });
            for part in Pack::bytes().into_iter().chain(own) {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
            hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
        })
    }

    pub(crate) fn named(&self, name: &[u8]) -> Named<'_> {
        if self.own.is_empty() {
            return [self.builtin_tool(name), None];
        }
        match std::str::from_utf8(name).ok().and_then(|name| self.own.get(name)) {
            Some(own) if own.replaces => [Some(&own.tool), None],
            Some(own) => [Some(&own.tool), self.builtin_tool(name)],
            None => [self.builtin_tool(name), None],
        }
    }

    fn builtin_tool(&self, name: &[u8]) -> Option<&KnownTool> {
        let mut held =
            probe(&self.slots, name).map_while(|(_, place)| self.pack.names.get(usize::from(place)));
        let (_, place) = held.find(|(known, _)| known.as_bytes() == name)?;
        let slot = self.decoded.get(*place as usize)?;
        slot.get_or_init(|| {
            self.pack.tool(*place).map(|(tool, paths)| Box::new(KnownTool::packed(tool, &paths)))
        })
        .as_deref()
    }

    /// What is known of the documents of a language.
    pub(crate) fn document(&self, language: Language) -> Option<&Document> {
        let documents = self.documents.get_or_init(|| self.pack.documents());
        documents.iter().find(|document| document.language == language)
    }

    fn all_runtimes(&self) -> &[Runtime] {
        self.runtimes.get_or_init(|| self.pack.runtimes())
    }

    /// The variables that a tool obeys because of what it runs on. Where its file does not say on
    /// what, it may be anything.
    pub(crate) fn inherited(&self, tool: &Tool) -> impl Iterator<Item = &Variable> {
        let named = tool.runtimes.as_deref();
        self.all_runtimes()
            .iter()
            .filter(move |runtime| named.is_none_or(|named| named.contains(&runtime.name)))
            .flat_map(|runtime| &runtime.variables)
    }

    /// The hosts that gave out what a variable of this name holds; `None` where that is not known.
    pub(crate) fn hosts(&self, variable: &[u8]) -> Option<impl Iterator<Item = &str>> {
        let secrets = self.secrets.get_or_init(|| self.pack.secrets());
        let secret =
            secrets.iter().find(|secret| glob::matches_any_case(secret.name.as_bytes(), variable))?;
        Some(secret.hosts.iter().map(String::as_str))
    }

    /// Whether a variable of this name holds where a server is, and what signs in there: one word, and no flag.
    pub(crate) fn is_address(&self, variable: &[u8]) -> bool {
        let addresses = self.addresses.get_or_init(|| {
            let holds = |variable: &&Variable| variable.role == Some(Role::Connection);
            self.environment().iter().filter(holds).map(|variable| variable.name.clone()).collect()
        });
        let alike = |name: &&String| name.bytes().rev().take(3).eq(variable.iter().rev().take(3).copied());
        addresses.iter().filter(alike).any(|name| glob::matches(name.as_bytes(), variable))
    }

    /// Whether a variable holds a number, where the request does not set it.
    pub(crate) fn is_number(&self, variable: &[u8]) -> bool {
        let numbers = self.numbers.get_or_init(|| {
            let holds = |variable: &&Variable| variable.number;
            self.environment().iter().filter(holds).map(|variable| variable.name.clone()).collect()
        });
        numbers.iter().any(|name| glob::matches(name.as_bytes(), variable))
    }

    pub(crate) fn environment(&self) -> &[Variable] {
        &self.pack.environment
    }

    pub(crate) fn calls(&self) -> impl Iterator<Item = &NamedCall> {
        self.own_calls.iter().chain(&self.pack.calls)
    }
}

/// The slots where a name may stand, with what is in them. Most stand in the first; a search ends
/// at the first empty one.
fn probe(slots: &[u16], name: &[u8]) -> impl Iterator<Item = (usize, u16)> {
    // FNV-1a: names are short, and thousands of them have to lie apart.
    let hash = name.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let start = (hash ^ hash >> 32) as usize;
    let slot = move |step| start.wrapping_add(step) & slots.len().wrapping_sub(1);
    (0..slots.len()).filter_map(move |step| Some((slot(step), *slots.get(slot(step))?)))
}

/// A tool whose commands are decoded when they are first met.
#[derive(Debug)]
pub(crate) struct KnownTool {
    /// What it says of itself; its commands are not here.
    pub(crate) tool: Tool,
    /// The tool itself first, then its subcommands, sorted by their paths.
    commands: Vec<KnownCommand>,
    /// Which of them have a glob in their paths, by how many words these have.
    globs: Vec<Globs>,
}

/// Paths of one length with globs in them. Clouds have thousands, nearly all with a last word that
/// says which (`* * list`).
#[derive(Debug, Default)]
struct Globs {
    by_last_word: BTreeMap<SmolStr, Vec<Glob>>,
    /// Those whose last word is a glob, and the first is none.
    by_first_word: BTreeMap<SmolStr, Vec<Glob>>,
    /// Those that begin and end with one.
    open: Vec<Glob>,
}

#[derive(Clone, Copy, Debug)]
struct Glob {
    /// Its place among the commands.
    place: u32,
    /// Where its last word begins, which tells most apart.
    last: usize,
}

impl Globs {
    fn add(&mut self, place: u32, path: &str, first: &str, last: &str) {
        let glob = Glob { place, last: path.len().saturating_sub(last.len()) };
        if !last.contains('*') {
            self.by_last_word.entry(last.into()).or_default().push(glob);
        } else if !first.contains('*') {
            self.by_first_word.entry(first.into()).or_default().push(glob);
        } else {
            self.open.push(glob);
        }
    }

    /// Those that may match a path with this first and this last word.
    fn among<'g>(&'g self, first: &[u8], last: &[u8]) -> impl Iterator<Item = Glob> + use<'g> {
        let named = |index: &'g BTreeMap<SmolStr, Vec<Glob>>, word: &[u8]| {
            index.get(std::str::from_utf8(word).ok()?).map(Vec::as_slice)
        };
        let first = named(&self.by_first_word, first).unwrap_or_default();
        let last = named(&self.by_last_word, last).unwrap_or_default();
        self.open.iter().chain(first).chain(last).copied()
    }
}

#[derive(Debug)]
struct KnownCommand {
    /// Its words, with a blank between them.
    path: Cow<'static, str>,
    packed: Option<Path>,
    decoded: OnceLock<Option<Box<Command>>>,
}

impl KnownCommand {
    fn command(&self) -> Option<&Command> {
        self.decoded.get_or_init(|| Pack::command(&self.packed?).map(Box::new)).as_deref()
    }

    fn words(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.path.split_terminator(' ')
    }

    /// Its path against `words`, in the order of its bytes: a blank comes before all that words of
    /// paths have in them.
    fn compare(&self, words: &[&[u8]]) -> Ordering {
        let mut rest = self.path.as_bytes();
        for (at, word) in words.iter().enumerate() {
            if at > 0 {
                match rest.split_first() {
                    Some((b' ', behind)) => rest = behind,
                    Some(_) => return Ordering::Greater,
                    None => return Ordering::Less,
                }
            }
            let Some((mine, behind)) = rest.split_at_checked(word.len()) else {
                return rest.cmp(word);
            };
            match mine.cmp(word) {
                Ordering::Equal => rest = behind,
                order => return order,
            }
        }
        if rest.is_empty() { Ordering::Equal } else { Ordering::Greater }
    }
}

impl KnownTool {
    fn packed(tool: Tool, paths: &[Path]) -> Self {
        let known = |path: &Path| KnownCommand {
            path: Cow::Borrowed(path.0),
            packed: Some(*path),
            decoded: OnceLock::new(),
        };
        Self::of(tool, paths.iter().map(known).collect())
    }

    fn of(tool: Tool, commands: Vec<KnownCommand>) -> Self {
        let mut globs: Vec<Globs> = Vec::new();
        for (place, known) in (0..).zip(&commands) {
            if !tool.globs || !known.path.contains('*') {
                continue;
            }
            let (Some(first), Some(last)) = (known.words().next(), known.words().next_back()) else {
                continue;
            };
            let before = known.words().count().saturating_sub(1);
            if globs.len() <= before {
                globs.resize_with(before.saturating_add(1), Globs::default);
            }
            if let Some(globs) = globs.get_mut(before) {
                globs.add(place, &known.path, first, last);
            }
        }
        Self { globs, tool, commands }
    }

    fn whole(mut tool: Tool) -> Self {
        let known = |command: Command| KnownCommand {
            path: Cow::Owned(command.path.join(" ")),
            packed: None,
            decoded: OnceLock::from(Some(Box::new(command))),
        };
        let commands = std::mem::take(&mut tool.commands).into_iter().map(known).collect();
        Self::of(tool, commands)
    }

    /// The tool itself, as a command.
    pub(crate) fn root(&self) -> Option<&Command> {
        self.commands.first()?.command()
    }

    pub(crate) fn has_subcommands(&self) -> bool {
        self.commands.len() > 1
    }

    /// Whether there are commands below the one at `path`.
    pub(crate) fn has_below(&self, path: &[String]) -> bool {
        let words: Vec<_> = path.iter().map(String::as_bytes).collect();
        let behind = self.commands.partition_point(|known| known.compare(&words).is_le());
        let next = self.commands.get(behind).map(KnownCommand::words);
        next.is_some_and(|mut next| {
            path.iter().all(|word| next.next() == Some(word)) && next.next().is_some()
        })
    }

    /// The subcommand whose path matches all of `words`: an exact one if there is one, else the
    /// one whose globs leave least open.
    pub(crate) fn subcommand(&self, words: &[&[u8]]) -> Option<&Command> {
        let rest = self.commands.get(1..).unwrap_or_default();
        // Of `gh "pr list"` the one word is no path of two.
        let split = words.iter().any(|word| word.contains(&b' '));
        if !split && let Ok(place) = rest.binary_search_by(|known| known.compare(words)) {
            return rest.get(place)?.command();
        }
        let (last, before) = words.split_last()?;
        self.globs
            .get(before.len())?
            .among(words.first()?, last)
            .filter_map(|glob| Some((glob, self.commands.get(glob.place as usize)?)))
            .filter(|(glob, known)| {
                known.path.as_bytes().get(glob.last..).is_some_and(|glob| glob::matches(glob, last))
            })
            .filter(|(_, known)| known.words().zip(words).all(|(g, word)| glob::matches(g.as_bytes(), word)))
            .max_by_key(|(glob, known)| {
                // What does something is meant before what might be a group.
                let runs = known.command().is_some_and(|command| command.runs);
                let exact = known.words().filter(|word| !word.contains('*')).count();
                (runs, exact, known.words().map(str::len).sum::<usize>(), glob.place)
            })?
            .1
            .command()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(runtime: &str) -> Tool {
        ToolFile::parse(&format!("name = \"x\"\n{runtime}\neffect = \"read\"")).unwrap().tool
    }

    #[test]
    fn a_subcommand_is_found_by_all_its_words_and_by_globs_where_no_word_is_it() {
        let text = ["get", "get all", "get-all", "* list", "set *", "* x *"]
            .map(|path| format!("[commands.\"{path}\"]\neffect = \"read\"\n"));
        let tool =
            KnownTool::whole(ToolFile::parse(&format!("name = \"x\"\n{}", text.concat())).unwrap().tool);
        let path = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|word| word.as_bytes()).collect();
            Some(tool.subcommand(&words)?.path.join(" "))
        };
        for (words, found) in [
            (&["get"][..], Some("get")),
            (&["get", "all"], Some("get all")),
            // What only a glob of a longer path begins with.
            (&["get all"], Some("*")),
            (&["get-all"], Some("get-all")),
            (&["ge"], Some("*")),
            (&["gets"], Some("*")),
            (&["get", "al"], None),
            (&["get", "list"], Some("* list")),
            (&["a list", "list"], Some("* list")),
            (&["set", "b c"], Some("set *")),
            (&["set", "list"], Some("* list")),
            (&["a", "x", "b"], Some("* x *")),
            (&["a", "y", "b"], None),
            (&[""], Some("*")),
            (&["\u{1}"], Some("*")),
        ] {
            assert_eq!(path(words).as_deref(), found, "{words:?}");
        }
    }

    #[test]
    fn what_is_below_a_subcommand_is_told_from_what_begins_like_it() {
        let text = ["get", "get all", "put", "put-all", "set * x"]
            .map(|path| format!("[commands.\"{path}\"]\neffect = \"read\"\n"));
        let tool =
            KnownTool::whole(ToolFile::parse(&format!("name = \"x\"\n{}", text.concat())).unwrap().tool);
        let below = |path: &[&str]| tool.has_below(&path.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert!(below(&[]) && below(&["get"]) && below(&["set"]) && below(&["set", "*"]));
        assert!(!below(&["get", "all"]) && !below(&["put"]) && !below(&["set", "*", "x"]));
    }

    #[test]
    fn a_tool_obeys_what_it_runs_on_and_one_that_does_not_say_everything() {
        let knowledge = Knowledge::builtin();
        let obeys = |runtime: &str, name: &str| {
            knowledge
                .inherited(&tool(runtime))
                .any(|variable| glob::matches(variable.name.as_bytes(), name.as_bytes()))
        };
        for (runtime, python, java) in [
            ("runtime = \"python\"", true, false),
            ("runtime = [\"python\", \"java\"]", true, true),
            ("runtime = \"native\"", false, false),
            ("", true, true),
        ] {
            assert_eq!(
                (obeys(runtime, "PYTHONPATH"), obeys(runtime, "_JAVA_OPTIONS")),
                (python, java),
                "{runtime}"
            );
        }
    }

    #[test]
    fn a_runtime_that_nobody_knows_is_refused() {
        let error = Knowledge::builtin().add("name = \"x\"\nruntime = \"pyhton\"\neffect = \"read\"", false);
        assert_eq!(
            error.unwrap_err().to_string(),
            "knowledge file: runtime: `pyhton` is not known; leave `runtime` out where none fits"
        );
    }
}
