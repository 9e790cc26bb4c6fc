//! `redirect`: an open shipment gets another destination; policy is asked again, as if it left now.

use chipledger_proof::state::{REDIRECTS_MAX, Redirected, Shipment};
use chipledger_schemas::ids::{DocumentId, MemberId, SiteId};
use chipledger_schemas::records::Redirect;
use chipledger_schemas::time::Time;

use super::Context;
use super::holding::Named;
use super::policy::{Consignment, admit};
use super::void_shipment::{all_under_way, own_shipment};
use crate::rejection::{Code, Fault, reject};
use crate::state::{Cause, Draft, State};

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
    if shipment.redirects.len() >= REDIRECTS_MAX {
        return reject(
            Code::StatusForbids,
            format!("{id} was redirected {REDIRECTS_MAX} times; void it and ship anew"),
        );
    }
    if shipment.lost > 0 {
        // What is lost is booked in this transit as well, and would go along unnamed.
        let lost = shipment.lost;
        return reject(
            Code::StatusForbids,
            format!("{lost} items of {id} are lost on the way; void it, or let it arrive"),
        );
    }
    let before = Redirected {
        record: draft.at.id,
        until: record.occurred_at,
        to: shipment.to.clone(),
        to_site: shipment.to_site.clone(),
        expected_at: shipment.expected_at,
        licence: shipment.licence.clone(),
        clearance: shipment.clearance.clone(),
    };
    shipment.redirects.push(before);
    let terms = Terms {
        to: &record.to,
        to_site: &record.to_site,
        expected_at: record.expected_at,
        licence: record.licence.as_ref(),
        clearance: record.clearance.as_ref(),
        occurred_at: record.occurred_at,
    };
    let shipment = with_terms(draft, id, shipment, &items, &terms)?;
    send_on(
        draft,
        id,
        shipment,
        &items,
        (Cause::Moved, record.occurred_at),
    )?;
    for named in &items {
        let facts = draft.with_item(named.number, |item| item.facts.clone())?;
        draft.move_item(named.number, facts, record.occurred_at)?;
    }
    Ok(())
}

/// Where goods under way go, and what they count against.
pub(super) struct Terms<'a> {
    pub to: &'a MemberId,
    pub to_site: &'a SiteId,
    pub expected_at: Time,
    pub licence: Option<&'a DocumentId>,
    pub clearance: Option<&'a DocumentId>,
    /// Since when, event time.
    pub occurred_at: Time,
}

/// Gives back what the goods counted against, and counts them against the licence and clearance of
/// other terms, as if they left now.
pub(super) fn with_terms<S: State>(
    draft: &mut Draft<'_, S>,
    id: &DocumentId,
    mut shipment: Shipment,
    items: &[Named],
    terms: &Terms<'_>,
) -> Result<Shipment, Fault> {
    let order = shipment.order.take();
    draft.take_back(&mut shipment, items)?;
    let charge = admit(
        draft,
        &Consignment {
            shipment: id,
            shipper: &draft.successor_of(&id.member)?,
            to: terms.to,
            from_site: &shipment.from_site,
            to_site: terms.to_site,
            licence: terms.licence,
            clearance: terms.clearance,
            occurred_at: terms.occurred_at,
            counted_in: Some(&shipment.to_site),
            users: draft.users_of(items)?,
            chips: draft.chips_of(items)?,
        },
    )?;
    Ok(Shipment {
        to: terms.to.clone(),
        to_site: terms.to_site.clone(),
        expected_at: terms.expected_at,
        licence: terms.licence.cloned(),
        licence_chips: charge.chips,
        licence_tpp_milli: charge.tpp_milli,
        clearance: terms.clearance.cloned(),
        order,
        ..shipment
    })
}

/// Puts a shipment that goes elsewhere; what is under way in it is booked on the new way.
pub(super) fn send_on<S: State>(
    draft: &mut Draft<'_, S>,
    id: &DocumentId,
    shipment: Shipment,
    items: &[Named],
    (cause, occurred_at): (Cause, Time),
) -> Result<(), Fault> {
    let mut before = Vec::with_capacity(items.len());
    for named in items {
        before.push(draft.account_rows(named.number)?);
    }
    draft.put_way(id.clone(), shipment, occurred_at, cause == Cause::Undone);
    for (named, before) in items.iter().zip(before) {
        let after = draft.account_rows(named.number)?;
        for ((from, row), (to, _)) in before.into_iter().zip(after) {
            draft.post(cause, occurred_at, &row, from, to);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use chipledger_proof::state::{Key, Shipment};
    use chipledger_schemas::ids::SiteId;

    use crate::execute::tests::{delivered, receive, ship, told};
    use crate::fixture::id;

    fn redirect(items: &str, to: &str, to_site: &str) -> serde_json::Value {
        json!({"shipment": "FAB:S2", "items": [items], "to": to, "to_site": to_site,
            "expected_at": "2027-01-01"})
    }

    #[test]
    fn a_redirected_shipment_arrives_where_it_was_redirected_to() {
        let mut world = delivered();
        let record = ship(&world, "FAB:S2", "FAB:1010..1012", "OP", "US-DC");
        world.submit("FAB", vec![record]).unwrap();
        for (author, fields, code) in [
            (
                "OP",
                redirect("FAB:1010", "NOBODY", "NOWHERE"),
                "member_unknown",
            ),
            (
                "OP",
                redirect("FAB:1010", "OP-2", "NOWHERE"),
                "site_unknown",
            ),
            (
                "OP",
                redirect("FAB:1010", "OP-2", "DE-DC"),
                "document_mismatch",
            ),
            (
                "FAB",
                redirect("FAB:1010", "OP-2", "DE-DC"),
                "not_all_named",
            ),
            ("FAB", redirect("FAB:1010..1012", "OP-2", "DE-DC"), "ok"),
        ] {
            assert_eq!(told(&mut world, &[author], "redirect", fields), code);
        }
        let shipment: Shipment = world.get(&Key::Shipment(id("FAB:S2"))).unwrap();
        assert_eq!(shipment.to_site, id::<SiteId>("DE-DC"));
        let record = receive(&world, "FAB:S2", "DE-DC", "FAB:1010..1012");
        world.submit("OP-2", vec![record]).unwrap();
        assert_eq!(world.effective("FAB:1010").irregularity, None);
    }

    #[test]
    fn a_shipment_with_something_lost_is_not_redirected() {
        let mut world = delivered();
        let record = ship(&world, "FAB:S2", "FAB:1010..1012", "OP", "US-DC");
        world.submit("FAB", vec![record]).unwrap();
        let lost = json!({"items": ["FAB:1012"], "loss": "lost"});
        assert_eq!(told(&mut world, &["FAB"], "set_loss", lost), "ok");
        let fields = redirect("FAB:1010..1011", "OP-2", "DE-DC");
        assert_eq!(
            told(&mut world, &["FAB"], "redirect", fields),
            "status_forbids"
        );
    }
}
