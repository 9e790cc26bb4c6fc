//! Where rules put what they find: kept by rule and subject, resolved to records when asked.

use std::collections::BTreeMap;

use chipledger_ledger::read::{QueryError, Spot};
use chipledger_ledger::store::View;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::Height;
use chipledger_schemas::records::close_alert::AlertOutcome;
use chipledger_schemas::time::Time;

use super::alert::{Alert, Disposition, Status, Subject, alert_id, exhibits};
use super::id::RuleId;
use super::watch::Watch;
use super::{about, shares::Stake};

/// What a rule found.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// What it is about: a rule has one alert a subject.
    pub subject: Subject,
    /// The records that made it fire.
    pub records: Vec<Spot>,
    /// When it became true, ledger time.
    pub first_true_at: Time,
    /// What is at stake.
    pub stake: Stake,
    /// Who, what, when.
    pub story: Vec<String>,
}

#[derive(Clone, Debug)]
struct Raised {
    finding: Finding,
    height: Height,
    ended_at: Option<Time>,
}

/// Findings of all rules.
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    speaker: RuleId,
    raised: BTreeMap<(RuleId, Subject), Vec<Raised>>,
}

impl Default for Sink {
    fn default() -> Self {
        Self {
            speaker: RuleId::of(1),
            raised: BTreeMap::new(),
        }
    }
}

impl Sink {
    /// Whose word is next.
    pub(super) fn speaks(&mut self, rule: RuleId) {
        self.speaker = rule;
    }

    /// Raises an alert, unless the rule has one on the subject that has not ended.
    pub(super) fn raise(&mut self, watch: &Watch, finding: Finding) {
        let key = (self.speaker, finding.subject.clone());
        let raised = self.raised.entry(key).or_default();
        if raised.iter().any(|raised| raised.ended_at.is_none()) {
            return;
        }
        raised.push(Raised {
            finding,
            height: watch.height,
            ended_at: None,
        });
    }

    /// Ends the alert that the rule has on a subject, if it has one.
    pub(super) fn end(&mut self, subject: &Subject, time: Time) {
        let key = (self.speaker, subject.clone());
        for raised in self.raised.get_mut(&key).into_iter().flatten() {
            raised.ended_at.get_or_insert(time);
        }
    }

    pub(super) fn alerts(&self, view: &View<'_>, watch: &Watch) -> Result<Vec<Alert>, QueryError> {
        let mut alerts = Vec::new();
        for ((rule, _), raised) in &self.raised {
            for raised in raised {
                alerts.push(resolve(view, watch, *rule, raised)?);
            }
        }
        alerts.sort_by_key(|alert| (alert.first_true_at, alert.rule, alert.id));
        Ok(alerts)
    }
}

fn resolve(
    view: &View<'_>,
    watch: &Watch,
    rule: RuleId,
    raised: &Raised,
) -> Result<Alert, QueryError> {
    let finding = &raised.finding;
    let records = exhibits(view, &finding.records)?;
    let version = about(rule).map_or(0, |about| about.version);
    let ids: Vec<_> = records.iter().map(|exhibit| exhibit.record).collect();
    let id = alert_id((rule, version), &finding.subject, &ids);
    let dispositions = dispositions(view, watch, &id)?;
    let status = match (dispositions.last(), raised.ended_at) {
        (Some(last), _) => match last.outcome {
            AlertOutcome::Explained => Status::Explained,
            AlertOutcome::Confirmed => Status::Confirmed,
        },
        (None, Some(_)) => Status::Ended,
        (None, None) => Status::Open,
    };
    Ok(Alert {
        id,
        rule,
        version,
        subject: finding.subject.clone(),
        first_true_at: finding.first_true_at,
        height: raised.height,
        ended_at: raised.ended_at,
        chips: finding.stake.chips,
        tpp_milli: finding.stake.tpp_milli,
        status,
        story: finding.story.clone(),
        records,
        dispositions,
    })
}

fn dispositions(
    view: &View<'_>,
    watch: &Watch,
    alert: &Hash,
) -> Result<Vec<Disposition>, QueryError> {
    let said = watch.dispositions.get(alert).map_or(&[][..], Vec::as_slice);
    let disposition = |said: &super::watch::Said| {
        let (_, record) = view.record_at(said.spot)?;
        Ok(Disposition {
            by: said.by.clone(),
            outcome: said.outcome,
            text: said.text.clone(),
            at: said.at,
            record,
        })
    };
    said.iter().map(disposition).collect()
}
