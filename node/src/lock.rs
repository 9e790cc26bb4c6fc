//! The lock on the data directory: two nodes on one directory, or on one key, would be a disaster.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Most bytes of a lock file that are read: what a holder says of itself.
const HOLDER_BYTES_MAX: u64 = 200;

/// The directory cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it. Stop that one first; never run two nodes with one key.
    #[error("{} is in use by {holder}", dir.display())]
    InUse {
        /// The directory.
        dir: PathBuf,
        /// What the holder says of itself.
        holder: String,
    },
    /// The file system refuses. See the cause.
    #[error("{}: {source}", dir.display())]
    Io {
        /// The directory.
        dir: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Holds the lock for as long as it lives.
#[derive(Debug)]
pub struct DirLock {
    _file: File,
}

impl DirLock {
    /// Locks a directory; makes it if it is missing. The file says who holds it.
    ///
    /// # Errors
    /// When another process holds it, who that is; or what the file system says.
    pub fn take(dir: &Path) -> Result<Self, LockError> {
        let io = |source| LockError::Io {
            dir: dir.to_owned(),
            source,
        };
        std::fs::create_dir_all(dir).map_err(io)?;
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(dir.join("lock"))
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {
                // On a full disk the lock holds all the same; only the name of its holder is lost.
                let _ = sign(&mut file);
                Ok(Self { _file: file })
            }
            Err(std::fs::TryLockError::WouldBlock) => Err(LockError::InUse {
                dir: dir.to_owned(),
                holder: holder(&mut file),
            }),
            Err(std::fs::TryLockError::Error(source)) => Err(io(source)),
        }
    }
}

/// Writes down who holds the lock.
fn sign(file: &mut File) -> std::io::Result<()> {
    let since = crate::consensus::candidates::now();
    let program = std::env::args().next().unwrap_or_default();
    let program = Path::new(&program).file_name().unwrap_or_default();
    file.set_len(0)?;
    file.rewind()?;
    writeln!(
        file,
        "process {} ({}) since {since}",
        std::process::id(),
        program.display()
    )
}

/// Who holds it, as it wrote down itself.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(HOLDER_BYTES_MAX).read_to_string(&mut text);
    let line = text.lines().next().unwrap_or_default();
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    if read.is_err() || line.is_empty() {
        return "another process".to_owned();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_held_once_and_says_by_whom() {
        let dir = tempfile::tempdir().unwrap();
        let held = DirLock::take(dir.path()).unwrap();
        let refused = DirLock::take(dir.path()).unwrap_err().to_string();
        let process = format!("process {} (", std::process::id());
        assert!(refused.contains(&process), "{refused}");
        assert!(refused.contains(") since 20"), "{refused}");
        drop(held);
        DirLock::take(dir.path()).unwrap();
    }

    #[test]
    fn a_holder_that_wrote_nothing_is_another_process() {
        let dir = tempfile::tempdir().unwrap();
        let _held = DirLock::take(dir.path()).unwrap();
        std::fs::write(dir.path().join("lock"), "").unwrap();
        let refused = DirLock::take(dir.path()).unwrap_err().to_string();
        assert!(refused.contains("in use by another process"), "{refused}");
    }
}
