//! What was seen at a site: listings by who runs it or holds things there, and inspections.

use std::collections::{BTreeMap, BTreeSet};

use chipledger_ledger::read::{AsOf, Known, Moment, QueryError, Spot};
use chipledger_ledger::store::View;
use chipledger_proof::state::Site;
use chipledger_schemas::ids::{Height, ItemId, MemberId, Reference};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::records::declare_inventory::Listing;
use chipledger_schemas::records::{DeclareInventory, Inspect, Record};
use chipledger_schemas::time::Time;
use serde::{Deserialize, Serialize};

use super::{Period, Told};
use crate::ask::{AskError, first_height_since};
use crate::journeys::{Chip, Journeys};

/// Whether a chip that was looked for was there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It, or a container of it, was seen.
    Seen,
    /// It should have been there and was not.
    NotSeen,
}

/// Who last looked for a chip, and what came of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Seen {
    /// Whether it was there.
    pub verdict: Verdict,
    /// When.
    pub at: Time,
    /// Who says so.
    pub member: MemberId,
    /// The record.
    pub record: Spot,
}

/// Something seen there that was not in the book there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Extra {
    /// Its label.
    pub id: ItemId,
    /// When it was seen.
    pub at: Time,
    /// Who says so.
    pub member: MemberId,
    /// Where the book had it then; absent if it was not registered.
    pub booked: Option<String>,
    /// The record.
    pub record: Spot,
}

/// A listing or an inspection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Observation {
    /// When.
    pub at: Time,
    /// Who.
    pub member: MemberId,
    /// `inventory` or `inspection`.
    pub kind: String,
    /// Whether an inventory claims to name everything; of one in parts nobody says whether all
    /// parts are there.
    pub complete: Option<bool>,
    /// The plan of an inspection.
    pub plan: Option<Reference>,
    /// Items seen.
    pub seen: u64,
    /// Items looked for and not seen, as an inspection names them.
    pub absent: u64,
    /// Items with a broken seal or other marks.
    pub tampered: u64,
    /// Its records, in the order decided.
    pub records: Vec<Spot>,
}

/// One look at the site.
struct Look {
    at: Time,
    member: MemberId,
    seen: BTreeSet<ItemId>,
    absent: BTreeSet<ItemId>,
    /// Whether what is not named was not there.
    is_listing: bool,
    observation: Observation,
}

impl Look {
    fn told(&self) -> Told {
        let last = self.observation.records.last().copied();
        (self.at, last.unwrap_or_default())
    }
}

/// All looks in a period.
pub(super) struct Observed {
    looks: Vec<Look>,
}

impl Observed {
    /// Reads the blocks from the period's beginning to what was known.
    pub(super) fn read(
        view: &View<'_>,
        period: &Period<'_>,
        site: &Site,
        moment: Moment,
    ) -> Result<Self, AskError> {
        let mut listings: BTreeMap<(Time, MemberId), Look> = BTreeMap::new();
        let mut looks = Vec::new();
        // Event times lie a little after block times at most.
        let first = first_height_since(view, period.from.minus_ms(3_600_000))?;
        for height in first.max(1)..=moment.known.0 {
            let height = Height(height);
            let Some(block) = view.block(height)? else {
                continue;
            };
            for (transaction, signed) in (0..).zip(&block.block.transactions) {
                for (record, content) in (0..).zip(&signed.body.records) {
                    let spot = Spot {
                        height,
                        transaction,
                        record,
                    };
                    let member = &signed.body.member;
                    match content {
                        Record::DeclareInventory(listing)
                            if listing.site == *period.site
                                && period.includes(listing.occurred_at) =>
                        {
                            let key = (listing.occurred_at, member.clone());
                            let look = listings
                                .entry(key)
                                .or_insert_with(|| empty(listing.occurred_at, member, true));
                            list(look, listing, spot);
                        }
                        Record::Inspect(inspect)
                            if inspect.site == *period.site
                                && period.includes(inspect.occurred_at) =>
                        {
                            looks.push(inspected(inspect, member, spot));
                        }
                        _ => {}
                    }
                }
            }
        }
        looks.extend(listings.into_values());
        // Who runs a site lists it last among equals: its listing is about everything.
        let rank = |look: &Look| (look.told(), look.member == site.operator);
        looks.sort_by_key(rank);
        Ok(Self { looks })
    }

    /// The last time that a chip of the book was looked for.
    pub(super) fn last_of(
        &self,
        chip: &Chip,
        period: &Period<'_>,
        site: &Site,
        journeys: &Journeys<'_, '_>,
    ) -> Option<Seen> {
        self.looks.iter().rev().find_map(|look| {
            let stay = chip.at(Some(look.at)).filter(|stay| period.books(stay))?;
            let units = stay.containers.iter();
            let units = units.filter_map(|unit| journeys.unit_id(*unit));
            let ids: Vec<&ItemId> = units.chain([&chip.id]).collect();
            let about_it = look.member == site.operator || look.member == stay.holder;
            let verdict = if ids.iter().any(|id| look.seen.contains(id)) {
                Verdict::Seen
            } else if ids.iter().any(|id| look.absent.contains(id)) || (look.is_listing && about_it)
            {
                Verdict::NotSeen
            } else {
                return None;
            };
            Some(Seen {
                verdict,
                at: look.at,
                member: look.member.clone(),
                record: look.told().1,
            })
        })
    }

    /// What was seen there and was not in the book there at the time.
    pub(super) fn extra(
        &self,
        view: &View<'_>,
        period: &Period<'_>,
        moment: Moment,
    ) -> Result<Vec<Extra>, AskError> {
        let mut extra = Vec::new();
        for look in &self.looks {
            let as_of = AsOf {
                at: Some(look.at),
                known_at: Some(Known::Height(moment.known)),
            };
            for id in &look.seen {
                let booked = match view.whereabouts(id, as_of) {
                    Ok(found) if found.place == period.site.as_str() => {
                        if !found.status.is_ended() {
                            continue;
                        }
                        Some(found.status.to_string())
                    }
                    Ok(found) => Some(found.place),
                    Err(QueryError::ItemUnknown { .. }) => None,
                    Err(error) => return Err(error.into()),
                };
                extra.push(Extra {
                    id: id.clone(),
                    at: look.at,
                    member: look.member.clone(),
                    booked,
                    record: look.told().1,
                });
            }
        }
        Ok(extra)
    }

    /// The looks themselves.
    pub(super) fn told(&self) -> Vec<Observation> {
        let told = self.looks.iter();
        told.map(|look| look.observation.clone()).collect()
    }
}

fn empty(at: Time, member: &MemberId, is_listing: bool) -> Look {
    let kind = if is_listing {
        "inventory"
    } else {
        "inspection"
    };
    Look {
        at,
        member: member.clone(),
        seen: BTreeSet::new(),
        absent: BTreeSet::new(),
        is_listing,
        observation: Observation {
            at,
            member: member.clone(),
            kind: kind.to_owned(),
            complete: is_listing.then_some(false),
            plan: None,
            seen: 0,
            absent: 0,
            tampered: 0,
            records: Vec::new(),
        },
    }
}

/// Adds a record to a listing: those of one member and one time belong together.
fn list(look: &mut Look, listing: &DeclareInventory, spot: Spot) {
    look.seen.extend(listing.items.ids());
    look.observation.seen = look.seen.len() as u64;
    look.observation.records.push(spot);
    if listing.listing == Listing::Complete {
        look.observation.complete = Some(true);
    }
}

fn inspected(inspect: &Inspect, member: &MemberId, spot: Spot) -> Look {
    let mut look = empty(inspect.occurred_at, member, false);
    for items in [&inspect.found, &inspect.extra, &inspect.tampered] {
        look.seen.extend(items.ids());
    }
    look.absent.extend(inspect.absent.ids());
    let count = |items: &ItemSet| items.len();
    look.observation.plan.clone_from(&inspect.plan);
    look.observation.seen = look.seen.len() as u64;
    look.observation.absent = count(&inspect.absent);
    look.observation.tampered = count(&inspect.tampered);
    look.observation.records.push(spot);
    look
}
