//! Blocks in parts: cut for the way, put together again, bounded.
//!
//! A stream is a signed first part, pieces of the block's bytes, and an end; they arrive out of
//! order, twice, or from a liar. Streams are grouped by who published them. Those of the next
//! height are kept while this node is still at the one before: others decide a little earlier.

use std::collections::BTreeMap;

use arc_malachitebft_engine::util::streaming::{StreamContent, StreamId, StreamMessage};
use arc_malachitebft_peer::PeerId;
use bytes::Bytes;
use chipledger_schemas::block::Block;
use chipledger_schemas::encode::{decode, encode};
use chipledger_schemas::ids::Height;

use super::context::{Part, PartInit};

/// Bytes of one piece: far below what a message may have.
pub const PIECE_BYTES: usize = 256 * 1024;
/// Bytes by which a block's encoding may exceed its transactions: the header and lengths.
const BLOCK_OVERHEAD: u64 = 64 * 1024;
/// Most streams of one publisher under way.
const STREAMS_PER_PUBLISHER: usize = 4;
/// Most streams under way.
const STREAMS_MAX: usize = 64;

/// Why a part is dropped. Its publisher is faulty or too fast; nothing else happens.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Dropped {
    /// The height is decided, or too far ahead.
    #[error("a part for height {got}, this node is at {at}")]
    OtherHeight {
        /// The part's.
        got: Height,
        /// This node's.
        at: Height,
    },
    /// More streams at once than a publisher may have.
    #[error("too many streams under way")]
    TooManyStreams,
    /// Longer than a block may be, or other bytes than announced.
    #[error("the stream is longer than announced or allowed")]
    TooLong,
    /// The first part is missing where it should be, or comes twice, and differs.
    #[error("the parts contradict each other")]
    Contradiction,
    /// The bytes are no block, or another than announced.
    #[error("the bytes are not the block that was announced")]
    OtherBlock,
}

#[derive(Debug, Default)]
struct Stream {
    init: Option<PartInit>,
    pieces: BTreeMap<u64, Bytes>,
    bytes: u64,
    /// Sequence of the end, which is how many messages come before it.
    end: Option<u64>,
}

/// Streams under way.
#[derive(Debug)]
pub struct Streams {
    open: BTreeMap<(PeerId, Bytes), Stream>,
    block_bytes_max: u64,
}

/// A block whose bytes are complete and hash to what was announced. Nothing else is checked.
#[derive(Debug)]
pub struct Complete {
    /// The first part; its signature is not checked.
    pub init: PartInit,
    /// The block.
    pub block: Block,
}

impl Streams {
    /// No streams; blocks have at most `block_bytes_max` bytes of transactions.
    pub fn new(block_bytes_max: u64) -> Self {
        Self {
            open: BTreeMap::new(),
            block_bytes_max: block_bytes_max + BLOCK_OVERHEAD,
        }
    }

    /// Takes a message in; gives the block once it is complete.
    ///
    /// # Errors
    /// Why the message, and with it the stream, is dropped.
    pub fn add(
        &mut self,
        publisher: PeerId,
        message: StreamMessage<Part>,
        at: Height,
    ) -> Result<Option<Complete>, Dropped> {
        let key = (publisher, message.stream_id.to_bytes());
        if !self.open.contains_key(&key) {
            self.make_room(&publisher)?;
        }
        let limit = self.block_bytes_max;
        let stream = self.open.entry(key.clone()).or_default();
        let taken = stream.take(message, at, limit);
        let finished = taken.and_then(|()| stream.finish());
        if !matches!(finished, Ok(None)) {
            self.open.remove(&key);
        }
        finished
    }

    fn make_room(&mut self, publisher: &PeerId) -> Result<(), Dropped> {
        let of_publisher = self
            .open
            .keys()
            .filter(|(other, _)| other == publisher)
            .count();
        if of_publisher >= STREAMS_PER_PUBLISHER {
            // The oldest stands first: stream names begin with the height and a counter.
            let oldest = self
                .open
                .keys()
                .find(|(other, _)| other == publisher)
                .cloned();
            if let Some(oldest) = oldest {
                self.open.remove(&oldest);
            }
        }
        if self.open.len() >= STREAMS_MAX {
            return Err(Dropped::TooManyStreams);
        }
        Ok(())
    }

    /// Drops streams of heights up to `height`.
    pub fn decided(&mut self, height: Height) {
        self.open.retain(|_, stream| {
            let of = stream.init.as_ref().map(|init| init.height.height());
            of.is_none_or(|of| of > height)
        });
    }
}

impl Stream {
    fn take(
        &mut self,
        message: StreamMessage<Part>,
        at: Height,
        limit: u64,
    ) -> Result<(), Dropped> {
        let sequence = message.sequence;
        if sequence > limit / PIECE_BYTES as u64 + 2 {
            return Err(Dropped::TooLong);
        }
        match message.content {
            StreamContent::Fin => self.end = Some(sequence),
            StreamContent::Data(Part::Init(init)) => {
                let got = init.height.height();
                if got < at || got.0 > at.0 + 1 {
                    return Err(Dropped::OtherHeight { got, at });
                }
                if init.bytes > limit {
                    return Err(Dropped::TooLong);
                }
                if sequence != 0 || self.init.as_ref().is_some_and(|known| *known != init) {
                    return Err(Dropped::Contradiction);
                }
                self.init = Some(init);
            }
            StreamContent::Data(Part::Piece(piece)) => {
                if sequence == 0 {
                    return Err(Dropped::Contradiction);
                }
                if piece.len() > PIECE_BYTES {
                    return Err(Dropped::TooLong);
                }
                let bytes = piece.len() as u64;
                if self.pieces.insert(sequence, piece).is_none() {
                    self.bytes += bytes;
                }
            }
        }
        let announced = self.init.as_ref().map_or(limit, |init| init.bytes);
        if self.bytes > announced {
            return Err(Dropped::TooLong);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Option<Complete>, Dropped> {
        let (Some(init), Some(end)) = (&self.init, self.end) else {
            return Ok(None);
        };
        let arrived = self.pieces.len() as u64 + 1;
        if arrived < end {
            return Ok(None);
        }
        if arrived > end || self.bytes != init.bytes {
            return Err(Dropped::Contradiction);
        }
        let bytes: Vec<u8> = self.pieces.values().flatten().copied().collect();
        let block: Block = decode(&bytes).map_err(|_| Dropped::OtherBlock)?;
        if block.header.hash() != init.block || block.header.height != init.height.height() {
            return Err(Dropped::OtherBlock);
        }
        let init = init.clone();
        Ok(Some(Complete { init, block }))
    }
}

/// The messages in which a block travels; `count` makes the stream's name unique.
pub fn stream_of(init: &PartInit, block: &Block, count: u64) -> Vec<StreamMessage<Part>> {
    let mut name = init.height.0.to_be_bytes().to_vec();
    name.extend_from_slice(&count.to_be_bytes());
    let stream = StreamId::new(name.into());
    let bytes = Bytes::from(encode(block));
    let pieces = (0..bytes.len())
        .step_by(PIECE_BYTES)
        .map(|start| bytes.slice(start..bytes.len().min(start + PIECE_BYTES)));
    let first = StreamContent::Data(Part::Init(init.clone()));
    let contents = std::iter::once(first)
        .chain(pieces.map(|piece| StreamContent::Data(Part::Piece(piece))))
        .chain(std::iter::once(StreamContent::Fin));
    (0..)
        .zip(contents)
        .map(|(sequence, content)| StreamMessage::new(stream.clone(), sequence, content))
        .collect()
}
