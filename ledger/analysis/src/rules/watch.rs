//! The watch: facts that several rules need, as of the last record told.
//!
//! Who is who and where is what comes from the read model's versions as of the height, what moved
//! from the postings of each record, the rest from the records themselves.

use std::collections::{BTreeMap, BTreeSet};

use chipledger_ledger::read::postings::PostingRow;
use chipledger_ledger::read::{Moment, QueryError, Spot};
use chipledger_ledger::store::View;
use chipledger_proof::state::{Account, AccountPlace, Key, Member, ModelNumber, Site};
use chipledger_schemas::catalogue::{Catalogue, ModelId, ModelVersion};
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{DocumentId, Height, MemberId, SiteId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::close_alert::AlertOutcome;
use chipledger_schemas::records::set_licence::{LicenceAction, LicenceTerms};
use chipledger_schemas::records::set_site::Position;
use chipledger_schemas::records::{Clear, Record};
use chipledger_schemas::time::Time;
use chipledger_schemas::words::{Role, Status};

use super::Told;
use super::parameters::Parameters;
use super::shares::{Chips, add, take};

pub mod shipments;

pub use shipments::Shipment;

/// Parents above one another that are followed; the ledger allows no circle.
const PARENTS_MAX: usize = 16;

/// A member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownMember {
    /// Seat of its headquarters.
    pub jurisdiction: Jurisdiction,
    /// Direct parent.
    pub parent: Option<MemberId>,
    /// What it may do.
    pub roles: BTreeSet<Role>,
    /// Block time of its admission.
    pub since: Time,
    /// The record that the ledger knew it from, or that changed it last; absent for a founder.
    pub told: Option<Spot>,
}

/// A site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownSite {
    /// Whose law holds there.
    pub jurisdiction: Jurisdiction,
    /// Who runs it.
    pub operator: MemberId,
    /// Where it is.
    pub position: Option<Position>,
    /// Grid connection, kW.
    pub power_kw: Option<u64>,
}

/// A model's figures.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownModel {
    /// Its catalogue key.
    pub id: ModelId,
    /// TPP, thousandths.
    pub tpp_milli: Option<u64>,
    /// Thermal design power, W.
    pub tdp_w: Option<u32>,
}

/// A licence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownLicence {
    /// The terms in force.
    pub terms: LicenceTerms,
    /// The record that set them.
    pub granted: Spot,
    /// Block time and record of its revocation.
    pub revoked: Option<(Time, Spot)>,
}

/// A customs decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownClearance {
    /// As declared.
    pub declared: Clear,
    /// The record.
    pub spot: Spot,
}

/// What an authority said of an alert.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    pub(super) by: MemberId,
    pub(super) outcome: AlertOutcome,
    pub(super) text: String,
    pub(super) at: Time,
    pub(super) spot: Spot,
}

/// Shared facts.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The numbers by which rules judge.
    pub parameters: Parameters,
    /// The last height taken in.
    pub height: Height,
    /// Ledger time: that of the last block, or later.
    pub time: Time,
    /// Block time of the last record told.
    pub(super) told_at: Time,
    /// Members.
    pub members: BTreeMap<MemberId, KnownMember>,
    /// Sites.
    pub sites: BTreeMap<SiteId, KnownSite>,
    /// Shipments, also those that ended.
    pub shipments: BTreeMap<DocumentId, Shipment>,
    /// Licences.
    pub licences: BTreeMap<DocumentId, KnownLicence>,
    /// Customs decisions.
    pub clearances: BTreeMap<DocumentId, KnownClearance>,
    pub(super) dispositions: BTreeMap<Hash, Vec<Said>>,
    /// Models by number.
    models: Vec<KnownModel>,
    /// Accounts by number.
    accounts: Vec<Option<Account>>,
    at_sites: BTreeMap<SiteId, BTreeMap<Status, Chips>>,
    owned: BTreeMap<MemberId, Chips>,
    proposals: BTreeMap<DocumentId, Subjects>,
}

/// Whom and what a governance record may change.
#[derive(Clone, Debug, Default)]
struct Subjects {
    members: Vec<MemberId>,
    sites: Vec<SiteId>,
}

impl Watch {
    pub(super) fn new(
        genesis: &Genesis,
        view: &View<'_>,
        parameters: Parameters,
    ) -> Result<Self, QueryError> {
        let builtin = Catalogue::builtin().models.iter();
        let mut watch = Self {
            parameters,
            height: Height(0),
            time: genesis.time,
            told_at: genesis.time,
            members: BTreeMap::new(),
            sites: BTreeMap::new(),
            shipments: BTreeMap::new(),
            licences: BTreeMap::new(),
            clearances: BTreeMap::new(),
            dispositions: BTreeMap::new(),
            models: builtin
                .map(|(id, version)| known_model(id, version))
                .collect(),
            accounts: view.account_numbers()?,
            at_sites: BTreeMap::new(),
            owned: BTreeMap::new(),
            proposals: BTreeMap::new(),
        };
        for founder in &genesis.founders {
            watch.know_member(view, &founder.member.member, None)?;
        }
        for site in &genesis.sites {
            watch.know_site(view, &site.site)?;
        }
        Ok(watch)
    }

    /// Takes in a record and what it moved.
    pub(super) fn take(&mut self, view: &View<'_>, told: &Told<'_>) -> Result<(), QueryError> {
        self.told_at = told.time;
        let highest = told.postings.iter().map(|row| row.from.max(row.to)).max();
        if highest.is_some_and(|highest| highest as usize >= self.accounts.len()) {
            self.accounts = view.account_numbers()?;
        }
        for row in told.postings {
            self.post(row);
        }
        self.take_shipment(told);
        match told.record {
            Record::SetLicence(_) | Record::Clear(_) | Record::CloseAlert(_) => {
                self.take_document(told);
                Ok(())
            }
            Record::SetModel(set) => {
                let model = known_model(&set.model, &set.version);
                match self.models.iter_mut().find(|known| known.id == set.model) {
                    Some(known) => *known = model,
                    None => self.models.push(model),
                }
                Ok(())
            }
            _ => self.take_governance(view, told),
        }
    }

    fn post(&mut self, row: &PostingRow) {
        if let Some(account) = self.accounts.get(row.from as usize).cloned().flatten() {
            if let AccountPlace::Site { site, .. } = &account.place
                && let Some(at) = self.at_sites.get_mut(site)
            {
                take(at.entry(account.status).or_default(), row.model, row.count);
            }
            if let Some(owned) = self.owned.get_mut(&account.owner) {
                take(owned, row.model, row.count);
            }
        }
        if let Some(account) = self.accounts.get(row.to as usize).cloned().flatten() {
            if let AccountPlace::Site { site, .. } = account.place {
                let at = self.at_sites.entry(site).or_default();
                add(at.entry(account.status).or_default(), row.model, row.count);
            }
            let owned = self.owned.entry(account.owner).or_default();
            add(owned, row.model, row.count);
        }
    }

    fn take_document(&mut self, told: &Told<'_>) {
        match told.record {
            Record::SetLicence(set) => match &set.action {
                LicenceAction::Grant(terms) => {
                    let licence = KnownLicence {
                        terms: terms.clone(),
                        granted: told.spot,
                        revoked: None,
                    };
                    self.licences.insert(set.licence.clone(), licence);
                }
                LicenceAction::Revoke { .. } => {
                    if let Some(licence) = self.licences.get_mut(&set.licence) {
                        licence.revoked.get_or_insert((told.time, told.spot));
                    }
                }
            },
            Record::Clear(clear) => {
                let clearance = KnownClearance {
                    declared: clear.clone(),
                    spot: told.spot,
                };
                self.clearances.insert(clear.clearance.clone(), clearance);
            }
            Record::CloseAlert(close) => {
                let said = Said {
                    by: told.author().clone(),
                    outcome: close.outcome,
                    text: close.text.clone(),
                    at: told.time,
                    spot: told.spot,
                };
                self.dispositions.entry(close.alert).or_default().push(said);
            }
            _ => {}
        }
    }

    /// What a governance record names is looked up as of its height: whether a vote made a proposal
    /// act is for the ledger to say.
    fn take_governance(&mut self, view: &View<'_>, told: &Told<'_>) -> Result<(), QueryError> {
        let subjects = match told.record {
            Record::Propose(propose) => {
                let subjects = subjects(&propose.record);
                self.proposals
                    .insert(propose.proposal.clone(), subjects.clone());
                subjects
            }
            Record::Approve(approve) => {
                let proposed = self.proposals.get(&approve.proposal);
                proposed.cloned().unwrap_or_default()
            }
            record => subjects(record),
        };
        for member in &subjects.members {
            self.know_member(view, member, Some(told))?;
        }
        for site in &subjects.sites {
            self.know_site(view, site)?;
        }
        Ok(())
    }

    fn moment(&self) -> Moment {
        Moment {
            at: None,
            known: self.height,
            known_time: self.time,
        }
    }

    fn know_member(
        &mut self,
        view: &View<'_>,
        id: &MemberId,
        told: Option<&Told<'_>>,
    ) -> Result<(), QueryError> {
        let found = view.version::<Member>(&Key::Member(id.clone()), self.moment())?;
        let Some(member) = found else { return Ok(()) };
        let before = self.members.get(id);
        let since = before.map_or(told.map_or(self.time, |told| told.time), |b| b.since);
        let known = KnownMember {
            jurisdiction: member.jurisdiction,
            parent: member.successor.or(member.parent),
            roles: member.roles,
            since,
            told: told.map(|told| told.spot),
        };
        self.members.insert(id.clone(), known);
        Ok(())
    }

    fn know_site(&mut self, view: &View<'_>, id: &SiteId) -> Result<(), QueryError> {
        let found = view.version::<Site>(&Key::Site(id.clone()), self.moment())?;
        let Some(site) = found else { return Ok(()) };
        let known = KnownSite {
            jurisdiction: site.jurisdiction,
            operator: site.operator,
            position: site.position,
            power_kw: site.power_kw,
        };
        self.sites.insert(id.clone(), known);
        Ok(())
    }
}

impl Watch {
    /// An account by its number; none for 0.
    pub(crate) fn account(&self, number: u32) -> Option<&Account> {
        self.accounts.get(number as usize)?.as_ref()
    }

    /// A model by its number.
    pub(crate) fn model(&self, number: ModelNumber) -> Option<&KnownModel> {
        self.models.get(usize::from(number.0))
    }

    /// A model's number.
    pub(crate) fn model_number(&self, id: &ModelId) -> Option<ModelNumber> {
        let place = self.models.iter().position(|model| model.id == *id)?;
        u16::try_from(place).ok().map(ModelNumber)
    }

    /// Chips at a site by status.
    pub(crate) fn at_site(&self, site: &SiteId, status: Status) -> Chips {
        let at = self.at_sites.get(site).and_then(|at| at.get(&status));
        at.cloned().unwrap_or_default()
    }

    /// Chips that a member owns, wherever they are.
    pub(crate) fn owned_by(&self, member: &MemberId) -> Chips {
        self.owned.get(member).cloned().unwrap_or_default()
    }

    /// The jurisdiction of a site; `ZZ` if it is not known.
    pub(crate) fn place_of(&self, site: &SiteId) -> Jurisdiction {
        let site = self.sites.get(site);
        site.map_or(Jurisdiction::UNKNOWN, |site| site.jurisdiction)
    }

    /// Who controls a member in the end: itself, if nobody does.
    pub(crate) fn ultimate(&self, member: &MemberId) -> MemberId {
        let mut at = member;
        for _ in 0..PARENTS_MAX {
            match self.members.get(at).and_then(|known| known.parent.as_ref()) {
                Some(parent) => at = parent,
                None => break,
            }
        }
        at.clone()
    }

    /// The seat of a member.
    pub(crate) fn seat(&self, member: &MemberId) -> Jurisdiction {
        let known = self.members.get(member);
        known.map_or(Jurisdiction::UNKNOWN, |known| known.jurisdiction)
    }

    /// The seats of a member and of everybody above it, nearest first.
    pub(crate) fn seats(&self, member: &MemberId) -> Vec<Jurisdiction> {
        let mut seats = Vec::new();
        let mut next = Some(member);
        while let Some(at) = next.filter(|_| seats.len() < PARENTS_MAX) {
            seats.push(self.seat(at));
            next = self.members.get(at).and_then(|known| known.parent.as_ref());
        }
        seats
    }

    /// The nearest seat of a member, or of somebody above it, that is restricted at a time.
    pub(crate) fn restricted_seat(&self, member: &MemberId, time: Time) -> Option<Jurisdiction> {
        let mut seats = self.seats(member).into_iter();
        seats.find(|seat| self.parameters.is_restricted(*seat, time))
    }

    /// Whether a member has a role.
    pub(crate) fn has_role(&self, member: &MemberId, role: Role) -> bool {
        let known = self.members.get(member);
        known.is_some_and(|known| known.roles.contains(&role))
    }
}

fn known_model(id: &ModelId, version: &ModelVersion) -> KnownModel {
    KnownModel {
        id: id.clone(),
        tpp_milli: version.tpp_milli,
        tdp_w: version.tdp_w,
    }
}

fn subjects(record: &Record) -> Subjects {
    let mut subjects = Subjects::default();
    match record {
        Record::SetMember(set) => subjects.members.push(set.member.clone()),
        Record::SucceedMember(set) => subjects.members.extend([set.from.clone(), set.to.clone()]),
        Record::SetSite(set) => subjects.sites.push(set.site.clone()),
        _ => {}
    }
    subjects
}
