//! Checked transactions: whatever can be checked without the state is checked once, here.

use chipledger_schemas::block::Block;
use chipledger_schemas::encode::{decode, decode_prefix, encoded_len};
use chipledger_schemas::genesis::Bounds;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{GenesisHash, TransactionId};
use chipledger_schemas::records::{Group, Record};
use chipledger_schemas::time::DAY_MS;
use chipledger_schemas::transaction::{
    COSIGNATURES_MAX, RECORDS_MAX, TRANSACTION_VERSION, Transaction, WINDOW_MS_MAX,
};
use rayon::prelude::*;

use crate::rejection::{Code, Rejection};

/// A transaction that is well formed, within bounds, and signed by the keys that it names. Whose
/// keys they are, and whether they count, is judged at block time.
#[derive(Clone, Debug)]
pub struct VerifiedTransaction {
    transaction: Transaction,
    id: TransactionId,
    digest: Hash,
    bytes: u64,
    item_events: u64,
}

impl VerifiedTransaction {
    /// Checks a transaction in the bytes in which it came.
    ///
    /// # Errors
    /// As [`Self::verify`]; `malformed` for anything but the canonical bytes of one transaction.
    pub fn from_bytes(
        bytes: &[u8],
        genesis: &GenesisHash,
        bounds: &Bounds,
    ) -> Result<Self, Rejection> {
        let reject = |code, detail: String| Err(Rejection::new(code, detail));
        // The version comes first in the bytes, whatever a later version has behind it.
        if let Ok((version, _)) = decode_prefix::<u16>(bytes)
            && version != TRANSACTION_VERSION
        {
            return reject(Code::UnknownVersion, format!("version {version}"));
        }
        let max = bounds.transaction_bytes_max;
        if bytes.len() as u64 > max {
            let got = bytes.len();
            return reject(
                Code::TransactionTooLarge,
                format!("{got} bytes, at most {max}"),
            );
        }
        match decode(bytes) {
            Ok(transaction) => Self::verify_sized(transaction, bytes.len() as u64, genesis, bounds),
            Err(error) => reject(Code::Malformed, error.to_string()),
        }
    }

    /// Checks a transaction for a ledger, in order of precedence.
    ///
    /// # Errors
    /// The first rejection that applies.
    pub fn verify(
        transaction: Transaction,
        genesis: &GenesisHash,
        bounds: &Bounds,
    ) -> Result<Self, Rejection> {
        let bytes = encoded_len(&transaction) as u64;
        Self::verify_sized(transaction, bytes, genesis, bounds)
    }

    fn verify_sized(
        transaction: Transaction,
        bytes: u64,
        genesis: &GenesisHash,
        bounds: &Bounds,
    ) -> Result<Self, Rejection> {
        let checked = Self::check(transaction, bytes, genesis, bounds)?;
        if !checked.transaction.signatures_verify_for(&checked.id) {
            let detail = "a signature does not verify under the key beside it";
            return Err(Rejection::new(Code::BadSignature, detail));
        }
        Ok(checked)
    }

    fn check(
        transaction: Transaction,
        bytes: u64,
        genesis: &GenesisHash,
        bounds: &Bounds,
    ) -> Result<Self, Rejection> {
        let body = &transaction.body;
        let reject = |code, detail: String| Err(Rejection::new(code, detail));
        if body.version != TRANSACTION_VERSION {
            return reject(Code::UnknownVersion, format!("version {}", body.version));
        }
        if body.genesis != *genesis {
            return reject(
                Code::WrongChain,
                format!("signed for ledger {}", body.genesis),
            );
        }
        if bytes > bounds.transaction_bytes_max {
            let max = bounds.transaction_bytes_max;
            return reject(
                Code::TransactionTooLarge,
                format!("{bytes} bytes, at most {max}"),
            );
        }
        if body.records.is_empty() || body.records.len() > RECORDS_MAX {
            return reject(Code::NoRecords, format!("{} records", body.records.len()));
        }
        if body.valid_until <= body.valid_from
            || body.valid_until.since_ms(body.valid_from) > WINDOW_MS_MAX
        {
            let (from, until) = (body.valid_from, body.valid_until);
            return reject(Code::WindowTooLong, format!("from {from} until {until}"));
        }
        check_cosignatures(&transaction)?;
        check_records(&transaction.body.records, bounds)?;
        let item_events = transaction.item_events();
        if item_events > bounds.block_item_events_max {
            let max = bounds.block_item_events_max;
            return reject(
                Code::TooManyItems,
                format!("{item_events} item-events, at most {max}"),
            );
        }
        let id = transaction.id();
        let digest = transaction.digest(&id);
        Ok(Self {
            transaction,
            id,
            digest,
            bytes,
            item_events,
        })
    }

    /// The transaction.
    pub fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// Its id.
    pub fn id(&self) -> TransactionId {
        self.id
    }

    /// Its leaf in the transactions root.
    pub fn digest(&self) -> Hash {
        self.digest
    }

    /// Bytes of its encoding.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Item-events that it names.
    pub fn item_events(&self) -> u64 {
        self.item_events
    }

    /// Gives the transaction back.
    pub fn into_transaction(self) -> Transaction {
        self.transaction
    }
}

fn check_cosignatures(transaction: &Transaction) -> Result<(), Rejection> {
    let cosignatures = &transaction.cosignatures;
    let sorted = cosignatures
        .windows(2)
        .all(|pair| pair[0].member < pair[1].member);
    let author = &transaction.body.member;
    let own = cosignatures.iter().any(|c| c.member == *author);
    if sorted && !own && cosignatures.len() <= COSIGNATURES_MAX {
        return Ok(());
    }
    let detail = "co-signatures must be sorted by member, each once, and none the author's";
    Err(Rejection::new(Code::Malformed, detail))
}

fn check_records(records: &[Record], bounds: &Bounds) -> Result<(), Rejection> {
    for (index, record) in records.iter().enumerate() {
        let at = |code, detail| {
            Err(Rejection {
                code,
                detail,
                record: u32::try_from(index).ok(),
            })
        };
        let item_events = record.item_events();
        if item_events > bounds.record_item_events_max {
            let max = bounds.record_item_events_max;
            return at(
                Code::TooManyItems,
                format!("{item_events} items named, at most {max}"),
            );
        }
        if let Err(error) = record.check() {
            return at(Code::Malformed, error.to_string());
        }
        if !sealed_fields(record)
            .iter()
            .all(|sealed| sealed.is_well_formed())
        {
            let detail =
                "a sealed field has 1 to 32 recipients, sorted, and at most 2 KiB".to_owned();
            return at(Code::Malformed, detail);
        }
    }
    Ok(())
}

fn sealed_fields(record: &Record) -> Vec<&chipledger_schemas::sealed::Sealed> {
    match record {
        Record::Order(r) => r.price.iter().collect(),
        Record::Ship(r) => r.declared.iter().collect(),
        Record::Clear(r) => r.value.iter().collect(),
        Record::TransferTitle(r) => r.price.iter().collect(),
        Record::SetSeizure(r) => r.case.iter().collect(),
        Record::DeclarePayment(r) => vec![&r.amount],
        Record::Tip(r) => vec![&r.message],
        Record::Correct(r) => r
            .replacement
            .as_ref()
            .map_or_else(Vec::new, |n| sealed_fields(n)),
        _ => Vec::new(),
    }
}

/// Whether a record needs an admin key: governance does.
pub fn needs_admin_key(record: &Record) -> bool {
    record.kind().group() == Group::Governance
}

/// The longest that a proposal may stay open, milliseconds.
pub const PROPOSAL_MS_MAX: u64 = 90 * DAY_MS;

/// Checks every transaction of a block, on all cores: order does not matter.
///
/// # Errors
/// The index of a transaction that is rejected, and why.
pub fn verify_block(
    block: &Block,
    genesis: &GenesisHash,
    bounds: &Bounds,
) -> Result<Vec<VerifiedTransaction>, (usize, Rejection)> {
    let verified: Vec<_> = block
        .transactions
        .par_iter()
        .map(|transaction| VerifiedTransaction::verify(transaction.clone(), genesis, bounds))
        .collect();
    let with_index = |(index, result): (usize, Result<_, _>)| result.map_err(|r| (index, r));
    verified.into_iter().enumerate().map(with_index).collect()
}
