//! Replay: every block of the audited ledger, verified and executed again from genesis on.

use chipledger_schemas::block::CertifiedBlock;
use chipledger_schemas::encode::decode;
use chipledger_schemas::ids::Height;
use rayon::prelude::*;
use rocksdb::{DB, IteratorMode, ReadOptions};

use super::{AuditError, Damage, Progress, Report};
use crate::chain::BlockError;
use crate::rejection::Rejection;
use crate::store::{Store, StoreError, column, columns, head_row};
use crate::verify::{VerifiedTransaction, verify_block};

/// Blocks whose signatures are verified together, on all cores.
const BLOCKS: usize = 256;
/// Their encoded size at most, so that memory stays bounded.
const BYTES: usize = 64 * 1024 * 1024;

/// A block as it is stored.
struct Row {
    height: Height,
    bytes: Vec<u8>,
}

/// A block that is canonical, with what its signatures say.
struct Read {
    block: CertifiedBlock,
    verified: Result<Vec<VerifiedTransaction>, (usize, Rejection)>,
}

/// Executes every block of `db` again on `derived`; says whether all of them follow and none is
/// missing.
pub(super) fn replay(
    db: &DB,
    derived: &Store,
    report: &mut Report,
    progress: &mut dyn FnMut(Progress),
) -> Result<bool, AuditError> {
    let head = match head_row(db) {
        Ok(head) => head,
        Err(StoreError::Database(error)) => {
            report.add_database(&error);
            return Ok(false);
        }
        // It is compared with the other rows.
        Err(_) => None,
    };
    let total = head.as_ref().map_or(0, |head| head.header.height.0 + 1);
    let mut options = ReadOptions::default();
    options.fill_cache(false);
    let mut rows = db.iterator_cf_opt(column(db, columns::BLOCKS), options, IteratorMode::Start);
    let mut next = Height(0);
    loop {
        let (batch, failed) = take(&mut rows);
        for (row, read) in read(batch, derived) {
            if row.height != next {
                return Ok(missing(report, next));
            }
            if let Err(what) = follow(derived, &row, read, report)? {
                report.add(Damage::Block { height: next, what });
                return Ok(false);
            }
            report.height = next;
            next = next.next();
            progress(Progress::Blocks {
                done: next.0,
                total,
            });
        }
        match failed {
            Some(Some(error)) => {
                report.add_database(&error);
                return Ok(false);
            }
            Some(None) => break,
            None => {}
        }
    }
    if next.0 == 0 || next.0 < total {
        return Ok(missing(report, next));
    }
    report.items = derived.with_tip(|tip| tip.commitment.item_count());
    Ok(true)
}

fn missing(report: &mut Report, height: Height) -> bool {
    report.add(Damage::Block {
        height,
        what: "is missing".to_owned(),
    });
    false
}

type Rows<'d> = rocksdb::DBIterator<'d>;

/// The next rows; at the end, whether for an error.
#[expect(clippy::option_option, reason = "ended, and whether for an error")]
fn take(rows: &mut Rows<'_>) -> (Vec<Row>, Option<Option<rocksdb::Error>>) {
    let (mut batch, mut size) = (Vec::new(), 0);
    while batch.len() < BLOCKS && size < BYTES {
        match rows.next() {
            Some(Ok((key, bytes))) => {
                let height = (*key).try_into().map_or(u64::MAX, u64::from_be_bytes);
                size += bytes.len();
                batch.push(Row {
                    height: Height(height),
                    bytes: bytes.into_vec(),
                });
            }
            Some(Err(error)) => return (batch, Some(Some(error))),
            None => return (batch, Some(None)),
        }
    }
    (batch, None)
}

fn read(batch: Vec<Row>, derived: &Store) -> Vec<(Row, Option<Read>)> {
    let (genesis, bounds) = (derived.genesis_hash(), derived.genesis().bounds);
    let read = |row: Row| {
        let block = decode::<CertifiedBlock>(&row.bytes).ok();
        let read = block.map(|block| Read {
            verified: verify_block(&block.block, &genesis, &bounds),
            block,
        });
        (row, read)
    };
    batch.into_par_iter().map(read).collect()
}

/// Executes one block and commits it to the derived ledger; the inner error says what is wrong with
/// it.
fn follow(
    derived: &Store,
    row: &Row,
    read: Option<Read>,
    report: &mut Report,
) -> Result<Result<(), String>, AuditError> {
    let Some(Read { block, verified }) = read else {
        return Ok(Err("is not a block in canonical bytes".to_owned()));
    };
    if row.height == Height(0) {
        let same = derived
            .block(Height(0))?
            .is_some_and(|genesis| genesis == block);
        return Ok(same
            .then_some(())
            .ok_or_else(|| "is not what the genesis document gives".to_owned()));
    }
    let verified = match verified {
        Ok(verified) => verified,
        Err((index, rejection)) => return Ok(Err(format!("transaction {index}: {rejection}"))),
    };
    let cosigned = |tx: &VerifiedTransaction| tx.transaction().cosignatures.len() as u64 + 1;
    report.signatures += verified.iter().map(cosigned).sum::<u64>();
    report.signatures += block.certificate.signatures.len() as u64;
    report.transactions += verified.len() as u64;
    let outcome = match derived.decide(|ground| ground.execute(&block.block, &verified)) {
        Ok(outcome) => outcome,
        Err(BlockError::State(error)) => return Err(StoreError::from(error).into()),
        Err(error) => return Ok(Err(error.to_string())),
    };
    match derived.commit(&block, outcome) {
        Ok(()) => Ok(Ok(())),
        Err(StoreError::Block(error)) => Ok(Err(error.to_string())),
        Err(error) => Err(error.into()),
    }
}
