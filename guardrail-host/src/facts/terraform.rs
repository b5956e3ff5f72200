//! The selected terraform workspace.

use super::At;
use super::file;

pub(super) fn read(at: &At) -> Result<Option<String>, String> {
    if let Some(workspace) = at.variable("TF_WORKSPACE") {
        return Ok(Some(workspace.to_owned()));
    }
    let folder = at.path("TF_DATA_DIR").unwrap_or_else(|| at.cwd.join(".terraform"));
    let selected = file::text(&folder.join("environment"))?.map(|text| text.trim().to_owned());
    Ok(match selected.filter(|workspace| !workspace.is_empty()) {
        Some(workspace) => Some(workspace),
        // Whoever never selected one has this.
        None => folder.is_dir().then(|| "default".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use crate::facts::FactFinder;

    #[test]
    fn by_variable_by_file_or_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let found = |variables: &[(&str, &str)]| {
            let finder = FactFinder::new().variables(variables.iter().copied());
            finder.gather(folder.path()).details.terraform_workspace
        };
        assert_eq!(found(&[]), None);
        std::fs::create_dir(folder.path().join(".terraform")).unwrap();
        assert_eq!(found(&[]).as_deref(), Some("default"));
        std::fs::write(folder.path().join(".terraform/environment"), "staging").unwrap();
        assert_eq!(found(&[]).as_deref(), Some("staging"));
        assert_eq!(found(&[("TF_WORKSPACE", "prod")]).as_deref(), Some("prod"));
        assert_eq!(found(&[("TF_DATA_DIR", "elsewhere")]), None);
    }
}
