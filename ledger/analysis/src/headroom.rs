//! What is left under a limit: its cap, what is consumed, what is under way, what is licensed and
//! not shipped, and when it is used up at the present rate.
//!
//! The terms of limits and licences are those of the last height; amounts are as of the moment
//! asked for. A limit counts as the rule that enforces it counts: what is there and what is on its
//! way there, whatever its status.

use chipledger_ledger::read::balances::Balances;
use chipledger_ledger::read::{AsOf, Moment, QueryError};
use chipledger_ledger::state::State;
use chipledger_ledger::store::View;
use chipledger_proof::state::{Account, AccountPlace, EntryKind, Key, Licence, Limit, Stored};
use chipledger_schemas::catalogue::ModelVersion;
use chipledger_schemas::ids::{DocumentId, MemberId};
use chipledger_schemas::records::set_licence::LicenceTerms;
use chipledger_schemas::records::set_limit::{LimitScope, Measure};
use chipledger_schemas::time::{DAY_MS, Time};
use chipledger_schemas::words::Status;
use serde::{Deserialize, Serialize};

use crate::ask::Parents;

/// Room under one limit, in the limit's own measure: chips, or thousandths of TPP.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Headroom {
    /// The limit.
    pub limit: DocumentId,
    /// What people call it.
    pub name: String,
    /// What it is about: a jurisdiction, parent or site.
    pub scope: String,
    /// `chips` or `tpp_milli`.
    pub measure: Measure,
    /// First block time in force.
    pub valid_from: Time,
    /// First block time no longer in force.
    pub valid_until: Time,
    /// Whether it was in force at the moment.
    pub in_force: bool,
    /// The cap.
    pub cap: u128,
    /// There.
    pub consumed: u128,
    /// On its way there; of a parent, everything of it that is under way.
    pub in_transit: u128,
    /// What licences still allow there; absent for a site, and for the past.
    pub licensed: Option<u128>,
    /// Licences that allow more there and name no cap in this measure: what they allow is in no
    /// figure.
    pub licences_without_cap: u64,
    /// Cap minus consumed minus under way; nothing if it is exceeded.
    pub headroom: u128,
    /// By how much it is exceeded.
    pub exceeded: u128,
    /// Chips counted that are disputed.
    pub disputed_chips: u64,
    /// Chips counted that are irregular.
    pub irregular_chips: u64,
    /// Chips counted of models without the figure that the limit is in.
    pub chips_without_figure: u64,
    /// Days back that the rate is taken over.
    pub rate_days: u32,
    /// Growth of what is consumed and under way in those days; below nothing if it shrank.
    pub growth: i128,
    /// When nothing is left at that rate, to the day; absent if it does not grow.
    pub exhausted_at: Option<Time>,
}

/// Room under every limit, or under one; in the order of their ids.
pub fn headroom(
    view: &View<'_>,
    only: Option<&DocumentId>,
    rate_days: u32,
    as_of: AsOf,
) -> Result<(Moment, Vec<Headroom>), QueryError> {
    let moment = view.moment(as_of)?;
    let now = if as_of.is_now() {
        view.balances_now()?
    } else {
        view.balances_at(moment)?
    };
    let at = moment.at.unwrap_or(moment.known_time);
    let earlier = Moment {
        at: Some(at.minus_ms(u64::from(rate_days) * DAY_MS)),
        ..moment
    };
    let past = view.balances_at(earlier)?;
    let models = view.models()?;
    let models: Vec<&ModelVersion> = models.iter().map(|(_, model)| model).collect();
    let licences = as_of.is_now().then(|| licences(view, at)).transpose()?;
    let mut counting = Counting {
        parents: Parents::new(view, moment),
        models,
    };
    let mut rows = Vec::new();
    for (key, entry) in view.entries(EntryKind::Limit)? {
        let (Key::Limit(id), Some(limit)) = (key, Limit::of(&entry)) else {
            continue;
        };
        if only.is_some_and(|only| *only != id) {
            continue;
        }
        let here = counting.sum(limit, &now)?;
        let before = counting.sum(limit, &past)?;
        let licensed = match &licences {
            Some(licences) => counting.licensed(limit, licences)?,
            None => Licensed::default(),
        };
        rows.push(row(limit, at, rate_days, here, before, licensed));
    }
    Ok((moment, rows))
}

#[derive(Clone, Copy, Default)]
struct Sum {
    here: u128,
    way: u128,
    disputed: u64,
    irregular: u64,
    without_figure: u64,
}

#[derive(Clone, Copy, Default)]
struct Licensed {
    amount: Option<u128>,
    without_cap: u64,
}

fn row(
    limit: &Limit,
    at: Time,
    rate_days: u32,
    sum: Sum,
    before: Sum,
    licensed: Licensed,
) -> Headroom {
    let cap = u128::from(limit.amount);
    let used = sum.here + sum.way;
    let headroom = cap.saturating_sub(used);
    let signed = |amount: u128| i128::try_from(amount).unwrap_or(i128::MAX);
    let growth = signed(used) - signed(before.here + before.way);
    Headroom {
        limit: limit.limit.clone(),
        name: limit.name.clone(),
        scope: match &limit.scope {
            LimitScope::Jurisdiction(at) => format!("jurisdiction {at}"),
            LimitScope::Parent(parent) => format!("parent {parent}"),
            LimitScope::Site(site) => format!("site {site}"),
        },
        measure: limit.measure,
        valid_from: limit.valid_from,
        valid_until: limit.valid_until,
        in_force: limit.valid_from <= at && at < limit.valid_until,
        cap,
        consumed: sum.here,
        in_transit: sum.way,
        licensed: licensed.amount,
        licences_without_cap: licensed.without_cap,
        headroom,
        exceeded: used.saturating_sub(cap),
        disputed_chips: sum.disputed,
        irregular_chips: sum.irregular,
        chips_without_figure: sum.without_figure,
        rate_days,
        growth,
        exhausted_at: exhausted(headroom, growth, rate_days, at),
    }
}

/// When `headroom` is used up at `growth` in `days`.
fn exhausted(headroom: u128, growth: i128, days: u32, at: Time) -> Option<Time> {
    let growth = u128::try_from(growth).ok().filter(|growth| *growth > 0)?;
    let days = headroom
        .checked_mul(u128::from(days))?
        .checked_div(growth)?;
    let ms = days.checked_mul(u128::from(DAY_MS))?;
    let ms = u64::try_from(ms).ok()?;
    Some(at.plus_ms(ms)).filter(|time| *time < Time::END)
}

/// Licences in force at a time.
fn licences(view: &View<'_>, at: Time) -> Result<Vec<Licence>, QueryError> {
    let mut found = Vec::new();
    for (_, entry) in view.entries(EntryKind::Licence)? {
        let licence = Licence::of(&entry);
        let in_force =
            |licence: &&Licence| licence.revoked_at.is_none() && at < licence.terms.valid_until;
        found.extend(licence.filter(in_force).cloned());
    }
    Ok(found)
}

struct Counting<'a, 'd, 'm> {
    parents: Parents<'a, 'd>,
    models: Vec<&'m ModelVersion>,
}

impl Counting<'_, '_, '_> {
    fn sum(&mut self, limit: &Limit, balances: &Balances) -> Result<Sum, QueryError> {
        let mut sum = Sum::default();
        for ((account, model), (chips, disputed)) in balances {
            let Some(under_way) = self.concerns(limit, account)? else {
                continue;
            };
            let figure = self.models.get(usize::from(model.0));
            let each = match limit.measure {
                Measure::Chips => Some(1),
                Measure::TppMilli => figure.and_then(|model| model.tpp_milli),
            };
            let amount = u128::from(each.unwrap_or(0)) * u128::from(*chips);
            if under_way {
                sum.way += amount;
            } else {
                sum.here += amount;
            }
            sum.disputed += disputed;
            sum.without_figure += if each.is_none() { *chips } else { 0 };
            if account.status == Status::Irregular {
                sum.irregular += chips;
            }
        }
        Ok(sum)
    }

    /// Whether an account counts under a limit, and if so whether it is under way.
    fn concerns(&mut self, limit: &Limit, account: &Account) -> Result<Option<bool>, QueryError> {
        let under_way = matches!(account.place, AccountPlace::Transit { .. });
        let counts = match (&limit.scope, &account.place) {
            (LimitScope::Jurisdiction(at), AccountPlace::Site { jurisdiction, .. }) => {
                jurisdiction == at
            }
            (
                LimitScope::Jurisdiction(at),
                AccountPlace::Transit {
                    to_jurisdiction, ..
                },
            ) => to_jurisdiction == at,
            (LimitScope::Site(at), AccountPlace::Site { site, .. }) => site == at,
            (LimitScope::Site(at), AccountPlace::Transit { to, .. }) => to == at,
            (LimitScope::Parent(parent), _) => self.parents.of(&account.owner)? == *parent,
        };
        Ok(counts.then_some(under_way))
    }

    fn licensed(&mut self, limit: &Limit, licences: &[Licence]) -> Result<Licensed, QueryError> {
        if matches!(limit.scope, LimitScope::Site(_)) {
            return Ok(Licensed::default());
        }
        let (mut amount, mut without_cap) = (0_u128, 0);
        for licence in licences {
            if !self.leads_to(limit, &licence.terms)? {
                continue;
            }
            let (most, used) = match limit.measure {
                Measure::Chips => (licence.terms.chips_max, licence.chips_used),
                Measure::TppMilli => (licence.terms.tpp_milli_max, licence.tpp_milli_used),
            };
            match most {
                Some(most) => amount += u128::from(most.saturating_sub(used)),
                None => without_cap += 1,
            }
        }
        Ok(Licensed {
            amount: Some(amount),
            without_cap,
        })
    }

    /// Whether what is shipped under a licence may come under a limit.
    fn leads_to(&mut self, limit: &Limit, terms: &LicenceTerms) -> Result<bool, QueryError> {
        let mut under = |member: &Option<MemberId>, parent: &MemberId| match member {
            Some(member) => Ok::<_, QueryError>(self.parents.of(member)? == *parent),
            None => Ok(false),
        };
        Ok(match &limit.scope {
            LimitScope::Jurisdiction(at) => terms.to.is_empty() || terms.to.contains(at),
            LimitScope::Parent(parent) => {
                under(&terms.consignee, parent)? || under(&terms.end_user, parent)?
            }
            LimitScope::Site(_) => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_is_used_up_on_the_day_that_the_rule_of_three_gives() {
        let at = "2026-01-01".parse().unwrap();
        let day = |text: &str| Some(text.parse::<Time>().unwrap());
        assert_eq!(exhausted(100, 100, 90, at), day("2026-04-01"));
        assert_eq!(exhausted(50, 100, 90, at), day("2026-02-15"));
        assert_eq!(exhausted(0, 1, 90, at), Some(at));
        assert_eq!(exhausted(100, 0, 90, at), None);
        assert_eq!(exhausted(100, -5, 90, at), None);
        assert_eq!(exhausted(u128::MAX, 1, 90, at), None);
    }
}
