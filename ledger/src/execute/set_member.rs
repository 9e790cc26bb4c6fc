//! `set_member`: admission and changes, by the regulators' quorum; name and encryption key by the member
//! itself.

use chipledger_proof::state::{IssuerOf, Key, Member};
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::records::SetMember;

use super::Context;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &SetMember,
) -> Result<(), Fault> {
    let before = draft.get::<Member>(&Key::Member(record.member.clone()))?;
    let own_change = before.as_ref().is_some_and(|member| {
        *context.author() == record.member && changes_name_and_key_only(member, record)
    });
    if !own_change {
        draft.require_quorum(context.signers)?;
    }
    set(draft, record, before)
}

/// Writes a member that was agreed on.
pub(crate) fn set<S: State>(
    draft: &mut Draft<'_, S>,
    record: &SetMember,
    before: Option<Member>,
) -> Result<(), Fault> {
    check_parent(draft, record)?;
    take_issuers(draft, record)?;
    let mut member = Member::from(record);
    let id = &record.member;
    let Some(before) = before else {
        draft.put(Key::Member(id.clone()), member);
        return Ok(());
    };
    member.vetting = before.vetting;
    member.suspended = before.suspended;
    member.successor = before.successor;
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
    asked == *member
}

fn check_parent<S: State>(draft: &Draft<'_, S>, record: &SetMember) -> Result<(), Fault> {
    let mut at = record.parent.clone();
    while let Some(parent) = at {
        if parent == record.member {
            return reject(Code::ParentCycle, format!("{parent} would control itself"));
        }
        at = draft.member(&parent)?.parent;
    }
    Ok(())
}

fn take_issuers<S: State>(draft: &mut Draft<'_, S>, record: &SetMember) -> Result<(), Fault> {
    for issuer in &record.issuers {
        let key = Key::Issuer(issuer.clone());
        match draft.get::<IssuerOf>(&key)? {
            Some(of) if of.0 != record.member => {
                return reject(Code::IssuerTaken, format!("{issuer} belongs to {}", of.0));
            }
            Some(_) => {}
            None => draft.put(key, IssuerOf(record.member.clone())),
        }
    }
    Ok(())
}

/// Runs a change of who controls whom, and moves the totals of every owner whose ultimate parent changed.
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
