//! Answers what peers ask by the records protocol: snapshots and headers, and proofs of what is the
//! asking member's own.
//!
//! What a peer's view excludes never arrives here (`network/records.rs`). Own items are decided by
//! the member whose peer asks, as the connection's key proved it.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use chipledger_ledger::prove::{ProveError, Question, Since, prove};
use chipledger_ledger::read::QueryError;
use chipledger_ledger::read::own::OWN_LOOKED_AT_MAX;
use chipledger_ledger::state::StateError;
use chipledger_ledger::store::snapshot::{SnapshotError, read_chunk, read_manifest, snapshots};
use chipledger_ledger::store::{Store, StoreError};
use chipledger_schemas::encode::{decode, encode};
use chipledger_schemas::ids::{Height, ItemId, ItemNumber, MemberId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use crate::network::{Refusal, Reply, Request, RequestKind, Response};

pub mod wire;

use wire::{
    CertifiedHeader, ChunkAsked, HeadersAsked, HeadersTold, ManifestAsked, OwnAsked, OwnItem,
    OwnListed,
};

/// Questions that are answered at once, all peers together; more are told that we are busy.
const TURNS: usize = 8;
/// Most headers of one answer.
const HEADERS_MAX: usize = 500;
/// Most bytes of headers in one answer, about.
const HEADERS_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Answers questions on threads that may block. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Records {
    store: Store,
    snapshots: PathBuf,
    turns: Arc<Semaphore>,
}

/// Why a question is not answered.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    /// It cannot be read.
    #[error("it cannot be read")]
    Malformed,
    /// It is not held, or not the asking member's.
    #[error("there is no such thing")]
    NotFound,
    /// It is another member's.
    #[error("it is another member's")]
    NotAllowed,
    /// Something failed here.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Something failed here.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// Something failed here.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// Something failed here.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<StateError> for NoAnswer {
    fn from(error: StateError) -> Self {
        Self::Store(error.into())
    }
}

impl Records {
    /// Answers from a ledger and the snapshots kept in a directory.
    pub fn new(store: Store, snapshots: PathBuf) -> Self {
        Self {
            store,
            snapshots,
            turns: Arc::new(Semaphore::new(TURNS)),
        }
    }

    /// Answers a member's peer, later.
    pub fn answer(&self, member: MemberId, request: Request, reply: Reply) {
        let Ok(turn) = self.turns.clone().try_acquire_owned() else {
            reply.send(Response::Refused(Refusal::Busy));
            return;
        };
        let this = self.clone();
        tokio::task::spawn_blocking(move || {
            let response = this.response(&member, &request);
            drop(turn);
            reply.send(response);
        });
    }

    /// The answer, at once: on a thread that may block.
    pub fn response(&self, member: &MemberId, request: &Request) -> Response {
        let refusal = match self.found(member, request) {
            Ok(bytes) => return Response::Found(bytes.into()),
            Err(NoAnswer::Malformed) => Refusal::Malformed,
            Err(NoAnswer::NotFound) => Refusal::NotFound,
            Err(NoAnswer::NotAllowed) => Refusal::NotAllowed,
            Err(error) => {
                tracing::warn!(%member, kind = ?request.kind, "a peer's question has no answer: {error}");
                Refusal::Busy
            }
        };
        Response::Refused(refusal)
    }

    fn found(&self, member: &MemberId, request: &Request) -> Result<Vec<u8>, NoAnswer> {
        let body = &request.body;
        match request.kind {
            RequestKind::SnapshotManifest => self.manifest(read(body)?),
            RequestKind::SnapshotChunk => self.chunk(read(body)?),
            RequestKind::Headers => self.headers(read(body)?),
            RequestKind::OwnLeaves => match read(body)? {
                OwnAsked::List { from } => self.own_items(member, from),
                OwnAsked::Proof { item } => self.own_proof(member, item),
            },
            // Blocks travel by the engine's sync; statuses are the guard's.
            RequestKind::Blocks | RequestKind::GuardStatus => Err(NoAnswer::NotFound),
        }
    }

    fn manifest(&self, asked: ManifestAsked) -> Result<Vec<u8>, NoAnswer> {
        let last = || Ok::<_, SnapshotError>(snapshots(&self.snapshots)?.pop());
        let height = match asked.height {
            Some(height) => Some(height),
            None => last()?,
        };
        match read_manifest(&self.snapshots, height.ok_or(NoAnswer::NotFound)?) {
            Ok(manifest) => Ok(manifest.bytes()),
            Err(SnapshotError::NotKept { .. }) => Err(NoAnswer::NotFound),
            Err(error) => Err(error.into()),
        }
    }

    fn chunk(&self, asked: ChunkAsked) -> Result<Vec<u8>, NoAnswer> {
        let chunk = read_chunk(&self.snapshots, asked.height, &asked.digest)?;
        chunk.ok_or(NoAnswer::NotFound)
    }

    fn headers(&self, asked: HeadersAsked) -> Result<Vec<u8>, NoAnswer> {
        let view = self.store.view();
        let (mut headers, mut bytes) = (Vec::new(), 0);
        // Nobody certifies genesis: its header follows from the document.
        for (header, certificate) in view.headers_from(asked.from.max(Height(1)), HEADERS_MAX)? {
            let next = if header.next_validators == header.validators {
                None
            } else {
                view.next_validators(&header)?
            };
            let certified = CertifiedHeader {
                header,
                certificate,
                next,
            };
            bytes += encode(&certified).len();
            headers.push(certified);
            if bytes > HEADERS_BYTES_MAX {
                break;
            }
        }
        let height = view.head()?.header.height;
        Ok(encode(&HeadersTold { height, headers }))
    }

    fn own_items(&self, member: &MemberId, from: ItemNumber) -> Result<Vec<u8>, NoAnswer> {
        let view = self.store.view();
        let page = view.own_items(member, from, OWN_LOOKED_AT_MAX)?;
        let item = |(item, version)| OwnItem { item, version };
        Ok(encode(&OwnListed {
            height: view.head()?.header.height,
            items: page.items.into_iter().map(item).collect(),
            next: page.next,
        }))
    }

    fn own_proof(&self, member: &MemberId, item: ItemId) -> Result<Vec<u8>, NoAnswer> {
        // Whether an item of somebody else exists is nobody's business either.
        match self.store.view().is_own(member, &item) {
            Ok(true) => {}
            Ok(false) | Err(QueryError::ItemUnknown { .. }) => return Err(NoAnswer::NotAllowed),
            Err(error) => return Err(error.into()),
        }
        Ok(prove(&self.store, &Question::Item(item), Since::Genesis)?.bytes())
    }
}

fn read<T: Serialize + DeserializeOwned>(body: &Bytes) -> Result<T, NoAnswer> {
    decode(body).map_err(|_| NoAnswer::Malformed)
}
