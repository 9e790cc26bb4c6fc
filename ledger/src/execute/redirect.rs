//! `redirect`: an open shipment gets another destination; policy is asked again, as if it left now.

use chipledger_proof::state::{Key, Shipment};
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::records::Redirect;

use super::Context;
use super::holding::Named;
use super::policy::{Consignment, admit};
use super::void_shipment::{all_under_way, own_shipment};
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Redirect,
) -> Result<(), Fault> {
    let author = context.author();
    let id = &record.shipment;
    draft.active_member(&record.to)?;
    draft.site(&record.to_site)?;
    let mut shipment = own_shipment(draft, author, id)?;
    let items = all_under_way(draft, id, &shipment, &record.items, record.occurred_at)?;
    if shipment.lost > 0 {
        // What is lost is booked in this transit as well, and would go along unnamed.
        let lost = shipment.lost;
        return reject(
            Code::StatusForbids,
            format!("{lost} items of {id} are lost on the way; void it, or let it arrive"),
        );
    }
    change_terms(draft, author, record, &mut shipment, &items)?;
    let mut before = Vec::with_capacity(items.len());
    for named in &items {
        before.push(draft.account_rows(named.number)?);
    }
    draft.put(Key::Shipment(id.clone()), shipment);
    for (named, before) in items.iter().zip(before) {
        let after = draft.account_rows(named.number)?;
        for ((from, row), (to, _)) in before.into_iter().zip(after) {
            draft.post(record.occurred_at, &row, from, to);
        }
        let facts = draft.with_item(named.number, |item| item.facts.clone())?;
        draft.move_item(named.number, facts, record.occurred_at)?;
    }
    Ok(())
}

/// Gives back what the goods counted against, and counts them against the new licence and clearance.
fn change_terms<S: State>(
    draft: &mut Draft<'_, S>,
    author: &MemberId,
    record: &Redirect,
    shipment: &mut Shipment,
    items: &[Named],
) -> Result<(), Fault> {
    let order = shipment.order.take();
    draft.take_back(shipment, items)?;
    let from_site = shipment.from_site.clone();
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
            counted_in: Some(&shipment.to_site),
            users: draft.users_of(items)?,
            chips: draft.chips_of(items)?,
        },
    )?;
    *shipment = Shipment {
        to: record.to.clone(),
        to_site: record.to_site.clone(),
        expected_at: record.expected_at,
        licence: record.licence.clone(),
        licence_chips: charge.chips,
        licence_tpp_milli: charge.tpp_milli,
        clearance: record.clearance.clone(),
        order,
        ..shipment.clone()
    };
    Ok(())
}
