//! What arrives, and what does not: partial receipts, missing, extra and refused goods, every
//! irregularity.

use chipledger_proof::state::{Key, Shipment, ShipmentState};
use chipledger_schemas::words::Irregularity::{
    self, LicenceEnded, NoEntryClearance, NoShipment, NotShipped, WrongReceiver, WrongSite,
};
use chipledger_schemas::words::{Status, UnitKind};
use serde_json::{Value, json};

use crate::execute::tests::{delivered, pack, receive, ship, told};
use crate::fixture::{World, id};

fn arrival(shipment: Option<&str>, site: &str, found: &[&str]) -> Value {
    json!({"shipment": shipment, "site": site, "found": found, "missing": [], "extra": [],
        "refused": []})
}

fn shipment(world: &World, shipment: &str) -> Shipment {
    world.get(&Key::Shipment(id(shipment))).unwrap()
}

/// Five loose chips and a board of two under way to the operator.
fn under_way() -> World {
    let mut world = delivered();
    let record = pack(&world, "FAB:1018..1019", "FAB:b9", UnitKind::Board);
    world.submit("FAB", vec![record]).unwrap();
    let record = ship(&world, "FAB:S2", "FAB:1010..1014, FAB:b9", "OP", "US-DC");
    world.submit("FAB", vec![record]).unwrap();
    world
}

#[test]
fn a_receipt_is_rejected_in_order_of_precedence() {
    let mut world = under_way();
    let with = |field: &str, items: &[&str]| {
        let mut fields = arrival(Some("FAB:S2"), "US-DC", &["FAB:b9"]);
        fields[field] = json!(items);
        fields
    };
    for (author, fields, code) in [
        (
            "ANALYST",
            arrival(Some("FAB:S9"), "NOWHERE", &["FAB:b9"]),
            "role_missing",
        ),
        (
            "OP",
            arrival(Some("FAB:S9"), "NOWHERE", &["FAB:b9"]),
            "site_unknown",
        ),
        (
            "OP",
            arrival(Some("FAB:S9"), "US-DC", &["FAB:b9"]),
            "document_unknown",
        ),
        (
            "OP",
            arrival(Some("FAB:S1"), "US-DC", &["FAB:b9"]),
            "document_closed",
        ),
        (
            "OP",
            arrival(Some("FAB:S2"), "US-DC", &["FAB:none"]),
            "item_unknown",
        ),
        (
            "OP",
            arrival(Some("FAB:S2"), "US-DC", &["FAB:p1"]),
            "item_not_in_shipment",
        ),
        (
            "OP",
            arrival(Some("FAB:S2"), "US-DC", &["FAB:1018"]),
            "item_contained",
        ),
        // Shipped, and so not extra: it would arrive and stay outstanding.
        ("OP", with("extra", &["FAB:1010"]), "item_twice"),
        ("OP", with("extra", &["FAB:1018"]), "item_twice"),
        ("OP", with("missing", &["FAB:1000"]), "item_not_in_shipment"),
        (
            "OP",
            arrival(None, "US-DC", &["FAB:b9", "FAB:1018"]),
            "item_twice",
        ),
    ] {
        assert_eq!(
            told(&mut world, &[author], "receive", fields.clone()),
            code,
            "{fields}"
        );
    }
    let mut both = arrival(Some("FAB:S2"), "US-DC", &[]);
    both["missing"] = json!(["FAB:b9", "FAB:1018"]);
    assert_eq!(told(&mut world, &["OP"], "receive", both), "item_twice");
}

#[test]
fn a_shipment_closes_item_by_item_and_what_was_missing_is_found_later() {
    let mut world = under_way();
    let mut fields = arrival(Some("FAB:S2"), "US-DC", &["FAB:1010..1013", "FAB:b9"]);
    fields["missing"] = json!(["FAB:1014", "FAB:1018"]);
    assert_eq!(told(&mut world, &["OP"], "receive", fields), "ok");
    let open = shipment(&world, "FAB:S2");
    assert_eq!((open.outstanding, open.missing, open.received), (2, 2, 5));
    assert_eq!(world.item("FAB:b9").content[0].count, 1);
    assert!(world.effective("FAB:1018").is_root());
    let fields = arrival(Some("FAB:S2"), "US-DC", &["FAB:1014", "FAB:1018"]);
    assert_eq!(told(&mut world, &["OP"], "receive", fields), "ok");
    assert_eq!(shipment(&world, "FAB:S2").state, ShipmentState::Closed);
}

#[test]
fn what_turns_up_elsewhere_is_no_longer_outstanding_where_it_was_expected() {
    let mut world = under_way();
    let fields = arrival(None, "DE-DC", &["FAB:1010"]);
    assert_eq!(told(&mut world, &["OP-2"], "receive", fields), "ok");
    assert_eq!(shipment(&world, "FAB:S2").outstanding, 5);
    let record = ship(&world, "FAB:S3", "FAB:1015", "OP", "US-DC");
    world.submit("FAB", vec![record]).unwrap();
    let mut fields = arrival(Some("FAB:S3"), "US-DC", &["FAB:1015"]);
    fields["extra"] = json!(["FAB:1011"]);
    assert_eq!(told(&mut world, &["OP"], "receive", fields), "ok");
    assert_eq!(shipment(&world, "FAB:S2").outstanding, 4);
    let reason = world.effective("FAB:1011").irregularity;
    assert_eq!(reason, Some(Irregularity::NotShipped));
}

#[test]
fn refused_goods_go_back_in_a_leg_of_their_own_that_nobody_voids() {
    let mut world = under_way();
    let mut fields = arrival(Some("FAB:S2"), "US-DC", &["FAB:b9"]);
    fields["refused"] = json!(["FAB:1010..1014"]);
    assert_eq!(told(&mut world, &["OP"], "receive", fields), "ok");
    let leg = shipment(&world, "OP:S2.R");
    assert_eq!((leg.outstanding, leg.return_of), (5, Some(id("FAB:S2"))));
    assert_eq!(shipment(&world, "FAB:S2").state, ShipmentState::Closed);
    let void = json!({"shipment": "OP:S2.R", "items": ["FAB:1010..1014"], "reason": "x"});
    assert_eq!(
        told(&mut world, &["OP"], "void_shipment", void),
        "document_mismatch"
    );
    let fields = arrival(Some("OP:S2.R"), "TW-FAB", &["FAB:1010..1014"]);
    assert_eq!(told(&mut world, &["FAB"], "receive", fields), "ok");
    assert_eq!(world.effective("FAB:1010").status, Status::Stock);
}

#[test]
fn an_arrival_that_does_not_square_is_booked_with_its_reason() {
    let mut world = under_way();
    let policy = json!({"policy": "REG-1:P1", "jurisdiction": "DE", "valid_from": "2026-01-01",
        "valid_until": "2030-01-01", "rule": "entry_clearance_required"});
    let record = serde_json::from_value(json!({ "set_policy": policy })).unwrap();
    world
        .submit_with("REG-1", &["REG-2", "REG-3"], vec![record])
        .unwrap();
    let terms = json!({"licensee": "FAB", "to": [], "models": [], "valid_from": "2026-01-01",
        "valid_until": "2030-01-01", "conditions": ""});
    let grant = json!({"licence": "REG-3:L1", "action": {"grant": terms}});
    assert_eq!(told(&mut world, &["REG-3"], "set_licence", grant), "ok");
    let licensed = json!({"shipment": "FAB:S4", "items": ["FAB:1016"], "to": "OP",
        "to_site": "US-DC", "expected_at": "2027-01-01", "licence": "REG-3:L1"});
    assert_eq!(told(&mut world, &["FAB"], "ship", licensed), "ok");
    let revoke = json!({"licence": "REG-3:L1", "action": {"revoke": {"reason": "end use"}}});
    assert_eq!(told(&mut world, &["REG-3"], "set_licence", revoke), "ok");
    let record = ship(&world, "FAB:S5", "FAB:1015", "OP-2", "DE-DC");
    world.submit("FAB", vec![record]).unwrap();
    let mut extra = arrival(Some("FAB:S2"), "US-DC", &["FAB:1012"]);
    extra["extra"] = json!(["FAB:1017"]);
    for (author, fields, item, reason) in [
        (
            "DIST",
            arrival(Some("FAB:S2"), "SG-HUB", &["FAB:1010"]),
            "FAB:1010",
            WrongReceiver,
        ),
        (
            "OP",
            arrival(Some("FAB:S2"), "US-BOND", &["FAB:1011"]),
            "FAB:1011",
            WrongSite,
        ),
        ("OP", extra, "FAB:1017", NotShipped),
        (
            "DIST",
            arrival(None, "SG-HUB", &["FAB:1013"]),
            "FAB:1013",
            NoShipment,
        ),
        (
            "OP",
            arrival(Some("FAB:S4"), "US-DC", &["FAB:1016"]),
            "FAB:1016",
            LicenceEnded,
        ),
        (
            "OP-2",
            arrival(Some("FAB:S5"), "DE-DC", &["FAB:1015"]),
            "FAB:1015",
            NoEntryClearance,
        ),
    ] {
        assert_eq!(
            told(&mut world, &[author], "receive", fields),
            "ok",
            "{item}"
        );
        let chip = world.effective(item);
        assert_eq!(
            (chip.status, chip.irregularity),
            (Status::Irregular, Some(reason))
        );
    }
}

#[test]
fn the_reason_of_an_irregular_unit_stays_with_what_is_unpacked_from_it() {
    let mut world = under_way();
    let record = receive(&world, "FAB:S2", "SG-HUB", "FAB:b9");
    world.submit("DIST", vec![record]).unwrap();
    let unpack = json!({"items": ["FAB:1018"]});
    assert_eq!(told(&mut world, &["DIST"], "unpack", unpack), "ok");
    let chip = world.item("FAB:1018").facts;
    assert_eq!(chip.irregularity, Some(Irregularity::WrongReceiver));
}
