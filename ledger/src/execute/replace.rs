//! `replace`: a repair swap. The new chip takes the old one's place, owner, user and status; the old one
//! becomes a root that is out of operation.

use chipledger_proof::state::{ItemKind, ModelNumber};
use chipledger_schemas::ids::{ItemId, ItemNumber, MemberId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::records::Replace;
use chipledger_schemas::words::Status;

use super::Context;
use super::holding::{Named, check_at_site, check_root, check_status, check_unsealed, root_facts};
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Replace,
) -> Result<(), Fault> {
    let author = context.author();
    let (old, old_model) = one(draft, record, &record.old)?;
    let (new, new_model) = one(draft, record, &record.new)?;
    if old_model != new_model {
        return reject(
            Code::ModelMismatch,
            format!("{} and {} are of different models", record.old, record.new),
        );
    }
    draft.check_held(&old.effective, author)?;
    draft.check_held(&new.effective, author)?;
    check_title(draft, author, &old, &new)?;
    check_root(&new.effective)?;
    let site = check_at_site(&old.effective)?;
    if check_at_site(&new.effective)? != site {
        return reject(Code::WrongSite, format!("{} is not at {site}", record.new));
    }
    check_unsealed(&old.effective)?;
    let working = [Status::Stock, Status::Installed, Status::Irregular];
    check_status(&old.effective, &working)?;
    check_status(&new.effective, &[Status::Stock, Status::Irregular])?;
    swap(draft, record, &old, new.number)
}

fn one<S: State>(
    draft: &Draft<'_, S>,
    record: &Replace,
    id: &ItemId,
) -> Result<(Named, ModelNumber), Fault> {
    let set = ItemSet::of([id]).expect("one item is named once");
    let mut named = draft.movable_items(&set, record.occurred_at)?;
    let named = named.pop().expect("a set of one item has one");
    match draft.with_item(named.number, |item| item.kind)? {
        ItemKind::Chip(model) => Ok((named, model)),
        ItemKind::Unit(kind) => reject(Code::NotAChip, format!("{id} is a {kind}")),
    }
}

/// Title to the new chip passes to the old one's owner: the new one's owner must be that or the signer.
fn check_title<S: State>(
    draft: &Draft<'_, S>,
    author: &MemberId,
    old: &Named,
    new: &Named,
) -> Result<(), Fault> {
    let owner = draft.successor_of(&new.effective.owner)?;
    if owner == *author || owner == draft.successor_of(&old.effective.owner)? {
        return Ok(());
    }
    reject(
        Code::ItemNotOwned,
        format!("{} is owned by {owner}", new.effective.id),
    )
}

fn swap<S: State>(
    draft: &mut Draft<'_, S>,
    record: &Replace,
    old: &Named,
    new: ItemNumber,
) -> Result<(), Fault> {
    let item = draft.item(old.number)?;
    let (place, holder) = (old.effective.place.clone(), old.effective.holder.clone());
    let status = Status::Decommissioned;
    let out = root_facts(&item, &old.effective, place, holder, status);
    draft.move_item(old.number, out, record.occurred_at)?;
    let mut facts = item.facts;
    facts.seal = None;
    draft.move_item(new, facts, record.occurred_at)
}
