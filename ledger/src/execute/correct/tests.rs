//! Corrections: who, of what, and what is true again afterwards.

use chipledger_proof::state::{DeviceKeyOf, Key, LastMovement, Licence, Shipment, ShipmentState};
use chipledger_schemas::movement::{Movement, Place};
use chipledger_schemas::words::{Status, UnitKind};
use serde_json::{Value, json};

use crate::execute::tests::{delivered, install, pack, receive, register, say, ship, told};
use crate::fixture::{World, id, key};

/// The latest movement of an item.
fn latest(world: &World, item: &str) -> Movement {
    match world.item(item).movement {
        LastMovement::Known(movement) => movement,
        LastMovement::Below { .. } => panic!("{item} has its latest movement undone"),
    }
}

/// A correction of the latest movement of the first item, for all of them.
fn correct(world: &World, items: &[&str]) -> Value {
    let first = items[0].split("..").next().unwrap();
    let record = latest(world, first).record;
    json!({"items": items, "record": record, "carried": [], "reason": "wrong label"})
}

fn shipment(world: &World, shipment: &str) -> Shipment {
    world.get(&Key::Shipment(id(shipment))).unwrap()
}

fn corrected(world: &mut World, signers: &[&str], items: &[&str]) -> &'static str {
    let fields = correct(world, items);
    told(world, signers, "correct", fields)
}

#[test]
fn a_receipt_is_corrected_by_the_receiver_alone_and_opens_the_shipment_again() {
    let mut world = delivered();
    for author in ["FAB", "DIST", "CUSTOMS-US"] {
        assert_eq!(
            corrected(&mut world, &[author], &["FAB:p1"]),
            "not_authority"
        );
    }
    assert_eq!(corrected(&mut world, &["OP"], &["FAB:p1"]), "ok");
    let open = shipment(&world, "FAB:S1");
    assert_eq!(
        (open.state, open.outstanding, open.received),
        (ShipmentState::Open, 1, 0)
    );
    assert_eq!(world.effective("FAB:1000").status, Status::InTransit);
    let record = receive(&world, "FAB:S1", "US-DC", "FAB:p1");
    world.submit("OP", vec![record]).unwrap();
    assert_eq!(shipment(&world, "FAB:S1").state, ShipmentState::Closed);
}

#[test]
fn the_regulators_quorum_corrects_what_nobody_else_can() {
    let mut world = delivered();
    let quorum = ["REG-1", "REG-2", "REG-3"];
    assert_eq!(
        corrected(&mut world, &quorum[..2], &["FAB:p1"]),
        "not_authority"
    );
    assert_eq!(corrected(&mut world, &quorum, &["FAB:p1"]), "ok");
}

#[test]
fn corrections_are_rejected_in_order_of_precedence() {
    let mut world = delivered();
    let record = latest(&world, "FAB:p1").record;
    let fields = |items: &[&str], carried: &[Movement]| json!({"items": items, "record": record, "carried": carried, "reason": "x"});
    let stray = latest(&world, "FAB:b1");
    for (fields, code) in [
        (fields(&["FAB:none"], &[]), "item_unknown"),
        (fields(&["FAB:b1"], &[]), "not_latest"),
        (fields(&["FAB:p1"], &[stray]), "carried_mismatch"),
    ] {
        assert_eq!(told(&mut world, &["OP"], "correct", fields), code);
    }
    let record = install(&world, "FAB:b1");
    world.submit("OP", vec![record]).unwrap();
    let code = corrected(&mut world, &["OP"], &["FAB:p1"]);
    assert_eq!(code, "not_latest", "something inside moved since");
}

#[test]
fn a_departure_is_corrected_with_all_that_is_under_way_and_its_quota_returns() {
    let mut world = delivered();
    let terms = json!({"licensee": "FAB", "to": [], "models": [], "chips_max": 4,
        "valid_from": "2026-01-01", "valid_until": "2030-01-01", "conditions": ""});
    let grant = json!({"licence": "REG-3:L1", "action": {"grant": terms}});
    assert_eq!(told(&mut world, &["REG-3"], "set_licence", grant), "ok");
    let ship = |shipment: &str, items: &str| {
        json!({"shipment": shipment, "items": [items], "to": "OP", "to_site": "US-DC",
            "expected_at": "2027-01-01", "licence": "REG-3:L1"})
    };
    let used = |world: &World| -> u64 {
        let licence: Licence = world.get(&Key::Licence(id("REG-3:L1"))).unwrap();
        licence.chips_used
    };
    assert_eq!(
        told(
            &mut world,
            &["FAB"],
            "ship",
            ship("FAB:S2", "FAB:1010..1013")
        ),
        "ok"
    );
    assert_eq!(used(&world), 4);
    let code = told(&mut world, &["FAB"], "ship", ship("FAB:S3", "FAB:1014"));
    assert_eq!(code, "licence_exhausted");
    assert_eq!(
        corrected(&mut world, &["OP"], &["FAB:1010..1013"]),
        "not_authority"
    );
    let record = receive(&world, "FAB:S2", "US-DC", "FAB:1010");
    world.submit("OP", vec![record]).unwrap();
    let mut fields = correct(&world, &["FAB:1011"]);
    assert_eq!(
        told(&mut world, &["FAB"], "correct", fields.clone()),
        "not_all_named"
    );
    fields["items"] = json!(["FAB:1011..1013"]);
    assert_eq!(told(&mut world, &["FAB"], "correct", fields), "ok");
    assert_eq!(used(&world), 1);
    let closed = shipment(&world, "FAB:S2");
    assert_eq!(
        (closed.state, closed.licence_chips),
        (ShipmentState::Closed, 1)
    );
    assert_eq!(world.effective("FAB:1011").place, Place::Site(id("TW-FAB")));
}

#[test]
fn refused_goods_and_their_return_can_be_corrected_with_their_quota() {
    let mut world = delivered();
    let terms = json!({"licensee": "FAB", "to": [], "models": [], "chips_max": 4,
        "valid_from": "2026-01-01", "valid_until": "2030-01-01", "conditions": ""});
    let grant = json!({"licence": "REG-3:L1", "action": {"grant": terms}});
    assert_eq!(told(&mut world, &["REG-3"], "set_licence", grant), "ok");
    let fields = json!({"shipment": "FAB:S2", "items": ["FAB:1010..1013"], "to": "OP",
        "to_site": "US-DC", "expected_at": "2027-01-01", "licence": "REG-3:L1"});
    assert_eq!(told(&mut world, &["FAB"], "ship", fields), "ok");
    let fields = json!({"shipment": "FAB:S2", "site": "US-DC", "found": ["FAB:1010..1011"],
        "missing": [], "extra": [], "refused": ["FAB:1012..1013"]});
    assert_eq!(told(&mut world, &["OP"], "receive", fields), "ok");
    let used = |world: &World| -> u64 {
        let licence: Licence = world.get(&Key::Licence(id("REG-3:L1"))).unwrap();
        licence.chips_used
    };
    let leg = "OP:S2.R";
    assert_eq!((used(&world), shipment(&world, leg).licence_chips), (4, 2));
    let refusals = [latest(&world, "FAB:1012"), latest(&world, "FAB:1013")];
    let record = receive(&world, leg, "TW-FAB", "FAB:1012..1013");
    world.submit("FAB", vec![record]).unwrap();
    assert_eq!(used(&world), 2, "the shipper has half of the goods back");
    assert_eq!(corrected(&mut world, &["FAB"], &["FAB:1012..1013"]), "ok");
    assert_eq!((used(&world), shipment(&world, leg).outstanding), (4, 2));
    // The refusal lies below: it is carried, one movement per item.
    let fields = json!({"items": ["FAB:1012..1013"], "record": refusals[0].record,
        "carried": refusals, "reason": "they were in order"});
    assert_eq!(
        told(&mut world, &["FAB"], "correct", fields.clone()),
        "not_authority"
    );
    assert_eq!(told(&mut world, &["OP"], "correct", fields), "ok");
    let open = shipment(&world, "FAB:S2");
    assert_eq!(
        (open.outstanding, open.received, open.licence_chips),
        (2, 2, 4)
    );
    let void = shipment(&world, leg);
    assert_eq!((void.state, void.licence_chips), (ShipmentState::Void, 0));
    assert_eq!(used(&world), 4);
}

#[test]
fn an_older_error_is_corrected_newest_first_with_the_movement_carried() {
    let mut world = delivered();
    let first = latest(&world, "FAB:p1");
    let record = install(&world, "FAB:p1");
    world.submit("OP", vec![record]).unwrap();
    let older = |carried: Vec<Movement>| json!({"items": ["FAB:p1"], "record": first.record, "carried": carried, "reason": "x"});
    assert_eq!(
        told(&mut world, &["OP"], "correct", older(vec![])),
        "not_latest"
    );
    assert_eq!(corrected(&mut world, &["OP"], &["FAB:p1"]), "ok");
    assert_eq!(world.effective("FAB:p1").status, Status::Stock);
    let mut forged = first.clone();
    forged.before.as_mut().unwrap().owner = Some(id("DIST"));
    for (carried, code) in [
        (vec![], "carried_mismatch"),
        (vec![forged], "carried_mismatch"),
        (vec![first.clone()], "ok"),
    ] {
        assert_eq!(told(&mut world, &["OP"], "correct", older(carried)), code);
    }
    assert_eq!(world.effective("FAB:p1").status, Status::InTransit);
}

#[test]
fn a_replacement_says_in_the_same_record_what_should_have_been_said() {
    let mut world = delivered();
    let mut fields = correct(&world, &["FAB:p1"]);
    let other = json!({"receive": {"shipment": "FAB:S1", "site": "US-BOND", "found": ["FAB:p1"],
        "missing": [], "extra": [], "refused": [], "occurred_at": world.now().to_string()}});
    fields["replacement"] = other;
    assert_eq!(told(&mut world, &["OP"], "correct", fields.clone()), "ok");
    assert_eq!(world.effective("FAB:p1").place, Place::Site(id("US-BOND")));
    assert_eq!(world.last.item_changes.len(), 2, "undone, then moved");
    // A replacement that is rejected takes the correction with it.
    let mut fields = correct(&world, &["FAB:p1"]);
    fields["replacement"] = json!({"install": {"items": ["FAB:p1"],
        "occurred_at": world.now().to_string()}});
    assert_eq!(
        told(&mut world, &["OP"], "correct", fields),
        "item_not_held"
    );
    assert_eq!(world.effective("FAB:p1").place, Place::Site(id("US-BOND")));
}

#[test]
fn a_registration_undone_voids_the_chip_keeps_its_serial_and_frees_its_key() {
    let mut world = World::new();
    let device = key("chip 1").public();
    let mut fields = json!({"items": ["FAB:1..2"], "model": crate::fixture::MODEL,
        "site": "TW-FAB", "origin": "made", "device_keys": [{"item": "FAB:1", "key": device}]});
    assert_eq!(told(&mut world, &["FAB"], "register", fields.clone()), "ok");
    assert_eq!(corrected(&mut world, &["OP"], &["FAB:1"]), "not_authority");
    assert_eq!(corrected(&mut world, &["FAB"], &["FAB:1"]), "ok");
    assert_eq!(world.effective("FAB:1").status, Status::Void);
    assert!(world.get::<DeviceKeyOf>(&Key::DeviceKey(device)).is_none());
    assert_eq!(
        told(&mut world, &["FAB"], "register", fields.clone()),
        "serial_taken"
    );
    fields["items"] = json!(["FAB:3"]);
    fields["device_keys"] = json!([{"item": "FAB:3", "key": device}]);
    assert_eq!(told(&mut world, &["FAB"], "register", fields), "ok");
    let again = json!({"items": ["FAB:1"], "record": latest(&world, "FAB:2").record,
        "carried": [], "reason": "x"});
    assert_eq!(told(&mut world, &["FAB"], "correct", again), "not_latest");
}

#[test]
fn a_wrong_packing_comes_out_and_its_new_unit_is_voided_once_it_is_empty() {
    let mut world = World::new();
    let record = register(&world, "FAB:1000..1003");
    world.submit("FAB", vec![record]).unwrap();
    let record = pack(&world, "FAB:1000..1003", "FAB:b1", UnitKind::Board);
    world.submit("FAB", vec![record]).unwrap();
    let mut fields = correct(&world, &["FAB:b1", "FAB:1000..1002"]);
    assert_eq!(
        told(&mut world, &["FAB"], "correct", fields.clone()),
        "not_all_named"
    );
    fields["items"] = json!(["FAB:b1", "FAB:1000..1003"]);
    assert_eq!(told(&mut world, &["FAB"], "correct", fields), "ok");
    assert!(world.effective("FAB:1000").is_root());
    assert_eq!(world.effective("FAB:b1").status, Status::Void);
}

#[test]
fn a_chip_does_not_come_out_of_a_board_that_has_left() {
    let mut world = delivered();
    assert_eq!(
        corrected(&mut world, &["FAB"], &["FAB:1000"]),
        "not_authority"
    );
    assert_eq!(corrected(&mut world, &["OP"], &["FAB:1000"]), "not_latest");
}

#[test]
fn a_seal_that_was_not_broken_after_all_takes_a_witness_to_be_whole_again() {
    let mut world = delivered();
    let seal = json!({"items": ["FAB:p1"], "seal": "K1"});
    assert_eq!(told(&mut world, &["OP"], "seal", seal), "ok");
    let broken = json!({"items": ["FAB:p1"], "seal": "K1", "reason": "looked inside"});
    assert_eq!(told(&mut world, &["OP"], "break_seal", broken), "ok");
    assert_eq!(
        corrected(&mut world, &["OP"], &["FAB:p1"]),
        "cosignature_missing"
    );
    assert_eq!(
        corrected(&mut world, &["OP", "INSPECTOR"], &["FAB:p1"]),
        "ok"
    );
    assert_eq!(world.item("FAB:p1").facts.seal, Some(id("K1")));
}

fn redirect(items: &str, to: &str, to_site: &str) -> Value {
    json!({"shipment": "FAB:S2", "items": [items], "to": to, "to_site": to_site,
        "expected_at": "2027-01-01"})
}

#[test]
fn redirects_are_undone_newest_first_and_the_goods_arrive_where_they_were_to_at_first() {
    let mut world = delivered();
    let record = ship(&world, "FAB:S2", "FAB:1010..1011", "OP", "US-DC");
    world.submit("FAB", vec![record]).unwrap();
    let departed = shipment(&world, "FAB:S2");
    for (to, site) in [("OP-2", "DE-DC"), ("DIST", "SG-HUB")] {
        let fields = redirect("FAB:1010..1011", to, site);
        assert_eq!(told(&mut world, &["FAB"], "redirect", fields), "ok");
    }
    let second = latest(&world, "FAB:1010");
    assert_eq!(
        corrected(&mut world, &["DIST"], &["FAB:1010..1011"]),
        "not_authority"
    );
    assert_eq!(
        corrected(&mut world, &["FAB"], &["FAB:1010"]),
        "not_all_named"
    );
    assert_eq!(corrected(&mut world, &["FAB"], &["FAB:1010..1011"]), "ok");
    assert_eq!(shipment(&world, "FAB:S2").to_site, id("DE-DC"));
    // The first redirect is carried: the leaf commits to it.
    let fields = json!({"items": ["FAB:1010..1011"], "record": second.record, "carried": [],
        "reason": "x"});
    assert_eq!(
        told(&mut world, &["FAB"], "correct", fields),
        "carried_mismatch"
    );
    let record = receive(&world, "FAB:S2", "DE-DC", "FAB:1010..1011");
    world.submit("OP-2", vec![record]).unwrap();
    assert_eq!(corrected(&mut world, &["OP-2"], &["FAB:1010..1011"]), "ok");
    assert_eq!(shipment(&world, "FAB:S2").redirects.len(), 1);
    assert_eq!(shipment(&world, "FAB:S2").shipped_at, departed.shipped_at);
}

#[test]
fn a_redirect_undone_leaves_the_shipment_as_it_departed() {
    let mut world = delivered();
    let record = ship(&world, "FAB:S2", "FAB:1010", "OP", "US-DC");
    world.submit("FAB", vec![record]).unwrap();
    let departed = shipment(&world, "FAB:S2");
    let fields = redirect("FAB:1010", "OP-2", "DE-DC");
    assert_eq!(told(&mut world, &["FAB"], "redirect", fields), "ok");
    assert_eq!(corrected(&mut world, &["FAB"], &["FAB:1010"]), "ok");
    assert_eq!(shipment(&world, "FAB:S2"), departed);
    let record = receive(&world, "FAB:S2", "US-DC", "FAB:1010");
    world.submit("OP", vec![record]).unwrap();
    assert_eq!(world.effective("FAB:1010").irregularity, None);
}

#[test]
fn a_voided_shipment_is_on_its_way_after_all_when_all_of_it_is_named() {
    let mut world = delivered();
    let record = ship(&world, "FAB:S2", "FAB:1010..1011", "OP", "US-DC");
    world.submit("FAB", vec![record]).unwrap();
    let departed = shipment(&world, "FAB:S2");
    let void = json!({"shipment": "FAB:S2", "items": ["FAB:1010..1011"], "reason": "x"});
    assert_eq!(told(&mut world, &["FAB"], "void_shipment", void), "ok");
    assert_eq!(
        corrected(&mut world, &["OP"], &["FAB:1010..1011"]),
        "not_authority"
    );
    assert_eq!(
        corrected(&mut world, &["FAB"], &["FAB:1010"]),
        "not_all_named"
    );
    assert_eq!(corrected(&mut world, &["FAB"], &["FAB:1010..1011"]), "ok");
    assert_eq!(shipment(&world, "FAB:S2"), departed);
    let record = receive(&world, "FAB:S2", "US-DC", "FAB:1010..1011");
    world.submit("OP", vec![record]).unwrap();
    assert_eq!(world.effective("FAB:1010").irregularity, None);
}

/// A quota given back by a void shipment and used since is not there for it any more.
#[test]
fn a_quota_is_not_used_twice_by_undoing_a_void_shipment() {
    let mut world = delivered();
    let licence = json!({"licence": "REG-3:L1", "action": {"grant": {"licensee": "FAB",
        "consignee": null, "end_user": null, "to": [], "models": [], "chips_max": 2,
        "tpp_milli_max": null, "valid_from": "2026-01-01", "valid_until": "2027-01-01",
        "conditions": ""}}});
    assert_eq!(told(&mut world, &["REG-3"], "set_licence", licence), "ok");
    let under_licence = |world: &World, shipment: &str, items: &str| {
        let mut record = ship(world, shipment, items, "OP", "US-DC");
        if let chipledger_schemas::records::Record::Ship(ship) = &mut record {
            ship.licence = Some(id("REG-3:L1"));
        }
        record
    };
    let record = under_licence(&world, "FAB:S2", "FAB:1010..1011");
    world.submit("FAB", vec![record]).unwrap();
    let void = json!({"shipment": "FAB:S2", "items": ["FAB:1010..1011"], "reason": "x"});
    assert_eq!(told(&mut world, &["FAB"], "void_shipment", void), "ok");
    let record = under_licence(&world, "FAB:S3", "FAB:1012");
    world.submit("FAB", vec![record]).unwrap();
    assert_eq!(
        corrected(&mut world, &["FAB"], &["FAB:1010..1011"]),
        "licence_exhausted"
    );
    let licence: Licence = world.get(&Key::Licence(id("REG-3:L1"))).unwrap();
    assert_eq!(licence.chips_used, 1);
}

#[test]
fn who_agreed_to_a_statement_agrees_to_its_end() {
    let mut world = delivered();
    let title = json!({"items": ["FAB:1010"], "to": "OP"});
    assert_eq!(
        told(&mut world, &["FAB", "OP"], "transfer_title", title),
        "ok"
    );
    assert_eq!(
        corrected(&mut world, &["OP"], &["FAB:1010"]),
        "not_authority"
    );
    assert_eq!(
        corrected(&mut world, &["FAB"], &["FAB:1010"]),
        "cosignature_missing"
    );
    assert_eq!(corrected(&mut world, &["FAB", "OP"], &["FAB:1010"]), "ok");
    assert_eq!(world.effective("FAB:1010").owner, id("FAB"));

    let destroy = json!({"items": ["FAB:p1"], "witness": "INSPECTOR",
        "certificate": "00".repeat(32)});
    assert_eq!(
        told(&mut world, &["OP", "INSPECTOR"], "destroy", destroy),
        "ok"
    );
    let inside = json!({"items": ["FAB:b1"], "record": latest(&world, "FAB:b1").record,
        "carried": [], "reason": "x"});
    assert_eq!(told(&mut world, &["OP"], "correct", inside), "item_ended");
    assert_eq!(
        corrected(&mut world, &["OP", "DIST"], &["FAB:p1"]),
        "cosignature_missing"
    );
    assert_eq!(
        corrected(&mut world, &["OP", "INSPECTOR"], &["FAB:p1"]),
        "ok"
    );
    assert_eq!(world.effective("FAB:1000").status, Status::Stock);
}

#[test]
fn a_chip_reported_missing_goes_back_into_its_board_when_it_is_found_there() {
    let mut world = delivered();
    let record = pack(&world, "FAB:1010..1011", "FAB:b9", UnitKind::Board);
    world.submit("FAB", vec![record]).unwrap();
    let record = ship(&world, "FAB:S2", "FAB:b9", "OP", "US-DC");
    world.submit("FAB", vec![record]).unwrap();
    let fields = json!({"shipment": "FAB:S2", "site": "US-DC", "found": ["FAB:b9"],
        "missing": ["FAB:1010"], "extra": [], "refused": []});
    assert_eq!(told(&mut world, &["OP"], "receive", fields), "ok");
    let open = shipment(&world, "FAB:S2");
    assert_eq!((open.outstanding, open.missing), (1, 1));
    assert_eq!(
        corrected(&mut world, &["FAB"], &["FAB:1010"]),
        "not_authority"
    );
    assert_eq!(corrected(&mut world, &["OP"], &["FAB:1010"]), "ok");
    let closed = shipment(&world, "FAB:S2");
    assert_eq!((closed.state, closed.missing), (ShipmentState::Closed, 0));
    assert_eq!(world.item("FAB:b9").content[0].count, 2);
}

#[test]
fn a_seizure_is_corrected_by_the_customs_that_made_it() {
    let mut world = delivered();
    let seize = json!({"items": ["FAB:1000"], "action": {"seize": {"site": "US-BOND"}}});
    assert_eq!(
        told(&mut world, &["CUSTOMS-US"], "set_seizure", seize),
        "ok"
    );
    assert_eq!(
        corrected(&mut world, &["OP"], &["FAB:1000"]),
        "not_authority"
    );
    let record = say(&world, "correct", correct(&world, &["FAB:1000"]));
    world.submit("CUSTOMS-US", vec![record]).unwrap();
    assert_eq!(world.effective("FAB:1000").containers.len(), 2);
}
