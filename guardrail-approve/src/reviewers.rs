//! Who may answer from outside: principals with their roles, known by a key or by an account.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use ed25519_dalek::VerifyingKey;
use guardrail_core::plan::{Principal, PrincipalKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::hex;

/// One reviewer, as an operator writes them down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reviewer {
    /// Under which name their votes are recorded: a person or a service.
    pub principal: Principal,
    /// The roles they have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Their public Ed25519 key, 64 hexadecimal digits, by which a signed answer is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Their account at a service whose callbacks are verified, such as `slack:T123/U456`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// A reviewer who cannot be taken into the list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reviewer {name}: {reason}")]
pub struct ReviewerError {
    /// Who.
    pub name: String,
    /// What is wrong, and what to do.
    pub reason: String,
}

/// The reviewers that there are. It is shared by approvers, and can be changed while they wait:
/// who is revoked is heard no more.
///
/// It decides whose yes counts, so it belongs where no agent can write.
///
/// ```
/// use guardrail_approve::{Reviewer, Reviewers};
///
/// let listed: Vec<Reviewer> = serde_json::from_str(r#"[{
///     "principal": { "kind": "person", "name": "anna@example.com" },
///     "roles": ["dba"],
///     "key": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
/// }]"#)?;
/// let reviewers = Reviewers::new(listed)?;
/// assert_eq!(reviewers.revoke("anna@example.com"), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Reviewers {
    listed: RwLock<Listed>,
    /// So that of two changes each sees the other.
    changing: Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct Listed {
    keys: BTreeMap<String, (VerifyingKey, Known)>,
    accounts: BTreeMap<String, Known>,
}

/// A reviewer as they were authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) principal: Principal,
    pub(crate) roles: Vec<String>,
}

/// By what name a key is known: the first half of its SHA-256 digest.
pub(crate) fn fingerprint(key: &VerifyingKey) -> String {
    let digest = Sha256::digest(key.as_bytes());
    hex::encode(digest.get(..16).unwrap_or_default())
}

impl Reviewers {
    /// These reviewers. One who has two keys is listed twice.
    ///
    /// # Errors
    ///
    /// [`ReviewerError`] for the first who cannot be taken; nobody is then.
    pub fn new(listed: impl IntoIterator<Item = Reviewer>) -> Result<Self, ReviewerError> {
        let reviewers = Self::default();
        listed.into_iter().try_for_each(|reviewer| reviewers.add(reviewer))?;
        Ok(reviewers)
    }

    /// Adds a reviewer.
    ///
    /// # Errors
    ///
    /// [`ReviewerError`] where they are an agent or nobody, have neither a key nor an account or one
    /// that is listed, or could be taken for somebody else who is.
    pub fn add(&self, reviewer: Reviewer) -> Result<(), ReviewerError> {
        let Reviewer { principal, roles, key, account } = reviewer;
        let wrong =
            |reason: &str| Err(ReviewerError { name: principal.to_string(), reason: reason.to_owned() });
        if principal.kind == PrincipalKind::Agent || principal.is_nobody() {
            return wrong("agents do not vote, and nobody votes without a name");
        }
        let key = match key.map(|text| read_key(&text)) {
            Some(None) => return wrong("`key` is no Ed25519 key of 64 lower-case hexadecimal digits"),
            Some(key) => key,
            None => None,
        };
        if account.as_ref().is_some_and(|account| account.trim().is_empty()) {
            return wrong("`account` is empty");
        }
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut listed = self.read().clone();
        if listed.known().any(|known| known.principal != principal && known.principal.is_namesake(&principal))
        {
            return wrong("they could be taken for somebody else who is listed");
        }
        if listed.known().any(|known| known.principal == principal && known.roles != roles) {
            return wrong("they are listed with other roles");
        }
        let known = Known { principal: principal.clone(), roles };
        let mut taken = key.is_none() && account.is_none();
        if let Some(key) = key {
            taken |= listed.keys.insert(fingerprint(&key), (key, known.clone())).is_some();
        }
        if let Some(account) = account {
            taken |= listed.accounts.insert(account, known).is_some();
        }
        if taken {
            return wrong("they need a `key` or an `account` that nobody else has");
        }
        *self.write() = listed;
        Ok(())
    }

    /// Hears somebody no more, whatever keys and accounts they have; how many they had.
    pub fn revoke(&self, name: &str) -> usize {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut listed = self.write();
        let before = listed.known().count();
        listed.keys.retain(|_, (_, known)| known.principal.name != name);
        listed.accounts.retain(|_, known| known.principal.name != name);
        before - listed.known().count()
    }

    /// All of them, each once.
    #[must_use]
    pub fn principals(&self) -> Vec<Principal> {
        let mut all: Vec<Principal> = self.read().known().map(|known| known.principal.clone()).collect();
        all.sort();
        all.dedup();
        all
    }

    /// The fingerprints of their keys.
    pub(crate) fn fingerprints(&self) -> Vec<String> {
        self.read().keys.keys().cloned().collect()
    }

    pub(crate) fn by_key(&self, fingerprint: &str) -> Option<(VerifyingKey, Known)> {
        self.read().keys.get(fingerprint).cloned()
    }

    #[cfg_attr(not(feature = "webhook"), allow(dead_code, reason = "callbacks ask for it"))]
    pub(crate) fn by_account(&self, account: &str) -> Option<Known> {
        self.read().accounts.get(account).cloned()
    }

    fn read(&self) -> RwLockReadGuard<'_, Listed> {
        self.listed.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Listed> {
        self.listed.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listed {
    fn known(&self) -> impl Iterator<Item = &Known> {
        self.keys.values().map(|(_, known)| known).chain(self.accounts.values())
    }
}

fn read_key(text: &str) -> Option<VerifyingKey> {
    let key = VerifyingKey::from_bytes(&hex::decode(text)?).ok()?;
    // Anybody can sign for a key of low order.
    (!key.is_weak()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::SigningKey;

    fn reviewer(name: &str, seed: u8) -> Reviewer {
        let key = SigningKey::from_bytes(&[seed; 32]).verifying_key();
        Reviewer {
            principal: Principal::person(name),
            roles: vec![],
            key: Some(hex::encode(key.as_bytes())),
            account: None,
        }
    }

    #[test]
    fn who_cannot_be_listed() {
        let account =
            |account: &str| Reviewer { key: None, account: Some(account.into()), ..reviewer("anna", 1) };
        for (second, why) in [
            (Reviewer { principal: Principal::agent("bert"), ..reviewer("bert", 2) }, "agents"),
            (reviewer(" ", 2), "without a name"),
            (reviewer("\u{430}nna", 2), "could be taken"),
            (Reviewer { principal: Principal::service("anna"), ..reviewer("anna", 2) }, "could be taken"),
            (reviewer("bert", 1), "nobody else has"),
            (Reviewer { key: None, ..reviewer("bert", 2) }, "need a `key`"),
            (Reviewer { key: Some("00".into()), ..reviewer("bert", 2) }, "no Ed25519 key"),
            (Reviewer { key: Some("00".repeat(32)), ..reviewer("bert", 2) }, "no Ed25519 key"),
            (Reviewer { roles: vec!["dba".into()], ..reviewer("anna", 2) }, "other roles"),
            (account(" "), "empty"),
        ] {
            let error = Reviewers::new([reviewer("anna", 1), second]).unwrap_err().to_string();
            assert!(error.contains(why), "{error}: {why}");
        }
        assert!(Reviewers::new([reviewer("anna", 1), reviewer("anna", 2), account("slack:T/U")]).is_ok());
    }

    #[test]
    fn who_is_revoked_is_unknown() {
        let reviewers =
            Reviewers::new([reviewer("anna", 1), reviewer("anna", 2), reviewer("bert", 3)]).unwrap();
        assert_eq!(reviewers.fingerprints().len(), 3);
        assert_eq!(reviewers.revoke("anna"), 2);
        assert_eq!(reviewers.principals(), [Principal::person("bert")]);
    }
}
