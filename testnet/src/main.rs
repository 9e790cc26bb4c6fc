//! `chipledger-testnet`: the demonstration world, local networks, faults, and what is measured.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use chipledger_testnet::load::{self, Progress};
use chipledger_testnet::world::{Pattern, Scale, World, WorldConfig};
use clap::{ArgGroup, Args, Parser, Subcommand};
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

mod commands;

/// Local networks, sample worlds and load for Chipledger.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a network on this machine, loads the world through it, and keeps it running.
    Up(commands::up::Args),
    /// Loads the world through nodes that run.
    Load(commands::load::Args),
    /// Lets faults happen to a network on this machine, and judges what it publishes.
    Chaos(commands::chaos::Args),
    /// Turns the published clusters into a signed history and loads it into a new ledger.
    World(WorldArgs),
    /// Plants patterns that do not add up in worlds of several seeds, and counts what is found.
    Scorecard(commands::scorecard::Args),
    /// Measures the write path, or a network, and prints it beside the limits of this machine.
    Bench(commands::bench::Args),
}

#[derive(Args)]
#[command(group(ArgGroup::new("size").required(true).args(["full", "scale", "list_unloadable"])))]
struct WorldArgs {
    /// Directory of the ledger to make; without it the world is made and signed, and nothing is
    /// written.
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
    /// The whole world: 1,840,384 chips.
    #[arg(long)]
    full: bool,
    /// Every cluster at this scale, above 0 and at most 1, at least one chip each.
    #[arg(long, value_name = "X")]
    scale: Option<Scale>,
    /// Everything that is not published follows from it, demonstration keys included.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Plants patterns that do not add up, for the detection rules to find: D1,D7 and so on.
    #[arg(long, value_name = "D1,D7", value_delimiter = ',')]
    plant: Vec<Pattern>,
    /// Lists the clusters that exist and cannot be loaded, and why.
    #[arg(long)]
    list_unloadable: bool,
    /// No progress bar and no summary.
    #[arg(long)]
    quiet: bool,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Up(args) => args.run(),
        Command::Load(args) => args.run(),
        Command::Chaos(args) => args.run(),
        Command::World(args) => world(&args),
        Command::Scorecard(args) => args.run(),
        Command::Bench(args) => args.run(),
    }
}

fn world(args: &WorldArgs) -> anyhow::Result<()> {
    let full = Scale::from_ppm(1_000_000).context("the whole world")?;
    let scale_ppm = args.scale.unwrap_or(full).ppm();
    let config = WorldConfig {
        scale_ppm,
        seed: args.seed,
        validators: 1,
    };
    let world = World::with_planted(config, &args.plant);
    if args.list_unloadable {
        list_unloadable(&world)?;
    }
    if !args.full && args.scale.is_none() {
        return Ok(());
    }
    let bar = bar(world.summary().item_events, args.quiet);
    let report = |progress: Progress| {
        bar.set_position(progress.item_events);
        let day: String = progress.time.to_string().chars().take(10).collect();
        bar.set_message(day);
    };
    let done = match &args.ledger {
        Some(directory) => load::load(&world, directory, report)
            .with_context(|| format!("loading the world into {}", directory.display()))?,
        None => load::sign_only(&world, report),
    };
    let elapsed = bar.elapsed();
    bar.finish_and_clear();
    if args.quiet {
        return Ok(());
    }
    let summary = world.summary();
    let per_second = u128::from(done.item_events) * 1_000 / elapsed.as_millis().max(1);
    let count = |number: u64| HumanCount(number).to_string();
    writeln!(
        std::io::stdout(),
        "{} chips in {} clusters ({} more cannot be loaded), {} members\n\
         {} transactions, {} records, {} item-events, from {} to {}\n\
         {} in {}: {} item-events/s",
        count(summary.chips),
        count(summary.clusters),
        count(summary.unloadable),
        count(summary.members),
        count(done.transactions),
        count(summary.records),
        count(done.item_events),
        summary.first_signed_at,
        summary.last_signed_at,
        if args.ledger.is_some() {
            "Loaded"
        } else {
            "Signed, nothing written,"
        },
        HumanDuration(elapsed),
        HumanCount(u64::try_from(per_second).unwrap_or(u64::MAX)),
    )?;
    for case in world.planted() {
        writeln!(
            std::io::stdout(),
            "Planted {} on {} {}",
            case.pattern,
            case.kind,
            case.subject
        )?;
    }
    Ok(())
}

/// Name, owner and country of what cannot be loaded, separated by tabs.
fn list_unloadable(world: &World) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for cluster in world.unloadable() {
        let owner = if cluster.owner.is_empty() {
            "owner not known"
        } else {
            &cluster.owner
        };
        writeln!(
            out,
            "{}\t{owner}\t{}\t{}",
            cluster.name, cluster.country, cluster.lacks
        )?;
    }
    Ok(())
}

fn bar(item_events: u64, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let template = "{wide_bar} {human_pos}/{human_len} item-events {msg} {eta}";
    let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar());
    ProgressBar::new(item_events).with_style(style)
}
