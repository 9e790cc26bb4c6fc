//! The complete book: every account, shown to be all of them because they sum to the world's total.

use std::collections::BTreeMap;

use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::words::Status;
use serde::{Deserialize, Serialize};

use super::totals::{Compute, model_of};
use super::{Refusal, require};
use crate::entry::EntryProof;
use crate::names::BucketEntry;
use crate::shown::{Looked, Roots, ShownCatalogue};
use crate::state::{
    Account, AccountPlace, Amount, Balance, Catalogue, Dimension, Entry, Key, ModelNumber, Totals,
};

/// An account with its path.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownAccount {
    /// The account.
    pub account: Account,
    /// What it holds.
    pub balance: Balance,
    /// Its path.
    pub proof: EntryProof,
}

/// Shows every account that is not zero.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookProof {
    /// The accounts, in order.
    pub accounts: Vec<ShownAccount>,
    /// The world's total.
    pub world: Looked,
    /// The catalogue.
    pub catalogue: ShownCatalogue,
}

/// One jurisdiction's part of the book.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Part {
    /// At sites of it.
    pub here: Compute,
    /// Under way to it.
    pub inbound: Compute,
    /// Under way from it.
    pub outbound: Compute,
    /// Chips of all these that are disputed.
    pub disputed: u64,
}

/// The complete book.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct BookStatement {
    /// Every account with what it holds.
    pub accounts: Vec<(Account, Balance)>,
    /// The catalogue that the model numbers mean.
    pub catalogue: Catalogue,
    /// By jurisdiction, recomputed from the accounts.
    pub jurisdictions: BTreeMap<Jurisdiction, Part>,
    /// At all sites together.
    pub here: Compute,
    /// Under way.
    pub in_transit: Compute,
    /// Ended chips, by the world's total.
    pub ended: u64,
}

type Sums = BTreeMap<(ModelNumber, Status), Amount>;

impl BookProof {
    /// The book, complete: accounts are distinct, positive, and sum to the world's total, so none
    /// is left out.
    pub fn check(&self, roots: &Roots) -> Result<BookStatement, Refusal> {
        let distinct = self.accounts.is_sorted_by(|a, b| a.account < b.account);
        require(distinct, "accounts are not sorted, each once")?;
        let mut sums = Sums::new();
        for shown in &self.accounts {
            shown.verify(roots)?;
            add_account(&mut sums, shown)?;
        }
        let world = self
            .world
            .value::<Totals>(&Key::Totals(Dimension::World), roots)?;
        let ended = compare(&sums, world.unwrap_or(&Totals::default()))?;
        let catalogue = self.catalogue.verify(roots)?;
        let mut statement = BookStatement {
            accounts: self
                .accounts
                .iter()
                .map(|a| (a.account.clone(), a.balance.clone()))
                .collect(),
            catalogue: Catalogue::default(),
            jurisdictions: BTreeMap::new(),
            here: Compute::default(),
            in_transit: Compute::default(),
            ended,
        };
        for shown in &self.accounts {
            statement.add(shown, &catalogue)?;
        }
        statement.catalogue = catalogue;
        Ok(statement)
    }
}

impl ShownAccount {
    fn verify(&self, roots: &Roots) -> Result<(), Refusal> {
        let entry: Entry = self.balance.clone().into();
        let key = Key::Account(self.account.clone()).digest();
        Ok(self.proof.verify(
            &roots.names,
            &BucketEntry {
                key,
                value: entry.digest(),
            },
        )?)
    }
}

fn add_account(sums: &mut Sums, shown: &ShownAccount) -> Result<(), Refusal> {
    let overflow = Refusal::Contradiction {
        what: "accounts sum to more than 2^64",
    };
    for row in &shown.balance.rows {
        require(row.count > 0, "an account has a row of nothing")?;
        let sum = sums.entry((row.model, shown.account.status)).or_default();
        let leg = match shown.account.place {
            AccountPlace::Site { .. } => &mut sum.here,
            AccountPlace::Transit { .. } => &mut sum.outbound,
        };
        *leg = leg.checked_add(row.count).ok_or_else(|| overflow.clone())?;
        sum.disputed = sum
            .disputed
            .checked_add(row.disputed)
            .ok_or_else(|| overflow.clone())?;
    }
    Ok(())
}

/// Compares sums of accounts with the world's total; returns how many chips ended.
fn compare(sums: &Sums, world: &Totals) -> Result<u64, Refusal> {
    let held = world.0.iter().filter(|row| !row.status.is_ended());
    let held: Sums = held
        .map(|row| ((row.model, row.status), row.amount))
        .collect();
    require(
        held == *sums,
        "the accounts do not sum to the world's total",
    )?;
    let ended = world.0.iter().filter(|row| row.status.is_ended());
    Ok(ended.fold(0, |sum, row| sum.saturating_add(row.amount.here)))
}

impl BookStatement {
    fn add(&mut self, shown: &ShownAccount, catalogue: &Catalogue) -> Result<(), Refusal> {
        for row in &shown.balance.rows {
            let (_, tpp) = model_of(row.model, catalogue)?;
            match &shown.account.place {
                AccountPlace::Site { jurisdiction, .. } => {
                    self.here.add(row.count, tpp);
                    let part = self.jurisdictions.entry(*jurisdiction).or_default();
                    part.here.add(row.count, tpp);
                    part.disputed = part.disputed.saturating_add(row.disputed);
                }
                AccountPlace::Transit {
                    from_jurisdiction,
                    to_jurisdiction,
                    ..
                } => {
                    self.in_transit.add(row.count, tpp);
                    let part = self.jurisdictions.entry(*from_jurisdiction).or_default();
                    part.outbound.add(row.count, tpp);
                    part.disputed = part.disputed.saturating_add(row.disputed);
                    let part = self.jurisdictions.entry(*to_jurisdiction).or_default();
                    part.inbound.add(row.count, tpp);
                    part.disputed = part.disputed.saturating_add(row.disputed);
                }
            }
        }
        Ok(())
    }
}
