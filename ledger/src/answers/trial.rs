//! What the rules would say, without writing anything.

use chipledger_schemas::genesis::Clock;
use chipledger_schemas::time::Time;
use chipledger_schemas::transaction::Transaction;

use super::chain;
use crate::execute;
use crate::read::QueryError;
use crate::rejection::{Fault, Rejection};
use crate::state::Draft;
use crate::store::Store;
use crate::verify::VerifiedTransaction;

/// Says what the rules would say to each transaction, one after the other on the present state, at
/// the time that the caller's clock shows, or under `replay` at the latest signature.
///
/// # Errors
/// When the state cannot be read.
pub fn trial(
    store: &Store,
    transactions: Vec<Transaction>,
    clock: Time,
) -> Result<Vec<Result<(), Rejection>>, QueryError> {
    let (genesis, bounds) = (store.genesis_hash(), store.genesis().bounds);
    let signed = transactions.iter().map(|next| next.body.signed_at).max();
    let view = store.view();
    let head = view.head()?.header;
    let time = match store.genesis().clock {
        Clock::Wall => clock.max(head.time.plus_ms(1)),
        Clock::Replay => signed.unwrap_or(head.time).max(head.time),
    };
    let mut draft = Draft::new(&view, head.height.next(), time);
    let mut chain = chain(&view)?;
    execute::begin(&mut draft, &mut chain).map_err(fatal)?;
    let mut told = Vec::with_capacity(transactions.len());
    for (index, transaction) in (0_u32..).zip(transactions) {
        let verified = VerifiedTransaction::verify(transaction, &genesis, &bounds);
        let result = match verified {
            Ok(verified) => execute::transaction(&mut draft, index, &verified),
            Err(rejection) => Err(Fault::Rejected(rejection)),
        };
        told.push(match result {
            Ok(()) => Ok(()),
            Err(Fault::Rejected(rejection)) => Err(rejection),
            Err(other) => return Err(fatal(other)),
        });
    }
    Ok(told)
}

/// Beginning a block rejects nothing: whatever goes wrong there is the state's.
fn fatal(fault: Fault) -> QueryError {
    match fault {
        Fault::Rejected(rejection) => super::damaged(&rejection.to_string()),
        Fault::Fatal(error) => error.into(),
    }
}
