//! A whole journey: every record that named an item, and that named a container while it was
//! inside, complete from one header.
//!
//! An item's leaf folds every record that named it into `history`, and stacks its movements under
//! `movement`. So the list of records is complete if it folds to the leaf, and the containers that
//! the item was in are those that its movements put it into. Containers come with their own lists,
//! folded the same way, and the bytes of the records that named them during the stay. A movement
//! that was corrected shows as a record of the item; what it wrongly said about containers is not
//! followed.

use std::collections::{BTreeMap, BTreeSet};

use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{Height, ItemId, ItemNumber, MemberId, RecordId};
use chipledger_schemas::merkle::ListPath;
use chipledger_schemas::movement::{Facts, Location, Movement};
use chipledger_schemas::records::Record;
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::{Head, record_digest};
use serde::{Deserialize, Serialize};

use super::item::{Kind, kind_of, number_of};
use super::{Refusal, require};
use crate::shown::{Roots, ShownCatalogue, ShownItems, ShownNames};
use crate::state::{Item, LastMovement, next_history};

/// Units nest at most 8 deep; a chain of stays is not followed further than twice that.
const DEPTH_MAX: usize = 16;

/// A record that named an item.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The record.
    pub record: RecordId,
    /// Height of its block.
    pub height: Height,
}

/// What happened to one item.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// Every record that named it, oldest first.
    pub events: Vec<Event>,
    /// Movements below the one that the leaf holds, newest first: preimages of the digests.
    pub below: Vec<Movement>,
}

/// A record with its way to its id.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownRecord {
    /// Head of its transaction: hashes to the transaction's id.
    pub head: Head,
    /// The record.
    pub record: Record,
    /// From the record to the head's root of records.
    pub path: ListPath,
}

/// Shows a journey.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JourneyProof {
    /// The item.
    pub id: ItemId,
    /// Its block of serials: says which number the id has.
    pub names: ShownNames,
    /// The item and everything that it was ever in.
    pub items: ShownItems,
    /// What happened to each of them, in the same order.
    pub histories: Vec<History>,
    /// The records, ascending by id.
    pub records: Vec<ShownRecord>,
    /// The catalogue, for a chip.
    pub catalogue: Option<ShownCatalogue>,
}

/// A time that an item spent in a container, by height of the records that say so.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Stay {
    /// The container.
    pub container: ItemNumber,
    /// When.
    pub span: Span,
}

/// From a height to another, both included; without end if it lasts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Span {
    /// The first height.
    pub from: Height,
    /// The last height.
    pub until: Option<Height>,
}

/// One step of a journey.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Step {
    /// Height of the block.
    pub height: Height,
    /// The record.
    pub record: RecordId,
    /// The item that it named: the one asked for, or a container.
    pub item: ItemId,
    /// Who said it.
    pub member: MemberId,
    /// When it was signed, as the signer claims.
    pub signed_at: Time,
    /// When it happened, if the kind says so.
    pub occurred_at: Option<Time>,
    /// What it said.
    pub content: Record,
}

/// A stay in a container.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct StayStatement {
    /// The item or container that was inside.
    pub item: ItemId,
    /// The container.
    pub container: ItemId,
    /// When, by height.
    pub span: Span,
}

/// A complete journey.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct JourneyStatement {
    /// The item.
    pub id: ItemId,
    /// Chip or unit.
    pub kind: Kind,
    /// Every record, by height; within a block in the order of each item's own list.
    pub steps: Vec<Step>,
    /// Containers, by the height at which the stay began.
    pub stays: Vec<StayStatement>,
}

impl Span {
    /// Everything.
    pub const ALL: Self = Self {
        from: Height(0),
        until: None,
    };

    /// Whether a height lies in it.
    pub fn includes(&self, height: Height) -> bool {
        height >= self.from && self.until.is_none_or(|until| height <= until)
    }

    fn covers(&self, other: &Self) -> bool {
        let ends = match (self.until, other.until) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(mine), Some(theirs)) => theirs <= mine,
        };
        self.from <= other.from && ends
    }

    fn common(&self, other: &Self) -> Option<Self> {
        let from = self.from.max(other.from);
        let until = match (self.until, other.until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        until
            .is_none_or(|until| from <= until)
            .then_some(Self { from, until })
    }
}

/// The item and everything that it was ever in, each with the spans that belong to the journey.
/// `stays` says where an item was inside.
///
/// # Errors
/// Whatever `stays` says.
pub fn closure<E>(
    subject: ItemNumber,
    mut stays: impl FnMut(ItemNumber) -> Result<Vec<Stay>, E>,
) -> Result<BTreeMap<ItemNumber, Vec<Span>>, E> {
    let mut spans: BTreeMap<ItemNumber, Vec<Span>> = BTreeMap::new();
    let mut open = vec![(subject, Span::ALL, 0)];
    while let Some((number, span, depth)) = open.pop() {
        let known = spans.entry(number).or_default();
        if depth > DEPTH_MAX || known.iter().any(|known| known.covers(&span)) {
            continue;
        }
        known.push(span);
        for stay in stays(number)? {
            if let Some(common) = stay.span.common(&span) {
                open.push((stay.container, common, depth + 1));
            }
        }
    }
    Ok(spans)
}

impl History {
    /// Where an item was inside, by its movements.
    ///
    /// # Errors
    /// [`Refusal::Contradiction`] when the history is not the leaf's.
    pub fn stays(&self, item: &Item) -> Result<Vec<Stay>, Refusal> {
        self.verify(item)?;
        let heights: BTreeMap<_, _> = self.events.iter().map(|e| (e.record, e.height)).collect();
        let newest = match &item.movement {
            LastMovement::Known(movement) => Some(movement),
            LastMovement::Below { .. } => None,
        };
        let mut stays = Vec::new();
        let mut facts: Option<&Facts> = Some(&item.facts);
        let mut until = None;
        for movement in newest.into_iter().chain(&self.below) {
            let height = heights.get(&movement.record);
            let height = *height.ok_or(Refusal::Contradiction {
                what: "a movement by no record",
            })?;
            let after = facts.ok_or(Refusal::Contradiction {
                what: "a movement before the first",
            })?;
            if let Location::In(container) = after.location {
                add_stay(
                    &mut stays,
                    Stay {
                        container,
                        span: Span {
                            from: height,
                            until,
                        },
                    },
                );
            }
            until = Some(height);
            facts = movement.before.as_ref();
        }
        Ok(stays)
    }

    /// Checks that the records fold to the leaf and the movements stack under it.
    fn verify(&self, item: &Item) -> Result<(), Refusal> {
        let fold = |history, event: &Event| next_history(&history, event.record, event.height);
        let history = self.events.iter().fold(Hash::ZERO, fold);
        require(
            history == item.history,
            "the records are not all that named an item",
        )?;
        let mut below = match &item.movement {
            LastMovement::Known(movement) => movement.below,
            LastMovement::Below { digest, .. } => *digest,
        };
        for movement in &self.below {
            require(
                movement.digest() == below,
                "a movement is not the one stacked",
            )?;
            below = movement.below;
        }
        require(below == Hash::ZERO, "a movement is missing")
    }
}

/// Adds an earlier stay; joins it to the one after it when only other facts changed between.
fn add_stay(stays: &mut Vec<Stay>, earlier: Stay) {
    match stays.last_mut() {
        Some(later)
            if later.container == earlier.container
                && earlier.span.until == Some(later.span.from) =>
        {
            later.span.from = earlier.span.from;
        }
        _ => stays.push(earlier),
    }
}

impl ShownRecord {
    /// Its id, once its path is checked.
    pub fn id(&self) -> Result<RecordId, Refusal> {
        let root = self.path.root(&record_digest(&self.record))?;
        require(
            root == self.head.records_root,
            "a record is not its transaction's",
        )?;
        let index = u32::try_from(self.path.index);
        let index = index.map_err(|_| Refusal::Contradiction {
            what: "a record's index is too large",
        })?;
        Ok(RecordId::new(self.head.id(), index))
    }
}

/// Parts of a journey that are checked and found by number or id.
struct Desk<'a> {
    leaves: BTreeMap<ItemNumber, &'a Item>,
    histories: BTreeMap<ItemNumber, &'a History>,
    stays: BTreeMap<ItemNumber, Vec<Stay>>,
    records: BTreeMap<RecordId, &'a ShownRecord>,
}

impl JourneyProof {
    /// The journey, complete.
    pub fn check(&self, roots: &Roots) -> Result<JourneyStatement, Refusal> {
        let number = number_of(&self.id, &self.names, roots)?;
        let desk = self.desk(roots)?;
        let missing = Refusal::Contradiction {
            what: "an item of the journey is not shown",
        };
        let item = desk.leaves.get(&number).ok_or_else(|| missing.clone())?;
        require(item.id == self.id, "the leaf is of another item")?;
        let kind = kind_of(item, self.catalogue.as_ref(), roots)?;
        let spans = closure(number, |number| {
            desk.stays.get(&number).cloned().ok_or(missing.clone())
        })?;
        require(
            spans.len() == desk.leaves.len(),
            "an item is shown that is not of the journey",
        )?;
        let mut statement = JourneyStatement {
            id: self.id.clone(),
            kind,
            steps: Vec::new(),
            stays: Vec::new(),
        };
        // The item first: within a block its own records come before those of its containers.
        let others = spans.iter().filter(|(other, _)| **other != number);
        for (number, spans) in spans.get_key_value(&number).into_iter().chain(others) {
            desk.tell(*number, spans, &mut statement)?;
        }
        let told: BTreeSet<RecordId> = statement.steps.iter().map(|step| step.record).collect();
        require(
            told.len() == desk.records.len(),
            "a record is shown that is not of the journey",
        )?;
        statement.steps.sort_by_key(|step| step.height);
        statement.stays.sort_by_key(|stay| stay.span);
        Ok(statement)
    }

    fn desk(&self, roots: &Roots) -> Result<Desk<'_>, Refusal> {
        let leaves = self.items.verify(roots)?;
        require(self.histories.len() == leaves.len(), "one history per item")?;
        let numbers = self.items.items.iter().map(|shown| shown.number);
        let histories: BTreeMap<_, _> = numbers.zip(&self.histories).collect();
        let mut stays = BTreeMap::new();
        for (number, item) in &leaves {
            stays.insert(*number, histories[number].stays(item)?);
        }
        let ids = self
            .records
            .iter()
            .map(ShownRecord::id)
            .collect::<Result<Vec<_>, _>>()?;
        require(
            ids.is_sorted_by(|a, b| a < b),
            "records are not sorted, each once",
        )?;
        let records = ids.into_iter().zip(&self.records).collect();
        Ok(Desk {
            leaves,
            histories,
            stays,
            records,
        })
    }
}

impl Desk<'_> {
    /// Adds what happened to one item in the given spans.
    fn tell(
        &self,
        number: ItemNumber,
        spans: &[Span],
        statement: &mut JourneyStatement,
    ) -> Result<(), Refusal> {
        let inside = |event: &&Event| spans.iter().any(|span| span.includes(event.height));
        let mut before = None;
        for event in self.histories[&number].events.iter().filter(inside) {
            let shown = self.records.get(&event.record);
            let shown = shown.ok_or(Refusal::Contradiction {
                what: "a record is not shown",
            })?;
            // One record can name an item twice: a correction and what it puts in place.
            if before.replace(*event) == Some(*event) {
                continue;
            }
            statement.steps.push(Step {
                height: event.height,
                record: event.record,
                item: self.leaves[&number].id.clone(),
                member: shown.head.member.clone(),
                signed_at: shown.head.signed_at,
                occurred_at: shown.record.occurred_at(),
                content: shown.record.clone(),
            });
        }
        for stay in &self.stays[&number] {
            let of_journey = spans.iter().any(|span| span.common(&stay.span).is_some());
            if let (true, Some(container)) = (of_journey, self.leaves.get(&stay.container)) {
                statement.stays.push(StayStatement {
                    item: self.leaves[&number].id.clone(),
                    container: container.id.clone(),
                    span: stay.span,
                });
            }
        }
        Ok(())
    }
}
