//! Failures: the only place where errors become `Error: ... Hint: ...` and an exit code.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use chipledger_analysis::ask::AskError;
use chipledger_analysis::sample::SampleError;
use chipledger_ledger::chain::BlockError;
use chipledger_ledger::prove::ProveError;
use chipledger_ledger::read::QueryError;
use chipledger_ledger::rejection::Rejection;
use chipledger_ledger::solo::{NotTheValidator, SubmitError};
use chipledger_ledger::state::StateError;
use chipledger_ledger::store::StoreError;
use chipledger_schemas::api::{ErrorBody, ErrorCode, RuleRejection};
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
    /// The node cannot be reached, is overloaded, or did not answer in time.
    Unreachable = 8,
    /// A transaction was accepted, and is not final in the time given: it may still become so.
    Open = 9,
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
            ErrorKind::InvalidData => {
                Self::usage(message, "It must be text in UTF-8; save it as that.")
            }
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

    /// The same failure after some records became final.
    #[must_use]
    pub(crate) fn after(self, records: usize) -> Self {
        match (self.class, records) {
            // What was said of a fate that is open stays true.
            (Class::Open, _) | (_, 0) => self,
            _ => {
                let hint =
                    format!("{records} records were final before it; run it again from there.");
                self.with_hint(hint)
            }
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

const ITEM_UNKNOWN: &str = "Check the id, and with --at or --known-at whether it was registered by then; `items` lists what is known.";
const BEYOND_HEAD: &str = "Ask for a lower height; `status` shows the last one.";
const BEFORE_GENESIS: &str = "Ask for a later time.";
const BEFORE_HISTORY: &str = "Ask for a later time or height, or a node that holds all of history.";
const CHECK_THE_ID: &str = "Check the id.";
const PROVE_THE_ITEM: &str = "Prove the item itself with `prove item`.";
const NOTHING_CERTIFIED: &str = "Submit something first, or choose an earlier --checkpoint.";
const PROVE_LESS: &str = "Prove something narrower.";
/// Advice for a proof of an item that is not registered.
pub(crate) const ABSENCE_CAN_BE_PROVEN: &str =
    "Check the id; that it is not registered can be proven with `prove absent`.";
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
            StoreError::OtherFormat { .. } => {
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
            QueryError::ItemUnknown { .. } => not_found(ITEM_UNKNOWN),
            QueryError::BeyondHead { .. } => not_found(BEYOND_HEAD),
            QueryError::BeforeGenesis { .. } => not_found(BEFORE_GENESIS),
            QueryError::BeforeHistory { .. } => not_found(BEFORE_HISTORY),
            QueryError::Store(error) => error.into(),
            QueryError::State(error) => error.into(),
        }
    }
}

impl From<ProveError> for Failure {
    fn from(error: ProveError) -> Self {
        let message = error.to_string();
        match error {
            ProveError::Query(error @ QueryError::ItemUnknown { .. }) => {
                Self::from(error).with_hint(ABSENCE_CAN_BE_PROVEN)
            }
            ProveError::Query(error) => error.into(),
            ProveError::Registered { .. } => Self::new(Class::NotFound, message, PROVE_THE_ITEM),
            ProveError::NothingCertified { .. } => {
                Self::new(Class::NotFound, message, NOTHING_CERTIFIED)
            }
            ProveError::EquivocationUnknown { .. } => {
                Self::new(Class::NotFound, message, CHECK_THE_ID)
            }
            ProveError::TooLarge { .. } => Self::new(Class::NotFound, message, PROVE_LESS),
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
        rejection.told().into()
    }
}

impl From<RuleRejection> for Failure {
    fn from(rejection: RuleRejection) -> Self {
        let message = format!("rejected: {}: {}", rejection.code, rejection.message);
        Self::new(Class::Rejected, message, rejection.hint)
    }
}

impl Failure {
    /// What a node says instead of an answer. Advice that names routes is put into the words of
    /// the command line.
    pub(crate) fn told(body: ErrorBody) -> Self {
        use ErrorCode as E;
        let Some(code) = ErrorCode::of(&body.code) else {
            let message = format!("{}: {}", body.code, body.message);
            return Self::new(Class::Unreachable, message, body.hint);
        };
        let (class, hint) = match code {
            E::ItemUnknown => (Class::NotFound, ITEM_UNKNOWN),
            E::BeyondHead => (Class::NotFound, BEYOND_HEAD),
            E::BeforeGenesis => (Class::NotFound, BEFORE_GENESIS),
            E::Registered => (Class::NotFound, PROVE_THE_ITEM),
            E::NothingCertified => (Class::NotFound, NOTHING_CERTIFIED),
            E::ProofTooLarge => (Class::NotFound, PROVE_LESS),
            E::BeforeHistory => (Class::NotFound, BEFORE_HISTORY),
            E::EquivocationUnknown => (Class::NotFound, CHECK_THE_ID),
            E::MemberUnknown => (Class::NotFound, body.hint.as_str()),
            E::BadParameter | E::BadBody | E::BodyTooLarge => (Class::Usage, body.hint.as_str()),
            E::Internal | E::UnknownRoute | E::MethodNotAllowed | E::UnsupportedMediaType => {
                (Class::Internal, body.hint.as_str())
            }
            E::BodyTooSlow
            | E::MemberQuota
            | E::MempoolFull
            | E::Overloaded
            | E::TookTooLong
            | E::NarrowView
            | E::Syncing
            | E::Halted => (Class::Unreachable, body.hint.as_str()),
        };
        Self::new(class, body.message, hint)
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

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        let message = error.to_string();
        match error {
            AskError::SiteUnknown { .. } => Self::new(
                Class::NotFound,
                message,
                "Check the id; `compute --by site` lists sites with chips.",
            ),
            AskError::MemberUnknown { .. } => Self::new(Class::NotFound, message, CHECK_THE_ID),
            AskError::EmptyPeriod { .. } => Self::usage(message, "Name the earlier time first."),
            AskError::Query(error) => error.into(),
        }
    }
}

impl From<SampleError> for Failure {
    fn from(error: SampleError) -> Self {
        use SampleError as E;
        let message = error.to_string();
        let not_found = |hint: &str| Self::new(Class::NotFound, message.clone(), hint);
        let usage = |hint: &str| Self::usage(message.clone(), hint);
        match error {
            E::NothingHeld { .. } => not_found("Check the site and the times."),
            E::TooManyMissing { .. } => usage("Name fewer chips than are booked there."),
            E::TooMuchMissing { .. } => usage("Name a smaller quantity."),
            E::NoFigure { .. } => usage("Name a number of chips with --missing."),
            E::TooMany { .. } => usage("Draw a sample per hall, each declared as a site."),
            E::PlanUnknown { .. } | E::NoPlan { .. } | E::Malformed(_) => {
                not_found("Name the transaction that `sample-plan` printed.")
            }
            E::WrongSecret => usage("Use the file that `sample-plan` wrote for this plan."),
            E::TooEarly { .. } => not_found("Wait for the next block, then draw again."),
            E::Ask(error) => error.into(),
        }
    }
}
