//! D2: what arrived is not what was shipped.

use std::collections::BTreeMap;

use chipledger_ledger::read::{QueryError, Spot};
use chipledger_schemas::ids::{DocumentId, ItemId};
use chipledger_schemas::records::{Receive, Record};
use chipledger_schemas::time::Time;
use chipledger_schemas::words::Status;

use super::alert::Subject;
use super::calendar::date;
use super::id::RuleId;
use super::parameters::Name;
use super::shares::Stake;
use super::sink::Finding;
use super::{About, Rule, Scene, Told};

/// Roots that were called missing and have not been found.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShortDelivery {
    missing: BTreeMap<DocumentId, Missing>,
    due: BTreeMap<Time, Vec<DocumentId>>,
}

#[derive(Clone, Debug)]
struct Missing {
    items: Vec<ItemId>,
    said: Spot,
    by: String,
    occurred_at: Time,
}

impl Rule for ShortDelivery {
    const ABOUT: About = About {
        id: RuleId::of(2),
        version: 1,
        name: "short or swapped delivery",
        why: "Goods that leave a shipment between two docks were taken on the way, or never put \
            in; other goods in their place make the count right and the ids wrong.",
        innocent: &[
            "the missing goods came with a later transport and their receipt is not reported",
            "the shipper named a pallet that stayed on its dock",
            "two consignments of one shipper were exchanged, and another receiver has the goods",
        ],
        next: &[
            "compare packing list, seal numbers and weights at both docks",
            "ask the shipper to show the missing ids in its stock",
            "look for other receipts with extra items on the same route in the same week",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        let items = match told.record {
            Record::Receive(receive) => {
                self.receive(scene, told, receive);
                vec![&receive.found, &receive.refused, &receive.extra]
            }
            Record::VoidShipment(_) | Record::SetSeizure(_) | Record::Correct(_) => {
                told.record.items()
            }
            _ => return Ok(()),
        };
        for (id, missing) in &mut self.missing {
            let before = missing.items.len();
            missing
                .items
                .retain(|item| !items.iter().any(|set| set.contains(item)));
            if before > 0 && missing.items.is_empty() {
                scene.sink.end(&Subject::new("shipment", id), told.time);
            }
        }
        self.missing.retain(|_, missing| !missing.items.is_empty());
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

impl ShortDelivery {
    fn receive(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>, receive: &Receive) {
        let watch = scene.watch;
        let Some((id, shipment)) = receive
            .shipment
            .as_ref()
            .and_then(|id| Some((id, watch.shipments.get(id)?)))
        else {
            return;
        };
        let roots = receive.missing.ids();
        let roots: Vec<ItemId> = roots.filter(|item| shipment.items.contains(item)).collect();
        if !receive.extra.is_empty() {
            let chips = watch.moved_into(told.postings, Status::Irregular);
            let swapped = if roots.is_empty() {
                "nothing that was shipped is missing".to_owned()
            } else {
                format!("{} that was shipped is missing", listed(&roots))
            };
            let extra: Vec<ItemId> = receive.extra.ids().take(LISTED_MAX + 1).collect();
            let story = vec![format!(
                "{} reported on {} that {} came to {} in shipment {id}, which {} had not \
                     put in; {swapped}.",
                told.author(),
                date(receive.occurred_at),
                listed(&extra),
                receive.site,
                shipment.from,
            )];
            scene.sink.raise(
                watch,
                Finding {
                    subject: Subject::new("shipment", id),
                    records: vec![shipment.opened, told.spot],
                    first_true_at: told.time,
                    stake: watch.stake(&chips) + watch.stake(&shipment.under_way),
                    story,
                },
            );
            return;
        }
        if roots.is_empty() {
            return;
        }
        let grace = watch.parameters.days_ms(Name::ShortGraceDays, told.time);
        self.due
            .entry(told.time.plus_ms(grace))
            .or_default()
            .push(id.clone());
        self.missing.insert(
            id.clone(),
            Missing {
                items: roots,
                said: told.spot,
                by: told.author().to_string(),
                occurred_at: receive.occurred_at,
            },
        );
    }

    fn judge(&mut self, scene: &mut Scene<'_, '_>, id: &DocumentId, due: Time) {
        let watch = scene.watch;
        let found = self.missing.get(id).zip(watch.shipments.get(id));
        let Some((missing, shipment)) = found else {
            return;
        };
        let stake: Stake = watch.stake(&shipment.under_way);
        let story = vec![
            format!(
                "{} shipped {} units to {} on {} in shipment {id}; on {} {} reported {} missing.",
                shipment.from,
                shipment.items.len(),
                shipment.to,
                date(shipment.shipped_at),
                date(missing.occurred_at),
                missing.by,
                listed(&missing.items),
            ),
            format!(
                "By {} nobody had found, returned, lost or seized them.",
                date(due)
            ),
        ];
        scene.sink.raise(
            watch,
            Finding {
                subject: Subject::new("shipment", id),
                records: vec![shipment.opened, missing.said],
                first_true_at: due,
                stake,
                story,
            },
        );
    }
}

/// Ids that a sentence names before it counts the rest.
const LISTED_MAX: usize = 4;

/// Some ids in a sentence.
pub(super) fn listed(items: &[ItemId]) -> String {
    let shown: Vec<String> = items
        .iter()
        .take(LISTED_MAX)
        .map(ToString::to_string)
        .collect();
    match items.len().saturating_sub(LISTED_MAX) {
        0 => shown.join(", "),
        rest => format!("{} and {rest} more", shown.join(", ")),
    }
}
