//! `kill -9` at random moments, a hundred times over the same ledger.

use std::collections::BTreeSet;
use std::io::Read;
use std::time::Duration;

use chipledger_ledger::store::Store;
use chipledger_schemas::ids::Height;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{check_kept, expect_audit_passes, loader, note};

const KILLS: u32 = 100;
/// The longest that a loader lives, milliseconds, opening the ledger included.
const LIFE_MS_MAX: u64 = 250;

#[test]
fn killed_a_hundred_times_the_ledger_loses_nothing_acknowledged() {
    kill_often(KILLS, &[]);
}

/// Kills so many loaders, started with these words before the directory, over the same ledger.
pub(super) fn kill_often(kills: u32, words: &[&str]) {
    // Every run draws other moments; the seed is in every message.
    let seed = std::process::id();
    println!("seed {seed}");
    let mut rng = ChaCha8Rng::seed_from_u64(u64::from(seed));
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("ledger");
    drop(Store::create(&dir, &chipledger_ledger::fixture::genesis()).unwrap());
    let mut acknowledged = BTreeSet::new();
    let mut height = Height(0);
    for kill in 0..kills {
        let mut child = loader().args(words).arg(&dir).spawn().unwrap();
        let mut pipe = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut output = String::new();
            pipe.read_to_string(&mut output).map(|_| output)
        });
        // The one sleep that is the subject of the test: the moment of death.
        std::thread::sleep(Duration::from_millis(rng.random_range(1..=LIFE_MS_MAX)));
        child.kill().unwrap();
        child.wait().unwrap();
        let output = reader.join().unwrap().unwrap();
        note(&output, &mut acknowledged);
        let story = format!("seed {seed}, kill {kill}");
        // Opening for reading recovers nothing: the next loader opens exactly what the crash left.
        let store = Store::open_read_only(&dir).unwrap_or_else(|error| panic!("{story}: {error}"));
        let head = store.head().header.height;
        assert!(head >= height, "{story}: height {head} after {height}");
        height = head;
        check_kept(&store, &acknowledged, &story);
    }
    println!("height {height}, {} acknowledged", acknowledged.len());
    assert!(
        acknowledged.len() > usize::try_from(kills).unwrap(),
        "only {} were acknowledged",
        acknowledged.len()
    );
    expect_audit_passes(&dir, &format!("seed {seed}"));
    check_kept(
        &Store::open(&dir).unwrap(),
        &acknowledged,
        "opened for writing",
    );
}
