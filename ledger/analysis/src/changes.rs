//! What changed since a height in the book of a jurisdiction or member: every posting that concerns
//! it, in the order decided, page by page.

use std::fmt;
use std::str::FromStr;

use chipledger_ledger::read::postings::PostingRow;
use chipledger_ledger::read::{Moment, QueryError, Spot};
use chipledger_ledger::store::View;
use chipledger_proof::state::{Account, AccountPlace};
use chipledger_schemas::block::CertifiedBlock;
use chipledger_schemas::ids::{Height, MemberId, RecordId, SiteId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::Kind;
use chipledger_schemas::time::Time;
use chipledger_schemas::words::Status;
use serde::{Deserialize, Serialize};

/// Whose changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Whose {
    /// Everybody's.
    All,
    /// Of accounts in, into and out of a jurisdiction.
    Jurisdiction(Jurisdiction),
    /// Of accounts in which a member holds, owns or uses.
    Member(MemberId),
    /// Of accounts at, to and from a site.
    Site(SiteId),
}

impl Whose {
    fn concerns(&self, account: &Account) -> bool {
        match self {
            Self::All => true,
            Self::Jurisdiction(at) => match &account.place {
                AccountPlace::Site { jurisdiction, .. } => jurisdiction == at,
                AccountPlace::Transit {
                    from_jurisdiction,
                    to_jurisdiction,
                    ..
                } => from_jurisdiction == at || to_jurisdiction == at,
            },
            Self::Member(member) => {
                [&account.holder, &account.owner, &account.user].contains(&member)
            }
            Self::Site(site) => account.place.concerns(site),
        }
    }
}

/// Where to go on: behind all of a height, or behind one record of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cursor {
    /// Everything up to this height, or to a record in it, was seen.
    pub height: Height,
    /// Transaction and record that were seen last; all of the height, if absent.
    pub after: Option<(u32, u32)>,
}

/// The text is no place in the feed. Give a height, or the `next` of the last page.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{got:?} is no place in the feed; give a height, or the `next` of the last page")]
pub struct NotACursor {
    /// What was given.
    pub got: String,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.after {
            None => write!(f, "{}", self.height),
            Some((transaction, record)) => write!(f, "{}.{transaction}.{record}", self.height),
        }
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;
    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let wrong = || NotACursor {
            got: text.chars().take(60).collect(),
        };
        let parts: Vec<&str> = text.split('.').collect();
        let height = |text: &str| text.parse().map(Height).map_err(|_| wrong());
        let part = |text: &str| text.parse().map_err(|_| wrong());
        match parts.as_slice() {
            [only] => Ok(Self {
                height: height(only)?,
                after: None,
            }),
            [first, transaction, record] => Ok(Self {
                height: height(first)?,
                after: Some((part(transaction)?, part(record)?)),
            }),
            _ => Err(wrong()),
        }
    }
}

impl Cursor {
    /// Whether what stands there comes after it.
    fn is_before(&self, spot: Spot) -> bool {
        match self.after {
            None => spot.height > self.height,
            Some((transaction, record)) => {
                (spot.height, spot.transaction, spot.record) > (self.height, transaction, record)
            }
        }
    }
}

/// Whether chips came, went, or changed inside what was asked about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From outside, or newly registered.
    In,
    /// To outside, or ended.
    Out,
    /// Both accounts concern it.
    Within,
}

impl Direction {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Within => "within",
        }
    }
}

/// An account in words.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Side {
    /// Site, or `FROM->TO`.
    pub place: String,
    /// Jurisdiction, or `FROM->TO`.
    pub jurisdiction: String,
    /// Custody.
    pub holder: MemberId,
    /// Title.
    pub owner: MemberId,
    /// Use.
    pub user: MemberId,
    /// State of life.
    pub status: Status,
}

/// One change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChangeRow {
    /// Where its record stands.
    pub spot: Spot,
    /// The record.
    pub record_id: Option<RecordId>,
    /// Its kind.
    pub kind: Option<Kind>,
    /// Who signed it.
    pub member: Option<MemberId>,
    /// Event time.
    pub occurred_at: Time,
    /// Block time.
    pub known_at: Time,
    /// Whether chips came or went.
    pub direction: Direction,
    /// The model.
    pub model: String,
    /// Chips.
    pub chips: u64,
    /// Of which disputed.
    pub disputed: u64,
    /// Thousandths of TPP, if the model has a figure.
    pub tpp_milli: Option<u128>,
    /// Debited; absent if chips were registered.
    pub from: Option<Side>,
    /// Credited; absent if chips ended.
    pub to: Option<Side>,
}

/// A page of changes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Changes {
    /// Changes, in the order decided.
    pub rows: Vec<ChangeRow>,
    /// Where to go on.
    pub next: String,
    /// Whether there is more by the height of the answer.
    pub more: bool,
}

/// Changes behind a cursor, up to the moment's height: whole records, until at least `most` rows.
pub fn changes(
    view: &View<'_>,
    whose: &Whose,
    since: Cursor,
    most: usize,
    moment: Moment,
) -> Result<Changes, QueryError> {
    let first = view.first_height()?;
    if since.height.next() < first {
        return Err(QueryError::BeforeHistory { first });
    }
    let accounts = view.account_numbers()?;
    let models = view.models()?;
    let account = |number: u32| {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        accounts.get(index).and_then(Option::as_ref)
    };
    let concerned = |number: u32| account(number).is_some_and(|account| whose.concerns(account));
    let mut found: Vec<(Spot, PostingRow, Direction)> = Vec::new();
    let mut more = false;
    let everything = Moment { at: None, ..moment };
    view.postings(everything, |spot, row| {
        let direction = match (concerned(row.from), concerned(row.to)) {
            (true, true) => Direction::Within,
            (false, true) => Direction::In,
            (true, false) => Direction::Out,
            (false, false) => return,
        };
        if more || !since.is_before(spot) {
            return;
        }
        let whole = found.last().is_none_or(|(last, ..)| *last != spot);
        if whole && found.len() >= most {
            more = true;
            return;
        }
        found.push((spot, *row, direction));
    })?;
    let next = match found.last() {
        Some((spot, ..)) if more => Cursor {
            height: spot.height,
            after: Some((spot.transaction, spot.record)),
        },
        _ => Cursor {
            height: moment.known.max(since.height),
            after: None,
        },
    };
    let mut blocks = Blocks { view, held: None };
    let mut rows = Vec::with_capacity(found.len());
    for (spot, posting, direction) in found {
        let signed = blocks.signed(spot)?;
        let named = models.get(usize::from(posting.model.0));
        let tpp = named.and_then(|(_, model)| model.tpp_milli);
        rows.push(ChangeRow {
            spot,
            record_id: signed.as_ref().map(|signed| signed.record_id),
            kind: signed.as_ref().map(|signed| signed.kind),
            member: signed.as_ref().map(|signed| signed.member.clone()),
            occurred_at: posting.occurred_at,
            known_at: blocks.time(spot.height)?,
            direction,
            model: named.map_or_else(|| "unknown".to_owned(), |(id, _)| id.clone()),
            chips: posting.count,
            disputed: posting.disputed,
            tpp_milli: tpp.map(|tpp| u128::from(tpp) * u128::from(posting.count)),
            from: account(posting.from).map(side),
            to: account(posting.to).map(side),
        });
    }
    Ok(Changes {
        rows,
        next: next.to_string(),
        more,
    })
}

fn side(account: &Account) -> Side {
    let (place, jurisdiction) = match &account.place {
        AccountPlace::Site { site, jurisdiction } => (site.to_string(), jurisdiction.to_string()),
        AccountPlace::Transit {
            from,
            to,
            from_jurisdiction,
            to_jurisdiction,
        } => (
            format!("{from}->{to}"),
            format!("{from_jurisdiction}->{to_jurisdiction}"),
        ),
    };
    Side {
        place,
        jurisdiction,
        holder: account.holder.clone(),
        owner: account.owner.clone(),
        user: account.user.clone(),
        status: account.status,
    }
}

struct Signed {
    record_id: RecordId,
    kind: Kind,
    member: MemberId,
}

/// The block read last: changes of one height come together.
struct Blocks<'a, 'd> {
    view: &'a View<'d>,
    held: Option<(Height, CertifiedBlock)>,
}

impl Blocks<'_, '_> {
    /// Who said what at a spot; `None` where no record stands: a ledger that begins in the middle.
    fn signed(&mut self, spot: Spot) -> Result<Option<Signed>, QueryError> {
        if spot.is_base() || spot.height == Height(0) {
            return Ok(None);
        }
        if self
            .held
            .as_ref()
            .is_none_or(|(held, _)| *held != spot.height)
        {
            let block = self.view.block(spot.height)?;
            self.held = block.map(|block| (spot.height, block));
        }
        let Some((_, block)) = &self.held else {
            let first = self.view.first_height()?;
            return Err(QueryError::BeforeHistory { first });
        };
        let place = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let transaction = block.block.transactions.get(place(spot.transaction));
        Ok(transaction.and_then(|transaction| {
            let record = transaction.body.records.get(place(spot.record))?;
            Some(Signed {
                record_id: transaction.record_id(spot.record),
                kind: record.kind(),
                member: transaction.body.member.clone(),
            })
        }))
    }

    fn time(&self, height: Height) -> Result<Time, QueryError> {
        if let Some((held, block)) = &self.held
            && *held == height
        {
            return Ok(block.block.header.time);
        }
        let header = self.view.header(height)?;
        Ok(header.map_or(Time::END, |(header, _)| header.time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_feed_reads_as_it_is_written() {
        for text in ["0", "17", "17.3.0"] {
            assert_eq!(text.parse::<Cursor>().unwrap().to_string(), text);
        }
        for text in ["", "17.", "17.3", "17.3.0.1", "-1", "x"] {
            assert!(text.parse::<Cursor>().is_err(), "{text:?}");
        }
    }
}
