//! Nobody honest is convicted: evidence of two signatures at one step is only ever found against
//! validators that were told to lie.
//!
//! Source: the last-signed guard (design, section 9): a key never signs against itself, whatever
//! its node lost.

use chipledger_schemas::records::Record;

use super::Run;

/// Honest validators against whom there is evidence on the ledger.
pub fn check(run: &Run) -> Vec<String> {
    let Some(chain) = run.chains.first() else {
        return Vec::new();
    };
    let mut wrong = Vec::new();
    for block in &chain.blocks {
        let inside = block.transactions.iter().flatten();
        for record in inside.flat_map(|transaction| &transaction.body.records) {
            let Record::ReportEquivocation(report) = record else {
                continue;
            };
            if !run.traitors.contains(&report.member) {
                wrong.push(format!(
                    "{} signed two things at height {}, round {}",
                    report.member, report.height, report.round
                ));
            }
        }
    }
    wrong
}
