//! Whose signatures stop counting, and what must stay standing.

use chipledger_schemas::records::suspend_member::Suspension::{Reinstate, Suspend};
use chipledger_schemas::records::vet_member::VetOutcome;

use crate::execute::cases::{
    OTHERS, VOTERS, chain, change_chain, decree, refuses, seats, suspend, vet, world_of_five,
};
use crate::execute::tests::register;
use crate::fixture::World;
use crate::rejection::Code;

#[test]
fn refuses_suspensions_in_order_of_precedence() {
    let mut world = World::new();
    let two: &[&str] = &["REG-2"];
    let cases = vec![
        ("FAB", two, suspend("NOBODY", Suspend), Code::MemberUnknown),
        // Two of three regulators are exactly two thirds: not more.
        ("REG-1", two, suspend("FAB", Suspend), Code::QuorumMissing),
        (
            "FAB",
            OTHERS,
            suspend("FAB-2", Suspend),
            Code::QuorumMissing,
        ),
        (
            "REG-1",
            OTHERS,
            suspend("REG-1", Suspend),
            Code::ValidatorsInvalid,
        ),
    ];
    refuses(&mut world, cases);
}

#[test]
fn the_last_regulator_keeps_its_seat() {
    let mut world = World::new();
    change_chain(&mut world, |chain| {
        chain.later_validators.0 = seats(&["CUSTOMS-US"]);
    });
    decree(&mut world, suspend("REG-2", Suspend)).unwrap();
    world
        .submit_with("REG-1", &["REG-3"], vec![suspend("REG-3", Suspend)])
        .unwrap();
    let last = suspend("REG-1", Suspend);
    refuses(&mut world, vec![("REG-1", &[], last, Code::LastRegulator)]);
}

#[test]
fn a_suspended_member_signs_and_cosigns_nothing_until_it_is_reinstated() {
    let mut world = World::new();
    let record = register(&world, "FAB:101..108");
    decree(&mut world, suspend("FAB", Suspend)).unwrap();
    let checked = vet("OP", VetOutcome::Cleared);
    refuses(
        &mut world,
        vec![
            ("FAB", &[], record.clone(), Code::MemberSuspended),
            ("REG-1", &["FAB"], checked, Code::MemberSuspended),
        ],
    );
    decree(&mut world, suspend("FAB", Reinstate)).unwrap();
    world.submit("FAB", vec![record]).unwrap();
}

#[test]
fn a_suspended_validator_loses_its_seat_in_the_same_act() {
    let mut world = world_of_five();
    decree(&mut world, suspend("CUSTOMS-SG", Suspend)).unwrap();
    let left: Vec<_> = VOTERS
        .iter()
        .copied()
        .filter(|v| *v != "CUSTOMS-SG")
        .collect();
    assert_eq!(chain(&world).later_validators.0, seats(&left));
    assert_eq!(chain(&world).validators.0, seats(VOTERS));
    let fifth = suspend("CUSTOMS-FR", Suspend);
    refuses(
        &mut world,
        vec![("REG-1", OTHERS, fifth, Code::ValidatorsInvalid)],
    );
    decree(&mut world, suspend("CUSTOMS-SG", Reinstate)).unwrap();
    let seated = chain(&world).later_validators.0;
    assert_eq!(seated, seats(&left), "the seat does not come back");
}
