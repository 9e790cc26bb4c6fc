//! Judging a run: safety properties over what nodes publish and what clients noted, one file each.
//!
//! The checker knows nothing of the inside of a node. It reads `/v1/blocks` of every node, the
//! clients' notes and the times of faults, and names every contradiction that it finds.

use std::collections::BTreeMap;
use std::time::Duration;

use chipledger_schemas::api::BlockAnswer;
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::ids::{BlockHash, Height, MemberId, TransactionId};

use crate::client::{Bodies, Client, NoAnswer};

pub mod agreement;
pub mod blame;
pub mod certified;
pub mod chained;
pub mod durable;
pub mod monotone;
pub mod once;
pub mod progress;

/// Blocks of one page while a chain is read.
const PAGE: u64 = 50;

/// A client was told that a transaction is final.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Acknowledged {
    /// The transaction.
    pub id: TransactionId,
    /// The node that said so.
    pub node: usize,
    /// Where it is.
    pub height: Height,
    /// Its place in the block.
    pub index: u32,
    /// The block.
    pub block: BlockHash,
}

/// A node's height as a client saw it. Its observations stand in the order of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// The node.
    pub node: usize,
    /// How often its data had been wiped before.
    pub life: u32,
    /// The height.
    pub height: Height,
}

/// Faults ended, and progress was waited for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Healed {
    /// What had been wrong.
    pub fault: String,
    /// How long it took until a transaction submitted afterwards was final; nothing if it never
    /// was.
    pub resumed: Option<Duration>,
}

/// A node's chain as it publishes it.
#[derive(Clone, PartialEq, Debug)]
pub struct Chain {
    /// The node.
    pub node: usize,
    /// Its blocks with their transactions, lowest first.
    pub blocks: Vec<BlockAnswer>,
}

/// Everything that is judged.
#[derive(Clone, Debug)]
pub struct Run {
    /// The genesis document, as it was made.
    pub genesis: Genesis,
    /// What each honest node publishes at the end.
    pub chains: Vec<Chain>,
    /// What clients were told.
    pub acknowledged: Vec<Acknowledged>,
    /// Heights that they saw.
    pub seen: Vec<Seen>,
    /// Faults that ended.
    pub healed: Vec<Healed>,
    /// Validators that were told to lie.
    pub traitors: Vec<MemberId>,
}

/// A property does not hold.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{property}: {what}")]
pub struct Violation {
    /// Which property.
    pub property: &'static str,
    /// The facts.
    pub what: String,
}

/// A property: its name, and what contradicts it in a run.
type Property = (&'static str, fn(&Run) -> Vec<String>);

/// Every property.
const PROPERTIES: [Property; 8] = [
    ("agreement", agreement::check),
    ("chained", chained::check),
    ("certified", certified::check),
    ("durable", durable::check),
    ("once", once::check),
    ("monotone", monotone::check),
    ("progress", progress::check),
    ("blame", blame::check),
];

/// Violations of one property that are named; more would bury the first.
const NAMED_MAX: usize = 5;

/// Everything that contradicts a property.
pub fn check(run: &Run) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (property, check) in PROPERTIES {
        let found = check(run).into_iter().take(NAMED_MAX);
        violations.extend(found.map(|what| Violation { property, what }));
    }
    violations
}

impl Chain {
    /// Reads everything that a node publishes, up to a height.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn read(node: usize, client: &Client, last: Height) -> Result<Self, NoAnswer> {
        let mut blocks: Vec<BlockAnswer> = Vec::new();
        let mut from = Height(0);
        while from <= last {
            let page = match client.blocks(from, PAGE, Bodies::Shown) {
                // It is behind the others, which is for another property to judge.
                Err(NoAnswer::Refused { body, .. }) if body.code == "beyond_head" => break,
                page => page?,
            };
            let wanted = page.blocks.into_iter();
            let before = blocks.len();
            blocks.extend(wanted.filter(|block| block.header.height <= last));
            if blocks.len() == before {
                break;
            }
            from = blocks[blocks.len() - 1].header.height.next();
        }
        Ok(Self { node, blocks })
    }

    /// Its last height.
    pub fn height(&self) -> Option<Height> {
        self.blocks.last().map(|block| block.header.height)
    }

    /// Its blocks by height.
    pub fn by_height(&self) -> BTreeMap<Height, &BlockAnswer> {
        let block = |block| (BlockAnswer::height(block), block);
        self.blocks.iter().map(block).collect()
    }
}

/// Heights of blocks, for maps.
trait HasHeight {
    fn height(&self) -> Height;
}

impl HasHeight for BlockAnswer {
    fn height(&self) -> Height {
        self.header.height
    }
}

#[cfg(test)]
pub(crate) mod tests;
