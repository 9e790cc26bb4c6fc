//! Keeps the last blocks and the present state, and forgets the blocks before, as the section
//! `[history]` says.
//!
//! The work is done on a thread of its own beside consensus; what a ledger without its past still
//! answers is in decision 005.

use chipledger_ledger::store::{PruneError, Pruned, Store};
use chipledger_schemas::ids::Height;
use tokio::sync::watch;

use crate::config::Config;

/// Prunes a ledger as it grows.
#[derive(Clone, Debug)]
pub struct Pruning {
    store: Store,
    /// Blocks to keep; 0 keeps all.
    blocks: u64,
}

impl Pruning {
    /// As the section `[history]` of the configuration says.
    pub fn new(store: Store, config: &Config) -> Self {
        Self {
            store,
            blocks: config.history.blocks,
        }
    }

    /// Prunes whenever enough has gathered. It never ends by itself: the end of a task is the end
    /// of the node.
    ///
    /// # Errors
    /// The disk refuses: then the node stops.
    pub async fn run(self, mut heights: watch::Receiver<Height>) -> Result<(), PruneError> {
        loop {
            let head = *heights.borrow_and_update();
            if let Some(first) = self.due(head)? {
                self.prune(first).await?;
            }
            if heights.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The first block to keep, once a tenth more than wanted is held: each pruning costs a
    /// compaction.
    fn due(&self, head: Height) -> Result<Option<Height>, PruneError> {
        if self.blocks == 0 {
            return Ok(None);
        }
        let held = self.store.first_height()?;
        let first = Height((head.0 + 1).saturating_sub(self.blocks));
        let slack = (self.blocks / 10).max(1);
        Ok((first.0 >= held.0.saturating_add(slack)).then_some(first))
    }

    async fn prune(&self, first: Height) -> Result<(), PruneError> {
        let store = self.store.clone();
        let began = std::time::Instant::now();
        let pruned = tokio::task::spawn_blocking(move || store.prune(first)).await;
        // The program is ending when the thread is gone; what was begun is ended by the next start.
        let Ok(pruned) = pruned else { return Ok(()) };
        if let Some(Pruned {
            first,
            blocks,
            bytes_before,
            bytes_after,
        }) = pruned?
        {
            let mb = |bytes: u64| bytes.div_ceil(1_000_000);
            let (before, after) = (mb(bytes_before), mb(bytes_after));
            let seconds = began.elapsed().as_secs();
            tracing::info!(%first, blocks, mb_before = before, mb_after = after, seconds, "pruned: earlier blocks are forgotten");
        }
        Ok(())
    }
}
