//! `init`: the folder of a new node: keys, guard, configuration.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use chipledger_schemas::ids::MemberId;

use crate::guard::{Guard, guard_path};
use crate::keys::{MemberKey, Purpose};
use crate::network::peer_id_of;

/// Makes the folder of a new node: its keys, the guard of the key that votes, a configuration.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Folder to make; it must not hold a configuration yet.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Whose node it is.
    #[arg(long)]
    member: MemberId,
    /// The node only follows: no key that votes.
    #[arg(long)]
    observer: bool,
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.dir.join("node.toml");
        anyhow::ensure!(
            !config.exists(),
            "{} exists; choose another folder",
            config.display()
        );
        let keys = self.dir.join("keys");
        let peer =
            MemberKey::generate(&keys.join("peer.json"), self.member.clone(), Purpose::Peer)?;
        println!("member        {}", self.member);
        println!("peer key      {}", peer.key.public());
        if let Some(id) = peer_id_of(&peer.key.public().0) {
            println!("peer id       {id}");
        }
        if !self.observer {
            let path = keys.join("validator.json");
            let key = MemberKey::generate(&path, self.member.clone(), Purpose::Validator)?;
            Guard::create(&key, &guard_path(&path))?;
            println!("validator key {}", key.key.public());
        }
        std::fs::write(&config, template(self.observer))
            .with_context(|| format!("cannot write {}", config.display()))?;
        println!();
        println!("Send the public keys above to whoever writes the genesis document, put the");
        println!(
            "document that all members signed at {}, then:",
            self.dir.join("genesis.json").display()
        );
        println!("  chipledger-node check-config --config {}", show(&config));
        println!("  chipledger-node run --config {}", show(&config));
        Ok(ExitCode::SUCCESS)
    }
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

fn template(observer: bool) -> String {
    let validator = if observer {
        "# [validator]                  # this node follows; with a key it could vote\n# key = \"keys/validator.json\"\n"
    } else {
        "[validator]\nkey = \"keys/validator.json\"\n# guard = \"keys/validator.guard\"   \
         # never in the data directory, never restored from a backup\n"
    };
    format!(
        r#"# Configuration of a Chipledger node. Paths are relative to this file.
data = "data"                  # ledger, consensus, snapshots
genesis = "genesis.json"       # the same file at every member
# genesis_hash = ""            # refuse to start with any other document
peer_key = "keys/peer.json"    # the node's name among peers

{validator}
[network]
listen = ["/ip4/0.0.0.0/tcp/26656", "/ip4/0.0.0.0/udp/26656/quic-v1"]
peers = []                     # "/ip4/ADDRESS/tcp/26656/p2p/PEER-ID" of the other members

# Peers that are let in before this node has caught up with the ledger's own list.
# [[bootstrap_peers]]
# member = "XX-CUSTOMS"
# key = "64 hexadecimal digits"

[api]
listen = "127.0.0.1:7070"      # whoever reaches it can read and submit: loopback, or behind a proxy

[consensus]
block_interval_ms = 200        # least time between blocks under load
heartbeat_ms = 15000           # an empty block when nothing happens

[history]
blocks = 0                     # blocks kept besides the present state; 0 keeps all
snapshot_every = 10000         # blocks; 0 takes none
snapshots = 2
start_from_snapshot = false    # an empty node begins from a peer's snapshot

# [follow]                     # members that see only what is their own
# view = "own"                 # if the member is no founder; else its roles say it
# proofs = "proofs"            # folder of the proof files of own items

[evidence]
# key = "keys/clerk.json"      # report equivocation with this clerk key

[log]
level = "info"
json = false
"#
    )
}
