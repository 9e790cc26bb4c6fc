//! A process to be killed, or watched. It prints a line for everything that it is done with.
//!
//! `loader DIR [N]` opens the ledger, or creates it, and commits N transactions, or without end;
//! `loader tiny DIR [N]` does so with next to nothing kept in memory. `loader backup DIR TO`,
//! `loader restore BACKUP DIR` and `loader import SNAPSHOTS DIR` do what their names say.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use chipledger_ledger::fixture::{MODEL, genesis, id, key};
use chipledger_ledger::solo::Solo;
use chipledger_ledger::store::snapshot::{self, Importer, read_chunk, read_manifest};
use chipledger_ledger::store::{Store, restore};
use chipledger_schemas::ids::GenesisHash;
use chipledger_schemas::records::register::Origin;
use chipledger_schemas::records::{Pack, Record, Register};
use chipledger_schemas::time::{DAY_MS, Time};
use chipledger_schemas::transaction::{Body, TRANSACTION_VERSION, Transaction};
use chipledger_schemas::words::UnitKind;

/// Transactions that wait for their acknowledgement together.
const TOGETHER: u64 = 4;
/// Chips that one transaction registers and packs.
const CHIPS: u64 = 8;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["backup", dir, to] => {
            Store::open(Path::new(dir))?.backup(Path::new(to))?;
            println!("backed up");
        }
        ["restore", backup, dir] => {
            restore(Path::new(backup), Path::new(dir))?;
            println!("restored");
        }
        ["import", snapshots, dir] => {
            import(Path::new(snapshots), Path::new(dir))?;
            println!("imported");
        }
        ["tiny", dir, ref rest @ ..] => {
            let dir = Path::new(dir);
            let store = match Store::is_in(dir) {
                false => Store::create_tiny(dir, &genesis())?,
                true => Store::open_tiny(dir)?,
            };
            load(store, limit(rest)?)?;
        }
        [dir, ref rest @ ..] => {
            let dir = Path::new(dir);
            let store = match Store::is_in(dir) {
                false => Store::create(dir, &genesis())?,
                true => Store::open(dir)?,
            };
            load(store, limit(rest)?)?;
        }
        [] => anyhow::bail!("give a directory"),
    }
    Ok(())
}

fn limit(words: &[&str]) -> anyhow::Result<u64> {
    Ok(words
        .first()
        .map_or(Ok(u64::MAX), |number| number.parse())?)
}

fn import(snapshots: &Path, dir: &Path) -> anyhow::Result<()> {
    let heights = snapshot::snapshots(snapshots)?;
    let height = *heights.last().context("no snapshot is kept there")?;
    let manifest = read_manifest(snapshots, height)?;
    let mut importer = Importer::begin(dir, &genesis(), manifest)?;
    let missing: Vec<_> = importer.missing().collect();
    for (index, chunk) in missing {
        let bytes = read_chunk(snapshots, height, &chunk.digest)?;
        importer.add(index, &bytes.context("a chunk is not there")?)?;
    }
    importer.finish()?;
    Ok(())
}

fn load(store: Store, limit: u64) -> anyhow::Result<()> {
    let genesis = store.genesis_hash();
    let head = store.head().header;
    let mut next = chipledger_ledger::state::State::item_count(&store.view()) / (CHIPS + 1);
    let mut time = head.time;
    let solo = Solo::start(store, key("REG-1"))?;
    let mut out = std::io::stdout().lock();
    let mut done = 0;
    writeln!(out, "height {}", head.height)?;
    out.flush()?;
    while done < limit {
        let mut waiting = Vec::new();
        for _ in 0..TOGETHER {
            time = Time(time.0 + 1_000);
            waiting.push(solo.enqueue(transaction(genesis, next, time))?);
            next += 1;
        }
        for receiver in waiting {
            let receipt = receiver.recv()??;
            writeln!(out, "final {}", receipt.id)?;
            out.flush()?;
            done += 1;
        }
    }
    solo.close();
    Ok(())
}

fn transaction(genesis: GenesisHash, number: u64, time: Time) -> Transaction {
    let first = number * CHIPS;
    let items: chipledger_schemas::items::ItemSet =
        id(&format!("FAB:{first:08}..{:08}", first + CHIPS - 1));
    let register = Register {
        items: items.clone(),
        model: id(MODEL),
        site: id("TW-FAB"),
        origin: Origin::Made,
        lot: None,
        device_keys: Vec::new(),
        occurred_at: time,
    };
    let pack = Pack {
        units: id(&format!("FAB:b{number}")),
        unit_kind: UnitKind::Board,
        items,
        occurred_at: time,
    };
    let body = Body {
        version: TRANSACTION_VERSION,
        genesis,
        member: id("FAB"),
        key: key("FAB").public(),
        signed_at: time,
        valid_from: Time(time.0 - 1_000),
        valid_until: time.plus_ms(DAY_MS),
        records: vec![Record::Register(register), Record::Pack(pack)],
    };
    body.sign(&key("FAB"))
}
