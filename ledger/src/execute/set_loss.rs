//! `set_loss`: items are reported lost or stolen, each as a root of its own where it was last; or
//! they are back there.

use chipledger_proof::state::{Key, Shipment};
use chipledger_schemas::movement::Place;
use chipledger_schemas::records::SetLoss;
use chipledger_schemas::records::set_loss::Loss;
use chipledger_schemas::words::Status;

use super::Context;
use super::holding::{Named, check_once, check_status, root_facts};
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, Effective, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &SetLoss,
) -> Result<(), Fault> {
    let items = draft.movable_items(&record.items, record.occurred_at)?;
    for item in &items {
        check_reporter(draft, context, record.loss, &item.effective)?;
    }
    check_once(&items)?;
    let before: Vec<Status> = match record.loss {
        Loss::Recovered => vec![Status::Lost, Status::Stolen],
        // Lost and then found to be stolen, or the other way round: that may be said; the same
        // twice not.
        loss => {
            let same = |status: &Status| *status == status_of(loss) || status.is_ended();
            Status::ALL.iter().copied().filter(|s| !same(s)).collect()
        }
    };
    for item in &items {
        check_status(&item.effective, &before)?;
    }
    for named in &items {
        book(draft, record, named)?;
    }
    Ok(())
}

fn status_of(loss: Loss) -> Status {
    match loss {
        Loss::Lost => Status::Lost,
        Loss::Stolen => Status::Stolen,
        Loss::Recovered => Status::Stock,
    }
}

/// Holder and owner may report; customs too, what is overdue on its way from or to them.
fn check_reporter<S: State>(
    draft: &Draft<'_, S>,
    context: &Context<'_>,
    loss: Loss,
    item: &Effective,
) -> Result<(), Fault> {
    let author = context.author();
    let (holder, owner) = (
        draft.successor_of(&item.holder)?,
        draft.successor_of(&item.owner)?,
    );
    if *author == holder || *author == owner {
        return Ok(());
    }
    if let Place::Transit(shipment) = &item.place
        && loss != Loss::Recovered
        && draft.is_customs_at(author, &item.place)?
    {
        let key = Key::Shipment(shipment.clone());
        let expected = draft.look::<Shipment, _>(&key, |shipment| shipment.expected_at)?;
        if expected.is_some_and(|at| at < draft.at.time) {
            return Ok(());
        }
    }
    reject(
        Code::ItemNotHeld,
        format!("{} is held by {holder} and owned by {owner}", item.id),
    )
}

fn book<S: State>(draft: &mut Draft<'_, S>, record: &SetLoss, named: &Named) -> Result<(), Fault> {
    let item = draft.item(named.number)?;
    let effective = &named.effective;
    let status = match (record.loss, &effective.place) {
        (Loss::Recovered, Place::Transit(_)) => Status::InTransit,
        (loss, _) => status_of(loss),
    };
    let (place, holder) = (effective.place.clone(), effective.holder.clone());
    let facts = root_facts(&item, effective, place, holder, status);
    draft.move_item(named.number, facts, record.occurred_at)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use chipledger_proof::state::ShipmentState;

    use super::{Key, Shipment, Status};
    use crate::execute::tests::{delivered, receive, ship, told};
    use crate::fixture::id;

    fn loss(item: &str, loss: &str) -> serde_json::Value {
        json!({"items": [item], "loss": loss})
    }

    #[test]
    fn a_lost_item_becomes_a_root_where_it_was_and_is_recovered_there() {
        let mut world = delivered();
        for (author, fields, code) in [
            ("DIST", loss("FAB:none", "lost"), "item_unknown"),
            ("DIST", loss("FAB:1000", "lost"), "item_not_held"),
            ("CUSTOMS-US", loss("FAB:1000", "lost"), "item_not_held"),
            (
                "OP",
                json!({"items": ["FAB:1000", "FAB:b1"], "loss": "lost"}),
                "item_twice",
            ),
            ("OP", loss("FAB:1000", "recovered"), "status_forbids"),
            ("FAB", loss("FAB:1000", "lost"), "ok"),
            ("OP", loss("FAB:1000", "lost"), "status_forbids"),
            ("OP", loss("FAB:1000", "stolen"), "ok"),
        ] {
            assert_eq!(told(&mut world, &[author], "set_loss", fields), code);
        }
        let chip = world.effective("FAB:1000");
        assert!(chip.is_root() && chip.status == Status::Stolen);
        let pack = json!({"units": ["FAB:b2"], "unit_kind": "board", "items": ["FAB:1000"]});
        assert_eq!(told(&mut world, &["OP"], "pack", pack), "status_forbids");
        assert_eq!(
            told(
                &mut world,
                &["OP"],
                "set_loss",
                loss("FAB:1000", "recovered")
            ),
            "ok"
        );
        assert_eq!(world.effective("FAB:1000").status, Status::Stock);
    }

    #[test]
    fn customs_close_an_overdue_shipment_to_lost_and_what_is_recovered_opens_it_again() {
        let mut world = delivered();
        let record = ship(&world, "FAB:S2", "FAB:1010", "OP", "US-DC");
        world.submit("FAB", vec![record]).unwrap();
        let due = json!({"shipment": "FAB:S3", "items": ["FAB:1011"], "to": "OP",
            "to_site": "US-DC", "expected_at": "2027-01-01"});
        assert_eq!(told(&mut world, &["FAB"], "ship", due), "ok");
        for (item, code) in [("FAB:1011", "item_not_held"), ("FAB:1010", "ok")] {
            // The first is not due yet; the second was due within the hour.
            let fields = loss(item, "lost");
            assert_eq!(told(&mut world, &["CUSTOMS-US"], "set_loss", fields), code);
        }
        let shipment = |world: &crate::fixture::World| -> Shipment {
            world.get(&Key::Shipment(id("FAB:S2"))).unwrap()
        };
        let now = shipment(&world);
        assert_eq!(
            (now.state, now.outstanding, now.lost),
            (ShipmentState::Closed, 0, 1)
        );
        assert_eq!(
            told(
                &mut world,
                &["FAB"],
                "set_loss",
                loss("FAB:1010", "recovered")
            ),
            "ok"
        );
        let now = shipment(&world);
        assert_eq!(
            (now.state, now.outstanding, now.lost),
            (ShipmentState::Open, 1, 0)
        );
        let record = receive(&world, "FAB:S2", "US-DC", "FAB:1010");
        world.submit("OP", vec![record]).unwrap();
        assert_eq!(shipment(&world).state, ShipmentState::Closed);
    }
}
