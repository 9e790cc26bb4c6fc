//! Who may report, what counts, and that a seat is remembered after it is lost.

use chipledger_proof::state::{Equivocation, Key, Seats};
use chipledger_schemas::certificate::{Step, consensus_preimage};
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{BlockHash, Height};
use chipledger_schemas::records::report_equivocation::SignedStatement;
use chipledger_schemas::records::suspend_member::Suspension;
use chipledger_schemas::records::{Record, ReportEquivocation};

use crate::execute::cases::{add_key, decree, refuses, suspend};
use crate::fixture::{World, id, key};
use crate::rejection::Code;

const A: Option<BlockHash> = Some(BlockHash(Hash([0xaa; 32])));
const B: Option<BlockHash> = Some(BlockHash(Hash([0xbb; 32])));

type Says = (Option<BlockHash>, Option<u32>);

/// Both statements, signed with the fixture key of `member`.
fn report(
    world: &World,
    member: &str,
    height: u64,
    step: Step,
    says: [Says; 2],
) -> ReportEquivocation {
    let genesis = world.genesis.hash();
    let sign = |(value, pol_round): Says| {
        let height = Height(height);
        let preimage = consensus_preimage(&genesis, height, 0, step, value.as_ref(), pol_round);
        SignedStatement {
            value,
            pol_round,
            signature: key(member).sign(&preimage),
        }
    };
    let [first, second] = says.map(sign);
    ReportEquivocation {
        member: id(member),
        key: key(member).public(),
        height: Height(height),
        round: 0,
        step,
        first,
        second,
    }
}

fn prevotes(world: &World, member: &str, height: u64) -> ReportEquivocation {
    report(world, member, height, Step::Prevote, [(A, None), (B, None)])
}

#[test]
fn refuses_what_proves_nothing_in_order_of_precedence() {
    let mut world = World::new();
    let good = prevotes(&world, "REG-1", 1);
    world
        .submit("INSPECTOR", vec![Record::ReportEquivocation(good.clone())])
        .unwrap();
    let same = report(&world, "REG-1", 1, Step::Precommit, [(A, None), (A, None)]);
    let mut forged = report(&world, "REG-1", 1, Step::Precommit, [(A, None), (B, None)]);
    forged.second.signature = forged.first.signature;
    let mut other_round = report(&world, "REG-1", 1, Step::Precommit, [(A, None), (B, None)]);
    other_round.round = 1;
    let mut other_step = prevotes(&world, "REG-1", 1);
    other_step.step = Step::Precommit;
    let swapped = ReportEquivocation {
        first: good.second.clone(),
        second: good.first.clone(),
        ..good.clone()
    };
    let mut misnamed = prevotes(&world, "REG-1", 0);
    misnamed.member = id("REG-2");
    let record = Record::ReportEquivocation;
    let cases = vec![
        ("FAB", &[][..], record(good.clone()), Code::RoleMissing),
        ("ANALYST", &[], record(good.clone()), Code::RoleMissing),
        ("REG-2", &[], record(same), Code::EquivocationSame),
        ("REG-2", &[], record(forged), Code::EquivocationUnsigned),
        (
            "REG-2",
            &[],
            record(other_round),
            Code::EquivocationUnsigned,
        ),
        ("REG-2", &[], record(other_step), Code::EquivocationUnsigned),
        (
            "REG-2",
            &[],
            record(prevotes(&world, "REG-2", 1)),
            Code::SeatUnknown,
        ),
        ("REG-2", &[], record(misnamed), Code::SeatUnknown),
        (
            "REG-2",
            &[],
            record(prevotes(&world, "REG-1", 99)),
            Code::SeatUnknown,
        ),
        ("REG-2", &[], record(good), Code::EquivocationKnown),
        ("CUSTOMS-US", &[], record(swapped), Code::EquivocationKnown),
    ];
    refuses(&mut world, cases);
}

#[test]
fn what_two_signatures_say_is_entered_under_its_id() {
    let mut world = World::new();
    let clerk = key("a clerk of customs");
    let class = chipledger_schemas::words::KeyClass::Clerk;
    world
        .submit("CUSTOMS-US", vec![add_key("CUSTOMS-US", &clerk, class)])
        .unwrap();
    let pairs = [
        (Step::Prevote, [(A, None), (None, None)]),
        (Step::Precommit, [(None, None), (B, None)]),
        (Step::Proposal, [(A, None), (B, None)]),
    ];
    for (step, says) in pairs {
        let report = report(&world, "REG-1", 1, step, says);
        let record = Record::ReportEquivocation(report.clone());
        let transaction = world.transaction("CUSTOMS-US", &[], vec![record]);
        let transaction = crate::execute::cases::signed_with(transaction, &clerk);
        world.submit_transaction(transaction).unwrap();
        let found: Equivocation = world.get(&Key::Equivocation(report.id())).unwrap();
        assert_eq!((found.report, found.by), (report, id("CUSTOMS-US")));
    }
    // Proposing one value as new and as proposed again are two statements.
    let again = report(
        &world,
        "REG-1",
        2,
        Step::Proposal,
        [(A, None), (A, Some(0))],
    );
    let record = Record::ReportEquivocation(again);
    world.submit("REG-2", vec![record]).unwrap();
}

#[test]
fn a_seat_that_was_lost_answers_for_the_heights_that_it_had() {
    use crate::execute::cases::set_validators;
    let mut world = World::new();
    world
        .submit_with(
            "REG-1",
            &["REG-2", "REG-3"],
            vec![set_validators(&["REG-2"])],
        )
        .unwrap();
    let changed = world.height.0;
    let old: Seats = world.get(&Key::Seats(key("REG-1").public())).unwrap();
    assert_eq!(old.0[0].until, Some(Height(changed + 2)));
    let new: Seats = world.get(&Key::Seats(key("REG-2").public())).unwrap();
    assert_eq!((new.0[0].from, new.0[0].until), (Height(changed + 2), None));
    decree(&mut world, suspend("INSPECTOR", Suspension::Suspend)).unwrap();
    decree(&mut world, suspend("INSPECTOR", Suspension::Reinstate)).unwrap();
    for (member, height, seated) in [
        ("REG-1", changed + 1, true),
        ("REG-1", changed + 2, false),
        ("REG-2", changed + 1, false),
        ("REG-2", changed + 2, true),
    ] {
        let record = Record::ReportEquivocation(prevotes(&world, member, height));
        let done = world.submit("REG-3", vec![record]);
        match done {
            Ok(()) => assert!(seated, "{member} at {height}"),
            Err(rejection) => {
                assert_eq!(rejection.code, Code::SeatUnknown);
                assert!(!seated, "{member} at {height}");
            }
        }
    }
}
