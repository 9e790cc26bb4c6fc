//! `set_validators`: Replaces the validator set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::certificate::ValidatorSeat;
use crate::records::check::{Check, FieldError, at_most, unless};

/// Replaces the validator set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetValidators {
    /// Members, keys and powers, sorted by member.
    pub validators: Vec<ValidatorSeat>,
}

impl Check for SetValidators {
    fn check(&self) -> Result<(), FieldError> {
        at_most("validators", self.validators.len(), 200)?;
        unless(
            self.validators.is_empty(),
            "validators",
            "at least one validator is needed",
        )?;
        let sorted = self
            .validators
            .windows(2)
            .all(|pair| pair[0].member < pair[1].member);
        unless(!sorted, "validators", "must be sorted by member, each once")?;
        let mut keys: Vec<_> = self.validators.iter().map(|v| v.key).collect();
        keys.sort_unstable();
        unless(
            keys.windows(2).any(|pair| pair[0] == pair[1]),
            "validators",
            "two seats have the same key",
        )?;
        unless(
            self.validators
                .iter()
                .any(|v| v.power == 0 || v.power > 1_000_000),
            "power",
            "must be 1 to 1,000,000",
        )?;
        Ok(())
    }
}
