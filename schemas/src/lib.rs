//! Words: everything that crosses a wire or a disk as data, and nothing that acts.
//!
//! A *record* is one signed statement of one kind ([`records::Kind`]); a *transaction* is the
//! signed envelope around one or more; a *block* orders transactions, and its *certificate* is a
//! quorum's signatures over its header.
//!
//! ```
//! use chipledger_schemas::items::ItemSet;
//! use chipledger_schemas::records::{Install, Record};
//!
//! let items: ItemSet = "NVIDIA:1654322001000..1654322001999".parse()?;
//! let record = Record::Install(Install {
//!     items,
//!     position: None,
//!     occurred_at: "2026-03-01T12:00:00Z".parse()?,
//! });
//! assert_eq!(record.item_events(), 1_000);
//! assert!(record.check().is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod api;
pub mod block;
pub mod catalogue;
pub mod certificate;
pub mod encode;
pub mod examples;
pub mod genesis;
pub mod gs1;
pub mod hash;
pub mod ids;
pub mod items;
pub mod json_schema;
pub mod jurisdiction;
pub mod keys;
pub mod merkle;
pub mod movement;
pub mod records;
pub mod sealed;
pub mod time;
pub mod transaction;
pub mod words;
