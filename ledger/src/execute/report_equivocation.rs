//! `report_equivocation`: what a validator's key signed against the rules of consensus is entered
//! where it can be proven. Nobody is expelled by it: that is a vote.

use chipledger_proof::state::{Chain, Equivocation, Key, Seats};
use chipledger_schemas::records::ReportEquivocation;
use chipledger_schemas::words::Role;

use super::Context;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &ReportEquivocation,
) -> Result<(), Fault> {
    let author = context.author();
    draft.require_role(author, &[Role::Customs, Role::Regulator, Role::Inspector])?;
    if !record.contradicts() {
        return reject(
            Code::EquivocationSame,
            format!("both statements of {} say the same", record.key),
        );
    }
    let chain = draft.get::<Chain>(&Key::Chain)?;
    let genesis = chain.expect("a ledger has its chain entry").genesis;
    if !record.is_signed(&genesis) {
        return reject(
            Code::EquivocationUnsigned,
            format!("a statement is not signed by {}", record.key),
        );
    }
    let seats = draft.get::<Seats>(&Key::Seats(record.key))?;
    let seated = seats.is_some_and(|seats| seats.cover(&record.member, record.height));
    // Who will have a seat at a height to come is not decided yet.
    if !seated || record.height > draft.at.height {
        let (key, member, height) = (record.key, &record.member, record.height);
        return reject(
            Code::SeatUnknown,
            format!("{key} has no seat of {member} at height {height}"),
        );
    }
    let key = Key::Equivocation(record.id());
    if draft.get::<Equivocation>(&key)?.is_some() {
        return reject(
            Code::EquivocationKnown,
            format!("{} is on the ledger", record.id()),
        );
    }
    let equivocation = Equivocation {
        report: record.clone(),
        by: author.clone(),
        record: draft.at.id,
    };
    draft.put(key, equivocation);
    Ok(())
}

#[cfg(test)]
mod tests;
