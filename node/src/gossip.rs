//! Transactions between peers: those submitted here go out in batches, those of others come in.
//!
//! Gossip is best effort: what was submitted here is sent again until it is final.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chipledger_ledger::store::Store;
use chipledger_ledger::verify::VerifiedTransaction;
use chipledger_schemas::encode::{decode, encode};
use chipledger_schemas::transaction::Transaction;
use libp2p::PeerId;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::consensus::codec::byte_string;
use crate::mempool::Mempool;
use crate::network::NetworkHandle;

/// Bytes of a batch after which it is sent.
const BATCH_BYTES: usize = 256 * 1024;
/// How long a batch waits for more: every batch is signed, and checked by each peer.
const BATCH_WAIT: Duration = Duration::from_millis(4);
/// The same where batches follow one another; far less than the time between two blocks.
const BATCH_WAIT_BUSY: Duration = Duration::from_millis(30);
/// Batches of which one follows another within so much do.
const BUSY: Duration = Duration::from_millis(100);
/// Fewer than so many transactions are checked one after the other: to wake other threads for
/// them costs more.
const TOGETHER_MIN: usize = 4;
/// How often what still waits is sent again.
const AGAIN: Duration = Duration::from_secs(5);
/// Most transactions that are sent again at once.
const AGAIN_MAX: usize = 2_000;

/// A transaction in the bytes that its author signed.
#[derive(Serialize, Deserialize)]
struct Raw(#[serde(with = "byte_string")] Bytes);

fn raw(transaction: &VerifiedTransaction) -> Raw {
    Raw(encode(transaction.transaction()).into())
}

/// Sends transactions that were submitted here.
#[derive(Debug)]
pub struct Outgoing {
    /// Where they come from.
    pub submitted: mpsc::Receiver<Arc<VerifiedTransaction>>,
    /// Those that still wait.
    pub mempool: Mempool,
}

impl Outgoing {
    /// Sends until nobody submits any more.
    pub async fn run(mut self, network: NetworkHandle) {
        let mut again = tokio::time::interval(AGAIN);
        again.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut sent = Instant::now();
        loop {
            tokio::select! {
                first = self.submitted.recv() => match first {
                    Some(first) => {
                        let busy = sent.elapsed() < BUSY;
                        let wait = if busy { BATCH_WAIT_BUSY } else { BATCH_WAIT };
                        self.batch(&first, wait, &network).await;
                        sent = Instant::now();
                    }
                    None => return,
                },
                _ = again.tick() => self.send_again(&network),
            }
        }
    }

    async fn batch(
        &mut self,
        first: &VerifiedTransaction,
        wait: Duration,
        network: &NetworkHandle,
    ) {
        let mut batch = vec![raw(first)];
        let mut bytes = batch[0].0.len();
        let due = tokio::time::sleep(wait);
        tokio::pin!(due);
        while bytes < BATCH_BYTES {
            tokio::select! {
                next = self.submitted.recv() => match next {
                    Some(next) => {
                        let next = raw(&next);
                        bytes += next.0.len();
                        batch.push(next);
                    }
                    None => break,
                },
                () = &mut due => break,
            }
        }
        network.publish_transactions(encode(&batch).into());
    }

    fn send_again(&self, network: &NetworkHandle) {
        let mut batch = Vec::new();
        let mut bytes = 0;
        for transaction in self.mempool.own(AGAIN_MAX) {
            let next = raw(&transaction);
            bytes += next.0.len();
            batch.push(next);
            if bytes >= BATCH_BYTES {
                network.publish_transactions(encode(&std::mem::take(&mut batch)).into());
                bytes = 0;
            }
        }
        if !batch.is_empty() {
            network.publish_transactions(encode(&batch).into());
        }
    }
}

/// Takes in what a peer gossiped: whatever is well formed, signed and finds room. Returns how many
/// were refused.
pub fn take_in(store: &Store, mempool: &Mempool, from: PeerId, bytes: &[u8]) -> usize {
    let Ok(batch) = decode::<Vec<Raw>>(bytes) else {
        tracing::debug!(%from, "gossip that is no batch of transactions");
        return 1;
    };
    let (genesis, bounds) = (store.genesis_hash(), store.genesis().bounds);
    // What waits for long is sent again and again: it is checked once.
    let check = |raw: &Raw| {
        (!is_known(store, mempool, &raw.0))
            .then(|| VerifiedTransaction::from_bytes(&raw.0, &genesis, &bounds))
    };
    let verified: Vec<_> = if batch.len() < TOGETHER_MIN {
        batch.iter().filter_map(check).collect()
    } else {
        batch.par_iter().filter_map(check).collect()
    };
    let mut refused = 0;
    for transaction in verified {
        let taken = transaction.is_ok_and(|transaction| {
            let is_final = !matches!(store.is_final(&transaction.id()), Ok(false));
            is_final || mempool.insert(transaction, false).is_ok()
        });
        refused += usize::from(!taken);
    }
    refused
}

/// Whether exactly this transaction waits here, or its statement is final already.
fn is_known(store: &Store, mempool: &Mempool, bytes: &[u8]) -> bool {
    let max = store.genesis().bounds.transaction_bytes_max;
    if bytes.len() as u64 > max {
        return false;
    }
    decode::<Transaction>(bytes).is_ok_and(|transaction| {
        let id = transaction.id();
        mempool.verified(&transaction, &id).is_some() || matches!(store.is_final(&id), Ok(true))
    })
}
