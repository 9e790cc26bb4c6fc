//! Submitting: records become signed transactions, transactions become final or are rejected, and
//! each row of a file hears which.

use std::collections::VecDeque;
use std::path::PathBuf;

use chipledger_ledger::solo::Receipt;
use chipledger_schemas::api::RuleRejection;
use chipledger_schemas::genesis::Clock;
use chipledger_schemas::ids::GenesisHash;
use chipledger_schemas::records::Record;
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::Transaction;
use indicatif::ProgressBar;

use crate::error::Failure;
use crate::session::LedgerArgs;
use crate::signing::{KeyArgs, Signer, Window, now};
use crate::source::Source;

pub mod committer;

use committer::{Committer, NotFinal, Ticket};

/// Transactions under way at once: enough for full blocks, few enough to keep in memory.
const PENDING_MAX: usize = 1_024;

/// What every command that writes records takes.
#[derive(clap::Args, Clone, Debug)]
pub struct WriteArgs {
    /// Which ledger.
    #[command(flatten)]
    pub ledger: LedgerArgs,
    /// Who signs.
    #[command(flatten)]
    pub keys: KeyArgs,
    /// Key file of the ledger's validator [default: the signing key, or DIR.keys/validator.json].
    #[arg(
        long,
        env = "CHIPLEDGER_VALIDATOR_KEY",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub validator_key: Option<PathBuf>,
    /// Seconds to wait for a node until all is final.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub timeout: u64,
    /// Tells what the rules would say, and writes nothing.
    #[arg(long, conflicts_with = "sign_only")]
    pub check: bool,
    /// Writes the signed transactions to a file instead of the ledger: for co-signatures, or for
    /// later.
    #[arg(long, value_name = "FILE")]
    pub sign_only: Option<PathBuf>,
}

/// One thing to submit, and where it stood in its file.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Place for people: `line 7`, `record 3`.
    pub place: String,
    /// What it is.
    pub content: Content,
}

/// A record still to be signed, or a transaction that somebody signed.
#[derive(Clone, Debug)]
pub enum Content {
    /// To be signed here.
    Record(Box<Record>),
    /// Signed already.
    Signed(Box<Transaction>),
}

/// A transaction with the places of its records.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Signed.
    pub transaction: Transaction,
    /// Place of each record.
    pub places: Vec<String>,
    /// Whether its records may be tried one by one after a rejection.
    pub divisible: bool,
}

/// What became of a submission.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Transactions that are final, or would apply.
    pub accepted: Vec<(Prepared, Option<Receipt>)>,
    /// Records that the rules say no to.
    pub rejected: Vec<(String, RuleRejection)>,
}

/// The ledger's time as a signer sees it.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    /// How block time is made.
    pub clock: Clock,
    /// Time of the last block.
    pub last: Time,
}

impl Timeline {
    /// The timeline of a ledger.
    ///
    /// # Errors
    /// When a node does not answer.
    pub fn of(source: &Source) -> Result<Self, Failure> {
        Ok(Self {
            clock: source.genesis().clock,
            last: source.last_time()?,
        })
    }

    /// Event time of what happens now: in a replay, the last block's.
    pub fn present(&self) -> Time {
        match self.clock {
            Clock::Wall => now(),
            Clock::Replay => self.last,
        }
    }

    /// The timeline on which all of these have happened already, if it is a replay.
    pub(crate) fn not_before(self, entries: &[Entry]) -> Self {
        let happened = |entry: &Entry| match &entry.content {
            Content::Record(record) => record.occurred_at(),
            Content::Signed(signed) => Some(signed.body.signed_at),
        };
        let latest = entries.iter().filter_map(happened).max();
        match self.clock {
            Clock::Wall => self,
            Clock::Replay => Self {
                last: latest.map_or(self.last, |latest| latest.max(self.last)),
                ..self
            },
        }
    }

    /// Window for records signed now: in a replay, as soon as the last of them has happened.
    fn window(&self, records: &[Record]) -> Window {
        let happened = records.iter().filter_map(Record::occurred_at).max();
        let signed_at = match self.clock {
            Clock::Wall => now().max(self.last),
            Clock::Replay => happened.unwrap_or(self.last).max(self.last),
        };
        Window::of(self.clock, signed_at)
    }
}

/// Signs records, a batch per transaction; what is signed already stays as it is.
pub struct Desk {
    genesis: GenesisHash,
    timeline: Timeline,
    signer: Option<Signer>,
    cosigners: Vec<Signer>,
}

impl Desk {
    /// A desk for a ledger.
    pub fn new(
        genesis: GenesisHash,
        timeline: Timeline,
        signer: Option<Signer>,
        cosigners: Vec<Signer>,
    ) -> Self {
        Self {
            genesis,
            timeline,
            signer,
            cosigners,
        }
    }

    /// Signs entries in their order, at most `batch` records per transaction.
    ///
    /// # Errors
    /// When there is something to sign and no key.
    pub fn prepare(&mut self, entries: Vec<Entry>, batch: usize) -> Result<Vec<Prepared>, Failure> {
        let mut prepared = Vec::new();
        let mut waiting: Vec<(String, Record)> = Vec::new();
        for entry in entries {
            match entry.content {
                Content::Record(record) => {
                    waiting.push((entry.place, *record));
                    if waiting.len() >= batch.max(1) {
                        prepared.push(self.sign(std::mem::take(&mut waiting))?);
                    }
                }
                Content::Signed(transaction) => {
                    if !waiting.is_empty() {
                        prepared.push(self.sign(std::mem::take(&mut waiting))?);
                    }
                    let records = transaction.body.records.len();
                    prepared.push(Prepared {
                        transaction: self.cosign(*transaction),
                        places: vec![entry.place; records],
                        divisible: false,
                    });
                }
            }
        }
        if !waiting.is_empty() {
            prepared.push(self.sign(waiting)?);
        }
        Ok(prepared)
    }

    fn sign(&mut self, batch: Vec<(String, Record)>) -> Result<Prepared, Failure> {
        let (places, records): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let window = self.timeline.window(&records);
        // One millisecond apart: two rows that say the same are two transactions.
        self.timeline.last = window.signed_at.plus_ms(1);
        let signer = self
            .signer
            .as_ref()
            .ok_or_else(|| Failure::usage("no key to sign with", crate::signing::NO_KEY))?;
        let transaction = self.cosign(signer.sign(self.genesis, window, records));
        Ok(Prepared {
            divisible: places.len() > 1,
            transaction,
            places,
        })
    }

    fn cosign(&self, transaction: Transaction) -> Transaction {
        self.cosigners.iter().fold(transaction, |signed, cosigner| {
            signed.cosign(cosigner.member.clone(), &cosigner.key)
        })
    }
}

impl Prepared {
    /// The records as entries again, to be signed one by one.
    fn divide(self) -> Vec<Entry> {
        let records = self.transaction.body.records.into_iter();
        let entry = |(place, record)| Entry {
            place,
            content: Content::Record(Box::new(record)),
        };
        self.places.into_iter().zip(records).map(entry).collect()
    }

    fn place_of(&self, rejection: &RuleRejection) -> String {
        let index = rejection
            .record
            .and_then(|index| usize::try_from(index).ok());
        let place = index.and_then(|index| self.places.get(index));
        place.or(self.places.first()).cloned().unwrap_or_default()
    }
}

/// Submits transactions in their order; batches that are rejected are tried again record by record,
/// so that only the wrong ones stay out.
///
/// # Errors
/// When the ledger stops; what was final until then stays so.
pub fn submit(
    committer: &Committer,
    desk: &mut Desk,
    prepared: Vec<Prepared>,
    bar: &ProgressBar,
) -> Result<Report, Failure> {
    let mut report = Report::default();
    let mut again = Vec::new();
    let mut pending: VecDeque<(Prepared, Ticket)> = VecDeque::new();
    for next in prepared {
        // In a replay a block's time is the latest signature in it: windows that end before must
        // not wait in the same block.
        let signed_at = next.transaction.body.signed_at;
        while pending.len() >= PENDING_MAX
            || pending
                .front()
                .is_some_and(|(first, _)| first.transaction.body.valid_until <= signed_at)
        {
            settle(committer, &mut pending, &mut report, &mut again, bar)?;
        }
        match committer.enqueue(&next.transaction) {
            Ok(ticket) => pending.push_back((next, ticket)),
            Err(error) => note(next, Err(error), &mut report, &mut again, bar)?,
        }
    }
    while !pending.is_empty() {
        settle(committer, &mut pending, &mut report, &mut again, bar)?;
    }
    for entries in again {
        for single in desk.prepare(entries, 1)? {
            let result = committer.submit(&single.transaction);
            note(single, result, &mut report, &mut Vec::new(), bar)?;
        }
    }
    bar.finish_and_clear();
    Ok(report)
}

fn settle(
    committer: &Committer,
    pending: &mut VecDeque<(Prepared, Ticket)>,
    report: &mut Report,
    again: &mut Vec<Vec<Entry>>,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let Some((prepared, ticket)) = pending.pop_front() else {
        return Ok(());
    };
    let result = committer.settle(ticket);
    note(prepared, result, report, again, bar)
}

fn note(
    prepared: Prepared,
    result: Result<Receipt, NotFinal>,
    report: &mut Report,
    again: &mut Vec<Vec<Entry>>,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    match result {
        Ok(receipt) => {
            bar.inc(prepared.places.len() as u64);
            report.accepted.push((prepared, Some(receipt)));
        }
        Err(NotFinal::Rejected(_)) if prepared.divisible => again.push(prepared.divide()),
        Err(NotFinal::Rejected(rejection)) => {
            bar.inc(prepared.places.len() as u64);
            report
                .rejected
                .push((prepared.place_of(&rejection), rejection));
        }
        Err(NotFinal::Failed(failure)) => {
            let done: usize = report
                .accepted
                .iter()
                .map(|(done, _)| done.places.len())
                .sum();
            return Err(failure.after(done));
        }
    }
    Ok(())
}

/// Says what the rules would say to each transaction, one after the other on the present state;
/// nothing is written.
///
/// # Errors
/// When the state cannot be read, or the node does not answer.
pub fn check(source: &Source, prepared: Vec<Prepared>) -> Result<Report, Failure> {
    let transactions = prepared.iter().map(|next| next.transaction.clone());
    let told = source.check(transactions.collect())?;
    let mut report = Report::default();
    for (next, rejection) in prepared.into_iter().zip(told) {
        match rejection {
            None => report.accepted.push((next, None)),
            Some(rejection) => {
                let place = next.place_of(&rejection);
                report.rejected.push((place, rejection));
            }
        }
    }
    Ok(report)
}
