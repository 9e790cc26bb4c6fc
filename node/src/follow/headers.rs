//! Headers that a quorum certified, one after the other from genesis on, kept in one file.
//!
//! ```text
//! <dir>/headers       frames: length (u32, little endian) | CertifiedHeader | digest of it (FILE)
//! ```
//!
//! A header is taken in if the chain of trust of `chipledger-proof` leads to it from the one
//! before. A frame that a crash cut off is cut away; whatever is lost is fetched again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chipledger_proof::trust::{Pin, Start, Trust, TrustError};
use chipledger_schemas::block::Header;
use chipledger_schemas::certificate::ValidatorSet;
use chipledger_schemas::encode::{decode, encode};
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::hash::{FILE, Hash};
use chipledger_schemas::ids::{GenesisHash, Height};

use crate::serve::wire::CertifiedHeader;

/// Bytes of a frame around the header.
const FRAME: usize = 4 + 32;
/// Most bytes of a header with certificate and set.
const HEADER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A header that is not taken in.
#[derive(Debug, thiserror::Error)]
pub enum Untrue {
    /// No quorum certified it. Its sender lies.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// It does not follow the header before it. Its sender lies.
    #[error("header {height} does not name the one before it as its parent")]
    OtherParent {
        /// Its height.
        height: Height,
    },
    /// The set shown is not the one that the header names. Its sender lies.
    #[error("header {height} names another validator set than the one shown")]
    OtherValidators {
        /// Its height.
        height: Height,
    },
    /// A quorum certified two headers of one height. Whoever follows this ledger must stop trusting
    /// it until the validators have explained themselves: keep both as evidence.
    #[error("two different headers of height {height} are certified")]
    Fork {
        /// The height.
        height: Height,
    },
}

impl Untrue {
    /// Whether its sender lies; a fork is the validators' doing.
    pub fn is_lie(&self) -> bool {
        !matches!(self, Self::Fork { .. })
    }
}

/// The file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct HeadersError {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

/// Every header taken in, as a file with an index. Shared by reference.
#[derive(Debug)]
pub struct Headers {
    path: PathBuf,
    genesis: Genesis,
    genesis_hash: GenesisHash,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    /// Where the frame of each height begins.
    places: BTreeMap<Height, u64>,
    /// Where the next frame begins.
    end: u64,
    tip: Option<Header>,
    /// Who certifies the header after the tip.
    next: ValidatorSet,
    /// Every set met, by digest.
    sets: BTreeMap<Hash, ValidatorSet>,
}

impl Headers {
    /// Opens the file in a directory; makes it if it is missing.
    pub fn open(dir: &Path, genesis: &Genesis) -> Result<Self, HeadersError> {
        let path = dir.join("headers");
        let io = |source| HeadersError {
            path: path.clone(),
            source,
        };
        std::fs::create_dir_all(dir).map_err(io)?;
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io)?;
        let first = genesis.validators.clone();
        let mut inner = Inner {
            file,
            places: BTreeMap::new(),
            end: 0,
            tip: None,
            sets: BTreeMap::from([(first.digest(), first.clone())]),
            next: first,
        };
        inner.recover().map_err(io)?;
        Ok(Self {
            genesis: genesis.clone(),
            genesis_hash: genesis.hash(),
            inner: Mutex::new(inner),
            path,
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The genesis document.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The last height; 0 before the first header came.
    pub fn height(&self) -> Height {
        self.inner()
            .tip
            .as_ref()
            .map_or(Height(0), |tip| tip.height)
    }

    /// The first height whose header is held.
    pub fn first_height(&self) -> Height {
        let inner = self.inner();
        inner.places.keys().next().copied().unwrap_or(Height(1))
    }

    /// A header, if it is held.
    pub fn header(&self, height: Height) -> Result<Option<CertifiedHeader>, HeadersError> {
        let read = self.inner().read(height);
        read.map_err(|source| self.failed(source))
    }

    /// Headers from a height on, ascending.
    pub fn page(&self, from: Height, most: usize) -> Result<Vec<CertifiedHeader>, HeadersError> {
        let mut inner = self.inner();
        let heights: Vec<_> = inner
            .places
            .range(from..)
            .take(most)
            .map(|(h, _)| *h)
            .collect();
        let mut page = Vec::with_capacity(heights.len());
        for height in heights {
            page.extend(inner.read(height).map_err(|source| self.failed(source))?);
        }
        Ok(page)
    }

    /// Who certified a height.
    pub fn validators_of(&self, header: &Header) -> Option<ValidatorSet> {
        self.inner().sets.get(&header.validators).cloned()
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> u64 {
        self.inner().end
    }

    fn failed(&self, source: std::io::Error) -> HeadersError {
        HeadersError {
            path: self.path.clone(),
            source,
        }
    }

    /// Takes headers in, in the order told; returns how many are new, and what is untrue, which
    /// ends it. What was taken in before that stays.
    pub fn take(&self, told: &[CertifiedHeader]) -> Result<(usize, Option<Untrue>), HeadersError> {
        let mut inner = self.inner();
        let (mut frames, mut new, mut untrue) = (Vec::new(), 0, None);
        for certified in told {
            match self.judge(&mut inner, certified) {
                Ok(false) => {}
                Ok(true) => {
                    let end = inner.end + frames.len() as u64;
                    inner.places.insert(certified.header.height, end);
                    frames.extend_from_slice(&frame(certified));
                    new += 1;
                }
                Err(error) => {
                    untrue = Some(error);
                    break;
                }
            }
        }
        inner
            .append(&frames)
            .map_err(|source| self.failed(source))?;
        Ok((new, untrue))
    }

    /// Whether a header is new and true; then it is the tip.
    fn judge(&self, inner: &mut Inner, certified: &CertifiedHeader) -> Result<bool, Untrue> {
        let header = &certified.header;
        let height = header.height;
        let last = inner.tip.as_ref().map_or(Height(0), |tip| tip.height);
        if height <= last {
            return self.known(inner, certified).map(|()| false);
        }
        let (start, pin) = match &inner.tip {
            None => {
                let document = Box::new(self.genesis.clone());
                (Start::Genesis(document), Pin::Genesis(self.genesis_hash))
            }
            Some(tip) => {
                let pin = Pin::Checkpoint(tip.hash());
                let (header, next) = (Box::new(tip.clone()), inner.next.clone());
                (Start::Checkpoint { header, next }, pin)
            }
        };
        let trust = Trust {
            start,
            changes: Vec::new(),
            header: header.clone(),
            certificate: certified.certificate.clone(),
        };
        trust.verify(&pin)?;
        if let Some(tip) = &inner.tip
            && height == tip.height.next()
            && header.parent != tip.hash()
        {
            return Err(Untrue::OtherParent { height });
        }
        let next = match &certified.next {
            None => inner.next.clone(),
            Some(next) => next.clone(),
        };
        if next.digest() != header.next_validators || !next.is_well_formed() {
            return Err(Untrue::OtherValidators { height });
        }
        inner.advance(header.clone(), next);
        Ok(true)
    }

    /// Compares a header of a height at or below the last with the one held.
    fn known(&self, inner: &mut Inner, certified: &CertifiedHeader) -> Result<(), Untrue> {
        let header = &certified.header;
        let height = header.height;
        let held = inner.read(height).ok().flatten();
        if held.is_none_or(|held| held.header == *header) {
            return Ok(());
        }
        let Some(set) = inner.sets.get(&header.validators) else {
            return Err(Untrue::OtherValidators { height });
        };
        let hash = header.hash();
        let certificate = &certified.certificate;
        match certificate.verify(&self.genesis_hash, height, &hash, set) {
            Ok(_) => Err(Untrue::Fork { height }),
            Err(source) => Err(TrustError::Certificate { height, source }.into()),
        }
    }
}

impl Inner {
    fn advance(&mut self, header: Header, next: ValidatorSet) {
        self.sets
            .entry(next.digest())
            .or_insert_with(|| next.clone());
        self.next = next;
        self.tip = Some(header);
    }

    fn append(&mut self, frames: &[u8]) -> std::io::Result<()> {
        if frames.is_empty() {
            return Ok(());
        }
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(frames)?;
        self.file.sync_data()?;
        self.end += frames.len() as u64;
        Ok(())
    }

    fn read(&mut self, height: Height) -> std::io::Result<Option<CertifiedHeader>> {
        let Some(place) = self.places.get(&height).copied() else {
            return Ok(None);
        };
        if place >= self.end {
            return Ok(None);
        }
        self.file.seek(SeekFrom::Start(place))?;
        read_frame(&mut self.file)
    }

    /// Reads the whole file once; cuts off what a crash left of a frame.
    fn recover(&mut self) -> std::io::Result<()> {
        let length = self.file.metadata()?.len();
        let mut reader = std::io::BufReader::new(self.file.try_clone()?);
        reader.seek(SeekFrom::Start(0))?;
        while let Some(certified) = read_frame(&mut reader)? {
            let place = self.end;
            let next = certified.next.clone().unwrap_or_else(|| self.next.clone());
            self.end += (encode(&certified).len() + FRAME) as u64;
            self.places.insert(certified.header.height, place);
            self.advance(certified.header, next);
        }
        if self.end < length {
            tracing::warn!(
                bytes = length - self.end,
                "the end of the headers' file was cut off: fetching it again"
            );
            self.file.set_len(self.end)?;
            self.file.sync_all()?;
        }
        Ok(())
    }
}

fn frame(certified: &CertifiedHeader) -> Vec<u8> {
    let bytes = encode(certified);
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [
        &length.to_le_bytes()[..],
        &bytes,
        FILE.hash(&bytes).as_bytes(),
    ]
    .concat()
}

/// The frame at the reader's place; `None` at the end, or if it is not whole.
fn read_frame(reader: &mut impl Read) -> std::io::Result<Option<CertifiedHeader>> {
    let mut length = [0; 4];
    if !fill(reader, &mut length)? {
        return Ok(None);
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > HEADER_BYTES_MAX {
        return Ok(None);
    }
    let (mut bytes, mut digest) = (vec![0; length], [0; 32]);
    if !fill(reader, &mut bytes)? || !fill(reader, &mut digest)? || FILE.hash(&bytes).0 != digest {
        return Ok(None);
    }
    Ok(decode(&bytes).ok())
}

/// Whether as many bytes were there.
fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> std::io::Result<bool> {
    match reader.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
