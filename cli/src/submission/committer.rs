//! Who makes transactions final: the one validator of a directory, in this process, or a node.

use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use chipledger_ledger::rejection::{Code, Rejection};
use chipledger_ledger::solo::{Receipt, Solo, SubmitError};
use chipledger_ledger::store::Store;
use chipledger_schemas::api::{Fate, RuleRejection, TransactionAnswer};
use chipledger_schemas::encode::encode;
use chipledger_schemas::ids::TransactionId;
use chipledger_schemas::keys::SecretKey;
use chipledger_schemas::transaction::Transaction;

use super::WriteArgs;
use crate::client::{Client, NoAnswer};
use crate::error::{Class, Failure};
use crate::session::{Place, keys_dir};
use crate::signing::Signer;
use crate::source::Source;

/// Times that a broken connection is made anew; the same transaction is sent, which is safe.
const CONNECTIONS_MAX: u32 = 4;
/// Pause before the first new connection; each later one waits twice as long.
const PAUSE: Duration = Duration::from_millis(250);
/// Longest that one question about a fate waits, seconds.
const WAIT_SECONDS: u64 = 20;

/// Who makes transactions final.
pub enum Committer {
    /// The validator of a directory.
    Solo(Box<Solo>),
    /// A node.
    Node {
        /// The node.
        client: Client,
        /// How long to wait for each transaction.
        patience: Duration,
    },
}

/// A transaction under way.
pub enum Ticket {
    /// In the queue of this process.
    Solo(Receiver<Result<Receipt, SubmitError>>),
    /// Final when it was sent.
    Done(Receipt),
    /// In a node.
    Node(TransactionId),
}

/// Why a transaction is not final.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotFinal {
    /// The rules say no.
    Rejected(RuleRejection),
    /// Something else; what was final stays so.
    Failed(Failure),
}

impl From<SubmitError> for NotFinal {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Rejected(rejection) => Self::Rejected(rejection.told()),
            stopped @ SubmitError::Stopped { .. } => Self::Failed(stopped.into()),
        }
    }
}

impl From<NoAnswer> for NotFinal {
    fn from(error: NoAnswer) -> Self {
        match error.rule() {
            Some(rejection) => Self::Rejected(rejection),
            None => Self::Failed(error.into()),
        }
    }
}

impl Committer {
    /// The committer of the ledger that the arguments name.
    ///
    /// # Errors
    /// When the directory is locked, the validator's key is not at hand, or the node does not
    /// answer.
    pub fn start(args: &WriteArgs, signer: Option<&Signer>) -> Result<Self, Failure> {
        match args.ledger.place()? {
            Place::Node(url) => Ok(Self::Node {
                client: Client::connect(&url, args.ledger.pin)?,
                patience: Duration::from_secs(args.timeout),
            }),
            Place::Directory(dir) => {
                let store = Store::open(&dir)?;
                let key = validator_key(args, &store, signer, &dir)?;
                Ok(Self::Solo(Box::new(Solo::start(store, key)?)))
            }
        }
    }

    /// Where its answers come from.
    pub fn source(&self) -> Source {
        match self {
            Self::Solo(solo) => Source::Store(solo.store().clone()),
            Self::Node { client, .. } => Source::Node(client.clone()),
        }
    }

    /// Hands a transaction in.
    ///
    /// # Errors
    /// When it is not taken in.
    pub fn enqueue(&self, transaction: &Transaction) -> Result<Ticket, NotFinal> {
        match self {
            Self::Solo(solo) => Ok(Ticket::Solo(solo.enqueue(transaction.clone())?)),
            Self::Node { client, patience } => send(client, *patience, transaction),
        }
    }

    /// Waits for the fate of a transaction.
    ///
    /// # Errors
    /// When it is not final.
    pub fn settle(&self, ticket: Ticket) -> Result<Receipt, NotFinal> {
        match (self, ticket) {
            (_, Ticket::Done(receipt)) => Ok(receipt),
            (_, Ticket::Solo(receiver)) => {
                let stopped = |_| SubmitError::Stopped {
                    reason: "the committer is gone".to_owned(),
                };
                Ok(receiver.recv().map_err(stopped)??)
            }
            (Self::Node { client, patience }, Ticket::Node(id)) => wait(client, *patience, id),
            (Self::Solo(_), Ticket::Node(id)) => Err(open(id, None)),
        }
    }

    /// Hands a transaction in and waits for its fate.
    ///
    /// # Errors
    /// When it is not final.
    pub fn submit(&self, transaction: &Transaction) -> Result<Receipt, NotFinal> {
        self.settle(self.enqueue(transaction)?)
    }

    /// Ends it; what was final stays so.
    pub fn close(self) {
        if let Self::Solo(solo) = self {
            solo.close();
        }
    }
}

fn validator_key(
    args: &WriteArgs,
    store: &Store,
    signer: Option<&Signer>,
    dir: &std::path::Path,
) -> Result<SecretKey, Failure> {
    let seats = &store.genesis().validators.0;
    let seated = |signer: &&Signer| seats.iter().any(|seat| seat.key == signer.key.public());
    let loaded;
    let key = match signer.filter(seated) {
        Some(signer) if args.validator_key.is_none() => signer,
        _ => {
            let beside = keys_dir(dir).join("validator.json");
            let path = args.validator_key.clone().unwrap_or(beside);
            let hint = "Name the key file of the ledger's validator with --validator-key.";
            loaded = Signer::load(&path).map_err(|failure| failure.with_hint(hint))?;
            &loaded
        }
    };
    SecretKey::from_hex(&key.key.to_hex())
        .map_err(|error| Failure::new(Class::Internal, error.to_string(), "Report this."))
}

/// Sends a transaction. A node that is full is given time; a connection that breaks is made anew.
fn send(
    client: &Client,
    patience: Duration,
    transaction: &Transaction,
) -> Result<Ticket, NotFinal> {
    let (bytes, id) = (encode(transaction), transaction.id());
    let until = Instant::now() + patience;
    let (mut connections, mut pause) = (1, PAUSE);
    loop {
        match client.post_bytes::<TransactionAnswer>("/v1/transactions", &bytes) {
            // It was on the ledger before anything was sent here: that is a duplicate, as it is
            // in a directory. After a broken connection it is ours.
            Ok(told) if connections == 1 && told.known_before && !told.fate.is_open() => {
                let seen = Rejection::new(Code::DuplicateTransaction, format!("{id} was seen"));
                return Err(NotFinal::Rejected(seen.told()));
            }
            Ok(told) => return ticket(id, told.fate),
            Err(NoAnswer::Told {
                retry_after: Some(seconds),
                ..
            }) if Instant::now() + Duration::from_secs(seconds) < until => {
                std::thread::sleep(Duration::from_secs(seconds.max(1)));
            }
            Err(NoAnswer::Lost(_))
                if connections < CONNECTIONS_MAX && Instant::now() + pause < until =>
            {
                std::thread::sleep(pause);
                connections += 1;
                pause *= 2;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn ticket(id: TransactionId, fate: Fate) -> Result<Ticket, NotFinal> {
    match fate {
        Fate::Final { height, .. } => Ok(Ticket::Done(Receipt { id, height })),
        Fate::Pending { .. } | Fate::Unknown => Ok(Ticket::Node(id)),
        Fate::Rejected(rejection) => Err(NotFinal::Rejected(rejection)),
        Fate::Expired { valid_until } => {
            let detail = format!("the window ended at {valid_until}");
            Err(NotFinal::Rejected(
                Rejection::new(Code::Expired, detail).told(),
            ))
        }
    }
}

/// Asks for the fate of a transaction until it is known, or patience ends.
fn wait(client: &Client, patience: Duration, id: TransactionId) -> Result<Receipt, NotFinal> {
    let until = Instant::now() + patience;
    let (mut connections, mut pause) = (1, PAUSE);
    loop {
        let left = until.saturating_duration_since(Instant::now()).as_secs();
        let path = format!("/v1/transactions/{id}?wait={}", left.min(WAIT_SECONDS));
        let fate = match client.get::<TransactionAnswer>(&path) {
            Ok(told) => told.fate,
            Err(NoAnswer::Lost(_))
                if connections < CONNECTIONS_MAX && Instant::now() + pause < until =>
            {
                std::thread::sleep(pause);
                connections += 1;
                pause *= 2;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        match ticket(id, fate.clone())? {
            Ticket::Done(receipt) => return Ok(receipt),
            _ if left == 0 || fate == Fate::Unknown => return Err(open(id, Some(fate))),
            _ => {}
        }
    }
}

/// Patience has ended, and the transaction may still become final.
fn open(id: TransactionId, fate: Option<Fate>) -> NotFinal {
    let why = match fate {
        Some(Fate::Pending {
            last_rejection: Some(rejection),
            ..
        }) => format!(
            "; the rules said last: {}: {}",
            rejection.code, rejection.message
        ),
        Some(Fate::Unknown) => "; the node has forgotten it".to_owned(),
        _ => String::new(),
    };
    NotFinal::Failed(Failure::new(
        Class::Open,
        format!("transaction {id} is accepted and not final{why}"),
        "It may still become final: submit the same signed file again, or give a longer --timeout.",
    ))
}
