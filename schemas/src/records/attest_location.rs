//! `attest_location`: Evidence of where chips are: a region and a digest, never a bare point.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hash::Hash;
use crate::ids::Reference;
use crate::items::ItemSet;
use crate::jurisdiction::Jurisdiction;
use crate::records::check::{Check, FieldError, at_most, some_items};
use crate::time::Time;

/// Evidence of where chips are: a region and a digest, never a bare point.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttestLocation {
    /// The items named.
    pub items: ItemSet,
    /// How, such as RTT-LANDMARKS.
    pub method: Reference,
    /// Jurisdictions that the evidence leaves possible.
    pub region: BTreeSet<Jurisdiction>,
    /// Against the book.
    pub result: Attestation,
    /// Digest of the evidence.
    pub evidence: Hash,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

/// What location evidence says of the book.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Attestation {
    /// The booked jurisdiction is in the region.
    Consistent,
    /// It is not.
    Inconsistent,
    /// The evidence cannot tell.
    Indeterminate,
}

impl Check for AttestLocation {
    fn check(&self) -> Result<(), FieldError> {
        some_items(&self.items)?;
        at_most("region", self.region.len(), 300)?;
        Ok(())
    }

    fn items(&self) -> Vec<&ItemSet> {
        vec![&self.items]
    }

    fn occurred_at(&self) -> Option<Time> {
        Some(self.occurred_at)
    }
}
