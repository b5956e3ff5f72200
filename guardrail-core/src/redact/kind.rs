//! What kinds of secret are known, and how many of each a text held.

use std::fmt;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident => $name:literal,)*) => {
        /// What a redacted secret is. The order is the order of preference where two detectors
        /// see a secret start at the same byte: the more telling name wins.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(rename_all = "kebab-case")]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// Every kind, in order.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The name used in the replacement, in reports and in the audit log.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// The text that stands where the secret stood.
            #[must_use]
            pub const fn replacement(self) -> &'static str {
                match self { $(Self::$kind => concat!("[redacted:", $name, "]"),)* }
            }
        }
    };
}

kinds! {
    /// A value registered with the redactor, or an encoding of one.
    Registered => "registered",
    /// An AWS access key id.
    AwsAccessKey => "aws-access-key",
    /// An AWS secret access key.
    AwsSecretKey => "aws-secret-key",
    /// A GitHub token.
    GithubToken => "github-token",
    /// A GitLab token.
    GitlabToken => "gitlab-token",
    /// A Slack token or incoming webhook.
    SlackToken => "slack-token",
    /// A Stripe key or webhook secret.
    StripeKey => "stripe-key",
    /// An Anthropic key.
    AnthropicKey => "anthropic-key",
    /// An OpenAI key, or one in its form.
    OpenaiKey => "openai-key",
    /// A Google API key or OAuth token.
    GoogleKey => "google-key",
    /// An npm token.
    NpmToken => "npm-token",
    /// A PyPI token.
    PypiToken => "pypi-token",
    /// A JSON Web Token, or another signed token in its form.
    Jwt => "jwt",
    /// A private key in PEM armour.
    PrivateKey => "private-key",
    /// A token of another service with a shape of its own.
    ApiToken => "api-token",
    /// The credential of an `Authorization` header.
    Authorization => "authorization",
    /// The password of a URL's userinfo, as in database URLs.
    UrlPassword => "url-password",
    /// The value of a key named like a password.
    Password => "password",
    /// The value of a key named like a token, key or other secret.
    Secret => "secret",
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How many secrets of each kind were replaced.
///
/// ```
/// use guardrail_core::redact::{Kind, Redactor};
///
/// let redacted = Redactor::new().redact_counted("PGPASSWORD=hunter2 psql postgres://a:b4c@db/x");
/// assert_eq!(redacted.hits.count(Kind::Password), 1);
/// assert_eq!(redacted.hits.to_string(), "1 url-password, 1 password");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    // Sorted by kind; a text seldom holds more than two.
    pub(super) counts: Vec<(Kind, u64)>,
}

impl Hits {
    /// Whether nothing was replaced.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// How many secrets of all kinds were replaced.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|&(_, count)| count).sum()
    }

    /// How many secrets of one kind were replaced.
    #[must_use]
    pub fn count(&self, kind: Kind) -> u64 {
        self.iter().find_map(|(k, count)| (k == kind).then_some(count)).unwrap_or(0)
    }

    /// The kinds that occurred, in order, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, u64)> + '_ {
        self.counts.iter().copied()
    }

    /// Adds the counts of another text.
    pub fn merge(&mut self, other: &Self) {
        for (kind, count) in other.iter() {
            self.add(kind, count);
        }
    }

    pub(super) fn add(&mut self, kind: Kind, more: u64) {
        match self.counts.binary_search_by_key(&kind, |&(k, _)| k) {
            Ok(at) => {
                if let Some((_, count)) = self.counts.get_mut(at) {
                    *count = count.saturating_add(more);
                }
            }
            Err(at) => self.counts.insert(at, (kind, more)),
        }
    }
}

impl fmt::Display for Hits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing redacted");
        }
        for (i, (kind, count)) in self.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{count} {kind}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serialised_names_are_the_printed_names() {
        for &kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert_eq!(kind.replacement(), format!("[redacted:{kind}]"));
        }
    }

    #[test]
    fn merging_adds() {
        let mut hits = Hits::default();
        assert_eq!(hits.to_string(), "nothing redacted");
        hits.add(Kind::Secret, 1);
        hits.add(Kind::Jwt, 2);
        hits.merge(&hits.clone());
        assert_eq!(hits.to_string(), "4 jwt, 2 secret");
        assert_eq!(hits.total(), 6);
    }
}
