//! `bench`: what this machine reaches, beside its limits.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use chipledger_testnet::bench::analysis::{self, AnalysisBench, Taken};
use chipledger_testnet::bench::network::{self, NetworkBench};
use chipledger_testnet::bench::soak::{self, Soak};
use chipledger_testnet::bench::{self, BenchConfig, Rate};
use chipledger_testnet::world::Scale;
use indicatif::HumanCount;

/// Measures the write path, or a network, and prints it beside the limits of this machine.
#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(clap::Subcommand, Debug)]
enum What {
    /// One ledger in this process: the default.
    Ledger(LedgerArgs),
    /// Four validators in four processes, through the whole path by HTTP.
    Network(NetworkArgs),
    /// Questions about pooled compute, beside what they should take.
    Analysis(AnalysisArgs),
    /// The same network under a steady load for a long time: memory and disk.
    Soak(SoakArgs),
}

#[derive(clap::Args, Debug)]
struct NetworkArgs {
    /// Transactions of one chip each.
    #[arg(long, value_name = "N", default_value_t = 40_000)]
    single: u64,
    /// Transactions of 500 chips each.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    batched: u64,
    /// Scale of the world that every node is restarted with.
    #[arg(long, value_name = "X", default_value = "1")]
    scale: Scale,
    /// Where the network is made; removed afterwards.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// How the report is written.
    #[arg(long, default_value = "table")]
    output: Output,
}

#[derive(clap::Args, Debug)]
struct AnalysisArgs {
    /// Scale of the world that is loaded for questions about single items.
    #[arg(long, value_name = "X", default_value = "1")]
    scale: Scale,
    /// Chips of the book for questions about pooled compute; it has ten postings for each.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    chips: u64,
    /// How often each question is asked.
    #[arg(long, value_name = "N", default_value_t = 500)]
    asked: usize,
    /// Where the ledger is made; removed afterwards.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// How the report is written.
    #[arg(long, default_value = "table")]
    output: Output,
}

#[derive(clap::Args, Debug)]
struct SoakArgs {
    /// How long.
    #[arg(long, value_name = "M", default_value_t = 60)]
    minutes: u64,
    /// Transactions per second, all nodes together.
    #[arg(long, value_name = "N", default_value_t = 200)]
    per_second: u64,
    /// Seconds between two samples.
    #[arg(long, value_name = "S", default_value_t = 60)]
    every: u64,
    /// Where the network is made; removed afterwards.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// How the samples are written.
    #[arg(long, default_value = "table")]
    output: Output,
}

#[derive(clap::Args, Debug)]
struct LedgerArgs {
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
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.what {
            None => ledger(self.ledger),
            Some(What::Ledger(args)) => ledger(args),
            Some(What::Network(args)) => network(args),
            Some(What::Analysis(args)) => questions(args),
            Some(What::Soak(args)) => soak(args),
        }
    }
}

fn own_dir() -> PathBuf {
    std::env::temp_dir().join(format!("chipledger-bench-{}", std::process::id()))
}

fn line(rate: &Rate) -> String {
    let (count, each) = (
        HumanCount(rate.count).to_string(),
        HumanCount(rate.per_second).to_string(),
    );
    format!(
        "{:<60} {count:>12} {:>8} ms {each:>12}/s",
        rate.what, rate.elapsed_ms
    )
}

fn network(args: NetworkArgs) -> anyhow::Result<()> {
    let report = network::run(&NetworkBench {
        single: args.single,
        batched: args.batched,
        world_ppm: args.scale.ppm(),
        dir: args.dir.unwrap_or_else(own_dir),
    })?;
    let mut out = std::io::stdout().lock();
    if args.output == Output::Json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        return Ok(writeln!(out)?);
    }
    for rate in report.limits.iter().chain(&report.figures) {
        writeln!(out, "{}", line(rate))?;
    }
    let (latency, idle) = (report.latency, report.idle);
    let percent = idle.core_permille_percent;
    writeln!(
        out,
        "limit: transactions/s if each node did nothing but check each signature once: {}\n\
         submit to final at {}/s: half within {} ms, 99 of 100 within {} ms ({} samples)\n\
         idle, per node: {}.{:03} % of a core, {} kB on disk a day\n\
         killed and started: takes transactions after {} ms; with {} items on the ledger, after {} ms\n\
         two of four down: final again {} ms after the first returned; the second took {} ms",
        HumanCount(report.limit_transactions_per_second),
        latency.per_second,
        latency.p50_ms,
        latency.p99_ms,
        latency.samples,
        percent / 1_000,
        percent % 1_000,
        idle.bytes_per_day / 1_000,
        report.restart_ms,
        HumanCount(report.world_items),
        report.world_restart_ms,
        report.quorum_returns_ms,
        report.second_returns_ms,
    )?;
    Ok(())
}

fn questions(args: AnalysisArgs) -> anyhow::Result<()> {
    let report = analysis::run(&AnalysisBench {
        scale_ppm: args.scale.ppm(),
        chips: args.chips,
        asked: args.asked,
        dir: args.dir.unwrap_or_else(own_dir),
    })?;
    let mut out = std::io::stdout().lock();
    if args.output == Output::Json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        return Ok(writeln!(out)?);
    }
    writeln!(
        out,
        "world: {} items, {} item-events, {} postings; its book is read in {} ms\n\
         book: {} postings between {} accounts, {} MB; peak memory of the run {} MiB\n\n\
         {:<48}{:>12}{:>12}{:>20}",
        HumanCount(report.world_items),
        HumanCount(report.world_item_events),
        HumanCount(report.world_postings),
        report.world_load_ms,
        HumanCount(report.postings),
        HumanCount(report.accounts),
        report.book_bytes / 1_000_000,
        report.peak_rss_kib / 1024,
        "question",
        "p50, ms",
        "p99, ms",
        "target, ms",
    )?;
    for taken in &report.taken {
        writeln!(out, "{}", taken_line(taken))?;
    }
    Ok(())
}

fn taken_line(taken: &Taken) -> String {
    let ms = |ns: u64| format!("{}.{:04}", ns / 1_000_000, ns % 1_000_000 / 100);
    let (measured, which) = if taken.target_is_p99 {
        (taken.p99_ns, "p99")
    } else {
        (taken.p50_ns, "p50")
    };
    let met = if measured < taken.target_ns {
        "met"
    } else {
        "missed"
    };
    let target = format!("{which} {} {met}", ms(taken.target_ns));
    let (p50, p99) = (ms(taken.p50_ns), ms(taken.p99_ns));
    format!("{:<48}{p50:>12}{p99:>12}{target:>20}", taken.what)
}

fn soak(args: SoakArgs) -> anyhow::Result<()> {
    let config = Soak {
        lasts: Duration::from_secs(args.minutes * 60),
        per_second: args.per_second,
        every: Duration::from_secs(args.every.max(1)),
        dir: args.dir.unwrap_or_else(own_dir),
    };
    let mut out = std::io::stdout();
    if args.output == Output::Table {
        writeln!(
            out,
            "{:>9}{:>10}{:>12}{:>12}{:>12}  resident memory of each node, MiB",
            "seconds", "height", "items", "submitted", "disk, MB"
        )?;
    }
    soak::run(&config, |sample| {
        let line = match args.output {
            Output::Json => serde_json::to_string(sample).unwrap_or_default(),
            Output::Table => row(sample),
        };
        // A reader that has gone ends the table, not the run.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    })?;
    Ok(())
}

fn row(sample: &soak::Sample) -> String {
    let memory: Vec<_> = sample
        .rss_kib
        .iter()
        .map(|kib| (kib / 1024).to_string())
        .collect();
    format!(
        "{:>9}{:>10}{:>12}{:>12}{:>12}  {}",
        sample.seconds,
        sample.height,
        sample.items,
        sample.submitted,
        sample.disk_bytes / 1_000_000,
        memory.join(" ")
    )
}

fn ledger(args: LedgerArgs) -> anyhow::Result<()> {
    let config = BenchConfig {
        scale_ppm: args.scale.ppm(),
        chips: args.chips,
        single: args.single,
        submitters: args.submitters,
        dir: args.dir.unwrap_or_else(own_dir),
    };
    let report = bench::run(&config)?;
    let mut out = std::io::stdout().lock();
    if matches!(args.output, Output::Json) {
        serde_json::to_writer_pretty(&mut out, &report)?;
        return Ok(writeln!(out)?);
    }
    for rate in report.limits.iter().chain(&report.figures) {
        writeln!(out, "{}", line(rate))?;
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
    for stage in &report.stages {
        writeln!(
            out,
            "one chip, one core, {:<56} {:>5}.{:01} us",
            stage.what,
            stage.nanos / 1_000,
            stage.nanos % 1_000 / 100
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
