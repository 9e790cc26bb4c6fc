//! Shipments count their roots by what moves, whatever the kind of record: nothing that is under
//! way can drop out of its shipment.

use chipledger_proof::state::{Key, Shipment, ShipmentState};
use chipledger_schemas::ids::DocumentId;
use chipledger_schemas::movement::{Facts, Location, Place};
use chipledger_schemas::words::Status;

use super::{Draft, State};
use crate::rejection::Fault;

/// Roots that entered (or left, below zero) a shipment.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct RootsDelta {
    pub outstanding: i128,
    pub lost: i128,
}

/// Which count of which shipment a root with these facts is in.
pub(crate) fn counted(facts: &Facts) -> Option<(&DocumentId, RootsDelta)> {
    let Location::At {
        place: Place::Transit(shipment),
        ..
    } = &facts.location
    else {
        return None;
    };
    let mut one = RootsDelta::default();
    match facts.status {
        Some(Status::InTransit) => one.outstanding = 1,
        Some(Status::Lost | Status::Stolen) => one.lost = 1,
        _ => return None,
    }
    Some((shipment, one))
}

impl<S: State> Draft<'_, S> {
    /// Notes what a change of facts means for the shipments concerned.
    pub(super) fn count_under_way(&mut self, before: &Facts, after: &Facts) {
        for (facts, sign) in [(before, -1), (after, 1)] {
            if let Some((shipment, one)) = counted(facts) {
                let shipments = &mut self.journal_mut().shipments;
                if !shipments.contains_key(shipment) {
                    shipments.insert(shipment.clone(), RootsDelta::default());
                }
                if let Some(delta) = shipments.get_mut(shipment) {
                    delta.outstanding += sign * one.outstanding;
                    delta.lost += sign * one.lost;
                }
            }
        }
    }

    /// Brings what was noted into the shipments: one with nothing under way is closed, one that
    /// gets something back is open again.
    pub(crate) fn settle_shipments(&mut self) -> Result<(), Fault> {
        let deltas = std::mem::take(&mut self.journal_mut().shipments);
        for (id, delta) in deltas {
            if (delta.outstanding, delta.lost) == (0, 0) {
                continue;
            }
            let key = Key::Shipment(id);
            let shipment = self.get::<Shipment>(&key)?;
            let mut shipment = shipment.expect("an item is under way in a shipment that exists");
            shipment.outstanding = shifted(shipment.outstanding, delta.outstanding);
            shipment.lost = shifted(shipment.lost, delta.lost);
            shipment.state = match (shipment.outstanding, shipment.state) {
                (0, ShipmentState::Open) => ShipmentState::Closed,
                (0, state) => state,
                _ => ShipmentState::Open,
            };
            self.put(key, shipment);
        }
        Ok(())
    }
}

fn shifted(count: u64, change: i128) -> u64 {
    u64::try_from(i128::from(count) + change).expect("a shipment counts the roots that it has")
}
