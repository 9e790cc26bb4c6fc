//! `decommission`: the working life of items ends; they stay where they are and may still be sent.

use chipledger_schemas::records::Decommission;
use chipledger_schemas::words::Status;

use super::Context;
use super::holding::{check_at_site, check_once, check_status};
use crate::rejection::Fault;
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Decommission,
) -> Result<(), Fault> {
    let items = draft.held_items(&record.items, context.author(), record.occurred_at)?;
    check_once(&items)?;
    for item in &items {
        check_at_site(&item.effective)?;
        check_status(
            &item.effective,
            &[Status::Stock, Status::Installed, Status::Irregular],
        )?;
    }
    for item in &items {
        draft.set_status(item.number, Status::Decommissioned, record.occurred_at)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use chipledger_schemas::words::Status;

    use crate::execute::tests::{delivered, told};

    #[test]
    fn working_life_ends_for_what_its_holder_has_at_a_site() {
        let mut world = delivered();
        let fields = |item: &str| json!({"items": [item], "reason": "worn"});
        for (author, item, code) in [
            ("OP", "FAB:none", "item_unknown"),
            ("DIST", "FAB:b1", "item_not_held"),
            ("OP", "FAB:b1", "ok"),
            ("OP", "FAB:b1", "status_forbids"),
        ] {
            assert_eq!(
                told(&mut world, &[author], "decommission", fields(item)),
                code
            );
        }
        assert_eq!(world.effective("FAB:1000").status, Status::Decommissioned);
        let ship = json!({"shipment": "FAB:S2", "items": ["FAB:1010"], "to": "OP",
            "to_site": "US-DC", "expected_at": "2027-01-01"});
        assert_eq!(told(&mut world, &["FAB"], "ship", ship), "ok");
        let code = told(&mut world, &["FAB"], "decommission", fields("FAB:1010"));
        assert_eq!(code, "item_in_transit");
    }
}
