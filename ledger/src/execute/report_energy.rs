//! `report_energy`: who runs a site says what it drew in a period that is over.

use chipledger_schemas::records::ReportEnergy;

use super::Context;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &ReportEnergy,
) -> Result<(), Fault> {
    let operator = draft.site(&record.site)?.operator;
    if draft.successor_of(&operator)? != *context.author() {
        return reject(
            Code::NotAuthority,
            format!("{} is run by {operator}", record.site),
        );
    }
    draft.check_not_future(record.until, context.future_ms)
}
