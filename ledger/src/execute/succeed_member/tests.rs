//! Who takes over whom, and that nothing stays behind.

use chipledger_proof::state::{Dimension, EntryKind, Key};
use chipledger_schemas::records::suspend_member::Suspension::Suspend;
use chipledger_schemas::records::{Record, SetSite};
use chipledger_schemas::words::{Status, UnitKind};

use crate::execute::cases::{
    OTHERS, VOTERS, chain, change_chain, decree, refuses, seats, site, stranger, succeed, suspend,
    total, world_of_five,
};
use crate::execute::tests::{install, pack, receive, register, ship};
use crate::fixture::{World, id};
use crate::rejection::Code;
use crate::state::State;

#[test]
fn refuses_successions_in_order_of_precedence() {
    let mut world = World::new();
    decree(&mut world, suspend("DIST", Suspend)).unwrap();
    let record = succeed(&world, "FAB-2", "FAB");
    decree(&mut world, record).unwrap();
    let two = &OTHERS[..1];
    let cases = vec![
        (
            "REG-1",
            two,
            succeed(&world, "NOBODY", "DIST"),
            Code::MemberUnknown,
        ),
        (
            "REG-1",
            two,
            succeed(&world, "FAB", "NOBODY"),
            Code::MemberUnknown,
        ),
        (
            "REG-1",
            two,
            succeed(&world, "FAB", "DIST"),
            Code::MemberSuspended,
        ),
        (
            "REG-1",
            two,
            succeed(&world, "FAB", "FAB-2"),
            Code::MemberSuspended,
        ),
        (
            "REG-1",
            two,
            succeed(&world, "FAB-2", "OP"),
            Code::MemberSuspended,
        ),
        (
            "REG-1",
            two,
            succeed(&world, "GROUP", "OP-2"),
            Code::QuorumMissing,
        ),
        (
            "REG-1",
            OTHERS,
            succeed(&world, "GROUP", "OP-2"),
            Code::ParentCycle,
        ),
        (
            "REG-1",
            OTHERS,
            succeed(&world, "REG-1", "REG-2"),
            Code::ValidatorsInvalid,
        ),
    ];
    refuses(&mut world, cases);
}

#[test]
fn the_last_regulator_is_taken_over_by_a_regulator_only() {
    let mut world = World::new();
    change_chain(&mut world, |chain| {
        chain.later_validators.0 = seats(&["CUSTOMS-US"]);
    });
    for (name, cosigners) in [("REG-2", OTHERS), ("REG-3", &OTHERS[1..])] {
        let record = suspend(name, Suspend);
        world.submit_with("REG-1", cosigners, vec![record]).unwrap();
    }
    let record = succeed(&world, "REG-1", "OP");
    refuses(
        &mut world,
        vec![("REG-1", &[], record, Code::LastRegulator)],
    );
}

/// Fails if any account still names the member.
fn assert_gone(world: &World, name: &str) {
    for (key, _) in world.state.entries(EntryKind::Account).unwrap() {
        let Key::Account(account) = key else {
            unreachable!("accounts were asked for");
        };
        let parties = [&account.holder, &account.owner, &account.user];
        assert!(!parties.contains(&&id(name)), "{account:?}");
    }
    assert_eq!(total(world, Dimension::Owner(id(name))), (0, 0, 0));
    assert_eq!(total(world, Dimension::Parent(id(name))), (0, 0, 0));
}

#[test]
fn a_holder_taken_over_in_mid_shipment_leaves_nothing_behind() {
    let mut world = World::new();
    let record = register(&world, "FAB:101..124");
    world.submit("FAB", vec![record]).unwrap();
    let record = pack(&world, "FAB:101..116", "FAB:b1..b2", UnitKind::Board);
    world.submit("FAB", vec![record]).unwrap();
    let record = ship(&world, "FAB:S1", "FAB:b1", "OP", "US-DC");
    world.submit("FAB", vec![record]).unwrap();

    let record = succeed(&world, "FAB", "FAB-2");
    decree(&mut world, record).unwrap();
    assert_gone(&world, "FAB");
    assert_eq!(total(&world, Dimension::Owner(id("FAB-2"))), (16, 0, 8));
    assert_eq!(total(&world, Dimension::Parent(id("FAB-2"))), (16, 0, 8));

    // What is under way arrives in order, and the successor goes on with the rest.
    let record = receive(&world, "FAB:S1", "US-DC", "FAB:b1");
    world.submit("OP", vec![record]).unwrap();
    assert_eq!(world.effective("FAB:101").status, Status::Stock);
    let record = ship(&world, "FAB-2:S1", "FAB:b2", "OP", "US-DC");
    refuses(
        &mut world,
        vec![("FAB", &[], record.clone(), Code::MemberSuspended)],
    );
    world.submit("FAB-2", vec![record]).unwrap();
    let record = pack(&world, "FAB:117..124", "FAB:b3", UnitKind::Board);
    world.submit("FAB-2", vec![record]).unwrap();
    assert_gone(&world, "FAB");
}

#[test]
fn a_receiver_taken_over_in_mid_shipment_is_received_for() {
    let mut world = World::new();
    let record = register(&world, "FAB:101..108");
    world.submit("FAB", vec![record]).unwrap();
    let record = ship(&world, "FAB:S1", "FAB:101..108", "OP", "US-DC");
    world.submit("FAB", vec![record]).unwrap();
    let record = succeed(&world, "OP", "OP-2");
    decree(&mut world, record).unwrap();
    let record = receive(&world, "FAB:S1", "US-DC", "FAB:101..108");
    world.submit("OP-2", vec![record]).unwrap();
    assert_eq!(world.effective("FAB:101").status, Status::Stock);
    let record = install(&world, "FAB:101..108");
    world.submit("OP-2", vec![record]).unwrap();
}

#[test]
fn a_chain_of_successions_ends_with_the_last() {
    let mut world = World::new();
    let record = register(&world, "FAB:101..108");
    world.submit("FAB", vec![record]).unwrap();
    for (from, to) in [("FAB", "FAB-2"), ("FAB-2", "OP-2")] {
        let record = succeed(&world, from, to);
        decree(&mut world, record).unwrap();
        assert_gone(&world, from);
    }
    assert_eq!(total(&world, Dimension::Owner(id("OP-2"))), (8, 0, 0));
    // OP-2 is under GROUP.
    assert_eq!(total(&world, Dimension::Parent(id("GROUP"))), (8, 0, 0));
}

#[test]
fn a_parent_taken_over_hands_its_children_on() {
    let mut world = World::new();
    let record = register(&world, "FAB:101..108");
    world.submit("FAB", vec![record]).unwrap();
    let mut child = stranger("FAB", "TW");
    child.roles = crate::execute::cases::member("FAB").roles;
    child.parent = Some(id("GROUP"));
    decree(&mut world, Record::SetMember(child)).unwrap();
    assert_eq!(total(&world, Dimension::Parent(id("GROUP"))), (8, 0, 0));
    let record = succeed(&world, "GROUP", "OP");
    decree(&mut world, record).unwrap();
    assert_eq!(total(&world, Dimension::Parent(id("GROUP"))), (0, 0, 0));
    assert_eq!(total(&world, Dimension::Parent(id("OP"))), (8, 0, 0));
    assert_eq!(total(&world, Dimension::Owner(id("FAB"))), (8, 0, 0));
}

#[test]
fn a_parent_may_take_its_child_over() {
    let mut world = World::new();
    let record = register(&world, "FAB:101..108");
    world.submit("FAB", vec![record]).unwrap();
    for (from, to) in [("FAB", "OP-2"), ("OP-2", "GROUP")] {
        let record = succeed(&world, from, to);
        decree(&mut world, record).unwrap();
    }
    assert_eq!(total(&world, Dimension::Parent(id("GROUP"))), (8, 0, 0));
}

#[test]
fn sites_of_an_operator_that_was_taken_over_are_its_successors_to_change() {
    let mut world = World::new();
    let record = succeed(&world, "OP", "OP-2");
    decree(&mut world, record).unwrap();
    let renewed = |world: &World| {
        Record::SetSite(SetSite {
            operator: id("OP-2"),
            ..site(world, "US-DC")
        })
    };
    let record = renewed(&world);
    refuses(
        &mut world,
        vec![("CUSTOMS-US", &[], record.clone(), Code::CosignatureMissing)],
    );
    world
        .submit_with("OP-2", &["CUSTOMS-US"], vec![record])
        .unwrap();
}

#[test]
fn a_validator_that_is_taken_over_loses_its_seat() {
    let mut world = world_of_five();
    let record = succeed(&world, "CUSTOMS-US", "REG-1");
    decree(&mut world, record).unwrap();
    assert_eq!(chain(&world).later_validators.0, seats(&VOTERS[..4]));
}
