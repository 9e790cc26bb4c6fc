//! `scorecard`: planted, found and false alerts, per rule.

use std::collections::BTreeMap;
use std::io::Write as _;

use anyhow::Context as _;
use chipledger_testnet::scorecard::Scorecard;
use chipledger_testnet::world::{Pattern, Scale, WorldConfig};

/// Plants every pattern in worlds of several seeds, and counts what the detection rules find.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// How many worlds.
    #[arg(long, value_name = "N", default_value_t = 20)]
    seeds: u64,
    /// The first seed.
    #[arg(long, value_name = "N", default_value_t = 1_001)]
    first_seed: u64,
    /// Every cluster at this scale.
    #[arg(long, value_name = "X", default_value = "0.001")]
    scale: Scale,
    /// Only these patterns, separated by commas.
    #[arg(long, value_name = "D1,D7", value_delimiter = ',')]
    plant: Vec<Pattern>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let patterns = if self.plant.is_empty() {
            Pattern::all()
        } else {
            self.plant
        };
        let folder = Folder::new()?;
        let mut score = Scorecard::default();
        for seed in self.first_seed..self.first_seed + self.seeds {
            let config = WorldConfig {
                scale_ppm: self.scale.ppm(),
                seed,
                validators: 1,
            };
            let directory = folder.0.join(seed.to_string());
            score
                .add(config, &patterns, &directory)
                .with_context(|| format!("seed {seed}"))?;
            std::fs::remove_dir_all(&directory).context("removing a ledger that was scored")?;
        }
        print(&score)?;
        anyhow::ensure!(
            score.passes(),
            "a planted case was missed, or more than one alert per 1,000 shipments was false"
        );
        Ok(())
    }
}

/// A folder that goes with its owner.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> anyhow::Result<Self> {
        let name = format!("chipledger-scorecard-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of it is in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn print(score: &Scorecard) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{:<5} {:>8} {:>6} {:>6} {:>6}",
        "rule", "planted", "found", "false", "ended"
    )?;
    let number = |rule: &str| rule.trim_start_matches('D').parse::<u8>().unwrap_or(0);
    let lines: BTreeMap<u8, _> = score.lines.iter().map(|l| (number(l.0), l)).collect();
    for (rule, line) in lines.values() {
        writeln!(
            out,
            "{rule:<5} {:>8} {:>6} {:>6} {:>6}",
            line.planted, line.found, line.false_alerts, line.ended
        )?;
    }
    writeln!(
        out,
        "{} worlds, {} shipments, {} false alerts",
        score.worlds,
        score.shipments,
        score.false_alerts()
    )?;
    for note in &score.notes {
        writeln!(out, "{note}")?;
    }
    Ok(())
}
