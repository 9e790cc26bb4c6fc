//! Who may check whom.

use chipledger_proof::state::{Key, Member};
use chipledger_schemas::records::vet_member::VetOutcome;

use crate::execute::cases::{refuses, vet};
use crate::fixture::{World, id};
use crate::rejection::Code;

#[test]
fn refuses_a_check_of_nobody_by_nobody_and_of_oneself() {
    let cleared = |name| vet(name, VetOutcome::Cleared);
    refuses(
        &mut World::new(),
        vec![
            ("FAB", &[], cleared("NOBODY"), Code::MemberUnknown),
            ("FAB", &[], cleared("FAB"), Code::RoleMissing),
            ("INSPECTOR", &[], cleared("OP"), Code::RoleMissing),
            ("REG-1", &[], cleared("REG-1"), Code::NotAuthority),
        ],
    );
}

#[test]
fn the_latest_check_counts() {
    let mut world = World::new();
    for (author, outcome) in [
        ("REG-1", VetOutcome::Cleared),
        ("CUSTOMS-US", VetOutcome::Refused),
    ] {
        world.submit(author, vec![vet("OP", outcome)]).unwrap();
        let member: Member = world.get(&Key::Member(id("OP"))).unwrap();
        let vetting = member.vetting.unwrap();
        assert_eq!((vetting.by, vetting.outcome), (id(author), outcome));
    }
}
