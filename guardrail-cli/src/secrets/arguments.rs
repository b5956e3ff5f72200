//! What can be said to `guardrail secrets`, and to `guardrail run` of where secrets are.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use guardrail_core::record::Recorder;
use guardrail_host::secrets::{Secrets, SecretsFile, Vault, VaultKey, ask_unseen, read_value};

const STATUSES: &str = "\
Exit status:
  0   done
  1   the vault, its key or the value could not be read, or the vault not written
  2   wrong usage
  20  there is no such secret";

const VALUES: &str = "\
The value comes from standard input, or from the terminal without being shown; never from an
argument, which others could read. The end of a single line is no part of it.";

/// `guardrail secrets`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES, disable_help_subcommand = true)]
pub(crate) struct SecretsArguments {
    #[command(subcommand)]
    pub(crate) task: SecretsTask,
}

/// The subcommands of `guardrail secrets`.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretsTask {
    /// Set a secret; a vault is made where there is none
    #[command(after_help = format!("{VALUES}\n\n{STATUSES}"))]
    Set {
        /// What it is called: `database/app` is named `vault:database/app` in plans
        #[arg(value_name = "NAME")]
        name: String,
        #[arg(hide = true, value_name = "VALUE")]
        value: Vec<OsString>,
        #[command(flatten)]
        at: At,
    },
    /// List names, and when each was set
    #[command(after_help = STATUSES)]
    List {
        /// Print a JSON line for each
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        at: At,
    },
    /// Remove a secret
    #[command(after_help = STATUSES)]
    Remove {
        /// What it is called
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        at: At,
    },
    /// Make a key for a vault, and print its public half
    #[command(after_help = STATUSES)]
    Key {
        /// The file for the key, which must not be there yet
        #[arg(value_name = "FILE")]
        out: PathBuf,
    },
}

/// A vault and what opens it.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// The vault's file [default: ~/.config/guardrail/vault.age]
    #[arg(long, value_name = "FILE")]
    vault: Option<PathBuf>,
    #[command(flatten)]
    key: Key,
}

/// What opens a vault. Without any of these, the passphrase is asked for at the terminal.
#[derive(Debug, Default, Args)]
#[group(multiple = false)]
pub(crate) struct Key {
    /// A file with the vault's key, as `guardrail secrets key` or age-keygen wrote it
    #[arg(long, value_name = "FILE")]
    vault_key: Option<PathBuf>,
    /// A file with the vault's passphrase
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// An open file descriptor to read the vault's passphrase from
    #[arg(long, value_name = "NUMBER")]
    passphrase_fd: Option<u16>,
}

/// Where the secrets of a plan's commands are.
#[derive(Debug, Default, Args)]
pub(crate) struct Given {
    /// Where secrets are that plans name, and for which programs: a TOML file that nobody else can write
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,
    /// A vault for what plans name `vault:...`, as `guardrail secrets` keeps it
    #[arg(long, value_name = "FILE")]
    vault: Option<PathBuf>,
    #[command(flatten)]
    key: Key,
}

/// Whoever has the secrets that were named, and which variables hold some.
#[derive(Default)]
pub(crate) struct Opened {
    pub(crate) provider: Option<Secrets>,
    pub(crate) withheld: Vec<String>,
}

impl Given {
    /// Opens them; each access will be recorded.
    pub(crate) fn open(&self, recorder: Arc<dyn Recorder>) -> io::Result<Opened> {
        let mut opened = Opened::default();
        if let Some(path) = &self.secrets {
            let file = SecretsFile::read(path).map_err(io::Error::other)?;
            opened.withheld = file.environment_names().to_vec();
            opened.provider = Some(file.secrets(recorder.clone()).map_err(io::Error::other)?);
        }
        if let Some(path) = &self.vault {
            let secrets = opened.provider.unwrap_or_else(|| Secrets::new(recorder));
            let vault = Vault::at(path, self.key.open(path)?);
            // A wrong passphrase is said now, and not in the middle of a plan.
            vault.list().map_err(io::Error::other)?;
            opened.provider = Some(secrets.provider("vault", Arc::new(vault)));
        }
        Ok(opened)
    }
}

impl At {
    /// The vault, which need not be there.
    pub(super) fn open(&self) -> io::Result<Vault> {
        let path = match &self.vault {
            Some(path) => path.clone(),
            None => standard()?,
        };
        let key = self.key.open(&path)?;
        Ok(Vault::at(path, key))
    }
}

impl Key {
    fn open(&self, vault: &Path) -> io::Result<VaultKey> {
        match (&self.vault_key, &self.passphrase_file, self.passphrase_fd) {
            (Some(file), ..) => VaultKey::read(file).map_err(io::Error::other),
            (_, Some(file), _) => VaultKey::passphrase_file(file).map_err(io::Error::other),
            (.., Some(number)) => {
                let named = |error: &dyn std::fmt::Display| {
                    io::Error::other(format!("the passphrase from file descriptor {number}: {error}"))
                };
                let file = std::fs::File::open(format!("/dev/fd/{number}")).map_err(|error| named(&error))?;
                let passphrase = read_value(file).map_err(|error| named(&error))?;
                VaultKey::passphrase(&passphrase).map_err(io::Error::other)
            }
            (None, None, None) => {
                let passphrase = ask_unseen(&format!("Passphrase of {}: ", vault.display()))?;
                // Nobody could open what was sealed with a slip of the finger.
                if !vault.exists() && ask_unseen("The same again: ")?.expose() != passphrase.expose() {
                    return Err(io::Error::other("these are two passphrases"));
                }
                VaultKey::passphrase(&passphrase).map_err(io::Error::other)
            }
        }
    }
}

fn standard() -> io::Result<PathBuf> {
    let named = std::env::var_os("XDG_CONFIG_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let settings = named.or_else(|| Some(std::env::home_dir()?.join(".config")));
    let settings =
        settings.ok_or_else(|| io::Error::other("there is no home directory: give --vault FILE"))?;
    Ok(settings.join("guardrail/vault.age"))
}
