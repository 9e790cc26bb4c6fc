//! D7: a label is found, and the chip under it does not answer.

use std::collections::BTreeMap;

use chipledger_ledger::read::{QueryError, Spot};
use chipledger_schemas::ids::ItemId;
use chipledger_schemas::records::attest_location::Attestation;
use chipledger_schemas::records::{Inspect, Record};
use chipledger_schemas::time::{DAY_MS, Time};

use super::calendar::date;
use super::id::RuleId;
use super::parameters::Name;
use super::seen::LOOKED_AT_MAX;
use super::shares::Stake;
use super::short_delivery::listed;
use super::two_places::stake_of;
use super::{About, Rule, Scene, Told};

/// Chips with a registered key, and when each last answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dummy {
    answered: BTreeMap<ItemId, Time>,
    due: BTreeMap<Time, Vec<Found>>,
}

#[derive(Clone, Debug)]
struct Found {
    chips: Vec<(ItemId, Stake)>,
    said: Spot,
    by: String,
    site: String,
    at: Time,
}

impl Rule for Dummy {
    const ABOUT: About = About {
        id: RuleId::of(7),
        version: 1,
        name: "label without attestation",
        why: "Labels can be moved to dummies before an audit. The key inside the chip cannot: a \
            label that was read in a hall where the chip does not answer proves nothing.",
        innocent: &[
            "the chip was switched off or under repair in those weeks",
            "the operator's attestation service was down for all chips of the hall",
        ],
        next: &[
            "come unannounced, and have the chips answer a fresh nonce while they are watched",
            "compare the hall's power with what the booked chips draw",
            "open the servers and look at the dies",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        match told.record {
            Record::Register(register) => {
                for key in &register.device_keys {
                    self.answered.insert(key.item.clone(), Time::default());
                }
            }
            Record::DeviceReport(report) => self.answer(&report.item, report.occurred_at),
            Record::AttestLocation(attest) if attest.result == Attestation::Consistent => {
                for item in attest.items.ids().take(LOOKED_AT_MAX) {
                    self.answer(&item, attest.occurred_at);
                }
            }
            Record::Inspect(inspect) => self.inspected(scene, told, inspect)?,
            _ => {}
        }
        Ok(())
    }

    fn at(&mut self, scene: &mut Scene<'_, '_>, time: Time) {
        while let Some(first) = self.due.first_entry().filter(|first| *first.key() < time) {
            let (due, all) = first.remove_entry();
            for found in all {
                self.judge(scene, &found, due);
            }
        }
    }
}

impl Dummy {
    fn answer(&mut self, item: &ItemId, at: Time) {
        if let Some(answered) = self.answered.get_mut(item) {
            *answered = at.max(*answered);
        }
    }

    fn inspected(
        &mut self,
        scene: &Scene<'_, '_>,
        told: &Told<'_>,
        inspect: &Inspect,
    ) -> Result<(), QueryError> {
        let mut chips = Vec::new();
        for item in inspect.found.ids().take(LOOKED_AT_MAX) {
            if self.answered.contains_key(&item) {
                let stake = stake_of(scene, &item)?;
                chips.push((item, stake));
            }
        }
        if chips.is_empty() {
            return Ok(());
        }
        let within = scene
            .watch
            .parameters
            .days_ms(Name::AttestedWithinDays, told.time);
        let due = inspect.occurred_at.plus_ms(within).max(told.time);
        self.due.entry(due).or_default().push(Found {
            chips,
            said: told.spot,
            by: told.author().to_string(),
            site: inspect.site.to_string(),
            at: inspect.occurred_at,
        });
        Ok(())
    }

    fn judge(&self, scene: &mut Scene<'_, '_>, found: &Found, due: Time) {
        let within = scene
            .watch
            .parameters
            .days_ms(Name::AttestedWithinDays, due);
        let since = found.at.minus_ms(within);
        let silent: Vec<&(ItemId, Stake)> = found
            .chips
            .iter()
            .filter(|(item, _)| self.answered.get(item).is_some_and(|at| *at < since))
            .collect();
        let Some((first, _)) = silent.first() else {
            return;
        };
        let ids: Vec<ItemId> = silent.iter().map(|(item, _)| item.clone()).collect();
        let stake = silent
            .iter()
            .map(|(_, stake)| *stake)
            .fold(Stake::default(), |a, b| a + b);
        let story = vec![format!(
            "{} read the labels of {} at {} on {}; none of these {} chips, each registered with a \
             key, answered within {} days before or after.",
            found.by,
            listed(&ids),
            found.site,
            date(found.at),
            ids.len(),
            within / DAY_MS,
        )];
        scene.raise_at(due, ("item", first), vec![found.said], (stake, story));
    }
}
