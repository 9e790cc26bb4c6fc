//! `set_seizure`: customs take items into custody, from a unit or from under way, and release them.

use chipledger_schemas::ids::{MemberId, SiteId};
use chipledger_schemas::movement::Place;
use chipledger_schemas::records::SetSeizure;
use chipledger_schemas::records::set_seizure::SeizureAction;
use chipledger_schemas::words::{Role, Status};

use super::Context;
use super::holding::{check_at_site, check_once, check_root, check_status, root_facts};
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &SetSeizure,
) -> Result<(), Fault> {
    match &record.action {
        SeizureAction::Seize { site } => seize(draft, context.author(), record, site),
        SeizureAction::Release { to } => release(draft, context.author(), record, to),
    }
}

fn seize<S: State>(
    draft: &mut Draft<'_, S>,
    author: &MemberId,
    record: &SetSeizure,
    site: &SiteId,
) -> Result<(), Fault> {
    let jurisdiction = draft.site(site)?.jurisdiction;
    if !draft.is_customs_of(author, jurisdiction)? {
        draft.require_role(author, &[Role::Customs])?;
        return reject(
            Code::JurisdictionMismatch,
            format!("{site} is in {jurisdiction}, where {author} is not customs"),
        );
    }
    let items = draft.movable_items(&record.items, record.occurred_at)?;
    check_once(&items)?;
    for named in &items {
        let item = &named.effective;
        if !draft.is_customs_at(author, &item.place)? {
            return reject(
                Code::JurisdictionMismatch,
                format!("{} is not where {author} is customs", item.id),
            );
        }
        if item.status == Status::Seized {
            return reject(
                Code::StatusForbids,
                format!("{} is seized by {}", item.id, item.holder),
            );
        }
    }
    for named in &items {
        let item = draft.item(named.number)?;
        let (place, holder) = (Place::Site(site.clone()), author.clone());
        let facts = root_facts(&item, &named.effective, place, holder, Status::Seized);
        draft.move_item(named.number, facts, record.occurred_at)?;
    }
    Ok(())
}

fn release<S: State>(
    draft: &mut Draft<'_, S>,
    author: &MemberId,
    record: &SetSeizure,
    to: &MemberId,
) -> Result<(), Fault> {
    draft.active_member(to)?;
    let items = draft.held_items(&record.items, author, record.occurred_at)?;
    for named in &items {
        check_root(&named.effective)?;
        check_at_site(&named.effective)?;
        check_status(&named.effective, &[Status::Seized])?;
    }
    for named in &items {
        let item = draft.item(named.number)?;
        let place = named.effective.place.clone();
        let facts = root_facts(&item, &named.effective, place, to.clone(), Status::Stock);
        draft.move_item(named.number, facts, record.occurred_at)?;
    }
    Ok(())
}
