//! `status`: what this ledger is and how large.

use chipledger_schemas::api::{self, Basis, NodeStatus};
use chipledger_schemas::genesis::Clock;

use crate::error::Failure;
use crate::output::{Answer, Output, Value};
use crate::session::{self, LedgerArgs};

/// Shows height, time, genesis hash and size of a ledger.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let (ledger, node) = self.ledger.read()?.status()?;
        let head = api::Answer {
            height: ledger.height,
            block_time: ledger.block_time,
            at: None,
            basis: Basis::Committed,
            clock: ledger.clock,
            answer: (),
        };
        let clock = match ledger.clock {
            Clock::Wall => "wall",
            Clock::Replay => "replay",
        };
        let size = ledger.size;
        let answer = session::answer(&head)
            .fact("name", "name", ledger.ledger)
            .fact("genesis", "genesis", ledger.genesis.to_string())
            .fact("block", "block", ledger.block.to_string())
            .fact("state_root", "state root", ledger.state_root.to_string())
            .fact("clock", "clock", clock)
            .fact("validators", "validators", size.validators)
            .fact("items", "items", size.items)
            .fact("members", "members", size.members)
            .fact("sites", "sites", size.sites)
            .fact("shipments", "shipments", size.shipments)
            .fact("disk_bytes", "disk MB", megabytes(size.disk_bytes))
            .fact(
                "commitment_bytes",
                "memory of the commitment MB",
                megabytes(size.commitment_bytes),
            );
        let answer = match node {
            None => answer.fact(
                "resident_bytes",
                "memory of this process MB",
                resident_bytes().map_or(Value::Absent, megabytes),
            ),
            Some(node) => with_node(answer, node),
        };
        out.print(&answer)
    }
}

/// What a node says of itself.
fn with_node(answer: Answer, node: NodeStatus) -> Answer {
    answer
        .fact("member", "node of", Value::of(node.member))
        .fact("role", "role", node.role.as_str())
        .fact("peers_connected", "peers connected", u64::from(node.peers_connected))
        .fact("waiting", "transactions waiting", node.mempool.transactions)
        .fact("syncing", "syncing", if node.syncing { "yes" } else { "no" })
        .fact("halted", "halted", Value::of(node.halted))
        .fact("first_height", "first height held", node.first_height.0)
}

fn megabytes(bytes: u64) -> Value {
    Value::Scaled {
        value: bytes.into(),
        digits: 6,
        shown: 1,
    }
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
