//! `export`: everything of one sort, for other programs.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use chipledger_ledger::read::AsOf;
use chipledger_ledger::read::items::ItemFilter;
use chipledger_ledger::store::View;
use chipledger_proof::state::{Account, AccountPlace};
use chipledger_schemas::ids::Height;
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::error::Failure;
use crate::output::Output;
use crate::session::LedgerArgs;

/// How it is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum To {
    /// Rows with a header.
    Csv,
    /// One object per line.
    Json,
}

/// What is exported.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum What {
    /// Every record, in the order decided.
    Records,
    /// Every item with its whereabouts now.
    Items,
    /// Every posting of the double entry.
    Postings,
    /// Chips per account and model, now.
    Compute,
}

/// Exports records, items, postings or balances.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Format.
    #[arg(value_enum)]
    to: To,
    /// What.
    #[arg(long, value_enum, default_value = "items")]
    what: What,
    /// File to write; never overwritten [default: standard output].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let store = self.ledger.read()?;
        let view = store.view();
        let writer: Box<dyn Write> = match &self.out {
            Some(path) => {
                let file = File::create_new(path).map_err(|error| Failure::file(path, &error))?;
                Box::new(BufWriter::new(file))
            }
            None => Box::new(BufWriter::new(std::io::stdout().lock())),
        };
        let mut sink = Sink {
            to: self.to,
            writer,
            header_written: false,
            path: self.out.clone(),
        };
        match self.what {
            What::Records => records(&view, out, &mut sink)?,
            What::Items => items(&view, &mut sink)?,
            What::Postings => postings(&view, &mut sink)?,
            What::Compute => balances(&view, &mut sink)?,
        }
        sink.finish()
    }
}

/// Where rows go.
struct Sink {
    to: To,
    writer: Box<dyn Write>,
    header_written: bool,
    path: Option<PathBuf>,
}

/// One row: names and values, in order.
type Row = Vec<(&'static str, Value)>;

impl Sink {
    fn put(&mut self, row: Row) -> Result<(), Failure> {
        let bytes = match self.to {
            To::Json => {
                let object: serde_json::Map<_, _> = row
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect();
                format!("{}\n", Value::Object(object)).into_bytes()
            }
            To::Csv => self.csv(&row),
        };
        let written = self.writer.write_all(&bytes);
        written.map_err(|error| self.failed(&error))
    }

    fn csv(&mut self, row: &Row) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        // Writing to memory does not fail.
        if !self.header_written {
            self.header_written = true;
            let _ = writer.write_record(row.iter().map(|(name, _)| *name));
        }
        let text = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let _ = writer.write_record(row.iter().map(|(_, value)| text(value)));
        writer.into_inner().unwrap_or_default()
    }

    fn failed(&self, error: &std::io::Error) -> Failure {
        match &self.path {
            Some(path) => Failure::file(path, error),
            None => Failure::output(error),
        }
    }

    fn finish(mut self) -> Result<(), Failure> {
        let flushed = self.writer.flush();
        flushed.map_err(|error| self.failed(&error))
    }
}

fn records(view: &View<'_>, out: &Output, sink: &mut Sink) -> Result<(), Failure> {
    let last = view.head()?.header.height;
    let bar = out.progress("blocks", Some(last.0));
    for height in 1..=last.0 {
        bar.inc(1);
        let Some(block) = view.block(Height(height))? else {
            continue;
        };
        let known_at = block.block.header.time;
        for transaction in &block.block.transactions {
            for (index, record) in (0_u32..).zip(&transaction.body.records) {
                let cosigners: Vec<_> = transaction
                    .cosignatures
                    .iter()
                    .map(|c| c.member.to_string())
                    .collect();
                sink.put(vec![
                    ("record_id", json!(transaction.record_id(index).to_string())),
                    ("height", json!(height)),
                    ("known_at", json!(known_at.to_string())),
                    (
                        "occurred_at",
                        json!(record.occurred_at().map(|time| time.to_string())),
                    ),
                    ("member", json!(transaction.body.member.to_string())),
                    ("cosigners", json!(cosigners)),
                    ("kind", json!(record.kind().name())),
                    ("record", json!(record)),
                ])?;
            }
        }
    }
    bar.finish_and_clear();
    Ok(())
}

fn items(view: &View<'_>, sink: &mut Sink) -> Result<(), Failure> {
    for item in view.list_items(&ItemFilter::default())? {
        let at = item.whereabouts;
        let containers: Vec<_> = at.containers.iter().map(ToString::to_string).collect();
        sink.put(vec![
            ("id", json!(at.id.to_string())),
            ("kind", json!(item.kind)),
            ("chips", json!(item.chips)),
            ("place", json!(at.place)),
            (
                "jurisdiction",
                json!(at.jurisdiction.map(|j| j.to_string())),
            ),
            ("holder", json!(at.holder.to_string())),
            ("owner", json!(at.owner.to_string())),
            ("user", json!(at.user.to_string())),
            ("status", json!(at.status.to_string())),
            (
                "irregularity",
                json!(at.irregularity.map(|reason| reason.to_string())),
            ),
            ("containers", json!(containers.join(" "))),
            ("since", json!(at.since.to_string())),
        ])?;
    }
    Ok(())
}

fn postings(view: &View<'_>, sink: &mut Sink) -> Result<(), Failure> {
    let accounts = view.account_numbers()?;
    let models = view.models()?;
    let moment = view.moment(AsOf::default())?;
    let mut failed = None;
    view.postings(moment, |spot, posting| {
        let account = |number: u32| {
            let index = usize::try_from(number).unwrap_or(usize::MAX);
            accounts
                .get(index)
                .and_then(Option::as_ref)
                .map(account_text)
        };
        let model = models
            .get(usize::from(posting.model.0))
            .map(|(id, _)| id.as_str());
        let row = vec![
            ("height", json!(spot.height.0)),
            ("transaction", json!(spot.transaction)),
            ("record", json!(spot.record)),
            ("occurred_at", json!(posting.occurred_at.to_string())),
            ("model", json!(model)),
            ("chips", json!(posting.count)),
            ("disputed", json!(posting.disputed)),
            ("from", json!(account(posting.from))),
            ("to", json!(account(posting.to))),
        ];
        if failed.is_none() {
            failed = sink.put(row).err();
        }
    })?;
    failed.map_or(Ok(()), Err)
}

fn balances(view: &View<'_>, sink: &mut Sink) -> Result<(), Failure> {
    let models = view.models()?;
    for ((account, model), (chips, disputed)) in view.balances_now()? {
        let named = models.get(usize::from(model.0));
        let tpp = named.and_then(|(_, version)| version.tpp_milli);
        let (site, jurisdiction) = place_text(&account.place);
        sink.put(vec![
            ("jurisdiction", json!(jurisdiction)),
            ("site", json!(site)),
            ("holder", json!(account.holder.to_string())),
            ("owner", json!(account.owner.to_string())),
            ("user", json!(account.user.to_string())),
            ("status", json!(account.status.to_string())),
            ("model", json!(named.map(|(id, _)| id.as_str()))),
            ("chips", json!(chips)),
            ("disputed", json!(disputed)),
            ("tpp_milli_each", json!(tpp)),
        ])?;
    }
    Ok(())
}

fn place_text(place: &AccountPlace) -> (String, String) {
    match place {
        AccountPlace::Site { site, jurisdiction } => (site.to_string(), jurisdiction.to_string()),
        AccountPlace::Transit {
            from,
            to,
            from_jurisdiction,
            to_jurisdiction,
        } => (
            format!("{from}->{to}"),
            format!("{from_jurisdiction}->{to_jurisdiction}"),
        ),
    }
}

/// An account in one cell: place, holder, owner, user, status.
fn account_text(account: &Account) -> String {
    let (site, jurisdiction) = place_text(&account.place);
    format!(
        "{jurisdiction} {site} {} {} {} {}",
        account.holder, account.owner, account.user, account.status
    )
}
