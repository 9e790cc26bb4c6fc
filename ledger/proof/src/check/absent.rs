//! No item has this id: its block of serials is not there, or does not hold it.

use chipledger_schemas::ids::ItemId;
use serde::{Deserialize, Serialize};

use super::{Refusal, require};
use crate::shown::{LookedNames, Roots};

/// Shows that an id is not registered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AbsentProof {
    /// The id.
    pub id: ItemId,
    /// Its block of serials.
    pub names: LookedNames,
}

impl AbsentProof {
    /// The id, once it is shown to be absent.
    pub fn check(&self, roots: &Roots) -> Result<ItemId, Refusal> {
        let number = self.names.number(&self.id, roots)?;
        require(number.is_none(), "the id is registered")?;
        Ok(self.id.clone())
    }
}
