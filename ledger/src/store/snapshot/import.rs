//! Importing a snapshot: chunks in any order, each checked before it is parsed, and one step at the
//! end that makes a ledger of them or nothing.

use std::fs;
use std::path::{Path, PathBuf};

use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::hash::SNAPSHOT_CHUNK;

use super::chunk::Chunk;
use super::take::write_synced;
use super::{ListedChunk, MANIFEST, Manifest, SnapshotError, io, lie};
use crate::store::{Store, create_directory, sync_directory};

mod build;

use build::Build;

/// A snapshot on its way into a directory. What has come is kept beside it, in `<dir>.import`, and
/// not asked for again after a restart.
#[derive(Debug)]
pub struct Importer {
    dir: PathBuf,
    staging: PathBuf,
    genesis: Genesis,
    manifest: Manifest,
    have: Vec<bool>,
}

impl Importer {
    /// Begins, or goes on with, an import into `dir`, which must not exist or be empty.
    ///
    /// # Errors
    /// The manifest's sender lies ([`SnapshotError::Trust`], [`SnapshotError::ManifestLies`]), the
    /// target holds something, or the disk refuses.
    pub fn begin(dir: &Path, genesis: &Genesis, manifest: Manifest) -> Result<Self, SnapshotError> {
        manifest.verify(genesis)?;
        if dir.exists() && fs::read_dir(dir).map_err(io(dir))?.next().is_some() {
            let dir = dir.to_owned();
            return Err(SnapshotError::Exists { dir });
        }
        let staging = staging(dir);
        create_directory(&staging).map_err(io(&staging))?;
        write_synced(&staging.join(MANIFEST), &manifest.bytes())?;
        let here = |chunk: &ListedChunk| {
            let found = fs::metadata(staging.join(chunk.digest.to_string()));
            found.is_ok_and(|file| file.len() == u64::from(chunk.bytes))
        };
        let have = manifest.chunks.iter().map(here).collect();
        Ok(Self {
            dir: dir.to_owned(),
            staging,
            genesis: genesis.clone(),
            manifest,
            have,
        })
    }

    /// The manifest of an import into `dir` that was interrupted.
    pub fn interrupted(dir: &Path) -> Option<Manifest> {
        let bytes = fs::read(staging(dir).join(MANIFEST)).ok()?;
        Manifest::from_bytes(&bytes).ok()
    }

    /// Throws away what has come of an import into `dir`.
    pub fn abandon(dir: &Path) -> Result<(), SnapshotError> {
        let staging = staging(dir);
        match fs::remove_dir_all(&staging) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io(&staging)(error)),
            _ => Ok(()),
        }
    }

    /// What is imported.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Chunks still to come, by their index, with what they must be.
    pub fn missing(&self) -> impl Iterator<Item = (usize, ListedChunk)> {
        let chunks = self.manifest.chunks.iter().copied().enumerate();
        chunks.filter(|(index, _)| !self.have[*index])
    }

    /// Takes a chunk: its digest first, then its form.
    ///
    /// # Errors
    /// [`SnapshotError::WrongChunk`]: its sender lies. [`SnapshotError::ManifestLies`]: it is what
    /// the manifest lists, and no chunk.
    pub fn add(&mut self, index: usize, bytes: &[u8]) -> Result<(), SnapshotError> {
        let listed = self.manifest.chunks.get(index);
        let listed = *listed.ok_or(SnapshotError::NoSuchChunk {
            index,
            listed: self.manifest.chunks.len(),
        })?;
        check(index, &listed, bytes)?;
        parse(index, bytes)?;
        // A chunk half written has another length, or is found out at the end.
        write_synced(&self.staging.join(listed.digest.to_string()), bytes)?;
        // Chunks that are alike share a file.
        for (have, chunk) in self.have.iter_mut().zip(&self.manifest.chunks) {
            *have |= chunk.digest == listed.digest;
        }
        Ok(())
    }

    /// Makes the ledger once every chunk is there: derives buckets and page roots, compares the
    /// state root with the certified header's, and puts the ledger in its place in one step.
    ///
    /// # Errors
    /// [`SnapshotError::MissingChunk`] and [`SnapshotError::DamagedChunk`]: fetch and finish again.
    /// [`SnapshotError::ManifestLies`]: the chunks are not the state of the header.
    pub fn finish(&mut self) -> Result<Store, SnapshotError> {
        let missing: Vec<usize> = self.missing().map(|(index, _)| index).collect();
        if let Some((&index, others)) = missing.split_first() {
            let more = others.len();
            return Err(SnapshotError::MissingChunk { index, more });
        }
        let built = self.staging.join("ledger");
        if built.exists() {
            fs::remove_dir_all(&built).map_err(io(&built))?;
        }
        let mut build = Build::begin(&built, &self.genesis, &self.manifest)?;
        for index in 0..self.manifest.chunks.len() {
            let Some(chunk) = self.read(index)? else {
                self.have[index] = false;
                return Err(SnapshotError::DamagedChunk { index });
            };
            build.take(index, chunk)?;
        }
        build.finish()?;
        // The ledger opens where it was built, or it is none.
        drop(Store::open(&built)?);
        sync_directory(&built).map_err(io(&built))?;
        if self.dir.exists() {
            fs::remove_dir(&self.dir).map_err(io(&self.dir))?;
        }
        fs::rename(&built, &self.dir).map_err(io(&self.dir))?;
        sync_directory(&self.dir).map_err(io(&self.dir))?;
        Self::abandon(&self.dir)?;
        Ok(Store::open(&self.dir)?)
    }

    /// A chunk from the disk, checked once more; `None` if it changed there.
    fn read(&self, index: usize) -> Result<Option<Chunk>, SnapshotError> {
        let listed = self.manifest.chunks[index];
        let path = self.staging.join(listed.digest.to_string());
        let bytes = fs::read(&path).map_err(io(&path))?;
        if check(index, &listed, &bytes).is_err() {
            return Ok(None);
        }
        parse(index, &bytes).map(Some)
    }
}

fn staging(dir: &Path) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(".import");
    dir.with_file_name(name)
}

fn check(index: usize, listed: &ListedChunk, bytes: &[u8]) -> Result<(), SnapshotError> {
    let what = if bytes.len() != usize::try_from(listed.bytes).unwrap_or(usize::MAX) {
        "length"
    } else if SNAPSHOT_CHUNK.hash(bytes) != listed.digest {
        "digest"
    } else {
        return Ok(());
    };
    Err(SnapshotError::WrongChunk { index, what })
}

fn parse(index: usize, bytes: &[u8]) -> Result<Chunk, SnapshotError> {
    Chunk::from_bytes(bytes).map_err(|error| lie(format!("chunk {index}: {error}")))
}
