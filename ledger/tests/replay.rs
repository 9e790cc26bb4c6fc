//! Random histories: chips are conserved at every height, replaying the blocks gives the same
//! roots, the store agrees with the model in memory, and where blocks begin and end changes no item
//! and no account.
#![allow(
    clippy::unwrap_used,
    reason = "a test's panic is its report, helpers included"
)]

#[path = "replay/history.rs"]
mod history;

use std::collections::{BTreeMap, BTreeSet};

use chipledger_ledger::answers;
use chipledger_ledger::audit::check_books;
use chipledger_ledger::chain::Slot;
use chipledger_ledger::fixture::{genesis, id, key};
use chipledger_ledger::read::items::ItemFilter;
use chipledger_ledger::read::places::Whereabouts;
use chipledger_ledger::read::{AsOf, Known};
use chipledger_ledger::state::memory::MemoryState;
use chipledger_ledger::state::{PAGE_ITEMS, State};
use chipledger_ledger::store::Store;
use chipledger_ledger::verify::{VerifiedTransaction, verify_block};
use chipledger_proof::state::{EntryKind, Item, ShipmentState};
use chipledger_schemas::block::{Block, CertifiedBlock};
use chipledger_schemas::certificate::Certificate;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{DocumentId, Height, SiteId};
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::Transaction;
use history::History;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Records that a long history applies at least.
const RECORDS: usize = 10_000;

/// A ledger with the model beside it.
struct Ledger {
    _temporary: tempfile::TempDir,
    store: Store,
    model: MemoryState,
}

impl Ledger {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let store = Store::create(&temporary.path().join("ledger"), &genesis()).unwrap();
        let mut model = MemoryState::default();
        model.apply(&chipledger_ledger::execute::genesis::genesis_changes(&genesis()).unwrap());
        Self {
            _temporary: temporary,
            store,
            model,
        }
    }

    /// Proposes and commits a block; returns codes by the index of what was rejected.
    fn commit(&mut self, candidates: Vec<Transaction>) -> BTreeMap<usize, &'static str> {
        let (genesis, bounds) = (self.store.genesis_hash(), self.store.genesis().bounds);
        let mut rejected = BTreeMap::new();
        let (mut places, mut verified) = (Vec::new(), Vec::new());
        for (place, transaction) in candidates.into_iter().enumerate() {
            match VerifiedTransaction::verify(transaction, &genesis, &bounds) {
                Ok(transaction) => {
                    places.push(place);
                    verified.push(transaction);
                }
                Err(rejection) => {
                    rejected.insert(place, rejection.code.as_str());
                }
            }
        }
        let slot = Slot {
            proposer: id("REG-1"),
            round: 0,
            clock: Time(0),
        };
        let proposal = self
            .store
            .decide(|ground| ground.propose(&slot, verified))
            .unwrap();
        assert!(proposal.deferred.is_empty());
        for (index, rejection) in &proposal.rejected {
            rejected.insert(places[*index], rejection.code.as_str());
        }
        let transactions = proposal.transactions;
        let header = proposal.outcome.header.clone();
        let certificate = Certificate::solo(
            &genesis,
            header.height,
            header.hash(),
            &id("REG-1"),
            &key("REG-1"),
        );
        let transactions = transactions
            .into_iter()
            .map(VerifiedTransaction::into_transaction)
            .collect();
        let block = CertifiedBlock {
            block: Block {
                header,
                transactions,
            },
            certificate,
        };
        self.model.apply(&proposal.outcome.changes);
        self.store.commit(&block, proposal.outcome).unwrap();
        rejected
    }

    fn expect_same_as_model(&self) {
        let view = self.store.view();
        assert_eq!(view.item_count(), self.model.item_count);
        for page in 0..view.item_count().div_ceil(PAGE_ITEMS) {
            let (stored, model) = (view.page(page).unwrap(), self.model.page(page).unwrap());
            assert_eq!(stored, model, "page {page}");
        }
        let kinds: BTreeSet<EntryKind> = self
            .model
            .entries
            .values()
            .map(|(key, _)| key.kind())
            .collect();
        for kind in kinds {
            assert_eq!(
                view.entries(kind).unwrap(),
                self.model.entries(kind).unwrap(),
                "{kind:?}"
            );
        }
    }
}

/// A committed history.
struct Told {
    ledger: Ledger,
    applied: usize,
    rejected: BTreeMap<&'static str, usize>,
    kinds: BTreeMap<String, usize>,
    open: BTreeMap<Height, Vec<Open>>,
}

/// An open shipment: its id, where it goes, and its roots under way and lost.
type Open = (DocumentId, SiteId, u64, u64);

fn open_now(store: &Store) -> Vec<Open> {
    let listed = store.view().shipments(Time(0), false).unwrap().into_iter();
    let open = listed.filter(|listed| listed.shipment.state == ShipmentState::Open);
    open.map(|listed| {
        let shipment = listed.shipment;
        let to_site = shipment.to_site;
        (listed.id, to_site, shipment.outstanding, shipment.lost)
    })
    .collect()
}

fn open_as_known_at(store: &Store, height: Height) -> Vec<Open> {
    let as_of = AsOf {
        at: None,
        known_at: Some(Known::Height(height)),
    };
    let told = answers::open_shipments(store, as_of, false).unwrap();
    let open = told.answer.shipments.into_iter();
    open.map(|open| (open.id, open.to_site, open.outstanding, open.lost))
        .collect()
}

/// Lists with a filter are those of the whole list that fit, in its order.
fn expect_filters_to_agree(store: &Store) {
    let view = store.view();
    let all = view.list_items(&ItemFilter::default()).unwrap();
    let mut filters = Vec::new();
    for item in &all {
        let at = &item.whereabouts;
        let filter = ItemFilter {
            site: Some(at.place.clone()),
            ..ItemFilter::default()
        };
        filters.push(filter);
        filters.push(ItemFilter {
            holder: Some(at.holder.to_string()),
            status: Some(at.status),
            ..ItemFilter::default()
        });
    }
    filters.sort_by_key(|filter| format!("{filter:?}"));
    filters.dedup();
    assert!(filters.len() > 10, "{filters:?}");
    for filter in filters {
        let fits = |at: &Whereabouts| {
            let same = |wanted: &Option<String>, got: &str| {
                wanted.as_ref().is_none_or(|wanted| wanted == got)
            };
            same(&filter.site, &at.place)
                && same(&filter.holder, at.holder.as_str())
                && filter.status.is_none_or(|status| status == at.status)
        };
        let expected = all.iter().filter(|item| fits(&item.whereabouts));
        let expected: Vec<_> = expected.cloned().collect();
        let listed = view.list_items(&filter).unwrap();
        assert!(listed == expected, "{filter:?}");
    }
}

/// Tells a random history of blocks until enough records have been applied.
fn tell(seed: u64, records: usize, check_every: u64) -> Told {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut ledger = Ledger::new();
    let mut history = History::new(ledger.store.genesis_hash());
    let (mut applied, mut rejected, mut kinds) = (0, BTreeMap::new(), BTreeMap::new());
    let mut open = BTreeMap::new();
    while applied < records {
        let size = if rng.random_range(0..4) == 0 {
            1
        } else {
            rng.random_range(2..=80)
        };
        let steps = history.steps(&mut rng, size, ledger.store.head().header.time);
        let transactions = steps.iter().map(|step| step.transaction.clone()).collect();
        let codes = ledger.commit(transactions);
        for (index, step) in steps.into_iter().enumerate() {
            match codes.get(&index) {
                Some(code) => *rejected.entry(*code).or_default() += 1,
                None => {
                    assert!(
                        !step.must_fail,
                        "seed {seed}: {:?} applied",
                        step.transaction
                    );
                    let records = &step.transaction.body.records;
                    applied += records.len();
                    *kinds.entry(records[0].kind().to_string()).or_default() += records.len();
                    history.happened(step);
                }
            }
        }
        let height = ledger.store.head().header.height;
        if height.0.is_multiple_of(check_every) {
            let view = ledger.store.view();
            check_books(&view).unwrap_or_else(|error| panic!("seed {seed}, {height}: {error}"));
            open.insert(height, open_now(&ledger.store));
        }
    }
    check_books(&ledger.store.view()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    Told {
        ledger,
        applied,
        rejected,
        kinds,
        open,
    }
}

/// Executes the blocks of another ledger, as a peer does.
fn replay(of: &Store) -> Store {
    let temporary = tempfile::tempdir().unwrap();
    let store = Store::create(&temporary.path().join("ledger"), of.genesis()).unwrap();
    while store.head().header.height < of.head().header.height {
        let height = store.head().header.height.next();
        let block = of.block(height).unwrap().unwrap();
        let bounds = store.genesis().bounds;
        let verified = verify_block(&block.block, &store.genesis_hash(), &bounds).unwrap();
        let outcome = store
            .decide(|ground| ground.execute(&block.block, &verified))
            .unwrap();
        store.commit(&block, outcome).unwrap();
    }
    store
}

#[test]
fn a_long_random_history_conserves_chips_and_replays_to_the_same_roots() {
    let seed = 2_026;
    let told = tell(seed, RECORDS, 50);
    println!(
        "{} records applied {:?}, rejected {:?}",
        told.applied, told.kinds, told.rejected
    );
    assert!(told.applied >= RECORDS);
    let rejections: usize = told.rejected.values().sum();
    assert!(
        rejections > RECORDS / 20,
        "too few were rejected: {:?}",
        told.rejected
    );
    for kind in history::KINDS {
        assert!(
            told.kinds.contains_key(*kind),
            "no {kind} was applied: {:?}",
            told.kinds
        );
    }
    told.ledger.expect_same_as_model();
    expect_filters_to_agree(&told.ledger.store);
    let again = replay(&told.ledger.store);
    assert_eq!(again.head(), told.ledger.store.head());
    assert!(told.open.values().any(|open| open.len() > 5));
    for (height, open) in &told.open {
        let known = open_as_known_at(&told.ledger.store, *height);
        assert_eq!(&known, open, "seed {seed}, as known at {height}");
    }
}

#[test]
fn short_random_histories_conserve_chips_at_every_height() {
    for seed in 0..8 {
        let told = tell(seed, 400, 1);
        told.ledger.expect_same_as_model();
        assert_eq!(
            replay(&told.ledger.store).head(),
            told.ledger.store.head(),
            "seed {seed}"
        );
    }
}

/// The items, but for the chain of records, which names the height of each.
fn without_history(ledger: &Ledger) -> Vec<Item> {
    let cleared = |item: &Item| Item {
        history: Hash::ZERO,
        ..item.clone()
    };
    ledger.model.items.values().map(cleared).collect()
}

#[test]
fn where_blocks_begin_and_end_changes_no_item_and_no_account() {
    let seed = 77;
    let told = tell(seed, 1_500, 50);
    let store = &told.ledger.store;
    let blocks = (1..=store.head().header.height.0).filter_map(|height| {
        store
            .block(chipledger_schemas::ids::Height(height))
            .unwrap()
    });
    let transactions: Vec<_> = blocks.flat_map(|block| block.block.transactions).collect();
    for size in [1, 7, 400] {
        let mut other = Ledger::new();
        for chunk in transactions.chunks(size) {
            let rejected = other.commit(chunk.to_vec());
            assert!(
                rejected.is_empty(),
                "seed {seed}, blocks of {size}: {rejected:?}"
            );
        }
        assert_eq!(
            without_history(&other),
            without_history(&told.ledger),
            "blocks of {size}"
        );
        for kind in [EntryKind::Account, EntryKind::Totals, EntryKind::Shipment] {
            let (ours, theirs) = (other.model.entries(kind), told.ledger.model.entries(kind));
            assert_eq!(ours.unwrap(), theirs.unwrap(), "blocks of {size}");
        }
    }
}
