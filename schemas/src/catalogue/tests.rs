use super::*;
use crate::encode;

/// One TOPS in the unit of the figures.
const TERA: u64 = 1_000_000;

fn id(model: &str) -> ModelId {
    model.parse().expect(model)
}

fn h100() -> ModelVersion {
    Catalogue::builtin().models[&id("NVIDIA/H100-SXM5-80GB")].clone()
}

#[test]
fn builtin_catalogue_holds_every_sourced_model_and_figure() {
    let catalogue = Catalogue::builtin();
    assert_eq!(catalogue.edition.number, 1);
    let count = |known: fn(&ModelVersion) -> bool| {
        catalogue
            .models
            .values()
            .filter(|model| known(model))
            .count()
    };
    assert_eq!(count(|_| true), 148);
    assert_eq!(count(|model| model.tpp_milli.is_some()), 139);
    assert_eq!(count(|model| model.die_area_milli_mm2.is_some()), 70);
    assert_eq!(count(|model| model.memory_mb.is_some()), 110);
    assert_eq!(count(|model| model.tdp_w.is_some()), 125);
    // The models whose TPP has decimals are the reason for thousandths.
    assert_eq!(
        count(|model| model.tpp_milli.is_some_and(|tpp| tpp % 1_000 != 0)),
        20
    );
    for (model, version) in &catalogue.models {
        version
            .check()
            .unwrap_or_else(|fault| panic!("{model}: {fault}"));
        assert_eq!(version.version, 1, "{model}");
    }
}

#[test]
fn figures_are_read_to_the_last_digit() {
    let h100 = h100();
    assert_eq!(h100.dense_fp16_mflops, Some(989_400_000));
    assert_eq!(h100.die_area_milli_mm2, Some(814_000));
    assert_eq!(h100.memory_bandwidth_mb_per_s, Some(3_350_000));
    let p100 = &Catalogue::builtin().models[&id("NVIDIA/P100-SXM2-16GB")];
    assert_eq!(p100.tpp_milli, Some(339_520));
    let t4 = &Catalogue::builtin().models[&id("NVIDIA/T4")];
    assert_eq!(t4.dense_fp64_mflops, Some(254_400));
    let wse = &Catalogue::builtin().models[&id("Cerebras/WSE-2-CS-2")];
    assert_eq!(wse.memory_bandwidth_mb_per_s, Some(20_000_000_000));
    assert_eq!(wse.tpp_milli, None);
}

#[test]
fn stated_tpp_follows_the_formula_or_the_notes_say_why_not() {
    let mut exceptions = Vec::new();
    for (model, version) in &Catalogue::builtin().models {
        if let TppCheck::Differs { .. } = version.check_tpp() {
            assert!(version.notes.contains("TPP"), "{model}: {}", version.notes);
            exceptions.push(model.as_str());
        }
    }
    // Performance of the first two is disputed or listed for vector units only; the third's TPP is
    // of a precision that has no column.
    assert_eq!(
        exceptions,
        ["AMD/Instinct-MI308X", "NVIDIA/P40", "NVIDIA/RTX-A6000"]
    );
}

#[test]
fn formula_takes_the_best_precision_and_leaves_tf32_out() {
    let blank = ModelVersion {
        dense_fp16_mflops: None,
        dense_fp8_mflops: None,
        dense_int8_mops: None,
        dense_fp64_mflops: None,
        tpp_milli: None,
        ..h100()
    };
    assert_eq!(blank.check_tpp(), TppCheck::Unknown);
    let with = |change: fn(&mut ModelVersion)| {
        let mut model = blank.clone();
        change(&mut model);
        model.tpp_milli_by_formula()
    };
    assert_eq!(with(|m| m.dense_fp16_mflops = Some(TERA)), Some(16_000));
    assert_eq!(with(|m| m.dense_fp8_mflops = Some(TERA)), Some(8_000));
    assert_eq!(with(|m| m.dense_int8_mops = Some(TERA)), Some(8_000));
    assert_eq!(with(|m| m.dense_fp4_mflops = Some(TERA)), Some(4_000));
    assert_eq!(with(|m| m.dense_fp64_mflops = Some(TERA)), Some(64_000));
    assert_eq!(with(|m| m.dense_tf32_mflops = Some(TERA)), None);
    assert_eq!(
        with(|m| m.dense_fp64_mflops = Some(u64::MAX)),
        Some(u64::MAX / 1_000 * 64 + 39)
    );
}

#[test]
fn h100_equivalents_are_rounded_once_at_the_end() {
    let h100e = |tpp_milli| H100e { tpp_milli };
    assert_eq!(h100e(15_832_000).milli(), 1_000);
    assert_eq!(h100e(7_916).milli(), 1);
    assert_eq!(h100e(7_915).milli(), 0);
    // Three chips of a third of an H100 each are one H100, although each alone shows 0.333.
    let third = 15_832_000_u128 / 3 + 1;
    assert_eq!(
        (h100e(third).to_string(), h100e(3 * third).to_string()),
        ("0.333".into(), "1".into())
    );
}

#[test]
fn entry_out_of_bounds_is_refused() {
    let fault = |change: fn(&mut ModelVersion)| {
        let mut model = h100();
        change(&mut model);
        model.check()
    };
    assert_eq!(fault(|_| ()), Ok(()));
    assert_eq!(fault(|m| m.version = 0), Err(ModelFault::VersionZero));
    assert!(matches!(
        fault(|m| m.vendor.clear()),
        Err(ModelFault::Text {
            field: "vendor",
            ..
        })
    ));
    assert!(matches!(
        fault(|m| m.name = "a\nb".into()),
        Err(ModelFault::Text { field: "name", .. })
    ));
    assert!(matches!(
        fault(|m| m.process_node = Some("n".repeat(65))),
        Err(ModelFault::Text {
            field: "process_node",
            bytes_max: 64
        })
    ));
    assert!(matches!(
        fault(|m| m.notes = "n".repeat(513)),
        Err(ModelFault::Text { .. })
    ));
    assert!(matches!(
        fault(|m| m.source.clear()),
        Err(ModelFault::Text {
            field: "source",
            ..
        })
    ));
    assert_eq!(
        fault(|m| m.tpp_milli = Some(0)),
        Err(ModelFault::Figure { field: "tpp_milli" })
    );
    assert_eq!(
        fault(|m| m.memory_mb = Some(FIGURE_MAX + 1)),
        Err(ModelFault::Figure { field: "memory_mb" })
    );
}

#[test]
fn entry_survives_json_and_binary() {
    for version in Catalogue::builtin().models.values() {
        let json = serde_json::to_string(version).expect("plain data");
        assert_eq!(
            serde_json::from_str::<ModelVersion>(&json).expect("its own form"),
            *version
        );
        assert_eq!(
            encode::decode(&encode::encode(version)).as_ref(),
            Ok(version)
        );
    }
}

#[test]
fn table_that_is_wrong_names_the_place() {
    let text = include_str!("../../data/accelerators.csv");
    let fault = |text: &str| {
        let parsed = Catalogue::parse(text);
        parsed
            .err()
            .map_or_else(String::new, |fault| fault.to_string())
    };
    assert!(fault(&text.replacen("edition 1", "edition one", 1)).contains("edition"));
    assert!(fault(&text.replacen(",989.4,", ",9.894e2,", 1)).contains("dense_fp16_tflops"));
    assert!(fault(&text.replacen("NVIDIA/P40,1,", "NVIDIA/P4,1,", 1)).contains("two rows"));
    assert!(fault(&format!("{text}A/b,1,A")).contains("does not read"));
}
