//! Who grants, and what a licence keeps.

use chipledger_proof::state::{Key, Licence};
use chipledger_schemas::records::set_licence::{LicenceAction, LicenceTerms};
use chipledger_schemas::records::set_policy::PolicyRule;
use chipledger_schemas::records::suspend_member::Suspension::Suspend;
use chipledger_schemas::records::{Record, SetLicence, SetPolicy};
use chipledger_schemas::time::Time;

use crate::execute::cases::{OTHERS, decree, refuses, succeed, suspend};
use crate::execute::tests::{register, ship};
use crate::fixture::{MODEL, World, id};
use crate::rejection::Code;

fn terms() -> LicenceTerms {
    LicenceTerms {
        licensee: id("FAB"),
        consignee: None,
        end_user: None,
        to: [id("US")].into(),
        models: [id(MODEL)].into(),
        chips_max: Some(10),
        tpp_milli_max: None,
        valid_from: Time(0),
        valid_until: Time::END,
        conditions: String::new(),
    }
}

fn grant(licence: &str, terms: LicenceTerms) -> Record {
    Record::SetLicence(SetLicence {
        licence: id(licence),
        action: LicenceAction::Grant(terms),
    })
}

fn revoke(licence: &str) -> Record {
    let reason = "diverted".to_owned();
    Record::SetLicence(SetLicence {
        licence: id(licence),
        action: LicenceAction::Revoke { reason },
    })
}

#[test]
fn refuses_licences_in_order_of_precedence() {
    let mut world = World::new();
    world
        .submit("REG-1", vec![grant("REG-1:L1", terms())])
        .unwrap();
    world.submit("REG-1", vec![revoke("REG-1:L1")]).unwrap();
    let to_nobody = LicenceTerms {
        end_user: Some(id("NOBODY")),
        ..terms()
    };
    let by_nobody = LicenceTerms {
        licensee: id("NOBODY"),
        ..terms()
    };
    let unknown_model = LicenceTerms {
        models: [id("ACME/X9")].into(),
        ..terms()
    };
    let cases = vec![
        (
            "OP",
            &[][..],
            grant("OP:L1", by_nobody),
            Code::MemberUnknown,
        ),
        ("OP", &[], grant("OP:L1", to_nobody), Code::MemberUnknown),
        (
            "OP",
            &[],
            grant("OP:L1", unknown_model.clone()),
            Code::RoleMissing,
        ),
        (
            "OP",
            &[],
            grant("REG-1:L1", unknown_model.clone()),
            Code::NotAuthority,
        ),
        ("REG-2", &["REG-3"], revoke("REG-1:L1"), Code::NotAuthority),
        (
            "REG-1",
            &[],
            grant("REG-1:L1", unknown_model),
            Code::ModelUnknown,
        ),
        ("REG-1", &[], revoke("REG-1:L2"), Code::DocumentUnknown),
        ("REG-1", &[], revoke("REG-1:L1"), Code::DocumentClosed),
        (
            "REG-1",
            &[],
            grant("REG-1:L1", terms()),
            Code::DocumentClosed,
        ),
    ];
    refuses(&mut world, cases);
}

#[test]
fn what_was_used_stays_used_when_the_terms_change() {
    let mut world = World::new();
    world
        .submit("CUSTOMS-TW", vec![grant("CUSTOMS-TW:L1", terms())])
        .unwrap();
    let record = register(&world, "FAB:101..116");
    world.submit("FAB", vec![record]).unwrap();
    let shipped = |world: &World, shipment, items| {
        let mut record = ship(world, shipment, items, "OP", "US-DC");
        if let Record::Ship(ship) = &mut record {
            ship.licence = Some(id("CUSTOMS-TW:L1"));
        }
        record
    };
    let record = shipped(&world, "FAB:S1", "FAB:101..108");
    world.submit("FAB", vec![record]).unwrap();
    let more = LicenceTerms {
        chips_max: Some(12),
        ..terms()
    };
    world
        .submit("CUSTOMS-TW", vec![grant("CUSTOMS-TW:L1", more)])
        .unwrap();
    let licence: Licence = world.get(&Key::Licence(id("CUSTOMS-TW:L1"))).unwrap();
    assert_eq!((licence.chips_used, licence.terms.chips_max), (8, Some(12)));
    let record = shipped(&world, "FAB:S2", "FAB:109..116");
    refuses(
        &mut world,
        vec![("FAB", &[], record, Code::LicenceExhausted)],
    );
    world
        .submit("CUSTOMS-TW", vec![revoke("CUSTOMS-TW:L1")])
        .unwrap();
    let record = shipped(&world, "FAB:S2", "FAB:109..112");
    refuses(&mut world, vec![("FAB", &[], record, Code::DocumentClosed)]);
}

#[test]
fn a_licence_outlives_its_authority_and_its_licensee() {
    let mut world = World::new();
    world
        .submit("REG-1", vec![grant("REG-1:L1", terms())])
        .unwrap();
    world
        .submit("CUSTOMS-TW", vec![grant("CUSTOMS-TW:L1", terms())])
        .unwrap();
    decree(&mut world, suspend("CUSTOMS-TW", Suspend)).unwrap();
    decree(&mut world, revoke("CUSTOMS-TW:L1")).unwrap();

    let record = register(&world, "FAB:101..108");
    world.submit("FAB", vec![record]).unwrap();
    let record = succeed(&world, "FAB", "FAB-2");
    decree(&mut world, record).unwrap();
    let mut record = ship(&world, "FAB-2:S1", "FAB:101..108", "OP", "US-DC");
    if let Record::Ship(ship) = &mut record {
        ship.licence = Some(id("REG-1:L1"));
    }
    world.submit("FAB-2", vec![record]).unwrap();
    let licence: Licence = world.get(&Key::Licence(id("REG-1:L1"))).unwrap();
    assert_eq!(licence.chips_used, 8);
}

#[test]
fn the_quorum_grants_in_the_authoritys_stead() {
    let mut world = World::new();
    let record = grant("CUSTOMS-US:L1", terms());
    world.submit_with("REG-1", OTHERS, vec![record]).unwrap();
}

/// Once any authority's licence did: a shipment out of one country passed with another's.
#[test]
fn a_licence_satisfies_the_policy_of_its_authoritys_country_alone() {
    let mut world = World::new();
    for licence in ["REG-1:L1", "REG-3:L1"] {
        let author = licence.split(':').next().unwrap();
        let record = grant(licence, terms());
        world.submit(author, vec![record]).unwrap();
    }
    let policy = |name: &str, jurisdiction: Option<&str>| {
        Record::SetPolicy(SetPolicy {
            policy: id(name),
            jurisdiction: jurisdiction.map(id),
            valid_from: Time(0),
            valid_until: Time::END,
            rule: PolicyRule::LicenceRequired {
                to: [].into(),
                tpp_milli_min: 0,
            },
        })
    };
    let record = register(&world, "FAB:101..108");
    world.submit("FAB", vec![record]).unwrap();
    world
        .submit("REG-3", vec![policy("REG-3:P1", Some("TW"))])
        .unwrap();
    let under = |world: &World, licence: &str| {
        let mut record = ship(world, "FAB:S1", "FAB:101", "OP", "US-DC");
        if let Record::Ship(ship) = &mut record {
            ship.licence = Some(id(licence));
        }
        record
    };
    let record = under(&world, "REG-1:L1");
    refuses(
        &mut world,
        vec![("FAB", &[], record, Code::LicenceMismatch)],
    );
    let record = under(&world, "REG-3:L1");
    world.submit("FAB", vec![record]).unwrap();

    // What holds everywhere is the policy of whoever it is named after.
    let mut world = World::new();
    let record = grant("REG-3:L1", terms());
    world.submit("REG-3", vec![record]).unwrap();
    let record = grant("CUSTOMS-US:L1", terms());
    world.submit("CUSTOMS-US", vec![record]).unwrap();
    let record = register(&world, "FAB:101..108");
    world.submit("FAB", vec![record]).unwrap();
    decree(&mut world, policy("REG-1:P1", None)).unwrap();
    let record = under(&world, "REG-3:L1");
    refuses(
        &mut world,
        vec![("FAB", &[], record, Code::LicenceMismatch)],
    );
    let record = under(&world, "CUSTOMS-US:L1");
    world.submit("FAB", vec![record]).unwrap();
}
