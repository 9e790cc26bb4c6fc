//! The records protocol: one question, one bounded answer.
//!
//! The network knows what kind of question it is, so that it can refuse what the asking peer may
//! not see; the bytes are the business of whoever asks and answers.
//!
//! Wire form, integers big-endian: request `kind: u8, length: u32, body`; response
//! `status: u8, length: u32, body`. A refusal has an empty body.

use std::io;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;

use super::admission::View;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RequestKind {
    /// The list of chunks of a snapshot.
    SnapshotManifest,
    /// One chunk of a snapshot, by its hash.
    SnapshotChunk,
    /// Whole blocks with their certificates.
    Blocks,
    /// Headers with their certificates.
    Headers,
    /// Proofs of leaves that belong to the asking member.
    OwnLeaves,
    /// The signed status of the last-signed guard.
    GuardStatus,
}

impl RequestKind {
    /// Every kind, in the order of its byte on the wire.
    pub const ALL: [Self; 6] = [
        Self::SnapshotManifest,
        Self::SnapshotChunk,
        Self::Blocks,
        Self::Headers,
        Self::OwnLeaves,
        Self::GuardStatus,
    ];

    /// True if a peer with this view may ask. Blocks and state show what competitors ship, so
    /// only full peers get them.
    pub fn open_to(self, view: View) -> bool {
        match self {
            Self::SnapshotManifest | Self::SnapshotChunk | Self::Blocks | Self::GuardStatus => {
                view == View::Full
            }
            Self::Headers | Self::OwnLeaves => true,
        }
    }

    fn byte(self) -> u8 {
        self as u8
    }

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

/// A question to one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked for.
    pub kind: RequestKind,
    /// The question itself; at most `limits.request_bytes_max`.
    pub body: Bytes,
}

/// Why a peer does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// It does not have it (pruned, or not yet there). Ask another peer.
    #[error("the peer does not have it")]
    NotFound,
    /// The asking peer may not see it. Ask for proofs of own leaves instead.
    #[error("the peer does not show it to us")]
    NotAllowed,
    /// Too many questions, or nobody to answer. Ask another peer, or later.
    #[error("the peer is busy")]
    Busy,
    /// The question could not be read. Both sides must run versions that understand each other.
    #[error("the peer did not understand the request")]
    Malformed,
}

/// The answer to a [`Request`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// What was asked for; at most `limits.response_bytes_max`.
    Found(Bytes),
    /// It is not answered.
    Refused(Refusal),
}

/// Reads and writes the two, with lengths checked before anything is read.
#[derive(Clone, Debug)]
pub(super) struct Codec {
    pub(super) request_bytes_max: usize,
    pub(super) response_bytes_max: usize,
}

const FOUND: u8 = 0;

#[async_trait]
impl libp2p::request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Request;
    type Response = Response;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        let (kind, body) = read_frame(io, self.request_bytes_max).await?;
        let kind = RequestKind::from_byte(kind).ok_or_else(|| invalid("unknown request"))?;
        Ok(Request { kind, body })
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        let (status, body) = read_frame(io, self.response_bytes_max).await?;
        let refusal = match status {
            FOUND => return Ok(Response::Found(body)),
            1 => Refusal::NotFound,
            2 => Refusal::NotAllowed,
            3 => Refusal::Busy,
            4 => Refusal::Malformed,
            _ => return Err(invalid("unknown status")),
        };
        Ok(Response::Refused(refusal))
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Request,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_frame(
            io,
            request.kind.byte(),
            &request.body,
            self.request_bytes_max,
        )
        .await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Response,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let (status, body) = match response {
            Response::Found(body) => (FOUND, body),
            Response::Refused(Refusal::NotFound) => (1, Bytes::new()),
            Response::Refused(Refusal::NotAllowed) => (2, Bytes::new()),
            Response::Refused(Refusal::Busy) => (3, Bytes::new()),
            Response::Refused(Refusal::Malformed) => (4, Bytes::new()),
        };
        write_frame(io, status, &body, self.response_bytes_max).await
    }
}

/// The first byte and the body. The buffer grows with what arrives, never with what is claimed.
async fn read_frame<T>(io: &mut T, bytes_max: usize) -> io::Result<(u8, Bytes)>
where
    T: AsyncRead + Unpin + Send,
{
    let mut head = [0; 5];
    io.read_exact(&mut head).await?;
    let [first, length @ ..] = head;
    let length = u32::from_be_bytes(length);
    if length as usize > bytes_max {
        return Err(invalid("a frame above the limit"));
    }
    let mut body = Vec::new();
    io.take(u64::from(length)).read_to_end(&mut body).await?;
    if body.len() < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((first, Bytes::from(body)))
}

async fn write_frame<T>(io: &mut T, first: u8, body: &[u8], bytes_max: usize) -> io::Result<()>
where
    T: AsyncWrite + Unpin + Send,
{
    let length = u32::try_from(body.len())
        .ok()
        .filter(|_| body.len() <= bytes_max);
    let length = length.ok_or_else(|| invalid("a frame above the limit"))?;
    io.write_all(&[first]).await?;
    io.write_all(&length.to_be_bytes()).await?;
    io.write_all(body).await?;
    io.flush().await
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::io::Cursor;
    use libp2p::request_response::Codec as _;

    use super::*;

    const PROTOCOL: StreamProtocol = StreamProtocol::new("/test");

    fn codec() -> Codec {
        Codec {
            request_bytes_max: 8,
            response_bytes_max: 8,
        }
    }

    fn read(bytes: &[u8]) -> io::Result<Request> {
        block_on(codec().read_request(&PROTOCOL, &mut Cursor::new(bytes)))
    }

    #[test]
    fn every_request_and_response_survives_the_wire() {
        for kind in RequestKind::ALL {
            let request = Request {
                kind,
                body: Bytes::from_static(b"body"),
            };
            let mut wire = Cursor::new(Vec::new());
            block_on(codec().write_request(&PROTOCOL, &mut wire, request.clone())).unwrap();
            assert_eq!(read(wire.get_ref()).unwrap(), request);
        }
        let refusals = [
            Refusal::NotFound,
            Refusal::NotAllowed,
            Refusal::Busy,
            Refusal::Malformed,
        ];
        let found = Response::Found(Bytes::from_static(b"12345678"));
        for response in refusals.map(Response::Refused).into_iter().chain([found]) {
            let mut wire = Cursor::new(Vec::new());
            block_on(codec().write_response(&PROTOCOL, &mut wire, response.clone())).unwrap();
            wire.set_position(0);
            let back = block_on(codec().read_response(&PROTOCOL, &mut wire)).unwrap();
            assert_eq!(back, response);
        }
    }

    #[test]
    fn a_length_above_the_limit_is_refused_before_the_body_is_read() {
        let error = read(&[0, 0xff, 0xff, 0xff, 0xff]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let error = read(&[0, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_frame_that_is_cut_short_or_of_an_unknown_kind_is_an_error() {
        assert!(read(&[0, 0, 0]).is_err());
        assert!(read(&[0, 0, 0, 0, 4, 1, 2, 3]).is_err());
        assert!(read(&[6, 0, 0, 0, 0]).is_err());
    }

    #[test]
    fn a_body_above_the_limit_is_not_sent() {
        let request = Request {
            kind: RequestKind::Blocks,
            body: Bytes::from_static(&[0; 9]),
        };
        let mut wire = Cursor::new(Vec::new());
        assert!(block_on(codec().write_request(&PROTOCOL, &mut wire, request)).is_err());
        assert!(wire.get_ref().is_empty());
    }

    #[test]
    fn observers_of_other_members_get_headers_and_their_own_leaves_only() {
        let open = RequestKind::ALL
            .into_iter()
            .filter(|kind| kind.open_to(View::Own));
        assert_eq!(
            open.collect::<Vec<_>>(),
            [RequestKind::Headers, RequestKind::OwnLeaves]
        );
        assert!(
            RequestKind::ALL
                .into_iter()
                .all(|kind| kind.open_to(View::Full))
        );
    }
}
