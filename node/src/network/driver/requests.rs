//! Questions and answers: block sync for the engine, the records protocol for the node.

use std::time::Instant;

use arc_malachitebft_network::Event;
use arc_malachitebft_sync::{OutboundFailureReason, RawMessage, RawResponse};
use bytes::Bytes;
use futures::future::BoxFuture;
use libp2p::PeerId;
use libp2p::request_response::{self, InboundRequestId, Message, OutboundFailure, ResponseChannel};
use tokio::sync::oneshot;
use tracing::debug;

use super::super::conduct::Verdict;
use super::super::handle::{Input, Reply, RequestError};
use super::super::records::{Refusal, Request, Response};
use super::Driver;

/// Where the answer to a block sync request goes.
pub(super) type SyncChannel = ResponseChannel<RawResponse>;

/// A records request of which the node has made up its mind.
pub(super) type Answered = BoxFuture<'static, Answer>;

/// What the node answers to whom.
pub(super) struct Answer {
    peer: PeerId,
    channel: ResponseChannel<Response>,
    response: Response,
}

impl Driver {
    pub(super) fn on_sync(&mut self, event: arc_malachitebft_sync::Event) {
        match event {
            request_response::Event::Message { peer, message, .. } => match message {
                Message::Request {
                    request_id,
                    request,
                    channel,
                } => {
                    if !self.may_ask(peer) {
                        return;
                    }
                    self.sync_channels.insert(request_id, (peer, channel));
                    let peer = Self::engine_id(&peer);
                    let body = request.0;
                    let request = RawMessage::Request {
                        request_id,
                        peer,
                        body,
                    };
                    self.parts.engine.send(Event::Sync(request));
                }
                Message::Response {
                    request_id,
                    response,
                } => {
                    let peer = Self::engine_id(&peer);
                    let body = response.0;
                    let response = RawMessage::Response {
                        request_id,
                        peer,
                        body,
                    };
                    self.parts.engine.send(Event::Sync(response));
                }
            },
            request_response::Event::OutboundFailure {
                peer,
                request_id,
                error,
                ..
            } => {
                debug!(member = self.member(&peer), %error, "block sync request failed");
                let peer = Self::engine_id(&peer);
                let reason = failure_reason(&error);
                self.parts.engine.send(Event::SyncRequestFailed {
                    request_id,
                    peer,
                    reason,
                });
            }
            request_response::Event::InboundFailure {
                peer,
                request_id,
                error,
                ..
            } => {
                debug!(member = self.member(&peer), %error, "block sync answer failed");
                self.sync_channels.remove(&request_id);
                let peer = Self::engine_id(&peer);
                self.parts
                    .engine
                    .send(Event::SyncInboundRequestFailed { request_id, peer });
            }
            request_response::Event::ResponseSent { .. } => {}
        }
    }

    /// Answers a block sync request; without bytes it is dropped, which frees its stream.
    pub(super) fn sync_reply(&mut self, id: InboundRequestId, bytes: Option<Bytes>) {
        let Some((peer, channel)) = self.sync_channels.remove(&id) else {
            return;
        };
        let Some(bytes) = bytes else { return };
        let sync = &mut self.parts.swarm.behaviour_mut().full.inner.sync;
        if sync.send_response(channel, bytes).is_err() {
            debug!(member = self.member(&peer), "peer left before its answer");
        }
    }

    pub(super) fn ask(
        &mut self,
        peer: PeerId,
        request: Request,
        reply: oneshot::Sender<Result<Response, RequestError>>,
    ) {
        if !self.peers.contains_key(&peer) {
            let _gone = reply.send(Err(RequestError::NotConnected));
            return;
        }
        let id = self
            .parts
            .swarm
            .behaviour_mut()
            .records
            .send_request(&peer, request);
        self.asked.insert(id, reply);
    }

    pub(super) fn on_records(&mut self, event: request_response::Event<Request, Response>) {
        match event {
            request_response::Event::Message { peer, message, .. } => match message {
                Message::Request {
                    request, channel, ..
                } => {
                    self.on_request(peer, request, channel);
                }
                Message::Response {
                    request_id,
                    response,
                } => {
                    if let Some(reply) = self.asked.remove(&request_id) {
                        let _gone = reply.send(Ok(response));
                    }
                }
            },
            request_response::Event::OutboundFailure {
                request_id, error, ..
            } => {
                if let Some(reply) = self.asked.remove(&request_id) {
                    let error = match error {
                        OutboundFailure::DialFailure => RequestError::NotConnected,
                        other => RequestError::NoAnswer(other.to_string()),
                    };
                    let _gone = reply.send(Err(error));
                }
            }
            request_response::Event::InboundFailure { peer, error, .. } => {
                debug!(member = self.member(&peer), %error, "records answer failed");
            }
            request_response::Event::ResponseSent { .. } => {}
        }
    }

    /// Hands a request to the node, or refuses it here.
    fn on_request(&mut self, from: PeerId, request: Request, channel: ResponseChannel<Response>) {
        let refused = match self.judge_request(from, &request) {
            Ok(input) => match self.hand_over(from, input, request) {
                Ok(answer) => {
                    let timeout = self.parts.config.limits.request_timeout_ms;
                    let timeout = std::time::Duration::from_millis(timeout);
                    self.answering.push(Box::pin(async move {
                        let answer = tokio::time::timeout(timeout, answer).await;
                        let busy = Response::Refused(Refusal::Busy);
                        let response = answer.ok().and_then(Result::ok).unwrap_or(busy);
                        Answer {
                            peer: from,
                            channel,
                            response,
                        }
                    }));
                    return;
                }
                Err(refusal) => refusal,
            },
            Err(refusal) => refusal,
        };
        let records = &mut self.parts.swarm.behaviour_mut().records;
        let _gone = records.send_response(channel, Response::Refused(refused));
    }

    fn judge_request(
        &mut self,
        from: PeerId,
        request: &Request,
    ) -> Result<super::super::admission::AdmittedPeer, Refusal> {
        if !self.may_ask(from) {
            return Err(Refusal::Busy);
        }
        let entry = self.admitted.get(&from).ok_or(Refusal::NotAllowed)?;
        if !request.kind.open_to(entry.view) {
            self.parts.metrics.request_refused("view");
            return Err(Refusal::NotAllowed);
        }
        Ok(entry.clone())
    }

    fn hand_over(
        &mut self,
        from: PeerId,
        entry: super::super::admission::AdmittedPeer,
        request: Request,
    ) -> Result<oneshot::Receiver<Response>, Refusal> {
        let conduct = self.conduct.get_mut(&from).ok_or(Refusal::Busy)?;
        if conduct.requests_in_flight >= self.parts.config.limits.requests_in_flight {
            self.parts.metrics.request_refused("in_flight");
            return Err(Refusal::Busy);
        }
        let (reply, answer) = oneshot::channel();
        let (member, view, reply) = (entry.member, entry.view, Reply(reply));
        let input = Input::Request {
            from,
            member,
            view,
            request,
            reply,
        };
        if self.parts.inputs.try_send(input).is_err() {
            self.parts.metrics.request_refused("node_busy");
            return Err(Refusal::Busy);
        }
        conduct.requests_in_flight += 1;
        Ok(answer)
    }

    /// Sends what the node has answered.
    pub(super) fn answer(&mut self, answer: Answer) {
        if let Some(conduct) = self.conduct.get_mut(&answer.peer) {
            conduct.requests_in_flight = conduct.requests_in_flight.saturating_sub(1);
        }
        let records = &mut self.parts.swarm.behaviour_mut().records;
        if records
            .send_response(answer.channel, answer.response)
            .is_ok()
        {
            self.parts.metrics.requests_served.inc();
        }
    }

    fn may_ask(&mut self, peer: PeerId) -> bool {
        let Some(conduct) = self.conduct.get_mut(&peer) else {
            return false;
        };
        let verdict = conduct.request(Instant::now());
        if verdict != Verdict::Fine {
            self.parts.metrics.request_refused("too_fast");
            self.punish(peer, verdict);
        }
        verdict == Verdict::Fine
    }
}

fn failure_reason(error: &OutboundFailure) -> OutboundFailureReason {
    match error {
        OutboundFailure::DialFailure => OutboundFailureReason::DialFailure,
        OutboundFailure::Timeout => OutboundFailureReason::Timeout,
        OutboundFailure::ConnectionClosed => OutboundFailureReason::ConnectionClosed,
        OutboundFailure::UnsupportedProtocols => OutboundFailureReason::UnsupportedProtocols,
        OutboundFailure::Io(_) => OutboundFailureReason::Io,
    }
}
