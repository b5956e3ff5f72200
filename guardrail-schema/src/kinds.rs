//! The scales everything is measured on: risk, effect kinds, reversibility, scope.

use serde::{Deserialize, Serialize};

/// How much could go wrong. Ordered: `Low < Medium < High < Critical`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Reads; no effect on running systems.
    #[default]
    Low,
    /// Reversible and controlled.
    Medium,
    /// Changes production, or may disrupt.
    High,
    /// Loses data or weakens security.
    Critical,
}

impl Risk {
    /// Its name in lower case, as in every file and record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl std::fmt::Display for Risk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
        pub enum $name { $($(#[$doc])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name, as in every file and record.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The value with that name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == name)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

named! {
    /// What a call does to the world.
    EffectKind {
        /// Reads data that is no secret.
        Read = "read",
        /// Reads the value of a secret.
        ReadSecret = "read-secret",
        /// Creates or changes data or files.
        Write = "write",
        /// Deletes something.
        Delete = "delete",
        /// Runs code or a program that the analysis does not see through.
        Execute = "execute",
        /// Changes a setting.
        Configure = "configure",
        /// Puts a new version of something into service.
        Deploy = "deploy",
        /// Restarts something, or changes how many of it run.
        Restart = "restart",
        /// Stops or kills something.
        Stop = "stop",
        /// Fetches from a network.
        NetworkIn = "network-in",
        /// Sends to a network.
        NetworkOut = "network-out",
        /// Acts with other rights than the caller's.
        Privilege = "privilege",
        /// Creates, changes or revokes a credential.
        Credential = "credential",
        /// Changes who may do what, or a protection.
        Security = "security",
        /// Changes the structure of a database.
        Schema = "schema",
    }
}

named! {
    /// How hard it is to undo an effect.
    Undo {
        /// A command takes it back.
        Easy = "easy",
        /// Only with a backup or a rebuild.
        Hard = "hard",
        /// Not at all.
        Never = "never",
    }
}

named! {
    /// Where an effect lands.
    Scope {
        /// Files and processes of the machine it runs on.
        Local = "local",
        /// The version-controlled repository around the working directory.
        Repository = "repository",
        /// A container, image or volume of a local engine.
        Container = "container",
        /// The operating system's services, packages, users or network.
        System = "system",
        /// Another machine.
        Remote = "remote",
        /// A Kubernetes cluster.
        Cluster = "cluster",
        /// Resources of a cloud provider, or infrastructure described as code.
        Cloud = "cloud",
        /// A database server.
        Database = "database",
        /// A registry or hosting service that others read from.
        Registry = "registry",
    }
}

impl Default for Scope {
    /// Most tools work on the machine they run on.
    fn default() -> Self {
        Self::Local
    }
}

named! {
    /// What a flag adds to the meaning of a command's effects.
    Mark {
        /// Goes down into directories or owned resources.
        Recursive = "recursive",
        /// Does not ask, or goes on where it would have stopped.
        Force = "force",
        /// Everything of a kind, not one named thing.
        All = "all",
        /// What would be sent becomes a part of the address that is asked.
        Query = "query",
    }
}

named! {
    /// A language that the text given to a program is written in.
    Language {
        /// bash, sh and their kin.
        Shell = "shell",
        /// sed scripts.
        Sed = "sed",
        /// awk programs.
        Awk = "awk",
        /// jq filters.
        Jq = "jq",
        /// SQL, with the client's own commands.
        Sql = "sql",
        /// Python.
        Python = "python",
        /// JavaScript.
        JavaScript = "javascript",
        /// Perl.
        Perl = "perl",
        /// Ruby.
        Ruby = "ruby",
        /// PHP.
        Php = "php",
        /// PowerShell.
        PowerShell = "powershell",
        /// PowerShell in UTF-16, in Base64.
        EncodedPowerShell = "encoded-powershell",
        /// The lines of `cmd.exe`.
        Cmd = "cmd",
        /// The lines of a crontab.
        Cron = "cron",
        /// Kubernetes objects, as YAML or JSON.
        Manifest = "manifest",
        /// What kustomize makes manifests of.
        Kustomization = "kustomization",
        /// Compose files.
        Compose = "compose",
        /// What `terraform show -json` prints of a plan.
        TerraformPlan = "terraform-plan",
        /// Any other; never read.
        Other = "other",
    }
}

impl Language {
    /// Whether its texts describe objects and run nothing by themselves: what they mean is known
    /// as a [`Document`](crate::Document).
    #[must_use]
    pub const fn is_document(self) -> bool {
        matches!(self, Self::Manifest | Self::Kustomization | Self::Compose | Self::TerraformPlan)
    }
}
