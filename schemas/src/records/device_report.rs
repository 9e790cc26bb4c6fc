//! `device_report`: Chip-based reporting, signed by the chip's registered key.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hash::Hash;
use crate::ids::{ItemId, PublicKey, Reference, Signature};
use crate::records::check::{Check, FieldError};
use crate::time::Time;

/// Chip-based reporting, signed by the chip's registered key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceReport {
    /// The chip.
    pub item: ItemId,
    /// Its registered key.
    pub key: PublicKey,
    /// Which constraint is reported on.
    pub constraint: Reference,
    /// The value, in the constraint's unit.
    pub value: u64,
    /// Firmware version.
    pub firmware: Reference,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
    /// By the chip, over the report.
    pub signature: Signature,
}

impl DeviceReport {
    /// What the chip signs: everything but the signature, bound to the ledger.
    pub fn preimage(&self, genesis: &crate::ids::GenesisHash) -> Hash {
        let body = (
            &self.item,
            &self.key,
            &self.constraint,
            self.value,
            &self.firmware,
        );
        let bytes = crate::encode::encode(&(genesis, body, self.occurred_at));
        crate::hash::DEVICE_REPORT.hash(&bytes)
    }
}

impl Check for DeviceReport {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn occurred_at(&self) -> Option<Time> {
        Some(self.occurred_at)
    }
}
