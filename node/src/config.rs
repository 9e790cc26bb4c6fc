//! The configuration file: TOML, read and checked once, with messages that name the line.
//!
//! Paths in it are relative to the file. What a key means is said beside its field; `init` writes
//! a file with these comments.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chipledger_schemas::ids::{GenesisHash, MemberId};
use serde::{Deserialize, Serialize};

use crate::consensus::pace::PaceConfig;
use crate::keys::{KeyError, MemberKey, Purpose};
use crate::mempool::MempoolConfig;
use crate::network::NetworkConfig;

/// The whole file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Directory of the ledger, of consensus and of snapshots.
    pub data: PathBuf,
    /// The genesis document; every member uses the same file.
    pub genesis: PathBuf,
    /// Its hash, as the members compared it: a node with another document does not start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genesis_hash: Option<GenesisHash>,
    /// The key that names the node among peers.
    pub peer_key: PathBuf,
    /// The key that votes; absent for an observer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validator: Option<ValidatorConfig>,
    /// Who connects to whom.
    #[serde(default)]
    pub network: NetworkConfig,
    /// Peers that are let in before the ledger says so.
    #[serde(default)]
    pub bootstrap_peers: Vec<BootstrapPeer>,
    /// The HTTP API.
    #[serde(default)]
    pub api: ApiConfig,
    /// The pace of blocks.
    #[serde(default)]
    pub consensus: PaceConfig,
    /// Bounds of the mempool.
    #[serde(default)]
    pub mempool: MempoolConfig,
    /// What is kept of the past.
    #[serde(default)]
    pub history: HistoryConfig,
    /// How a node follows that sees only what is its member's own.
    #[serde(default)]
    pub follow: FollowConfig,
    /// What becomes of evidence against validators.
    #[serde(default)]
    pub evidence: EvidenceConfig,
    /// Logs.
    #[serde(default)]
    pub log: LogConfig,
}

/// The key that votes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorConfig {
    /// The key file.
    pub key: PathBuf,
    /// Its guard, outside the data directory; beside the key file by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<PathBuf>,
}

/// A peer that is let in until this node has caught up with the ledger's own list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BootstrapPeer {
    /// Whose peer it is.
    pub member: MemberId,
    /// Its peer key: 64 hexadecimal digits.
    pub key: chipledger_schemas::ids::PublicKey,
}

/// The HTTP API: the section `[api]`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// Address to listen on. Anybody who reaches it can read and submit: keep it on loopback or
    /// behind a proxy that knows its users.
    pub listen: SocketAddr,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7070)),
        }
    }
}

/// What is kept of the past: the section `[history]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HistoryConfig {
    /// Blocks kept besides the present state; 0 keeps all.
    pub blocks: u64,
    /// A snapshot is taken every so many blocks and at stop; 0 takes none. Leave it as the others
    /// have it: a new node fetches the same snapshot from several.
    pub snapshot_every: u64,
    /// Snapshots kept, and one from the last stop.
    pub snapshots: usize,
    /// Whether an empty node begins from a peer's snapshot instead of from genesis.
    pub start_from_snapshot: bool,
}

impl Default for HistoryConfig {
    fn default() -> Self {
        Self {
            blocks: 0,
            snapshot_every: 10_000,
            snapshots: 2,
            start_from_snapshot: false,
        }
    }
}

/// Which part of the ledger a node follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FollowView {
    /// As the roles of a founding member allow; everything, for a member that came later.
    #[default]
    Auto,
    /// Headers, certificates, and proofs of the member's own items.
    Own,
    /// Everything: for customs, regulators and inspectors.
    Full,
}

/// How a node follows its member's own items: the section `[follow]`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FollowConfig {
    /// Which part of the ledger it follows: `auto`, `own` or `full`.
    pub view: FollowView,
    /// Folder of the proof files; `proofs` in the data directory by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proofs: Option<PathBuf>,
    /// Least seconds between two looks for new proofs.
    pub refresh_s: u64,
}

impl Default for FollowConfig {
    fn default() -> Self {
        Self {
            view: FollowView::Auto,
            proofs: None,
            refresh_s: 60,
        }
    }
}

/// What becomes of evidence: the section `[evidence]`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvidenceConfig {
    /// A clerk key of the member: the node reports with it what it finds. Without it, evidence is
    /// written to the data directory only, for a person to report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

/// Logs: the section `[log]`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `error`, `warn`, `info` or `debug` for the node, or a filter such as
    /// `info,chipledger_node=debug`.
    pub level: String,
    /// One JSON object per line instead of text.
    pub json: bool,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            json: false,
        }
    }
}

/// The file cannot be used. Correct what the message names.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no TOML of this form; the message names line and column.
    #[error("{}: {reason}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// Why, with the line.
        reason: String,
    },
    /// A value cannot be right.
    #[error("{}{}: {key}: {reason}", path.display(), on_line(*line))]
    Value {
        /// The file.
        path: PathBuf,
        /// The line of the key, or 0 if it stands nowhere and the default counts.
        line: usize,
        /// The key.
        key: String,
        /// Why.
        reason: String,
    },
}

impl Config {
    /// Reads and checks a file; paths become absolute or relative to the working directory.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Io {
            path: path.to_owned(),
            source,
        })?;
        let mut config: Self = toml::from_str(&text).map_err(|error| ConfigError::Form {
            path: path.to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        })?;
        config.check().map_err(|(key, reason)| ConfigError::Value {
            path: path.to_owned(),
            line: line_of(&text, &key),
            key,
            reason,
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        config.resolve(folder);
        Ok(config)
    }

    fn check(&self) -> Result<(), (String, String)> {
        let wrong = |key: &str, reason: &str| Err((key.to_owned(), reason.to_owned()));
        let pace = &self.consensus;
        if pace.heartbeat_ms < pace.block_interval_ms {
            return wrong(
                "consensus.heartbeat_ms",
                "must not be below block_interval_ms",
            );
        }
        if pace.propose_ms < 50 || pace.vote_ms < 20 {
            return wrong(
                "consensus.propose_ms",
                "rounds cannot be this short; 1500 and vote_ms 500 are usual",
            );
        }
        if pace.timeout_max_ms < pace.propose_ms {
            return wrong("consensus.timeout_max_ms", "must not be below propose_ms");
        }
        let mempool = &self.mempool;
        if mempool.member_transactions_max == 0 || mempool.transactions_max == 0 {
            return wrong("mempool.transactions_max", "must be positive");
        }
        if self.history.blocks != 0 && self.history.blocks < 1_000 {
            return wrong("history.blocks", "keep at least 1000 blocks, or 0 for all");
        }
        if self.history.snapshot_every > 0 && self.history.snapshots == 0 {
            return wrong(
                "snapshots",
                "keep at least 1, or take none with snapshot_every = 0",
            );
        }
        if let Some(validator) = &self.validator
            && Self::guard_path(validator).starts_with(&self.data)
        {
            let key = if validator.guard.is_some() {
                "validator.guard"
            } else {
                "validator.key"
            };
            return wrong(
                key,
                "key and guard must lie outside the data directory, which may be wiped or restored",
            );
        }
        if !is_level(&self.log.level) {
            return wrong(
                "log.level",
                "write error, warn, info or debug, or a filter such as info,chipledger_node=debug",
            );
        }
        self.network
            .check()
            .map_err(|error| network_error(&error.to_string()))
    }

    fn resolve(&mut self, folder: &Path) {
        let absolute = |path: &mut PathBuf| *path = folder.join(&*path);
        absolute(&mut self.data);
        absolute(&mut self.genesis);
        absolute(&mut self.peer_key);
        if let Some(validator) = &mut self.validator {
            absolute(&mut validator.key);
            if let Some(guard) = &mut validator.guard {
                absolute(guard);
            }
        }
        if let Some(key) = &mut self.evidence.key {
            absolute(key);
        }
        if let Some(proofs) = &mut self.follow.proofs {
            absolute(proofs);
        }
    }

    /// The clerk key that reports evidence, if one is configured: it must be the same member's.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn evidence_key(&self, member: &MemberId) -> Result<Option<MemberKey>, KeyError> {
        let Some(path) = &self.evidence.key else {
            return Ok(None);
        };
        let key = MemberKey::load(path, Purpose::Clerk)?;
        if key.member != *member {
            return Err(KeyError::OtherMember {
                path: path.clone(),
                got: key.member,
                expected: member.clone(),
            });
        }
        Ok(Some(key))
    }

    /// Where the guard of the key that votes lies.
    pub fn guard_path(validator: &ValidatorConfig) -> PathBuf {
        let beside = || crate::guard::guard_path(&validator.key);
        validator.guard.clone().unwrap_or_else(beside)
    }

    /// The ledger's directory.
    pub fn ledger_dir(&self) -> PathBuf {
        self.data.join("ledger")
    }

    /// Undecided blocks and the engine's log.
    pub fn consensus_dir(&self) -> PathBuf {
        self.data.join("consensus")
    }

    /// The engine's write-ahead log.
    pub fn wal_path(&self) -> PathBuf {
        self.consensus_dir().join("consensus.wal")
    }

    /// Snapshots taken here.
    pub fn snapshots_dir(&self) -> PathBuf {
        self.data.join("snapshots")
    }

    /// Headers of a node that follows its member's own items.
    pub fn follow_dir(&self) -> PathBuf {
        self.data.join("follow")
    }

    /// Proofs of the member's own items.
    pub fn proofs_dir(&self) -> PathBuf {
        let beside = || self.data.join("proofs");
        self.follow.proofs.clone().unwrap_or_else(beside)
    }

    /// Evidence against validators.
    pub fn evidence_dir(&self) -> PathBuf {
        self.data.join("evidence")
    }
}

/// The network names the key at the beginning of its messages.
fn network_error(message: &str) -> (String, String) {
    let (key, reason) = message.split_once(' ').unwrap_or((message, ""));
    (key.to_owned(), reason.to_owned())
}

/// A word that every log knows, or a filter that the log can read.
fn is_level(level: &str) -> bool {
    let known = ["error", "warn", "info", "debug", "trace", "off"];
    known.contains(&level)
        || (level.contains('=') && tracing_subscriber::EnvFilter::try_new(level).is_ok())
}

/// The line on which a key such as `network.listen` is set, from 1; 0 if it is not.
fn line_of(text: &str, key: &str) -> usize {
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    let mut at = "";
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            at = header.split(']').next().unwrap_or_default().trim();
        } else if at == section
            && let Some(rest) = line.strip_prefix(name)
            && rest.trim_start().starts_with('=')
        {
            return index + 1;
        }
    }
    0
}

fn on_line(line: usize) -> String {
    match line {
        0 => String::new(),
        line => format!(" line {line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = "data = 'd'\ngenesis = 'g.json'\npeer_key = 'p.json'\n";

    fn load(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(&path)
    }

    #[test]
    fn a_short_file_is_enough_and_its_paths_are_relative_to_it() {
        let config = load(MINIMAL).unwrap();
        assert!(config.data.is_absolute() && config.data.ends_with("d"));
        assert_eq!(config.consensus, PaceConfig::default());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let cases = [
            ("data = 'd'\n", "missing field `genesis`"),
            (&format!("{MINIMAL}hearbeat = 3\n"), "line 4"),
            (
                &format!("{MINIMAL}[consensus]\nheartbeat_ms = 5\n"),
                "line 5: consensus.heartbeat_ms",
            ),
            (
                &format!("{MINIMAL}[history]\nblocks = 10\n"),
                "line 5: history.blocks",
            ),
            (&format!("{MINIMAL}[api]\nlisten = 'here'\n"), "line 5"),
            (
                &format!("{MINIMAL}[validator]\nkey = 'v.json'\nguard = 'd/v.guard'\n"),
                "line 6: validator.guard",
            ),
            (&format!("{MINIMAL}[network]\nlisten = []\n"), "line 5"),
            (
                &format!("{MINIMAL}[api]\nlisten = '127.0.0.1:1'\n[network]\nlisten = []\n"),
                "line 7: network.listen",
            ),
            (
                &format!("{MINIMAL}[validator]\nkey = 'd/v.json'\n"),
                "line 5: validator.key",
            ),
            (
                &format!("{MINIMAL}[log]\nlevel = 'loud'\n"),
                "line 5: log.level",
            ),
            (
                &format!("{MINIMAL}[consensus]\nblock_interval_ms = 20000\n"),
                "node.toml: consensus.heartbeat_ms",
            ),
        ];
        for (text, expected) in cases {
            let error = load(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{expected} not in {error}");
        }
    }
}
