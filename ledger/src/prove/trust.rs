//! The way from genesis, or from a checkpoint, to the head: one header per change of the validator
//! set.

use chipledger_proof::trust::{Change, Start, Trust};
use chipledger_schemas::block::Header;
use chipledger_schemas::certificate::{Certificate, ValidatorSet};
use chipledger_schemas::encode::decode_stored;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::Height;

use super::{Desk, ProveError, Since, damaged};
use crate::read::QueryError;
use crate::state::StateError;
use crate::store::{Store, View, columns};

/// A store and a view of it at one height.
pub(crate) struct Passage<'a, 'd> {
    pub store: &'a Store,
    pub view: &'a View<'d>,
}

impl Desk<'_> {
    pub(super) fn trust(&self, since: Since) -> Result<Trust, ProveError> {
        let (store, view) = (self.store, &self.view);
        Passage { store, view }.to(&self.tip.head.header, since)
    }
}

impl Passage<'_, '_> {
    /// The way to the head of the view.
    pub(crate) fn to(&self, head: &Header, since: Since) -> Result<Trust, ProveError> {
        let after = match since {
            Since::Genesis => Height(0),
            Since::Checkpoint(height) => height,
        };
        if head.height <= after {
            return Err(ProveError::NothingCertified { after });
        }
        let (header, certificate) = self.header(head.height)?;
        let (start, first) = self.start(since)?;
        let changes = self.changes(after, first, head)?;
        Ok(Trust {
            start,
            changes,
            header,
            certificate,
        })
    }

    fn start(&self, since: Since) -> Result<(Start, Hash), ProveError> {
        match since {
            Since::Genesis => {
                let genesis = self.store.genesis().clone();
                let digest = genesis.validators.digest();
                Ok((Start::Genesis(Box::new(genesis)), digest))
            }
            Since::Checkpoint(height) => {
                let first = self.view.first_height()?;
                if height.next() < first {
                    return Err(QueryError::BeforeHistory { first }.into());
                }
                let (header, _) = self.header(height)?;
                let (digest, next) = (header.next_validators, self.set(&header.next_validators)?);
                Ok((
                    Start::Checkpoint {
                        header: Box::new(header),
                        next,
                    },
                    digest,
                ))
            }
        }
    }

    /// The changes that lead from one set to the head's. None, if it is the head's already: headers
    /// are only searched if the set has changed. A ledger from a snapshot has the headers of the
    /// changes before it, and no others.
    fn changes(
        &self,
        after: Height,
        first: Hash,
        head: &Header,
    ) -> Result<Vec<Change>, ProveError> {
        let mut changes: Vec<Change> = Vec::new();
        let mut set = first;
        if set == head.validators {
            return Ok(changes);
        }
        let mut found = Vec::new();
        let begin = after.next().0.to_be_bytes();
        self.view
            .scan_from(columns::HEADERS, &[], &begin, |_, row| {
                let (header, certificate): (Header, Certificate) =
                    decode_stored(row).map_err(|_| StateError {
                        reason: "a header; run audit".to_owned(),
                    })?;
                if header.validators == set && header.next_validators != set {
                    set = header.next_validators;
                    found.push((header, certificate));
                }
                Ok(set != head.validators)
            })?;
        for (header, certificate) in found {
            let next = self.set(&header.next_validators)?;
            changes.push(Change {
                header,
                certificate,
                next,
            });
        }
        if set == head.validators && changes.iter().all(|c| c.header.height < head.height) {
            Ok(changes)
        } else {
            Err(damaged("no header leads to the head's validators"))
        }
    }

    fn header(&self, height: Height) -> Result<(Header, Certificate), ProveError> {
        self.view
            .header(height)?
            .ok_or_else(|| damaged("a header is missing"))
    }

    /// A validator set by its digest.
    fn set(&self, digest: &Hash) -> Result<ValidatorSet, ProveError> {
        let first = &self.store.genesis().validators;
        if first.digest() == *digest {
            return Ok(first.clone());
        }
        let set = self.view.validator_set(digest)?;
        set.ok_or_else(|| damaged("a validator set is missing"))
    }
}
