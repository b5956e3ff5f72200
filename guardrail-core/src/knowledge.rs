//! The knowledge at run time: built-in tools decoded when first met, and an embedder's own.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use guardrail_knowledge::Pack;
use guardrail_schema::{FileError, NamedCall, Tool, ToolFile, Variable};

/// What command-line tools do: the built-in files and an embedder's own.
#[derive(Debug)]
pub(crate) struct Knowledge {
    pack: Pack,
    decoded: Vec<OnceLock<Option<Box<Tool>>>>,
    own: BTreeMap<String, Own>,
    own_calls: Vec<NamedCall>,
}

#[derive(Debug)]
struct Own {
    tool: Box<Tool>,
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
}

/// The tools that go by one name: a built-in one, and an embedder's that adds to it.
pub(crate) type Named<'k> = [Option<&'k Tool>; 2];

impl Knowledge {
    pub(crate) fn builtin() -> Self {
        let pack = Pack::builtin();
        let decoded = (0..pack.len()).map(|_| OnceLock::new()).collect();
        Self { pack, decoded, own: BTreeMap::new(), own_calls: Vec::new() }
    }

    /// Adds a tool of the embedder's. Where a built-in tool has the name, both are asked and the
    /// worse answer counts, unless `replaces`.
    pub(crate) fn add(&mut self, text: &str, replaces: bool) -> Result<(), KnowledgeError> {
        let mut tool = ToolFile::parse(text)?.tool;
        self.own_calls.append(&mut tool.calls);
        for name in tool.names.clone() {
            let own = Own { tool: Box::new(tool.clone()), replaces };
            if self.own.insert(name.clone(), own).is_some() {
                return Err(KnowledgeError::Twice(name));
            }
        }
        Ok(())
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

    fn builtin_tool(&self, name: &[u8]) -> Option<&Tool> {
        let place = self.pack.names.binary_search_by(|(known, _)| known.as_bytes().cmp(name)).ok()?;
        let (_, place) = self.pack.names.get(place)?;
        let slot = self.decoded.get(*place as usize)?;
        slot.get_or_init(|| self.pack.decode(*place).map(Box::new)).as_deref()
    }

    pub(crate) fn environment(&self) -> &[Variable] {
        &self.pack.environment
    }

    pub(crate) fn calls(&self) -> impl Iterator<Item = &NamedCall> {
        self.own_calls.iter().chain(&self.pack.calls)
    }
}
