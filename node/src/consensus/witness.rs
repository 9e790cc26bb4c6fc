//! Watches every vote and proposal that arrives, also those that come after the decision and that
//! the engine no longer looks at: a validator that contradicts itself late is found all the same.
//!
//! Bounded: the last heights, the first rounds, one statement for each seat, round and step.

use std::collections::BTreeMap;

use arc_malachitebft_app_channel::app::consensus::SignedConsensusMsg;
use arc_malachitebft_app_channel::app::events::RxEvent;
use arc_malachitebft_core_types::{NilOrVal, VoteType};
use arc_malachitebft_engine::util::events::Event;
use chipledger_ledger::store::Store;
use chipledger_schemas::certificate::{Step, ValidatorSet, consensus_preimage};
use chipledger_schemas::ids::{GenesisHash, Height, MemberId};
use chipledger_schemas::keys::verify_strict;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use super::candidates::validators_of;
use super::context::LedgerContext;
use super::evidence::{Equivocation, SignedValue};

/// Heights below the one being decided that are watched on.
const HEIGHTS_KEPT: u64 = 3;
/// Rounds of a height that are watched.
const ROUNDS_MAX: u32 = 64;

/// Which statement a validator may make once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Place {
    height: Height,
    round: u32,
    step: Step,
    member: MemberId,
}

/// What was seen of the last heights.
#[derive(Debug, Default)]
pub struct Witness {
    validators: BTreeMap<Height, ValidatorSet>,
    seen: BTreeMap<Place, SignedValue>,
}

impl Witness {
    /// Watches until the engine stops; tells `evidence` what it finds.
    pub async fn run(
        mut self,
        store: Store,
        mut events: RxEvent<LedgerContext>,
        evidence: mpsc::Sender<Equivocation>,
    ) {
        loop {
            let message = match events.recv().await {
                Ok(Event::Received(message)) => message,
                // What was missed is missed: the engine looks for itself, too.
                Ok(_) | Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
            let Some((place, value)) = read(&message) else {
                continue;
            };
            self.know_validators(&store, place.height);
            if let Some(found) = self.see(&store.genesis_hash(), place, value) {
                // More than the channel holds is more of the same.
                let _ = evidence.try_send(found);
            }
        }
    }

    /// Knows who votes at a height that is watched, and forgets what lies too far back.
    fn know_validators(&mut self, store: &Store, height: Height) {
        let deciding = store.head().header.height.next();
        let first = Height(deciding.0.saturating_sub(HEIGHTS_KEPT));
        self.validators.retain(|height, _| *height >= first);
        self.seen.retain(|place, _| place.height >= first);
        let watched = height >= first && height <= deciding.next();
        if watched
            && !self.validators.contains_key(&height)
            // Fails only when the ledger cannot be read: others stop the node then.
            && let Ok(validators) = validators_of(store, height)
        {
            self.validators.insert(height, validators);
        }
    }

    /// Takes a statement in; gives both if it contradicts an earlier one of the same key.
    fn see(
        &mut self,
        genesis: &GenesisHash,
        place: Place,
        value: SignedValue,
    ) -> Option<Equivocation> {
        let validators = self.validators.get(&place.height)?;
        let seat = validators
            .0
            .iter()
            .find(|seat| seat.member == place.member)?;
        let says = |value: &SignedValue| (value.block, value.pol_round);
        if place.round > ROUNDS_MAX
            || (self.seen.get(&place)).is_some_and(|known| says(known) == says(&value))
        {
            return None;
        }
        let preimage = consensus_preimage(
            genesis,
            place.height,
            place.round,
            place.step,
            value.block.as_ref(),
            value.pol_round,
        );
        if !verify_strict(&seat.key, &preimage, &value.signature) {
            return None;
        }
        let Some(first) = self.seen.get(&place) else {
            self.seen.insert(place, value);
            return None;
        };
        Some(Equivocation {
            first: first.clone(),
            second: value,
            member: place.member,
            height: place.height,
            round: place.round,
            step: place.step,
        })
    }
}

fn read(message: &SignedConsensusMsg<LedgerContext>) -> Option<(Place, SignedValue)> {
    Some(match message {
        SignedConsensusMsg::Vote(vote) => {
            let (signature, vote) = (vote.signature, &vote.message);
            let place = Place {
                height: vote.height.height(),
                round: vote.round.as_u32()?,
                step: match vote.step {
                    VoteType::Prevote => Step::Prevote,
                    VoteType::Precommit => Step::Precommit,
                },
                member: vote.seat.0.clone(),
            };
            let block = match vote.value {
                NilOrVal::Nil => None,
                NilOrVal::Val(block) => Some(block),
            };
            let value = SignedValue {
                block,
                pol_round: None,
                signature,
            };
            (place, value)
        }
        SignedConsensusMsg::Proposal(proposal) => {
            let (signature, proposal) = (proposal.signature, &proposal.message);
            let place = Place {
                height: proposal.height.height(),
                round: proposal.round.as_u32()?,
                step: Step::Proposal,
                member: proposal.seat.0.clone(),
            };
            let value = SignedValue {
                block: Some(proposal.value.0),
                pol_round: proposal.pol_round.as_u32(),
                signature,
            };
            (place, value)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chipledger_schemas::certificate::ValidatorSeat;
    use chipledger_schemas::hash::Hash;
    use chipledger_schemas::ids::{BlockHash, Signature};
    use chipledger_schemas::keys::SecretKey;

    const GENESIS: GenesisHash = GenesisHash(Hash([1; 32]));

    fn key() -> SecretKey {
        SecretKey::from_seed(&[7; 32])
    }

    fn witness() -> Witness {
        let seat = ValidatorSeat {
            member: "V".parse().unwrap(),
            key: key().public(),
            power: 1,
        };
        let mut witness = Witness::default();
        witness
            .validators
            .insert(Height(5), ValidatorSet(vec![seat]));
        witness
    }

    fn place(height: u64, round: u32, step: Step) -> Place {
        Place {
            height: Height(height),
            round,
            step,
            member: "V".parse().unwrap(),
        }
    }

    fn signed(place: &Place, block: u8) -> SignedValue {
        let block = Some(BlockHash(Hash([block; 32])));
        let Place {
            height,
            round,
            step,
            ..
        } = *place;
        let preimage = consensus_preimage(&GENESIS, height, round, step, block.as_ref(), None);
        SignedValue {
            block,
            pol_round: None,
            signature: key().sign(&preimage),
        }
    }

    #[test]
    fn the_second_of_two_different_signed_statements_is_found() {
        let mut witness = witness();
        for step in [Step::Proposal, Step::Prevote, Step::Precommit] {
            let at = place(5, 0, step);
            let (first, second) = (signed(&at, 1), signed(&at, 2));
            assert_eq!(witness.see(&GENESIS, at.clone(), first.clone()), None);
            assert_eq!(witness.see(&GENESIS, at.clone(), first.clone()), None);
            let found = witness.see(&GENESIS, at, second.clone()).unwrap();
            assert_eq!(
                (found.first, found.second, found.step),
                (first, second, step)
            );
        }
    }

    #[test]
    fn what_is_not_signed_by_the_seat_is_neither_remembered_nor_found() {
        let mut witness = witness();
        let at = place(5, 0, Step::Prevote);
        let forged = SignedValue {
            signature: Signature([3; 64]),
            ..signed(&at, 1)
        };
        assert_eq!(witness.see(&GENESIS, at.clone(), forged.clone()), None);
        assert_eq!(witness.see(&GENESIS, at.clone(), signed(&at, 2)), None);
        assert_eq!(witness.see(&GENESIS, at, forged), None);
    }

    #[test]
    fn other_rounds_heights_and_strangers_are_no_contradiction_and_take_no_room() {
        let mut witness = witness();
        for at in [
            place(5, 0, Step::Prevote),
            place(5, 1, Step::Prevote),
            place(5, 0, Step::Precommit),
        ] {
            let value = signed(&at, u8::try_from(at.round).unwrap());
            assert_eq!(witness.see(&GENESIS, at, value), None);
        }
        let mut stranger = place(5, 0, Step::Prevote);
        stranger.member = "W".parse().unwrap();
        for at in [
            place(6, 0, Step::Prevote),
            place(5, ROUNDS_MAX + 1, Step::Prevote),
            stranger,
        ] {
            let value = signed(&at, 1);
            assert_eq!(witness.see(&GENESIS, at, value), None);
        }
        assert_eq!(witness.seen.len(), 3);
    }
}
