//! `peers`: who would be let in, from the ledger on disk.

use std::process::ExitCode;

use chipledger_ledger::read::{PeerView, peers};
use chipledger_ledger::store::Store;

use super::ConfigArgs;
use crate::network::peer_id_of;

/// Lists the peers that the ledger on disk lets in: member, what it may see, peer id.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.config.load()?;
        let store = Store::open_read_only(&config.ledger_dir())?;
        println!("{:<24} {:<9} {:<52} peer key", "member", "sees", "peer id");
        for peer in peers(&store.view())? {
            let sees = match peer.view {
                PeerView::Full => "all",
                PeerView::Own => "its own",
            };
            let id = peer_id_of(&peer.key.0).map(|id| id.to_string());
            let id = id.unwrap_or_else(|| "not a valid key".to_owned());
            println!("{:<24} {sees:<9} {id:<52} {}", peer.member, peer.key);
        }
        Ok(ExitCode::SUCCESS)
    }
}
