//! `guardrail policy init`: a commented policy to start from.

use crate::arguments::PolicyMode;

pub(super) const fn text(mode: PolicyMode) -> &'static str {
    match mode {
        PolicyMode::Safe => include_str!("safe.toml"),
        PolicyMode::Standard => include_str!("standard.toml"),
        PolicyMode::Full => include_str!("full.toml"),
    }
}
