//! Reading what is known of environment variables: TOML in, checked [`Variable`]s out.

use toml::Table;

use crate::file::list;
use crate::keys::Keys;
use crate::{FileError, Runtime, Secret, Variable};

/// The file about environment variables, read and checked.
#[derive(Clone, Debug)]
pub struct EnvironmentFile {
    /// Those that change what any program does.
    pub variables: Vec<Variable>,
    /// Those that change what tools do which run on a language or another program.
    pub runtimes: Vec<Runtime>,
    /// Those that hold a secret of a service that is known.
    pub secrets: Vec<Secret>,
}

impl EnvironmentFile {
    /// Reads the file: `[environment."NAME, NAME"]` for any program, `[runtimes.python."NAME"]` for
    /// what runs on Python, `[secrets."NAME"]` for what somebody gave out.
    ///
    /// # Errors
    ///
    /// [`FileError`] where the text is no TOML, has an unknown key, or says nothing of a variable
    /// that it names.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| FileError {
            key: "line ?".to_owned(),
            message: error.to_string(),
        })?;
        let mut keys = Keys::new(String::new(), table);
        let variables = variables_in(keys.tables("environment")?)?;
        let runtimes = keys
            .tables("runtimes")?
            .into_iter()
            .map(|(name, inner)| Ok(Runtime { name, variables: variables_in(inner.into_tables()?)? }))
            .collect::<Result<_, FileError>>()?;
        let secrets =
            keys.tables("secrets")?.into_iter().map(secret).collect::<Result<Vec<_>, _>>()?.concat();
        keys.finish()?;
        Ok(Self { variables, runtimes, secrets })
    }
}

/// The variables of a table of them.
pub(crate) fn variables_in(tables: Vec<(String, Keys)>) -> Result<Vec<Variable>, FileError> {
    Ok(tables.into_iter().map(variable).collect::<Result<Vec<_>, _>>()?.concat())
}

fn secret((spelled, mut keys): (String, Keys)) -> Result<Vec<Secret>, FileError> {
    let hosts: Vec<String> = keys.take("hosts")?.unwrap_or_default();
    let is_host = |host: &String| !host.is_empty() && !host.contains([':', '/', '@']);
    if hosts.is_empty() || !hosts.iter().all(is_host) {
        return Err(keys.error("hosts", "must name hosts, without scheme and port"));
    }
    keys.finish()?;
    Ok(list(&spelled).into_iter().map(|name| Secret { name, hosts: hosts.clone() }).collect())
}

fn variable((spelled, mut keys): (String, Keys)) -> Result<Vec<Variable>, FileError> {
    let role = keys.role("is")?.map(|(_, role)| role);
    let harmless = keys.take("harmless")?.unwrap_or_default();
    let harmless_words = keys.take("harmless_words")?.unwrap_or_default();
    let number = keys.take("number")?.unwrap_or(false);
    let effects = keys.effects()?;
    if role.is_none() && effects.is_empty() && !number {
        return Err(keys.error("effect", "is missing: a variable needs `is`, `number` or an effect"));
    }
    keys.finish()?;
    let one = |name| Variable {
        name,
        number,
        role: role.clone(),
        effects: effects.clone(),
        harmless: Vec::clone(&harmless),
        harmless_words: Vec::clone(&harmless_words),
    };
    Ok(list(&spelled).into_iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_any_program_and_of_runtimes() {
        let text = "[environment.LD_PRELOAD]\neffect = \"execute\"\n\
            [runtimes.java.\"JAVA_TOOL_OPTIONS, _JAVA_OPTIONS\"]\neffect = \"execute\"\nharmless_words = [\"-Xmx*\"]";
        let file = EnvironmentFile::parse(text).unwrap();
        assert_eq!(file.variables.len(), 1);
        let java = file.runtimes.first().unwrap();
        assert_eq!((java.name.as_str(), java.variables.len()), ("java", 2));
        for (text, wrong) in [
            ("[runtimes.java.X]\nharmless = [\"\"]", "runtimes.\"java\".\"X\".effect: is missing"),
            ("[secrets.X]\nhosts = []", "secrets.\"X\".hosts: must name hosts, without scheme and port"),
            (
                "[secrets.X]\nhosts = [\"https://x\"]",
                "secrets.\"X\".hosts: must name hosts, without scheme and port",
            ),
            ("[secrets.X]\nhosts = [\"x\"]\nhost = 1", "secrets.\"X\".host: unknown key"),
            ("[runtimes.java]\nX = 1", "runtimes.\"java\": `X` is not a table"),
            ("name = \"x\"", "name: unknown key"),
            (
                "[runtimes.java.X]\neffect = \"execute\"\nharmles = []",
                "runtimes.\"java\".\"X\".harmles: unknown key",
            ),
        ] {
            let error = EnvironmentFile::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(wrong), "{error}");
        }
    }
}
