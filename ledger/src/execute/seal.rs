//! `seal`: units get a numbered seal; what is inside stays there until it is broken.

use chipledger_proof::state::ItemKind;
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::movement::Place;
use chipledger_schemas::records::Seal;
use chipledger_schemas::words::Role;

use super::Context;
use super::holding::check_unsealed;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, Effective, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Seal,
) -> Result<(), Fault> {
    let items = draft.movable_items(&record.items, record.occurred_at)?;
    for named in &items {
        let item = &named.effective;
        let (kind, seal) = draft.with_item(named.number, |i| (i.kind, i.facts.seal.clone()))?;
        if !matches!(kind, ItemKind::Unit(_)) {
            return reject(Code::NotAUnit, format!("{} is a chip", item.id));
        }
        check_sealer(draft, item, context.author())?;
        check_unsealed(item)?;
        if let Some(seal) = seal {
            return reject(Code::Sealed, format!("{} bears seal {seal}", item.id));
        }
    }
    for named in &items {
        let mut facts = draft.with_item(named.number, |item| item.facts.clone())?;
        facts.seal = Some(record.seal.clone());
        draft.move_item(named.number, facts, record.occurred_at)?;
    }
    Ok(())
}

/// Who may put a seal on or break it: the holder, an inspector anywhere, customs where it is (under
/// way: of either end).
pub(super) fn check_sealer<S: State>(
    draft: &Draft<'_, S>,
    item: &Effective,
    author: &MemberId,
) -> Result<(), Fault> {
    let inspector = draft.member(author)?.roles.contains(&Role::Inspector);
    if inspector || draft.is_customs_at(author, &item.place)? {
        return Ok(());
    }
    draft.check_held(item, author)
}

impl<S: State> Draft<'_, S> {
    /// Whether a member is customs of where something is; under way, of where it left or goes.
    pub(super) fn is_customs_at(&self, member: &MemberId, place: &Place) -> Result<bool, Fault> {
        use chipledger_proof::state::AccountPlace;
        match self.account_place(place)? {
            AccountPlace::Site { jurisdiction, .. } => self.is_customs_of(member, jurisdiction),
            AccountPlace::Transit {
                from_jurisdiction,
                to_jurisdiction,
                ..
            } => Ok(self.is_customs_of(member, from_jurisdiction)?
                || self.is_customs_of(member, to_jurisdiction)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::execute::tests::{delivered, told};

    fn seal(item: &str) -> serde_json::Value {
        json!({"items": [item], "seal": "K-77"})
    }

    #[test]
    fn a_seal_is_rejected_in_order_of_precedence() {
        let mut world = delivered();
        let mut early = seal("FAB:p1");
        early["occurred_at"] = "2026-01-01".into();
        for (author, fields, code) in [
            ("DIST", seal("FAB:none"), "item_unknown"),
            ("DIST", early, "out_of_order"),
            ("DIST", seal("FAB:1000"), "not_a_unit"),
            ("DIST", seal("FAB:p1"), "item_not_held"),
            ("CUSTOMS-DE", seal("FAB:p1"), "item_not_held"),
            ("CUSTOMS-US", seal("FAB:p1"), "ok"),
            ("OP", seal("FAB:p1"), "sealed"),
            ("OP", seal("FAB:b1"), "sealed"),
        ] {
            assert_eq!(told(&mut world, &[author], "seal", fields), code);
        }
    }

    #[test]
    fn nothing_leaves_a_sealed_unit_until_its_own_seal_is_broken() {
        let mut world = delivered();
        assert_eq!(told(&mut world, &["OP"], "seal", seal("FAB:p1")), "ok");
        let unpack = || json!({"items": ["FAB:b1"]});
        assert_eq!(told(&mut world, &["OP"], "unpack", unpack()), "sealed");
        let broken =
            |item: &str, seal: &str| json!({"items": [item], "seal": seal, "reason": "inspection"});
        for (author, fields, code) in [
            ("DIST", broken("FAB:p1", "K-1"), "item_not_held"),
            ("OP", broken("FAB:b1", "K-1"), "sealed"),
            ("OP", broken("FAB:p1", "K-1"), "seal_mismatch"),
            ("INSPECTOR", broken("FAB:p1", "K-77"), "ok"),
            ("OP", broken("FAB:p1", "K-77"), "seal_mismatch"),
        ] {
            assert_eq!(told(&mut world, &[author], "break_seal", fields), code);
        }
        assert_eq!(told(&mut world, &["OP"], "unpack", unpack()), "ok");
    }
}
