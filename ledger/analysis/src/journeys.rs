//! Where every chip was, when, with whom and whose: the stays of its whole life, composed from its
//! own movements and those of the units that it was in.
//!
//! The read model answers this for one item by climbing its containers at one moment
//! ([`View::whereabouts`]); questions about all chips of a place or party go through the rows once
//! instead. Both say the same at every moment, which a test compares.

use std::collections::BTreeMap;

use chipledger_ledger::read::movements::stack;
use chipledger_ledger::read::{Moment, QueryError, Spot};
use chipledger_ledger::state::{State, page_of};
use chipledger_ledger::store::View;
use chipledger_proof::state::{EvidenceKind, Item, ItemKind, ModelNumber};
use chipledger_schemas::ids::{Height, ItemId, ItemNumber, MemberId};
use chipledger_schemas::movement::{Facts, Location, Place};
use chipledger_schemas::time::Time;
use chipledger_schemas::words::{Irregularity, Status};

/// Units nest at most 8 deep; the bound only guards a damaged store.
const DEPTH_MAX: usize = 16;

/// A span of time in which nothing of this changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stay {
    /// Event time of the movement that began it.
    pub from: Time,
    /// Event time of the one that ended it; absent for the last.
    pub until: Option<Time>,
    /// The record that began it.
    pub spot: Spot,
    /// Site or shipment.
    pub place: Place,
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
    /// Containers, innermost first.
    pub containers: Vec<ItemNumber>,
}

impl Stay {
    /// Whether a time lies in it.
    pub fn includes(&self, at: Time) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }

    /// Whether the chip counts as compute: neither ended nor void.
    pub fn exists(&self) -> bool {
        !self.status.is_ended()
    }
}

/// A chip with all its stays, oldest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chip {
    /// Its number.
    pub number: ItemNumber,
    /// Its id.
    pub id: ItemId,
    /// Its model.
    pub model: ModelNumber,
    /// Whether a dispute is open on it or on a container, as of the last height.
    pub disputed: bool,
    /// The latest evidence that named it, or a container that it is in, as of the last height.
    pub evidence: Option<(EvidenceKind, Time)>,
    /// Event time of the last record by the moment asked for that named it or its container then.
    pub named_at: Time,
    /// Its stays.
    pub stays: Vec<Stay>,
}

impl Chip {
    /// The stay at a moment; `None` before the chip was registered.
    pub fn at(&self, at: Option<Time>) -> Option<&Stay> {
        match at {
            None => self.stays.last(),
            Some(at) => self.stays.iter().rev().find(|stay| stay.from <= at),
        }
    }
}

/// What an item itself said, from a time on.
struct Own {
    from: Time,
    until: Option<Time>,
    spot: Spot,
    facts: Facts,
}

/// Facts met on the way up, as far as they are known; what is not is the container's.
#[derive(Clone)]
struct Partial {
    from: Time,
    until: Option<Time>,
    spot: Spot,
    place: Place,
    holder: MemberId,
    owner: Option<MemberId>,
    user: Option<MemberId>,
    status: Option<Status>,
    irregularity: Option<Irregularity>,
    containers: Vec<ItemNumber>,
}

struct Unit {
    own: Vec<Own>,
    named_at: Time,
    leaf: Item,
}

/// The journeys of all chips, as known at a height.
pub struct Journeys<'a, 'd> {
    view: &'a View<'d>,
    moment: Moment,
    units: BTreeMap<ItemNumber, Unit>,
    stays: BTreeMap<ItemNumber, Vec<Partial>>,
}

impl<'a, 'd> Journeys<'a, 'd> {
    /// Reads what became of units.
    pub fn read(view: &'a View<'d>, moment: Moment) -> Result<Self, QueryError> {
        let mut units = BTreeMap::new();
        let mut leaves = Leaves::new(view);
        view.every_item(moment.known, |number, events| {
            let leaf = leaves.get(number)?;
            if matches!(leaf.kind, ItemKind::Unit(_)) {
                let named_at = named_at(&events, moment);
                let own = own(events);
                units.insert(
                    number,
                    Unit {
                        own,
                        named_at,
                        leaf,
                    },
                );
            }
            Ok(())
        })?;
        let mut journeys = Self {
            view,
            moment,
            units,
            stays: BTreeMap::new(),
        };
        let numbers: Vec<_> = journeys.units.keys().copied().collect();
        for number in numbers {
            journeys.compose_unit(number, 0);
        }
        Ok(journeys)
    }

    /// The moment that they are for.
    pub fn moment(&self) -> Moment {
        self.moment
    }

    /// Visits every chip that was registered by then, by number.
    pub fn every_chip(
        &self,
        mut visit: impl FnMut(&Chip) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let mut leaves = Leaves::new(self.view);
        self.view.every_item(self.moment.known, |number, events| {
            let leaf = leaves.get(number)?;
            let ItemKind::Chip(model) = leaf.kind else {
                return Ok(());
            };
            let named_at = named_at(&events, self.moment);
            let stays = self.compose(&own(events));
            let stays: Vec<Stay> = stays.into_iter().map(whole).collect();
            visit(&self.chip(number, leaf, model, named_at, stays))
        })
    }

    /// Every chip by number, kept in memory.
    pub fn chips(&self) -> Result<Vec<Chip>, QueryError> {
        let mut chips = Vec::new();
        self.every_chip(|chip| {
            chips.push(chip.clone());
            Ok(())
        })?;
        Ok(chips)
    }

    /// The id of a unit.
    pub fn unit_id(&self, number: ItemNumber) -> Option<&ItemId> {
        self.units.get(&number).map(|unit| &unit.leaf.id)
    }

    fn chip(
        &self,
        number: ItemNumber,
        leaf: Item,
        model: ModelNumber,
        named_at: Time,
        stays: Vec<Stay>,
    ) -> Chip {
        let last = stays.last().map(|stay| stay.containers.as_slice());
        let last = last.unwrap_or_default().iter();
        let units: Vec<&Unit> = last.filter_map(|unit| self.units.get(unit)).collect();
        let disputed = leaf.is_disputed() || units.iter().any(|unit| unit.leaf.is_disputed());
        let evidences = units.iter().map(|unit| unit.leaf.evidence);
        let best = evidences
            .chain([leaf.evidence])
            .max_by_key(|evidence| (evidence.at, evidence.kind));
        let then = stays
            .iter()
            .rev()
            .find(|stay| self.moment.includes(stay.from));
        let containers = then.map(|stay| stay.containers.as_slice());
        let named = containers.unwrap_or_default().iter();
        let named = named.filter_map(|unit| self.units.get(unit).map(|unit| unit.named_at));
        Chip {
            number,
            id: leaf.id,
            model,
            disputed,
            evidence: best.map(|evidence| (evidence.kind, evidence.at)),
            named_at: named.chain([named_at]).max().unwrap_or(named_at),
            stays,
        }
    }

    fn compose_unit(&mut self, number: ItemNumber, depth: usize) {
        if self.stays.contains_key(&number) || depth > DEPTH_MAX {
            return;
        }
        let inside = |own: &Own| match own.facts.location {
            Location::In(unit) => Some(unit),
            Location::At { .. } => None,
        };
        let Some(unit) = self.units.get(&number) else {
            return;
        };
        let outer: Vec<_> = unit.own.iter().filter_map(inside).collect();
        for unit in outer {
            self.compose_unit(unit, depth + 1);
        }
        if let Some(unit) = self.units.get(&number) {
            let stays = self.compose(&unit.own);
            self.stays.insert(number, stays);
        }
    }

    fn compose(&self, own: &[Own]) -> Vec<Partial> {
        let mut stays = Vec::new();
        for own in own {
            match &own.facts.location {
                Location::At { place, holder } => stays.push(Partial {
                    from: own.from,
                    until: own.until,
                    spot: own.spot,
                    place: place.clone(),
                    holder: holder.clone(),
                    owner: own.facts.owner.clone(),
                    user: own.facts.user.clone(),
                    status: own.facts.status,
                    irregularity: own.facts.irregularity,
                    containers: Vec::new(),
                }),
                Location::In(unit) => {
                    let outer = self.stays.get(unit).map(Vec::as_slice).unwrap_or_default();
                    stays.extend(outer.iter().filter_map(|outer| within(own, *unit, outer)));
                }
            }
        }
        stays
    }
}

/// The part of a unit's stay during which an item was in it, with what the item itself says.
fn within(own: &Own, unit: ItemNumber, outer: &Partial) -> Option<Partial> {
    let from = own.from.max(outer.from);
    let until = match (own.until, outer.until) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    if until.is_some_and(|until| until <= from) {
        return None;
    }
    let ended = outer.status.filter(|status| status.is_ended());
    let (status, irregularity) = match own.facts.status {
        Some(status) if ended.is_none() => (Some(status), own.facts.irregularity),
        Some(_) => (ended, own.facts.irregularity),
        None => (outer.status, outer.irregularity),
    };
    let mut containers = vec![unit];
    containers.extend(&outer.containers);
    Some(Partial {
        from,
        until,
        spot: (own.from, own.spot).max((outer.from, outer.spot)).1,
        place: outer.place.clone(),
        holder: outer.holder.clone(),
        owner: own.facts.owner.clone().or_else(|| outer.owner.clone()),
        user: own.facts.user.clone().or_else(|| outer.user.clone()),
        status,
        irregularity,
        containers,
    })
}

fn whole(partial: Partial) -> Stay {
    let owner = partial.owner.unwrap_or_else(|| partial.holder.clone());
    Stay {
        from: partial.from,
        until: partial.until,
        spot: partial.spot,
        place: partial.place,
        user: partial.user.unwrap_or_else(|| owner.clone()),
        holder: partial.holder,
        owner,
        status: partial.status.unwrap_or(Status::Stock),
        irregularity: partial.irregularity,
        containers: partial.containers,
    }
}

/// What stands of an item's own movements, each until the next.
fn own(events: Vec<chipledger_ledger::read::movements::ItemEvent>) -> Vec<Own> {
    let mut spans: Vec<Own> = Vec::new();
    for (facts, event) in stack(events) {
        let from = event.occurred_at;
        if let Some(last) = spans.last_mut() {
            last.until = Some(from);
        }
        spans.push(Own {
            from,
            until: None,
            spot: event.spot,
            facts,
        });
    }
    // Of several movements at one instant the last counts.
    spans.retain(|span| span.until.is_none_or(|until| span.from < until));
    spans
}

fn named_at(events: &[chipledger_ledger::read::movements::ItemEvent], moment: Moment) -> Time {
    let times = events.iter().map(|event| event.occurred_at);
    let times = times.filter(|time| moment.includes(*time));
    times.max().unwrap_or_default()
}

/// Leaves by number: a page at a time.
struct Leaves<'a, 'd> {
    view: &'a View<'d>,
    page: Option<(u64, chipledger_ledger::state::Page)>,
}

impl<'a, 'd> Leaves<'a, 'd> {
    fn new(view: &'a View<'d>) -> Self {
        Self { view, page: None }
    }

    fn get(&mut self, number: ItemNumber) -> Result<Item, QueryError> {
        let (page, place) = page_of(number);
        if self.page.as_ref().is_none_or(|(held, _)| *held != page) {
            self.page = Some((page, self.view.page(page)?));
        }
        let unknown = || QueryError::ItemUnknown {
            id: format!("item number {}", number.0),
        };
        let held = self.page.as_ref().map(|(_, page)| page.item(place));
        held.transpose()?.flatten().ok_or_else(unknown)
    }
}

/// The moment of a question as the last height knows it: for what is asked of the present.
pub fn now(view: &View<'_>) -> Result<Moment, QueryError> {
    view.moment(chipledger_ledger::read::AsOf::default())
}

/// The moment right after a height: all that it and those before it say.
pub fn at_height(view: &View<'_>, height: Height) -> Result<Moment, QueryError> {
    view.moment(chipledger_ledger::read::AsOf {
        at: None,
        known_at: Some(chipledger_ledger::read::Known::Height(height)),
    })
}
