//! Patterns that inspectors, meters and clocks see.

use chipledger_schemas::hash;
use chipledger_schemas::ids::{ItemId, Reference, Signature};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::keys::SecretKey;
use chipledger_schemas::records::attest_location::Attestation;
use chipledger_schemas::records::register::{DeviceKey, Origin};
use chipledger_schemas::records::set_site::Position;
use chipledger_schemas::records::{
    AttestLocation, DeviceReport, Inspect, Install, Receive, Record, Register, ReportEnergy, Ship,
    Sighting,
};
use chipledger_schemas::time::{DAY_MS, HOUR_MS};

use super::super::leg::Leg;
use super::super::roster::{INSPECTOR, Party, customs, named};
use super::{Stage, Subject, Twist};

/// A chip that runs in one country is seen in another; or goods arrive sooner than they can.
pub(super) fn in_two_places(stage: &mut Stage<'_>) -> Subject {
    let holder = stage.operator("HOLDER", stage.place, None);
    let purchase = stage.purchase(&holder, 32);
    if stage.below(2) == 0 {
        return arrives_too_soon(stage, &holder);
    }
    let made = stage.delivered(&purchase);
    let place = stage.other_place();
    let chip = one(&made.chips.split(stage.below(30)).1.split(1).0.set());
    let at = stage.journey.on(90);
    let record = Record::Sighting(Sighting {
        item: chip.clone(),
        site: None,
        jurisdiction: place,
        note: "The label was read on a board in a returned parcel.".to_owned(),
        occurred_at: at,
    });
    stage.journey.say(at, &customs(place), &[], vec![record]);
    ("item", chip.to_string())
}

/// Between two halls at the ends of a country, in less than an hour.
fn arrives_too_soon(stage: &mut Stage<'_>, holder: &Party) -> Subject {
    let hall = |latitude_udeg| Position {
        latitude_udeg,
        longitude_udeg: 12_000_000,
    };
    let (member, place) = (holder.member.clone(), stage.place);
    let near = Party {
        site: stage.site(&member, "SOUTH", place, Some(hall(36_000_000)), Some(9_000)),
        ..holder.clone()
    };
    let far = stage.site(&member, "NORTH", place, Some(hall(61_000_000)), Some(9_000));
    let purchase = stage.purchase(&near, 32);
    let made = stage.delivered_in_boxes(&purchase);
    let at = stage.journey.on(-30);
    stage.journey.plan.need_site(&far, at);
    let shipment = stage.journey.plan.document(&member, "SHP");
    let ship = Record::Ship(Ship {
        shipment: shipment.clone(),
        items: made.pallets.set(),
        to: member.clone(),
        to_site: far.clone(),
        carrier: None,
        expected_at: at.plus_ms(DAY_MS),
        order: None,
        licence: None,
        clearance: None,
        declared: None,
        occurred_at: at,
    });
    stage.journey.say(at, &member, &[], vec![ship]);
    let receive = Record::Receive(Receive {
        shipment: Some(shipment.clone()),
        site: far.clone(),
        found: made.pallets.set(),
        missing: ItemSet::new(),
        extra: ItemSet::new(),
        refused: ItemSet::new(),
        clearance: None,
        occurred_at: at.plus_ms(HOUR_MS / 2),
    });
    stage.journey.say(at, &member, &[], vec![receive]);
    let there = Party { site: far, ..near };
    stage
        .journey
        .install(&made, &purchase.model, &there, Twist::None);
    ("shipment", shipment.to_string())
}

/// An inspector finds a server, and fewer chips in it than the book has.
pub(super) fn stripped(stage: &mut Stage<'_>) -> Subject {
    let holder = stage.operator("HOLDER", stage.place, None);
    let purchase = stage.purchase(&holder, 64);
    let made = stage.delivered(&purchase);
    let (first, rest) = made.servers.split(1);
    let gone = 1 + stage.below(6);
    let at = stage.journey.on(60);
    let record = Record::Inspect(Inspect {
        plan: None,
        site: holder.site.clone(),
        found: first.set().union(&rest.split(2).0.set()).expect("servers"),
        absent: made.chips.split(gone).0.set(),
        extra: ItemSet::new(),
        tampered: ItemSet::new(),
        occurred_at: at,
    });
    stage.journey.say(at, &named(INSPECTOR), &[], vec![record]);
    ("item", one(&first.set()).to_string())
}

/// Labels are read at an inspection; half of the chips under them do not answer.
pub(super) fn dummies(stage: &mut Stage<'_>) -> Subject {
    let holder = stage.operator("HOLDER", stage.place, None);
    let purchase = stage.purchase(&holder, 8);
    let fab = purchase.fab.clone();
    let issuer = stage.journey.plan.roster.issuer(&fab.member);
    let at = stage.journey.on(-70);
    stage.journey.plan.need_site(&fab.site, at);
    let chips = stage.journey.plan.serials.chips(&issuer, at, 8);
    let keys: Vec<(ItemId, SecretKey)> = chips.set().ids().map(|id| key_of(stage, id)).collect();
    let register = Record::Register(Register {
        items: chips.set(),
        model: purchase.model.clone(),
        site: fab.site.clone(),
        origin: Origin::Made,
        lot: None,
        device_keys: keys
            .iter()
            .map(|(item, key)| DeviceKey {
                item: item.clone(),
                key: key.public(),
            })
            .collect(),
        occurred_at: at,
    });
    stage.journey.say(at, &fab.member, &[], vec![register]);
    stage.journey.sell(&chips, &fab, &holder, -50);
    let leg = Leg {
        chips_each: 1,
        ..super::leg(&purchase, &chips, None)
    };
    stage.journey.carry(&leg, Twist::None);
    let at = stage.journey.on(-20);
    let install = Record::Install(Install {
        items: chips.set(),
        position: None,
        occurred_at: at,
    });
    stage.journey.say(at, &holder.member, &[], vec![install]);
    let all: Vec<&(ItemId, SecretKey)> = keys.iter().collect();
    report(stage, &holder, &all, -10);
    let silent = usize::try_from(1 + stage.below(6)).unwrap_or(1);
    let at = stage.journey.on(100);
    let inspect = Record::Inspect(Inspect {
        plan: None,
        site: holder.site.clone(),
        found: chips.set(),
        absent: ItemSet::new(),
        extra: ItemSet::new(),
        tampered: ItemSet::new(),
        occurred_at: at,
    });
    stage.journey.say(at, &named(INSPECTOR), &[], vec![inspect]);
    report(stage, &holder, &all[silent..], 110);
    ("item", keys[0].0.to_string())
}

fn key_of(stage: &Stage<'_>, id: ItemId) -> (ItemId, SecretKey) {
    let text = format!("{} {id}", stage.journey.plan.seed.0);
    let digest = hash::FILE.hash(text.as_bytes());
    (id, SecretKey::from_seed(digest.as_bytes()))
}

fn report(stage: &mut Stage<'_>, holder: &Party, chips: &[&(ItemId, SecretKey)], day: i64) {
    let at = stage.journey.on(day);
    let genesis = stage.journey.plan.genesis_hash;
    let reference = |text: &str| -> Reference { named(text) };
    let report = |(item, key): &(ItemId, SecretKey)| {
        let mut report = DeviceReport {
            item: item.clone(),
            key: key.public(),
            constraint: reference("FIRMWARE-INTACT"),
            value: 1,
            firmware: reference("96.00.A5"),
            occurred_at: at,
            signature: Signature([0; 64]),
        };
        report.signature = key.sign(report.preimage(&genesis).as_bytes());
        Record::DeviceReport(report)
    };
    let records = chips.iter().map(|chip| report(chip)).collect();
    stage.journey.say(at, &holder.member, &[], records);
}

/// Location evidence excludes the country where the book has the chips.
pub(super) fn measured_elsewhere(stage: &mut Stage<'_>) -> Subject {
    let holder = stage.operator("HOLDER", stage.place, None);
    let purchase = stage.purchase(&holder, 32);
    let made = stage.delivered(&purchase);
    let elsewhere = stage.other_place();
    let chips = made.chips.split(1 + stage.below(8)).0.set();
    let at = stage.journey.on(120);
    let record = Record::AttestLocation(AttestLocation {
        items: chips.clone(),
        method: named("RTT-LANDMARKS"),
        region: [elsewhere].into(),
        result: if stage.below(2) == 0 {
            Attestation::Inconsistent
        } else {
            Attestation::Consistent
        },
        evidence: hash::FILE.hash(b"round trips of that day"),
        occurred_at: at,
    });
    stage.journey.say(at, &named(INSPECTOR), &[], vec![record]);
    ("item", one(&chips).to_string())
}

/// A hall full of chips draws as much as its lights; or as much as three halls.
pub(super) fn draws_nothing(stage: &mut Stage<'_>) -> Subject {
    let holder = stage.operator("HOLDER", stage.place, None);
    let purchase = stage.purchase(&holder, 128);
    stage.delivered(&purchase);
    let from = stage.journey.on(10);
    let until = from.plus_ms(60 * DAY_MS);
    let mean_w = if stage.below(2) == 0 { 2_000 } else { 900_000 };
    let record = Record::ReportEnergy(ReportEnergy {
        site: holder.site.clone(),
        from,
        until,
        energy_wh: mean_w * 60 * 24,
        meter: named("METER-1"),
        pue_milli: Some(1_200),
    });
    stage.journey.say(until, &holder.member, &[], vec![record]);
    ("site", holder.site.to_string())
}

/// The first item of a set.
fn one(items: &ItemSet) -> ItemId {
    items.ids().next().expect("the set names an item")
}
