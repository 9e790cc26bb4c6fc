//! The cast: who is there from the start, and the demonstration keys of everybody.

use chipledger_schemas::genesis::{Clock, Genesis};
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::keys::SecretKey;
use chipledger_schemas::records::Record;
use chipledger_schemas::time::{DAY_MS, HOUR_MS, Time};
use chipledger_schemas::transaction::{Body, TRANSACTION_VERSION, Transaction};

use super::cluster::Clusters;
use super::governance;
use super::keys::{KeyName, Seed};
use super::roster::{INSPECTOR, REGULATORS, Roster, named};

/// Most validators of a demonstration network.
pub const VALIDATORS_MAX: usize = governance::VALIDATORS_MAX;

/// The founders of the demonstration world: a genesis, and all keys of those named in it.
#[derive(Clone, Debug)]
pub struct Cast {
    seed: Seed,
    genesis: Genesis,
}

impl Cast {
    /// The founders, with so many customs as validators: 1, or 4 to [`VALIDATORS_MAX`]. All keys
    /// follow from the seed.
    pub fn new(seed: u64, validators: usize, clock: Clock) -> Self {
        let roster = Roster::of(&Clusters::builtin());
        Self::of(Seed(seed), &roster, validators, clock)
    }

    pub(super) fn of(seed: Seed, roster: &Roster, validators: usize, clock: Clock) -> Self {
        Self {
            seed,
            genesis: governance::genesis(seed, roster, validators, clock),
        }
    }

    /// The first state of the ledger.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Members whose nodes vote, in the order of the set.
    pub fn validators(&self) -> impl Iterator<Item = &MemberId> {
        self.genesis.validators.0.iter().map(|seat| &seat.member)
    }

    /// Customs of other countries, in the order in which seats would go to them.
    pub fn standby(&self) -> impl Iterator<Item = MemberId> {
        let seated = self.genesis.validators.0.len();
        governance::customs_with_nodes().skip(seated)
    }

    /// The regulators; any three of the four are a quorum.
    pub fn regulators(&self) -> impl Iterator<Item = MemberId> {
        REGULATORS.iter().map(|(member, _)| named(member))
    }

    /// The member whose node follows without a vote.
    pub fn observer(&self) -> MemberId {
        named(INSPECTOR)
    }

    /// The key that a member's node votes with.
    pub fn validator_key(&self, member: &MemberId) -> SecretKey {
        self.seed.key(member, KeyName::Validator)
    }

    /// The key that names a member's node among peers.
    pub fn peer_key(&self, member: &MemberId) -> SecretKey {
        self.seed.key(member, KeyName::Peer)
    }

    /// The admin key of a member.
    pub fn admin_key(&self, member: &MemberId) -> SecretKey {
        self.seed.key(member, KeyName::Admin)
    }

    /// Records signed with the admin keys of a founder and of others, valid from an hour before
    /// `time` for a day after.
    pub fn sign(
        &self,
        author: &MemberId,
        cosigners: &[MemberId],
        records: Vec<Record>,
        time: Time,
    ) -> Transaction {
        let key = self.admin_key(author);
        let body = Body {
            version: TRANSACTION_VERSION,
            genesis: self.genesis.hash(),
            member: author.clone(),
            key: key.public(),
            signed_at: time,
            valid_from: time.minus_ms(HOUR_MS),
            valid_until: time.plus_ms(DAY_MS),
            records,
        };
        let cosign = |transaction: Transaction, member: &MemberId| {
            transaction.cosign(member.clone(), &self.admin_key(member))
        };
        cosigners.iter().fold(body.sign(&key), cosign)
    }

    pub(super) fn seed(&self) -> Seed {
        self.seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_of_network_has_a_genesis_that_a_ledger_accepts() {
        for validators in [1, 4, 5, 7, VALIDATORS_MAX] {
            let cast = Cast::new(1, validators, Clock::Wall);
            cast.genesis().check().unwrap();
            assert_eq!(cast.validators().count(), validators);
            assert_eq!(cast.genesis().solo, validators == 1);
        }
    }
}
