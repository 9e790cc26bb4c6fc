//! `break_seal`: a seal comes off, by whoever may put one on.

use super::Context;
use super::holding::check_unsealed;
use super::seal::check_sealer;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};
use chipledger_schemas::records::BreakSeal;

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &BreakSeal,
) -> Result<(), Fault> {
    let items = draft.movable_items(&record.items, record.occurred_at)?;
    for named in &items {
        let item = &named.effective;
        check_sealer(draft, item, context.author())?;
        check_unsealed(item)?;
        let seal = draft.with_item(named.number, |item| item.facts.seal.clone())?;
        if seal.as_ref() != Some(&record.seal) {
            let borne = seal.map_or_else(|| "no seal".to_owned(), |seal| format!("seal {seal}"));
            return reject(Code::SealMismatch, format!("{} bears {borne}", item.id));
        }
    }
    for named in &items {
        let mut facts = draft.with_item(named.number, |item| item.facts.clone())?;
        facts.seal = None;
        draft.move_item(named.number, facts, record.occurred_at)?;
    }
    Ok(())
}
