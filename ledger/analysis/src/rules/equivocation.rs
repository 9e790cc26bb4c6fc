//! D25: a validator's key signed two things at one step of consensus.

use chipledger_ledger::read::QueryError;
use chipledger_schemas::records::Record;

use super::alert::Subject;
use super::id::RuleId;
use super::shares::Stake;
use super::sink::Finding;
use super::{About, Rule, Scene, Told};

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Equivocation;

impl Rule for Equivocation {
    const ABOUT: About = About {
        id: RuleId::of(25),
        version: 1,
        name: "a validator signed two things",
        why: "Who signs two statements at one step can help to make two histories. The signatures \
            prove it to anybody, whoever reports it.",
        innocent: &[
            "the node was restored from a copy without its last-signed guard, and signed again",
            "two machines ran with one key",
        ],
        next: &[
            "export the evidence with `chipledger prove equivocation` and check it elsewhere",
            "have the member stop the node and revoke the key",
            "put it to the regulators whether the seat stays: nobody is expelled by the report",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        let Record::ReportEquivocation(report) = told.record else {
            return Ok(());
        };
        let story = vec![format!(
            "The key {} of {} signed two different {}s at height {}, round {}; {} reported it.",
            report.key,
            report.member,
            report.step,
            report.height,
            report.round,
            told.author(),
        )];
        scene.sink.raise(
            scene.watch,
            Finding {
                subject: Subject::new("member", &report.member),
                records: vec![told.spot],
                first_true_at: told.time,
                stake: Stake::default(),
                story,
            },
        );
        Ok(())
    }
}
