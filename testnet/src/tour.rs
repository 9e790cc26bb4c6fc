//! A first walk through a ledger, with the commands that a user would type: where compute is, one
//! chip from fab to rack, a proof of its place, and the proof checked without any node.
//!
//! Each step asks another node: they keep one ledger.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use chipledger_schemas::ids::GenesisHash;

use crate::local::ProcessError;
use crate::local::process::beside_this;

/// Why the walk ends early.
#[derive(Debug, thiserror::Error)]
pub enum TourError {
    /// The command line was not built. Its message says how.
    #[error(transparent)]
    Program(#[from] ProcessError),
    /// A command cannot be started, or its answer not be shown.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A command failed; it has said why.
    #[error("`{command}` failed; its own message stands above")]
    Failed {
        /// As it was typed.
        command: String,
    },
    /// No chip is installed: the world is not loaded. Load it.
    #[error("no installed chip was found; load the world")]
    NoChip,
}

/// A walk along nodes.
#[derive(Debug)]
pub struct Tour<'a> {
    program: PathBuf,
    nodes: &'a [String],
    genesis: GenesisHash,
    dir: &'a Path,
}

impl<'a> Tour<'a> {
    /// A walk along the nodes with these URLs; the proof goes to `dir`.
    ///
    /// # Errors
    /// When the command line is not there.
    ///
    /// # Panics
    /// If there are no nodes.
    pub fn new(
        nodes: &'a [String],
        genesis: GenesisHash,
        dir: &'a Path,
    ) -> Result<Self, TourError> {
        assert!(!nodes.is_empty(), "a walk leads along at least one node");
        let program = beside_this("chipledger")?;
        Ok(Self {
            program,
            nodes,
            genesis,
            dir,
        })
    }

    fn node(&self, index: usize) -> &str {
        &self.nodes[index % self.nodes.len()]
    }

    /// Walks; returns the chip that was followed.
    ///
    /// # Errors
    /// [`TourError`], the first.
    pub fn walk(&self) -> Result<String, TourError> {
        heading("Where compute is")?;
        let by = ["--by", "jurisdiction", "--metric", "tpp"];
        self.show(&[&["compute"], &by[..], &["--node", self.node(0)]].concat())?;

        heading("One chip, from fab to rack")?;
        let chip = self.chip()?;
        self.show(&["trace", &chip, "--node", self.node(1)])?;

        heading("A proof of where it is")?;
        let proof = self.dir.join("chip.proof");
        let path = proof.to_string_lossy().into_owned();
        match std::fs::remove_file(&proof) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let out = ["--out", &path, "--node", self.node(2)];
        self.show(&[&["prove", "item", &chip], &out[..]].concat())?;

        heading("The proof, checked with nothing but the hash of the genesis document")?;
        let genesis = self.genesis.to_string();
        self.show(&["check", &path, "--genesis", &genesis])?;
        Ok(chip)
    }

    fn chip(&self) -> Result<String, TourError> {
        let filters = ["--kind", "chip", "--status", "installed", "--limit", "1"];
        let rest = ["--output", "csv", "--node", self.node(1)];
        let arguments = [&["items"], &filters[..], &rest[..]].concat();
        let done = Command::new(&self.program)
            .args(&arguments)
            .stderr(Stdio::inherit())
            .output()?;
        judge(done.status, &arguments)?;
        let text = String::from_utf8_lossy(&done.stdout);
        let row = text.lines().nth(1);
        let id = row.and_then(|row| row.split(',').next());
        let id = id.map(|id| id.trim_matches('"').to_owned());
        id.filter(|id| !id.is_empty()).ok_or(TourError::NoChip)
    }

    fn show(&self, arguments: &[&str]) -> Result<(), TourError> {
        writeln!(std::io::stdout(), "$ {}", typed(arguments))?;
        std::io::stdout().flush()?;
        let status = Command::new(&self.program).args(arguments).status()?;
        judge(status, arguments)
    }
}

fn judge(status: std::process::ExitStatus, arguments: &[&str]) -> Result<(), TourError> {
    if status.success() {
        return Ok(());
    }
    let command = typed(arguments);
    Err(TourError::Failed { command })
}

fn heading(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "\n== {text}")
}

/// A command as one types it.
fn typed(arguments: &[&str]) -> String {
    let quoted = |argument: &&str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=".contains(c);
        if argument.chars().all(plain) {
            (*argument).to_owned()
        } else {
            format!("'{argument}'")
        }
    };
    let words: Vec<_> = arguments.iter().map(quoted).collect();
    format!("chipledger {}", words.join(" "))
}
