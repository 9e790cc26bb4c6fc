//! The first line of every reference table: which edition it is.

use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Which issue of a reference table this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Edition {
    /// Counts up with every published table.
    pub number: u32,
    /// No fact in this edition is newer.
    pub as_of: Date,
}

/// The table does not say which edition it is. Put `# NAME edition N as of YYYY-MM-DD` on its first
/// line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the first line must be `# NAME edition N as of YYYY-MM-DD`, got {got:?}")]
pub struct NoEdition {
    /// The first line.
    pub got: String,
}

impl FromStr for Edition {
    type Err = NoEdition;

    /// Reads the first line of a whole table.
    fn from_str(table: &str) -> Result<Self, NoEdition> {
        let line = table.lines().next().unwrap_or_default();
        let words: Vec<&str> = line.split(' ').collect();
        let edition = match words[..] {
            ["#", _, "edition", number, "as", "of", day] => {
                number.parse().ok().zip(day.parse().ok())
            }
            _ => None,
        };
        let no_edition = || NoEdition {
            got: line.chars().take(80).collect(),
        };
        edition
            .map(|(number, as_of)| Self { number, as_of })
            .ok_or_else(no_edition)
    }
}
