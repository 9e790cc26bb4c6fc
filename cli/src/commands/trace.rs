//! `trace`: the whole journey of an item.

use chipledger_ledger::read::trace::Step;
use chipledger_schemas::ids::ItemId;

use crate::error::Failure;
use crate::output::{Format, Output, Table, Value};
use crate::session::{self, LedgerArgs, MomentArgs};

/// Follows an item: every record that named it, or moved a container that it was in.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The item: issuer:serial, or a GS1 EPC URN.
    #[arg(value_parser = session::item_id)]
    item: ItemId,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let source = self.ledger.read()?;
        let told = source.history(&self.item, self.moment.as_of())?;
        let head = session::answer(&told);
        let mut columns = vec![
            ("occurred_at", "occurred at"),
            ("kind", "record"),
            ("member", "signed by"),
            ("item", "names"),
            ("place", "then at"),
            ("holder", "then held by"),
            ("undone", "undone"),
            ("height", "height"),
            ("known_at", "known at"),
            ("record_id", "record id"),
        ];
        // The record itself is for programs: people ask for one record at a time.
        let whole = out.format() == Format::Json;
        if whole {
            columns.push(("content", "content"));
        }
        let table = Table {
            columns,
            rows: told.answer.into_iter().map(|step| row(step, whole)).collect(),
            total: None,
        };
        let answer = head
            .fact("id", "item", self.item.to_string())
            .table(table);
        out.print(&answer)
    }
}

fn row(step: Step, whole: bool) -> Vec<Value> {
    let mut row = vec![
        step.occurred_at.into(),
        Value::text(&step.kind),
        Value::text(&step.member),
        Value::text(&step.item),
        Value::of(step.place),
        Value::of(step.holder),
        if step.undone {
            "undone".into()
        } else {
            Value::Absent
        },
        step.spot.height.0.into(),
        step.known_at.into(),
        Value::text(&step.record_id),
    ];
    if whole {
        let content = serde_json::to_value(&step.content);
        row.push(content.map_or(Value::Absent, Value::Json));
    }
    row
}
