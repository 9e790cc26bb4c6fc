//! Patterns of papers and books.

use chipledger_schemas::items::ItemSet;
use chipledger_schemas::records::set_licence::{LicenceAction, LicenceTerms};
use chipledger_schemas::records::{
    Clear, DeclareProduction, Install, Receive, Record, Remove, SetLicence,
};
use chipledger_schemas::time::{DAY_MS, HOUR_MS, Time};
use chipledger_schemas::words::{CustomsDecision, CustomsStage, KeyClass, Role};

use super::super::draft::{Draft, Signer};
use super::super::governance::LICENSOR;
use super::super::journey::register;
use super::super::leg::{Dock, Leg, Promptness};
use super::super::roster::{Party, customs, named};
use super::{Stage, Subject, Twist};

/// The entry declares adapters, another origin, or a mass that no accelerator has.
pub(super) fn declared_as_something_else(stage: &mut Stage<'_>) -> Subject {
    let buyer = stage.operator("BUYER", stage.place, None);
    let chips = 32 + 16 * stage.below(3);
    let purchase = stage.purchase(&buyer, chips);
    let (made, order) = stage.sold(&purchase);
    let leg = super::leg(&purchase, &made.pallets, order);
    let shipment = stage.journey.ship(&leg);
    let how = stage.below(3);
    let authority = customs(buyer.jurisdiction);
    let clearance = stage.journey.plan.document(&authority, "CLR");
    let at = stage.journey.on(leg.day + 5);
    let record = Record::Clear(Clear {
        clearance: clearance.clone(),
        stage: CustomsStage::Entry,
        decision: CustomsDecision::Allow,
        declarant: buyer.member.clone(),
        shipment: Some(shipment.clone()),
        from: leg.from.jurisdiction,
        to: leg.to.jurisdiction,
        mrn: named(&format!("{}-{}", buyer.jurisdiction, clearance.reference)),
        hs: Some(named(if how == 0 { "8517.62" } else { "8473.30" })),
        chips,
        mass_g: Some(chips * if how == 1 { 40 } else { 14_000 }),
        value: None,
        origin: Some(if how == 2 { named("CN") } else { leg.origin }),
        valid_until: at.plus_ms(60 * DAY_MS),
        occurred_at: at,
    });
    stage.journey.say(at, &authority, &[], vec![record]);
    let dock = all(&made.pallets.set());
    stage.journey.receive(
        &leg,
        &shipment,
        Some(&clearance),
        dock,
        Promptness::Prompt(6),
    );
    stage
        .journey
        .install(&made, &purchase.model, &buyer, Twist::None);
    ("shipment", shipment.to_string())
}

fn all(found: &ItemSet) -> Dock {
    Dock {
        found: found.clone(),
        missing: ItemSet::new(),
        refused: ItemSet::new(),
    }
}

/// A licence is revoked while the goods are under way.
pub(super) fn licence_ends(stage: &mut Stage<'_>) -> Subject {
    let place = named("AE");
    let buyer = stage.operator("BUYER", place, None);
    let chips = 32 + 16 * stage.below(3);
    let purchase = stage.purchase(&buyer, chips);
    let licence = stage.journey.plan.document(&named(LICENSOR), "LIC");
    let granted = stage.journey.on(-160);
    stage.journey.plan.need_member(&buyer.member, granted);
    stage
        .journey
        .plan
        .need_member(&purchase.fab.member, granted);
    let terms = LicenceTerms {
        licensee: purchase.fab.member.clone(),
        consignee: Some(buyer.member.clone()),
        end_user: None,
        to: [place].into(),
        models: [purchase.model.clone()].into(),
        chips_max: Some(1_000),
        tpp_milli_max: None,
        valid_from: granted,
        valid_until: granted.plus_ms(900 * DAY_MS),
        conditions: String::new(),
    };
    decide(
        stage,
        granted,
        SetLicence {
            licence: licence.clone(),
            action: LicenceAction::Grant(terms),
        },
    );
    let (made, order) = stage.sold(&purchase);
    let leg = Leg {
        licence: Some(licence.clone()),
        ..super::leg(&purchase, &made.pallets, order)
    };
    let shipment = stage.journey.ship(&leg);
    let revoked = stage.journey.on(leg.day + 4);
    decide(
        stage,
        revoked,
        SetLicence {
            licence,
            action: LicenceAction::Revoke {
                reason: "The end user is not who was named.".to_owned(),
            },
        },
    );
    let clearance = stage.journey.clear_entry(&leg, &shipment);
    let dock = all(&made.pallets.set());
    stage.journey.receive(
        &leg,
        &shipment,
        clearance.as_ref(),
        dock,
        Promptness::Prompt(9),
    );
    ("shipment", shipment.to_string())
}

/// A word of the licensing authority.
fn decide(stage: &mut Stage<'_>, signed_at: Time, set: SetLicence) {
    stage.journey.plan.say(Draft {
        signed_at,
        author: Signer {
            member: named(LICENSOR),
            class: KeyClass::Admin,
        },
        cosigners: Vec::new(),
        records: vec![Record::SetLicence(set)],
    });
}

/// What leaves one country never enters the other's books, though it is received there.
pub(super) fn mirror(stage: &mut Stage<'_>) -> Subject {
    let buyer = stage.operator("BUYER", stage.place, None);
    let chips = 64 + 16 * stage.below(4);
    let purchase = stage.purchase(&buyer, chips);
    let (made, order) = stage.sold(&purchase);
    let leg = super::leg(&purchase, &made.pallets, order);
    let shipment = stage.journey.ship(&leg);
    let received = without_entry(stage, &leg, &shipment, made.pallets.set());
    let month: String = received.to_string().chars().take(7).collect();
    let (from, to) = (leg.from.jurisdiction, leg.to.jurisdiction);
    ("route", format!("{from}->{to} {month}"))
}

/// Received without an entry clearance; returns when it was reported.
fn without_entry(
    stage: &mut Stage<'_>,
    leg: &Leg<'_>,
    shipment: &chipledger_schemas::ids::DocumentId,
    found: ItemSet,
) -> Time {
    let at = stage.journey.on(leg.day + 6);
    let record = Record::Receive(Receive {
        shipment: Some(shipment.clone()),
        site: leg.to.site.clone(),
        found,
        missing: ItemSet::new(),
        extra: ItemSet::new(),
        refused: ItemSet::new(),
        clearance: None,
        occurred_at: at,
    });
    let said = stage.journey.say(at, &leg.to.member, &[], vec![record]);
    stage.journey.plan.drafts[said].signed_at
}

/// Sister companies ship and receive across a border, and no customs sees the goods come in.
pub(super) fn both_ends(stage: &mut Stage<'_>) -> Subject {
    let parent = stage.journey.plan.roster.enlist(
        &format!("{}-PARENT", stage.name),
        Role::Operator,
        stage.place,
        None,
    );
    let first = stage.operator("FIRST", stage.place, Some(&parent));
    let far = stage.other_place();
    let second = stage.operator("SECOND", far, Some(&parent));
    let early = stage.journey.on(-200);
    stage.journey.plan.need_member(&parent, early);
    let purchase = stage.purchase(&first, 16);
    let stays = stage.purchase(&first, 48);
    stage.delivered(&stays);
    let made = stage.delivered_in_boxes(&purchase);
    let leg = Leg {
        from: &first,
        to: &second,
        day: -30,
        ..super::leg(&purchase, &made.pallets, None)
    };
    let shipment = stage.journey.ship(&leg);
    without_entry(stage, &leg, &shipment, made.pallets.set());
    ("shipment", shipment.to_string())
}

/// A fab whose books balanced registers fewer chips than it made, or more.
pub(super) fn dies_unaccounted(stage: &mut Stage<'_>) -> Subject {
    let place = named("TW");
    let name = format!("{}-FAB", stage.name);
    let member = stage
        .journey
        .plan
        .roster
        .enlist(&name, Role::Fab, place, None);
    let site = stage.site(&member, "FAB", place, None, None);
    let fab = Party {
        member: member.clone(),
        site,
        jurisdiction: place,
    };
    let model = stage.purchase(&fab, 1).model;
    let issuer = stage.journey.plan.roster.issuer(&member);
    let quarter = 90_i64;
    let gone = 20 + stage.below(40);
    let more = stage.below(2) == 0;
    let mut subject = String::new();
    for (index, made) in [
        (0_i64, 194),
        (1, if more { 194 + gone } else { 194 - gone }),
    ] {
        let start = stage.journey.on(index * quarter);
        let day = |time: Time| Time(time.0 - time.0 % DAY_MS);
        let from = day(start);
        stage.journey.plan.need_site(&fab.site, from);
        let at = from.plus_ms(40 * DAY_MS);
        let lot = stage.journey.plan.serials.chips(&issuer, at, made);
        let record = register(&lot, &model, &fab, at, 0);
        stage.journey.say(at, &member, &[], vec![record]);
        let until = from.plus_ms(80 * DAY_MS);
        let declared = Record::DeclareProduction(DeclareProduction {
            model: model.clone(),
            from,
            until,
            wafer_starts: 5,
            good_dies: 200,
            scrap: 6,
        });
        stage
            .journey
            .say(until.plus_ms(HOUR_MS), &member, &[], vec![declared]);
        subject = format!("{member} {model} {}", &from.to_string()[..10]);
    }
    ("production", subject)
}

/// An operator enters, on one day, what it did weeks before.
pub(super) fn back_dated(stage: &mut Stage<'_>) -> Subject {
    let holder = stage.operator("HOLDER", stage.place, None);
    let chips = 64;
    let purchase = stage.purchase(&holder, chips);
    let made = stage.delivered(&purchase);
    let mut records = Vec::new();
    for server in 0..made.servers.len() {
        let items = made.servers.split(server).1.split(1).0.set();
        let at = stage.journey.on(10);
        records.push(Record::Remove(Remove {
            items: items.clone(),
            occurred_at: at,
        }));
        records.push(Record::Install(Install {
            items,
            position: None,
            occurred_at: at.plus_ms(20 * HOUR_MS),
        }));
    }
    let day = 60 + i64::try_from(stage.below(20)).unwrap_or(0);
    let at = stage.journey.on(day);
    stage.journey.say(at, &holder.member, &[], records);
    ("member", holder.member.to_string())
}
