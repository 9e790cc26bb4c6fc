//! Validator sets, votes, and the quorum certificate over a header's hash.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::encode::encode;
use crate::hash::{self, Hash};
use crate::ids::{BlockHash, GenesisHash, Height, MemberId, PublicKey, Signature};
use crate::jurisdiction::Jurisdiction;
use crate::keys::{SecretKey, verify_strict};
pub use crate::words::Step;

mod preimage;

pub use preimage::{
    consensus_preimage, guard_status_preimage, proposal_parts_preimage, vote_preimage,
};

/// A member's seat among the validators.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct ValidatorSeat {
    /// Whose peer votes.
    pub member: MemberId,
    /// The Ed25519 key that it votes with.
    pub key: PublicKey,
    /// Voting power, 1 to 1,000,000.
    pub power: u64,
}

/// Who may vote at a height, sorted by member.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ValidatorSet(pub Vec<ValidatorSeat>);

impl ValidatorSet {
    /// Digest that headers carry.
    pub fn digest(&self) -> Hash {
        hash::VALIDATORS.hash(&encode(self))
    }

    /// Sum of all powers; saturates.
    pub fn total_power(&self) -> u64 {
        self.0
            .iter()
            .fold(0, |sum: u64, seat| sum.saturating_add(seat.power))
    }

    /// Whether `power` is more than two thirds of the total.
    pub fn is_quorum(&self, power: u64) -> bool {
        u128::from(power) * 3 > u128::from(self.total_power()) * 2
    }

    /// A jurisdiction that holds a third or more of the power, and how much it holds: with so
    /// much it
    /// could stop the ledger alone. Whose each member is, `home` says; unknown members count for
    /// none.
    pub fn dominating(
        &self,
        home: impl Fn(&MemberId) -> Option<Jurisdiction>,
    ) -> Option<(Jurisdiction, u64)> {
        let mut power: BTreeMap<Jurisdiction, u64> = BTreeMap::new();
        for seat in &self.0 {
            if let Some(jurisdiction) = home(&seat.member) {
                let held = power.entry(jurisdiction).or_default();
                *held = held.saturating_add(seat.power);
            }
        }
        let total = u128::from(self.total_power());
        power
            .into_iter()
            .find(|(_, power)| u128::from(*power) * 3 >= total)
    }

    /// Well formed: not empty, sorted by member, each member and key once, powers within bounds.
    pub fn is_well_formed(&self) -> bool {
        let sorted = self
            .0
            .windows(2)
            .all(|pair| pair[0].member < pair[1].member);
        let mut keys: Vec<_> = self.0.iter().map(|seat| seat.key).collect();
        keys.sort_unstable();
        keys.dedup();
        !self.0.is_empty()
            && sorted
            && keys.len() == self.0.len()
            && self
                .0
                .iter()
                .all(|seat| (1..=1_000_000).contains(&seat.power))
    }
}

/// One validator's precommit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommitSignature {
    /// Who voted.
    pub member: MemberId,
    /// Over [`vote_preimage`].
    pub signature: Signature,
}

/// Proof that more than two thirds of the voting power precommitted a block.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The block's height.
    pub height: Height,
    /// The round in which it was decided.
    pub round: u32,
    /// The block.
    pub block: BlockHash,
    /// The votes, sorted by member.
    pub signatures: Vec<CommitSignature>,
}

/// Why a certificate proves nothing. Ask another peer for the block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// It is for another block or height.
    #[error("the certificate is for block {got} at height {height}")]
    OtherBlock {
        /// The block that it names.
        got: BlockHash,
        /// The height that it names.
        height: Height,
    },
    /// A signer occurs twice, or the list is not sorted.
    #[error("signers are not sorted by member, each once")]
    DuplicateSigner,
    /// A signer has no seat in the validator set.
    #[error("{member} is no validator at this height")]
    UnknownSigner {
        /// The signer.
        member: MemberId,
    },
    /// A signature is not the signer's over this block.
    #[error("the signature of {member} does not verify")]
    BadSignature {
        /// The signer.
        member: MemberId,
    },
    /// The signers have two thirds of the power or less.
    #[error("power {got} of {total} is no quorum")]
    NoQuorum {
        /// Power of the signers.
        got: u64,
        /// Power of the set.
        total: u64,
    },
}

impl Certificate {
    /// Checks that `validators` certified `block` at `height`. Weights come from the set given,
    /// never from the certificate.
    pub fn verify(
        &self,
        genesis: &GenesisHash,
        height: Height,
        block: &BlockHash,
        validators: &ValidatorSet,
    ) -> Result<(), CertificateError> {
        if self.block != *block || self.height != height {
            return Err(CertificateError::OtherBlock {
                got: self.block,
                height: self.height,
            });
        }
        if !self
            .signatures
            .windows(2)
            .all(|pair| pair[0].member < pair[1].member)
        {
            return Err(CertificateError::DuplicateSigner);
        }
        let preimage = vote_preimage(genesis, height, self.round, block);
        let mut power = 0_u64;
        for vote in &self.signatures {
            let seat = validators
                .0
                .iter()
                .find(|seat| seat.member == vote.member)
                .ok_or_else(|| CertificateError::UnknownSigner {
                    member: vote.member.clone(),
                })?;
            if !verify_strict(&seat.key, &preimage, &vote.signature) {
                return Err(CertificateError::BadSignature {
                    member: vote.member.clone(),
                });
            }
            power = power.saturating_add(seat.power);
        }
        if !validators.is_quorum(power) {
            return Err(CertificateError::NoQuorum {
                got: power,
                total: validators.total_power(),
            });
        }
        Ok(())
    }

    /// The certificate of a set of one: `--solo`.
    pub fn solo(
        genesis: &GenesisHash,
        height: Height,
        block: BlockHash,
        seat: &MemberId,
        key: &SecretKey,
    ) -> Self {
        let signature = key.sign(&vote_preimage(genesis, height, 0, &block));
        let signatures = vec![CommitSignature {
            member: seat.clone(),
            signature,
        }];
        Self {
            height,
            round: 0,
            block,
            signatures,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENESIS: GenesisHash = GenesisHash(Hash([1; 32]));
    const BLOCK: BlockHash = BlockHash(Hash([2; 32]));
    const HEIGHT: Height = Height(7);

    fn key(seat: u8) -> SecretKey {
        SecretKey::from_seed(&[seat; 32])
    }

    /// Validators V1, V2, ... with the given powers.
    fn set(powers: &[u64]) -> ValidatorSet {
        let seat = |(seat, power): (u8, &u64)| ValidatorSeat {
            member: format!("V{seat}").parse().unwrap(),
            key: key(seat).public(),
            power: *power,
        };
        ValidatorSet((1..).zip(powers).map(seat).collect())
    }

    /// A certificate in round 3 by the given seats, in that order.
    fn certificate(seats: &[u8]) -> Certificate {
        let preimage = vote_preimage(&GENESIS, HEIGHT, 3, &BLOCK);
        let vote = |seat: &u8| CommitSignature {
            member: format!("V{seat}").parse().unwrap(),
            signature: key(*seat).sign(&preimage),
        };
        Certificate {
            height: HEIGHT,
            round: 3,
            block: BLOCK,
            signatures: seats.iter().map(vote).collect(),
        }
    }

    fn verify(certificate: &Certificate, set: &ValidatorSet) -> Result<(), CertificateError> {
        certificate.verify(&GENESIS, HEIGHT, &BLOCK, set)
    }

    #[test]
    fn more_than_two_thirds_of_the_power_certify_a_block() {
        assert_eq!(
            verify(&certificate(&[1, 2, 3]), &set(&[1, 1, 1, 1])),
            Ok(())
        );
        assert_eq!(verify(&certificate(&[2]), &set(&[1, 5, 1])), Ok(()));
    }

    #[test]
    fn exactly_two_thirds_are_no_quorum() {
        let refused = verify(&certificate(&[1, 2]), &set(&[1, 1, 1]));
        assert_eq!(
            refused,
            Err(CertificateError::NoQuorum { got: 2, total: 3 })
        );
        let refused = verify(&certificate(&[1, 2]), &set(&[333_333, 333_333, 333_333]));
        assert!(matches!(refused, Err(CertificateError::NoQuorum { .. })));
        assert_eq!(
            verify(&certificate(&[1, 2]), &set(&[333_333, 333_334, 333_333])),
            Ok(())
        );
    }

    #[test]
    fn nobody_is_a_quorum_of_no_validators() {
        let refused = verify(&certificate(&[]), &set(&[]));
        assert_eq!(
            refused,
            Err(CertificateError::NoQuorum { got: 0, total: 0 })
        );
    }

    #[test]
    fn a_signer_that_occurs_twice_or_out_of_order_is_refused() {
        for seats in [&[1, 1, 2][..], &[1, 2, 2], &[2, 1, 3]] {
            let refused = verify(&certificate(seats), &set(&[1, 1, 1, 1]));
            assert_eq!(refused, Err(CertificateError::DuplicateSigner), "{seats:?}");
        }
    }

    #[test]
    fn a_signer_without_a_seat_is_refused_even_beside_a_quorum() {
        let refused = verify(&certificate(&[1, 2, 3, 9]), &set(&[1, 1, 1]));
        let member = "V9".parse().unwrap();
        assert_eq!(refused, Err(CertificateError::UnknownSigner { member }));
    }

    #[test]
    fn another_block_height_round_ledger_or_key_is_refused() {
        let (good, set) = (certificate(&[1, 2, 3]), set(&[1, 1, 1]));
        let other = BlockHash(Hash([3; 32]));
        for refused in [
            good.verify(&GENESIS, HEIGHT.next(), &BLOCK, &set),
            good.verify(&GENESIS, HEIGHT, &other, &set),
        ] {
            assert!(matches!(refused, Err(CertificateError::OtherBlock { .. })));
        }
        let relabelled = |change: fn(&mut Certificate)| {
            let mut certificate = good.clone();
            change(&mut certificate);
            certificate.verify(&GENESIS, certificate.height, &certificate.block, &set)
        };
        for refused in [
            relabelled(|c| c.height = Height(8)),
            relabelled(|c| c.round = 4),
            relabelled(|c| c.block = BlockHash(Hash([3; 32]))),
            relabelled(|c| c.signatures[2].signature = c.signatures[1].signature),
            good.verify(&GenesisHash(Hash([9; 32])), HEIGHT, &BLOCK, &set),
        ] {
            assert!(matches!(
                refused,
                Err(CertificateError::BadSignature { .. })
            ));
        }
    }

    #[test]
    fn a_validator_set_is_sorted_with_distinct_keys_and_powers_within_bounds() {
        let good = set(&[1, 1_000_000]);
        assert!(good.is_well_formed());
        let broken: [fn(&mut ValidatorSet); 6] = [
            |s| s.0.clear(),
            |s| s.0.reverse(),
            |s| s.0[1].member = s.0[0].member.clone(),
            |s| s.0[1].key = s.0[0].key,
            |s| s.0[0].power = 0,
            |s| s.0[0].power = 1_000_001,
        ];
        for change in broken {
            let mut set = good.clone();
            change(&mut set);
            assert!(!set.is_well_formed());
        }
    }

    #[test]
    fn a_solo_certificate_verifies_under_its_set_of_one() {
        let solo = Certificate::solo(&GENESIS, HEIGHT, BLOCK, &"V1".parse().unwrap(), &key(1));
        assert_eq!(verify(&solo, &set(&[1])), Ok(()));
    }
}
