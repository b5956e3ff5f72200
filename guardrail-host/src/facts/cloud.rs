//! The selected profile of each cloud's command-line tool.

use serde::Deserialize;

use super::At;
use super::file;

/// The selected profile of each cloud, as far as one is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clouds {
    /// The profile of Amazon's tools.
    pub aws: Option<String>,
    /// The project of Google's tools; the configuration's name where it sets no project.
    pub gcloud: Option<String>,
    /// The subscription of Microsoft's tools.
    pub azure: Option<String>,
}

impl Clouds {
    /// The one profile there is; `None` where there is none, or more than one.
    #[must_use]
    pub fn only(&self) -> Option<&str> {
        let mut all = [&self.aws, &self.gcloud, &self.azure].into_iter().flatten();
        all.next().filter(|_| all.next().is_none()).map(String::as_str)
    }

    pub(super) fn count(&self) -> usize {
        [&self.aws, &self.gcloud, &self.azure].into_iter().flatten().count()
    }
}

impl std::fmt::Display for Clouds {
    /// `aws "prod", gcloud "shop"`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut between = "";
        for (cloud, profile) in [("aws", &self.aws), ("gcloud", &self.gcloud), ("azure", &self.azure)] {
            if let Some(profile) = profile {
                write!(f, "{between}{cloud} {profile:?}")?;
                between = ", ";
            }
        }
        Ok(())
    }
}

pub(super) fn read(at: &At) -> Result<Clouds, String> {
    Ok(Clouds { aws: aws(at)?, gcloud: gcloud(at)?, azure: azure(at)? })
}

fn aws(at: &At) -> Result<Option<String>, String> {
    if at.variable("AWS_ACCESS_KEY_ID").is_some() {
        // Keys in the environment win over every profile, and do not say whose they are.
        return Err("AWS_ACCESS_KEY_ID is set, and does not say which account it belongs to".to_owned());
    }
    let named = at.variable("AWS_PROFILE").or_else(|| at.variable("AWS_DEFAULT_PROFILE"));
    if let Some(profile) = named {
        return Ok(Some(profile.to_owned()));
    }
    let file = |variable: &str, name: &str| {
        at.path(variable).or_else(|| at.home().map(|home| home.join(".aws").join(name)))
    };
    let files = [file("AWS_CONFIG_FILE", "config"), file("AWS_SHARED_CREDENTIALS_FILE", "credentials")];
    let there = files.into_iter().flatten().any(|path| path.is_file());
    Ok(there.then(|| "default".to_owned()))
}

fn gcloud(at: &At) -> Result<Option<String>, String> {
    if let Some(project) = at.variable("CLOUDSDK_CORE_PROJECT") {
        return Ok(Some(project.to_owned()));
    }
    let Some(folder) =
        at.path("CLOUDSDK_CONFIG").or_else(|| at.home().map(|home| home.join(".config/gcloud")))
    else {
        return Ok(None);
    };
    let active = match at.variable("CLOUDSDK_ACTIVE_CONFIG_NAME") {
        Some(name) => Some(name.to_owned()),
        None => file::text(&folder.join("active_config"))?.map(|text| text.trim().to_owned()),
    };
    let Some(active) = active.filter(|name| !name.is_empty()) else { return Ok(None) };
    if active.contains('/') {
        return Err(format!("`{active}` is no name of a configuration"));
    }
    let text = file::text(&folder.join("configurations").join(format!("config_{active}")))?;
    let mut project = None;
    file::settings(&text.unwrap_or_default(), |section, key, value| {
        if section == "core" && key == "project" {
            project = Some(value.to_owned());
        }
    });
    Ok(project.or(Some(active)))
}

#[derive(Deserialize)]
struct AzureProfile {
    #[serde(default)]
    subscriptions: Vec<Subscription>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    name: String,
    #[serde(default)]
    is_default: bool,
}

fn azure(at: &At) -> Result<Option<String>, String> {
    let folder = at.path("AZURE_CONFIG_DIR").or_else(|| at.home().map(|home| home.join(".azure")));
    let Some(path) = folder.map(|folder| folder.join("azureProfile.json")) else { return Ok(None) };
    let Some(text) = file::text(&path)? else { return Ok(None) };
    // It is written with a byte order mark.
    let profile: AzureProfile = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    let selected = profile.subscriptions.into_iter().find(|subscription| subscription.is_default);
    Ok(selected.map(|subscription| subscription.name))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::facts::{FactFinder, Gathered, Subject};

    fn gathered(home: &Path, more: &[(&str, &str)]) -> Gathered {
        let variables = [("HOME", home.to_str().unwrap())].into_iter().chain(more.iter().copied());
        FactFinder::new().variables(variables).gather(home)
    }

    #[test]
    fn each_by_its_own_files() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = home.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let clouds = |more: &[(&str, &str)]| gathered(home.path(), more).details.clouds;
        assert_eq!(clouds(&[]), Clouds::default());
        assert_eq!(clouds(&[("AWS_PROFILE", "a"), ("AWS_DEFAULT_PROFILE", "b")]).only(), Some("a"));
        assert_eq!(clouds(&[("AWS_DEFAULT_PROFILE", "b")]).only(), Some("b"));
        write(".aws/config", "[default]\nregion = x\n");
        assert_eq!(clouds(&[]).only(), Some("default"));

        write(".config/gcloud/active_config", "work\n");
        assert_eq!(clouds(&[]).gcloud.as_deref(), Some("work"));
        write(
            ".config/gcloud/configurations/config_work",
            "[core]\naccount = me\nproject = shop\n[x]\nproject = y\n",
        );
        assert_eq!(clouds(&[]).gcloud.as_deref(), Some("shop"));
        assert_eq!(clouds(&[("CLOUDSDK_CORE_PROJECT", "p")]).gcloud.as_deref(), Some("p"));

        let both = gathered(home.path(), &[]);
        assert_eq!((both.facts.cloud_profile, both.details.clouds.count()), (None, 2));
        let why = both.missing.iter().find(|missing| missing.what == Subject::Clouds).unwrap();
        assert_eq!(why.why, "several are set up: aws \"default\", gcloud \"shop\"");

        let subscriptions =
            r#"{"subscriptions": [{"name": "a"}, {"name": "b", "isDefault": true, "id": "1"}]}"#;
        write(".azure/azureProfile.json", &format!("\u{feff}{subscriptions}"));
        assert_eq!(clouds(&[]).azure.as_deref(), Some("b"));
    }

    #[test]
    fn keys_of_nobody_and_broken_files_are_said() {
        let home = tempfile::tempdir().unwrap();
        let missing = |more: &[(&str, &str)]| {
            let gathered = gathered(home.path(), more);
            assert_eq!(gathered.facts.cloud_profile, None);
            gathered.missing.iter().any(|missing| missing.what == Subject::Clouds)
        };
        assert!(missing(&[("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_PROFILE", "test")]));
        assert!(missing(&[("CLOUDSDK_ACTIVE_CONFIG_NAME", "../x")]));
        std::fs::create_dir(home.path().join(".azure")).unwrap();
        std::fs::write(home.path().join(".azure/azureProfile.json"), "{").unwrap();
        assert!(missing(&[]));
    }
}
