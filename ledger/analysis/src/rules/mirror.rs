//! D20: what one country's customs let out, another's did not let in.

use std::collections::{BTreeMap, BTreeSet};

use chipledger_ledger::read::{QueryError, Spot};
use chipledger_schemas::ids::DocumentId;
use chipledger_schemas::records::{Receive, Record};
use chipledger_schemas::time::{DAY_MS, Time};

use super::id::RuleId;
use super::parameters::Name;
use super::shares::{Stake, count};
use super::{About, Rule, Scene, Told};

/// Days that a month has at most.
const MONTH_DAYS: u64 = 31;

/// Both books, by route and month.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mirror {
    months: BTreeMap<String, Month>,
    due: BTreeMap<Time, BTreeSet<String>>,
    counted: BTreeSet<DocumentId>,
}

#[derive(Clone, Debug, Default)]
struct Month {
    exit: u64,
    entry: u64,
    stake: Stake,
    apart: Vec<Spot>,
}

impl Rule for Mirror {
    const ABOUT: About = About {
        id: RuleId::of(20),
        version: 1,
        name: "customs' books differ",
        why: "Goods that left one country and did not enter the other are in neither's books. \
            Comparing both sides is the oldest check of trade.",
        innocent: &[
            "entry was declared in another country on the way",
            "entries of the last days of the month were made in the next",
        ],
        next: &[
            "have both agencies compare the consignments one by one",
            "ask the receivers under which entry the goods came in",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        if let Record::Receive(receive) = told.record {
            self.received(scene, told, receive);
        }
        Ok(())
    }

    fn at(&mut self, scene: &mut Scene<'_, '_>, time: Time) {
        while let Some(first) = self.due.first_entry().filter(|first| *first.key() < time) {
            let (due, routes) = first.remove_entry();
            for route in routes {
                self.judge(scene, &route, due);
            }
        }
    }
}

impl Mirror {
    fn received(&mut self, scene: &Scene<'_, '_>, told: &Told<'_>, receive: &Receive) {
        let watch = scene.watch;
        let id = receive.shipment.as_ref();
        let Some((id, shipment)) = id.and_then(|id| Some((id, watch.shipments.get(id)?))) else {
            return;
        };
        let (from, to) = (
            watch.place_of(&shipment.from_site),
            watch.place_of(&receive.site),
        );
        // A return leg has no exit of its own.
        let own = shipment.clearance.is_some() && shipment.return_of.is_none();
        if from == to || !own || !self.counted.insert(id.clone()) {
            return;
        }
        let month: String = told.time.to_string().chars().take(7).collect();
        let route = format!("{from}->{to} {month}");
        let shipped = count(&shipment.shipped);
        let entry = receive.clearance.as_ref();
        let entry = entry.and_then(|clearance| watch.clearances.get(clearance));
        let entered = entry.map_or(0, |entry| entry.declared.chips);
        let at = self.months.entry(route.clone()).or_default();
        at.exit += shipped;
        at.entry = at.entry.saturating_add(entered);
        if shipped != entered {
            at.stake = at.stake + watch.stake(&shipment.shipped);
            at.apart.extend([shipment.opened, told.spot]);
            at.apart.extend(entry.map(|entry| entry.spot));
        }
        let grace = watch.parameters.days_ms(Name::MirrorGraceDays, told.time);
        let first: Time = super::parameters::day(&format!("{month}-01"));
        let due = first.plus_ms(MONTH_DAYS * DAY_MS).plus_ms(grace);
        self.due.entry(due).or_default().insert(route);
    }

    fn judge(&self, scene: &mut Scene<'_, '_>, route: &str, due: Time) {
        let Some(month) = self.months.get(route) else {
            return;
        };
        let gap = month.exit.abs_diff(month.entry);
        if gap < scene.watch.parameters.at(Name::MirrorGapChips, due) {
            return;
        }
        let story = vec![format!(
            "Of the shipments received on {route}, customs let {} chips out and {} in.",
            month.exit, month.entry,
        )];
        let records = month.apart.clone();
        scene.raise_at(due, ("route", &route), records, (month.stake, story));
    }
}
