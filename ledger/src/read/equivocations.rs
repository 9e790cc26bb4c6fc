//! What validators' keys signed against the rules of consensus, as far as it was reported.

use chipledger_proof::state::{EntryKind, Equivocation, Stored};
use chipledger_schemas::hash::Hash;
use serde::Serialize;

use super::QueryError;
use crate::state::State;
use crate::store::View;

/// An equivocation with its id.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ListedEquivocation {
    /// Its id; evidence of it is proven under it.
    pub id: Hash,
    /// What was signed, and who reported it.
    #[serde(flatten)]
    pub equivocation: Equivocation,
}

impl View<'_> {
    /// Every equivocation on the ledger, by height, round and member.
    pub fn equivocations(&self) -> Result<Vec<ListedEquivocation>, QueryError> {
        let mut listed: Vec<_> = self
            .entries(EntryKind::Equivocation)?
            .into_iter()
            .filter_map(|(_, entry)| {
                let equivocation = Equivocation::of(&entry)?.clone();
                let id = equivocation.report.id();
                Some(ListedEquivocation { id, equivocation })
            })
            .collect();
        listed.sort_by_cached_key(|found| {
            let report = &found.equivocation.report;
            (report.height, report.round, report.member.clone(), found.id)
        });
        Ok(listed)
    }
}
