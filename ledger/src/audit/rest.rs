//! What can be audited of a ledger that does not hold the blocks before a height: that a quorum
//! certified every header held, from genesis on; that every block held is the one its header names,
//! with good signatures, in one chain; that the state, row by row, has the root that the last
//! header certifies; and that the books are the sum of the items.
//!
//! What cannot be: that executing the blocks makes that state, because what they began with is
//! known by its root alone. The quorum's signatures stand for it.

use chipledger_proof::state::{Entry, Key};
use chipledger_proof::{
    BucketEntry, Peaks, bucket_count, bucket_index, bucket_root, list_root, page_root,
};
use chipledger_schemas::block::{CertifiedBlock, Header};
use chipledger_schemas::certificate::{Certificate, ValidatorSet};
use chipledger_schemas::encode::decode;
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::Height;
use rocksdb::DB;

use super::{AuditError, Damage, Progress, Report, check_books};
use crate::commitment::{Commitment, page_count};
use crate::state::{State, StateError};
use crate::store::{View, columns};
use crate::verify::{VerifiedTransaction, verify_block};

/// Audits what is held from `first` on; what is wrong is in the report.
pub(super) fn audit(
    db: &DB,
    genesis: &Genesis,
    first: Height,
    report: &mut Report,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), AuditError> {
    let view = View::unversioned(db);
    report.first = first;
    if let Err((height, what)) = headers(&view, genesis, report) {
        report.add(Damage::Block { height, what });
        return Ok(());
    }
    if let Err((height, what)) = blocks(&view, genesis, first, report, progress) {
        report.add(Damage::Block { height, what });
        return Ok(());
    }
    if let Err(what) = state(&view, report, progress) {
        report.add(Damage::Books { what });
        return Ok(());
    }
    progress(Progress::Books);
    if let Err(error) = check_books(&view) {
        report.add(Damage::Books {
            what: error.to_string(),
        });
    }
    Ok(())
}

type Wrong = (Height, String);

fn unreadable(height: Height) -> impl Fn(StateError) -> Wrong {
    move |error| (height, error.reason)
}

/// Every header held: certified by the set that follows from genesis.
fn headers(view: &View<'_>, genesis: &Genesis, report: &mut Report) -> Result<(), Wrong> {
    let hash = genesis.hash();
    let mut set: ValidatorSet = genesis.validators.clone();
    let mut before: Option<Header> = None;
    let mut from = Height(1);
    loop {
        let page = view.headers_from(from, 1_000).map_err(unreadable(from))?;
        let Some((last, _)) = page.last() else {
            return Ok(());
        };
        from = last.height.next();
        for (header, certificate) in page {
            let height = header.height;
            let wrong = |what: &str| (height, what.to_owned());
            if header.genesis != hash || header.validators != set.digest() {
                return Err(wrong("its validators do not follow from those before"));
            }
            let certified = certificate.verify(&hash, height, &header.hash(), &set);
            certified.map_err(|error| (height, error.to_string()))?;
            report.signatures += certificate.signatures.len() as u64;
            let follows = before.as_ref().is_none_or(|before| {
                before.height.next() != height || before.hash() == header.parent
            });
            if !follows {
                return Err(wrong("its parent is not the block before"));
            }
            if header.next_validators != header.validators {
                let next = view.next_validators(&header);
                let next = next.map_err(|error| (height, error.to_string()))?;
                let next = next.filter(|set| set.digest() == header.next_validators);
                set = next.ok_or_else(|| wrong("the set that it names next is missing"))?;
            }
            before = Some(header);
        }
    }
}

/// Every block held: the one that its header names, in one chain with those before the first.
fn blocks(
    view: &View<'_>,
    genesis: &Genesis,
    first: Height,
    report: &mut Report,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), Wrong> {
    let head = view.head().map_err(|error| (first, error.to_string()))?;
    let last = head.header.height;
    let base = Height(first.0.saturating_sub(1));
    let header = |height| -> Result<(Header, Certificate), Wrong> {
        let found = view.header(height).map_err(unreadable(height))?;
        found.ok_or((height, "its header is missing".to_owned()))
    };
    let mut history = edge(view, base)?;
    history.append(&header(base)?.0.hash().0);
    let total = last.0 + 1 - first.0;
    for height in (first.0..=last.0).map(Height) {
        let (header, certificate) = header(height)?;
        let wrong = |what: &str| (height, what.to_owned());
        let held = view.block(height).map_err(unreadable(height))?;
        let CertifiedBlock {
            block,
            certificate: other,
        } = held.ok_or_else(|| wrong("is missing"))?;
        if block.header != header || other != certificate {
            return Err(wrong("its header is another"));
        }
        if header.history_root != history.root() {
            return Err(wrong("it names another past"));
        }
        history.append(&header.hash().0);
        let verified = verify_block(&block, &genesis.hash(), &genesis.bounds)
            .map_err(|(index, rejection)| (height, format!("transaction {index}: {rejection}")))?;
        let digests: Vec<Hash> = verified.iter().map(VerifiedTransaction::digest).collect();
        if list_root(&digests) != header.transactions_root {
            return Err(wrong("its transactions are others"));
        }
        let signed = |tx: &VerifiedTransaction| tx.transaction().cosignatures.len() as u64 + 1;
        report.signatures += verified.iter().map(signed).sum::<u64>();
        report.transactions += verified.len() as u64;
        report.height = height;
        let done = height.0 + 1 - first.0;
        progress(Progress::Blocks { done, total });
    }
    if history == head.history && header(last)?.0 == head.header {
        Ok(())
    } else {
        Err((last, "the head is another".to_owned()))
    }
}

/// The edge of the history tree before a height.
fn edge(view: &View<'_>, height: Height) -> Result<Peaks, Wrong> {
    let missing = || (height, "the history tree has a hole before it".to_owned());
    Peaks::of(height.0, |level, index| {
        let found = view.history_node(level, index);
        found.map_err(unreadable(height))?.ok_or_else(missing)
    })
}

/// The root of the state, from every item and entry.
fn state(
    view: &View<'_>,
    report: &mut Report,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), String> {
    let text = |error: StateError| error.reason;
    let head = view.head().map_err(|error| error.to_string())?.header;
    let items = view.item_count();
    let mut roots = Vec::new();
    for number in 0..page_count(items) {
        let page = view.page(number).map_err(text)?;
        for (place, item) in page.items().map_err(text)? {
            if Some(&item.digest()) != page.digests().get(place) {
                return Err(format!("item {} is not the one of its leaf", item.id));
            }
            report.items += 1;
        }
        roots.push(page_root(page.digests()));
    }
    report.rows += roots.len() as u64;
    let mut digests = Vec::new();
    view.scan(columns::ENTRIES, &[], |key, row| {
        let reason = |_| StateError {
            reason: "an entry does not read".to_owned(),
        };
        let key: Key = decode(key).map_err(reason)?;
        let entry = Entry::from_bytes(row).map_err(reason)?;
        digests.push(BucketEntry {
            key: key.digest(),
            value: entry.digest_with(row),
        });
        Ok(true)
    })
    .map_err(text)?;
    let entries = digests.len() as u64;
    report.rows += entries;
    let done = report.rows;
    progress(Progress::Rows {
        column: columns::ENTRIES,
        done,
    });
    let count = bucket_count(entries);
    let bucket = |entry: &BucketEntry| bucket_index(&entry.key, count);
    digests.sort_unstable_by_key(|entry| (bucket(entry), entry.key));
    let mut buckets = vec![bucket_root(&[]); usize::try_from(count).unwrap_or(0)];
    for entries in digests.chunk_by(|a, b| bucket(a) == bucket(b)) {
        let number = usize::try_from(bucket(&entries[0])).unwrap_or(usize::MAX);
        if let Some(root) = buckets.get_mut(number) {
            *root = bucket_root(entries);
        }
    }
    let commitment = Commitment::load(roots.into_iter(), items, buckets.into_iter(), entries)
        .map_err(|error| error.to_string())?;
    if commitment.state_root() == head.state_root {
        Ok(())
    } else {
        Err(format!(
            "items and entries are not the state that height {} certifies",
            head.height
        ))
    }
}
