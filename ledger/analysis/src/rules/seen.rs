//! What somebody saw of an item, whatever kind of record says so.

use chipledger_ledger::read::places::Whereabouts;
use chipledger_ledger::read::{AsOf, Known, QueryError};
use chipledger_ledger::store::View;
use chipledger_schemas::ids::{Height, ItemId, SiteId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::Record;
use chipledger_schemas::time::Time;

use super::{Told, Watch};

/// Items of a listing that are looked at one by one; a longer one is looked at in part, from its
/// start.
pub(crate) const LOOKED_AT_MAX: usize = 2_000;

/// Where somebody saw items.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The items.
    pub items: Vec<ItemId>,
    /// At which site, if at a known one.
    pub site: Option<SiteId>,
    /// Where.
    pub jurisdiction: Jurisdiction,
    /// When, as the signer claims.
    pub at: Time,
}

/// What a record says that its signer saw with its own eyes.
pub(crate) fn seen(watch: &Watch, told: &Told<'_>) -> Option<Seen> {
    let at_site = |site: &SiteId, items: Vec<ItemId>| Seen {
        items,
        site: Some(site.clone()),
        jurisdiction: watch.place_of(site),
        at: told.occurred_at(),
    };
    match told.record {
        Record::Sighting(sighting) => Some(Seen {
            items: vec![sighting.item.clone()],
            site: sighting.site.clone(),
            jurisdiction: sighting.jurisdiction,
            at: sighting.occurred_at,
        }),
        Record::Inspect(inspect) => {
            let sets = [&inspect.found, &inspect.extra, &inspect.tampered];
            let ids = sets
                .into_iter()
                .flat_map(chipledger_schemas::items::ItemSet::ids);
            Some(at_site(&inspect.site, ids.take(LOOKED_AT_MAX).collect()))
        }
        _ => None,
    }
}

/// Where the book had an item at an event time, by what was known at a height; `None` if it was not
/// registered by then.
pub(crate) fn booked(
    view: &View<'_>,
    item: &ItemId,
    at: Time,
    known: Height,
) -> Result<Option<Whereabouts>, QueryError> {
    let as_of = AsOf {
        at: Some(at),
        known_at: Some(Known::Height(known)),
    };
    match view.whereabouts(item, as_of) {
        Ok(found) => Ok(Some(found)),
        Err(QueryError::ItemUnknown { .. } | QueryError::BeforeGenesis { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
