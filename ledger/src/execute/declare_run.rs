//! `declare_run`: an operator declares a training run; regulators decide on exactly what it says.

use chipledger_proof::state::{Key, Run};
use chipledger_schemas::records::DeclareRun;
use chipledger_schemas::words::Role;

use super::Context;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &DeclareRun,
) -> Result<(), Fault> {
    let author = context.author();
    draft.require_role(author, &[Role::Operator])?;
    record
        .sites
        .iter()
        .try_for_each(|site| draft.site(site).map(|_| ()))?;
    let id = &record.run;
    let key = Key::Run(id.clone());
    // A changed run is another run: a decision must not cover what was not yet said.
    if draft.look::<Run, _>(&key, |_| ())?.is_some() {
        return reject(Code::DocumentTaken, format!("run {id} is declared"));
    }
    if id.member != *author {
        return reject(
            Code::DocumentMismatch,
            format!("{id} is not a run of the signer"),
        );
    }
    let declared = record.clone();
    let decisions = Vec::new();
    draft.put(
        key,
        Run {
            declared,
            decisions,
        },
    );
    Ok(())
}
