//! Which chips of a site an inspector looks at: how many of each model, and, once nobody can steer
//! it any more, which ones.
//!
//! The seed of a draw is the digest of the plan, the hash of the block after the notice, and the
//! secret that the plan committed to. Whoever proposes that block does not know the secret, and
//! the inspector committed to it before the block existed: neither chooses, and the operator, who
//! reads the notice, cannot foresee. Every chip gets a rank from the seed; of each model the lowest
//! ranks are drawn. Anyone who is told the secret draws the same.

use std::collections::BTreeMap;

use chipledger_ledger::read::{Moment, QueryError, Spot};
use chipledger_ledger::store::View;
use chipledger_proof::state::ModelNumber;
use chipledger_schemas::hash::{Hash, SAMPLE_RANK};
use chipledger_schemas::ids::{
    BlockHash, Height, ItemId, ItemNumber, MemberId, Reference, SiteId, TransactionId,
};
use chipledger_schemas::movement::Place;
use chipledger_schemas::records::Record;
use chipledger_schemas::words::Status;
use serde::{Deserialize, Serialize};

use crate::ask::{self, AskError};
use crate::hypergeometric::{
    Chance, Drawn, Probability, sample_of_share, sample_size, sample_sizes,
};
use crate::journeys::{Chip, Journeys, Stay, at_height};
use crate::plan::{Aim, Goal, NotAPlan, Plan, Secret};

/// Most chips of a site that a sample is drawn from, and most that may be missing in one question:
/// a bound on its time.
pub const CHIPS_MAX: u32 = 20_000_000;

/// Why there is no sample.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// Nothing is booked there. Check the site and the times.
    #[error("no chips are booked at {site} then")]
    NothingHeld {
        /// The site.
        site: SiteId,
    },
    /// No sample can show that: name fewer chips than are booked.
    #[error("{missing} chips cannot be missing of {held}")]
    TooManyMissing {
        /// Chips that would be missing.
        missing: u64,
        /// Chips booked.
        held: u64,
    },
    /// The whole site holds less than the quantity that would be missing. Name a smaller one.
    #[error("the site holds {held_tpp_milli} thousandths of TPP, less than would be missing")]
    TooMuchMissing {
        /// What is booked.
        held_tpp_milli: u128,
    },
    /// A quantity of compute needs the model's figure. Name a number of chips instead.
    #[error("{model} has no TPP in the catalogue, so nobody can say how many make the quantity")]
    NoFigure {
        /// The model.
        model: String,
    },
    /// More chips than a sample is drawn from. Draw it per hall.
    #[error("{held} chips are more than the {CHIPS_MAX} that a sample is drawn from")]
    TooMany {
        /// Chips booked.
        held: u64,
    },
    /// The transaction is not on this ledger. Check the id that `sample-plan` printed.
    #[error("no transaction {id} is final on this ledger")]
    PlanUnknown {
        /// Its id.
        id: TransactionId,
    },
    /// None of its records is a plan. Check the id that `sample-plan` printed.
    #[error("transaction {id} carries no inspection plan")]
    NoPlan {
        /// Its id.
        id: TransactionId,
    },
    /// It carries something that looks like a plan and is none.
    #[error(transparent)]
    Malformed(#[from] NotAPlan),
    /// The secret is not the one that the plan committed to. Nothing may be drawn with it.
    #[error("the secret is not the one that the plan commits to")]
    WrongSecret,
    /// The block that seeds the draw does not exist yet. Wait for the next block after the plan's.
    #[error("height {next} seeds the draw and does not exist yet")]
    TooEarly {
        /// The height after the notice.
        next: Height,
    },
    /// The ledger does not answer.
    #[error(transparent)]
    Ask(#[from] AskError),
}

impl From<QueryError> for SampleError {
    fn from(error: QueryError) -> Self {
        Self::Ask(error.into())
    }
}

/// The chips of one model at the site.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Stratum {
    /// The model.
    pub model: String,
    /// Thousandths of TPP of one, if known.
    pub tpp_milli_each: Option<u64>,
    /// Chips booked (N).
    pub held: u64,
    /// Chips of this model alone that would make the quantity (d).
    pub missing: u64,
    /// Chips to look at (n).
    pub sample: u64,
    /// Of those booked, disputed as of the last height.
    pub disputed: u64,
    /// Of those booked, irregular.
    pub irregular: u64,
}

/// How many chips of each model to look at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Design {
    /// What for.
    #[serde(flatten)]
    pub aim: Aim,
    /// By model.
    pub strata: Vec<Stratum>,
    /// Chips booked in all (N).
    pub held: u64,
    /// Chips to look at in all (n).
    pub sample: u64,
    /// The n of one draw over all chips alike; absent where a quantity is spread over models.
    pub unstratified: Option<u64>,
    /// Probability of detection that these samples have wherever the missing ones are, parts per
    /// million, rounded down; absent where a quantity is spread over models (it is at least the
    /// one asked for).
    pub detection_ppm: Option<u32>,
    /// Chips booked at the site and reported lost or stolen: not drawn from, since they are known
    /// to be missing.
    pub reported_missing: u64,
}

/// A chip to be looked at, with its place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pick {
    /// The chip.
    pub id: ItemId,
    /// Its model.
    pub model: String,
    /// Its containers at the notice, innermost first.
    pub containers: Vec<ItemId>,
    /// Where it, or a container of it, was installed.
    pub position: Option<Reference>,
    /// Who has custody.
    pub holder: MemberId,
    /// Whose it is.
    pub owner: MemberId,
    /// State of life.
    pub status: Status,
    /// Whether it is disputed as of the last height.
    pub disputed: bool,
    /// Where the book has it by the last height, if no longer there.
    pub since: Option<String>,
}

/// A sample as drawn.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sample {
    /// The plan.
    pub plan: Plan,
    /// The name under which `inspect` refers to it.
    pub reference: Reference,
    /// Who signed it.
    pub inspector: MemberId,
    /// Where it stands: the notice.
    pub notice: Spot,
    /// Hash of the block after the notice.
    pub block: BlockHash,
    /// What the ranks come from.
    pub seed: Hash,
    /// How many of each model.
    pub design: Design,
    /// The chips, by model and id.
    pub picks: Vec<Pick>,
}

/// Sizes of the samples at a site, at a moment.
pub fn design(view: &View<'_>, aim: &Aim, moment: Moment) -> Result<Design, SampleError> {
    let journeys = Journeys::read(view, moment)?;
    let frame = Frame::read(view, &journeys, aim, moment)?;
    frame.design(aim)
}

/// Draws the sample of a plan: once its next block exists and its secret is told.
pub fn draw(
    view: &View<'_>,
    transaction: &TransactionId,
    secret: &Secret,
) -> Result<Sample, SampleError> {
    let (plan, inspector, notice) = find(view, transaction)?;
    if secret.commitment() != plan.commitment {
        return Err(SampleError::WrongSecret);
    }
    let next = notice.height.next();
    let header = view.header(next).map_err(QueryError::from)?;
    let (header, _) = header.ok_or(SampleError::TooEarly { next })?;
    let block = header.hash();
    let seed = plan.seed(block, secret);
    // What the book said when the notice was final: nothing that comes later moves a chip out.
    let moment = at_height(view, notice.height)?;
    let journeys = Journeys::read(view, moment)?;
    let frame = Frame::read(view, &journeys, &plan.aim, moment)?;
    let design = frame.design(&plan.aim)?;
    let picks = frame.picks(view, &journeys, &design, &seed)?;
    Ok(Sample {
        reference: plan
            .reference()
            .map_err(|_| SampleError::NoPlan { id: *transaction })?,
        plan,
        inspector,
        notice,
        block,
        seed,
        design,
        picks,
    })
}

/// The plan in a transaction, who signed it, and where it stands.
pub fn find(view: &View<'_>, id: &TransactionId) -> Result<(Plan, MemberId, Spot), SampleError> {
    let spot = view.transaction_spot(id).map_err(QueryError::from)?;
    let (height, transaction) = spot.ok_or(SampleError::PlanUnknown { id: *id })?;
    let mut spot = Spot {
        height,
        transaction,
        record: 0,
    };
    let (transaction, _) = view.record_at(spot)?;
    let mut malformed = None;
    for (index, record) in (0..).zip(&transaction.body.records) {
        let Record::Annotate(note) = record else {
            continue;
        };
        match Plan::of(note) {
            Ok(plan) => {
                spot.record = index;
                return Ok((plan, transaction.body.member, spot));
            }
            Err(error) => malformed = Some(error),
        }
    }
    Err(malformed.map_or(SampleError::NoPlan { id: *id }, SampleError::from))
}

/// What may be drawn: chips booked at the site, by model.
struct Frame {
    site: SiteId,
    chips: BTreeMap<ModelNumber, Vec<(Chip, Stay)>>,
    models: Vec<(String, Option<u64>)>,
    reported_missing: u64,
}

impl Frame {
    fn read(
        view: &View<'_>,
        journeys: &Journeys<'_, '_>,
        aim: &Aim,
        moment: Moment,
    ) -> Result<Self, SampleError> {
        ask::site(view, &aim.site)?;
        let here = Place::Site(aim.site.clone());
        let mut chips: BTreeMap<ModelNumber, Vec<(Chip, Stay)>> = BTreeMap::new();
        let mut reported_missing = 0;
        journeys.every_chip(|chip| {
            let Some(stay) = chip.at(moment.at).filter(|stay| stay.place == here) else {
                return Ok(());
            };
            match stay.status {
                Status::Destroyed | Status::Void => {}
                Status::Lost | Status::Stolen => reported_missing += 1,
                _ => {
                    // The stay is kept beside: what happened before and after does not matter.
                    let bare = Chip {
                        stays: Vec::new(),
                        ..chip.clone()
                    };
                    let sort = chips.entry(chip.model).or_default();
                    sort.push((bare, stay.clone()));
                }
            }
            Ok(())
        })?;
        let models = view.models()?.into_iter();
        let models = models.map(|(id, version)| (id, version.tpp_milli));
        Ok(Self {
            site: aim.site.clone(),
            chips,
            models: models.collect(),
            reported_missing,
        })
    }

    fn model(&self, number: ModelNumber) -> (String, Option<u64>) {
        let found = self.models.get(usize::from(number.0)).cloned();
        found.unwrap_or_else(|| (format!("model {}", number.0), None))
    }

    fn design(&self, aim: &Aim) -> Result<Design, SampleError> {
        let held: u64 = self.chips.values().map(|chips| chips.len() as u64).sum();
        if held == 0 {
            let site = self.site.clone();
            return Err(SampleError::NothingHeld { site });
        }
        if held > u64::from(CHIPS_MAX) {
            return Err(SampleError::TooMany { held });
        }
        let mut strata: Vec<Stratum> = self
            .chips
            .iter()
            .map(|(model, chips)| self.stratum(*model, chips))
            .collect();
        let mut design = Design {
            aim: aim.clone(),
            strata: Vec::new(),
            held,
            sample: 0,
            unstratified: None,
            detection_ppm: None,
            reported_missing: self.reported_missing,
        };
        match aim.goal {
            Goal::Chips(missing) => {
                size_by_chips(&mut strata, &mut design, missing, aim.probability)?;
            }
            Goal::TppMilli(quantity) => {
                size_by_tpp(&mut strata, &mut design, quantity, aim.probability)?;
            }
        }
        strata.sort_by(|a, b| a.model.cmp(&b.model));
        design.sample = strata.iter().map(|stratum| stratum.sample).sum();
        design.strata = strata;
        Ok(design)
    }

    fn stratum(&self, model: ModelNumber, chips: &[(Chip, Stay)]) -> Stratum {
        let (model, tpp_milli_each) = self.model(model);
        let count = |holds: &dyn Fn(&(Chip, Stay)) -> bool| {
            chips.iter().filter(|chip| holds(chip)).count() as u64
        };
        Stratum {
            model,
            tpp_milli_each,
            held: chips.len() as u64,
            missing: 0,
            sample: 0,
            disputed: count(&|(chip, _)| chip.disputed),
            irregular: count(&|(_, stay)| stay.status == Status::Irregular),
        }
    }

    fn picks(
        &self,
        view: &View<'_>,
        journeys: &Journeys<'_, '_>,
        design: &Design,
        seed: &Hash,
    ) -> Result<Vec<Pick>, SampleError> {
        let mut positions = Positions::new(view, journeys.moment());
        let mut picks = Vec::new();
        for (number, chips) in &self.chips {
            let (model, _) = self.model(*number);
            let stratum = design.strata.iter().find(|stratum| stratum.model == model);
            let wanted = stratum.map_or(0, |stratum| stratum.sample);
            let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
            let mut ranked: Vec<_> = chips
                .iter()
                .map(|drawn| (rank(seed, &drawn.0.id), drawn))
                .collect();
            ranked.sort_unstable_by(|a, b| (a.0, &a.1.0.id).cmp(&(b.0, &b.1.0.id)));
            for (_, (chip, stay)) in ranked.into_iter().take(wanted) {
                let containers = stay.containers.iter();
                picks.push(Pick {
                    id: chip.id.clone(),
                    model: model.clone(),
                    containers: containers
                        .filter_map(|unit| journeys.unit_id(*unit).cloned())
                        .collect(),
                    position: positions.of(chip.number, &stay.containers)?,
                    holder: stay.holder.clone(),
                    owner: stay.owner.clone(),
                    status: stay.status,
                    disputed: chip.disputed,
                    since: self.moved_to(view, &chip.id)?,
                });
            }
        }
        picks.sort_by(|a, b| (&a.model, &a.id).cmp(&(&b.model, &b.id)));
        Ok(picks)
    }

    /// Where the book has a chip by the last height, if that is elsewhere, or it has ended.
    fn moved_to(&self, view: &View<'_>, id: &ItemId) -> Result<Option<String>, SampleError> {
        let now = view.whereabouts(id, chipledger_ledger::read::AsOf::default())?;
        if now.status.is_ended() {
            return Ok(Some(now.status.to_string()));
        }
        Ok((now.place != self.site.as_str()).then_some(now.place))
    }
}

/// The rank of a chip in a draw: lowest first.
pub fn rank(seed: &Hash, id: &ItemId) -> Hash {
    let mut bytes = seed.as_bytes().to_vec();
    bytes.extend_from_slice(id.to_string().as_bytes());
    SAMPLE_RANK.hash(&bytes)
}

fn size_by_chips(
    strata: &mut [Stratum],
    design: &mut Design,
    missing: u32,
    probability: Probability,
) -> Result<(), SampleError> {
    let held: Vec<u32> = strata.iter().map(|stratum| small(stratum.held)).collect();
    let sizes = sample_sizes(&held, missing, probability);
    let sizes = sizes.ok_or(SampleError::TooManyMissing {
        missing: missing.into(),
        held: design.held,
    })?;
    let sorts = held.iter().zip(&sizes);
    let sorts: Vec<Drawn> = sorts
        .map(|(held, sample)| Drawn {
            held: *held,
            sample: *sample,
        })
        .collect();
    for (stratum, sample) in strata.iter_mut().zip(&sizes) {
        stratum.missing = stratum.held.min(missing.into());
        stratum.sample = u64::from(*sample);
    }
    design.unstratified = sample_size(small(design.held), missing, probability).map(u64::from);
    let chance = Chance::of_missing_all_anywhere(&sorts, missing);
    design.detection_ppm = Some(chance.detection_ppm());
    Ok(())
}

/// Of one model the exact size. Of several, shares that suffice however the quantity is spread: a
/// model of which `d` chips stay below the quantity is drawn as if `d` were missing, each seen with
/// the share alone, `((N - n) / N)^d <= b`. Then any mix that reaches the quantity is missed
/// with at most `b`, since the exponents add up to at least one quantity.
fn size_by_tpp(
    strata: &mut [Stratum],
    design: &mut Design,
    quantity: u64,
    probability: Probability,
) -> Result<(), SampleError> {
    let mut held_tpp_milli = 0;
    let alone = strata.len() == 1;
    for stratum in strata.iter_mut() {
        let each = stratum.tpp_milli_each.filter(|each| *each > 0);
        let each = each.ok_or_else(|| SampleError::NoFigure {
            model: stratum.model.clone(),
        })?;
        held_tpp_milli += u128::from(each) * u128::from(stratum.held);
        stratum.missing = quantity.div_ceil(each).max(1);
        let times = u32::try_from((quantity / each).max(1)).unwrap_or(u32::MAX);
        // More than all of it: as if all were missing, which is more often seen than any part.
        let times = times.min(CHIPS_MAX);
        if !alone {
            stratum.sample = u64::from(sample_of_share(small(stratum.held), times, probability));
        }
    }
    if held_tpp_milli < u128::from(quantity) {
        return Err(SampleError::TooMuchMissing { held_tpp_milli });
    }
    if let [only] = strata {
        let (held, missing) = (small(only.held), small(only.missing));
        let sample = sample_size(held, missing, probability);
        let sample = sample.ok_or(SampleError::TooManyMissing {
            missing: only.missing,
            held: only.held,
        })?;
        only.sample = sample.into();
        design.unstratified = Some(sample.into());
        let chance = Chance::of_missing_all(Drawn { held, sample }, missing);
        design.detection_ppm = Some(chance.detection_ppm());
    }
    Ok(())
}

fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Where things were installed, by the records that installed them.
struct Positions<'a, 'd> {
    view: &'a View<'d>,
    moment: Moment,
    items: BTreeMap<ItemNumber, Option<Reference>>,
    records: BTreeMap<Spot, Option<Reference>>,
}

impl<'a, 'd> Positions<'a, 'd> {
    fn new(view: &'a View<'d>, moment: Moment) -> Self {
        Self {
            view,
            moment,
            items: BTreeMap::new(),
            records: BTreeMap::new(),
        }
    }

    /// The position of a chip: the nearest one that it or a container of it has.
    fn of(
        &mut self,
        chip: ItemNumber,
        containers: &[ItemNumber],
    ) -> Result<Option<Reference>, QueryError> {
        for number in std::iter::once(&chip).chain(containers) {
            if let Some(position) = self.of_item(*number)? {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }

    fn of_item(&mut self, number: ItemNumber) -> Result<Option<Reference>, QueryError> {
        if let Some(known) = self.items.get(&number) {
            return Ok(known.clone());
        }
        let events = self.view.item_events(number, self.moment.known)?;
        let stood = chipledger_ledger::read::movements::stack(events);
        let last = stood
            .last()
            .filter(|(facts, _)| facts.status == Some(Status::Installed));
        let position = match last {
            Some((_, event)) if !event.spot.is_base() => self.of_record(event.spot)?,
            _ => None,
        };
        self.items.insert(number, position.clone());
        Ok(position)
    }

    fn of_record(&mut self, spot: Spot) -> Result<Option<Reference>, QueryError> {
        if let Some(known) = self.records.get(&spot) {
            return Ok(known.clone());
        }
        let (transaction, _) = self.view.record_at(spot)?;
        let index = usize::try_from(spot.record).unwrap_or(usize::MAX);
        let position = match transaction.body.records.get(index) {
            Some(Record::Install(install)) => install.position.clone(),
            _ => None,
        };
        self.records.insert(spot, position.clone());
        Ok(position)
    }
}
