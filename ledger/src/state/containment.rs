//! Containment: units carry the sum of their content, so that moving a unit is one write.

use chipledger_proof::state::{ContentRow, Item, ItemKind};
use chipledger_schemas::ids::ItemNumber;
use chipledger_schemas::movement::Location;
use chipledger_schemas::time::Time;

use super::{Draft, State};
use crate::rejection::{Code, Fault, reject};

/// Most rows of a unit's content.
pub(crate) const CONTENT_ROWS_MAX: usize = 32;
/// Most units that nest in each other.
pub(crate) const DEPTH_MAX: usize = 8;

/// What an item adds to the content of its container: its rows in the container's frame.
pub(crate) fn contribution(item: &Item) -> Vec<ContentRow> {
    let mut rows = item.rows();
    into_outer_frame(&mut rows, item);
    rows
}

fn into_outer_frame(rows: &mut [ContentRow], item: &Item) {
    for row in rows {
        if row.owner.is_none() {
            row.owner.clone_from(&item.facts.owner);
        }
        if row.user.is_none() {
            row.user.clone_from(&item.facts.user);
        }
        row.status = row.status.or(item.facts.status);
    }
}

impl<S: State> Draft<'_, S> {
    /// Takes rows out of the content of `parent` and of everything around it, and puts others in;
    /// `at` is the event time of the movement inside (the epoch if nothing moved).
    pub(crate) fn change_content(
        &mut self,
        parent: ItemNumber,
        mut removed: Vec<ContentRow>,
        mut added: Vec<ContentRow>,
        at: Time,
    ) -> Result<(), Fault> {
        let mut next = Some(parent);
        while let Some(number) = next {
            let mut unit = self.item(number)?;
            subtract(&mut unit.content, &removed);
            add(&mut unit.content, &added)?;
            if unit.content.len() > CONTENT_ROWS_MAX {
                return reject(
                    Code::ContentTooMixed,
                    format!("{} would have {} rows", unit.id, unit.content.len()),
                );
            }
            unit.content_at = unit.content_at.max(at);
            let disputed = unit.is_disputed();
            for rows in [&mut removed, &mut added] {
                for row in rows.iter_mut() {
                    row.disputed |= disputed;
                }
                into_outer_frame(rows, &unit);
            }
            next = match unit.facts.location {
                Location::In(outer) => Some(outer),
                Location::At { .. } => None,
            };
            self.put_item(number, unit);
        }
        Ok(())
    }

    /// Rejects what a unit of this kind and depth cannot take.
    pub(crate) fn check_fits(&self, item: &Item, unit: &Item, depth: usize) -> Result<(), Fault> {
        let ItemKind::Unit(kind) = unit.kind else {
            return reject(Code::NotAUnit, format!("{} is a chip", unit.id));
        };
        if !item.kind.fits_into(kind) {
            return reject(
                Code::UnitTooSmall,
                format!("{} does not fit into {}", item.id, unit.id),
            );
        }
        if depth >= DEPTH_MAX {
            return reject(
                Code::TooDeep,
                format!("{} would be {depth} units deep", item.id),
            );
        }
        Ok(())
    }
}

fn add(content: &mut Vec<ContentRow>, rows: &[ContentRow]) -> Result<(), Fault> {
    for row in rows {
        match content.iter_mut().find(|have| have.same_kind(row)) {
            Some(have) => match have.count.checked_add(row.count) {
                Some(sum) => have.count = sum,
                None => return reject(Code::ContentTooLarge, "more than 2^64 chips in one unit"),
            },
            None => content.push(row.clone()),
        }
    }
    content.sort_unstable();
    Ok(())
}

fn subtract(content: &mut Vec<ContentRow>, rows: &[ContentRow]) {
    for row in rows {
        let have = content.iter_mut().find(|have| have.same_kind(row));
        let have = have.expect("a unit's content holds what its items contribute");
        have.count = have
            .count
            .checked_sub(row.count)
            .expect("content never goes below zero");
    }
    content.retain(|row| row.count > 0);
}
