//! `load`: the world through nodes that run.

use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use chipledger_testnet::client::Client;
use chipledger_testnet::feed::{self, Progress};
use chipledger_testnet::local::folder;
use chipledger_testnet::world::{Scale, World, WorldConfig};
use clap::ArgGroup;
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

/// Between two notes of how far a load has come.
const NOTED_EVERY: u64 = 500;

/// Loads the world through nodes that run.
#[derive(clap::Args, Debug)]
#[command(group(ArgGroup::new("nodes").required(true).args(["dir", "node"])))]
pub(crate) struct Args {
    /// Folder of a network that `up` made.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// A node's API, such as http://127.0.0.1:7070; may be repeated: members submit to different
    /// ones.
    #[arg(long, value_name = "URL")]
    node: Vec<String>,
    /// Every cluster at this scale, above 0 and at most 1, at least one chip each.
    #[arg(long, value_name = "X", default_value = "0.001")]
    scale: Scale,
    /// The seed that the network was made from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let urls = match &self.dir {
            None => self.node,
            Some(dir) => {
                let plan = folder::read_plan(dir)?;
                let plan = plan.with_context(|| format!("{} holds no network", dir.display()))?;
                plan.nodes
                    .iter()
                    .map(|node| format!("http://{}", node.api))
                    .collect()
            }
        };
        let nodes: Vec<_> = urls.iter().map(|url| Client::new(url)).collect();
        let genesis = nodes[0].genesis()?;
        let world = World::new(WorldConfig {
            scale_ppm: self.scale.ppm(),
            seed: self.seed,
            validators: genesis.validators.0.len(),
        });
        anyhow::ensure!(
            genesis.hash() == world.genesis().hash(),
            "{} runs another ledger than the world of seed {}: give the seed that it was made from",
            nodes[0].url(),
            self.seed
        );
        load(&world, &nodes, self.dir.as_deref(), &AtomicBool::new(false))
    }
}

/// Loads a world with a progress bar; goes on where the folder says that an earlier load stopped.
pub(super) fn load(
    world: &World,
    nodes: &[Client],
    dir: Option<&Path>,
    stop: &AtomicBool,
) -> anyhow::Result<()> {
    let noted = dir.map(|dir| dir.join("loaded"));
    let text = noted
        .as_ref()
        .and_then(|path| std::fs::read_to_string(path).ok());
    let skip = text.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let note = |progress: Progress| match &noted {
        Some(path) => std::fs::write(path, format!("{}\n", progress.prefix)),
        None => Ok(()),
    };
    let template = "{wide_bar} {human_pos}/{human_len} transactions {msg} {eta}";
    let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar());
    let bar = ProgressBar::new(world.summary().transactions).with_style(style);
    bar.set_position(skip);
    let report = |progress: Progress| {
        bar.set_position(skip + progress.transactions);
        bar.set_message(
            progress
                .time
                .to_string()
                .chars()
                .take(10)
                .collect::<String>(),
        );
        if progress.transactions.is_multiple_of(NOTED_EVERY) {
            // A note that is lost costs time, not truth: submitting again is safe.
            let _ = note(progress);
        }
        if stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let done = feed::feed(nodes, world.transactions(), skip, report)?;
    note(done).context("noting how far the load has come")?;
    let elapsed = bar.elapsed();
    bar.finish_and_clear();
    if done.transactions == 0 {
        return Ok(writeln!(std::io::stdout(), "The world is loaded.")?);
    }
    let per_second = u128::from(done.transactions) * 1_000 / elapsed.as_millis().max(1);
    Ok(writeln!(
        std::io::stdout(),
        "Loaded {} transactions, {} item-events, in {}: {per_second} transactions/s, each waited \
         for until it was final",
        HumanCount(done.transactions),
        HumanCount(done.item_events),
        HumanDuration(elapsed),
    )?)
}
