//! Patterns of who buys, who owns and who uses.

use chipledger_schemas::hash;
use chipledger_schemas::records::order::OrderLine;
use chipledger_schemas::records::set_site::Position;
use chipledger_schemas::records::{DeclarePayment, Order, Record, SetMember, SetUse};
use chipledger_schemas::sealed::{Copy, Sealed};
use chipledger_schemas::time::{DAY_MS, Time};
use chipledger_schemas::words::{KeyClass, Role};

use super::super::draft::{Draft, Signer};
use super::super::roster::{Party, REGULATORS, named};
use super::{Stage, Subject};

/// A company that is weeks old orders much, for the hall of somebody else.
pub(super) fn straw_buyer(stage: &mut Stage<'_>) -> Subject {
    let shell = stage.operator("SHELL", stage.place, None);
    let friend = stage.operator("FRIEND", stage.place, None);
    let own = stage.below(2) == 0;
    let to = if own { &shell.site } else { &friend.site };
    let (to, chips) = (to.clone(), 64 + 8 * stage.below(20));
    let at = stage.journey.on(0);
    let order = order_only(stage, &shell, &to, chips, at);
    if own {
        let payment = Record::DeclarePayment(DeclarePayment {
            order: Some(order),
            payer: friend.member.clone(),
            payee: stage.purchase(&shell, 1).fab.member,
            payer_jurisdiction: stage.other_place(),
            amount: sealed(),
            paid_at: at.plus_ms(3 * DAY_MS),
        });
        let (regulator, _) = REGULATORS[0];
        let paid_at = at.plus_ms(10 * DAY_MS);
        stage.journey.plan.need_member(&friend.member, at);
        stage
            .journey
            .say(paid_at, &named(regulator), &[], vec![payment]);
    }
    ("member", shell.member.to_string())
}

/// An amount that nobody can open: real sealing is random, and two runs of a world are equal.
fn sealed() -> Sealed {
    let (regulator, _) = REGULATORS[0];
    Sealed {
        commitment: hash::SEALED.hash(b"an amount"),
        copies: vec![Copy {
            member: named(regulator),
            encapsulated: [0; 32],
            ciphertext: vec![0; 48],
        }],
    }
}

/// An order that is never answered; returns its id.
fn order_only(
    stage: &mut Stage<'_>,
    buyer: &Party,
    to: &chipledger_schemas::ids::SiteId,
    chips: u64,
    at: Time,
) -> chipledger_schemas::ids::DocumentId {
    let purchase = stage.purchase(buyer, chips);
    stage.journey.plan.need_site(to, at);
    stage.journey.plan.need_member(&purchase.fab.member, at);
    let order = stage.journey.plan.document(&buyer.member, "PO");
    let record = Record::Order(Order {
        order: order.clone(),
        seller: purchase.fab.member.clone(),
        lines: vec![OrderLine {
            model: purchase.model,
            chips,
        }],
        to_site: to.clone(),
        price: None,
        occurred_at: at,
    });
    stage.journey.say(at, &buyer.member, &[], vec![record]);
    order
}

/// Three companies of one parent order, each a little less than needs a licence.
pub(super) fn structured(stage: &mut Stage<'_>) -> Subject {
    let parent = stage.journey.plan.roster.enlist(
        &format!("{}-PARENT", stage.name),
        Role::Operator,
        stage.place,
        None,
    );
    let start: Time = named("2025-01-20");
    stage
        .journey
        .plan
        .need_member(&parent, start.minus_ms(60 * DAY_MS));
    for (name, day) in [("ONE", 0), ("TWO", 20), ("THREE", 40)] {
        let place = stage.other_place();
        let buyer = stage.operator(name, place, Some(&parent));
        let at = start.plus_ms((day + stage.below(15)) * DAY_MS);
        let chips = 600 + stage.below(300);
        order_only(stage, &buyer, &buyer.site.clone(), chips, at);
    }
    ("member", parent.to_string())
}

/// A site with a household's connection runs a cluster; or chips stay in their boxes.
pub(super) fn more_than_it_can_run(stage: &mut Stage<'_>) -> Subject {
    let mut holder = stage.operator("HOLDER", stage.place, None);
    if stage.below(2) == 0 {
        let power_kw = 10 + stage.below(20);
        let (member, place) = (holder.member.clone(), stage.place);
        holder.site = stage.site(&member, "SHED", place, None, Some(power_kw));
        let purchase = stage.purchase(&holder, 64);
        stage.delivered(&purchase);
    } else {
        let chips = 32 + 16 * stage.below(4);
        let purchase = stage.purchase(&holder, chips);
        stage.delivered_in_boxes(&purchase);
    }
    ("site", holder.site.to_string())
}

/// A buyer with a steady need orders many times as much in the weeks before a rule begins.
pub(super) fn surge(stage: &mut Stage<'_>) -> Subject {
    let place = named("IN");
    let buyer = stage.operator("BUYER", place, None);
    let begins: Time = named("2025-05-15");
    for weeks in [40, 32, 24, 16] {
        let at = begins.minus_ms((weeks * 7 + stage.below(5)) * DAY_MS);
        order_only(stage, &buyer, &buyer.site.clone(), 8, at);
    }
    for days in [30, 20, 9] {
        let at = begins.minus_ms((days + stage.below(5)) * DAY_MS);
        let chips = 48 + stage.below(64);
        order_only(stage, &buyer, &buyer.site.clone(), chips, at);
    }
    ("member", buyer.member.to_string())
}

/// A hall is let to a company whose parent's seat is restricted.
pub(super) fn restricted_tenant(stage: &mut Stage<'_>) -> Subject {
    let holder = stage.operator("HOLDER", stage.place, None);
    let chips = 32 + 16 * stage.below(4);
    let purchase = stage.purchase(&holder, chips);
    let made = stage.delivered(&purchase);
    let at = stage.journey.on(30);
    let parent = restricted_parent(stage, at);
    let tenant = stage.journey.plan.roster.enlist(
        &format!("{}-TENANT", stage.name),
        Role::Operator,
        named("SG"),
        Some(&parent),
    );
    stage.journey.plan.need_member(&tenant, at);
    let record = Record::SetUse(SetUse {
        items: made.servers.set(),
        user: Some(tenant.clone()),
        occurred_at: at,
    });
    stage.journey.say(at, &holder.member, &[], vec![record]);
    ("member", tenant.to_string())
}

fn restricted_parent(stage: &mut Stage<'_>, at: Time) -> chipledger_schemas::ids::MemberId {
    let parent = stage.journey.plan.roster.enlist(
        &format!("{}-PARENT", stage.name),
        Role::Operator,
        named("CN"),
        None,
    );
    let before = at.minus_ms(20 * DAY_MS);
    stage.journey.plan.need_member(&parent, before);
    parent
}

/// The owner of a cluster is bought.
pub(super) fn drifts(stage: &mut Stage<'_>) -> Subject {
    let holder = stage.operator("HOLDER", stage.place, None);
    let chips = 32 + 16 * stage.below(4);
    let purchase = stage.purchase(&holder, chips);
    stage.delivered(&purchase);
    let at = stage.journey.on(90);
    let parent = restricted_parent(stage, at);
    let known = stage.journey.plan.roster.members[&holder.member].clone();
    let [second, third, _, first] = REGULATORS.map(|(member, _)| Signer {
        member: named(member),
        class: KeyClass::Admin,
    });
    stage.journey.plan.say(Draft {
        signed_at: at,
        author: first,
        cosigners: vec![second, third],
        records: vec![Record::SetMember(SetMember {
            parent: Some(parent),
            ..known
        })],
    });
    ("member", holder.member.to_string())
}

/// Three halls a few hundred metres apart, each with one server.
pub(super) fn split(stage: &mut Stage<'_>) -> Subject {
    let holder = stage.operator("HOLDER", stage.place, None);
    let latitude_udeg = 40_000_000 + i32::try_from(stage.below(9_000_000)).unwrap_or(0);
    for (name, step) in [("ALPHA", 0), ("BETA", 4_000), ("GAMMA", 8_000)] {
        let position = Position {
            latitude_udeg: latitude_udeg + step,
            longitude_udeg: 5_000_000,
        };
        let (member, place) = (holder.member.clone(), stage.place);
        let site = stage.site(&member, name, place, Some(position), Some(500));
        let hall = Party {
            site,
            ..holder.clone()
        };
        let purchase = stage.purchase(&hall, 8);
        stage.delivered(&purchase);
    }
    ("member", holder.member.to_string())
}
