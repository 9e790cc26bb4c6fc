//! The pace of blocks: one when transactions wait, at most one per interval, else a slow heartbeat.
//!
//! The engine waits for the answer to `Finalized`; holding it back costs nothing and keeps every
//! other message flowing. Whatever shows that others went on ends the wait at once.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::membership::Reach;
use crate::mempool::Mempool;

/// How often it is looked whether something that did not apply is worth another try.
const LOOK: Duration = Duration::from_millis(250);

/// How often blocks are made, and how long the steps of a round wait: the section `[consensus]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PaceConfig {
    /// Least milliseconds from one block to the next under load.
    pub block_interval_ms: u64,
    /// Milliseconds without transactions after which an empty block is made.
    pub heartbeat_ms: u64,
    /// Milliseconds that a round waits for its proposal.
    pub propose_ms: u64,
    /// Milliseconds that a round waits for more prevotes, and for more precommits.
    pub vote_ms: u64,
    /// Milliseconds by which each wait grows from round to round.
    pub delta_ms: u64,
    /// Most milliseconds of any wait.
    pub timeout_max_ms: u64,
    /// Most milliseconds that a starting node waits for a quorum of peers before it begins.
    pub quorum_wait_ms: u64,
}

impl Default for PaceConfig {
    fn default() -> Self {
        Self {
            block_interval_ms: 200,
            heartbeat_ms: 15_000,
            propose_ms: 1_500,
            vote_ms: 500,
            delta_ms: 250,
            timeout_max_ms: 5_000,
            quorum_wait_ms: 3_000,
        }
    }
}

/// Tells when the next height should begin.
#[derive(Clone, Debug)]
pub struct Pace {
    config: PaceConfig,
    mempool: Mempool,
    /// The highest height of which something arrived from others.
    seen: watch::Receiver<u64>,
    /// How far other validators are.
    reach: watch::Receiver<Reach>,
}

impl Pace {
    /// A pace; `seen` is the highest height of which something arrived.
    pub fn new(
        config: PaceConfig,
        mempool: Mempool,
        seen: watch::Receiver<u64>,
        reach: watch::Receiver<Reach>,
    ) -> Self {
        Self {
            config,
            mempool,
            seen,
            reach,
        }
    }

    /// Returns when `height` should begin; the one before began at `began`.
    pub async fn wait(mut self, height: u64, began: Instant) {
        let interval = Duration::from_millis(self.config.block_interval_ms);
        let heartbeat = Duration::from_millis(self.config.heartbeat_ms);
        let mut demand = self.mempool.demand();
        let others = async {
            // The sender lives as long as consensus; without it there is nothing to wait for.
            let _ = self.seen.wait_for(|seen| *seen >= height).await;
        };
        // Others decided it already: it will be synced, and must not wait for a heartbeat. No
        // single peer's claim is enough, or a liar would make everybody write empty blocks.
        let decided = async {
            let _ = self.reach.wait_for(|reach| reach.vouched >= height).await;
        };
        let due = async {
            tokio::time::sleep_until(began + interval).await;
            while !self.mempool.has_demand() {
                // Nothing new comes in when it is time to try one again.
                let changed = tokio::time::timeout(LOOK, demand.changed()).await;
                if matches!(changed, Ok(Err(_))) {
                    break;
                }
            }
        };
        tokio::select! {
            () = others => (),
            () = decided => (),
            () = due => (),
            () = tokio::time::sleep_until(began + heartbeat) => (),
        }
    }
}
