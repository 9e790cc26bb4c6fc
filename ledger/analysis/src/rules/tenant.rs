//! D13: chips that a member computes on whose seat, or whose parent's, is restricted.

use chipledger_ledger::read::QueryError;
use chipledger_proof::state::AccountPlace;
use chipledger_schemas::records::Record;

use super::calendar::date;
use super::id::RuleId;
use super::shares::{Chips, add};
use super::{About, Rule, Scene, Told};

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tenant;

impl Rule for Tenant {
    const ABOUT: About = About {
        id: RuleId::of(13),
        version: 1,
        name: "remote use by a restricted party",
        why: "Chips that never leave the hall serve whoever logs in. A lease gives what an export \
            would have been refused for.",
        innocent: &[
            "the authority allowed the lease, with conditions",
            "the tenant uses them for customers in the country of the hall",
        ],
        next: &[
            "ask the operator for the contract and the tenant's declared runs",
            "ask whether the licence of the chips names end users",
            "have the operator end the use if it is not allowed",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        let Record::SetUse(set) = told.record else {
            return Ok(());
        };
        let watch = scene.watch;
        let Some(user) = &set.user else {
            return Ok(());
        };
        let Some(seat) = watch.restricted_seat(user, told.time) else {
            return Ok(());
        };
        let (mut chips, mut places) = (Chips::new(), std::collections::BTreeSet::new());
        for row in told.postings {
            let Some(account) = watch.account(row.to) else {
                continue;
            };
            if let AccountPlace::Site { site, jurisdiction } = &account.place
                && !watch.parameters.is_restricted(*jurisdiction, told.time)
            {
                add(&mut chips, row.model, row.count);
                places.insert(format!("{site} ({jurisdiction})"));
            }
        }
        if chips.is_empty() {
            return Ok(());
        }
        let stake = watch.stake(&chips);
        let places: Vec<String> = places.into_iter().collect();
        let story = vec![
            format!(
                "{} gave {user} the use of {} chips at {} on {}.",
                told.author(),
                stake.chips,
                places.join(", "),
                date(set.occurred_at),
            ),
            format!(
                "{user} has its seat in {}; {} controls it, and a seat in {seat} is restricted.",
                watch.seat(user),
                watch.ultimate(user),
            ),
        ];
        scene.raise(("member", user), vec![told.spot], (stake, story));
        Ok(())
    }
}
