//! `chaos`: faults from a seed, and a verdict.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use chipledger_testnet::chaos::{self, Broken, ChaosConfig, Report};
use chipledger_testnet::world::VALIDATORS_MAX;

/// Lets faults happen to a network on this machine, and judges what it publishes.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The schedule of faults follows from it.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How long faults go on.
    #[arg(
        long,
        value_name = "M",
        default_value_t = 5,
        conflicts_with = "seconds"
    )]
    minutes: u64,
    /// How long faults go on, for short runs.
    #[arg(long, value_name = "S")]
    seconds: Option<u64>,
    /// Validators. With 4 a seed has either a traitor (even) or nodes that lose their data (odd);
    /// with 7 both.
    #[arg(long, value_name = "N", default_value_t = 7)]
    validators: usize,
    /// Where the network is made; a folder of its own in the system's temporary one, removed
    /// afterwards if all is well, if absent.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Something is broken on purpose: the run must fail.
    #[arg(long = "break", value_name = "WHAT")]
    broken: Option<Broken>,
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
        anyhow::ensure!(
            (4..=VALIDATORS_MAX).contains(&self.validators),
            "a network has 4 to {VALIDATORS_MAX} validators"
        );
        let own = || {
            let name = format!("chipledger-chaos-{}-{}", self.seed, std::process::id());
            std::env::temp_dir().join(name)
        };
        let config = ChaosConfig {
            seed: self.seed,
            lasts: Duration::from_secs(self.seconds.unwrap_or(self.minutes * 60)),
            validators: self.validators,
            dir: self.dir.clone().unwrap_or_else(own),
            broken: self.broken,
        };
        let say = |line: String| {
            // Nobody may be listening.
            let _ = writeln!(std::io::stderr(), "{line}");
        };
        say(format!(
            "chaos --seed {} --validators {}, in {}",
            config.seed,
            config.validators,
            config.dir.display()
        ));
        let report = chaos::run(&config, say)?;
        self.show(&report)?;
        if report.violations.is_empty() {
            if self.dir.is_none() {
                std::fs::remove_dir_all(&config.dir)?;
            }
            return Ok(());
        }
        let (seed, validators) = (config.seed, config.validators);
        anyhow::bail!(
            "{} violations; repeat with --seed {seed} --validators {validators}; logs and ledgers \
             are in {}",
            report.violations.len(),
            config.dir.display()
        )
    }

    fn show(&self, report: &Report) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if self.output == Output::Json {
            serde_json::to_writer_pretty(&mut out, report)?;
            return Ok(writeln!(out)?);
        }
        let kinds = report
            .faults
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"));
        let kinds: Vec<_> = kinds.collect();
        let resumed = &report.resumed_ms;
        let middle = resumed.get(resumed.len() / 2).copied().unwrap_or_default();
        let longest = resumed.last().copied().unwrap_or_default();
        writeln!(
            out,
            "seed {}, {} s: {}\n{} blocks, {} transactions submitted, {} acknowledgements, {} attacks \
             by the stranger\nfirst new transaction final after healing: {middle} ms (median), \
             {longest} ms (longest)",
            report.seed,
            report.lasted_ms / 1_000,
            kinds.join(", "),
            report.height,
            report.submitted,
            report.acknowledged,
            report.attacks,
        )?;
        for violation in &report.violations {
            writeln!(out, "VIOLATION {violation}")?;
        }
        if report.violations.is_empty() {
            writeln!(out, "every property holds")?;
        }
        Ok(())
    }
}
