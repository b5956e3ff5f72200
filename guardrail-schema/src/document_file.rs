//! Reading what is known of a kind of documents: TOML in, a checked [`Document`] out.

use toml::{Table, Value};

use crate::document::{Document, Field, Objects, Shape};
use crate::keys::Keys;
use crate::{FileError, Language, Role};

/// A file about a kind of documents, read and checked.
#[derive(Clone, Debug)]
pub struct DocumentFile {
    /// What the documents are, in a few words.
    pub summary: String,
    /// What is known of them.
    pub document: Document,
}

impl DocumentFile {
    /// Reads one file.
    ///
    /// # Errors
    ///
    /// [`FileError`] where the text is no TOML, has an unknown key, or says nothing of a kind or a
    /// field that it names.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| FileError {
            key: "line ?".to_owned(),
            message: error.to_string(),
        })?;
        let mut keys = Keys::new(String::new(), table);
        let summary = keys.take("summary")?.unwrap_or_default();
        let name: String = keys.require("language")?;
        let language = Language::from_name(&name)
            .filter(|language| language.is_document())
            .ok_or_else(|| keys.error("language", format!("`{name}` is no language of documents")))?;
        let document = Document {
            language,
            checked: keys.take("checked")?.unwrap_or_default(),
            shape: shape(&mut keys)?,
            files: words(&mut keys, "files")?,
            printed_by: keys.take("printed-by")?.unwrap_or_default(),
            fills: keys.take("fills")?,
            objects: entries(&mut keys, "objects")?.into_iter().map(objects).collect::<Result<_, _>>()?,
            fields: entries(&mut keys, "fields")?.into_iter().map(field).collect::<Result<_, _>>()?,
            within: words(&mut keys, "within")?,
        };
        keys.finish()?;
        Ok(Self { summary, document })
    }
}

fn shape(keys: &mut Keys) -> Result<Shape, FileError> {
    let sections: Option<Table> = keys.take("sections")?;
    match (keys.require::<String>("shape")?.as_str(), sections) {
        ("kinds", None) => Ok(Shape::Kinds),
        ("changes", None) => Ok(Shape::Changes),
        ("fields", None) => Ok(Shape::Fields),
        ("sections", Some(sections)) => {
            let section = |(key, kind): (String, Value)| match kind {
                Value::String(kind) => Ok((key, kind)),
                _ => Err(keys.error("sections", format!("`{key}` is not the name of a kind"))),
            };
            Ok(Shape::Sections(sections.into_iter().map(section).collect::<Result<_, _>>()?))
        }
        _ => {
            Err(keys
                .error("shape", "is `kinds`, `changes`, `fields`, or `sections` with a table of that name"))
        }
    }
}

fn entries(keys: &mut Keys, name: &str) -> Result<Vec<Keys>, FileError> {
    let tables: Vec<Table> = keys.take(name)?.unwrap_or_default();
    let path = |at| keys.error(&format!("{name}[{at}]"), "").key;
    Ok(tables.into_iter().enumerate().map(|(at, table)| Keys::new(path(at), table)).collect())
}

fn words(keys: &mut Keys, name: &str) -> Result<Vec<String>, FileError> {
    let text: String = keys.take(name)?.unwrap_or_default();
    Ok(text.split([',', ' ', '\n']).filter(|word| !word.is_empty()).map(str::to_owned).collect())
}

fn objects(mut keys: Keys) -> Result<Objects, FileError> {
    let mut effects = |name: &str| match keys.take::<Table>(name)? {
        None => Ok(Vec::new()),
        Some(table) => {
            let mut inner = Keys::new(keys.error(name, "").key, table);
            let effects = inner.effects()?;
            inner.finish().map(|()| effects)
        }
    };
    let (changed, deleted) = (effects("changed")?, effects("deleted")?);
    let kinds = words(&mut keys, "kind")?;
    let cluster = keys.take("cluster")?.unwrap_or(false);
    if kinds.is_empty() || (changed.is_empty() && deleted.is_empty() && !cluster) {
        return Err(keys.error("kind", "needs a name, and `changed`, `deleted` or `cluster` beside it"));
    }
    keys.finish()?;
    Ok(Objects { kinds, cluster, changed, deleted })
}

fn field(mut keys: Keys) -> Result<Field, FileError> {
    let path: String = keys.require("path")?;
    let (anywhere, path) = match path.strip_prefix("**.") {
        Some(rest) => (true, rest.to_owned()),
        None => (false, path),
    };
    let mut pieces: Vec<String> = Vec::new();
    // A key with dots in it stands in brackets.
    for (at, piece) in path.split(['[', ']']).enumerate() {
        if at % 2 == 1 {
            pieces.push(piece.to_owned());
        } else {
            pieces.extend(piece.split('.').filter(|key| !key.is_empty()).map(str::to_owned));
        }
    }
    let field = Field {
        path: pieces,
        anywhere,
        when: keys.take("when")?.unwrap_or_default(),
        harmless: keys.take("harmless")?.unwrap_or_default(),
        role: keys.role("is")?.map(|(_, role)| role),
        known: keys.take("known")?.unwrap_or(false),
        pieces: keys.take("pieces")?.unwrap_or(false),
        then: keys.take("then")?,
        effects: keys.effects()?,
    };
    let acts = |role: &Role| !matches!(role, Role::Text | Role::Name);
    if field.path.is_empty() || (field.effects.is_empty() && !field.role.as_ref().is_some_and(acts)) {
        return Err(keys.error("path", "needs a key, and an effect or `is` beside it"));
    }
    keys.finish()?;
    Ok(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_reads_and_its_errors_name_the_key() {
        let text = "language = \"manifest\"\nshape = \"kinds\"\n[[fields]]\npath = \"**.a.[b.c/d]\"\neffect = \"security\"";
        let file = DocumentFile::parse(text).unwrap();
        let field = file.document.fields.first().unwrap();
        assert_eq!(
            (field.path.as_slice(), field.anywhere),
            (&["a".to_owned(), "b.c/d".to_owned()][..], true)
        );
        let refused = |text: &str| DocumentFile::parse(text).unwrap_err().to_string();
        assert!(refused("language = \"sql\"").starts_with("language: `sql` is no language of documents"));
        assert!(refused("language = \"compose\"\nshape = \"sections\"").starts_with("shape: "));
        let more = "language = \"manifest\"\nshape = \"kinds\"\n[[fields]]\npath = \"a\"";
        assert_eq!(refused(more), "fields[0].path: needs a key, and an effect or `is` beside it");
    }
}
