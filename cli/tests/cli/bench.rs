//! A bench to work at: a folder of its own, and the program in it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

/// A temporary folder with, by then, a ledger `L` in it.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

/// What a run left.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Bench {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    /// A folder with a solo ledger of the member ACME in the US, under the replay clock from 2026
    /// on.
    pub(crate) fn solo() -> Self {
        let bench = Self::empty();
        let words = "init --solo --member ACME --jurisdiction US --clock replay --time 2026-01-01";
        bench.ok(words);
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file is written");
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chipledger"));
        command
            .current_dir(self.folder.path())
            .env("CHIPLEDGER_LEDGER", "L")
            .env_remove("CHIPLEDGER_KEY")
            .env_remove("CHIPLEDGER_VALIDATOR_KEY")
            .stdin(Stdio::null());
        command
    }

    /// Runs words apart by spaces.
    pub(crate) fn run(&self, words: &str) -> Run {
        self.run_args(&words.split_whitespace().collect::<Vec<_>>())
    }

    /// Runs arguments, which may have spaces.
    pub(crate) fn run_args(&self, args: &[&str]) -> Run {
        let output = self
            .command()
            .args(args)
            .output()
            .expect("the program runs");
        Run {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The program, to be run with other streams.
    pub(crate) fn prepared(&self, words: &str) -> Command {
        let mut command = self.command();
        command.args(words.split_whitespace());
        command
    }

    /// What a run that must succeed wrote.
    pub(crate) fn ok(&self, words: &str) -> String {
        let run = self.run(words);
        assert_eq!(run.code, 0, "{words}: {}", run.err);
        run.out
    }

    /// The JSON that a question answers.
    pub(crate) fn json(&self, words: &str) -> Value {
        let out = self.ok(&format!("{words} --output json"));
        serde_json::from_str(&out).expect("JSON")
    }

    /// A run that must fail with an exit code, an error and a hint, and change nothing.
    pub(crate) fn fails(&self, words: &str, code: i32, says: &str) {
        let run = self.run(words);
        assert_eq!(run.code, code, "{words}: {}{}", run.out, run.err);
        assert!(run.err.contains(says), "{words}: {}", run.err);
        assert!(
            run.err.starts_with("Error: ") && run.err.contains("\nHint: "),
            "{}",
            run.err
        );
    }
}
