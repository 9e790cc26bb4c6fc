//! From a hash that the checker trusts to a header: the quorum's signatures, set by set.
//!
//! A validator set certifies the header that names its successor, so one header per change of the
//! set leads from the genesis document, or from a pinned header, to any later one. This rests on
//! every set on the way: more than a third of each must stay honest with its keys, retired ones
//! too. Whoever pins a recent checkpoint depends on recent sets only.

use chipledger_schemas::block::Header;
use chipledger_schemas::certificate::{Certificate, CertificateError, ValidatorSet};
use chipledger_schemas::genesis::{Clock, Genesis};
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{BlockHash, GenesisHash, Height};
use serde::{Deserialize, Serialize};

/// What the checker trusts before it reads the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pin {
    /// Nothing: the verdict names the genesis hash, and somebody compares it.
    Nothing,
    /// The ledger.
    Genesis(GenesisHash),
    /// The hash of a header of the ledger.
    Checkpoint(BlockHash),
}

/// Where the chain of trust begins.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Start {
    /// At the genesis document; its hash names the ledger.
    Genesis(Box<Genesis>),
    /// At a header that the checker has pinned.
    Checkpoint {
        /// The header.
        header: Box<Header>,
        /// Who certifies the next one.
        next: ValidatorSet,
    },
}

/// One change of the validator set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The last header that the old set certifies.
    pub header: Header,
    /// The old set's signatures.
    pub certificate: Certificate,
    /// The new set.
    pub next: ValidatorSet,
}

/// Leads to the header that a proof is about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// Where it begins.
    pub start: Start,
    /// Changes of the validator set on the way, oldest first.
    pub changes: Vec<Change>,
    /// The header that the proof is about.
    pub header: Header,
    /// Its certificate.
    pub certificate: Certificate,
}

/// The header is not to be believed. Do not use the file; ask another peer for one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The file is about another ledger than the one pinned. Check which ledger you mean.
    #[error("the proof is of ledger {got}, not of {pinned}")]
    OtherLedger {
        /// The ledger pinned.
        pinned: GenesisHash,
        /// The ledger of the file.
        got: GenesisHash,
    },
    /// The pinned header is none of the file's. Ask for a proof from that checkpoint, or from
    /// genesis.
    #[error("the proof does not pass through the pinned block {pinned}")]
    OtherCheckpoint {
        /// The header pinned.
        pinned: BlockHash,
    },
    /// The file begins at a header that nothing vouches for. Pin that header's hash if you trust
    /// it.
    #[error("the proof begins at block {block}; pin that block, or ask for a proof from genesis")]
    NotPinned {
        /// The header that it begins at.
        block: BlockHash,
    },
    /// A header belongs to another ledger, or does not come after the one before it.
    #[error("header {height} does not follow in this ledger")]
    NotNext {
        /// Height of the header.
        height: Height,
    },
    /// A validator set is not the one that a header names.
    #[error("the validators shown at height {height} are not those that the header names")]
    OtherValidators {
        /// Height of the header.
        height: Height,
    },
    /// The quorum's signatures do not hold.
    #[error("certificate of height {height}: {source}")]
    Certificate {
        /// Height of the header.
        height: Height,
        /// Why.
        #[source]
        source: CertificateError,
    },
}

/// What the chain of trust shows beside the header.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Trusted {
    /// The ledger.
    pub genesis: GenesisHash,
    /// What people call it; absent when the proof begins at a checkpoint.
    pub name: Option<String>,
    /// How block time is made; absent when the proof begins at a checkpoint.
    pub clock: Option<Clock>,
    /// Whether the ledger, or a header of it, was pinned. If not, compare the genesis hash.
    pub pinned: bool,
    /// Seats of the set that certified the header.
    pub seats: usize,
    /// Seats that signed it.
    pub signers: usize,
}

impl Trust {
    /// Checks every step from what is pinned to the header.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn verify(&self, pin: &Pin) -> Result<Trusted, TrustError> {
        let genesis = self.header.genesis;
        let (mut height, mut set) = self.begin(pin)?;
        for change in &self.changes {
            certified(&change.header, &change.certificate, &genesis, height, set)?;
            // A step that changes nothing would be bytes that nothing depends on.
            if change.header.next_validators == set.digest() {
                return Err(TrustError::NotNext {
                    height: change.header.height,
                });
            }
            height = change.header.height;
            named(&change.next, &change.header.next_validators, height)?;
            set = &change.next;
        }
        certified(&self.header, &self.certificate, &genesis, height, set)?;
        let (name, clock) = match &self.start {
            Start::Genesis(document) => (Some(document.name.clone()), Some(document.clock)),
            Start::Checkpoint { .. } => (None, None),
        };
        Ok(Trusted {
            genesis,
            name,
            clock,
            pinned: *pin != Pin::Nothing,
            seats: set.0.len(),
            signers: self.certificate.signatures.len(),
        })
    }

    /// The height and the validators that the chain of trust begins with.
    fn begin(&self, pin: &Pin) -> Result<(Height, &ValidatorSet), TrustError> {
        let genesis = self.header.genesis;
        if let Pin::Genesis(pinned) = *pin
            && pinned != genesis
        {
            return Err(TrustError::OtherLedger {
                pinned,
                got: genesis,
            });
        }
        match &self.start {
            Start::Genesis(document) => {
                let got = document.hash();
                if got != genesis {
                    return Err(TrustError::OtherLedger {
                        pinned: genesis,
                        got,
                    });
                }
                if let Pin::Checkpoint(pinned) = *pin
                    && !self.headers().any(|header| header.hash() == pinned)
                {
                    return Err(TrustError::OtherCheckpoint { pinned });
                }
                well_formed(&document.validators, Height(0))?;
                Ok((Height(0), &document.validators))
            }
            Start::Checkpoint { header, next } => {
                let block = header.hash();
                match *pin {
                    Pin::Checkpoint(pinned) if pinned == block => {}
                    Pin::Checkpoint(pinned) => return Err(TrustError::OtherCheckpoint { pinned }),
                    _ => return Err(TrustError::NotPinned { block }),
                }
                if header.genesis != genesis {
                    return Err(TrustError::NotNext {
                        height: header.height,
                    });
                }
                named(next, &header.next_validators, header.height)?;
                Ok((header.height, next))
            }
        }
    }

    fn headers(&self) -> impl Iterator<Item = &Header> {
        self.changes
            .iter()
            .map(|change| &change.header)
            .chain([&self.header])
    }
}

/// Checks that `set` is the one that the header at `height` names by digest.
fn named(set: &ValidatorSet, digest: &Hash, height: Height) -> Result<(), TrustError> {
    if set.digest() != *digest {
        return Err(TrustError::OtherValidators { height });
    }
    well_formed(set, height)
}

fn well_formed(set: &ValidatorSet, height: Height) -> Result<(), TrustError> {
    if set.is_well_formed() {
        Ok(())
    } else {
        Err(TrustError::OtherValidators { height })
    }
}

/// Checks that `set` certified a header of this ledger above `after`.
fn certified(
    header: &Header,
    certificate: &Certificate,
    genesis: &GenesisHash,
    after: Height,
    set: &ValidatorSet,
) -> Result<(), TrustError> {
    let height = header.height;
    if header.genesis != *genesis || height <= after {
        return Err(TrustError::NotNext { height });
    }
    if header.validators != set.digest() {
        return Err(TrustError::OtherValidators { height });
    }
    certificate
        .verify(genesis, height, &header.hash(), set)
        .map_err(|source| TrustError::Certificate { height, source })
}

#[cfg(test)]
mod tests;
