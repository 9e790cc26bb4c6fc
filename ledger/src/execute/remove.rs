//! `remove`: items go out of operation, back to stock where they are.

use chipledger_schemas::records::Remove;
use chipledger_schemas::words::Status;

use super::Context;
use super::holding::{check_once, check_status};
use crate::rejection::Fault;
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Remove,
) -> Result<(), Fault> {
    let items = draft.held_items(&record.items, context.author(), record.occurred_at)?;
    check_once(&items)?;
    for item in &items {
        check_status(&item.effective, &[Status::Installed])?;
    }
    for item in &items {
        draft.set_status(item.number, Status::Stock, record.occurred_at)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use chipledger_schemas::words::Status;

    use crate::execute::tests::{delivered, told};

    #[test]
    fn what_is_installed_goes_back_to_stock_and_out_of_working_life() {
        let mut world = delivered();
        let items = |items: &[&str]| json!({ "items": items });
        for (author, kind, named, code) in [
            ("OP", "remove", &["FAB:none"][..], "item_unknown"),
            ("DIST", "remove", &["FAB:p1"], "item_not_held"),
            ("OP", "remove", &["FAB:p1", "FAB:b1"], "item_twice"),
            ("OP", "remove", &["FAB:p1"], "status_forbids"),
            ("OP", "install", &["FAB:p1", "FAB:b1"], "item_twice"),
            ("OP", "install", &["FAB:p1"], "ok"),
            ("OP", "install", &["FAB:b1"], "status_forbids"),
            ("OP", "remove", &["FAB:b1"], "ok"),
        ] {
            assert_eq!(
                told(&mut world, &[author], kind, items(named)),
                code,
                "{kind} {named:?}"
            );
        }
        assert_eq!(world.effective("FAB:1000").status, Status::Stock);
        assert_eq!(world.effective("FAB:1002").status, Status::Installed);
    }
}
