//! Which sets may certify blocks.

use chipledger_schemas::records::suspend_member::Suspension::Suspend;
use chipledger_schemas::records::{Record, SetMember, SetValidators};
use chipledger_schemas::words::Role;

use crate::execute::cases::{
    OTHERS, VOTERS, chain, decree, member, refuses, seats, set_validators, suspend, world_of_five,
};
use crate::fixture::{World, id};
use crate::rejection::Code;

#[test]
fn refuses_validator_sets_in_order_of_precedence() {
    let mut world = world_of_five();
    decree(&mut world, suspend("FAB-2", Suspend)).unwrap();
    let mut heavy = seats(VOTERS);
    heavy[0].power = 2;
    // Two of six votes are exactly a third: too much.
    let heavy = Record::SetValidators(SetValidators { validators: heavy });
    let by_two: &[&str] = &["REG-2"];
    let cases = vec![
        (
            "REG-1",
            by_two,
            set_validators(&["NOBODY"]),
            Code::MemberUnknown,
        ),
        (
            "REG-1",
            by_two,
            set_validators(&["FAB-2"]),
            Code::MemberSuspended,
        ),
        (
            "REG-1",
            by_two,
            set_validators(&VOTERS[1..]),
            Code::QuorumMissing,
        ),
        (
            "REG-1",
            OTHERS,
            set_validators(&["ANALYST"]),
            Code::ValidatorsInvalid,
        ),
        (
            "REG-1",
            OTHERS,
            set_validators(&VOTERS[..3]),
            Code::ValidatorsInvalid,
        ),
        (
            "REG-1",
            OTHERS,
            set_validators(&["CUSTOMS-DE", "CUSTOMS-FR", "CUSTOMS-SG", "REG-2"]),
            Code::ValidatorsInvalid,
        ),
        ("REG-1", OTHERS, heavy, Code::ValidatorsInvalid),
    ];
    refuses(&mut world, cases);
}

#[test]
fn new_validators_certify_from_the_block_after_the_next() {
    let mut world = world_of_five();
    decree(&mut world, set_validators(&VOTERS[1..])).unwrap();
    let height = |world: &World| (chain(world).validators, chain(world).next_validators);
    assert_eq!(height(&world).1.0, seats(VOTERS));
    decree(&mut world, suspend("ANALYST", Suspend)).unwrap();
    assert_eq!(height(&world).0.0, seats(VOTERS));
    assert_eq!(height(&world).1.0, seats(&VOTERS[1..]));
    decree(&mut world, suspend("FAB", Suspend)).unwrap();
    assert_eq!(height(&world).0.0, seats(&VOTERS[1..]));
}

#[test]
fn one_validator_is_enough_in_solo_only() {
    let mut world = World::new();
    decree(&mut world, set_validators(&["CUSTOMS-US"])).unwrap();
    assert_eq!(chain(&world).later_validators.0, seats(&["CUSTOMS-US"]));
}

#[test]
fn a_validator_keeps_its_office_and_its_country() {
    let customs = member("CUSTOMS-DE");
    let no_office = SetMember {
        roles: [Role::Operator].into(),
        ..customs.clone()
    };
    let moved = SetMember {
        jurisdiction: id("US"),
        ..customs
    };
    let cases = [no_office, moved].map(|member| {
        let record = Record::SetMember(member);
        ("REG-1", OTHERS, record, Code::ValidatorsInvalid)
    });
    refuses(&mut world_of_five(), cases.into());
}
