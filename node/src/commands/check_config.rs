//! `check-config`: reads everything that `run` would read, and starts nothing.

use std::process::ExitCode;

use super::ConfigArgs;
use crate::config::Config;
use crate::guard::Guard;
use crate::keys::{MemberKey, Purpose};
use crate::network::peer_id_of;
use crate::node::read_genesis;

/// Checks the configuration, the keys and the genesis document; starts nothing.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.config.load()?;
        let genesis = read_genesis(&config)?;
        let peer = MemberKey::load(&config.peer_key, Purpose::Peer)?;
        println!("ledger      {} ({})", genesis.name, genesis.hash());
        println!("member      {}", peer.member);
        println!("peer key    {}", peer.key.public());
        if let Some(id) = peer_id_of(&peer.key.public().0) {
            println!("peer id     {id}");
        }
        match &config.validator {
            None => println!("validator   no: this node follows"),
            Some(validator) => {
                let key = MemberKey::load(&validator.key, Purpose::Validator)?;
                let public = key.key.public();
                let guard = Config::guard_path(validator);
                let found = guard.exists();
                if found {
                    Guard::open(key, &guard)?;
                }
                let seated = genesis.validators.0.iter().any(|seat| seat.key == public);
                println!("validator   {public}");
                println!(
                    "guard       {} ({})",
                    guard.display(),
                    if found {
                        "here"
                    } else {
                        "missing: it will not vote until it learns a safe height"
                    }
                );
                println!(
                    "seat        {}",
                    if seated {
                        "in genesis"
                    } else {
                        "not in genesis: it votes once set_validators names its key"
                    }
                );
            }
        }
        println!("listens     {}", joined(&config.network.listen));
        println!("dials       {}", joined(&config.network.peers));
        println!("api         http://{}", config.api.listen);
        println!("data        {}", config.data.display());
        Ok(ExitCode::SUCCESS)
    }
}

fn joined(addresses: &[libp2p::Multiaddr]) -> String {
    let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
