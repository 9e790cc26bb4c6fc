//! Tables of rejections, and the governance records that they are made of.

use std::collections::BTreeSet;
use std::sync::Arc;

use chipledger_proof::state::{Chain, Dimension, Key, Totals};
use chipledger_schemas::certificate::{ValidatorSeat, ValidatorSet};
use chipledger_schemas::keys::SecretKey;
use chipledger_schemas::records::nested::Nested;
use chipledger_schemas::records::set_key::KeyAction;
use chipledger_schemas::records::suspend_member::Suspension;
use chipledger_schemas::records::vet_member::VetOutcome;
use chipledger_schemas::records::{
    Approve, Propose, Record, SetKey, SetMember, SetSite, SetValidators, SucceedMember,
    SuspendMember, VetMember,
};
use chipledger_schemas::time::{DAY_MS, Time};
use chipledger_schemas::transaction::Transaction;
use chipledger_schemas::words::KeyClass;

use crate::fixture::{World, genesis, id, key};
use crate::rejection::{Code, Rejection};

/// Author, co-signers, record, and why it is rejected.
pub(crate) type Case<'a> = (&'a str, &'a [&'a str], Record, Code);

/// The two regulators that make a quorum of three with `REG-1`.
pub(crate) const OTHERS: &[&str] = &["REG-2", "REG-3"];

/// Checks that each record is rejected as its row says, and that the rows are in order of
/// precedence.
pub(crate) fn refuses(world: &mut World, cases: Vec<Case<'_>>) {
    assert!(
        cases.iter().is_sorted_by_key(|(.., code)| *code),
        "the rows are not in order of precedence"
    );
    for (row, (author, cosigners, record, code)) in cases.into_iter().enumerate() {
        let rejection = world.submit_with(author, cosigners, vec![record]);
        let rejection = rejection.expect_err(&format!("row {row} should be {code}"));
        assert_eq!(rejection.code, code, "row {row}: {rejection}");
    }
}

/// Submits with the signatures of all regulators.
pub(crate) fn decree(world: &mut World, record: Record) -> Result<(), Rejection> {
    world.submit_with("REG-1", OTHERS, vec![record])
}

/// The same transaction, signed by its author with another key.
pub(crate) fn signed_with(transaction: Transaction, key: &SecretKey) -> Transaction {
    let mut body = transaction.body;
    body.key = key.public();
    body.sign(key)
}

/// What the genesis says of a member, to change a field of it.
pub(crate) fn member(name: &str) -> SetMember {
    let mut founders = genesis().founders.into_iter();
    let found = founders.find(|founder| founder.member.member == id(name));
    found.expect("a founder").member
}

/// A member that the genesis does not have, without a role.
pub(crate) fn stranger(name: &str, seat: &str) -> SetMember {
    SetMember {
        member: id(name),
        name: name.to_owned(),
        jurisdiction: id(seat),
        roles: BTreeSet::new(),
        parent: None,
        issuers: BTreeSet::new(),
        ..member("OP")
    }
}

/// What the genesis says of a site, to change a field of it from now on.
pub(crate) fn site(world: &World, name: &str) -> SetSite {
    let found = genesis().sites.into_iter().find(|s| s.site == id(name));
    SetSite {
        valid_from: world.now(),
        ..found.expect("a site of the genesis")
    }
}

pub(crate) fn suspend(name: &str, action: Suspension) -> Record {
    Record::SuspendMember(SuspendMember {
        member: id(name),
        action,
        reason: "court order".to_owned(),
    })
}

pub(crate) fn succeed(world: &World, from: &str, to: &str) -> Record {
    Record::SucceedMember(SucceedMember {
        from: id(from),
        to: id(to),
        basis: "merger".to_owned(),
        occurred_at: world.now(),
    })
}

pub(crate) fn vet(name: &str, outcome: VetOutcome) -> Record {
    Record::VetMember(VetMember {
        member: id(name),
        outcome,
        valid_until: Time::END,
        case: None,
    })
}

pub(crate) fn add_key(member: &str, key: &SecretKey, class: KeyClass) -> Record {
    set_key(
        member,
        key,
        KeyAction::Add {
            class,
            valid_from: Time(0),
            valid_until: Time::END,
        },
    )
}

pub(crate) fn set_key(member: &str, key: &SecretKey, action: KeyAction) -> Record {
    Record::SetKey(SetKey {
        member: id(member),
        key: key.public(),
        action,
    })
}

pub(crate) fn propose(world: &World, proposal: &str, record: Record) -> Record {
    Record::Propose(Propose {
        proposal: id(proposal),
        record: Nested::new(record).expect("a record that can be proposed"),
        expires_at: world.now().plus_ms(DAY_MS),
    })
}

pub(crate) fn approve(proposal: &str) -> Record {
    Record::Approve(Approve {
        proposal: id(proposal),
    })
}

/// Seats of power 1.
pub(crate) fn seats(members: &[&str]) -> Vec<ValidatorSeat> {
    let seat = |member: &&str| ValidatorSeat {
        member: id(member),
        key: key(member).public(),
        power: 1,
    };
    members.iter().map(seat).collect()
}

pub(crate) fn set_validators(members: &[&str]) -> Record {
    Record::SetValidators(SetValidators {
        validators: seats(members),
    })
}

/// Customs of five countries, each with a vote.
pub(crate) const VOTERS: &[&str] = &[
    "CUSTOMS-DE",
    "CUSTOMS-FR",
    "CUSTOMS-SG",
    "CUSTOMS-TW",
    "CUSTOMS-US",
];

/// A world that five validators run.
pub(crate) fn world_of_five() -> World {
    let mut world = World::new();
    for (name, seat) in [("CUSTOMS-FR", "FR"), ("CUSTOMS-SG", "SG")] {
        let customs = SetMember {
            roles: member("CUSTOMS-DE").roles,
            ..stranger(name, seat)
        };
        decree(&mut world, Record::SetMember(customs)).expect("the fixture's record applies");
    }
    change_chain(&mut world, |chain| {
        chain.solo = false;
        chain.validators = ValidatorSet(seats(VOTERS));
        chain.next_validators = chain.validators.clone();
        chain.later_validators = chain.validators.clone();
    });
    world
}

/// Starts from another chain entry than the genesis makes.
pub(crate) fn change_chain(world: &mut World, change: impl FnOnce(&mut Chain)) {
    let mut chain = chain(world);
    change(&mut chain);
    let entry = (Key::Chain, Arc::new(chain.into()));
    world.state.entries.insert(Key::Chain.bytes(), entry);
}

pub(crate) fn chain(world: &World) -> Chain {
    world.get(&Key::Chain).expect("the chain entry")
}

/// Chips in a total: here, inbound, outbound.
pub(crate) fn total(world: &World, dimension: Dimension) -> (u64, u64, u64) {
    let totals: Totals = world.get(&Key::Totals(dimension)).unwrap_or_default();
    totals.0.iter().fold((0, 0, 0), |sum, row| {
        let amount = &row.amount;
        (
            sum.0 + amount.here,
            sum.1 + amount.inbound,
            sum.2 + amount.outbound,
        )
    })
}
