//! Demonstration keys: every key of the world comes from its seed, so that two runs give the same
//! bytes.
//!
//! Whoever knows the seed has every secret key of the generated ledger. Never use them elsewhere.

use std::collections::BTreeMap;

use chipledger_schemas::ids::{MemberId, PublicKey};
use chipledger_schemas::keys::SecretKey;
use chipledger_schemas::time::{DAY_MS, Time};
use chipledger_schemas::words::KeyClass;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Clerk keys change every four years: 2016, 2020, 2024. Two terms overlap by [`OVERLAP_MS`] on
/// each side.
const TERM_STARTS_MS: [u64; 4] = [
    1_451_606_400_000,
    1_577_836_800_000,
    1_704_067_200_000,
    1_830_297_600_000,
];
/// How long before and after its term a clerk key is valid, so that a transaction that waits for
/// its block finds its key.
pub(super) const OVERLAP_MS: u64 = 20 * DAY_MS;

/// Which key of a member.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum KeyName {
    /// The admin key: one for good.
    Admin,
    /// The clerk key of a term.
    Clerk(usize),
    /// The key that a validator votes with.
    Validator,
    /// The key that names a member's node among peers.
    Peer,
}

/// The term in which `time` lies.
pub(super) fn term(time: Time) -> usize {
    let started = TERM_STARTS_MS.iter().filter(|start| **start <= time.0);
    started.count().saturating_sub(1)
}

/// From when to when the clerk key of a term is valid.
pub(super) fn validity(term: usize) -> (Time, Time) {
    let end = TERM_STARTS_MS.get(term + 1).copied();
    let end = end.unwrap_or(u64::MAX / 2);
    (
        Time(TERM_STARTS_MS[term]).minus_ms(OVERLAP_MS),
        Time::default().plus_ms(end).plus_ms(OVERLAP_MS),
    )
}

/// Derives keys and random streams from the seed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seed(pub(super) u64);

impl Seed {
    fn derive(self, context: &str, parts: &[&[u8]]) -> [u8; 32] {
        // Each part with its length: no two lists of parts are one material.
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(&self.0.to_le_bytes());
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        *hasher.finalize().as_bytes()
    }

    pub(super) fn key(self, member: &MemberId, name: KeyName) -> SecretKey {
        let name = match name {
            KeyName::Admin => "admin".to_owned(),
            KeyName::Clerk(term) => format!("clerk {term}"),
            KeyName::Validator => "validator".to_owned(),
            KeyName::Peer => "peer".to_owned(),
        };
        let parts = [member.as_str().as_bytes(), name.as_bytes()];
        SecretKey::from_seed(&self.derive("chipledger testnet v1 demonstration key", &parts))
    }

    /// A stream of random numbers of its own for `purpose`, whatever else was drawn before.
    pub(super) fn stream(self, purpose: &str) -> Dice {
        let seed = self.derive("chipledger testnet v1 random stream", &[purpose.as_bytes()]);
        Dice(ChaCha8Rng::from_seed(seed))
    }
}

/// Random numbers of a fixed algorithm (ChaCha8): the same on every machine and in every version.
#[derive(Debug)]
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// A number below `end`, which is not 0. The bias of a 64-bit remainder does not matter here.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        use rand_chacha::rand_core::Rng;
        self.0.next_u64() % end.max(1)
    }
}

/// Secret keys made so far: making one costs as much as a signature.
#[derive(Debug)]
pub(super) struct Keyring {
    seed: Seed,
    keys: BTreeMap<(MemberId, KeyName), SecretKey>,
}

impl Keyring {
    pub(super) fn new(seed: Seed) -> Self {
        Self {
            seed,
            keys: BTreeMap::new(),
        }
    }

    /// The key with which `member` signs at `time`.
    pub(super) fn signing(&mut self, member: &MemberId, class: KeyClass, time: Time) -> &SecretKey {
        let name = match class {
            // A peer's key signs nothing; where a signature is needed it is the member's.
            KeyClass::Admin | KeyClass::Peer => KeyName::Admin,
            KeyClass::Clerk => KeyName::Clerk(term(time)),
        };
        self.named(member, name)
    }

    pub(super) fn named(&mut self, member: &MemberId, name: KeyName) -> &SecretKey {
        let seed = self.seed;
        let entry = self.keys.entry((member.clone(), name));
        entry.or_insert_with(|| seed.key(member, name))
    }

    pub(super) fn public(&mut self, member: &MemberId, name: KeyName) -> PublicKey {
        self.named(member, name).public()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_name_and_seed_has_a_key_of_its_own() {
        let member = |text: &str| text.parse::<MemberId>().expect("a member");
        let key = |seed, text, name| Seed(seed).key(&member(text), name).public();
        let one = key(1, "A", KeyName::Admin);
        assert_eq!(one, key(1, "A", KeyName::Admin));
        assert_ne!(one, key(2, "A", KeyName::Admin));
        assert_ne!(one, key(1, "B", KeyName::Admin));
        assert_ne!(one, key(1, "A", KeyName::Clerk(0)));
    }

    #[test]
    fn a_term_begins_with_its_year_and_its_key_is_valid_around_it() {
        let time = |text: &str| text.parse::<Time>().expect("a time");
        assert_eq!(term(time("2019-12-31T23:59:59Z")), 0);
        assert_eq!(term(time("2020-01-01")), 1);
        assert_eq!(term(time("2024-01-01")), 2);
        let (from, until) = validity(1);
        assert_eq!(from.to_string(), "2019-12-12T00:00:00Z");
        assert_eq!(until.to_string(), "2024-01-21T00:00:00Z");
    }
}
