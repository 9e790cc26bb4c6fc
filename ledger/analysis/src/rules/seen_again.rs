//! D15: a destroyed chip is seen again, and losses that a fleet of that size does not explain.

use std::collections::BTreeMap;

use chipledger_ledger::read::{QueryError, Spot};
use chipledger_schemas::ids::{ItemId, MemberId};
use chipledger_schemas::records::set_loss::Loss;
use chipledger_schemas::records::{Record, SetLoss};
use chipledger_schemas::time::{DAY_MS, Time};
use chipledger_schemas::words::Status;

use super::alert::Subject;
use super::calendar::date;
use super::id::RuleId;
use super::parameters::Name;
use super::seen::{booked, seen};
use super::shares::{Chips, Stake, count};
use super::sink::Finding;
use super::{About, Rule, Scene, Told};

const YEAR_MS: u64 = 365 * DAY_MS;

/// Losses that have not been recovered.
#[derive(Clone, Debug, Default)]
pub(crate) struct SeenAgain {
    losses: BTreeMap<MemberId, Vec<Lost>>,
    due: BTreeMap<Time, Vec<MemberId>>,
}

#[derive(Clone, Debug)]
struct Lost {
    items: Vec<ItemId>,
    chips: Chips,
    at: Time,
    said: Spot,
}

impl Rule for SeenAgain {
    const ABOUT: About = About {
        id: RuleId::of(15),
        version: 1,
        name: "false destruction or loss",
        why: "A chip that the book calls destroyed or lost is free to be anywhere. Whoever can end \
            chips on paper can feed a second market.",
        innocent: &[
            "the label of a destroyed chip was reused on a chassis, and the chip inside is another",
            "the certificate of destruction named the wrong serials",
            "a burglary or a fire, with a police report, explains losses that lie together",
        ],
        next: &[
            "read the chip's own attestation, not only its label",
            "ask the witness of the destruction for the certificate and the photographs",
            "ask for a complete physical inventory of whoever reported the end",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        match told.record {
            Record::SetLoss(loss) => self.loss(scene, told, loss),
            Record::DeviceReport(report) => {
                ended(
                    scene,
                    told,
                    &report.item,
                    report.occurred_at,
                    "reported itself",
                )?;
            }
            Record::AttestLocation(attest) => {
                for item in attest.items.ids().take(super::seen::LOOKED_AT_MAX) {
                    ended(
                        scene,
                        told,
                        &item,
                        attest.occurred_at,
                        "answered a location check",
                    )?;
                }
            }
            _ => {
                let Some(seen) = seen(scene.watch, told) else {
                    return Ok(());
                };
                for item in &seen.items {
                    ended(scene, told, item, seen.at, "was seen")?;
                }
            }
        }
        Ok(())
    }

    fn at(&mut self, scene: &mut Scene<'_, '_>, time: Time) {
        while let Some(first) = self.due.first_entry().filter(|first| *first.key() < time) {
            let (due, members) = first.remove_entry();
            for member in members {
                self.judge(scene, &member, due);
            }
        }
    }
}

impl SeenAgain {
    fn loss(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>, loss: &SetLoss) {
        let member = told.author().clone();
        if loss.loss == Loss::Recovered {
            let losses = self.losses.entry(member).or_default();
            for lost in losses.iter_mut() {
                lost.items.retain(|item| !loss.items.contains(item));
            }
            losses.retain(|lost| !lost.items.is_empty());
            return;
        }
        let watch = scene.watch;
        let mut chips = watch.moved_into(told.postings, Status::Lost);
        for (model, count) in watch.moved_into(told.postings, Status::Stolen) {
            super::shares::add(&mut chips, model, count);
        }
        let grace = watch.parameters.days_ms(Name::LossGraceDays, told.time);
        let due = told.time.plus_ms(grace);
        self.due.entry(due).or_default().push(member.clone());
        self.losses.entry(member).or_default().push(Lost {
            items: loss.items.ids().take(super::seen::LOOKED_AT_MAX).collect(),
            chips,
            at: told.time,
            said: told.spot,
        });
    }

    fn judge(&mut self, scene: &mut Scene<'_, '_>, member: &MemberId, due: Time) {
        let watch = scene.watch;
        let grace = watch.parameters.days_ms(Name::LossGraceDays, due);
        let losses = self.losses.get(member).into_iter().flatten();
        let of_the_year: Vec<&Lost> = losses
            .filter(|lost| lost.at.plus_ms(grace) <= due && due.since_ms(lost.at) < YEAR_MS)
            .collect();
        let lost: u64 = of_the_year.iter().map(|lost| count(&lost.chips)).sum();
        let fleet = count(&watch.owned_by(member));
        let rate = watch.parameters.at(Name::LossRatePpm, due);
        let above = u128::from(lost) * 1_000_000 > u128::from(fleet) * u128::from(rate);
        if lost < watch.parameters.at(Name::LossesMin, due) || !above {
            return;
        }
        let stake = of_the_year
            .iter()
            .map(|lost| watch.stake(&lost.chips))
            .fold(Stake::default(), |a, b| a + b);
        let story = vec![format!(
            "{member} reported {lost} chips lost or stolen in the year before {} and has not \
             recovered them; it owns {fleet} chips, of which {} would be within the rate.",
            date(due),
            u128::from(fleet) * u128::from(rate) / 1_000_000,
        )];
        scene.sink.raise(
            watch,
            Finding {
                subject: Subject::new("member", member),
                records: of_the_year.iter().map(|lost| lost.said).collect(),
                first_true_at: due,
                stake,
                story,
            },
        );
    }
}

/// Raises an alert if an item had ended when somebody saw it.
fn ended(
    scene: &mut Scene<'_, '_>,
    told: &Told<'_>,
    item: &ItemId,
    at: Time,
    how: &str,
) -> Result<(), QueryError> {
    let watch = scene.watch;
    let Some(found) = booked(scene.view, item, at, watch.height)? else {
        return Ok(());
    };
    if found.status != Status::Destroyed {
        return Ok(());
    }
    let model = scene.view.leaf(scene.view.item_number(item)?)?.kind;
    let stake = match model {
        chipledger_proof::state::ItemKind::Chip(model) => watch.stake_of(model, 1),
        chipledger_proof::state::ItemKind::Unit(_) => Stake::default(),
    };
    let story = vec![format!(
        "{} says that {item} {how} on {}; the book has it destroyed at {} since {}, with {}.",
        told.author(),
        date(at),
        found.place,
        date(found.since),
        found.holder,
    )];
    scene.sink.raise(
        watch,
        Finding {
            subject: Subject::new("item", item),
            records: vec![found.record, told.spot],
            first_true_at: told.time,
            stake,
            story,
        },
    );
    Ok(())
}
