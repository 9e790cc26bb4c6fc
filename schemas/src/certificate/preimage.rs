//! What a validator's key signs: votes, proposals, streams of parts, and what its guard remembers.
//!
//! Every preimage binds the ledger and its own type, and no two statements share one: whoever
//! holds two signatures over two of these holds two statements.

use super::Step;
use crate::encode::encode;
use crate::hash;
use crate::ids::{BlockHash, GenesisHash, Height, MemberId};

/// What a validator signs when it precommits a block: bound to the ledger, the height and the
/// round.
pub fn vote_preimage(
    genesis: &GenesisHash,
    height: Height,
    round: u32,
    block: &BlockHash,
) -> [u8; 32] {
    *hash::VOTE
        .hash(&encode(&("precommit", genesis, height, round, block)))
        .as_bytes()
}

/// What a validator signs at a step of consensus: a block or nil, and for a proposal the round in
/// which the value had its prevotes, if it is proposed again (a vote has none). The precommit of a
/// block is [`vote_preimage`], which certificates carry.
pub fn consensus_preimage(
    genesis: &GenesisHash,
    height: Height,
    round: u32,
    step: Step,
    value: Option<&BlockHash>,
    pol_round: Option<u32>,
) -> [u8; 32] {
    match (step, value, pol_round) {
        (Step::Precommit, Some(block), None) => vote_preimage(genesis, height, round, block),
        _ => {
            let statement = (genesis, height, round, step.as_str(), value, pol_round);
            *hash::CONSENSUS.hash(&encode(&statement)).as_bytes()
        }
    }
}

/// What a proposer signs over the stream of parts of its block; `block` is what the parts hash to.
pub fn proposal_parts_preimage(
    genesis: &GenesisHash,
    height: Height,
    round: u32,
    pol_round: Option<u32>,
    proposer: &MemberId,
    block: &BlockHash,
) -> [u8; 32] {
    let statement = (genesis, height, round, pol_round, proposer, block);
    *hash::PROPOSAL_PARTS.hash(&encode(&statement)).as_bytes()
}

/// What a validator signs when another, whose guard was lost, asks where the chain stands: the
/// height and round that it is in, bound to the asker's random `salt` so that no old answer counts.
pub fn guard_status_preimage(
    genesis: &GenesisHash,
    member: &MemberId,
    height: Height,
    round: u32,
    salt: &[u8; 32],
) -> [u8; 32] {
    let statement = (genesis, member, height, round, salt);
    *hash::GUARD_STATUS.hash(&encode(&statement)).as_bytes()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::hash::Hash;

    const GENESIS: GenesisHash = GenesisHash(Hash([1; 32]));
    const BLOCK: BlockHash = BlockHash(Hash([2; 32]));
    const HEIGHT: Height = Height(7);

    #[test]
    fn no_two_statements_share_a_preimage() {
        let other = BlockHash(Hash([3; 32]));
        let mut seen = BTreeSet::new();
        let mut statements = 0;
        for step in Step::ALL {
            for value in [None, Some(&BLOCK), Some(&other)] {
                for pol_round in [None, Some(0), Some(1)] {
                    for (height, round) in [(HEIGHT, 0), (HEIGHT, 1), (HEIGHT.next(), 0)] {
                        for genesis in [&GENESIS, &GenesisHash(Hash([9; 32]))] {
                            let preimage =
                                consensus_preimage(genesis, height, round, *step, value, pol_round);
                            seen.insert(preimage);
                            statements += 1;
                        }
                    }
                }
            }
        }
        let member = "V1".parse().unwrap();
        for pol_round in [None, Some(0)] {
            let parts = proposal_parts_preimage(&GENESIS, HEIGHT, 0, pol_round, &member, &BLOCK);
            seen.insert(parts);
            statements += 1;
        }
        for salt in [[4; 32], [5; 32]] {
            seen.insert(guard_status_preimage(&GENESIS, &member, HEIGHT, 0, &salt));
            statements += 1;
        }
        assert_eq!(seen.len(), statements);
    }

    #[test]
    fn the_precommit_of_a_block_is_the_vote_that_certificates_carry() {
        let step = consensus_preimage(&GENESIS, HEIGHT, 3, Step::Precommit, Some(&BLOCK), None);
        assert_eq!(step, vote_preimage(&GENESIS, HEIGHT, 3, &BLOCK));
    }
}
