//! The way from genesis, or from a checkpoint, to the head: one header per change of the validator
//! set.

use chipledger_proof::trust::{Change, Start, Trust};
use chipledger_schemas::block::Header;
use chipledger_schemas::certificate::{Certificate, ValidatorSet};
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::Height;

use super::{Desk, ProveError, Since, damaged};

impl Desk<'_> {
    pub(super) fn trust(&self, since: Since) -> Result<Trust, ProveError> {
        let head = &self.tip.head.header;
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
    /// are only searched if the set has changed.
    fn changes(
        &self,
        after: Height,
        first: Hash,
        head: &Header,
    ) -> Result<Vec<Change>, ProveError> {
        let mut changes = Vec::new();
        let (mut set, mut height) = (first, after);
        while set != head.validators {
            height = height.next();
            if height >= head.height {
                return Err(damaged("no header leads to the head's validators"));
            }
            let (header, certificate) = self.header(height)?;
            if header.validators == set && header.next_validators != set {
                set = header.next_validators;
                let next = self.set(&set)?;
                changes.push(Change {
                    header,
                    certificate,
                    next,
                });
            }
        }
        Ok(changes)
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
