//! What command-line tools do, as data.
//!
//! `tools/**/*.toml` holds one file per tool; the build checks them and packs them into an index
//! and a blob. This crate hands out both: [`Pack::builtin`] decodes the index (names and
//! places), [`Pack::tool`] what a tool says of itself, [`Pack::command`] one of its commands.
//! `documents/*.toml` says what manifests and their kin describe: [`Pack::documents`]; `undo/*.toml`
//! what takes commands back: [`Pack::ways`].

use guardrail_schema::{Command, Document, NamedCall, Runtime, Secret, Tool, Variable, Ways};
use serde::Deserialize;

static INDEX: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/index.bin"));
static TOOLS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tools.bin"));

/// The index of the packed tools.
#[derive(Debug)]
pub struct Pack {
    /// Every name of every tool, sorted, with the place of its tool.
    pub names: Vec<(&'static str, u32)>,
    /// Environment variables that change what any program does.
    pub environment: Vec<Variable>,
    /// Named tool calls of all files.
    pub calls: Vec<NamedCall>,
    places: Vec<(u32, u32)>,
    documents: (u32, u32),
    runtimes: (u32, u32),
    secrets: (u32, u32),
    ways: (u32, u32),
}

impl Pack {
    /// The knowledge that comes with this crate. Takes some tens of microseconds.
    ///
    /// The index was written by this crate's own build, so it decodes; were it damaged, no tool
    /// would be known, and what is not known is never safe.
    #[must_use]
    pub fn builtin() -> Self {
        let (names, places, environment, calls, documents, runtimes, secrets, ways) =
            postcard::from_bytes(INDEX).unwrap_or_default();
        Self { names, environment, calls, places, documents, runtimes, secrets, ways }
    }

    /// All that comes with this crate, as bytes: for a digest by which two versions are told apart.
    #[must_use]
    pub const fn bytes() -> [&'static [u8]; 2] {
        [INDEX, TOOLS]
    }

    /// How many tools there are; places are smaller than this.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is no tool at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The tool at `place`: what it says of itself, and where its commands are. `None` where there
    /// is none.
    #[must_use]
    pub fn tool(&self, place: u32) -> Option<(Tool, Vec<Path>)> {
        let &(start, end) = self.places.get(place as usize)?;
        decode(start, end)
    }

    /// The tool at `place` with all of its commands, the tool itself first: for whoever goes
    /// through everything that is known of it. `None` where there is none, or one of its commands
    /// cannot be read: half of what a tool does is worse than nothing.
    ///
    /// ```
    /// use guardrail_knowledge::Pack;
    ///
    /// let pack = Pack::builtin();
    /// let (_, place) = pack.names.iter().find(|(name, _)| *name == "git").expect("git is known");
    /// let git = pack.whole(*place).expect("and can be read");
    /// assert!(git.commands.iter().any(|command| command.path == ["status"]));
    /// ```
    #[must_use]
    pub fn whole(&self, place: u32) -> Option<Tool> {
        let (tool, paths) = self.tool(place)?;
        let commands = paths.iter().map(Self::command).collect::<Option<_>>()?;
        Some(Tool { commands, ..tool })
    }

    /// What is known of documents, one entry for each language of them.
    #[must_use]
    pub fn documents(&self) -> Vec<Document> {
        decode(self.documents.0, self.documents.1).unwrap_or_default()
    }

    /// The languages and programs that tools run on, with the variables that these obey.
    #[must_use]
    pub fn runtimes(&self) -> Vec<Runtime> {
        decode(self.runtimes.0, self.runtimes.1).unwrap_or_default()
    }

    /// The variables that hold a secret of a service that is known.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        decode(self.secrets.0, self.secrets.1).unwrap_or_default()
    }

    /// What takes back the commands of a tool, by one of the names its file has; `None` where nothing is
    /// known of that. It is read anew each time: whoever evaluates does not need it.
    ///
    /// ```
    /// use guardrail_knowledge::Pack;
    ///
    /// let git = Pack::builtin().ways("git").expect("ways back in git are known");
    /// assert!(git.of(&["reset"]).next().is_some());
    /// ```
    #[must_use]
    pub fn ways(&self, tool: &str) -> Option<Ways> {
        let places: Vec<(&str, (u32, u32))> = decode(self.ways.0, self.ways.1)?;
        let at = places.binary_search_by(|(name, _)| (*name).cmp(tool)).ok()?;
        let &(_, (start, end)) = places.get(at)?;
        decode(start, end)
    }

    /// The command that a [`Path`] leads to.
    #[must_use]
    pub fn command(path: &Path) -> Option<Command> {
        let (words, (start, end)) = path;
        let command: Command = decode(*start, *end)?;
        Some(Command { path: words.split_terminator(' ').map(str::to_owned).collect(), ..command })
    }
}

/// A command's words with a blank between them (none for the tool itself), and its place in the blob.
pub type Path = (&'static str, (u32, u32));

fn decode<T: Deserialize<'static>>(start: u32, end: u32) -> Option<T> {
    postcard::from_bytes(TOOLS.get(start as usize..end as usize)?).ok()
}
