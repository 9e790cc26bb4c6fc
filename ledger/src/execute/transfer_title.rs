//! `transfer_title`: ownership passes to a member that co-signs; custody, place and use stay.

use chipledger_schemas::ids::{ItemNumber, MemberId};
use chipledger_schemas::records::TransferTitle;
use chipledger_schemas::time::Time;

use super::Context;
use super::holding::check_once;
use crate::rejection::Fault;
use crate::state::{Draft, State, parent_of};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &TransferTitle,
) -> Result<(), Fault> {
    let author = context.author();
    draft.active_member(&record.to)?;
    draft.require_cosigner(context.signers, &record.to)?;
    let items = draft.movable_items(&record.items, record.occurred_at)?;
    for item in &items {
        draft.check_owned(&item.effective, author)?;
    }
    check_once(&items)?;
    draft.check_parent_limits(author, &record.to, &draft.chips_of(&items)?)?;
    for item in &items {
        give(draft, item.number, &record.to, record.occurred_at)?;
    }
    Ok(())
}

/// Makes a member the owner. What is inside and has an owner of its own (a tenant's server) keeps
/// it.
fn give<S: State>(
    draft: &mut Draft<'_, S>,
    number: ItemNumber,
    to: &MemberId,
    occurred_at: Time,
) -> Result<(), Fault> {
    let mut facts = draft.with_item(number, |item| item.facts.clone())?;
    let inherited = match parent_of(&facts) {
        Some(container) => Some(draft.effective(container)?.owner),
        None => None,
    };
    facts.owner = (inherited.as_ref() != Some(to)).then(|| to.clone());
    draft.move_item(number, facts, occurred_at)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::execute::tests::{delivered, told};
    use crate::fixture::id;

    fn title(items: &str, to: &str) -> serde_json::Value {
        json!({"items": [items], "to": to})
    }

    #[test]
    fn title_passes_from_its_owner_to_a_member_that_co_signs() {
        let mut world = delivered();
        for (signers, fields, code) in [
            (&["OP"][..], title("FAB:none", "NOBODY"), "member_unknown"),
            (&["OP"], title("FAB:none", "OP-2"), "cosignature_missing"),
            (&["OP", "OP-2"], title("FAB:none", "OP-2"), "item_unknown"),
            (&["OP", "OP-2"], title("FAB:p1", "OP-2"), "item_not_owned"),
            (&["FAB", "OP"], title("FAB:p1, FAB:b1", "OP"), "item_twice"),
            (&["FAB", "OP"], title("FAB:p1", "OP"), "ok"),
        ] {
            let mut fields = fields;
            if let Some((a, b)) = fields["items"][0].as_str().unwrap().split_once(", ") {
                fields["items"] = json!([a, b]);
            }
            assert_eq!(told(&mut world, signers, "transfer_title", fields), code);
        }
        assert_eq!(world.effective("FAB:1000").owner, id("OP"));
    }

    #[test]
    fn a_tenants_board_in_a_pallet_stays_the_tenants_when_the_pallet_is_sold() {
        let mut world = delivered();
        let fields = title("FAB:b1", "DIST");
        assert_eq!(
            told(&mut world, &["FAB", "DIST"], "transfer_title", fields),
            "ok"
        );
        let fields = title("FAB:p1", "OP");
        assert_eq!(
            told(&mut world, &["FAB", "OP"], "transfer_title", fields),
            "ok"
        );
        assert_eq!(world.effective("FAB:1000").owner, id("DIST"));
        assert_eq!(world.effective("FAB:1002").owner, id("OP"));
        // Bought back, the board says nothing for itself any more.
        let fields = title("FAB:b1", "OP");
        assert_eq!(
            told(&mut world, &["DIST", "OP"], "transfer_title", fields),
            "ok"
        );
        assert_eq!(world.item("FAB:b1").facts.owner, None);
        assert_eq!(world.item("FAB:p1").content.len(), 1);
    }

    #[test]
    fn a_limit_on_a_parent_stops_the_title_that_would_exceed_it() {
        let mut world = delivered();
        let limit = json!({"limit": "REG-1:L1", "name": "group", "scope": {"parent": "GROUP"},
            "measure": "chips", "amount": 3, "enforcement": "reject",
            "valid_from": "2026-01-01", "valid_until": "2030-01-01"});
        let record = serde_json::from_value(json!({ "set_limit": limit })).unwrap();
        world
            .submit_with("REG-1", &["REG-2", "REG-3"], vec![record])
            .unwrap();
        for (item, code) in [("FAB:b1", "ok"), ("FAB:b2", "limit_exceeded")] {
            let fields = title(item, "OP-2");
            assert_eq!(
                told(&mut world, &["FAB", "OP-2"], "transfer_title", fields),
                code
            );
        }
    }
}
