//! `cargo xtask`: the work around the knowledge that is no part of the product.

use std::process::ExitCode;

use xtask::{Outcome, check, compare, coverage, manual, model, pages, scaffold, undo_model};

const USAGE: &str = "cargo xtask TASK

  check [FILE...]            run the examples of these knowledge files, or of all, without packing them
  coverage                   write docs/tools/coverage.md
  missing [NAME|FAMILY...]   the commands of which nobody has said what takes them back
  docs                       write docs/tools/
  new-tool NAME [FAMILY]     scaffold guardrail-knowledge/tools/FAMILY/NAME.toml from the tool's help
  compare NAME... | --installed
                             what the tools list, against what is known of them; --record keeps it
  manual [--record] [--pages DIRECTORY] [--version VERSION] NAME... | FAMILY... | NAME=PAGE...
                             the flags that manual pages list, against those known; --record keeps them.
                             DIRECTORY holds usr/share/man, as packages are unpacked, else `man` is asked
  model aws DIRECTORY        read botocore's models (pip download botocore; unzip), record and compare
  model gcloud FILE          the same for the SDK's data/cli/gcloud_completions.py
  model az DIRECTORY         the same for the wheel of azure-cli (pip download --no-deps; unzip)
  undo aws DIRECTORY         find what takes each operation back, and write it into guardrail-knowledge/undo/aws.toml
  undo az DIRECTORY          the same for the wheel of azure-cli
  undo gcloud .              the same by the names of operations that `model gcloud` recorded";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Outcome<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["check", files @ ..] => check::run(files),
        ["coverage"] => coverage::write(),
        ["missing", names @ ..] => coverage::missing(names),
        ["docs"] => pages::write(),
        ["new-tool", name] => scaffold::run(name, "development"),
        ["new-tool", name, family] => scaffold::run(name, family),
        ["compare", "--record", names @ ..] => compare::run(names, true),
        ["compare", names @ ..] if !names.is_empty() => compare::run(names, false),
        ["manual", words @ ..] if !words.is_empty() => manual::run(words),
        ["undo", vendor, source] => undo_model::run(vendor, source),
        ["model", vendor, source] => model::run(vendor, source),
        _ => Err(USAGE.to_owned()),
    }
}
