//! Who takes a proposal back.

use chipledger_schemas::records::suspend_member::Suspension::Suspend;
use chipledger_schemas::records::{Record, Withdraw};

use crate::execute::cases::{decree, propose, refuses, succeed, suspend};
use crate::fixture::{World, id};
use crate::rejection::Code;

fn withdraw(proposal: &str) -> Record {
    Record::Withdraw(Withdraw {
        proposal: id(proposal),
    })
}

#[test]
fn refuses_withdrawals_in_order_of_precedence() {
    let mut world = World::new();
    let record = propose(&world, "OP:P1", suspend("FAB", Suspend));
    world.submit("OP", vec![record]).unwrap();
    let none: &[&str] = &[];
    let cases = vec![
        ("REG-1", none, withdraw("OP:P1"), Code::NotAuthority),
        ("REG-1", none, withdraw("OP:P9"), Code::NotAuthority),
        ("OP", none, withdraw("OP:P9"), Code::DocumentUnknown),
    ];
    refuses(&mut world, cases);
    world.submit("OP", vec![withdraw("OP:P1")]).unwrap();
    let twice = vec![("OP", none, withdraw("OP:P1"), Code::DocumentClosed)];
    refuses(&mut world, twice);
}

#[test]
fn a_successor_takes_back_what_was_proposed_before_it() {
    let mut world = World::new();
    let record = propose(&world, "OP:P1", suspend("FAB", Suspend));
    world.submit("OP", vec![record]).unwrap();
    let record = succeed(&world, "OP", "OP-2");
    decree(&mut world, record).unwrap();
    world.submit("OP-2", vec![withdraw("OP:P1")]).unwrap();
}
