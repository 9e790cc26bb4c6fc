//! Under which paragraph of ECCN 3A090 an accelerator falls, by the rule of a given day.
//!
//! The rules are data with validity dates (`data/rules_3a090.csv`), evaluated clause by clause in
//! exact integer arithmetic with three truth values: a figure nobody sourced makes a clause
//! *unknown*, and an unknown clause that could decide makes the answer [`Class::Undetermined`],
//! never "not controlled". The result is an opinion by formula, not a ruling: "applicable die
//! area", "transfer rate" and "marketed for datacentres" are taken as the catalogue states them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalogue::{Market, ModelVersion};
use crate::jurisdiction::Jurisdiction;

use clause::{Clause, Truth};
pub use rules::{Rule, rules, rules_edition};

mod clause;
mod rules;
#[cfg(test)]
mod tests;

/// Where an accelerator falls.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Class {
    /// 3A090.a as it stood undivided in the rule of October 2022.
    #[serde(rename = "a")]
    A,
    /// 3A090.a.1: by TPP alone.
    #[serde(rename = "a.1")]
    A1,
    /// 3A090.a.2: by TPP and performance density.
    #[serde(rename = "a.2")]
    A2,
    /// 3A090.b.1.
    #[serde(rename = "b.1")]
    B1,
    /// 3A090.b.2.
    #[serde(rename = "b.2")]
    B2,
    /// Outside .a and .b by Note 2 (not for datacentres), yet under the notification and licence
    /// exceptions NAC and ACA.
    #[serde(rename = "nac_aca")]
    NacAca,
    /// Not in 3A090.
    #[serde(rename = "none")]
    None,
    /// A figure that decides is not known; [`Judgement::missing`] names it.
    #[serde(rename = "undetermined")]
    Undetermined,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::A => "a",
            Self::A1 => "a.1",
            Self::A2 => "a.2",
            Self::B1 => "b.1",
            Self::B2 => "b.2",
            Self::NacAca => "NAC/ACA",
            Self::None => "none",
            Self::Undetermined => "undetermined",
        })
    }
}

/// What the rules look at. Built from a catalogue entry, or by hand for a chip not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// TPP in thousandths.
    pub tpp_milli: Option<u64>,
    /// Applicable die area in thousandths of a square millimetre.
    pub die_area_milli_mm2: Option<u64>,
    /// Aggregate bidirectional transfer rate in MB/s.
    pub interconnect_mb_per_s: Option<u64>,
    /// Total memory bandwidth in MB/s.
    pub memory_bandwidth_mb_per_s: Option<u64>,
    /// What it is designed or marketed for.
    pub market: Market,
}

impl From<&ModelVersion> for Figures {
    fn from(model: &ModelVersion) -> Self {
        Self {
            tpp_milli: model.tpp_milli,
            die_area_milli_mm2: model.die_area_milli_mm2,
            interconnect_mb_per_s: model.interconnect_mb_per_s,
            memory_bandwidth_mb_per_s: model.memory_bandwidth_mb_per_s,
            market: model.market,
        }
    }
}

impl Figures {
    /// Performance density (TPP per mm2) in hundredths, half up: for display only. No rule reads
    /// it, because a density that is rounded before it is compared can cross a threshold.
    pub fn density_hundredths(&self) -> Option<u128> {
        let area = u128::from(self.die_area_milli_mm2.filter(|area| *area > 0)?);
        Some((200 * u128::from(self.tpp_milli?) + area) / (2 * area))
    }
}

/// A figure that a rule needs and the catalogue lacks.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Total processing performance.
    Tpp,
    /// Applicable die area.
    DieArea,
    /// Aggregate bidirectional transfer rate.
    TransferRate,
    /// Total memory bandwidth.
    MemoryBandwidth,
    /// Whether it is designed or marketed for datacentres.
    Market,
}

/// A class and the grounds for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Judgement {
    /// Where the accelerator falls.
    pub class: Class,
    /// The rule it was judged by, such as `2023-10`; `None` before 3A090 existed.
    pub rule: Option<Cow<'static, str>>,
    /// Where that rule is published.
    pub citation: Option<Cow<'static, str>>,
    /// The figures for want of which the class is undetermined; empty otherwise.
    pub missing: BTreeSet<Missing>,
    /// Licence review policies in force that day which turn on the same figures.
    pub reviews: Vec<Review>,
}

/// Whether licence applications for some destinations are reviewed case by case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Review {
    /// The rule, such as `2026-01`.
    pub rule: Cow<'static, str>,
    /// Where it is published.
    pub citation: Cow<'static, str>,
    /// For which destinations.
    pub destinations: Vec<Jurisdiction>,
    /// Whether the figures are inside the policy's bounds; `None` if they are not known. Its other
    /// conditions (testing, supply, volume) are not judged.
    pub within_bounds: Option<bool>,
}

/// Classifies by the rule that was in force on `day` (effective dates, not publication dates).
///
/// ```
/// use chipledger_schemas::catalogue::Catalogue;
/// use chipledger_schemas::classify::{Class, classify};
/// let a800 = &Catalogue::builtin().models[&"NVIDIA/A800-SXM4-80GB".parse()?];
/// // Its slower links kept it outside the first rule; the second looks at density instead.
/// assert_eq!(classify(&a800.into(), "2023-01-01".parse()?).class, Class::None);
/// assert_eq!(classify(&a800.into(), "2024-01-01".parse()?).class, Class::A1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn classify(figures: &Figures, day: Date) -> Judgement {
    let rule = rules()
        .iter()
        .find(|rule| rule.in_force(day) && !rule.classes.is_empty());
    let (class, missing) = rule.map_or((Class::None, BTreeSet::new()), |r| judge(r, figures));
    let reviews = match class {
        Class::None | Class::NacAca => Vec::new(),
        _ => rules()
            .iter()
            .filter(|rule| rule.in_force(day))
            .flat_map(|r| reviews(r, figures))
            .collect(),
    };
    Judgement {
        class,
        rule: rule.map(|rule| Cow::Borrowed(rule.id.as_str())),
        citation: rule.map(|rule| Cow::Borrowed(rule.citation.as_str())),
        missing,
        reviews,
    }
}

/// The first clause that holds decides, unless one before it might hold too.
fn judge(rule: &Rule, figures: &Figures) -> (Class, BTreeSet<Missing>) {
    let mut missing = BTreeSet::new();
    for (class, clause) in &rule.classes {
        match clause.holds(figures) {
            Truth::Yes if missing.is_empty() => return (*class, missing),
            Truth::Yes | Truth::No => {}
            Truth::Unknown(figures) => missing.extend(figures),
        }
    }
    let class = if missing.is_empty() {
        Class::None
    } else {
        Class::Undetermined
    };
    (class, missing)
}

/// What a rule says about licence review.
fn reviews(rule: &'static Rule, figures: &Figures) -> impl Iterator<Item = Review> {
    rule.reviews.iter().map(
        |(destinations, clause): &(Vec<Jurisdiction>, Clause)| Review {
            rule: Cow::Borrowed(&rule.id),
            citation: Cow::Borrowed(&rule.citation),
            destinations: destinations.clone(),
            within_bounds: match clause.holds(figures) {
                Truth::Yes => Some(true),
                Truth::No => Some(false),
                Truth::Unknown(_) => None,
            },
        },
    )
}
