//! The store from outside: what is committed stays, and reopening stands where it stood.

#![allow(
    clippy::unwrap_used,
    reason = "a test's panic is its report, helpers included"
)]

use chipledger_ledger::answers;
use chipledger_ledger::fixture::{World, id, key};
use chipledger_ledger::read::balances::{By, ComputeQuery};
use chipledger_ledger::read::{AsOf, Known};
use chipledger_ledger::solo::Solo;
use chipledger_ledger::store::Store;
use chipledger_schemas::ids::{Height, ItemId};
use chipledger_schemas::records::register::Origin;
use chipledger_schemas::records::{Record, Register};
use chipledger_schemas::time::Time;
use serde_json::json;

fn register(world: &World, items: &str) -> Record {
    Record::Register(Register {
        items: id(items),
        model: id(chipledger_ledger::fixture::MODEL),
        site: id("TW-FAB"),
        origin: Origin::Made,
        lot: None,
        device_keys: Vec::new(),
        occurred_at: world.now(),
    })
}

#[test]
fn a_ledger_reopens_where_it_stood_and_answers_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("ledger");
    let mut world = World::new();
    let store = Store::create(&dir, &world.genesis).unwrap();
    let solo = Solo::start(store, key("REG-1")).unwrap();
    let record = register(&world, "FAB:000000..000999");
    let transaction = world.transaction("FAB", &[], vec![record]);
    let receipt = solo.submit(transaction.clone()).unwrap();
    assert_eq!(receipt.height, Height(1));
    let again = solo.submit(transaction).unwrap_err();
    assert!(
        again.to_string().contains("duplicate_transaction"),
        "{again}"
    );
    let query = ComputeQuery {
        by: By::Jurisdiction,
        as_of: AsOf::default(),
        filters: vec![],
    };
    let before = solo.store().view().compute(&query).unwrap();
    assert_eq!(before.rows["TW"].chips, 1_000);
    assert_eq!(before.total.tpp_milli, 15_832_000_000);
    let head = solo.store().head();
    solo.close();

    let store = Store::open(&dir).unwrap();
    assert_eq!(store.head(), head);
    let view = store.view();
    assert_eq!(view.compute(&query).unwrap(), before);
    let chip: ItemId = id("FAB:000999");
    let place = view.whereabouts(&chip, AsOf::default()).unwrap();
    assert_eq!(place.place, "TW-FAB");
    let as_of = AsOf {
        at: Some(world.now()),
        known_at: None,
    };
    let derived = view.compute(&ComputeQuery { as_of, ..query }).unwrap();
    assert_eq!(derived.rows, before.rows);
    let moment = view.moment(AsOf::default()).unwrap();
    assert_eq!(view.trace(&chip, moment).unwrap().len(), 1);
}

/// Says something in a block of its own, one hour after the one before.
fn say(solo: &Solo, world: &mut World, author: &str, record: serde_json::Value) -> (Time, Height) {
    let said_at = world.now();
    let mut record = record;
    for fields in record.as_object_mut().unwrap().values_mut() {
        if fields.get("carried").is_none() {
            fields["occurred_at"] = said_at.to_string().into();
        }
    }
    let record: Record = serde_json::from_value(record).unwrap();
    let transaction = world.transaction(author, &[], vec![record]);
    let receipt = solo.submit(transaction).unwrap();
    world.time = said_at;
    (said_at, receipt.height)
}

/// Once the present destination was shown for the past as well.
#[test]
#[allow(
    clippy::too_many_lines,
    reason = "one question after the other, at each moment"
)]
fn a_redirected_shipment_was_under_way_to_where_it_went_then_and_as_was_known_then() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new();
    let store = Store::create(&dir.path().join("ledger"), &world.genesis).unwrap();
    let solo = Solo::start(store, key("REG-1")).unwrap();
    let record = serde_json::to_value(register(&world, "FAB:1")).unwrap();
    say(&solo, &mut world, "FAB", record);
    let ship = json!({"ship": {"shipment": "FAB:S1", "items": ["FAB:1"], "to": "OP",
        "to_site": "US-DC", "expected_at": "2026-02-01"}});
    let (shipped, known_shipped) = say(&solo, &mut world, "FAB", ship);
    let redirect = json!({"redirect": {"shipment": "FAB:S1", "items": ["FAB:1"], "to": "OP-2",
        "to_site": "DE-DC", "expected_at": "2026-03-01"}});
    let (redirected, known_redirected) = say(&solo, &mut world, "FAB", redirect);
    let chip: ItemId = id("FAB:1");
    let place = |at: Option<Time>, known_at: Option<Height>| {
        let known_at = known_at.map(Known::Height);
        let view = solo.store().view();
        view.whereabouts(&chip, AsOf { at, known_at })
            .unwrap()
            .place
    };
    let (first, second) = ("TW-FAB->US-DC", "TW-FAB->DE-DC");
    assert_eq!(place(None, None), second);
    let open = |at: Option<Time>, known_at: Option<Height>| {
        let known_at = known_at.map(Known::Height);
        let told = answers::open_shipments(solo.store(), AsOf { at, known_at }, false).unwrap();
        let shipments = told.answer.shipments.into_iter();
        shipments
            .map(|open| (open.to_site.to_string(), open.outstanding))
            .collect::<Vec<_>>()
    };
    let to = |site: &str| vec![(site.to_owned(), 1)];
    assert_eq!(open(Some(Time(shipped.0 - 1)), None), []);
    assert_eq!(open(None, Some(Height(known_shipped.0 - 1))), []);
    assert_eq!(open(Some(shipped), None), to("US-DC"));
    assert_eq!(open(None, Some(known_shipped)), to("US-DC"));
    assert_eq!(open(Some(Time(redirected.0 - 1)), None), to("US-DC"));
    assert_eq!(open(Some(redirected), Some(known_redirected)), to("DE-DC"));
    assert_eq!(open(Some(redirected), Some(known_shipped)), to("US-DC"));
    assert_eq!(place(Some(redirected), None), second);
    assert_eq!(place(Some(Time(redirected.0 - 1)), None), first);
    assert_eq!(place(Some(shipped), None), first);
    assert_eq!(place(None, Some(known_shipped)), first);
    assert_eq!(place(Some(redirected), Some(known_redirected)), second);

    let steps = |solo: &Solo| {
        let view = solo.store().view();
        let moment = view.moment(AsOf::default()).unwrap();
        let steps = view.trace(&chip, moment).unwrap();
        let places = steps.into_iter().filter_map(|step| step.place);
        places.collect::<Vec<_>>()
    };
    assert_eq!(steps(&solo), ["TW-FAB", first, second]);

    let view = solo.store().view();
    let moment = view.moment(AsOf::default()).unwrap();
    let record = view.trace(&chip, moment).unwrap().pop().unwrap().record_id;
    drop(view);
    let correct = json!({"correct": {"items": ["FAB:1"], "record": record, "carried": [],
        "reason": "wrong shipment"}});
    say(&solo, &mut world, "FAB", correct);
    assert_eq!(place(None, None), first);
    assert_eq!(
        place(Some(redirected), Some(known_redirected)),
        second,
        "as was known then"
    );
    assert_eq!(open(Some(redirected), None), to("US-DC"));
    assert_eq!(open(Some(redirected), Some(known_redirected)), to("DE-DC"));
    assert_eq!(steps(&solo), ["TW-FAB", first, second, first]);
    let dir = solo.store().dir().to_owned();
    solo.close();
    let report = chipledger_ledger::audit::audit(&dir, &mut |_| {}).unwrap();
    assert!(report.passes(), "{:?}", report.damages);
}
