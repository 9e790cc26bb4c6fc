//! Shipper-receiver differences: what left in a shipment and did not come out of it.

use std::collections::BTreeMap;

use chipledger_ledger::read::QueryError;
use chipledger_ledger::state::State;
use chipledger_ledger::store::View;
use chipledger_proof::state::{EntryKind, Key, Shipment, Stored};
use chipledger_schemas::ids::{DocumentId, ItemId, MemberId, SiteId};
use chipledger_schemas::movement::Place;
use chipledger_schemas::time::Time;
use chipledger_schemas::words::Status;
use serde::{Deserialize, Serialize};

use super::Period;
use crate::journeys::{Chip, Stay};

/// A shipment as its chips tell it, at the end of the period.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Difference {
    /// The shipment; its member is the shipper.
    pub shipment: DocumentId,
    /// From which site.
    pub from_site: SiteId,
    /// To which site, by the last height.
    pub to_site: SiteId,
    /// Who shall receive, by the last height.
    pub receiver: MemberId,
    /// When it left.
    pub shipped_at: Time,
    /// When it should arrive, by the last height.
    pub expected_at: Time,
    /// Chips that left in it.
    pub shipped: u64,
    /// Chips that came out of it, not where it left.
    pub received: u64,
    /// Chips that came back to where it left.
    pub returned: u64,
    /// Chips lost, stolen or ended in it.
    pub lost: u64,
    /// Chips still in it.
    pub outstanding: u64,
    /// Whether it is past its expected arrival.
    pub overdue: bool,
    /// Chips that should have come out: lost, and still in it once it is overdue or others came
    /// out.
    pub difference: u64,
    /// Which.
    pub missing: Vec<ItemId>,
}

/// Differences of all shipments between a party and the site's others.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PartyDifference {
    /// The party.
    pub member: Option<MemberId>,
    /// Shipments that it sent or should receive.
    pub shipments: u64,
    /// Chips that it sent.
    pub sent: u64,
    /// Of these, that should have come out and did not.
    pub sent_difference: u64,
    /// Chips sent to it.
    pub addressed: u64,
    /// Of these, that should have come out and did not.
    pub addressed_difference: u64,
}

/// Shipments from and to a site, with what became of their chips.
pub(super) struct Ways {
    ways: BTreeMap<DocumentId, (Shipment, Difference, Vec<ItemId>)>,
}

impl Ways {
    pub(super) fn read(view: &View<'_>, site: &SiteId) -> Result<Self, QueryError> {
        let mut ways = BTreeMap::new();
        for (key, entry) in view.entries(EntryKind::Shipment)? {
            let (Key::Shipment(id), Some(shipment)) = (key, Shipment::of(&entry)) else {
                continue;
            };
            let redirected = shipment.redirects.iter().any(|was| was.to_site == *site);
            if shipment.from_site == *site || shipment.to_site == *site || redirected {
                let difference = blank(&id, shipment);
                ways.insert(id, (shipment.clone(), difference, Vec::new()));
            }
        }
        Ok(Self { ways })
    }

    /// What became of a chip in these shipments by a time.
    pub(super) fn take(&mut self, chip: &Chip, until: Time) {
        let stays: Vec<&Stay> = chip
            .stays
            .iter()
            .filter(|stay| stay.from <= until)
            .collect();
        for (at, stay) in stays.iter().enumerate() {
            let Place::Transit(id) = &stay.place else {
                continue;
            };
            let next = stays.get(at + 1);
            // The last stay in the shipment tells how it ended.
            if next.is_some_and(|next| next.place == stay.place) {
                continue;
            }
            let Some((shipment, difference, inside)) = self.ways.get_mut(id) else {
                continue;
            };
            difference.shipped += 1;
            match next.map(|next| &next.place) {
                Some(Place::Site(site)) if *site == shipment.from_site => difference.returned += 1,
                Some(_) => difference.received += 1,
                None if gone(stay.status) => {
                    difference.lost += 1;
                    difference.missing.push(chip.id.clone());
                }
                None => {
                    difference.outstanding += 1;
                    inside.push(chip.id.clone());
                }
            }
        }
    }

    /// Shipments that left in the period, and all up to its end by party.
    pub(super) fn differences(
        self,
        period: &Period<'_>,
    ) -> (Vec<Difference>, Vec<PartyDifference>) {
        let mut shipments = Vec::new();
        let mut parties: BTreeMap<MemberId, PartyDifference> = BTreeMap::new();
        for (id, (_, mut difference, inside)) in self.ways {
            if difference.shipped == 0 || difference.shipped_at > period.until {
                continue;
            }
            difference.overdue =
                difference.outstanding > 0 && difference.expected_at < period.until;
            if difference.overdue || difference.received + difference.returned > 0 {
                difference.missing.extend(inside);
            }
            difference.missing.sort();
            difference.difference = difference.missing.len() as u64;
            let sender = parties.entry(id.member.clone()).or_default();
            sender.shipments += 1;
            sender.sent += difference.shipped;
            sender.sent_difference += difference.difference;
            let receiver = parties.entry(difference.receiver.clone()).or_default();
            receiver.shipments += u64::from(difference.receiver != id.member);
            receiver.addressed += difference.shipped;
            receiver.addressed_difference += difference.difference;
            if period.includes(difference.shipped_at) {
                shipments.push(difference);
            }
        }
        let named = |(member, party): (MemberId, PartyDifference)| PartyDifference {
            member: Some(member),
            ..party
        };
        (shipments, parties.into_iter().map(named).collect())
    }
}

fn gone(status: Status) -> bool {
    matches!(status, Status::Lost | Status::Stolen) || status.is_ended()
}

fn blank(id: &DocumentId, shipment: &Shipment) -> Difference {
    Difference {
        shipment: id.clone(),
        from_site: shipment.from_site.clone(),
        to_site: shipment.to_site.clone(),
        receiver: shipment.to.clone(),
        shipped_at: shipment.shipped_at,
        expected_at: shipment.expected_at,
        shipped: 0,
        received: 0,
        returned: 0,
        lost: 0,
        outstanding: 0,
        overdue: false,
        difference: 0,
        missing: Vec::new(),
    }
}
