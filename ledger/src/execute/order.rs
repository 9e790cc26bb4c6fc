//! `order`: a buyer says what it wants from whom; shipments count against it and are never held to it.

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
