//! The network that faults happen to: nodes behind proxies, one of them a traitor.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::schedule::{Fault, Parties};
use super::{Broken, ChaosError};
use crate::local::plan::Tempo;
use crate::local::{Local, LocalNode, Plan, Ports, process};
use crate::proxy::{Proxies, Weather};
use crate::world::Cast;

/// How long nodes have to start.
const START: Duration = Duration::from_mins(1);
/// How long a node that is told to stop may take.
const STOP: Duration = Duration::from_secs(10);
/// Blocks often, and a short heartbeat: a node that waits for one shows progress.
const TEMPO: Tempo = Tempo {
    block_interval_ms: 200,
    heartbeat_ms: 3_000,
};

/// A running network with proxies between its nodes.
#[derive(Debug)]
pub struct Stage {
    /// Its nodes.
    pub local: Local,
    proxies: Proxies,
    parties: Parties,
    /// How often each node lost its data.
    pub lives: Vec<u32>,
    traitor: PathBuf,
    seed: u64,
}

impl Stage {
    /// Makes and starts the network in an empty folder.
    ///
    /// # Errors
    /// When it does not start.
    pub fn open(
        dir: &Path,
        cast: &Cast,
        seed: u64,
        traitor: Option<usize>,
        broken: Option<Broken>,
    ) -> Result<Self, ChaosError> {
        let world = format!("chaos, seed {seed}");
        let mut plan =
            Plan::new(cast, Ports::Free, TEMPO, world).map_err(crate::local::LocalError::from)?;
        let peers: Vec<_> = plan.nodes.iter().map(|node| node.peer).collect();
        let proxies = Proxies::start(&peers, seed)?;
        for (index, node) in plan.nodes.iter_mut().enumerate() {
            node.finds = proxies.seen_by(index);
        }
        let parties = Parties {
            validators: plan.validators(),
            nodes: plan.nodes.len(),
            traitor,
        };
        let mut stage = Self {
            local: Local::open(dir, cast, &plan)?,
            proxies,
            parties,
            lives: vec![0; plan.nodes.len()],
            traitor: process::beside_this("chipledger-traitor")
                .map_err(crate::local::LocalError::from)?,
            seed,
        };
        stage.cast_roles(broken);
        stage.local.start()?;
        stage.local.wait_ready(START)?;
        Ok(stage)
    }

    /// Gives the traitor, and whoever a test breaks, the program that can lie.
    fn cast_roles(&mut self, broken: Option<Broken>) {
        let mut roles: Vec<(usize, Vec<&str>)> = Vec::new();
        if let Some(traitor) = self.parties.traitor {
            roles.push((traitor, vec!["--equivocate", "300", "--drop", "0"]));
        }
        match broken {
            None => {}
            Some(Broken::Guard) => roles.push((1, vec!["--no-guard", "--equivocate", "500"])),
            Some(Broken::Execution) => roles.push((1, vec!["--diverge-from", "10"])),
            Some(Broken::Seen) => {
                let all = 0..self.parties.nodes;
                roles.extend(all.map(|node| (node, vec!["--skip-seen"])));
            }
        }
        for (node, role) in roles {
            let arguments = self.arguments(node, &role);
            self.local.nodes[node]
                .process
                .becomes(&self.traitor, arguments);
        }
    }

    fn arguments(&self, node: usize, role: &[&str]) -> Vec<OsString> {
        let config = self.local.nodes[node].dir.join("node.toml");
        let seed = self.seed.to_string();
        let mut arguments: Vec<OsString> = vec!["--config".into(), config.into()];
        arguments.extend(["--seed", &seed].map(Into::into));
        arguments.extend(role.iter().map(Into::into));
        arguments
    }

    /// Who takes part.
    pub fn parties(&self) -> Parties {
        self.parties
    }

    /// Nodes that are not told to lie.
    pub fn honest(&self) -> impl Iterator<Item = &LocalNode> {
        let traitor = self.parties.traitor;
        self.local
            .nodes
            .iter()
            .filter(move |node| Some(node.index) != traitor)
    }

    /// Lets a fault begin.
    ///
    /// # Errors
    /// When the system does not let it.
    pub fn begin(&mut self, fault: &Fault) -> Result<(), ChaosError> {
        match fault {
            Fault::Kill(nodes) => self.each(nodes, |node| Ok(node.process.kill()?)),
            Fault::Restart(nodes) => {
                self.each(nodes, |node| Ok(node.process.terminate()?))?;
                let until = Instant::now() + STOP;
                self.each(nodes, |node| {
                    node.process.wait_until(until);
                    Ok(())
                })
            }
            Fault::Pause(nodes) => self.each(nodes, |node| Ok(node.process.pause()?)),
            Fault::WipeWal(node) | Fault::Amnesia(node) => self.wipe(*node, "data/consensus"),
            Fault::WipeData(node) => {
                self.lives[*node] += 1;
                self.wipe(*node, "data")
            }
            Fault::Partition(side) => {
                self.partition(side);
                Ok(())
            }
            Fault::Weather(weather) => {
                let all: BTreeSet<usize> = (0..self.parties.nodes).collect();
                self.set(&all, &all, *weather);
                Ok(())
            }
        }
    }

    /// Ends every fault.
    ///
    /// # Errors
    /// When a node does not start.
    pub fn heal(&mut self, fault: &Fault) -> Result<(), ChaosError> {
        self.proxies.heal();
        if let Fault::Amnesia(node) = fault {
            let arguments = self.arguments(*node, &["--no-guard", "--equivocate", "300"]);
            self.local.nodes[*node]
                .process
                .becomes(&self.traitor, arguments);
        }
        if let Fault::Pause(nodes) = fault {
            self.each(nodes, |node| Ok(node.process.go_on()?))?;
        }
        Ok(self.local.start()?)
    }

    fn each(
        &mut self,
        nodes: &BTreeSet<usize>,
        mut act: impl FnMut(&mut LocalNode) -> Result<(), ChaosError>,
    ) -> Result<(), ChaosError> {
        let all = self.local.nodes.iter_mut();
        let mut chosen = all.filter(|node| nodes.contains(&node.index));
        chosen.try_for_each(&mut act)
    }

    fn wipe(&mut self, node: usize, what: &str) -> Result<(), ChaosError> {
        let node = &mut self.local.nodes[node];
        node.process.kill()?;
        Ok(std::fs::remove_dir_all(node.dir.join(what))?)
    }

    fn partition(&self, side: &BTreeSet<usize>) {
        let others: BTreeSet<usize> = (0..self.parties.nodes)
            .filter(|node| !side.contains(node))
            .collect();
        let cut = Weather {
            cut: true,
            ..Weather::default()
        };
        self.set(side, &others, cut);
    }

    fn set(&self, side: &BTreeSet<usize>, others: &BTreeSet<usize>, weather: Weather) {
        for a in side {
            for b in others.iter().filter(|b| *b != a) {
                self.proxies.between(*a, *b, weather);
            }
        }
    }
}
