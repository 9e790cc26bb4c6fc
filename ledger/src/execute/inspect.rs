//! `inspect`: what an inspection found, did not find, and found beyond the book.

use std::collections::BTreeMap;

use chipledger_proof::state::EvidenceKind;
use chipledger_schemas::ids::ItemNumber;
use chipledger_schemas::records::Inspect;
use chipledger_schemas::words::Role;

use super::Context;
use crate::rejection::Fault;
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Inspect,
) -> Result<(), Fault> {
    let author = context.author();
    draft.require_role(author, &[Role::Inspector, Role::Customs, Role::Regulator])?;
    draft.site(&record.site)?;
    let evidence = draft.evidence_of(author)?;
    // An item may be found and tampered with: one record names it once.
    let mut named: BTreeMap<ItemNumber, Option<EvidenceKind>> = BTreeMap::new();
    for number in draft.numbers(&record.absent)? {
        named.insert(number, None);
    }
    for items in [&record.found, &record.tampered] {
        for number in draft.numbers(items)? {
            named.insert(number, Some(evidence));
        }
    }
    // What is there and in no book bears labels that nobody may have registered.
    for id in record.extra.ids() {
        if let Some(number) = draft.find_number(&id)? {
            named.insert(number, Some(evidence));
        }
    }
    for (number, evidence) in named {
        draft.note_seen(number, record.occurred_at, evidence)?;
    }
    Ok(())
}
