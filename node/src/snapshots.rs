//! Snapshots of a running node: taken every so many blocks and at stop, old ones removed; and how
//! an empty node begins with one of its peers'.
//!
//! A snapshot is read from a view of one height on a thread of its own: consensus goes on beside
//! it. What peers are given of it is in `serve.rs`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use arc_malachitebft_metrics::{Registry, SharedRegistry};
use chipledger_ledger::read::PeerView;
use chipledger_ledger::store::Store;
use chipledger_ledger::store::snapshot::{
    Manifest, SnapshotError, delete_partial_snapshots, delete_snapshot, snapshots,
};
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::ids::{Height, PublicKey};
use tokio::sync::watch;

use crate::config::Config;
use crate::keys::MemberKey;
use crate::metrics::Metrics;
use crate::network::{
    Admitted, AdmittedPeer, Network, NetworkConfig, NetworkError, View, peer_id_of,
};

pub mod fetch;

use fetch::{Fetch, Fetched, Patience};

/// Takes snapshots of a ledger and keeps the latest.
#[derive(Clone)]
pub struct Snapshots {
    store: Store,
    dir: PathBuf,
    every: u64,
    kept: usize,
    metrics: Metrics,
}

impl Snapshots {
    /// As the section `[history]` of the configuration says.
    pub fn new(store: Store, config: &Config, metrics: Metrics) -> Self {
        Self {
            store,
            metrics,
            dir: config.snapshots_dir(),
            every: config.history.snapshot_every,
            kept: config.history.snapshots.max(1),
        }
    }

    /// Takes a snapshot whenever another `every` blocks are committed. It never ends by itself:
    /// the end of a task is the end of the node.
    pub async fn run(self, mut heights: watch::Receiver<Height>) {
        let mut last = self.begin().await;
        loop {
            let height = *heights.borrow_and_update();
            let due = height.0.checked_div(self.every) > last.0.checked_div(self.every);
            if due {
                // One that cannot be taken is tried again `every` blocks later.
                last = self.take().await.unwrap_or(height);
            }
            if heights.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Takes the last snapshot of a node that stops, once nothing is committed any more.
    pub async fn at_stop(self) {
        if self.every > 0 && self.store.head().header.height > Height(0) {
            self.take().await;
        }
    }

    /// Removes what an earlier run left half done; the height of the last snapshot kept.
    async fn begin(&self) -> Height {
        let dir = self.dir.clone();
        let begun = tokio::task::spawn_blocking(move || {
            delete_partial_snapshots(&dir)?;
            Ok::<_, SnapshotError>(snapshots(&dir)?.pop())
        });
        match begun.await {
            Ok(Ok(Some(last))) => {
                self.metrics.snapshot_taken(last);
                last
            }
            Ok(Ok(None)) | Err(_) => Height(0),
            Ok(Err(error)) => {
                tracing::warn!("the snapshots kept cannot be listed: {error}");
                Height(0)
            }
        }
    }

    /// Takes one of the last height; none if that fails, which is logged.
    async fn take(&self) -> Option<Height> {
        let this = self.clone();
        let began = std::time::Instant::now();
        let taken = tokio::task::spawn_blocking(move || {
            let manifest = this.store.snapshot_to(&this.dir)?;
            this.remove_old()?;
            Ok::<_, SnapshotError>(manifest)
        });
        match taken.await {
            Ok(Ok(manifest)) => {
                let (height, chunks) = (manifest.height(), manifest.chunks.len());
                let (mb, seconds) = (mb(manifest.total_bytes()), began.elapsed().as_secs());
                self.metrics.snapshot_taken(height);
                tracing::info!(%height, chunks, mb, seconds, "snapshot taken");
                Some(height)
            }
            Ok(Err(error)) => {
                tracing::warn!("no snapshot was taken, the ledger goes on without: {error}");
                None
            }
            // The program is ending.
            Err(_) => None,
        }
    }

    /// Keeps the last `kept` of those taken on time, which other nodes take too, and the last of
    /// the others, which is from a stop.
    fn remove_old(&self) -> Result<(), SnapshotError> {
        for height in superseded(&snapshots(&self.dir)?, self.every, self.kept) {
            delete_snapshot(&self.dir, height)?;
        }
        Ok(())
    }
}

/// Which of the snapshots kept (ascending) need not be kept.
fn superseded(kept: &[Height], every: u64, most: usize) -> Vec<Height> {
    let (on_time, others): (Vec<_>, Vec<_>) = kept
        .iter()
        .partition(|height| height.0.is_multiple_of(every));
    let old = |heights: &[Height], most: usize| {
        let count = heights.len().saturating_sub(most);
        heights[..count].to_vec()
    };
    [old(&on_time, most), old(&others, 1)].concat()
}

/// Megabytes, for people.
fn mb(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}

/// What a node lets in, and asks, that has no ledger yet: peers of founding members, as the genesis
/// document says, and those of the configuration.
pub fn first_admitted(config: &Config, genesis: &Genesis, own: PublicKey) -> Admitted {
    let mut admitted = BTreeMap::new();
    let mut add = |key: &PublicKey, member: &_, view| {
        if let Some(id) = peer_id_of(&key.0).filter(|_| *key != own) {
            let member = Clone::clone(member);
            let addresses = Vec::new();
            admitted.insert(
                id,
                AdmittedPeer {
                    member,
                    view,
                    addresses,
                },
            );
        }
    };
    for peer in &config.bootstrap_peers {
        add(&peer.key, &peer.member, View::Full);
    }
    for founder in &genesis.founders {
        let view = match PeerView::of(&founder.member.roles) {
            PeerView::Full => View::Full,
            PeerView::Own => View::Own,
        };
        for key in &founder.peer_keys {
            add(key, &founder.member.member, view);
        }
    }
    Admitted(admitted)
}

/// Makes the ledger of an empty node from a peer's snapshot, if the configuration says so. What it
/// cannot get is no failure: the node then begins at genesis.
///
/// # Errors
/// The network does not start, or the disk refuses.
pub async fn begin(config: &Config, genesis: &Genesis, peer: &MemberKey) -> Result<(), BeginError> {
    let dir = config.ledger_dir();
    if !config.history.start_from_snapshot || Store::is_in(&dir) {
        return Ok(());
    }
    tracing::info!("no ledger here: asking peers for a snapshot");
    let fetched = fetch_with(config, genesis, peer, Patience::default()).await?;
    match fetched {
        Some(Fetched {
            height,
            chunks,
            bytes,
            ..
        }) => {
            tracing::info!(%height, chunks, mb = mb(bytes), "the ledger begins with a snapshot; what came since is synced now");
        }
        None => tracing::warn!("no peer has a snapshot: syncing from genesis, which takes longer"),
    }
    Ok(())
}

/// Fetches a snapshot over a network of its own, which ends with it.
#[doc(hidden)]
pub async fn fetch_with(
    config: &Config,
    genesis: &Genesis,
    peer: &MemberKey,
    patience: Patience,
) -> Result<Option<Fetched>, BeginError> {
    let keypair = peer.keypair().ok_or(BeginError::Key)?;
    let local = keypair.public().to_peer_id();
    let network = NetworkConfig {
        // Peers are dialled; nobody needs to find this node yet.
        listen: "/ip4/127.0.0.1/tcp/0".parse().into_iter().collect(),
        ..config.network.clone()
    };
    let admitted = first_admitted(config, genesis, peer.key.public());
    let admitted = admitted.with_narrow(local, peer.member.clone());
    // Metrics of the network that stays are registered once it starts.
    let registry = SharedRegistry::new(Registry::default(), None);
    let (handle, mut inputs) =
        Network::start_without_engine(network, keypair, genesis.hash(), admitted, &registry)
            .await?;
    // Whoever asks is told that this node is busy.
    let ignored = tokio::spawn(async move { while inputs.recv().await.is_some() {} });
    let fetch = Fetch::new(
        handle.clone(),
        genesis.clone(),
        config.ledger_dir(),
        patience,
    );
    let fetched = fetch.run().await;
    handle.shutdown().await;
    ignored.abort();
    Ok(fetched?)
}

/// Why a node cannot begin with a snapshot, nor without.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The peer key is none. Make another with `keygen`.
    #[error("the peer key is none")]
    Key,
    /// The network does not start. See the cause.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The disk refuses. See the cause.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// What a manifest lists, without who certified it: peers that kept the same snapshot agree on it.
fn content_of(manifest: &Manifest) -> (chipledger_schemas::ids::BlockHash, Vec<u8>) {
    let listed = (manifest.items, manifest.entries, &manifest.chunks);
    let bytes = chipledger_schemas::encode::encode(&listed);
    (manifest.header().hash(), bytes)
}

/// A short wait between two looks at the same thing.
const LOOK: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_on_time_and_the_last_from_a_stop_are_kept() {
        let heights = |list: &[u64]| list.iter().copied().map(Height).collect::<Vec<_>>();
        let kept = heights(&[10, 13, 20, 27, 30, 40]);
        assert_eq!(superseded(&kept, 10, 2), heights(&[10, 20, 13]));
        assert_eq!(superseded(&heights(&[10, 13]), 10, 2), []);
        assert_eq!(superseded(&[], 10, 1), []);
    }
}
