//! Accounts of the double entry: where, with whom, whose, used by whom, in what state.

use chipledger_schemas::ids::{MemberId, SiteId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::time::Time;
use chipledger_schemas::words::Status;
use serde::{Deserialize, Serialize};

use crate::state::ModelNumber;

/// A site, or the virtual site "in transit A->B".
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountPlace {
    /// At a site.
    Site {
        /// The site.
        site: SiteId,
        /// Whose law holds there.
        jurisdiction: Jurisdiction,
    },
    /// Under way.
    Transit {
        /// From which site.
        from: SiteId,
        /// To which site.
        to: SiteId,
        /// Jurisdiction that it left.
        from_jurisdiction: Jurisdiction,
        /// Jurisdiction that it goes to.
        to_jurisdiction: Jurisdiction,
    },
}

impl AccountPlace {
    /// Whether the site is the place, or an end of the way.
    pub fn concerns(&self, other: &SiteId) -> bool {
        match self {
            Self::Site { site, .. } => site == other,
            Self::Transit { from, to, .. } => from == other || to == other,
        }
    }
}

/// One account.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Account {
    /// Where.
    pub place: AccountPlace,
    /// Custody.
    pub holder: MemberId,
    /// Title.
    pub owner: MemberId,
    /// Use.
    pub user: MemberId,
    /// State of life.
    pub status: Status,
}

/// Chips of one model in an account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct BalanceRow {
    /// The model.
    pub model: ModelNumber,
    /// Chips.
    pub count: u64,
    /// Of which disputed.
    pub disputed: u64,
}

/// What an account holds, and from when on it may leave. It is gone with its last chip.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Balance {
    /// Rows sorted by model, none zero.
    pub rows: Vec<BalanceRow>,
    /// The latest event time at which chips came in.
    pub credited_at: Time,
    /// Chips leave at no earlier event time: a re-posting brought some of them then, whatever their
    /// own last movement was.
    pub settled_at: Time,
}
