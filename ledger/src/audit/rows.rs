//! Every row of the audited ledger beside the row that follows from its blocks.

use std::cmp::Ordering;
use std::fmt;

use chipledger_proof::ITEM_PAGE;
use chipledger_proof::state::Key;
use chipledger_schemas::encode::decode_prefix;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::time::Time;
use rocksdb::{DB, DBIterator, IteratorMode, ReadOptions};

use super::{Damage, Progress, Report};
use crate::read::Spot;
use crate::store::{column, columns};

/// Rows between two reports of progress.
const STEP: u64 = 65_536;
/// Items whose movements share a row's key.
const MOVEMENT_ITEMS: u64 = 64;

/// What is wrong with a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowFault {
    /// The blocks call for it.
    Missing,
    /// The blocks do not call for it.
    Extra,
    /// The blocks call for other bytes.
    Differs,
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "is missing",
            Self::Extra => "does not follow from the blocks",
            Self::Differs => "is not what the blocks say",
        })
    }
}

/// Compares all rows of both databases.
pub(super) fn compare(
    db: &DB,
    derived: &DB,
    report: &mut Report,
    progress: &mut dyn FnMut(Progress),
) {
    for &name in columns::ALL {
        progress(Progress::Rows {
            column: name,
            done: report.rows,
        });
        if let Err(error) = compare_column(db, derived, name, report, progress) {
            report.add_database(&error);
        }
    }
}

fn compare_column(
    db: &DB,
    derived: &DB,
    name: &'static str,
    report: &mut Report,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), rocksdb::Error> {
    let (mut found, mut wanted) = (rows(db, name), rows(derived, name));
    let (mut row, mut due) = (found.next().transpose()?, wanted.next().transpose()?);
    loop {
        let order = match (&row, &due) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((key, _)), Some((due, _))) => key.cmp(due),
        };
        let (key, fault) = match (&row, &due) {
            (Some((key, _)), _) if order == Ordering::Less => (key, Some(RowFault::Extra)),
            (_, Some((key, _))) if order == Ordering::Greater => (key, Some(RowFault::Missing)),
            (Some((key, value)), Some((_, due))) => {
                (key, (value != due).then_some(RowFault::Differs))
            }
            _ => return Ok(()),
        };
        if let Some(fault) = fault {
            let key = key_in_words(name, key);
            report.add(Damage::Row {
                column: name,
                key,
                fault,
            });
        }
        report.rows += 1;
        if report.rows.is_multiple_of(STEP) {
            progress(Progress::Rows {
                column: name,
                done: report.rows,
            });
        }
        if order != Ordering::Greater {
            row = found.next().transpose()?;
        }
        if order != Ordering::Less {
            due = wanted.next().transpose()?;
        }
    }
}

fn rows<'d>(db: &'d DB, name: &str) -> DBIterator<'d> {
    let mut options = ReadOptions::default();
    options.fill_cache(false);
    options.set_total_order_seek(true);
    db.iterator_cf_opt(column(db, name), options, IteratorMode::Start)
}

/// What a key stands for, in words.
fn key_in_words(name: &str, key: &[u8]) -> String {
    let words = match name {
        columns::META => Some(String::from_utf8_lossy(key).into_owned()),
        columns::BLOCKS | columns::HEADERS => number(key).map(|height| format!("height {height}")),
        columns::ENTRIES => decode_prefix::<Key>(key)
            .ok()
            .map(|(key, _)| format!("{key:?}")),
        columns::ITEMS | columns::PAGE_ROOTS => {
            number(key).map(|page| range(page, ITEM_PAGE as u64))
        }
        columns::BUCKETS => number(key).map(|bucket| format!("bucket {bucket}")),
        columns::HISTORY => key
            .split_first()
            .and_then(|(level, index)| Some(format!("node {} of level {level}", number(index)?))),
        columns::WINDOWS => key.split_at_checked(8).and_then(|(end, height)| {
            Some(format!(
                "windows until {} of the transactions at height {}",
                Time(number(end)?),
                number(height)?
            ))
        }),
        columns::TRANSACTIONS => hash(key).map(|id| format!("transaction {id}")),
        columns::MOVEMENTS => key.split_at_checked(8).and_then(|(row, height)| {
            let items = range(number(row)?, MOVEMENT_ITEMS);
            Some(format!("{items} at height {}", number(height)?))
        }),
        columns::POSTINGS => spot(key),
        columns::ACCOUNTS => key
            .try_into()
            .ok()
            .map(|bytes| format!("account {}", u32::from_be_bytes(bytes))),
        columns::VERSIONS => {
            decode_prefix::<Key>(key)
                .ok()
                .and_then(|(key, at)| match number(at) {
                    Some(height) => Some(format!("{key:?} at height {height}")),
                    None => Some(format!("{key:?}, {}", spot(at)?)),
                })
        }
        _ => None,
    };
    words.unwrap_or_else(|| format!("key {key:02x?}"))
}

fn number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

fn range(row: u64, items: u64) -> String {
    format!("items {} to {}", row * items, row * items + items - 1)
}

fn hash(bytes: &[u8]) -> Option<Hash> {
    bytes.try_into().ok().map(Hash)
}

fn spot(bytes: &[u8]) -> Option<String> {
    let spot = Spot::from_bytes(bytes)?;
    let Spot {
        height,
        transaction,
        record,
    } = spot;
    Some(format!(
        "record {record} of transaction {transaction} at height {height}"
    ))
}
