//! Programs that may get entries, with what is known of them.

use std::collections::BTreeMap;

use guardrail_knowledge::Pack;
use guardrail_schema::Tool;

use crate::openclaw::OpenClawError;

/// All tools of the knowledge, with all of their commands.
#[derive(Debug)]
pub struct Tools {
    tools: Vec<Tool>,
    names: BTreeMap<&'static str, usize>,
}

impl Tools {
    /// The knowledge that comes with this crate. Takes some milliseconds.
    #[must_use]
    pub fn builtin() -> Self {
        let pack = Pack::builtin();
        let mut found = Self { tools: Vec::new(), names: BTreeMap::new() };
        let mut places: BTreeMap<u32, Option<usize>> = BTreeMap::new();
        for (name, place) in &pack.names {
            let at = *places.entry(*place).or_insert_with(|| {
                let tool = pack.whole(*place)?;
                found.tools.push(tool);
                Some(found.tools.len() - 1)
            });
            if let Some(at) = at {
                found.names.insert(name, at);
            }
        }
        found
    }

    /// Every name of every tool, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().copied()
    }

    /// The tool of a name.
    pub(super) fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.get(*self.names.get(name)?)
    }
}

/// A program at its absolute path, as a tool of the knowledge.
#[derive(Clone, Copy, Debug)]
pub struct Program<'t> {
    tool: &'t Tool,
    path: &'t str,
    names: &'t [String],
}

impl<'t> Program<'t> {
    /// The program at `path`: absolute, with every link followed, since that is what entries are
    /// compared with. Nothing is looked up; [`find_programs`](super::find_programs) does.
    ///
    /// # Errors
    ///
    /// [`OpenClawError::Program`] where the path is not absolute, holds something that means more than
    /// itself in an entry, or is no tool that is known.
    pub fn new(tools: &'t Tools, path: &'t str) -> Result<Self, OpenClawError> {
        let error = |why| OpenClawError::Program { path: path.to_owned(), why };
        let plain = |c: char| c.is_ascii_alphanumeric() || "/_.+-".contains(c);
        if !path.starts_with('/') || path.split('/').skip(1).any(|part| matches!(part, "" | "." | "..")) {
            return Err(error("an entry needs an absolute path without `.` and `..`"));
        }
        if !path.chars().all(plain) {
            return Err(error("in an entry some of its characters would stand for others"));
        }
        let name = path.rsplit('/').next().unwrap_or_default();
        let tool = tools.tool(name).ok_or_else(|| error("nothing is known of a tool of this name"))?;
        Ok(Self { tool, path, names: &[] })
    }

    /// The names of links that lead to it. What it is let through has to be Low under each of them,
    /// since an entry holds for all.
    #[must_use]
    pub const fn called(mut self, names: &'t [String]) -> Self {
        self.names = names;
        self
    }

    pub(super) const fn names(&self) -> &'t [String] {
        self.names
    }

    /// Its path.
    #[must_use]
    pub const fn path(&self) -> &str {
        self.path
    }

    /// Its name: the end of its path.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    pub(super) const fn tool(&self) -> &'t Tool {
        self.tool
    }
}
