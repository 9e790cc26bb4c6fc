//! When a vote counts, and when it decides.

use chipledger_proof::state::{Key, Member, Proposal};
use chipledger_schemas::records::suspend_member::Suspension::Suspend;
use chipledger_schemas::records::{Record, SetMember, Withdraw};
use chipledger_schemas::time::DAY_MS;
use chipledger_schemas::words::Role;

use crate::execute::cases::{
    OTHERS, approve, decree, propose, refuses, stranger, succeed, suspend,
};
use crate::fixture::{World, id};
use crate::rejection::Code;

fn is_suspended(world: &World, name: &str) -> bool {
    let member: Member = world.get(&Key::Member(id(name))).unwrap();
    member.suspended
}

/// A world in which `OP` has proposed to suspend `FAB`.
fn asked() -> World {
    let mut world = World::new();
    let record = propose(&world, "OP:P1", suspend("FAB", Suspend));
    world.submit("OP", vec![record]).unwrap();
    world
}

#[test]
fn refuses_votes_in_order_of_precedence() {
    let mut world = asked();
    let record = propose(&world, "OP:P2", suspend("FAB", Suspend));
    world.submit("OP", vec![record]).unwrap();
    let record = propose(&world, "REG-1:P3", suspend("FAB-2", Suspend));
    decree(&mut world, record).unwrap();
    let withdraw = Record::Withdraw(Withdraw {
        proposal: id("OP:P2"),
    });
    world.submit("OP", vec![withdraw]).unwrap();
    let cases = vec![
        ("CUSTOMS-US", OTHERS, approve("OP:P9"), Code::RoleMissing),
        ("REG-1", &[], approve("OP:P9"), Code::DocumentUnknown),
        ("REG-1", &[], approve("OP:P2"), Code::DocumentClosed),
        ("REG-1", &[], approve("REG-1:P3"), Code::DocumentClosed),
    ];
    refuses(&mut world, cases);
}

#[test]
fn the_vote_that_completes_the_quorum_makes_the_proposal_act() {
    let mut world = asked();
    for regulator in ["REG-1", "REG-2", "REG-2"] {
        world.submit(regulator, vec![approve("OP:P1")]).unwrap();
        assert!(!is_suspended(&world, "FAB"), "two thirds are not enough");
    }
    world.submit("REG-3", vec![approve("OP:P1")]).unwrap();
    assert!(is_suspended(&world, "FAB"));
    let late = vec![("REG-1", &[][..], approve("OP:P1"), Code::DocumentClosed)];
    refuses(&mut world, late);
}

#[test]
fn a_proposal_expires_by_block_time() {
    let mut world = asked();
    let proposal: Proposal = world.get(&Key::Proposal(id("OP:P1"))).unwrap();
    world
        .submit_with("REG-1", &["REG-2"], vec![approve("OP:P1")])
        .unwrap();
    // The next block comes an hour later: at the very end, and one after it.
    let at_the_end = proposal
        .expires_at
        .minus_ms(world.now().since_ms(world.time));
    world.time = at_the_end.plus_ms(1);
    refuses(
        &mut world,
        vec![("REG-3", &[], approve("OP:P1"), Code::DocumentClosed)],
    );
    world.time = at_the_end;
    world.submit("REG-3", vec![approve("OP:P1")]).unwrap();
    assert!(is_suspended(&world, "FAB"));
    assert!(proposal.expires_at.since_ms(world.genesis.time) > DAY_MS);
}

#[test]
fn seats_are_counted_in_the_deciding_block() {
    let mut world = asked();
    world
        .submit_with("REG-1", &["REG-2"], vec![approve("OP:P1")])
        .unwrap();
    // A vote of a seat that is lost does not count, and a seat that is new does.
    decree(&mut world, suspend("REG-2", Suspend)).unwrap();
    let seat = SetMember {
        roles: [Role::Regulator].into(),
        ..stranger("ANALYST", "FR")
    };
    world
        .submit_with("REG-1", &["REG-3"], vec![Record::SetMember(seat)])
        .unwrap();
    world.submit("REG-3", vec![approve("OP:P1")]).unwrap();
    assert!(
        !is_suspended(&world, "FAB"),
        "two of three seats that exist"
    );
    world.submit("ANALYST", vec![approve("OP:P1")]).unwrap();
    assert!(is_suspended(&world, "FAB"));
}

#[test]
fn a_quorum_that_seats_make_by_leaving_acts_with_the_next_vote() {
    let mut world = asked();
    world
        .submit_with("REG-1", &["REG-2"], vec![approve("OP:P1")])
        .unwrap();
    decree(&mut world, suspend("REG-3", Suspend)).unwrap();
    assert!(!is_suspended(&world, "FAB"), "nothing acts by itself");
    world.submit("REG-1", vec![approve("OP:P1")]).unwrap();
    assert!(is_suspended(&world, "FAB"));
}

#[test]
fn a_proposal_that_cannot_act_stays_open_and_its_last_vote_can_be_cast_again() {
    let mut world = World::new();
    let record = propose(&world, "OP:P1", suspend("NEW", Suspend));
    world.submit("OP", vec![record]).unwrap();
    world
        .submit_with("REG-1", &["REG-2"], vec![approve("OP:P1")])
        .unwrap();
    refuses(
        &mut world,
        vec![("REG-3", &[], approve("OP:P1"), Code::MemberUnknown)],
    );
    decree(&mut world, Record::SetMember(stranger("NEW", "SG"))).unwrap();
    world.submit("REG-3", vec![approve("OP:P1")]).unwrap();
    assert!(is_suspended(&world, "NEW"));
}

#[test]
fn a_succession_by_vote_reposts_in_the_deciding_block() {
    let mut world = World::new();
    let record = crate::execute::tests::register(&world, "FAB:101..108");
    world.submit("FAB", vec![record]).unwrap();
    let record = succeed(&world, "FAB", "FAB-2");
    let record = propose(&world, "REG-1:P1", record);
    world.submit("REG-1", vec![record]).unwrap();
    assert!(world.last.postings.is_empty());
    world
        .submit_with("REG-2", &["REG-3"], vec![approve("REG-1:P1")])
        .unwrap();
    assert_eq!(world.last.postings.len(), 1);
    let signed = world.submit("FAB", vec![suspend("OP", Suspend)]);
    assert_eq!(signed.unwrap_err().code, Code::MemberSuspended);
}
