//! Questions as people and programs ask them, with whole answers: what the API serves and what the
//! command line shows of a directory are the same by construction.
//!
//! Every answer states the height that it is for. Nothing here reads a clock: where the present
//! matters, the caller says what its clock shows.

use chipledger_proof::state::{Chain, EntryKind, Key, Member, Stored};
use chipledger_schemas::api::{
    Answer, Basis, BlockAnswer, CheckpointAnswer, LedgerSize, LedgerStatus,
};
use chipledger_schemas::block::Header;
use chipledger_schemas::certificate::Certificate;
use chipledger_schemas::genesis::Clock;
use chipledger_schemas::ids::{Height, ItemId, ItemNumber, MemberId, RecordId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::movement::Movement;
use chipledger_schemas::time::Time;
use serde::{Deserialize, Serialize};

use crate::read::items::{ItemFilter, ItemPage};
use crate::read::places::Whereabouts;
use crate::read::shipments::{ListedShipment, OpenShipment};
use crate::read::trace::Step;
use crate::read::{AsOf, Moment, QueryError};
use crate::state::State;
use crate::store::{Store, View};

mod export;
mod trial;

pub use export::{Export, Row, export, records_begin};
pub use trial::trial;

/// Where an item is, and the record that put it there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Found {
    /// Where it is, whose, since when.
    pub whereabouts: Whereabouts,
    /// The record that put it there. Absent if that record's block is not held here, and the item
    /// has moved since the moment asked for: then only a node that holds all of history knows it.
    pub record_id: Option<RecordId>,
}

/// Shipments, and the time by which they are late.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Shipments {
    /// Overdue as of this time.
    pub now: Time,
    /// By id.
    pub shipments: Vec<ListedShipment>,
}

/// Shipments that were open at a moment, and the time by which they were late.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OpenShipments {
    /// Overdue as of this time.
    pub now: Time,
    /// By id.
    pub shipments: Vec<OpenShipment>,
}

/// An answer with what stands around it.
pub fn answer<T>(store: &Store, moment: Moment, basis: Basis, answer: T) -> Answer<T> {
    Answer {
        height: moment.known,
        block_time: moment.known_time,
        at: moment.at,
        basis,
        clock: store.genesis().clock,
        answer,
    }
}

/// Where an item is, or was.
pub fn whereabouts(store: &Store, id: &ItemId, as_of: AsOf) -> Result<Answer<Found>, QueryError> {
    let view = store.view();
    let whereabouts = view.whereabouts(id, as_of)?;
    let record_id = if whereabouts.record.is_base() {
        view.record_of_base(id, &whereabouts)?
    } else {
        Some(view.record_at(whereabouts.record)?.1)
    };
    let moment = whereabouts.moment;
    let found = Found {
        whereabouts,
        record_id,
    };
    Ok(answer(store, moment, as_of.basis(), found))
}

/// The journey of an item: every record that named it, or moved a container that it was in.
pub fn history(store: &Store, id: &ItemId, as_of: AsOf) -> Result<Answer<Vec<Step>>, QueryError> {
    let view = store.view();
    let moment = view.moment(as_of)?;
    let steps = view.trace(id, moment)?;
    Ok(answer(store, moment, Basis::Derived, steps))
}

/// The movements that a correction of items must carry. Whoever asks need not believe them: the
/// rules compare each with the leaf of its item.
pub fn carried(store: &Store, items: &ItemSet) -> Result<Answer<Vec<Movement>>, QueryError> {
    let view = store.view();
    let moment = view.moment(AsOf::default())?;
    let movements = view.carried(items)?;
    Ok(answer(store, moment, Basis::Derived, movements))
}

/// A page of items, from a number on; at most `look_at_max` items are looked at.
pub fn items(
    store: &Store,
    filter: &ItemFilter,
    from: ItemNumber,
    look_at_max: u64,
) -> Result<Answer<ItemPage>, QueryError> {
    let view = store.view();
    let moment = view.moment(AsOf::default())?;
    let page = view.item_page(filter, from, look_at_max)?;
    Ok(answer(store, moment, Basis::Committed, page))
}

/// Shipments, or only the overdue ones: as of `now`, or else as of the present by the caller's
/// clock, which under `replay` is the last block's time.
pub fn shipments(
    store: &Store,
    now: Option<Time>,
    clock: Time,
    overdue: bool,
) -> Result<Answer<Shipments>, QueryError> {
    let view = store.view();
    let moment = view.moment(AsOf::default())?;
    let present = match store.genesis().clock {
        Clock::Wall => clock,
        Clock::Replay => moment.known_time,
    };
    let now = now.unwrap_or(present);
    let shipments = view.shipments(now, overdue)?;
    let listed = Shipments { now, shipments };
    Ok(answer(store, moment, Basis::Committed, listed))
}

/// Shipments that were open at a moment, or only those overdue then: as of its event time, or else
/// of the time of the last block known.
pub fn open_shipments(
    store: &Store,
    as_of: AsOf,
    overdue: bool,
) -> Result<Answer<OpenShipments>, QueryError> {
    let view = store.view();
    let moment = view.moment(as_of)?;
    let now = moment.at.unwrap_or(moment.known_time);
    let shipments = view.open_shipments(moment, now, overdue)?;
    let listed = OpenShipments { now, shipments };
    Ok(answer(store, moment, Basis::Derived, listed))
}

/// What is true of a member; `None` if there is no such.
pub fn member(store: &Store, id: &MemberId) -> Result<Answer<Option<Member>>, QueryError> {
    let view = store.view();
    let moment = view.moment(AsOf::default())?;
    let entry = view.entry(&Key::Member(id.clone()))?;
    let member = entry.as_deref().and_then(Member::of).cloned();
    Ok(answer(store, moment, Basis::Committed, member))
}

/// What a ledger is, where it stands and how much it holds.
pub fn status(store: &Store) -> Result<LedgerStatus, QueryError> {
    let view = store.view();
    let head = view.head()?;
    let count = |kind| -> Result<u64, QueryError> { Ok(view.entries(kind)?.len() as u64) };
    let size = LedgerSize {
        validators: chain(&view)?.validators.0.len() as u64,
        items: view.item_count(),
        members: count(EntryKind::Member)?,
        sites: count(EntryKind::Site)?,
        shipments: count(EntryKind::Shipment)?,
        disk_bytes: store.folder_bytes(),
        commitment_bytes: store.commitment_bytes() as u64,
    };
    Ok(LedgerStatus {
        ledger: store.genesis().name.clone(),
        genesis: store.genesis_hash(),
        height: head.header.height,
        block: head.hash(),
        state_root: head.header.state_root,
        block_time: head.header.time,
        clock: store.genesis().clock,
        protocol: head.header.protocol,
        size,
    })
}

/// The last header with the quorum's signatures and the set that gave them.
pub fn checkpoint(store: &Store) -> Result<CheckpointAnswer, QueryError> {
    let view = store.view();
    let height = view.head()?.header.height;
    let (header, certificate) = view.header(height)?.ok_or_else(|| damaged("the head"))?;
    Ok(CheckpointAnswer {
        hash: header.hash(),
        validators: chain(&view)?.validators,
        header,
        certificate,
    })
}

/// A block; its transactions too, if they are wanted. `None` if the store does not hold it.
pub fn block(
    store: &Store,
    height: Height,
    transactions: Transactions,
) -> Result<Option<BlockAnswer>, QueryError> {
    let view = store.view();
    let shown = |header: Header, certificate: Certificate, transactions| BlockAnswer {
        hash: header.hash(),
        header,
        certificate,
        transactions,
    };
    Ok(match transactions {
        Transactions::Left => view
            .header(height)?
            .map(|(header, certificate)| shown(header, certificate, None)),
        Transactions::Shown => view.block(height)?.map(|certified| {
            let block = certified.block;
            shown(
                block.header,
                certified.certificate,
                Some(block.transactions),
            )
        }),
    })
}

/// Whether a block is shown with its transactions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transactions {
    /// Header and certificate only.
    Left,
    /// With them.
    Shown,
}

/// Reads an item id in the ledger's own form or any GS1 form.
///
/// # Errors
/// With what is wrong about it.
pub fn item_id(text: &str) -> Result<ItemId, String> {
    if chipledger_schemas::gs1::is_gs1(text) {
        // Without a list of issuers only forms that say where the prefix ends can be read.
        return chipledger_schemas::gs1::parse(text, |_| false).map_err(|error| error.to_string());
    }
    text.parse()
        .map_err(|error: chipledger_schemas::ids::NotAnId| error.to_string())
}

fn chain(view: &View<'_>) -> Result<Chain, QueryError> {
    let entry = view.entry(&Key::Chain)?;
    let chain = entry.as_deref().and_then(Chain::of).cloned();
    chain.ok_or_else(|| damaged("the chain entry"))
}

fn damaged(what: &str) -> QueryError {
    crate::state::StateError {
        reason: format!("{what} is missing; run audit"),
    }
    .into()
}
