//! D10: a hub through which goods pass: what comes in goes out, across a border, after a short
//! stay.

use std::collections::BTreeMap;

use chipledger_ledger::read::{QueryError, Spot};
use chipledger_schemas::ids::SiteId;
use chipledger_schemas::records::Record;
use chipledger_schemas::time::Time;
use chipledger_schemas::words::Role;

use super::calendar::date;
use super::id::RuleId;
use super::parameters::Name;
use super::shares::{Stake, count};
use super::watch::Watch;
use super::{About, Rule, Scene, Told};

/// What came to operators' sites from abroad, and how much of it went out again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hub {
    sites: BTreeMap<SiteId, Vec<Came>>,
}

#[derive(Clone, Debug)]
struct Came {
    at: Time,
    chips: u64,
    passed: u64,
    said: Spot,
    on: Vec<Spot>,
}

impl Rule for Hub {
    const ABOUT: About = About {
        id: RuleId::of(10),
        version: 1,
        name: "transshipment hub",
        why: "A datacentre that sends on what it gets is none: it stands between a seller and \
            somebody who could not buy.",
        innocent: &[
            "the operator moved its cluster to a new hall abroad",
            "the goods were returned to their maker under warranty",
        ],
        next: &[
            "ask the operator for the contracts with those to whom it shipped",
            "visit the hall, and count",
            "follow the chips to their next site, and ask who uses them there",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        match told.record {
            Record::Receive(receive) => {
                let watch = scene.watch;
                let id = receive.shipment.as_ref();
                let Some(shipment) = id.and_then(|id| watch.shipments.get(id)) else {
                    return Ok(());
                };
                let abroad = watch.place_of(&shipment.from_site) != watch.place_of(&receive.site);
                let (left, _) = watch.transit_change(told.postings);
                if abroad && is_operators(watch, &receive.site) && count(&left) > 0 {
                    let came = Came {
                        at: receive.occurred_at,
                        chips: count(&left),
                        passed: 0,
                        said: told.spot,
                        on: Vec::new(),
                    };
                    self.sites
                        .entry(receive.site.clone())
                        .or_default()
                        .push(came);
                }
            }
            Record::Ship(ship) => {
                let watch = scene.watch;
                let Some(shipment) = watch.shipments.get(&ship.shipment) else {
                    return Ok(());
                };
                let (from, to) = (&shipment.from_site, &shipment.to_site);
                if watch.place_of(from) != watch.place_of(to) {
                    let from = from.clone();
                    self.goes_on(scene, told, &from, ship.occurred_at);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether a site is run by an operator who neither makes nor sells.
fn is_operators(watch: &Watch, site: &SiteId) -> bool {
    let operator = watch.sites.get(site).map(|site| &site.operator);
    operator.is_some_and(|member| {
        watch.has_role(member, Role::Operator)
            && !watch.has_role(member, Role::Distributor)
            && !watch.has_role(member, Role::Fab)
    })
}

impl Hub {
    fn goes_on(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>, from: &SiteId, at: Time) {
        let watch = scene.watch;
        let Some(came) = self.sites.get_mut(from) else {
            return;
        };
        let (_, entered) = watch.transit_change(told.postings);
        let stay = watch.parameters.days_ms(Name::HubDays, told.time);
        let mut left = count(&entered);
        for came in came.iter_mut().filter(|came| at.since_ms(came.at) <= stay) {
            let passed = left.min(came.chips - came.passed);
            if passed > 0 {
                came.passed += passed;
                came.on.push(told.spot);
                left -= passed;
            }
        }
        // Twice the stay: what came in lately may still stay.
        let recent: Vec<&Came> = came
            .iter()
            .filter(|came| at.since_ms(came.at) <= 2 * stay)
            .collect();
        let chips: u64 = recent.iter().map(|came| came.chips).sum();
        let passed: u64 = recent.iter().map(|came| came.passed).sum();
        let share = watch.parameters.at(Name::HubSharePercent, told.time);
        let least = watch.parameters.at(Name::HubChipsMin, told.time);
        if passed < least || u128::from(passed) * 100 < u128::from(chips) * u128::from(share) {
            return;
        }
        let operator = watch.sites.get(from).map(|site| site.operator.to_string());
        let story = vec![format!(
            "{from}, run by {}, got {chips} chips from abroad and had sent {passed} of them \
             abroad again by {}, each within {} days.",
            operator.unwrap_or_default(),
            date(at),
            super::calendar::days(stay),
        )];
        let mut records: Vec<Spot> = Vec::new();
        for came in recent {
            records.push(came.said);
            records.extend(&came.on);
        }
        let moved: Stake = watch.stake(&entered);
        let stake = Stake {
            chips: passed,
            tpp_milli: (moved.tpp_milli * u128::from(passed))
                .checked_div(u128::from(moved.chips))
                .unwrap_or(0),
        };
        scene.raise(("site", from), records, (stake, story));
    }
}
