//! Audit, backup and restore from outside: whatever is damaged is found and named.
#![allow(
    clippy::unwrap_used,
    reason = "a test's panic is its report, helpers included"
)]

use std::path::{Path, PathBuf};

use chipledger_ledger::audit::{Damage, Report, RowFault, audit};
use chipledger_ledger::fixture::{MODEL, World, id, key};
use chipledger_ledger::solo::Solo;
use chipledger_ledger::store::{BackupError, Store, StoreError, carries_truth, restore};
use chipledger_schemas::ids::Height;
use chipledger_schemas::records::register::Origin;
use chipledger_schemas::records::{Install, Pack, Receive, Record, Register, Ship};
use chipledger_schemas::time::HOUR_MS;
use chipledger_schemas::words::UnitKind;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A ledger whose rows lie partly in tables, partly in the log.
struct Ledger {
    _temporary: tempfile::TempDir,
    dir: PathBuf,
}

fn ledger() -> Ledger {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("ledger");
    let mut world = World::new();
    let store = Store::create(&dir, &world.genesis).unwrap();
    let solo = Solo::start(store, key("REG-1")).unwrap();
    for journey in 0..6 {
        if journey == 4 {
            solo.store().compact().unwrap();
        }
        for (author, record) in travel(&world, journey) {
            let transaction = world.transaction(author, &[], vec![record]);
            solo.submit(transaction).unwrap();
            world.time = world.time.plus_ms(HOUR_MS);
        }
    }
    solo.close();
    Ledger {
        _temporary: temporary,
        dir,
    }
}

/// Sixteen chips from the fab into a rack, one record a block, one hour a record.
fn travel(world: &World, journey: u64) -> Vec<(&'static str, Record)> {
    let at = |hour: u64| world.now().plus_ms(hour * HOUR_MS);
    let first = journey * 16;
    let chips = id(&format!("FAB:{:06}..{:06}", first, first + 15));
    let (board, shipment) = (format!("FAB:b{journey}"), format!("FAB:S{journey}"));
    let register = Register {
        items: chips,
        model: id(MODEL),
        site: id("TW-FAB"),
        origin: Origin::Made,
        lot: None,
        device_keys: Vec::new(),
        occurred_at: at(0),
    };
    let pack = Pack {
        units: id(&board),
        unit_kind: UnitKind::Board,
        items: register.items.clone(),
        occurred_at: at(1),
    };
    let ship = Ship {
        shipment: id(&shipment),
        items: id(&board),
        to: id("OP"),
        to_site: id("US-DC"),
        carrier: None,
        expected_at: at(100),
        order: None,
        licence: None,
        clearance: None,
        declared: None,
        occurred_at: at(2),
    };
    let receive = Receive {
        shipment: Some(id(&shipment)),
        site: id("US-DC"),
        found: id(&board),
        missing: id(""),
        extra: id(""),
        refused: id(""),
        clearance: None,
        occurred_at: at(3),
    };
    let install = Install {
        items: id(&board),
        position: None,
        occurred_at: at(4),
    };
    vec![
        ("FAB", Record::Register(register)),
        ("FAB", Record::Pack(pack)),
        ("FAB", Record::Ship(ship)),
        ("OP", Record::Receive(receive)),
        ("OP", Record::Install(install)),
    ]
}

fn run(dir: &Path) -> Report {
    audit(dir, &mut |_| {}).unwrap()
}

fn files(dir: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
    let entries = std::fs::read_dir(dir).unwrap().map(name);
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

/// Flips bytes of one file one after the other, and hands each damaged ledger to `judge`.
fn flip(path: &Path, places: &[usize], rng: &mut impl Rng, mut judge: impl FnMut(usize)) {
    let content = std::fs::read(path).unwrap();
    for &place in places {
        let mut copy = content.clone();
        copy[place] ^= rng.random_range(1..=255_u8);
        std::fs::write(path, &copy).unwrap();
        judge(place);
    }
    std::fs::write(path, &content).unwrap();
}

#[test]
fn an_untouched_ledger_passes_and_says_what_was_checked() {
    let ledger = ledger();
    let report = run(&ledger.dir);
    assert!(report.passes(), "{:?}", report.damages);
    assert_eq!(
        (report.height, report.transactions, report.signatures),
        (Height(30), 30, 60)
    );
    assert_eq!(report.items, 6 * 17);
    assert!(report.rows > 300);
}

#[test]
fn any_flipped_byte_in_any_file_is_found_and_its_file_or_row_is_named() {
    let seed = 0x00c0_ffee;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let ledger = ledger();
    let mut flips = 0;
    for name in files(&ledger.dir).iter().filter(|name| carries_truth(name)) {
        let path = ledger.dir.join(name);
        let length = usize::try_from(std::fs::metadata(&path).unwrap().len()).unwrap();
        if length == 0 {
            continue;
        }
        let mut places: Vec<_> = (0..10).map(|_| rng.random_range(0..length)).collect();
        // The ends, and for tables the footer: those are where checksums do not reach.
        places.extend([0, length - 1]);
        places.extend((0..3).map(|_| length - rng.random_range(1..=length.min(53))));
        flip(&path, &places, &mut rng, |place| {
            flips += 1;
            let report = run(&ledger.dir);
            assert!(
                !report.passes(),
                "seed {seed}: byte {place} of {name} was flipped unseen"
            );
            let named = report.damages.iter().any(|damage| match damage {
                Damage::File(damage) => damage.file == *name,
                Damage::Row { .. } | Damage::Block { .. } => true,
                Damage::Books { .. } => false,
            });
            assert!(
                named,
                "seed {seed}: byte {place} of {name}: {:?}",
                report.damages
            );
        });
    }
    assert!(flips >= 200, "only {flips} bytes were flipped");
    assert!(
        run(&ledger.dir).passes(),
        "the audit itself changes nothing"
    );
}

#[test]
fn files_without_truth_may_hold_anything() {
    let ledger = ledger();
    for name in files(&ledger.dir)
        .iter()
        .filter(|name| !carries_truth(name))
    {
        std::fs::write(ledger.dir.join(name), b"nonsense").unwrap();
    }
    assert!(run(&ledger.dir).passes());
    Store::open(&ledger.dir).unwrap();
}

#[test]
fn a_missing_file_is_found() {
    let ledger = ledger();
    for name in files(&ledger.dir).iter().filter(|name| carries_truth(name)) {
        let path = ledger.dir.join(name);
        let aside = ledger.dir.with_file_name("aside");
        // Only the live log may be missing unseen: without it the ledger is the one of an earlier
        // height.
        if std::fs::metadata(&path).unwrap().len() == 0
            || path.extension().is_some_and(|end| end == "log")
        {
            continue;
        }
        std::fs::rename(&path, &aside).unwrap();
        let found = audit(&ledger.dir, &mut |_| {}).map_or(true, |report| !report.passes());
        assert!(found, "{name} was taken away unseen");
        std::fs::rename(&aside, &path).unwrap();
    }
}

/// Changes one row behind the ledger's back, with all checksums right.
fn tamper(dir: &Path, column: &str, change: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    let options = rocksdb::Options::default();
    let columns = rocksdb::DB::list_cf(&options, dir).unwrap();
    let db = rocksdb::DB::open_cf(&options, dir, columns).unwrap();
    let handle = db.cf_handle(column).unwrap();
    let (key, value) = db
        .iterator_cf(handle, rocksdb::IteratorMode::End)
        .next()
        .unwrap()
        .unwrap();
    match change(&value) {
        Some(value) => db.put_cf(handle, key, value).unwrap(),
        None => db.delete_cf(handle, key).unwrap(),
    }
}

#[test]
fn a_row_changed_with_valid_checksums_is_named_in_words() {
    let columns = [
        ("headers", "height 30"),
        ("entries", ""),
        ("items", "items 96 to 103"),
        ("page_roots", "items 96 to 103"),
        ("buckets", "bucket"),
        ("history", "node"),
        ("windows", "windows until"),
        ("transactions", "transaction"),
        ("movements", "at height 30"),
        ("postings", "at height 30"),
        ("accounts", "account"),
        ("versions", "at height"),
        ("meta", "head"),
    ];
    let ledger = ledger();
    let saved = ledger.dir.with_file_name("saved");
    copy(&ledger.dir, &saved);
    for (column, words) in columns {
        for remove in [false, true] {
            std::fs::remove_dir_all(&ledger.dir).unwrap();
            copy(&saved, &ledger.dir);
            let more = |value: &[u8]| {
                let mut more = value.to_vec();
                more.push(1);
                more
            };
            tamper(&ledger.dir, column, |value| (!remove).then(|| more(value)));
            let report = run(&ledger.dir);
            let fault = if remove {
                RowFault::Missing
            } else {
                RowFault::Differs
            };
            let named = report.damages.iter().any(|damage| match damage {
                Damage::Row {
                    column: name,
                    key,
                    fault: found,
                } => *name == column && key.contains(words) && *found == fault,
                _ => false,
            });
            assert!(named, "{column}, remove {remove}: {:?}", report.damages);
        }
    }
}

#[test]
fn a_block_changed_or_gone_is_named_by_height() {
    let ledger = ledger();
    let saved = ledger.dir.with_file_name("saved");
    copy(&ledger.dir, &saved);
    let flipped = |value: &[u8]| {
        let mut value = value.to_vec();
        let middle = value.len() / 2;
        value[middle] ^= 1;
        Some(value)
    };
    let changes: [fn(&[u8]) -> Option<Vec<u8>>; 2] = [flipped, |_| None];
    for change in changes {
        std::fs::remove_dir_all(&ledger.dir).unwrap();
        copy(&saved, &ledger.dir);
        tamper(&ledger.dir, "blocks", change);
        let report = run(&ledger.dir);
        let named = |damage: &Damage| {
            matches!(
                damage,
                Damage::Block {
                    height: Height(30),
                    ..
                }
            )
        };
        assert!(report.damages.iter().any(named), "{:?}", report.damages);
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for name in files(from) {
        std::fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
}

#[test]
fn a_backup_restores_to_the_same_ledger_and_overwrites_nothing() {
    let ledger = ledger();
    let (saved, back) = (
        ledger.dir.with_file_name("saved"),
        ledger.dir.with_file_name("back"),
    );
    let store = Store::open(&ledger.dir).unwrap();
    let backup = store.backup(&saved).unwrap();
    assert_eq!(
        (backup.height, backup.block),
        (Height(30), store.head().hash())
    );
    assert!(matches!(
        store.backup(&saved),
        Err(BackupError::Exists { .. })
    ));
    assert!(matches!(
        Store::open(&saved),
        Err(StoreError::IsBackup { .. })
    ));
    assert!(run(&saved).passes());
    assert_eq!(restore(&saved, &back).unwrap(), backup);
    assert!(matches!(
        restore(&saved, &back),
        Err(BackupError::Exists { .. })
    ));
    assert!(matches!(
        restore(&back, &saved.join("x")),
        Err(BackupError::NotABackup { .. })
    ));
    assert_eq!(Store::open(&back).unwrap().head(), store.head());
    assert!(run(&back).passes());
}

#[test]
fn a_backup_with_any_byte_flipped_is_not_restored() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let ledger = ledger();
    let (saved, back) = (
        ledger.dir.with_file_name("saved"),
        ledger.dir.with_file_name("back"),
    );
    Store::open(&ledger.dir).unwrap().backup(&saved).unwrap();
    for name in files(&saved) {
        let path = saved.join(&name);
        let length = usize::try_from(std::fs::metadata(&path).unwrap().len()).unwrap();
        let places: Vec<_> = (0..length.min(20))
            .map(|_| rng.random_range(0..length))
            .collect();
        flip(&path, &places, &mut rng, |place| {
            let Err(BackupError::Damaged { damages }) = restore(&saved, &back) else {
                panic!("byte {place} of {name} was flipped unseen");
            };
            assert_eq!(damages[0].file, name);
            assert!(!back.exists(), "nothing half restored stays");
        });
    }
}
