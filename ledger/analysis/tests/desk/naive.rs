//! Random histories: every question against an obviously right, slow answer, chip by chip, at
//! random event times as known at random heights.

use std::collections::{BTreeMap, BTreeSet};

use chipledger_analysis::accountancy::accountancy;
use chipledger_analysis::changes::{Cursor, Direction, Whose, changes};
use chipledger_analysis::coverage::coverage;
use chipledger_analysis::ever_at::{Relation, Somewhere, ever_at};
use chipledger_analysis::headroom::headroom;
use chipledger_analysis::journeys::Journeys;
use chipledger_analysis::pools::{Effort, Pooling, pools};
use chipledger_ledger::fixture::id;
use chipledger_ledger::read::balances::{By, ComputeQuery};
use chipledger_ledger::read::places::Whereabouts;
use chipledger_ledger::read::{AsOf, Known, Moment, QueryError};
use chipledger_ledger::store::View;
use chipledger_schemas::ids::{Height, ItemId};
use chipledger_schemas::time::{DAY_MS, HOUR_MS, Time};
use chipledger_schemas::words::Status;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::history::Desk;

const SEEDS: u64 = 6;
const STEPS: usize = 260;
const SITES: [&str; 4] = ["TW-FAB", "SG-HUB", "US-DC", "DE-DC"];

/// Where a chip was by the read model's own climb, one item at a time.
fn whereabouts(view: &View<'_>, chip: &ItemId, as_of: AsOf) -> Option<Whereabouts> {
    match view.whereabouts(chip, as_of) {
        Ok(found) => Some(found),
        Err(QueryError::ItemUnknown { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

/// A moment within the history: sometimes the present.
fn random_moment(rng: &mut impl Rng, view: &View<'_>) -> AsOf {
    let head = view.head().unwrap().header;
    let began = id::<Time>("2026-01-01");
    let hours = head.time.since_ms(began) / HOUR_MS;
    let at = began.plus_ms(rng.random_range(0..=hours) * HOUR_MS + 1);
    AsOf {
        at: (rng.random_range(0..5) > 0).then_some(at),
        known_at: (rng.random_range(0..3) > 0)
            .then(|| Known::Height(Height(rng.random_range(1..=head.height.0)))),
    }
}

/// Runs a check on random histories at random moments.
fn on_histories(moments: usize, check: impl Fn(&Desk, &View<'_>, AsOf, Moment)) {
    let mut kinds: BTreeMap<&str, u32> = BTreeMap::new();
    for seed in 0..SEEDS {
        let desk = Desk::random(seed, STEPS);
        let view = desk.solo.store().view();
        let mut rng = ChaCha8Rng::seed_from_u64(1_000 + seed);
        for _ in 0..moments {
            let as_of = random_moment(&mut rng, &view);
            let moment = view.moment(as_of).unwrap();
            check(&desk, &view, as_of, moment);
        }
        for (kind, count) in &desk.accepted {
            *kinds.entry(kind).or_default() += count;
        }
    }
    for kind in [
        "pack", "unpack", "ship", "receive", "install", "set_loss", "correct", "dispute",
    ] {
        let count = kinds.get(kind).copied().unwrap_or(0);
        assert!(count >= 5, "{kind} happened {count} times: {kinds:?}");
    }
}

#[test]
fn every_chip_stays_where_the_climb_finds_it() {
    on_histories(12, |_, view, as_of, moment| {
        let chips = Journeys::read(view, moment).unwrap().chips().unwrap();
        let known: BTreeSet<_> = chips.iter().map(|chip| &chip.id).collect();
        for chip in Desk::chips() {
            let found = whereabouts(view, &chip, as_of);
            assert!(found.is_none() || known.contains(&chip), "{chip}");
        }
        for chip in &chips {
            let found = whereabouts(view, &chip.id, as_of);
            let stay = chip.at(as_of.at);
            assert_eq!(found.is_some(), stay.is_some(), "{} {as_of:?}", chip.id);
            let (Some(found), Some(stay)) = (found, stay) else {
                continue;
            };
            let told = (
                &stay.holder,
                &stay.owner,
                &stay.user,
                stay.status,
                stay.from,
                stay.spot,
            );
            let right = (
                &found.holder,
                &found.owner,
                &found.user,
                found.status,
                found.since,
                found.record,
            );
            assert_eq!(told, right, "{} {as_of:?}", chip.id);
            let containers = stay.containers.iter();
            let containers: Vec<_> = containers
                .map(|unit| view.leaf(*unit).unwrap().id)
                .collect();
            assert_eq!(containers, found.containers, "{} {as_of:?}", chip.id);
            assert_eq!(
                matches!(stay.place, chipledger_schemas::movement::Place::Transit(_)),
                found.shipment.is_some()
            );
            if found.shipment.is_none() {
                assert!(format!("{:?}", stay.place).contains(&found.place));
            }
        }
    });
}

fn in_book(found: Option<&Whereabouts>, site: &str) -> bool {
    found.is_some_and(|found| {
        let gone = [
            Status::Lost,
            Status::Stolen,
            Status::Destroyed,
            Status::Void,
        ];
        found.place == site && !gone.contains(&found.status)
    })
}

#[test]
fn a_sites_accounts_balance_between_what_the_climb_finds_at_both_ends() {
    on_histories(3, |_, view, as_of, moment| {
        let until = moment.at.unwrap_or(moment.known_time);
        let from = until.minus_ms(DAY_MS * 3);
        let known_at = Some(Known::Height(moment.known));
        for site in SITES {
            let accounts = accountancy(view, &id(site), from, moment).unwrap();
            assert!(
                accounts.total.balances(),
                "{site} {as_of:?}: {:?}",
                accounts.total
            );
            assert!(accounts.rows.iter().all(|row| row.material.balances()));
            let mut booked = Vec::new();
            let mut beginning = 0;
            for chip in Desk::chips() {
                let at = |at| {
                    whereabouts(
                        view,
                        &chip,
                        AsOf {
                            at: Some(at),
                            known_at,
                        },
                    )
                };
                beginning += u64::from(in_book(at(from).as_ref(), site));
                if in_book(at(until).as_ref(), site) {
                    booked.push(chip.clone());
                }
            }
            assert_eq!(accounts.total.beginning, beginning, "{site} {as_of:?}");
            assert_eq!(
                accounts.total.ending,
                booked.len() as u64,
                "{site} {as_of:?}"
            );
            let told: Vec<_> = accounts.booked.iter().map(|chip| chip.id.clone()).collect();
            assert_eq!(told, booked, "{site} {as_of:?}");
            let parts = accounts.total;
            assert_eq!(
                parts.verified + parts.unaccounted + parts.unverified,
                parts.ending
            );
            assert_eq!(accounts.ages.iter().sum::<u64>(), parts.ending);
            for way in &accounts.shipments {
                let out = way.received + way.returned + way.lost + way.outstanding;
                assert_eq!(way.shipped, out, "{way:?}");
            }
        }
    });
}

#[test]
fn a_chip_was_somewhere_exactly_when_the_climb_finds_it_there() {
    on_histories(2, |_, view, as_of, moment| {
        let known_at = Some(Known::Height(moment.known));
        let last = as_of.at.unwrap_or(Time::END);
        let mut rng = ChaCha8Rng::seed_from_u64(moment.known.0);
        let somewhere = [
            Somewhere::Site(id("US-DC")),
            Somewhere::Jurisdiction(id("SG")),
            Somewhere::Member(id("OP")),
        ];
        for somewhere in &somewhere {
            let found = ever_at(view, somewhere, moment).unwrap();
            for _ in 0..12 {
                let asked = random_moment(&mut rng, view);
                let at = asked.at.unwrap_or(moment.known_time).min(last);
                for chip in Desk::chips() {
                    let as_of = AsOf {
                        at: Some(at),
                        known_at,
                    };
                    let truth = whereabouts(view, &chip, as_of);
                    let truth = truth.filter(|found| !found.status.is_ended());
                    let is = |relation| match (somewhere, &truth) {
                        (_, None) => false,
                        (Somewhere::Site(site), Some(truth)) => {
                            relation == Relation::Place && truth.place == site.as_str()
                        }
                        (Somewhere::Jurisdiction(law), Some(truth)) => {
                            relation == Relation::Place && truth.jurisdiction == Some(*law)
                        }
                        (Somewhere::Member(member), Some(truth)) => match relation {
                            Relation::Place => false,
                            Relation::Holder => truth.holder == *member,
                            Relation::Owner => truth.owner == *member,
                            Relation::User => truth.user == *member,
                        },
                    };
                    for relation in [
                        Relation::Place,
                        Relation::Holder,
                        Relation::Owner,
                        Relation::User,
                    ] {
                        let told = found.rows.iter().any(|row| {
                            row.id == chip
                                && row.relation == relation
                                && row.from <= at
                                && row.until.is_none_or(|until| at < until)
                        });
                        assert_eq!(told, is(relation), "{chip} {somewhere:?} {relation:?} {at}");
                    }
                }
            }
        }
    });
}

#[test]
fn pools_are_the_rows_of_compute_and_near_pools_add_up_to_them() {
    let effort = Effort {
        days: 90,
        utilisation_ppm: 400_000,
    };
    on_histories(4, |_, view, as_of, _| {
        let cases = [
            (Pooling::Site, By::Site),
            (Pooling::Owner, By::Owner),
            (Pooling::Parent, By::Parent),
        ];
        for (pooling, by) in cases {
            let told = pools(view, pooling, None, effort, as_of).unwrap();
            let query = ComputeQuery {
                by,
                as_of,
                filters: Vec::new(),
            };
            let right = view.compute(&query).unwrap();
            let rows: BTreeMap<_, _> = told
                .rows
                .iter()
                .map(|row| (row.key.clone(), row.compute))
                .collect();
            assert_eq!(rows, right.rows);
            assert_eq!(told.total, right.total);
            let sizes: Vec<_> = told.rows.iter().map(|row| row.compute.tpp_milli).collect();
            assert!(sizes.is_sorted_by(|a, b| a >= b));
        }
        let near = pools(view, Pooling::Near { metres: 1_000 }, None, effort, as_of).unwrap();
        let all = pools(view, Pooling::Site, None, effort, as_of).unwrap();
        assert_eq!(near.total, all.total);
    });
}

#[test]
fn a_limit_counts_what_is_there_and_what_is_on_its_way() {
    let mut desk = Desk::random(3, STEPS);
    for (limit, scope) in [
        ("REG-1:L-US", json!({"jurisdiction": "US"})),
        ("REG-1:L-DC", json!({"site": "US-DC"})),
        ("REG-1:L-OP", json!({"parent": "OP"})),
    ] {
        let record = json!({"set_limit": {"limit": limit, "name": limit, "scope": scope,
            "measure": "chips", "amount": 5, "enforcement": "report",
            "valid_from": "2026-01-01", "valid_until": "2027-01-01",
            "occurred_at": null}});
        let mut record = record;
        record["set_limit"]
            .as_object_mut()
            .unwrap()
            .remove("occurred_at");
        let record = serde_json::from_value(record).unwrap();
        let said = desk.try_say("REG-1", &["REG-2", "REG-3"], record);
        assert!(said.is_some(), "{limit}");
    }
    let view = desk.solo.store().view();
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let mut used = 0;
    for _ in 0..20 {
        let as_of = random_moment(&mut rng, &view);
        let (moment, rows) = headroom(&view, None, 2, as_of).unwrap();
        assert_eq!(rows.len(), 3);
        let known_at = Some(Known::Height(moment.known));
        let count = |limit: &str, at: Option<Time>| {
            let mut counts = (0, 0);
            for chip in Desk::chips() {
                let found = whereabouts(&view, &chip, AsOf { at, known_at });
                let Some(found) = found.filter(|found| !found.status.is_ended()) else {
                    continue;
                };
                let way = found.shipment.is_some();
                let (here, coming) = match limit {
                    "REG-1:L-OP" => (
                        found.owner.as_str() == "OP" && !way,
                        found.owner.as_str() == "OP" && way,
                    ),
                    _ => (found.place == "US-DC", found.place.ends_with("->US-DC")),
                };
                counts.0 += u128::from(here);
                counts.1 += u128::from(coming);
            }
            counts
        };
        let at = moment.at.unwrap_or(moment.known_time);
        for row in &rows {
            let (here, way) = count(&row.limit.to_string(), moment.at);
            assert_eq!(
                (row.consumed, row.in_transit),
                (here, way),
                "{as_of:?} {row:?}"
            );
            assert_eq!(row.headroom, 5_u128.saturating_sub(here + way));
            assert_eq!(row.exceeded, (here + way).saturating_sub(5));
            let before = count(&row.limit.to_string(), Some(at.minus_ms(2 * DAY_MS)));
            let growth = here + way;
            let growth =
                i128::try_from(growth).unwrap() - i128::try_from(before.0 + before.1).unwrap();
            assert_eq!(row.growth, growth, "{as_of:?} {row:?}");
            used += row.consumed;
        }
    }
    assert!(used > 0, "nothing was ever counted");
}

#[test]
fn pages_of_changes_are_the_whole_feed_and_sum_to_the_balance() {
    on_histories(2, |_, view, as_of, _| {
        let as_of = AsOf { at: None, ..as_of };
        let moment = view.moment(as_of).unwrap();
        let from_start = Cursor {
            height: Height(0),
            after: None,
        };
        for law in ["TW", "SG", "US", "DE"] {
            let whose = Whose::Jurisdiction(id(law));
            let whole = changes(view, &whose, from_start, usize::MAX, moment).unwrap();
            assert!(!whole.more);
            let (mut cursor, mut pages) = (from_start, Vec::new());
            loop {
                let mut page = changes(view, &whose, cursor, 3, moment).unwrap();
                pages.append(&mut page.rows);
                cursor = page.next.parse().unwrap();
                if !page.more {
                    break;
                }
            }
            assert_eq!(pages, whole.rows);
            assert_eq!(cursor.height, moment.known);
            let mut balance: BTreeMap<bool, i128> = BTreeMap::new();
            for row in &whole.rows {
                let chips = i128::from(row.chips);
                let here = |side: &Option<chipledger_analysis::changes::Side>| {
                    side.as_ref().is_some_and(|side| side.jurisdiction == law)
                };
                *balance.entry(here(&row.to)).or_default() += chips;
                *balance.entry(here(&row.from)).or_default() -= chips;
                assert!(row.direction != Direction::In || row.to.is_some());
                assert!(row.record_id.is_some() && row.kind.is_some());
            }
            let query = ComputeQuery {
                by: By::Jurisdiction,
                as_of,
                filters: Vec::new(),
            };
            let compute = view.compute(&query).unwrap();
            let held = compute.rows.get(law).map_or(0, |row| row.chips);
            assert_eq!(
                balance.get(&true).copied().unwrap_or(0),
                i128::from(held),
                "{law}"
            );
        }
    });
}

#[test]
fn coverage_counts_every_registration_that_was_no_error() {
    on_histories(2, |_, view, as_of, moment| {
        let told = coverage(view, moment).unwrap();
        let registered: u64 = told.rows.iter().map(|row| row.registered).sum();
        let chips = Desk::chips();
        let found = chips
            .iter()
            .filter_map(|chip| whereabouts(view, chip, as_of));
        let right = found.filter(|found| found.status != Status::Void).count();
        assert_eq!(registered, right as u64, "{as_of:?}");
        assert_eq!(told.registered + told.without_estimate, registered);
        for row in &told.rows {
            let residual = row
                .estimate
                .map(|estimate| i128::from(estimate.median) - i128::from(row.registered));
            assert_eq!(row.residual, residual);
        }
    });
}
