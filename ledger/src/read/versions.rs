//! Versions of members and sites by height: who was whose parent, where a site was said to be.

use chipledger_proof::state::{Entry, EntryKind, Key, Member, Stored};
use chipledger_schemas::encode::{decode_stored, encode};
use chipledger_schemas::ids::{Height, MemberId};
use chipledger_schemas::time::Time;
use rocksdb::{ColumnFamily, WriteBatch};

use super::{Moment, QueryError};
use crate::state::StateError;
use crate::store::{View, columns};

pub(super) fn put(
    batch: &mut WriteBatch,
    column: &ColumnFamily,
    key: &Key,
    height: Height,
    entry: Option<&[u8]>,
) {
    let mut row = key.bytes();
    row.extend_from_slice(&height.0.to_be_bytes());
    batch.put_cf(column, row, entry.unwrap_or_default());
}

/// What was true of a member from a height on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberVersion {
    /// Height that wrote it.
    pub height: Height,
    /// From when on it counts: the time of that block; ever, if it stood in the genesis document.
    pub since: Time,
    /// The value.
    pub member: Member,
}

impl View<'_> {
    /// Every version of every member that heights after `after` wrote (all, if absent), by member
    /// and height.
    pub fn member_versions(
        &self,
        after: Option<Height>,
    ) -> Result<Vec<(MemberId, MemberVersion)>, QueryError> {
        let damaged = |_| StateError {
            reason: "a row of versions is damaged".to_owned(),
        };
        let mut rows = Vec::new();
        self.scan(
            columns::VERSIONS,
            &encode(&EntryKind::Member),
            |key, row| {
                if let Some((key, height)) = key.split_last_chunk::<8>() {
                    let height = Height(u64::from_be_bytes(*height));
                    if after.is_none_or(|after| height > after) && !row.is_empty() {
                        let key: Key = decode_stored(key).map_err(damaged)?;
                        let entry = Entry::from_stored_bytes(row).map_err(damaged)?;
                        if let (Key::Member(id), Entry::Member(member)) = (key, entry) {
                            rows.push((id, height, member));
                        }
                    }
                }
                Ok(true)
            },
        )?;
        let version = |(id, height, member)| {
            let header = self.header(height)?;
            // What stood in the genesis document held before the ledger began.
            let since = match header {
                Some((header, _)) if height > Height(0) => header.time,
                None if height > Height(0) => Time::END,
                _ => Time(0),
            };
            let version = MemberVersion {
                height,
                since,
                member,
            };
            Ok((id, version))
        };
        rows.into_iter().map(version).collect()
    }

    /// The value of a member or site at a moment: the last one written at a height that was known
    /// by then and in a block not after the event time asked for.
    pub fn version<T: Stored>(&self, key: &Key, moment: Moment) -> Result<Option<T>, QueryError> {
        let prefix = key.bytes();
        let mut found = None;
        let mut rows = Vec::new();
        self.scan(columns::VERSIONS, &prefix, |row_key, row| {
            if row_key.len() == prefix.len() + 8 {
                let height = row_key[prefix.len()..].try_into().unwrap_or_default();
                rows.push((Height(u64::from_be_bytes(height)), row.to_vec()));
            }
            Ok(true)
        })?;
        for (height, row) in rows {
            let time = self.header(height)?.map(|(header, _)| header.time);
            // What stood in the genesis document held before the ledger began.
            let happened = height == Height(0) || time.is_some_and(|time| moment.includes(time));
            if height <= moment.known && happened {
                found = (!row.is_empty()).then_some(row);
            }
        }
        let Some(row) = found else { return Ok(None) };
        let damaged = |_| StateError {
            reason: "a row of versions is damaged".to_owned(),
        };
        let entry = Entry::from_stored_bytes(&row).map_err(damaged)?;
        Ok(T::of(&entry).cloned())
    }
}

impl View<'_> {
    /// Every value that a member or site had by a height, oldest first, with the height that it had
    /// it from; height 0 is the genesis document, whose word held before the ledger began.
    pub fn every_version<T: Stored>(
        &self,
        key: &Key,
        known: Height,
    ) -> Result<Vec<(Height, T)>, QueryError> {
        let damaged = || StateError {
            reason: "a row of versions is damaged".to_owned(),
        };
        let prefix = key.bytes();
        let mut versions = Vec::new();
        self.scan(columns::VERSIONS, &prefix, |row_key, row| {
            let Ok(height) = row_key[prefix.len()..].try_into() else {
                return Ok(true);
            };
            let height = Height(u64::from_be_bytes(height));
            if height <= known && !row.is_empty() {
                let entry = Entry::from_stored_bytes(row).map_err(|_| damaged())?;
                versions.extend(T::of(&entry).map(|value| (height, value.clone())));
            }
            Ok(true)
        })?;
        Ok(versions)
    }
}
