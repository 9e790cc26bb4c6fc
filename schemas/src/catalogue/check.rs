//! What a catalogue entry must satisfy before it may enter a ledger by record.

use super::ModelVersion;

/// Longest `vendor`, `name` and `process_node`, in bytes.
pub const LABEL_BYTES_MAX: usize = 64;
/// Longest `notes` and `source`, in bytes.
pub const TEXT_BYTES_MAX: usize = 512;
/// Largest figure of any kind, in its unit. The sum over 10^9 chips still fits 128 bits, in
/// products with bit lengths and thresholds too, and no accelerator comes near a thousandth of it.
pub const FIGURE_MAX: u64 = 1_000_000_000_000_000;

/// Why an entry is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelFault {
    /// Versions count from 1.
    #[error("version 0 does not exist: versions count from 1")]
    VersionZero,
    /// Fill the field in, without control characters, or shorten it to the limit.
    #[error("{field} must be 1 to {bytes_max} bytes without control characters")]
    Text {
        /// Which field.
        field: &'static str,
        /// Its limit.
        bytes_max: usize,
    },
    /// Leave the figure out if it is not known (zero means "none", not "unknown"); otherwise look
    /// for a slip in its unit.
    #[error("{field} must be 1 to {FIGURE_MAX}, or left out if it is not known")]
    Figure {
        /// Which field.
        field: &'static str,
    },
}

impl ModelVersion {
    /// Checks the bounds of every field; not whether the figures are true.
    pub fn check(&self) -> Result<(), ModelFault> {
        if self.version == 0 {
            return Err(ModelFault::VersionZero);
        }
        check_text("vendor", &self.vendor, LABEL_BYTES_MAX)?;
        check_text("name", &self.name, LABEL_BYTES_MAX)?;
        if let Some(process_node) = &self.process_node {
            check_text("process_node", process_node, LABEL_BYTES_MAX)?;
        }
        if !self.notes.is_empty() {
            check_text("notes", &self.notes, TEXT_BYTES_MAX)?;
        }
        check_text("source", &self.source, TEXT_BYTES_MAX)?;
        let bad = |figure: u64| figure == 0 || figure > FIGURE_MAX;
        let field = self
            .figures()
            .into_iter()
            .find(|(_, figure)| figure.is_some_and(bad));
        field.map_or(Ok(()), |(field, _)| Err(ModelFault::Figure { field }))
    }

    /// Every figure with its field's name.
    fn figures(&self) -> [(&'static str, Option<u64>); 12] {
        [
            ("die_area_milli_mm2", self.die_area_milli_mm2),
            ("dense_fp16_mflops", self.dense_fp16_mflops),
            ("dense_fp8_mflops", self.dense_fp8_mflops),
            ("dense_fp4_mflops", self.dense_fp4_mflops),
            ("dense_int8_mops", self.dense_int8_mops),
            ("dense_tf32_mflops", self.dense_tf32_mflops),
            ("dense_fp64_mflops", self.dense_fp64_mflops),
            ("memory_mb", self.memory_mb),
            ("memory_bandwidth_mb_per_s", self.memory_bandwidth_mb_per_s),
            ("interconnect_mb_per_s", self.interconnect_mb_per_s),
            ("tdp_w", self.tdp_w.map(u64::from)),
            ("tpp_milli", self.tpp_milli),
        ]
    }
}

/// One line of text within its limit.
fn check_text(field: &'static str, text: &str, bytes_max: usize) -> Result<(), ModelFault> {
    let fits = (1..=bytes_max).contains(&text.len());
    if fits && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(ModelFault::Text { field, bytes_max })
}
