//! `succeed_member`: one member takes over everything of another. Prefixes, sites and documents
//! follow because everybody asks for the successor; what the books say is re-posted here.

use chipledger_proof::state::{Account, Balance, Key, Member};
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::records::SucceedMember;

use super::set_member::repost_parents;
use super::{Context, validators};
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &SucceedMember,
) -> Result<(), Fault> {
    let (from, to) = (&record.from, &record.to);
    let mut member = draft.member(from)?;
    let heir = draft.active_member(to)?;
    if let Some(successor) = &member.successor {
        let detail = format!("{from} is succeeded by {successor} already");
        return reject(Code::MemberSuspended, detail);
    }
    draft.require_quorum(context.signers)?;
    let accounts = accounts_of(draft, from)?;
    member.successor = Some(to.clone());
    let heir = Member {
        took_over_at: Some(draft.at.time),
        ..heir
    };
    // Totals by parent move first: a posting is spread by the parents as they are when it settles.
    check_not_above(draft, from, to, heir.parent.as_ref())?;
    repost_parents(draft, |draft| {
        draft.put(Key::Member(from.clone()), member);
        draft.put(Key::Member(to.clone()), heir);
        Ok(())
    })?;
    for account in accounts {
        let heirs = Account {
            place: account.place.clone(),
            holder: draft.successor_of(&account.holder)?,
            owner: draft.successor_of(&account.owner)?,
            user: draft.successor_of(&account.user)?,
            status: account.status,
        };
        draft.post_balance(record.occurred_at, &account, &heirs)?;
    }
    validators::unseat(draft, from)?;
    draft.check_regulators_remain()
}

/// A member that `from` controls cannot take it over as it stands: it would control itself.
fn check_not_above<S: State>(
    draft: &Draft<'_, S>,
    from: &MemberId,
    to: &MemberId,
    parent: Option<&MemberId>,
) -> Result<(), Fault> {
    let mut next = parent.cloned();
    while let Some(parent) = next {
        let acting = draft.successor_of(&parent)?;
        if acting == *from {
            return reject(
                Code::ParentCycle,
                format!("{from} controls {to}; give {to} another parent first"),
            );
        }
        next = draft.member(&acting)?.parent;
    }
    Ok(())
}

/// Accounts in which a member holds, owns or uses, in order.
fn accounts_of<S: State>(draft: &Draft<'_, S>, member: &MemberId) -> Result<Vec<Account>, Fault> {
    let concerned = |(key, _): (Key, Balance)| match key {
        Key::Account(account)
            if [&account.holder, &account.owner, &account.user].contains(&member) =>
        {
            Some(account)
        }
        _ => None,
    };
    let balances = draft.all::<Balance>()?;
    Ok(balances.into_iter().filter_map(concerned).collect())
}

#[cfg(test)]
mod tests;
