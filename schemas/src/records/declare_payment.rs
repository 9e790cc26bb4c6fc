//! `declare_payment`: Financial intelligence: a payment that belongs to an order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{DocumentId, MemberId};
use crate::jurisdiction::Jurisdiction;
use crate::records::check::{Check, FieldError, sealed};
use crate::sealed::Sealed;
use crate::time::Time;

/// Financial intelligence: a payment that belongs to an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclarePayment {
    /// The order.
    pub order: Option<DocumentId>,
    /// Who paid.
    pub payer: MemberId,
    /// Who was paid.
    pub payee: MemberId,
    /// Where the money came from.
    pub payer_jurisdiction: Jurisdiction,
    /// How much.
    pub amount: Sealed,
    /// When.
    pub paid_at: Time,
}

impl Check for DeclarePayment {
    fn check(&self) -> Result<(), FieldError> {
        sealed("amount", Some(&self.amount))?;
        Ok(())
    }
}
