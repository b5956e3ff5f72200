//! From the names of clusters and profiles to the kind of environment they are.

use globset::{Glob, GlobMatcher};
use guardrail_core::Environment;

use super::{Gathered, Subject};

/// What a pattern is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The selected kubectl context.
    KubeContext,
    /// The selected cloud profile.
    CloudProfile,
    /// The selected terraform workspace.
    TerraformWorkspace,
    /// The checked-out git branch.
    GitBranch,
    /// The machine's name.
    Host,
}

/// A pattern that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is no pattern: {why}")]
pub struct PatternError {
    /// As it was given.
    pub pattern: String,
    /// What is wrong with it.
    pub why: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    rules: Vec<(Environment, Place, GlobMatcher)>,
}

impl Rules {
    pub(super) fn add(&mut self, kind: Environment, place: Place, pattern: &str) -> Result<(), PatternError> {
        let glob = Glob::new(pattern)
            .map_err(|error| PatternError { pattern: pattern.to_owned(), why: error.kind().to_string() })?;
        self.rules.push((kind, place, glob.compile_matcher()));
        Ok(())
    }

    /// The kind of environment that an action from here reaches, as far as that is certain.
    pub(super) fn judge(&self, gathered: &Gathered) -> Option<Environment> {
        let (facts, details) = (&gathered.facts, &gathered.details);
        let named = [
            (Place::KubeContext, &facts.kube_context),
            (Place::CloudProfile, &facts.cloud_profile),
            (Place::TerraformWorkspace, &details.terraform_workspace),
            (Place::GitBranch, &facts.git_branch),
            (Place::Host, &details.host),
        ];
        let mut strictest = None;
        // What an action could reach without naming it.
        let mut unsure = gathered.missing.iter().any(|missing| {
            matches!(missing.what, Subject::Kubernetes | Subject::Clouds | Subject::Terraform)
        });
        for (place, name) in named {
            let Some(name) = name else { continue };
            let kinds = self.rules.iter().filter(|(_, about, glob)| *about == place && glob.is_match(name));
            match kinds.map(|(kind, ..)| *kind).min_by_key(|kind| order(*kind)) {
                Some(kind) => strictest = strictest.into_iter().chain([kind]).min_by_key(|kind| order(*kind)),
                None => unsure |= matches!(place, Place::KubeContext | Place::CloudProfile),
            }
        }
        strictest.filter(|kind| *kind == Environment::Production || !unsure)
    }
}

/// The strictest first.
const fn order(kind: Environment) -> u8 {
    match kind {
        Environment::Production => 0,
        Environment::Staging => 1,
        Environment::Development => 2,
        Environment::Test => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Missing;

    fn judged(change: impl FnOnce(&mut Gathered)) -> Option<Environment> {
        let mut rules = Rules::default();
        rules.add(Environment::Production, Place::KubeContext, "*prod*").unwrap();
        rules.add(Environment::Test, Place::KubeContext, "kind-*").unwrap();
        rules.add(Environment::Development, Place::CloudProfile, "{dev,sandbox-?}").unwrap();
        rules.add(Environment::Staging, Place::GitBranch, "release/*").unwrap();
        let mut gathered = Gathered::default();
        change(&mut gathered);
        rules.judge(&gathered)
    }

    #[test]
    fn the_strictest_counts() {
        let context = |name: &str| judged(|gathered| gathered.facts.kube_context = Some(name.to_owned()));
        assert_eq!(context("kind-a"), Some(Environment::Test));
        assert_eq!(context("kind-prod"), Some(Environment::Production));
        assert_eq!(context("other"), None);
        assert_eq!(judged(|_| {}), None);
        let branch = judged(|gathered| {
            gathered.facts.kube_context = Some("kind-a".to_owned());
            gathered.facts.git_branch = Some("release/1/2".to_owned());
        });
        assert_eq!(branch, Some(Environment::Staging));
    }

    #[test]
    fn less_than_production_has_to_be_certain() {
        let both = |profile: &str| {
            judged(|gathered| {
                gathered.facts.kube_context = Some("kind-a".to_owned());
                gathered.facts.cloud_profile = Some(profile.to_owned());
            })
        };
        assert_eq!(both("sandbox-1"), Some(Environment::Development));
        assert_eq!(both("main-account"), None);
        for (what, expected) in [(Subject::Clouds, None), (Subject::Git, Some(Environment::Test))] {
            let found = judged(|gathered| {
                gathered.facts.kube_context = Some("kind-a".to_owned());
                gathered.missing.push(Missing { what, why: "it hangs".to_owned() });
            });
            assert_eq!(found, expected, "{what}");
        }
        let production = judged(|gathered| {
            gathered.facts.kube_context = Some("prod".to_owned());
            gathered.missing.push(Missing { what: Subject::Clouds, why: "it hangs".to_owned() });
        });
        assert_eq!(production, Some(Environment::Production));
    }

    #[test]
    fn no_pattern_is_an_error() {
        let error = Rules::default().add(Environment::Test, Place::Host, "a[").unwrap_err();
        assert!(error.to_string().starts_with("`a[` is no pattern: "));
    }
}
