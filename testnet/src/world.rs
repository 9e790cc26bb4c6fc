//! The real world: the published clusters as a genesis and a deterministic stream of signed
//! transactions.
//!
//! [`World::new`] writes all stories down unsigned and puts them in the order in which they were
//! signed; [`World::transactions`] signs them one by one as they are asked for. [`World::expected`]
//! is computed from the tables alone and says what a ledger that took it all must answer.

use std::collections::BTreeMap;

use chipledger_schemas::catalogue::ModelId;
use chipledger_schemas::genesis::{Clock, Genesis};
use chipledger_schemas::ids::{MemberId, SiteId};
use chipledger_schemas::keys::SecretKey;
use chipledger_schemas::records::{Record, SetSite};
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::Transaction;

pub use cast::{Cast, VALIDATORS_MAX};
pub use cluster::{Cluster, Clusters, Lack, Part, Unloadable};
pub use expected::{Expected, Pool};
pub use planted::{NotAPattern, Pattern, Planted};
pub use scale::{NotAScale, Scale};

use draft::Draft;
use keys::{KeyName, Keyring, Seed};
use plan::{Plan, PlannedSite};
use roster::{Roster, distributor};
use slug::Slugs;

mod cast;
mod cluster;
mod deliveries;
mod draft;
mod evidence;
mod expected;
mod goods;
mod governance;
mod hall;
mod incidents;
mod journey;
mod keys;
mod leg;
mod packing;
mod plan;
mod planted;
mod production;
mod roster;
mod scale;
mod serial;
mod slug;
#[cfg(test)]
mod tests;

/// Which world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WorldConfig {
    /// Parts per million of every cluster, 1 to 1,000,000 (the whole world); see [`Scale`].
    pub scale_ppm: u64,
    /// Everything that is not in the tables follows from it, keys included.
    pub seed: u64,
    /// Validators of its ledger, 1 (a ledger of one's own) or 4 to [`VALIDATORS_MAX`].
    pub validators: usize,
}

/// What a world consists of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Summary {
    /// Clusters that are loaded.
    pub clusters: u64,
    /// Clusters that exist and cannot be loaded.
    pub unloadable: u64,
    /// Accelerators that stand in clusters at the end.
    pub chips: u64,
    /// Members, founders included.
    pub members: u64,
    /// Transactions.
    pub transactions: u64,
    /// Records in them.
    pub records: u64,
    /// Item-events in them.
    pub item_events: u64,
    /// When the first transaction is signed.
    pub first_signed_at: Time,
    /// When the last one is.
    pub last_signed_at: Time,
}

/// A world, ready to be signed.
#[derive(Debug)]
pub struct World {
    cast: Cast,
    drafts: Vec<Draft>,
    expected: Expected,
    sites: BTreeMap<SiteId, BTreeMap<ModelId, u64>>,
    unloadable: Vec<Unloadable>,
    planted: Vec<Planted>,
    summary: Summary,
}

impl World {
    /// Makes the world. Equal configurations give equal worlds, byte for byte.
    ///
    /// # Panics
    /// If `scale_ppm` is not 1 to 1,000,000: make it with [`Scale::parse`].
    pub fn new(config: WorldConfig) -> Self {
        Self::with_planted(config, &[])
    }

    /// The world with patterns planted in it that do not add up. The chips that they happen to
    /// stand beside the published clusters: [`Self::expected`] does not count them.
    ///
    /// # Panics
    /// As [`Self::new`].
    pub fn with_planted(config: WorldConfig, patterns: &[Pattern]) -> Self {
        let scale = Scale::from_ppm(config.scale_ppm).expect("scale_ppm is 1 to 1,000,000");
        let seed = Seed(config.seed);
        let clusters = Clusters::builtin();
        let roster = Roster::of(&clusters);
        let cast = Cast::of(seed, &roster, config.validators, Clock::Replay);
        let mut plan = Plan::new(seed, scale, cast.genesis().clone(), roster);
        add_fab_and_distributor_sites(&mut plan);
        let ids = add_cluster_sites(&mut plan, &clusters.loadable);
        for (cluster, site) in clusters.loadable.iter().zip(&ids) {
            let delivered = deliveries::deliver(&mut plan, cluster, site);
            evidence::observe(&mut plan, cluster, site, &delivered);
        }
        incidents::tell(&mut plan);
        let planted = planted::plant(&mut plan, patterns);
        production::declare(&mut plan);
        governance::prepare(&mut plan);
        // A stable sort: what was planned first comes first among equals, so one order follows from
        // one seed.
        plan.drafts.sort_by_key(|draft| draft.signed_at);
        let expected = Expected::of(&clusters, scale);
        let summary = summary(&plan, &clusters, &expected);
        let sites = clusters.loadable.iter().zip(ids).map(|(cluster, site)| {
            let mut models = BTreeMap::new();
            for part in &cluster.parts {
                *models.entry(part.model.clone()).or_default() += scale.of(part.chips);
            }
            (site, models)
        });
        Self {
            cast,
            sites: sites.collect(),
            drafts: plan.drafts,
            expected,
            unloadable: clusters.unloadable,
            planted,
            summary,
        }
    }

    /// The first state of its ledger: replay clock.
    pub fn genesis(&self) -> Genesis {
        self.cast.genesis().clone()
    }

    /// Who is there from the start, with their demonstration keys.
    pub fn cast(&self) -> &Cast {
        &self.cast
    }

    /// The key that the first validator votes with.
    pub fn validator_key(&self) -> SecretKey {
        self.cast
            .validator_key(&self.cast.genesis().validators.0[0].member)
    }

    /// The admin key of a member. Any member id has one; the ledger knows those of its members.
    pub fn key(&self, member: &MemberId) -> SecretKey {
        self.cast.admin_key(member)
    }

    /// The clerk key with which a member other than an authority signs at `time`.
    pub fn clerk_key(&self, member: &MemberId, time: Time) -> SecretKey {
        self.cast
            .seed()
            .key(member, KeyName::Clerk(keys::term(time)))
    }

    /// The history, in the order in which it was signed; each is signed as it is asked for.
    pub fn transactions(&self) -> impl Iterator<Item = Transaction> + '_ {
        let genesis = self.cast.genesis().hash();
        let mut keys = Keyring::new(self.cast.seed());
        self.drafts
            .iter()
            .map(move |draft| draft.sign(genesis, &mut keys))
    }

    /// What a ledger that loaded the world must answer, from the tables alone.
    pub fn expected(&self) -> &Expected {
        &self.expected
    }

    /// Chips by model at each cluster's site, from the tables alone.
    pub fn expected_at_sites(&self) -> &BTreeMap<SiteId, BTreeMap<ModelId, u64>> {
        &self.sites
    }

    /// Clusters that exist and cannot be loaded.
    pub fn unloadable(&self) -> &[Unloadable] {
        &self.unloadable
    }

    /// What was planted, and on what it must be found.
    pub fn planted(&self) -> &[Planted] {
        &self.planted
    }

    /// How much of everything there is.
    pub fn summary(&self) -> Summary {
        self.summary
    }
}

fn add_fab_and_distributor_sites(plan: &mut Plan) {
    let distributors = (0..roster::DISTRIBUTORS.len()).map(distributor);
    let parties: Vec<_> = plan.roster.fabs().cloned().chain(distributors).collect();
    for party in parties {
        let record = governance::fab_site(&party, plan.genesis.time);
        plan.sites.insert(
            party.site,
            PlannedSite {
                record,
                first_needed: None,
            },
        );
    }
}

/// One site per cluster, named after country and cluster.
fn add_cluster_sites(plan: &mut Plan, clusters: &[Cluster]) -> Vec<SiteId> {
    let mut slugs = Slugs::new(SiteId::BYTES_MAX);
    let mut ids = Vec::new();
    for cluster in clusters {
        let site: SiteId =
            roster::named(&slugs.unique(&format!("{} {}", cluster.country, cluster.name)));
        let record = SetSite {
            site: site.clone(),
            name: roster::shorten(&cluster.name, 120),
            jurisdiction: cluster.country,
            operator: plan.roster.operator(cluster),
            position: cluster.position,
            power_kw: cluster.power_w.map(|power_w| power_w.div_ceil(1_000)),
            valid_from: Time::default(),
        };
        plan.sites.insert(
            site.clone(),
            PlannedSite {
                record,
                first_needed: None,
            },
        );
        ids.push(site);
    }
    ids
}

fn summary(plan: &Plan, clusters: &Clusters, expected: &Expected) -> Summary {
    let records = || plan.drafts.iter().flat_map(|draft| &draft.records);
    let signed_at = |draft: Option<&Draft>| draft.map_or(plan.genesis.time, |d| d.signed_at);
    Summary {
        clusters: clusters.loadable.len() as u64,
        unloadable: clusters.unloadable.len() as u64,
        chips: expected.total.chips,
        members: plan.roster.members.len() as u64,
        transactions: plan.drafts.len() as u64,
        records: records().count() as u64,
        item_events: records().map(Record::item_events).sum(),
        first_signed_at: signed_at(plan.drafts.first()),
        last_signed_at: signed_at(plan.drafts.last()),
    }
}
