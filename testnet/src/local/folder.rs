//! The folder of a local network: made once, used by one program at a time.

use std::fmt::Write as _;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use chipledger_node::guard::{Guard, GuardError, guard_path};
use chipledger_node::keys::{KeyError, MemberKey, Purpose};
use chipledger_node::network::peer_id_of;
use chipledger_schemas::ids::MemberId;

use super::plan::{Plan, PlannedNode};
use crate::world::Cast;

/// A network's folder cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another program runs a network there. Stop it, or choose another folder.
    #[error("another program runs a network in {}; stop it, or choose another folder", dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// It holds something else; nothing of it was touched. Choose another folder.
    #[error("{} holds {what}; choose another folder", dir.display())]
    NotOurs {
        /// The folder.
        dir: PathBuf,
        /// What.
        what: String,
    },
    /// A file cannot be read or written. The source says why.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The machine has no free port on loopback. Stop something that listens.
    #[error("no free port: {0}")]
    NoPort(#[source] std::io::Error),
    /// A demonstration key cannot be written.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The guard of a demonstration key cannot be written.
    #[error(transparent)]
    Guard(#[from] GuardError),
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> FolderError + '_ {
    move |source| FolderError::Io {
        path: path.to_owned(),
        source,
    }
}

/// The folder of a node.
pub fn node_dir(dir: &Path, index: usize) -> PathBuf {
    dir.join(format!("node{index}"))
}

/// Makes the folder if it is missing, and keeps every other program out while the file is open.
pub(super) fn lock(dir: &Path) -> Result<File, FolderError> {
    std::fs::create_dir_all(dir).map_err(io(dir))?;
    let path = dir.join("lock");
    let file = File::create(&path).map_err(io(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FolderError::InUse {
            dir: dir.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(io(&path)(source)),
    }
}

/// What a folder holds, if it holds a network.
///
/// # Errors
/// When it cannot be read, or holds something else.
pub fn read_plan(dir: &Path) -> Result<Option<Plan>, FolderError> {
    let path = dir.join("network.json");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(&path)(error)),
    };
    let plan = serde_json::from_str(&text);
    plan.map(Some).map_err(|error| FolderError::NotOurs {
        dir: dir.to_owned(),
        what: format!("a network.json that cannot be read ({error})"),
    })
}

/// Makes everything that is not there yet. Returns the plan that holds: an older one of the same
/// ledger keeps its ports and pace.
pub(super) fn prepare(dir: &Path, cast: &Cast, plan: &Plan) -> Result<Plan, FolderError> {
    let not_ours = |what: String| FolderError::NotOurs {
        dir: dir.to_owned(),
        what,
    };
    if let Some(found) = read_plan(dir)? {
        let same = found.genesis == plan.genesis && found.world == plan.world;
        let other = format!("another network ({})", found.world);
        return if same {
            Ok(found)
        } else {
            Err(not_ours(other))
        };
    }
    let entries = std::fs::read_dir(dir).map_err(io(dir))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let foreign =
        |name: &String| name != "lock" && name != "genesis.json" && !name.starts_with("node");
    if let Some(name) = names.into_iter().find(foreign) {
        return Err(not_ours(format!("{name}, which is not of a network")));
    }
    let text = serde_json::to_string_pretty(cast.genesis()).unwrap_or_default();
    write(&dir.join("genesis.json"), &text)?;
    for (index, node) in plan.nodes.iter().enumerate() {
        make_node(&node_dir(dir, index), cast, plan, node)?;
    }
    // Last: a folder without it is begun anew.
    let text = serde_json::to_string_pretty(plan).unwrap_or_default();
    write(&dir.join("network.json"), &text)?;
    Ok(plan.clone())
}

fn write(path: &Path, text: &str) -> Result<(), FolderError> {
    std::fs::write(path, format!("{text}\n")).map_err(io(path))
}

fn make_node(dir: &Path, cast: &Cast, plan: &Plan, node: &PlannedNode) -> Result<(), FolderError> {
    if dir.exists() {
        std::fs::remove_dir_all(dir).map_err(io(dir))?;
    }
    let keys = dir.join("keys");
    std::fs::create_dir_all(&keys).map_err(io(&keys))?;
    let member = &node.member;
    let key = |key| MemberKey {
        member: member.clone(),
        key,
    };
    key(cast.peer_key(member)).save(&keys.join("peer.json"), Purpose::Peer)?;
    if node.votes {
        let path = keys.join("validator.json");
        let validator = key(cast.validator_key(member));
        validator.save(&path, Purpose::Validator)?;
        Guard::create(&validator, &guard_path(&path))?;
        // Founding authorities have one key for everything that is not a vote.
        key(cast.admin_key(member)).save(&keys.join("clerk.json"), Purpose::Clerk)?;
    }
    write(&dir.join("node.toml"), &config(cast, plan, node))
}

fn peer_id(cast: &Cast, member: &MemberId) -> String {
    let key = cast.peer_key(member).public();
    // A key that was derived is one.
    peer_id_of(&key.0).map_or(String::new(), |id| id.to_string())
}

/// Nodes on standby are not named in the genesis document: who begins there must be told of them.
fn bootstrap(cast: &Cast, plan: &Plan, node: &PlannedNode) -> String {
    let mut peers = String::new();
    let standby = plan.nodes.iter().filter(|other| other.standby);
    for other in standby.filter(|other| other.member != node.member) {
        let key = cast.peer_key(&other.member).public();
        let member = &other.member;
        let _ = write!(
            peers,
            "\n[[bootstrap_peers]]\nmember = \"{member}\"\nkey = \"{key}\"\n"
        );
    }
    peers
}

fn config(cast: &Cast, plan: &Plan, node: &PlannedNode) -> String {
    let mut peers = String::new();
    for (other, at) in plan.nodes.iter().zip(&node.finds) {
        if other.member != node.member {
            let (ip, port, id) = (at.ip(), at.port(), peer_id(cast, &other.member));
            let _ = writeln!(peers, "    \"/ip4/{ip}/tcp/{port}/p2p/{id}\",");
        }
    }
    let validator = if node.votes {
        "[validator]\nkey = \"keys/validator.json\"\n\n[evidence]\nkey = \"keys/clerk.json\"\n"
    } else {
        ""
    };
    let bootstrap = bootstrap(cast, plan, node);
    let (ip, port, api) = (node.peer.ip(), node.peer.port(), node.api);
    let tempo = plan.tempo;
    format!(
        "data = \"data\"\n\
         genesis = \"../genesis.json\"\n\
         genesis_hash = \"{}\"\n\
         peer_key = \"keys/peer.json\"\n\n\
         {validator}\n\
         [network]\n\
         listen = [\"/ip4/{ip}/tcp/{port}\"]\n\
         peers = [\n{peers}]\n\n\
         [network.limits]\n\
         # All nodes of this machine have one address.\n\
         handshakes_per_second_per_address = 200\n\
         connections_per_address = 200\n\n\
         [api]\n\
         listen = \"{api}\"\n\n\
         [consensus]\n\
         block_interval_ms = {}\n\
         heartbeat_ms = {}\n{bootstrap}",
        plan.genesis, tempo.block_interval_ms, tempo.heartbeat_ms,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::plan::{Ports, Tempo};
    use chipledger_node::config::Config;
    use chipledger_schemas::genesis::Clock;

    const TEMPO: Tempo = Tempo {
        block_interval_ms: 100,
        heartbeat_ms: 1_000,
    };

    fn planned(cast: &Cast) -> Plan {
        Plan::new(cast, Ports::Free, TEMPO, "a test".to_owned()).unwrap()
    }

    #[test]
    fn every_node_has_a_configuration_that_a_node_takes() {
        let dir = tempfile::tempdir().unwrap();
        let cast = Cast::new(1, 4, Clock::Wall);
        prepare(dir.path(), &cast, &planned(&cast)).unwrap();
        for index in 0..5 {
            let config = Config::load(&node_dir(dir.path(), index).join("node.toml")).unwrap();
            assert_eq!(config.validator.is_some(), index < 4);
            assert_eq!(config.network.peers.len(), 4);
            assert_eq!(config.consensus.heartbeat_ms, 1_000);
        }
    }

    #[test]
    fn a_folder_with_something_else_or_another_network_or_in_use_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let cast = Cast::new(1, 4, Clock::Wall);
        std::fs::write(dir.join("thesis.txt"), "mine").unwrap();
        let refused = prepare(dir, &cast, &planned(&cast));
        assert!(matches!(refused, Err(FolderError::NotOurs { .. })));
        std::fs::remove_file(dir.join("thesis.txt")).unwrap();

        let _held = lock(dir).unwrap();
        assert!(matches!(lock(dir), Err(FolderError::InUse { .. })));
        let made = prepare(dir, &cast, &planned(&cast)).unwrap();
        assert_eq!(prepare(dir, &cast, &planned(&cast)).unwrap(), made);
        let other = Cast::new(2, 4, Clock::Wall);
        let refused = prepare(dir, &other, &planned(&other));
        assert!(matches!(refused, Err(FolderError::NotOurs { .. })));
    }
}
