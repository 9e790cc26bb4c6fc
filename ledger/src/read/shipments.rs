//! Shipments and their deadlines.

use chipledger_proof::state::{EntryKind, Key, Shipment, ShipmentState, Stored};
use chipledger_schemas::ids::DocumentId;
use chipledger_schemas::time::Time;
use serde::{Deserialize, Serialize};

use super::QueryError;
use crate::state::State;
use crate::store::View;

/// A shipment with its id.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ListedShipment {
    /// Its id.
    pub id: DocumentId,
    /// What is true of it.
    #[serde(flatten)]
    pub shipment: Shipment,
    /// Milliseconds past its expected arrival, if overdue.
    pub overdue_ms: Option<u64>,
}

impl View<'_> {
    /// Shipments, by id; only open ones past their expected arrival at `now`, if asked.
    pub fn shipments(
        &self,
        now: Time,
        overdue_only: bool,
    ) -> Result<Vec<ListedShipment>, QueryError> {
        let mut listed = Vec::new();
        for (key, entry) in self.entries(EntryKind::Shipment)? {
            let (Key::Shipment(id), Some(shipment)) = (key, Shipment::of(&entry)) else {
                continue;
            };
            let open = shipment.state == ShipmentState::Open;
            let late = open && shipment.expected_at < now;
            let overdue_ms = late.then(|| now.since_ms(shipment.expected_at));
            if late || !overdue_only {
                listed.push(ListedShipment {
                    id,
                    shipment: shipment.clone(),
                    overdue_ms,
                });
            }
        }
        Ok(listed)
    }
}
