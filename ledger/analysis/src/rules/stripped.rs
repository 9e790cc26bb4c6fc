//! D6: a server is seen with fewer chips than the book has in it.

use std::collections::BTreeMap;

use chipledger_ledger::read::{QueryError, Spot};
use chipledger_schemas::ids::{Height, ItemId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::records::Record;

use super::calendar::date;
use super::id::RuleId;
use super::seen::{LOOKED_AT_MAX, booked};
use super::shares::Stake;
use super::short_delivery::listed;
use super::two_places::stake_of;
use super::{About, Rule, Scene, Told};

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stripped;

impl Rule for Stripped {
    const ABOUT: About = About {
        id: RuleId::of(6),
        version: 1,
        name: "stripped server",
        why: "An empty chassis passes a count of boxes. The chips are what is wanted elsewhere, \
            and they travel more easily without their server.",
        innocent: &[
            "a chip was taken out for repair and the swap is not reported",
            "the server was built with fewer chips, and packed in the book by habit",
        ],
        next: &[
            "ask for the repair orders of the server",
            "have the absent chips shown, or reported lost",
            "open a sample of servers of the same consignment",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        let known = scene.watch.height;
        match told.record {
            Record::Inspect(inspect) => {
                let seen = |unit: &ItemId| inspect.found.contains(unit);
                judge(scene, told, &inspect.absent, seen, known)
            }
            // Whatever is missing from inside what arrived. The receipt itself takes it out of its
            // unit: the book as it was before the block counts.
            Record::Receive(receive) => {
                let before = Height(known.0.saturating_sub(1));
                let seen = |unit: &ItemId| receive.found.contains(unit);
                judge(scene, told, &receive.missing, seen, before)
            }
            _ => Ok(()),
        }
    }
}

fn judge(
    scene: &mut Scene<'_, '_>,
    told: &Told<'_>,
    absent: &ItemSet,
    seen: impl Fn(&ItemId) -> bool,
    known: Height,
) -> Result<(), QueryError> {
    let at = told.occurred_at();
    let mut stripped: BTreeMap<ItemId, (Vec<ItemId>, Stake, Vec<Spot>)> = BTreeMap::new();
    for item in absent.ids().take(LOOKED_AT_MAX) {
        let Some(book) = booked(scene.view, &item, at, known)? else {
            continue;
        };
        if let Some(unit) = book.containers.iter().find(|unit| seen(unit)) {
            let stake = stake_of(scene, &item)?;
            let at = stripped.entry(unit.clone()).or_default();
            at.0.push(item);
            at.1 = at.1 + stake;
            at.2.push(book.record);
        }
    }
    for (unit, (items, stake, mut records)) in stripped {
        records.push(told.spot);
        let story = vec![format!(
            "{} saw {unit} on {} without {}, which the book has inside it.",
            told.author(),
            date(at),
            listed(&items),
        )];
        scene.raise(("item", &unit), records, (stake, story));
    }
    Ok(())
}
