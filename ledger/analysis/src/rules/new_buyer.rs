//! D8: a new buyer with a large order that others pay for, or that goes to others.

use std::collections::BTreeMap;

use chipledger_ledger::read::{QueryError, Spot};
use chipledger_schemas::ids::{DocumentId, MemberId};
use chipledger_schemas::records::{DeclarePayment, Order, Record};
use chipledger_schemas::time::{DAY_MS, Time};

use super::calendar::date;
use super::id::RuleId;
use super::parameters::Name;
use super::shares::Stake;
use super::structured::ordered;
use super::watch::Watch;
use super::{About, Rule, Scene, Told};

/// Large orders of new buyers.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewBuyer {
    orders: BTreeMap<DocumentId, Large>,
}

#[derive(Clone, Debug)]
struct Large {
    buyer: MemberId,
    said: Spot,
    stake: Stake,
    at: Time,
    story: String,
}

impl Rule for NewBuyer {
    const ABOUT: About = About {
        id: RuleId::of(8),
        version: 1,
        name: "straw buyer",
        why: "A company without a history that orders much, with money from elsewhere or for the \
            site of somebody else, buys for another who would not be sold to.",
        innocent: &[
            "the buyer is a new subsidiary of a known group, which is not yet in the book",
            "a lender or a lessor pays, under a contract that can be shown",
            "the site is a colocation hall in which the buyer rents",
        ],
        next: &[
            "ask for register entry, directors and owners of the buyer",
            "ask for the rental contract and the power of the site",
            "ask the bank where the money came from",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        match told.record {
            Record::Order(order) => self.order(scene, told, order),
            Record::DeclarePayment(payment) => self.payment(scene, told, payment),
            _ => {}
        }
        Ok(())
    }
}

fn is_new(watch: &Watch, buyer: &MemberId, at: Time) -> bool {
    let Some(known) = watch.members.get(buyer) else {
        return false;
    };
    let days = watch.parameters.days_ms(Name::NewBuyerDays, at);
    at.since_ms(known.since) < days
}

impl NewBuyer {
    fn order(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>, order: &Order) {
        let watch = scene.watch;
        let buyer = told.author();
        let stake = ordered(watch, order);
        let large = watch.parameters.at(Name::NewBuyerH100e, told.time);
        let h100 = u128::from(chipledger_schemas::catalogue::H100_TPP) * 1_000;
        if stake.tpp_milli < u128::from(large) * h100 || !is_new(watch, buyer, told.time) {
            return;
        }
        let since = watch
            .members
            .get(buyer)
            .map_or(told.time, |known| known.since);
        let large = Large {
            buyer: buyer.clone(),
            said: told.spot,
            stake,
            at: order.occurred_at,
            story: format!(
                "{buyer}, a member since {}, ordered {} chips from {} on {}, {} days later.",
                date(since),
                stake.chips,
                order.seller,
                date(order.occurred_at),
                order.occurred_at.since_ms(since) / DAY_MS,
            ),
        };
        let operator = watch.sites.get(&order.to_site).map(|site| &site.operator);
        let strange = operator
            .filter(|operator| watch.ultimate(operator) != watch.ultimate(buyer))
            .cloned();
        if let Some(operator) = strange {
            let story = vec![
                large.story.clone(),
                format!("They go to {}, which {operator} runs.", order.to_site),
            ];
            scene.raise(("member", buyer), vec![told.spot], (stake, story));
        }
        self.orders.insert(order.order.clone(), large);
    }

    fn payment(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>, payment: &DeclarePayment) {
        let order = payment.order.as_ref();
        let Some(large) = order.and_then(|id| self.orders.get(id)) else {
            return;
        };
        let watch = scene.watch;
        let own = watch.ultimate(&payment.payer) == watch.ultimate(&large.buyer);
        if own && payment.payer_jurisdiction == watch.seat(&large.buyer) {
            return;
        }
        let story = vec![
            large.story.clone(),
            format!(
                "{} paid for it from {} on {}; the buyer's seat is in {}.",
                payment.payer,
                payment.payer_jurisdiction,
                date(payment.paid_at.max(large.at)),
                watch.seat(&large.buyer),
            ),
        ];
        let records = vec![large.said, told.spot];
        scene.raise(("member", &large.buyer), records, (large.stake, story));
    }
}
