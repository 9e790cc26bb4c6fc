//! D4: goods that nobody sent, and items at an inspection that no book has there.

use chipledger_ledger::read::QueryError;
use chipledger_schemas::ids::ItemId;
use chipledger_schemas::records::{Inspect, Receive, Record};
use chipledger_schemas::words::Status;

use super::alert::Subject;
use super::calendar::date;
use super::id::RuleId;
use super::seen::{LOOKED_AT_MAX, booked};
use super::shares::Stake;
use super::short_delivery::listed;
use super::sink::Finding;
use super::{About, Rule, Scene, Told};

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OrphanReceipt;

impl Rule for OrphanReceipt {
    const ABOUT: About = About {
        id: RuleId::of(4),
        version: 1,
        name: "receipt without shipment, or extra items",
        why: "Material in excess of the book is the strongest sign that a second, unwritten supply \
            exists: chips that were never registered, or that the book has elsewhere.",
        innocent: &[
            "the shipper forgot to report its shipment, and will",
            "the items were moved between halls of one operator without a record",
            "the label was read wrongly; a second reading corrects it",
        ],
        next: &[
            "ask the holder for the papers under which the items came",
            "read the labels and the attestation of each item again, before a witness",
            "ask whoever the book says holds them to show them",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        match told.record {
            Record::Receive(receive) if receive.shipment.is_none() => {
                arrived(scene, told, receive);
                Ok(())
            }
            Record::Inspect(inspect) if !inspect.extra.is_empty() => extra(scene, told, inspect),
            _ => Ok(()),
        }
    }
}

fn arrived(scene: &mut Scene<'_, '_>, told: &Told<'_>, receive: &Receive) {
    let watch = scene.watch;
    let sets = [&receive.found, &receive.extra];
    let items = sets.into_iter().flat_map(chipledger_schemas::items::ItemSet::ids);
    let items: Vec<ItemId> = items.take(LOOKED_AT_MAX).collect();
    let Some(first) = items.first() else { return };
    let stake = watch.stake(&watch.moved_into(told.postings, Status::Irregular));
    let from = told.postings.iter().find_map(|row| watch.account(row.from));
    let before = from.map_or_else(String::new, |from| {
        format!(" Until then the book had them with {}.", from.holder)
    });
    let story = vec![format!(
        "{} reported on {} that {} arrived at {} ({}), without any shipment.{before}",
        told.author(),
        date(receive.occurred_at),
        listed(&items),
        receive.site,
        watch.place_of(&receive.site),
    )];
    scene.sink.raise(
        watch,
        Finding {
            subject: Subject::new("item", first),
            records: vec![told.spot],
            first_true_at: told.time,
            stake,
            story,
        },
    );
}

fn extra(scene: &mut Scene<'_, '_>, told: &Told<'_>, inspect: &Inspect) -> Result<(), QueryError> {
    let watch = scene.watch;
    let items: Vec<ItemId> = inspect.extra.ids().take(LOOKED_AT_MAX).collect();
    let (mut unknown, mut elsewhere) = (Vec::new(), Vec::new());
    let mut records = vec![told.spot];
    for item in &items {
        match booked(scene.view, item, inspect.occurred_at, watch.height)? {
            None => unknown.push(item.clone()),
            Some(found) if found.place == inspect.site.as_str() => {}
            Some(found) => {
                records.push(found.record);
                elsewhere.push((item.clone(), found.place));
            }
        }
    }
    let Some(first) = unknown
        .first()
        .or(elsewhere.first().map(|(item, _)| item))
        .cloned()
    else {
        return Ok(());
    };
    let mut story = vec![format!(
        "{} inspected {} ({}) on {} and found items that the book does not have there.",
        told.author(),
        inspect.site,
        watch.place_of(&inspect.site),
        date(inspect.occurred_at),
    )];
    if !unknown.is_empty() {
        story.push(format!("Nobody registered {}.", listed(&unknown)));
    }
    if let Some((item, place)) = elsewhere.first() {
        let others = elsewhere.len() - 1;
        let more = if others > 0 {
            format!(", and {others} more elsewhere")
        } else {
            String::new()
        };
        story.push(format!("The book had {item} at {place} that day{more}."));
    }
    records.truncate(20);
    scene.sink.raise(
        watch,
        Finding {
            subject: Subject::new("item", &first),
            records,
            first_true_at: told.time,
            // Unregistered chips have no model: only their number is known.
            stake: Stake {
                chips: (unknown.len() + elsewhere.len()) as u64,
                tpp_milli: 0,
            },
            story,
        },
    );
    Ok(())
}
