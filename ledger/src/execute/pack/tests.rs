//! What goes into what, and what a unit keeps of the items in it.

use chipledger_schemas::words::{Status, UnitKind};
use serde_json::json;

use crate::execute::tests::{delivered, pack, register, ship, told};
use crate::fixture::{World, id};

#[test]
fn a_packing_is_rejected_in_order_of_precedence() {
    let mut world = delivered();
    let record = ship(&world, "FAB:S2", "FAB:1019", "OP", "US-DC");
    world.submit("FAB", vec![record]).unwrap();
    let fields = |items: &str, unit: &str, kind: &str| json!({"items": [items], "units": [unit], "unit_kind": kind});
    for (author, fields, code) in [
        ("FAB", fields("FAB:none", "FAB:x1", "board"), "item_unknown"),
        ("OP", fields("FAB:1010", "FAB:x1", "board"), "item_not_held"),
        (
            "OP",
            fields("FAB:1000", "FAB:x1", "board"),
            "item_contained",
        ),
        (
            "FAB",
            fields("FAB:1019", "FAB:x1", "board"),
            "item_in_transit",
        ),
        (
            "FAB",
            fields("FAB:1010", "OP:x1", "board"),
            "issuer_not_owned",
        ),
        (
            "FAB",
            fields("FAB:1010", "FAB:b1", "board"),
            "item_not_held",
        ),
        ("OP", fields("FAB:p1", "OP:x1", "board"), "unit_too_small"),
        ("FAB", fields("FAB:1010", "FAB:x1", "board"), "ok"),
        (
            "FAB",
            fields("FAB:1011", "FAB:x1", "server"),
            "unit_kind_mismatch",
        ),
        (
            "FAB",
            fields("FAB:1011", "FAB:1012", "board"),
            "unit_kind_mismatch",
        ),
        ("FAB", fields("FAB:x1", "FAB:x2", "board"), "unit_too_small"),
        ("FAB", fields("FAB:1011", "FAB:x1", "board"), "ok"),
    ] {
        assert_eq!(
            told(&mut world, &[author], "pack", fields.clone()),
            code,
            "{fields}"
        );
    }
}

#[test]
fn units_nest_as_deep_as_there_are_kinds_and_a_chip_at_the_bottom_moves_with_the_outermost() {
    // Each kind holds smaller ones only, so six units are the most: `too_deep` guards the bound of
    // eight.
    let mut world = World::new();
    let record = register(&world, "FAB:1");
    world.submit("FAB", vec![record]).unwrap();
    let mut item = "FAB:1".to_owned();
    for (level, kind) in UnitKind::ALL.iter().enumerate() {
        let unit = format!("FAB:u{level}");
        let record = pack(&world, &item, &unit, *kind);
        world.submit("FAB", vec![record]).unwrap();
        item = unit;
    }
    let record = ship(&world, "FAB:S1", &item, "OP", "US-DC");
    world.submit("FAB", vec![record]).unwrap();
    let chip = world.effective("FAB:1");
    assert_eq!((chip.containers.len(), chip.status), (6, Status::InTransit));
}

#[test]
fn a_unit_holds_at_most_thirty_two_combinations() {
    let mut world = World::new();
    let record = register(&world, "FAB:1000..1032");
    world.submit("FAB", vec![record]).unwrap();
    let members = ["DIST", "OP", "OP-2", "GROUP", "CARRIER", "ANALYST"];
    for number in 0..32 {
        let chip = format!("FAB:{}", 1000 + number);
        let (owner, user) = (members[number / 6], members[number % 6]);
        let title = json!({"items": [&chip], "to": owner});
        assert_eq!(
            told(&mut world, &["FAB", owner], "transfer_title", title),
            "ok"
        );
        let lease = json!({"items": [&chip], "user": user});
        assert_eq!(told(&mut world, &["FAB"], "set_use", lease), "ok");
    }
    let record = pack(&world, "FAB:1000..1031", "FAB:p1", UnitKind::Pallet);
    world.submit("FAB", vec![record]).unwrap();
    assert_eq!(world.item("FAB:p1").content.len(), 32);
    let record = pack(&world, "FAB:1032", "FAB:p1", UnitKind::Pallet);
    let code = world.submit("FAB", vec![record]).unwrap_err().code;
    assert_eq!(code.as_str(), "content_too_mixed");
}

#[test]
fn an_owner_that_uses_its_own_board_still_does_so_inside_anothers_rack() {
    let mut world = World::new();
    let record = register(&world, "FAB:1000..1001");
    world.submit("FAB", vec![record]).unwrap();
    let title = json!({"items": ["FAB:1001"], "to": "DIST"});
    assert_eq!(
        told(&mut world, &["FAB", "DIST"], "transfer_title", title),
        "ok"
    );
    let lease = json!({"items": ["FAB:1001"], "user": "FAB"});
    assert_eq!(told(&mut world, &["FAB"], "set_use", lease), "ok");
    let record = pack(&world, "FAB:1000..1001", "FAB:r1", UnitKind::Rack);
    world.submit("FAB", vec![record]).unwrap();
    let chip = world.effective("FAB:1001");
    assert_eq!((chip.owner, chip.user), (id("DIST"), Some(id("FAB"))));
}

#[test]
fn nothing_happens_to_an_item_before_its_container_moved_nor_to_a_container_before_its_content() {
    let mut world = delivered();
    let before = world.time.0 - 1;
    let at = |item: &str| {
        let time = chipledger_schemas::time::Time(before).to_string();
        json!({"items": [item], "occurred_at": time})
    };
    // The pallet arrived with the last block: what is in it did not go into operation before.
    assert_eq!(
        told(&mut world, &["OP"], "install", at("FAB:1000")),
        "out_of_order"
    );
    let between = world.now().to_string();
    let later = json!({"items": ["FAB:1000"]});
    world.time = world.now();
    assert_eq!(told(&mut world, &["OP"], "install", later), "ok");
    // A pallet that moved before would have had the chip in two states at once.
    let early = json!({"items": ["FAB:p1"], "occurred_at": between});
    assert_eq!(told(&mut world, &["OP"], "install", early), "out_of_order");
    assert_eq!(
        told(&mut world, &["OP"], "install", json!({"items": ["FAB:p1"]})),
        "ok"
    );
}

#[test]
fn stock_inside_something_under_way_is_under_way() {
    let mut world = delivered();
    for kind in ["install", "remove"] {
        let items = if kind == "install" {
            "FAB:p1"
        } else {
            "FAB:1000"
        };
        assert_eq!(
            told(&mut world, &["OP"], kind, json!({"items": [items]})),
            "ok"
        );
    }
    assert_eq!(
        told(&mut world, &["OP"], "remove", json!({"items": ["FAB:p1"]})),
        "ok"
    );
    let record = ship(&world, "OP:S1", "FAB:p1", "OP-2", "DE-DC");
    world.submit("OP", vec![record]).unwrap();
    assert_eq!(world.effective("FAB:1000").status, Status::InTransit);
}

#[test]
fn what_is_in_operation_inside_does_not_leave_unseen() {
    let mut world = delivered();
    assert_eq!(
        told(
            &mut world,
            &["OP"],
            "install",
            json!({"items": ["FAB:1000"]})
        ),
        "ok"
    );
    let record = ship(&world, "OP:S1", "FAB:p1", "OP-2", "DE-DC");
    let code = world.submit("OP", vec![record]).unwrap_err().code;
    assert_eq!(code.as_str(), "status_forbids");
}
