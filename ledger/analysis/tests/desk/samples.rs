//! Sizes against the hypergeometric distribution computed another way, and draws on a ledger.

use chipledger_analysis::hypergeometric::{
    Chance, Drawn, Probability, sample_of_share, sample_size, sample_sizes,
};
use chipledger_analysis::plan::{Aim, Goal, Plan, Secret};
use chipledger_analysis::sample::{SampleError, design, draw, rank};
use chipledger_ledger::fixture::id;
use chipledger_ledger::read::AsOf;
use chipledger_schemas::ids::{ItemId, TransactionId};
use proptest::prelude::*;
use serde_json::json;

use crate::history::Desk;

fn percent(text: &str) -> Probability {
    text.parse().unwrap()
}

/// Whole numbers by their digits to the base 2^32, lowest first: enough for sums of products.
fn binomial(n: u32, k: u32) -> u128 {
    let mut row = vec![1_u128];
    for _ in 0..n {
        let mut next = vec![1];
        next.extend(row.windows(2).map(|pair| pair[0] + pair[1]));
        next.push(1);
        row = next;
    }
    row.get(k as usize).copied().unwrap_or(0)
}

/// Whether a sample misses `missing` of `held` chips with at most what the probability leaves, by
/// counting samples.
fn detects(held: u32, missing: u32, sample: u32, probability: Probability) -> bool {
    let blind = binomial(held - missing, sample);
    let all = binomial(held, sample);
    blind * 1_000_000 <= all * u128::from(1_000_000 - probability.ppm())
}

proptest! {
    /// Up to 80 chips every count of samples fits into 128 bits with room for a million.
    #[test]
    fn the_size_is_the_smallest_that_counting_samples_allows(
        held in 1_u32..=80, missing in 1_u32..=80, ppm in 1_u32..1_000_000,
    ) {
        let missing = missing.min(held);
        let probability = Probability::from_ppm(ppm).unwrap();
        let size = sample_size(held, missing, probability).unwrap();
        prop_assert!(detects(held, missing, size, probability));
        prop_assert!(size > 0 && !detects(held, missing, size - 1, probability));
    }

    /// However the missing chips are spread over the models, and none of the sizes can shrink.
    #[test]
    fn sizes_by_model_suffice_wherever_the_missing_chips_are(
        held in proptest::collection::vec(1_u32..=12, 1..=3), missing in 1_u32..=12,
        ppm in 1_u32..1_000_000,
    ) {
        let all: u32 = held.iter().sum();
        let missing = missing.min(all);
        let probability = Probability::from_ppm(ppm).unwrap();
        let sizes = sample_sizes(&held, missing, probability).unwrap();
        prop_assert!(suffices(&held, &sizes, missing, probability));
        for place in 0..sizes.len() {
            let mut fewer = sizes.clone();
            if fewer[place] > 0 {
                fewer[place] -= 1;
                prop_assert!(!suffices(&held, &fewer, missing, probability), "{sizes:?}");
            }
        }
        if let [held] = held.as_slice() {
            prop_assert_eq!(sizes[0], sample_size(*held, missing, probability).unwrap());
        }
    }

    /// Any mix of models that reaches a quantity is seen.
    #[test]
    fn sizes_by_share_suffice_for_every_mix_that_makes_the_quantity(
        held in proptest::collection::vec(1_u32..=10, 2..=2),
        weights in proptest::collection::vec(1_u32..=5, 2..=2),
        quantity in 1_u32..=12, ppm in 1_u32..1_000_000,
    ) {
        let probability = Probability::from_ppm(ppm).unwrap();
        let sizes: Vec<u32> = held.iter().zip(&weights)
            .map(|(held, weight)| sample_of_share(*held, (quantity / weight).max(1), probability))
            .collect();
        for a in 0..=held[0] {
            for b in 0..=held[1] {
                if a * weights[0] + b * weights[1] >= quantity {
                    prop_assert!(spread(&held, &sizes, &[a, b], probability), "{a} {b} {sizes:?}");
                }
            }
        }
    }
}

/// Whether a spread of missing chips is seen, by counting samples of each model.
fn spread(held: &[u32], sizes: &[u32], missing: &[u32], probability: Probability) -> bool {
    let (mut blind, mut all) = (1_u128, 1_u128);
    for ((held, size), missing) in held.iter().zip(sizes).zip(missing) {
        blind *= binomial(held - missing, *size);
        all *= binomial(*held, *size);
    }
    blind * 1_000_000 <= all * u128::from(1_000_000 - probability.ppm())
}

/// Whether every spread of so many missing chips is seen.
fn suffices(held: &[u32], sizes: &[u32], missing: u32, probability: Probability) -> bool {
    fn every(
        held: &[u32],
        sizes: &[u32],
        left: u32,
        so_far: &mut Vec<u32>,
        probability: Probability,
    ) -> bool {
        let place = so_far.len();
        if place == held.len() {
            return left > 0 || spread(held, sizes, so_far, probability);
        }
        (0..=left.min(held[place])).all(|here| {
            so_far.push(here);
            let holds = every(held, sizes, left - here, so_far, probability);
            so_far.pop();
            holds
        })
    }
    every(held, sizes, missing, &mut Vec::new(), probability)
}

#[test]
fn sizes_are_those_of_the_tables() {
    for (held, missing, probability, size) in [
        (1_000, 16, "90%", 134),
        (1_000, 16, "20%", 14),
        (10_000, 16, "90%", 1_340),
        (10_000, 100, "90%", 227),
        (100_000, 1_000, "90%", 229),
        (100_000, 100, "90%", 2_276),
        (1, 1, "99.9999%", 1),
        (2, 1, "50%", 1),
        (2, 1, "50.0001%", 2),
        (1_000_000, 1_000_000, "0.999999", 1),
    ] {
        let found = sample_size(held, missing, percent(probability));
        assert_eq!(found, Some(size), "{held} {missing} {probability}");
    }
    assert_eq!(sample_size(10, 0, percent("90%")), None);
    assert_eq!(sample_size(10, 11, percent("90%")), None);
    let chance = Chance::of_missing_all(
        Drawn {
            held: 10_000,
            sample: 227,
        },
        100,
    );
    assert_eq!(chance.detection_ppm() / 1_000, 900);
}

#[test]
fn a_probability_is_above_nothing_and_below_all() {
    for (text, ppm) in [
        ("90%", 900_000),
        ("0.9", 900_000),
        ("99.99%", 999_900),
        ("0.000001", 1),
    ] {
        assert_eq!(percent(text).ppm(), ppm);
    }
    for text in [
        "",
        "0",
        "1",
        "100%",
        "0%",
        "90",
        "1.5",
        "-0.5",
        "0.0000001",
        "9O%",
        "+.5",
        ".5",
    ] {
        assert!(text.parse::<Probability>().is_err(), "{text:?}");
    }
}

/// Sixty chips of two models in two racks.
fn site() -> Desk {
    let mut desk = Desk::new();
    for (items, model) in [
        ("FAB:0000..0039", "NVIDIA/H100-SXM5-80GB"),
        ("FAB:1000..1019", "NVIDIA/H20-SXM-96GB"),
    ] {
        desk.say(
            "FAB",
            json!({"register": {"items": [items], "model": model,
            "site": "TW-FAB", "origin": "made", "device_keys": []}}),
        );
    }
    let pack = json!({"pack": {"units": ["FAB:r1"], "unit_kind": "rack",
        "items": ["FAB:0000..0019"]}});
    desk.say("FAB", pack);
    let install = json!({"install": {"items": ["FAB:r1"], "position": "ROW-7"}});
    desk.say("FAB", install);
    let loss = json!({"set_loss": {"items": ["FAB:0039"], "loss": "lost"}});
    desk.say("FAB", loss);
    desk
}

fn aim(goal: Goal) -> Aim {
    Aim {
        site: id("TW-FAB"),
        goal,
        probability: percent("90%"),
    }
}

const SECRET: Secret = Secret([7; 32]);

fn announce(desk: &mut Desk, plan: &Plan) -> TransactionId {
    let note = serde_json::to_value(plan.record()).unwrap();
    desk.say("INSPECTOR", json!({ "annotate": note })).0.id
}

#[test]
fn a_plan_draws_once_its_next_block_is_there_and_for_everyone_the_same() {
    let mut desk = site();
    let plan = Plan {
        aim: aim(Goal::Chips(5)),
        commitment: SECRET.commitment(),
    };
    let told = announce(&mut desk, &plan);
    let early = draw(&desk.solo.store().view(), &told, &SECRET).unwrap_err();
    assert!(matches!(early, SampleError::TooEarly { .. }), "{early}");
    // A chip that leaves after the notice is drawn from all the same.
    let out = json!({"ship": {"shipment": "FAB:S1", "items": ["FAB:1000..1019"], "to": "OP",
        "to_site": "US-DC", "expected_at": "2026-02-01"}});
    desk.say("FAB", out);
    let view = desk.solo.store().view();
    let sample = draw(&view, &told, &SECRET).unwrap();
    assert_eq!(sample.plan, plan);
    assert_eq!(sample.inspector, id("INSPECTOR"));
    assert_eq!(
        (sample.design.held, sample.design.reported_missing),
        (59, 1)
    );
    assert_eq!(sample.picks.len() as u64, sample.design.sample);
    let block = view.header(sample.notice.height.next()).unwrap().unwrap().0;
    assert_eq!(sample.block, block.hash());
    for stratum in &sample.design.strata {
        let mine = sample
            .picks
            .iter()
            .filter(|pick| pick.model == stratum.model);
        let mut mine: Vec<_> = mine.map(|pick| pick.id.clone()).collect();
        assert_eq!(mine.len() as u64, stratum.sample);
        // Drawn again by hand: the lowest ranks of the model's chips.
        let all = if stratum.model.contains("H20") {
            1_000..1_020
        } else {
            0..39
        };
        let chips = all.map(|n: u32| id::<ItemId>(&format!("FAB:{n:04}")));
        let mut ranked: Vec<_> = chips
            .map(|chip| (rank(&sample.seed, &chip), chip))
            .collect();
        ranked.sort();
        let mut right: Vec<_> = ranked.into_iter().map(|(_, chip)| chip).collect();
        right.truncate(mine.len());
        right.sort();
        mine.sort();
        assert_eq!(mine, right);
    }
    for pick in &sample.picks {
        let in_rack = pick.id < id("FAB:0020");
        assert_eq!(pick.position.is_some(), in_rack, "{pick:?}");
        assert_eq!(pick.containers.len(), usize::from(in_rack));
        assert_eq!(pick.since.is_some(), pick.model.contains("H20"), "{pick:?}");
    }
    let wrong = draw(&view, &told, &Secret([8; 32])).unwrap_err();
    assert!(matches!(wrong, SampleError::WrongSecret), "{wrong}");
    // What happens later changes nothing of it.
    drop(view);
    desk.say(
        "FAB",
        json!({"set_loss": {"items": ["FAB:0038"], "loss": "lost"}}),
    );
    let again = draw(&desk.solo.store().view(), &told, &SECRET).unwrap();
    let ids = |sample: &chipledger_analysis::sample::Sample| {
        sample
            .picks
            .iter()
            .map(|pick| pick.id.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!((again.seed, ids(&again)), (sample.seed, ids(&sample)));
}

#[test]
fn another_secret_or_another_block_draws_others() {
    let mut desk = site();
    let mut drawn = std::collections::BTreeSet::new();
    for byte in 0..4 {
        let secret = Secret([byte; 32]);
        let plan = Plan {
            aim: aim(Goal::Chips(5)),
            commitment: secret.commitment(),
        };
        let told = announce(&mut desk, &plan);
        announce(&mut desk, &plan);
        let sample = draw(&desk.solo.store().view(), &told, &secret).unwrap();
        let ids: Vec<_> = sample
            .picks
            .iter()
            .map(|pick| pick.id.to_string())
            .collect();
        drawn.insert(ids);
    }
    assert_eq!(drawn.len(), 4);
}

#[test]
fn what_is_no_plan_draws_nothing() {
    let mut desk = site();
    let view = |desk: &Desk, told: &TransactionId| {
        draw(&desk.solo.store().view(), told, &SECRET).unwrap_err()
    };
    let other = json!({"annotate": {"record": "00".repeat(32), "text": "seen"}});
    let told = desk.say("INSPECTOR", other).0.id;
    assert!(matches!(view(&desk, &told), SampleError::Malformed(_)));
    let plan = Plan {
        aim: aim(Goal::Chips(5)),
        commitment: SECRET.commitment(),
    };
    // The text of a plan under another name.
    let renamed = json!({"annotate": {"record": "11".repeat(32), "text": plan.to_string()}});
    let told = desk.say("INSPECTOR", renamed).0.id;
    assert!(matches!(view(&desk, &told), SampleError::Malformed(_)));
    let unknown = id(&"22".repeat(32));
    assert!(matches!(
        view(&desk, &unknown),
        SampleError::PlanUnknown { .. }
    ));
    for text in [
        plan.to_string().replace("chips=5", "chips=05"),
        plan.to_string().to_uppercase(),
        format!("{plan} "),
        plan.to_string()
            .replace("probability_ppm=900000", "probability_ppm=0"),
    ] {
        assert!(text.parse::<Plan>().is_err(), "{text}");
    }
    assert_eq!(plan.to_string().parse::<Plan>().unwrap(), plan);
    assert!(plan.to_string().len() <= 400);
}

#[test]
fn a_quantity_of_compute_is_looked_for_in_every_model() {
    let desk = site();
    let view = desk.solo.store().view();
    let moment = view.moment(AsOf::default()).unwrap();
    let of = |goal| design(&view, &aim(goal), moment);
    // 16 H100e are 16 H100 or 107 H20 (2,368 TPP each), of which there are 20 here.
    let told = of(Goal::TppMilli(16 * 15_832_000)).unwrap();
    let sizes: Vec<_> = told
        .strata
        .iter()
        .map(|stratum| {
            (
                stratum.model.as_str(),
                stratum.held,
                stratum.missing,
                stratum.sample,
            )
        })
        .collect();
    assert_eq!(sizes[0], ("NVIDIA/H100-SXM5-80GB", 39, 16, 6));
    assert_eq!(sizes[1], ("NVIDIA/H20-SXM-96GB", 20, 107, 1));
    assert!(told.detection_ppm.is_none());
    let chips = of(Goal::Chips(5)).unwrap();
    assert!(chips.detection_ppm.unwrap() >= 900_000);
    assert!(chips.sample >= chips.unstratified.unwrap());
    assert!(chips.sample <= chips.unstratified.unwrap() + 2);
    let much = of(Goal::TppMilli(u64::MAX)).unwrap_err();
    assert!(matches!(much, SampleError::TooMuchMissing { .. }), "{much}");
    let many = of(Goal::Chips(60)).unwrap_err();
    assert!(matches!(many, SampleError::TooManyMissing { .. }), "{many}");
}
