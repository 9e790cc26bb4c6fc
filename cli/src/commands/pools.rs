//! `pools`: the largest pools of compute, against thresholds, and what they could train.

use chipledger_analysis::distance::DISTANCE_M_MAX;
use chipledger_analysis::pools::{self, Effort, Feasible, PoolRow, Pooling, Pools, Share};
use chipledger_ledger::answers;
use chipledger_schemas::catalogue::H100e;
use chipledger_schemas::words::Status;
use clap::ValueEnum;

use crate::error::Failure;
use crate::output::{Answer, Output, Table, Value};
use crate::session::{self, LedgerArgs, MomentArgs};

/// Ranks pools of compute by TPP, flags thresholds (ccc: 16 H100e; lpp: 26.9 million TPP; op20:
/// 10^20 op/s), and says how many days a training run of 10^25 and 10^26 FLOP would take.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What makes a pool.
    #[arg(long, value_enum, default_value = "site")]
    by: ByName,
    /// With --by near: sites of one parent whose neighbours are within so many km are one pool.
    #[arg(long, value_name = "KM", default_value_t = 50)]
    within_km: u32,
    /// Only chips in this status, such as installed.
    #[arg(long)]
    status: Option<Status>,
    /// Days that a training run may take.
    #[arg(long, default_value_t = 90)]
    days: u32,
    /// Share of dense 16-bit performance that it gets: 40% or 0.4.
    #[arg(long, value_name = "SHARE", default_value = "40%")]
    utilisation: Share,
    /// Rows to show; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// What makes a pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum ByName {
    /// One site, or one way between two.
    Site,
    /// One owner.
    Owner,
    /// All owners under one ultimate parent.
    Parent,
    /// All sites of one parent that lie close together.
    Near,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let store = self.ledger.read_directory()?;
        let metres = self.within_km.saturating_mul(1_000).min(DISTANCE_M_MAX);
        let pooling = match self.by {
            ByName::Site => Pooling::Site,
            ByName::Owner => Pooling::Owner,
            ByName::Parent => Pooling::Parent,
            ByName::Near => Pooling::Near { metres },
        };
        let effort = Effort {
            days: self.days,
            utilisation_ppm: self.utilisation.0,
        };
        let as_of = self.moment.as_of();
        let pools = pools::pools(&store.view(), pooling, self.status, effort, as_of)?;
        let told = answers::answer(&store, pools.moment, as_of.basis(), pools);
        let pools = &told.answer;
        let head = session::answer(&told)
            .fact("pools", "pools", pools.rows.len())
            .fact("days", "days of training", u64::from(self.days))
            .fact(
                "utilisation_ppm",
                "utilisation %",
                Value::Scaled {
                    value: self.utilisation.0.into(),
                    digits: 4,
                    shown: 1,
                },
            );
        let head = unplaced(head, pools);
        out.print(&head.table(table(pools, self.top)))
    }
}

fn unplaced(head: Answer, pools: &Pools) -> Answer {
    match pools.unplaced.as_slice() {
        [] => head,
        sites => head.fact("sites_without_position", "sites without position", sites.len()),
    }
}

fn table(pools: &Pools, top: usize) -> Table {
    let shown = if top == 0 { usize::MAX } else { top };
    let h100e = |tpp_milli| Value::milli(H100e { tpp_milli }.milli());
    let days = |feasible: Option<&Feasible>| match feasible.and_then(|f| f.days_milli) {
        Some(days) => Value::milli(days),
        None => Value::Absent,
    };
    let row = |(rank, pool): (usize, &PoolRow)| {
        let flags = pool.flags.iter().map(|flag| flag.id.clone());
        let in_force = pool.flags.iter().filter(|flag| flag.in_force);
        let possible = pool.trainings.iter().filter(|training| training.possible);
        vec![
            rank.into(),
            pool.key.as_str().into(),
            pool.sites.len().into(),
            pool.compute.chips.into(),
            pool.installed.into(),
            pool.in_transit.into(),
            pool.compute.disputed.into(),
            pool.compute.irregular.into(),
            Value::milli(pool.compute.tpp_milli),
            h100e(pool.compute.tpp_milli),
            flags.collect::<Vec<_>>().into(),
            in_force.map(|flag| flag.id.clone()).collect::<Vec<_>>().into(),
            days(pool.trainings.first()),
            days(pool.trainings.get(1)),
            possible
                .map(|training| format!("10^{}", training.exponent))
                .collect::<Vec<_>>()
                .into(),
        ]
    };
    let mut total = vec![
        Value::Absent,
        "total".into(),
        Value::Absent,
        pools.total.chips.into(),
        pools.rows.iter().map(|row| row.installed).sum::<u64>().into(),
        pools.rows.iter().map(|row| row.in_transit).sum::<u64>().into(),
        pools.total.disputed.into(),
        pools.total.irregular.into(),
        Value::milli(pools.total.tpp_milli),
        h100e(pools.total.tpp_milli),
    ];
    total.resize(15, Value::Absent);
    Table {
        columns: vec![
            ("rank", "rank"),
            ("pool", "pool"),
            ("sites", "sites"),
            ("chips", "chips"),
            ("installed", "installed"),
            ("in_transit", "in transit"),
            ("disputed", "disputed"),
            ("irregular", "irregular"),
            ("tpp_milli", "TPP"),
            ("h100e_milli", "H100e"),
            ("thresholds", "reaches"),
            ("thresholds_in_force", "of which in force"),
            ("days_1e25_milli", "10^25 in days"),
            ("days_1e26_milli", "10^26 in days"),
            ("possible", "possible in time"),
        ],
        rows: (1..).zip(&pools.rows).take(shown).map(row).collect(),
        total: Some(total),
    }
}
