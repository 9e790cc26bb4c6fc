//! `vet_member`: an authority's background check of another member; the latest one counts.

use chipledger_proof::state::{Key, Vetting};
use chipledger_schemas::records::VetMember;
use chipledger_schemas::words::Role;

use super::Context;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &VetMember,
) -> Result<(), Fault> {
    let mut member = draft.member(&record.member)?;
    let author = context.author();
    if !context.signers.approved {
        draft.require_role(author, &[Role::Customs, Role::Regulator])?;
        if *author == record.member {
            return reject(
                Code::NotAuthority,
                format!("another authority has to check {author}"),
            );
        }
    }
    member.vetting = Some(Vetting {
        by: author.clone(),
        outcome: record.outcome,
        valid_until: record.valid_until,
    });
    draft.put(Key::Member(record.member.clone()), member);
    Ok(())
}

#[cfg(test)]
mod tests;
