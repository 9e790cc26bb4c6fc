//! A whole journey: the records that named an item and what it was ever in, found again in the
//! blocks.

use std::collections::{BTreeMap, BTreeSet};

use chipledger_proof::check::journey::{Event, History, JourneyProof, ShownRecord, Stay, closure};
use chipledger_proof::list_path;
use chipledger_proof::state::{Item, LastMovement};
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{Height, ItemId, ItemNumber, RecordId};
use chipledger_schemas::movement::{Facts, Movement};
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::{Body, Head};

use super::{Desk, ProveError, damaged};
use crate::read::movements::ItemEvent;
use crate::read::{QueryError, Spot};
use crate::state::Change;

impl Desk<'_> {
    pub(super) fn journey(&self, id: &ItemId) -> Result<JourneyProof, ProveError> {
        let number = self.view.item_number(id)?;
        let mut search = Search {
            desk: self,
            bodies: BTreeMap::new(),
            found: BTreeMap::new(),
        };
        let spans = closure(number, |number| search.stays(number))?;
        let mut spots = BTreeSet::new();
        let mut histories = Vec::new();
        let numbers: Vec<ItemNumber> = spans.keys().copied().collect();
        for (number, spans) in &spans {
            let (history, places) = search.found.remove(number).unwrap_or_default();
            for (event, spot) in history.events.iter().zip(places) {
                if spans.iter().any(|span| span.includes(event.height)) {
                    spots.insert(spot);
                }
            }
            histories.push(history);
        }
        let mut records = BTreeMap::new();
        for spot in spots {
            let (id, shown) = search.record(spot)?;
            records.insert(id, shown);
        }
        Ok(JourneyProof {
            id: id.clone(),
            names: self.names(id)?,
            items: self.items(numbers)?,
            histories,
            records: records.into_values().collect(),
            catalogue: self.catalogue_for(&self.view.leaf(number)?)?,
        })
    }
}

/// A transaction's body with what is computed from all of it.
struct Known {
    body: Body,
    head: Head,
    digests: Vec<Hash>,
}

/// Histories and bodies found so far.
struct Search<'d, 's> {
    desk: &'d Desk<'s>,
    bodies: BTreeMap<(Height, u32), Known>,
    found: BTreeMap<ItemNumber, (History, Vec<Spot>)>,
}

impl Search<'_, '_> {
    fn stays(&mut self, number: ItemNumber) -> Result<Vec<Stay>, ProveError> {
        let item = self.desk.view.leaf(number)?;
        if !self.found.contains_key(&number) {
            let found = self.history(number, &item)?;
            self.found.insert(number, found);
        }
        Ok(self.found[&number].0.stays(&item)?)
    }

    fn history(
        &mut self,
        number: ItemNumber,
        item: &Item,
    ) -> Result<(History, Vec<Spot>), ProveError> {
        let head = self.desk.tip.head.header.height;
        let happened = self.desk.view.item_events(number, head)?;
        if happened.iter().any(|event| event.spot.is_base()) {
            let first = self.desk.view.first_height()?;
            return Err(QueryError::BeforeHistory { first }.into());
        }
        let mut history = History::default();
        let mut spots = Vec::with_capacity(happened.len());
        let mut stack = Stack::default();
        for event in happened {
            let spot = event.spot;
            let record = RecordId::new(self.known(spot)?.head.id(), spot.record);
            history.events.push(Event {
                record,
                height: spot.height,
            });
            spots.push(spot);
            stack.take(record, event)?;
        }
        // The leaf holds the newest movement itself, unless that was undone.
        if let LastMovement::Known(_) = item.movement {
            stack.movements.pop();
        }
        stack.movements.reverse();
        history.below = stack.movements;
        Ok((history, spots))
    }

    fn known(&mut self, spot: Spot) -> Result<&Known, ProveError> {
        let place = (spot.height, spot.transaction);
        if !self.bodies.contains_key(&place) {
            let (transaction, _) = self.desk.view.record_at(spot)?;
            let body = transaction.body;
            let known = Known {
                head: body.head(),
                digests: body.record_digests(),
                body,
            };
            self.bodies.insert(place, known);
        }
        Ok(&self.bodies[&place])
    }

    fn record(&mut self, spot: Spot) -> Result<(RecordId, ShownRecord), ProveError> {
        let known = self.known(spot)?;
        let index = usize::try_from(spot.record).unwrap_or(usize::MAX);
        let record = known
            .body
            .records
            .get(index)
            .ok_or_else(|| damaged("a record is missing"))?;
        let shown = ShownRecord {
            head: known.head.clone(),
            record: record.clone(),
            path: list_path(&known.digests, u64::from(spot.record)),
        };
        Ok((RecordId::new(known.head.id(), spot.record), shown))
    }
}

/// An item's movements as execution stacked them.
#[derive(Default)]
struct Stack {
    movements: Vec<Movement>,
    facts: Option<Facts>,
    below: Hash,
    moved_at: Time,
}

impl Stack {
    fn take(&mut self, record: RecordId, event: ItemEvent) -> Result<(), ProveError> {
        match event.change {
            Change::Moved(facts) => {
                let movement = Movement {
                    record,
                    occurred_at: event.occurred_at,
                    before: self.facts.replace(facts),
                    previous_at: self.moved_at,
                    below: self.below,
                };
                (self.moved_at, self.below) = (event.occurred_at, movement.digest());
                self.movements.push(movement);
            }
            Change::Undone(facts) => {
                let undone = self.movements.pop();
                let undone = undone.ok_or_else(|| damaged("a correction of nothing"))?;
                (self.moved_at, self.below) = (undone.previous_at, undone.below);
                self.facts = Some(facts);
            }
            Change::Noted => {}
        }
        Ok(())
    }
}
