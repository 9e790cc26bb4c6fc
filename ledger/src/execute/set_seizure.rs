//! `set_seizure`: customs take items into custody, from a unit or from under way, and release them.

use chipledger_schemas::ids::{MemberId, SiteId};
use chipledger_schemas::movement::Place;
use chipledger_schemas::records::SetSeizure;
use chipledger_schemas::records::set_seizure::SeizureAction;
use chipledger_schemas::words::{Role, Status};

use super::Context;
use super::holding::{check_at_site, check_once, check_root, check_status, root_facts};
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &SetSeizure,
) -> Result<(), Fault> {
    match &record.action {
        SeizureAction::Seize { site } => seize(draft, context.author(), record, site),
        SeizureAction::Release { to } => release(draft, context.author(), record, to),
    }
}

fn seize<S: State>(
    draft: &mut Draft<'_, S>,
    author: &MemberId,
    record: &SetSeizure,
    site: &SiteId,
) -> Result<(), Fault> {
    let jurisdiction = draft.site(site)?.jurisdiction;
    if !draft.is_customs_of(author, jurisdiction)? {
        draft.require_role(author, &[Role::Customs])?;
        return reject(
            Code::JurisdictionMismatch,
            format!("{site} is in {jurisdiction}, where {author} is not customs"),
        );
    }
    let items = draft.movable_items(&record.items, record.occurred_at)?;
    check_once(&items)?;
    for named in &items {
        let item = &named.effective;
        if !draft.is_customs_at(author, &item.place)? {
            return reject(
                Code::JurisdictionMismatch,
                format!("{} is not where {author} is customs", item.id),
            );
        }
        if item.status == Status::Seized {
            return reject(
                Code::StatusForbids,
                format!("{} is seized by {}", item.id, item.holder),
            );
        }
    }
    for named in &items {
        let item = draft.item(named.number)?;
        let (place, holder) = (Place::Site(site.clone()), author.clone());
        let facts = root_facts(&item, &named.effective, place, holder, Status::Seized);
        draft.move_item(named.number, facts, record.occurred_at)?;
    }
    Ok(())
}

fn release<S: State>(
    draft: &mut Draft<'_, S>,
    author: &MemberId,
    record: &SetSeizure,
    to: &MemberId,
) -> Result<(), Fault> {
    draft.active_member(to)?;
    let items = draft.held_items(&record.items, author, record.occurred_at)?;
    for named in &items {
        check_root(&named.effective)?;
        check_at_site(&named.effective)?;
        check_status(&named.effective, &[Status::Seized])?;
    }
    for named in &items {
        let item = draft.item(named.number)?;
        let place = named.effective.place.clone();
        let facts = root_facts(&item, &named.effective, place, to.clone(), Status::Stock);
        draft.move_item(named.number, facts, record.occurred_at)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use chipledger_proof::state::{Key, Shipment, ShipmentState};
    use chipledger_schemas::words::Status;

    use crate::execute::tests::{delivered, ship, told};
    use crate::fixture::id;

    fn seize(items: &[&str], site: &str) -> serde_json::Value {
        json!({"items": items, "action": {"seize": {"site": site}}})
    }

    fn release(item: &str, to: &str) -> serde_json::Value {
        json!({"items": [item], "action": {"release": {"to": to}}})
    }

    #[test]
    fn customs_seize_a_chip_out_of_a_board_where_they_have_authority() {
        let mut world = delivered();
        for (author, fields, code) in [
            ("OP", seize(&["FAB:none"], "NOWHERE"), "site_unknown"),
            ("OP", seize(&["FAB:none"], "US-BOND"), "role_missing"),
            (
                "CUSTOMS-DE",
                seize(&["FAB:none"], "US-BOND"),
                "jurisdiction_mismatch",
            ),
            ("CUSTOMS-DE", seize(&["FAB:none"], "DE-DC"), "item_unknown"),
            (
                "CUSTOMS-DE",
                seize(&["FAB:1000"], "DE-DC"),
                "jurisdiction_mismatch",
            ),
            (
                "CUSTOMS-US",
                seize(&["FAB:1000", "FAB:b1"], "US-BOND"),
                "item_twice",
            ),
            ("CUSTOMS-US", seize(&["FAB:1000"], "US-BOND"), "ok"),
            (
                "CUSTOMS-US",
                seize(&["FAB:1000"], "US-BOND"),
                "status_forbids",
            ),
            (
                "CUSTOMS-US",
                release("FAB:1000", "NOBODY"),
                "member_unknown",
            ),
            ("OP", release("FAB:1000", "OP"), "item_not_held"),
        ] {
            assert_eq!(told(&mut world, &[author], "set_seizure", fields), code);
        }
        let stolen_back = json!({"site": "US-DC", "found": [], "missing": [], "refused": [],
            "extra": ["FAB:1000"]});
        assert_eq!(
            told(&mut world, &["OP"], "receive", stolen_back),
            "status_forbids"
        );
        let fields = release("FAB:1000", "OP");
        assert_eq!(
            told(&mut world, &["CUSTOMS-US"], "set_seizure", fields),
            "ok"
        );
        let chip = world.effective("FAB:1000");
        assert_eq!((chip.status, chip.holder), (Status::Stock, id("OP")));
        assert_eq!(
            chip.place,
            chipledger_schemas::movement::Place::Site(id("US-BOND"))
        );
    }

    #[test]
    fn what_is_seized_under_way_is_no_longer_outstanding() {
        let mut world = delivered();
        let record = ship(&world, "FAB:S2", "FAB:1010..1011", "OP", "US-DC");
        world.submit("FAB", vec![record]).unwrap();
        for (item, left) in [("FAB:1010", 1), ("FAB:1011", 0)] {
            let fields = seize(&[item], "US-BOND");
            assert_eq!(
                told(&mut world, &["CUSTOMS-US"], "set_seizure", fields),
                "ok"
            );
            let shipment: Shipment = world.get(&Key::Shipment(id("FAB:S2"))).unwrap();
            assert_eq!(shipment.outstanding, left);
            assert_eq!(shipment.state == ShipmentState::Closed, left == 0);
        }
    }
}
