//! Planted patterns: stories that do not add up, each told so that one detection rule must find it
//! and no other has a reason to.
//!
//! This code knows the rules by their ids alone, as the patterns that people describe: it does not
//! see how they are looked for. Members, places, days and numbers come from the seed.

use std::fmt;
use std::str::FromStr;

use chipledger_schemas::catalogue::ModelId;
use chipledger_schemas::ids::{DocumentId, MemberId, SiteId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::SetSite;
use chipledger_schemas::records::set_site::Position;
use chipledger_schemas::time::{DAY_MS, Time};
use chipledger_schemas::words::Role;

use super::goods::Goods;
use super::journey::{Journey, Made, Purchase, Twist};
use super::keys::Dice;
use super::leg::Leg;
use super::packing;
use super::plan::{Plan, PlannedSite};
use super::roster::{Party, named};

mod audits;
mod books;
mod ended;
mod parties;
mod transport;
mod validators;

/// A pattern, by the id of the rule that must find it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Pattern(u8);

/// One story.
type Story = fn(&mut Stage<'_>) -> Subject;

/// On what a pattern must be found: the kind of subject and its id.
type Subject = (&'static str, String);

/// Every pattern that can be planted, and its story.
const STORIES: &[(u8, Story)] = &[
    (1, transport::never_arrives),
    (2, transport::short_or_swapped),
    (3, audits::in_two_places),
    (4, transport::orphan),
    (5, books::declared_as_something_else),
    (6, audits::stripped),
    (7, audits::dummies),
    (8, parties::straw_buyer),
    (9, parties::structured),
    (10, transport::hub),
    (11, parties::more_than_it_can_run),
    (12, parties::surge),
    (13, parties::restricted_tenant),
    (14, parties::drifts),
    (15, ended::destroyed_or_lost),
    (16, ended::repair_pump),
    (17, books::licence_ends),
    (18, audits::measured_elsewhere),
    (19, audits::draws_nothing),
    (20, books::mirror),
    (21, books::dies_unaccounted),
    (22, books::back_dated),
    (23, parties::split),
    (24, books::both_ends),
    (25, validators::signs_twice),
];

impl Pattern {
    /// Every pattern that can be planted.
    pub fn all() -> Vec<Self> {
        STORIES.iter().map(|(number, _)| Self(*number)).collect()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("D{}", self.0))
    }
}

/// The text names no pattern that can be planted. Write one of those that the message lists.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{got:?} cannot be planted; these can: {known}")]
pub struct NotAPattern {
    /// What was given.
    pub got: String,
    /// What can be planted.
    pub known: String,
}

impl FromStr for Pattern {
    type Err = NotAPattern;
    fn from_str(text: &str) -> Result<Self, NotAPattern> {
        let wanted = text.trim().to_ascii_uppercase();
        let found = Self::all().into_iter().find(|p| p.to_string() == wanted);
        found.ok_or_else(|| NotAPattern {
            got: text.chars().take(80).collect(),
            known: Self::all()
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" "),
        })
    }
}

/// What was planted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Planted {
    /// The pattern.
    pub pattern: Pattern,
    /// shipment, item, member, site, route, or production.
    pub kind: &'static str,
    /// Its id.
    pub subject: String,
}

/// Plants patterns into a plan.
pub(super) fn plant(plan: &mut Plan, patterns: &[Pattern]) -> Vec<Planted> {
    let told = patterns.iter().filter_map(|pattern| {
        let story = STORIES.iter().find(|(number, _)| *number == pattern.0);
        let (_, story) = story?;
        let mut stage = Stage::new(plan, &format!("D{}", pattern.0));
        let (kind, subject) = story(&mut stage);
        Some(Planted {
            pattern: *pattern,
            kind,
            subject,
        })
    });
    told.collect()
}

/// Places whose customs are there from the start and where no licence is needed.
const PLACES: [&str; 12] = [
    "CA", "CH", "DE", "ES", "FI", "FR", "GB", "IT", "JP", "KR", "NO", "SE",
];
/// First day on which a story may be at its day 0, and days after it.
const FIRST_DAY: &str = "2023-06-01";
const DAYS: u64 = 500;

/// Where a story is told.
pub(super) struct Stage<'a> {
    journey: Journey<'a>,
    /// Every name of the story begins with it.
    name: String,
    place: Jurisdiction,
}

impl<'a> Stage<'a> {
    fn new(plan: &'a mut Plan, name: &str) -> Self {
        let mut dice: Dice = plan.seed.stream(&format!("planted {name}"));
        let start = named::<Time>(FIRST_DAY).plus_ms(dice.below(DAYS) * DAY_MS);
        let place = named(PLACES[usize::try_from(dice.below(12)).unwrap_or(0)]);
        Self {
            journey: Journey::new(plan, dice, start),
            name: name.to_owned(),
            place,
        }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.journey.dice.below(end)
    }

    /// Another of the places.
    fn other_place(&mut self) -> Jurisdiction {
        loop {
            let place = named(PLACES[usize::try_from(self.below(12)).unwrap_or(0)]);
            if place != self.place {
                return place;
            }
        }
    }

    /// A new operator with a hall.
    fn operator(&mut self, suffix: &str, place: Jurisdiction, parent: Option<&MemberId>) -> Party {
        let name = format!("{}-{suffix}", self.name);
        let roster = &mut self.journey.plan.roster;
        let member = roster.enlist(&name, Role::Operator, place, parent);
        let site = self.site(&member, suffix, place, None, Some(40_000));
        Party {
            member,
            site,
            jurisdiction: place,
        }
    }

    fn site(
        &mut self,
        operator: &MemberId,
        suffix: &str,
        place: Jurisdiction,
        position: Option<Position>,
        power_kw: Option<u64>,
    ) -> SiteId {
        let site: SiteId = named(&format!("{place}-{}-{suffix}-HALL", self.name));
        let record = SetSite {
            site: site.clone(),
            name: format!("{suffix} of {operator}"),
            jurisdiction: place,
            operator: operator.clone(),
            position,
            power_kw,
            valid_from: Time::default(),
        };
        self.journey.plan.sites.insert(
            site.clone(),
            PlannedSite {
                record,
                first_needed: None,
            },
        );
        site
    }

    /// So many chips of the usual model from its fab; what is told of them is a thread of its own.
    fn purchase(&mut self, buyer: &Party, chips: u64) -> Purchase {
        self.journey.begin_thread();
        let model: ModelId = named("NVIDIA/H100-SXM5-80GB");
        Purchase {
            fab: self.journey.plan.roster.fab(model.vendor()).clone(),
            model,
            chips,
            buyer: buyer.clone(),
            via: None,
            licences: Vec::new(),
        }
    }

    /// Bought, delivered, installed and running on day -2.
    fn delivered(&mut self, purchase: &Purchase) -> Made {
        let made = self.journey.supply(purchase, Twist::None);
        self.journey
            .install(&made, &purchase.model, &purchase.buyer, Twist::None);
        made
    }

    /// Bought and delivered, and never taken out of its boxes.
    fn delivered_in_boxes(&mut self, purchase: &Purchase) -> Made {
        self.journey.supply(purchase, Twist::None)
    }

    /// Bought and made, and still at the fab.
    fn sold(&mut self, purchase: &Purchase) -> (Made, Option<DocumentId>) {
        let Purchase { fab, buyer, .. } = purchase;
        let order = self.journey.order(purchase, buyer, fab, -115);
        let made = self.journey.make(fab, &purchase.model, purchase.chips, -70);
        self.journey.sell(&made.pallets, fab, buyer, -50);
        (made, order)
    }
}

/// The way from the fab to the buyer.
fn leg<'a>(purchase: &'a Purchase, goods: &'a Goods, order: Option<DocumentId>) -> Leg<'a> {
    Leg {
        from: &purchase.fab,
        to: &purchase.buyer,
        goods,
        chips: purchase.chips,
        chips_each: packing::of(&purchase.model).chips_per_pallet(),
        origin: purchase.fab.jurisdiction,
        order,
        licence: None,
        day: -46,
    }
}
