//! Reading `data/accelerators.csv`: datasheet units in, fixed integer units out.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Catalogue, Market, ModelId, ModelVersion, NotACatalogue, NotADecimal, decimal};

/// One row as it is written: decimals in the units a datasheet uses, blank where not sourced.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    model_id: ModelId,
    version: u32,
    vendor: String,
    name: String,
    market: Market,
    release_year: Option<u16>,
    process_node: Option<String>,
    die_area_mm2: Option<String>,
    dense_fp16_tflops: Option<String>,
    dense_fp8_tflops: Option<String>,
    dense_fp4_tflops: Option<String>,
    dense_int8_tops: Option<String>,
    dense_tf32_tflops: Option<String>,
    dense_fp64_tflops: Option<String>,
    memory_gb: Option<String>,
    memory_bandwidth_gb_per_s: Option<String>,
    interconnect_gb_per_s: Option<String>,
    tdp_w: Option<u32>,
    tpp: Option<String>,
    notes: String,
    source: String,
}

/// Reads a whole table.
pub(super) fn parse(text: &str) -> Result<Catalogue, NotACatalogue> {
    let edition = text.parse()?;
    let mut models = BTreeMap::new();
    let mut reader = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    for row in reader.deserialize() {
        let row: Row = row?;
        let model = row.model_id.clone();
        let version = model_version(row).map_err(|(column, source)| NotACatalogue::Figure {
            model: model.clone(),
            column,
            source,
        })?;
        if models.insert(model.clone(), version).is_some() {
            return Err(NotACatalogue::Twice { model });
        }
    }
    Ok(Catalogue { edition, models })
}

/// The fixed units of a row, or the column that has none.
fn model_version(row: Row) -> Result<ModelVersion, (&'static str, NotADecimal)> {
    // 10^12 operations are 10^6 of our 10^6; GB are 10^3 MB; TPP and mm2 are kept in thousandths.
    const TERA_IN_MEGA: usize = 6;
    const THOUSANDTHS: usize = 3;
    let fixed = |column: &'static str, text: Option<String>, digits| {
        text.map(|text| decimal::parse(&text, digits))
            .transpose()
            .map_err(|e| (column, e))
    };
    Ok(ModelVersion {
        version: row.version,
        vendor: row.vendor,
        name: row.name,
        market: row.market,
        release_year: row.release_year,
        process_node: row.process_node,
        die_area_milli_mm2: fixed("die_area_mm2", row.die_area_mm2, THOUSANDTHS)?,
        dense_fp16_mflops: fixed("dense_fp16_tflops", row.dense_fp16_tflops, TERA_IN_MEGA)?,
        dense_fp8_mflops: fixed("dense_fp8_tflops", row.dense_fp8_tflops, TERA_IN_MEGA)?,
        dense_fp4_mflops: fixed("dense_fp4_tflops", row.dense_fp4_tflops, TERA_IN_MEGA)?,
        dense_int8_mops: fixed("dense_int8_tops", row.dense_int8_tops, TERA_IN_MEGA)?,
        dense_tf32_mflops: fixed("dense_tf32_tflops", row.dense_tf32_tflops, TERA_IN_MEGA)?,
        dense_fp64_mflops: fixed("dense_fp64_tflops", row.dense_fp64_tflops, TERA_IN_MEGA)?,
        memory_mb: fixed("memory_gb", row.memory_gb, THOUSANDTHS)?,
        memory_bandwidth_mb_per_s: fixed(
            "memory_bandwidth_gb_per_s",
            row.memory_bandwidth_gb_per_s,
            THOUSANDTHS,
        )?,
        interconnect_mb_per_s: fixed(
            "interconnect_gb_per_s",
            row.interconnect_gb_per_s,
            THOUSANDTHS,
        )?,
        tdp_w: row.tdp_w,
        tpp_milli: fixed("tpp", row.tpp, THOUSANDTHS)?,
        notes: row.notes,
        source: row.source,
    })
}
