//! What every command that writes does: records are made, signed, and submitted, checked or put in
//! a file.

use std::io::Write;
use std::path::Path;

use chipledger_schemas::api::RuleRejection;
use chipledger_schemas::records::Record;
use chipledger_schemas::sealed::Sealed;
use chipledger_schemas::time::Time;

use crate::error::{Class, Failure};
use crate::output::{Answer, Output, Table, Value};
use crate::signing::SealArgs;
use crate::source::Source;
use crate::submission::committer::Committer;
use crate::submission::{self, Content, Desk, Entry, Prepared, Report, Timeline, WriteArgs};

/// When it happened.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct WhenArgs {
    /// When it happened [default: now; in a replay, the last block's time].
    #[arg(long, value_name = "TIME")]
    pub(crate) occurred_at: Option<Time>,
}

/// What a record takes of which one field may be sealed.
#[derive(clap::Args, Debug)]
pub(crate) struct SealedArgs {
    #[command(flatten)]
    seal: SealArgs,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl SealedArgs {
    /// Submits a record made of its event time and the text sealed, if there is one.
    pub(crate) fn act(
        &self,
        out: &Output,
        text: Option<&str>,
        make: impl FnOnce(Time, Option<Sealed>) -> Record,
    ) -> Result<(), Failure> {
        self.write.act(out, self.when, |occurred_at, source| {
            let sealed = self.seal.seal(source, text)?;
            Ok(vec![make(occurred_at, sealed)])
        })
    }
}

/// How records become transactions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch {
    /// Most records of one transaction.
    pub records: usize,
    /// Whether a rejected batch is tried again record by record.
    pub divisible: bool,
}

impl WriteArgs {
    /// Submits the records of a verb: all of them in one transaction.
    pub(crate) fn act(
        &self,
        out: &Output,
        when: WhenArgs,
        make: impl FnOnce(Time, &Source) -> Result<Vec<Record>, Failure>,
    ) -> Result<(), Failure> {
        let batch = Batch {
            records: chipledger_schemas::transaction::RECORDS_MAX,
            divisible: false,
        };
        self.deliver(out, batch, |timeline, source| {
            let records = make(
                when.occurred_at.unwrap_or_else(|| timeline.present()),
                source,
            )?;
            (1_usize..)
                .zip(records)
                .map(|(number, record)| named(number, record))
                .collect()
        })
    }

    /// Makes entries and delivers them where the arguments say.
    pub(crate) fn deliver(
        &self,
        out: &Output,
        batch: Batch,
        make: impl FnOnce(&Timeline, &Source) -> Result<Vec<Entry>, Failure>,
    ) -> Result<(), Failure> {
        let named = self.keys.key.is_some() || self.keys.member.is_some();
        let keys_dir = self.ledger.keys_dir();
        let signer = named
            .then(|| self.keys.signer(keys_dir.as_deref()))
            .transpose()?;
        let cosigners = self.keys.cosigners()?;
        let desk = |source: &Source, timeline, signer| {
            Desk::new(source.genesis_hash(), timeline, signer, cosigners)
        };
        if self.check || self.sign_only.is_some() {
            let source = self.ledger.read()?;
            let mut timeline = Timeline::of(&source)?;
            let entries = make(&timeline, &source)?;
            if self.check {
                // One block time for all: each row is judged as if the others had just happened.
                timeline = timeline.not_before(&entries);
            }
            let records = if self.check { 1 } else { batch.records };
            let prepared = desk(&source, timeline, signer).prepare(entries, records)?;
            if let Some(path) = &self.sign_only {
                return write_signed(out, path, &prepared);
            }
            let bar = out.progress("checking", Some(prepared.len() as u64));
            let checked = submission::check(&source, prepared)?;
            bar.finish_and_clear();
            return report(out, &checked);
        }
        let committer = Committer::start(self, signer.as_ref())?;
        let source = committer.source();
        let timeline = Timeline::of(&source)?;
        let entries = make(&timeline, &source)?;
        let bar = out.progress("submitting", Some(entries.len() as u64));
        let mut desk = desk(&source, timeline, signer);
        let mut prepared = desk.prepare(entries, batch.records)?;
        for next in &mut prepared {
            next.divisible &= batch.divisible;
        }
        let done = submission::submit(&committer, &mut desk, prepared, &bar)?;
        committer.close();
        report(out, &done)
    }
}

fn named(number: usize, record: Record) -> Result<Entry, Failure> {
    record.check().map_err(|error| {
        Failure::usage(
            format!("{}: {error}", record.kind()),
            "Correct the option of that name.",
        )
    })?;
    Ok(Entry {
        place: format!("record {number}"),
        content: Content::Record(Box::new(record)),
    })
}

/// Writes signed transactions as JSON lines into a new file.
pub(crate) fn write_signed(
    out: &Output,
    path: &Path,
    prepared: &[Prepared],
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::file(path, &error);
    let mut lines = Vec::new();
    for next in prepared {
        serde_json::to_writer(&mut lines, &next.transaction)
            .map_err(|error| failed(error.into()))?;
        lines.push(b'\n');
    }
    let mut file = std::fs::File::create_new(path).map_err(failed)?;
    file.write_all(&lines)
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    let records: usize = prepared.iter().map(|next| next.places.len()).sum();
    let until = prepared
        .iter()
        .map(|next| next.transaction.body.valid_until)
        .min();
    let answer = Answer::default()
        .fact("file", "file", path.display().to_string())
        .fact("transactions", "transactions", prepared.len())
        .fact("records", "records", records)
        .fact("valid_until", "submit before", Value::of(until));
    out.print(&answer)
}

/// Tells what became of every record.
fn report(out: &Output, report: &Report) -> Result<(), Failure> {
    let accepted: usize = report
        .accepted
        .iter()
        .map(|(done, _)| done.places.len())
        .sum();
    if let ([], [(_, rejection)]) = (&report.accepted[..], &report.rejected[..]) {
        return Err(rejection.clone().into());
    }
    let checked_only = report.accepted.iter().all(|(_, receipt)| receipt.is_none());
    let (key, title) = if checked_only {
        ("acceptable", "records that would be accepted")
    } else {
        ("final", "records that are final")
    };
    let mut answer = Answer::default().fact(key, title, accepted);
    if let [(done, Some(receipt))] = &report.accepted[..] {
        let count = u32::try_from(done.places.len()).unwrap_or(0);
        let ids = (0..count).map(|index| done.transaction.record_id(index).to_string());
        answer = answer
            .fact("height", "height", receipt.height.0)
            .fact("transaction", "transaction", receipt.id.to_string())
            .fact("records", "record ids", ids.collect::<Vec<_>>());
    } else if let Some(last) = report
        .accepted
        .iter()
        .filter_map(|(_, receipt)| *receipt)
        .map(|r| r.height)
        .max()
    {
        answer = answer.fact("height", "height", last.0);
    }
    let rejected = report.rejected.len();
    answer = answer.fact("rejected", "rejected", rejected);
    if rejected > 0 {
        answer = answer.table(rejections(report));
    }
    out.print(&answer)?;
    if rejected == 0 {
        return Ok(());
    }
    let message = format!(
        "{rejected} of {} records were rejected",
        accepted + rejected
    );
    let hint = if checked_only {
        "Nothing was written; correct the rows listed."
    } else {
        "The others are final; correct the rows listed and submit those alone."
    };
    Err(Failure::new(Class::Rejected, message, hint))
}

fn rejections(report: &Report) -> Table {
    let row = |(place, rejection): &(String, RuleRejection)| {
        vec![
            Value::text(&place),
            Value::text(&rejection.code),
            Value::text(&rejection.message),
            Value::text(&rejection.hint),
        ]
    };
    Table {
        columns: vec![
            ("place", "place"),
            ("code", "code"),
            ("detail", "detail"),
            ("hint", "what to do"),
        ],
        rows: report.rejected.iter().map(row).collect(),
        total: None,
    }
}
