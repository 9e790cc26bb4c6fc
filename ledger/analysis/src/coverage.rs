//! How much of what is known to have been made is on the ledger: registered chips against outside
//! estimates, by vendor, family of models and quarter, and by owner. The residual is what nobody
//! registered here, or nobody made.
//!
//! The estimates are tables in `data/`, with their credit in `data/README.md` and `NOTICE`.

use std::collections::BTreeMap;

use chipledger_ledger::read::Moment;
use chipledger_ledger::store::View;
use chipledger_proof::state::{Key, Member, ModelNumber};
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::time::Time;
use chipledger_schemas::words::Status;
use serde::{Deserialize, Serialize};

use crate::ask::{AskError, Parents, whole_history};
use crate::journeys::Journeys;

/// Accelerators made per quarter and family.
pub const PRODUCTION: &str = include_str!("../data/production.csv");
/// Accelerators held per quarter, owner and family.
pub const OWNERS: &str = include_str!("../data/owners.csv");
/// Models of each family.
const FAMILIES: &str = include_str!("../data/families.csv");

/// Seats of owners that the tables sum up as `China`.
const CHINA: [&str; 3] = ["CN", "HK", "MO"];

/// Registered chips of a family and quarter, beside the estimate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CoverageRow {
    /// Who designed them.
    pub vendor: String,
    /// Family as the estimate has it; a model of the catalogue where no family covers it.
    pub family: String,
    /// Quarter, such as `2024-Q3`, by event time of registration.
    pub quarter: String,
    /// Whether the quarter was over at the moment.
    pub over: bool,
    /// Chips registered in it, without those registered in error.
    pub registered: u64,
    /// Of which disputed as of the last height.
    pub disputed: u64,
    /// Of which irregular.
    pub irregular: u64,
    /// Chips made, by the estimate.
    pub estimate: Option<Estimate>,
    /// Made and not registered: the estimate's median minus what is registered; below nothing if
    /// more is registered than was made.
    pub residual: Option<i128>,
}

/// An estimate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Estimate {
    /// Median.
    pub median: u64,
    /// 5 % quantile.
    pub low: u64,
    /// 95 % quantile.
    pub high: u64,
}

/// Chips that an owner holds, beside the estimate of what it got in all quarters so far.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OwnerRow {
    /// Owner as the estimate has it: ultimate parents whose name begins with it, by seat
    /// `China`, else `Other`.
    pub owner: String,
    /// Family as the estimate has it.
    pub family: String,
    /// Chips in the book of members that are that owner.
    pub registered: u64,
    /// Chips, by the estimate's medians.
    pub estimate: u64,
    /// The estimate minus what is registered.
    pub residual: i128,
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Coverage {
    /// By vendor, family and quarter.
    pub rows: Vec<CoverageRow>,
    /// By owner and family.
    pub owners: Vec<OwnerRow>,
    /// Chips registered in quarters and families that the estimate covers.
    pub registered: u64,
    /// Chips registered that no estimate covers.
    pub without_estimate: u64,
    /// The estimate's medians in all quarters that had begun.
    pub estimate: u64,
}

/// A row of a table: its fields by the column's name.
type Fields<'t> = BTreeMap<&'t str, &'t str>;

/// Rows of a table that has no quoted field: an edition, a header, values.
fn table(text: &str) -> impl Iterator<Item = Fields<'_>> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let columns: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    lines.map(move |line| columns.iter().copied().zip(line.split(',')).collect())
}

fn number(fields: &Fields<'_>, column: &str) -> u64 {
    fields
        .get(column)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

fn text<'t>(fields: &Fields<'t>, column: &str) -> &'t str {
    fields.get(column).copied().unwrap_or_default()
}

/// Family of each model that has one.
fn families() -> BTreeMap<&'static str, &'static str> {
    let pair = |fields: Fields<'static>| (text(&fields, "model_id"), text(&fields, "chip_family"));
    table(FAMILIES).map(pair).collect()
}

/// The quarter that a time lies in.
pub fn quarter(time: Time) -> String {
    let text = time.to_string();
    let year = text.get(..4).unwrap_or("0000");
    let month: u32 = text
        .get(5..7)
        .and_then(|month| month.parse().ok())
        .unwrap_or(1);
    format!("{year}-Q{}", (month.max(1) - 1) / 3 + 1)
}

#[derive(Default)]
struct Counted {
    vendor: String,
    registered: u64,
    disputed: u64,
    irregular: u64,
    estimate: Option<Estimate>,
}

/// Compares what was registered by a moment with what was made by then.
pub fn coverage(view: &View<'_>, moment: Moment) -> Result<Coverage, AskError> {
    whole_history(view)?;
    let at = moment.at.unwrap_or(moment.known_time);
    let mut rows = estimates(at);
    let mut held: BTreeMap<(MemberId, String), u64> = BTreeMap::new();
    let families = families();
    let models = view.models()?;
    let named = |model: ModelNumber| {
        let found = models.get(usize::from(model.0));
        let (id, vendor) = found.map_or(("unknown", "unknown"), |(id, model)| {
            (id.as_str(), model.vendor.as_str())
        });
        let family = families.get(id).copied().unwrap_or(id);
        (family.to_owned(), vendor.to_owned())
    };
    Journeys::read(view, moment)?.every_chip(|chip| {
        let (Some(first), Some(stay)) = (chip.stays.first(), chip.at(moment.at)) else {
            return Ok(());
        };
        if !moment.includes(first.from) || stay.status == Status::Void {
            return Ok(());
        }
        let (family, vendor) = named(chip.model);
        if stay.exists() {
            *held
                .entry((stay.owner.clone(), family.clone()))
                .or_default() += 1;
        }
        let row = rows.entry((family, quarter(first.from))).or_default();
        if row.vendor.is_empty() {
            row.vendor = vendor;
        }
        row.registered += 1;
        row.disputed += u64::from(chip.disputed);
        row.irregular += u64::from(stay.status == Status::Irregular);
        Ok(())
    })?;
    let sum = |count: &dyn Fn(&Counted) -> u64| -> u64 { rows.values().map(count).sum() };
    let covered = |row: &Counted| row.estimate.map_or(0, |_| row.registered);
    let (registered, all) = (sum(&covered), sum(&|row| row.registered));
    let estimate = sum(&|row| row.estimate.map_or(0, |estimate| estimate.median));
    let this_quarter = quarter(at);
    let mut rows: Vec<CoverageRow> = rows
        .into_iter()
        .map(|(key, counted)| row(key, counted, &this_quarter))
        .collect();
    rows.sort_by(|a, b| {
        let key = |row: &CoverageRow| {
            let vendor = row.vendor.clone();
            (vendor, row.family.clone(), row.quarter.clone())
        };
        key(a).cmp(&key(b))
    });
    Ok(Coverage {
        rows,
        owners: owners(view, moment, at, held)?,
        registered,
        without_estimate: all - registered,
        estimate,
    })
}

fn row((family, quarter): (String, String), counted: Counted, now: &str) -> CoverageRow {
    let residual =
        |estimate: Estimate| i128::from(estimate.median) - i128::from(counted.registered);
    CoverageRow {
        vendor: counted.vendor,
        family,
        over: quarter.as_str() < now,
        quarter,
        registered: counted.registered,
        disputed: counted.disputed,
        irregular: counted.irregular,
        estimate: counted.estimate,
        residual: counted.estimate.map(residual),
    }
}

/// The estimates of all quarters that had begun.
fn estimates(at: Time) -> BTreeMap<(String, String), Counted> {
    let mut rows: BTreeMap<(String, String), Counted> = BTreeMap::new();
    for fields in table(PRODUCTION) {
        let from: Time = text(&fields, "quarter_from").parse().unwrap_or(Time::END);
        if from > at {
            continue;
        }
        let key = (text(&fields, "chip_family").to_owned(), quarter(from));
        let row = rows.entry(key).or_default();
        let so_far = row.estimate.unwrap_or_default();
        text(&fields, "vendor").clone_into(&mut row.vendor);
        row.estimate = Some(Estimate {
            median: so_far.median + number(&fields, "units_median"),
            low: so_far.low + number(&fields, "units_low"),
            high: so_far.high + number(&fields, "units_high"),
        });
    }
    rows
}

fn owners(
    view: &View<'_>,
    moment: Moment,
    at: Time,
    held: BTreeMap<(MemberId, String), u64>,
) -> Result<Vec<OwnerRow>, AskError> {
    let mut rows: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
    let mut names = std::collections::BTreeSet::new();
    for fields in table(OWNERS) {
        let owner = text(&fields, "owner");
        names.insert(owner);
        let from: Time = text(&fields, "quarter_from").parse().unwrap_or(Time::END);
        if from <= at {
            // The owner table sums up what the production table calls H100.
            let family = text(&fields, "chip_family").trim_end_matches("/H200");
            let row = rows
                .entry((owner.to_owned(), family.to_owned()))
                .or_default();
            row.1 += number(&fields, "units_median");
        }
    }
    let mut parents = Parents::new(view, moment);
    let mut owners: BTreeMap<MemberId, String> = BTreeMap::new();
    for ((member, family), chips) in held {
        let parent = parents.of(&member)?;
        let owner = match owners.get(&parent) {
            Some(known) => known.clone(),
            None => {
                let key = Key::Member(parent.clone());
                let found = view.version::<Member>(&key, moment)?;
                let owner = found.map_or("Other", |member| owner_of(&member, &names));
                owners.insert(parent, owner.to_owned());
                owner.to_owned()
            }
        };
        rows.entry((owner, family)).or_default().0 += chips;
    }
    let row =
        |((owner, family), (registered, estimate)): ((String, String), (u64, u64))| OwnerRow {
            owner,
            family,
            registered,
            estimate,
            residual: i128::from(estimate) - i128::from(registered),
        };
    Ok(rows.into_iter().map(row).collect())
}

/// The owner of the tables that a member is: the one whose name its own begins with; `China` by its
/// seat; else `Other`.
fn owner_of<'n>(member: &Member, names: &std::collections::BTreeSet<&'n str>) -> &'n str {
    let own = member.name.to_ascii_lowercase();
    let first = own.split([' ', ',', '.', '-']).next().unwrap_or_default();
    let named = names.iter().find(|name| name.to_ascii_lowercase() == first);
    if let Some(name) = named {
        return name;
    }
    let seat = member.jurisdiction.to_string();
    if CHINA.contains(&seat.as_str()) {
        return "China";
    }
    "Other"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_whole_and_their_families_known() {
        let made: u64 = table(PRODUCTION)
            .map(|fields| number(&fields, "units_median"))
            .sum();
        assert_eq!(made, 19_824_342);
        assert_eq!(table(PRODUCTION).count(), 120);
        assert_eq!(table(OWNERS).count(), 352);
        let families = families();
        let known: std::collections::BTreeSet<_> = families.values().copied().collect();
        for fields in table(PRODUCTION) {
            assert!(known.contains(text(&fields, "chip_family")), "{fields:?}");
            assert!(text(&fields, "quarter_from").parse::<Time>().is_ok());
            let low = number(&fields, "units_low");
            let median = number(&fields, "units_median");
            assert!(0 < low && low <= median, "{fields:?}");
            assert!(median <= number(&fields, "units_high"), "{fields:?}");
        }
        for fields in table(OWNERS) {
            let family = text(&fields, "chip_family").trim_end_matches("/H200");
            assert!(known.contains(family), "{fields:?}");
        }
        let catalogue = chipledger_schemas::catalogue::Catalogue::builtin();
        for model in families.keys() {
            let id = model.parse().unwrap();
            assert!(catalogue.get(&id).is_some(), "{model}");
        }
    }

    #[test]
    fn quarters_end_with_their_last_month() {
        for (day, name) in [
            ("2024-01-01", "2024-Q1"),
            ("2024-03-31", "2024-Q1"),
            ("2024-04-01", "2024-Q2"),
            ("2024-12-31", "2024-Q4"),
        ] {
            assert_eq!(quarter(day.parse().unwrap()), name);
        }
    }
}
