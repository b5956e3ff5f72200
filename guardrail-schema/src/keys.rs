//! The keys of a knowledge file's tables, and what may stand under them anywhere.

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::{Case, Condition, Count, EXACT, Effect, EffectKind, FileError, Operand, Role, Scope, Test, Undo};

/// A table whose keys are taken one by one; what is left in the end is an error.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) path: String,
    pub(crate) table: Table,
}

impl Keys {
    pub(crate) fn new(path: String, table: Table) -> Self {
        Self { path, table }
    }

    pub(crate) fn error(&self, key: &str, message: impl Into<String>) -> FileError {
        let key = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        FileError { key, message: message.into() }
    }

    pub(crate) fn take<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, FileError> {
        match self.table.remove(key) {
            None => Ok(None),
            Some(value) => {
                value.try_into().map(Some).map_err(|e: toml::de::Error| self.error(key, e.message()))
            }
        }
    }

    pub(crate) fn require<T: DeserializeOwned>(&mut self, key: &str) -> Result<T, FileError> {
        self.take(key)?.ok_or_else(|| self.error(key, "is missing"))
    }

    pub(crate) fn tables(&mut self, key: &str) -> Result<Vec<(String, Self)>, FileError> {
        let table: Table = self.take(key)?.unwrap_or_default();
        Self::new(self.error(key, "").key, table).into_tables()
    }

    /// Every key as a table.
    pub(crate) fn into_tables(self) -> Result<Vec<(String, Self)>, FileError> {
        let Self { path, table } = self;
        table
            .into_iter()
            .map(|(name, value)| match value {
                Value::Table(table) => Ok((name.clone(), Self::new(format!("{path}.\"{name}\""), table))),
                _ => Err(FileError { key: path.clone(), message: format!("`{name}` is not a table") }),
            })
            .collect()
    }

    pub(crate) fn finish(self) -> Result<(), FileError> {
        match self.table.keys().next() {
            None => Ok(()),
            Some(key) => Err(self.error(key, "unknown key")),
        }
    }

    /// `effect`, `target`, `scope`, `undo`, `risk`, `why`, `instead`, and `effects` for more.
    pub(crate) fn effects(&mut self) -> Result<Vec<Effect>, FileError> {
        let mut effects = Vec::new();
        let first = Effect {
            kind: self.kind("effect")?,
            target: self.take("target")?,
            scope: self.take::<Scope>("scope")?,
            undo: self.take::<Undo>("undo")?,
            risk: self.take("risk")?,
            why: self.take("why")?,
            instead: self.take("instead")?,
        };
        if first.kind.is_some() || first.risk.is_some() || first.undo.is_some() || first.why.is_some() {
            effects.push(first);
        } else if first.target.is_some() || first.instead.is_some() {
            return Err(self.error("effect", "is missing beside `target`, `scope` or `instead`"));
        }
        for (index, table) in self.take::<Vec<Table>>("effects")?.unwrap_or_default().into_iter().enumerate()
        {
            let mut keys = Self::new(self.error(&format!("effects[{index}]"), "").key, table);
            effects.extend(keys.effects()?);
            keys.finish()?;
        }
        Ok(effects)
    }

    pub(crate) fn kind(&mut self, key: &str) -> Result<Option<EffectKind>, FileError> {
        let Some(name) = self.take::<String>(key)? else { return Ok(None) };
        EffectKind::from_name(&name).map(Some).ok_or_else(|| {
            let all: Vec<_> = EffectKind::ALL.iter().map(|kind| kind.as_str()).collect();
            self.error(key, format!("`{name}` is no effect; one of {}", all.join(", ")))
        })
    }

    pub(crate) fn role(&mut self, key: &str) -> Result<Option<(String, Role)>, FileError> {
        let Some(word) = self.take::<String>(key)? else { return Ok(None) };
        Role::parse(&word).map(Some).map_err(|message| self.error(key, message))
    }

    /// A table of texts to roles; exact texts before globs, long ones before short ones.
    pub(crate) fn roles(&mut self, key: &str) -> Result<Vec<(String, Role)>, FileError> {
        let roles: Table = self.take(key)?.unwrap_or_default();
        let mut roles = roles
            .into_iter()
            .map(|(text, role)| match role {
                Value::String(role) => {
                    Role::parse(&role).map(|(_, role)| (text, role)).map_err(|m| self.error(key, m))
                }
                _ => Err(self.error(key, format!("`{text}` is not a role"))),
            })
            .collect::<Result<Vec<_>, _>>()?;
        roles.sort_by_key(|(text, _)| (text.contains('*'), std::cmp::Reverse(text.len())));
        Ok(roles)
    }

    pub(crate) fn operands(&mut self, key: &str) -> Result<Option<Vec<Operand>>, FileError> {
        let Some(texts) = self.take::<Vec<String>>(key)? else { return Ok(None) };
        let operands: Vec<Operand> = texts
            .iter()
            .map(|text| Operand::parse(text).map_err(|message| self.error(key, message)))
            .collect::<Result<_, _>>()?;
        if operands.iter().filter(|operand| operand.count == Count::Many).count() > 1 {
            return Err(self.error(key, "only one operand may take any number of words"));
        }
        Ok(Some(operands))
    }

    /// `{ facet = "present", other = ["glob"] }`.
    pub(crate) fn conditions(&self, when: Table) -> Result<Vec<Condition>, FileError> {
        when.into_iter()
            .map(|(facet, value)| {
                let test = match value {
                    Value::String(s) if s == "present" => Test::Present,
                    Value::String(s) if s == "absent" => Test::Absent,
                    Value::String(s) if s == "once" => Test::Once,
                    Value::Array(values) => Test::Matches(
                        values
                            .into_iter()
                            .map(|v| v.try_into::<String>().map(any_case))
                            .collect::<Result<_, _>>()
                            .map_err(|_| self.error("when", "a glob is a string"))?,
                    ),
                    _ => {
                        return Err(self.error("when", "give `present`, `absent`, `once` or a list of globs"));
                    }
                };
                Ok(Condition { facet, test })
            })
            .collect()
    }

    pub(crate) fn cases(&mut self) -> Result<Vec<Case>, FileError> {
        let tables = self.take::<Vec<Table>>("cases")?.unwrap_or_default();
        tables
            .into_iter()
            .enumerate()
            .map(|(index, table)| {
                let mut keys = Self::new(self.error(&format!("cases[{index}]"), "").key, table);
                let when: Table = keys.require("when")?;
                let conditions = keys.conditions(when)?;
                let adds = keys.take("adds")?.unwrap_or(false);
                let known = keys.take("known")?.unwrap_or(false);
                let prints = keys.take("prints")?;
                let effects = keys.effects()?;
                if effects.is_empty() && prints.is_none() {
                    return Err(
                        keys.error("effect", "is missing: a case without an effect or a risk says nothing")
                    );
                }
                keys.finish()?;
                Ok(Case { when: conditions, effects, adds, known, prints })
            })
            .collect()
    }
}

/// A glob as it is compared with texts in either case, unless it asks for its own.
fn any_case(glob: String) -> String {
    if glob.starts_with(EXACT) { glob } else { glob.to_ascii_lowercase() }
}
