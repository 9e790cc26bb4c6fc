//! Material accountancy of a site, as nuclear safeguards do it: what the book held at the beginning
//! of a period, what came and went, what it holds at the end, and how that compares with what was
//! seen there. What does not add up is a list of ids, never a statistic.
//!
//! A chip is in a site's book while it is there and neither ended nor reported lost or stolen. A
//! record that happened exactly at the beginning of the period belongs to the time before it.

use std::collections::BTreeMap;

use chipledger_ledger::read::{AsOf, Known, Moment, Spot};
use chipledger_ledger::store::View;
use chipledger_proof::state::{ModelNumber, Site};
use chipledger_schemas::ids::{ItemId, MemberId, SiteId};
use chipledger_schemas::movement::Place;
use chipledger_schemas::time::{DAY_MS, Time};
use chipledger_schemas::words::Status;
use serde::{Deserialize, Serialize};

pub use observed::{Extra, Observation, Seen, Verdict};
pub use shipped::{Difference, PartyDifference};

use crate::ask::{self, AskError};
use crate::journeys::{Chip, Journeys, Stay};
use observed::Observed;
use shipped::Ways;

mod observed;
mod shipped;

/// Age after which evidence of a chip in operation is stale.
pub const STALE_INSTALLED_MS: u64 = 30 * DAY_MS;
/// Age after which evidence of any other chip is stale.
pub const STALE_STORED_MS: u64 = 90 * DAY_MS;
/// Upper ends of the classes of age, days; the last class is open.
pub const AGES_DAYS: [u64; 3] = [30, 90, 365];

/// What came to a site and went from it, in chips.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Material {
    /// In the book at the beginning.
    pub beginning: u64,
    /// Registered there.
    pub registered: u64,
    /// Came out of a shipment.
    pub received: u64,
    /// Lost or stolen before, and back.
    pub recovered: u64,
    /// Came from elsewhere without a shipment: corrections, unannounced arrivals.
    pub other_increases: u64,
    /// Left in a shipment.
    pub shipped: u64,
    /// Reported lost or stolen.
    pub lost: u64,
    /// Destroyed, or registered in error.
    pub ended: u64,
    /// Went elsewhere without a shipment.
    pub other_decreases: u64,
    /// In the book at the end: beginning, plus what came, minus what went.
    pub ending: u64,
    /// Of these, last seen there.
    pub verified: u64,
    /// Of these, last looked for and not seen.
    pub unaccounted: u64,
    /// Of these, not looked for in the period.
    pub unverified: u64,
    /// Of these, disputed as of the last height.
    pub disputed: u64,
    /// Of these, irregular.
    pub irregular: u64,
    /// Of these, with evidence older than its class allows.
    pub stale: u64,
}

impl Material {
    /// What came in all.
    pub fn increases(&self) -> u64 {
        self.registered + self.received + self.recovered + self.other_increases
    }

    /// What went in all.
    pub fn decreases(&self) -> u64 {
        self.shipped + self.lost + self.ended + self.other_decreases
    }

    /// Whether the book adds up.
    pub fn balances(&self) -> bool {
        self.beginning + self.increases() == self.ending + self.decreases()
    }

    fn plus(&self, other: &Self) -> Self {
        Self {
            beginning: self.beginning + other.beginning,
            registered: self.registered + other.registered,
            received: self.received + other.received,
            recovered: self.recovered + other.recovered,
            other_increases: self.other_increases + other.other_increases,
            shipped: self.shipped + other.shipped,
            lost: self.lost + other.lost,
            ended: self.ended + other.ended,
            other_decreases: self.other_decreases + other.other_decreases,
            ending: self.ending + other.ending,
            verified: self.verified + other.verified,
            unaccounted: self.unaccounted + other.unaccounted,
            unverified: self.unverified + other.unverified,
            disputed: self.disputed + other.disputed,
            irregular: self.irregular + other.irregular,
            stale: self.stale + other.stale,
        }
    }
}

/// The material of one model.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ModelMaterial {
    /// The model.
    pub model: String,
    /// Thousandths of TPP of one, if known.
    pub tpp_milli_each: Option<u64>,
    /// Its chips.
    #[serde(flatten)]
    pub material: Material,
}

/// A chip in the book at the end, and how long ago somebody last said something of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Booked {
    /// The chip.
    pub id: ItemId,
    /// Its model.
    pub model: String,
    /// Its containers, innermost first.
    pub containers: Vec<ItemId>,
    /// Who has custody.
    pub holder: MemberId,
    /// State of life.
    pub status: Status,
    /// Whether it was seen in the period, and by whom last.
    pub seen: Option<Seen>,
    /// Event time of the last record that named it or a container of it.
    pub evidence_at: Time,
    /// Milliseconds from there to the end of the period.
    pub evidence_age_ms: u64,
    /// Whether that is longer than its class allows.
    pub stale: bool,
    /// Whether it is disputed as of the last height.
    pub disputed: bool,
}

/// The accounts of a site over a period.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Accountancy {
    /// The site.
    pub site: SiteId,
    /// Beginning of the period.
    pub from: Time,
    /// Its end.
    pub until: Time,
    /// By model.
    pub rows: Vec<ModelMaterial>,
    /// Sum of the rows.
    pub total: Material,
    /// Chips in the book at the end, by number; those with [`Verdict::NotSeen`] are the material
    /// unaccounted for.
    pub booked: Vec<Booked>,
    /// Seen there, and not in the book there at the time.
    pub extra: Vec<Extra>,
    /// Listings and inspections in the period.
    pub observations: Vec<Observation>,
    /// Shipments from and to the site that left in the period.
    pub shipments: Vec<Difference>,
    /// Shipper-receiver differences of all shipments from and to the site up to the end, by party.
    pub parties: Vec<PartyDifference>,
    /// Chips in the book at the end by age of evidence: up to each of [`AGES_DAYS`], and beyond.
    pub ages: [u64; 4],
}

impl Accountancy {
    /// Chips in the book, last looked for and not seen.
    pub fn unaccounted(&self) -> impl Iterator<Item = &Booked> {
        let not_seen = |seen: &Seen| seen.verdict == Verdict::NotSeen;
        self.booked
            .iter()
            .filter(move |chip| chip.seen.as_ref().is_some_and(not_seen))
    }
}

/// Accounts for a site from a time until the moment's.
pub fn accountancy(
    view: &View<'_>,
    site: &SiteId,
    from: Time,
    moment: Moment,
) -> Result<Accountancy, AskError> {
    let until = moment.at.unwrap_or(moment.known_time);
    if until <= from {
        return Err(AskError::EmptyPeriod { from, until });
    }
    let declared = ask::site(view, site)?;
    let moment = Moment {
        at: Some(until),
        ..moment
    };
    // Blocks of the whole period are read: a ledger without them says so.
    view.moment(AsOf {
        at: Some(from),
        known_at: Some(Known::Height(moment.known)),
    })?;
    let journeys = Journeys::read(view, moment)?;
    let period = Period { site, from, until };
    let observed = Observed::read(view, &period, &declared, moment)?;
    let mut ways = Ways::read(view, site)?;
    let mut draft = Draft {
        period: &period,
        site: &declared,
        observed: &observed,
        models: view
            .models()?
            .into_iter()
            .map(|(id, model)| (id, model.tpp_milli))
            .collect(),
        materials: BTreeMap::new(),
        booked: Vec::new(),
    };
    journeys.every_chip(|chip| {
        ways.take(chip, until);
        draft.take(chip, &journeys);
        Ok(())
    })?;
    let (materials, booked, models) = (draft.materials, draft.booked, draft.models);
    let row = |(model, material): (ModelNumber, Material)| {
        let (model, tpp_milli_each) = named(&models, model);
        ModelMaterial {
            model,
            tpp_milli_each,
            material,
        }
    };
    let total = materials
        .values()
        .fold(Material::default(), |sum, material| sum.plus(material));
    let (shipments, parties) = ways.differences(&period);
    Ok(Accountancy {
        site: site.clone(),
        from,
        until,
        rows: materials.into_iter().map(row).collect(),
        total,
        ages: ages(&booked),
        booked,
        extra: observed.extra(view, &period, moment)?,
        observations: observed.told(),
        shipments,
        parties,
    })
}

fn named(models: &[(String, Option<u64>)], model: ModelNumber) -> (String, Option<u64>) {
    let found = models.get(usize::from(model.0)).cloned();
    found.unwrap_or_else(|| ("unknown".to_owned(), None))
}

fn ages(booked: &[Booked]) -> [u64; 4] {
    let mut ages = [0; 4];
    for chip in booked {
        let class = AGES_DAYS
            .iter()
            .position(|days| chip.evidence_age_ms <= days * DAY_MS);
        ages[class.unwrap_or(AGES_DAYS.len())] += 1;
    }
    ages
}

/// A site and a period.
struct Period<'p> {
    site: &'p SiteId,
    from: Time,
    until: Time,
}

impl Period<'_> {
    /// Whether something that happened then belongs to it.
    fn includes(&self, at: Time) -> bool {
        self.from < at && at <= self.until
    }

    /// Whether a chip is in the site's book during a stay.
    fn books(&self, stay: &Stay) -> bool {
        let gone = matches!(
            stay.status,
            Status::Lost | Status::Stolen | Status::Destroyed | Status::Void
        );
        !gone && matches!(&stay.place, Place::Site(site) if site == self.site)
    }
}

struct Draft<'p> {
    period: &'p Period<'p>,
    site: &'p Site,
    observed: &'p Observed,
    models: Vec<(String, Option<u64>)>,
    materials: BTreeMap<ModelNumber, Material>,
    booked: Vec<Booked>,
}

impl Draft<'_> {
    fn take(&mut self, chip: &Chip, journeys: &Journeys<'_, '_>) {
        let period = self.period;
        if !chip.stays.iter().any(|stay| period.books(stay)) {
            return;
        }
        let mut material = Material::default();
        let began = chip.at(Some(period.from));
        material.beginning += u64::from(began.is_some_and(|stay| period.books(stay)));
        let mut before: Option<&Stay> = None;
        for stay in chip.stays.iter().filter(|stay| stay.from <= period.until) {
            if period.includes(stay.from) {
                cross(&mut material, period, before, stay);
            }
            before = Some(stay);
        }
        let ended = chip.at(Some(period.until));
        if let Some(stay) = ended.filter(|stay| period.books(stay)) {
            self.book(&mut material, chip, stay, journeys);
        }
        let row = self.materials.entry(chip.model).or_default();
        *row = row.plus(&material);
        if *row == Material::default() {
            // Was there at another time only.
            self.materials.remove(&chip.model);
        }
    }

    /// A chip in the book at the end.
    fn book(
        &mut self,
        material: &mut Material,
        chip: &Chip,
        stay: &Stay,
        journeys: &Journeys<'_, '_>,
    ) {
        let seen = self
            .observed
            .last_of(chip, self.period, self.site, journeys);
        let evidence_age_ms = self.period.until.since_ms(chip.named_at);
        let allowed = match stay.status {
            Status::Installed => STALE_INSTALLED_MS,
            _ => STALE_STORED_MS,
        };
        let stale = evidence_age_ms > allowed;
        material.ending += 1;
        match seen.as_ref().map(|seen| seen.verdict) {
            Some(Verdict::Seen) => material.verified += 1,
            Some(Verdict::NotSeen) => material.unaccounted += 1,
            None => material.unverified += 1,
        }
        material.disputed += u64::from(chip.disputed);
        material.irregular += u64::from(stay.status == Status::Irregular);
        material.stale += u64::from(stale);
        let containers = stay.containers.iter();
        self.booked.push(Booked {
            id: chip.id.clone(),
            model: named(&self.models, chip.model).0,
            containers: containers
                .filter_map(|unit| journeys.unit_id(*unit).cloned())
                .collect(),
            holder: stay.holder.clone(),
            status: stay.status,
            seen,
            evidence_at: chip.named_at,
            evidence_age_ms,
            stale,
            disputed: chip.disputed,
        });
    }
}

/// Counts what a movement from one stay to the next is to the site's book.
fn cross(material: &mut Material, period: &Period<'_>, before: Option<&Stay>, after: &Stay) {
    let was = before.is_some_and(|before| period.books(before));
    match (was, period.books(after)) {
        (false, true) => match before {
            None => material.registered += 1,
            Some(before) if matches!(before.status, Status::Lost | Status::Stolen) => {
                material.recovered += 1;
            }
            Some(before) if matches!(before.place, Place::Transit(_)) => material.received += 1,
            Some(_) => material.other_increases += 1,
        },
        (true, false) => match (after.status, &after.place) {
            (Status::Lost | Status::Stolen, _) => material.lost += 1,
            (Status::Destroyed | Status::Void, _) => material.ended += 1,
            (_, Place::Transit(_)) => material.shipped += 1,
            _ => material.other_decreases += 1,
        },
        _ => {}
    }
}

/// The record that an observation stands in, as the order of the ledger has it.
type Told = (Time, Spot);
