//! State commitment: updates per second on one core, beside the machine's own limit and `jmt`.
//!
//! `cargo bench -p chipledger-ledger --bench commitment [-- KEYS]`; 1,000,000 keys unless told.
//! Every structure gets batches of 10,000 changes and ends each batch with the new root and the new
//! nodes in place; all of them live in memory, so that the table compares trees and not disks.
//! "Hashes per update" is what the machine could hash (64-byte inputs) in the time of one update.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use chipledger_ledger::commitment::{BucketReader, Commitment};
use chipledger_proof::{BucketEntry, ITEM_PAGE, bucket_root, page_root};
use chipledger_schemas::hash::{ENTRY_KEY, ENTRY_VALUE, Hash, ITEM, ITEM_NODE};
use jmt::storage::{LeafNode, Node, NodeKey, TreeReader, TreeUpdateBatch};
use jmt::{JellyfishMerkleTree, KeyHash, OwnedValue, SimpleHasher, Version};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Changes per batch: the size of a large block.
const BATCH: u64 = 10_000;
/// Encoded state of one item, in bytes: about what a chip's leaf takes.
const LEAF_BYTES: usize = 200;
/// Batches per measurement.
const ROUNDS: u64 = 20;
/// Batches for `jmt`, which takes its time.
const JMT_ROUNDS: u64 = 5;

fn main() {
    let keys = std::env::args()
        .find_map(|arg| arg.parse().ok())
        .unwrap_or(1_000_000);
    let limit = Limit::measure();
    println!(
        "machine, one core: BLAKE3 keyed, 64-byte inputs {} /s, long input {} MB/s",
        thousands(limit.pairs),
        limit.mb
    );
    println!(
        "{} keys, batches of {}, in memory\n",
        thousands(keys),
        thousands(BATCH)
    );
    println!(
        "{:<44} {:>12} {:>19}",
        "structure", "updates/s", "hashes per update"
    );
    items(keys, &limit);
    names(keys, &limit);
    let jmt = "jmt 0.12, random updates, SHA-256 (default)";
    limit.print(jmt, jellyfish::<sha2::Sha256>(keys));
    limit.print(
        "jmt 0.12, random updates, BLAKE3",
        jellyfish::<Blake3>(keys),
    );
}

/// What the machine can do at most, measured in the same run.
struct Limit {
    pairs: u64,
    mb: u64,
}

impl Limit {
    fn measure() -> Self {
        let mut hash = Hash([1; 32]);
        let pairs = rate(2_000_000, |count| {
            for _ in 0..count {
                hash = ITEM_NODE.hash_pair(&hash, &Hash::ZERO);
            }
        });
        let long = vec![7; 1 << 20];
        let mb = rate(500, |count| {
            for _ in 0..count {
                black_box(ITEM.hash(&long));
            }
        });
        black_box(hash);
        Self { pairs, mb }
    }

    fn print(&self, name: &str, updates: u64) {
        let tenths = 10 * self.pairs / updates.max(1);
        let ratio = format!("{}.{}", tenths / 10, tenths % 10);
        println!("{name:<44} {:>12} {ratio:>19}", thousands(updates));
    }
}

/// Time that this thread had a core, so that other work on the machine does not count; where the
/// kernel does not tell, time on the wall.
struct Clock {
    wall: Instant,
    cpu: Option<u64>,
}

impl Clock {
    fn start() -> Self {
        Self {
            wall: Instant::now(),
            cpu: Self::cpu_nanoseconds(),
        }
    }

    fn cpu_nanoseconds() -> Option<u64> {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split_whitespace().next()?.parse().ok()
    }

    fn elapsed(&self) -> Duration {
        match (self.cpu, Self::cpu_nanoseconds()) {
            (Some(start), Some(now)) => Duration::from_nanos(now - start),
            _ => self.wall.elapsed(),
        }
    }
}

/// Units per second of `work`, which does `count` units.
fn rate(count: u64, work: impl FnOnce(u64)) -> u64 {
    let start = Clock::start();
    work(count);
    per_second(count, start.elapsed().as_nanos())
}

fn per_second(count: u64, nanoseconds: u128) -> u64 {
    u64::try_from(u128::from(count) * 1_000_000_000 / nanoseconds.max(1)).unwrap_or(u64::MAX)
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|g| std::str::from_utf8(g).unwrap_or(""))
        .collect();
    groups.join(",")
}

fn index(number: u64) -> usize {
    usize::try_from(number).expect("64-bit machine")
}

/// What a page's row holds beside the states.
#[derive(Clone, Copy, PartialEq)]
enum Row {
    /// Nothing: all 8 leaves of a touched page are hashed anew.
    States,
    /// The leaves' digests: only changed leaves are hashed, for 32 bytes of disk per item.
    StatesAndDigests,
}

/// Item states as the store keeps them: a page in one row.
struct Items {
    rows: Vec<[[u8; LEAF_BYTES]; ITEM_PAGE]>,
    digests: Vec<[Hash; ITEM_PAGE]>,
    count: u64,
    commitment: Commitment,
}

impl Items {
    fn new(keys: u64) -> Self {
        let pages = keys.div_ceil(ITEM_PAGE as u64);
        let rows = vec![[[0; LEAF_BYTES]; ITEM_PAGE]; index(pages)];
        let digests = vec![[Hash::ZERO; ITEM_PAGE]; index(pages)];
        let count = pages * ITEM_PAGE as u64;
        let mut items = Self {
            rows,
            digests,
            count,
            commitment: Commitment::new(),
        };
        let all: Vec<u64> = (0..count).collect();
        items.update(Row::StatesAndDigests, &all, 0);
        items
    }

    /// Writes a new state of every item (ascending) and brings the root up to date.
    fn update(&mut self, kept: Row, numbers: &[u64], round: u64) {
        let page_of = |number: u64| number / ITEM_PAGE as u64;
        let mut pages = Vec::with_capacity(numbers.len());
        for group in numbers.chunk_by(|a, b| page_of(*a) == page_of(*b)) {
            let page = page_of(group[0]);
            let row = &mut self.rows[index(page)];
            let digests = &mut self.digests[index(page)];
            for number in group {
                let place = index(number % ITEM_PAGE as u64);
                row[place][..8].copy_from_slice(&(number ^ round << 40).to_le_bytes());
                if kept == Row::StatesAndDigests {
                    digests[place] = ITEM.hash(&row[place]);
                }
            }
            let root = match kept {
                Row::States => page_root(&row.each_ref().map(|leaf| ITEM.hash(leaf))),
                Row::StatesAndDigests => page_root(digests),
            };
            pages.push((page, root));
        }
        let plan = self
            .commitment
            .plan(&Buckets::default(), self.count, &pages, &[]);
        self.commitment.apply(&plan.expect("a sound batch"));
    }
}

fn items(keys: u64, limit: &Limit) {
    let mut items = Items::new(keys);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for (kept, note) in [
        (Row::States, "rows of states"),
        (Row::StatesAndDigests, "and digests"),
    ] {
        for (length, order) in [
            (1, "random"),
            (100, "100 runs of 100"),
            (BATCH, "consecutive"),
        ] {
            let batches: Vec<Vec<u64>> = (0..ROUNDS)
                .map(|_| runs(&mut random, items.count, length))
                .collect();
            let count = batches.iter().map(|numbers| numbers.len() as u64).sum();
            let updates = rate(count, |_| {
                for (numbers, round) in batches.iter().zip(1..) {
                    items.update(kept, numbers, round);
                }
            });
            limit.print(&format!("items, {order}, {note}"), updates);
        }
    }
    let bytes = items.commitment.memory_bytes() as u64;
    println!("  memory of inner nodes: {} bytes", thousands(bytes));
}

/// A batch of runs of `length` consecutive numbers at random places.
fn runs(random: &mut ChaCha8Rng, count: u64, length: u64) -> Vec<u64> {
    let start = |_| random.next_u64() % (count - length);
    let starts: Vec<u64> = (0..BATCH / length).map(start).collect();
    let mut numbers: Vec<u64> = starts
        .into_iter()
        .flat_map(|start| start..start + length)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// Bucket rows in memory.
#[derive(Default)]
struct Buckets(Vec<Vec<BucketEntry>>);

impl BucketReader for Buckets {
    type Error = std::convert::Infallible;
    fn bucket(&self, bucket: u64) -> Result<Vec<BucketEntry>, Self::Error> {
        Ok(self.0.get(index(bucket)).cloned().unwrap_or_default())
    }
}

struct Names {
    rows: Buckets,
    commitment: Commitment,
}

impl Names {
    /// Changes per second.
    fn run(&mut self, batches: &[Vec<(Hash, Option<Hash>)>]) -> u64 {
        let count = batches.iter().map(|changes| changes.len() as u64).sum();
        rate(count, |_| {
            for changes in batches {
                self.update(changes);
            }
        })
    }

    fn update(&mut self, changes: &[(Hash, Option<Hash>)]) {
        let plan = self.commitment.plan(&self.rows, 0, &[], changes);
        let plan = plan.expect("a sound batch");
        self.commitment.apply(&plan);
        for (bucket, entries) in plan.buckets {
            let bucket = index(bucket);
            self.rows
                .0
                .resize_with(self.rows.0.len().max(bucket + 1), Vec::new);
            self.rows.0[bucket] = entries.unwrap_or_default();
        }
    }
}

/// The batch that gives every name the value of a round, as the block's execution hands it over.
fn changes(names: impl Iterator<Item = u64>, round: u64) -> Vec<(Hash, Option<Hash>)> {
    let value = ENTRY_VALUE.hash(&round.to_le_bytes());
    let mut changes: Vec<_> = names.map(|name| (key(name), Some(value))).collect();
    changes.sort_unstable();
    changes.dedup();
    changes
}

fn key(name: u64) -> Hash {
    ENTRY_KEY.hash(&name.to_le_bytes())
}

fn names(keys: u64, limit: &Limit) {
    let mut names = Names {
        rows: Buckets::default(),
        commitment: Commitment::new(),
    };
    names.update(&changes(0..keys, 0));
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut batch = |round| changes((0..BATCH).map(|_| random.next_u64() % keys), round);
    let updates: Vec<_> = (1..=ROUNDS).map(&mut batch).collect();
    limit.print("names, random updates", names.run(&updates));
    let new = |round| changes((0..BATCH).map(|name| keys + round * BATCH + name), 0);
    let inserts: Vec<_> = (0..ROUNDS).map(new).collect();
    limit.print("names, random inserts (with splits)", names.run(&inserts));
    let mut crafted: Vec<BucketEntry> = (0..10_000)
        .map(|name| BucketEntry {
            key: key(name),
            value: key(name),
        })
        .collect();
    crafted.sort_unstable();
    let updates = rate(50, |count| {
        for round in 0..count {
            crafted[0].value = key(round);
            black_box(bucket_root(&crafted));
        }
    });
    limit.print("names, one crafted bucket of 10,000", updates);
    let bytes = names.commitment.memory_bytes() as u64;
    println!("  memory of inner nodes: {} bytes", thousands(bytes));
}

/// `jmt` with the hash that Chipledger uses, so that the table compares trees and not hashes.
struct Blake3(blake3::Hasher);

impl SimpleHasher for Blake3 {
    fn new() -> Self {
        Self(blake3::Hasher::new())
    }
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }
    fn finalize(self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }
}

/// Nodes of the newest version in a hash map: the fastest store that `jmt` can be given.
#[derive(Default)]
struct Nodes(RefCell<HashMap<NodeKey, Node>>);

impl TreeReader for Nodes {
    fn get_node_option(&self, key: &NodeKey) -> Result<Option<Node>, anyhow::Error> {
        Ok(self.0.borrow().get(key).cloned())
    }
    fn get_value_option(
        &self,
        _: Version,
        _: KeyHash,
    ) -> Result<Option<OwnedValue>, anyhow::Error> {
        Ok(None)
    }
    fn get_rightmost_leaf(&self) -> Result<Option<(NodeKey, LeafNode)>, anyhow::Error> {
        Ok(None)
    }
}

impl Nodes {
    fn write(&self, batch: &TreeUpdateBatch) {
        let mut nodes = self.0.borrow_mut();
        for stale in &batch.stale_node_index_batch {
            nodes.remove(&stale.node_key);
        }
        nodes.extend(
            batch
                .node_batch
                .nodes()
                .iter()
                .map(|(key, node)| (key.clone(), node.clone())),
        );
    }
}

/// Random updates per second of a Jellyfish Merkle tree; writing its nodes is not counted.
fn jellyfish<H: SimpleHasher>(keys: u64) -> u64 {
    let store = Nodes::default();
    let mut version = 0;
    let mut put = |names: &[u64], value: u64| {
        let start = Clock::start();
        let tree = JellyfishMerkleTree::<_, H>::new(&store);
        let entry = |&name| (KeyHash(key(name).0), Some(value.to_le_bytes().to_vec()));
        let put = tree.put_value_set(names.iter().map(entry), version);
        let time = start.elapsed();
        store.write(&put.expect("an in-memory tree").1);
        version += 1;
        time
    };
    let all: Vec<u64> = (0..keys).collect();
    for names in all.chunks(100_000) {
        put(names, 0);
    }
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut round = |value| {
        let names: Vec<u64> = (0..BATCH).map(|_| random.next_u64() % keys).collect();
        put(&names, value)
    };
    let time: Duration = (1..=JMT_ROUNDS).map(&mut round).sum();
    per_second(JMT_ROUNDS * BATCH, time.as_nanos())
}
