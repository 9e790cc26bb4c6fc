//! The largest pools of compute: of a site, an owner, all owners under one parent, or all sites of
//! one parent that lie close together; against dated thresholds, and what they could train.

use std::collections::BTreeMap;
use std::str::FromStr;

use chipledger_ledger::read::balances::Compute;
use chipledger_ledger::read::{AsOf, Moment, QueryError};
use chipledger_ledger::store::View;
use chipledger_proof::state::{Account, AccountPlace, Key, Site};
use chipledger_schemas::catalogue::ModelVersion;
use chipledger_schemas::ids::{MemberId, SiteId};
use chipledger_schemas::records::set_site::Position;
use chipledger_schemas::time::DAY_MS;
use chipledger_schemas::words::Status;
use serde::{Deserialize, Serialize};

use crate::ask::Parents;
use crate::distance::within;
use crate::thresholds::{Measure, THRESHOLDS, TRAININGS};

/// Parts of one: 10^6.
const ONE_PPM: u32 = 1_000_000;

/// What makes a pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pooling {
    /// What is at one site.
    Site,
    /// What one member owns, wherever it is.
    Owner,
    /// What members under one ultimate parent own, wherever it is.
    Parent,
    /// What members under one ultimate parent own at sites that chain together: each within so many
    /// metres of another.
    Near {
        /// Metres between neighbours.
        metres: u32,
    },
}

/// What a pool is asked to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Effort {
    /// Days of training.
    pub days: u32,
    /// Share of dense 16-bit performance that the training gets, parts per million.
    pub utilisation_ppm: u32,
}

/// The text is no share. Write `40%` or `0.4`.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{got:?} is no share; write 40% or 0.4: above 0, at most 1")]
pub struct NotAShare {
    /// What was given.
    pub got: String,
}

/// A share above nothing and up to all of it, in parts per million.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Share(pub u32);

impl FromStr for Share {
    type Err = NotAShare;
    fn from_str(text: &str) -> Result<Self, NotAShare> {
        if matches!(text.trim(), "1" | "1.0" | "100%") {
            return Ok(Self(ONE_PPM));
        }
        let part: Result<crate::hypergeometric::Probability, _> = text.parse();
        part.map(|part| Self(part.ppm())).map_err(|_| NotAShare {
            got: text.chars().take(40).collect(),
        })
    }
}

/// Whether a pool is at or above a threshold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Flag {
    /// The threshold's short name.
    pub id: String,
    /// Whether the threshold was in force then.
    pub in_force: bool,
}

/// How long a pool would take for a training run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Feasible {
    /// The run has ten to this power floating-point operations.
    pub exponent: u32,
    /// Whether the pool does it in the days asked for.
    pub possible: bool,
    /// Thousandths of a day that it takes, rounded up; absent if it does nothing at all.
    pub days_milli: Option<u128>,
}

/// One pool.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PoolRow {
    /// Site, owner or parent.
    pub key: String,
    /// Sites of it that hold something, in order.
    pub sites: Vec<String>,
    /// What it holds.
    pub compute: Compute,
    /// Of its chips, those under way.
    pub in_transit: u64,
    /// Of its chips, those in operation.
    pub installed: u64,
    /// Dense 8- or 16-bit operations, millions per second.
    pub mops: u128,
    /// Thresholds that it reaches.
    pub flags: Vec<Flag>,
    /// What it could train.
    pub trainings: Vec<Feasible>,
}

/// The answer: pools by size.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pools {
    /// The two times of the answer.
    pub moment: Moment,
    /// Pools, largest TPP first.
    pub rows: Vec<PoolRow>,
    /// Sum of all rows.
    pub total: Compute,
    /// Sites whose position nobody declared: near nothing but themselves.
    pub unplaced: Vec<String>,
}

/// Ranks pools. Only chips in one status, if one is named.
pub fn pools(
    view: &View<'_>,
    pooling: Pooling,
    status: Option<Status>,
    effort: Effort,
    as_of: AsOf,
) -> Result<Pools, QueryError> {
    let moment = view.moment(as_of)?;
    let balances = if as_of.is_now() {
        view.balances_now()?
    } else {
        view.balances_at(moment)?
    };
    let models = view.models()?;
    let mut keys = Keys::new(view, moment, pooling);
    if let Pooling::Near { metres } = pooling {
        keys.group(balances.keys().map(|(account, _)| account), metres)?;
    }
    let mut rows: BTreeMap<String, Draft> = BTreeMap::new();
    for ((account, number), (chips, disputed)) in &balances {
        if status.is_some_and(|status| status != account.status) {
            continue;
        }
        let model = models.get(usize::from(number.0)).map(|(_, model)| model);
        let row = rows.entry(keys.of(account)?).or_default();
        row.add(account, *chips, *disputed, model);
    }
    let now = moment.at.unwrap_or(moment.known_time);
    let total = rows
        .values()
        .fold(Compute::default(), |sum, row| sum.plus(&row.compute));
    let mut rows: Vec<PoolRow> = rows
        .into_iter()
        .map(|(key, draft)| draft.row(key, effort, now))
        .collect();
    rows.sort_by(|a, b| {
        let by_size = b.compute.tpp_milli.cmp(&a.compute.tpp_milli);
        by_size.then_with(|| a.key.cmp(&b.key))
    });
    Ok(Pools {
        moment,
        rows,
        total,
        unplaced: keys.unplaced,
    })
}

#[derive(Default)]
struct Draft {
    compute: Compute,
    sites: std::collections::BTreeSet<String>,
    in_transit: u64,
    installed: u64,
    mops: u128,
}

impl Draft {
    fn add(&mut self, account: &Account, chips: u64, disputed: u64, model: Option<&ModelVersion>) {
        let irregular = account.status == Status::Irregular;
        self.compute.add(chips, disputed, irregular, model);
        match &account.place {
            AccountPlace::Site { site, .. } => {
                self.sites.insert(site.to_string());
            }
            AccountPlace::Transit { .. } => self.in_transit += chips,
        }
        if account.status == Status::Installed {
            self.installed += chips;
        }
        self.mops += u128::from(model.map_or(0, mops)) * u128::from(chips);
    }

    fn row(self, key: String, effort: Effort, now: chipledger_schemas::time::Time) -> PoolRow {
        let reached = THRESHOLDS.iter().filter(|threshold| {
            let amount = match threshold.measure {
                Measure::TppMilli => self.compute.tpp_milli,
                Measure::Mops => self.mops,
            };
            amount >= threshold.amount
        });
        let flags = reached.map(|threshold| Flag {
            id: threshold.id.to_owned(),
            in_force: threshold.in_force(now),
        });
        let trainings = TRAININGS.iter();
        PoolRow {
            key,
            sites: self.sites.into_iter().collect(),
            flags: flags.collect(),
            trainings: trainings
                .map(|training| feasible(self.compute.fp16_mflops, training.exponent, effort))
                .collect(),
            compute: self.compute,
            in_transit: self.in_transit,
            installed: self.installed,
            mops: self.mops,
        }
    }
}

/// Dense operations at 8 or 16 bits, whichever are more, millions per second.
fn mops(model: &ModelVersion) -> u64 {
    let figures = [
        model.dense_fp16_mflops,
        model.dense_fp8_mflops,
        model.dense_int8_mops,
    ];
    figures.into_iter().flatten().max().unwrap_or(0)
}

/// What a pool of some dense 16-bit performance can train.
pub fn feasible(fp16_mflops: u128, exponent: u32, effort: Effort) -> Feasible {
    // A megaflop times a part per million is one operation.
    let per_second = fp16_mflops * u128::from(effort.utilisation_ppm);
    let per_day = per_second * u128::from(DAY_MS / 1_000);
    let wanted = 10_u128.pow(exponent.min(34));
    Feasible {
        exponent,
        possible: per_day.saturating_mul(u128::from(effort.days)) >= wanted,
        days_milli: (per_day > 0).then(|| (wanted * 1_000).div_ceil(per_day)),
    }
}

/// Names of pools.
struct Keys<'a, 'd> {
    view: &'a View<'d>,
    moment: Moment,
    pooling: Pooling,
    parents: Parents<'a, 'd>,
    /// The first site of the chain that a parent's site belongs to.
    chains: BTreeMap<(MemberId, SiteId), SiteId>,
    unplaced: Vec<String>,
}

impl<'a, 'd> Keys<'a, 'd> {
    fn new(view: &'a View<'d>, moment: Moment, pooling: Pooling) -> Self {
        Self {
            view,
            moment,
            pooling,
            parents: Parents::new(view, moment),
            chains: BTreeMap::new(),
            unplaced: Vec::new(),
        }
    }

    fn of(&mut self, account: &Account) -> Result<String, QueryError> {
        Ok(match self.pooling {
            Pooling::Site => place(account),
            Pooling::Owner => account.owner.to_string(),
            Pooling::Parent => self.parents.of(&account.owner)?.to_string(),
            Pooling::Near { .. } => {
                let parent = self.parents.of(&account.owner)?;
                let AccountPlace::Site { site, .. } = &account.place else {
                    return Ok(format!("{parent} in transit"));
                };
                let key = (parent, site.clone());
                let first = self.chains.get(&key).unwrap_or(site);
                format!("{} around {first}", key.0)
            }
        })
    }

    /// Chains the sites of each parent.
    fn group<'k>(
        &mut self,
        accounts: impl Iterator<Item = &'k Account>,
        metres: u32,
    ) -> Result<(), QueryError> {
        let mut sites: BTreeMap<MemberId, BTreeMap<SiteId, Option<Position>>> = BTreeMap::new();
        let mut unplaced = std::collections::BTreeSet::new();
        for account in accounts {
            let AccountPlace::Site { site, .. } = &account.place else {
                continue;
            };
            let parent = self.parents.of(&account.owner)?;
            let of_parent = sites.entry(parent).or_default();
            if of_parent.contains_key(site) {
                continue;
            }
            let position = self.position(site)?;
            if position.is_none() {
                unplaced.insert(site.to_string());
            }
            of_parent.insert(site.clone(), position);
        }
        for (parent, sites) in sites {
            for (site, first) in chains(&sites, metres) {
                self.chains.insert((parent.clone(), site), first);
            }
        }
        self.unplaced = unplaced.into_iter().collect();
        Ok(())
    }

    fn position(&self, site: &SiteId) -> Result<Option<Position>, QueryError> {
        let key = Key::Site(site.clone());
        let then = self.view.version::<Site>(&key, self.moment)?;
        // A site may be declared after what happened there.
        let now = Moment {
            at: None,
            ..self.moment
        };
        let found = match then {
            Some(site) => Some(site),
            None => self.view.version::<Site>(&key, now)?,
        };
        Ok(found.and_then(|site| site.position))
    }
}

fn place(account: &Account) -> String {
    match &account.place {
        AccountPlace::Site { site, .. } => site.to_string(),
        AccountPlace::Transit { from, to, .. } => format!("{from}->{to}"),
    }
}

/// The first site, by id, of the chain that each belongs to.
fn chains(sites: &BTreeMap<SiteId, Option<Position>>, metres: u32) -> Vec<(SiteId, SiteId)> {
    let all: Vec<(&SiteId, Option<Position>)> = sites
        .iter()
        .map(|(site, position)| (site, *position))
        .collect();
    let mut first: Vec<usize> = (0..all.len()).collect();
    let close = |a: usize, b: usize| match (&all[a].1, &all[b].1) {
        (Some(a), Some(b)) => within(a, b, metres),
        _ => false,
    };
    for b in 0..all.len() {
        for a in 0..b {
            let (low, high) = (first[a].min(first[b]), first[a].max(first[b]));
            if low != high && close(a, b) {
                for place in &mut first {
                    if *place == high {
                        *place = low;
                    }
                }
            }
        }
    }
    let named = |(at, first): (usize, &usize)| (all[at].0.clone(), all[*first].0.clone());
    first.iter().enumerate().map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const H100_FP16_MFLOPS: u128 = 989_400_000;

    #[test]
    fn ten_to_the_26_takes_the_h100s_that_the_arithmetic_says() {
        for (chips, days) in [(97_484, 30), (32_495, 90), (8_013, 365)] {
            let effort = Effort {
                days,
                utilisation_ppm: 400_000,
            };
            let possible = |chips: u128| feasible(chips * H100_FP16_MFLOPS, 26, effort).possible;
            assert!(possible(chips), "{chips} in {days} days");
            assert!(!possible(chips - 1), "{chips} - 1 in {days} days");
        }
        let nothing = feasible(
            0,
            25,
            Effort {
                days: 365,
                utilisation_ppm: ONE_PPM,
            },
        );
        assert!(!nothing.possible && nothing.days_milli.is_none());
    }

    #[test]
    fn sites_chain_through_neighbours_and_not_through_the_unplaced() {
        let site = |id: &str, longitude_udeg: Option<i32>| {
            let position = longitude_udeg.map(|longitude_udeg| Position {
                latitude_udeg: 0,
                longitude_udeg,
            });
            (id.parse::<SiteId>().unwrap(), position)
        };
        // A degree is 111 km.
        let sites = [
            site("A", Some(0)),
            site("B", Some(800_000)),
            site("C", Some(400_000)),
            site("D", Some(2_000_000)),
            site("E", None),
        ];
        let chained = |metres| {
            let first = chains(&sites.iter().cloned().collect(), metres);
            let text = first.iter().map(|(_, first)| first.to_string());
            text.collect::<String>()
        };
        assert_eq!(chained(50_000), "AAADE");
        assert_eq!(chained(40_000), "ABCDE");
        assert_eq!(chained(140_000), "AAAAE");
    }
}
