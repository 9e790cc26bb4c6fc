//! What a node looks up of the chain: headers, validator sets, where a transaction stands, what is
//! held.

use chipledger_proof::state::{Chain, Entry, Key};
use chipledger_schemas::block::Header;
use chipledger_schemas::certificate::{Certificate, ValidatorSet};
use chipledger_schemas::ids::{Height, TransactionId};

use super::{Store, StoreError, View};
use crate::chain::Sabotage;
use crate::state::State;

impl Store {
    /// A header with its certificate, if it is held.
    pub fn header(&self, height: Height) -> Result<Option<(Header, Certificate)>, StoreError> {
        Ok(self.view().header(height)?)
    }

    /// Height and index of a final transaction, if its block is held or its window has not ended.
    pub fn height_of(&self, id: &TransactionId) -> Result<Option<(Height, u32)>, StoreError> {
        Ok(self.view().transaction_spot(id)?)
    }

    /// Whether a transaction that somebody sends is final already, so that it need not be taken in.
    /// No rule rests on it: a block that has one twice is unfit whatever this says.
    pub fn is_final(&self, id: &TransactionId) -> Result<bool, StoreError> {
        if matches!(self.sabotage.as_deref(), Some(Sabotage::SkipSeen)) {
            return Ok(false);
        }
        Ok(self.height_of(id)?.is_some())
    }

    /// Who certifies the block at a height: any up to two after the last one, if its header is
    /// held.
    pub fn validators_at(&self, height: Height) -> Result<Option<ValidatorSet>, StoreError> {
        self.view().validators_at(height)
    }

    /// The first height whose block is held: 0, unless history was pruned or the ledger came from
    /// a snapshot.
    pub fn first_height(&self) -> Result<Height, StoreError> {
        self.view().first_height()
    }
}

impl View<'_> {
    /// As [`Store::validators_at`].
    pub fn validators_at(&self, height: Height) -> Result<Option<ValidatorSet>, StoreError> {
        let head = self.head()?.header.height;
        let chain = self.chain()?;
        if height >= head {
            return Ok(match height.0 - head.0 {
                0 => Some(chain.validators),
                1 => Some(chain.next_validators),
                2 => Some(chain.later_validators),
                _ => None,
            });
        }
        let Some((header, _)) = self.header(height)? else {
            return Ok(None);
        };
        let recent = [chain.validators, chain.next_validators];
        if let Some(set) = (recent.into_iter()).find(|set| set.digest() == header.validators) {
            return Ok(Some(set));
        }
        if let Some(set) = self.validator_set(&header.validators)? {
            return Ok(Some(set));
        }
        let genesis = self.genesis()?.validators;
        if genesis.digest() == header.validators {
            return Ok(Some(genesis));
        }
        let what = format!("the validator set of height {height} is missing");
        Err(StoreError::Damaged { what })
    }

    /// The set that certifies the header after one: every set that was ever in force is held.
    pub fn next_validators(&self, header: &Header) -> Result<Option<ValidatorSet>, StoreError> {
        let chain = self.chain()?;
        let recent = [chain.validators, chain.next_validators];
        let digest = header.next_validators;
        if let Some(set) = recent.into_iter().find(|set| set.digest() == digest) {
            return Ok(Some(set));
        }
        if let Some(set) = self.validator_set(&digest)? {
            return Ok(Some(set));
        }
        let genesis = self.genesis()?.validators;
        Ok((genesis.digest() == digest).then_some(genesis))
    }

    /// As [`Store::first_height`].
    pub fn first_height(&self) -> Result<Height, StoreError> {
        Ok(self.meta(super::KEY_FIRST)?.unwrap_or(Height(0)))
    }

    fn genesis(&self) -> Result<chipledger_schemas::genesis::Genesis, StoreError> {
        self.meta(super::KEY_GENESIS)?
            .ok_or_else(|| StoreError::Damaged {
                what: "the genesis document is missing".to_owned(),
            })
    }

    /// Where the chain stands.
    pub(crate) fn chain(&self) -> Result<Chain, StoreError> {
        match self.entry(&Key::Chain)?.as_deref() {
            Some(Entry::Chain(chain)) => Ok(chain.clone()),
            _ => Err(StoreError::Damaged {
                what: "the chain entry is missing".to_owned(),
            }),
        }
    }
}
