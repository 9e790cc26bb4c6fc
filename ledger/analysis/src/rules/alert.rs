//! Alerts: a rule that fired, on what, since when, and what people made of it.

use std::fmt;
use std::str::FromStr;

use chipledger_ledger::read::{QueryError, Spot};
use chipledger_ledger::store::View;
use chipledger_schemas::encode::encode;
use chipledger_schemas::hash::{self, Hash};
use chipledger_schemas::ids::{Height, MemberId, RecordId};
use chipledger_schemas::records::close_alert::AlertOutcome;
use chipledger_schemas::time::Time;
use serde::{Deserialize, Serialize};

use super::id::RuleId;

/// What an alert is about, such as `shipment` and `NVIDIA:SHP-0000017`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Subject {
    /// shipment, item, member, site, route, or production.
    pub kind: String,
    /// Its id.
    pub id: String,
}

impl Subject {
    /// A subject of a kind.
    pub(crate) fn new(kind: &str, id: &impl ToString) -> Self {
        Self {
            kind: kind.to_owned(),
            id: id.to_string(),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}

/// How an alert stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// True, and nobody has said anything.
    Open,
    /// No longer true by what the ledger learned later, and nobody has said anything.
    Ended,
    /// An authority says that it is harmless.
    Explained,
    /// An authority says that it is a case.
    Confirmed,
}

impl Status {
    /// Every word, in order.
    pub const ALL: [Self; 4] = [Self::Open, Self::Ended, Self::Explained, Self::Confirmed];

    /// The word in JSON and on screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Ended => "ended",
            Self::Explained => "explained",
            Self::Confirmed => "confirmed",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is no status. Write open, ended, explained or confirmed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{got:?} is no status; write open, ended, explained or confirmed")]
pub struct NotAStatus {
    /// What was given.
    pub got: String,
}

impl FromStr for Status {
    type Err = NotAStatus;
    fn from_str(text: &str) -> Result<Self, NotAStatus> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| NotAStatus {
            got: text.chars().take(80).collect(),
        })
    }
}

/// What an authority said of an alert.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Disposition {
    /// Who.
    pub by: MemberId,
    /// Harmless, or a case.
    pub outcome: AlertOutcome,
    /// Why.
    pub text: String,
    /// Block time.
    pub at: Time,
    /// The record that says so.
    pub record: RecordId,
}

/// A record behind an alert.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Exhibit {
    /// Its id.
    pub record: RecordId,
    /// Its kind.
    pub kind: String,
    /// Who signed it.
    pub member: MemberId,
    /// When it happened, as the signer claims; block time where the kind does not say.
    pub occurred_at: Time,
    /// Height of its block.
    pub height: Height,
}

/// A rule that fired.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Alert {
    /// H(rule, version, subject, records).
    pub id: Hash,
    /// The rule.
    pub rule: RuleId,
    /// The rule's version.
    pub version: u32,
    /// What it is about.
    pub subject: Subject,
    /// Ledger time at which it became true.
    pub first_true_at: Time,
    /// Last height known then.
    pub height: Height,
    /// Ledger time at which it was true no longer, if it ended.
    pub ended_at: Option<Time>,
    /// Chips at stake.
    pub chips: u64,
    /// TPP at stake, thousandths.
    pub tpp_milli: u128,
    /// How it stands.
    pub status: Status,
    /// Who, what, when, in sentences.
    pub story: Vec<String>,
    /// The records that made it fire, oldest first.
    pub records: Vec<Exhibit>,
    /// What authorities said of it, oldest first; the last one counts.
    pub dispositions: Vec<Disposition>,
}

/// The id of an alert: the same rule at the same version on the same inputs has one id for ever.
pub(crate) fn alert_id(rule: (RuleId, u32), subject: &Subject, records: &[RecordId]) -> Hash {
    let (id, version) = rule;
    hash::ALERT.hash(&encode(&(
        id.number(),
        version,
        &subject.kind,
        &subject.id,
        records,
    )))
}

/// The records at spots, oldest first.
pub(crate) fn exhibits(view: &View<'_>, spots: &[Spot]) -> Result<Vec<Exhibit>, QueryError> {
    let mut spots = spots.to_vec();
    spots.sort_unstable();
    spots.dedup();
    let exhibit = |spot: Spot| {
        let (transaction, id) = view.record_at(spot)?;
        let place = usize::try_from(spot.record).unwrap_or(usize::MAX);
        let record = transaction.body.records.get(place);
        let block_time = view.header(spot.height)?.map(|(header, _)| header.time);
        let happened = record.and_then(chipledger_schemas::records::Record::occurred_at);
        Ok(Exhibit {
            record: id,
            kind: record.map_or_else(String::new, |record| record.kind().to_string()),
            member: transaction.body.member,
            occurred_at: happened.or(block_time).unwrap_or_default(),
            height: spot.height,
        })
    };
    spots.into_iter().map(exhibit).collect()
}
