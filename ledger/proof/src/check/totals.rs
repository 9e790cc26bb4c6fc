//! The complete pooled compute of a jurisdiction, site, owner, parent or the world: one entry.

use chipledger_schemas::catalogue::ModelId;
use chipledger_schemas::words::Status;
use serde::{Deserialize, Serialize};

use super::Refusal;
use crate::shown::{Looked, Roots, ShownCatalogue};
use crate::state::{Amount, Catalogue, Dimension, Key, ModelNumber, Totals};

/// Shows a total.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TotalsProof {
    /// Over what it is taken.
    pub dimension: Dimension,
    /// Its entry, or that none is there: then it is zero.
    pub totals: Looked,
    /// The catalogue: says which models the numbers mean, and their TPP.
    pub catalogue: ShownCatalogue,
}

/// A row of a total.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Row {
    /// The model.
    pub model: ModelId,
    /// State of life.
    pub status: Status,
    /// How many chips.
    pub amount: Amount,
}

/// Compute summed over models.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Compute {
    /// Chips.
    pub chips: u64,
    /// Thousandths of TPP of the chips whose model's TPP is known.
    pub tpp_milli: u128,
    /// Chips, among these, whose model's TPP is unknown: they count in no TPP.
    pub chips_without_tpp: u64,
}

impl Compute {
    /// Adds chips of a model.
    pub fn add(&mut self, chips: u64, tpp_milli: Option<u64>) {
        self.chips = self.chips.saturating_add(chips);
        match tpp_milli {
            // Fewer than 2^64 chips of less than 2^64 each never reach 2^128.
            Some(tpp) => {
                self.tpp_milli = self
                    .tpp_milli
                    .saturating_add(u128::from(chips) * u128::from(tpp));
            }
            None => self.chips_without_tpp = self.chips_without_tpp.saturating_add(chips),
        }
    }
}

/// A total with its sums. Ended chips (the world's total has them) are in rows and in no sum.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TotalsStatement {
    /// Over what it is taken.
    pub dimension: Dimension,
    /// By model and status.
    pub rows: Vec<Row>,
    /// At sites of it.
    pub here: Compute,
    /// Under way to it.
    pub inbound: Compute,
    /// Under way from it; for the world, an owner or a parent, everything under way.
    pub outbound: Compute,
    /// Chips of all these that are disputed.
    pub disputed: u64,
}

impl TotalsProof {
    /// The total, complete.
    pub fn check(&self, roots: &Roots) -> Result<TotalsStatement, Refusal> {
        let key = Key::Totals(self.dimension.clone());
        let totals = self.totals.value::<Totals>(&key, roots)?;
        let catalogue = self.catalogue.verify(roots)?;
        let mut statement = TotalsStatement {
            dimension: self.dimension.clone(),
            rows: Vec::new(),
            here: Compute::default(),
            inbound: Compute::default(),
            outbound: Compute::default(),
            disputed: 0,
        };
        for row in totals.map_or(&[][..], |totals| &totals.0) {
            let (model, tpp) = model_of(row.model, &catalogue)?;
            let amount = row.amount;
            statement.rows.push(Row {
                model: model.clone(),
                status: row.status,
                amount,
            });
            if row.status.is_ended() {
                continue;
            }
            statement.here.add(amount.here, tpp);
            statement.inbound.add(amount.inbound, tpp);
            statement.outbound.add(amount.outbound, tpp);
            statement.disputed = statement.disputed.saturating_add(amount.disputed);
        }
        Ok(statement)
    }
}

/// A model's id and TPP in thousandths.
pub(crate) fn model_of(
    number: ModelNumber,
    catalogue: &Catalogue,
) -> Result<(&ModelId, Option<u64>), Refusal> {
    let model = catalogue
        .get(number)
        .map(|model| (&model.id, model.tpp_milli));
    model.ok_or(Refusal::Contradiction {
        what: "the model is not in the catalogue",
    })
}
