//! `clear`: customs decide on a consignment. The decision is a document that `ship` (exit) and
//! `receive` (entry) refer to; a later one under the same reference replaces it and what was used
//! stays used.

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

/// Exit is the business of customs where the goods leave, entry of customs where they go, transit
/// of any.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use chipledger_proof::state::{Clearance, Key};
    use chipledger_schemas::words::CustomsDecision;

    use crate::execute::tests::{delivered, told};
    use crate::fixture::id;

    fn clear(id: &str, stage: &str, declarant: &str, decision: &str) -> serde_json::Value {
        json!({"clearance": id, "stage": stage, "decision": decision, "declarant": declarant,
            "from": "TW", "to": "US", "mrn": "M1", "chips": 2, "valid_until": "2027-01-01"})
    }

    #[test]
    fn a_clearance_is_customs_own_and_a_later_decision_replaces_it() {
        let mut world = delivered();
        let mut unknown = clear("CUSTOMS-TW:C1", "exit", "FAB", "allow");
        unknown["shipment"] = "FAB:S9".into();
        for (author, fields, code) in [
            (
                "FAB",
                clear("FAB:C1", "exit", "NOBODY", "allow"),
                "member_unknown",
            ),
            (
                "FAB",
                clear("FAB:C1", "exit", "FAB", "allow"),
                "role_missing",
            ),
            (
                "FAB",
                clear("FAB:C1", "transit", "FAB", "allow"),
                "role_missing",
            ),
            (
                "CUSTOMS-US",
                clear("FAB:C1", "exit", "FAB", "allow"),
                "jurisdiction_mismatch",
            ),
            (
                "CUSTOMS-TW",
                clear("FAB:C1", "entry", "FAB", "allow"),
                "jurisdiction_mismatch",
            ),
            ("CUSTOMS-TW", unknown, "document_unknown"),
            (
                "CUSTOMS-TW",
                clear("FAB:C1", "exit", "FAB", "allow"),
                "document_mismatch",
            ),
            (
                "CUSTOMS-TW",
                clear("CUSTOMS-TW:C1", "exit", "FAB", "allow"),
                "ok",
            ),
            (
                "CUSTOMS-TW",
                clear("CUSTOMS-TW:C1", "transit", "FAB", "allow"),
                "document_mismatch",
            ),
        ] {
            assert_eq!(told(&mut world, &[author], "clear", fields), code);
        }
        let ship = |shipment: &str, items: &str| {
            json!({"shipment": shipment, "items": [items], "to": "OP", "to_site": "US-DC",
                "expected_at": "2027-01-01", "clearance": "CUSTOMS-TW:C1"})
        };
        assert_eq!(
            told(&mut world, &["FAB"], "ship", ship("FAB:S2", "FAB:1010")),
            "ok"
        );
        let fields = clear("CUSTOMS-TW:C1", "exit", "FAB", "hold");
        assert_eq!(told(&mut world, &["CUSTOMS-TW"], "clear", fields), "ok");
        let clearance: Clearance = world.get(&Key::Clearance(id("CUSTOMS-TW:C1"))).unwrap();
        assert_eq!(
            (clearance.chips_used, clearance.decision),
            (1, CustomsDecision::Hold)
        );
        let code = told(&mut world, &["FAB"], "ship", ship("FAB:S3", "FAB:1011"));
        assert_eq!(code, "clearance_mismatch");
    }
}
