//! Where an item is, or was: the climb through its containers as they were.

use chipledger_proof::state::{Item, Key, LastMovement, name_slot};
use chipledger_schemas::ids::{Height, ItemId, ItemNumber, MemberId, RecordId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::movement::{Facts, Location, Place};
use chipledger_schemas::time::Time;
use chipledger_schemas::words::{Irregularity, Status};
use serde::{Deserialize, Serialize};

use super::movements::ItemEvent;
use super::{AsOf, Moment, QueryError, Spot};
use crate::state::{Change, State, page_of};
use crate::store::View;

/// Where an item is, with whom, whose, and since which record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Whereabouts {
    /// The item.
    pub id: ItemId,
    /// The two times of the answer.
    pub moment: Moment,
    /// Its containers, innermost first.
    pub containers: Vec<ItemId>,
    /// Site, or `FROM->TO` under way.
    pub place: String,
    /// Jurisdiction of the site; absent under way.
    pub jurisdiction: Option<Jurisdiction>,
    /// Shipment, under way.
    pub shipment: Option<String>,
    /// Custody.
    pub holder: MemberId,
    /// Title.
    pub owner: MemberId,
    /// Use.
    pub user: MemberId,
    /// State of life.
    pub status: Status,
    /// Why it is irregular, if it is.
    pub irregularity: Option<Irregularity>,
    /// Event time of the movement that put it there.
    pub since: Time,
    /// The record that put it there.
    pub record: Spot,
}

impl View<'_> {
    /// The number of an item.
    pub fn item_number(&self, id: &ItemId) -> Result<ItemNumber, QueryError> {
        let unknown = || QueryError::ItemUnknown { id: id.to_string() };
        let (key, offset) = name_slot(id);
        let entry = self.entry(&key)?.ok_or_else(unknown)?;
        let names = chipledger_proof::state::Stored::of(&entry);
        let found = names.and_then(|names: &chipledger_proof::state::Names| names.get(offset));
        found.ok_or_else(unknown)
    }

    /// The leaf of an item.
    pub fn leaf(&self, number: ItemNumber) -> Result<Item, QueryError> {
        let (page, place) = page_of(number);
        let unknown = || QueryError::ItemUnknown {
            id: format!("item number {}", number.0),
        };
        self.page(page)?.item(place)?.ok_or_else(unknown)
    }

    /// The record that put an item where a row says that no record wrote: its own leaf, or that of
    /// a container, still holds it unless it has moved, or was corrected, since.
    pub(crate) fn record_of_base(
        &self,
        id: &ItemId,
        found: &Whereabouts,
    ) -> Result<Option<RecordId>, QueryError> {
        for id in std::iter::once(id).chain(&found.containers) {
            let item = self.leaf(self.item_number(id)?)?;
            let LastMovement::Known(movement) = &item.movement else {
                continue;
            };
            let events = self.item_events(self.item_number(id)?, Height(u64::MAX))?;
            let moved = |event: &ItemEvent| !matches!(event.change, Change::Noted);
            let still = events.iter().rfind(|event| moved(event));
            if still.is_some_and(|event| event.spot == found.record)
                && movement.occurred_at == found.since
            {
                return Ok(Some(movement.record));
            }
        }
        Ok(None)
    }

    /// Where an item is, or was at a moment.
    pub fn whereabouts(&self, id: &ItemId, as_of: AsOf) -> Result<Whereabouts, QueryError> {
        let moment = self.moment(as_of)?;
        let mut climb = Climb::default();
        let mut at = self.item_number(id)?;
        let unknown = || QueryError::ItemUnknown {
            id: format!("{id} at that time"),
        };
        loop {
            let (facts, event) = self.facts_at(at, moment)?.ok_or_else(unknown)?;
            climb.add(&facts, event.occurred_at, event.spot);
            match facts.location {
                Location::In(container) => {
                    climb.containers.push(self.leaf(container)?.id);
                    at = container;
                }
                Location::At { place, holder } => {
                    return self.arrived(id, moment, climb, &place, holder);
                }
            }
        }
    }

    fn arrived(
        &self,
        id: &ItemId,
        moment: Moment,
        climb: Climb,
        place: &Place,
        holder: MemberId,
    ) -> Result<Whereabouts, QueryError> {
        let owner = climb.owner.unwrap_or_else(|| holder.clone());
        let (since, record) = climb.latest.unwrap_or((Time::default(), Spot::default()));
        let (place, jurisdiction, shipment) = self.place_text(place, moment, None)?;
        Ok(Whereabouts {
            id: id.clone(),
            moment,
            containers: climb.containers,
            place,
            jurisdiction,
            shipment,
            holder,
            user: climb.user.unwrap_or_else(|| owner.clone()),
            owner,
            status: climb.status.unwrap_or(Status::Stock),
            irregularity: climb.irregularity,
            since,
            record,
        })
    }

    /// A place as people read it, its jurisdiction, and its shipment; on the way that this had by
    /// the records up to `until`, if one is named.
    pub(crate) fn place_text(
        &self,
        place: &Place,
        moment: Moment,
        until: Option<Spot>,
    ) -> Result<(String, Option<Jurisdiction>, Option<String>), QueryError> {
        match place {
            Place::Site(site) => {
                let key = Key::Site(site.clone());
                let at = self.version::<chipledger_proof::state::Site>(&key, moment)?;
                // A site may be declared after what happened there: then its first declaration
                // counts.
                let now = Moment { at: None, ..moment };
                let at = match at {
                    Some(at) => Some(at),
                    None => self.version(&key, now)?,
                };
                Ok((site.to_string(), at.map(|site| site.jurisdiction), None))
            }
            Place::Transit(id) => {
                let way = self.way(id, moment, until)?;
                let way = way.map_or_else(String::new, |way| {
                    format!("{}->{}", way.from_site, way.to_site)
                });
                Ok((way, None, Some(id.to_string())))
            }
        }
    }
}

/// Facts met on the way up, nearest first.
#[derive(Default)]
struct Climb {
    owner: Option<MemberId>,
    user: Option<MemberId>,
    status: Option<Status>,
    irregularity: Option<Irregularity>,
    containers: Vec<ItemId>,
    latest: Option<(Time, Spot)>,
}

impl Climb {
    fn add(&mut self, facts: &Facts, occurred_at: Time, spot: Spot) {
        self.owner = self.owner.take().or_else(|| facts.owner.clone());
        self.user = self.user.take().or_else(|| facts.user.clone());
        match facts.status {
            Some(status) if status.is_ended() => self.status = Some(status),
            status => {
                if self.status.is_none() {
                    self.irregularity = facts.irregularity;
                }
                self.status = self.status.or(status);
            }
        }
        self.latest = self.latest.max(Some((occurred_at, spot)));
    }
}
