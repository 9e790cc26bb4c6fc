//! D12: a surge of orders before a rule begins.

use std::collections::BTreeMap;

use chipledger_ledger::read::{QueryError, Spot};
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::records::Record;
use chipledger_schemas::time::{DAY_MS, Time};

use super::calendar::date;
use super::id::RuleId;
use super::parameters::{Name, RULE_DATES, day};
use super::shares::Stake;
use super::structured::ordered;
use super::{About, Rule, Scene, Told};

/// Spans as long as the surge's own over which the usual is taken.
const SPANS_BEFORE: u64 = 8;

/// Orders by buyer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surge {
    orders: BTreeMap<MemberId, Vec<Placed>>,
}

#[derive(Clone, Copy, Debug)]
struct Placed {
    at: Time,
    stake: Stake,
    said: Spot,
}

impl Rule for Surge {
    const ABOUT: About = About {
        id: RuleId::of(12),
        version: 1,
        name: "surge before a rule date",
        why: "Who knows that a door closes buys ahead, for itself or for those who may not buy \
            afterwards. What is bought then is what has to be looked at later.",
        innocent: &[
            "a project that was announced long before began in those weeks",
            "the seller gave a discount, or shipped late what was ordered before",
        ],
        next: &[
            "ask the buyer for the use of what was ordered in the surge",
            "look at whether the chips come into operation, and where",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        let Record::Order(order) = told.record else {
            return Ok(());
        };
        let watch = scene.watch;
        let buyer = told.author().clone();
        let at = order.occurred_at;
        let orders = self.orders.entry(buyer.clone()).or_default();
        orders.push(Placed {
            at,
            stake: ordered(watch, order),
            said: told.spot,
        });
        let to = watch.place_of(&order.to_site);
        let span = watch.parameters.days_ms(Name::SurgeDays, told.time);
        let rule = RULE_DATES.iter().find(|rule| {
            let effective = day(rule.effective);
            rule.to.contains(&to.as_str()) && at < effective && at.plus_ms(span) >= effective
        });
        let Some(rule) = rule else { return Ok(()) };
        let begins = day(rule.effective).minus_ms(span);
        let within: Vec<Placed> = orders.iter().filter(|p| p.at >= begins).copied().collect();
        let earliest = begins.minus_ms(span.saturating_mul(SPANS_BEFORE));
        let before: Vec<Placed> = orders
            .iter()
            .filter(|placed| placed.at >= earliest && placed.at < begins)
            .copied()
            .collect();
        let sum = |orders: &[Placed]| {
            let stakes = orders.iter().map(|placed| placed.stake);
            stakes.fold(Stake::default(), |a, b| a + b)
        };
        let (surge, usual) = (sum(&within), sum(&before));
        let factor = watch.parameters.at(Name::SurgeFactor, told.time);
        let least = watch.parameters.at(Name::SurgeH100eMin, told.time);
        let h100 = u128::from(chipledger_schemas::catalogue::H100_TPP) * 1_000;
        let enough = before.len() as u64 >= watch.parameters.at(Name::SurgeOrdersMin, told.time)
            && surge.tpp_milli >= u128::from(least) * h100;
        let above = surge.tpp_milli.saturating_mul(u128::from(SPANS_BEFORE))
            > usual.tpp_milli.saturating_mul(u128::from(factor));
        if !enough || !above {
            return Ok(());
        }
        let story = vec![format!(
            "{buyer} ordered {} chips for {to} from {} to {}, within {} days before {} ({}). In \
             the {} spans of that length before it had ordered {} chips.",
            surge.chips,
            date(begins),
            date(at),
            span / DAY_MS,
            rule.effective,
            rule.source,
            SPANS_BEFORE,
            usual.chips,
        )];
        let records = within.iter().map(|placed| placed.said).collect();
        scene.raise(("member", &buyer), records, (surge, story));
        Ok(())
    }
}
