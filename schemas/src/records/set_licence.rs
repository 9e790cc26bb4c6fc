//! `set_licence`: Grants, changes or revokes a licence.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalogue::ModelId;
use crate::ids::{DocumentId, MemberId};
use crate::jurisdiction::Jurisdiction;
use crate::records::check::{Check, FieldError, at_most, text, unless};
use crate::time::Time;

/// Grants, changes or revokes a licence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetLicence {
    /// The licence; its member is the issuing authority.
    pub licence: DocumentId,
    /// Grant (again: change) or revoke.
    pub action: LicenceAction,
}

/// What happens to the licence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LicenceAction {
    /// Grant with these terms; on an existing licence the terms change and what was used stays
    /// used.
    Grant(LicenceTerms),
    /// Ends it; shipments under way are flagged, not voided.
    Revoke {
        /// Why, 1 to 400 bytes.
        reason: String,
    },
}

/// Who may send what where, and how much of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LicenceTerms {
    /// Who may ship under it.
    pub licensee: MemberId,
    /// Who may receive; any member if absent.
    pub consignee: Option<MemberId>,
    /// Who may use the chips; any member if absent.
    pub end_user: Option<MemberId>,
    /// Destinations; any if empty.
    pub to: BTreeSet<Jurisdiction>,
    /// Models; any if empty.
    pub models: BTreeSet<ModelId>,
    /// The most chips in all, if limited.
    pub chips_max: Option<u64>,
    /// The most compute in all, thousandths of TPP, if limited.
    pub tpp_milli_max: Option<u64>,
    /// First event time of a shipment under it.
    pub valid_from: Time,
    /// First event time no longer under it.
    pub valid_until: Time,
    /// Conditions in words, at most 400 bytes.
    pub conditions: String,
}

impl Check for SetLicence {
    fn check(&self) -> Result<(), FieldError> {
        match &self.action {
            LicenceAction::Grant(terms) => {
                text("conditions", &terms.conditions, 0, 400)?;
                at_most("models", terms.models.len(), 200)?;
                unless(
                    terms.valid_until <= terms.valid_from,
                    "valid_until",
                    "must be after valid_from",
                )?;
            }
            LicenceAction::Revoke { reason } => text("reason", reason, 1, 400)?,
        }
        Ok(())
    }
}
