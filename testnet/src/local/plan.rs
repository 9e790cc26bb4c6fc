//! Which nodes a local network has, and where they listen.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use chipledger_schemas::ids::{GenesisHash, MemberId};
use serde::{Deserialize, Serialize};

use super::folder::FolderError;
use crate::world::Cast;

/// The first port of the APIs; node i is at this plus i.
pub const API_PORT: u16 = 7070;
/// The first port of peers; node i is at this plus i.
pub const PEER_PORT: u16 = 27_070;

/// Where nodes listen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ports {
    /// From [`API_PORT`] and [`PEER_PORT`] on, so that people find them.
    WellKnown,
    /// Whatever is free, so that several networks can run at once.
    Free,
}

/// A node to be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlannedNode {
    /// Whose it is.
    pub member: MemberId,
    /// Where its API listens.
    pub api: SocketAddr,
    /// Where peers reach it.
    pub peer: SocketAddr,
    /// Whether it has a key that votes.
    pub votes: bool,
    /// Whether it has no seat at the start: it follows until the ledger gives it one.
    #[serde(default)]
    pub standby: bool,
    /// Where it finds each other node: that node's address, or a proxy's in front of it. As many
    /// as there are nodes; its own is not used.
    pub finds: Vec<SocketAddr>,
}

/// The pace of a network's blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tempo {
    /// Least milliseconds between blocks.
    pub block_interval_ms: u64,
    /// Milliseconds after which an empty block is made.
    pub heartbeat_ms: u64,
}

/// Which network.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// Its ledger.
    pub genesis: GenesisHash,
    /// Its nodes, validators first.
    pub nodes: Vec<PlannedNode>,
    /// The pace of blocks.
    pub tempo: Tempo,
    /// What all of this is for: people find it in the file.
    pub world: String,
}

impl Plan {
    /// One node per validator of the cast, and one observer.
    ///
    /// # Errors
    /// When the machine has no free ports.
    pub fn new(
        cast: &Cast,
        ports: Ports,
        tempo: Tempo,
        world: String,
    ) -> Result<Self, FolderError> {
        Self::with_standby(cast, ports, tempo, world, 0)
    }

    /// The same with so many more nodes behind the observer, of other countries' customs, that can
    /// vote and have no seat and no peer key on the ledger yet.
    ///
    /// # Errors
    /// When the machine has no free ports.
    pub fn with_standby(
        cast: &Cast,
        ports: Ports,
        tempo: Tempo,
        world: String,
        standby: usize,
    ) -> Result<Self, FolderError> {
        let validators = cast.validators().count();
        let members: Vec<_> = cast
            .validators()
            .cloned()
            .chain([cast.observer()])
            .chain(cast.standby().take(standby))
            .collect();
        let found = match ports {
            Ports::WellKnown => well_known(members.len()),
            Ports::Free => free(members.len() * 2).map_err(FolderError::NoPort)?,
        };
        let (apis, peers) = found.split_at(members.len());
        let node = |(index, member): (usize, MemberId)| PlannedNode {
            member,
            api: apis[index],
            peer: peers[index],
            votes: index != validators,
            standby: index > validators,
            finds: peers.to_vec(),
        };
        Ok(Self {
            genesis: cast.genesis().hash(),
            nodes: members.into_iter().enumerate().map(node).collect(),
            tempo,
            world,
        })
    }

    /// How many nodes have a seat at the start.
    pub fn validators(&self) -> usize {
        let seated = |node: &&PlannedNode| node.votes && !node.standby;
        self.nodes.iter().filter(seated).count()
    }
}

fn well_known(nodes: usize) -> Vec<SocketAddr> {
    let from = |first: u16| {
        let ports = (0_u16..).take(nodes);
        ports.map(move |index| SocketAddr::from((Ipv4Addr::LOCALHOST, first.saturating_add(index))))
    };
    from(API_PORT).chain(from(PEER_PORT)).collect()
}

/// Ports that the system gives out, all held until the last is known so that none comes twice.
fn free(count: usize) -> std::io::Result<Vec<SocketAddr>> {
    let held = (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    let held: Vec<TcpListener> = held.collect::<Result<_, _>>()?;
    held.iter().map(TcpListener::local_addr).collect()
}
