//! A node of a member that sees only what is its own: it runs no consensus engine, follows headers
//! with their certificates, and keeps proofs of the items that its member holds, owns or uses.
//!
//! ```text
//! full peers --headers, certificates--> chain of trust from genesis --> headers' file --> API
//!            --own items, proofs------> checked against genesis    --> folder of proof files
//! ```
//!
//! It believes no peer: every header is certified by a quorum, every proof leads to such a header.
//! What it cannot see is what a peer leaves out, so it asks several in turn.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_malachitebft_metrics::SharedRegistry;
use bytes::Bytes;
use chipledger_ledger::read::PeerView;
use chipledger_schemas::encode::{decode, encode};
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{Height, ItemId, ItemNumber, MemberId};
use futures::StreamExt as _;
use libp2p::PeerId;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::api::{Limits, Server, narrow};
use crate::config::{Config, FollowView};
use crate::keys::{MemberKey, Purpose};
use crate::lock::DirLock;
use crate::network::{
    Input, Network, NetworkHandle, Refusal, Request, RequestError, RequestKind, View,
};
use crate::node::{NodeError, read_genesis};
use crate::serve::wire::{HeadersAsked, HeadersTold, OwnAsked, OwnListed};
use crate::snapshots::first_admitted;

pub mod headers;
pub mod proofs;

use headers::Headers;
use proofs::{Proofs, Unproven};

/// How often a peer is asked for new headers.
const LOOK: Duration = Duration::from_secs(1);
/// How long a peer that lied is not asked.
const BAN: Duration = Duration::from_mins(10);
/// Peers that are asked for own items in one round.
const SOURCES: usize = 2;
/// Proofs that one peer is asked for at once.
const AT_ONCE: usize = 4;
/// Most items of a member that are followed.
const ITEMS_MAX: usize = 1_000_000;

/// Whether the node of a configuration follows its own items only.
///
/// # Errors
/// The key or the genesis document cannot be read.
pub fn is_narrow(config: &Config) -> Result<bool, NodeError> {
    Ok(match config.follow.view {
        FollowView::Own => true,
        FollowView::Full => false,
        // Whoever is to vote sees everything.
        FollowView::Auto if config.validator.is_some() => false,
        FollowView::Auto => {
            let peer = MemberKey::load(&config.peer_key, Purpose::Peer)?;
            is_narrow_founder(&read_genesis(config)?, &peer.member)
        }
    })
}

/// Whether a founding member sees only what is its own. Of members that came later the genesis
/// document knows nothing: `follow.view` says it.
fn is_narrow_founder(genesis: &Genesis, member: &MemberId) -> bool {
    let mut founders = genesis.founders.iter();
    let founder = founders.find(|founder| founder.member.member == *member);
    founder.is_some_and(|founder| PeerView::of(&founder.member.roles) == PeerView::Own)
}

/// A running follower.
pub struct Follower {
    /// For whoever asks: the API, tests.
    pub handle: FollowHandle,
    /// The HTTP API.
    pub api: Server,
    tasks: JoinSet<Result<(), NodeError>>,
    _lock: DirLock,
}

/// What the API and tests hold of a follower. Cheap to clone.
#[derive(Clone)]
pub struct FollowHandle {
    /// Whose node it is.
    pub member: MemberId,
    /// The headers.
    pub headers: Arc<Headers>,
    /// The proofs.
    pub proofs: Arc<Proofs>,
    /// The network.
    pub network: NetworkHandle,
    /// How it goes.
    pub standing: watch::Receiver<Standing>,
}

/// How it goes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// The last height.
    pub height: Height,
    /// Rounds of own items done.
    pub rounds: u64,
    /// Members whose peers lied.
    pub liars: Vec<MemberId>,
    /// What must be looked into at once: two certified headers of one height.
    pub alarm: Option<String>,
}

impl Follower {
    /// Starts a node that follows its own items.
    ///
    /// # Errors
    /// Why it does not start.
    pub async fn start(config: Config) -> Result<Self, NodeError> {
        let lock = DirLock::take(&config.data)?;
        let peer = MemberKey::load(&config.peer_key, Purpose::Peer)?;
        let genesis = read_genesis(&config)?;
        let headers = Arc::new(Headers::open(&config.follow_dir(), &genesis)?);
        let proofs = Proofs::open(&config.proofs_dir(), &peer.member, genesis.hash())?;
        let proofs = Arc::new(proofs);
        let keypair = peer.keypair().ok_or(crate::snapshots::BeginError::Key)?;
        let local = keypair.public().to_peer_id();
        let admitted = first_admitted(&config, &genesis, peer.key.public());
        let admitted = admitted.with_narrow(local, peer.member.clone());
        let registry = SharedRegistry::global().with_moniker(peer.member.as_str());
        let (network, inputs) = Network::start_without_engine(
            config.network.clone(),
            keypair,
            genesis.hash(),
            admitted,
            &registry,
        )
        .await?;
        let first = Standing {
            height: headers.height(),
            ..Standing::default()
        };
        let (standing, seen) = watch::channel(first);
        let handle = FollowHandle {
            member: peer.member,
            headers,
            proofs,
            network,
            standing: seen,
        };
        let following = Following {
            node: handle.clone(),
            standing,
            liars: BTreeMap::new(),
            headers_turn: HeadersTurn::default(),
            own_turn: 0,
            refreshed: None,
            refresh: Duration::from_secs(config.follow.refresh_s),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(following.run());
        tasks.spawn(ignore(inputs));
        let address = config.api.listen;
        let api = narrow::serve(address, handle.clone(), Limits::default())
            .await
            .map_err(|source| NodeError::Api { address, source })?;
        Ok(Self {
            handle,
            api,
            tasks,
            _lock: lock,
        })
    }

    /// Waits until something fatal happens.
    pub async fn failed(&mut self) -> NodeError {
        match self.tasks.join_next().await {
            Some(Ok(Err(error))) => error,
            _ => NodeError::EngineStopped,
        }
    }

    /// Stops. What was verified is on disk.
    pub async fn shutdown(mut self) {
        self.api.shutdown().await;
        self.handle.network.shutdown().await;
        self.tasks.shutdown().await;
    }
}

/// This node has nothing that anyone could ask for.
async fn ignore(mut inputs: mpsc::Receiver<Input>) -> Result<(), NodeError> {
    while inputs.recv().await.is_some() {}
    Ok(())
}

/// The work of following.
struct Following {
    node: FollowHandle,
    standing: watch::Sender<Standing>,
    liars: BTreeMap<PeerId, Instant>,
    /// Whose turn it is to be asked for headers.
    headers_turn: HeadersTurn,
    /// Whose turn it is to be asked for own items: the next one's in every round.
    own_turn: usize,
    /// When own items were asked for, and at which height.
    refreshed: Option<(Instant, Height)>,
    refresh: Duration,
}

/// Whose turn it is to be asked for headers: another's after each answer. One counter would do if
/// blocks came at any time; but where they come as regularly as they are asked for, the same peer
/// would bring every one of them and the others none, and who lies would never be heard.
#[derive(Default)]
struct HeadersTurn {
    /// Answers that brought something.
    full: usize,
    /// Answers since then that did not.
    empty: usize,
}

impl HeadersTurn {
    fn first(&self) -> usize {
        self.full.wrapping_add(self.empty)
    }

    fn answered(&mut self, brought: bool) {
        if brought {
            self.full = self.full.wrapping_add(1);
            self.empty = 0;
        } else {
            self.empty = self.empty.wrapping_add(1);
        }
    }
}

impl Following {
    async fn run(mut self) -> Result<(), NodeError> {
        let mut interval = tokio::time::interval(LOOK);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            loop {
                let brought = self.follow_headers().await?;
                self.headers_turn.answered(brought);
                if !brought {
                    break;
                }
                self.tell_height();
            }
            if self.own_is_due() {
                self.follow_own().await?;
            }
        }
    }

    fn tell_height(&self) {
        let height = self.node.headers.height();
        self.standing
            .send_modify(|standing| standing.height = height);
        tracing::info!(%height, "headers verified");
    }

    /// Full peers that did not lie, beginning with the one whose turn it is.
    fn sources(&mut self, turn: usize) -> Vec<(PeerId, MemberId)> {
        self.liars.retain(|_, since| since.elapsed() < BAN);
        let peers = self.node.network.peers().into_iter();
        let full = peers.filter(|peer| peer.view == View::Full && !peer.agent.is_empty());
        let honest = full.filter(|peer| !self.liars.contains_key(&peer.id));
        let mut sources: Vec<_> = honest.map(|peer| (peer.id, peer.member)).collect();
        if !sources.is_empty() {
            let first = turn % sources.len();
            sources.rotate_left(first);
        }
        sources
    }

    async fn ask(
        &self,
        peer: PeerId,
        kind: RequestKind,
        body: Vec<u8>,
    ) -> Result<Bytes, RequestError> {
        let body = body.into();
        self.node
            .network
            .request(peer, Request { kind, body })
            .await
    }

    async fn ban(&mut self, peer: PeerId, member: &MemberId, why: &str) {
        tracing::warn!(%member, "a peer lied, it is not asked for a while: {why}");
        self.liars.insert(peer, Instant::now());
        self.standing.send_modify(|standing| {
            if !standing.liars.contains(member) {
                standing.liars.push(member.clone());
            }
        });
        self.node.network.lock_out(peer).await;
    }

    fn alarm(&self, what: String) {
        tracing::error!("{what}: trust this ledger no further until its validators explain it");
        self.standing
            .send_modify(|standing| standing.alarm = Some(what));
    }

    /// Asks one peer for the next headers; whether some came. If it leaves some out, others are
    /// asked first: one that has pruned its history does, and so would one that hides something.
    async fn follow_headers(&mut self) -> Result<bool, NodeError> {
        let from = self.node.headers.height().next();
        let mut answers = Vec::new();
        for (peer, member) in self.sources(self.headers_turn.first()) {
            let body = encode(&HeadersAsked { from });
            let answer = self.ask(peer, RequestKind::Headers, body).await;
            let Ok(bytes) = answer else { continue };
            let Ok(told) = decode::<HeadersTold>(&bytes) else {
                self.ban(peer, &member, "its answer does not read").await;
                continue;
            };
            let first = told.headers.first().map(|first| first.header.height);
            answers.push((first.unwrap_or(Height(u64::MAX)), peer, member, told));
            if first.is_none_or(|first| first <= from) {
                break;
            }
        }
        answers.sort_by_key(|(first, ..)| *first);
        for (_, peer, member, told) in answers {
            let headers = self.node.headers.clone();
            let (new, untrue) = tokio::task::block_in_place(|| headers.take(&told.headers))?;
            match untrue {
                Some(lie) if lie.is_lie() => self.ban(peer, &member, &lie.to_string()).await,
                Some(fork) => self.alarm(fork.to_string()),
                None => {}
            }
            if new > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Own items are asked for again once the ledger has grown, and not too often.
    fn own_is_due(&self) -> bool {
        let height = self.node.headers.height();
        match self.refreshed {
            None => height > Height(0),
            Some((when, last)) => height > last && when.elapsed() >= self.refresh,
        }
    }

    async fn follow_own(&mut self) -> Result<(), NodeError> {
        let height = self.node.headers.height();
        self.own_turn = self.own_turn.wrapping_add(1);
        let sources = self.sources(self.own_turn).into_iter().take(SOURCES);
        let sources: Vec<_> = sources.collect();
        if sources.is_empty() {
            return Ok(());
        }
        let mut fetched = 0;
        for (peer, member) in sources {
            let Some(listed) = self.list(peer).await else {
                continue;
            };
            fetched += self.fetch(peer, &member, listed).await?;
        }
        self.node.proofs.save()?;
        self.refreshed = Some((Instant::now(), height));
        self.standing.send_modify(|standing| standing.rounds += 1);
        if fetched > 0 {
            let kept = self.node.proofs.list().len();
            tracing::info!(fetched, kept, "proofs of own items verified");
        }
        Ok(())
    }

    /// Everything that a peer says is the member's; none if it does not answer.
    async fn list(&self, peer: PeerId) -> Option<Vec<(ItemId, Hash)>> {
        let (mut items, mut from) = (Vec::new(), ItemNumber(0));
        loop {
            let body = encode(&OwnAsked::List { from });
            let bytes = self.ask(peer, RequestKind::OwnLeaves, body).await.ok()?;
            let page: OwnListed = decode(&bytes).ok()?;
            items.extend(page.items.into_iter().map(|own| (own.item, own.version)));
            match page.next {
                // A list that does not go forward would never end.
                Some(next) if next > from && items.len() < ITEMS_MAX => from = next,
                _ => return Some(items),
            }
        }
    }

    /// Fetches the proofs that are missing or old; how many came.
    async fn fetch(
        &mut self,
        peer: PeerId,
        member: &MemberId,
        listed: Vec<(ItemId, Hash)>,
    ) -> Result<usize, NodeError> {
        let proofs = self.node.proofs.clone();
        let wanted = listed
            .into_iter()
            .filter(|(item, version)| !proofs.is_current(item, version));
        let network = self.node.network.clone();
        let asked = wanted.map(|(item, version)| {
            let body = encode(&OwnAsked::Proof { item: item.clone() }).into();
            let kind = RequestKind::OwnLeaves;
            let network = network.clone();
            async move {
                let answer = network.request(peer, Request { kind, body }).await;
                (item, version, answer)
            }
        });
        let mut answers =
            futures::stream::iter(asked.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        let mut fetched = 0;
        while let Some((item, version, answer)) = answers.next().await {
            let bytes = match answer {
                Ok(bytes) => bytes,
                // It has moved to somebody else since, or it is asked for in the next round.
                Err(RequestError::Refused(Refusal::NotAllowed | Refusal::Busy)) => continue,
                Err(_) => break,
            };
            match proofs.judge(&item, &bytes) {
                Ok(proven) => {
                    let held = self.node.headers.header(proven.height)?;
                    if held.is_some_and(|held| held.header.hash() != proven.block) {
                        let height = proven.height;
                        self.alarm(headers::Untrue::Fork { height }.to_string());
                        break;
                    }
                    proofs.keep(&item, version, &proven, &bytes)?;
                    fetched += 1;
                }
                Err(Unproven::NotOwn { .. }) => {}
                Err(lie) => {
                    self.ban(peer, member, &lie.to_string()).await;
                    break;
                }
            }
        }
        Ok(fetched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Once three peers were asked three times a block: the same one brought every header.
    #[test]
    fn each_peer_is_the_first_asked_however_often_none_is_new() {
        for peers in 1..=7 {
            for empty_between in 0..=15 {
                let mut turn = HeadersTurn::default();
                let mut brought = vec![0; peers];
                for _ in 0..peers {
                    for _ in 0..empty_between {
                        turn.answered(false);
                    }
                    brought[turn.first() % peers] += 1;
                    turn.answered(true);
                }
                assert_eq!(
                    brought,
                    vec![1; peers],
                    "{empty_between} empty answers between"
                );
            }
        }
    }

    #[test]
    fn a_peer_that_never_has_anything_new_is_not_asked_for_ever() {
        let mut turn = HeadersTurn::default();
        turn.answered(true);
        let first: Vec<_> = (0..3)
            .map(|_| {
                turn.answered(false);
                turn.first() % 3
            })
            .collect();
        assert_eq!(first, [2, 0, 1]);
    }
}
