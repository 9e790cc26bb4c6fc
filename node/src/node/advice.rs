//! What to do about a node that does not start, or that stopped.

use std::path::Path;

use super::NodeError;
use crate::consensus::candidates::Fatal;

/// Below so many free bytes a disk counts as full: databases need room to tidy up.
const FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;

/// What the system says of a full disk, also through the database, which passes on words only.
const NO_SPACE: &str = "No space left on device";

const ROOM: &str = "Make room on that disk, then start the node again: it goes on where it stopped \
                    and catches up; nothing that was final is lost.";

impl NodeError {
    /// What the operator should do, in a sentence or two; `data` is the data directory.
    pub fn hint(&self, data: &Path) -> String {
        // Whatever failed first, a full disk is why. Closing the database gives some room back.
        if self.is_about_the_disk() {
            let free = fs4::available_space(data).unwrap_or(u64::MAX);
            if free < FREE_BYTES_MIN || self.to_string().contains(NO_SPACE) {
                let mib = free / (1024 * 1024);
                let dir = data.display();
                return format!("The disk of {dir} was full; {mib} MiB are free now. {ROOM}");
            }
        }
        let text = match self {
            Self::Lock(_) => "Stop that process first. Never run two nodes with one key.",
            Self::Key(_) => {
                "See `chipledger keygen --help`; key files are made by `init` or keygen."
            }
            Self::Guard(_) => {
                "Never restore a guard from a backup. If it is lost for good, move the file away: \
                 the node asks the other validators for a safe height (docs/operations.md, \"A \
                 lost guard\")."
            }
            Self::Genesis { .. } | Self::OtherGenesis { .. } => {
                "Get the document that all members signed, and compare its hash: \
                 `chipledger-node genesis hash FILE`."
            }
            Self::Network(_) => "See the section [network] of the configuration.",
            Self::Api { .. } => "Stop what listens there, or change `listen` in [api].",
            Self::GuardNotWritten
            | Self::Evidence(_)
            | Self::Headers(_)
            | Self::Proofs(_)
            | Self::Begin(_) => ROOM,
            Self::Store(_)
            | Self::Query(_)
            | Self::Undecided(_)
            | Self::Prune(_)
            | Self::Fatal(_) => {
                "If the disk is full, make room and start the node again. If it says corruption or \
                 damage, restore a backup or sync anew (docs/operations.md, \"A damaged ledger\")."
            }
            Self::Engine(_) | Self::EngineStopped => {
                "Read the log above. If it says that the write-ahead log is damaged: \
                 `chipledger-node reset-wal`, keep the guard, start again. If it says that a \
                 write failed: make room, start again."
            }
        };
        text.to_owned()
    }

    const fn is_about_the_disk(&self) -> bool {
        matches!(
            self,
            Self::Store(_)
                | Self::Query(_)
                | Self::Undecided(_)
                | Self::Engine(_)
                | Self::EngineStopped
                | Self::GuardNotWritten
                | Self::Evidence(_)
                | Self::Headers(_)
                | Self::Proofs(_)
                | Self::Prune(_)
                | Self::Begin(_)
                | Self::Fatal(Fatal::Store(_) | Fatal::Undecided(_))
        )
    }
}
