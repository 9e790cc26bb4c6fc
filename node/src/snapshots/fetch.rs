//! Fetching a snapshot: manifests from several peers, chunks from all that have them.
//!
//! ```text
//! ask all for their manifests -> verify from genesis -> choose what most agree on
//!   -> chunks, from several peers at once, each judged by its digest -> import, compare the root
//!        (a wrong chunk: its sender lied)        (another root: the manifest's senders lied)
//! ```
//!
//! What has come is kept beside the ledger's place and not fetched again after a restart. No claim
//! of a peer counts: a manifest's height is the one that a quorum certified.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chipledger_ledger::store::snapshot::{Importer, ListedChunk, Manifest, SnapshotError};
use chipledger_schemas::encode::encode;
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::ids::{BlockHash, Height, MemberId};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use libp2p::PeerId;

use super::{LOOK, content_of, mb};
use crate::network::{NetworkHandle, Refusal, Request, RequestError, RequestKind, View};
use crate::serve::wire::{ChunkAsked, ManifestAsked};

/// Chunks asked of one peer at once: below what a peer answers at once.
const AT_ONCE: usize = 4;
/// A peer that fails so often in a row is left alone for the rest of this attempt.
const FAILURES_MAX: usize = 5;
/// So many attempts are made with one snapshot whose chunks nobody gives.
const ATTEMPTS_MAX: usize = 3;
/// How often progress is told.
const TELL: Duration = Duration::from_secs(5);

/// How long to wait for what may never come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// For the first peer.
    pub first_peer: Duration,
    /// For other peers, once the first is there.
    pub other_peers: Duration,
    /// For a peer that has a snapshot, once peers are there.
    pub offer: Duration,
    /// For the next chunk.
    pub chunk: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_peer: Duration::from_secs(30),
            other_peers: Duration::from_secs(3),
            offer: Duration::from_secs(10),
            chunk: Duration::from_mins(1),
        }
    }
}

/// What was fetched and imported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fetched {
    /// Height of the snapshot.
    pub height: Height,
    /// Its chunks.
    pub chunks: usize,
    /// Those that had come before a restart.
    pub chunks_before: usize,
    /// Bytes of all chunks.
    pub bytes: u64,
    /// Peers that gave chunks.
    pub sources: usize,
    /// Members whose peers lied and were locked out.
    pub liars: BTreeSet<MemberId>,
}

/// What tells snapshots apart: the header, and what is listed.
type Content = (BlockHash, Vec<u8>);

/// A snapshot that peers offer.
struct Offer {
    manifest: Manifest,
    peers: BTreeSet<PeerId>,
}

/// How an attempt with one manifest ended.
enum Attempt {
    Done(Fetched),
    /// The manifest is false: its senders lied.
    Lied(String),
    /// Nobody gives the rest of the chunks.
    Stuck,
}

/// One peer as a source of chunks.
#[derive(Default)]
struct Source {
    member: Option<MemberId>,
    asked: usize,
    failures: usize,
    given: usize,
    lacks: bool,
}

impl Source {
    fn may_be_asked(&self) -> bool {
        !self.lacks && self.failures < FAILURES_MAX && self.asked < AT_ONCE
    }

    fn is_lost(&self) -> bool {
        self.lacks || self.failures >= FAILURES_MAX
    }
}

/// A chunk that a peer was asked for, and what came.
struct Came {
    peer: PeerId,
    index: usize,
    listed: ListedChunk,
    result: Result<Bytes, RequestError>,
}

type Asked = FuturesUnordered<Pin<Box<dyn Future<Output = Came> + Send>>>;

/// The whole work of beginning with a peer's snapshot.
pub struct Fetch {
    network: NetworkHandle,
    genesis: Genesis,
    dir: PathBuf,
    patience: Patience,
    liars: BTreeMap<PeerId, MemberId>,
    /// Attempts that ended because nobody gave the rest.
    stuck: BTreeMap<Content, usize>,
}

impl Fetch {
    /// For a ledger in `dir`, which must not exist or be empty.
    pub fn new(network: NetworkHandle, genesis: Genesis, dir: PathBuf, patience: Patience) -> Self {
        Self {
            network,
            genesis,
            dir,
            patience,
            liars: BTreeMap::new(),
            stuck: BTreeMap::new(),
        }
    }

    /// Fetches and imports; `None` if no peer has a snapshot.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn run(mut self) -> Result<Option<Fetched>, SnapshotError> {
        loop {
            let Some(offer) = self.choose().await? else {
                Importer::abandon(&self.dir)?;
                return Ok(None);
            };
            let (height, chunks) = (offer.manifest.height(), offer.manifest.chunks.len());
            let (mb, peers) = (mb(offer.manifest.total_bytes()), offer.peers.len());
            tracing::info!(%height, chunks, mb, peers, "fetching a snapshot");
            match self.attempt(&offer).await? {
                Attempt::Done(fetched) => return Ok(Some(fetched)),
                Attempt::Lied(why) => {
                    for peer in offer.peers {
                        self.ban(peer, &why).await;
                    }
                    Importer::abandon(&self.dir)?;
                }
                Attempt::Stuck => {
                    *self.stuck.entry(content_of(&offer.manifest)).or_default() += 1;
                    tracing::warn!(%height, "no peer gives the rest of this snapshot");
                }
            }
        }
    }

    /// Peers that may be asked: they see everything and have not lied.
    fn peers(&self) -> Vec<(PeerId, MemberId)> {
        let peers = self.network.peers().into_iter();
        let full = peers.filter(|peer| peer.view == View::Full && !peer.agent.is_empty());
        let honest = full.filter(|peer| !self.liars.contains_key(&peer.id));
        honest.map(|peer| (peer.id, peer.member)).collect()
    }

    async fn ban(&mut self, peer: PeerId, why: &str) {
        let known = self.network.peers().into_iter().find(|p| p.id == peer);
        if let Some(status) = known {
            tracing::warn!(member = %status.member, "a peer lied about a snapshot, it is asked no more: {why}");
            self.liars.insert(peer, status.member);
        } else if let Ok(member) = "UNKNOWN".parse() {
            self.liars.entry(peer).or_insert(member);
        }
        self.network.lock_out(peer).await;
    }

    /// The snapshot to fetch: the one whose fetching was interrupted if it is still offered, else
    /// the highest that two peers agree on, else the highest; last, what was tried in vain.
    async fn choose(&mut self) -> Result<Option<Offer>, SnapshotError> {
        self.wait_for_peers().await;
        let begun = Importer::interrupted(&self.dir)
            .filter(|manifest| manifest.verify(&self.genesis).is_ok());
        let deadline = Instant::now() + self.patience.offer;
        loop {
            let mut offers = self.offers(begun.as_ref().map(Manifest::height)).await;
            let wanted = begun.as_ref().map(content_of);
            let tried = |content: &Content| self.stuck.get(content).copied().unwrap_or(0);
            offers.retain(|content, _| tried(content) < ATTEMPTS_MAX);
            let resumed = wanted.as_ref().filter(|content| tried(content) == 0);
            let resumed = resumed.and_then(|content| offers.remove(content));
            let best = resumed.or_else(|| {
                let rank = |(content, offer): &(Content, Offer)| {
                    let agreed = offer.peers.len() > 1;
                    (Reverse(tried(content)), agreed, offer.manifest.height())
                };
                let best = offers.into_iter().max_by_key(rank);
                best.map(|(_, offer)| offer)
            });
            if best.is_some() {
                return Ok(best);
            }
            if Instant::now() > deadline {
                return Ok(None);
            }
            tokio::time::sleep(LOOK * 5).await;
        }
    }

    async fn wait_for_peers(&self) {
        let until = Instant::now() + self.patience.first_peer;
        while self.peers().is_empty() && Instant::now() < until {
            tokio::time::sleep(LOOK).await;
        }
        if !self.peers().is_empty() {
            tokio::time::sleep(self.patience.other_peers).await;
        }
    }

    /// Asks every peer for its last manifest, and for the one of a height that was begun.
    async fn offers(&mut self, begun: Option<Height>) -> BTreeMap<Content, Offer> {
        let mut asked = FuturesUnordered::new();
        for (peer, _) in self.peers() {
            let heights = [None].into_iter().chain(begun.map(Some));
            for height in heights {
                let request = Request {
                    kind: RequestKind::SnapshotManifest,
                    body: encode(&ManifestAsked { height }).into(),
                };
                let network = self.network.clone();
                asked.push(async move { (peer, network.request(peer, request).await) });
            }
        }
        let mut offers: BTreeMap<_, Offer> = BTreeMap::new();
        while let Some((peer, answer)) = asked.next().await {
            let Some(bytes) = told(peer, answer) else {
                continue;
            };
            let read = Manifest::from_bytes(&bytes)
                .and_then(|manifest| manifest.verify(&self.genesis).map(|()| manifest));
            match read {
                Ok(manifest) => {
                    let offer = offers.entry(content_of(&manifest)).or_insert(Offer {
                        manifest,
                        peers: BTreeSet::new(),
                    });
                    offer.peers.insert(peer);
                }
                Err(why) => self.ban(peer, &why.to_string()).await,
            }
        }
        // What a liar offered beside its lie does not count.
        let liars = &self.liars;
        offers.retain(|_, offer| {
            offer.peers.retain(|peer| !liars.contains_key(peer));
            !offer.peers.is_empty()
        });
        offers
    }

    /// Fetches what is missing and imports the whole.
    async fn attempt(&mut self, offer: &Offer) -> Result<Attempt, SnapshotError> {
        let begun = Importer::begin(&self.dir, &self.genesis, offer.manifest.clone());
        let mut importer = match begun {
            Err(lie @ (SnapshotError::Trust(_) | SnapshotError::ManifestLies { .. })) => {
                return Ok(Attempt::Lied(lie.to_string()));
            }
            other => other?,
        };
        let chunks = offer.manifest.chunks.len();
        let chunks_before = chunks - importer.missing().count();
        if chunks_before > 0 {
            tracing::info!(
                chunks,
                chunks_before,
                "part of the snapshot was fetched before"
            );
        }
        let mut sources = BTreeMap::new();
        loop {
            match self.collect(&mut importer, &mut sources).await? {
                None => {}
                Some(end) => return Ok(end),
            }
            tracing::info!(chunks, "all chunks are here: importing");
            match tokio::task::block_in_place(|| importer.finish()) {
                Ok(store) => drop(store),
                Err(SnapshotError::DamagedChunk { .. } | SnapshotError::MissingChunk { .. }) => {
                    continue;
                }
                Err(lie @ SnapshotError::ManifestLies { .. }) => {
                    return Ok(Attempt::Lied(lie.to_string()));
                }
                Err(error) => return Err(error),
            }
            let gave = |source: &&Source| source.given > 0;
            return Ok(Attempt::Done(Fetched {
                height: offer.manifest.height(),
                chunks,
                chunks_before,
                bytes: offer.manifest.total_bytes(),
                sources: sources.values().filter(gave).count(),
                liars: self.liars.values().cloned().collect(),
            }));
        }
    }

    /// Fetches the chunks that are missing; `None` once all are there.
    async fn collect(
        &mut self,
        importer: &mut Importer,
        sources: &mut BTreeMap<PeerId, Source>,
    ) -> Result<Option<Attempt>, SnapshotError> {
        let height = importer.manifest().height();
        let mut wanted = wanted(importer);
        let mut asked = Asked::new();
        let mut last = Instant::now();
        let mut told = Instant::now();
        loop {
            self.renew(sources);
            self.ask(height, &mut wanted, sources, &mut asked);
            if asked.is_empty() {
                if wanted.is_empty() {
                    return Ok(None);
                }
                let nobody = sources.values().all(Source::is_lost) && !sources.is_empty();
                if nobody || last.elapsed() > self.patience.chunk {
                    return Ok(Some(Attempt::Stuck));
                }
                tokio::time::sleep(LOOK).await;
                continue;
            }
            let Some(came) = asked.next().await else {
                continue;
            };
            match self.take(importer, sources, came).await? {
                Taken::Chunk => last = Instant::now(),
                Taken::Nothing(chunk) => wanted.push_front(chunk),
                Taken::Lie(why) => return Ok(Some(Attempt::Lied(why))),
            }
            if told.elapsed() > TELL {
                told = Instant::now();
                tell(importer, sources);
            }
        }
    }

    /// Peers that came since are sources too.
    fn renew(&self, sources: &mut BTreeMap<PeerId, Source>) {
        let connected = self.peers();
        for (peer, member) in &connected {
            let source = sources.entry(*peer).or_default();
            source.member = Some(member.clone());
        }
        sources.retain(|peer, source| {
            source.asked > 0 || source.given > 0 || connected.iter().any(|(id, _)| id == peer)
        });
        for (peer, source) in sources.iter_mut() {
            // One that is gone is no source until it comes back.
            if self.liars.contains_key(peer) {
                source.lacks = true;
            }
        }
    }

    fn ask(
        &self,
        height: Height,
        wanted: &mut VecDeque<(usize, ListedChunk)>,
        sources: &mut BTreeMap<PeerId, Source>,
        asked: &mut Asked,
    ) {
        loop {
            // Whoever has least to do is next: so all give their part.
            let free = sources
                .iter_mut()
                .filter(|(_, source)| source.may_be_asked());
            let Some((peer, source)) = free.min_by_key(|(_, source)| (source.asked, source.given))
            else {
                return;
            };
            let Some((index, listed)) = wanted.pop_front() else {
                return;
            };
            source.asked += 1;
            let (peer, network) = (*peer, self.network.clone());
            let body = encode(&ChunkAsked {
                height,
                digest: listed.digest,
            });
            let request = Request {
                kind: RequestKind::SnapshotChunk,
                body: body.into(),
            };
            asked.push(Box::pin(async move {
                let result = network.request(peer, request).await;
                Came {
                    peer,
                    index,
                    listed,
                    result,
                }
            }));
        }
    }

    async fn take(
        &mut self,
        importer: &mut Importer,
        sources: &mut BTreeMap<PeerId, Source>,
        came: Came,
    ) -> Result<Taken, SnapshotError> {
        let Came {
            peer,
            index,
            listed,
            result,
        } = came;
        let source = sources.entry(peer).or_default();
        source.asked = source.asked.saturating_sub(1);
        let nothing = Ok(Taken::Nothing((index, listed)));
        let bytes = match result {
            Ok(bytes) => bytes,
            Err(RequestError::Refused(Refusal::NotFound | Refusal::NotAllowed)) => {
                source.lacks = true;
                return nothing;
            }
            Err(error) => {
                source.failures += 1;
                tracing::debug!(member = ?source.member, %error, "a chunk did not come");
                return nothing;
            }
        };
        match tokio::task::block_in_place(|| importer.add(index, &bytes)) {
            Ok(()) => {
                source.failures = 0;
                source.given += 1;
                Ok(Taken::Chunk)
            }
            Err(lie @ SnapshotError::WrongChunk { .. }) => {
                source.lacks = true;
                self.ban(peer, &lie.to_string()).await;
                nothing
            }
            Err(lie @ SnapshotError::ManifestLies { .. }) => Ok(Taken::Lie(lie.to_string())),
            Err(error) => Err(error),
        }
    }
}

/// What became of a chunk that was asked for.
enum Taken {
    Chunk,
    /// It has to be asked for again.
    Nothing((usize, ListedChunk)),
    /// The manifest is false.
    Lie(String),
}

/// Chunks to fetch: of those that are alike one.
fn wanted(importer: &Importer) -> VecDeque<(usize, ListedChunk)> {
    let mut seen = BTreeSet::new();
    importer
        .missing()
        .filter(|(_, chunk)| seen.insert(chunk.digest))
        .collect()
}

/// What a peer answers when it is asked for a manifest.
fn told(peer: PeerId, answer: Result<Bytes, RequestError>) -> Option<Bytes> {
    match answer {
        Ok(bytes) => Some(bytes),
        Err(RequestError::Refused(Refusal::NotFound)) => None,
        Err(RequestError::Refused(Refusal::NotAllowed)) => {
            tracing::warn!(%peer, "a peer shows no snapshots to this member: only customs, regulators and inspectors see the whole state");
            None
        }
        Err(error) => {
            tracing::debug!(%peer, %error, "no manifest");
            None
        }
    }
}

fn tell(importer: &Importer, sources: &BTreeMap<PeerId, Source>) {
    let manifest = importer.manifest();
    let (mut missing, mut missing_bytes) = (0, 0);
    for (_, chunk) in importer.missing() {
        missing += 1;
        missing_bytes += u64::from(chunk.bytes);
    }
    let chunks = manifest.chunks.len();
    let (done, total) = (chunks - missing, manifest.total_bytes());
    let peers = sources.values().filter(|source| source.given > 0).count();
    tracing::info!(
        "snapshot of height {}: {done} of {chunks} chunks, {} of {} MB, from {peers} peers",
        manifest.height(),
        mb(total - missing_bytes),
        mb(total),
    );
}
