use std::collections::BTreeMap;
use std::convert::Infallible;

use chipledger_proof::{item_to_root, page_root};
use chipledger_schemas::hash::{ENTRY_KEY, ITEM};
use proptest::prelude::*;

use super::*;

/// The obviously right state: a list of item leaves and a map, rebuilt from scratch for every root.
#[derive(Default)]
struct Model {
    items: Vec<Hash>,
    entries: BTreeMap<Hash, Hash>,
}

impl Model {
    fn buckets(&self) -> Vec<Vec<BucketEntry>> {
        let count = bucket_count(self.entries.len() as u64);
        let mut buckets = vec![Vec::new(); usize::try_from(count).expect("small")];
        for (&key, &value) in &self.entries {
            let index = usize::try_from(bucket_index(&key, count)).expect("small");
            buckets[index].push(BucketEntry { key, value });
        }
        buckets
    }

    fn roots(&self) -> (Hash, Hash) {
        let items = items_root(self.items.len() as u64, &ITEMS.top(&self.items));
        let buckets: Vec<Hash> = self
            .buckets()
            .iter()
            .map(|bucket| bucket_root(bucket))
            .collect();
        let top = BUCKETS.top(&buckets);
        (
            items,
            names_root(self.entries.len() as u64, buckets.len() as u64, &top),
        )
    }

    fn page(&self, page: u64) -> [Hash; ITEM_PAGE] {
        let first = usize::try_from(page).expect("small") * ITEM_PAGE;
        std::array::from_fn(|i| self.items.get(first + i).copied().unwrap_or(Hash::ZERO))
    }
}

/// The rows a store would keep.
struct Rows(BTreeMap<u64, Vec<BucketEntry>>);

impl BucketReader for Rows {
    type Error = Infallible;
    fn bucket(&self, index: u64) -> Result<Vec<BucketEntry>, Infallible> {
        Ok(self.0.get(&index).cloned().unwrap_or_default())
    }
}

/// A commitment with the rows beside it, and the model.
struct World {
    model: Model,
    rows: Rows,
    pages: Vec<Hash>,
    commitment: Commitment,
}

/// One block's changes: items to set, items to append, keys to put or delete.
#[derive(Debug, Clone)]
struct Batch {
    set: Vec<(usize, u64)>,
    append: Vec<u64>,
    entries: Vec<(u64, Option<u64>)>,
}

fn leaf(content: u64) -> Hash {
    ITEM.hash(&content.to_le_bytes())
}

fn key(name: u64) -> Hash {
    ENTRY_KEY.hash(&name.to_le_bytes())
}

impl World {
    fn new() -> Self {
        let (model, rows, pages) = (Model::default(), Rows(BTreeMap::new()), Vec::new());
        Self {
            model,
            rows,
            pages,
            commitment: Commitment::new(),
        }
    }

    fn plan(&mut self, batch: &Batch) -> Plan {
        let mut pages = Vec::new();
        for &(item, content) in &batch.set {
            if !self.model.items.is_empty() {
                let item = item % self.model.items.len();
                self.model.items[item] = leaf(content);
                pages.push((item / ITEM_PAGE) as u64);
            }
        }
        for &content in &batch.append {
            pages.push((self.model.items.len() / ITEM_PAGE) as u64);
            self.model.items.push(leaf(content));
        }
        pages.sort_unstable();
        pages.dedup();
        let pages: Vec<_> = pages
            .into_iter()
            .map(|page| (page, page_root(&self.model.page(page))))
            .collect();
        let changes: BTreeMap<Hash, Option<Hash>> = batch
            .entries
            .iter()
            .map(|&(name, value)| (key(name), value.map(leaf)))
            .collect();
        for (&key, value) in &changes {
            match value {
                Some(value) => drop(self.model.entries.insert(key, *value)),
                None => drop(self.model.entries.remove(&key)),
            }
        }
        let changes: Vec<_> = changes.into_iter().collect();
        let count = self.model.items.len() as u64;
        self.commitment
            .plan(&self.rows, count, &pages, &changes)
            .expect("a sound batch")
    }

    fn commit(&mut self, plan: &Plan) {
        self.commitment.apply(plan);
        for (index, entries) in &plan.buckets {
            match entries {
                Some(entries) => drop(self.rows.0.insert(*index, entries.clone())),
                None => drop(self.rows.0.remove(index)),
            }
        }
        for &(page, root) in plan.page_roots() {
            let page = usize::try_from(page).expect("small");
            self.pages
                .resize(self.pages.len().max(page + 1), Hash::ZERO);
            self.pages[page] = root;
        }
    }

    fn run(&mut self, batch: &Batch) {
        let before = self.commitment.state_root();
        let plan = self.plan(batch);
        assert_eq!(
            self.commitment.state_root(),
            before,
            "a plan changes nothing"
        );
        let (items, names) = self.model.roots();
        assert_eq!((plan.items_root, plan.names_root), (items, names));
        assert_eq!(plan.state_root, state_root(&items, &names));
        self.commit(&plan);
        assert_eq!(self.commitment.state_root(), plan.state_root);
        let buckets = self.model.buckets();
        for (index, expected) in (0..).zip(&buckets) {
            assert_eq!(&self.rows.bucket(index).expect("rows"), expected);
        }
        assert!(
            self.rows
                .0
                .keys()
                .all(|&index| index < buckets.len() as u64)
        );
    }

    fn reload(&self) -> Commitment {
        let buckets = self.model.buckets();
        let roots = buckets.iter().map(|bucket| bucket_root(bucket));
        let (items, entries) = (self.model.items.len(), self.model.entries.len());
        let pages = self.pages.iter().copied();
        Commitment::load(pages, items as u64, roots, entries as u64).expect("sound rows")
    }
}

fn batch() -> impl Strategy<Value = Batch> {
    let set = proptest::collection::vec((any::<usize>(), any::<u64>()), 0..20);
    let append = proptest::collection::vec(any::<u64>(), 0..60);
    let value = proptest::option::weighted(0.6, any::<u64>());
    let entries = proptest::collection::vec((0..400u64, value), 0..120);
    (set, append, entries).prop_map(|(set, append, entries)| Batch {
        set,
        append,
        entries,
    })
}

fn puts(names: std::ops::Range<u64>, value: Option<u64>) -> Batch {
    Batch {
        set: vec![],
        append: vec![],
        entries: names.map(|name| (name, value)).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_batches_give_the_roots_of_the_rebuilt_state(
        batches in proptest::collection::vec(batch(), 1..12),
    ) {
        let mut world = World::new();
        for batch in &batches {
            world.run(batch);
        }
        prop_assert_eq!(world.reload().state_root(), world.commitment.state_root());
    }

    #[test]
    fn the_order_of_arrival_does_not_change_the_root(
        mut names in proptest::collection::vec(0..10_000u64, 1..400),
        size in 1..50usize,
    ) {
        let mut one = World::new();
        names.chunks(size).for_each(|names| {
            let entries = names.iter().map(|&name| (name, Some(name))).collect();
            one.run(&Batch { set: vec![], append: vec![], entries });
        });
        names.reverse();
        let mut all = World::new();
        // Entries that come and go again leave no trace.
        all.run(&puts(20_000..20_500, Some(1)));
        let entries = names.iter().map(|&name| (name, Some(name))).collect();
        all.run(&Batch { set: vec![], append: vec![], entries });
        all.run(&puts(20_000..20_500, None));
        prop_assert_eq!(one.commitment.state_root(), all.commitment.state_root());
    }
}

#[test]
fn a_large_batch_grows_and_shrinks_the_buckets_many_times_over() {
    let mut world = World::new();
    let empty = world.commitment.state_root();
    world.run(&puts(0..5_000, Some(1)));
    world.run(&puts(100..4_900, None));
    world.run(&puts(0..7_000, Some(2)));
    world.run(&puts(0..7_000, None));
    assert_eq!(world.commitment.state_root(), empty);
}

#[test]
fn one_entry_at_a_time_passes_every_number_of_buckets() {
    let mut world = World::new();
    (0..300).for_each(|name| world.run(&puts(name..name + 1, Some(name))));
    (0..300)
        .rev()
        .for_each(|name| world.run(&puts(name..name + 1, None)));
}

#[test]
fn items_and_names_are_provable_after_growth() {
    let mut world = World::new();
    for round in 0..7 {
        let append = (0..11).map(|i| round * 100 + i).collect();
        let entries = (round * 40..round * 40 + 40)
            .map(|name| (name, Some(name)))
            .collect();
        world.run(&Batch {
            set: vec![(3, round)],
            append,
            entries,
        });
        let (items, names) = (world.commitment.items_root(), world.commitment.names_root());
        for (number, leaf) in (0..).zip(&world.model.items) {
            let page = world.model.page(number / ITEM_PAGE as u64);
            let path = world.commitment.item_path(&page, number);
            assert_eq!(item_to_root(&path, leaf), Ok(items));
            assert_eq!(path, ITEMS.path(&world.model.items, number));
        }
        for name in 0..400 {
            let Ok(proof) = world.commitment.prove(&world.rows, &key(name));
            match proof {
                NameProof::Present(entry, proof) => {
                    assert!(name < round * 40 + 40);
                    assert_eq!(
                        entry,
                        BucketEntry {
                            key: key(name),
                            value: leaf(name)
                        }
                    );
                    assert_eq!(proof.verify(&names, &entry), Ok(()));
                }
                NameProof::Absent(proof) => {
                    assert!(name >= round * 40 + 40);
                    assert_eq!(proof.verify(&names, &key(name)), Ok(()));
                }
            }
        }
    }
}

#[test]
fn a_crafted_full_bucket_stays_right_and_costs_what_its_entries_cost() {
    // Keys ground to share 20 leading bits, among 20,000 honest ones.
    let crafted = |i: u64| {
        let mut key = key(i);
        key.0[..3].copy_from_slice(&[0xab, 0xcd, 0xef]);
        key
    };
    let mut changes: Vec<(Hash, Option<Hash>)> =
        (0..20_000).map(|i| (key(i), Some(leaf(i)))).collect();
    changes.extend((0..10_000).map(|i| (crafted(i), Some(leaf(i)))));
    changes.sort();
    let mut world = World::new();
    world.model.entries = changes
        .iter()
        .filter_map(|&(key, value)| Some((key, value?)))
        .collect();
    let plan = world
        .commitment
        .plan(&world.rows, 0, &[], &changes)
        .expect("sound");
    assert_eq!(plan.names_root, world.model.roots().1);
    world.commit(&plan);
    // One more entry touches that one bucket, whatever its size, and one that splits.
    let one = [(crafted(10_000), Some(leaf(1)))];
    world
        .model
        .entries
        .extend(one.iter().filter_map(|&(key, value)| Some((key, value?))));
    let plan = world
        .commitment
        .plan(&world.rows, 0, &[], &one)
        .expect("sound");
    assert_eq!(plan.names_root, world.model.roots().1);
    assert!(
        plan.buckets.len() <= 3,
        "{} buckets touched",
        plan.buckets.len()
    );
}

#[test]
fn a_batch_that_does_not_fit_is_refused() {
    let mut world = World::new();
    world.run(&Batch {
        set: vec![],
        append: (0..20).collect(),
        entries: vec![],
    });
    let (commitment, rows) = (&world.commitment, &world.rows);
    let refusal = |count, pages: &[u64], keys: &[u64]| {
        let pages: Vec<_> = pages.iter().map(|&page| (page, Hash::ZERO)).collect();
        let keys: Vec<_> = keys
            .iter()
            .map(|&i| (Hash([u8::try_from(i).expect("small"); 32]), None))
            .collect();
        commitment
            .plan(rows, count, &pages, &keys)
            .expect_err("does not fit")
    };
    let not_ascending = |what, index| PlanError::NotAscending { what, index };
    assert_eq!(refusal(20, &[1, 1], &[]), not_ascending("page", 1));
    assert_eq!(refusal(20, &[0, 2, 1], &[]), not_ascending("page", 2));
    assert_eq!(refusal(20, &[], &[1, 2, 2]), not_ascending("entry", 2));
    assert_eq!(
        refusal(19, &[], &[]),
        PlanError::FewerItems {
            before: 20,
            after: 19
        }
    );
    assert_eq!(
        refusal(20, &[3], &[]),
        PlanError::PageGap {
            page: 3,
            item_count: 20
        }
    );
    assert_eq!(
        refusal(21, &[0], &[]),
        PlanError::PageGap {
            page: 2,
            item_count: 21
        }
    );
    assert_eq!(
        refusal(25, &[2], &[]),
        PlanError::PageGap {
            page: 3,
            item_count: 25
        }
    );
    assert_eq!(
        refusal(33, &[2, 3], &[]),
        PlanError::PageGap {
            page: 4,
            item_count: 33
        }
    );
}

#[test]
fn rows_that_do_not_fit_their_counts_are_not_loaded() {
    let page = || std::iter::once(Hash::ZERO);
    let buckets = |count| std::iter::repeat_n(bucket_root(&[]), count);
    assert!(Commitment::load(page(), 8, buckets(16), 64).is_ok());
    let error = Commitment::load(page(), 9, buckets(16), 64).expect_err("a page is missing");
    assert_eq!((error.what, error.expected, error.got), ("items", 2, 1));
    let error = Commitment::load(page(), 8, buckets(16), 65).expect_err("a bucket is missing");
    assert_eq!((error.what, error.expected, error.got), ("entries", 17, 16));
}
