//! `correct`: the latest movement of every item named is undone, with what it did to shipments,
//! quotas and device keys; another record may take its place. What is decided here is decided from
//! the leaves alone (docs/decisions/004-corrections.md).

use chipledger_proof::state::{DeviceKeyOf, Item, Key, LastMovement};
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::ItemNumber;
use chipledger_schemas::movement::{Facts, Movement};
use chipledger_schemas::records::Correct;
use chipledger_schemas::words::Status;

use super::Context;
use super::holding::Named;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

mod departures;
mod parties;
mod steps;

use parties::check_parties;
use steps::{Step, check_step};

/// What is to be undone of one item.
struct Undo {
    named: Named,
    item: Item,
    movement: Movement,
    step: Step,
}

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Correct,
) -> Result<(), Fault> {
    let mut undos = undos(draft, record)?;
    for undo in &undos {
        check_parties(draft, context.signers, undo)?;
    }
    for undo in &mut undos {
        undo.step = check_step(draft, record, undo)?;
    }
    departures::check_all_named(draft, &undos)?;
    departures::take_back(draft, &undos)?;
    // What was put into a new unit leaves it before the unit is voided.
    let (moved, created): (Vec<_>, Vec<_>) = undos
        .iter()
        .partition(|undo| undo.movement.before.is_some());
    for undo in moved.into_iter().chain(created) {
        put_back(draft, undo)?;
    }
    draft.settle_shipments()?;
    departures::close(draft, &undos)?;
    match &record.replacement {
        Some(replacement) => super::run(draft, context, replacement),
        None => Ok(()),
    }
}

/// The movement of every item named: its latest, held in its leaf or carried.
fn undos<S: State>(draft: &Draft<'_, S>, record: &Correct) -> Result<Vec<Undo>, Fault> {
    let mut carried = record.carried.iter();
    let mut undos = Vec::new();
    for number in draft.numbers(&record.items)? {
        let effective = draft.effective(number)?;
        let item = draft.item(number)?;
        let movement = match &item.movement {
            LastMovement::Known(movement) => movement.clone(),
            LastMovement::Below { digest, .. } => carried_one(&item, *digest, carried.next())?,
        };
        if movement.record != record.record {
            return reject(
                Code::NotLatest,
                format!("{} was last moved by {}", item.id, movement.record),
            );
        }
        undos.push(Undo {
            named: Named { number, effective },
            item,
            movement,
            step: Step::Other,
        });
    }
    match carried.next() {
        None => Ok(undos),
        Some(movement) => reject(
            Code::CarriedMismatch,
            format!(
                "the movement of {} belongs to no item named",
                movement.record
            ),
        ),
    }
}

fn carried_one(item: &Item, digest: Hash, carried: Option<&Movement>) -> Result<Movement, Fault> {
    if digest == Hash::ZERO {
        return reject(
            Code::NotLatest,
            format!("every movement of {} is undone", item.id),
        );
    }
    match carried {
        Some(movement) if movement.digest() == digest => Ok(movement.clone()),
        Some(_) => reject(
            Code::CarriedMismatch,
            format!("{} commits to another movement", item.id),
        ),
        None => reject(
            Code::CarriedMismatch,
            format!("the movement of {} must be carried", item.id),
        ),
    }
}

/// Puts the facts back; what never should have been is void, its serial taken, its device key free.
fn put_back<S: State>(draft: &mut Draft<'_, S>, undo: &Undo) -> Result<(), Fault> {
    let number: ItemNumber = undo.named.number;
    if let Some(before) = &undo.movement.before {
        return draft.undo_item(number, &undo.movement, before.clone());
    }
    let unit = draft.item(number)?;
    if !unit.content.is_empty() {
        return reject(
            Code::NotAllNamed,
            format!(
                "{} is not empty: name what was packed into it as well",
                unit.id
            ),
        );
    }
    let facts = Facts {
        status: Some(Status::Void),
        irregularity: None,
        ..undo.item.facts.clone()
    };
    draft.undo_item(number, &undo.movement, facts)?;
    let mut item = draft.item(number)?;
    if let Some(key) = item.device_key.take() {
        let key = Key::DeviceKey(key);
        if draft.look::<DeviceKeyOf, _>(&key, |of| of.0)? == Some(number) {
            draft.remove(key);
        }
        draft.put_item(number, item);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
