//! The closed vocabularies of a record, open to words of later versions.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
            /// A word that this version does not know.
            Other(Box<str>),
        }

        impl $name {
            /// Every word that this version knows.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)*];

            /// The word, as the log has it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(word) => word,
                }
            }

            /// The value of a word. A word that is not known is kept.
            #[must_use]
            pub fn from_word(word: &str) -> Self {
                match word {
                    $($text => Self::$variant,)*
                    _ => Self::Other(word.into()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self::from_word(&Cow::<str>::deserialize(deserializer)?))
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "examples": [$($text),*] })
            }
        }
    };
}

words! {
    /// What kind of event a record is.
    Kind {
        /// The first line of a log: its id, its origin, how it is kept.
        Genesis = "genesis",
        /// The first line of every later segment.
        Segment = "segment",
        /// The last line of a segment to which nothing is added any more.
        Seal = "seal",
        /// The state of the whole log so far, signed where there is a key.
        Checkpoint = "checkpoint",
        /// The log was opened again after it had not been closed.
        Recovered = "recovered",
        /// Old segments were removed.
        Pruned = "pruned",
        /// Personal data was removed.
        Erased = "erased",
        /// A checkpoint was handed to somebody outside.
        Anchored = "anchored",
        /// A request and its answer.
        Evaluation = "evaluation",
        /// A request that was refused, and is over.
        Refusal = "refusal",
        /// A plan was made, revised, or moved to another state.
        Plan = "plan",
        /// A question to approvers, a vote, or that none came.
        Approval = "approval",
        /// A standing permission was given, used or taken back.
        Grant = "grant",
        /// A step is about to start.
        Intent = "intent",
        /// What became of a step.
        Outcome = "outcome",
        /// A check before, after or during a step.
        Check = "check",
        /// A way back was offered, begun or ended.
        Rollback = "rollback",
        /// The policy, or a part of the configuration that decides, is another one.
        Policy = "policy",
        /// A secret was fetched, by its reference.
        Credential = "credential",
        /// A quota, a circuit breaker or the emergency stop took effect or was lifted.
        Quota = "quota",
        /// Anything else, said by an embedder.
        Note = "note",
    }
}

words! {
    /// What became of something.
    Status {
        /// It waits for an answer.
        Requested = "requested",
        /// It was allowed without asking.
        Allowed = "allowed",
        /// It was refused by the policy.
        Denied = "denied",
        /// It is being prepared.
        Drafted = "drafted",
        /// It was put forward.
        Proposed = "proposed",
        /// It was changed, and votes for what it was no longer count.
        Revised = "revised",
        /// A principal said yes.
        Approved = "approved",
        /// A principal said no.
        Rejected = "rejected",
        /// A principal asked for an explanation.
        Explained = "explained",
        /// Nobody answered in time.
        TimedOut = "timed_out",
        /// There was nobody to ask.
        NoChannel = "no_channel",
        /// A yes was taken back.
        Revoked = "revoked",
        /// The world is no longer what was approved.
        Stale = "stale",
        /// A later revision took its place.
        Superseded = "superseded",
        /// The approval was not used in time.
        Expired = "expired",
        /// It began.
        Started = "started",
        /// It was stopped for now.
        Paused = "paused",
        /// It goes on.
        Resumed = "resumed",
        /// It ended well.
        Succeeded = "succeeded",
        /// It ended badly.
        Failed = "failed",
        /// It was ended before its end.
        Cancelled = "cancelled",
        /// Whether it ran cannot be known.
        InDoubt = "in_doubt",
        /// It was undone.
        RolledBack = "rolled_back",
        /// Undoing it failed.
        RollbackFailed = "rollback_failed",
        /// A person closed it by hand.
        Closed = "closed",
    }
}

impl Status {
    /// Whether a [`Kind::Plan`] record with this status is the last of its plan. What failed, is
    /// stale or in doubt waits for a person, and stays open until it is
    /// [`Closed`](Self::Closed), cancelled or rolled back.
    #[must_use]
    pub const fn closes_plan(&self) -> bool {
        matches!(
            self,
            Self::Rejected
                | Self::TimedOut
                | Self::NoChannel
                | Self::Revoked
                | Self::Superseded
                | Self::Expired
                | Self::Succeeded
                | Self::Cancelled
                | Self::RolledBack
                | Self::Closed
        )
    }
}

words! {
    /// What a policy said, without what an ask needs.
    Verdict {
        /// It may run.
        Allow = "allow",
        /// It may run once it is approved.
        Ask = "ask",
        /// It may not run.
        Deny = "deny",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_later_versions_are_kept() {
        let kind: Kind = serde_json::from_str(r#""witnessed""#).unwrap();
        assert_eq!(kind, Kind::Other("witnessed".into()));
        assert_eq!(serde_json::to_string(&kind).unwrap(), r#""witnessed""#);
        for kind in Kind::KNOWN {
            assert_eq!(Kind::from_word(kind.as_str()), *kind);
        }
        for status in Status::KNOWN {
            assert_eq!(Status::from_word(status.as_str()), *status);
        }
    }
}
