//! D11: more chips than a site can power, or chips that stay in their boxes.

use std::collections::{BTreeMap, BTreeSet};

use chipledger_ledger::read::{QueryError, Spot};
use chipledger_proof::state::AccountPlace;
use chipledger_schemas::ids::SiteId;
use chipledger_schemas::records::Record;
use chipledger_schemas::time::Time;
use chipledger_schemas::words::{Role, Status};

use super::alert::Subject;
use super::calendar::{date, days};
use super::id::RuleId;
use super::parameters::Name;
use super::shares::{Chips, count};
use super::watch::Watch;
use super::{About, Rule, Scene, Told};

/// What came to operators' sites, and until when it should be in operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Capacity {
    came: BTreeMap<SiteId, Vec<Came>>,
    due: BTreeMap<Time, BTreeSet<SiteId>>,
    idle: BTreeSet<SiteId>,
}

#[derive(Clone, Debug)]
struct Came {
    at: Time,
    chips: u64,
    said: Spot,
}

impl Rule for Capacity {
    const ABOUT: About = About {
        id: RuleId::of(11),
        version: 1,
        name: "imports above capacity",
        why: "Who buys more than its site can run, or leaves it in boxes, means it for another \
            place.",
        innocent: &[
            "the hall is late, and a contract with a builder shows it",
            "the grid connection was enlarged and the site's record was not",
            "spares are kept for a large cluster next door",
        ],
        next: &[
            "ask the operator for its plan of installation, and for the grid operator's letter",
            "look at the boxes: seals, and a sample of what is inside",
            "hold further shipments to the site until it has answered",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        let watch = scene.watch;
        let mut installed = BTreeSet::new();
        let mut stock: BTreeMap<SiteId, u64> = BTreeMap::new();
        let mut left = BTreeSet::new();
        for row in told.postings {
            let at_site = |number| {
                let account = watch.account(number)?;
                let AccountPlace::Site { site, .. } = &account.place else {
                    return None;
                };
                Some((site, account.status))
            };
            if let Some((site, Status::Stock)) = at_site(row.from) {
                left.insert(site.clone());
            }
            match at_site(row.to) {
                Some((site, Status::Installed)) => drop(installed.insert(site.clone())),
                Some((site, Status::Stock)) if matches!(told.record, Record::Receive(_)) => {
                    *stock.entry(site.clone()).or_default() += row.count;
                }
                _ => {}
            }
        }
        for (site, chips) in stock {
            self.came(watch, told, site, chips);
        }
        for site in installed {
            powered(scene, told, &site);
        }
        for site in left {
            let least = watch.parameters.at(Name::IdleChipsMin, told.time);
            if count(&watch.at_site(&site, Status::Stock)) < least && self.idle.remove(&site) {
                scene.sink.end(&Subject::new("site", &site), told.time);
            }
        }
        Ok(())
    }

    fn at(&mut self, scene: &mut Scene<'_, '_>, time: Time) {
        while let Some(first) = self.due.first_entry().filter(|first| *first.key() < time) {
            let (due, sites) = first.remove_entry();
            for site in sites {
                self.judge(scene, &site, due);
            }
        }
    }
}

impl Capacity {
    fn came(&mut self, watch: &Watch, told: &Told<'_>, site: SiteId, chips: u64) {
        let operator = watch.sites.get(&site).map(|known| &known.operator);
        let runs = operator.is_some_and(|member| {
            watch.has_role(member, Role::Operator) && !watch.has_role(member, Role::Distributor)
        });
        if !runs {
            return;
        }
        let idle = watch.parameters.days_ms(Name::IdleDays, told.time);
        let due = told.time.plus_ms(idle);
        self.due.entry(due).or_default().insert(site.clone());
        self.came.entry(site).or_default().push(Came {
            at: told.time,
            chips,
            said: told.spot,
        });
    }

    fn judge(&mut self, scene: &mut Scene<'_, '_>, site: &SiteId, due: Time) {
        let watch = scene.watch;
        let idle_ms = watch.parameters.days_ms(Name::IdleDays, due);
        let came = self.came.get(site).map_or(&[][..], Vec::as_slice);
        let is_old = |came: &&Came| came.at.plus_ms(idle_ms) <= due;
        // First in, first out: what stands there came last.
        let lately: u64 = came.iter().filter(|c| !is_old(c)).map(|c| c.chips).sum();
        let stock: Chips = watch.at_site(site, Status::Stock);
        let idle = count(&stock).saturating_sub(lately);
        if idle < watch.parameters.at(Name::IdleChipsMin, due) {
            return;
        }
        let old: Vec<&Came> = came.iter().filter(is_old).collect();
        let mut stake = watch.stake(&stock);
        stake.tpp_milli = (stake.tpp_milli * u128::from(idle))
            .checked_div(u128::from(stake.chips))
            .unwrap_or(0);
        stake.chips = idle;
        let operator = watch.sites.get(site).map(|s| s.operator.to_string());
        let story = vec![format!(
            "{idle} chips that came to {site} ({}), run by {}, stood there in boxes on {}, {} days \
             after the last of them had come.",
            watch.place_of(site),
            operator.unwrap_or_default(),
            date(due),
            days(idle_ms),
        )];
        let records = old.iter().rev().take(5).map(|came| came.said).collect();
        self.idle.insert(site.clone());
        scene.raise_at(due, ("site", site), records, (stake, story));
    }
}

/// Whether the chips in operation fit the site's power; models of unknown power count none.
fn powered(scene: &mut Scene<'_, '_>, told: &Told<'_>, site: &SiteId) {
    let watch = scene.watch;
    let Some(power_kw) = watch.sites.get(site).and_then(|known| known.power_kw) else {
        return;
    };
    let installed = watch.at_site(site, Status::Installed);
    let watts = rated_w(watch, &installed);
    let margin = watch.parameters.at(Name::PowerMarginPercent, told.time);
    let most = u128::from(power_kw) * 1_000 * u128::from(100_u64.saturating_add(margin)) / 100;
    if watts <= most {
        return;
    }
    let operator = watch.sites.get(site).map(|s| s.operator.to_string());
    let story = vec![format!(
        "{site} ({}), run by {}, has {} chips in operation that draw {} kW by their ratings, \
         without hosts and cooling; its grid connection is {power_kw} kW.",
        watch.place_of(site),
        operator.unwrap_or_default(),
        count(&installed),
        watts / 1_000,
    )];
    let stake = watch.stake(&installed);
    scene.raise(("site", site), vec![told.spot], (stake, story));
}

/// What chips draw by their ratings, W.
pub(super) fn rated_w(watch: &Watch, chips: &Chips) -> u128 {
    let one = |(model, count): (&chipledger_proof::state::ModelNumber, &u64)| {
        let rating = watch.model(*model).and_then(|model| model.tdp_w);
        u128::from(rating.unwrap_or(0)) * u128::from(*count)
    };
    chips.iter().map(one).sum()
}
