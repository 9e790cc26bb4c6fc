//! `set_use`: who computes on the items; the owner itself, if nobody is named.

use chipledger_schemas::records::SetUse;

use super::Context;
use super::holding::{check_once, own_user};
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, Effective, State, parent_of};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &SetUse,
) -> Result<(), Fault> {
    let author = context.author();
    if let Some(user) = &record.user {
        draft.active_member(user)?;
    }
    let items = draft.movable_items(&record.items, record.occurred_at)?;
    for named in &items {
        let item = &named.effective;
        let parties = [
            draft.successor_of(&item.holder)?,
            draft.successor_of(&item.owner)?,
        ];
        if !parties.contains(author) {
            let [holder, owner] = parties;
            return reject(
                Code::ItemNotHeld,
                format!("{} is held by {holder} and owned by {owner}", item.id),
            );
        }
    }
    check_once(&items)?;
    for named in items {
        let mut facts = draft.with_item(named.number, |item| item.facts.clone())?;
        let wanted = Effective {
            user: record.user.clone(),
            ..named.effective
        };
        facts.user = match parent_of(&facts) {
            Some(container) => own_user(&wanted, &draft.effective(container)?),
            None => wanted.user.filter(|user| *user != wanted.owner),
        };
        draft.move_item(named.number, facts, record.occurred_at)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::execute::tests::{delivered, told};
    use crate::fixture::id;

    #[test]
    fn holder_and_owner_say_who_uses_it_and_the_innermost_word_counts() {
        let mut world = delivered();
        for (author, items, user, code) in [
            ("OP", json!(["FAB:p1"]), json!("NOBODY"), "member_unknown"),
            ("OP", json!(["FAB:none"]), json!("DIST"), "item_unknown"),
            ("DIST", json!(["FAB:p1"]), json!("DIST"), "item_not_held"),
            (
                "OP",
                json!(["FAB:p1", "FAB:1000"]),
                json!("DIST"),
                "item_twice",
            ),
            ("OP", json!(["FAB:p1"]), json!("DIST"), "ok"),
            ("FAB", json!(["FAB:b1"]), json!("OP-2"), "ok"),
            ("FAB", json!(["FAB:b2"]), json!(null), "ok"),
        ] {
            let fields = json!({"items": items, "user": user});
            assert_eq!(told(&mut world, &[author], "set_use", fields), code);
        }
        for (chip, user) in [
            ("FAB:1000", "OP-2"),
            ("FAB:1002", "FAB"),
            ("FAB:1004", "DIST"),
        ] {
            assert_eq!(world.effective(chip).user, Some(id(user)), "{chip}");
        }
        let fields = json!({"items": ["FAB:p1"], "user": null});
        assert_eq!(told(&mut world, &["OP"], "set_use", fields), "ok");
        assert_eq!(world.effective("FAB:1004").user, None, "the owner itself");
    }
}
