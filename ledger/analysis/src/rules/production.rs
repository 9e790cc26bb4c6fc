//! D21: good dies minus registered minus scrap is not zero.
//!
//! A fab that has never balanced its books is a question of coverage. One that did, and no longer
//! does, is an alert.

use std::collections::{BTreeMap, BTreeSet};

use chipledger_ledger::read::{QueryError, Spot};
use chipledger_schemas::catalogue::ModelId;
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::records::register::Origin;
use chipledger_schemas::records::{DeclareProduction, Record};
use chipledger_schemas::time::Time;

use super::calendar::date;
use super::id::RuleId;
use super::parameters::Name;
use super::shares::Stake;
use super::{About, Rule, Scene, Told};

type Line = (MemberId, ModelId);

/// What was registered when, and which production lines have balanced before.
#[derive(Clone, Debug, Default)]
pub(crate) struct Production {
    registered: BTreeMap<Line, Vec<(Time, u64)>>,
    due: BTreeMap<Time, Vec<(Line, DeclareProduction, Spot)>>,
    balanced: BTreeSet<Line>,
}

impl Rule for Production {
    const ABOUT: About = About {
        id: RuleId::of(21),
        version: 1,
        name: "production does not add up",
        why: "A good die that is neither registered nor scrapped is a chip that no book will ever \
            see; one that is registered and was never made is a label for another chip.",
        innocent: &[
            "dies are still in test, and are registered in the next period",
            "the period was counted by another calendar",
        ],
        next: &[
            "ask the fab for the lots of the period, from wafer start to shipment",
            "inspect the fab: scrap, and what is in test",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        match told.record {
            Record::Register(register) if register.origin == Origin::Made => {
                let line = (told.author().clone(), register.model.clone());
                let made = (register.occurred_at, register.items.len());
                self.registered.entry(line).or_default().push(made);
            }
            Record::DeclareProduction(declared) => {
                let grace = scene
                    .watch
                    .parameters
                    .days_ms(Name::ProductionGraceDays, told.time);
                let due = declared.until.plus_ms(grace).max(told.time);
                let line = (told.author().clone(), declared.model.clone());
                let entry = (line, declared.clone(), told.spot);
                self.due.entry(due).or_default().push(entry);
            }
            _ => {}
        }
        Ok(())
    }

    fn at(&mut self, scene: &mut Scene<'_, '_>, time: Time) {
        while let Some(first) = self.due.first_entry().filter(|first| *first.key() < time) {
            let (due, declared) = first.remove_entry();
            for (line, declared, spot) in declared {
                self.judge(scene, line, &declared, spot, due);
            }
        }
    }
}

impl Production {
    fn judge(
        &mut self,
        scene: &mut Scene<'_, '_>,
        line: Line,
        declared: &DeclareProduction,
        spot: Spot,
        due: Time,
    ) {
        let watch = scene.watch;
        let registered: u64 = self
            .registered
            .get(&line)
            .into_iter()
            .flatten()
            .filter(|(at, _)| *at >= declared.from && *at < declared.until)
            .map(|(_, count)| *count)
            .sum();
        let good = declared.good_dies;
        if good < watch.parameters.at(Name::ProductionDiesMin, due) {
            return;
        }
        let accounted = registered.saturating_add(declared.scrap);
        let gap = good.abs_diff(accounted);
        let percent = watch.parameters.at(Name::ProductionGapPercent, due);
        if u128::from(gap) * 100 <= u128::from(good) * u128::from(percent) {
            self.balanced.insert(line);
            return;
        }
        if !self.balanced.contains(&line) {
            return;
        }
        let (fab, model) = &line;
        let more = if good > accounted {
            "are unaccounted for"
        } else {
            "are accounted for and were not made"
        };
        let story = vec![format!(
            "{fab} declared {good} good dies of {model} from {} to {} and {} scrapped; it \
             registered {registered}: {gap} {more}. Its earlier periods balanced.",
            date(declared.from),
            date(declared.until),
            declared.scrap,
        )];
        let number = watch.model_number(model);
        let stake = number.map_or_else(Stake::default, |model| watch.stake_of(model, gap));
        let subject = format!("{fab} {model} {}", date(declared.from));
        scene.raise_at(due, ("production", &subject), vec![spot], (stake, story));
    }
}
