//! What the questions of this crate share: why one has no answer, and who and what they are about.

use std::collections::BTreeMap;

use chipledger_ledger::read::{Moment, QueryError};
use chipledger_ledger::state::{State, StateError};
use chipledger_ledger::store::View;
use chipledger_proof::state::{Key, Member, Site};
use chipledger_schemas::ids::{MemberId, SiteId};
use chipledger_schemas::time::Time;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The ledger does not know the site. Check the id; `compute --by site` lists those with chips.
    #[error("no site {site} on this ledger")]
    SiteUnknown {
        /// The site asked for.
        site: SiteId,
    },
    /// The ledger does not know the member. Check the id.
    #[error("no member {member} on this ledger")]
    MemberUnknown {
        /// The member asked for.
        member: MemberId,
    },
    /// The period ends before it begins. Name the earlier time first.
    #[error("the period ends at {until}, which is not after its beginning, {from}")]
    EmptyPeriod {
        /// Its beginning.
        from: Time,
        /// Its end.
        until: Time,
    },
    /// The read model does not answer; its own words say what to do.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl From<StateError> for AskError {
    fn from(error: StateError) -> Self {
        Self::Query(error.into())
    }
}

impl From<chipledger_ledger::store::StoreError> for AskError {
    fn from(error: chipledger_ledger::store::StoreError) -> Self {
        Self::Query(error.into())
    }
}

/// A site by its id.
pub fn site(view: &View<'_>, id: &SiteId) -> Result<Site, AskError> {
    let entry = view.entry(&Key::Site(id.clone()))?;
    let found = entry
        .as_deref()
        .and_then(|entry| <Site as chipledger_proof::state::Stored>::of(entry).cloned());
    found.ok_or_else(|| AskError::SiteUnknown { site: id.clone() })
}

/// A member by its id.
pub fn member(view: &View<'_>, id: &MemberId) -> Result<Member, AskError> {
    let entry = view.entry(&Key::Member(id.clone()))?;
    let found = entry
        .as_deref()
        .and_then(|entry| <Member as chipledger_proof::state::Stored>::of(entry).cloned());
    found.ok_or_else(|| AskError::MemberUnknown { member: id.clone() })
}

/// Ultimate parents of members as of a moment, looked up once each.
pub struct Parents<'a, 'd> {
    view: &'a View<'d>,
    moment: Moment,
    known: BTreeMap<MemberId, MemberId>,
}

impl<'a, 'd> Parents<'a, 'd> {
    /// Parents as of a moment.
    pub fn new(view: &'a View<'d>, moment: Moment) -> Self {
        Self {
            view,
            moment,
            known: BTreeMap::new(),
        }
    }

    /// Who stands at the top of those that control a member.
    pub fn of(&mut self, member: &MemberId) -> Result<MemberId, QueryError> {
        if let Some(known) = self.known.get(member) {
            return Ok(known.clone());
        }
        let mut at = member.clone();
        // Chains of parents have no cycle; the bound only guards a damaged store.
        for _ in 0..64 {
            let key = Key::Member(at.clone());
            let found = self.view.version::<Member>(&key, self.moment)?;
            match found.and_then(|member| member.successor.or(member.parent)) {
                Some(up) => at = up,
                None => break,
            }
        }
        self.known.insert(member.clone(), at.clone());
        Ok(at)
    }
}

/// Refuses a question about everything that ever happened to a ledger that begins in the middle.
pub fn whole_history(view: &View<'_>) -> Result<(), QueryError> {
    let first = view.first_height()?;
    if first.0 > 1 {
        return Err(QueryError::BeforeHistory { first });
    }
    Ok(())
}

/// The first height whose block time is not before `time`; the head's if all are before it.
pub fn first_height_since(view: &View<'_>, time: Time) -> Result<u64, AskError> {
    let head = view.head().map_err(QueryError::from)?.header.height.0;
    let (mut low, mut high) = (view.first_height().map_err(QueryError::from)?.0, head);
    while low < high {
        let middle = low + (high - low) / 2;
        let height = chipledger_schemas::ids::Height(middle);
        let before = view
            .header(height)?
            .is_some_and(|(header, _)| header.time < time);
        if before {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
