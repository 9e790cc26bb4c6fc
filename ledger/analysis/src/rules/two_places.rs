//! D3: one id in two places, or faster than transport allows.

use chipledger_ledger::read::QueryError;
use chipledger_schemas::ids::ItemId;
use chipledger_schemas::records::{Receive, Record};
use chipledger_schemas::time::HOUR_MS;

use super::calendar::date;
use super::globe::distance_km;
use super::id::RuleId;
use super::parameters::Name;
use super::seen::{LOOKED_AT_MAX, Seen, booked, seen};
use super::shares::Stake;
use super::{About, Rule, Scene, Told};

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TwoPlaces;

impl Rule for TwoPlaces {
    const ABOUT: About = About {
        id: RuleId::of(3),
        version: 1,
        name: "one id in two places",
        why: "One chip is in one place. An id in two means that one of them bears a copied label, \
            or that the book is wrong about where the chip is.",
        innocent: &[
            "the item moved and the records of the move are not in yet",
            "the label was misread by a digit",
            "the clocks of two docks differ, and the goods took the usual time",
        ],
        next: &[
            "have both items shown on the same day, and compare attestation and seals",
            "correct the book where the chip is not, once it is known",
            "look at other serials of the same lot: copied labels come in batches",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        match told.record {
            Record::Receive(receive) => {
                too_fast(scene, told, receive);
                Ok(())
            }
            Record::Sighting(_) => match seen(scene.watch, told) {
                Some(seen) => elsewhere(scene, told, &seen),
                None => Ok(()),
            },
            // What was found beyond the book is another rule's.
            Record::Inspect(inspect) => {
                let found = Seen {
                    items: inspect.found.ids().take(LOOKED_AT_MAX).collect(),
                    site: Some(inspect.site.clone()),
                    jurisdiction: scene.watch.place_of(&inspect.site),
                    at: inspect.occurred_at,
                };
                elsewhere(scene, told, &found)
            }
            _ => Ok(()),
        }
    }
}

fn elsewhere(scene: &mut Scene<'_, '_>, told: &Told<'_>, seen: &Seen) -> Result<(), QueryError> {
    for item in &seen.items {
        let Some(book) = booked(scene.view, item, seen.at, scene.watch.height)? else {
            continue;
        };
        // Under way a thing may be anywhere; what ended is another rule's.
        let Some(place) = book.jurisdiction.filter(|_| !book.status.is_ended()) else {
            continue;
        };
        let apart = match &seen.site {
            Some(site) => site.as_str() != book.place,
            None => seen.jurisdiction != place,
        };
        if !apart {
            continue;
        }
        let stake = stake_of(scene, item)?;
        let whereat = seen
            .site
            .as_ref()
            .map_or_else(String::new, |site| format!(" at {site}"));
        let story = vec![
            format!(
                "{} saw {item} in {}{whereat} on {}.",
                told.author(),
                seen.jurisdiction,
                date(seen.at),
            ),
            format!(
                "On that day the book has it at {} ({place}), held by {}, since {}.",
                book.place,
                book.holder,
                date(book.since),
            ),
        ];
        let records = vec![book.record, told.spot];
        scene.raise(("item", item), records, (stake, story));
    }
    Ok(())
}

/// What an item stands for: a chip of a model; of a unit the content is not told here.
pub(super) fn stake_of(scene: &Scene<'_, '_>, item: &ItemId) -> Result<Stake, QueryError> {
    let leaf = scene.view.leaf(scene.view.item_number(item)?)?;
    Ok(match leaf.kind {
        chipledger_proof::state::ItemKind::Chip(model) => scene.watch.stake_of(model, 1),
        chipledger_proof::state::ItemKind::Unit(_) => Stake::default(),
    })
}

fn too_fast(scene: &mut Scene<'_, '_>, told: &Told<'_>, receive: &Receive) {
    let watch = scene.watch;
    let found = receive.shipment.as_ref();
    let Some((id, shipment)) = found.and_then(|id| Some((id, watch.shipments.get(id)?))) else {
        return;
    };
    let position = |site| watch.sites.get(site).and_then(|known| known.position);
    let Some((from, to)) = position(&shipment.from_site).zip(position(&receive.site)) else {
        return;
    };
    let kilometres = distance_km(from, to);
    let took_ms = receive.occurred_at.since_ms(shipment.shipped_at);
    let speed = watch.parameters.at(Name::TransportKmPerHour, told.time);
    if u128::from(kilometres) * u128::from(HOUR_MS) <= u128::from(speed) * u128::from(took_ms) {
        return;
    }
    let story = vec![format!(
        "{} reported that shipment {id} left {} at {} and arrived at {} at {}: {kilometres} km, \
         which takes {} hours at {speed} km/h.",
        told.author(),
        shipment.from_site,
        shipment.shipped_at,
        receive.site,
        receive.occurred_at,
        kilometres / speed.max(1),
    )];
    let (stake, records) = (
        watch.stake(&shipment.shipped),
        vec![shipment.opened, told.spot],
    );
    scene.raise(("shipment", id), records, (stake, story));
}
