//! The world in the ledger equals the tables that it was made from, to the last unit.

use chipledger_ledger::audit::check_books;
use chipledger_ledger::read::balances::{By, ComputeQuery};
use chipledger_ledger::read::{AsOf, Known};
use chipledger_ledger::store::Store;
use chipledger_schemas::ids::Height;
use chipledger_testnet::load::load;
use chipledger_testnet::world::{World, WorldConfig};

fn by_jurisdiction(as_of: AsOf) -> ComputeQuery {
    ComputeQuery {
        by: By::Jurisdiction,
        as_of,
        filters: Vec::new(),
    }
}

#[test]
fn compute_by_jurisdiction_equals_the_published_table_at_every_scale_tried() {
    for scale_ppm in [1, 20_000] {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("ledger");
        let world = World::new(WorldConfig {
            scale_ppm,
            seed: 7,
            validators: 1,
        });
        load(&world, &dir, |_| {}).unwrap();
        let store = Store::open(&dir).unwrap();
        let view = store.view();
        let now = view.compute(&by_jurisdiction(AsOf::default())).unwrap();
        let expected = world.expected();
        assert_eq!(now.rows.len(), expected.by_jurisdiction.len());
        for (jurisdiction, pool) in &expected.by_jurisdiction {
            let row = &now.rows[&jurisdiction.to_string()];
            assert_eq!(row.chips, pool.chips, "{jurisdiction}");
            assert_eq!(row.tpp_milli, u128::from(pool.tpp_milli), "{jurisdiction}");
            assert_eq!(
                row.chips_without_tpp, pool.chips_of_unknown_tpp,
                "{jurisdiction}"
            );
        }
        assert_eq!(now.total.chips, expected.total.chips);
        check_books(&view).unwrap();
    }
}

#[test]
fn the_past_is_derived_to_what_was_committed_then() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("ledger");
    let world = World::new(WorldConfig {
        scale_ppm: 1,
        seed: 7,
        validators: 1,
    });
    load(&world, &dir, |_| {}).unwrap();
    let store = Store::open(&dir).unwrap();
    let view = store.view();
    let now = view.compute(&by_jurisdiction(AsOf::default())).unwrap();
    let head = store.head().header;
    let known = AsOf {
        at: Some(head.time),
        known_at: Some(Known::Height(head.height)),
    };
    assert_eq!(
        view.compute(&by_jurisdiction(known)).unwrap().rows,
        now.rows
    );
    let first = AsOf {
        at: None,
        known_at: Some(Known::Height(Height(0))),
    };
    assert_eq!(
        view.compute(&by_jurisdiction(first)).unwrap().total.chips,
        0
    );
    let mut before = 0;
    for height in (0..=head.height.0).step_by(40) {
        let as_of = AsOf {
            at: None,
            known_at: Some(Known::Height(Height(height))),
        };
        let chips = view.compute(&by_jurisdiction(as_of)).unwrap().total.chips;
        assert!(
            chips + 64 >= before,
            "more chips ended than the world ends: {before} then {chips}"
        );
        before = chips;
    }
}

#[test]
fn one_seed_is_one_chain() {
    let hash = || {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("ledger");
        let world = World::new(WorldConfig {
            scale_ppm: 1,
            seed: 3,
            validators: 1,
        });
        load(&world, &dir, |_| {}).unwrap();
        Store::open(&dir).unwrap().head().hash()
    };
    assert_eq!(hash(), hash());
}
