//! `receive`: what arrived, item by item. Facts are accepted; what does not square becomes irregular.

use chipledger_proof::state::{Clearance, EvidenceKind, Key, Licence, Shipment, ShipmentState};
use chipledger_schemas::ids::{DocumentId, MemberId, SiteId};
use chipledger_schemas::movement::Place;
use chipledger_schemas::records::Receive;
use chipledger_schemas::records::set_policy::PolicyRule;
use chipledger_schemas::words::{CustomsDecision, CustomsStage, Irregularity, Role, Status};

use super::Context;
use super::holding::{Named, root_facts};
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

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
    match &record.shipment {
        Some(id) => announced(draft, author, record, id),
        None => {
            let found = draft.movable_items(&record.found, record.occurred_at)?;
            let extra = draft.movable_items(&record.extra, record.occurred_at)?;
            for named in found.iter().chain(&extra) {
                arrive(draft, author, record, named, Some(Irregularity::NoShipment))?;
            }
            Ok(())
        }
    }
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
    if shipment.state != ShipmentState::Open {
        return reject(Code::DocumentClosed, format!("shipment {id} is closed"));
    }
    let found = in_shipment(draft, record, &record.found, id)?;
    let missing = draft.movable_items(&record.missing, record.occurred_at)?;
    missing
        .iter()
        .try_for_each(|named| check_under_way(named, id))?;
    let refused = in_shipment(draft, record, &record.refused, id)?;
    let extra = draft.movable_items(&record.extra, record.occurred_at)?;
    for named in &missing {
        take_missing(draft, record, named, &mut shipment)?;
    }
    let reason = irregularity(draft, author, record, &shipment)?;
    for named in &found {
        arrive(draft, author, record, named, reason)?;
    }
    for named in &extra {
        arrive(draft, author, record, named, Some(Irregularity::NotShipped))?;
    }
    shipment.outstanding -= found.len() as u64;
    shipment.received = true;
    if !refused.is_empty() {
        send_back(draft, author, record, id, &mut shipment, &refused)?;
    }
    if shipment.outstanding == 0 {
        shipment.state = ShipmentState::Closed;
        return_quota(draft, author, &shipment)?;
    }
    draft.put(key, shipment);
    Ok(())
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
    shipment.outstanding += 1;
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
    let back = Shipment {
        to: id.member.clone(),
        from_site: from_site.clone(),
        to_site: shipment.from_site.clone(),
        carrier: shipment.carrier.clone(),
        shipped_at: record.occurred_at,
        expected_at: record.occurred_at.plus_ms(way_ms),
        outstanding: roots,
        shipped: roots,
        missing: 0,
        received: false,
        state: ShipmentState::Open,
        order: None,
        licence: shipment.licence.clone(),
        licence_chips: 0,
        licence_tpp_milli: 0,
        clearance: None,
        return_of: Some(id.clone()),
        record: draft.at.id,
    };
    let back = with_returning_quota(draft, back, shipment, refused)?;
    draft.put(Key::Shipment(leg.clone()), back);
    shipment.outstanding -= roots;
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

/// The return leg carries the part of the quota that comes back with the goods.
fn with_returning_quota<S: State>(
    draft: &Draft<'_, S>,
    mut back: Shipment,
    shipment: &mut Shipment,
    refused: &[Named],
) -> Result<Shipment, Fault> {
    if shipment.licence.is_none() {
        return Ok(back);
    }
    let chips: u64 = draft.chips_of(refused)?.values().sum();
    let chips = chips.min(shipment.licence_chips);
    let tpp_milli = if chips == shipment.licence_chips {
        shipment.licence_tpp_milli
    } else {
        draft.tpp_milli_of(refused)?.min(shipment.licence_tpp_milli)
    };
    back.licence_chips = chips;
    back.licence_tpp_milli = tpp_milli;
    shipment.licence_chips -= chips;
    shipment.licence_tpp_milli -= tpp_milli;
    Ok(back)
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

/// Quota returns only when the shipper has the goods back.
fn return_quota<S: State>(
    draft: &mut Draft<'_, S>,
    author: &MemberId,
    shipment: &Shipment,
) -> Result<(), Fault> {
    match (&shipment.return_of, &shipment.licence) {
        (Some(_), Some(licence)) if shipment.to == *author => {
            draft.return_quota(licence, shipment.licence_chips, shipment.licence_tpp_milli)
        }
        _ => Ok(()),
    }
}
