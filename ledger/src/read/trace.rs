//! The whole journey of an item: every record that named it, or moved a container it was in.

use chipledger_schemas::ids::{ItemId, ItemNumber, MemberId, RecordId};
use chipledger_schemas::movement::{Facts, Location};
use chipledger_schemas::records::{Kind, Record};
use chipledger_schemas::time::Time;
use serde::{Deserialize, Serialize};

use super::movements::ItemEvent;
use super::{Moment, QueryError, Spot};
use crate::state::Change;
use crate::store::View;

/// One step of a journey.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Where the record stands.
    pub spot: Spot,
    /// The record's id.
    pub record_id: RecordId,
    /// Its kind.
    pub kind: Kind,
    /// Who signed it.
    pub member: MemberId,
    /// Event time.
    pub occurred_at: Time,
    /// Block time.
    pub known_at: Time,
    /// The item that it named: the one traced, or a container of it.
    pub item: ItemId,
    /// Whether it undid a movement.
    pub undone: bool,
    /// Where the item named was afterwards, if it moved: place, or container.
    pub place: Option<String>,
    /// Who held it afterwards, if it is a root.
    pub holder: Option<MemberId>,
    /// The record itself.
    pub content: Record,
}

impl View<'_> {
    /// The journey of an item up to a moment, in the order in which records were decided.
    pub fn trace(&self, id: &ItemId, moment: Moment) -> Result<Vec<Step>, QueryError> {
        let number = self.item_number(id)?;
        let mut events = Vec::new();
        self.collect(number, moment, None, &mut events, 0)?;
        if events.iter().any(|(_, event)| event.spot.is_base()) {
            let first = self.first_height()?;
            return Err(QueryError::BeforeHistory { first });
        }
        events.sort_by_key(|(_, event): &(ItemNumber, ItemEvent)| event.spot);
        events.dedup();
        events
            .into_iter()
            .map(|(item, event)| self.step(item, event, moment))
            .collect()
    }

    /// Events of an item, and of its containers while it was in them: spots from `span.0` to before
    /// `span.1`.
    fn collect(
        &self,
        item: ItemNumber,
        moment: Moment,
        span: Option<(Spot, Option<Spot>)>,
        events: &mut Vec<(ItemNumber, ItemEvent)>,
        depth: usize,
    ) -> Result<(), QueryError> {
        let own = self.item_events(item, moment.known)?;
        let within = |spot: &Spot| {
            span.is_none_or(|(from, until)| {
                *spot >= from && until.is_none_or(|until| *spot < until)
            })
        };
        let mut inside: Option<(ItemNumber, Spot)> = None;
        for event in &own {
            if let Change::Moved(facts) | Change::Undone(facts) = &event.change {
                let container = container(facts);
                if inside.map(|(unit, _)| unit) != container {
                    if let Some((unit, from)) = inside {
                        self.visit(unit, moment, (from, Some(event.spot)), span, events, depth)?;
                    }
                    inside = container.map(|unit| (unit, event.spot));
                }
            }
            if within(&event.spot) && moment.includes(event.occurred_at) {
                events.push((item, event.clone()));
            }
        }
        match inside {
            Some((unit, from)) => self.visit(unit, moment, (from, None), span, events, depth),
            None => Ok(()),
        }
    }

    fn visit(
        &self,
        unit: ItemNumber,
        moment: Moment,
        (from, until): (Spot, Option<Spot>),
        outer: Option<(Spot, Option<Spot>)>,
        events: &mut Vec<(ItemNumber, ItemEvent)>,
        depth: usize,
    ) -> Result<(), QueryError> {
        let (mut from, mut until) = (from, until);
        if let Some((outer_from, outer_until)) = outer {
            from = from.max(outer_from);
            until = match (until, outer_until) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        // Units nest at most 8 deep; the bound only guards a damaged store.
        if depth > 16 || until.is_some_and(|until| until <= from) {
            return Ok(());
        }
        self.collect(unit, moment, Some((from, until)), events, depth + 1)
    }

    fn step(&self, item: ItemNumber, event: ItemEvent, moment: Moment) -> Result<Step, QueryError> {
        let (transaction, record_id) = self.record_at(event.spot)?;
        let known_at = self
            .header(event.spot.height)?
            .map_or(Time::END, |(header, _)| header.time);
        let index = usize::try_from(event.spot.record).unwrap_or(usize::MAX);
        let content = transaction
            .body
            .records
            .get(index)
            .cloned()
            .ok_or_else(|| crate::state::StateError {
                reason: format!("record {:?} is missing", event.spot),
            })?;
        let facts = match &event.change {
            Change::Moved(facts) | Change::Undone(facts) => Some(facts),
            Change::Noted => None,
        };
        let (place, holder) = match facts.map(|facts| &facts.location) {
            Some(Location::In(unit)) => (Some(format!("in {}", self.leaf(*unit)?.id)), None),
            Some(Location::At { place, holder }) => {
                // What was said then, and not what became of it.
                let whole = Moment { at: None, ..moment };
                let (text, ..) = self.place_text(place, whole, Some(event.spot))?;
                (Some(text), Some(holder.clone()))
            }
            None => (None, None),
        };
        Ok(Step {
            spot: event.spot,
            record_id,
            kind: content.kind(),
            member: transaction.body.member,
            occurred_at: event.occurred_at,
            known_at,
            item: self.leaf(item)?.id,
            undone: matches!(event.change, Change::Undone(_)),
            place,
            holder,
            content,
        })
    }
}

fn container(facts: &Facts) -> Option<ItemNumber> {
    match facts.location {
        Location::In(unit) => Some(unit),
        Location::At { .. } => None,
    }
}
