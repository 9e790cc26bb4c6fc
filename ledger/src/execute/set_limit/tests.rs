//! Whose affair a limit is.

use chipledger_proof::state::{Key, Limit};
use chipledger_schemas::records::set_limit::{Enforcement, LimitScope, Measure};
use chipledger_schemas::records::{Record, SetLimit};
use chipledger_schemas::time::Time;

use crate::execute::cases::{OTHERS, decree, refuses};
use crate::execute::tests::{register, ship};
use crate::fixture::{World, id};
use crate::rejection::Code;

fn limit(limit: &str, scope: LimitScope, amount: u64) -> Record {
    Record::SetLimit(SetLimit {
        limit: id(limit),
        name: "cap".to_owned(),
        scope,
        measure: Measure::Chips,
        amount,
        enforcement: Enforcement::Reject,
        valid_from: Time(0),
        valid_until: Time::END,
    })
}

fn country(name: &str) -> LimitScope {
    LimitScope::Jurisdiction(id(name))
}

fn parent(name: &str) -> LimitScope {
    LimitScope::Parent(id(name))
}

fn site(name: &str) -> LimitScope {
    LimitScope::Site(id(name))
}

#[test]
fn refuses_limits_in_order_of_precedence() {
    let mut world = World::new();
    decree(&mut world, limit("REG-1:CAP", parent("GROUP"), 100)).unwrap();
    let two = &OTHERS[..1];
    let none: &[&str] = &[];
    let cases = vec![
        (
            "REG-1",
            two,
            limit("NOBODY:CAP", site("NO-SITE"), 1),
            Code::MemberUnknown,
        ),
        (
            "REG-1",
            two,
            limit("REG-1:C", parent("NOBODY"), 1),
            Code::MemberUnknown,
        ),
        (
            "OP",
            none,
            limit("OP:C", country("US"), 1),
            Code::QuorumMissing,
        ),
        (
            "REG-1",
            none,
            limit("REG-1:C", country("DE"), 1),
            Code::QuorumMissing,
        ),
        (
            "REG-1",
            none,
            limit("REG-1:C", parent("GROUP"), 1),
            Code::QuorumMissing,
        ),
        (
            "REG-1",
            none,
            limit("REG-1:C", site("DE-DC"), 1),
            Code::QuorumMissing,
        ),
        (
            "REG-1",
            none,
            limit("REG-1:C", site("NO-SITE"), 1),
            Code::QuorumMissing,
        ),
        (
            "REG-1",
            none,
            limit("CUSTOMS-US:C", country("US"), 1),
            Code::QuorumMissing,
        ),
        // The quorum's limit does not become national by being narrowed.
        (
            "REG-1",
            two,
            limit("REG-1:CAP", country("US"), 1),
            Code::QuorumMissing,
        ),
        (
            "REG-1",
            OTHERS,
            limit("REG-1:C", site("NO-SITE"), 1),
            Code::SiteUnknown,
        ),
    ];
    refuses(&mut world, cases);
}

#[test]
fn an_authority_limits_its_own_country_and_sites_alone() {
    let mut world = World::new();
    for (author, name, scope) in [
        ("REG-1", "REG-1:C", country("US")),
        ("CUSTOMS-US", "CUSTOMS-US:C", site("US-DC")),
    ] {
        world.submit(author, vec![limit(name, scope, 8)]).unwrap();
    }
    let record = register(&world, "FAB:101..109");
    world.submit("FAB", vec![record]).unwrap();
    let record = ship(&world, "FAB:S1", "FAB:101..109", "OP", "US-DC");
    refuses(&mut world, vec![("FAB", &[], record, Code::LimitExceeded)]);
    world
        .submit("REG-1", vec![limit("REG-1:C", country("US"), 9)])
        .unwrap();
    let found: Limit = world.get(&Key::Limit(id("REG-1:C"))).unwrap();
    assert_eq!(found.amount, 9);
}
