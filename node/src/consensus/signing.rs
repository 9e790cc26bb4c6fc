//! Signatures of consensus: checked by the ledger's one rule, made by the guard alone.

use std::sync::{Arc, Mutex, PoisonError};

use arc_malachitebft_core_types::{
    NilOrVal, SignedMessage, ValidatorProof, VoteExtensionScope, VoteType,
};
use arc_malachitebft_signing::{Error, Signer, VerificationResult, Verifier};
use async_trait::async_trait;
use chipledger_schemas::certificate::{Step, consensus_preimage};
use chipledger_schemas::ids::{GenesisHash, PublicKey, Signature};
use chipledger_schemas::keys::verify_strict;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use tokio::sync::watch;

use super::context::{LedgerContext, Proposal, Vote, VoteKey};
use crate::guard::{Guard, Kind, Refusal, Statement};

/// What stands in for a signature that the guard refused to give: it verifies under no key, so the
/// engine goes on without the vote, and the network does not send it.
pub const REFUSED: Signature = Signature([0; 64]);

/// Why the guard refused, as metrics say it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RefusalReason {
    reason: &'static str,
}

/// Signatures that the guard refused, by reason.
pub type Refusals = Family<RefusalReason, Counter>;

/// The guard, shared by the engine and by the proposer.
#[derive(Clone, Debug)]
pub struct SharedGuard {
    guard: Arc<Mutex<Guard>>,
    refusals: Refusals,
    /// Set once the guard cannot be written.
    broken: Arc<watch::Sender<bool>>,
}

impl SharedGuard {
    /// Shares a guard.
    pub fn new(guard: Guard) -> Self {
        let refusals = Refusals::default();
        for reason in Refusal::REASONS {
            // From zero: a rule over the increase must see the first one.
            drop(refusals.get_or_create(&RefusalReason { reason }));
        }
        Self {
            guard: Arc::new(Mutex::new(guard)),
            refusals,
            broken: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Looks at or changes the guard.
    pub fn with<T>(&self, act: impl FnOnce(&mut Guard) -> T) -> T {
        act(&mut self.guard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Signs a statement.
    ///
    /// # Errors
    /// As [`Guard::sign`].
    pub fn sign(&self, genesis: &GenesisHash, statement: &Statement) -> Result<Signature, Refusal> {
        let signed = self.with(|guard| guard.sign(genesis, statement));
        if let Err(refusal) = &signed {
            let reason = refusal.reason();
            self.refusals.get_or_create(&RefusalReason { reason }).inc();
            if matches!(refusal, Refusal::Io { .. }) {
                self.broken.send_replace(true);
            }
        }
        signed
    }

    /// Counts what was refused.
    pub fn refusals(&self) -> Refusals {
        self.refusals.clone()
    }

    /// Returns once the guard could not be written: a validator that cannot note down what it
    /// signs must stop, not stay silent.
    pub async fn broken(self) {
        let mut broken = self.broken.subscribe();
        // The sender is held here.
        let _ = broken.wait_for(|broken| *broken).await;
    }
}

/// Signs for the engine.
#[derive(Clone, Debug)]
pub struct GuardedSigner {
    /// The ledger.
    pub genesis: GenesisHash,
    /// The guard; a node without a key that votes has none, and signs nothing.
    pub guard: Option<SharedGuard>,
}

impl GuardedSigner {
    fn sign(&self, statement: &Statement) -> Signature {
        let Some(guard) = &self.guard else {
            return REFUSED;
        };
        match guard.sign(&self.genesis, statement) {
            Ok(signature) => signature,
            Err(refusal) => {
                let (height, round) = (statement.height, statement.round);
                tracing::warn!(%height, round, kind = ?statement.kind, "not voting: {refusal}");
                REFUSED
            }
        }
    }
}

fn statement_of(vote: &Vote) -> Statement {
    Statement {
        height: vote.height.height(),
        round: vote.round.as_u32().unwrap_or(0),
        kind: match vote.step {
            VoteType::Prevote => Kind::Prevote,
            VoteType::Precommit => Kind::Precommit,
        },
        block: match vote.value {
            NilOrVal::Nil => None,
            NilOrVal::Val(block) => Some(block),
        },
        pol_round: None,
    }
}

#[async_trait]
impl Signer<LedgerContext> for GuardedSigner {
    async fn sign_vote(&self, vote: Vote) -> Result<SignedMessage<LedgerContext, Vote>, Error> {
        let signature = self.sign(&statement_of(&vote));
        Ok(SignedMessage::new(vote, signature))
    }

    async fn sign_proposal(
        &self,
        proposal: Proposal,
    ) -> Result<SignedMessage<LedgerContext, Proposal>, Error> {
        let signature = self.sign(&Statement {
            height: proposal.height.height(),
            round: proposal.round.as_u32().unwrap_or(0),
            kind: Kind::Proposal,
            block: Some(proposal.value.0),
            pol_round: proposal.pol_round.as_u32(),
        });
        Ok(SignedMessage::new(proposal, signature))
    }

    // The policy of every height is `Disabled`, so the engine never asks.
    async fn sign_vote_extension(
        &self,
        _: VoteExtensionScope<LedgerContext>,
        extension: (),
    ) -> Result<SignedMessage<LedgerContext, ()>, Error> {
        Ok(SignedMessage::new(extension, REFUSED))
    }

    // Peers prove themselves by the ledger's list of peer keys, not by this.
    async fn sign_validator_proof(
        &self,
        public_key: Vec<u8>,
        peer_id: Vec<u8>,
    ) -> Result<ValidatorProof<LedgerContext>, Error> {
        Ok(ValidatorProof::new(public_key, peer_id, REFUSED))
    }
}

/// Checks for the engine, with the preimages that certificates and evidence packs are checked by.
#[derive(Clone, Copy, Debug)]
pub struct StrictVerifier {
    /// The ledger.
    pub genesis: GenesisHash,
}

impl StrictVerifier {
    fn check(key: &PublicKey, preimage: &[u8; 32], signature: &Signature) -> VerificationResult {
        VerificationResult::from_bool(verify_strict(key, preimage, signature))
    }
}

#[async_trait]
impl Verifier<LedgerContext> for StrictVerifier {
    async fn verify_signed_vote(
        &self,
        vote: &Vote,
        signature: &Signature,
        key: &VoteKey,
    ) -> Result<VerificationResult, Error> {
        let Some(round) = vote.round.as_u32() else {
            return Ok(VerificationResult::Invalid);
        };
        let step = match vote.step {
            VoteType::Prevote => Step::Prevote,
            VoteType::Precommit => Step::Precommit,
        };
        let block = match &vote.value {
            NilOrVal::Nil => None,
            NilOrVal::Val(block) => Some(block),
        };
        let height = vote.height.height();
        let preimage = consensus_preimage(&self.genesis, height, round, step, block, None);
        Ok(Self::check(&key.0, &preimage, signature))
    }

    async fn verify_signed_proposal(
        &self,
        proposal: &Proposal,
        signature: &Signature,
        key: &VoteKey,
    ) -> Result<VerificationResult, Error> {
        let Some(round) = proposal.round.as_u32() else {
            return Ok(VerificationResult::Invalid);
        };
        let preimage = consensus_preimage(
            &self.genesis,
            proposal.height.height(),
            round,
            Step::Proposal,
            Some(&proposal.value.0),
            proposal.pol_round.as_u32(),
        );
        Ok(Self::check(&key.0, &preimage, signature))
    }

    async fn verify_signed_vote_extension(
        &self,
        _: &VoteExtensionScope<LedgerContext>,
        _extension: &(),
        _: &Signature,
        _: &VoteKey,
    ) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::Invalid)
    }

    async fn verify_validator_proof(
        &self,
        _: &ValidatorProof<LedgerContext>,
    ) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::Invalid)
    }
}
