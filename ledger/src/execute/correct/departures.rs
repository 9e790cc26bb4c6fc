//! What undone departures, refusals and receipts mean for shipments, licences, clearances and
//! orders.

use std::collections::BTreeMap;

use chipledger_proof::state::{Key, Order, Shipment, ShipmentState};
use chipledger_schemas::ids::DocumentId;
use chipledger_schemas::movement::Location;
use chipledger_schemas::time::Time;

use super::Undo;
use super::steps::Step;
use crate::execute::holding::Named;
use crate::execute::policy::{Consignment, admit};
use crate::execute::redirect::{Terms, send_on, with_terms};
use crate::rejection::{Code, Fault, reject};
use crate::state::{Cause, Draft, State};

/// Rejects the correction of a departure or a redirect that leaves something of it under way, or of
/// a void shipment that leaves something of it taken back: the rest would be in a shipment that
/// never was.
pub(super) fn check_all_named<S: State>(draft: &Draft<'_, S>, undos: &[Undo]) -> Result<(), Fault> {
    let mut named: BTreeMap<(&DocumentId, bool), u64> = BTreeMap::new();
    for undo in undos {
        match &undo.step {
            Step::Departed(id) | Step::Redirected(id) => {
                *named.entry((id, false)).or_default() += 1;
            }
            Step::Voided(id) => *named.entry((id, true)).or_default() += 1,
            _ => {}
        }
    }
    for ((id, voided), count) in named {
        let shipment = shipment(draft, id)?;
        let (all, where_they_are) = if voided {
            (shipment.voided, "were taken back out of")
        } else {
            (shipment.outstanding, "are under way in")
        };
        if count != all {
            return reject(
                Code::NotAllNamed,
                format!("{all} items {where_they_are} {id}, {count} are named"),
            );
        }
    }
    Ok(())
}

/// Reverses what the movements counted.
pub(super) fn take_back<S: State>(draft: &mut Draft<'_, S>, undos: &[Undo]) -> Result<(), Fault> {
    let mut together: BTreeMap<&DocumentId, Vec<&Undo>> = BTreeMap::new();
    for undo in undos {
        let item = std::slice::from_ref(&undo.named);
        match &undo.step {
            Step::Departed(id) => {
                let mut found = shipment(draft, id)?;
                draft.take_back(&mut found, item)?;
                draft.put(Key::Shipment(id.clone()), found);
            }
            Step::Refused { from, leg } => unrefuse(draft, from, leg, item)?,
            Step::Arrived(id) => unreceive(draft, id, undo)?,
            Step::Missed(id) => {
                let mut found = shipment(draft, id)?;
                found.missing = found.missing.saturating_sub(1);
                draft.put(Key::Shipment(id.clone()), found);
            }
            Step::Redirected(id) | Step::Voided(id) => together.entry(id).or_default().push(undo),
            Step::Other => {}
        }
    }
    for (id, undos) in together {
        let items: Vec<Named> = undos.iter().map(|undo| undo.named.clone()).collect();
        let occurred_at = undos[0].movement.occurred_at;
        match undos[0].step {
            Step::Redirected(_) => unredirect(draft, id, &items, occurred_at)?,
            _ => unvoid(draft, id, &items)?,
        }
    }
    Ok(())
}

/// The goods are on the way that they were on before; policy is asked again, as if they left now.
fn unredirect<S: State>(
    draft: &mut Draft<'_, S>,
    id: &DocumentId,
    items: &[Named],
    occurred_at: Time,
) -> Result<(), Fault> {
    let mut found = shipment(draft, id)?;
    let before = found.redirects.pop();
    let before = before.expect("a redirect that is undone stands");
    let since = found
        .redirects
        .last()
        .map_or(found.shipped_at, |redirect| redirect.until);
    let terms = Terms {
        to: &before.to,
        to_site: &before.to_site,
        expected_at: before.expected_at,
        licence: before.licence.as_ref(),
        clearance: before.clearance.as_ref(),
        occurred_at: since,
    };
    let found = with_terms(draft, id, found, items, &terms)?;
    send_on(draft, id, found, items, (Cause::Undone, occurred_at))
}

/// The goods left after all; policy is asked again, as if they left now, or else a quota given back
/// could be used twice.
fn unvoid<S: State>(
    draft: &mut Draft<'_, S>,
    id: &DocumentId,
    items: &[Named],
) -> Result<(), Fault> {
    let mut found = shipment(draft, id)?;
    let chips = draft.chips_of(items)?;
    let sum: u64 = chips.values().sum();
    let charge = admit(
        draft,
        &Consignment {
            shipment: id,
            shipper: &draft.successor_of(&id.member)?,
            to: &found.to,
            from_site: &found.from_site,
            to_site: &found.to_site,
            licence: found.licence.as_ref(),
            clearance: found.clearance.as_ref(),
            occurred_at: found.shipped_at,
            counted_in: None,
            users: draft.users_of(items)?,
            chips,
        },
    )?;
    found.licence_chips = charge.chips;
    found.licence_tpp_milli = charge.tpp_milli;
    found.voided = 0;
    if let Some(order) = &found.order {
        let key = Key::Order(order.clone());
        if let Some(mut order) = draft.get::<Order>(&key)? {
            order.chips_shipped = order.chips_shipped.saturating_add(sum);
            draft.put(key, order);
        }
    }
    draft.put(Key::Shipment(id.clone()), found);
    Ok(())
}

/// Refused goods are under way to the receiver again, and their part of the quota with them.
fn unrefuse<S: State>(
    draft: &mut Draft<'_, S>,
    from: &DocumentId,
    leg: &DocumentId,
    item: &[Named],
) -> Result<(), Fault> {
    let (mut way, mut back) = (shipment(draft, from)?, shipment(draft, leg)?);
    let share = draft.share_of(&back, item)?;
    back.licence_chips -= share.chips;
    back.licence_tpp_milli -= share.tpp_milli;
    way.licence_chips = way.licence_chips.saturating_add(share.chips);
    way.licence_tpp_milli = way.licence_tpp_milli.saturating_add(share.tpp_milli);
    way.received = way.received.saturating_sub(1);
    draft.put(Key::Shipment(from.clone()), way);
    draft.put(Key::Shipment(leg.clone()), back);
    Ok(())
}

/// The shipper of returned goods does not have them back after all: they count against the licence.
fn unreceive<S: State>(
    draft: &mut Draft<'_, S>,
    id: &DocumentId,
    undo: &Undo,
) -> Result<(), Fault> {
    let mut found = shipment(draft, id)?;
    found.received = found.received.saturating_sub(1);
    if let Location::At { holder, .. } = &undo.item.facts.location
        && found.return_of.is_some()
        && draft.successor_of(&found.to)? == draft.successor_of(holder)?
    {
        draft.charge_again(&mut found, std::slice::from_ref(&undo.named))?;
    }
    draft.put(Key::Shipment(id.clone()), found);
    Ok(())
}

/// A shipment whose departure was undone is void, unless some of it arrived.
pub(super) fn close<S: State>(draft: &mut Draft<'_, S>, undos: &[Undo]) -> Result<(), Fault> {
    for undo in undos {
        let (Step::Departed(id) | Step::Refused { leg: id, .. }) = &undo.step else {
            continue;
        };
        let mut found = shipment(draft, id)?;
        if found.outstanding == 0 && found.received == 0 && found.state != ShipmentState::Void {
            found.state = ShipmentState::Void;
            draft.put(Key::Shipment(id.clone()), found);
        }
    }
    Ok(())
}

fn shipment<S: State>(draft: &Draft<'_, S>, id: &DocumentId) -> Result<Shipment, Fault> {
    let found = draft.get::<Shipment>(&Key::Shipment(id.clone()))?;
    Ok(found.expect("an item was under way in a shipment that exists"))
}
