//! Twins of the engine's types that can be serialised.

use arc_malachitebft_app_channel::app::consensus::{LivenessMsg, SignedConsensusMsg};
use arc_malachitebft_app_channel::app::types::ProposedValue;
use arc_malachitebft_core_types::{
    ExtendedCommitCertificate, ExtendedCommitSignature, NilOrVal, PolkaCertificate, PolkaSignature,
    Round, RoundCertificate, RoundCertificateType, RoundSignature, SignedMessage, ValidatorProof,
    Validity, VoteType,
};
use arc_malachitebft_engine::util::streaming::{StreamContent, StreamId, StreamMessage};
use arc_malachitebft_peer::PeerId;
use arc_malachitebft_sync as sync;
use bytes::Bytes;
use chipledger_schemas::ids::{BlockHash, Signature};
use serde::{Deserialize, Serialize};

use super::{NotDecodable, byte_string};
use crate::consensus::context::{AtHeight, BlockValue, LedgerContext, Part, Proposal, Seat, Vote};
use crate::consensus::signing::REFUSED;

/// Longest name of a stream.
const STREAM_ID_BYTES_MAX: usize = 64;
/// Most blocks of one answer to a syncing peer.
const SYNC_VALUES_MAX: usize = 1_024;

/// A type of the engine with a twin.
pub trait Twin: Sized {
    /// The twin.
    type Wire: Serialize + for<'de> Deserialize<'de>;
    /// To the twin.
    fn to_wire(&self) -> Self::Wire;
    /// From the twin.
    ///
    /// # Errors
    /// When the twin says something that the engine's type cannot.
    fn from_wire(wire: Self::Wire) -> Result<Self, NotDecodable>;
    /// Whether the guard refused to sign it.
    fn is_unsigned(&self) -> bool {
        false
    }
}

fn round_of(round: Round) -> Option<u32> {
    round.as_u32()
}

fn value_of(value: &NilOrVal<BlockHash>) -> Option<BlockHash> {
    match value {
        NilOrVal::Nil => None,
        NilOrVal::Val(block) => Some(*block),
    }
}

fn nil_or(value: Option<BlockHash>) -> NilOrVal<BlockHash> {
    value.map_or(NilOrVal::Nil, NilOrVal::Val)
}

fn is_precommit(step: VoteType) -> bool {
    step == VoteType::Precommit
}

fn step_of(precommit: bool) -> VoteType {
    if precommit {
        VoteType::Precommit
    } else {
        VoteType::Prevote
    }
}

#[derive(Serialize, Deserialize)]
pub struct WireVote {
    precommit: bool,
    height: AtHeight,
    round: Option<u32>,
    value: Option<BlockHash>,
    seat: Seat,
    signature: Signature,
}

impl Twin for SignedMessage<LedgerContext, Vote> {
    type Wire = WireVote;

    fn to_wire(&self) -> WireVote {
        WireVote {
            precommit: is_precommit(self.message.step),
            height: self.message.height,
            round: round_of(self.message.round),
            value: value_of(&self.message.value),
            seat: self.message.seat.clone(),
            signature: self.signature,
        }
    }

    fn from_wire(wire: WireVote) -> Result<Self, NotDecodable> {
        let vote = Vote {
            step: step_of(wire.precommit),
            height: wire.height,
            round: wire.round.into(),
            value: nil_or(wire.value),
            seat: wire.seat,
        };
        Ok(Self::new(vote, wire.signature))
    }
}

#[derive(Serialize, Deserialize)]
pub struct WireProposal {
    height: AtHeight,
    round: Option<u32>,
    value: BlockValue,
    pol_round: Option<u32>,
    seat: Seat,
    signature: Signature,
}

impl Twin for SignedMessage<LedgerContext, Proposal> {
    type Wire = WireProposal;

    fn to_wire(&self) -> WireProposal {
        WireProposal {
            height: self.message.height,
            round: round_of(self.message.round),
            value: self.message.value,
            pol_round: round_of(self.message.pol_round),
            seat: self.message.seat.clone(),
            signature: self.signature,
        }
    }

    fn from_wire(wire: WireProposal) -> Result<Self, NotDecodable> {
        let proposal = Proposal {
            height: wire.height,
            round: wire.round.into(),
            value: wire.value,
            pol_round: wire.pol_round.into(),
            seat: wire.seat,
        };
        Ok(Self::new(proposal, wire.signature))
    }
}

#[derive(Serialize, Deserialize)]
pub enum WireConsensus {
    Vote(WireVote),
    Proposal(WireProposal),
}

impl Twin for SignedConsensusMsg<LedgerContext> {
    type Wire = WireConsensus;

    fn to_wire(&self) -> WireConsensus {
        match self {
            Self::Vote(vote) => WireConsensus::Vote(vote.to_wire()),
            Self::Proposal(proposal) => WireConsensus::Proposal(proposal.to_wire()),
        }
    }

    fn from_wire(wire: WireConsensus) -> Result<Self, NotDecodable> {
        Ok(match wire {
            WireConsensus::Vote(vote) => Self::Vote(Twin::from_wire(vote)?),
            WireConsensus::Proposal(proposal) => Self::Proposal(Twin::from_wire(proposal)?),
        })
    }

    fn is_unsigned(&self) -> bool {
        *self.signature() == REFUSED
    }
}

#[derive(Serialize, Deserialize)]
pub struct WirePolka {
    height: AtHeight,
    round: Option<u32>,
    value: BlockHash,
    signatures: Vec<(Seat, Signature)>,
}

impl Twin for PolkaCertificate<LedgerContext> {
    type Wire = WirePolka;

    fn to_wire(&self) -> WirePolka {
        let signed = |vote: &PolkaSignature<LedgerContext>| (vote.address.clone(), vote.signature);
        WirePolka {
            height: self.height,
            round: round_of(self.round),
            value: self.value_id,
            signatures: self.polka_signatures.iter().map(signed).collect(),
        }
    }

    fn from_wire(wire: WirePolka) -> Result<Self, NotDecodable> {
        let signed = |(seat, signature)| PolkaSignature::new(seat, signature);
        Ok(Self {
            height: wire.height,
            round: wire.round.into(),
            value_id: wire.value,
            polka_signatures: wire.signatures.into_iter().map(signed).collect(),
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireRoundVote {
    precommit: bool,
    value: Option<BlockHash>,
    seat: Seat,
    signature: Signature,
}

#[derive(Serialize, Deserialize)]
pub struct WireRoundCertificate {
    height: AtHeight,
    round: Option<u32>,
    skip: bool,
    votes: Vec<WireRoundVote>,
}

impl Twin for RoundCertificate<LedgerContext> {
    type Wire = WireRoundCertificate;

    fn to_wire(&self) -> WireRoundCertificate {
        let vote = |vote: &RoundSignature<LedgerContext>| WireRoundVote {
            precommit: is_precommit(vote.vote_type),
            value: value_of(&vote.value_id),
            seat: vote.address.clone(),
            signature: vote.signature,
        };
        WireRoundCertificate {
            height: self.height,
            round: round_of(self.round),
            skip: self.cert_type == RoundCertificateType::Skip,
            votes: self.round_signatures.iter().map(vote).collect(),
        }
    }

    fn from_wire(wire: WireRoundCertificate) -> Result<Self, NotDecodable> {
        let vote = |vote: WireRoundVote| {
            let step = step_of(vote.precommit);
            RoundSignature::new(step, nil_or(vote.value), vote.seat, vote.signature)
        };
        let cert_type = if wire.skip {
            RoundCertificateType::Skip
        } else {
            RoundCertificateType::Precommit
        };
        Ok(Self {
            height: wire.height,
            round: wire.round.into(),
            cert_type,
            round_signatures: wire.votes.into_iter().map(vote).collect(),
        })
    }
}

#[derive(Serialize, Deserialize)]
pub enum WireLiveness {
    Vote(WireVote),
    Polka(WirePolka),
    SkipRound(WireRoundCertificate),
}

impl Twin for LivenessMsg<LedgerContext> {
    type Wire = WireLiveness;

    fn to_wire(&self) -> WireLiveness {
        match self {
            Self::Vote(vote) => WireLiveness::Vote(vote.to_wire()),
            Self::PolkaCertificate(polka) => WireLiveness::Polka(polka.to_wire()),
            Self::SkipRoundCertificate(round) => WireLiveness::SkipRound(round.to_wire()),
        }
    }

    fn from_wire(wire: WireLiveness) -> Result<Self, NotDecodable> {
        Ok(match wire {
            WireLiveness::Vote(vote) => Self::Vote(Twin::from_wire(vote)?),
            WireLiveness::Polka(polka) => Self::PolkaCertificate(Twin::from_wire(polka)?),
            WireLiveness::SkipRound(round) => Self::SkipRoundCertificate(Twin::from_wire(round)?),
        })
    }

    fn is_unsigned(&self) -> bool {
        matches!(self, Self::Vote(vote) if vote.signature == REFUSED)
    }
}

impl Twin for Part {
    type Wire = Self;

    fn to_wire(&self) -> Self {
        self.clone()
    }

    fn from_wire(wire: Self) -> Result<Self, NotDecodable> {
        Ok(wire)
    }
}

#[derive(Serialize, Deserialize)]
pub struct WireStream {
    #[serde(with = "byte_string")]
    stream: Bytes,
    sequence: u64,
    /// Absent at the end of the stream.
    part: Option<Part>,
}

impl Twin for StreamMessage<Part> {
    type Wire = WireStream;

    fn to_wire(&self) -> WireStream {
        WireStream {
            stream: self.stream_id.to_bytes(),
            sequence: self.sequence,
            part: self.content.as_data().cloned(),
        }
    }

    fn from_wire(wire: WireStream) -> Result<Self, NotDecodable> {
        if wire.stream.len() > STREAM_ID_BYTES_MAX {
            return Err(NotDecodable::OverBound {
                what: "name of a stream",
            });
        }
        let content = wire.part.map_or(StreamContent::Fin, StreamContent::Data);
        Ok(Self::new(
            StreamId::new(wire.stream),
            wire.sequence,
            content,
        ))
    }
}

#[derive(Serialize, Deserialize)]
pub struct WireProof {
    public_key: Vec<u8>,
    peer: Vec<u8>,
    signature: Signature,
}

impl Twin for ValidatorProof<LedgerContext> {
    type Wire = WireProof;

    fn to_wire(&self) -> WireProof {
        WireProof {
            public_key: self.public_key.clone(),
            peer: self.peer_id.clone(),
            signature: self.signature,
        }
    }

    fn from_wire(wire: WireProof) -> Result<Self, NotDecodable> {
        Ok(Self::new(wire.public_key, wire.peer, wire.signature))
    }
}

#[derive(Serialize, Deserialize)]
pub struct WireProposed {
    height: AtHeight,
    round: Option<u32>,
    valid_round: Option<u32>,
    proposer: Seat,
    value: BlockValue,
    valid: bool,
}

impl Twin for ProposedValue<LedgerContext> {
    type Wire = WireProposed;

    fn to_wire(&self) -> WireProposed {
        WireProposed {
            height: self.height,
            round: round_of(self.round),
            valid_round: round_of(self.valid_round),
            proposer: self.proposer.clone(),
            value: self.value,
            valid: self.validity.is_valid(),
        }
    }

    fn from_wire(wire: WireProposed) -> Result<Self, NotDecodable> {
        Ok(Self {
            height: wire.height,
            round: wire.round.into(),
            valid_round: wire.valid_round.into(),
            proposer: wire.proposer,
            value: wire.value,
            validity: Validity::from_bool(wire.valid),
        })
    }
}

#[derive(Serialize, Deserialize)]
pub struct WireStatus {
    #[serde(with = "byte_string")]
    peer: Bytes,
    tip: AtHeight,
    first: AtHeight,
}

impl Twin for sync::Status<LedgerContext> {
    type Wire = WireStatus;

    fn to_wire(&self) -> WireStatus {
        WireStatus {
            peer: self.peer_id.to_bytes().into(),
            tip: self.tip_height,
            first: self.history_min_height,
        }
    }

    fn from_wire(wire: WireStatus) -> Result<Self, NotDecodable> {
        let peer = PeerId::from_bytes(&wire.peer);
        Ok(Self {
            peer_id: peer.map_err(|_| NotDecodable::NoPeer)?,
            tip_height: wire.tip,
            history_min_height: wire.first,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub struct WireRequest {
    first: AtHeight,
    last: AtHeight,
}

impl Twin for sync::Request<LedgerContext> {
    type Wire = WireRequest;

    fn to_wire(&self) -> WireRequest {
        let Self::ValueRequest(request) = self;
        WireRequest {
            first: *request.range.start(),
            last: *request.range.end(),
        }
    }

    fn from_wire(wire: WireRequest) -> Result<Self, NotDecodable> {
        let range = wire.first..=wire.last;
        Ok(Self::ValueRequest(sync::ValueRequest::new(range)))
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireDecided {
    #[serde(with = "byte_string")]
    block: Bytes,
    height: AtHeight,
    round: Option<u32>,
    value: BlockHash,
    signatures: Vec<(Seat, Signature)>,
}

impl WireDecided {
    fn of(decided: &sync::RawDecidedValue<LedgerContext>) -> Self {
        let certificate = &decided.certificate;
        let signed =
            |vote: &ExtendedCommitSignature<LedgerContext>| (vote.address.clone(), vote.signature);
        Self {
            block: decided.value_bytes.clone(),
            height: certificate.height,
            round: round_of(certificate.round),
            value: certificate.value_id,
            signatures: certificate.commit_signatures.iter().map(signed).collect(),
        }
    }

    fn into_decided(self) -> sync::RawDecidedValue<LedgerContext> {
        let signed = |(seat, signature)| ExtendedCommitSignature::new(seat, signature, None);
        let certificate = ExtendedCommitCertificate {
            height: self.height,
            round: self.round.into(),
            value_id: self.value,
            commit_signatures: self.signatures.into_iter().map(signed).collect(),
        };
        sync::RawDecidedValue::new(self.block, certificate)
    }
}

#[derive(Serialize, Deserialize)]
pub struct WireResponse {
    first: AtHeight,
    values: Vec<WireDecided>,
}

impl Twin for sync::Response<LedgerContext> {
    type Wire = WireResponse;

    fn to_wire(&self) -> WireResponse {
        let Self::ValueResponse(response) = self;
        WireResponse {
            first: response.start_height,
            values: response.values.iter().map(WireDecided::of).collect(),
        }
    }

    fn from_wire(wire: WireResponse) -> Result<Self, NotDecodable> {
        if wire.values.len() > SYNC_VALUES_MAX {
            return Err(NotDecodable::OverBound {
                what: "number of blocks",
            });
        }
        let values = wire.values.into_iter().map(WireDecided::into_decided);
        let response = sync::ValueResponse::new(wire.first, values.collect());
        Ok(Self::ValueResponse(response))
    }
}
