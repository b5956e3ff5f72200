//! Invocations to calls: which tool, which subcommand, which operands.

pub mod language;
