//! `declare_payment`: authorities declare what they learned, parties to a trade what they paid or
//! were paid.

use chipledger_proof::state::{Key, Order};
use chipledger_schemas::records::DeclarePayment;
use chipledger_schemas::words::Role;

use super::Context;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &DeclarePayment,
) -> Result<(), Fault> {
    let author = context.author();
    draft.require_role(
        author,
        &[
            Role::Regulator,
            Role::Customs,
            Role::Distributor,
            Role::Operator,
            Role::Fab,
        ],
    )?;
    draft.member(&record.payer)?;
    draft.member(&record.payee)?;
    let roles = draft.member(author)?.roles;
    let authority = roles.contains(&Role::Regulator) || roles.contains(&Role::Customs);
    if !authority && *author != record.payer && *author != record.payee {
        return reject(
            Code::NotAuthority,
            "a regulator, customs, the payer or the payee declares a payment",
        );
    }
    if let Some(id) = &record.order
        && draft
            .look::<Order, _>(&Key::Order(id.clone()), |_| ())?
            .is_none()
    {
        return reject(Code::DocumentUnknown, format!("no order {id}"));
    }
    draft.check_not_future(record.paid_at, context.future_ms)
}
