//! What the driver of the swarm is asked to do.

use arc_malachitebft_network::{NetworkStateDump, ValidatorInfo};
use bytes::Bytes;
use libp2p::request_response::{InboundRequestId, OutboundRequestId};
use libp2p::{Multiaddr, PeerId};
use tokio::sync::oneshot;

use super::handle::RequestError;
use super::records::{Request, Response};
use super::topics::Topic;

/// One order to the driver.
pub(super) enum Command {
    /// Gossip these bytes.
    Publish(Topic, Bytes),
    /// Ask a peer for blocks; answers with the id under which the result will come.
    SyncRequest(PeerId, Bytes, oneshot::Sender<OutboundRequestId>),
    /// Answer a peer that asked for blocks, or drop the question.
    SyncReply(InboundRequestId, Option<Bytes>),
    /// Ask a peer by the records protocol.
    Ask(
        PeerId,
        Request,
        oneshot::Sender<Result<Response, RequestError>>,
    ),
    /// Add an address to dial, or remove one; answers whether that changed anything.
    Address(AddressChange, Multiaddr, oneshot::Sender<bool>),
    /// Disconnect a peer that lied and refuse it for the time of a lockout.
    LockOut(PeerId),
    /// Remember the validators, for the status dump only.
    Validators(Vec<ValidatorInfo>),
    /// Describe the state in the engine's words.
    Dump(oneshot::Sender<NetworkStateDump>),
    /// Say goodbye and stop.
    Shutdown(oneshot::Sender<()>),
}

/// What to do with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AddressChange {
    /// Dial it from now on.
    Add,
    /// Dial it no more.
    Remove,
}
