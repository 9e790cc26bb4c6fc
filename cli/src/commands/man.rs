//! `man`: manual pages.

use std::path::PathBuf;

use crate::error::Failure;
use crate::output::{Answer, Output};

/// Writes a manual page for every command into a directory.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Directory; made if it does not exist.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::file(&self.dir, &error);
        std::fs::create_dir_all(&self.dir).map_err(failed)?;
        clap_mangen::generate_to(crate::grammar(), &self.dir).map_err(failed)?;
        out.print(&Answer::default().fact("dir", "manual pages in", self.dir.display().to_string()))
    }
}
