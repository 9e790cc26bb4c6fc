//! The genesis document: the first state, the same bytes for every member.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::certificate::ValidatorSet;
use crate::encode::encode;
use crate::hash;
use crate::ids::{GenesisHash, MemberId, PublicKey};
use crate::records::{SetMember, SetPolicy, SetSite};
use crate::time::Time;

/// The only version of a genesis document; others fail closed.
pub const GENESIS_VERSION: u16 = 1;

/// How block time is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The proposer's clock, within bounds of every voter's.
    Wall,
    /// The highest `signed_at` so far: for loading history. Every answer is labelled *replay*.
    Replay,
}

/// Bounds that bytes alone do not set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// Most item-events of one record.
    pub record_item_events_max: u64,
    /// Most item-events of one block.
    pub block_item_events_max: u64,
    /// Most bytes of one transaction.
    pub transaction_bytes_max: u64,
    /// Most bytes of one block.
    pub block_bytes_max: u64,
    /// Most milliseconds that an event may lie after its block.
    pub future_ms_max: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            record_item_events_max: 10_000,
            block_item_events_max: 50_000,
            transaction_bytes_max: 512 * 1024,
            block_bytes_max: 1024 * 1024,
            future_ms_max: 120_000,
        }
    }
}

/// A founding member with its first admin key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Founder {
    /// The member.
    pub member: SetMember,
    /// Its first key, of class admin.
    pub admin_key: PublicKey,
    /// Keys of its first peers, of class peer: sorted, each once, at most [`PEER_KEYS_MAX`]. They
    /// count from genesis on for ever, unless revoked.
    #[serde(default)]
    #[schemars(length(max = "PEER_KEYS_MAX"))]
    pub peer_keys: Vec<PublicKey>,
}

/// Most peer keys of one founder.
pub const PEER_KEYS_MAX: usize = 16;

/// The first state of a ledger.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// [`GENESIS_VERSION`].
    #[serde(deserialize_with = "crate::encode::known_version::<_, GENESIS_VERSION>")]
    pub version: u16,
    /// What people call the ledger, 1 to 60 bytes.
    pub name: String,
    /// Block time of height 0.
    pub time: Time,
    /// How block time is made.
    pub clock: Clock,
    /// Bounds on records and blocks.
    pub bounds: Bounds,
    /// Version of the built-in catalogue of models that the ledger starts with.
    pub catalogue: u32,
    /// Founding members, sorted by member, each once.
    pub founders: Vec<Founder>,
    /// Sites, sorted by site; by their countersignature on this document customs vouch for them.
    pub sites: Vec<SetSite>,
    /// Policies in force from the start, sorted by id.
    pub policies: Vec<SetPolicy>,
    /// The first validators.
    pub validators: ValidatorSet,
    /// Whether a single validator may run the ledger: `--solo`.
    pub solo: bool,
}

/// The genesis document cannot start a ledger. Correct what the message names; all members must use
/// the same file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("genesis: {reason}")]
pub struct GenesisError {
    /// What is wrong.
    pub reason: String,
}

impl Genesis {
    /// Names the ledger: every signature binds it.
    pub fn hash(&self) -> GenesisHash {
        GenesisHash(hash::GENESIS.hash(&encode(self)))
    }

    /// Checks bounds, order and that every name is known.
    pub fn check(&self) -> Result<(), GenesisError> {
        let members: BTreeSet<&MemberId> = self.founders.iter().map(|f| &f.member.member).collect();
        let known = |member: &MemberId| members.contains(member);
        let checks = [
            (
                self.version == GENESIS_VERSION,
                "unknown version; use a newer program",
            ),
            (
                (1..=60).contains(&self.name.len()),
                "name must have 1 to 60 bytes",
            ),
            (
                self.founders
                    .is_sorted_by(|a, b| a.member.member < b.member.member),
                "founders must be sorted by member, each once",
            ),
            (
                self.peer_keys_hold(),
                "peer_keys must be sorted, each once, at most 16 per founder",
            ),
            (
                self.keys_are_distinct(),
                "two founders or peers have the same key",
            ),
            (
                self.sites.is_sorted_by(|a, b| a.site < b.site),
                "sites must be sorted by site, each once",
            ),
            (
                self.policies.is_sorted_by(|a, b| a.policy < b.policy),
                "policies must be sorted by id, each once",
            ),
            (
                self.validators.is_well_formed(),
                "validators must be sorted, distinct and of power 1 to 1,000,000",
            ),
            (
                self.validators.0.iter().all(|v| known(&v.member)),
                "a validator is no founder",
            ),
            (
                self.solo || self.validators.0.len() >= 4,
                "fewer than 4 validators need solo = true",
            ),
            (
                self.sites.iter().all(|s| known(&s.operator)),
                "a site's operator is no founder",
            ),
            (
                self.policies.iter().all(|p| known(&p.policy.member)),
                "a policy's authority is no founder",
            ),
            (
                self.bounds_hold(),
                "bounds must be positive and at most 4 MiB per block",
            ),
        ];
        let wrong = checks.into_iter().find(|(holds, _)| !holds);
        wrong.map_or(Ok(()), |(_, reason)| {
            Err(GenesisError {
                reason: reason.to_owned(),
            })
        })?;
        self.check_shares()?;
        self.check_records()
    }

    /// No jurisdiction begins with what `set_validators` would not give it.
    fn check_shares(&self) -> Result<(), GenesisError> {
        let home = |member: &MemberId| {
            let mut founders = self.founders.iter();
            let founder = founders.find(|founder| founder.member.member == *member);
            founder.map(|founder| founder.member.jurisdiction)
        };
        match self.validators.dominating(home) {
            Some((jurisdiction, power)) if !self.solo => Err(GenesisError {
                reason: format!(
                    "{jurisdiction} holds {power} of {} of the voting power: each jurisdiction \
                     must hold less than a third",
                    self.validators.total_power()
                ),
            }),
            _ => Ok(()),
        }
    }

    fn peer_keys_hold(&self) -> bool {
        self.founders.iter().all(|founder| {
            founder.peer_keys.len() <= PEER_KEYS_MAX && founder.peer_keys.is_sorted_by(|a, b| a < b)
        })
    }

    /// Each key belongs to one member, for one purpose.
    fn keys_are_distinct(&self) -> bool {
        let keys = |founder: &Founder| {
            let admin = std::iter::once(founder.admin_key);
            admin
                .chain(founder.peer_keys.iter().copied())
                .collect::<Vec<_>>()
        };
        let all: Vec<_> = self.founders.iter().flat_map(keys).collect();
        all.iter().collect::<BTreeSet<_>>().len() == all.len()
    }

    fn bounds_hold(&self) -> bool {
        let b = &self.bounds;
        b.record_item_events_max > 0
            && b.record_item_events_max <= b.block_item_events_max
            && b.block_item_events_max <= 1_000_000
            && b.transaction_bytes_max >= 1024
            && b.transaction_bytes_max <= b.block_bytes_max
            && b.block_bytes_max <= 4 * 1024 * 1024
            && b.future_ms_max <= 86_400_000
    }

    fn check_records(&self) -> Result<(), GenesisError> {
        use crate::records::check::Check;
        let fields = (self.founders.iter().map(|f| f.member.check()))
            .chain(self.sites.iter().map(Check::check))
            .chain(self.policies.iter().map(Check::check));
        for field in fields {
            field.map_err(|error| GenesisError {
                reason: error.to_string(),
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;

    fn reason(change: impl FnOnce(&mut Genesis)) -> String {
        let mut genesis = examples::genesis();
        change(&mut genesis);
        genesis.check().unwrap_err().reason
    }

    #[test]
    fn peer_keys_are_sorted_few_and_nobody_elses() {
        let (one, two) = (examples::key(40).public(), examples::key(41).public());
        let (low, high) = (one.min(two), one.max(two));
        let mut good = examples::genesis();
        good.founders[0].peer_keys = vec![low, high];
        good.check().unwrap();
        assert!(reason(|g| g.founders[0].peer_keys = vec![high, low]).contains("sorted"));
        assert!(reason(|g| g.founders[0].peer_keys = vec![low, low]).contains("sorted"));
        let mut many: Vec<_> = (40..57).map(|seed| examples::key(seed).public()).collect();
        many.sort_unstable();
        assert!(reason(|g| g.founders[0].peer_keys = many).contains("at most 16"));
        let taken = "the same key";
        assert!(
            reason(|g| g.founders[0].peer_keys = vec![g.founders[0].admin_key]).contains(taken)
        );
        assert!(
            reason(|g| g.founders[0].peer_keys = vec![g.founders[1].admin_key]).contains(taken)
        );
        assert!(
            reason(|g| {
                g.founders[0].peer_keys = vec![low];
                g.founders[1].peer_keys = vec![low];
            })
            .contains(taken)
        );
    }

    #[test]
    fn no_jurisdiction_begins_with_a_third_of_the_power() {
        use crate::certificate::ValidatorSeat;
        let with = |seats: &[(&str, u64)]| {
            let mut genesis = examples::genesis();
            genesis.solo = false;
            let founder = genesis.founders[0].clone();
            let seats = seats.iter().zip(50_u8..);
            let (mut founders, mut set) = (Vec::new(), Vec::new());
            for ((jurisdiction, power), seed) in seats {
                let mut founder = founder.clone();
                founder.member.member = format!("V{seed}").parse().unwrap();
                founder.member.jurisdiction = jurisdiction.parse().unwrap();
                founder.member.issuers.clear();
                founder.admin_key = examples::key(seed).public();
                founder.peer_keys.clear();
                set.push(ValidatorSeat {
                    member: founder.member.member.clone(),
                    key: examples::key(seed + 100).public(),
                    power: *power,
                });
                founders.push(founder);
            }
            genesis.founders.extend(founders);
            genesis
                .founders
                .sort_by(|a, b| a.member.member.cmp(&b.member.member));
            genesis.validators = ValidatorSet(set);
            genesis.check().map_err(|error| error.reason)
        };
        assert_eq!(with(&[("US", 1), ("DE", 1), ("TW", 1), ("NL", 1)]), Ok(()));
        for seats in [
            [("US", 1), ("DE", 1), ("TW", 1), ("US", 1)],
            [("US", 2), ("DE", 1), ("TW", 1), ("NL", 1)],
            [("US", 2), ("DE", 2), ("TW", 1), ("NL", 1)],
        ] {
            let reason = with(&seats).unwrap_err();
            assert!(reason.contains(" holds 2 of "), "{reason}");
        }
        assert_eq!(with(&[("US", 3), ("DE", 3), ("TW", 2), ("NL", 2)]), Ok(()));
    }

    #[test]
    fn a_document_without_peer_keys_has_none() {
        let mut json = serde_json::to_value(examples::genesis()).unwrap();
        let founder = json["founders"][1].as_object_mut().unwrap();
        founder.remove("peer_keys");
        let genesis: Genesis = serde_json::from_value(json).unwrap();
        assert!(genesis.founders[1].peer_keys.is_empty());
    }
}
