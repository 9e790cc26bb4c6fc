//! `declare_production`: what a fab made of one model in a period that is over.

use chipledger_proof::state::{Catalogue, Key};
use chipledger_schemas::records::DeclareProduction;
use chipledger_schemas::words::Role;

use super::Context;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &DeclareProduction,
) -> Result<(), Fault> {
    draft.require_role(context.author(), &[Role::Fab])?;
    let model = draft.look::<Catalogue, _>(&Key::Catalogue, |c| c.number(&record.model))?;
    if model.flatten().is_none() {
        return reject(
            Code::ModelUnknown,
            format!("{} is not in the catalogue", record.model),
        );
    }
    draft.check_not_future(record.until, context.future_ms)
}
