//! Backups: a checkpoint at a height with a listing of its files, and the way back.
//!
//! A backup is a directory that is never written to again. Its `FILES` names every file with its
//! length and digest, and the height, block and ledger that they hold; restoring checks all of them
//! first.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use chipledger_schemas::encode::encode;
use chipledger_schemas::hash::{FILE, Hash};
use chipledger_schemas::ids::{BlockHash, GenesisHash, Height};
use serde::{Deserialize, Serialize};

use super::{FileDamage, Store, StoreError, create_directory, files, parent, sync_directory};

/// Name of the listing in a backup.
pub(crate) const LISTING: &str = "FILES";
/// Version of the listing; others are refused.
const LISTING_VERSION: u32 = 1;

/// Why a backup cannot be made or restored. What was there before is as it was.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The target holds something already. Choose a new directory.
    #[error("{} exists already; nothing is overwritten", dir.display())]
    Exists {
        /// The target.
        dir: PathBuf,
    },
    /// The directory has no listing. Give the directory that `backup` made.
    #[error("{} is no backup: it has no {LISTING}", dir.display())]
    NotABackup {
        /// The directory.
        dir: PathBuf,
    },
    /// Files are not as they were written. Use another backup.
    #[error("the backup is damaged: {}", .damages.iter()
        .map(|damage| format!("{} {}", damage.file, damage.what)).collect::<Vec<_>>().join("; "))]
    Damaged {
        /// Which, and how.
        damages: Vec<FileDamage>,
    },
    /// The ledger itself refuses. See the cause.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a backup holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    version: u32,
    /// Names the ledger.
    pub genesis: GenesisHash,
    /// Height of its last block.
    pub height: Height,
    /// Hash of that block.
    pub block: BlockHash,
    /// Its files, by name.
    pub files: Vec<ListedFile>,
}

/// A file of a backup.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedFile {
    /// Name in the directory.
    pub name: String,
    /// Length.
    pub bytes: u64,
    /// Digest of its content, for purpose `FILE`.
    pub digest: Hash,
}

/// The listing as it is written: with a digest of itself.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    backup: Backup,
    digest: Hash,
}

impl Backup {
    fn text(&self) -> String {
        let sealed = Sealed {
            backup: self.clone(),
            digest: FILE.hash(&encode(self)),
        };
        let text = serde_json::to_string_pretty(&sealed).expect("a listing is plain data");
        text + "\n"
    }

    /// Reads the listing of a backup, and checks every file against it.
    ///
    /// # Errors
    /// [`BackupError::Damaged`] names every file that is not as it was written.
    pub fn verify(dir: &Path) -> Result<Self, BackupError> {
        let text = match std::fs::read(dir.join(LISTING)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(BackupError::NotABackup {
                    dir: dir.to_owned(),
                });
            }
            Err(error) => return Err(io(dir)(error).into()),
        };
        let sealed = serde_json::from_slice::<Sealed>(&text).ok();
        let backup = sealed.map(|sealed| sealed.backup);
        let Some(backup) = backup.filter(|backup| backup.is_as_written(&text)) else {
            let damage = FileDamage {
                file: LISTING.to_owned(),
                what: "is not as it was written".to_owned(),
            };
            return Err(BackupError::Damaged {
                damages: vec![damage],
            });
        };
        let damages = backup.damages(dir).map_err(io(dir))?;
        if damages.is_empty() {
            Ok(backup)
        } else {
            Err(BackupError::Damaged { damages })
        }
    }

    /// Written anew it must be the same text, which covers every byte, spaces included; and its
    /// files lie in its own directory.
    fn is_as_written(&self, text: &[u8]) -> bool {
        let plain =
            |file: &ListedFile| Path::new(&file.name).file_name() == Some(file.name.as_ref());
        self.version == LISTING_VERSION
            && self.text().as_bytes() == text
            && self.files.iter().all(plain)
    }

    fn damages(&self, dir: &Path) -> std::io::Result<Vec<FileDamage>> {
        let mut damages = Vec::new();
        let mut damage = |file: &str, what: &str| {
            damages.push(FileDamage {
                file: file.to_owned(),
                what: what.to_owned(),
            });
        };
        for file in &self.files {
            match digest(&dir.join(&file.name)) {
                Ok((bytes, digest)) if (bytes, digest) == (file.bytes, file.digest) => {}
                Ok(_) => damage(&file.name, "is not as it was written"),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    damage(&file.name, "is missing");
                }
                Err(error) => damage(&file.name, &format!("cannot be read: {error}")),
            }
        }
        for name in files::names(dir)? {
            let listed = self.files.iter().any(|file| file.name == name);
            if !listed && name != LISTING && files::carries_truth(&name) {
                damage(&name, "is not listed");
            }
        }
        Ok(damages)
    }
}

impl Store {
    /// Copies the ledger as it stands into a new directory with a listing of its files.
    ///
    /// # Errors
    /// When the directory exists, or the disk refuses.
    pub fn backup(&self, dir: &Path) -> Result<Backup, BackupError> {
        if dir.exists() {
            return Err(BackupError::Exists {
                dir: dir.to_owned(),
            });
        }
        let partial = Partial::begin(dir)?;
        let backup = self.fill_backup(&partial.dir)?;
        partial.finish(dir)?;
        Ok(backup)
    }

    fn fill_backup(&self, dir: &Path) -> Result<Backup, BackupError> {
        let checkpoint =
            rocksdb::checkpoint::Checkpoint::new(&self.inner.db).map_err(StoreError::from)?;
        checkpoint
            .create_checkpoint(dir)
            .map_err(StoreError::from)?;
        // Blocks may have come while it was made: what it holds is what it says itself.
        let head = Self::open_read_only(dir)?.head();
        let mut files = Vec::new();
        for name in files::names(dir).map_err(io(dir))? {
            let path = dir.join(&name);
            let (bytes, digest) = digest(&path).map_err(io(&path))?;
            files.push(ListedFile {
                name,
                bytes,
                digest,
            });
        }
        let backup = Backup {
            version: LISTING_VERSION,
            genesis: self.genesis_hash(),
            height: head.header.height,
            block: head.hash(),
            files,
        };
        let path = dir.join(LISTING);
        write_synced(&path, backup.text().as_bytes()).map_err(io(&path))?;
        Ok(backup)
    }
}

/// A directory in the making, under another name beside its own: a crash leaves the whole of it in
/// its place, or nothing there. What an earlier crash left under that name is thrown away.
struct Partial {
    dir: PathBuf,
}

impl Partial {
    fn begin(target: &Path) -> Result<Self, BackupError> {
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let dir = target.with_file_name(name);
        match std::fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(io(&dir)(error).into())
            }
            _ => Ok(Self { dir }),
        }
    }

    /// Puts it in its place.
    fn finish(self, target: &Path) -> Result<(), BackupError> {
        sync_directory(&self.dir).map_err(io(&self.dir))?;
        std::fs::rename(&self.dir, target).map_err(io(target))?;
        sync_directory(target).map_err(io(target))?;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Gone already if it is in its place. An error was told before, and what is left is
        // harmless.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Restores a backup into a new directory, which then opens as a ledger.
///
/// # Errors
/// When the backup is damaged, the target exists, or the disk refuses; a target half written is
/// removed.
pub fn restore(backup_dir: &Path, dir: &Path) -> Result<Backup, BackupError> {
    if dir.exists() {
        return Err(BackupError::Exists {
            dir: dir.to_owned(),
        });
    }
    let backup = Backup::verify(backup_dir)?;
    let above = parent(dir);
    create_directory(above).map_err(io(above))?;
    let partial = Partial::begin(dir)?;
    fill(&backup, backup_dir, &partial.dir)?;
    partial.finish(dir)?;
    Ok(backup)
}

fn fill(backup: &Backup, backup_dir: &Path, dir: &Path) -> Result<(), BackupError> {
    std::fs::create_dir_all(dir).map_err(io(dir))?;
    for file in &backup.files {
        let (from, to) = (backup_dir.join(&file.name), dir.join(&file.name));
        std::fs::copy(&from, &to).map_err(io(&to))?;
        File::open(&to)
            .and_then(|copy| copy.sync_all())
            .map_err(io(&to))?;
        let copied = digest(&to).map_err(io(&to))?;
        if copied != (file.bytes, file.digest) {
            let what = "changed while it was copied".to_owned();
            let damages = vec![FileDamage {
                file: file.name.clone(),
                what,
            }];
            return Err(BackupError::Damaged { damages });
        }
    }
    sync_directory(dir).map_err(io(dir))?;
    let store = Store::open(dir)?;
    let head = store.head();
    if (head.hash(), store.genesis_hash()) == (backup.block, backup.genesis) {
        return Ok(());
    }
    let what = format!(
        "holds height {} of another block or ledger",
        head.header.height
    );
    Err(BackupError::Damaged {
        damages: vec![FileDamage {
            file: LISTING.to_owned(),
            what,
        }],
    })
}

fn digest(path: &Path) -> std::io::Result<(u64, Hash)> {
    // Tables are at most some tens of MiB.
    let content = std::fs::read(path)?;
    Ok((content.len() as u64, FILE.hash(&content)))
}

fn write_synced(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> StoreError + '_ {
    move |source| StoreError::Io {
        path: path.to_owned(),
        source,
    }
}
