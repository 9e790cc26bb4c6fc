//! Amounts of chips by model, and what they come to.

use std::collections::BTreeMap;

use chipledger_ledger::read::postings::PostingRow;
use chipledger_proof::state::{AccountPlace, ModelNumber};
use chipledger_schemas::ids::DocumentId;
use chipledger_schemas::words::Status;

use super::watch::Watch;

/// Chips by model.
pub(crate) type Chips = BTreeMap<ModelNumber, u64>;

/// What is at stake.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Stake {
    /// Chips.
    pub chips: u64,
    /// TPP, thousandths.
    pub tpp_milli: u128,
}

impl std::ops::Add for Stake {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            chips: self.chips.saturating_add(other.chips),
            tpp_milli: self.tpp_milli.saturating_add(other.tpp_milli),
        }
    }
}

/// Puts chips of a model to an amount.
pub(crate) fn add(chips: &mut Chips, model: ModelNumber, count: u64) {
    let at = chips.entry(model).or_default();
    *at = at.saturating_add(count);
}

/// Takes chips of a model from an amount; never below zero.
pub(crate) fn take(chips: &mut Chips, model: ModelNumber, count: u64) {
    if let Some(at) = chips.get_mut(&model) {
        *at = at.saturating_sub(count);
        if *at == 0 {
            chips.remove(&model);
        }
    }
}

/// How many in all.
pub(crate) fn count(chips: &Chips) -> u64 {
    chips
        .values()
        .fold(0, |sum, count| sum.saturating_add(*count))
}

impl Watch {
    /// What chips come to.
    pub(crate) fn stake(&self, chips: &Chips) -> Stake {
        let one = |(model, count): (&ModelNumber, &u64)| self.stake_of(*model, *count);
        chips.iter().map(one).fold(Stake::default(), |a, b| a + b)
    }

    /// What chips of one model come to; a model of unknown TPP counts none.
    pub(crate) fn stake_of(&self, model: ModelNumber, count: u64) -> Stake {
        let tpp_milli = self.model(model).and_then(|model| model.tpp_milli);
        Stake {
            chips: count,
            tpp_milli: u128::from(tpp_milli.unwrap_or(0)) * u128::from(count),
        }
    }

    /// Chips that a record moved into accounts of a status.
    pub(crate) fn moved_into(&self, postings: &[PostingRow], status: Status) -> Chips {
        let mut chips = Chips::new();
        for row in postings {
            let from = self.account(row.from).map(|account| account.status);
            let to = self.account(row.to).map(|account| account.status);
            if to == Some(status) && from != to {
                add(&mut chips, row.model, row.count);
            }
        }
        chips
    }

    /// Chips still under way in a shipment.
    pub(crate) fn under_way(&self, shipment: &DocumentId) -> Chips {
        let shipment = self.shipments.get(shipment);
        shipment.map_or_else(Chips::new, |shipment| shipment.under_way.clone())
    }

    /// Chips that a record took out of, or put into, a place under way.
    pub(crate) fn transit_change(&self, postings: &[PostingRow]) -> (Chips, Chips) {
        let is_transit = |number: u32| {
            let account = self.account(number);
            account.is_some_and(|a| matches!(a.place, AccountPlace::Transit { .. }))
        };
        let (mut left, mut entered) = (Chips::new(), Chips::new());
        for row in postings {
            match (is_transit(row.from), is_transit(row.to)) {
                (true, false) => add(&mut left, row.model, row.count),
                (false, true) => add(&mut entered, row.model, row.count),
                _ => {}
            }
        }
        (left, entered)
    }
}
