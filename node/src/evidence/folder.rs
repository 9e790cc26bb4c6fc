//! The folder of evidence: one file for each equivocation, written whole or not at all, bounded.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use chipledger_schemas::ids::{GenesisHash, MemberId};
use chipledger_schemas::records::ReportEquivocation;
use chipledger_schemas::time::Time;
use serde::{Deserialize, Serialize};

use super::EvidenceError;

/// Most files of one member: a hundred prove no more than one, and a liar must not fill the disk.
pub(super) const MEMBER_MAX: usize = 100;

/// A file of evidence. It is complete: whoever has it and the genesis document can check both
/// signatures; that the key had the seat is shown by the pack that `chipledger prove` exports.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// The ledger.
    pub genesis: GenesisHash,
    /// When this node found it, by its clock.
    pub found_at: Time,
    /// What was signed, in the form in which it is reported.
    pub report: ReportEquivocation,
}

/// The folder.
#[derive(Debug)]
pub struct Folder {
    dir: PathBuf,
    count: BTreeMap<MemberId, usize>,
}

impl Folder {
    /// Opens the folder; makes it if it is missing.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn open(dir: PathBuf) -> Result<Self, EvidenceError> {
        std::fs::create_dir_all(&dir).map_err(|source| failed(&dir, source))?;
        let mut folder = Self {
            dir,
            count: BTreeMap::new(),
        };
        for held in folder.all()? {
            *folder.count.entry(held.report.member).or_default() += 1;
        }
        Ok(folder)
    }

    /// Everything that is kept, oldest height first. A file that cannot be read as evidence is
    /// left alone.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn all(&self) -> Result<Vec<Held>, EvidenceError> {
        let mut paths = Vec::new();
        let entries = std::fs::read_dir(&self.dir).map_err(|source| failed(&self.dir, source))?;
        for entry in entries {
            paths.push(entry.map_err(|source| failed(&self.dir, source))?.path());
        }
        paths.sort();
        let mut held = Vec::new();
        for path in paths {
            if path.extension().is_none_or(|kind| kind != "json") {
                continue;
            }
            let text = std::fs::read(&path).map_err(|source| failed(&path, source))?;
            match serde_json::from_slice(&text) {
                Ok(one) => held.push(one),
                Err(error) => tracing::warn!(file = %path.display(), "no evidence: {error}"),
            }
        }
        Ok(held)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count.values().sum()
    }

    /// Whether more may be kept of a member.
    pub fn has_room(&self, member: &MemberId) -> bool {
        self.count
            .get(member)
            .is_none_or(|count| *count < MEMBER_MAX)
    }

    /// Whether this equivocation is kept already.
    pub fn holds(&self, report: &ReportEquivocation) -> bool {
        self.path(report).exists()
    }

    /// Writes one down; when this returns it survives a loss of power.
    ///
    /// # Errors
    /// When the file system refuses; then there is no file.
    pub fn keep(&mut self, held: &Held) -> Result<PathBuf, EvidenceError> {
        let path = self.path(&held.report);
        let next = path.with_extension("next");
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&next)?;
            file.write_all(&serde_json::to_vec_pretty(held)?)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            std::fs::rename(&next, &path)?;
            File::open(&self.dir)?.sync_all()
        };
        write().map_err(|source| failed(&path, source))?;
        *self.count.entry(held.report.member.clone()).or_default() += 1;
        Ok(path)
    }

    fn path(&self, report: &ReportEquivocation) -> PathBuf {
        let (height, id) = (report.height.0, report.id());
        self.dir.join(format!("{height:020}-{id}.json"))
    }
}

fn failed(path: &Path, source: std::io::Error) -> EvidenceError {
    EvidenceError::Io {
        path: path.to_owned(),
        source,
    }
}
