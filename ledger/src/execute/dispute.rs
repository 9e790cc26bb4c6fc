//! `dispute`: marks items as disputed, or resolves it. The account stays; every total shows the
//! mark.

use chipledger_schemas::ids::MemberId;
use chipledger_schemas::records::Dispute;
use chipledger_schemas::records::dispute::DisputeAction;
use chipledger_schemas::words::Role;

use super::Context;
use super::evidence::check_not_ended;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, Effective, State};

/// Most disputes open on one item, so that its leaf and its proof stay small.
const DISPUTES_MAX: usize = 16;

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Dispute,
) -> Result<(), Fault> {
    let author = context.author();
    let roles = draft.member(author)?.roles;
    for number in draft.numbers(&record.items)? {
        let effective = draft.effective(number)?;
        check_not_ended(&effective)?;
        let open = draft.with_item(number, |item| item.disputes.clone())?;
        let disputes = match record.action {
            DisputeAction::Open => {
                let sees = [Role::Customs, Role::Regulator, Role::Inspector];
                if !sees.iter().any(|role| roles.contains(role)) {
                    check_party(draft, author, &effective)?;
                }
                opened(&effective, open, author)?
            }
            DisputeAction::Resolve if roles.contains(&Role::Regulator) => {
                all_resolved(&effective, &open)?
            }
            DisputeAction::Resolve => own_resolved(draft, &effective, open, author)?,
        };
        draft.change_disputes(number, disputes, record.occurred_at)?;
    }
    Ok(())
}

fn check_party<S: State>(
    draft: &Draft<'_, S>,
    author: &MemberId,
    item: &Effective,
) -> Result<(), Fault> {
    if draft.successor_of(&item.holder)? == *author || draft.successor_of(&item.owner)? == *author {
        return Ok(());
    }
    reject(
        Code::NotAuthority,
        format!(
            "{}: its holder, its owner, customs, a regulator or an inspector disputes",
            item.id
        ),
    )
}

fn opened(
    item: &Effective,
    mut open: Vec<MemberId>,
    author: &MemberId,
) -> Result<Vec<MemberId>, Fault> {
    match open.binary_search(author) {
        Ok(_) => reject(
            Code::StatusForbids,
            format!("{author} has a dispute open on {}", item.id),
        ),
        Err(_) if open.len() >= DISPUTES_MAX => reject(
            Code::StatusForbids,
            format!("{} has {DISPUTES_MAX} disputes open", item.id),
        ),
        Err(at) => {
            open.insert(at, author.clone());
            Ok(open)
        }
    }
}

/// A regulator's word settles every dispute on the item.
fn all_resolved(item: &Effective, open: &[MemberId]) -> Result<Vec<MemberId>, Fault> {
    if open.is_empty() {
        return reject(
            Code::StatusForbids,
            format!("no dispute is open on {}", item.id),
        );
    }
    Ok(Vec::new())
}

/// Anyone else takes back its own, or that of a member which it took over.
fn own_resolved<S: State>(
    draft: &Draft<'_, S>,
    item: &Effective,
    open: Vec<MemberId>,
    author: &MemberId,
) -> Result<Vec<MemberId>, Fault> {
    let mut left = Vec::new();
    let before = open.len();
    for member in open {
        if draft.successor_of(&member)? != *author {
            left.push(member);
        }
    }
    if left.len() == before {
        return reject(
            Code::NotAuthority,
            format!(
                "{}: who opened a dispute, or a regulator, resolves it",
                item.id
            ),
        );
    }
    Ok(left)
}
