//! Fields whose values are secrets by their name, and what an embedder adds to them.

use guardrail_core::redact::Kind;

/// Which fields of `arguments` and `details` are kept out of the log whatever they hold.
///
/// The standard rules know fields that are named like a password, token, key or other credential,
/// in any case style and with anything before it: `password`, `dbPassword`, `X-Api-Key`. Whatever
/// the value is, text, number or object, all of it is replaced; only `null` and empty text stay.
///
/// ```
/// use guardrail_audit::FieldRules;
///
/// let rules = FieldRules::standard()
///     .field("ssn")
///     .allow("idempotency_token")
///     .path("details.customer.iban")?
///     .drop_path("arguments.attachments.*.content")?;
/// # let _ = rules;
/// # Ok::<(), guardrail_audit::FieldRuleError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct FieldRules {
    standard: bool,
    /// By normalised name.
    names: Vec<(Vec<u8>, Rule)>,
    paths: Vec<(Vec<Box<str>>, Rule)>,
}

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// It is what it looks like.
    Allow,
    /// Its value is replaced by a text that says so.
    Replace(&'static str),
    /// It is not written.
    Drop,
}

/// One part of the way to a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'v> {
    /// A field.
    Key(&'v str),
    /// An element.
    Index(usize),
}

/// Why a path cannot be a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldRuleError {
    /// It names nothing.
    #[error("the path `{0}` has an empty part: write it like `details.customer.iban`")]
    Empty(String),
    /// It names what every log needs.
    #[error("`{0}` cannot be left out or replaced: the log needs it to find its records again")]
    Needed(String),
}

/// What `Replace` says where an embedder's rule, and not the name, made it a secret.
const OWN: &str = "field";

/// Ends of names, lower-case letters and digits alone, and what the value then is.
const ENDS: &[(&[u8], Kind)] = &[
    (b"password", Kind::Password),
    (b"passwords", Kind::Password),
    (b"passwd", Kind::Password),
    (b"passphrase", Kind::Password),
    (b"passcode", Kind::Password),
    (b"pwd", Kind::Password),
    (b"secret", Kind::Secret),
    (b"secrets", Kind::Secret),
    (b"token", Kind::Secret),
    (b"apikey", Kind::Secret),
    (b"apikeys", Kind::Secret),
    (b"accesskey", Kind::Secret),
    (b"secretkey", Kind::Secret),
    (b"privatekey", Kind::PrivateKey),
    (b"signingkey", Kind::Secret),
    (b"encryptionkey", Kind::Secret),
    (b"masterkey", Kind::Secret),
    (b"accountkey", Kind::Secret),
    (b"sharedkey", Kind::Secret),
    (b"credential", Kind::Secret),
    (b"credentials", Kind::Secret),
    (b"authorization", Kind::Authorization),
    (b"cookie", Kind::Secret),
    (b"cookies", Kind::Secret),
    (b"connectionstring", Kind::Secret),
];

/// Whole names.
const WHOLE: &[(&[u8], Kind)] = &[
    (b"auth", Kind::Authorization),
    (b"bearer", Kind::Authorization),
    (b"pass", Kind::Password),
    (b"pin", Kind::Password),
    (b"otp", Kind::Password),
];

/// Names that end like a secret's and are none: places in a list, and directories.
const NONE: &[&[u8]] = &[
    b"nexttoken",
    b"pagetoken",
    b"nextpagetoken",
    b"startingtoken",
    b"starttoken",
    b"continuationtoken",
    b"continuetoken",
    b"synctoken",
    b"resumetoken",
    b"paginationtoken",
    b"oldpwd",
];

/// Fields by which the log finds its records again.
const NEEDED: &[&str] = &["kind", "id", "plan_id", "revision", "step", "status", "redacted"];

impl FieldRules {
    /// The rules that every log should have.
    #[must_use]
    pub const fn standard() -> Self {
        Self { standard: true, names: Vec::new(), paths: Vec::new() }
    }

    /// No rules: only what the redactor finds in texts is replaced.
    #[must_use]
    pub const fn none() -> Self {
        Self { standard: false, names: Vec::new(), paths: Vec::new() }
    }

    /// Replaces the values of fields of this name, in any case style.
    #[must_use]
    pub fn field(self, name: &str) -> Self {
        self.named(name, Rule::Replace(OWN))
    }

    /// Leaves out fields of this name, in any case style.
    #[must_use]
    pub fn drop_field(self, name: &str) -> Self {
        self.named(name, Rule::Drop)
    }

    /// Takes a name out of the standard rules. Its values still pass the redactor.
    #[must_use]
    pub fn allow(self, name: &str) -> Self {
        self.named(name, Rule::Allow)
    }

    /// Replaces the value at a path. It starts with a field of the record, and `*` stands for any
    /// field or element: `details.customers.*.iban`.
    ///
    /// # Errors
    ///
    /// Where a part is empty, or the log could not do without the field.
    pub fn path(self, path: &str) -> Result<Self, FieldRuleError> {
        self.at(path, Rule::Replace(OWN))
    }

    /// Leaves out what is at a path. An element of an array becomes `null`.
    ///
    /// # Errors
    ///
    /// As [`path`](Self::path).
    pub fn drop_path(self, path: &str) -> Result<Self, FieldRuleError> {
        self.at(path, Rule::Drop)
    }

    fn named(mut self, name: &str, rule: Rule) -> Self {
        let name = Normal::of(name);
        // The last word on a name holds.
        self.names.retain(|(known, _)| known != name.bytes());
        self.names.push((name.bytes().to_vec(), rule));
        self
    }

    fn at(mut self, path: &str, rule: Rule) -> Result<Self, FieldRuleError> {
        let parts: Vec<Box<str>> = path.split('.').map(Into::into).collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(FieldRuleError::Empty(path.to_owned()));
        }
        if parts.first().is_some_and(|first| NEEDED.contains(&&**first) || &**first == "*") {
            return Err(FieldRuleError::Needed(path.to_owned()));
        }
        self.paths.push((parts, rule));
        Ok(self)
    }

    /// What a name alone says about its value.
    pub(super) fn of_name(&self, name: &str) -> Rule {
        if self.names.is_empty() && (!self.standard || !may_end(name)) {
            return Rule::Allow;
        }
        let written = name;
        let normal = Normal::of(name);
        let name = normal.bytes();
        if let Some((_, rule)) = self.names.iter().find(|(known, _)| known == name) {
            return *rule;
        }
        if !self.standard {
            return Rule::Allow;
        }
        let whole = WHOLE.iter().find(|(known, _)| *known == name);
        let end = || ENDS.iter().find(|(end, _)| name.ends_with(end));
        match whole.or_else(end) {
            Some((_, kind)) if !NONE.contains(&name) => Rule::Replace(kind.name()),
            // `db_pass`, but not `bypass`.
            _ if ["_pass", "-pass", "_PASS", "Pass"].iter().any(|end| written.ends_with(end)) => {
                Rule::Replace(Kind::Password.name())
            }
            _ => Rule::Allow,
        }
    }

    /// Whether there are paths to look at.
    pub(super) const fn has_paths(&self) -> bool {
        !self.paths.is_empty()
    }

    /// What the place of a value says about it.
    pub(super) fn of_path(&self, path: &[Part<'_>]) -> Rule {
        let fits = |parts: &[Box<str>]| {
            parts.len() == path.len()
                && parts.iter().zip(path).all(|(part, at)| match at {
                    _ if &**part == "*" => true,
                    Part::Key(key) => **part == **key,
                    Part::Index(index) => part.parse() == Ok(*index),
                })
        };
        // The strictest of those that fit.
        let mut rules = self.paths.iter().filter(|(parts, _)| fits(parts)).map(|(_, rule)| *rule);
        let first = rules.next().unwrap_or(Rule::Allow);
        rules.fold(first, |strictest, rule| if rule == Rule::Drop { rule } else { strictest })
    }
}

/// Whether a name ends like one that the standard rules know; most do not, and are done with.
fn may_end(name: &str) -> bool {
    let [.., before, last] = name.as_bytes() else { return false };
    let (before, last) = (before.to_ascii_lowercase(), last.to_ascii_lowercase());
    !before.is_ascii_lowercase()
        || matches!(
            (before, last),
            (b'r' | b'w', b'd')
                | (b'd' | b'i' | b's', b'e')
                | (b'n', b'g')
                | (b't', b'h')
                | (b'a', b'l')
                | (b'e' | b'i' | b'o', b'n')
                | (b't', b'p')
                | (b'e', b'r')
                | (b'd' | b'e' | b'l' | b's' | b't' | b'y', b's')
                | (b'e', b't')
                | (b'e', b'y')
        )
        || !last.is_ascii_lowercase()
}

/// A name without its style: the letters and digits, lower-case; of a long one its end.
struct Normal {
    buffer: [u8; Self::MOST],
    start: usize,
}

impl Normal {
    const MOST: usize = 64;

    fn of(name: &str) -> Self {
        let mut normal = Self { buffer: [0; Self::MOST], start: Self::MOST };
        let kept = name.bytes().rev().filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
        for (slot, byte) in normal.buffer.iter_mut().rev().zip(kept) {
            *slot = byte.to_ascii_lowercase();
            normal.start -= 1;
        }
        normal
    }

    fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_style() {
        let rules = FieldRules::standard();
        for name in [
            "password",
            "PASSWORD",
            "dbPassword",
            "DB_PASSWORD",
            "db-password",
            "passwd",
            "mysqlPwd",
            "pwd",
            "secret",
            "clientSecret",
            "api_key",
            "X-Api-Key",
            "apikey",
            "access_token",
            "token",
            "Authorization",
            "Proxy-Authorization",
            "privateKey",
            "private_key",
            "credentials",
            "Set-Cookie",
            "passphrase",
            "pin",
            "DB_PASS",
            "smtpPass",
        ] {
            assert_ne!(rules.of_name(name), Rule::Allow, "{name}");
        }
        for name in [
            "",
            "name",
            "namespace",
            "max_tokens",
            "token_count",
            "nextToken",
            "next_page_token",
            "secretName",
            "password_policy",
            "OLDPWD",
            "pinned",
            "author",
            "authority",
            "key",
            "public_key",
            "passed",
            "bypass",
        ] {
            assert_eq!(rules.of_name(name), Rule::Allow, "{name}");
        }
        assert_eq!(FieldRules::none().of_name("password"), Rule::Allow);
    }

    #[test]
    fn every_end_is_looked_for() {
        let rules = FieldRules::standard();
        for (name, kind) in ENDS.iter().chain(WHOLE) {
            let name = std::str::from_utf8(name).unwrap();
            assert_eq!(rules.of_name(name), Rule::Replace(kind.name()), "{name}");
        }
    }

    #[test]
    fn own_names_and_paths() {
        let rules = FieldRules::standard()
            .field("Tax-Number")
            .allow("csrf_token")
            .drop_field("body")
            .path("details.*.iban")
            .unwrap()
            .drop_path("details.a.iban")
            .unwrap();
        assert_eq!(rules.of_name("taxNumber"), Rule::Replace("field"));
        assert_eq!(rules.of_name("csrfToken"), Rule::Allow);
        assert_eq!(rules.of_name("BODY"), Rule::Drop);
        let path = |at| rules.of_path(&[Part::Key("details"), at, Part::Key("iban")]);
        assert_eq!(path(Part::Key("a")), Rule::Drop);
        assert_eq!(path(Part::Key("b")), Rule::Replace("field"));
        assert_eq!(path(Part::Index(3)), Rule::Replace("field"));
        assert_eq!(rules.of_path(&[Part::Key("details")]), Rule::Allow);
        assert!(matches!(FieldRules::none().path("plan_id"), Err(FieldRuleError::Needed(_))));
        assert!(matches!(FieldRules::none().path("a..b"), Err(FieldRuleError::Empty(_))));
    }
}
