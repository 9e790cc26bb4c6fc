//! `unpack`: items leave whatever contains them and become roots where they are.

use chipledger_schemas::ids::MemberId;
use chipledger_schemas::records::Unpack;
use chipledger_schemas::time::Time;

use super::Context;
use super::holding::{Named, check_at_site, check_unsealed, root_facts};
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Unpack,
) -> Result<(), Fault> {
    let items = draft.held_items(&record.items, context.author(), record.occurred_at)?;
    for item in &items {
        if item.effective.is_root() {
            return reject(
                Code::ItemNotContained,
                format!("{} is in no unit", item.effective.id),
            );
        }
        check_at_site(&item.effective)?;
        check_unsealed(&item.effective)?;
    }
    for item in &items {
        take_out(draft, item, None, record.occurred_at)?;
    }
    Ok(())
}

/// Makes an item a root at the place of its container, in the custody of `holder` or, if absent, of
/// the container's. An item that is a root already stays as it is.
pub(super) fn take_out<S: State>(
    draft: &mut Draft<'_, S>,
    named: &Named,
    holder: Option<&MemberId>,
    occurred_at: Time,
) -> Result<(), Fault> {
    // An item may have left its container with another one of the same record: look again.
    let effective = draft.effective(named.number)?;
    if effective.is_root() {
        return Ok(());
    }
    let item = draft.item(named.number)?;
    let holder = holder.unwrap_or(&effective.holder).clone();
    let place = effective.place.clone();
    let facts = root_facts(&item, &effective, place, holder, effective.status);
    draft.move_item(named.number, facts, occurred_at)
}
