//! What may be put to the vote, and when it acts at once.

use chipledger_proof::state::{Key, Member, Proposal};
use chipledger_schemas::records::suspend_member::Suspension::Suspend;
use chipledger_schemas::records::{Propose, Record};
use chipledger_schemas::time::DAY_MS;

use crate::execute::cases::{OTHERS, decree, propose, refuses, suspend};
use crate::fixture::{World, id};
use crate::rejection::Code;

fn is_suspended(world: &World, name: &str) -> bool {
    let member: Member = world.get(&Key::Member(id(name))).unwrap();
    member.suspended
}

fn until(record: Record, days: u64, world: &World) -> Record {
    let Record::Propose(record) = record else {
        unreachable!("a proposal was made");
    };
    Record::Propose(Propose {
        expires_at: world.now().plus_ms(days * DAY_MS),
        ..record
    })
}

#[test]
fn refuses_proposals_in_order_of_precedence() {
    let mut world = World::new();
    let ours = propose(&world, "OP:P1", suspend("FAB", Suspend));
    world.submit("OP", vec![ours.clone()]).unwrap();
    let at_once = until(ours.clone(), 0, &world);
    let too_long = until(ours.clone(), 91, &world);
    let theirs = propose(&world, "OP:P2", suspend("FAB", Suspend));
    let nobody = propose(&world, "REG-1:P1", suspend("NOBODY", Suspend));
    let cases = vec![
        ("FAB", &[][..], at_once, Code::Malformed),
        ("OP", &[], too_long, Code::Malformed),
        // What acts at once is rejected for its own reasons.
        ("REG-1", OTHERS, nobody, Code::MemberUnknown),
        ("FAB", &[], ours, Code::DocumentTaken),
        ("FAB", &[], theirs, Code::DocumentMismatch),
    ];
    refuses(&mut world, cases);
}

#[test]
fn anybody_may_propose_and_only_a_regulators_proposal_is_a_vote() {
    let mut world = World::new();
    for (author, votes) in [("OP", 0), ("REG-1", 1)] {
        let name = format!("{author}:P1");
        let record = propose(&world, &name, suspend("FAB", Suspend));
        world.submit(author, vec![record]).unwrap();
        let proposal: Proposal = world.get(&Key::Proposal(id(&name))).unwrap();
        assert_eq!((proposal.approvals.len(), proposal.closed), (votes, false));
    }
    assert!(!is_suspended(&world, "FAB"));
}

#[test]
fn a_proposal_that_the_quorum_signs_acts_at_once() {
    let mut world = World::new();
    // Two of three seats are exactly two thirds: not more.
    let record = propose(&world, "REG-1:P1", suspend("FAB", Suspend));
    world
        .submit_with("REG-1", &["REG-2", "OP"], vec![record])
        .unwrap();
    assert!(!is_suspended(&world, "FAB"));
    let record = propose(&world, "REG-1:P2", suspend("FAB", Suspend));
    decree(&mut world, record).unwrap();
    assert!(is_suspended(&world, "FAB"));
    let proposal: Proposal = world.get(&Key::Proposal(id("REG-1:P2"))).unwrap();
    assert!(proposal.closed);
}
