//! A journey through the custody kinds, and what every transaction is refused for before its
//! records run.

use chipledger_proof::state::{Key, Shipment, ShipmentState};
use chipledger_schemas::movement::Place;
use chipledger_schemas::records::register::Origin;
use chipledger_schemas::records::{Install, Pack, Receive, Record, Register, Ship};
use chipledger_schemas::words::{Status, UnitKind};

use crate::fixture::{MODEL, World, id};

pub(crate) fn register(world: &World, items: &str) -> Record {
    Record::Register(Register {
        items: id(items),
        model: id(MODEL),
        site: id("TW-FAB"),
        origin: Origin::Made,
        lot: None,
        device_keys: Vec::new(),
        occurred_at: world.now(),
    })
}

pub(crate) fn pack(world: &World, items: &str, units: &str, unit_kind: UnitKind) -> Record {
    Record::Pack(Pack {
        units: id(units),
        unit_kind,
        items: id(items),
        occurred_at: world.now(),
    })
}

pub(crate) fn ship(world: &World, shipment: &str, items: &str, to: &str, to_site: &str) -> Record {
    Record::Ship(Ship {
        shipment: id(shipment),
        items: id(items),
        to: id(to),
        to_site: id(to_site),
        carrier: None,
        expected_at: world.now().plus_ms(1_000_000),
        order: None,
        licence: None,
        clearance: None,
        declared: None,
        occurred_at: world.now(),
    })
}

pub(crate) fn receive(world: &World, shipment: &str, site: &str, found: &str) -> Record {
    Record::Receive(Receive {
        shipment: Some(id(shipment)),
        site: id(site),
        found: id(found),
        missing: id(""),
        extra: id(""),
        refused: id(""),
        clearance: None,
        occurred_at: world.now(),
    })
}

pub(crate) fn install(world: &World, items: &str) -> Record {
    Record::Install(Install {
        items: id(items),
        position: None,
        occurred_at: world.now(),
    })
}

#[test]
fn a_chip_goes_from_the_fab_into_a_rack_in_operation() {
    let mut world = World::new();
    let record = register(&world, "FAB:1000..1063");
    world.submit("FAB", vec![record]).unwrap();
    let record = pack(&world, "FAB:1000..1063", "FAB:b1..b8", UnitKind::Board);
    world.submit("FAB", vec![record]).unwrap();
    let record = pack(&world, "FAB:b1..b8", "FAB:p1", UnitKind::Pallet);
    world.submit("FAB", vec![record]).unwrap();
    let record = ship(&world, "FAB:S1", "FAB:p1", "OP", "US-DC");
    world.submit("FAB", vec![record]).unwrap();
    assert_eq!(
        world.effective("FAB:1000").place,
        Place::Transit(id("FAB:S1"))
    );
    let record = receive(&world, "FAB:S1", "US-DC", "FAB:p1");
    world.submit("OP", vec![record]).unwrap();
    let shipment: Shipment = world.get(&Key::Shipment(id("FAB:S1"))).unwrap();
    assert_eq!(shipment.state, ShipmentState::Closed);
    let record = install(&world, "FAB:b1..b8");
    world.submit("OP", vec![record]).unwrap();
    let chip = world.effective("FAB:1063");
    assert_eq!(chip.status, Status::Installed);
    assert_eq!(chip.holder, id("OP"));
    assert_eq!(chip.owner, id("FAB"), "title has not moved");
    assert_eq!(chip.containers.len(), 2);
    assert_eq!(world.item("FAB:p1").content[0].count, 64);
}

#[test]
fn a_serial_is_registered_once_whatever_the_model() {
    let mut world = World::new();
    let record = register(&world, "FAB:1000..1063");
    world.submit("FAB", vec![record]).unwrap();
    let mut again = register(&world, "FAB:1063");
    if let Record::Register(record) = &mut again {
        record.model = id("NVIDIA/B200-SXM-180GB");
    }
    let code = world.submit("FAB", vec![again]).unwrap_err().code;
    assert_eq!(code.as_str(), "serial_taken");
}

/// A record from its JSON form; it happens now, unless it says when.
pub(crate) fn say(world: &World, kind: &str, mut fields: serde_json::Value) -> Record {
    let timeless = ["correct", "set_licence"].contains(&kind);
    if !timeless && fields.get("occurred_at").is_none() {
        fields["occurred_at"] = world.now().to_string().into();
    }
    let record = serde_json::json!({ kind: fields });
    serde_json::from_value(record.clone()).unwrap_or_else(|error| panic!("{record}: {error}"))
}

/// The code that a record is rejected with, or `ok`.
pub(crate) fn told(
    world: &mut World,
    signers: &[&str],
    kind: &str,
    fields: serde_json::Value,
) -> &'static str {
    let record = say(world, kind, fields);
    match world.submit_with(signers[0], &signers[1..], vec![record]) {
        Ok(()) => "ok",
        Err(rejection) => rejection.code.as_str(),
    }
}

/// Ten loose chips at the fab, and a pallet of four boards of two chips each that the operator
/// received.
pub(crate) fn delivered() -> World {
    let mut world = World::new();
    let record = register(&world, "FAB:1000..1019");
    world.submit("FAB", vec![record]).unwrap();
    let record = pack(&world, "FAB:1000..1007", "FAB:b1..b4", UnitKind::Board);
    world.submit("FAB", vec![record]).unwrap();
    let record = pack(&world, "FAB:b1..b4", "FAB:p1", UnitKind::Pallet);
    world.submit("FAB", vec![record]).unwrap();
    let record = ship(&world, "FAB:S1", "FAB:p1", "OP", "US-DC");
    world.submit("FAB", vec![record]).unwrap();
    let record = receive(&world, "FAB:S1", "US-DC", "FAB:p1");
    world.submit("OP", vec![record]).unwrap();
    world
}
