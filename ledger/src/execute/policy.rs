//! Policy at departure: licences, exit clearances, vetting, limits. Policy gates intent, never
//! facts.

use std::collections::{BTreeMap, BTreeSet};

use chipledger_proof::state::{
    Amount, Catalogue, Clearance, Dimension, Key, Licence, Limit, Member, ModelNumber, Order,
    Policy, Shipment, Totals,
};
use chipledger_schemas::ids::{DocumentId, MemberId, SiteId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::set_licence::LicenceTerms;
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
    pub shipment: &'a DocumentId,
    pub shipper: &'a MemberId,
    pub to: &'a MemberId,
    pub from_site: &'a SiteId,
    pub to_site: &'a SiteId,
    pub licence: Option<&'a DocumentId>,
    pub clearance: Option<&'a DocumentId>,
    pub occurred_at: Time,
    /// The destination that pooled compute counts the goods for already: of a shipment under way.
    pub counted_in: Option<&'a SiteId>,
    /// Members other than the owner that the goods are said to be used by.
    pub users: BTreeSet<MemberId>,
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
        let policies = self.policies_in_force(jurisdiction)?;
        Ok(policies.into_iter().map(|policy| policy.rule).collect())
    }

    fn policies_in_force(&self, jurisdiction: Jurisdiction) -> Result<Vec<Policy>, Fault> {
        let time = self.at.time;
        let holds = |policy: &Policy| {
            policy.jurisdiction.is_none_or(|at| at == jurisdiction)
                && policy.valid_from <= time
                && time < policy.valid_until
        };
        let policies = self.all::<Policy>()?.into_iter().map(|(_, policy)| policy);
        Ok(policies.filter(holds).collect())
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
    for policy in draft.policies_in_force(from)? {
        match &policy.rule {
            PolicyRule::LicenceRequired {
                to: destinations,
                tpp_milli_min,
            } => {
                let concerned = destinations.is_empty() || destinations.contains(&to);
                let models = draft.tpp_milli(&consignment.chips)?;
                let strong = |tpp: &Tpp| tpp.each_milli.is_none_or(|each| each >= *tpp_milli_min);
                if concerned && models.iter().any(strong) {
                    check_licensed(draft, consignment.licence, &policy, from, to)?;
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

/// Rejects a departure that policy demands a licence for and that names none, or one of another
/// country's authority than that whose policy it is: that of the policy's jurisdiction or, if it
/// holds everywhere, of the member that it is named after.
fn check_licensed<S: State>(
    draft: &Draft<'_, S>,
    licence: Option<&DocumentId>,
    policy: &Policy,
    from: Jurisdiction,
    to: Jurisdiction,
) -> Result<(), Fault> {
    let Some(id) = licence else {
        return reject(Code::LicenceRequired, format!("from {from} to {to}"));
    };
    let home = |member: &MemberId| {
        draft.look::<Member, _>(&Key::Member(member.clone()), |member| member.jurisdiction)
    };
    let whose = match policy.jurisdiction {
        Some(jurisdiction) => Some(jurisdiction),
        None => home(&policy.policy.member)?,
    };
    if whose.is_some() && home(&id.member)? == whose {
        return Ok(());
    }
    let name = &policy.policy;
    let whose = whose.map_or_else(|| "another country".to_owned(), |place| place.to_string());
    reject(
        Code::LicenceMismatch,
        format!("policy {name} demands a licence of {whose}, and {id} is none"),
    )
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
    check_covers(draft, consignment, id, &licence.terms, to)?;
    let counts_tpp = licence.terms.tpp_milli_max.is_some();
    let charge = charge_of(draft, consignment, counts_tpp, id)?;
    licence.chips_used = licence.chips_used.saturating_add(charge.chips);
    licence.tpp_milli_used = licence.tpp_milli_used.saturating_add(charge.tpp_milli);
    let over = |used: u64, max: Option<u64>| max.is_some_and(|max| used > max);
    if over(licence.chips_used, licence.terms.chips_max)
        || over(licence.tpp_milli_used, licence.terms.tpp_milli_max)
    {
        return reject(
            Code::LicenceExhausted,
            format!("licence {id} has too little left"),
        );
    }
    draft.put(key, licence);
    Ok(charge)
}

/// Rejects a consignment that is not what a licence is for.
fn check_covers<S: State>(
    draft: &Draft<'_, S>,
    consignment: &Consignment<'_>,
    id: &DocumentId,
    terms: &LicenceTerms,
    to: Jurisdiction,
) -> Result<(), Fault> {
    let catalogue = draft.get::<Catalogue>(&Key::Catalogue)?.unwrap_or_default();
    // A licence passes to whoever takes its parties over.
    let licensee = draft.successor_of(&terms.licensee)?;
    let acting = |member: &Option<MemberId>| -> Result<Option<MemberId>, Fault> {
        member.as_ref().map(|m| draft.successor_of(m)).transpose()
    };
    let (consignee, end_user) = (acting(&terms.consignee)?, acting(&terms.end_user)?);
    let is_end_user = |user: &MemberId| end_user.as_ref().is_none_or(|end| user == end);
    let model_ok = |model: &ModelNumber| {
        let named = |model| terms.models.contains(model);
        terms.models.is_empty() || catalogue.get(*model).is_some_and(|model| named(&model.id))
    };
    let at = consignment.occurred_at;
    let covers = [
        (licensee == *consignment.shipper, "is for another licensee"),
        (
            consignee.is_none_or(|member| member == *consignment.to),
            "is for another consignee",
        ),
        (
            consignment.users.iter().all(is_end_user),
            "is for another end user",
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
    match covers.into_iter().find(|(holds, _)| !holds) {
        None => Ok(()),
        Some((_, reason)) => reject(Code::LicenceMismatch, format!("licence {id} {reason}")),
    }
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
    /// What items are of the quota that a shipment used: all that is left of it with the last of
    /// them, so that figures of the catalogue that have changed on the way leave no rest.
    pub(super) fn share_of(&self, shipment: &Shipment, items: &[Named]) -> Result<Charge, Fault> {
        if shipment.licence.is_none() {
            return Ok(Charge::default());
        }
        let chips: u64 = self.chips_of(items)?.values().sum();
        if chips >= shipment.licence_chips {
            return Ok(Charge {
                chips: shipment.licence_chips,
                tpp_milli: shipment.licence_tpp_milli,
            });
        }
        let tpp_milli = self.tpp_milli_of(items)?.min(shipment.licence_tpp_milli);
        Ok(Charge { chips, tpp_milli })
    }

    /// Gives the items' part of the quota back: the shipper has the goods again.
    pub(super) fn return_quota(
        &mut self,
        shipment: &mut Shipment,
        items: &[Named],
    ) -> Result<(), Fault> {
        let share = self.share_of(shipment, items)?;
        shipment.licence_chips -= share.chips;
        shipment.licence_tpp_milli -= share.tpp_milli;
        self.change_licence(shipment, |licence| {
            licence.chips_used = licence.chips_used.saturating_sub(share.chips);
            licence.tpp_milli_used = licence.tpp_milli_used.saturating_sub(share.tpp_milli);
        })
    }

    /// Counts the items' part of the quota again: the shipper does not have the goods after all.
    pub(super) fn charge_again(
        &mut self,
        shipment: &mut Shipment,
        items: &[Named],
    ) -> Result<(), Fault> {
        if shipment.licence.is_none() {
            return Ok(());
        }
        let chips: u64 = self.chips_of(items)?.values().sum();
        let tpp_milli = self.tpp_milli_of(items)?;
        shipment.licence_chips = shipment.licence_chips.saturating_add(chips);
        shipment.licence_tpp_milli = shipment.licence_tpp_milli.saturating_add(tpp_milli);
        self.change_licence(shipment, |licence| {
            licence.chips_used = licence.chips_used.saturating_add(chips);
            licence.tpp_milli_used = licence.tpp_milli_used.saturating_add(tpp_milli);
        })
    }

    fn change_licence(
        &mut self,
        shipment: &Shipment,
        change: impl FnOnce(&mut Licence),
    ) -> Result<(), Fault> {
        let Some(id) = &shipment.licence else {
            return Ok(());
        };
        let key = Key::Licence(id.clone());
        if let Some(mut licence) = self.get::<Licence>(&key)? {
            change(&mut licence);
            self.put(key, licence);
        }
        Ok(())
    }

    /// Takes a departure back: licence, clearance and order count the items no longer.
    pub(super) fn take_back(
        &mut self,
        shipment: &mut Shipment,
        items: &[Named],
    ) -> Result<(), Fault> {
        self.return_quota(shipment, items)?;
        let chips: u64 = self.chips_of(items)?.values().sum();
        if let Some(id) = &shipment.clearance {
            let key = Key::Clearance(id.clone());
            if let Some(mut clearance) = self.get::<Clearance>(&key)? {
                clearance.chips_used = clearance.chips_used.saturating_sub(chips);
                self.put(key, clearance);
            }
        }
        if let Some(id) = &shipment.order {
            let key = Key::Order(id.clone());
            if let Some(mut order) = self.get::<Order>(&key)? {
                order.chips_shipped = order.chips_shipped.saturating_sub(chips);
                self.put(key, order);
            }
        }
        Ok(())
    }

    /// Members other than the owner that items, or what is in them, are said to be used by.
    pub(super) fn users_of(&self, items: &[Named]) -> Result<BTreeSet<MemberId>, Fault> {
        let mut users = BTreeSet::new();
        for named in items {
            users.extend(named.effective.user.clone());
            self.with_item(named.number, |item| {
                users.extend(item.content.iter().filter_map(|row| row.user.clone()));
            })?;
        }
        users.iter().map(|user| self.successor_of(user)).collect()
    }

    /// Rejects a transfer of title that would take the pool of the new owner's ultimate parent over
    /// a limit: it grows by title alone.
    pub(super) fn check_parent_limits(
        &self,
        from: &MemberId,
        to: &MemberId,
        chips: &BTreeMap<ModelNumber, u64>,
    ) -> Result<(), Fault> {
        let (from, to) = (self.ultimate_parent(from)?, self.ultimate_parent(to)?);
        if from == to {
            return Ok(());
        }
        for (_, limit) in self.all::<Limit>()? {
            if matches!(&limit.scope, LimitScope::Parent(parent) if *parent == to) {
                check_limit(self, &limit, Dimension::Parent(to.clone()), chips)?;
            }
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
            draft.successor_of(&clearance.declarant)? == *consignment.shipper,
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
        (
            clearance
                .shipment
                .as_ref()
                .is_none_or(|id| id == consignment.shipment),
            "is for another shipment",
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
    let counted = consignment
        .counted_in
        .map(|site| draft.jurisdiction_of(site))
        .transpose()?;
    for (_, limit) in draft.all::<Limit>()? {
        let dimension = match &limit.scope {
            LimitScope::Jurisdiction(at) if *at == to && from != to && counted != Some(to) => {
                Dimension::Jurisdiction(to)
            }
            LimitScope::Site(site)
                if site == consignment.to_site && consignment.counted_in != Some(site) =>
            {
                Dimension::Site(site.clone())
            }
            _ => continue,
        };
        check_limit(draft, &limit, dimension, &consignment.chips)?;
    }
    Ok(())
}

/// Rejects chips that would take a pool over a limit that is in force and enforced.
fn check_limit<S: State>(
    draft: &Draft<'_, S>,
    limit: &Limit,
    dimension: Dimension,
    chips: &BTreeMap<ModelNumber, u64>,
) -> Result<(), Fault> {
    let time = draft.at.time;
    let in_force = limit.valid_from <= time && time < limit.valid_until;
    if !in_force || limit.enforcement != Enforcement::Reject {
        return Ok(());
    }
    let pooled = pooled(draft, dimension)?;
    let models: Vec<_> = draft
        .tpp_milli(&pooled)?
        .into_iter()
        .chain(draft.tpp_milli(chips)?)
        .collect();
    let one = |tpp: &Tpp| match limit.measure {
        Measure::Chips => u128::from(tpp.chips),
        Measure::TppMilli => u128::from(tpp.chips) * u128::from(tpp.each_milli.unwrap_or(0)),
    };
    let sum: u128 = models.iter().map(one).sum();
    if sum <= u128::from(limit.amount) {
        return Ok(());
    }
    reject(
        Code::LimitExceeded,
        format!("limit {} ({})", limit.limit, limit.name),
    )
}

/// Chips by model at, or on their way to, a jurisdiction or site, or of owners under one parent.
fn pooled<S: State>(
    draft: &Draft<'_, S>,
    dimension: Dimension,
) -> Result<BTreeMap<ModelNumber, u64>, Fault> {
    // An owner's goods under way count once, as outbound; a place's count where they go.
    let of_owners = matches!(dimension, Dimension::Parent(_));
    let totals = draft
        .get::<Totals>(&Key::Totals(dimension))?
        .unwrap_or_default();
    let mut chips = BTreeMap::new();
    for row in totals.0 {
        // What ended is no compute; the world's totals alone count it, and no limit is about them.
        let Amount {
            here,
            inbound,
            outbound,
            ..
        } = row.amount;
        let way = if of_owners { outbound } else { inbound };
        *chips.entry(row.model).or_default() += here + way;
    }
    Ok(chips)
}
