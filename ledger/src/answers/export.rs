//! Everything of one sort, row by row, at one height.

use std::ops::ControlFlow;

use chipledger_proof::state::{Account, AccountPlace};
use chipledger_schemas::api::{Answer, Basis};
use chipledger_schemas::ids::{Height, ItemNumber};
use serde_json::{Value, json};

use crate::read::items::ItemFilter;
use crate::read::{AsOf, QueryError};
use crate::state::StateError;
use crate::store::{Store, View};

macro_rules! exports {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $columns:expr;)*) => {
        /// What is exported.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Export { $($(#[$doc])* $name,)* }

        impl Export {
            /// Every sort.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// Its name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
            /// Names of the values of a row, in order.
            pub const fn columns(self) -> &'static [&'static str] {
                match self { $(Self::$name => &$columns,)* }
            }
        }
    };
}

exports! {
    /// Every record, in the order decided.
    Records = "records", [
        "record_id", "height", "known_at", "occurred_at", "member", "cosigners", "kind", "record",
    ];
    /// Every item with its whereabouts now.
    Items = "items", [
        "id", "kind", "chips", "place", "jurisdiction", "holder", "owner", "user", "status",
        "irregularity", "containers", "since",
    ];
    /// Every posting of the double entry.
    Postings = "postings", [
        "height", "transaction", "record", "occurred_at", "model", "chips", "disputed", "from",
        "to",
    ];
    /// Chips per account and model, now.
    Compute = "compute", [
        "jurisdiction", "site", "holder", "owner", "user", "status", "model", "chips", "disputed",
        "tpp_milli_each",
    ];
}

/// The values of a row, in the order of [`Export::columns`].
pub type Row = Vec<Value>;

/// Items that are looked at between two rows that nobody wants.
const CHUNK_ITEMS: u64 = 4_096;

/// The height from which records are exported: `from`, or else the first one.
///
/// # Errors
/// When the blocks from there on are not all held: nothing is left out in silence.
pub fn records_begin(store: &Store, from: Option<Height>) -> Result<Height, QueryError> {
    first_of(&store.view(), from)
}

fn first_of(view: &View<'_>, from: Option<Height>) -> Result<Height, QueryError> {
    // The genesis document is no block with records.
    let from = from.unwrap_or(Height(1)).max(Height(1));
    let (first, head) = (view.first_height()?, view.head()?.header.height);
    if from < first {
        return Err(QueryError::BeforeHistory { first });
    }
    if from > head.next() {
        return Err(QueryError::BeyondHead { asked: from, head });
    }
    Ok(from)
}

/// Hands every row to `put`, until that breaks off; before that the names of their values to
/// `begin`. All is of the one height that `begin` hears. Records are those `from` a height on.
///
/// # Errors
/// When the store cannot be read, and as [`records_begin`].
pub fn export(
    store: &Store,
    what: Export,
    from: Option<Height>,
    begin: impl FnOnce(Answer<&'static [&'static str]>),
    put: impl FnMut(Row) -> ControlFlow<()>,
) -> Result<(), QueryError> {
    let view = store.view();
    let moment = view.moment(AsOf::default())?;
    let basis = match what {
        Export::Items | Export::Compute => Basis::Committed,
        Export::Records | Export::Postings => Basis::Derived,
    };
    let first = match what {
        Export::Records => first_of(&view, from)?,
        _ => Height(0),
    };
    begin(super::answer(store, moment, basis, what.columns()));
    match what {
        Export::Records => records(&view, first, put),
        Export::Items => items(&view, put),
        Export::Postings => postings(&view, put),
        Export::Compute => balances(&view, put),
    }
}

fn records(
    view: &View<'_>,
    first: Height,
    mut put: impl FnMut(Row) -> ControlFlow<()>,
) -> Result<(), QueryError> {
    let last = view.head()?.header.height;
    for height in first.0..=last.0 {
        let block = view.block(Height(height))?;
        let block = block.ok_or_else(|| StateError {
            reason: format!("block {height} is missing; run audit"),
        })?;
        let known_at = block.block.header.time;
        for transaction in &block.block.transactions {
            let cosigners = transaction.cosignatures.iter();
            let cosigners: Vec<_> = cosigners.map(|c| c.member.to_string()).collect();
            for (index, record) in (0_u32..).zip(&transaction.body.records) {
                let row = vec![
                    json!(transaction.record_id(index).to_string()),
                    json!(height),
                    json!(known_at.to_string()),
                    json!(record.occurred_at().map(|time| time.to_string())),
                    json!(transaction.body.member.to_string()),
                    json!(cosigners),
                    json!(record.kind().name()),
                    json!(record),
                ];
                if put(row).is_break() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

fn items(view: &View<'_>, mut put: impl FnMut(Row) -> ControlFlow<()>) -> Result<(), QueryError> {
    let mut next = Some(ItemNumber(0));
    while let Some(from) = next {
        let page = view.item_page(&ItemFilter::default(), from, CHUNK_ITEMS)?;
        for item in page.items {
            let at = item.whereabouts;
            let containers: Vec<_> = at.containers.iter().map(ToString::to_string).collect();
            let row = vec![
                json!(at.id.to_string()),
                json!(item.kind),
                json!(item.chips),
                json!(at.place),
                json!(at.jurisdiction.map(|j| j.to_string())),
                json!(at.holder.to_string()),
                json!(at.owner.to_string()),
                json!(at.user.to_string()),
                json!(at.status.to_string()),
                json!(at.irregularity.map(|reason| reason.to_string())),
                json!(containers.join(" ")),
                json!(at.since.to_string()),
            ];
            if put(row).is_break() {
                return Ok(());
            }
        }
        next = page.next;
    }
    Ok(())
}

fn postings(
    view: &View<'_>,
    mut put: impl FnMut(Row) -> ControlFlow<()>,
) -> Result<(), QueryError> {
    let accounts = view.account_numbers()?;
    let models = view.models()?;
    let moment = view.moment(AsOf::default())?;
    let mut going = ControlFlow::Continue(());
    view.postings(moment, |spot, posting| {
        if going.is_break() {
            return;
        }
        let account = |number: u32| {
            let index = usize::try_from(number).unwrap_or(usize::MAX);
            let found = accounts.get(index).and_then(Option::as_ref);
            found.map(account_text)
        };
        let model = models
            .get(usize::from(posting.model.0))
            .map(|(id, _)| id.as_str());
        going = put(vec![
            json!(spot.height.0),
            json!(spot.transaction),
            json!(spot.record),
            json!(posting.occurred_at.to_string()),
            json!(model),
            json!(posting.count),
            json!(posting.disputed),
            json!(account(posting.from)),
            json!(account(posting.to)),
        ]);
    })?;
    Ok(())
}

fn balances(
    view: &View<'_>,
    mut put: impl FnMut(Row) -> ControlFlow<()>,
) -> Result<(), QueryError> {
    let models = view.models()?;
    for ((account, model), (chips, disputed)) in view.balances_now()? {
        let named = models.get(usize::from(model.0));
        let tpp = named.and_then(|(_, version)| version.tpp_milli);
        let (site, jurisdiction) = place_text(&account.place);
        let row = vec![
            json!(jurisdiction),
            json!(site),
            json!(account.holder.to_string()),
            json!(account.owner.to_string()),
            json!(account.user.to_string()),
            json!(account.status.to_string()),
            json!(named.map(|(id, _)| id.as_str())),
            json!(chips),
            json!(disputed),
            json!(tpp),
        ];
        if put(row).is_break() {
            break;
        }
    }
    Ok(())
}

fn place_text(place: &AccountPlace) -> (String, String) {
    match place {
        AccountPlace::Site { site, jurisdiction } => (site.to_string(), jurisdiction.to_string()),
        AccountPlace::Transit {
            from,
            to,
            from_jurisdiction,
            to_jurisdiction,
        } => (
            format!("{from}->{to}"),
            format!("{from_jurisdiction}->{to_jurisdiction}"),
        ),
    }
}

/// An account in one cell: place, holder, owner, user, status.
fn account_text(account: &Account) -> String {
    let (site, jurisdiction) = place_text(&account.place);
    format!(
        "{jurisdiction} {site} {} {} {} {}",
        account.holder, account.owner, account.user, account.status
    )
}
