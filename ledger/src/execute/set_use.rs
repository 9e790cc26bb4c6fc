//! `set_use`: who computes on the items; the owner itself, if nobody is named.

use chipledger_schemas::records::SetUse;

use super::Context;
use super::holding::{check_once, own_user};
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, Effective, State, parent_of};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &SetUse,
) -> Result<(), Fault> {
    let author = context.author();
    if let Some(user) = &record.user {
        draft.active_member(user)?;
    }
    let items = draft.movable_items(&record.items, record.occurred_at)?;
    for named in &items {
        let item = &named.effective;
        let parties = [
            draft.successor_of(&item.holder)?,
            draft.successor_of(&item.owner)?,
        ];
        if !parties.contains(author) {
            let [holder, owner] = parties;
            return reject(
                Code::ItemNotHeld,
                format!("{} is held by {holder} and owned by {owner}", item.id),
            );
        }
    }
    check_once(&items)?;
    for named in items {
        let mut facts = draft.with_item(named.number, |item| item.facts.clone())?;
        let wanted = Effective {
            user: record.user.clone(),
            ..named.effective
        };
        facts.user = match parent_of(&facts) {
            Some(container) => own_user(&wanted, &draft.effective(container)?),
            None => wanted.user.filter(|user| *user != wanted.owner),
        };
        draft.move_item(named.number, facts, record.occurred_at)?;
    }
    Ok(())
}
