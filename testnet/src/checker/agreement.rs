//! All nodes have the same block and the same state at every height.
//!
//! Source: agreement of Tendermint consensus (Buchman, Kwon, Milosevic, 2018: "The latest gossip on
//! BFT consensus", section 2.3), and replicas as equal state machines (design, section 9).

use std::collections::BTreeMap;

use super::Run;

/// Heights at which two nodes differ.
pub fn check(run: &Run) -> Vec<String> {
    let mut first = BTreeMap::new();
    let mut wrong = Vec::new();
    for chain in &run.chains {
        for block in &chain.blocks {
            let (height, has) = (block.header.height, (block.hash, block.header.state_root));
            let (node, other) = first.entry(height).or_insert((chain.node, has));
            if *other != has {
                wrong.push(format!(
                    "at height {height} node{node} has block {} with state {}, node{} has block {} \
                     with state {}",
                    other.0, other.1, chain.node, has.0, has.1
                ));
            }
        }
    }
    wrong
}
