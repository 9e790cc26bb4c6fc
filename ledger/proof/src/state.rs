//! What the state root commits to: items under their dense numbers, everything else as entries
//! under keys.
//!
//! These are the shapes that proofs show, so they live where a stranger can build them. What may
//! happen to them is the ledger's business.

mod account;
mod chain;
mod documents;
mod item;
mod key;
mod names;
mod parties;
mod seats;
mod totals;

pub use account::{Account, AccountPlace, Balance, BalanceRow};
pub use chain::{Catalogue, CatalogueModel, Chain, Upgrade};
pub use documents::{
    Alert, Clearance, Licence, Limit, Order, Policy, Proposal, REDIRECTS_MAX, Redirected, Run,
    Shipment, ShipmentState,
};
pub use item::{
    ContentRow, Evidence, EvidenceKind, Item, ItemKind, LastMovement, ModelNumber, next_history,
};
pub(crate) use key::names_digest;
pub use key::{DeviceKeyOf, Entry, EntryKind, IssuerOf, Key, ModelVersions, Seen, Stored};
pub use names::{
    NAMES_PER_BLOCK, NAMES_PER_PIECE, NameRun, Names, NotNames, PIECE_SIBLINGS, name_slot,
};
pub use parties::{Member, MemberKey, Site, Vetting};
pub use seats::{Equivocation, Seated, Seats};
pub use totals::{Amount, Dimension, Totals, TotalsRow};
