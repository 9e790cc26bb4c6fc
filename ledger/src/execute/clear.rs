//! `clear`: customs decide on a consignment. The decision is a document that `ship` (exit) and `receive`
//! (entry) refer to; a later one under the same reference replaces it and what was used stays used.

use chipledger_proof::state::{Clearance, Key, Shipment};
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::Clear;
use chipledger_schemas::words::{CustomsStage, Role};

use super::Context;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Clear,
) -> Result<(), Fault> {
    let author = context.author();
    draft.member(&record.declarant)?;
    check_customs(draft, author, record)?;
    if let Some(id) = &record.shipment
        && draft
            .look::<Shipment, _>(&Key::Shipment(id.clone()), |_| ())?
            .is_none()
    {
        return reject(Code::DocumentUnknown, format!("no shipment {id}"));
    }
    let id = &record.clearance;
    if id.member != *author {
        return reject(
            Code::DocumentMismatch,
            format!("{id} is not a decision of the signer"),
        );
    }
    let key = Key::Clearance(id.clone());
    let before = draft.get::<Clearance>(&key)?;
    if let Some(before) = &before
        && before.stage != record.stage
    {
        return reject(
            Code::DocumentMismatch,
            format!("{id} is a decision on {}", before.stage),
        );
    }
    let clearance = Clearance {
        stage: record.stage,
        decision: record.decision,
        declarant: record.declarant.clone(),
        shipment: record.shipment.clone(),
        from: record.from,
        to: record.to,
        mrn: record.mrn.clone(),
        chips: record.chips,
        chips_used: before.map_or(0, |before| before.chips_used),
        valid_until: record.valid_until,
    };
    draft.put(key, clearance);
    Ok(())
}

/// Exit is the business of customs where the goods leave, entry of customs where they go, transit of any.
fn check_customs<S: State>(
    draft: &Draft<'_, S>,
    author: &MemberId,
    record: &Clear,
) -> Result<(), Fault> {
    let concerned = match record.stage {
        CustomsStage::Exit => record.from,
        CustomsStage::Entry => record.to,
        CustomsStage::Transit => return draft.require_role(author, &[Role::Customs]),
    };
    if draft.is_customs_of(author, concerned)? {
        return Ok(());
    }
    if concerned != Jurisdiction::UNKNOWN {
        draft.require_role(author, &[Role::Customs])?;
    }
    reject(
        Code::JurisdictionMismatch,
        format!("{} is decided by customs of {concerned}", record.stage),
    )
}
