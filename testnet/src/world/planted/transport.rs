//! Patterns of transport: what leaves and what arrives.

use chipledger_schemas::ids::ItemId;
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::records::{Inspect, Receive, Record};

use super::super::leg::{Dock, Promptness};
use super::super::roster::{INSPECTOR, distributor, named};
use super::{Stage, Subject, leg};

/// A shipment leaves and nobody ever says more of it.
pub(super) fn never_arrives(stage: &mut Stage<'_>) -> Subject {
    let buyer = stage.operator("BUYER", stage.place, None);
    let chips = 32 + 16 * stage.below(4);
    let purchase = stage.purchase(&buyer, chips);
    let (made, order) = stage.sold(&purchase);
    let shipment = stage.journey.ship(&leg(&purchase, &made.pallets, order));
    ("shipment", shipment.to_string())
}

/// A pallet is missing at the dock and never turns up; or another one stands in its place.
pub(super) fn short_or_swapped(stage: &mut Stage<'_>) -> Subject {
    let buyer = stage.operator("BUYER", stage.place, None);
    let chips = 48 + 16 * stage.below(4);
    let purchase = stage.purchase(&buyer, chips);
    let swapped = stage.below(2) == 0;
    let extra = if swapped {
        let seller = distributor(1);
        let stock = stage.purchase(&seller, 16);
        stage.journey.stock(&stock, &seller).pallets.set()
    } else {
        ItemSet::new()
    };
    let (made, order) = stage.sold(&purchase);
    let leg = leg(&purchase, &made.pallets, order);
    let shipment = stage.journey.ship(&leg);
    let clearance = stage.journey.clear_entry(&leg, &shipment);
    let (first, last) = made.pallets.split(made.pallets.len() - 1);
    if swapped {
        let at = stage.journey.on(leg.day + 6);
        let record = Record::Receive(Receive {
            shipment: Some(shipment.clone()),
            site: buyer.site.clone(),
            found: first.set(),
            missing: last.set(),
            extra,
            refused: ItemSet::new(),
            clearance,
            occurred_at: at,
        });
        stage.journey.say(at, &buyer.member, &[], vec![record]);
    } else {
        let dock = Dock {
            found: first.set(),
            missing: last.set(),
            refused: ItemSet::new(),
        };
        stage.journey.receive(
            &leg,
            &shipment,
            clearance.as_ref(),
            dock,
            Promptness::Prompt(6),
        );
    }
    put_to_work(stage, &purchase, &made, &first);
    ("shipment", shipment.to_string())
}

/// What did arrive goes into operation: pallets as racks, so that nothing idles in boxes.
fn put_to_work(
    stage: &mut Stage<'_>,
    purchase: &super::Purchase,
    made: &super::Made,
    pallets: &super::Goods,
) {
    let servers = made.servers.len() * pallets.len() / made.pallets.len();
    let arrived = super::Made {
        servers: made.servers.split(servers).0,
        ..made.clone()
    };
    stage.journey.install(
        &arrived,
        &purchase.model,
        &purchase.buyer,
        super::Twist::None,
    );
}

/// Goods arrive that nobody sent; or an inspection finds labels that nobody registered.
pub(super) fn orphan(stage: &mut Stage<'_>) -> Subject {
    let buyer = stage.operator("BUYER", stage.place, None);
    if stage.below(2) == 0 {
        let seller = distributor(1);
        let stock = stage.purchase(&seller, 32);
        let made = stage.journey.stock(&stock, &seller);
        let at = stage.journey.on(-40);
        stage.journey.plan.need_site(&buyer.site, at);
        let record = Record::Receive(Receive {
            shipment: None,
            site: buyer.site.clone(),
            found: made.pallets.set(),
            missing: ItemSet::new(),
            extra: ItemSet::new(),
            refused: ItemSet::new(),
            clearance: None,
            occurred_at: at,
        });
        stage.journey.say(at, &buyer.member, &[], vec![record]);
        let first = made.pallets.set().ids().next().expect("pallets");
        return ("item", first.to_string());
    }
    let purchase = stage.purchase(&buyer, 32);
    let made = stage.delivered(&purchase);
    let number = 1_999_900_000_000 + stage.below(90_000_000);
    let first: ItemId = named(&format!("NVIDIA:{number}"));
    let at = stage.journey.on(40);
    let record = Record::Inspect(Inspect {
        plan: None,
        site: buyer.site.clone(),
        found: made.servers.split(2).0.set(),
        absent: ItemSet::new(),
        extra: ItemSet::consecutive(&first, 3).expect("three serials"),
        tampered: ItemSet::new(),
        occurred_at: at,
    });
    stage.journey.say(at, &named(INSPECTOR), &[], vec![record]);
    ("item", first.to_string())
}

/// An operator sends on, abroad, what it got from abroad.
pub(super) fn hub(stage: &mut Stage<'_>) -> Subject {
    let hub = stage.operator("HUB", stage.place, None);
    let far = stage.other_place();
    let client = stage.operator("CLIENT", far, None);
    let chips = 48 + 16 * stage.below(3);
    let purchase = stage.purchase(&hub, chips);
    let made = stage.journey.supply(&purchase, super::Twist::None);
    let on = super::Leg {
        from: &hub,
        to: &client,
        order: None,
        day: -30,
        ..leg(&purchase, &made.pallets, None)
    };
    stage.journey.carry(&on, super::Twist::None);
    let client = super::Purchase {
        buyer: client,
        ..purchase
    };
    stage
        .journey
        .install(&made, &client.model, &client.buyer, super::Twist::None);
    ("site", hub.site.to_string())
}
