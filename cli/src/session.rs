//! Which ledger a command is about, and the times of a question.

use std::path::PathBuf;

pub use chipledger_ledger::answers::item_id;
use chipledger_ledger::read::{AsOf, Known};
use chipledger_ledger::store::Store;
use chipledger_schemas::api;
use chipledger_schemas::genesis::Clock;
use chipledger_schemas::ids::GenesisHash;
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::time::Time;

use crate::client::Client;
use crate::error::Failure;
use crate::output::Answer;
use crate::source::Source;

/// The ledger asked or written to.
#[derive(clap::Args, Clone, Debug)]
pub struct LedgerArgs {
    /// Directory of the ledger.
    #[arg(
        long,
        env = DIRECTORY,
        hide_env_values = true,
        value_name = "DIR",
        required_unless_present = "node"
    )]
    pub ledger: Option<PathBuf>,
    /// Node to ask instead: the address of its API, such as <http://localhost:7070>.
    #[arg(long, env = NODE, hide_env_values = true, value_name = "URL")]
    pub node: Option<String>,
    /// Ledger that the node must be of: its genesis hash.
    #[arg(
        long = "genesis",
        env = "CHIPLEDGER_GENESIS",
        hide_env_values = true,
        value_name = "HASH"
    )]
    pub pin: Option<GenesisHash>,
}

const DIRECTORY: &str = "CHIPLEDGER_LEDGER";
const NODE: &str = "CHIPLEDGER_NODE";

/// Which ledger is meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// A directory.
    Directory(PathBuf),
    /// A node.
    Node(String),
}

impl LedgerArgs {
    /// Which ledger is meant: what is said on the command line goes before the environment.
    ///
    /// # Errors
    /// When both or neither are named.
    pub fn place(&self) -> Result<Place, Failure> {
        let from_environment =
            |name, value: &std::ffi::OsStr| std::env::var_os(name).is_some_and(|set| set == value);
        match (&self.ledger, &self.node) {
            (Some(dir), None) => Ok(Place::Directory(dir.clone())),
            (None, Some(url)) => Ok(Place::Node(url.clone())),
            (Some(dir), Some(url)) => {
                if from_environment(DIRECTORY, dir.as_os_str()) {
                    Ok(Place::Node(url.clone()))
                } else if from_environment(NODE, url.as_ref()) {
                    Ok(Place::Directory(dir.clone()))
                } else {
                    Err(Failure::usage(
                        "both --ledger and --node are named",
                        "Name one of them.",
                    ))
                }
            }
            (None, None) => Err(Failure::usage(
                "no ledger is named",
                "Name a directory with --ledger, or a node with --node.",
            )),
        }
    }

    /// Opens it for questions: also while another process writes.
    ///
    /// # Errors
    /// As [`Store::open_read_only`] and [`Client::connect`].
    pub fn read(&self) -> Result<Source, Failure> {
        match self.place()? {
            Place::Directory(dir) => Ok(Source::Store(Store::open_read_only(&dir)?)),
            Place::Node(url) => Ok(Source::Node(Client::connect(&url, self.pin)?)),
        }
    }

    /// Opens a directory for questions that nodes do not answer.
    ///
    /// # Errors
    /// As [`Self::read`]; when a node is named.
    pub fn read_directory(&self) -> Result<Store, Failure> {
        match self.place()? {
            Place::Directory(dir) => Ok(Store::open_read_only(&dir)?),
            Place::Node(_) => Err(Failure::usage(
                "a node does not answer this question",
                "Ask a directory with --ledger: that of a node on this machine, or a copy of it \
                 (`chipledger backup`, then `chipledger restore`).",
            )),
        }
    }

    /// Where `init` puts the keys of a ledger: beside it, so that a backup of the ledger holds no
    /// secrets. A node has no such place.
    pub fn keys_dir(&self) -> Option<PathBuf> {
        match self.place() {
            Ok(Place::Directory(dir)) => Some(keys_dir(&dir)),
            _ => None,
        }
    }
}

/// The directory that a command makes or copies.
#[derive(clap::Args, Clone, Debug)]
pub struct DirectoryArgs {
    /// Directory of the ledger.
    #[arg(
        long,
        env = DIRECTORY,
        hide_env_values = true,
        value_name = "DIR"
    )]
    pub ledger: PathBuf,
    #[command(flatten)]
    no_node: NoNode,
}

/// Refuses --node where only a directory will do.
#[derive(clap::Args, Clone, Debug)]
pub struct NoNode {
    /// Refused.
    #[arg(long, hide = true, value_name = "URL", value_parser = refuse_node)]
    node: Option<String>,
}

fn refuse_node(_: &str) -> Result<String, String> {
    Err("this command works on a directory, not on a node: run it where the directory is".into())
}

/// `DIR.keys`.
pub fn keys_dir(ledger: &std::path::Path) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(".keys");
    PathBuf::from(name)
}

/// The two times of a question.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct MomentArgs {
    /// As it was at this event time: 2026-03-01 or 2026-03-01T12:00:00Z [default: now].
    #[arg(long, value_name = "TIME")]
    pub at: Option<Time>,
    /// As the ledger knew it at this block time or height [default: the last height].
    #[arg(long, value_name = "TIME|HEIGHT")]
    pub known_at: Option<Known>,
}

impl MomentArgs {
    /// The question's times.
    pub fn as_of(&self) -> AsOf {
        AsOf {
            at: self.at,
            known_at: self.known_at,
        }
    }
}

/// The facts that every answer from a ledger states first.
pub fn answer<T>(told: &api::Answer<T>) -> Answer {
    let answer = Answer::default()
        .fact("height", "height", told.height.0)
        .fact("block_time", "block time", told.block_time)
        .fact(
            "at",
            "at",
            crate::output::Value::of(
                told.at
                    .map_or_else(|| Some("now".to_owned()), |at| Some(at.to_string())),
            ),
        )
        .fact("basis", "basis", told.basis.as_str());
    match told.clock {
        Clock::Replay => answer.fact("clock", "clock", "replay"),
        Clock::Wall => answer,
    }
}

/// A jurisdiction as people read it.
pub fn jurisdiction_name(jurisdiction: Jurisdiction) -> String {
    format!("{jurisdiction} ({})", jurisdiction.name())
}
