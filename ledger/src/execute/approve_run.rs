//! `approve_run`: a regulator's decision on a training run; its later decision replaces its earlier
//! one.

use chipledger_proof::state::{Key, Run};
use chipledger_schemas::records::ApproveRun;
use chipledger_schemas::words::Role;

use super::Context;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &ApproveRun,
) -> Result<(), Fault> {
    let author = context.author();
    draft.require_role(author, &[Role::Regulator])?;
    let key = Key::Run(record.run.clone());
    let Some(mut run) = draft.get::<Run>(&key)? else {
        return reject(
            Code::DocumentUnknown,
            format!("run {} is not declared", record.run),
        );
    };
    let decisions = &mut run.decisions;
    match decisions.binary_search_by(|(member, _)| member.cmp(author)) {
        Ok(at) => decisions[at].1 = record.decision,
        Err(at) => decisions.insert(at, (author.clone(), record.decision)),
    }
    draft.put(key, run);
    Ok(())
}
