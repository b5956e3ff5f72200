//! The context and namespace that `kubectl` would use.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::At;
use super::file;

/// What is selected; nothing where nothing is set up.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Current {
    pub(super) context: Option<String>,
    pub(super) namespace: Option<String>,
}

/// What is read of a kubeconfig; the rest of it is nobody's business here.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Config {
    current_context: Option<String>,
    contexts: Option<Vec<Named>>,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
    #[serde(default)]
    context: Option<Context>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Context {
    namespace: Option<String>,
}

/// Where a pod finds its own namespace.
const IN_CLUSTER: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

pub(super) fn read(at: &At) -> Result<Current, String> {
    let mut files = Vec::new();
    for path in paths(at) {
        if let Some(text) = file::text(&path)? {
            let config: Config =
                serde_saphyr::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
            files.push(config);
        }
    }
    if files.is_empty() {
        let namespace = file::text(Path::new(IN_CLUSTER))?.map(|text| text.trim().to_owned());
        return Ok(Current { context: None, namespace: namespace.filter(|name| !name.is_empty()) });
    }
    // The first file that sets something wins.
    let named = |config: &Config| config.current_context.clone().filter(|name| !name.is_empty());
    let Some(current) = files.iter().find_map(named) else { return Ok(Current::default()) };
    let contexts = files.iter().flat_map(|config| config.contexts.iter().flatten());
    let context = contexts.into_iter().find(|context| context.name == current);
    let Some(context) = context else {
        return Err(format!("the current context is `{current}`, and there is no such context"));
    };
    let namespace = context.context.as_ref().and_then(|context| context.namespace.clone());
    let namespace = namespace.filter(|name| !name.is_empty()).unwrap_or_else(|| "default".to_owned());
    Ok(Current { context: Some(current), namespace: Some(namespace) })
}

fn paths(at: &At) -> Vec<PathBuf> {
    match at.variable("KUBECONFIG") {
        Some(list) => list.split(':').filter(|path| !path.is_empty()).map(|path| at.cwd.join(path)).collect(),
        None => at.home().map(|home| home.join(".kube/config")).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use crate::facts::{FactFinder, Subject};

    fn context_of(folder: &Path, kubeconfig: Option<&str>) -> (Option<String>, Option<String>) {
        let home = folder.to_str().unwrap();
        let mut variables = vec![("HOME", home)];
        variables.extend(kubeconfig.map(|list| ("KUBECONFIG", list)));
        let facts = FactFinder::new().variables(variables).gather(folder).facts;
        (facts.kube_context, facts.kube_namespace)
    }

    /// What kubectl itself says, where it is installed.
    fn kubectl(folder: &Path, kubeconfig: Option<&str>) -> Option<(String, String)> {
        let ask = |words: &[&str]| {
            let mut command = Command::new("kubectl");
            command.args(words).env_clear().env("HOME", folder).env("PATH", std::env::var_os("PATH")?);
            command.current_dir(folder);
            if let Some(list) = kubeconfig {
                command.env("KUBECONFIG", list);
            }
            let run = command.output().ok()?;
            Some(String::from_utf8(run.stdout).ok()?.trim().to_owned())
        };
        let context = ask(&["config", "current-context"])?;
        let path = format!("jsonpath={{.contexts[?(@.name==\"{context}\")].context.namespace}}");
        let namespace = ask(&["config", "view", "-o", &path])?;
        let namespace = if namespace.is_empty() { "default".to_owned() } else { namespace };
        Some((context, namespace))
    }

    #[test]
    fn it_is_what_kubectl_says() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let context =
            |name: &str, rest: &str| format!("- name: {name}\n  context: {{cluster: c, user: u{rest}}}\n");
        let head = "apiVersion: v1\nkind: Config\n";
        let one =
            format!("{head}current-context: prod-eu\ncontexts:\n{}", context("prod-eu", ", namespace: shop"));
        write(".kube/config", &one);
        let two =
            format!("{head}contexts:\n{}{}", context("prod-eu", ""), context("kind-a", ", namespace: a"));
        write("two", &two);
        write("three", &format!("{head}current-context: kind-a\n"));
        write("four", &format!("{head}current-context: \"\"\ncontexts: null\n"));
        let mut asked = 0;
        for (list, expected) in [
            (None, ("prod-eu", "shop")),
            (Some("two:.kube/config"), ("prod-eu", "default")),
            (Some("three:two:.kube/config"), ("kind-a", "a")),
            (Some("four:none:three:two"), ("kind-a", "a")),
        ] {
            let found = context_of(folder.path(), list);
            assert_eq!(found, (Some(expected.0.to_owned()), Some(expected.1.to_owned())), "{list:?}");
            if let Some(said) = kubectl(folder.path(), list) {
                assert_eq!((Some(said.0), Some(said.1)), found, "{list:?}");
                asked += 1;
            }
        }
        if asked == 0 {
            println!("SKIPPED: kubectl is not installed, so its own answers were not compared");
        }
        assert_eq!(context_of(folder.path(), Some("four")), (None, None));
    }

    #[test]
    fn what_is_broken_is_said() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["current-context: a\n", "contexts: [", "current-context: [a]\n"] {
            std::fs::write(folder.path().join("x"), text).unwrap();
            let finder = FactFinder::new().variables([("KUBECONFIG", "x")]);
            let gathered = finder.gather(folder.path());
            assert_eq!(gathered.facts.kube_context, None);
            let missing = gathered.missing.iter().any(|missing| missing.what == Subject::Kubernetes);
            assert!(missing, "{text} {gathered:?}");
        }
    }
}
