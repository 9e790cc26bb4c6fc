//! Hands: the command line. Every subcommand is one file of `commands`; what they share is how a
//! ledger is named (`session`), where answers come from (`source`, `client`), how records are read
//! (`input`), signed (`signing`) and submitted (`submission`), how answers are shown (`output`) and
//! how failures end (`error`).

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

pub mod client;
pub mod commands;
pub mod error;
pub mod input;
pub mod output;
pub mod session;
pub mod signing;
pub mod source;
pub mod submission;

/// What stands under the list of commands.
const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the program or the ledger failed inside; report it
  2  the command line or its input cannot be understood
  3  rejected by the ledger's rules; nothing of the transaction was written
  4  not found: item, record, height, file
  5  the ledger is locked, damaged, missing or of a newer format
  6  a proof or an audit does not hold
  7  reading or writing a file or the terminal failed
  8  the node cannot be reached, is overloaded, or did not answer in time
  9  accepted by the node and not final in the time given; it may still become so";

/// The ledger of AI accelerators: sign records, submit them, ask, prove, check.
#[derive(Parser, Debug)]
#[command(name = "chipledger", version, after_help = EXIT_CODES)]
#[command(propagate_version = false, disable_help_subcommand = true)]
pub struct Cli {
    /// How answers are written: for people, or exact for programs.
    #[arg(long, global = true, value_enum, default_value_t = output::Format::Table)]
    output: output::Format,
    #[command(subcommand)]
    command: commands::Command,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let out = output::Output::new(cli.output);
    match cli.command.run(&out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// The whole grammar: for completions, manual pages and the test that shows every help text.
pub fn grammar() -> clap::Command {
    Cli::command()
}
