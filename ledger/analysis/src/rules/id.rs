//! Ids of rules: D1 to D25.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most that a rule's number can be.
const NUMBER_MAX: u8 = 25;

/// A rule's id, such as D7.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RuleId(u8);

impl RuleId {
    /// The id of a number.
    ///
    /// # Panics
    /// If the number is not 1 to 25: a bug in a table of rules.
    pub(crate) const fn of(number: u8) -> Self {
        assert!(number >= 1 && number <= NUMBER_MAX, "rules are D1 to D25");
        Self(number)
    }

    /// Its number, 1 to 25.
    pub fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("D{}", self.0))
    }
}

/// The text names no rule. Write D1 to D25.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{got:?} is no rule; write D1 to D25")]
pub struct NotARule {
    /// What was given.
    pub got: String,
}

impl FromStr for RuleId {
    type Err = NotARule;
    fn from_str(text: &str) -> Result<Self, NotARule> {
        let number = text.trim().strip_prefix(['D', 'd']);
        let number = number.and_then(|digits| digits.parse::<u8>().ok());
        match number {
            Some(number @ 1..=NUMBER_MAX) => Ok(Self(number)),
            _ => Err(NotARule {
                got: text.chars().take(80).collect(),
            }),
        }
    }
}

impl Serialize for RuleId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RuleId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
