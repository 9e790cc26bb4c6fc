//! Whose affair a policy is.

use chipledger_schemas::records::set_policy::PolicyRule;
use chipledger_schemas::records::{Record, SetPolicy};
use chipledger_schemas::time::Time;

use crate::execute::cases::{OTHERS, decree, refuses};
use crate::execute::tests::{register, ship};
use crate::fixture::{World, id};
use crate::rejection::Code;

fn policy(policy: &str, jurisdiction: Option<&str>, until: Time) -> Record {
    Record::SetPolicy(SetPolicy {
        policy: id(policy),
        jurisdiction: jurisdiction.map(id),
        valid_from: Time(0),
        valid_until: until,
        rule: PolicyRule::ExitClearanceRequired,
    })
}

#[test]
fn refuses_policies_in_order_of_precedence() {
    let mut world = World::new();
    decree(&mut world, policy("REG-1:P", None, Time::END)).unwrap();
    let (two, none): (&[&str], &[&str]) = (&OTHERS[..1], &[]);
    let set = |name, at| policy(name, at, Time::END);
    let cases = vec![
        ("REG-1", two, set("NOBODY:P", None), Code::MemberUnknown),
        ("OP", none, set("OP:P", Some("US")), Code::QuorumMissing),
        (
            "REG-1",
            none,
            set("REG-1:Q", Some("DE")),
            Code::QuorumMissing,
        ),
        ("REG-1", none, set("REG-1:Q", None), Code::QuorumMissing),
        (
            "REG-1",
            none,
            set("CUSTOMS-US:Q", Some("US")),
            Code::QuorumMissing,
        ),
        // What the quorum demands everywhere is not one authority's to loosen.
        (
            "REG-1",
            two,
            policy("REG-1:P", Some("US"), Time(1)),
            Code::QuorumMissing,
        ),
    ];
    refuses(&mut world, cases);
}

#[test]
fn an_authority_sets_and_ends_the_rules_of_its_own_country() {
    let mut world = World::new();
    let record = register(&world, "FAB:101..109");
    world.submit("FAB", vec![record]).unwrap();
    let record = policy("CUSTOMS-TW:P", Some("TW"), Time::END);
    world.submit("CUSTOMS-TW", vec![record]).unwrap();
    let record = ship(&world, "FAB:S1", "FAB:101..109", "OP", "US-DC");
    let refused = vec![("FAB", &[][..], record.clone(), Code::ClearanceRequired)];
    refuses(&mut world, refused);
    let ended = policy("CUSTOMS-TW:P", Some("TW"), Time(1));
    world.submit("CUSTOMS-TW", vec![ended]).unwrap();
    world.submit("FAB", vec![record]).unwrap();
}
