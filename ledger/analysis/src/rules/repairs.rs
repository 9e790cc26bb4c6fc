//! D16: more repair swaps than chips fail.

use std::collections::BTreeMap;

use chipledger_ledger::read::{QueryError, Spot};
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::records::Record;
use chipledger_schemas::time::{DAY_MS, Time};

use super::calendar::date;
use super::id::RuleId;
use super::parameters::Name;
use super::shares::{Stake, count};
use super::{About, Rule, Scene, Told};

const YEAR_MS: u64 = 365 * DAY_MS;

/// Swaps of a year by who made them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repairs {
    swaps: BTreeMap<MemberId, Vec<(Time, Spot)>>,
}

impl Rule for Repairs {
    const ABOUT: About = About {
        id: RuleId::of(16),
        version: 1,
        name: "repair pump",
        why: "A swap brings a new chip without an order or a licence, and leaves an old one that \
            nobody asks for. Many of them are a supply.",
        innocent: &[
            "one lot was faulty, and its maker says so",
            "a cooling failure damaged a row of racks",
        ],
        next: &[
            "ask the maker for its own count of the cases",
            "have the old chips shown, or their destruction",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        if !matches!(told.record, Record::Replace(_)) {
            return Ok(());
        }
        let watch = scene.watch;
        let member = told.author().clone();
        let swaps = self.swaps.entry(member.clone()).or_default();
        swaps.push((told.time, told.spot));
        swaps.retain(|(at, _)| told.time.since_ms(*at) < YEAR_MS);
        let fleet = watch.owned_by(&member);
        let rate = watch.parameters.at(Name::RepairRatePpm, told.time);
        let explained = u128::from(count(&fleet)) * u128::from(rate) / 1_000_000;
        let made = swaps.len() as u64;
        if made < watch.parameters.at(Name::RepairsMin, told.time) || u128::from(made) <= explained
        {
            return Ok(());
        }
        let story = vec![format!(
            "{member} swapped {made} chips in the year before {}; of the {} chips that it owns, \
             {explained} failures would be within the rate.",
            date(told.time),
            count(&fleet),
        )];
        let all: Stake = watch.stake(&fleet);
        let stake = Stake {
            chips: made,
            tpp_milli: (all.tpp_milli * u128::from(made))
                .checked_div(u128::from(all.chips))
                .unwrap_or(0),
        };
        let records = swaps.iter().map(|(_, spot)| *spot).collect();
        scene.raise(("member", &member), records, (stake, story));
        Ok(())
    }
}
