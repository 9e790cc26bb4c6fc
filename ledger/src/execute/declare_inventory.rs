//! `declare_inventory`: who runs a site lists what is there; anyone else lists what it holds.

use chipledger_proof::state::EvidenceKind;
use chipledger_schemas::records::DeclareInventory;

use super::Context;
use super::evidence::check_not_ended;
use crate::rejection::Fault;
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &DeclareInventory,
) -> Result<(), Fault> {
    let site = draft.site(&record.site)?;
    let runs_site = draft.successor_of(&site.operator)? == *context.author();
    for number in draft.numbers(&record.items)? {
        let effective = draft.effective(number)?;
        check_not_ended(&effective)?;
        if !runs_site {
            draft.check_held(&effective, context.author())?;
        }
    }
    // Where the listing and the book disagree the listing stands: the difference is for the rules
    // of detection to find.
    draft.note_items(
        &record.items,
        record.occurred_at,
        Some(EvidenceKind::Declared),
    )
}
