//! `clear`: A customs decision on a consignment: exit, entry or transit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{DocumentId, MemberId, Reference};
use crate::jurisdiction::Jurisdiction;
use crate::records::check::{Check, FieldError, sealed};
use crate::sealed::Sealed;
use crate::time::Time;
use crate::words::{CustomsDecision, CustomsStage, HsCode};

/// A customs decision on a consignment: exit, entry or transit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clear {
    /// The decision; its member is the customs authority.
    pub clearance: DocumentId,
    /// Exit, entry or transit.
    pub stage: CustomsStage,
    /// Allow, hold or refuse; a later one replaces it.
    pub decision: CustomsDecision,
    /// Who declared.
    pub declarant: MemberId,
    /// The shipment, once it is under way.
    pub shipment: Option<DocumentId>,
    /// Where the goods come from.
    pub from: Jurisdiction,
    /// Where they go.
    pub to: Jurisdiction,
    /// Movement reference number.
    pub mrn: Reference,
    /// Declared goods code.
    pub hs: Option<HsCode>,
    /// Declared number of accelerators.
    pub chips: u64,
    /// Declared gross mass, grams.
    pub mass_g: Option<u64>,
    /// Declared value.
    pub value: Option<Sealed>,
    /// Declared origin.
    pub origin: Option<Jurisdiction>,
    /// First event time no longer covered.
    pub valid_until: Time,
    /// When it happened, as the signer claims.
    pub occurred_at: Time,
}

impl Check for Clear {
    fn check(&self) -> Result<(), FieldError> {
        sealed("value", self.value.as_ref())?;
        Ok(())
    }

    fn occurred_at(&self) -> Option<Time> {
        Some(self.occurred_at)
    }
}
