//! What a movement changes of an item, and how the one before can be put back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::encode::encode;
use crate::hash::{self, Hash};
use crate::ids::{DocumentId, ItemNumber, MemberId, RecordId, Reference, SiteId};
use crate::time::Time;
use crate::words::{Irregularity, Status};

/// Where a root is.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// At a site.
    Site(SiteId),
    /// Under way in a shipment: the virtual site "in transit A->B".
    Transit(DocumentId),
}

/// Where an item is: inside another, or at a place in somebody's custody.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Location {
    /// Inside this item; place and custody are those of the root.
    In(ItemNumber),
    /// A root.
    At {
        /// Where.
        place: Place,
        /// Who has custody.
        holder: MemberId,
    },
}

/// Everything that a movement can change of one item. Absent means: as the container (or, for the
/// user of a root, as the owner).
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Place and custody, or the container.
    pub location: Location,
    /// Title; always there for a root.
    pub owner: Option<MemberId>,
    /// Who computes on it.
    pub user: Option<MemberId>,
    /// State of life; always there for a root.
    pub status: Option<Status>,
    /// Why it is irregular, if it is.
    pub irregularity: Option<Irregularity>,
    /// Number of the seal on it.
    pub seal: Option<Reference>,
}

/// The latest movement of an item, with what it replaced: what a correction needs.
///
/// An item's leaf holds its latest movement and commits to the earlier ones through `below`; to
/// undo an earlier one, the correction carries it and its digest is compared.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Movement {
    /// The record that moved it.
    pub record: RecordId,
    /// Event time of that record.
    pub occurred_at: Time,
    /// The facts before it; absent for the movement that created the item.
    pub before: Option<Facts>,
    /// Event time of the movement before it; the epoch for the first.
    pub previous_at: Time,
    /// Digest of the movement before it; zero for the first.
    pub below: Hash,
}

impl Movement {
    /// Digest that the next movement commits to.
    pub fn digest(&self) -> Hash {
        hash::MOVEMENT.hash(&encode(self))
    }
}
