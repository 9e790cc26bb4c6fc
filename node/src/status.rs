//! Signed statuses: how a validator whose guard was lost learns from which height on it may vote.
//!
//! A certificate for height `h` carries the precommits of more than two thirds of the power, so
//! among any other two thirds somebody honest has been at `h` or above. If the highest height that
//! more than two thirds of the power report to be deciding is `m`, nobody can have been shown a
//! certificate above `m`, and so no honest key can have signed above `m + 1`: from `m + 2` on it
//! is safe (decision 008).

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use chipledger_schemas::certificate::{ValidatorSet, guard_status_preimage};
use chipledger_schemas::encode::{decode, encode};
use chipledger_schemas::ids::{GenesisHash, Height, MemberId, Signature};
use chipledger_schemas::keys::verify_strict;
use serde::{Deserialize, Serialize};

use crate::consensus::candidates::validators_of;
use crate::consensus::signing::SharedGuard;
use crate::network::{Request, RequestKind};
use crate::node::NodeHandle;

/// How often the others are asked.
const ASK: Duration = Duration::from_secs(2);
/// Heights above the highest reported one at which this key may have signed.
const MARGIN: u64 = 2;

/// Where a validator stands, signed for one asker.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Whose.
    pub member: MemberId,
    /// The height that it is deciding.
    pub height: Height,
    /// The round.
    pub round: u32,
    /// Over both and the asker's salt.
    pub signature: Signature,
}

/// Answers a peer that asks where this validator stands; none if this node does not vote itself.
pub fn answer(node: &NodeHandle, guard: Option<&SharedGuard>, salt: &[u8]) -> Option<Bytes> {
    let salt: [u8; 32] = salt.try_into().ok()?;
    let guard = guard?;
    let (height, round) = {
        let progress = node.progress.borrow();
        (progress.height.next(), progress.round)
    };
    let genesis = node.store.genesis_hash();
    let status = guard.with(|guard| {
        if guard.needs_safe_height() {
            return None;
        }
        // What it has signed may be ahead of what it has committed.
        let height = height.max(guard.height());
        let preimage = guard_status_preimage(&genesis, guard.member(), height, round, &salt);
        Some(Status {
            member: guard.member().clone(),
            height,
            round,
            signature: guard.sign_status(&preimage),
        })
    })?;
    Some(encode(&status).into())
}

/// Statuses collected for one salt.
#[derive(Debug)]
pub struct Collected {
    genesis: GenesisHash,
    validators: ValidatorSet,
    salt: [u8; 32],
    heights: BTreeMap<MemberId, Height>,
}

impl Collected {
    /// Nothing yet.
    pub fn new(genesis: GenesisHash, validators: ValidatorSet, salt: [u8; 32]) -> Self {
        Self {
            genesis,
            validators,
            salt,
            heights: BTreeMap::new(),
        }
    }

    /// Counts a status if a validator signed it for this salt.
    pub fn add(&mut self, status: &Status) -> bool {
        let seat = self
            .validators
            .0
            .iter()
            .find(|seat| seat.member == status.member);
        let Status {
            member,
            height,
            round,
            signature,
        } = status;
        let preimage = guard_status_preimage(&self.genesis, member, *height, *round, &self.salt);
        let signed = seat.is_some_and(|seat| verify_strict(&seat.key, &preimage, signature));
        if signed {
            self.heights.insert(member.clone(), *height);
        }
        signed
    }

    /// The height from which on signing is safe, once more than two thirds of the power spoke.
    pub fn safe_height(&self) -> Option<Height> {
        let spoke = |seat: &&chipledger_schemas::certificate::ValidatorSeat| {
            self.heights.contains_key(&seat.member)
        };
        let power = self
            .validators
            .0
            .iter()
            .filter(spoke)
            .map(|seat| seat.power)
            .sum();
        if !self.validators.is_quorum(power) {
            return None;
        }
        let highest = self.heights.values().max()?;
        Some(Height(highest.0.saturating_add(MARGIN)))
    }
}

/// Asks the other validators until a safe height is known.
pub async fn recover(node: NodeHandle, guard: SharedGuard) {
    if !guard.with(|guard| guard.needs_safe_height()) {
        return;
    }
    tracing::warn!(
        "the guard of the key that votes was missing: not voting until the other validators say where the chain stands"
    );
    let mut interval = tokio::time::interval(ASK);
    loop {
        interval.tick().await;
        if let Some(safe) = ask(&node).await {
            match guard.with(|guard| guard.resume_from(safe)) {
                Ok(()) => {
                    tracing::warn!(from = %safe, "the key votes again from this height on");
                    return;
                }
                Err(refusal) => tracing::error!("the guard cannot be written: {refusal}"),
            }
        }
    }
}

async fn ask(node: &NodeHandle) -> Option<Height> {
    let next = node.progress.borrow().height.next();
    let validators = validators_of(&node.store, next).ok()?;
    let mut salt = [0; 32];
    getrandom::fill(&mut salt).ok()?;
    let mut collected = Collected::new(node.store.genesis_hash(), validators, salt);
    for peer in node.network.peers() {
        let request = Request {
            kind: RequestKind::GuardStatus,
            body: Bytes::copy_from_slice(&salt),
        };
        if let Ok(bytes) = node.network.request(peer.id, request).await
            && let Ok(status) = decode::<Status>(&bytes)
        {
            collected.add(&status);
        }
    }
    collected.safe_height()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chipledger_schemas::certificate::ValidatorSeat;
    use chipledger_schemas::hash::Hash;
    use chipledger_schemas::keys::SecretKey;

    const GENESIS: GenesisHash = GenesisHash(Hash([1; 32]));
    const SALT: [u8; 32] = [9; 32];

    fn key(seat: u8) -> SecretKey {
        SecretKey::from_seed(&[seat; 32])
    }

    fn collected() -> Collected {
        let seat = |seat: u8| ValidatorSeat {
            member: format!("V{seat}").parse().unwrap(),
            key: key(seat).public(),
            power: 1,
        };
        Collected::new(GENESIS, ValidatorSet((1..=4).map(seat).collect()), SALT)
    }

    fn status(seat: u8, signer: u8, height: u64, salt: &[u8; 32]) -> Status {
        let member: MemberId = format!("V{seat}").parse().unwrap();
        let preimage = guard_status_preimage(&GENESIS, &member, Height(height), 0, salt);
        Status {
            signature: key(signer).sign(&preimage),
            member,
            height: Height(height),
            round: 0,
        }
    }

    #[test]
    fn more_than_two_thirds_of_the_power_give_a_safe_height_above_all_of_theirs() {
        let mut collected = collected();
        for (seat, height) in [(1, 50), (2, 52)] {
            assert!(collected.add(&status(seat, seat, height, &SALT)));
            assert_eq!(collected.safe_height(), None);
        }
        assert!(collected.add(&status(3, 3, 51, &SALT)));
        assert_eq!(collected.safe_height(), Some(Height(54)));
    }

    #[test]
    fn a_status_by_another_key_for_another_salt_or_height_or_twice_does_not_count() {
        let mut collected = collected();
        assert!(!collected.add(&status(1, 2, 50, &SALT)));
        assert!(!collected.add(&status(1, 1, 50, &[8; 32])));
        assert!(!collected.add(&Status {
            height: Height(7),
            ..status(1, 1, 50, &SALT)
        }));
        assert!(!collected.add(&status(5, 5, 50, &SALT)));
        for _ in 0..3 {
            collected.add(&status(1, 1, 50, &SALT));
        }
        assert_eq!(collected.safe_height(), None);
    }
}
