//! `replace`: a repair swap. The new chip takes the old one's place, owner, user and status; the
//! old one becomes a root that is out of operation.

use chipledger_proof::state::{ItemKind, ModelNumber};
use chipledger_schemas::ids::{ItemId, ItemNumber, MemberId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::records::Replace;
use chipledger_schemas::words::Status;

use super::Context;
use super::holding::{Named, check_at_site, check_root, check_status, check_unsealed, root_facts};
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Replace,
) -> Result<(), Fault> {
    let author = context.author();
    let (old, old_model) = one(draft, record, &record.old)?;
    let (new, new_model) = one(draft, record, &record.new)?;
    if old_model != new_model {
        return reject(
            Code::ModelMismatch,
            format!("{} and {} are of different models", record.old, record.new),
        );
    }
    draft.check_held(&old.effective, author)?;
    draft.check_held(&new.effective, author)?;
    check_title(draft, author, &old, &new)?;
    check_root(&new.effective)?;
    let site = check_at_site(&old.effective)?;
    if check_at_site(&new.effective)? != site {
        return reject(Code::WrongSite, format!("{} is not at {site}", record.new));
    }
    check_unsealed(&old.effective)?;
    let working = [Status::Stock, Status::Installed, Status::Irregular];
    check_status(&old.effective, &working)?;
    check_status(&new.effective, &[Status::Stock, Status::Irregular])?;
    swap(draft, record, &old, new.number)
}

fn one<S: State>(
    draft: &Draft<'_, S>,
    record: &Replace,
    id: &ItemId,
) -> Result<(Named, ModelNumber), Fault> {
    let set = ItemSet::of([id]).expect("one item is named once");
    let mut named = draft.movable_items(&set, record.occurred_at)?;
    let named = named.pop().expect("a set of one item has one");
    match draft.with_item(named.number, |item| item.kind)? {
        ItemKind::Chip(model) => Ok((named, model)),
        ItemKind::Unit(kind) => reject(Code::NotAChip, format!("{id} is a {kind}")),
    }
}

/// Title to the new chip passes to the old one's owner: the new one's owner must be that or the
/// signer.
fn check_title<S: State>(
    draft: &Draft<'_, S>,
    author: &MemberId,
    old: &Named,
    new: &Named,
) -> Result<(), Fault> {
    let owner = draft.successor_of(&new.effective.owner)?;
    if owner == *author || owner == draft.successor_of(&old.effective.owner)? {
        return Ok(());
    }
    reject(
        Code::ItemNotOwned,
        format!("{} is owned by {owner}", new.effective.id),
    )
}

fn swap<S: State>(
    draft: &mut Draft<'_, S>,
    record: &Replace,
    old: &Named,
    new: ItemNumber,
) -> Result<(), Fault> {
    let item = draft.item(old.number)?;
    let (place, holder) = (old.effective.place.clone(), old.effective.holder.clone());
    let status = Status::Decommissioned;
    let out = root_facts(&item, &old.effective, place, holder, status);
    draft.move_item(old.number, out, record.occurred_at)?;
    let mut facts = item.facts;
    facts.seal = None;
    draft.move_item(new, facts, record.occurred_at)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use chipledger_schemas::words::Status;

    use crate::execute::tests::{delivered, told};
    use crate::fixture::{World, id};

    fn swap(old: &str, new: &str) -> serde_json::Value {
        json!({"old": old, "new": new})
    }

    fn world() -> World {
        let mut world = delivered();
        for (chip, model) in [
            ("FAB:3000", "NVIDIA/B200-SXM-180GB"),
            ("FAB:3001", crate::fixture::MODEL),
        ] {
            let fields = json!({"items": [chip], "model": model, "site": "TW-FAB",
                "origin": "made", "device_keys": []});
            assert_eq!(told(&mut world, &["FAB"], "register", fields), "ok");
        }
        let ship = json!({"shipment": "FAB:S2", "items": ["FAB:3000..3001", "FAB:1010"],
            "to": "OP", "to_site": "US-DC", "expected_at": "2027-01-01"});
        assert_eq!(told(&mut world, &["FAB"], "ship", ship), "ok");
        let receive = json!({"shipment": "FAB:S2", "site": "US-DC", "missing": [], "extra": [],
            "refused": [], "found": ["FAB:3000..3001", "FAB:1010"]});
        assert_eq!(told(&mut world, &["OP"], "receive", receive), "ok");
        world
    }

    #[test]
    fn the_new_chip_takes_the_old_ones_place_and_the_old_one_comes_out() {
        let mut world = world();
        let lease = json!({"items": ["FAB:1000"], "user": "OP-2"});
        assert_eq!(told(&mut world, &["OP"], "set_use", lease), "ok");
        assert_eq!(
            told(&mut world, &["OP"], "install", json!({"items": ["FAB:p1"]})),
            "ok"
        );
        for (author, old, new, code) in [
            ("OP", "FAB:none", "FAB:b2", "item_unknown"),
            ("OP", "FAB:b1", "FAB:b2", "not_a_chip"),
            ("OP", "FAB:1000", "FAB:3000", "model_mismatch"),
            ("DIST", "FAB:1000", "FAB:3001", "item_not_held"),
            ("OP", "FAB:1000", "FAB:1012", "item_not_held"),
            ("OP", "FAB:1000", "FAB:1002", "item_contained"),
            ("OP", "FAB:1000", "FAB:3001", "ok"),
            ("OP", "FAB:1000", "FAB:1010", "status_forbids"),
        ] {
            assert_eq!(
                told(&mut world, &[author], "replace", swap(old, new)),
                code,
                "{old} {new}"
            );
        }
        let (old, new) = (world.effective("FAB:1000"), world.effective("FAB:3001"));
        assert_eq!((old.status, old.is_root()), (Status::Decommissioned, true));
        assert_eq!(
            (new.status, new.user),
            (Status::Installed, Some(id("OP-2")))
        );
        let seal = json!({"items": ["FAB:p1"], "seal": "K1"});
        assert_eq!(told(&mut world, &["OP"], "seal", seal), "ok");
        let code = told(&mut world, &["OP"], "replace", swap("FAB:1001", "FAB:1010"));
        assert_eq!(code, "sealed");
    }

    #[test]
    fn a_third_partys_chip_is_not_given_away_by_a_repair() {
        let mut world = world();
        let title = json!({"items": ["FAB:1010"], "to": "DIST"});
        assert_eq!(
            told(&mut world, &["FAB", "DIST"], "transfer_title", title),
            "ok"
        );
        let code = told(&mut world, &["OP"], "replace", swap("FAB:1000", "FAB:1010"));
        assert_eq!(code, "item_not_owned");
    }
}
