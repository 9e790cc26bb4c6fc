//! Evidence: what the kinds that move nothing have in common. They name items, and each item named
//! folds the record into its history.
//!
//! What somebody else saw may name items that ended, for a destroyed chip that is seen again is
//! what the ledger exists to find. Only what a member declares of its own, or disputes, must still
//! exist.

use chipledger_proof::state::{EvidenceKind, Item};
use chipledger_schemas::ids::{ItemId, ItemNumber, MemberId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::time::Time;
use chipledger_schemas::words::Role;

use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, Effective, State};

impl<S: State> Draft<'_, S> {
    /// Names every item of a set, once; all are registered.
    pub(super) fn note_items(
        &mut self,
        items: &ItemSet,
        occurred_at: Time,
        evidence: Option<EvidenceKind>,
    ) -> Result<(), Fault> {
        for number in self.numbers(items)? {
            self.note_seen(number, occurred_at, evidence)?;
        }
        Ok(())
    }

    /// Names an item if it is registered; labels that nobody registered are evidence too.
    pub(super) fn note_if_known(&mut self, item: &ItemId, occurred_at: Time) -> Result<(), Fault> {
        match self.find_number(item)? {
            Some(number) => self.note_seen(number, occurred_at, None),
            None => Ok(()),
        }
    }

    /// Names an item. Evidence that comes in late does not stand before what is newer.
    pub(super) fn note_seen(
        &mut self,
        number: ItemNumber,
        occurred_at: Time,
        evidence: Option<EvidenceKind>,
    ) -> Result<(), Fault> {
        let newest = self.with_item(number, |item: &Item| item.evidence.at)?;
        let evidence = evidence.filter(|_| newest <= occurred_at);
        self.note_item(number, occurred_at, evidence)
    }

    /// What an authority's look at goods is worth: an inspector's, or else customs'.
    pub(super) fn evidence_of(&self, member: &MemberId) -> Result<EvidenceKind, Fault> {
        let roles = self.member(member)?.roles;
        if roles.contains(&Role::Customs) && !roles.contains(&Role::Inspector) {
            return Ok(EvidenceKind::Customs);
        }
        Ok(EvidenceKind::Inspected)
    }
}

/// Rejects what no longer exists.
pub(super) fn check_not_ended(item: &Effective) -> Result<(), Fault> {
    if item.status.is_ended() {
        return reject(Code::ItemEnded, format!("{} is {}", item.id, item.status));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
