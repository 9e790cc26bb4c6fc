//! A process to be killed: commits transactions to a ledger without end and prints each one's id
//! once it is acknowledged. `loader DIR` opens the ledger, or creates it; `loader DIR N` stops
//! after N transactions.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use chipledger_ledger::fixture::{MODEL, genesis, id, key};
use chipledger_ledger::solo::Solo;
use chipledger_ledger::store::Store;
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
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().context("give a directory")?;
    let limit = arguments.next().map_or(Ok(u64::MAX), |n| n.parse())?;
    let dir = Path::new(&dir);
    let store = if dir.join("CURRENT").exists() {
        Store::open(dir)?
    } else {
        // A process killed while it created the ledger left no ledger.
        if dir.exists() {
            std::fs::remove_dir_all(dir)?;
        }
        Store::create(dir, &genesis())?
    };
    load(store, limit)
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
