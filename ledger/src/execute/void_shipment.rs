//! `void_shipment`: the shipper takes a shipment back before departure; everything that it counted
//! against is as before.

use chipledger_proof::state::{Key, Shipment, ShipmentState};
use chipledger_schemas::ids::{DocumentId, MemberId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::movement::Place;
use chipledger_schemas::records::VoidShipment;
use chipledger_schemas::time::Time;
use chipledger_schemas::words::Status;

use super::Context;
use super::holding::{Named, check_root, root_facts};
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &VoidShipment,
) -> Result<(), Fault> {
    let author = context.author();
    let id = &record.shipment;
    let mut shipment = own_shipment(draft, author, id)?;
    if shipment.received > 0 {
        return reject(
            Code::DocumentClosed,
            format!("{id} was received in part; have the rest refused or reported missing"),
        );
    }
    let items = all_under_way(draft, id, &shipment, &record.items, record.occurred_at)?;
    draft.take_back(&mut shipment, &items)?;
    shipment.state = ShipmentState::Void;
    shipment.voided = items.len() as u64;
    let place = Place::Site(shipment.from_site.clone());
    draft.put(Key::Shipment(id.clone()), shipment);
    for named in &items {
        let item = draft.item(named.number)?;
        let (place, holder) = (place.clone(), author.clone());
        let facts = root_facts(&item, &named.effective, place, holder, Status::Stock);
        draft.move_item(named.number, facts, record.occurred_at)?;
    }
    Ok(())
}

/// An open shipment of the signer, other than a return leg: that one belongs to the receipt that
/// refused.
pub(super) fn own_shipment<S: State>(
    draft: &Draft<'_, S>,
    author: &MemberId,
    id: &DocumentId,
) -> Result<Shipment, Fault> {
    let Some(shipment) = draft.get::<Shipment>(&Key::Shipment(id.clone()))? else {
        return reject(Code::DocumentUnknown, format!("no shipment {id}"));
    };
    if shipment.state != ShipmentState::Open {
        return reject(
            Code::DocumentClosed,
            format!("nothing is under way in {id}"),
        );
    }
    if draft.successor_of(&id.member)? != *author {
        return reject(
            Code::DocumentMismatch,
            format!("{id} is not a shipment of the signer"),
        );
    }
    if shipment.return_of.is_some() {
        return reject(
            Code::DocumentMismatch,
            format!("{id} is a return leg; correct the receipt that refused the goods"),
        );
    }
    Ok(shipment)
}

/// The roots of a set, which must be all that is under way in a shipment.
pub(super) fn all_under_way<S: State>(
    draft: &Draft<'_, S>,
    id: &DocumentId,
    shipment: &Shipment,
    items: &ItemSet,
    occurred_at: Time,
) -> Result<Vec<Named>, Fault> {
    let named = draft.movable_items(items, occurred_at)?;
    for item in &named {
        let item = &item.effective;
        check_root(item)?;
        if item.place != Place::Transit(id.clone()) || item.status != Status::InTransit {
            return reject(
                Code::ItemNotInShipment,
                format!("{} is not under way in {id}", item.id),
            );
        }
    }
    let (count, outstanding) = (named.len(), shipment.outstanding);
    if count as u64 != outstanding {
        return reject(
            Code::NotAllNamed,
            format!("{outstanding} items are under way in {id}, {count} are named"),
        );
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use chipledger_proof::state::{Key, Shipment, ShipmentState};
    use chipledger_schemas::words::Status;

    use crate::execute::tests::{delivered, receive, ship, told};
    use crate::fixture::id;

    fn void(shipment: &str, items: &str) -> serde_json::Value {
        json!({"shipment": shipment, "items": [items], "reason": "lorry broke down"})
    }

    #[test]
    fn a_shipment_is_voided_by_its_shipper_with_all_its_items_or_not_at_all() {
        let mut world = delivered();
        let record = ship(&world, "FAB:S2", "FAB:1010..1012", "OP", "US-DC");
        world.submit("FAB", vec![record]).unwrap();
        for (author, fields, code) in [
            ("OP", void("FAB:S9", "FAB:1010"), "document_unknown"),
            ("OP", void("FAB:S1", "FAB:p1"), "document_closed"),
            ("OP", void("FAB:S2", "FAB:1010"), "document_mismatch"),
            ("FAB", void("FAB:S2", "FAB:none"), "item_unknown"),
            ("FAB", void("FAB:S2", "FAB:b1"), "item_contained"),
            ("FAB", void("FAB:S2", "FAB:1015"), "item_not_in_shipment"),
            ("FAB", void("FAB:S2", "FAB:1010..1011"), "not_all_named"),
            ("FAB", void("FAB:S2", "FAB:1010..1012"), "ok"),
            ("FAB", void("FAB:S2", "FAB:1010..1012"), "document_closed"),
        ] {
            assert_eq!(told(&mut world, &[author], "void_shipment", fields), code);
        }
        let shipment: Shipment = world.get(&Key::Shipment(id("FAB:S2"))).unwrap();
        assert_eq!(
            (shipment.state, shipment.outstanding),
            (ShipmentState::Void, 0)
        );
        assert_eq!(world.effective("FAB:1010").status, Status::Stock);
    }

    #[test]
    fn a_shipment_received_in_part_is_not_voided() {
        let mut world = delivered();
        let record = ship(&world, "FAB:S2", "FAB:1010..1012", "OP", "US-DC");
        world.submit("FAB", vec![record]).unwrap();
        let record = receive(&world, "FAB:S2", "US-DC", "FAB:1010");
        world.submit("OP", vec![record]).unwrap();
        let void = void("FAB:S2", "FAB:1011..1012");
        assert_eq!(
            told(&mut world, &["FAB"], "void_shipment", void),
            "document_closed"
        );
    }
}
