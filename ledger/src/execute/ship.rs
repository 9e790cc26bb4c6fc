//! `ship`: roots leave the site where they are for a named receiver; a shipment opens.

use std::collections::BTreeMap;

use chipledger_proof::state::{Key, ModelNumber, Order, Shipment, ShipmentState};
use chipledger_schemas::ids::{DocumentId, RecordId, SiteId};
use chipledger_schemas::movement::Place;
use chipledger_schemas::records::Ship;
use chipledger_schemas::words::{Role, Status};

use super::Context;
use super::holding::{Named, check_at_site, check_root, check_status, root_facts};
use super::policy::{Charge, Consignment, admit};
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

/// Statuses in which an item may be sent.
const SENDABLE: &[Status] = &[Status::Stock, Status::Decommissioned, Status::Irregular];

/// Statuses that nothing inside may have.
const HELD_BACK: &[Status] = &[
    Status::Installed,
    Status::Seized,
    Status::Lost,
    Status::Stolen,
];

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Ship,
) -> Result<(), Fault> {
    let author = context.author();
    draft.require_role(
        author,
        &[Role::Fab, Role::Distributor, Role::Operator, Role::Customs],
    )?;
    check_document(draft, context, record)?;
    draft.active_member(&record.to)?;
    draft.site(&record.to_site)?;
    if let Some(carrier) = &record.carrier {
        draft.require_role(carrier, &[Role::Carrier])?;
    }
    let items = draft.held_items(&record.items, author, record.occurred_at)?;
    let from_site = check_items(draft, &items)?;
    let chips = draft.chips_of(&items)?;
    count_order(draft, record, &chips)?;
    let charge = admit(
        draft,
        &Consignment {
            shipment: &record.shipment,
            shipper: author,
            to: &record.to,
            from_site: &from_site,
            to_site: &record.to_site,
            licence: record.licence.as_ref(),
            clearance: record.clearance.as_ref(),
            occurred_at: record.occurred_at,
            counted_in: None,
            users: draft.users_of(&items)?,
            chips,
        },
    )?;
    let shipment = opened(record, from_site, items.len() as u64, charge, draft.at.id);
    draft.put_way(record.shipment.clone(), shipment, record.occurred_at, false);
    let holder = record.carrier.as_ref().unwrap_or(author);
    for named in &items {
        let item = draft.item(named.number)?;
        let place = Place::Transit(record.shipment.clone());
        let facts = root_facts(
            &item,
            &named.effective,
            place,
            holder.clone(),
            Status::InTransit,
        );
        draft.move_item(named.number, facts, record.occurred_at)?;
    }
    Ok(())
}

/// The shipment that a departure opens; what is under way in it is counted as it moves.
fn opened(
    record: &Ship,
    from_site: SiteId,
    roots: u64,
    charge: Charge,
    opened_by: RecordId,
) -> Shipment {
    Shipment {
        to: record.to.clone(),
        from_site,
        to_site: record.to_site.clone(),
        carrier: record.carrier.clone(),
        shipped_at: record.occurred_at,
        expected_at: record.expected_at,
        outstanding: 0,
        lost: 0,
        shipped: roots,
        missing: 0,
        received: 0,
        state: ShipmentState::Open,
        order: record.order.clone(),
        licence: record.licence.clone(),
        licence_chips: charge.chips,
        licence_tpp_milli: charge.tpp_milli,
        clearance: record.clearance.clone(),
        return_of: None,
        record: opened_by,
        redirects: Vec::new(),
        voided: 0,
    }
}

fn check_document<S: State>(
    draft: &Draft<'_, S>,
    context: &Context<'_>,
    record: &Ship,
) -> Result<(), Fault> {
    let id: &DocumentId = &record.shipment;
    if id.member != *context.author() {
        return reject(
            Code::DocumentMismatch,
            format!("{id} is not a shipment of the signer"),
        );
    }
    if draft
        .look::<Shipment, _>(&Key::Shipment(id.clone()), |_| ())?
        .is_some()
    {
        return reject(Code::DocumentTaken, format!("shipment {id} exists"));
    }
    Ok(())
}

/// Checks that the items may leave; returns the one site where they are.
fn check_items<S: State>(draft: &Draft<'_, S>, items: &[Named]) -> Result<SiteId, Fault> {
    let mut from: Option<&SiteId> = None;
    for named in items {
        let item = &named.effective;
        check_root(item)?;
        let site = check_at_site(item)?;
        if *from.get_or_insert(site) != site {
            return reject(Code::NotOneSite, format!("{} is at {site}", item.id));
        }
        check_status(item, SENDABLE)?;
        let held_back = draft.with_item(named.number, |item| {
            item.content
                .iter()
                .find_map(|row| row.status.filter(|s| HELD_BACK.contains(s)))
        })?;
        if let Some(status) = held_back {
            return reject(
                Code::StatusForbids,
                format!("{} has a {status} chip inside", item.id),
            );
        }
    }
    Ok(from.expect("a shipment names an item").clone())
}

fn count_order<S: State>(
    draft: &mut Draft<'_, S>,
    record: &Ship,
    chips: &BTreeMap<ModelNumber, u64>,
) -> Result<(), Fault> {
    let Some(id) = &record.order else {
        return Ok(());
    };
    let key = Key::Order(id.clone());
    let Some(mut order) = draft.get::<Order>(&key)? else {
        return reject(Code::DocumentUnknown, format!("no order {id}"));
    };
    if order.seller != record.shipment.member {
        return reject(
            Code::DocumentMismatch,
            format!("order {id} is with {}", order.seller),
        );
    }
    order.chips_shipped = order.chips_shipped.saturating_add(chips.values().sum());
    draft.put(key, order);
    Ok(())
}
