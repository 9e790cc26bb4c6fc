//! When the protocol changes.

use chipledger_schemas::ids::Height;
use chipledger_schemas::records::suspend_member::Suspension::{Reinstate, Suspend};
use chipledger_schemas::records::{Record, ScheduleUpgrade};

use crate::execute::cases::{OTHERS, chain, decree, refuses, suspend};
use crate::fixture::World;
use crate::rejection::Code;

fn upgrade(version: u32, height: u64) -> Record {
    Record::ScheduleUpgrade(ScheduleUpgrade {
        version,
        height: Height(height),
    })
}

#[test]
fn refuses_upgrades_in_order_of_precedence() {
    let cases = vec![
        ("REG-1", &OTHERS[..1], upgrade(7, 0), Code::QuorumMissing),
        ("REG-1", OTHERS, upgrade(1, 9), Code::UpgradeInvalid),
        ("REG-1", OTHERS, upgrade(3, 9), Code::UpgradeInvalid),
        // The next block is the first.
        ("REG-1", OTHERS, upgrade(2, 2), Code::UpgradeInvalid),
    ];
    refuses(&mut World::new(), cases);
}

#[test]
fn the_version_is_in_force_from_its_height_on() {
    let mut world = World::new();
    decree(&mut world, upgrade(2, 9)).unwrap();
    decree(&mut world, upgrade(2, 4)).unwrap();
    decree(&mut world, suspend("FAB", Suspend)).unwrap();
    assert_eq!((world.height, chain(&world).protocol), (Height(3), 1));
    decree(&mut world, suspend("FAB", Reinstate)).unwrap();
    assert_eq!((world.height, chain(&world).protocol), (Height(4), 2));
    assert_eq!(chain(&world).upgrade, None);
}
