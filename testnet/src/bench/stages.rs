//! What one transaction of one chip costs a core, stage by stage: what every validator pays for it,
//! whoever proposed it.

use std::path::Path;

use chipledger_ledger::chain::Slot;
use chipledger_ledger::verify::VerifiedTransaction;
use chipledger_schemas::block::CertifiedBlock;
use chipledger_schemas::certificate::Certificate;
use chipledger_schemas::encode::encode;
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::records::{Install, Record};
use serde::Serialize;

use super::{BenchError, Ground};

/// Transactions of one block.
const BLOCK: usize = 2_000;

/// A stage with the time that a core spent on it.
#[derive(Clone, Debug, Serialize)]
pub struct Stage {
    /// What was done.
    pub what: &'static str,
    /// Nanoseconds per transaction, waiting for the disk not included.
    pub nanos: u64,
}

/// Times that add up over blocks.
#[derive(Default)]
struct Times {
    verify: u64,
    propose: u64,
    execute: u64,
    commit: u64,
}

/// Nanoseconds that this thread has spent on a core; 0 where the system does not say.
fn core_nanos() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split_whitespace().next();
    first.and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}

fn timed<T>(sum: &mut u64, work: impl FnOnce() -> T) -> T {
    let start = core_nanos();
    let done = work();
    *sum += core_nanos().saturating_sub(start);
    done
}

/// Installs chips one by one: signed bytes in, synced blocks out, on one thread.
pub(super) fn stages(dir: &Path, transactions: u64) -> Result<Vec<Stage>, BenchError> {
    let refused = |error: &dyn std::fmt::Display| BenchError::Refused(error.to_string());
    let mut ground = Ground::new(dir)?;
    ground.stock(transactions)?;
    let mut signed = Vec::new();
    for number in 0..transactions {
        let items = ItemSet::of([&ground.chip(number)]).map_err(|e| refused(&e))?;
        let record = Record::Install(Install {
            items,
            position: None,
            occurred_at: ground.time,
        });
        signed.push(encode(&ground.transaction(vec![record])));
    }
    let (hash, bounds) = (ground.genesis.hash(), ground.genesis.bounds);
    let store = ground.certifier.store().clone();
    let seat = ground.genesis.validators.0[0].member.clone();
    let mut times = Times::default();
    for bytes in signed.chunks(BLOCK) {
        let slot = Slot {
            proposer: seat.clone(),
            round: 0,
            clock: ground.time,
        };
        let verified = timed(&mut times.verify, || {
            let verify = |bytes: &Vec<u8>| VerifiedTransaction::from_bytes(bytes, &hash, &bounds);
            bytes.iter().map(verify).collect::<Result<Vec<_>, _>>()
        });
        let verified = verified.map_err(|e| refused(&e))?;
        let candidates = verified.clone();
        let proposal = timed(&mut times.propose, || {
            store.decide(|at| at.propose(&slot, candidates))
        });
        let (block, _) = proposal.map_err(|e| refused(&e))?.into_block();
        let outcome = timed(&mut times.execute, || {
            store.decide(|at| at.execute(&block, &verified))
        });
        let outcome = outcome.map_err(|e| refused(&e))?;
        let height = block.header.height;
        let certificate =
            Certificate::solo(&hash, height, block.header.hash(), &seat, &ground.validator);
        let certified = CertifiedBlock { block, certificate };
        timed(&mut times.commit, || store.commit(&certified, outcome))?;
    }
    let stage = |what, nanos| Stage {
        what,
        nanos: nanos / transactions.max(1),
    };
    Ok(vec![
        stage("verify: from bytes, signature checked", times.verify),
        stage("propose: executed, roots, header", times.propose),
        stage("execute: the same by a voter", times.execute),
        stage("commit: one batch, written and synced", times.commit),
    ])
}
