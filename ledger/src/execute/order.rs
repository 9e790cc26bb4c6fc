//! `order`: a buyer says what it wants from whom; shipments count against it and are never held to
//! it.

use chipledger_proof::state::{Catalogue, Key, Order as OrderState};
use chipledger_schemas::records::Order;
use chipledger_schemas::words::Role;

use super::Context;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Order,
) -> Result<(), Fault> {
    let author = context.author();
    draft.require_role(
        author,
        &[Role::Fab, Role::Distributor, Role::Operator, Role::Customs],
    )?;
    draft.active_member(&record.seller)?;
    draft.site(&record.to_site)?;
    for line in &record.lines {
        let known = draft.look::<Catalogue, _>(&Key::Catalogue, |c| c.number(&line.model))?;
        if known.flatten().is_none() {
            return reject(
                Code::ModelUnknown,
                format!("{} is not in the catalogue", line.model),
            );
        }
    }
    let key = Key::Order(record.order.clone());
    if draft.look::<OrderState, _>(&key, |_| ())?.is_some() {
        return reject(
            Code::DocumentTaken,
            format!("order {} exists", record.order),
        );
    }
    if record.order.member != *author {
        return reject(
            Code::DocumentMismatch,
            format!("{} is not an order of the signer", record.order),
        );
    }
    let order = OrderState {
        seller: record.seller.clone(),
        lines: record.lines.clone(),
        to_site: record.to_site.clone(),
        ordered_at: record.occurred_at,
        chips_shipped: 0,
    };
    draft.put(key, order);
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use chipledger_proof::state::{Key, Order};

    use crate::execute::tests::{delivered, told};
    use crate::fixture::{MODEL, id};

    #[test]
    fn an_order_is_rejected_in_order_of_precedence_and_counts_what_is_shipped() {
        let mut world = delivered();
        let order = |order: &str, seller: &str, site: &str, model: &str| {
            let lines = [json!({"model": model, "chips": 8})];
            json!({"order": order, "seller": seller, "to_site": site, "lines": lines})
        };
        for (author, fields, code) in [
            (
                "ANALYST",
                order("OP:O1", "NOBODY", "NOWHERE", "NO/NE"),
                "role_missing",
            ),
            (
                "OP",
                order("DIST:O1", "NOBODY", "NOWHERE", "NO/NE"),
                "member_unknown",
            ),
            (
                "OP",
                order("DIST:O1", "FAB", "NOWHERE", "NO/NE"),
                "site_unknown",
            ),
            (
                "OP",
                order("DIST:O1", "FAB", "US-DC", "NO/NE"),
                "model_unknown",
            ),
            (
                "OP",
                order("DIST:O1", "FAB", "US-DC", MODEL),
                "document_mismatch",
            ),
            ("OP", order("OP:O1", "FAB", "US-DC", MODEL), "ok"),
            (
                "OP",
                order("OP:O1", "FAB", "US-DC", MODEL),
                "document_taken",
            ),
        ] {
            assert_eq!(told(&mut world, &[author], "order", fields), code);
        }
        let ship = json!({"shipment": "FAB:S2", "items": ["FAB:1010..1012"], "to": "OP",
            "to_site": "US-DC", "expected_at": "2027-01-01", "order": "OP:O1"});
        assert_eq!(told(&mut world, &["FAB"], "ship", ship), "ok");
        let order: Order = world.get(&Key::Order(id("OP:O1"))).unwrap();
        assert_eq!(order.chips_shipped, 3);
    }
}
