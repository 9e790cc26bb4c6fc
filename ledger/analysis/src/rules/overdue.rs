//! D1: a shipment that is past its expected arrival, and nobody says what became of it.

use std::collections::{BTreeMap, BTreeSet};

use chipledger_ledger::read::QueryError;
use chipledger_schemas::ids::DocumentId;
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::records::Record;
use chipledger_schemas::time::Time;

use super::alert::Subject;
use super::calendar::{date, days};
use super::id::RuleId;
use super::parameters::Name;
use super::shares::{Chips, count};
use super::sink::Finding;
use super::watch::Watch;
use super::{About, Rule, Scene, Told};

/// Open shipments and when they are overdue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overdue {
    due: BTreeMap<Time, BTreeSet<DocumentId>>,
    fired: BTreeSet<DocumentId>,
    /// What a receiver called missing: that is the next rule's.
    missing: BTreeMap<DocumentId, Vec<ItemSet>>,
}

impl Rule for Overdue {
    const ABOUT: About = About {
        id: RuleId::of(1),
        version: 1,
        name: "overdue shipment",
        why: "Goods that left and never arrived are the plainest form of diversion: on paper they \
            are under way for ever, and they count in nobody's stock.",
        innocent: &[
            "the receipt was made and not yet reported",
            "the carrier or customs holds the goods, with papers that name the shipment",
            "the expected arrival was set too early for the route",
        ],
        next: &[
            "ask the receiver and the carrier for the proof of delivery",
            "ask customs at both ends whether the consignment left and entered",
            "if the goods cannot be shown, have the shipper report them lost or stolen, or seize \
             what is found",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        match told.record {
            Record::Ship(ship) => self.expect(scene.watch, &ship.shipment),
            Record::Redirect(redirect) => self.expect(scene.watch, &redirect.shipment),
            Record::Receive(receive) => {
                if let Some(id) = &receive.shipment {
                    if !receive.missing.is_empty() {
                        let missing = self.missing.entry(id.clone()).or_default();
                        missing.push(receive.missing.clone());
                    }
                    let refused = !receive.refused.is_empty();
                    let back =
                        scene.watch.shipments.iter().filter(|(_, shipment)| {
                            refused && shipment.return_of.as_ref() == Some(id)
                        });
                    let back: Vec<DocumentId> = back.map(|(id, _)| id.clone()).collect();
                    back.iter().for_each(|id| self.expect(scene.watch, id));
                }
            }
            _ => {}
        }
        // Whatever the record was, an overdue shipment may have come to its end by it.
        let ended = |id: &&DocumentId| {
            let shipment = scene.watch.shipments.get(*id);
            shipment.is_none_or(|shipment| !shipment.is_open())
        };
        let ended: Vec<DocumentId> = self.fired.iter().filter(ended).cloned().collect();
        for id in ended {
            self.fired.remove(&id);
            scene.sink.end(&Subject::new("shipment", &id), told.time);
        }
        Ok(())
    }

    fn at(&mut self, scene: &mut Scene<'_, '_>, time: Time) {
        while let Some(first) = self.due.first_entry().filter(|first| *first.key() < time) {
            let (due, ids) = first.remove_entry();
            for id in ids {
                self.judge(scene, &id, due);
            }
        }
    }
}

impl Overdue {
    fn expect(&mut self, watch: &Watch, id: &DocumentId) {
        let Some(shipment) = watch.shipments.get(id) else {
            return;
        };
        let grace = watch
            .parameters
            .days_ms(Name::OverdueGraceDays, shipment.expected_at);
        let due = shipment.expected_at.plus_ms(grace);
        self.due
            .entry(due.max(watch.time))
            .or_default()
            .insert(id.clone());
    }

    fn judge(&mut self, scene: &mut Scene<'_, '_>, id: &DocumentId, due: Time) {
        let watch = scene.watch;
        let Some(shipment) = watch.shipments.get(id).filter(|s| s.is_open()) else {
            return;
        };
        let grace = watch
            .parameters
            .days_ms(Name::OverdueGraceDays, shipment.expected_at);
        // It was redirected: then it waits again.
        if shipment.expected_at.plus_ms(grace) > due {
            return;
        }
        // All that has not come was called missing.
        let missing = self.missing.get(id).into_iter().flatten();
        let missing: u64 = missing.map(ItemSet::len).sum();
        if missing > 0 && missing >= shipment.outstanding {
            return;
        }
        let under_way: Chips = watch.under_way(id);
        let stake = watch.stake(&under_way);
        let story = vec![
            format!(
                "{} shipped {} chips from {} ({}) to {} at {} ({}) on {}, expected on {}.",
                shipment.from,
                count(&shipment.shipped),
                shipment.from_site,
                watch.place_of(&shipment.from_site),
                shipment.to,
                shipment.to_site,
                watch.place_of(&shipment.to_site),
                date(shipment.shipped_at),
                date(shipment.expected_at),
            ),
            format!(
                "On {}, {} days later, {} of them were still under way, and nobody had reported \
                 them received, returned, lost or seized.",
                date(due),
                days(due.since_ms(shipment.expected_at)),
                stake.chips,
            ),
        ];
        self.fired.insert(id.clone());
        scene.sink.raise(
            watch,
            Finding {
                subject: Subject::new("shipment", id),
                records: vec![shipment.opened],
                first_true_at: due,
                stake,
                story,
            },
        );
    }
}
