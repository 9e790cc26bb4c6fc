//! Shipments and their deadlines: now, and those that were open at a moment.

use std::collections::BTreeMap;

use chipledger_proof::state::{EntryKind, Key, Shipment, ShipmentState, Stored};
use chipledger_schemas::ids::{DocumentId, MemberId, RecordId, SiteId};
use chipledger_schemas::time::Time;
use serde::{Deserialize, Serialize};

use super::{Moment, QueryError};
use crate::state::{RootsDelta, State, StateError, counted};
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

/// A shipment that was open at a moment, as far as it was known by then.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OpenShipment {
    /// Its id.
    pub id: DocumentId,
    /// Where it left.
    pub from_site: SiteId,
    /// Named receiver then.
    pub to: MemberId,
    /// Where it went then.
    pub to_site: SiteId,
    /// Who carries.
    pub carrier: Option<MemberId>,
    /// Event time of departure.
    pub shipped_at: Time,
    /// Expected arrival then.
    pub expected_at: Time,
    /// Milliseconds past its expected arrival, if overdue then.
    pub overdue_ms: Option<u64>,
    /// Roots shipped.
    pub shipped: u64,
    /// Roots under way.
    pub outstanding: u64,
    /// Roots lost or stolen on the way: booked in this transit.
    pub lost: u64,
    /// The order that it answers.
    pub order: Option<DocumentId>,
    /// The shipment whose refused goods it brings back.
    pub return_of: Option<DocumentId>,
    /// The record that opened it.
    pub record: RecordId,
}

impl View<'_> {
    /// Shipments that were open at a moment, by key: those in which something was under way. Only
    /// those past their expected arrival at `now`, if asked.
    pub fn open_shipments(
        &self,
        moment: Moment,
        now: Time,
        overdue_only: bool,
    ) -> Result<Vec<OpenShipment>, QueryError> {
        let mut roots: BTreeMap<DocumentId, RootsDelta> = BTreeMap::new();
        self.facts_of_all_at(moment, |facts| {
            let Some((shipment, one)) = counted(facts) else {
                return;
            };
            let sum = match roots.get_mut(shipment) {
                Some(sum) => sum,
                None => roots.entry(shipment.clone()).or_default(),
            };
            sum.outstanding += one.outstanding;
            sum.lost += one.lost;
        })?;
        let mut listed = Vec::new();
        for (id, count) in roots {
            if count.outstanding == 0 {
                continue;
            }
            let open = self.open_shipment(id, count, moment, now)?;
            if open.overdue_ms.is_some() || !overdue_only {
                listed.push(open);
            }
        }
        // The order of the shipments of now: that of their keys.
        listed.sort_by_cached_key(|open: &OpenShipment| Key::Shipment(open.id.clone()).bytes());
        Ok(listed)
    }

    fn open_shipment(
        &self,
        id: DocumentId,
        count: RootsDelta,
        moment: Moment,
        now: Time,
    ) -> Result<OpenShipment, QueryError> {
        let missing = |what: &str| StateError {
            reason: format!("the {what} of shipment {id} is missing; run audit"),
        };
        let entry = self.entry(&Key::Shipment(id.clone()))?;
        let shipment = entry.as_deref().and_then(Shipment::of);
        let shipment = shipment.ok_or_else(|| missing("entry"))?.clone();
        let way = self.way(&id, moment, None)?;
        let way = way.ok_or_else(|| missing("way"))?;
        let late = way.expected_at < now;
        let whole = |count: i128| u64::try_from(count).unwrap_or(0);
        Ok(OpenShipment {
            from_site: way.from_site,
            to: way.to,
            to_site: way.to_site,
            carrier: shipment.carrier,
            shipped_at: shipment.shipped_at,
            overdue_ms: late.then(|| now.since_ms(way.expected_at)),
            expected_at: way.expected_at,
            shipped: shipment.shipped,
            outstanding: whole(count.outstanding),
            lost: whole(count.lost),
            order: shipment.order,
            return_of: shipment.return_of,
            record: shipment.record,
            id,
        })
    }

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
