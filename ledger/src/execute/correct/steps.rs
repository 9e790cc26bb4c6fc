//! What kind of movement is to be undone, read off the facts before and after it, and whether what
//! came after it allows that.

use chipledger_proof::state::{Key, LastMovement, Shipment, ShipmentState};
use chipledger_schemas::ids::{DocumentId, ItemNumber};
use chipledger_schemas::movement::{Facts, Location, Movement, Place};
use chipledger_schemas::records::Correct;
use chipledger_schemas::words::{Irregularity, Status};

use super::Undo;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

/// A movement by what it means for shipments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// It sent a root off.
    Departed(DocumentId),
    /// A receiver sent it back, in this return leg.
    Refused { from: DocumentId, leg: DocumentId },
    /// It arrived as announced.
    Arrived(DocumentId),
    /// It was missing inside what arrived, and stayed under way.
    Missed(DocumentId),
    /// The shipment that it is in was given another destination.
    Redirected(DocumentId),
    /// The shipper took it back out of the shipment.
    Voided(DocumentId),
    /// Anything else.
    Other,
}

/// The shipment that facts place a root in.
pub(super) fn transit(facts: &Facts) -> Option<&DocumentId> {
    match &facts.location {
        Location::At {
            place: Place::Transit(shipment),
            ..
        } => Some(shipment),
        _ => None,
    }
}

pub(super) fn step_of(movement: &Movement, after: &Facts) -> Step {
    let Some(before) = &movement.before else {
        return Step::Other;
    };
    let announced = !matches!(
        after.irregularity,
        Some(Irregularity::NoShipment | Irregularity::NotShipped)
    );
    let has_arrived = matches!(after.status, Some(Status::Stock | Status::Irregular));
    match (transit(before), transit(after)) {
        (None, Some(id)) if matches!(before.location, Location::At { .. }) => {
            Step::Departed(id.clone())
        }
        (None, Some(id)) if after.status == Some(Status::InTransit) => Step::Missed(id.clone()),
        (Some(from), Some(leg)) if from != leg => Step::Refused {
            from: from.clone(),
            leg: leg.clone(),
        },
        (Some(id), Some(_)) if before == after => Step::Redirected(id.clone()),
        (Some(id), None) if has_arrived && announced => Step::Arrived(id.clone()),
        _ => Step::Other,
    }
}

/// Rejects what later movements of containers or contents, or the kind of the movement, do not let
/// be undone; says what the movement was.
pub(super) fn check_step<S: State>(
    draft: &Draft<'_, S>,
    record: &Correct,
    undo: &Undo,
) -> Result<Step, Fault> {
    let id = &undo.item.id;
    let step = known_step(draft, undo)?;
    let ended = undo.named.effective.status.is_ended();
    if ended && undo.item.facts.status != Some(undo.named.effective.status) {
        return reject(Code::ItemEnded, format!("what contains {id} has ended"));
    }
    let moved_at = undo.movement.occurred_at;
    if undo.item.content_at > moved_at {
        return reject(
            Code::NotLatest,
            format!("something inside {id} moved since; record what is so now instead"),
        );
    }
    for container in &undo.named.effective.containers {
        check_rested(draft, record, *container, undo)?;
    }
    match undo.movement.before.as_ref().map(|facts| &facts.location) {
        Some(Location::In(container)) => check_takes_back(draft, record, *container, undo),
        Some(location @ Location::At { .. }) => check_came_from(draft, location, undo),
        None => Ok(()),
    }?;
    Ok(step)
}

/// What the movement was, also by what its shipment says of it.
fn known_step<S: State>(draft: &Draft<'_, S>, undo: &Undo) -> Result<Step, Fault> {
    let step = step_of(&undo.movement, &undo.item.facts);
    let (Step::Arrived(id) | Step::Redirected(id)) = &step else {
        return Ok(step);
    };
    let key = Key::Shipment(id.clone());
    let of = |shipment: &Shipment| {
        let last = shipment.redirects.last().map(|redirect| redirect.record);
        (shipment.state, last)
    };
    let (state, last) = draft.look(&key, of)?.unzip();
    match step {
        Step::Arrived(id) if state == Some(ShipmentState::Void) => Ok(Step::Voided(id)),
        Step::Redirected(id) if last.flatten() != Some(undo.movement.record) => reject(
            Code::NotLatest,
            format!("{id} has gone another way since; correct its latest redirect first"),
        ),
        step => Ok(step),
    }
}

/// Rejects a container that moved after the movement to be undone, unless the same record moved it.
fn check_rested<S: State>(
    draft: &Draft<'_, S>,
    record: &Correct,
    container: ItemNumber,
    undo: &Undo,
) -> Result<(), Fault> {
    let (id, moved_at, same) = draft.with_item(container, |unit| {
        let same =
            matches!(&unit.movement, LastMovement::Known(last) if last.record == record.record);
        (unit.id.clone(), unit.movement.occurred_at(), same)
    })?;
    if same || moved_at <= undo.movement.occurred_at {
        return Ok(());
    }
    reject(
        Code::NotLatest,
        format!("{id} moved since; correct that first"),
    )
}

/// An item goes back into a container only if that has not moved since, and still is where the item
/// is (or came there by the record that is corrected).
fn check_takes_back<S: State>(
    draft: &Draft<'_, S>,
    record: &Correct,
    container: ItemNumber,
    undo: &Undo,
) -> Result<(), Fault> {
    let outer = draft.effective(container)?;
    if outer.status.is_ended() {
        return reject(Code::ItemEnded, format!("{} is {}", outer.id, outer.status));
    }
    let mut same_record = false;
    for unit in outer.containers.iter().chain([&container]) {
        check_rested(draft, record, *unit, undo)?;
        same_record |= draft.with_item(
            *unit,
            |unit| matches!(&unit.movement, LastMovement::Known(m) if m.record == record.record),
        )?;
    }
    let seized = undo.item.facts.status == Some(Status::Seized);
    if same_record || seized || outer.place == undo.named.effective.place {
        return Ok(());
    }
    reject(
        Code::NotLatest,
        format!("{} is elsewhere now; correct that first", outer.id),
    )
}

/// What was packed comes out where it went in: whatever it is in has not changed place or hands.
fn check_came_from<S: State>(
    draft: &Draft<'_, S>,
    before: &Location,
    undo: &Undo,
) -> Result<(), Fault> {
    let Location::At { place, holder } = before else {
        return Ok(());
    };
    let now = &undo.named.effective;
    if now.is_root()
        || (now.place == *place
            && draft.successor_of(&now.holder)? == draft.successor_of(holder)?)
    {
        return Ok(());
    }
    reject(
        Code::NotLatest,
        format!(
            "what contains {} is elsewhere now; correct that first",
            now.id
        ),
    )
}
