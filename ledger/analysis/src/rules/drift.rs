//! D14: an owner of chips comes under a restricted parent.

use std::collections::BTreeMap;

use chipledger_ledger::read::QueryError;
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::records::Record;

use super::id::RuleId;
use super::shares::count;
use super::{About, Rule, Scene, Told};

/// Which members were restricted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drift {
    restricted: BTreeMap<MemberId, bool>,
}

impl Rule for Drift {
    const ABOUT: About = About {
        id: RuleId::of(14),
        version: 1,
        name: "ownership drift",
        why: "Chips that were sold to one owner belong to another when the owner is bought. No \
            chip moves, and no licence is asked for.",
        innocent: &[
            "the authorities agreed to the acquisition, with conditions for the chips",
            "the new parent's seat is a holding without control",
        ],
        next: &[
            "look up the licences under which the chips came, and what they say of owners",
            "ask the owner who decides about the use of the chips",
            "decide whether further deliveries are held",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        let concerns = matches!(
            told.record,
            Record::SetMember(_)
                | Record::SucceedMember(_)
                | Record::Approve(_)
                | Record::Propose(_)
        );
        if !concerns {
            return Ok(());
        }
        let watch = scene.watch;
        for member in watch.members.keys() {
            let seat = watch.restricted_seat(member, told.time);
            let before = self.restricted.insert(member.clone(), seat.is_some());
            let owned = watch.owned_by(member);
            let Some(seat) = seat.filter(|_| before == Some(false) && count(&owned) > 0) else {
                continue;
            };
            let stake = watch.stake(&owned);
            let story = vec![format!(
                "{member}, which owns {} chips, came under {} by a change that {} entered; a seat \
                 in {seat} is restricted.",
                stake.chips,
                watch.ultimate(member),
                told.author(),
            )];
            scene.raise(("member", member), vec![told.spot], (stake, story));
        }
        Ok(())
    }
}
