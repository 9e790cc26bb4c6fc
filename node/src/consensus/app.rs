//! What the node does for the engine: one method per message.
//!
//! Labels such as `D1` name the steps in `docs/architecture.md`, "A block's way through a node".

use std::time::Duration;

use arc_malachitebft_app_channel::app::consensus::Role;
use arc_malachitebft_app_channel::app::types::{
    LocallyProposedValue, MisbehaviorEvidence, ProposedValue,
};
use arc_malachitebft_app_channel::{AppMsg, Channels, NetworkMsg, Reply};
use arc_malachitebft_core_types::{
    CommitCertificate, HeightParams, LinearTimeouts, Round, Validity,
};
use arc_malachitebft_engine::host::{Next, SyncedValueOutcome};
use arc_malachitebft_engine::util::streaming::StreamMessage;
use arc_malachitebft_peer::PeerId;
use arc_malachitebft_sync::RawDecidedValue;
use bytes::Bytes;
use chipledger_ledger::chain::Slot;
use chipledger_ledger::store::{Store, StoreError};
use chipledger_schemas::block::{Block, CertifiedBlock};
use chipledger_schemas::certificate::{Certificate, CommitSignature, proposal_parts_preimage};
use chipledger_schemas::encode::{decode, encode};
use chipledger_schemas::ids::{BlockHash, GenesisHash, Height, MemberId};
use chipledger_schemas::keys::verify_strict;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::Instant;

use super::candidates::{Candidate, Candidates, Fatal, Source, now, proposer_of, validators_of};
use super::context::{AtHeight, BlockValue, LedgerContext, Part, PartInit, Seat, Validators};
use super::evidence;
use super::pace::{Pace, PaceConfig};
use super::parts::{Complete, Streams, stream_of};
use super::progress::{Committed, Progress};
use super::signing::SharedGuard;
use super::undecided::Proposed;
use crate::guard::{Kind, Statement};
use crate::membership::Reach;
use crate::mempool::Mempool;
use crate::metrics::Metrics;

/// Most bytes of blocks in one answer to a syncing peer: below what a message may have.
const SYNC_BYTES_MAX: usize = 6 * 1024 * 1024;
/// Most blocks in one answer to a syncing peer.
const SYNC_BLOCKS_MAX: u64 = 200;

/// Everything that consensus works with.
#[derive(Debug)]
pub struct App {
    /// The ledger.
    pub store: Store,
    /// What waits for a block.
    pub mempool: Mempool,
    /// Blocks that are not decided.
    pub candidates: Candidates,
    /// The key that votes; absent for an observer.
    pub guard: Option<SharedGuard>,
    /// The member that runs the node.
    pub member: MemberId,
    /// The pace of blocks.
    pub pace: PaceConfig,
    /// Where parts are published.
    pub network: mpsc::Sender<NetworkMsg<LedgerContext>>,
    /// Told after every block.
    pub committed: broadcast::Sender<Committed>,
    /// Where consensus stands.
    pub progress: watch::Sender<Progress>,
    /// The last committed height.
    pub heights: watch::Sender<Height>,
    /// Told what two contradicting signatures were found.
    pub evidence: mpsc::Sender<evidence::Equivocation>,
    /// Which validators are connected, and how far they are.
    pub reach: watch::Receiver<Reach>,
    /// What is counted.
    pub metrics: Metrics,
}

/// Where a height stands while it is decided.
#[derive(Debug)]
struct Running {
    streams: Streams,
    /// The highest height of which something arrived from others.
    seen: watch::Sender<u64>,
    /// When the height began.
    began: Instant,
    /// Makes names of streams unique.
    streamed: u64,
}

impl App {
    /// Serves the engine until its channel closes or something is fatal.
    ///
    /// # Errors
    /// What is fatal, and how to recover.
    pub async fn run(mut self, mut channels: Channels<LedgerContext>) -> Result<(), Fatal> {
        let bounds = self.store.genesis().bounds;
        let mut running = Running {
            streams: Streams::new(bounds.block_bytes_max),
            seen: watch::Sender::new(0),
            began: Instant::now(),
            // Streams of an earlier run of this node must not be taken for these.
            streamed: now().0,
        };
        self.candidates.start()?;
        while let Some(message) = channels.consensus.recv().await {
            self.handle(message, &mut running).await?;
        }
        Ok(())
    }

    async fn handle(
        &mut self,
        message: AppMsg<LedgerContext>,
        running: &mut Running,
    ) -> Result<(), Fatal> {
        match message {
            AppMsg::ConsensusReady { reply } => self.consensus_ready(reply),
            AppMsg::StartedRound {
                height,
                round,
                proposer,
                role,
                reply_value,
            } => {
                running.began = if round == Round::ZERO {
                    Instant::now()
                } else {
                    running.began
                };
                self.started_round(height, round, &proposer, role, reply_value)
            }
            AppMsg::GetValue {
                height,
                round,
                timeout: _,
                reply,
            } => self.get_value(height, round, reply, running).await,
            AppMsg::ReceivedProposalPart {
                from,
                published_by,
                part,
                reply,
            } => self.received_part(published_by.unwrap_or(from), part, reply, running),
            AppMsg::RestreamProposal { value_id, .. } => self.restream(&value_id, running).await,
            AppMsg::Decided {
                certificate, reply, ..
            } => self.decided(&certificate, reply, running),
            AppMsg::Finalized {
                certificate,
                evidence,
                reply,
                ..
            } => self.finalized(&certificate, &evidence, reply, running),
            AppMsg::GetHistoryMinHeight { reply } => self.history_min_height(reply),
            AppMsg::GetDecidedValues { range, reply } => {
                self.decided_values(*range.start(), *range.end(), reply)
            }
            AppMsg::ProcessSyncedValue {
                height,
                round,
                proposer,
                value_bytes,
                reply,
            } => {
                let header = SyncedHeader {
                    height,
                    round,
                    proposer,
                };
                self.synced(&header, &value_bytes, reply, running)
            }
            // The policy of every height is `Disabled`; no vote carries an extension.
            AppMsg::ExtendVote { reply, .. } => {
                answer(reply, None);
                Ok(())
            }
            AppMsg::VerifyVoteExtensions { reply, .. } => {
                answer(reply, Vec::new());
                Ok(())
            }
        }
    }

    fn genesis(&self) -> GenesisHash {
        self.store.genesis_hash()
    }

    fn params(&self, height: Height) -> Result<HeightParams<LedgerContext>, StoreError> {
        let validators = validators_of(&self.store, height)?;
        let timeouts = timeouts(&self.pace);
        Ok(HeightParams::new(
            Validators::from(&validators),
            timeouts,
            None,
        ))
    }

    /// Begins where the ledger stands, once a quorum of validators is connected or the wait is
    /// over: a proposal before that would be lost.
    fn consensus_ready(
        &mut self,
        reply: Reply<(AtHeight, HeightParams<LedgerContext>)>,
    ) -> Result<(), Fatal> {
        let height = self.candidates.height();
        let params = self.params(height)?;
        let wait = Duration::from_millis(self.pace.quorum_wait_ms);
        let mut reach = self.reach.clone();
        tokio::spawn(async move {
            let _ = tokio::time::timeout(wait, reach.wait_for(|reach| reach.is_quorum)).await;
            answer(reply, (height.into(), params));
        });
        Ok(())
    }

    fn started_round(
        &mut self,
        height: AtHeight,
        round: Round,
        proposer: &Seat,
        role: Role,
        reply: Reply<Vec<ProposedValue<LedgerContext>>>,
    ) -> Result<(), Fatal> {
        if round == Round::ZERO {
            self.candidates.start()?;
        }
        if let Some(later) = round.as_u32().filter(|round| *round > 0) {
            tracing::info!(%height, round = later, %proposer, "no block in the round before");
        }
        self.progress.send_modify(|progress| {
            progress.round = round.as_u32().unwrap_or(0);
            progress.proposer = Some(proposer.0.clone());
            progress.is_validator = role != Role::None;
        });
        let known = self.candidates.all();
        let here = known.filter(|candidate| candidate.proposed.init.height == height);
        answer(reply, here.map(proposed_value).collect());
        Ok(())
    }

    /// Builds a block, judges it as any voter does, keeps it, and sends its parts.
    async fn get_value(
        &mut self,
        height: AtHeight,
        round: Round,
        reply: Reply<LocallyProposedValue<LedgerContext>>,
        running: &mut Running,
    ) -> Result<(), Fatal> {
        if self.reach.borrow().vouched >= height.0 {
            // Others have decided this height; its block is on its way here.
            return Ok(());
        }
        let number = round.as_u32().unwrap_or(0);
        let own = |init: &PartInit| init.round == number && init.proposer == self.member;
        let proposed = match self.candidates.built(own) {
            Some(known) => known.proposed.clone(),
            None => match self.build(height, number)? {
                Some(proposed) => proposed,
                None => return Ok(()),
            },
        };
        let value = BlockValue(proposed.init.block);
        answer(reply, LocallyProposedValue::new(height, round, value));
        self.publish(&proposed, running).await;
        Ok(())
    }

    fn build(&mut self, height: AtHeight, round: u32) -> Result<Option<Proposed>, Fatal> {
        let slot = Slot {
            proposer: self.member.clone(),
            round,
            clock: now(),
        };
        let began = std::time::Instant::now();
        let block = tokio::task::block_in_place(|| self.candidates.build(&slot))?;
        let Some(init) = self.sign_parts(height, round, &block) else {
            return Ok(None);
        };
        let proposed = Proposed { init, block };
        let fit = tokio::task::block_in_place(|| {
            self.candidates.consider(proposed.clone(), Source::Fresh)
        })?;
        self.metrics.built(began);
        if fit != Some(true) {
            tracing::error!(%height, round, "the block built here is unfit by the voters' own check");
            return Ok(None);
        }
        Ok(Some(proposed))
    }

    fn sign_parts(&self, height: AtHeight, round: u32, block: &Block) -> Option<PartInit> {
        let hash = block.header.hash();
        let statement = Statement {
            height: height.height(),
            round,
            kind: Kind::Parts,
            block: Some(hash),
            pol_round: None,
        };
        let guard = self.guard.as_ref()?;
        match guard.sign(&self.genesis(), &statement) {
            Ok(signature) => Some(PartInit {
                height,
                round,
                proposer: self.member.clone(),
                block: hash,
                bytes: encode(block).len() as u64,
                signature,
            }),
            Err(refusal) => {
                tracing::warn!(%height, round, "not proposing: {refusal}");
                None
            }
        }
    }

    async fn publish(&self, proposed: &Proposed, running: &mut Running) {
        running.streamed += 1;
        for message in stream_of(&proposed.init, &proposed.block, running.streamed) {
            // The network is gone only when the node stops.
            let _ = self
                .network
                .send(NetworkMsg::PublishProposalPart(message))
                .await;
        }
    }

    /// Sends a block again, with the parts that its own proposer signed.
    async fn restream(&mut self, block: &BlockHash, running: &mut Running) -> Result<(), Fatal> {
        if let Some(candidate) = self.candidates.get(block) {
            let proposed = candidate.proposed.clone();
            self.publish(&proposed, running).await;
        }
        Ok(())
    }

    fn received_part(
        &mut self,
        publisher: PeerId,
        part: StreamMessage<Part>,
        reply: Reply<Option<ProposedValue<LedgerContext>>>,
        running: &mut Running,
    ) -> Result<(), Fatal> {
        let complete = match running
            .streams
            .add(publisher, part, self.candidates.height())
        {
            Ok(Some(complete)) => complete,
            Ok(None) => {
                answer(reply, None);
                return Ok(());
            }
            Err(dropped) => {
                tracing::debug!(%publisher, "part of a proposal dropped: {dropped}");
                answer(reply, None);
                return Ok(());
            }
        };
        let value = self.take_block(complete, running)?;
        answer(reply, value);
        Ok(())
    }

    /// Checks who sent a whole block and executes it.
    fn take_block(
        &mut self,
        complete: Complete,
        running: &Running,
    ) -> Result<Option<ProposedValue<LedgerContext>>, Fatal> {
        let Complete { init, block } = complete;
        let validators = validators_of(&self.store, init.height.height())?;
        let turn = proposer_of(&validators, init.height.height(), init.round);
        let preimage = proposal_parts_preimage(
            &self.genesis(),
            init.height.height(),
            init.round,
            None,
            &init.proposer,
            &init.block,
        );
        let signed = turn.is_some_and(|seat| {
            seat.member == init.proposer && verify_strict(&seat.key, &preimage, &init.signature)
        });
        let consistent = block.header.round == init.round && block.header.proposer == init.proposer;
        if !signed || !consistent {
            tracing::warn!(height = %init.height, proposer = %init.proposer, "a block that its proposer did not sign");
            return Ok(None);
        }
        let (height, round, proposer, hash) =
            (init.height, init.round, init.proposer.clone(), init.block);
        // A block of an earlier round is proposed again because a quorum found it fit then.
        let again =
            height.height() == self.candidates.height() && round < self.progress.borrow().round;
        let source = if again {
            Source::Settled
        } else {
            Source::Fresh
        };
        let proposed = Proposed { init, block };
        self.notice_conflict(&proposed.init);
        let began = std::time::Instant::now();
        let fit = tokio::task::block_in_place(|| self.candidates.consider(proposed, source))?;
        self.metrics.judged(began, fit);
        // Somebody has begun this height: it is not waited for any longer.
        running.seen.send_if_modified(|seen| raise(seen, height.0));
        Ok(fit.map(|fit| ProposedValue {
            height,
            round: Round::new(round),
            valid_round: Round::Nil,
            proposer: Seat(proposer),
            value: BlockValue(hash),
            validity: Validity::from_bool(fit),
        }))
    }

    /// Notices two blocks that one proposer signed for one height and round. The stream's signature
    /// is no statement that the ledger takes as evidence; the two proposals that follow are.
    fn notice_conflict(&self, init: &PartInit) {
        let conflicts = |known: &PartInit| {
            known.height == init.height
                && known.round == init.round
                && known.proposer == init.proposer
                && known.block != init.block
                && known.signature != super::signing::REFUSED
        };
        if (self.candidates.all()).any(|candidate| conflicts(&candidate.proposed.init)) {
            self.metrics.conflicting_block();
            let (height, round, proposer) = (init.height, init.round, &init.proposer);
            tracing::warn!(%height, round, %proposer, "signed two blocks for one round");
        }
    }

    /// Commits the decided block: when this answers, it is on disk.
    fn decided(
        &mut self,
        certificate: &CommitCertificate<LedgerContext>,
        reply: Reply<()>,
        running: &mut Running,
    ) -> Result<(), Fatal> {
        let height = certificate.height.height();
        let head = self.store.head().header.height;
        if height <= head {
            answer(reply, ());
            return Ok(());
        }
        let committed = tokio::task::block_in_place(|| self.commit(certificate))?;
        running.streams.decided(height);
        self.candidates.decided(height)?;
        let (header, hash) = (&committed.header, committed.hash);
        self.progress.send_modify(|progress| {
            progress.height = height;
            progress.block = hash;
            progress.state_root = header.state_root;
            progress.time = header.time;
            progress.protocol = header.protocol;
            progress.committed_at = now();
        });
        self.heights.send_replace(height);
        if !committed.transactions.is_empty() {
            let transactions = committed.transactions.len();
            tracing::info!(%height, block = %hash.0.short(), proposer = %header.proposer, round = header.round, transactions, "block");
        }
        // Nobody may be listening.
        let _ = self.committed.send(committed);
        answer(reply, ());
        Ok(())
    }

    fn commit(
        &mut self,
        certificate: &CommitCertificate<LedgerContext>,
    ) -> Result<Committed, Fatal> {
        let (proposed, outcome) = self
            .candidates
            .decide(&certificate.value_id, certificate.height)?;
        let synced = proposed.init.signature == super::signing::REFUSED;
        self.progress.send_if_modified(|progress| {
            std::mem::replace(&mut progress.syncing, synced) != synced
        });
        let block = CertifiedBlock {
            block: proposed.block,
            certificate: certificate_of(certificate),
        };
        let began = std::time::Instant::now();
        self.store.commit(&block, outcome)?;
        self.metrics.written(began);
        let transactions: Vec<_> = block
            .block
            .transactions
            .iter()
            .map(chipledger_schemas::transaction::Transaction::id)
            .collect();
        let item_events = (block.block.transactions.iter())
            .map(chipledger_schemas::transaction::Transaction::item_events)
            .sum();
        let header = block.block.header;
        self.mempool.committed(&transactions, header.time);
        let committed = Committed {
            hash: certificate.value_id,
            header,
            transactions,
            item_events,
        };
        let own = committed.header.proposer == self.member;
        self.metrics.committed(&committed, synced, own, now().0);
        Ok(committed)
    }

    /// Reports what contradicted itself, then begins the next height when it is due.
    fn finalized(
        &mut self,
        certificate: &CommitCertificate<LedgerContext>,
        evidence: &MisbehaviorEvidence<LedgerContext>,
        reply: Reply<Next<LedgerContext>>,
        running: &mut Running,
    ) -> Result<(), Fatal> {
        for found in evidence::found(evidence) {
            tracing::debug!(member = %found.member, height = %found.height, "signed two things");
            // More than the channel holds is more of the same.
            let _ = self.evidence.try_send(found);
        }
        let height = certificate.height.height().next();
        let params = self.params(height)?;
        // A block of a peer's history says that there may be more of it: a node that kept the pace
        // of live blocks while it catches up never would.
        let syncing = self.progress.borrow().syncing;
        let (seen, reach) = (running.seen.subscribe(), self.reach.clone());
        let pace = Pace::new(self.pace, self.mempool.clone(), seen, reach);
        let began = running.began;
        tokio::spawn(async move {
            if !syncing {
                pace.wait(height.0, began).await;
            }
            answer(reply, Next::Start(height.into(), params));
        });
        Ok(())
    }

    fn history_min_height(&self, reply: Reply<AtHeight>) -> Result<(), Fatal> {
        let first = self.store.first_height()?.max(Height(1));
        answer(reply, first.into());
        Ok(())
    }

    fn decided_values(
        &self,
        first: AtHeight,
        last: AtHeight,
        reply: Reply<Vec<RawDecidedValue<LedgerContext>>>,
    ) -> Result<(), Fatal> {
        let last = last.0.min(first.0.saturating_add(SYNC_BLOCKS_MAX - 1));
        let last = last.min(self.store.head().header.height.0);
        let (mut values, mut bytes) = (Vec::new(), 0);
        for height in first.0.max(1)..=last {
            let Some(block) = self.store.block(Height(height))? else {
                break;
            };
            let value = raw_value(&block);
            bytes += value.value_bytes.len();
            if bytes > SYNC_BYTES_MAX && !values.is_empty() {
                break;
            }
            values.push(value);
        }
        answer(reply, values);
        Ok(())
    }

    /// Executes a block of a peer's history; the engine checks its certificate, and the store does
    /// again.
    fn synced(
        &mut self,
        synced: &SyncedHeader,
        bytes: &Bytes,
        reply: Reply<SyncedValueOutcome<LedgerContext>>,
        running: &mut Running,
    ) -> Result<(), Fatal> {
        let height = self.candidates.height();
        running
            .seen
            .send_if_modified(|seen| raise(seen, synced.height.0));
        if synced.height.height() != height {
            answer(reply, SyncedValueOutcome::LocalTransientError);
            return Ok(());
        }
        let Ok(block) = decode::<Block>(bytes) else {
            answer(reply, SyncedValueOutcome::PeerFault);
            return Ok(());
        };
        let (hash, proposer) = (block.header.hash(), block.header.proposer.clone());
        let init = PartInit {
            height: synced.height,
            round: block.header.round,
            proposer: proposer.clone(),
            block: hash,
            bytes: bytes.len() as u64,
            signature: super::signing::REFUSED,
        };
        let proposed = Proposed { init, block };
        let began = std::time::Instant::now();
        let fit =
            tokio::task::block_in_place(|| self.candidates.consider(proposed, Source::Settled))?;
        self.metrics.judged(began, fit);
        let outcome = match fit {
            Some(true) => SyncedValueOutcome::Verdict(ProposedValue {
                height: synced.height,
                round: synced.round,
                valid_round: Round::Nil,
                proposer: synced.proposer.clone(),
                value: BlockValue(hash),
                validity: Validity::Valid,
            }),
            Some(false) => SyncedValueOutcome::PeerFault,
            None => SyncedValueOutcome::LocalTransientError,
        };
        answer(reply, outcome);
        Ok(())
    }
}

/// What the engine says of a block of a peer's history.
#[derive(Debug)]
struct SyncedHeader {
    height: AtHeight,
    round: Round,
    proposer: Seat,
}

/// Raises a height that is watched; true if it rose.
fn raise(seen: &mut u64, height: u64) -> bool {
    let rises = height > *seen;
    *seen = height.max(*seen);
    rises
}

/// Answers the engine. It no longer listens only when it stops.
fn answer<T>(reply: Reply<T>, value: T) {
    let _ = reply.send(value);
}

fn timeouts(pace: &PaceConfig) -> LinearTimeouts {
    let ms = Duration::from_millis;
    LinearTimeouts {
        propose: ms(pace.propose_ms),
        propose_delta: ms(pace.delta_ms),
        prevote: ms(pace.vote_ms),
        prevote_delta: ms(pace.delta_ms),
        precommit: ms(pace.vote_ms),
        precommit_delta: ms(pace.delta_ms),
        rebroadcast: ms(pace.propose_ms + 2 * pace.vote_ms),
        max_timeout: ms(pace.timeout_max_ms),
    }
}

fn proposed_value(candidate: &Candidate) -> ProposedValue<LedgerContext> {
    let init = &candidate.proposed.init;
    ProposedValue {
        height: init.height,
        round: Round::new(init.round),
        valid_round: Round::Nil,
        proposer: Seat(init.proposer.clone()),
        value: BlockValue(init.block),
        validity: Validity::from_bool(candidate.outcome.is_some()),
    }
}

/// The certificate in the ledger's form: sorted by member, each once.
fn certificate_of(certificate: &CommitCertificate<LedgerContext>) -> Certificate {
    let mut signatures: Vec<_> = certificate
        .commit_signatures
        .iter()
        .map(|vote| CommitSignature {
            member: vote.address.0.clone(),
            signature: vote.signature,
        })
        .collect();
    signatures.sort_by(|a, b| a.member.cmp(&b.member));
    signatures.dedup_by(|a, b| a.member == b.member);
    Certificate {
        height: certificate.height.height(),
        round: certificate.round.as_u32().unwrap_or(0),
        block: certificate.value_id,
        signatures,
    }
}

fn raw_value(block: &CertifiedBlock) -> RawDecidedValue<LedgerContext> {
    use arc_malachitebft_core_types::{ExtendedCommitCertificate, ExtendedCommitSignature};
    let certificate = &block.certificate;
    let signed = certificate
        .signatures
        .iter()
        .map(|vote| ExtendedCommitSignature::new(Seat(vote.member.clone()), vote.signature, None));
    let certificate = ExtendedCommitCertificate {
        height: certificate.height.into(),
        round: Round::new(certificate.round),
        value_id: certificate.block,
        commit_signatures: signed.collect(),
    };
    RawDecidedValue::new(encode(&block.block).into(), certificate)
}
