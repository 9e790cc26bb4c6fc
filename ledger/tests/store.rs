//! The store from outside: what is committed stays, and reopening stands where it stood.

use chipledger_ledger::fixture::{World, id, key};
use chipledger_ledger::read::AsOf;
use chipledger_ledger::read::balances::{By, ComputeQuery};
use chipledger_ledger::solo::Solo;
use chipledger_ledger::store::Store;
use chipledger_schemas::ids::{Height, ItemId};
use chipledger_schemas::records::register::Origin;
use chipledger_schemas::records::{Record, Register};

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
