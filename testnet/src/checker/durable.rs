//! What a client was told is final stays where it was told, on every node.
//!
//! Source: "only final counts as acknowledged" (design, section 2); durability as Jepsen's set
//! workload states it: every acknowledged add is in every later read.

use super::Run;

/// Acknowledged transactions that a node lacks.
pub fn check(run: &Run) -> Vec<String> {
    let mut wrong = Vec::new();
    for chain in &run.chains {
        let blocks = chain.by_height();
        for told in &run.acknowledged {
            let block = blocks.get(&told.height);
            let inside = block.and_then(|block| block.transactions.as_ref());
            let at = usize::try_from(told.index).unwrap_or(usize::MAX);
            let found = inside
                .and_then(|all| all.get(at))
                .map(chipledger_schemas::transaction::Transaction::id);
            let same_block = block.is_some_and(|block| block.hash == told.block);
            if !same_block || found != Some(told.id) {
                wrong.push(format!(
                    "node{} told that {} is final at height {}, number {}, in block {}; node{} does \
                     not have it there",
                    told.node, told.id, told.height, told.index, told.block, chain.node
                ));
            }
        }
    }
    wrong
}
