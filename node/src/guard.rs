//! The last-signed guard: what a validator's key has signed, so that it never signs against itself.
//!
//! It lives beside the key and outside the data directory, because data directories are wiped and
//! restored from old backups. Every signature is on disk, synced, before it is given away: an
//! identical request is answered with the stored signature, anything else at the same height, round
//! and step is refused, and so is every lower height. A key without its guard signs nothing until
//! it is told a height from which it is safe (decision 008).

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use chipledger_schemas::certificate::{Step, consensus_preimage, proposal_parts_preimage};
use chipledger_schemas::ids::{BlockHash, GenesisHash, Height, MemberId, PublicKey, Signature};
use serde::{Deserialize, Serialize};

use crate::keys::{MemberKey, write_private};

#[cfg(test)]
mod tests;

/// The only version of the file.
const VERSION: u16 = 1;

/// What a validator is asked to sign.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// At which height.
    pub height: Height,
    /// In which round.
    pub round: u32,
    /// What kind of statement.
    pub kind: Kind,
    /// About which block; none is a vote for nil.
    pub block: Option<BlockHash>,
    /// For a block that is proposed again: the round in which it had its prevotes.
    pub pol_round: Option<u32>,
}

/// Kinds of statements; one of each kind may be signed per height and round.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The parts of a block of one's own.
    Parts,
    /// A proposal.
    Proposal,
    /// The first vote.
    Prevote,
    /// The second vote.
    Precommit,
}

impl Statement {
    /// The bytes that are signed.
    pub fn preimage(&self, genesis: &GenesisHash, member: &MemberId) -> [u8; 32] {
        let step = match self.kind {
            Kind::Parts => {
                let block = self.block.unwrap_or_default();
                let (height, round) = (self.height, self.round);
                return proposal_parts_preimage(genesis, height, round, None, member, &block);
            }
            Kind::Proposal => Step::Proposal,
            Kind::Prevote => Step::Prevote,
            Kind::Precommit => Step::Precommit,
        };
        let (height, round) = (self.height, self.round);
        consensus_preimage(
            genesis,
            height,
            round,
            step,
            self.block.as_ref(),
            self.pol_round,
        )
    }

    fn competes_with(&self, other: &Self) -> bool {
        (self.height, self.round, self.kind) == (other.height, other.round, other.kind)
    }
}

/// Why the guard does not sign. The engine goes on without this vote.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The key has signed at a higher height. The node's ledger is older than its key: it follows,
    /// and votes again once it has caught up.
    #[error("height {asked} lies below {signed}, at which this key has signed")]
    LowerHeight {
        /// The height asked for.
        asked: Height,
        /// The highest signed.
        signed: Height,
    },
    /// The key has signed something else at this height, round and kind. Somebody runs a second
    /// node with this key, or the data directory was restored: the node follows until the next
    /// round.
    #[error("another {kind:?} was signed at height {height}, round {round}")]
    Conflict {
        /// The height.
        height: Height,
        /// The round.
        round: u32,
        /// The kind of statement.
        kind: Kind,
    },
    /// The guard file was made anew and it is not yet known from where on signing is safe. Wait for
    /// the other validators' statuses, or run the `reset-guard` ceremony.
    #[error("the guard was lost; it waits for a safe height")]
    Unsafe,
    /// The height lies below the one from which signing is safe. Wait for it.
    #[error("after its guard was lost, this key signs from height {safe} on")]
    NotYetSafe {
        /// The first safe height.
        safe: Height,
    },
    /// The guard serves another ledger. Use a key of its own for each ledger.
    #[error("this key's guard serves ledger {guarded}")]
    OtherLedger {
        /// The ledger that it serves.
        guarded: GenesisHash,
    },
    /// The file cannot be written. Make room, check the permissions; nothing was signed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Refusal {
    /// All kinds of refusals, in one word each.
    pub const REASONS: [&str; 6] = [
        "lower_height",
        "conflict",
        "no_safe_height",
        "below_safe_height",
        "other_ledger",
        "write_failed",
    ];

    /// The kind of refusal in one word, as metrics say it.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::LowerHeight { .. } => "lower_height",
            Self::Conflict { .. } => "conflict",
            Self::Unsafe => "no_safe_height",
            Self::NotYetSafe { .. } => "below_safe_height",
            Self::OtherLedger { .. } => "other_ledger",
            Self::Io { .. } => "write_failed",
        }
    }
}

/// Why there is no guard.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The file cannot be read. Check the path and the permissions.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is damaged. Treat it as lost: move it away and start again; the node asks the other
    /// validators for a safe height.
    #[error("guard {} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It guards another key. Give the guard that was made with the key.
    #[error("{} guards key {guarded}", path.display())]
    OtherKey {
        /// The file.
        path: PathBuf,
        /// The key that it guards.
        guarded: PublicKey,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    statement: Statement,
    signature: Signature,
}

/// From which height on the key may sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Safety {
    /// The guard was made with the key: everything that was ever signed is known.
    Complete,
    /// The guard was lost, and no safe height is known yet.
    Unknown,
    /// The guard was lost; from this height on nothing can have been signed before.
    From(Height),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GuardFile {
    version: u16,
    member: MemberId,
    public_key: PublicKey,
    /// Absent until the first signature.
    genesis: Option<GenesisHash>,
    safety: Safety,
    /// The highest height signed at.
    height: Height,
    /// What was signed at that height.
    signed: Vec<Signed>,
}

/// A key with its guard: the one place that votes are signed.
#[derive(Debug)]
pub struct Guard {
    key: MemberKey,
    path: PathBuf,
    file: GuardFile,
}

/// Where the guard of a key file lies: beside it.
pub fn guard_path(key_file: &Path) -> PathBuf {
    key_file.with_extension("guard")
}

impl Guard {
    /// Makes the guard of a new key: it has signed nothing.
    pub fn create(key: &MemberKey, path: &Path) -> Result<(), GuardError> {
        write_new(path, &GuardFile::new(key, Safety::Complete))
    }

    /// Opens the guard of a key; where the file is missing, makes one that signs nothing until it
    /// learns a safe height.
    pub fn open(key: MemberKey, path: &Path) -> Result<Self, GuardError> {
        if !path.exists() {
            write_new(path, &GuardFile::new(&key, Safety::Unknown))?;
        }
        let text = std::fs::read_to_string(path).map_err(|source| unreadable(path, source))?;
        let damaged = |reason: String| GuardError::Damaged {
            path: path.to_owned(),
            reason,
        };
        let file: GuardFile =
            serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        if file.version != VERSION {
            return Err(damaged(format!("unknown version {}", file.version)));
        }
        if file.public_key != key.key.public() || file.member != key.member {
            return Err(GuardError::OtherKey {
                path: path.to_owned(),
                guarded: file.public_key,
            });
        }
        Ok(Self {
            key,
            path: path.to_owned(),
            file,
        })
    }

    /// The member that it signs for.
    pub fn member(&self) -> &MemberId {
        &self.key.member
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        self.key.key.public()
    }

    /// Whether it waits for a safe height.
    pub fn needs_safe_height(&self) -> bool {
        self.file.safety == Safety::Unknown
    }

    /// Whether it does not sign at a height yet: no safe height is known, or a higher one.
    pub fn is_waiting(&self, height: Height) -> bool {
        match self.file.safety {
            Safety::Complete => false,
            Safety::Unknown => true,
            Safety::From(safe) => height < safe,
        }
    }

    /// The highest height signed at; 0 if none.
    pub fn height(&self) -> Height {
        self.file.height
    }

    /// Allows signing from `height` on, after the guard was lost. Does nothing for a guard that is
    /// complete, or that has a safe height already.
    pub fn resume_from(&mut self, height: Height) -> Result<(), Refusal> {
        if self.file.safety != Safety::Unknown {
            return Ok(());
        }
        let mut file = self.file.clone();
        file.safety = Safety::From(height);
        self.replace(file)
    }

    /// Signs a statement, or gives the signature that it gave before.
    ///
    /// # Errors
    /// Why it does not sign; nothing has changed.
    pub fn sign(
        &mut self,
        genesis: &GenesisHash,
        statement: &Statement,
    ) -> Result<Signature, Refusal> {
        self.check(genesis, statement)?;
        let known = |signed: &&Signed| signed.statement.competes_with(statement);
        if let Some(signed) = self.file.signed.iter().find(known) {
            if signed.statement == *statement {
                return Ok(signed.signature);
            }
            return Err(Refusal::Conflict {
                height: statement.height,
                round: statement.round,
                kind: statement.kind,
            });
        }
        let preimage = statement.preimage(genesis, &self.key.member);
        let signature = self.key.key.sign(&preimage);
        let mut file = self.file.clone();
        if statement.height > file.height {
            file.signed.clear();
        }
        file.height = statement.height;
        file.genesis = Some(*genesis);
        file.signed.push(Signed {
            statement: statement.clone(),
            signature,
        });
        self.replace(file)?;
        Ok(signature)
    }

    /// Signs something that is no statement of consensus and that cannot conflict: a status.
    pub fn sign_status(&self, preimage: &[u8; 32]) -> Signature {
        self.key.key.sign(preimage)
    }

    fn check(&self, genesis: &GenesisHash, statement: &Statement) -> Result<(), Refusal> {
        if let Some(guarded) = self.file.genesis
            && guarded != *genesis
        {
            return Err(Refusal::OtherLedger { guarded });
        }
        match self.file.safety {
            Safety::Unknown => return Err(Refusal::Unsafe),
            Safety::From(safe) if statement.height < safe => {
                return Err(Refusal::NotYetSafe { safe });
            }
            Safety::From(_) | Safety::Complete => {}
        }
        if statement.height < self.file.height {
            return Err(Refusal::LowerHeight {
                asked: statement.height,
                signed: self.file.height,
            });
        }
        Ok(())
    }

    fn replace(&mut self, file: GuardFile) -> Result<(), Refusal> {
        write_over(&self.path, &file).map_err(|source| Refusal::Io {
            path: self.path.clone(),
            source,
        })?;
        self.file = file;
        Ok(())
    }
}

impl GuardFile {
    fn new(key: &MemberKey, safety: Safety) -> Self {
        Self {
            version: VERSION,
            member: key.member.clone(),
            public_key: key.key.public(),
            genesis: None,
            safety,
            height: Height(0),
            signed: Vec::new(),
        }
    }

    fn text(&self) -> std::io::Result<Vec<u8>> {
        Ok(serde_json::to_vec_pretty(self)?)
    }
}

fn unreadable(path: &Path, source: std::io::Error) -> GuardError {
    GuardError::Io {
        path: path.to_owned(),
        source,
    }
}

fn write_new(path: &Path, file: &GuardFile) -> Result<(), GuardError> {
    let written = file.text().and_then(|text| write_private(path, &text));
    written.map_err(|source| unreadable(path, source))
}

/// Replaces the file so that a crash leaves the old or the new one, whole and synced.
fn write_over(path: &Path, file: &GuardFile) -> std::io::Result<()> {
    let next = path.with_extension("guard.next");
    let mut writer = File::create(&next)?;
    writer.write_all(&file.text()?)?;
    writer.sync_all()?;
    std::fs::rename(&next, path)?;
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
