//! D17: a licence that ended on the way, or that is exceeded.
//!
//! Policy rejects a shipment without the licence that it demands, to the wrong place or of the
//! wrong model. What is left to find is what became so afterwards.

use std::collections::BTreeMap;

use chipledger_ledger::read::{QueryError, Spot};
use chipledger_schemas::ids::DocumentId;
use chipledger_schemas::records::set_licence::LicenceAction;
use chipledger_schemas::records::{Receive, Record};

use super::calendar::date;
use super::id::RuleId;
use super::shares::{Chips, add, count};
use super::{About, Rule, Scene, Told};

/// What was shipped under each licence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Licence {
    used: BTreeMap<DocumentId, (Chips, Vec<Spot>)>,
}

impl Rule for Licence {
    const ABOUT: About = About {
        id: RuleId::of(17),
        version: 1,
        name: "licence ended or exceeded",
        why: "Goods that arrive when their licence no longer holds, or beyond what it allows, are \
            where they may not be.",
        innocent: &[
            "the licence was revoked after the goods had left, and the authority lets them arrive",
            "the terms were lowered for later shipments, and what was shipped was counted in",
        ],
        next: &[
            "ask the authority whether the arrival was allowed",
            "have the goods held or returned if it was not",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        match told.record {
            Record::Ship(ship) => {
                if let Some(licence) = &ship.licence {
                    let (_, entered) = scene.watch.transit_change(told.postings);
                    let used = self.used.entry(licence.clone()).or_default();
                    for (model, count) in entered {
                        add(&mut used.0, model, count);
                    }
                    used.1.push(told.spot);
                }
            }
            Record::Receive(receive) => arrived(scene, told, receive),
            Record::SetLicence(set) => {
                if matches!(set.action, LicenceAction::Grant(_)) {
                    self.exceeded(scene, told, &set.licence);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Licence {
    fn exceeded(&self, scene: &mut Scene<'_, '_>, told: &Told<'_>, id: &DocumentId) {
        let watch = scene.watch;
        let Some((used, spots)) = self.used.get(id) else {
            return;
        };
        let Some(terms) = watch.licences.get(id).map(|licence| &licence.terms) else {
            return;
        };
        let stake = watch.stake(used);
        let above = terms.chips_max.is_some_and(|max| count(used) > max)
            || terms
                .tpp_milli_max
                .is_some_and(|max| stake.tpp_milli > u128::from(max));
        if !above {
            return;
        }
        let most = terms
            .chips_max
            .map_or_else(|| "less compute".to_owned(), |max| format!("{max} chips"));
        let story = vec![format!(
            "{} lowered licence {id} of {} to {most} on {}; {} chips had been shipped under it.",
            told.author(),
            terms.licensee,
            date(told.time),
            stake.chips,
        )];
        let mut records = spots.clone();
        records.insert(0, told.spot);
        scene.raise(("licence", id), records, (stake, story));
    }
}

fn arrived(scene: &mut Scene<'_, '_>, told: &Told<'_>, receive: &Receive) {
    let watch = scene.watch;
    let id = receive.shipment.as_ref();
    let Some((id, shipment)) = id.and_then(|id| Some((id, watch.shipments.get(id)?))) else {
        return;
    };
    let Some((name, licence)) = shipment
        .licence
        .as_ref()
        .filter(|_| !receive.found.is_empty() && shipment.return_of.is_none())
        .and_then(|name| Some((name, watch.licences.get(name)?)))
    else {
        return;
    };
    let (how, mut records) = match licence.revoked {
        Some((at, spot)) if at <= told.time => (format!("was revoked on {}", date(at)), vec![spot]),
        _ if receive.occurred_at >= licence.terms.valid_until => (
            format!("ended on {}", date(licence.terms.valid_until)),
            Vec::new(),
        ),
        _ => return,
    };
    records.extend([licence.granted, shipment.opened, told.spot]);
    let stake = watch.stake(&shipment.shipped);
    let story = vec![format!(
        "{} received {} chips of shipment {id} at {} ({}) on {}; licence {name}, under which {} \
         shipped them on {}, {how}.",
        told.author(),
        stake.chips,
        receive.site,
        watch.place_of(&receive.site),
        date(receive.occurred_at),
        shipment.from,
        date(shipment.shipped_at),
    )];
    scene.raise(("shipment", id), records, (stake, story));
}
