//! What others see of a cluster once it runs: its meter, its own listing, an inspection.

use chipledger_schemas::ids::{MemberId, SiteId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::records::declare_inventory::Listing;
use chipledger_schemas::records::{DeclareInventory, Inspect, Record, ReportEnergy};
use chipledger_schemas::time::{DAY_MS, Time};

use super::cluster::Cluster;
use super::deliveries::Delivered;
use super::plan::Plan;
use super::roster::{INSPECTOR, named};

/// The first whole quarter of a cluster that is metered, counted from its first day in operation.
const METERED_FROM_DAY: u64 = 30;
const METERED_DAYS: u64 = 90;
/// Racks that an inspection looks at.
const SAMPLE_RACKS: u64 = 8;

/// One quarter of energy where the power is published; from every cluster of some size a listing,
/// and of every third of these an inspection.
pub(super) fn observe(plan: &mut Plan, cluster: &Cluster, site: &SiteId, delivered: &Delivered) {
    let operator = plan.roster.operator(cluster);
    let mut dice = plan.seed.stream(&format!("evidence {site}"));
    if let Some(power_w) = cluster.power_w {
        let load_percent = 55 + dice.below(30);
        report_energy(
            plan,
            &operator,
            site,
            delivered,
            power_w * load_percent / 100,
        );
    }
    if cluster.chips() < 1_000 {
        return;
    }
    let seen_at = delivered
        .operational_from
        .plus_ms((200 + dice.below(200)) * DAY_MS);
    for racks in &delivered.racks {
        let listing = Record::DeclareInventory(DeclareInventory {
            site: site.clone(),
            items: racks.set(),
            listing: Listing::Partial,
            occurred_at: seen_at,
        });
        plan.report(seen_at.plus_ms(DAY_MS), &operator, &[], vec![listing]);
        if dice.below(3) == 0 {
            let inspection = Record::Inspect(Inspect {
                plan: Some(
                    plan.document(&named::<MemberId>(INSPECTOR), "PLAN")
                        .reference,
                ),
                site: site.clone(),
                found: racks.split(SAMPLE_RACKS).0.set(),
                absent: ItemSet::new(),
                extra: ItemSet::new(),
                tampered: ItemSet::new(),
                occurred_at: seen_at.plus_ms(2 * DAY_MS),
            });
            plan.report(
                seen_at.plus_ms(3 * DAY_MS),
                &named(INSPECTOR),
                &[],
                vec![inspection],
            );
        }
    }
}

fn report_energy(
    plan: &mut Plan,
    operator: &MemberId,
    site: &SiteId,
    delivered: &Delivered,
    load_w: u64,
) {
    let from: Time = delivered
        .operational_from
        .plus_ms(METERED_FROM_DAY * DAY_MS);
    let until = from.plus_ms(METERED_DAYS * DAY_MS);
    let record = Record::ReportEnergy(ReportEnergy {
        site: site.clone(),
        from,
        until,
        energy_wh: plan.scale.of(load_w * METERED_DAYS * 24),
        meter: named("METER-1"),
        pue_milli: Some(1_250),
    });
    plan.report(until.plus_ms(5 * DAY_MS), operator, &[], vec![record]);
}
