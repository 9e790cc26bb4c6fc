//! Evidence against validators: verified, written down, and reported on the ledger.
//!
//! ```text
//! engine, own eyes -> verify -> file in DATA/evidence -> report_equivocation, signed by the clerk
//! ```
//!
//! What is written down is reported until the ledger knows it, across restarts; whether it does is
//! asked of the ledger itself, so that it does not matter which node was first (decision 006).
//! Nobody loses a vote by it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chipledger_ledger::state::{State, StateError};
use chipledger_ledger::store::Store;
use chipledger_ledger::verify::VerifiedTransaction;
use chipledger_proof::state::{EntryKind, Key, Seats, Stored};
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{MemberId, PublicKey, TransactionId};
use chipledger_schemas::records::report_equivocation::SignedStatement;
use chipledger_schemas::records::{Record, ReportEquivocation};
use chipledger_schemas::transaction::{Body, TRANSACTION_VERSION, Transaction};
use tokio::sync::mpsc;

use crate::api::Desk as _;
use crate::consensus::candidates::validators_of;
use crate::consensus::evidence::{Equivocation, SignedValue};
use crate::keys::MemberKey;
use crate::mempool::Standing;
use crate::node::NodeHandle;

mod folder;

pub use folder::{Folder, Held};

/// How often what is not on the ledger yet is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How long a report may wait for its block, in block time; then it is signed anew.
const WINDOW_MS: u64 = 600_000;
/// By how much later each validator reports than the one before it: one report is enough.
const TURN: Duration = Duration::from_millis(1_500);
/// How long a report that was set aside waits for its next try, at first and at most.
const AGAIN: Duration = Duration::from_secs(5);
const AGAIN_MAX: Duration = Duration::from_mins(5);
/// Most reports under way at once: evidence must not crowd out what it protects.
const UNDER_WAY_MAX: usize = 4;

/// Evidence cannot be kept. The node stops: make room or repair what the message names, then start
/// it again.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// A file or folder of evidence cannot be read or written.
    #[error("evidence {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The ledger cannot be read. Follow its message.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Why something is no evidence.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoEvidence {
    /// Both statements say the same: signatures can be made anew, so this proves nothing.
    #[error("both statements say the same")]
    Same,
    /// No key with that seat at that height signed both.
    #[error("no key with the member's seat at that height signed both")]
    NotSigned,
}

/// Judges what was found by the ledger's own rule, and gives it the form of a report.
///
/// # Errors
/// When it proves nothing, inside; when the ledger cannot be read, outside.
pub fn verify(
    store: &Store,
    found: &Equivocation,
) -> Result<Result<ReportEquivocation, NoEvidence>, StateError> {
    let view = store.view();
    let genesis = store.genesis_hash();
    let statement = |value: &SignedValue| SignedStatement {
        value: value.block,
        pol_round: value.pol_round,
        signature: value.signature,
    };
    let report = |key: PublicKey| ReportEquivocation {
        member: found.member.clone(),
        key,
        height: found.height,
        round: found.round,
        step: found.step,
        first: statement(&found.first),
        second: statement(&found.second),
    };
    if !report(PublicKey([0; 32])).contradicts() {
        return Ok(Err(NoEvidence::Same));
    }
    // A member may have voted with several keys over time; the seats are a short list.
    for (key, entry) in view.entries(EntryKind::Seats)? {
        let (Key::Seats(key), Some(seats)) = (key, Seats::of(&entry)) else {
            continue;
        };
        let report = report(key);
        if seats.cover(&found.member, found.height) && report.is_signed(&genesis) {
            return Ok(Ok(report));
        }
    }
    Ok(Err(NoEvidence::NotSigned))
}

/// Whether an equivocation is on the ledger.
fn is_known(store: &Store, id: &Hash) -> Result<bool, StateError> {
    Ok(store.view().entry(&Key::Equivocation(*id))?.is_some())
}

/// What is not on the ledger yet.
#[derive(Debug)]
struct Open {
    report: ReportEquivocation,
    under_way: Option<TransactionId>,
    /// Not tried before.
    due: Instant,
    patience: Duration,
    /// The reason why the last try did not apply, as it was logged.
    told: Option<&'static str>,
}

impl Open {
    fn new(report: ReportEquivocation, due: Instant) -> Self {
        Self {
            report,
            under_way: None,
            due,
            patience: AGAIN,
            told: None,
        }
    }
}

/// Keeps evidence, and reports it.
pub struct Reporter {
    node: NodeHandle,
    folder: Folder,
    key: Option<MemberKey>,
    open: BTreeMap<Hash, Open>,
    /// Members of whom no more is kept, so that it is said once.
    full: BTreeSet<MemberId>,
}

impl Reporter {
    /// Opens the folder, and takes up what was not reported before the node stopped; `key` is a
    /// clerk key of the member, without which evidence is only written down.
    ///
    /// # Errors
    /// When the folder or the ledger cannot be read.
    pub fn open(
        node: NodeHandle,
        dir: PathBuf,
        key: Option<MemberKey>,
    ) -> Result<Self, EvidenceError> {
        let folder = Folder::open(dir)?;
        let mut open = BTreeMap::new();
        let genesis = node.store.genesis_hash();
        let due = Instant::now() + turn(&node);
        for held in folder.all()? {
            let id = held.report.id();
            if held.genesis == genesis && !is_known(&node.store, &id)? {
                open.insert(id, Open::new(held.report, due));
            }
        }
        let reporter = Self {
            node,
            folder,
            key,
            open,
            full: BTreeSet::new(),
        };
        reporter.tell();
        Ok(reporter)
    }

    /// Keeps and reports until the node stops.
    ///
    /// # Errors
    /// When evidence cannot be written down, or the ledger cannot be read.
    pub async fn run(
        mut self,
        mut found: mpsc::Receiver<Equivocation>,
    ) -> Result<(), EvidenceError> {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                one = found.recv() => match one {
                    Some(one) => self.take(&one)?,
                    // Consensus has stopped, and with it the node.
                    None => return Ok(()),
                },
                _ = look.tick() => self.look().await?,
            }
        }
    }

    /// Verifies one, and writes it down if it is new.
    fn take(&mut self, found: &Equivocation) -> Result<(), EvidenceError> {
        let (member, height) = (&found.member, found.height);
        let report = match verify(&self.node.store, found)? {
            Ok(report) => report,
            Err(reason) => {
                tracing::debug!(%member, %height, "no evidence: {reason}");
                return Ok(());
            }
        };
        let id = report.id();
        if self.folder.holds(&report) {
            return Ok(());
        }
        if !self.folder.has_room(member) {
            if self.full.insert(member.clone()) {
                tracing::warn!(%member, "no more evidence is kept: there is plenty");
            }
            return Ok(());
        }
        let held = Held {
            genesis: self.node.store.genesis_hash(),
            found_at: crate::consensus::candidates::now(),
            report,
        };
        let path = self.folder.keep(&held)?;
        self.node.metrics.evidence_found();
        let Held { report, .. } = held;
        let (round, step, file) = (report.round, report.step.as_str(), path.display());
        tracing::warn!(
            %member, %height, round, step, %file,
            "evidence: a validator's key signed two different things"
        );
        if is_known(&self.node.store, &id)? {
            self.node.metrics.evidence_reported();
        } else {
            let due = Instant::now() + turn(&self.node);
            self.open.insert(id, Open::new(report, due));
        }
        self.tell();
        Ok(())
    }

    /// Strikes off what the ledger knows, and reports what is due.
    async fn look(&mut self) -> Result<(), EvidenceError> {
        let mut settled = Vec::new();
        for id in self.open.keys() {
            if is_known(&self.node.store, id)? {
                settled.push(*id);
            }
        }
        for id in settled {
            self.open.remove(&id);
            self.node.metrics.evidence_reported();
            tracing::info!(%id, "evidence is on the ledger; `chipledger prove equivocation` exports it");
        }
        // What a node that is catching up would report is mostly on the ledger already.
        if !self.node.progress.borrow().syncing {
            self.report_due().await;
        }
        self.tell();
        Ok(())
    }

    async fn report_due(&mut self) {
        let Some(key) = &self.key else { return };
        let mut under_way = 0;
        for open in self.open.values_mut() {
            follow(open, &self.node);
            if open.under_way.is_some() {
                under_way += 1;
            } else if under_way < UNDER_WAY_MAX && open.due <= Instant::now() {
                submit(open, key, &self.node).await;
                under_way += 1;
            }
        }
    }

    fn tell(&self) {
        let metrics = &self.node.metrics;
        metrics.evidence_held(self.folder.count(), self.open.len());
    }
}

/// How long this node waits before it reports: validators take turns, others come after them.
fn turn(node: &NodeHandle) -> Duration {
    let next = node.progress.borrow().height.next();
    // The ledger cannot be read only when the node is about to stop.
    let seats = validators_of(&node.store, next).map_or_else(|_| Vec::new(), |set| set.0);
    let place = seats.iter().position(|seat| seat.member == node.member);
    let place = place.unwrap_or(seats.len());
    TURN * u32::try_from(place).unwrap_or(u32::MAX).min(256)
}

/// Asks what became of a report under way.
fn follow(open: &mut Open, node: &NodeHandle) {
    let Some(id) = open.under_way else { return };
    let rejection = match node.mempool.standing(&id) {
        Some(Standing::Waiting(None)) => return,
        Some(Standing::Waiting(Some(rejection))) => Some(rejection),
        Some(Standing::Rejected(rejection)) => {
            open.set_aside();
            Some(rejection)
        }
        Some(Standing::Expired(_)) | None => {
            // In a block that a look at the ledger will show, or over: it is signed anew.
            open.set_aside();
            None
        }
    };
    if let Some(rejection) = rejection
        && open.told != Some(rejection.code.as_str())
    {
        open.told = Some(rejection.code.as_str());
        if rejection.code != chipledger_ledger::rejection::Code::EquivocationKnown {
            tracing::warn!(
                code = rejection.code.as_str(),
                "evidence is not taken: {rejection}"
            );
        }
    }
}

impl Open {
    fn set_aside(&mut self) {
        self.under_way = None;
        self.due = Instant::now() + self.patience;
        self.patience = (self.patience * 2).min(AGAIN_MAX);
    }
}

/// Signs a report and submits it as anybody would.
async fn submit(open: &mut Open, key: &MemberKey, node: &NodeHandle) {
    let transaction = sign(open.report.clone(), key, &node.store);
    let (genesis, bounds) = (node.store.genesis_hash(), node.store.genesis().bounds);
    let verified = match VerifiedTransaction::verify(transaction, &genesis, &bounds) {
        Ok(verified) => verified,
        Err(rejection) => {
            tracing::error!("a report of evidence is malformed: {rejection}");
            open.set_aside();
            return;
        }
    };
    let id = verified.id();
    match node.submit(verified).await {
        Ok(_) => open.under_way = Some(id),
        Err(refused) => {
            tracing::debug!("evidence waits: {refused}");
            open.set_aside();
        }
    }
}

/// A report as a transaction. Its times follow the ledger's, not this machine's clock: on a ledger
/// that replays history a report must not carry block time into the present.
fn sign(report: ReportEquivocation, key: &MemberKey, store: &Store) -> Transaction {
    let now = store.head().header.time;
    Body {
        version: TRANSACTION_VERSION,
        genesis: store.genesis_hash(),
        member: key.member.clone(),
        key: key.key.public(),
        signed_at: now,
        valid_from: now,
        valid_until: now.plus_ms(WINDOW_MS),
        records: vec![Record::ReportEquivocation(report)],
    }
    .sign(&key.key)
}

#[cfg(test)]
mod tests;
