//! Holding: which items a record names, and whether the signer may do with them what it says.

use std::collections::BTreeSet;

use chipledger_proof::state::Item;
use chipledger_schemas::ids::{ItemNumber, MemberId, SiteId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::movement::{Facts, Location, Place};
use chipledger_schemas::time::Time;
use chipledger_schemas::words::Status;

use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, Effective, State};

/// An item named by a record, with what holds of it.
#[derive(Clone)]
pub(crate) struct Named {
    pub number: ItemNumber,
    pub effective: Effective,
}

impl<S: State> Draft<'_, S> {
    /// The items of a set, known, not ended, and not moved after `occurred_at`.
    pub(crate) fn movable_items(
        &self,
        items: &ItemSet,
        occurred_at: Time,
    ) -> Result<Vec<Named>, Fault> {
        let mut named = Vec::new();
        for number in self.numbers(items)? {
            let effective = self.effective(number)?;
            self.check_movable(&effective, occurred_at)?;
            named.push(Named { number, effective });
        }
        Ok(named)
    }

    /// As [`Self::movable_items`], and all in the custody of `holder`.
    pub(crate) fn held_items(
        &self,
        items: &ItemSet,
        holder: &MemberId,
        occurred_at: Time,
    ) -> Result<Vec<Named>, Fault> {
        let named = self.movable_items(items, occurred_at)?;
        named
            .iter()
            .try_for_each(|item| self.check_held(&item.effective, holder))?;
        Ok(named)
    }

    /// Rejects what somebody else holds.
    pub(crate) fn check_held(&self, item: &Effective, holder: &MemberId) -> Result<(), Fault> {
        let actual = self.successor_of(&item.holder)?;
        if actual == *holder {
            return Ok(());
        }
        reject(
            Code::ItemNotHeld,
            format!("{} is held by {actual}", item.id),
        )
    }

    /// Rejects what somebody else owns.
    pub(crate) fn check_owned(&self, item: &Effective, owner: &MemberId) -> Result<(), Fault> {
        let actual = self.successor_of(&item.owner)?;
        if actual == *owner {
            return Ok(());
        }
        reject(
            Code::ItemNotOwned,
            format!("{} is owned by {actual}", item.id),
        )
    }
}

/// Rejects an item that is named both itself and through a container: which of the two is said
/// first would decide what becomes of it.
pub(crate) fn check_once<'a>(items: impl IntoIterator<Item = &'a Named>) -> Result<(), Fault> {
    let items: Vec<&Named> = items.into_iter().collect();
    if items.iter().all(|item| item.effective.is_root()) {
        return Ok(());
    }
    let numbers: BTreeSet<_> = items.iter().map(|item| item.number).collect();
    for item in items {
        if item
            .effective
            .containers
            .iter()
            .any(|c| numbers.contains(c))
        {
            let id = &item.effective.id;
            return reject(
                Code::ItemTwice,
                format!("{id} is named, and a unit that contains it"),
            );
        }
    }
    Ok(())
}

/// Rejects what is inside something.
pub(crate) fn check_root(item: &Effective) -> Result<(), Fault> {
    if item.is_root() {
        return Ok(());
    }
    reject(Code::ItemContained, format!("{} is inside a unit", item.id))
}

/// Rejects what is under way; returns the site.
pub(crate) fn check_at_site(item: &Effective) -> Result<&SiteId, Fault> {
    match &item.place {
        Place::Site(site) => Ok(site),
        Place::Transit(shipment) => reject(
            Code::ItemInTransit,
            format!("{} is under way in {shipment}", item.id),
        ),
    }
}

/// Rejects another status than one of these.
pub(crate) fn check_status(item: &Effective, allowed: &[Status]) -> Result<(), Fault> {
    if allowed.contains(&item.status) {
        return Ok(());
    }
    let names: Vec<_> = allowed.iter().map(|status| status.as_str()).collect();
    reject(
        Code::StatusForbids,
        format!(
            "{} is {}; it would have to be {}",
            item.id,
            item.status,
            names.join(" or ")
        ),
    )
}

/// Rejects what is reported lost or stolen: it has to be recovered first.
pub(crate) fn check_present(item: &Effective) -> Result<(), Fault> {
    if !matches!(item.status, Status::Lost | Status::Stolen) {
        return Ok(());
    }
    let (id, status) = (&item.id, item.status);
    reject(
        Code::StatusForbids,
        format!("{id} is {status}; report it recovered first"),
    )
}

/// Rejects what is inside a sealed unit.
pub(crate) fn check_unsealed(item: &Effective) -> Result<(), Fault> {
    match &item.sealed_in {
        None => Ok(()),
        Some(unit) => reject(
            Code::Sealed,
            format!("{} is inside {unit}, which is sealed", item.id),
        ),
    }
}

/// Facts of an item that becomes (or stays) a root: everything that it inherited becomes its own.
pub(crate) fn root_facts(
    item: &Item,
    effective: &Effective,
    place: Place,
    holder: MemberId,
    status: Status,
) -> Facts {
    Facts {
        location: Location::At { place, holder },
        owner: Some(effective.owner.clone()),
        user: effective.user.clone(),
        status: Some(status),
        irregularity: effective
            .irregularity
            .filter(|_| status == effective.status),
        seal: item.facts.seal.clone(),
    }
}

/// What an item says for itself inside a container: nothing where it agrees with it.
pub(crate) fn relative_facts(
    item: &Item,
    effective: &Effective,
    container: ItemNumber,
    outer: &Effective,
) -> Facts {
    let owner = (effective.owner != outer.owner).then(|| effective.owner.clone());
    let user = own_user(effective, outer);
    let state = |item: &Effective| (item.status, item.irregularity);
    let status = (state(effective) != state(outer)).then_some(effective.status);
    Facts {
        location: Location::In(container),
        user,
        irregularity: status.and(effective.irregularity),
        owner,
        status,
        seal: item.facts.seal.clone(),
    }
}

/// The user that an item names for itself inside a container. Whoever owns it uses it, unless it or
/// a container says otherwise.
pub(crate) fn own_user(effective: &Effective, outer: &Effective) -> Option<MemberId> {
    let user = effective.user.as_ref().unwrap_or(&effective.owner);
    let inherited = outer.user.as_ref().unwrap_or(&effective.owner);
    (user != inherited).then(|| user.clone())
}

impl<S: State> Draft<'_, S> {
    /// Gives an item a status of its own, or none where its container has the same.
    pub(crate) fn set_status(
        &mut self,
        number: ItemNumber,
        status: Status,
        occurred_at: Time,
    ) -> Result<(), Fault> {
        let mut facts = self.with_item(number, |item| item.facts.clone())?;
        let inherited = match facts.location {
            Location::In(container) => {
                let outer = self.effective(container)?;
                Some((outer.status, outer.irregularity))
            }
            Location::At { .. } => None,
        };
        facts.status = (inherited != Some((status, None))).then_some(status);
        facts.irregularity = None;
        self.move_item(number, facts, occurred_at)
    }
}
