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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use chipledger_schemas::words::Status;

    use crate::execute::tests::{delivered, told};

    #[test]
    fn a_unit_ends_with_everything_in_it_before_an_authority_that_co_signs() {
        let mut world = delivered();
        let fields = |item: &str, witness: &str| json!({"items": [item], "witness": witness, "certificate": "00".repeat(32)});
        for (signers, item, witness, code) in [
            (&["OP"][..], "FAB:none", "NOBODY", "member_unknown"),
            (&["OP"], "FAB:none", "DIST", "role_missing"),
            (&["OP"], "FAB:none", "INSPECTOR", "cosignature_missing"),
            (
                &["CUSTOMS-US"],
                "FAB:p1",
                "CUSTOMS-US",
                "cosignature_missing",
            ),
            (
                &["OP", "INSPECTOR"],
                "FAB:none",
                "INSPECTOR",
                "item_unknown",
            ),
            (
                &["DIST", "INSPECTOR"],
                "FAB:p1",
                "INSPECTOR",
                "item_not_held",
            ),
            (
                &["OP", "INSPECTOR"],
                "FAB:b1",
                "INSPECTOR",
                "item_contained",
            ),
            (&["OP", "INSPECTOR"], "FAB:p1", "INSPECTOR", "ok"),
            (&["OP", "INSPECTOR"], "FAB:b1", "INSPECTOR", "item_ended"),
        ] {
            assert_eq!(
                told(&mut world, signers, "destroy", fields(item, witness)),
                code
            );
        }
        assert_eq!(world.effective("FAB:1007").status, Status::Destroyed);
        let install = json!({"items": ["FAB:1007"]});
        assert_eq!(told(&mut world, &["OP"], "install", install), "item_ended");
    }
}
