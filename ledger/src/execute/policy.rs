//! Policy at departure: licences, exit clearances, vetting, limits. Policy gates intent, never facts.

use std::collections::BTreeMap;

use chipledger_proof::state::{
    Amount, Catalogue, Clearance, Dimension, Key, Licence, Limit, Member, ModelNumber, Policy,
    Totals,
};
use chipledger_schemas::ids::{DocumentId, MemberId, SiteId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::set_limit::{Enforcement, LimitScope, Measure};
use chipledger_schemas::records::set_policy::PolicyRule;
use chipledger_schemas::records::vet_member::VetOutcome;
use chipledger_schemas::time::Time;
use chipledger_schemas::words::{CustomsDecision, CustomsStage};

use super::holding::Named;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

/// What is about to leave a site.
pub(super) struct Consignment<'a> {
    pub shipper: &'a MemberId,
    pub to: &'a MemberId,
    pub from_site: &'a SiteId,
    pub to_site: &'a SiteId,
    pub licence: Option<&'a DocumentId>,
    pub clearance: Option<&'a DocumentId>,
    pub occurred_at: Time,
    /// Chips by model.
    pub chips: BTreeMap<ModelNumber, u64>,
}

/// What a shipment counts against its licence.
#[derive(Clone, Copy, Default)]
pub(super) struct Charge {
    pub chips: u64,
    pub tpp_milli: u64,
}

/// Checks a consignment against everything in force at block time, and charges its licence.
pub(super) fn admit<S: State>(
    draft: &mut Draft<'_, S>,
    consignment: &Consignment<'_>,
) -> Result<Charge, Fault> {
    let from = draft.jurisdiction_of(consignment.from_site)?;
    let to = draft.jurisdiction_of(consignment.to_site)?;
    if from != to {
        check_policies(draft, consignment, from, to)?;
    }
    let charge = match consignment.licence {
        Some(licence) => charge_licence(draft, consignment, licence, to)?,
        None => Charge::default(),
    };
    if let Some(clearance) = consignment.clearance {
        use_clearance(draft, consignment, clearance, from, to)?;
    }
    check_limits(draft, consignment, from, to)?;
    Ok(charge)
}

impl<S: State> Draft<'_, S> {
    /// Rules of policy in force now, everywhere or in a jurisdiction.
    pub(crate) fn policies(&self, jurisdiction: Jurisdiction) -> Result<Vec<PolicyRule>, Fault> {
        let time = self.at.time;
        let holds = |policy: &Policy| {
            policy.jurisdiction.is_none_or(|at| at == jurisdiction)
                && policy.valid_from <= time
                && time < policy.valid_until
        };
        let policies = self.all::<Policy>()?.into_iter().map(|(_, policy)| policy);
        Ok(policies.filter(holds).map(|policy| policy.rule).collect())
    }

    /// Chips by model that items stand for.
    pub(super) fn chips_of(&self, items: &[Named]) -> Result<BTreeMap<ModelNumber, u64>, Fault> {
        let mut chips = BTreeMap::new();
        for named in items {
            for row in self.with_item(named.number, chipledger_proof::state::Item::rows)? {
                *chips.entry(row.model).or_default() += row.count;
            }
        }
        Ok(chips)
    }

    /// TPP that items stand for, thousandths; unknown counts nothing.
    pub(super) fn tpp_milli_of(&self, items: &[Named]) -> Result<u64, Fault> {
        let add = |sum: u64, tpp: &Tpp| {
            sum.saturating_add(tpp.each_milli.unwrap_or(0).saturating_mul(tpp.chips))
        };
        Ok(self.tpp_milli(&self.chips_of(items)?)?.iter().fold(0, add))
    }

    /// TPP of models, thousandths.
    fn tpp_milli(&self, models: &BTreeMap<ModelNumber, u64>) -> Result<Vec<Tpp>, Fault> {
        let of = |catalogue: &Catalogue| {
            let one = |(model, chips): (&ModelNumber, &u64)| Tpp {
                model: *model,
                chips: *chips,
                each_milli: catalogue.get(*model).and_then(|model| model.tpp_milli),
            };
            models.iter().map(one).collect()
        };
        Ok(self
            .look::<Catalogue, _>(&Key::Catalogue, of)?
            .unwrap_or_default())
    }
}

struct Tpp {
    model: ModelNumber,
    chips: u64,
    each_milli: Option<u64>,
}

fn check_policies<S: State>(
    draft: &Draft<'_, S>,
    consignment: &Consignment<'_>,
    from: Jurisdiction,
    to: Jurisdiction,
) -> Result<(), Fault> {
    for rule in draft.policies(from)? {
        match rule {
            PolicyRule::LicenceRequired {
                to: destinations,
                tpp_milli_min,
            } => {
                let concerned = destinations.is_empty() || destinations.contains(&to);
                let models = draft.tpp_milli(&consignment.chips)?;
                let strong = |tpp: &Tpp| tpp.each_milli.is_none_or(|each| each >= tpp_milli_min);
                if concerned && consignment.licence.is_none() && models.iter().any(strong) {
                    return reject(Code::LicenceRequired, format!("from {from} to {to}"));
                }
            }
            PolicyRule::ExitClearanceRequired if consignment.clearance.is_none() => {
                return reject(Code::ClearanceRequired, format!("exit from {from}"));
            }
            PolicyRule::VettingRequired => check_vetted(draft, consignment.to)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_vetted<S: State>(draft: &Draft<'_, S>, member: &MemberId) -> Result<(), Fault> {
    let vetting = draft
        .get::<Member>(&Key::Member(member.clone()))?
        .and_then(|m| m.vetting);
    let cleared = vetting.is_some_and(|vetting| {
        vetting.outcome == VetOutcome::Cleared && draft.at.time < vetting.valid_until
    });
    if cleared {
        return Ok(());
    }
    reject(
        Code::VettingRequired,
        format!("{member} holds no valid vetting"),
    )
}

fn charge_licence<S: State>(
    draft: &mut Draft<'_, S>,
    consignment: &Consignment<'_>,
    id: &DocumentId,
    to: Jurisdiction,
) -> Result<Charge, Fault> {
    let key = Key::Licence(id.clone());
    let Some(mut licence) = draft.get::<Licence>(&key)? else {
        return reject(Code::DocumentUnknown, format!("no licence {id}"));
    };
    if licence.revoked_at.is_some() {
        return reject(Code::DocumentClosed, format!("licence {id} is revoked"));
    }
    let catalogue = draft.get::<Catalogue>(&Key::Catalogue)?.unwrap_or_default();
    let terms = &licence.terms;
    // A licence passes to whoever takes its parties over.
    let licensee = draft.successor_of(&terms.licensee)?;
    let consignee = terms.consignee.as_ref();
    let consignee = consignee.map(|m| draft.successor_of(m)).transpose()?;
    let model_ok = |model: &ModelNumber| {
        terms.models.is_empty()
            || catalogue
                .get(*model)
                .is_some_and(|model| terms.models.contains(&model.id))
    };
    let at = consignment.occurred_at;
    let covers = [
        (licensee == *consignment.shipper, "is for another licensee"),
        (
            consignee.is_none_or(|consignee| consignee == *consignment.to),
            "is for another consignee",
        ),
        (
            terms.to.is_empty() || terms.to.contains(&to),
            "does not cover the destination",
        ),
        (
            consignment.chips.keys().all(model_ok),
            "does not cover a model",
        ),
        (
            terms.valid_from <= at && at < terms.valid_until,
            "is not valid at that time",
        ),
    ];
    if let Some((_, reason)) = covers.into_iter().find(|(holds, _)| !holds) {
        return reject(Code::LicenceMismatch, format!("licence {id} {reason}"));
    }
    let charge = charge_of(draft, consignment, terms.tpp_milli_max.is_some(), id)?;
    licence.chips_used = licence.chips_used.saturating_add(charge.chips);
    licence.tpp_milli_used = licence.tpp_milli_used.saturating_add(charge.tpp_milli);
    let terms = &licence.terms;
    let chips_over = terms.chips_max.is_some_and(|max| licence.chips_used > max);
    if chips_over
        || terms
            .tpp_milli_max
            .is_some_and(|max| licence.tpp_milli_used > max)
    {
        return reject(
            Code::LicenceExhausted,
            format!("licence {id} has too little left"),
        );
    }
    draft.put(key, licence);
    Ok(charge)
}

fn charge_of<S: State>(
    draft: &Draft<'_, S>,
    consignment: &Consignment<'_>,
    tpp_counts: bool,
    id: &DocumentId,
) -> Result<Charge, Fault> {
    let mut charge = Charge::default();
    for tpp in draft.tpp_milli(&consignment.chips)? {
        charge.chips = charge.chips.saturating_add(tpp.chips);
        match tpp.each_milli {
            Some(each) => {
                let sum = each.saturating_mul(tpp.chips);
                charge.tpp_milli = charge.tpp_milli.saturating_add(sum);
            }
            None if tpp_counts => {
                let detail = format!("licence {id} counts TPP; model {} has none", tpp.model.0);
                return reject(Code::LicenceMismatch, detail);
            }
            None => {}
        }
    }
    Ok(charge)
}

impl<S: State> Draft<'_, S> {
    /// Gives back what a shipment counted against its licence.
    pub(crate) fn return_quota(
        &mut self,
        licence: &DocumentId,
        chips: u64,
        tpp_milli: u64,
    ) -> Result<(), Fault> {
        let key = Key::Licence(licence.clone());
        if let Some(mut found) = self.get::<Licence>(&key)? {
            found.chips_used = found.chips_used.saturating_sub(chips);
            found.tpp_milli_used = found.tpp_milli_used.saturating_sub(tpp_milli);
            self.put(key, found);
        }
        Ok(())
    }
}

fn use_clearance<S: State>(
    draft: &mut Draft<'_, S>,
    consignment: &Consignment<'_>,
    id: &DocumentId,
    from: Jurisdiction,
    to: Jurisdiction,
) -> Result<(), Fault> {
    let key = Key::Clearance(id.clone());
    let Some(mut clearance) = draft.get::<Clearance>(&key)? else {
        return reject(Code::DocumentUnknown, format!("no clearance {id}"));
    };
    let chips: u64 = consignment.chips.values().sum();
    let left = clearance.chips.saturating_sub(clearance.chips_used);
    let covers = [
        (clearance.stage == CustomsStage::Exit, "is not for exit"),
        (
            clearance.decision == CustomsDecision::Allow,
            "does not allow it",
        ),
        (
            clearance.declarant == *consignment.shipper,
            "is for another declarant",
        ),
        (
            clearance.from == from && clearance.to == to,
            "is for another way",
        ),
        (
            consignment.occurred_at < clearance.valid_until,
            "has lapsed",
        ),
        (chips <= left, "is for fewer chips"),
    ];
    if let Some((_, reason)) = covers.into_iter().find(|(holds, _)| !holds) {
        return reject(Code::ClearanceMismatch, format!("clearance {id} {reason}"));
    }
    clearance.chips_used += chips;
    draft.put(key, clearance);
    Ok(())
}

fn check_limits<S: State>(
    draft: &Draft<'_, S>,
    consignment: &Consignment<'_>,
    from: Jurisdiction,
    to: Jurisdiction,
) -> Result<(), Fault> {
    let time = draft.at.time;
    for (_, limit) in draft.all::<Limit>()? {
        let in_force = limit.valid_from <= time && time < limit.valid_until;
        let dimension = match &limit.scope {
            LimitScope::Jurisdiction(at) if *at == to && from != to => Dimension::Jurisdiction(to),
            LimitScope::Site(site) if site == consignment.to_site => Dimension::Site(site.clone()),
            _ => continue,
        };
        if !in_force || limit.enforcement != Enforcement::Reject {
            continue;
        }
        let pooled = pooled(draft, dimension)?;
        let models: Vec<_> = draft
            .tpp_milli(&pooled)?
            .into_iter()
            .chain(draft.tpp_milli(&consignment.chips)?)
            .collect();
        let one = |tpp: &Tpp| match limit.measure {
            Measure::Chips => u128::from(tpp.chips),
            Measure::TppMilli => u128::from(tpp.chips) * u128::from(tpp.each_milli.unwrap_or(0)),
        };
        let sum: u128 = models.iter().map(one).sum();
        if sum > u128::from(limit.amount) {
            return reject(
                Code::LimitExceeded,
                format!("limit {} ({})", limit.limit, limit.name),
            );
        }
    }
    Ok(())
}

/// Chips by model at, or on their way to, a jurisdiction or site.
fn pooled<S: State>(
    draft: &Draft<'_, S>,
    dimension: Dimension,
) -> Result<BTreeMap<ModelNumber, u64>, Fault> {
    let totals = draft
        .get::<Totals>(&Key::Totals(dimension))?
        .unwrap_or_default();
    let mut chips = BTreeMap::new();
    for row in totals.0 {
        let Amount { here, inbound, .. } = row.amount;
        *chips.entry(row.model).or_default() += here + inbound;
    }
    Ok(chips)
}
