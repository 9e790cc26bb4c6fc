//! `register`: Brings chips into the ledger: by their fab, or as opening stock of unverified origin
//! by their holder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalogue::ModelId;
use crate::ids::{ItemId, PublicKey, Reference, SiteId};
use crate::items::ItemSet;
use crate::records::check::{Check, FieldError, at_most, some_items, unless};
use crate::time::Time;

/// Brings chips into the ledger: by their fab, or as opening stock of unverified origin by their
/// holder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// The items named.
    pub items: ItemSet,
    /// What they are.
    pub model: ModelId,
    /// Where they are.
    pub site: SiteId,
    /// Made here, or found in stock.
    pub origin: Origin,
    /// Fab lot.
    pub lot: Option<Reference>,
    /// Attestation keys, sorted by item; each key registers once.
    pub device_keys: Vec<DeviceKey>,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

/// Where a registration comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Its fab made it.
    Made,
    /// A holder had it before the ledger began.
    Unverified,
}

/// A chip's attestation key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceKey {
    /// The chip.
    pub item: ItemId,
    /// Its key.
    pub key: PublicKey,
}

impl Check for Register {
    fn check(&self) -> Result<(), FieldError> {
        some_items(&self.items)?;
        at_most("device_keys", self.device_keys.len(), 10_000)?;
        let sorted = self
            .device_keys
            .windows(2)
            .all(|pair| pair[0].item < pair[1].item);
        unless(!sorted, "device_keys", "must be sorted by item, each once")?;
        unless(
            self.device_keys
                .iter()
                .any(|k| !self.items.contains(&k.item)),
            "device_keys",
            "names an item that is not registered here",
        )?;
        Ok(())
    }

    fn items(&self) -> Vec<&ItemSet> {
        vec![&self.items]
    }

    fn occurred_at(&self) -> Option<Time> {
        Some(self.occurred_at)
    }
}
