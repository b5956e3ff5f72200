//! Plans in YAML, for people who write them by hand.

use serde_saphyr::{budget, options};

use super::document::{DocumentError, Plan};

/// The most bytes that a plan's text may have.
const MOST_BYTES: usize = 1 << 20;

impl Plan {
    /// Reads a plan from YAML, as strictly as from JSON: a key that is not known or stands twice
    /// is an error, and so are anchors and aliases, by which a text means more than it shows.
    ///
    /// ```
    /// use guardrail_core::plan::Plan;
    ///
    /// let text = "
    /// title: Look around
    /// cwd: /srv
    /// steps:
    ///   - title: List it
    ///     command: { argv: [ls, -l] }
    ///     post:
    ///       - name: it is there
    ///         command: { argv: [stat, app] }
    ///         expect: [{ exit: 0 }]
    /// ";
    /// let plan = Plan::from_yaml(text)?;
    /// assert_eq!(plan.steps[0].command.typed(), "ls -l");
    /// assert_eq!(Plan::from_yaml(&plan.to_yaml())?, plan);
    /// # Ok::<(), guardrail_core::plan::DocumentError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DocumentError`] with the place where it stops being a plan.
    pub fn from_yaml(text: &str) -> Result<Self, DocumentError> {
        if text.len() > MOST_BYTES {
            return Err(DocumentError("it is longer than 1 MiB".to_owned()));
        }
        let options = options! {
            budget: budget! { max_aliases: 0, max_anchors: 0, max_depth: 64 },
        };
        serde_saphyr::from_str_with_options(text, options).map_err(|error| DocumentError(error.to_string()))
    }

    /// The plan as YAML.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        // No plan fails to serialise: all keys are texts.
        serde_saphyr::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_more_than_it_shows_is_refused() {
        let good = "title: t\ncwd: /\nsteps:\n- title: s\n  command: {argv: [ls]}\n";
        assert!(Plan::from_yaml(good).is_ok());
        for bad in [
            "title: t\ntitle: u\nsteps: []\n",
            "title: t\nsteps: []\nmore: 1\n",
            "title: &a t\nreason: *a\nsteps: []\n",
            "title: t\nsteps:\n- title: s\n  command: {argv: [ls], environment: {A: b, A: c}}\n",
            "title: t\nsteps: []\n---\ntitle: u\nsteps: []\n",
            "title: t\nsteps:\n- title: s\n  command: {argv: [ls], shell: ls}\n",
        ] {
            assert!(Plan::from_yaml(bad).is_err(), "{bad}");
        }
    }
}
