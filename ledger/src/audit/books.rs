//! The books against the items: double entry, from scratch.

use std::collections::BTreeMap;

use chipledger_proof::state::{
    Account, AccountPlace, Amount, Balance, Dimension, EntryKind, Item, ItemKind, Key, ModelNumber,
    Stored, Totals,
};
use chipledger_schemas::ids::{Height, ItemNumber};
use chipledger_schemas::time::Time;
use chipledger_schemas::words::Status;

use crate::state::{Draft, PAGE_ITEMS, Side, State};

/// The books do not agree with the items. The data directory is damaged or was written by a faulty
/// program: restore a backup, or sync from other peers.
#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] crate::state::StateError),
    /// An item cannot be placed.
    #[error("item {number} cannot be placed: {reason}")]
    Item {
        /// Its number.
        number: u64,
        /// Why.
        reason: String,
    },
    /// An account, total or content differs from the sum of its items.
    #[error("{what}: the book says {book}, its items sum to {items}")]
    Differs {
        /// Which.
        what: String,
        /// What the book says.
        book: String,
        /// What the items sum to.
        items: String,
    },
}

type Balances = BTreeMap<(Account, ModelNumber), (u64, u64)>;

/// Checks double entry from scratch: every account and total is the sum of its chips, one by one,
/// and chips that exist are chips registered less chips ended.
///
/// # Errors
/// The first difference.
pub fn check_books<S: State>(state: &S) -> Result<(), BooksError> {
    let draft = Draft::new(state, Height(0), Time::default());
    let mut balances = Balances::new();
    let mut ended: BTreeMap<(ModelNumber, Status), u64> = BTreeMap::new();
    for page in 0..state.item_count().div_ceil(PAGE_ITEMS) {
        for (place, item) in state.page(page)?.items()? {
            let number = ItemNumber(page * PAGE_ITEMS + place as u64);
            count_chip(&draft, number, &item, &mut balances, &mut ended)?;
        }
    }
    let mut totals: BTreeMap<(Dimension, ModelNumber, Status), Amount> = BTreeMap::new();
    for ((account, model), (count, disputed)) in &balances {
        spread(&draft, account, *model, (*count, *disputed), &mut totals)?;
    }
    for ((model, status), count) in ended {
        totals
            .entry((Dimension::World, model, status))
            .or_default()
            .here += count;
    }
    compare("account", &booked_balances(state)?, &balances)?;
    compare("total", &booked_totals(state)?, &totals)
}

fn wrong(number: ItemNumber, fault: &crate::rejection::Fault) -> BooksError {
    BooksError::Item {
        number: number.0,
        reason: fault.to_string(),
    }
}

fn count_chip<S: State>(
    draft: &Draft<'_, S>,
    number: ItemNumber,
    item: &Item,
    balances: &mut Balances,
    ended: &mut BTreeMap<(ModelNumber, Status), u64>,
) -> Result<(), BooksError> {
    let ItemKind::Chip(model) = item.kind else {
        return Ok(());
    };
    let effective = draft
        .effective(number)
        .map_err(|fault| wrong(number, &fault))?;
    let mut disputed = item.is_disputed();
    for container in &effective.containers {
        let open = draft.with_item(*container, Item::is_disputed);
        disputed |= open.map_err(|fault| wrong(number, &fault))?;
    }
    match draft
        .account_of_chip(&effective)
        .map_err(|fault| wrong(number, &fault))?
    {
        Side::Account(account) => {
            let (count, marked) = balances.entry((account, model)).or_default();
            *count += 1;
            *marked += u64::from(disputed);
        }
        Side::Ended(status) => *ended.entry((model, status)).or_default() += 1,
        Side::Origin => {}
    }
    Ok(())
}

fn spread<S: State>(
    draft: &Draft<'_, S>,
    account: &Account,
    model: ModelNumber,
    (count, disputed): (u64, u64),
    totals: &mut BTreeMap<(Dimension, ModelNumber, Status), Amount>,
) -> Result<(), BooksError> {
    let parent = draft
        .ultimate_parent(&account.owner)
        .map_err(|fault| BooksError::Item {
            number: 0,
            reason: fault.to_string(),
        })?;
    let transit = matches!(account.place, AccountPlace::Transit { .. });
    let mut add = |dimension, here: u64, inbound: u64, outbound: u64| {
        let amount: &mut Amount = totals
            .entry((dimension, model, account.status))
            .or_default();
        amount.here += here;
        amount.inbound += inbound;
        amount.outbound += outbound;
        amount.disputed += disputed;
    };
    let (here, away) = if transit { (0, count) } else { (count, 0) };
    add(Dimension::World, here, 0, away);
    add(Dimension::Owner(account.owner.clone()), here, 0, away);
    add(Dimension::Parent(parent), here, 0, away);
    match &account.place {
        AccountPlace::Site { site, jurisdiction } => {
            add(Dimension::Site(site.clone()), count, 0, 0);
            add(Dimension::Jurisdiction(*jurisdiction), count, 0, 0);
        }
        AccountPlace::Transit {
            from,
            to,
            from_jurisdiction,
            to_jurisdiction,
        } => {
            add(Dimension::Site(from.clone()), 0, 0, count);
            add(Dimension::Site(to.clone()), 0, count, 0);
            add(Dimension::Jurisdiction(*from_jurisdiction), 0, 0, count);
            add(Dimension::Jurisdiction(*to_jurisdiction), 0, count, 0);
        }
    }
    Ok(())
}

fn booked_balances<S: State>(state: &S) -> Result<Balances, BooksError> {
    let mut booked = Balances::new();
    for (key, entry) in state.entries(EntryKind::Account)? {
        if let (Key::Account(account), Some(balance)) = (key, Balance::of(&entry)) {
            for row in &balance.rows {
                booked.insert((account.clone(), row.model), (row.count, row.disputed));
            }
        }
    }
    Ok(booked)
}

fn booked_totals<S: State>(
    state: &S,
) -> Result<BTreeMap<(Dimension, ModelNumber, Status), Amount>, BooksError> {
    let mut booked = BTreeMap::new();
    for (key, entry) in state.entries(EntryKind::Totals)? {
        if let (Key::Totals(dimension), Some(totals)) = (key, Totals::of(&entry)) {
            for row in &totals.0 {
                booked.insert((dimension.clone(), row.model, row.status), row.amount);
            }
        }
    }
    Ok(booked)
}

fn compare<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    what: &str,
    book: &BTreeMap<K, V>,
    items: &BTreeMap<K, V>,
) -> Result<(), BooksError> {
    for key in book.keys().chain(items.keys()) {
        if book.get(key) != items.get(key) {
            return Err(BooksError::Differs {
                what: format!("{what} {key:?}"),
                book: format!("{:?}", book.get(key)),
                items: format!("{:?}", items.get(key)),
            });
        }
    }
    Ok(())
}
