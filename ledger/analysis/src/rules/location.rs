//! D18: location evidence that contradicts the book.

use chipledger_ledger::read::QueryError;
use chipledger_schemas::ids::ItemId;
use chipledger_schemas::records::Record;
use chipledger_schemas::records::attest_location::Attestation;

use super::calendar::date;
use super::id::RuleId;
use super::seen::{LOOKED_AT_MAX, booked};
use super::shares::Stake;
use super::short_delivery::listed;
use super::two_places::stake_of;
use super::{About, Rule, Scene, Told};

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Location;

impl Rule for Location {
    const ABOUT: About = About {
        id: RuleId::of(18),
        version: 1,
        name: "location contradicts the book",
        why: "Light takes its time: a chip that answers too soon from one side of the world is not \
            on the other. What excludes the booked country is the best evidence of a move.",
        innocent: &[
            "the landmarks' clocks or routes were disturbed that day",
            "the chips were under way, and the receipt is not reported",
        ],
        next: &[
            "repeat the measurement with other landmarks",
            "have the operator show the chips where the book has them",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        let Record::AttestLocation(attest) = told.record else {
            return Ok(());
        };
        if attest.result == Attestation::Indeterminate {
            return Ok(());
        }
        let mut wrong: Vec<(ItemId, String)> = Vec::new();
        let (mut stake, mut records) = (Stake::default(), vec![told.spot]);
        for item in attest.items.ids().take(LOOKED_AT_MAX) {
            let Some(book) = booked(scene.view, &item, attest.occurred_at, scene.watch.height)?
            else {
                continue;
            };
            let Some(place) = book.jurisdiction.filter(|_| !book.status.is_ended()) else {
                continue;
            };
            let excluded = !attest.region.is_empty() && !attest.region.contains(&place);
            if excluded || attest.result == Attestation::Inconsistent {
                stake = stake + stake_of(scene, &item)?;
                records.push(book.record);
                wrong.push((item, format!("{} ({place})", book.place)));
            }
        }
        let Some((first, place)) = wrong.first() else {
            return Ok(());
        };
        let region: Vec<String> = attest.region.iter().map(ToString::to_string).collect();
        let region = if region.is_empty() {
            "another place".to_owned()
        } else {
            region.join(", ")
        };
        let ids: Vec<ItemId> = wrong.iter().map(|(item, _)| item.clone()).collect();
        let story = vec![format!(
            "{} measured on {} by {} that {} can be in {region} only; the book has {first} at \
             {place}.",
            told.author(),
            date(attest.occurred_at),
            attest.method,
            listed(&ids),
        )];
        scene.raise(("item", first), records, (stake, story));
        Ok(())
    }
}
