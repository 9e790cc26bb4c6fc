//! Quarterly production, as fabs would declare it.
//!
//! The published table counts every chip of a family that was made, most of which stand in clusters
//! that nobody published: good dies minus registered minus scrap is far from zero here, at any
//! scale.

use chipledger_schemas::catalogue::ModelId;
use chipledger_schemas::records::{DeclareProduction, Record};
use chipledger_schemas::time::{DAY_MS, HOUR_MS, Time};
use serde::Deserialize;

use super::plan::Plan;
use super::roster::named;

/// The table of outside estimates; credit and columns in `ledger/analysis/data/README.md`.
const TABLE: &str = include_str!("../../../ledger/analysis/data/production.csv");
/// Large dies on a 300 mm wafer, roughly: turns dies into wafers where only units are published.
const DIES_PER_WAFER: u64 = 60;
/// Scrap after packaging, in percent of good dies: made up.
const SCRAP_PERCENT: u64 = 3;

/// Families of the table and the catalogue model that stands for each.
const FAMILIES: [(&str, &str); 23] = [
    ("A100", "NVIDIA/A100-SXM4-80GB"),
    ("A800", "NVIDIA/A800-SXM4-80GB"),
    ("B200", "NVIDIA/B200-SXM-180GB"),
    ("B300", "NVIDIA/B300-SXM-270GB"),
    ("H100", "NVIDIA/H100-SXM5-80GB"),
    ("H20", "NVIDIA/H20-SXM-96GB"),
    ("H800", "NVIDIA/H800-SXM5-80GB"),
    ("Instinct MI250X", "AMD/Instinct-MI250X"),
    ("Instinct MI300A", "AMD/Instinct-MI300A"),
    ("Instinct MI300X", "AMD/Instinct-MI300X"),
    ("Instinct MI308X", "AMD/Instinct-MI308X"),
    ("Instinct MI325X", "AMD/Instinct-MI325X"),
    ("Instinct MI350X", "AMD/Instinct-MI350X"),
    ("Instinct MI355X", "AMD/Instinct-MI355X"),
    ("TPU v4", "Google/TPU-v4"),
    ("TPU v4i", "Google/TPU-v4i"),
    ("TPU v5e", "Google/TPU-v5e"),
    ("TPU v5p", "Google/TPU-v5p"),
    ("TPU v6e", "Google/TPU-v6e-Trillium"),
    ("TPU v7", "Google/TPU-v7-Ironwood"),
    ("Trainium1", "AWS/Trainium1"),
    ("Trainium2", "AWS/Trainium2"),
    ("Trainium3", "AWS/Trainium3"),
];

/// One row as it is written.
#[derive(Deserialize)]
struct Row {
    quarter_from: String,
    quarter_until_inclusive: String,
    chip_family: String,
    units_median: u64,
}

/// Every fab declares each quarter three weeks after its end.
pub(super) fn declare(plan: &mut Plan) {
    let mut reader = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .from_reader(TABLE.as_bytes());
    for row in reader.deserialize() {
        let row: Row = row.expect("ledger/analysis/data/production.csv is checked by a test");
        let model = model_of(&row.chip_family);
        let good_dies = plan.scale.of(row.units_median);
        let scrap = good_dies * SCRAP_PERCENT / 100;
        let until = named::<Time>(&row.quarter_until_inclusive).plus_ms(DAY_MS);
        let fab = plan.roster.fab(model.vendor()).member.clone();
        let record = Record::DeclareProduction(DeclareProduction {
            from: named(&row.quarter_from),
            until,
            wafer_starts: (good_dies + scrap).div_ceil(DIES_PER_WAFER),
            good_dies,
            scrap,
            model,
        });
        plan.report(
            until.plus_ms(21 * DAY_MS + 9 * HOUR_MS),
            &fab,
            &[],
            vec![record],
        );
    }
}

fn model_of(family: &str) -> ModelId {
    let row = FAMILIES.iter().find(|(name, _)| *name == family);
    let (_, model) = row.unwrap_or_else(|| panic!("add the family {family} to FAMILIES"));
    named(model)
}

#[cfg(test)]
mod tests {
    use chipledger_schemas::catalogue::Catalogue;

    use super::*;

    #[test]
    fn every_family_stands_for_a_model_of_the_catalogue() {
        for (family, _) in FAMILIES {
            assert!(
                Catalogue::builtin().get(&model_of(family)).is_some(),
                "{family}"
            );
        }
    }
}
