//! Counts and slows what is read from a peer, whatever protocol it is for.
//!
//! The meter sits between the multiplexer and every protocol. A peer that sends faster than its
//! rate is not read for a moment; the transport's own windows then slow the sender, so no bytes
//! pile up here.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures::{AsyncRead, AsyncWrite};
use libp2p::PeerId;
use libp2p::core::StreamMuxer;
use libp2p::core::muxing::{StreamMuxerBox, StreamMuxerEvent, SubstreamBox};
use tokio::time::Sleep;

use super::bucket::Bucket;

/// What one peer has sent and received since this node started, and what it may still send.
pub(super) struct Meter {
    /// Bytes read from the peer.
    pub(super) inbound_bytes: AtomicU64,
    /// Bytes written to the peer.
    pub(super) outbound_bytes: AtomicU64,
    /// Times the peer had to wait because it sent too fast.
    pub(super) waits: AtomicU64,
    /// Streams that were dropped because too many were open.
    pub(super) refused_streams: AtomicU64,
    /// The height that it last claimed to have reached.
    pub(super) height: AtomicU64,
    allowance: Mutex<Bucket>,
}

impl Meter {
    fn new(bytes_per_second: u64) -> Self {
        Self {
            inbound_bytes: AtomicU64::new(0),
            outbound_bytes: AtomicU64::new(0),
            waits: AtomicU64::new(0),
            refused_streams: AtomicU64::new(0),
            height: AtomicU64::new(0),
            allowance: Mutex::new(Bucket::new(
                bytes_per_second,
                bytes_per_second,
                Instant::now(),
            )),
        }
    }

    fn has_read(&self, bytes: usize) {
        let bytes = bytes as u64;
        self.inbound_bytes.fetch_add(bytes, Ordering::Relaxed);
        let mut allowance = self
            .allowance
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        allowance.drain(bytes, Instant::now());
    }

    fn wait(&self) -> Option<Duration> {
        let mut allowance = self
            .allowance
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let wait = allowance.wait(Instant::now());
        drop(allowance);
        if wait.is_some() {
            self.waits.fetch_add(1, Ordering::Relaxed);
        }
        wait
    }
}

/// The meters of all peers. A meter outlives connections, so that reconnecting refills nothing.
#[derive(Clone)]
pub(super) struct Meters {
    bytes_per_second: u64,
    peers: Arc<Mutex<BTreeMap<PeerId, Arc<Meter>>>>,
}

impl Meters {
    pub(super) fn new(bytes_per_second: u64) -> Self {
        Self {
            bytes_per_second,
            peers: Arc::default(),
        }
    }

    /// Keeps meters for these peers only: strangers get one for the moment until they are refused.
    pub(super) fn keep(&self, peers: impl Iterator<Item = PeerId>) {
        let mut meters = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *meters);
        *meters = peers
            .map(|peer| {
                let meter = before.remove(&peer);
                (
                    peer,
                    meter.unwrap_or_else(|| Arc::new(Meter::new(self.bytes_per_second))),
                )
            })
            .collect();
    }

    /// The meter of `peer`.
    pub(super) fn of(&self, peer: &PeerId) -> Arc<Meter> {
        let meters = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let known = meters.get(peer).cloned();
        known.unwrap_or_else(|| Arc::new(Meter::new(self.bytes_per_second)))
    }
}

/// A connection whose streams are metered.
pub(super) struct MeteredConnection {
    inner: StreamMuxerBox,
    meter: Arc<Meter>,
    inbound_streams_max: usize,
    /// One more reference than inbound streams are open.
    inbound_streams: Arc<()>,
}

impl MeteredConnection {
    pub(super) fn new(inner: StreamMuxerBox, meter: Arc<Meter>, streams_max: usize) -> Self {
        Self {
            inner,
            meter,
            inbound_streams_max: streams_max,
            inbound_streams: Arc::new(()),
        }
    }

    fn metered(&self, stream: SubstreamBox, place: Option<Arc<()>>) -> MeteredStream {
        MeteredStream {
            inner: stream,
            meter: self.meter.clone(),
            pause: None,
            _place: place,
        }
    }
}

impl StreamMuxer for MeteredConnection {
    type Substream = MeteredStream;
    type Error = io::Error;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<MeteredStream>> {
        loop {
            let stream = ready!(Pin::new(&mut self.inner).poll_inbound(context))?;
            if Arc::strong_count(&self.inbound_streams) <= self.inbound_streams_max {
                let place = self.inbound_streams.clone();
                return Poll::Ready(Ok(self.metered(stream, Some(place))));
            }
            self.meter.refused_streams.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<MeteredStream>> {
        let stream = ready!(Pin::new(&mut self.inner).poll_outbound(context))?;
        Poll::Ready(Ok(self.metered(stream, None)))
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(context)
    }

    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<StreamMuxerEvent>> {
        Pin::new(&mut self.inner).poll(context)
    }
}

/// One stream of a metered connection.
pub(super) struct MeteredStream {
    inner: SubstreamBox,
    meter: Arc<Meter>,
    pause: Option<Pin<Box<Sleep>>>,
    /// Frees its place among the inbound streams when dropped.
    _place: Option<Arc<()>>,
}

impl MeteredStream {
    /// Ready when the peer may be read again.
    fn poll_allowance(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            let Some(wait) = self.meter.wait() else {
                return Poll::Ready(());
            };
            self.pause = Some(Box::pin(tokio::time::sleep(wait)));
        }
    }
}

impl AsyncRead for MeteredStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_allowance(context));
        let bytes = ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        self.meter.has_read(bytes);
        Poll::Ready(Ok(bytes))
    }
}

impl AsyncWrite for MeteredStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let bytes = ready!(Pin::new(&mut self.inner).poll_write(context, buffer))?;
        self.meter
            .outbound_bytes
            .fetch_add(bytes as u64, Ordering::Relaxed);
        Poll::Ready(Ok(bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(context)
    }
}
