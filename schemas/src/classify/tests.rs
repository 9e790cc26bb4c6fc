use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::catalogue::{Catalogue, ModelId};

/// Days on which each rule was in force.
const UNDER_2022: Date = date(2023, 1, 1);
const UNDER_2023: Date = date(2024, 1, 1);
const UNDER_2026: Date = date(2026, 2, 1);

fn figures(model: &str) -> Figures {
    let id: ModelId = model.parse().expect(model);
    Catalogue::builtin().get(&id).expect(model).into()
}

fn class(figures: &Figures) -> Class {
    classify(figures, UNDER_2023).class
}

/// A datacentre accelerator with this TPP and this area in whole square millimetres.
fn chip(tpp: u64, die_area_mm2: Option<u64>) -> Figures {
    Figures {
        tpp_milli: Some(1_000 * tpp),
        die_area_milli_mm2: die_area_mm2.map(|area| 1_000 * area),
        interconnect_mb_per_s: None,
        memory_bandwidth_mb_per_s: None,
        market: Market::Datacentre,
    }
}

#[test]
fn published_accelerators_fall_where_the_formula_puts_them() {
    use Class::{A1, A2, B1, B2, NacAca};
    // Model, TPP to the nearest whole, density in hundredths, class.
    let golden = [
        ("NVIDIA/A100-SXM4-40GB", 4992, 604, A1),
        ("NVIDIA/A100-SXM4-80GB", 4992, 604, A1),
        ("NVIDIA/H100-SXM5-80GB", 15_832, 1945, A1),
        ("NVIDIA/H20-SXM-96GB", 2368, 291, Class::None),
        ("NVIDIA/L4", 1936, 659, A2),
        ("NVIDIA/L20-PCIe", 1912, 314, Class::None),
        ("NVIDIA/L40", 2897, 476, B1),
        ("NVIDIA/L40S", 5864, 963, A1),
        ("NVIDIA/A10", 2000, 318, Class::None),
        ("NVIDIA/A40", 2395, 381, B2),
        ("NVIDIA/V100-SXM2-16GB", 2000, 245, Class::None),
        ("NVIDIA/V100-SXM2-32GB", 2000, 245, Class::None),
        ("NVIDIA/T4", 1048, 192, Class::None),
        ("AMD/Instinct-MI210", 2896, 367, B1),
        ("Google/TPU-v5e", 3152, 970, A2),
        ("Meta/MTIA-v2-MTIA-200", 2832, 673, A2),
        ("Graphcore/Colossus-Mk2-GC200", 4000, 486, B1),
        ("NVIDIA/GeForce-RTX-4090", 5285, 869, NacAca),
    ];
    for (model, tpp, density_hundredths, expected) in golden {
        let figures = figures(model);
        assert_eq!(
            figures.tpp_milli.map(|tpp| (tpp + 500) / 1_000),
            Some(tpp),
            "{model}"
        );
        assert_eq!(
            figures.density_hundredths(),
            Some(density_hundredths),
            "{model}"
        );
        let judgement = classify(&figures, UNDER_2023);
        assert_eq!(judgement.class, expected, "{model}");
        assert_eq!(
            judgement.citation.as_deref(),
            Some("88 FR 73458"),
            "{model}"
        );
        assert!(judgement.missing.is_empty(), "{model}");
    }
}

#[test]
fn thresholds_belong_to_the_stricter_side() {
    assert_eq!(class(&chip(4_800, None)), Class::A1);
    // 1,600 TPP on 100 mm2 are 16 TPP per mm2.
    assert_eq!(class(&chip(1_600, Some(100))), Class::A2);
    assert_eq!(class(&chip(1_599, Some(100))), Class::None);
    // 5.92, 3.2 and 1.6 TPP per mm2 exactly, then a little less (a larger die).
    assert_eq!(class(&chip(2_960, Some(500))), Class::A2);
    assert_eq!(class(&chip(2_960, Some(501))), Class::B1);
    assert_eq!(class(&chip(1_600, Some(500))), Class::B2);
    assert_eq!(class(&chip(1_600, Some(501))), Class::None);
    assert_eq!(class(&chip(2_400, Some(1_500))), Class::B1);
    assert_eq!(class(&chip(2_400, Some(1_501))), Class::None);
}

#[test]
fn missing_die_area_is_undetermined_wherever_density_decides() {
    for tpp in [1_600, 2_399, 2_400, 4_799] {
        let judgement = classify(&chip(tpp, None), UNDER_2023);
        assert_eq!(judgement.class, Class::Undetermined, "{tpp}");
        assert_eq!(judgement.missing, [Missing::DieArea].into(), "{tpp}");
    }
    assert_eq!(class(&chip(1_599, None)), Class::None);
    // A die of no size is a figure nobody sourced, not an infinite density.
    assert_eq!(class(&chip(1_600, Some(0))), Class::Undetermined);
    assert_eq!(class(&figures("NVIDIA/A30")), Class::Undetermined);
}

#[test]
fn missing_performance_or_market_is_undetermined() {
    let unknown = Figures {
        tpp_milli: None,
        ..chip(0, None)
    };
    assert_eq!(class(&unknown), Class::Undetermined);
    assert_eq!(class(&figures("AMD/Instinct-MI308X")), Class::Undetermined);
    let either = Figures {
        market: Market::Unknown,
        ..chip(5_000, Some(800))
    };
    let judgement = classify(&either, UNDER_2023);
    assert_eq!(judgement.class, Class::Undetermined);
    assert_eq!(judgement.missing, [Missing::Market].into());
    // Too weak for any clause, whatever it is sold for.
    let weak = Figures {
        market: Market::Unknown,
        ..chip(1_000, None)
    };
    assert_eq!(class(&weak), Class::None);
}

#[test]
fn outside_datacentres_only_performance_counts() {
    let consumer = |tpp, area| Figures {
        market: Market::Other,
        ..chip(tpp, area)
    };
    assert_eq!(class(&consumer(4_799, Some(100))), Class::None);
    assert_eq!(class(&consumer(4_799, None)), Class::None);
    assert_eq!(class(&consumer(4_800, None)), Class::NacAca);
}

#[test]
fn each_day_is_judged_by_its_own_rule() {
    let a100 = figures("NVIDIA/A100-SXM4-80GB");
    let a800 = figures("NVIDIA/A800-SXM4-80GB");
    let days = [
        (date(2022, 10, 20), None, Class::None, Class::None),
        (date(2022, 10, 21), Some("2022-10"), Class::A, Class::None),
        (date(2023, 11, 16), Some("2022-10"), Class::A, Class::None),
        (date(2023, 11, 17), Some("2023-10"), Class::A1, Class::A1),
        (UNDER_2026, Some("2023-10"), Class::A1, Class::A1),
    ];
    for (day, rule, of_a100, of_a800) in days {
        let judgement = classify(&a100, day);
        assert_eq!(
            (judgement.rule.as_deref(), judgement.class),
            (rule, of_a100),
            "{day}"
        );
        assert_eq!(classify(&a800, day).class, of_a800, "{day}");
    }
}

#[test]
fn first_rule_needs_both_performance_and_transfer_rate() {
    let with = |interconnect_mb_per_s| Figures {
        interconnect_mb_per_s,
        ..chip(4_800, None)
    };
    let class = |figures: Figures| classify(&figures, UNDER_2022).class;
    assert_eq!(class(with(Some(600_000))), Class::A);
    assert_eq!(class(with(Some(599_999))), Class::None);
    assert_eq!(class(with(None)), Class::Undetermined);
    assert_eq!(
        class(Figures {
            tpp_milli: None,
            ..with(Some(599_999))
        }),
        Class::None
    );
    assert_eq!(
        class(Figures {
            tpp_milli: None,
            ..with(Some(600_000))
        }),
        Class::Undetermined
    );
}

#[test]
fn january_2026_opens_case_by_case_review_below_its_bounds() {
    let within = |figures: &Figures, day| {
        let reviews = classify(figures, day).reviews;
        reviews
            .first()
            .map(|review| (review.citation.clone(), review.within_bounds))
    };
    let review = |within| Some((Cow::Borrowed("91 FR 1684"), within));
    assert_eq!(
        within(&figures("NVIDIA/H200-SXM-141GB"), UNDER_2026),
        review(Some(true))
    );
    assert_eq!(
        within(&figures("AMD/Instinct-MI325X"), UNDER_2026),
        review(Some(true))
    );
    assert_eq!(
        within(&figures("NVIDIA/B200-SXM-180GB"), UNDER_2026),
        review(Some(false))
    );
    assert_eq!(
        within(&figures("NVIDIA/H200-SXM-141GB"), date(2026, 1, 14)),
        None
    );
    // Nothing to review where no licence is asked for.
    assert_eq!(within(&figures("NVIDIA/H20-SXM-96GB"), UNDER_2026), None);
    assert_eq!(within(&chip(5_000, None), UNDER_2026), review(None));
    let fast = Figures {
        memory_bandwidth_mb_per_s: Some(6_500_000),
        ..chip(5_000, None)
    };
    assert_eq!(within(&fast, UNDER_2026), review(Some(false)));
    let destinations = &classify(&fast, UNDER_2026).reviews[0].destinations;
    assert_eq!(
        destinations
            .iter()
            .map(Jurisdiction::as_str)
            .collect::<Vec<_>>(),
        ["CN", "MO"]
    );
}

#[test]
fn rules_follow_one_another_without_gap_or_overlap() {
    assert_eq!(rules_edition().number, 1);
    let classifying: Vec<_> = rules()
        .iter()
        .filter(|rule| !rule.classes.is_empty())
        .collect();
    for pair in classifying.windows(2) {
        assert_eq!(
            pair[0].effective_until,
            Some(pair[1].effective_from),
            "{}",
            pair[0].id
        );
    }
    assert_eq!(
        classifying.last().map(|rule| rule.effective_until),
        Some(None)
    );
}

#[test]
fn a_judgement_is_written_in_the_words_of_the_rule() {
    let judgement = classify(&figures("NVIDIA/L4"), UNDER_2026);
    let json = serde_json::to_value(&judgement).expect("plain data");
    assert_eq!(json["class"], "a.2");
    assert_eq!(json["rule"], "2023-10");
    assert_eq!(
        json["reviews"][0]["destinations"],
        serde_json::json!(["CN", "MO"])
    );
}

proptest! {
    /// Sourcing one more figure may settle an answer, never overturn a settled one.
    #[test]
    fn a_settled_class_does_not_depend_on_what_is_unknown(
        tpp in 0_u64..8_000_000, area in 1_u64..2_000_000, rate in 0_u64..1_000_000,
        first_rule: bool,
    ) {
        let day = if first_rule { UNDER_2022 } else { UNDER_2023 };
        for market in [Market::Datacentre, Market::Other] {
            let full = Figures {
                tpp_milli: Some(tpp), die_area_milli_mm2: Some(area),
                interconnect_mb_per_s: Some(rate), memory_bandwidth_mb_per_s: None, market,
            };
            let settled = classify(&full, day).class;
            prop_assert_ne!(settled, Class::Undetermined);
            for hidden in [
                Figures { tpp_milli: None, ..full },
                Figures { die_area_milli_mm2: None, ..full },
                Figures { interconnect_mb_per_s: None, ..full },
                Figures { market: Market::Unknown, ..full },
            ] {
                let class = classify(&hidden, day).class;
                prop_assert!(class == settled || class == Class::Undetermined);
            }
        }
    }

    /// Hostile figures are compared, not overflowed.
    #[test]
    fn any_figures_have_a_class(tpp: Option<u64>, area: Option<u64>, rate: Option<u64>) {
        let figures = Figures {
            tpp_milli: tpp, die_area_milli_mm2: area, interconnect_mb_per_s: rate,
            memory_bandwidth_mb_per_s: rate, market: Market::Datacentre,
        };
        for day in [UNDER_2022, UNDER_2023, UNDER_2026] {
            classify(&figures, day);
        }
    }
}
