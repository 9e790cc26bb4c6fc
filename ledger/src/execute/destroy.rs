//! `destroy`: items end for good, with everything in them, before a witness who co-signs.

use chipledger_schemas::ids::MemberId;
use chipledger_schemas::records::Destroy;
use chipledger_schemas::words::{Role, Status};

use super::Context;
use super::holding::{check_present, check_root};
use crate::authority::Signers;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Destroy,
) -> Result<(), Fault> {
    check_witness(draft, context.signers, &record.witness)?;
    let items = draft.held_items(&record.items, context.author(), record.occurred_at)?;
    for item in &items {
        check_root(&item.effective)?;
        check_present(&item.effective)?;
    }
    for item in &items {
        // What is inside ends with its container: no facts of its own say otherwise.
        let mut facts = draft.with_item(item.number, |item| item.facts.clone())?;
        facts.status = Some(Status::Destroyed);
        facts.irregularity = None;
        draft.move_item(item.number, facts, record.occurred_at)?;
    }
    Ok(())
}

/// A witness is an authority, not the signer itself, and co-signs.
fn check_witness<S: State>(
    draft: &Draft<'_, S>,
    signers: &Signers,
    witness: &MemberId,
) -> Result<(), Fault> {
    draft.active_member(witness)?;
    draft.require_role(witness, WITNESSES)?;
    if *witness == signers.author {
        return reject(
            Code::CosignatureMissing,
            format!("{witness} cannot be its own witness; another authority must co-sign"),
        );
    }
    draft.require_cosigner(signers, witness)
}

/// Roles of a witness.
pub(super) const WITNESSES: &[Role] = &[Role::Inspector, Role::Customs, Role::Regulator];
