//! Deliveries: each cluster's chips come in consignments, the last one just before the first day in
//! operation.

use chipledger_schemas::catalogue::Catalogue;
use chipledger_schemas::ids::{MemberId, SiteId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::set_licence::{LicenceAction, LicenceTerms};
use chipledger_schemas::records::{Record, SetLicence};
use chipledger_schemas::time::{DAY_MS, Time};
use chipledger_schemas::words::KeyClass;

use super::cluster::{Cluster, Part};
use super::draft::{Draft, Signer};
use super::goods::Goods;
use super::governance::{LICENSOR, needs_licence};
use super::journey::{Journey, Purchase, Twist};
use super::packing;
use super::plan::Plan;
use super::roster::{Party, distributor_for, named};

/// Chips of one consignment: with its units it stays far below the item-events that a record may
/// have.
const CONSIGNMENT_CHIPS_MAX: u64 = 4_096;
/// Consignments of one cluster follow each other within this time.
const DELIVERY_MS_MAX: u64 = 240 * DAY_MS;
const DELIVERY_GAP_MS_MAX: u64 = 5 * DAY_MS;
/// One chip in so many fails in its first weeks.
const CHIPS_PER_FAILURE: u64 = 2_000;

/// Racks of a cluster, for those who look at them later.
#[derive(Debug)]
pub(super) struct Delivered {
    pub(super) operational_from: Time,
    /// Of the first consignment of each model.
    pub(super) racks: Vec<Goods>,
}

/// Delivers everything that stands in a cluster.
pub(super) fn deliver(plan: &mut Plan, cluster: &Cluster, site: &SiteId) -> Delivered {
    let buyer = Party {
        member: plan.roster.operator(cluster),
        site: site.clone(),
        jurisdiction: cluster.country,
    };
    let operational_from = operational_from(cluster);
    let parts = cluster.parts.iter();
    let racks = parts.filter_map(|part| deliver_part(plan, part, &buyer, operational_from));
    Delivered {
        operational_from,
        racks: racks.collect(),
    }
}

/// The published first day in operation; else the middle of the year after the (first) model's
/// release.
pub(super) fn operational_from(cluster: &Cluster) -> Time {
    let year_after_release = || {
        let model = Catalogue::builtin().get(&cluster.parts[0].model);
        let released = model.and_then(|model| model.release_year).unwrap_or(2023);
        named(&format!("{}-07-01", released + 1))
    };
    cluster.operational_from.unwrap_or_else(year_after_release)
}

fn deliver_part(plan: &mut Plan, part: &Part, buyer: &Party, ready_at: Time) -> Option<Goods> {
    let chips = plan.scale.of(part.chips);
    let consignments = chips.div_ceil(CONSIGNMENT_CHIPS_MAX);
    let gap_ms = DELIVERY_GAP_MS_MAX.min(DELIVERY_MS_MAX / consignments.max(1));
    let start = |index: u64| ready_at.minus_ms((consignments - 1 - index) * gap_ms);
    let mut purchase = Purchase {
        fab: plan.roster.fab(part.model.vendor()).clone(),
        model: part.model.clone(),
        chips,
        buyer: buyer.clone(),
        via: None,
        licences: Vec::new(),
    };
    purchase.via = route(plan, &purchase);
    let repaired_at = ready_at.plus_ms(60 * DAY_MS);
    if needs_licence(buyer.jurisdiction, &part.model, repaired_at) {
        license(plan, &mut purchase, start(0));
    }
    let mut first_racks = None;
    for index in 0..consignments {
        purchase.chips = CONSIGNMENT_CHIPS_MAX.min(chips - index * CONSIGNMENT_CHIPS_MAX);
        let racks = consign(plan, &purchase, start(index), index);
        first_racks.get_or_insert(racks);
    }
    first_racks
}

/// Directly, or by way of the distributor who serves the place: a vendor's own clusters and places
/// that nobody published are served directly, and four in ten of the others.
fn route(plan: &Plan, purchase: &Purchase) -> Option<Party> {
    let Purchase {
        fab, buyer, model, ..
    } = purchase;
    let mut dice = plan.seed.stream(&format!("route {} {model}", buyer.site));
    let own = fab.member == buyer.member;
    let unknown = buyer.jurisdiction == Jurisdiction::UNKNOWN;
    let direct = own || unknown || dice.below(10) < 4;
    (!direct).then(|| distributor_for(buyer.jurisdiction))
}

fn consign(plan: &mut Plan, purchase: &Purchase, start: Time, index: u64) -> Goods {
    let site = &purchase.buyer.site;
    let mut dice = plan
        .seed
        .stream(&format!("{site} {} {index}", purchase.model));
    let twist = Twist::throw(
        &mut dice,
        packing::of(&purchase.model).pallets(purchase.chips),
    );
    let failures = (purchase.chips + dice.below(CHIPS_PER_FAILURE)) / CHIPS_PER_FAILURE;
    let first_failure = dice.below(purchase.chips);
    let mut journey = Journey::new(plan, dice, start);
    let made = journey.supply(purchase, twist);
    let racks = journey.install(&made, &purchase.model, &purchase.buyer, twist);
    for failure in 0..failures {
        // Failures lie apart, so that no chip fails twice.
        let place = (first_failure + failure * (purchase.chips / failures)) % purchase.chips;
        let failed: ItemSet = made.chips.split(place).1.split(1).0.set();
        let failed = failed.ids().next().expect("one chip");
        journey.repair(purchase, &failed);
    }
    racks
}

/// One licence for all consignments of a model to a cluster, and a twentieth more for repairs, for
/// each member who ships there.
fn license(plan: &mut Plan, purchase: &mut Purchase, first: Time) {
    let shippers = std::iter::once(&purchase.fab).chain(&purchase.via);
    let shippers: Vec<MemberId> = shippers.map(|party| party.member.clone()).collect();
    let signed_at = first.minus_ms(100 * DAY_MS);
    let buyer = purchase.buyer.clone();
    plan.need_member(&buyer.member, signed_at);
    for licensee in shippers {
        plan.need_member(&licensee, signed_at);
        let authority = named(LICENSOR);
        let licence = plan.document(&authority, "LIC");
        let terms = LicenceTerms {
            licensee: licensee.clone(),
            consignee: Some(buyer.member.clone()),
            end_user: Some(buyer.member.clone()),
            to: [buyer.jurisdiction].into(),
            models: [purchase.model.clone()].into(),
            chips_max: Some(purchase.chips + purchase.chips / 20 + 10),
            tpp_milli_max: None,
            valid_from: signed_at,
            valid_until: first.plus_ms(500 * DAY_MS),
            conditions: "Not for re-export.".to_owned(),
        };
        plan.say(Draft {
            signed_at,
            author: Signer {
                member: authority,
                class: KeyClass::Admin,
            },
            cosigners: Vec::new(),
            records: vec![Record::SetLicence(SetLicence {
                licence: licence.clone(),
                action: LicenceAction::Grant(terms),
            })],
        });
        purchase.licences.push((licensee, licence));
    }
}
