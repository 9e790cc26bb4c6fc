//! The catalogue: what one accelerator of a model can do, as versioned reference data.
//!
//! Figures are integers in fixed units and unknown stays unknown. They are kept per model and never
//! on an event: a model's figures get corrected, a chip's history does not. The embedded table is
//! `data/accelerators.csv` (sources and credits in `data/README.md`); a ledger starts from it and
//! adds versions by record.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use check::{FIGURE_MAX, LABEL_BYTES_MAX, ModelFault, TEXT_BYTES_MAX};
pub use compute::{H100_TPP, H100e, TppCheck};
pub use decimal::NotADecimal;
pub use edition::{Edition, NoEdition};
pub use model_id::{ModelId, NotAModelId};

mod check;
mod compute;
pub mod decimal;
mod edition;
mod model_id;
mod table;
#[cfg(test)]
mod tests;

/// What a model is designed or marketed for; decides whether Note 2 to ECCN 3A090 applies.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Market {
    /// Designed or marketed for use in datacentres.
    Datacentre,
    /// Consumer, workstation or embedded only.
    Other,
    /// Not known, or both: nothing may be concluded from it.
    Unknown,
}

/// One version of one model's figures, per accelerator as sold (a package may hold several dies).
///
/// Performance is *dense*: figures with sparsity are excluded, as 88 FR 73458 excludes them. A
/// megaflop is 10^6 operations per second and a multiply-accumulate counts as two; data units are
/// decimal (1 GB is 1,000 MB). `None` always means "not sourced", never zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelVersion {
    /// Counts from 1 for each model; a correction is the next version.
    pub version: u32,
    /// Who designed it.
    pub vendor: String,
    /// Its trade name.
    pub name: String,
    /// What it is designed or marketed for.
    pub market: Market,
    /// Year of first shipment or announcement.
    pub release_year: Option<u16>,
    /// Node and foundry, as published.
    pub process_node: Option<String>,
    /// Area of all logic dies in thousandths of a square millimetre, without HBM.
    pub die_area_milli_mm2: Option<u64>,
    /// 16-bit floating point with the tensor units, in MFLOP/s.
    pub dense_fp16_mflops: Option<u64>,
    /// 8-bit floating point, in MFLOP/s.
    pub dense_fp8_mflops: Option<u64>,
    /// 4-bit floating point, in MFLOP/s.
    pub dense_fp4_mflops: Option<u64>,
    /// 8-bit integer, in millions of operations per second.
    pub dense_int8_mops: Option<u64>,
    /// TF32, in MFLOP/s. Never part of TPP here: its bit length (19 or 32) is disputed.
    pub dense_tf32_mflops: Option<u64>,
    /// 64-bit floating point, in MFLOP/s.
    pub dense_fp64_mflops: Option<u64>,
    /// Memory in MB.
    pub memory_mb: Option<u64>,
    /// Memory bandwidth in MB/s.
    pub memory_bandwidth_mb_per_s: Option<u64>,
    /// Chip-to-chip bandwidth, both directions together, in MB/s.
    pub interconnect_mb_per_s: Option<u64>,
    /// Thermal design power in W.
    pub tdp_w: Option<u32>,
    /// Total processing performance in thousandths: dense TOPS x bits at the best precision.
    pub tpp_milli: Option<u64>,
    /// What a reader must know about the figures; why `tpp_milli` departs from the formula, if it
    /// does.
    pub notes: String,
    /// Where the figures come from.
    pub source: String,
}

/// The embedded catalogue: one edition of it, with one version per model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    /// Which issue of the table it is.
    pub edition: Edition,
    /// The models in order of their ids.
    pub models: BTreeMap<ModelId, ModelVersion>,
}

impl Catalogue {
    /// The edition that this build carries.
    ///
    /// ```
    /// use chipledger_schemas::catalogue::Catalogue;
    /// let h100 = &Catalogue::builtin().models[&"NVIDIA/H100-SXM5-80GB".parse()?];
    /// assert_eq!(h100.tpp_milli, Some(15_832_000));
    /// # Ok::<(), chipledger_schemas::catalogue::NotAModelId>(())
    /// ```
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Catalogue> = LazyLock::new(|| {
            let text = include_str!("../data/accelerators.csv");
            Catalogue::parse(text).expect("data/accelerators.csv is checked by a test")
        });
        &BUILTIN
    }

    /// The figures of a model, if the edition has it.
    pub fn get(&self, model: &ModelId) -> Option<&ModelVersion> {
        self.models.get(model)
    }

    /// Reads a table in the form of `data/accelerators.csv`.
    pub fn parse(text: &str) -> Result<Self, NotACatalogue> {
        table::parse(text)
    }
}

/// Why a table is no catalogue. Each names the place to repair.
#[derive(Debug, thiserror::Error)]
pub enum NotACatalogue {
    /// Say on the first line which edition it is.
    #[error(transparent)]
    Edition(#[from] NoEdition),
    /// Repair the row that the cause names: a missing column, half a row, a word that is none.
    #[error("the table does not read")]
    Csv(#[from] csv::Error),
    /// Write the figure in plain decimals, with no more digits than its unit holds.
    #[error("{model}: column {column}")]
    Figure {
        /// The row.
        model: ModelId,
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        source: NotADecimal,
    },
    /// Keep one row per model.
    #[error("{model} has two rows")]
    Twice {
        /// The model.
        model: ModelId,
    },
}
