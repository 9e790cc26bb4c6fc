//! `audit`: believes nothing but the blocks, and says what is damaged.

use std::path::PathBuf;

use chipledger_ledger::audit::{self, AuditError, Damage, Progress, Report};

use crate::error::{Class, Failure};
use crate::output::{Answer, Output, Table, Value};
use crate::session::NoNode;

/// Re-derives a ledger or a backup from its blocks alone, and names what is damaged.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Directory of the ledger or backup; nothing in it is changed.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    #[command(flatten)]
    _no_node: NoNode,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let bar = out.progress("auditing", None);
        let mut follow = |progress| match progress {
            Progress::Files => bar.set_message("reading files"),
            Progress::Blocks { done, .. } => {
                bar.set_message("executing blocks");
                bar.set_position(done);
            }
            Progress::Rows { column, done } => {
                bar.set_message(format!("comparing rows of {column}"));
                bar.set_position(done);
            }
            Progress::Books => bar.set_message("summing up the books"),
        };
        let report = audit::audit(&self.dir, &mut follow).map_err(cannot_audit)?;
        bar.finish_and_clear();
        out.print(&answer(&report))?;
        if report.passes() {
            return Ok(());
        }
        let message = format!(
            "{}: {} damages found",
            self.dir.display(),
            report.damage_count
        );
        let hint = "Keep the directory as it is, and restore a backup with `chipledger restore`.";
        Err(Failure::new(Class::Unproven, message, hint))
    }
}

fn cannot_audit(error: AuditError) -> Failure {
    match error {
        AuditError::Store(error) => error.into(),
        AuditError::Scratch { .. } => Failure::new(
            Class::Io,
            error.to_string(),
            "Point TMPDIR to a disk with as much room as the ledger takes.",
        ),
    }
}

fn answer(report: &Report) -> Answer {
    let genesis = report
        .genesis
        .map_or(Value::Absent, |genesis| genesis.to_string().into());
    let verdict = if report.passes() { "passes" } else { "damaged" };
    let answer = Answer::default()
        .fact("verdict", "verdict", verdict)
        .fact("genesis", "genesis", genesis)
        .fact("first_height", "audited from height", report.first.0)
        .fact("height", "height", report.height.0)
        .fact(
            "transactions",
            "transactions executed again",
            report.transactions,
        )
        .fact("signatures", "signatures verified", report.signatures)
        .fact("items", "items re-derived", report.items)
        .fact("rows", "rows compared", report.rows)
        .fact("damages", "damages", report.damage_count);
    if report.passes() {
        return answer;
    }
    let columns = vec![("kind", "kind"), ("what", "what is damaged")];
    let rows = report.damages.iter().map(row).collect();
    answer.table(Table {
        columns,
        rows,
        total: None,
    })
}

fn row(damage: &Damage) -> Vec<Value> {
    let kind = match damage {
        Damage::File(_) => "file",
        Damage::Block { .. } => "block",
        Damage::Row { .. } => "row",
        Damage::Books { .. } => "books",
    };
    vec![kind.into(), damage.to_string().into()]
}
