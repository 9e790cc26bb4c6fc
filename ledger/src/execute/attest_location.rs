//! `attest_location`: evidence of the region where chips are. Only what agrees with the book
//! supports it.

use chipledger_proof::state::EvidenceKind;
use chipledger_schemas::records::AttestLocation;
use chipledger_schemas::records::attest_location::Attestation;
use chipledger_schemas::words::Role;

use super::Context;
use crate::rejection::Fault;
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &AttestLocation,
) -> Result<(), Fault> {
    draft.require_role(
        context.author(),
        &[Role::Inspector, Role::Operator, Role::Fab, Role::Customs],
    )?;
    let evidence = match record.result {
        Attestation::Consistent => Some(EvidenceKind::Attested),
        Attestation::Inconsistent | Attestation::Indeterminate => None,
    };
    draft.note_items(&record.items, record.occurred_at, evidence)
}
