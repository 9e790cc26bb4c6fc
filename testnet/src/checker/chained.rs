//! Every node's blocks are one chain: each header has its hash, names its parent, comes one height
//! later and not earlier in time, and hands over to the next validator set.
//!
//! Source: the header's definition (design, section 5; docs/format.md).

use chipledger_schemas::api::BlockAnswer;

use super::{Chain, Run};

/// Links that do not hold.
pub fn check(run: &Run) -> Vec<String> {
    run.chains
        .iter()
        .flat_map(|chain| broken(run, chain))
        .collect()
}

fn broken(run: &Run, chain: &Chain) -> Vec<String> {
    let genesis = run.genesis.hash();
    let mut wrong = Vec::new();
    let mut say = |block: &BlockAnswer, what: &str| {
        let (node, height) = (chain.node, block.header.height);
        wrong.push(format!("node{node}, height {height}: {what}"));
    };
    if chain.blocks.is_empty() {
        return vec![format!("node{} publishes no blocks", chain.node)];
    }
    for block in &chain.blocks {
        if block.header.hash() != block.hash {
            say(block, "the header has another hash than the one published");
        }
        if block.header.genesis != genesis {
            say(block, "the header is of another ledger");
        }
    }
    for pair in chain.blocks.windows(2) {
        let (parent, block) = (&pair[0], &pair[1]);
        if block.header.height != parent.header.height.next() {
            say(block, "a height is missing before it");
        } else if block.header.parent != parent.hash {
            say(block, "it names another parent");
        }
        if block.header.time < parent.header.time {
            say(block, "it is earlier than its parent");
        }
        if block.header.validators != parent.header.next_validators {
            say(block, "its validators are not those that its parent named");
        }
    }
    wrong
}
