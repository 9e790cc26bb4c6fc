//! Who may say what of a member, and what follows from its parent.

use chipledger_proof::state::{Dimension, Key, Member};
use chipledger_schemas::records::suspend_member::Suspension::Suspend;
use chipledger_schemas::records::{Record, SetMember};
use chipledger_schemas::words::Role;

use crate::execute::cases::{
    OTHERS, change_chain, decree, member, refuses, seats, stranger, succeed, suspend, total,
};
use crate::execute::tests::register;
use crate::fixture::{World, id};
use crate::rejection::Code;

fn under(name: &str, parent: &str) -> SetMember {
    SetMember {
        parent: Some(id(parent)),
        ..member(name)
    }
}

#[test]
fn refuses_members_in_order_of_precedence() {
    let mut world = World::new();
    let record = succeed(&world, "FAB-2", "FAB");
    decree(&mut world, record).unwrap();
    let taken = SetMember {
        issuers: [id("FAB2")].into(),
        ..under("GROUP", "OP-2")
    };
    let no_office = SetMember {
        roles: [Role::Operator].into(),
        ..member("REG-1")
    };
    let set = Record::SetMember;
    let two = &OTHERS[..1];
    let cases = vec![
        (
            "OP",
            two,
            set(under("FAB-2", "NOBODY")),
            Code::MemberUnknown,
        ),
        ("OP", two, set(member("FAB-2")), Code::MemberSuspended),
        // Two of three seats are exactly two thirds: not more.
        (
            "REG-1",
            two,
            set(stranger("NEW", "SG")),
            Code::QuorumMissing,
        ),
        ("OP", &[], set(under("OP", "FAB")), Code::QuorumMissing),
        ("REG-1", OTHERS, set(taken), Code::IssuerTaken),
        (
            "REG-1",
            OTHERS,
            set(under("GROUP", "OP-2")),
            Code::ParentCycle,
        ),
        ("REG-1", OTHERS, set(no_office), Code::ValidatorsInvalid),
    ];
    refuses(&mut world, cases);
}

#[test]
fn the_last_regulator_stays_one() {
    let mut world = World::new();
    change_chain(&mut world, |chain| {
        chain.later_validators.0 = seats(&["CUSTOMS-US"]);
    });
    decree(&mut world, suspend("REG-2", Suspend)).unwrap();
    let record = suspend("REG-3", Suspend);
    world
        .submit_with("REG-1", &["REG-3"], vec![record])
        .unwrap();
    let resigns = Record::SetMember(SetMember {
        roles: [Role::Customs].into(),
        ..member("REG-1")
    });
    refuses(
        &mut world,
        vec![("REG-1", &[], resigns, Code::LastRegulator)],
    );
}

#[test]
fn a_member_changes_its_own_name_alone() {
    let mut world = World::new();
    let renamed = SetMember {
        name: "Operator One".to_owned(),
        ..member("OP")
    };
    world
        .submit("OP", vec![Record::SetMember(renamed)])
        .unwrap();
    let found: Member = world.get(&Key::Member(id("OP"))).unwrap();
    assert_eq!(found.name, "Operator One");
}

#[test]
fn totals_by_parent_move_when_a_parent_changes() {
    let mut world = World::new();
    let record = register(&world, "FAB:101..110");
    world.submit("FAB", vec![record]).unwrap();
    let parents = |world: &World| {
        ["FAB", "OP-2", "GROUP"].map(|parent| total(world, Dimension::Parent(id(parent))).0)
    };
    assert_eq!(parents(&world), [10, 0, 0]);
    // OP-2 is under GROUP: the ultimate parent is what counts.
    decree(&mut world, Record::SetMember(under("FAB", "OP-2"))).unwrap();
    assert_eq!(parents(&world), [0, 0, 10]);
    let alone = SetMember {
        parent: None,
        ..member("OP-2")
    };
    decree(&mut world, Record::SetMember(alone)).unwrap();
    assert_eq!(parents(&world), [0, 10, 0]);
    let record = register(&world, "FAB:111..112");
    world.submit("FAB", vec![record]).unwrap();
    assert_eq!(parents(&world), [0, 12, 0]);
}

#[test]
fn nobody_controls_itself_through_whom_it_took_over() {
    let mut world = World::new();
    let record = succeed(&world, "GROUP", "OP");
    decree(&mut world, record).unwrap();
    let cases = ["OP-2", "GROUP"].map(|parent| {
        let record = Record::SetMember(under("OP", parent));
        ("REG-1", OTHERS, record, Code::ParentCycle)
    });
    refuses(&mut world, cases.into());
}

#[test]
fn prefixes_of_whom_it_took_over_can_be_its_own() {
    let mut world = World::new();
    let record = succeed(&world, "FAB-2", "FAB");
    decree(&mut world, record).unwrap();
    let both = SetMember {
        issuers: [id("FAB"), id("FAB2")].into(),
        ..member("FAB")
    };
    decree(&mut world, Record::SetMember(both)).unwrap();
    let record = register(&world, "FAB2:101..104");
    world.submit("FAB", vec![record]).unwrap();
}
