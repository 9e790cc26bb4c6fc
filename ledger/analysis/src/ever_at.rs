//! Which chips were ever somewhere or with somebody, and when.

use std::collections::BTreeMap;

use chipledger_ledger::read::{Moment, QueryError, Spot};
use chipledger_ledger::store::View;
use chipledger_proof::state::{Key, ModelNumber, Site};
use chipledger_schemas::ids::{Height, ItemId, MemberId, SiteId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::movement::Place;
use chipledger_schemas::time::Time;
use chipledger_schemas::words::Status;
use serde::{Deserialize, Serialize};

use crate::ask::{self, AskError};
use crate::journeys::{Chip, Journeys, Stay};

/// Where, or with whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Somewhere {
    /// At a site.
    Site(SiteId),
    /// In a jurisdiction, by what was said of sites at the time.
    Jurisdiction(Jurisdiction),
    /// With a member, as what it then was to the chip.
    Member(MemberId),
}

/// What a place or member was to a chip.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// It was there.
    Place,
    /// The member had custody.
    Holder,
    /// The member owned it.
    Owner,
    /// The member used it.
    User,
}

impl Relation {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Holder => "holder",
            Self::Owner => "owner",
            Self::User => "user",
        }
    }
}

/// A time that a chip spent there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Interval {
    /// The chip.
    pub id: ItemId,
    /// Its model.
    pub model: String,
    /// What it was to the chip.
    pub relation: Relation,
    /// Event time from which on.
    pub from: Time,
    /// Event time until when; absent if it is still so.
    pub until: Option<Time>,
    /// The record that began it.
    pub record: Spot,
    /// State of life at its end, or now.
    pub status: Status,
    /// Whether the chip is disputed as of the last height.
    pub disputed: bool,
}

/// Intervals by chip, in the order of registration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EverAt {
    /// Intervals.
    pub rows: Vec<Interval>,
    /// Chips that have one.
    pub chips: u64,
    /// Of which still there at the moment.
    pub still: u64,
    /// Of the chips, disputed as of the last height.
    pub disputed: u64,
    /// Of the chips, irregular at the end of an interval.
    pub irregular: u64,
}

/// Chips that were ever there by a moment; what an event time after the moment says does not count.
pub fn ever_at(view: &View<'_>, somewhere: &Somewhere, moment: Moment) -> Result<EverAt, AskError> {
    ask::whole_history(view)?;
    let mut seeker = Seeker {
        view,
        somewhere,
        moment,
        jurisdictions: BTreeMap::new(),
    };
    match somewhere {
        Somewhere::Site(site) => drop(ask::site(view, site)?),
        Somewhere::Member(member) => drop(ask::member(view, member)?),
        Somewhere::Jurisdiction(_) => {}
    }
    let models = view.models()?;
    let name = |model: ModelNumber| {
        let found = models.get(usize::from(model.0));
        found.map_or_else(|| "unknown".to_owned(), |(id, _)| id.clone())
    };
    let mut answer = EverAt {
        rows: Vec::new(),
        chips: 0,
        still: 0,
        disputed: 0,
        irregular: 0,
    };
    let journeys = Journeys::read(view, moment)?;
    journeys.every_chip(|chip| {
        let mut rows = seeker.intervals(chip)?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in &mut rows {
            row.model = name(chip.model);
        }
        answer.chips += 1;
        answer.disputed += u64::from(chip.disputed);
        answer.still += u64::from(rows.iter().any(|row| row.until.is_none()));
        answer.irregular += u64::from(rows.iter().any(|row| row.status == Status::Irregular));
        answer.rows.append(&mut rows);
        Ok(())
    })?;
    Ok(answer)
}

struct Seeker<'a, 'd> {
    view: &'a View<'d>,
    somewhere: &'a Somewhere,
    moment: Moment,
    /// Whose law held at sites, from when on.
    jurisdictions: BTreeMap<SiteId, Vec<(Time, Jurisdiction)>>,
}

impl Seeker<'_, '_> {
    fn intervals(&mut self, chip: &Chip) -> Result<Vec<Interval>, QueryError> {
        let mut rows: Vec<Interval> = Vec::new();
        for stay in &chip.stays {
            let ends = |at: Time| self.moment.at.is_some_and(|asked| at > asked);
            if ends(stay.from) || !stay.exists() {
                continue;
            }
            // What ended after the moment was still so then.
            let until = stay.until.filter(|until| !ends(*until));
            for (relation, from, until) in self.relations(stay, until)? {
                let joined = rows.iter_mut().rev().find(|row| row.relation == relation);
                match joined {
                    Some(last) if last.until == Some(from) => {
                        last.until = until;
                        last.status = stay.status;
                    }
                    _ => rows.push(Interval {
                        id: chip.id.clone(),
                        model: String::new(),
                        relation,
                        from,
                        until,
                        record: stay.spot,
                        status: stay.status,
                        disputed: chip.disputed,
                    }),
                }
            }
        }
        rows.sort_by_key(|row| (row.from, row.relation));
        Ok(rows)
    }

    /// What the place or member was to a chip during a stay.
    fn relations(
        &mut self,
        stay: &Stay,
        until: Option<Time>,
    ) -> Result<Vec<(Relation, Time, Option<Time>)>, QueryError> {
        let whole = |holds: bool, relation| holds.then_some((relation, stay.from, until));
        Ok(match self.somewhere {
            Somewhere::Site(site) => {
                let there = stay.place == Place::Site(site.clone());
                whole(there, Relation::Place).into_iter().collect()
            }
            Somewhere::Member(member) => [
                whole(stay.holder == *member, Relation::Holder),
                whole(stay.owner == *member, Relation::Owner),
                whole(stay.user == *member, Relation::User),
            ]
            .into_iter()
            .flatten()
            .collect(),
            Somewhere::Jurisdiction(wanted) => match &stay.place {
                Place::Site(site) => {
                    let spans = self.spans(site)?;
                    let spans = overlaps(spans, *wanted, stay.from, until);
                    let placed = |(from, until)| (Relation::Place, from, until);
                    spans.into_iter().map(placed).collect()
                }
                Place::Transit(_) => Vec::new(),
            },
        })
    }

    /// Whose law held at a site from when on: by event time, the block time of what was said; the
    /// first word counts for the time before it.
    fn spans(&mut self, site: &SiteId) -> Result<&[(Time, Jurisdiction)], QueryError> {
        if !self.jurisdictions.contains_key(site) {
            let key = Key::Site(site.clone());
            let mut spans = Vec::new();
            for (height, version) in self.view.every_version::<Site>(&key, self.moment.known)? {
                let header = match (height, spans.is_empty()) {
                    (Height(0), _) | (_, true) => None,
                    _ => self.view.header(height)?,
                };
                let from = header.map_or(Time(0), |(header, _)| header.time);
                spans.push((from, version.jurisdiction));
            }
            self.jurisdictions.insert(site.clone(), spans);
        }
        Ok(self.jurisdictions.get(site).map_or(&[], Vec::as_slice))
    }
}

/// Parts of a span of time in which a jurisdiction held.
fn overlaps(
    spans: &[(Time, Jurisdiction)],
    wanted: Jurisdiction,
    from: Time,
    until: Option<Time>,
) -> Vec<(Time, Option<Time>)> {
    let mut found: Vec<(Time, Option<Time>)> = Vec::new();
    for (place, (begins, jurisdiction)) in spans.iter().enumerate() {
        let ends = spans.get(place + 1).map(|(time, _)| *time);
        let begins = from.max(*begins);
        let ends = match (ends, until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        if *jurisdiction != wanted || ends.is_some_and(|ends| ends <= begins) {
            continue;
        }
        match found.last_mut() {
            Some(last) if last.1 == Some(begins) => last.1 = ends,
            _ => found.push((begins, ends)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_that_changed_its_law_was_in_each_for_its_time() {
        let (de, fr) = ("DE".parse().unwrap(), "FR".parse().unwrap());
        let spans = [
            (Time(0), de),
            (Time(10), fr),
            (Time(15), fr),
            (Time(20), de),
        ];
        let of = |wanted, from, until: Option<u64>| {
            let found = overlaps(&spans, wanted, Time(from), until.map(Time));
            let plain = |(from, until): (Time, Option<Time>)| (from.0, until.map(|until| until.0));
            found.into_iter().map(plain).collect::<Vec<_>>()
        };
        assert_eq!(of(de, 5, None), [(5, Some(10)), (20, None)]);
        assert_eq!(of(fr, 5, None), [(10, Some(20))]);
        assert_eq!(of(fr, 12, Some(14)), [(12, Some(14))]);
        assert_eq!(of(de, 10, Some(20)), []);
    }
}
