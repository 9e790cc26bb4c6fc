//! D9: orders of several companies under one parent, each below a limit, together above it.

use std::collections::{BTreeMap, BTreeSet};

use chipledger_ledger::read::{QueryError, Spot};
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::records::{Order, Record};
use chipledger_schemas::time::{DAY_MS, Time};

use super::calendar::date;
use super::id::RuleId;
use super::parameters::Name;
use super::shares::Stake;
use super::watch::Watch;
use super::{About, Rule, Scene, Told};

const YEAR_MS: u64 = 365 * DAY_MS;

/// What an order asks for.
pub(super) fn ordered(watch: &Watch, order: &Order) -> Stake {
    let line = |line: &chipledger_schemas::records::order::OrderLine| {
        let model = watch.model_number(&line.model);
        model.map_or_else(Stake::default, |model| watch.stake_of(model, line.chips))
    };
    order
        .lines
        .iter()
        .map(line)
        .fold(Stake::default(), |a, b| a + b)
}

/// Orders of a year, by who controls the buyer in the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Structured {
    orders: BTreeMap<MemberId, Vec<Placed>>,
}

#[derive(Clone, Debug)]
struct Placed {
    buyer: MemberId,
    at: Time,
    stake: Stake,
    said: Spot,
}

impl Rule for Structured {
    const ABOUT: About = About {
        id: RuleId::of(9),
        version: 1,
        name: "orders structured under a limit",
        why: "A limit per buyer means nothing if one hand buys through many. What counts is what \
            comes together under one parent.",
        innocent: &[
            "the companies of the group use the chips in different countries for themselves",
            "an order was placed again after it had been cancelled",
        ],
        next: &[
            "ask the group for all its orders and their use",
            "treat further orders of the group as one",
            "look for companies with the same address or forwarder that are not in the group",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        let Record::Order(order) = told.record else {
            return Ok(());
        };
        let watch = scene.watch;
        let parent = watch.ultimate(told.author());
        let placed = self.orders.entry(parent.clone()).or_default();
        placed.push(Placed {
            buyer: told.author().clone(),
            at: told.time,
            stake: ordered(watch, order),
            said: told.spot,
        });
        placed.retain(|placed| told.time.since_ms(placed.at) < YEAR_MS);
        let buyers: BTreeSet<&MemberId> = placed.iter().map(|placed| &placed.buyer).collect();
        let limit = watch.parameters.get(Name::StructuredTpp, told.time);
        let Some(limit) = limit.filter(|_| buyers.len() > 1) else {
            return Ok(());
        };
        let limit = u128::from(limit) * 1_000;
        let sum = |of: Option<&MemberId>| {
            let own = placed.iter().filter(|p| of.is_none_or(|of| p.buyer == *of));
            own.map(|placed| placed.stake)
                .fold(Stake::default(), |a, b| a + b)
        };
        let each_below = buyers
            .iter()
            .all(|buyer| sum(Some(buyer)).tpp_milli < limit);
        let together = sum(None);
        if !each_below || together.tpp_milli < limit {
            return Ok(());
        }
        let parts: Vec<String> = buyers
            .iter()
            .map(|buyer| format!("{buyer} {} TPP", sum(Some(buyer)).tpp_milli / 1_000))
            .collect();
        let story = vec![format!(
            "In the year before {}, {} companies that {parent} controls ordered {} chips: {}. \
             Together that is {} TPP; each alone is below {} TPP.",
            date(told.time),
            buyers.len(),
            together.chips,
            parts.join(", "),
            together.tpp_milli / 1_000,
            limit / 1_000,
        )];
        let records = placed.iter().map(|placed| placed.said).collect();
        scene.raise(("member", &parent), records, (together, story));
        Ok(())
    }
}
