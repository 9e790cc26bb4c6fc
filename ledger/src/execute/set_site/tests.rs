//! Who must agree on a site, and what follows when its country changes.

use chipledger_proof::state::{Dimension, Key, Site};
use chipledger_schemas::records::suspend_member::Suspension::Suspend;
use chipledger_schemas::records::{Record, SetSite};
use chipledger_schemas::time::{DAY_MS, HOUR_MS};
use chipledger_schemas::words::{KeyClass, UnitKind};

use crate::execute::cases::{OTHERS, add_key, decree, propose, refuses, site, suspend, total};
use crate::execute::tests::{pack, receive, register, ship};
use crate::fixture::{World, id};
use crate::rejection::Code;

fn moved(world: &World, name: &str, jurisdiction: &str) -> SetSite {
    SetSite {
        jurisdiction: id(jurisdiction),
        ..site(world, name)
    }
}

#[test]
fn refuses_sites_in_order_of_precedence() {
    let mut world = World::new();
    decree(&mut world, suspend("DIST", Suspend)).unwrap();
    let ours = site(&world, "US-DC");
    let of = |operator: &str| {
        let (operator, site) = (id(operator), ours.clone());
        Record::SetSite(SetSite { operator, ..site })
    };
    let since = |valid_from| {
        let site = ours.clone();
        Record::SetSite(SetSite { valid_from, ..site })
    };
    let later = world.now().plus_ms(HOUR_MS);
    let earlier = world.genesis.time.minus_ms(DAY_MS);
    let cases = vec![
        ("FAB", &[][..], of("NOBODY"), Code::MemberUnknown),
        ("FAB", &[], of("DIST"), Code::MemberSuspended),
        ("CUSTOMS-US", &[], since(later), Code::CosignatureMissing),
        ("OP", &[], since(later), Code::CosignatureMissing),
        (
            "OP",
            &["CUSTOMS-DE"],
            since(later),
            Code::CosignatureMissing,
        ),
        ("OP", &["CUSTOMS-US"], of("OP-2"), Code::CosignatureMissing),
        (
            "OP-2",
            &["CUSTOMS-US"],
            of("OP-2"),
            Code::CosignatureMissing,
        ),
        ("OP", &["CUSTOMS-US"], since(later), Code::InFuture),
        ("OP", &["CUSTOMS-US"], since(earlier), Code::OutOfOrder),
    ];
    refuses(&mut world, cases);
}

#[test]
fn customs_countersign_with_an_admin_key() {
    let mut world = World::new();
    let clerk = chipledger_schemas::keys::SecretKey::from_seed(&[1; 32]);
    let record = add_key("CUSTOMS-US", &clerk, KeyClass::Clerk);
    world.submit("CUSTOMS-US", vec![record]).unwrap();
    let record = Record::SetSite(site(&world, "US-DC"));
    let transaction = world.transaction("OP", &[], vec![record]);
    let transaction = transaction.cosign(id("CUSTOMS-US"), &clerk);
    let refused = world.submit_transaction(transaction).unwrap_err();
    assert_eq!(refused.code, Code::CosignatureMissing);
}

#[test]
fn a_new_site_is_signed_by_its_operator_and_customs_in_either_order() {
    let mut world = World::new();
    for (name, author, other) in [("US-1", "OP", "CUSTOMS-US"), ("US-2", "CUSTOMS-US", "OP")] {
        let record = SetSite {
            site: id(name),
            ..site(&world, "US-DC")
        };
        let records = vec![Record::SetSite(record)];
        world.submit_with(author, &[other], records).unwrap();
    }
}

#[test]
fn a_regulator_vouches_for_a_place_that_nobody_knows() {
    let mut world = World::new();
    let record = SetSite {
        site: id("SOMEWHERE"),
        ..moved(&world, "US-DC", "ZZ")
    };
    let record = Record::SetSite(record);
    let customs: &[&str] = &["CUSTOMS-US"];
    let cases = vec![("OP", customs, record.clone(), Code::CosignatureMissing)];
    refuses(&mut world, cases);
    world.submit_with("OP", &["REG-2"], vec![record]).unwrap();
}

#[test]
fn a_change_of_country_reposts_what_is_there_and_what_is_under_way() {
    let mut world = World::new();
    let record = register(&world, "FAB:101..140");
    world.submit("FAB", vec![record]).unwrap();
    let record = pack(&world, "FAB:101..116", "FAB:b1..b2", UnitKind::Board);
    world.submit("FAB", vec![record]).unwrap();
    let record = ship(&world, "FAB:S1", "FAB:b1", "OP", "US-DC");
    world.submit("FAB", vec![record]).unwrap();
    let record = receive(&world, "FAB:S1", "US-DC", "FAB:b1");
    world.submit("OP", vec![record]).unwrap();
    // 8 chips at US-DC, 8 on their way to it, 2 on their way from it, 22 at TW-FAB.
    let record = ship(&world, "FAB:S2", "FAB:b2", "OP", "US-DC");
    world.submit("FAB", vec![record]).unwrap();
    let record = ship(&world, "FAB:S3", "FAB:117..118", "OP", "US-DC");
    world.submit("FAB", vec![record]).unwrap();
    let record = receive(&world, "FAB:S3", "US-DC", "FAB:117..118");
    world.submit("OP", vec![record]).unwrap();
    let record = ship(&world, "OP:S1", "FAB:117..118", "DIST", "SG-HUB");
    world.submit("OP", vec![record]).unwrap();

    let of = |world: &World, place: &str| total(world, Dimension::Jurisdiction(id(place)));
    assert_eq!(of(&world, "US"), (8, 8, 2));
    let before = (of(&world, "TW"), of(&world, "SG"));
    let record = Record::SetSite(moved(&world, "US-DC", "DE"));
    world
        .submit_with("OP", &["CUSTOMS-DE"], vec![record])
        .unwrap();
    assert_eq!(of(&world, "US"), (0, 0, 0));
    assert_eq!(of(&world, "DE"), (8, 8, 2));
    assert_eq!((of(&world, "TW"), of(&world, "SG")), before);
    assert_eq!(total(&world, Dimension::Site(id("US-DC"))), (8, 8, 2));
    assert_eq!(world.last.postings.len(), 3);
    let valid_from = world.time;
    assert!(
        world
            .last
            .postings
            .iter()
            .all(|p| p.occurred_at == valid_from)
    );

    // And the goods go on as if nothing had happened.
    let record = receive(&world, "FAB:S2", "US-DC", "FAB:b2");
    world.submit("OP", vec![record]).unwrap();
    assert_eq!(of(&world, "DE"), (16, 0, 2));
}

#[test]
fn the_quorum_stands_in_for_an_operator_that_cannot_sign() {
    let mut world = World::new();
    decree(&mut world, suspend("OP", Suspend)).unwrap();
    let record = |world: &World| {
        Record::SetSite(SetSite {
            operator: id("OP-2"),
            ..moved(world, "US-DC", "SG")
        })
    };
    let set = record(&world);
    let proposal = propose(&world, "REG-1:P1", set);
    decree(&mut world, proposal).unwrap();
    let found: Site = world.get(&Key::Site(id("US-DC"))).unwrap();
    assert_eq!((found.operator, found.jurisdiction), (id("OP-2"), id("SG")));
    let set = record(&world);
    world.submit_with("REG-1", OTHERS, vec![set]).unwrap();
}
