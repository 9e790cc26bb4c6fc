//! `receive`: what arrived, item by item. Facts are accepted; what does not square becomes
//! irregular.

use chipledger_proof::state::{Clearance, EvidenceKind, Key, Licence, Shipment, ShipmentState};
use chipledger_schemas::ids::{DocumentId, MemberId, SiteId};
use chipledger_schemas::movement::Place;
use chipledger_schemas::records::Receive;
use chipledger_schemas::records::set_policy::PolicyRule;
use chipledger_schemas::words::{CustomsDecision, CustomsStage, Irregularity, Role, Status};

use super::Context;
use super::holding::{Named, check_once, root_facts};
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, Effective, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Receive,
) -> Result<(), Fault> {
    let author = context.author();
    draft.require_role(
        author,
        &[Role::Fab, Role::Distributor, Role::Operator, Role::Customs],
    )?;
    draft.site(&record.site)?;
    if let Some(id) = &record.shipment {
        return announced(draft, author, record, id);
    }
    let found = draft.movable_items(&record.found, record.occurred_at)?;
    let extra = draft.movable_items(&record.extra, record.occurred_at)?;
    let arrived = || found.iter().chain(&extra);
    arrived().try_for_each(check_not_seized)?;
    check_once(arrived())?;
    for named in arrived() {
        arrive(draft, author, record, named, Some(Irregularity::NoShipment))?;
    }
    Ok(())
}

fn announced<S: State>(
    draft: &mut Draft<'_, S>,
    author: &MemberId,
    record: &Receive,
    id: &DocumentId,
) -> Result<(), Fault> {
    let key = Key::Shipment(id.clone());
    let Some(mut shipment) = draft.get::<Shipment>(&key)? else {
        return reject(Code::DocumentUnknown, format!("no shipment {id}"));
    };
    if shipment.outstanding + shipment.lost == 0 {
        return reject(Code::DocumentClosed, format!("shipment {id} is closed"));
    }
    let found = in_shipment(draft, record, &record.found, id)?;
    let missing = draft.movable_items(&record.missing, record.occurred_at)?;
    let refused = in_shipment(draft, record, &record.refused, id)?;
    let extra = not_shipped(draft, record, id)?;
    missing
        .iter()
        .try_for_each(|named| check_under_way(named, id))?;
    check_once(&missing)?;
    check_once(found.iter().chain(&refused).chain(&extra))?;
    for named in &missing {
        take_missing(draft, record, named, &mut shipment)?;
    }
    shipment.received += (found.len() + refused.len()) as u64;
    let reason = irregularity(draft, author, record, &shipment)?;
    let is_back = shipment.return_of.is_some() && draft.successor_of(&shipment.to)? == *author;
    if is_back {
        draft.return_quota(&mut shipment, &found)?;
    }
    for named in &found {
        arrive(draft, author, record, named, reason)?;
    }
    for named in &extra {
        arrive(draft, author, record, named, Some(Irregularity::NotShipped))?;
    }
    if !refused.is_empty() {
        send_back(draft, author, record, id, &mut shipment, &refused)?;
    }
    draft.put(key, shipment);
    Ok(())
}

/// What arrived and was not shipped: not under way in this shipment as a root of its own.
fn not_shipped<S: State>(
    draft: &Draft<'_, S>,
    record: &Receive,
    id: &DocumentId,
) -> Result<Vec<Named>, Fault> {
    let extra = draft.movable_items(&record.extra, record.occurred_at)?;
    for item in &extra {
        check_not_seized(item)?;
        if item.effective.place == Place::Transit(id.clone()) {
            let item = &item.effective.id;
            return reject(
                Code::ItemTwice,
                format!("{item} was shipped in {id}: it is found, or in what is found"),
            );
        }
    }
    Ok(extra)
}

/// Rejects what an authority holds: that it turns up elsewhere is a sighting.
fn check_not_seized(named: &Named) -> Result<(), Fault> {
    if named.effective.status != Status::Seized {
        return Ok(());
    }
    let Effective { id, holder, .. } = &named.effective;
    reject(
        Code::StatusForbids,
        format!("{id} is seized by {holder}, who alone releases it; report a sighting"),
    )
}

/// The roots of a list, all under way in the shipment.
fn in_shipment<S: State>(
    draft: &Draft<'_, S>,
    record: &Receive,
    items: &chipledger_schemas::items::ItemSet,
    id: &DocumentId,
) -> Result<Vec<Named>, Fault> {
    let named = draft.movable_items(items, record.occurred_at)?;
    for item in &named {
        check_under_way(item, id)?;
        if !item.effective.is_root() {
            let id = &item.effective.id;
            return reject(
                Code::ItemContained,
                format!("{id} is inside a unit; name the unit"),
            );
        }
    }
    Ok(named)
}

fn check_under_way(named: &Named, id: &DocumentId) -> Result<(), Fault> {
    if named.effective.place == Place::Transit(id.clone()) {
        return Ok(());
    }
    reject(
        Code::ItemNotInShipment,
        format!("{} is not under way in {id}", named.effective.id),
    )
}

/// A missing item stays under way as a root of its own, and is overdue.
fn take_missing<S: State>(
    draft: &mut Draft<'_, S>,
    record: &Receive,
    named: &Named,
    shipment: &mut Shipment,
) -> Result<(), Fault> {
    let effective = draft.effective(named.number)?;
    shipment.missing += 1;
    if effective.is_root() {
        return draft.note_item(named.number, record.occurred_at, None);
    }
    let item = draft.item(named.number)?;
    let (place, holder) = (effective.place.clone(), effective.holder.clone());
    let facts = root_facts(&item, &effective, place, holder, Status::InTransit);
    draft.move_item(named.number, facts, record.occurred_at)
}

/// Why an arrival of this shipment is irregular, if it is.
fn irregularity<S: State>(
    draft: &Draft<'_, S>,
    author: &MemberId,
    record: &Receive,
    shipment: &Shipment,
) -> Result<Option<Irregularity>, Fault> {
    if draft.successor_of(&shipment.to)? != *author {
        return Ok(Some(Irregularity::WrongReceiver));
    }
    if shipment.to_site != record.site {
        return Ok(Some(Irregularity::WrongSite));
    }
    if let Some(licence) = &shipment.licence {
        let revoked = |licence: &Licence| licence.revoked_at.is_some();
        if draft.look::<Licence, _>(&Key::Licence(licence.clone()), revoked)? == Some(true) {
            return Ok(Some(Irregularity::LicenceEnded));
        }
    }
    Ok((!entered(draft, record, shipment)?).then_some(Irregularity::NoEntryClearance))
}

/// Whether the arrival has the entry clearance that policy demands, if it does.
fn entered<S: State>(
    draft: &Draft<'_, S>,
    record: &Receive,
    shipment: &Shipment,
) -> Result<bool, Fault> {
    let from = draft.jurisdiction_of(&shipment.from_site)?;
    let to = draft.jurisdiction_of(&record.site)?;
    let demanded = draft
        .policies(to)?
        .contains(&PolicyRule::EntryClearanceRequired);
    if from == to || !demanded {
        return Ok(true);
    }
    let Some(id) = &record.clearance else {
        return Ok(false);
    };
    let covers = |clearance: &Clearance| {
        clearance.stage == CustomsStage::Entry
            && clearance.decision == CustomsDecision::Allow
            && clearance.from == from
            && clearance.to == to
            && record.occurred_at < clearance.valid_until
            && (clearance.shipment.is_none() || clearance.shipment == record.shipment)
    };
    Ok(draft
        .look::<Clearance, _>(&Key::Clearance(id.clone()), covers)?
        .unwrap_or(false))
}

/// An item arrives: in the receiver's custody at its site.
fn arrive<S: State>(
    draft: &mut Draft<'_, S>,
    author: &MemberId,
    record: &Receive,
    named: &Named,
    irregularity: Option<Irregularity>,
) -> Result<(), Fault> {
    let effective = draft.effective(named.number)?;
    let item = draft.item(named.number)?;
    let status = if irregularity.is_some() {
        Status::Irregular
    } else {
        Status::Stock
    };
    let place = Place::Site(record.site.clone());
    let mut facts = root_facts(&item, &effective, place, author.clone(), status);
    facts.irregularity = irregularity;
    let evidence = if irregularity.is_none() {
        EvidenceKind::TwoSided
    } else {
        EvidenceKind::Declared
    };
    draft.move_item(named.number, facts, record.occurred_at)?;
    draft.set_evidence(named.number, evidence, record.occurred_at)
}

/// Refused goods go back: a return leg opens, due after as long as the way here was to take.
fn send_back<S: State>(
    draft: &mut Draft<'_, S>,
    author: &MemberId,
    record: &Receive,
    id: &DocumentId,
    shipment: &mut Shipment,
    refused: &[Named],
) -> Result<(), Fault> {
    let leg = return_leg(draft, author, id)?;
    let way_ms = shipment.expected_at.since_ms(shipment.shipped_at);
    let roots = refused.len() as u64;
    let from_site: &SiteId = &record.site;
    let share = draft.share_of(shipment, refused)?;
    shipment.licence_chips -= share.chips;
    shipment.licence_tpp_milli -= share.tpp_milli;
    let back = Shipment {
        to: id.member.clone(),
        from_site: from_site.clone(),
        to_site: shipment.from_site.clone(),
        carrier: shipment.carrier.clone(),
        shipped_at: record.occurred_at,
        expected_at: record.occurred_at.plus_ms(way_ms),
        outstanding: 0,
        lost: 0,
        shipped: roots,
        missing: 0,
        received: 0,
        state: ShipmentState::Open,
        order: None,
        licence: shipment.licence.clone(),
        licence_chips: share.chips,
        licence_tpp_milli: share.tpp_milli,
        clearance: None,
        return_of: Some(id.clone()),
        record: draft.at.id,
        redirects: Vec::new(),
        voided: 0,
    };
    draft.put_way(leg.clone(), back, record.occurred_at, false);
    for named in refused {
        let effective = draft.effective(named.number)?;
        let item = draft.item(named.number)?;
        let holder = shipment.carrier.clone().unwrap_or_else(|| author.clone());
        let place = Place::Transit(leg.clone());
        let facts = root_facts(&item, &effective, place, holder, Status::InTransit);
        draft.move_item(named.number, facts, record.occurred_at)?;
    }
    Ok(())
}

/// A free reference for the return leg: `<reference>.R`, of the receiver.
fn return_leg<S: State>(
    draft: &Draft<'_, S>,
    author: &MemberId,
    id: &DocumentId,
) -> Result<DocumentId, Fault> {
    for number in 0_u32..100 {
        let suffix = if number == 0 {
            ".R".to_owned()
        } else {
            format!(".R{number}")
        };
        let kept: String = id
            .reference
            .as_str()
            .chars()
            .take(35 - suffix.len())
            .collect();
        let reference = format!("{kept}{suffix}")
            .parse()
            .expect("a reference with a suffix");
        let leg = DocumentId::new(author.clone(), reference);
        if draft
            .look::<Shipment, _>(&Key::Shipment(leg.clone()), |_| ())?
            .is_none()
        {
            return Ok(leg);
        }
    }
    reject(Code::DocumentTaken, format!("{id} has 100 return legs"))
}

#[cfg(test)]
mod tests;
