//! `guardrail secrets`: an encrypted file of secrets for the commands of plans. It prints no value.

pub(crate) mod arguments;

use std::io::{self, IsTerminal as _, Write as _};

use clap::error::ErrorKind;
use guardrail_core::plan::{CredentialName, Secret};
use guardrail_host::secrets::{ask_unseen, generate_key, read_value};
use serde_json::json;

use crate::arguments::wrong_usage;
use arguments::{SecretsArguments, SecretsTask};

/// There is no such secret.
const NONE: u8 = 20;

/// Runs the task and returns the exit status.
pub(crate) fn run(secrets: &SecretsArguments) -> io::Result<u8> {
    let mut out = io::stdout().lock();
    match &secrets.task {
        SecretsTask::Set { name, value, at } => {
            let name = named(name);
            if !value.is_empty() {
                let why = "a value is no argument: others could read it. Give it on standard input";
                wrong_usage(ErrorKind::TooManyValues, why);
            }
            let vault = at.open()?;
            let there_was =
                vault.set(&name, &value_of(&name)?, chrono::Utc::now()).map_err(io::Error::other)?;
            writeln!(out, "{} {name}", if there_was { "replaced" } else { "set" })?;
        }
        SecretsTask::List { json, at } => {
            for entry in at.open()?.list().map_err(io::Error::other)? {
                let (name, set) = (entry.name, entry.set);
                if *json {
                    writeln!(out, "{}", json!({ "name": format!("vault:{name}"), "set": set }))?;
                } else {
                    writeln!(out, "vault:{name}  {}", set.format("%F %T UTC"))?;
                }
            }
        }
        SecretsTask::Remove { name, at } => {
            let name = named(name);
            if !at.open()?.remove(&name).map_err(io::Error::other)? {
                writeln!(io::stderr(), "guardrail: there is no {name}")?;
                return Ok(NONE);
            }
            writeln!(out, "removed {name}")?;
        }
        SecretsTask::Key { out: path } => {
            writeln!(out, "{}", generate_key(path).map_err(io::Error::other)?)?;
        }
    }
    Ok(0)
}

/// The name of a secret in a vault, with its scheme or without.
fn named(text: &str) -> CredentialName {
    let path = text.strip_prefix("vault:").unwrap_or(text);
    match format!("vault:{path}").parse() {
        Ok(name) => name,
        Err(error) => wrong_usage(ErrorKind::ValueValidation, &format!("{error}")),
    }
}

fn value_of(name: &CredentialName) -> io::Result<Secret> {
    if io::stdin().is_terminal() {
        return ask_unseen(&format!("Value of {name}: "));
    }
    read_value(io::stdin().lock()).map_err(io::Error::other)
}
