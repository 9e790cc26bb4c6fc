//! `compute`: pooled compute by a dimension, with its concentration.

use chipledger_analysis::compute::{Pooled, Question, Rows};
use chipledger_ledger::read::balances::{Compute, Filter};
use chipledger_ledger::read::concentration::{Concentration, Metric};
use chipledger_schemas::catalogue::H100e;
use clap::builder::TypedValueParser;

use crate::error::Failure;
use crate::output::{Answer, Output, Table, Value};
use crate::session::{self, LedgerArgs, MomentArgs};

/// Sums pooled compute, now or as of any time, with shares and concentration.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// jurisdiction, site, holder, owner, parent, headquarters, parent_country, user, status or
    /// model; or two of them with a comma between, crossed.
    #[arg(long, default_value = "jurisdiction", value_name = "DIM[,DIM]")]
    by: Rows,
    /// By what shares and concentration are counted.
    #[arg(long, default_value = "tpp", value_parser = metrics())]
    metric: Metric,
    /// Only what is so in another dimension, such as status=installed; may be repeated.
    #[arg(long = "where", value_name = "DIM=VALUE")]
    filters: Vec<Filter>,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Metrics by name, so that the help lists them.
pub(super) fn metrics() -> impl clap::builder::TypedValueParser<Value = Metric> {
    let names = Metric::ALL.iter().map(|metric| metric.as_str());
    clap::builder::PossibleValuesParser::new(names).try_map(|name| name.parse::<Metric>())
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let source = self.ledger.read()?;
        let question = Question {
            rows: self.by,
            as_of: self.moment.as_of(),
            filters: self.filters,
            metric: self.metric,
        };
        let told = source.compute(&question)?;
        let (head, pooled) = (session::answer(&told), &told.answer);
        let head = with_filters(head, &question.filters);
        let head = with_concentration(head, pooled.concentration);
        out.print(&head.table(table(self.by, self.metric, pooled)))
    }
}

/// States the filters, if there are any.
pub(super) fn with_filters(head: Answer, filters: &[Filter]) -> Answer {
    if filters.is_empty() {
        return head;
    }
    let text = |filter: &Filter| format!("{}={}", filter.by.as_str(), filter.value);
    let filters: Vec<_> = filters.iter().map(text).collect();
    head.fact("where", "where", filters)
}

fn with_concentration(head: Answer, concentration: Concentration) -> Answer {
    let head = head
        .fact("metric", "metric", concentration.metric.as_str())
        .fact("hhi", "HHI (0 to 10,000)", concentration.hhi);
    match concentration.hhi_placed {
        None => head,
        Some(placed) => head.fact("hhi_placed", "HHI without ZZ and transit", placed),
    }
}

fn table(by: Rows, metric: Metric, pooled: &Pooled) -> Table {
    let total = &pooled.compute.total;
    let sum = metric.of(total);
    let columns = columns(by, metric, total);
    let mut rows: Vec<([&str; 2], &Compute)> = Vec::new();
    if by.cross.is_some() {
        for (row, parts) in &pooled.crossed {
            rows.extend(parts.iter().map(|(part, amounts)| ([row.as_str(), part], amounts)));
        }
    } else {
        rows.extend(pooled.compute.rows.iter().map(|(row, amounts)| ([row.as_str(), ""], amounts)));
    }
    rows.sort_by(|(a, x), (b, y)| metric.of(y).cmp(&metric.of(x)).then(a.cmp(b)));
    let keyed = usize::from(by.cross.is_some()) + 1;
    let row = |keys: [&str; 2], amounts: &Compute| -> Vec<Value> {
        let keys = keys.into_iter().take(keyed).map(Value::from);
        let cells = columns.iter().skip(keyed);
        let cells = cells.map(|(column, _)| cell(column, amounts, metric, sum));
        keys.chain(cells).collect()
    };
    Table {
        rows: rows.into_iter().map(|(keys, amounts)| row(keys, amounts)).collect(),
        total: Some(row(["total", ""], total)),
        columns,
    }
}

/// Columns: what is there only to mark an exception is left out where there is none.
fn columns(by: Rows, metric: Metric, total: &Compute) -> Vec<(&'static str, &'static str)> {
    let mut columns = vec![(by.by.as_str(), by.by.as_str())];
    columns.extend(by.cross.map(|cross| (cross.as_str(), cross.as_str())));
    columns.extend([
        ("chips", "chips"),
        ("tpp_milli", "TPP"),
        ("h100e_milli", "H100e"),
        ("share_ppm", "share %"),
    ]);
    match metric {
        Metric::Fp16 => columns.push(("fp16_mflops", "FP16 PFLOP/s")),
        Metric::Memory => columns.push(("memory_mb", "memory TB")),
        Metric::Tpp | Metric::H100e | Metric::Count => {}
    }
    let exceptions = [
        (
            total.chips_without_tpp,
            ("chips_without_tpp", "chips without TPP"),
        ),
        (total.disputed, ("disputed", "disputed")),
        (total.irregular, ("irregular", "irregular")),
    ];
    columns.extend(
        exceptions
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(_, column)| column),
    );
    columns
}

fn cell(column: &str, row: &Compute, metric: Metric, sum: u128) -> Value {
    match column {
        "chips" => row.chips.into(),
        "tpp_milli" => Value::milli(row.tpp_milli),
        "h100e_milli" => Value::milli(
            H100e {
                tpp_milli: row.tpp_milli,
            }
            .milli(),
        ),
        "share_ppm" => Value::Scaled {
            value: (metric.of(row) * 1_000_000).checked_div(sum).unwrap_or(0),
            digits: 4,
            shown: 2,
        },
        "fp16_mflops" => Value::Scaled {
            value: row.fp16_mflops,
            digits: 9,
            shown: 1,
        },
        "memory_mb" => Value::Scaled {
            value: row.memory_mb,
            digits: 6,
            shown: 1,
        },
        "chips_without_tpp" => row.chips_without_tpp.into(),
        "disputed" => row.disputed.into(),
        "irregular" => row.irregular.into(),
        _ => Value::Absent,
    }
}
