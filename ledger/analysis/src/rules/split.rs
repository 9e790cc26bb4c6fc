//! D23: one pool that is split into sites, each below a threshold.

use std::collections::BTreeSet;

use chipledger_ledger::read::QueryError;
use chipledger_proof::state::AccountPlace;
use chipledger_schemas::ids::{MemberId, SiteId};
use chipledger_schemas::time::Time;
use chipledger_schemas::words::Status;

use super::globe::distance_km;
use super::id::RuleId;
use super::parameters::Name;
use super::shares::Stake;
use super::watch::Watch;
use super::{About, Rule, Scene, Told};

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Split;

impl Rule for Split {
    const ABOUT: About = About {
        id: RuleId::of(23),
        version: 1,
        name: "pool split below a threshold",
        why: "A threshold for a site is met by drawing the fence elsewhere. Halls of one owner \
            within a walk of each other compute as one.",
        innocent: &[
            "the halls serve different customers and no network joins them",
            "the positions are those of a town, not of the halls",
        ],
        next: &[
            "ask for the network plan of the campus",
            "count the halls as one pool until it is shown that they are not",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        let watch = scene.watch;
        let mut sites = BTreeSet::new();
        for row in told.postings {
            let account = watch.account(row.to);
            if let Some(account) = account.filter(|account| account.status == Status::Installed)
                && let AccountPlace::Site { site, .. } = &account.place
            {
                sites.insert(site.clone());
            }
        }
        for site in sites {
            judge(scene, told, &site);
        }
        Ok(())
    }
}

/// Sites of one parent near a site that have something in operation, with what that is.
fn near(watch: &Watch, site: &SiteId, parent: &MemberId, time: Time) -> Vec<(SiteId, Stake)> {
    let position = watch.sites.get(site).and_then(|known| known.position);
    let Some(position) = position else {
        return Vec::new();
    };
    let radius = watch.parameters.at(Name::SplitKm, time);
    let is_near = |(_, known): &(&SiteId, &super::watch::KnownSite)| {
        let there = known.position;
        watch.ultimate(&known.operator) == *parent
            && there.is_some_and(|there| distance_km(position, there) < radius)
    };
    let stocked = |(site, _): (&SiteId, _)| {
        let stake = watch.stake(&watch.at_site(site, Status::Installed));
        (stake.chips > 0).then(|| (site.clone(), stake))
    };
    watch
        .sites
        .iter()
        .filter(is_near)
        .filter_map(stocked)
        .collect()
}

fn judge(scene: &mut Scene<'_, '_>, told: &Told<'_>, site: &SiteId) {
    let watch = scene.watch;
    let Some(known) = watch.sites.get(site) else {
        return;
    };
    let parent = watch.ultimate(&known.operator);
    let pool = near(watch, site, &parent, told.time);
    let h100 = u128::from(chipledger_schemas::catalogue::H100_TPP) * 1_000;
    let threshold = u128::from(watch.parameters.at(Name::SplitH100e, told.time)) * h100;
    let together = pool
        .iter()
        .map(|(_, stake)| *stake)
        .fold(Stake::default(), |a, b| a + b);
    let split = pool.len() as u64 >= watch.parameters.at(Name::SplitSitesMin, told.time)
        && pool.iter().all(|(_, stake)| stake.tpp_milli < threshold)
        && together.tpp_milli >= threshold;
    if !split {
        return;
    }
    let parts: Vec<String> = pool
        .iter()
        .map(|(site, stake)| format!("{site} with {} chips", stake.chips))
        .collect();
    let story = vec![format!(
        "{parent} runs {} sites within {} km of each other: {}. Each is below {} H100e; together \
         they have {} chips, {} H100e.",
        pool.len(),
        watch.parameters.at(Name::SplitKm, told.time),
        parts.join(", "),
        threshold / h100,
        together.chips,
        together.tpp_milli / h100,
    )];
    scene.raise(("member", &parent), vec![told.spot], (together, story));
}
