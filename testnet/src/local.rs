//! n real nodes on this machine: one process each, on loopback, in one folder.
//!
//! ```text
//! DIR/network.json            which network this is: seed, members, ports
//! DIR/genesis.json            the genesis document of all
//! DIR/node<i>/node.toml       configuration
//! DIR/node<i>/keys/           demonstration keys, with the guard of the one that votes
//! DIR/node<i>/data/           ledger, consensus
//! DIR/node<i>/pid, log        the process, and what it says
//! ```
//!
//! All keys follow from a seed that everybody knows: nothing of value belongs on such a network.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chipledger_schemas::ids::MemberId;

use crate::client::Client;
use crate::world::Cast;

pub mod answers;
pub mod folder;
pub mod plan;
pub mod process;

use folder::FolderError;
pub use plan::{Plan, PlannedNode, Ports};
pub use process::{Process, ProcessError};

/// How often a condition is looked at while it is waited for.
const LOOK: Duration = Duration::from_millis(50);

/// Why a network does not run.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Its folder cannot be made or used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A process of it cannot be started or told something.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A node ended by itself. Its log says why.
    #[error("node{index} ended while it was needed; see {}", log.display())]
    Ended {
        /// Its number.
        index: usize,
        /// Its log.
        log: PathBuf,
    },
    /// A node does not answer in time. Its log says why.
    #[error("node{index} is not ready after {} s: {why}; see {}", waited.as_secs(), log.display())]
    NotReady {
        /// Its number.
        index: usize,
        /// How long was waited.
        waited: Duration,
        /// What it says.
        why: String,
        /// Its log.
        log: PathBuf,
    },
}

/// A node of the network.
#[derive(Debug)]
pub struct LocalNode {
    /// Its number.
    pub index: usize,
    /// Whose it is.
    pub member: MemberId,
    /// Where its API listens.
    pub api: SocketAddr,
    /// Its folder.
    pub dir: PathBuf,
    /// The program with its arguments, and whether it runs.
    pub process: Process,
}

impl LocalNode {
    /// Its API.
    pub fn client(&self) -> Client {
        Client::new(&format!("http://{}", self.api))
    }
}

/// A network on this machine. Its processes end with it.
#[derive(Debug)]
pub struct Local {
    /// The nodes: validators first, then the observer.
    pub nodes: Vec<LocalNode>,
    /// How many of them vote.
    pub validators: usize,
    peers: Vec<SocketAddr>,
    _lock: File,
}

impl Local {
    /// Makes the folder of a network, or opens it if it holds exactly this one; starts nothing.
    ///
    /// # Errors
    /// When another program uses it, or it holds something else.
    pub fn open(dir: &Path, cast: &Cast, plan: &Plan) -> Result<Self, LocalError> {
        let lock = folder::lock(dir)?;
        let plan = folder::prepare(dir, cast, plan)?;
        let program = process::beside_this("chipledger-node")?;
        let node = |(index, planned): (usize, &PlannedNode)| {
            let dir = folder::node_dir(dir, index);
            let config = dir.join("node.toml");
            let arguments = ["run", "--config"].map(Into::into);
            let arguments = arguments.into_iter().chain([config.into_os_string()]);
            LocalNode {
                index,
                member: planned.member.clone(),
                api: planned.api,
                process: Process::new(&dir, &program, arguments.collect()),
                dir,
            }
        };
        Ok(Self {
            nodes: plan.nodes.iter().enumerate().map(node).collect(),
            validators: plan.validators(),
            peers: plan.nodes.iter().map(|node| node.peer).collect(),
            _lock: lock,
        })
    }

    /// Where peers reach each node, without a proxy.
    pub fn peer_addresses(&self) -> Vec<SocketAddr> {
        self.peers.clone()
    }

    /// Starts every node that does not run.
    ///
    /// # Errors
    /// The first that cannot be started.
    pub fn start(&mut self) -> Result<(), LocalError> {
        for node in &mut self.nodes {
            node.process.start()?;
        }
        Ok(())
    }

    /// Returns once every node takes transactions.
    ///
    /// # Errors
    /// When one ended, or is not ready in time.
    pub fn wait_ready(&mut self, patience: Duration) -> Result<(), LocalError> {
        let start = Instant::now();
        for node in &mut self.nodes {
            let client = node.client();
            loop {
                let why = match client.ready() {
                    Ok(health) if health.ok => break,
                    Ok(health) => health.why.unwrap_or_default(),
                    Err(error) => error.to_string(),
                };
                let log = node.process.log();
                let index = node.index;
                if node.process.has_ended()? {
                    return Err(LocalError::Ended { index, log });
                }
                let waited = start.elapsed();
                if waited > patience {
                    return Err(LocalError::NotReady {
                        index,
                        waited,
                        why,
                        log,
                    });
                }
                std::thread::sleep(LOOK);
            }
        }
        Ok(())
    }

    /// The first node that ended by itself, if one has.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ended(&mut self) -> Result<Option<usize>, LocalError> {
        for node in &mut self.nodes {
            if node.process.has_ended()? {
                return Ok(Some(node.index));
            }
        }
        Ok(None)
    }

    /// Tells every node to stop, and waits for it; what does not stop in time is killed.
    pub fn stop(&mut self, patience: Duration) {
        for node in &mut self.nodes {
            // It may have ended in the meantime.
            let _ = node.process.terminate();
        }
        let until = Instant::now() + patience;
        for node in &mut self.nodes {
            node.process.wait_until(until);
        }
    }
}
