//! What undone departures, refusals and receipts mean for shipments, licences, clearances and
//! orders.

use std::collections::BTreeMap;

use chipledger_proof::state::{Key, Shipment, ShipmentState};
use chipledger_schemas::ids::DocumentId;
use chipledger_schemas::movement::Location;

use super::Undo;
use super::steps::Step;
use crate::execute::holding::Named;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

/// Rejects the correction of a departure that leaves something of it under way: the rest would be
/// in a shipment that never was.
pub(super) fn check_all_named<S: State>(draft: &Draft<'_, S>, undos: &[Undo]) -> Result<(), Fault> {
    let mut named: BTreeMap<&DocumentId, u64> = BTreeMap::new();
    for undo in undos {
        if let Step::Departed(id) = &undo.step {
            *named.entry(id).or_default() += 1;
        }
    }
    for (id, count) in named {
        let outstanding = shipment(draft, id)?.outstanding;
        if count != outstanding {
            return reject(
                Code::NotAllNamed,
                format!("{outstanding} items are under way in {id}, {count} are named"),
            );
        }
    }
    Ok(())
}

/// Reverses what the movements counted.
pub(super) fn take_back<S: State>(draft: &mut Draft<'_, S>, undos: &[Undo]) -> Result<(), Fault> {
    for undo in undos {
        let item = std::slice::from_ref(&undo.named);
        match &undo.step {
            Step::Departed(id) => {
                let mut found = shipment(draft, id)?;
                draft.take_back(&mut found, item)?;
                draft.put(Key::Shipment(id.clone()), found);
            }
            Step::Refused { from, leg } => unrefuse(draft, from, leg, item)?,
            Step::Arrived(id) => unreceive(draft, id, undo)?,
            Step::Missed(id) => {
                let mut found = shipment(draft, id)?;
                found.missing = found.missing.saturating_sub(1);
                draft.put(Key::Shipment(id.clone()), found);
            }
            Step::Other => {}
        }
    }
    Ok(())
}

/// Refused goods are under way to the receiver again, and their part of the quota with them.
fn unrefuse<S: State>(
    draft: &mut Draft<'_, S>,
    from: &DocumentId,
    leg: &DocumentId,
    item: &[Named],
) -> Result<(), Fault> {
    let (mut way, mut back) = (shipment(draft, from)?, shipment(draft, leg)?);
    let share = draft.share_of(&back, item)?;
    back.licence_chips -= share.chips;
    back.licence_tpp_milli -= share.tpp_milli;
    way.licence_chips = way.licence_chips.saturating_add(share.chips);
    way.licence_tpp_milli = way.licence_tpp_milli.saturating_add(share.tpp_milli);
    way.received = way.received.saturating_sub(1);
    draft.put(Key::Shipment(from.clone()), way);
    draft.put(Key::Shipment(leg.clone()), back);
    Ok(())
}

/// The shipper of returned goods does not have them back after all: they count against the licence.
fn unreceive<S: State>(
    draft: &mut Draft<'_, S>,
    id: &DocumentId,
    undo: &Undo,
) -> Result<(), Fault> {
    let mut found = shipment(draft, id)?;
    found.received = found.received.saturating_sub(1);
    if let Location::At { holder, .. } = &undo.item.facts.location
        && found.return_of.is_some()
        && draft.successor_of(&found.to)? == draft.successor_of(holder)?
    {
        draft.charge_again(&mut found, std::slice::from_ref(&undo.named))?;
    }
    draft.put(Key::Shipment(id.clone()), found);
    Ok(())
}

/// A shipment whose departure was undone is void, unless some of it arrived.
pub(super) fn close<S: State>(draft: &mut Draft<'_, S>, undos: &[Undo]) -> Result<(), Fault> {
    for undo in undos {
        let (Step::Departed(id) | Step::Refused { leg: id, .. }) = &undo.step else {
            continue;
        };
        let mut found = shipment(draft, id)?;
        if found.outstanding == 0 && found.received == 0 && found.state != ShipmentState::Void {
            found.state = ShipmentState::Void;
            draft.put(Key::Shipment(id.clone()), found);
        }
    }
    Ok(())
}

fn shipment<S: State>(draft: &Draft<'_, S>, id: &DocumentId) -> Result<Shipment, Fault> {
    let found = draft.get::<Shipment>(&Key::Shipment(id.clone()))?;
    Ok(found.expect("an item was under way in a shipment that exists"))
}
