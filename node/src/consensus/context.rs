//! The words of the ledger in the types that the engine asks for.
//!
//! A validator's address is its member; the value that is voted on is a block's hash, so that votes
//! stay small and the block travels once, in parts.

use std::fmt;

use arc_malachitebft_core_types as engine;
use chipledger_schemas::certificate::{ValidatorSeat, ValidatorSet};
use chipledger_schemas::ids::{BlockHash, Height, MemberId, PublicKey, Signature};
use engine::{LinearTimeouts, NilOrVal, Round, SignedExtension, VoteType};
use serde::{Deserialize, Serialize};

/// The engine's context: a type to hang the others on. Signatures, not types, bind the ledger.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LedgerContext;

/// A validator's address: the member whose seat it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seat(pub MemberId);

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl engine::Address for Seat {}

/// A height of consensus; the first is 1, because nobody votes on genesis.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct AtHeight(pub u64);

impl AtHeight {
    /// The ledger's word for it.
    pub fn height(self) -> Height {
        Height(self.0)
    }
}

impl From<Height> for AtHeight {
    fn from(height: Height) -> Self {
        Self(height.0)
    }
}

impl fmt::Display for AtHeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl engine::Height for AtHeight {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

/// What is voted on: a block, by its hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlockValue(pub BlockHash);

impl engine::Value for BlockValue {
    type Id = BlockHash;

    fn id(&self) -> BlockHash {
        self.0
    }
}

/// A prevote or precommit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vote {
    /// Which of the two.
    pub step: VoteType,
    /// At which height.
    pub height: AtHeight,
    /// In which round.
    pub round: Round,
    /// For a block, or for none.
    pub value: NilOrVal<BlockHash>,
    /// Whose.
    pub seat: Seat,
}

impl engine::Vote<LedgerContext> for Vote {
    fn height(&self) -> AtHeight {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<BlockHash> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<BlockHash> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        self.step
    }

    fn validator_address(&self) -> &Seat {
        &self.seat
    }

    fn extension(&self) -> Option<&SignedExtension<LedgerContext>> {
        None
    }

    fn take_extension(&mut self) -> Option<SignedExtension<LedgerContext>> {
        None
    }

    // The policy of every height is `Disabled`, so the engine never extends.
    fn extend(self, _: SignedExtension<LedgerContext>) -> Self {
        self
    }
}

/// What a proposer says: this block, in this round.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposal {
    /// At which height.
    pub height: AtHeight,
    /// In which round.
    pub round: Round,
    /// The block.
    pub value: BlockValue,
    /// The round in which the block had its polka, if it is proposed again.
    pub pol_round: Round,
    /// Whose.
    pub seat: Seat,
}

impl engine::Proposal<LedgerContext> for Proposal {
    fn height(&self) -> AtHeight {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &BlockValue {
        &self.value
    }

    fn take_value(self) -> BlockValue {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.pol_round
    }

    fn validator_address(&self) -> &Seat {
        &self.seat
    }
}

/// One message of the stream in which a block travels: first who says so, then the block's bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Part {
    /// The first part.
    Init(PartInit),
    /// A piece of the block's canonical bytes.
    Piece(#[serde(with = "super::codec::byte_string")] bytes::Bytes),
}

/// What the proposer signs about the stream: which block, how long.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PartInit {
    /// At which height.
    pub height: AtHeight,
    /// The round for which the block was built.
    pub round: u32,
    /// Who built it.
    pub proposer: MemberId,
    /// The block.
    pub block: BlockHash,
    /// Length of its canonical bytes.
    pub bytes: u64,
    /// The proposer's, over the preimage of proposal parts.
    pub signature: Signature,
}

impl engine::ProposalPart<LedgerContext> for Part {
    fn is_first(&self) -> bool {
        matches!(self, Self::Init(_))
    }

    // The end of a stream is a message of its own.
    fn is_last(&self) -> bool {
        false
    }
}

/// A seat among the validators.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Validator {
    seat: Seat,
    key: VoteKey,
    power: u64,
}

impl From<&ValidatorSeat> for Validator {
    fn from(seat: &ValidatorSeat) -> Self {
        Self {
            seat: Seat(seat.member.clone()),
            key: VoteKey(seat.key),
            power: seat.power,
        }
    }
}

impl engine::Validator<LedgerContext> for Validator {
    fn address(&self) -> &Seat {
        &self.seat
    }

    fn public_key(&self) -> &VoteKey {
        &self.key
    }

    fn voting_power(&self) -> u64 {
        self.power
    }
}

/// Who votes at a height, in the ledger's order: by member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Validators(Vec<Validator>);

impl From<&ValidatorSet> for Validators {
    fn from(set: &ValidatorSet) -> Self {
        Self(set.0.iter().map(Validator::from).collect())
    }
}

impl engine::ValidatorSet<LedgerContext> for Validators {
    fn count(&self) -> usize {
        self.0.len()
    }

    // At most 200 seats of at most 1,000,000 each.
    fn total_voting_power(&self) -> u64 {
        self.0.iter().map(|validator| validator.power).sum()
    }

    fn get_by_address(&self, address: &Seat) -> Option<&Validator> {
        self.0.iter().find(|validator| validator.seat == *address)
    }

    fn get_by_index(&self, index: usize) -> Option<&Validator> {
        self.0.get(index)
    }
}

/// The key that a validator votes with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VoteKey(pub PublicKey);

/// A signature of the ledger's own rule: strict Ed25519 over a 32-byte preimage.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Strict;

/// The bytes are not of the length that a signature or key has.
#[derive(Debug, thiserror::Error)]
#[error("{got} bytes instead of {expected}")]
pub struct WrongLength {
    /// Bytes given.
    pub got: usize,
    /// Bytes that it takes.
    pub expected: usize,
}

fn exactly<const N: usize>(bytes: &[u8]) -> Result<[u8; N], WrongLength> {
    bytes.try_into().map_err(|_| WrongLength {
        got: bytes.len(),
        expected: N,
    })
}

impl engine::SigningScheme for Strict {
    type DecodingError = WrongLength;
    type Signature = Signature;
    type PublicKey = VoteKey;
    // Signing goes through the guard; the engine never holds a key.
    type PrivateKey = ();

    fn decode_signature(bytes: &[u8]) -> Result<Signature, WrongLength> {
        exactly(bytes).map(Signature)
    }

    fn encode_signature(signature: &Signature) -> Vec<u8> {
        signature.0.to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<VoteKey, WrongLength> {
        exactly(bytes).map(|key| VoteKey(PublicKey(key)))
    }

    fn encode_public_key(key: &VoteKey) -> Vec<u8> {
        key.0.0.to_vec()
    }
}

/// Whose turn it is: validators take turns by height and round, each as often as the others,
/// whatever their power. Every replica asks the same function, also for blocks of the past.
pub fn proposer_index(seats: usize, height: Height, round: u32) -> usize {
    let turn = height.0.wrapping_add(u64::from(round));
    usize::try_from(turn % (seats.max(1) as u64)).unwrap_or(0)
}

impl engine::Context for LedgerContext {
    type Address = Seat;
    type Height = AtHeight;
    type ProposalPart = Part;
    type Proposal = Proposal;
    type Validator = Validator;
    type ValidatorSet = Validators;
    type Timeouts = LinearTimeouts;
    type Value = BlockValue;
    type Vote = Vote;
    type Extension = ();
    type SigningScheme = Strict;

    fn select_proposer<'a>(
        &self,
        validators: &'a Validators,
        height: AtHeight,
        round: Round,
    ) -> &'a Validator {
        let round = round.as_u32().unwrap_or(0);
        &validators.0[proposer_index(validators.0.len(), height.height(), round)]
    }

    fn new_proposal(
        &self,
        height: AtHeight,
        round: Round,
        value: BlockValue,
        pol_round: Round,
        seat: Seat,
    ) -> Proposal {
        Proposal {
            height,
            round,
            value,
            pol_round,
            seat,
        }
    }

    fn new_prevote(
        &self,
        height: AtHeight,
        round: Round,
        value: NilOrVal<BlockHash>,
        seat: Seat,
    ) -> Vote {
        vote(VoteType::Prevote, height, round, value, seat)
    }

    fn new_precommit(
        &self,
        height: AtHeight,
        round: Round,
        value: NilOrVal<BlockHash>,
        seat: Seat,
    ) -> Vote {
        vote(VoteType::Precommit, height, round, value, seat)
    }
}

fn vote(
    step: VoteType,
    height: AtHeight,
    round: Round,
    value: NilOrVal<BlockHash>,
    seat: Seat,
) -> Vote {
    Vote {
        step,
        height,
        round,
        value,
        seat,
    }
}
