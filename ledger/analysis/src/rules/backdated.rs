//! D22: a burst of late reports.

use std::collections::BTreeMap;

use chipledger_ledger::read::{QueryError, Spot};
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::time::Time;

use super::calendar::{date, days};
use super::id::RuleId;
use super::parameters::Name;
use super::shares::Stake;
use super::{About, Rule, Scene, Told};

/// Late reports by member.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backdated {
    late: BTreeMap<MemberId, Vec<(Time, Spot, Stake)>>,
}

impl Rule for Backdated {
    const ABOUT: About = About {
        id: RuleId::of(22),
        version: 1,
        name: "back-dated reports in a burst",
        why: "Books that are put in order all at once were not kept. What is written weeks later, \
            just before somebody comes, says what should have been.",
        innocent: &[
            "a system was down, and its queue was sent when it came back",
            "a new member reports what happened before it had its keys",
        ],
        next: &[
            "ask the member for the original documents of those days",
            "look at who was about to inspect it, and let them look harder",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        if !told.record.kind().is_custody() {
            return Ok(());
        }
        let watch = scene.watch;
        let limit = watch.parameters.days_ms(Name::LatenessDays, told.time);
        if told.time.since_ms(told.occurred_at()) <= limit {
            return Ok(());
        }
        let member = told.author().clone();
        let moved = told
            .postings
            .iter()
            .map(|row| watch.stake_of(row.model, row.count))
            .fold(Stake::default(), |a, b| a + b);
        let late = self.late.entry(member.clone()).or_default();
        late.push((told.time, told.spot, moved));
        let burst = watch.parameters.days_ms(Name::BurstDays, told.time);
        late.retain(|(at, _, _)| told.time.since_ms(*at) <= burst);
        if (late.len() as u64) < watch.parameters.at(Name::BurstRecords, told.time) {
            return Ok(());
        }
        let story = vec![format!(
            "{member} entered {} records within {} days up to {} whose events lay more than {} \
             days back; the last of them is a {} of {}.",
            late.len(),
            days(burst),
            date(told.time),
            days(limit),
            told.record.kind(),
            date(told.occurred_at()),
        )];
        let stake = late
            .iter()
            .map(|(_, _, stake)| *stake)
            .fold(Stake::default(), |a, b| a + b);
        let records = late.iter().map(|(_, spot, _)| *spot).collect();
        scene.raise(("member", &member), records, (stake, story));
        Ok(())
    }
}
