//! `completions`: what a shell needs to complete commands.

use clap_complete::Shell;

use crate::error::Failure;
use crate::output::Output;

/// Prints completions for a shell.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut crate::grammar(), "chipledger", &mut text);
        out.raw(&String::from_utf8_lossy(&text))
    }
}
