//! Taking snapshots while blocks go on, and keeping them.

use std::fs;
use std::path::{Path, PathBuf};

use chipledger_proof::{ITEM_PAGE, Peaks};
use chipledger_schemas::hash::{Hash, SNAPSHOT_CHUNK};
use chipledger_schemas::ids::Height;

use super::chunk::{Chunk, Cutter};
use super::{ListedChunk, MANIFEST, MANIFEST_VERSION, Manifest, SnapshotError, io};
use crate::commitment::page_count;
use crate::prove::{Passage, Since};
use crate::state::{State, StateError};
use crate::store::view::history_key;
use crate::store::{KEY_COUNTS, Store, StoreError, View, columns, sync_directory};

impl Store {
    /// Takes a snapshot of the last height into a directory of its own below `dir`. Blocks may be
    /// committed meanwhile. One that is kept already is not taken again.
    ///
    /// # Errors
    /// Before the first certified block, or when the disk refuses.
    pub fn snapshot_to(&self, dir: &Path) -> Result<Manifest, SnapshotError> {
        let view = self.view();
        let head = view.head()?;
        let height = head.header.height;
        let kept = directory(dir, height);
        if kept.exists() {
            return read_manifest(dir, height);
        }
        let store = self;
        let passage = Passage { store, view: &view };
        let trust = passage.to(&head.header, Since::Genesis).map_err(Box::new)?;
        let partial = dir.join(format!("{height}.partial"));
        if partial.exists() {
            fs::remove_dir_all(&partial).map_err(io(&partial))?;
        }
        fs::create_dir_all(&partial).map_err(io(&partial))?;
        let counts: Option<(u64, u64)> = view.meta(KEY_COUNTS)?;
        let (items, entries) = counts.ok_or_else(|| StoreError::Damaged {
            what: "the counts are missing".to_owned(),
        })?;
        let manifest = Manifest {
            version: MANIFEST_VERSION,
            trust,
            history: history(&view, height)?,
            items,
            entries,
            chunks: write_chunks(&view, items, &partial)?,
        };
        let path = partial.join(MANIFEST);
        write_synced(&path, &manifest.bytes())?;
        sync_directory(&partial).map_err(io(&partial))?;
        fs::rename(&partial, &kept).map_err(io(&kept))?;
        sync_directory(&kept).map_err(io(&kept))?;
        Ok(manifest)
    }
}

/// The edge of the tree over the headers before a height.
fn history(view: &View<'_>, height: Height) -> Result<Peaks, StateError> {
    Peaks::of(height.0, |level, index| {
        let row = view.row(columns::HISTORY, &history_key(level, index))?;
        let hash = row.and_then(|row| row.try_into().ok()).map(Hash);
        hash.ok_or_else(|| StateError {
            reason: "a node of the history tree is missing; run audit".to_owned(),
        })
    })
}

fn write_chunks(
    view: &View<'_>,
    items: u64,
    dir: &Path,
) -> Result<Vec<ListedChunk>, SnapshotError> {
    let mut listed = Vec::new();
    let mut write = |chunk: Option<Chunk>| -> Result<(), SnapshotError> {
        let Some(chunk) = chunk else { return Ok(()) };
        let (bytes, digest) = chunk.seal();
        write_synced(&dir.join(digest.to_string()), &bytes)?;
        listed.push(ListedChunk {
            digest,
            bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        });
        Ok(())
    };
    let mut cutter = Cutter::default();
    for page in 0..page_count(items) {
        let page = view.page(page)?;
        for bytes in (0..ITEM_PAGE).map(|place| page.bytes_of(place)) {
            if !bytes.is_empty() {
                write(cutter.item(bytes.to_vec()))?;
            }
        }
    }
    let mut failed = None;
    view.scan(columns::ENTRIES, &[], |key, entry| {
        failed = write(cutter.entry(key.to_vec(), entry.to_vec())).err();
        Ok(failed.is_none())
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    write(cutter.close())?;
    Ok(listed)
}

/// Heights of the snapshots kept below a directory, ascending; none if it does not exist.
pub fn snapshots(dir: &Path) -> Result<Vec<Height>, SnapshotError> {
    let mut heights = Vec::new();
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(heights),
        other => other.map_err(io(dir))?,
    };
    for entry in entries {
        let name = entry.map_err(io(dir))?.file_name();
        let height = name.to_str().and_then(|name| name.parse().ok());
        heights.extend(height.map(Height));
    }
    heights.sort_unstable();
    Ok(heights)
}

/// The manifest of a snapshot that is kept.
pub fn read_manifest(dir: &Path, height: Height) -> Result<Manifest, SnapshotError> {
    let path = directory(dir, height).join(MANIFEST);
    match fs::read(&path) {
        Ok(bytes) => Manifest::from_bytes(&bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(SnapshotError::NotKept { height })
        }
        Err(error) => Err(io(&path)(error)),
    }
}

/// A chunk of a snapshot that is kept, by its name; `None` if there is none. What the disk has
/// changed is not given out.
pub fn read_chunk(
    dir: &Path,
    height: Height,
    digest: &Hash,
) -> Result<Option<Vec<u8>>, SnapshotError> {
    let path = directory(dir, height).join(digest.to_string());
    match fs::read(&path) {
        Ok(bytes) => Ok((SNAPSHOT_CHUNK.hash(&bytes) == *digest).then_some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io(&path)(error)),
    }
}

/// Deletes a snapshot; one that is not kept is no error.
pub fn delete_snapshot(dir: &Path, height: Height) -> Result<(), SnapshotError> {
    let (kept, going) = (
        directory(dir, height),
        dir.join(format!("{height}.partial")),
    );
    // Under another name first: what is deleted half is no snapshot.
    match fs::rename(&kept, &going) {
        Ok(()) => fs::remove_dir_all(&going).map_err(io(&going)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io(&kept)(error)),
    }
}

/// Deletes what is left of snapshots that were not taken to the end.
pub fn delete_partial_snapshots(dir: &Path) -> Result<(), SnapshotError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(io(dir))?,
    };
    for entry in entries {
        let path = entry.map_err(io(dir))?.path();
        if path.extension().is_some_and(|kind| kind == "partial") {
            fs::remove_dir_all(&path).map_err(io(&path))?;
        }
    }
    Ok(())
}

fn directory(dir: &Path, height: Height) -> PathBuf {
    dir.join(height.0.to_string())
}

pub(super) fn write_synced(path: &Path, content: &[u8]) -> Result<(), SnapshotError> {
    use std::io::Write;
    let mut file = fs::File::create(path).map_err(io(path))?;
    file.write_all(content).map_err(io(path))?;
    file.sync_all().map_err(io(path))
}
