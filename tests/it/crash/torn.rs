//! A crash at every byte of a commit. A commit is one record appended to the log, then one sync:
//! whatever part of the record a file system keeps, the ledger stands before the block or behind
//! it.

use std::path::{Path, PathBuf};

use chipledger_ledger::fixture::{MODEL, World, id, key};
use chipledger_ledger::solo::Solo;
use chipledger_ledger::store::{Store, StoreError};
use chipledger_schemas::ids::Height;
use chipledger_schemas::records::register::Origin;
use chipledger_schemas::records::{Record, Register};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{copy, expect_audit_passes, newest_log};

/// A ledger copied right after its last commit, and how long its log was before and after.
struct Scene {
    _temporary: tempfile::TempDir,
    dir: PathBuf,
    log: String,
    before: usize,
    after: usize,
    height: Height,
    /// The height mark once the last commit was acknowledged; the copy has the one before.
    mark: Vec<u8>,
}

impl Scene {
    /// A ledger whose last block registers so many chips.
    fn new(chips: u32) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let (live, dir) = (
            temporary.path().join("live"),
            temporary.path().join("ledger"),
        );
        let mut world = World::new();
        let solo =
            Solo::start(Store::create(&live, &world.genesis).unwrap(), key("REG-1")).unwrap();
        for items in ["FAB:a00..a15", "FAB:b00..b15"] {
            commit(&solo, &mut world, items);
        }
        let log = newest_log(&live);
        let length = || usize::try_from(std::fs::metadata(&log).unwrap().len()).unwrap();
        let before = length();
        let mark_before = std::fs::read(live.join("HEIGHT")).unwrap();
        commit(
            &solo,
            &mut world,
            &format!("FAB:c000000..c{:06}", chips - 1),
        );
        let after = length();
        copy(&live, &dir);
        let mark = std::fs::read(dir.join("HEIGHT")).unwrap();
        std::fs::write(dir.join("HEIGHT"), mark_before).unwrap();
        let height = solo.store().head().header.height;
        let log = log.file_name().unwrap().to_str().unwrap().to_owned();
        Self {
            _temporary: temporary,
            dir,
            log,
            before,
            after,
            height,
            mark,
        }
    }

    /// The ledger with another log in it.
    fn with_log(&self, content: &[u8]) -> PathBuf {
        let dir = self.dir.with_file_name("crashed");
        if dir.exists() {
            std::fs::remove_dir_all(&dir).unwrap();
        }
        copy(&self.dir, &dir);
        std::fs::write(dir.join(&self.log), content).unwrap();
        dir
    }

    fn log(&self) -> Vec<u8> {
        std::fs::read(self.dir.join(&self.log)).unwrap()
    }

    /// Where the block's bytes are cut: near both ends everywhere, between them at random.
    fn cuts(&self, seed: u64) -> Vec<usize> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut cuts: Vec<_> = (self.before..self.before + 12).collect();
        cuts.extend(self.after - 12..=self.after);
        cuts.extend((0..60).map(|_| rng.random_range(self.before..self.after)));
        cuts
    }
}

fn commit(solo: &Solo, world: &mut World, items: &str) {
    let record = Record::Register(Register {
        items: id(items),
        model: id(MODEL),
        site: id("TW-FAB"),
        origin: Origin::Made,
        lot: None,
        device_keys: Vec::new(),
        occurred_at: world.now(),
    });
    let transaction = world.transaction("FAB", &[], vec![record]);
    solo.submit(transaction).unwrap();
}

fn height(dir: &Path) -> Height {
    Store::open_read_only(dir).unwrap().head().header.height
}

#[test]
fn a_commit_cut_short_at_any_byte_leaves_the_block_before() {
    for chips in [16, 3_000] {
        let scene = Scene::new(chips);
        let log = scene.log();
        for (number, cut) in scene.cuts(1).into_iter().enumerate() {
            let dir = scene.with_log(&log[..cut]);
            let whole = cut == scene.after;
            let expected = if whole {
                scene.height
            } else {
                Height(scene.height.0 - 1)
            };
            assert_eq!(
                height(&dir),
                expected,
                "cut at {cut} of {}..{}",
                scene.before,
                scene.after
            );
            if number % 12 == 0 {
                let story = format!("cut at {cut}");
                expect_audit_passes(&dir, &story);
                let store = Store::open(&dir).unwrap();
                assert_eq!(store.head().header.height, expected, "{story}");
                drop(store);
                expect_audit_passes(&dir, &story);
            }
        }
    }
}

/// A log that ends between two records is whole to the eye: only the mark tells.
#[test]
fn a_copy_that_lost_an_acknowledged_block_at_the_end_of_its_log_is_named() {
    let scene = Scene::new(16);
    let dir = scene.with_log(&scene.log()[..scene.before]);
    assert_eq!(height(&dir).0, scene.height.0 - 1, "by the mark before");
    std::fs::write(dir.join("HEIGHT"), &scene.mark).unwrap();
    for opened in [Store::open_read_only(&dir), Store::open(&dir)] {
        match opened {
            Err(StoreError::Damaged { what }) => assert!(what.contains("HEIGHT says"), "{what}"),
            other => panic!("{other:?}"),
        }
    }
    let report = chipledger_ledger::audit::audit(&dir, &mut |_| {}).unwrap();
    assert!(
        report.damages[0].to_string().contains("file HEIGHT"),
        "{:?}",
        report.damages
    );
    // Half a mark is what a crash leaves: it says nothing.
    std::fs::write(dir.join("HEIGHT"), &scene.mark[..40]).unwrap();
    assert_eq!(height(&dir).0, scene.height.0 - 1);
}

#[test]
fn a_commit_whose_end_reads_as_zeros_leaves_the_block_before() {
    let scene = Scene::new(3_000);
    let log = scene.log();
    for cut in scene
        .cuts(2)
        .into_iter()
        .filter(|cut| cut + 64 <= scene.after)
    {
        let mut zeroed = log.clone();
        zeroed[cut..].fill(0);
        let dir = scene.with_log(&zeroed);
        assert_eq!(height(&dir), Height(scene.height.0 - 1), "zeros from {cut}");
    }
    let mut longer = log.clone();
    longer.resize(log.len() + 5_000, 0);
    let dir = scene.with_log(&longer);
    assert_eq!(height(&dir), scene.height, "zeros behind a whole block");
    drop(Store::open(&dir).unwrap());
    expect_audit_passes(&dir, "zeros behind a whole block");
}

#[test]
fn a_lost_sector_in_the_last_commit_leaves_the_block_before() {
    let scene = Scene::new(3_000);
    let log = scene.log();
    let first = scene.before.next_multiple_of(512);
    for sector in (first..scene.after - 512).step_by(512 * 7) {
        let mut lost = log.clone();
        lost[sector..sector + 512].fill(0);
        let dir = scene.with_log(&lost);
        assert_eq!(
            height(&dir),
            Height(scene.height.0 - 1),
            "sector at {sector}"
        );
    }
}

/// Garbage in place of the last record may be a block that was acknowledged and then damaged:
/// nothing is guessed, nothing is dropped, and the message says where.
#[test]
fn garbage_where_the_last_commit_was_is_refused_and_named() {
    let scene = Scene::new(16);
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for cut in [scene.before, scene.before + 7, scene.after - 100] {
        let mut garbled = scene.log();
        garbled[cut..].fill_with(|| rng.random_range(1..=255));
        let dir = scene.with_log(&garbled);
        match Store::open(&dir) {
            Err(StoreError::Damaged { what }) => assert!(what.contains(&scene.log), "{what}"),
            Err(other) => panic!("garbage from {cut}: {other}"),
            // Garbage may happen to look like a record that is longer than the file.
            Ok(store) => assert_eq!(store.head().header.height.0, scene.height.0 - 1),
        }
    }
}

#[test]
fn a_flipped_byte_anywhere_in_the_log_never_drops_a_block_in_silence() {
    for chips in [16, 3_000] {
        let scene = Scene::new(chips);
        let log = scene.log();
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        // Headers of the last record and its end, then anywhere.
        let mut places: Vec<_> = (scene.before..scene.before + 8).collect();
        places.extend((0..80).map(|_| rng.random_range(0..log.len())));
        for place in places {
            for flip in [0x80, rng.random_range(1..=255)] {
                let mut flipped = log.clone();
                flipped[place] ^= flip;
                let dir = scene.with_log(&flipped);
                let opened = Store::open_read_only(&dir);
                let refused = matches!(&opened, Err(StoreError::Damaged { what }) if what.contains(&scene.log));
                assert!(refused, "byte {place} ^ {flip:#x}: {opened:?}");
            }
        }
    }
}

#[test]
fn a_log_whose_directory_entry_never_reached_the_disk_held_nothing_acknowledged() {
    let scene = Scene::new(16);
    let dir = scene.with_log(&scene.log());
    let store = Store::open(&dir).unwrap();
    let log = newest_log(&dir);
    drop(store);
    // Opening has begun a new log; no block is in it, so the crash may as well have lost it.
    std::fs::remove_file(log).unwrap();
    assert_eq!(height(&dir), scene.height);
    drop(Store::open(&dir).unwrap());
    expect_audit_passes(&dir, "the new log is missing");
}

/// What is lost of a write to the manifest reads as zeros, from some sector on.
#[test]
fn a_manifest_whose_end_reads_as_zeros_is_refused_with_what_to_do_and_that_helps() {
    let scene = Scene::new(16);
    let manifest = |dir: &Path| {
        let current = std::fs::read_to_string(dir.join("CURRENT")).unwrap();
        dir.join(current.trim_end())
    };
    for length in [0, 600, 1_100, 3_000] {
        let dir = scene.with_log(&scene.log());
        let path = manifest(&dir);
        let whole = std::fs::read(&path).unwrap();
        let mut torn = whole.clone();
        if length > 0 {
            // A record of which the first sectors came to the disk.
            let [low, high, ..] = u64::to_le_bytes(length);
            torn.extend([1, 2, 3, 4, low, high, 1]);
            torn.resize((torn.len() + 1).next_multiple_of(512), 0xab);
        }
        torn.resize(whole.len() + 7 + 3_000, 0);
        std::fs::write(&path, &torn).unwrap();
        let what = match Store::open(&dir) {
            Err(StoreError::Damaged { what }) => what,
            Ok(store) if length == 0 => {
                // Nothing but zeros behind the last record: they are passed over.
                assert_eq!(store.head().header.height, scene.height);
                continue;
            }
            other => panic!("{length} bytes: {other:?}"),
        };
        let name = path.file_name().unwrap().to_str().unwrap();
        let end = whole.len();
        assert!(
            what.starts_with(&format!("{name} at byte {end}: ")),
            "{what}"
        );
        assert!(what.contains(&format!("`truncate -s {end}`")), "{what}");
        std::fs::write(&path, &torn[..end]).unwrap();
        assert_eq!(height(&dir), scene.height, "{length} bytes");
        expect_audit_passes(&dir, "cut as told");
    }
}
