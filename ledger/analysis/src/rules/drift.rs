//! D14: an owner of chips comes under a restricted parent.

use std::collections::BTreeMap;

use chipledger_ledger::read::QueryError;
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::Record;

use super::id::RuleId;
use super::shares::count;
use super::{About, Rule, Scene, Told};

/// The seats of every member and of everybody above it, as of the last change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drift {
    seats: BTreeMap<MemberId, Vec<Jurisdiction>>,
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
            let before = self.seats.insert(member.clone(), watch.seats(member));
            // A seat that becomes restricted by a new rule is no drift: by today's rule, was it so
            // before the change?
            let was_free = before.is_some_and(|seats| {
                let mut seats = seats.into_iter();
                !seats.any(|seat| watch.parameters.is_restricted(seat, told.time))
            });
            let owned = watch.owned_by(member);
            let Some(seat) = seat.filter(|_| was_free && count(&owned) > 0) else {
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
