//! `chipledger-testnet`: the demonstration world, local networks, faults, and what is measured.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use chipledger_testnet::bench::{self, BenchConfig};
use chipledger_testnet::load::{self, Progress};
use chipledger_testnet::world::{Scale, World, WorldConfig};
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
    /// Measures the write path and prints it beside the limits of this machine.
    Bench(BenchArgs),
}

#[derive(Args)]
struct BenchArgs {
    /// Scale of the world that is loaded, above 0 and at most 1.
    #[arg(long, value_name = "X", default_value = "1")]
    scale: Scale,
    /// Chips that random records are drawn from.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    chips: u64,
    /// Transactions of one chip each.
    #[arg(long, value_name = "N", default_value_t = 60_000)]
    single: u64,
    /// Threads that submit them.
    #[arg(long, value_name = "N", default_value_t = 4)]
    submitters: u64,
    /// Where ledgers are made for the run.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// How the report is written.
    #[arg(long, default_value = "table")]
    output: BenchOutput,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum BenchOutput {
    /// For people.
    Table,
    /// For programs.
    Json,
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
        Command::Bench(args) => bench(args),
    }
}

fn world(args: &WorldArgs) -> anyhow::Result<()> {
    let full = Scale::from_ppm(1_000_000).context("the whole world")?;
    let scale_ppm = args.scale.unwrap_or(full).ppm();
    let world = World::new(WorldConfig {
        scale_ppm,
        seed: args.seed,
        validators: 1,
    });
    if args.list_unloadable {
        list_unloadable(&world)?;
    }
    if !args.full && args.scale.is_none() {
        return Ok(());
    }
    let bar = bar(world.summary().item_events, args.quiet);
    let report = |progress: Progress| {
        bar.set_position(progress.item_events);
        bar.set_message(
            progress
                .time
                .to_string()
                .chars()
                .take(10)
                .collect::<String>(),
        );
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

fn bench(args: BenchArgs) -> anyhow::Result<()> {
    let fallback = || std::env::temp_dir().join(format!("chipledger-bench-{}", std::process::id()));
    let config = BenchConfig {
        scale_ppm: args.scale.ppm(),
        chips: args.chips,
        single: args.single,
        submitters: args.submitters,
        dir: args.dir.unwrap_or_else(fallback),
    };
    let report = bench::run(&config)?;
    let mut out = std::io::stdout().lock();
    if matches!(args.output, BenchOutput::Json) {
        serde_json::to_writer_pretty(&mut out, &report)?;
        return Ok(writeln!(out)?);
    }
    for rate in report.limits.iter().chain(&report.figures) {
        let (count, each) = (
            HumanCount(rate.count).to_string(),
            HumanCount(rate.per_second).to_string(),
        );
        writeln!(
            out,
            "{:<56} {count:>12} {:>8} ms {each:>12}/s",
            rate.what, rate.elapsed_ms
        )?;
    }
    let checks = report
        .limits
        .first()
        .map_or(1, |limit| limit.per_second.max(1));
    for rate in &report.figures {
        let permille = rate.per_second * 1_000 / checks;
        let name = rate.what.split(':').next().unwrap_or_default();
        writeln!(
            out,
            "{name:<56} {:>8}.{:03} per signature check of one core",
            permille / 1_000,
            permille % 1_000
        )?;
    }
    let per_event = report.world_disk_bytes / report.world_item_events.max(1);
    writeln!(
        out,
        "world on disk: {} MB, {per_event} bytes per item-event; {} items, {} KiB of inner nodes; peak memory of the run {} MiB",
        report.world_disk_bytes / 1_000_000,
        HumanCount(report.world_items),
        report.commitment_bytes / 1024,
        report.peak_rss_kib / 1024,
    )?;
    Ok(())
}
