//! `up`: a network on this machine, with the world in it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chipledger_testnet::client::Client;
use chipledger_testnet::local::answers::{self, SameAnswer};
use chipledger_testnet::local::plan::Tempo;
use chipledger_testnet::local::{Local, LocalNode, Plan, Ports};
use chipledger_testnet::tour::Tour;
use chipledger_testnet::world::{Scale, VALIDATORS_MAX, World, WorldConfig};

use super::load::load;

/// How long nodes may take to start.
const START: Duration = Duration::from_mins(2);
/// How long nodes may take to stop.
const STOP: Duration = Duration::from_secs(15);
/// How often the network is looked at while it runs.
const LOOK: Duration = Duration::from_millis(300);
/// Blocks in quick succession while history is loaded; hardly any when nothing happens.
const TEMPO: Tempo = Tempo {
    block_interval_ms: 50,
    heartbeat_ms: 15_000,
};

/// Runs a network on this machine, loads the world through it, and keeps it running until Ctrl-C.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Validators, each the customs of another country; an inspector's observer comes on top.
    #[arg(long, value_name = "N", default_value_t = 4)]
    validators: usize,
    /// Folder of the network; one that an earlier run left is gone on with.
    #[arg(long, value_name = "DIR", default_value = "chipledger-network")]
    dir: PathBuf,
    /// Every cluster at this scale, above 0 and at most 1, at least one chip each.
    #[arg(long, value_name = "X", default_value = "0.001")]
    scale: Scale,
    /// Everything that is made up follows from it, demonstration keys included.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Any free ports instead of 7070 and up.
    #[arg(long)]
    free_ports: bool,
    /// Stops after the answers are shown instead of waiting for Ctrl-C.
    #[arg(long)]
    once: bool,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        anyhow::ensure!(
            (4..=VALIDATORS_MAX).contains(&self.validators),
            "a network has 4 to {VALIDATORS_MAX} validators; for one alone use `world --ledger`"
        );
        let stop = stop_flag()?;
        let mut out = std::io::stdout();
        let world = World::new(WorldConfig {
            scale_ppm: self.scale.ppm(),
            seed: self.seed,
            validators: self.validators,
        });
        let ports = if self.free_ports {
            Ports::Free
        } else {
            Ports::WellKnown
        };
        let name = format!(
            "world at {} millionths, seed {}",
            self.scale.ppm(),
            self.seed
        );
        let plan = Plan::new(world.cast(), ports, TEMPO, name)?;
        let mut local = Local::open(&self.dir, world.cast(), &plan)?;
        local.start()?;
        local.wait_ready(START)?;
        for node in &local.nodes {
            let role = if node.index < local.validators {
                "validator"
            } else {
                "observer"
            };
            writeln!(
                out,
                "node{}  {:<12}  {role:<9}  http://{}  process {}",
                node.index,
                node.member,
                node.api,
                node.process.id().unwrap_or_default()
            )?;
        }
        let clients: Vec<Client> = local.nodes.iter().map(LocalNode::client).collect();
        load(&world, &clients, Some(&self.dir), &stop)?;
        let same = answers::compare(&clients, world.expected())?;
        say_same(&same, clients.len())?;
        let urls: Vec<_> = clients
            .iter()
            .map(|client| client.url().to_owned())
            .collect();
        let chip = Tour::new(&urls, plan.genesis, &self.dir)?.walk()?;
        if !self.once {
            self.tell(&urls, &chip)?;
            watch(&mut local, &stop)?;
        }
        writeln!(
            out,
            "Stopping the nodes; {} keeps the ledgers.",
            self.dir.display()
        )?;
        local.stop(STOP);
        Ok(())
    }

    fn tell(&self, urls: &[String], chip: &str) -> anyhow::Result<()> {
        let dir = self.dir.display();
        let (first, last) = (&urls[0], &urls[urls.len() - 1]);
        let programs = std::env::current_exe()?;
        let programs = programs.parent().unwrap_or(Path::new(".")).display();
        writeln!(
            std::io::stdout(),
            "\n== What to try, in another terminal\n  \
             export PATH=\"{programs}:$PATH\" CHIPLEDGER_NODE={first}\n  \
             chipledger where '{chip}'\n  \
             chipledger compute --by owner --metric h100e\n  \
             chipledger compute --by jurisdiction --at 2024-01-01T00:00:00Z\n  \
             chipledger shipments --overdue\n  \
             chipledger prove totals US --out us.proof\n  \
             chipledger status --node {last}   # the inspector's observer\n  \
             curl -N {last}/v1/events          # blocks as they come\n  \
             kill -9 $(cat {dir}/node1/pid)    # the others go on\n  \
             chipledger-node run --config {dir}/node1/node.toml   # it catches up\n  \
             less {dir}/node0/log\n\n\
             Ctrl-C stops the nodes; the same command goes on with {dir}.",
        )?;
        Ok(())
    }
}

/// Set by Ctrl-C or a request to end.
fn stop_flag() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&stop);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let _ = interrupted().await;
            set.store(true, Ordering::Relaxed);
            // Somebody who insists gets out at once; the folder is gone on with next time.
            let _ = interrupted().await;
            std::process::exit(130);
        });
    });
    Ok(stop)
}

async fn interrupted() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

fn watch(local: &mut Local, stop: &AtomicBool) -> anyhow::Result<()> {
    let mut told = std::collections::BTreeSet::new();
    while !stop.load(Ordering::Relaxed) {
        if let Some(index) = local.ended()?.filter(|index| told.insert(*index)) {
            let log = local.nodes[index].process.log();
            writeln!(
                std::io::stdout(),
                "node{index} has ended; its log is {}",
                log.display()
            )?;
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

fn say_same(same: &SameAnswer, nodes: usize) -> std::io::Result<()> {
    writeln!(
        std::io::stdout(),
        "All {nodes} nodes say the same of height {}, and the same as the published tables:\n\
         block {}\nstate {}",
        same.height,
        same.block,
        same.state_root
    )
}
