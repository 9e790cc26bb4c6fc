//! `status`: what this ledger is and how large.

use chipledger_ledger::read::AsOf;
use chipledger_ledger::state::State;
use chipledger_proof::state::EntryKind;
use chipledger_schemas::genesis::Clock;

use crate::error::Failure;
use crate::output::{Output, Value};
use crate::session::{self, LedgerArgs};

/// Shows height, time, genesis hash and size of a ledger.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let store = self.ledger.read()?;
        let view = store.view();
        let head = view.head()?;
        let moment = view.moment(AsOf::default())?;
        let count = |kind| view.entries(kind).map(|entries| entries.len());
        let clock = match store.genesis().clock {
            Clock::Wall => "wall",
            Clock::Replay => "replay",
        };
        let bytes = folder_bytes(&self.ledger.ledger);
        let answer = session::answer(&store, &moment, "committed")
            .fact("name", "name", store.genesis().name.clone())
            .fact("genesis", "genesis", store.genesis_hash().to_string())
            .fact("block", "block", head.hash().to_string())
            .fact(
                "state_root",
                "state root",
                head.header.state_root.to_string(),
            )
            .fact("clock", "clock", clock)
            .fact(
                "validators",
                "validators",
                store.genesis().validators.0.len(),
            )
            .fact("items", "items", view.item_count())
            .fact("members", "members", count(EntryKind::Member)?)
            .fact("sites", "sites", count(EntryKind::Site)?)
            .fact("shipments", "shipments", count(EntryKind::Shipment)?)
            .fact("disk_bytes", "disk MB", megabytes(bytes))
            .fact(
                "commitment_bytes",
                "memory of the commitment MB",
                megabytes(store.commitment_bytes() as u64),
            )
            .fact(
                "resident_bytes",
                "memory of this process MB",
                resident_bytes().map_or(Value::Absent, megabytes),
            );
        out.print(&answer)
    }
}

fn megabytes(bytes: u64) -> Value {
    Value::Scaled {
        value: bytes.into(),
        digits: 6,
        shown: 1,
    }
}

/// Bytes of all files of a folder; what cannot be read counts nothing.
fn folder_bytes(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |entry: std::fs::DirEntry| {
        entry
            .metadata()
            .map_or(0, |m| if m.is_file() { m.len() } else { 0 })
    };
    entries.map(size).sum()
}

/// Most memory that this process had, where the system tells.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1_024)
}
