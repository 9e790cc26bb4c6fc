//! Totals: one leaf shows what the quorum holds to be the complete pooled compute of a place or
//! party.

use chipledger_schemas::ids::{MemberId, SiteId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::words::Status;
use serde::{Deserialize, Serialize};

use crate::state::ModelNumber;

/// Over what a total is taken.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Everything; ended items too, so that conservation can be shown.
    World,
    /// A jurisdiction.
    Jurisdiction(Jurisdiction),
    /// A site.
    Site(SiteId),
    /// An owner.
    Owner(MemberId),
    /// All owners under one ultimate parent.
    Parent(MemberId),
}

/// Chips, split so that goods parked in transit cannot vanish from every country.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct Amount {
    /// At a site of the dimension.
    pub here: u64,
    /// Under way to it. For the world, an owner or a parent: always 0.
    pub inbound: u64,
    /// Under way from it. For the world, an owner or a parent: everything under way.
    pub outbound: u64,
    /// Of all these, disputed.
    pub disputed: u64,
}

impl Amount {
    /// Whether nothing is left.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

/// The amount of one model in one status.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct TotalsRow {
    /// The model.
    pub model: ModelNumber,
    /// State of life.
    pub status: Status,
    /// How many.
    pub amount: Amount,
}

/// A total: rows sorted by model and status, none zero.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Totals(pub Vec<TotalsRow>);
