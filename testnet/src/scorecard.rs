//! The scorecard: what was planted against what the detection rules find, on worlds that the rules
//! were not tuned on.

use std::collections::BTreeMap;
use std::path::Path;

use chipledger_analysis::rules::alert::{Alert, Status};
use chipledger_analysis::rules::{Parameters, RULES, alerts_at};
use chipledger_ledger::read::QueryError;
use chipledger_ledger::store::Store;

use crate::load::{self, LoadError};
use crate::world::{Pattern, Planted, World, WorldConfig};

/// Shipments for which one false alert is allowed.
pub const SHIPMENTS_PER_FALSE: u64 = 1_000;

/// How one rule did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Line {
    /// Cases planted.
    pub planted: u64,
    /// Of which found.
    pub found: u64,
    /// Alerts that stand and that nobody planted.
    pub false_alerts: u64,
    /// Alerts that nobody planted and that ended by what the ledger learned later.
    pub ended: u64,
}

/// How all rules did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scorecard {
    /// By rule.
    pub lines: BTreeMap<String, Line>,
    /// Shipments looked at.
    pub shipments: u64,
    /// Worlds looked at.
    pub worlds: u64,
    /// What was missed, and what was false, with the seed.
    pub notes: Vec<String>,
}

/// Why a world has no score.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// The world does not load: a bug of the generator.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The ledger that was just written cannot be read.
    #[error(transparent)]
    Store(#[from] chipledger_ledger::store::StoreError),
    /// The rules cannot read it.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl Scorecard {
    /// Plants patterns in the world of a seed, loads it into a directory that does not exist yet,
    /// and adds what the rules find there.
    ///
    /// # Errors
    /// [`ScoreError`].
    pub fn add(
        &mut self,
        config: WorldConfig,
        patterns: &[Pattern],
        directory: &Path,
    ) -> Result<(), ScoreError> {
        let world = World::with_planted(config, patterns);
        load::load(&world, directory, |_| ())?;
        let store = Store::open_read_only(directory)?;
        let (alerts, rules) = alerts_at(&store, Parameters::default(), None)?;
        self.shipments += rules.watch().shipments.len() as u64;
        self.worlds += 1;
        self.compare(config.seed, world.planted(), &alerts);
        Ok(())
    }

    fn compare(&mut self, seed: u64, planted: &[Planted], alerts: &[Alert]) {
        for about in RULES {
            self.lines.entry(about.id.to_string()).or_default();
        }
        let is_of = |planted: &Planted, alert: &Alert| {
            planted.pattern.to_string() == alert.rule.to_string()
                && planted.kind == alert.subject.kind
                && planted.subject == alert.subject.id
        };
        for case in planted {
            let found = alerts.iter().any(|alert| is_of(case, alert));
            let line = self.lines.entry(case.pattern.to_string()).or_default();
            line.planted += 1;
            line.found += u64::from(found);
            if !found {
                let Planted {
                    pattern,
                    kind,
                    subject,
                } = case;
                self.notes
                    .push(format!("seed {seed}: {pattern} missed {kind} {subject}"));
            }
        }
        for alert in alerts {
            if planted.iter().any(|case| is_of(case, alert)) {
                continue;
            }
            let line = self.lines.entry(alert.rule.to_string()).or_default();
            if alert.status == Status::Ended {
                line.ended += 1;
                continue;
            }
            line.false_alerts += 1;
            self.notes.push(format!(
                "seed {seed}: {} fired on {}: {}",
                alert.rule,
                alert.subject,
                alert.story.join(" ")
            ));
        }
    }

    /// Whether every planted case was found, and false alerts are few enough.
    pub fn passes(&self) -> bool {
        let found = self.lines.values().all(|line| line.found == line.planted);
        found && self.false_alerts() * SHIPMENTS_PER_FALSE <= self.shipments
    }

    /// Alerts that stand and that nobody planted, of all rules.
    pub fn false_alerts(&self) -> u64 {
        self.lines.values().map(|line| line.false_alerts).sum()
    }
}
