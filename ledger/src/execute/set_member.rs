//! `set_member`: admission and changes, by the regulators' quorum; name and encryption key by the
//! member itself.

use std::collections::BTreeSet;

use chipledger_proof::state::{IssuerOf, Key, Member};
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::records::SetMember;

use super::register::issuer_of;
use super::{Context, validators};
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &SetMember,
) -> Result<(), Fault> {
    let before = draft.get::<Member>(&Key::Member(record.member.clone()))?;
    if let Some(parent) = &record.parent {
        draft.member(parent)?;
    }
    if let Some(successor) = before.as_ref().and_then(|member| member.successor.as_ref()) {
        let detail = format!("{} is succeeded by {successor}", record.member);
        return reject(Code::MemberSuspended, detail);
    }
    let own_change = before.as_ref().is_some_and(|member| {
        *context.author() == record.member && changes_name_and_key_only(member, record)
    });
    if own_change {
        return set(draft, record, before);
    }
    draft.require_quorum(context.signers)?;
    set(draft, record, before)?;
    validators::check_seat_of(draft, &record.member)?;
    draft.check_regulators_remain()
}

/// Writes a member that was agreed on.
pub(crate) fn set<S: State>(
    draft: &mut Draft<'_, S>,
    record: &SetMember,
    before: Option<Member>,
) -> Result<(), Fault> {
    take_issuers(draft, record)?;
    check_parent(draft, &record.member, record.parent.as_ref())?;
    let mut member = Member::from(record);
    let id = &record.member;
    let Some(before) = before else {
        draft.put(Key::Member(id.clone()), member);
        return Ok(());
    };
    member.vetting = before.vetting;
    member.suspended = before.suspended;
    member.successor = before.successor;
    member.took_over_at = before.took_over_at;
    for gone in before.issuers.difference(&member.issuers) {
        draft.remove(Key::Issuer(gone.clone()));
    }
    if before.parent == member.parent {
        draft.put(Key::Member(id.clone()), member);
        return Ok(());
    }
    repost_parents(draft, |draft| {
        draft.put(Key::Member(id.clone()), member);
        Ok(())
    })
}

fn changes_name_and_key_only(member: &Member, record: &SetMember) -> bool {
    let mut asked = Member::from(record);
    asked.name.clone_from(&member.name);
    asked.encryption_key = member.encryption_key;
    asked.vetting.clone_from(&member.vetting);
    asked.suspended = member.suspended;
    asked.successor.clone_from(&member.successor);
    asked.took_over_at = member.took_over_at;
    asked == *member
}

/// Rejects a parent that is `member` itself or controlled by it. Whoever was taken over counts as
/// its successor, as in [`Draft::ultimate_parent`], which would climb such a cycle for ever.
pub(super) fn check_parent<S: State>(
    draft: &Draft<'_, S>,
    member: &MemberId,
    parent: Option<&MemberId>,
) -> Result<(), Fault> {
    let mut climbed = BTreeSet::from([member.clone()]);
    let mut next = parent.cloned();
    while let Some(parent) = next {
        let acting = draft.successor_of(&parent)?;
        next = draft.member(&acting)?.parent;
        if !climbed.insert(acting) {
            return reject(
                Code::ParentCycle,
                format!("{member} would control itself through {parent}"),
            );
        }
    }
    Ok(())
}

/// Prefixes of whoever the member took over are its own.
fn take_issuers<S: State>(draft: &mut Draft<'_, S>, record: &SetMember) -> Result<(), Fault> {
    for issuer in &record.issuers {
        if let Some(owner) = issuer_of(draft, issuer)?
            && owner != record.member
        {
            return reject(Code::IssuerTaken, format!("{issuer} belongs to {owner}"));
        }
        let of = IssuerOf(record.member.clone());
        draft.put(Key::Issuer(issuer.clone()), of);
    }
    Ok(())
}

/// Runs a change of who controls whom, and moves the totals of every owner whose ultimate parent
/// changed.
pub(super) fn repost_parents<S: State>(
    draft: &mut Draft<'_, S>,
    change: impl FnOnce(&mut Draft<'_, S>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut owners: Vec<(MemberId, MemberId)> = Vec::new();
    for (key, _) in draft.all::<Member>()? {
        if let Key::Member(owner) = key {
            let parent = draft.ultimate_parent(&owner)?;
            owners.push((owner, parent));
        }
    }
    change(draft)?;
    for (owner, before) in owners {
        let after = draft.ultimate_parent(&owner)?;
        draft.change_parent_total(&owner, &before, &after)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
