//! No item has this id: its block of serials is not there, or does not hold it.

use chipledger_schemas::ids::ItemId;
use serde::{Deserialize, Serialize};

use super::{Refusal, require};
use crate::shown::{Looked, Roots};
use crate::state::{Names, name_slot};

/// Shows that an id is not registered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AbsentProof {
    /// The id.
    pub id: ItemId,
    /// Its block of serials.
    pub names: Looked,
}

impl AbsentProof {
    /// The id, once it is shown to be absent.
    pub fn check(&self, roots: &Roots) -> Result<ItemId, Refusal> {
        let (key, offset) = name_slot(&self.id);
        let names = self.names.value::<Names>(&key, roots)?;
        let number = names.and_then(|names| names.get(offset));
        require(number.is_none(), "the id is registered")?;
        Ok(self.id.clone())
    }
}
