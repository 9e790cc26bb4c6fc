//! `schedule_upgrade`: the quorum says from which height on blocks have the next protocol version;
//! a later schedule replaces one that is not due yet.

use chipledger_proof::state::{Key, Upgrade};
use chipledger_schemas::ids::Height;
use chipledger_schemas::records::ScheduleUpgrade;

use super::{Context, validators};
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

/// Least blocks between the decision and the first block by the new version.
const NOTICE_BLOCKS: u64 = 2;

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &ScheduleUpgrade,
) -> Result<(), Fault> {
    draft.require_quorum(context.signers)?;
    let mut chain = validators::chain(draft)?;
    let first = Height(draft.at.height.0.saturating_add(NOTICE_BLOCKS));
    if chain.protocol.checked_add(1) != Some(record.version) || record.height < first {
        let detail = format!(
            "version {} is in force, and height {} the first that is far enough ahead",
            chain.protocol, first.0
        );
        return reject(Code::UpgradeInvalid, detail);
    }
    chain.upgrade = Some(Upgrade {
        version: record.version,
        height: record.height,
    });
    draft.put(Key::Chain, chain);
    Ok(())
}

#[cfg(test)]
mod tests;
