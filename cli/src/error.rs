//! Failures: the only place where errors become `Error: ... Hint: ...` and an exit code.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use chipledger_ledger::chain::BlockError;
use chipledger_ledger::prove::ProveError;
use chipledger_ledger::read::QueryError;
use chipledger_ledger::rejection::Rejection;
use chipledger_ledger::solo::{NotTheValidator, SubmitError};
use chipledger_ledger::state::StateError;
use chipledger_ledger::store::StoreError;
use chipledger_schemas::genesis::GenesisError;
use chipledger_schemas::keys::NoRandomness;

/// Class of a failure; the number is the exit code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Class {
    /// The reader of our output went away, as `head` does: no failure.
    Quiet = 0,
    /// Something inside failed.
    Internal = 1,
    /// The command line or its input cannot be understood.
    Usage = 2,
    /// The ledger's rules say no.
    Rejected = 3,
    /// What was asked for does not exist.
    NotFound = 4,
    /// The ledger cannot be opened.
    Ledger = 5,
    /// A proof or an audit does not hold.
    Unproven = 6,
    /// A file or the terminal.
    Io = 7,
}

/// Why a command failed, and what to do.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    class: Class,
    message: String,
    hint: String,
}

impl Failure {
    /// A failure of a class: what happened, and what to do.
    pub fn new(class: Class, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// The command line or its input cannot be understood.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Class::Usage, message, hint)
    }

    /// A file cannot be read or written.
    pub fn file(path: &Path, error: &std::io::Error) -> Self {
        let message = format!("{}: {error}", path.display());
        match error.kind() {
            ErrorKind::NotFound => Self::new(Class::NotFound, message, "Check the path."),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                Self::new(Class::Io, message, DISK_FULL)
            }
            ErrorKind::AlreadyExists => Self::new(
                Class::Io,
                message,
                "Choose another name; nothing is overwritten.",
            ),
            ErrorKind::PermissionDenied => Self::new(
                Class::Io,
                message,
                "Ask for access, or choose another place.",
            ),
            _ => Self::new(Class::Io, message, "Check the path and the disk."),
        }
    }

    /// The output cannot be written.
    pub fn output(error: &std::io::Error) -> Self {
        if error.kind() == ErrorKind::BrokenPipe {
            return Self::new(Class::Quiet, "", "");
        }
        Self::file(Path::new("output"), error)
    }

    /// Its class.
    pub fn class(&self) -> Class {
        self.class
    }

    /// The same failure with another advice.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: hint.into(),
            ..self
        }
    }

    /// Tells the person and gives the exit code.
    pub fn report(&self) -> ExitCode {
        if self.class != Class::Quiet {
            // Where even the error stream is gone, the exit code is all that is left to say.
            let _ = writeln!(
                std::io::stderr(),
                "Error: {}\nHint: {}",
                self.message,
                self.hint
            );
        }
        ExitCode::from(self.class as u8)
    }
}

const DISK_FULL: &str = "The disk is full: make room and run it again. What was final stays so.";
const DAMAGED: &str =
    "Run `chipledger audit DIR` to see what is damaged, then restore a backup of the ledger.";
const REPORT: &str =
    "This is an error inside the program; report it with the command that you ran.";

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        let ledger = |hint: &str| Self::new(Class::Ledger, message.clone(), hint);
        match &error {
            StoreError::NoLedger { .. } => {
                ledger("Check --ledger, or make a ledger there with `chipledger init`.")
            }
            StoreError::NotEmpty { .. } => {
                ledger("Name a directory that is empty or does not exist; nothing was changed.")
            }
            StoreError::Locked { .. } => ledger(
                "Wait until the other process is done, or stop it; questions can be asked meanwhile.",
            ),
            StoreError::IsBackup { .. } => {
                ledger("Restore it into a new directory with `chipledger restore`, and use that.")
            }
            StoreError::NewerFormat { .. } => {
                ledger("Use the version of chipledger that wrote it, or a newer one.")
            }
            StoreError::Database(_) if is_full(&message) => {
                Self::new(Class::Io, message, DISK_FULL)
            }
            StoreError::Database(_) | StoreError::Damaged { .. } => ledger(DAMAGED),
            StoreError::Genesis(_) => Self::usage(message, "Correct the genesis document."),
            StoreError::Block(block) => Self::from_block(block, message),
            StoreError::Io { path, source } => Self::file(path, source),
        }
    }
}

impl Failure {
    fn from_block(error: &BlockError, message: String) -> Self {
        match error {
            BlockError::Rejected { rejection, .. } => rejection.clone().into(),
            BlockError::State(_) => Self::new(Class::Ledger, message, DAMAGED),
            _ => Self::new(Class::Internal, message, REPORT),
        }
    }
}

/// Whether the database says that the disk is full: it passes the system's text on.
fn is_full(message: &str) -> bool {
    message.contains("No space left") || message.contains("quota exceeded")
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        let message = error.to_string();
        let not_found = |hint: &str| Self::new(Class::NotFound, message.clone(), hint);
        match error {
            QueryError::ItemUnknown { .. } => not_found(
                "Check the id, and with --at or --known-at whether it was registered by then; `items` lists what is known.",
            ),
            QueryError::BeyondHead { .. } => {
                not_found("Ask for a lower height; `status` shows the last one.")
            }
            QueryError::BeforeGenesis { .. } => not_found("Ask for a later time."),
            QueryError::BeforeHistory { .. } => {
                not_found("Ask for a later time or height, or a node that holds all of history.")
            }
            QueryError::Store(error) => error.into(),
            QueryError::State(error) => error.into(),
        }
    }
}

impl From<ProveError> for Failure {
    fn from(error: ProveError) -> Self {
        let message = error.to_string();
        match error {
            ProveError::Query(error @ QueryError::ItemUnknown { .. }) => Self::from(error)
                .with_hint(
                    "Check the id; that it is not registered can be proven with `prove absent`.",
                ),
            ProveError::Query(error) => error.into(),
            ProveError::Registered { .. } => Self::new(
                Class::NotFound,
                message,
                "Prove the item itself with `prove item`.",
            ),
            ProveError::NothingCertified { .. } => Self::new(
                Class::NotFound,
                message,
                "Submit something first, or choose an earlier --checkpoint.",
            ),
            ProveError::EquivocationUnknown { .. } => {
                Self::new(Class::NotFound, message, "Check the id.")
            }
            ProveError::TooLarge { .. } => {
                Self::new(Class::NotFound, message, "Prove something narrower.")
            }
            ProveError::Damaged(_) => Self::new(Class::Ledger, message, DAMAGED),
            ProveError::Store(error) => error.into(),
            ProveError::State(error) => error.into(),
        }
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Self::new(Class::Ledger, error.to_string(), DAMAGED)
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        let hint = rejection.code.hint();
        Self::new(Class::Rejected, format!("rejected: {rejection}"), hint)
    }
}

impl From<SubmitError> for Failure {
    fn from(error: SubmitError) -> Self {
        let message = error.to_string();
        match error {
            SubmitError::Rejected(rejection) => rejection.into(),
            SubmitError::Stopped { .. } if is_full(&message) => {
                Self::new(Class::Io, message, DISK_FULL)
            }
            SubmitError::Stopped { .. } => Self::new(
                Class::Internal,
                message,
                "What was final stays so; check the disk and run it again.",
            ),
        }
    }
}

impl From<GenesisError> for Failure {
    fn from(error: GenesisError) -> Self {
        Self::usage(error.to_string(), "Correct the genesis document.")
    }
}

impl From<NotTheValidator> for Failure {
    fn from(error: NotTheValidator) -> Self {
        Self::usage(
            error.to_string(),
            "Name the validator's key file with --validator-key; `init --solo` wrote it to DIR.keys/validator.json.",
        )
    }
}

impl From<NoRandomness> for Failure {
    fn from(error: NoRandomness) -> Self {
        Self::new(Class::Internal, error.to_string(), "Try again.")
    }
}
