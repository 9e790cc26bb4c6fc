//! `device_report`: what a chip says of itself. Anyone may hand it in; the chip's key vouches for
//! it.

use chipledger_proof::state::{Chain, EvidenceKind, ItemKind, Key};
use chipledger_schemas::keys::verify_strict;
use chipledger_schemas::records::DeviceReport;

use super::Context;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    _context: &Context<'_>,
    record: &DeviceReport,
) -> Result<(), Fault> {
    let id = &record.item;
    let number = draft.number(id)?;
    let (kind, registered) = draft.with_item(number, |item| (item.kind, item.device_key))?;
    if !matches!(kind, ItemKind::Chip(_)) {
        return reject(Code::NotAChip, format!("{id} is a unit"));
    }
    if registered != Some(record.key) {
        return reject(
            Code::DeviceKeyUnknown,
            format!("{id} was not registered with this attestation key"),
        );
    }
    let genesis = draft
        .look::<Chain, _>(&Key::Chain, |chain| chain.genesis)?
        .expect("a ledger has its chain entry");
    let preimage = record.preimage(&genesis);
    if !verify_strict(&record.key, preimage.as_bytes(), &record.signature) {
        return reject(
            Code::BadSignature,
            format!("the report is not signed by {id}"),
        );
    }
    draft.note_seen(number, record.occurred_at, Some(EvidenceKind::Attested))
}
