//! A member's own items: those that it holds, owns or uses.

use chipledger_schemas::encode::encode;
use chipledger_schemas::hash::{Hash, OWN_ITEM};
use chipledger_schemas::ids::{ItemId, ItemNumber, MemberId};
use chipledger_schemas::movement::Location;

use super::QueryError;
use crate::state::{PAGE_ITEMS, State};
use crate::store::View;

/// Items that one question looks at, at most: a bound on its time.
pub const OWN_LOOKED_AT_MAX: u64 = 8_192;
/// Items that one answer lists, at most.
const LISTED_MAX: usize = 4_096;

/// Some of a member's items, and where the next ones begin.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OwnPage {
    /// Each with a digest that changes when it, or what contains it, does.
    pub items: Vec<(ItemId, Hash)>,
    /// Where to go on; absent after the last item.
    pub next: Option<ItemNumber>,
}

impl View<'_> {
    /// Items that a member holds, owns or uses now, from a number on; at most `look_at_max` are
    /// looked at.
    pub fn own_items(
        &self,
        member: &MemberId,
        from: ItemNumber,
        look_at_max: u64,
    ) -> Result<OwnPage, QueryError> {
        let mut own = Vec::new();
        let end = from.0.saturating_add(look_at_max).min(self.item_count());
        let mut number = from.0;
        while number < end && own.len() < LISTED_MAX {
            let page = number / PAGE_ITEMS;
            let items = self.page(page)?;
            let stop = end.min((page + 1) * PAGE_ITEMS);
            for number in number..stop {
                let place = usize::try_from(number % PAGE_ITEMS).unwrap_or(usize::MAX);
                let Some(item) = items.item(place)? else {
                    continue;
                };
                if let Some(version) = self.own_version(member, ItemNumber(number))? {
                    own.push((item.id, version));
                }
            }
            number = stop;
        }
        Ok(OwnPage {
            items: own,
            next: (number < self.item_count()).then_some(ItemNumber(number)),
        })
    }

    /// Whether a member holds, owns or uses an item now.
    ///
    /// # Errors
    /// [`QueryError::ItemUnknown`] if there is no such item.
    pub fn is_own(&self, member: &MemberId, id: &ItemId) -> Result<bool, QueryError> {
        let number = self.item_number(id)?;
        Ok(self.own_version(member, number)?.is_some())
    }

    /// A digest over an item and its containers, if it is the member's. Owner and user count where
    /// they are set nearest to the item; without an owner it is the holder's, without a user the
    /// owner's.
    fn own_version(
        &self,
        member: &MemberId,
        number: ItemNumber,
    ) -> Result<Option<Hash>, QueryError> {
        let (mut owner, mut user) = (None, None);
        let mut digests = Vec::new();
        let mut at = number;
        loop {
            let item = self.leaf(at)?;
            digests.push(item.digest());
            owner = owner.or(item.facts.owner);
            user = user.or(item.facts.user);
            match item.facts.location {
                // Units nest at most 8 deep; the bound only guards a damaged store.
                Location::In(container) if digests.len() <= 16 => at = container,
                Location::In(_) => return Ok(None),
                Location::At { holder, .. } => {
                    let is_own = holder == *member
                        || owner.as_ref() == Some(member)
                        || user.as_ref() == Some(member);
                    return Ok(is_own.then(|| OWN_ITEM.hash(&encode(&digests))));
                }
            }
        }
    }
}
