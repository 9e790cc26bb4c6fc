//! Accounts told by hand: what a stock-take misses, what is there and in no book, what a shipment
//! lost.

use chipledger_analysis::accountancy::{Verdict, accountancy};
use chipledger_analysis::ask::AskError;
use chipledger_analysis::headroom::headroom;
use chipledger_ledger::fixture::id;
use chipledger_ledger::read::AsOf;
use chipledger_schemas::time::{DAY_MS, Time};
use serde_json::json;

use crate::history::Desk;

/// Ten chips made, eight of them sent to US-DC, seven received, one of these lost again.
fn told() -> (Desk, Time) {
    let mut desk = Desk::new();
    desk.say(
        "FAB",
        json!({"register": {"items": ["FAB:00..09"], "model": "NVIDIA/H100-SXM5-80GB",
        "site": "TW-FAB", "origin": "made", "device_keys": []}}),
    );
    let began = desk.world.time;
    desk.say(
        "FAB",
        json!({"ship": {"shipment": "FAB:S1", "items": ["FAB:00..07"], "to": "OP",
        "to_site": "US-DC", "expected_at": "2026-01-02"}}),
    );
    desk.say(
        "OP",
        json!({"receive": {"shipment": "FAB:S1", "site": "US-DC",
        "found": ["FAB:00..06"], "missing": ["FAB:07"], "extra": [], "refused": []}}),
    );
    desk.say(
        "OP",
        json!({"set_loss": {"items": ["FAB:06"], "loss": "stolen"}}),
    );
    (desk, began)
}

fn accounts(desk: &Desk, site: &str, from: Time) -> chipledger_analysis::accountancy::Accountancy {
    let view = desk.solo.store().view();
    let moment = view.moment(AsOf::default()).unwrap();
    accountancy(&view, &id(site), from, moment).unwrap()
}

#[test]
fn what_came_and_went_is_told_by_its_reason() {
    let (desk, began) = told();
    let fab = accounts(&desk, "TW-FAB", began).total;
    assert_eq!((fab.beginning, fab.shipped, fab.ending), (10, 8, 2));
    let hall = accounts(&desk, "US-DC", began);
    let total = hall.total;
    assert_eq!(
        (total.beginning, total.received, total.lost, total.ending),
        (0, 7, 1, 6)
    );
    let [way] = hall.shipments.as_slice() else {
        panic!("{:?}", hall.shipments)
    };
    assert_eq!(
        (way.shipped, way.received, way.outstanding, way.difference),
        (8, 7, 1, 1)
    );
    assert_eq!(way.missing, [id("FAB:07")]);
    let party = |member: &str| {
        let found = hall.parties.iter();
        let mut found = found.filter(|party| party.member == Some(id(member)));
        found.next().cloned().unwrap()
    };
    assert_eq!((party("FAB").sent, party("FAB").sent_difference), (8, 1));
    assert_eq!(
        (party("OP").addressed, party("OP").addressed_difference),
        (8, 1)
    );
}

#[test]
fn a_chip_that_a_listing_leaves_out_is_unaccounted_for_until_it_is_seen() {
    let (mut desk, began) = told();
    let list = |items: &str| {
        json!({"declare_inventory": {"site": "US-DC", "items": [items],
        "listing": "complete"}})
    };
    desk.say("OP", list("FAB:00..04"));
    let missed = accounts(&desk, "US-DC", began);
    let ids: Vec<_> = missed
        .unaccounted()
        .map(|chip| chip.id.to_string())
        .collect();
    assert_eq!(ids, ["FAB:05"]);
    assert_eq!((missed.total.verified, missed.total.unaccounted), (5, 1));
    // An inspector finds it, and does not find another.
    desk.say(
        "INSPECTOR",
        json!({"inspect": {"plan": "PLAN-1", "site": "US-DC",
        "found": ["FAB:05"], "absent": ["FAB:00"], "extra": ["FAB:08", "XYZ:1"],
        "tampered": []}}),
    );
    let after = accounts(&desk, "US-DC", began);
    let ids: Vec<_> = after
        .unaccounted()
        .map(|chip| chip.id.to_string())
        .collect();
    assert_eq!(ids, ["FAB:00"]);
    let found = after.booked.iter().find(|chip| chip.id == id("FAB:05"));
    let seen = found.unwrap().seen.clone().unwrap();
    assert_eq!(
        (seen.verdict, seen.member),
        (Verdict::Seen, id("INSPECTOR"))
    );
    let extra: Vec<_> = after
        .extra
        .iter()
        .map(|extra| (extra.id.to_string(), extra.booked.clone()))
        .collect();
    let booked = Some("TW-FAB".to_owned());
    assert_eq!(
        extra,
        [("FAB:08".to_owned(), booked), ("XYZ:1".to_owned(), None)]
    );
    assert_eq!(after.observations.len(), 2);
    // Before the inspection the book knew less, and says so still.
    let view = desk.solo.store().view();
    let at = desk.world.time.minus_ms(1);
    let then = view
        .moment(AsOf {
            at: Some(at),
            known_at: None,
        })
        .unwrap();
    let then = accountancy(&view, &id("US-DC"), began, then).unwrap();
    let ids: Vec<_> = then.unaccounted().map(|chip| chip.id.to_string()).collect();
    assert_eq!(ids, ["FAB:05"]);
}

#[test]
fn a_listing_in_parts_is_one_listing_and_one_by_a_guest_is_about_its_own() {
    let (mut desk, began) = told();
    let at = desk.world.now();
    for items in ["FAB:00..02", "FAB:03..05"] {
        desk.say(
            "OP",
            json!({"declare_inventory": {"site": "US-DC", "items": [items],
            "listing": "partial", "occurred_at": at.to_string()}}),
        );
    }
    let accounts = accounts(&desk, "US-DC", began);
    assert_eq!(
        (accounts.total.verified, accounts.total.unaccounted),
        (6, 0)
    );
    assert_eq!(accounts.observations.len(), 1);
    assert_eq!(accounts.observations[0].complete, Some(false));
}

#[test]
fn evidence_grows_old_by_its_class() {
    let (desk, began) = told();
    let view = desk.solo.store().view();
    let now = view.head().unwrap().header.time;
    let of = |days: u64| {
        let at = Some(now.plus_ms(days * DAY_MS));
        let moment = view.moment(AsOf { at, known_at: None }).unwrap();
        let accounts = accountancy(&view, &id("US-DC"), began, moment).unwrap();
        (accounts.ages, accounts.total.stale)
    };
    assert_eq!(of(1), ([6, 0, 0, 0], 0));
    assert_eq!(of(60), ([0, 6, 0, 0], 0));
    assert_eq!(of(100), ([0, 0, 6, 0], 6));
    assert_eq!(of(400), ([0, 0, 0, 6], 6));
}

#[test]
fn a_period_that_ends_before_it_begins_and_an_unknown_site_have_no_accounts() {
    let (desk, _) = told();
    let view = desk.solo.store().view();
    let moment = view.moment(AsOf::default()).unwrap();
    let late = accountancy(&view, &id("US-DC"), Time::END, moment).unwrap_err();
    assert!(matches!(late, AskError::EmptyPeriod { .. }));
    let lost = accountancy(&view, &id("ATLANTIS"), Time(0), moment).unwrap_err();
    assert!(matches!(lost, AskError::SiteUnknown { .. }));
}

#[test]
fn what_a_licence_still_allows_stands_beside_the_headroom() {
    let (mut desk, _) = told();
    let limit = json!({"limit": "REG-1:L1", "name": "cap", "scope": {"jurisdiction": "US"},
        "measure": "chips", "amount": 100, "enforcement": "report",
        "valid_from": "2026-01-01", "valid_until": "2027-01-01"});
    let record = serde_json::from_value(json!({ "set_limit": limit })).unwrap();
    desk.try_say("REG-1", &["REG-2", "REG-3"], record).unwrap();
    for (licence, most) in [("REG-3:LIC-1", json!(40)), ("REG-3:LIC-2", json!(null))] {
        let terms = json!({"licensee": "FAB", "to": ["US"], "models": [], "chips_max": most,
            "valid_from": "2026-01-01", "valid_until": "2027-01-01", "conditions": ""});
        let record = json!({"set_licence": {"licence": licence, "action": {"grant": terms}}});
        let record = serde_json::from_value(record).unwrap();
        desk.try_say("REG-3", &["REG-1", "REG-2"], record).unwrap();
    }
    let view = desk.solo.store().view();
    let (_, rows) = headroom(&view, None, 90, AsOf::default()).unwrap();
    let [row] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    // Seven there, the stolen one among them, and one still under way.
    assert_eq!((row.consumed, row.in_transit, row.headroom), (7, 1, 92));
    assert_eq!((row.licensed, row.licences_without_cap), (Some(40), 1));
    assert!(row.in_force && row.growth == 8 && row.exhausted_at.is_some());
    let past = AsOf {
        at: Some(desk.world.time),
        known_at: None,
    };
    let (_, rows) = headroom(&view, None, 90, past).unwrap();
    assert_eq!(rows[0].licensed, None);
}
