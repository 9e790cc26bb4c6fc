//! No transaction is in the chain twice, and no client was told two places for one.
//!
//! Source: transactions already seen are remembered until their window ends (design, section 5).

use std::collections::HashMap;

use super::Run;

/// Transactions that are final twice.
pub fn check(run: &Run) -> Vec<String> {
    let mut wrong = Vec::new();
    for chain in &run.chains {
        let mut first = HashMap::new();
        for block in &chain.blocks {
            for transaction in block.transactions.iter().flatten() {
                let (id, height) = (transaction.id(), block.header.height);
                if let Some(before) = first.insert(id, height) {
                    let node = chain.node;
                    wrong.push(format!(
                        "node{node} has {id} at height {before} and at {height}"
                    ));
                }
            }
        }
    }
    let mut told = HashMap::new();
    for answer in &run.acknowledged {
        let place = (answer.height, answer.index, answer.block);
        let before = told.insert(answer.id, place);
        if before.is_some_and(|before| before != place) {
            wrong.push(format!("clients were told two places for {}", answer.id));
        }
    }
    wrong
}
