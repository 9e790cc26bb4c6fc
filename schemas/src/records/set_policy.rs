//! `set_policy`: Puts a dated rule of policy in force; policy is data, never code.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::DocumentId;
use crate::jurisdiction::Jurisdiction;
use crate::records::check::{Check, FieldError, unless};
use crate::time::Time;

/// Puts a dated rule of policy in force; policy is data, never code.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPolicy {
    /// The policy; its member is the authority.
    pub policy: DocumentId,
    /// Where it holds; everywhere if absent.
    pub jurisdiction: Option<Jurisdiction>,
    /// First block time in force.
    pub valid_from: Time,
    /// First block time no longer in force.
    pub valid_until: Time,
    /// What is demanded.
    pub rule: PolicyRule,
}

/// What a policy demands. Policy gates intent, never facts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PolicyRule {
    /// A `ship` out of the jurisdiction of a model with at least this TPP needs a licence of the
    /// authority of that jurisdiction; of a policy that holds everywhere, of the policy's member.
    LicenceRequired {
        /// Destinations concerned; every other jurisdiction if empty.
        to: BTreeSet<Jurisdiction>,
        /// Least TPP of a model, in thousandths; models of unknown TPP are concerned too.
        tpp_milli_min: u64,
    },
    /// A `ship` out of the jurisdiction needs an exit clearance.
    ExitClearanceRequired,
    /// An arrival from another jurisdiction without an entry clearance is irregular.
    EntryClearanceRequired,
    /// The receiver of a `ship` that leaves the jurisdiction must hold a valid vetting.
    VettingRequired,
    /// A record whose event is older than this at block time is marked late.
    Lateness {
        /// Milliseconds between event and block.
        after_ms: u64,
    },
}

impl Check for SetPolicy {
    fn check(&self) -> Result<(), FieldError> {
        unless(
            self.valid_until <= self.valid_from,
            "valid_until",
            "must be after valid_from",
        )?;
        Ok(())
    }
}
