//! Shipments as the watch follows them: what is still under way, by the postings of each record.

use chipledger_ledger::read::Spot;
use chipledger_schemas::ids::{DocumentId, ItemId, MemberId, Reference, SiteId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::records::{Receive, Record, Redirect, Ship};
use chipledger_schemas::time::Time;

use super::super::Told;
use super::super::shares::{Chips, add, count, take};
use super::Watch;
use chipledger_proof::state::AccountPlace;

/// Bytes of a reference, as records have them.
const REFERENCE_BYTES_MAX: usize = 35;
/// Return legs of one shipment that are tried; the ledger refuses more.
const RETURN_LEGS_MAX: u32 = 100;

/// A shipment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shipment {
    /// Who sent it.
    pub from: MemberId,
    /// Where it left.
    pub from_site: SiteId,
    /// Named receiver.
    pub to: MemberId,
    /// Where it goes.
    pub to_site: SiteId,
    /// Event time of departure.
    pub shipped_at: Time,
    /// Expected arrival.
    pub expected_at: Time,
    /// The licence that it uses.
    pub licence: Option<DocumentId>,
    /// The exit clearance.
    pub clearance: Option<DocumentId>,
    /// The record that opened it.
    pub opened: Spot,
    /// Roots shipped.
    pub items: ItemSet,
    /// Roots that have not arrived, nor been sent back, taken back, lost or seized.
    pub outstanding: u64,
    /// Chips shipped.
    pub shipped: Chips,
    /// Chips under way.
    pub under_way: Chips,
    /// The shipment whose refused goods it brings back.
    pub return_of: Option<DocumentId>,
}

impl Shipment {
    /// Whether anything is under way.
    pub fn is_open(&self) -> bool {
        match count(&self.shipped) {
            0 => self.outstanding > 0,
            _ => count(&self.under_way) > 0,
        }
    }
}

impl Watch {
    pub(super) fn take_shipment(&mut self, told: &Told<'_>) {
        match told.record {
            Record::Ship(ship) => self.open(told, ship),
            Record::Receive(receive) => match &receive.shipment {
                Some(id) => self.arrive(told, receive, id),
                None => self.leave_elsewhere(told),
            },
            Record::VoidShipment(void) => {
                if let Some(shipment) = self.shipments.get_mut(&void.shipment) {
                    shipment.outstanding = 0;
                    shipment.under_way.clear();
                }
            }
            Record::Redirect(redirect) => self.redirect(redirect),
            _ => self.leave_elsewhere(told),
        }
    }

    fn open(&mut self, told: &Told<'_>, ship: &Ship) {
        let (_, entered) = self.transit_change(told.postings);
        let from_site = told
            .postings
            .iter()
            .find_map(|row| match &self.account(row.from)?.place {
                AccountPlace::Site { site, .. } => Some(site.clone()),
                AccountPlace::Transit { .. } => None,
            });
        let shipment = Shipment {
            from: told.author().clone(),
            // Empty units move no chips: where they left is told by no posting, and nothing that
            // is judged here depends on it.
            from_site: from_site.unwrap_or_else(|| ship.to_site.clone()),
            to: ship.to.clone(),
            to_site: ship.to_site.clone(),
            shipped_at: ship.occurred_at,
            expected_at: ship.expected_at,
            licence: ship.licence.clone(),
            clearance: ship.clearance.clone(),
            opened: told.spot,
            items: ship.items.clone(),
            outstanding: ship.items.len(),
            shipped: entered.clone(),
            under_way: entered,
            return_of: None,
        };
        self.shipments.insert(ship.shipment.clone(), shipment);
    }

    fn arrive(&mut self, told: &Told<'_>, receive: &Receive, id: &DocumentId) {
        let (left, _) = self.transit_change(told.postings);
        let mut sent_back = Chips::new();
        if !receive.refused.is_empty() {
            for row in told.postings {
                let place = |number| self.account(number).map(|account| &account.place);
                let (from, to) = (place(row.from), place(row.to));
                let under_way =
                    |p: Option<&AccountPlace>| matches!(p, Some(AccountPlace::Transit { .. }));
                if under_way(from) && under_way(to) && from != to {
                    add(&mut sent_back, row.model, row.count);
                }
            }
        }
        let Some(shipment) = self.shipments.get_mut(id) else {
            return;
        };
        let inner = receive.missing.ids();
        let inner = inner.filter(|id| !shipment.items.contains(id)).count() as u64;
        shipment.outstanding = (shipment.outstanding + inner)
            .saturating_sub(receive.found.len() + receive.refused.len());
        for (model, count) in left.iter().chain(&sent_back) {
            take(&mut shipment.under_way, *model, *count);
        }
        if !receive.refused.is_empty() {
            let back = Shipment {
                from: told.author().clone(),
                from_site: receive.site.clone(),
                to: id.member.clone(),
                to_site: shipment.from_site.clone(),
                shipped_at: receive.occurred_at,
                expected_at: receive
                    .occurred_at
                    .plus_ms(shipment.expected_at.since_ms(shipment.shipped_at)),
                licence: shipment.licence.clone(),
                clearance: None,
                opened: told.spot,
                items: receive.refused.clone(),
                outstanding: receive.refused.len(),
                shipped: sent_back.clone(),
                under_way: sent_back,
                return_of: Some(id.clone()),
            };
            if let Some(leg) = self.return_leg(told.author(), id) {
                self.shipments.insert(leg, back);
            }
        }
    }

    /// The free reference that the ledger gives a return leg: `<reference>.R`, of the receiver.
    fn return_leg(&self, author: &MemberId, id: &DocumentId) -> Option<DocumentId> {
        (0..RETURN_LEGS_MAX).find_map(|number| {
            let suffix = match number {
                0 => ".R".to_owned(),
                _ => format!(".R{number}"),
            };
            let kept = REFERENCE_BYTES_MAX - suffix.len();
            let kept: String = id.reference.as_str().chars().take(kept).collect();
            let reference: Reference = format!("{kept}{suffix}").parse().ok()?;
            let leg = DocumentId::new(author.clone(), reference);
            (!self.shipments.contains_key(&leg)).then_some(leg)
        })
    }

    fn redirect(&mut self, redirect: &Redirect) {
        if let Some(shipment) = self.shipments.get_mut(&redirect.shipment) {
            shipment.to = redirect.to.clone();
            shipment.to_site = redirect.to_site.clone();
            shipment.expected_at = redirect.expected_at;
            shipment.licence.clone_from(&redirect.licence);
            shipment.clearance.clone_from(&redirect.clearance);
        }
    }

    /// Any other record may take something out of a shipment, or put it back: a loss, a seizure, a
    /// correction, an arrival where nobody waited for it.
    fn leave_elsewhere(&mut self, told: &Told<'_>) {
        let change = |watch: &Self| {
            let counted = |number| {
                let account = watch.account(number)?;
                let under_way = matches!(account.place, AccountPlace::Transit { .. })
                    && account.status == chipledger_schemas::words::Status::InTransit;
                Some(under_way)
            };
            let (mut left, mut entered) = (Chips::new(), Chips::new());
            for row in told.postings {
                let from = counted(row.from).unwrap_or(false);
                let to = counted(row.to).unwrap_or(false);
                match (from, to) {
                    (true, false) => add(&mut left, row.model, row.count),
                    (false, true) => add(&mut entered, row.model, row.count),
                    _ => {}
                }
            }
            (left, entered)
        };
        let (left, entered) = change(self);
        if left.is_empty() && entered.is_empty() {
            return;
        }
        let named = told.record.items();
        let Some(first) = named.iter().find_map(|set| set.ids().next()) else {
            return;
        };
        let roots = named.iter().map(|set| set.len()).sum::<u64>();
        if let Some(shipment) = self.latest_with(&first) {
            for (model, count) in &left {
                take(&mut shipment.under_way, *model, *count);
            }
            for (model, count) in &entered {
                add(&mut shipment.under_way, *model, *count);
            }
            shipment.outstanding = if left.is_empty() {
                shipment.outstanding + roots
            } else {
                shipment.outstanding.saturating_sub(roots)
            };
        }
    }

    fn latest_with(&mut self, item: &ItemId) -> Option<&mut Shipment> {
        let with = self.shipments.values_mut();
        with.filter(|shipment| shipment.items.contains(item))
            .max_by_key(|shipment| shipment.opened)
    }
}
