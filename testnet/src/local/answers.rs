//! The same question to every node: the answers must be equal, and equal to the published tables.

use std::time::{Duration, Instant};

use chipledger_analysis::compute::Pooled;
use chipledger_schemas::api::Answer;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{BlockHash, Height};

use crate::client::{Bodies, Client, NoAnswer};
use crate::world::Expected;

/// How long nodes may take to reach the height of the highest.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long one answer may take.
const ANSWER: Duration = Duration::from_mins(1);

/// Nodes do not answer the same. This is a defect: keep the folder, and report it.
#[derive(Debug, thiserror::Error)]
pub enum Differ {
    /// A node does not answer.
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    /// A node stays behind.
    #[error("{url} does not reach height {height}")]
    Behind {
        /// The node.
        url: String,
        /// The height of the others.
        height: Height,
    },
    /// Two nodes say different things of one height.
    #[error("{url} has another {what} at height {height} than the first node")]
    Other {
        /// The node.
        url: String,
        /// What differs.
        what: &'static str,
        /// The height.
        height: Height,
    },
    /// The nodes agree, but not with the tables that the world was made from.
    #[error("{jurisdiction} has {got} chips on the ledger and {expected} in the tables")]
    NotTheTables {
        /// Where.
        jurisdiction: String,
        /// On the ledger.
        got: u64,
        /// In the tables.
        expected: u64,
    },
}

/// What all nodes say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SameAnswer {
    /// At which height.
    pub height: Height,
    /// The block there.
    pub block: BlockHash,
    /// The state after it.
    pub state_root: Hash,
    /// Jurisdiction, chips, thousandths of TPP.
    pub rows: Vec<(String, u64, u128)>,
}

/// Asks every node for block, state and compute by jurisdiction at one height, and compares.
///
/// # Errors
/// [`Differ`].
pub fn compare(nodes: &[Client], expected: &Expected) -> Result<SameAnswer, Differ> {
    let mut heights = Vec::new();
    for node in nodes {
        heights.push(node.status()?.ledger.height);
    }
    let height = heights.into_iter().max().unwrap_or_default();
    let mut first: Option<SameAnswer> = None;
    for node in nodes {
        let said = ask(node, height)?;
        let same = first.get_or_insert_with(|| said.clone());
        let what = [
            (same.block != said.block, "block"),
            (same.state_root != said.state_root, "state root"),
            (same.rows != said.rows, "compute by jurisdiction"),
        ];
        if let Some((_, what)) = what.into_iter().find(|(differs, _)| *differs) {
            let url = node.url().to_owned();
            return Err(Differ::Other { url, what, height });
        }
    }
    let same = first.unwrap_or(SameAnswer {
        height,
        block: BlockHash::default(),
        state_root: Hash::ZERO,
        rows: Vec::new(),
    });
    check_tables(&same, expected)?;
    Ok(same)
}

fn ask(node: &Client, height: Height) -> Result<SameAnswer, Differ> {
    let start = Instant::now();
    while node.status()?.ledger.height < height {
        if start.elapsed() > PATIENCE {
            let url = node.url().to_owned();
            return Err(Differ::Behind { url, height });
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let page = node.blocks(height, 1, Bodies::Left)?;
    let block = page
        .blocks
        .first()
        .map(|block| (block.hash, block.header.state_root));
    let (block, state_root) = block.unwrap_or_default();
    let path = format!("/v1/compute?by=jurisdiction&known_at={height}");
    let answer: Answer<Pooled> = node.get(&path, ANSWER)?;
    let rows = answer.answer.compute.rows.into_iter();
    Ok(SameAnswer {
        height,
        block,
        state_root,
        rows: rows
            .map(|(place, row)| (place, row.chips, row.tpp_milli))
            .collect(),
    })
}

fn check_tables(same: &SameAnswer, expected: &Expected) -> Result<(), Differ> {
    for (jurisdiction, pool) in &expected.by_jurisdiction {
        let jurisdiction = jurisdiction.to_string();
        let row = same.rows.iter().find(|(place, ..)| *place == jurisdiction);
        let (got, expected) = (row.map_or(0, |row| row.1), pool.chips);
        if got != expected {
            return Err(Differ::NotTheTables {
                jurisdiction,
                got,
                expected,
            });
        }
    }
    Ok(())
}
