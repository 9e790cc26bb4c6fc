//! Governance: the genesis, and how everybody else is admitted, vetted, given keys and sites, in
//! time.

use std::collections::{BTreeMap, BTreeSet};

use chipledger_schemas::catalogue::{Catalogue, ModelId};
use chipledger_schemas::certificate::{ValidatorSeat, ValidatorSet};
use chipledger_schemas::genesis::{Bounds, Clock, Founder, GENESIS_VERSION, Genesis};
use chipledger_schemas::ids::{DocumentId, MemberId, PublicKey, SiteId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::nested::Nested;
use chipledger_schemas::records::set_key::KeyAction;
use chipledger_schemas::records::set_policy::PolicyRule;
use chipledger_schemas::records::vet_member::VetOutcome;
use chipledger_schemas::records::{
    Approve, Propose, Record, SetKey, SetMember, SetPolicy, SetSite, VetMember,
};
use chipledger_schemas::time::{DAY_MS, HOUR_MS, Time};
use chipledger_schemas::words::{KeyClass, Role};

use super::draft::{Draft, Signer};
use super::keys::{KeyName, OVERLAP_MS, Seed, term, validity};
use super::plan::Plan;
use super::roster::{INSPECTOR, Party, REGULATORS, Roster, customs, named};

/// The authority that grants licences.
pub(super) const LICENSOR: &str = "REG-US";
/// Whose customs run validators, first come first; the first runs a ledger of one alone.
const VALIDATORS: [&str; VALIDATORS_MAX] =
    ["US", "DE", "JP", "GB", "FR", "KR", "NL", "SG", "CA", "IN"];
/// Most validators of a demonstration network.
pub(super) const VALIDATORS_MAX: usize = 10;
/// The vendor that is there from the start, with its site.
const FOUNDING_FAB: &str = "NVIDIA";
/// A member that is admitted by proposal and votes instead of a transaction signed by a quorum.
const PROPOSED: &str = "DISTRIBUTOR-EU";

const GENESIS_TIME: &str = "2016-01-01";
const END_OF_TIME: &str = "2100-01-01";
/// Members are admitted this long before they are needed, sites a week before.
const ADMITTED_BEFORE_MS: u64 = 40 * DAY_MS;
const DECLARED_BEFORE_MS: u64 = 7 * DAY_MS;

/// From when a licence is needed, to where, and for how much TPP (thousandths). A plain form of the
/// rule of October 2022 for the demonstration, not legal advice: the real one names more
/// destinations and exceptions.
const LICENCE_FROM: &str = "2022-10-21";
const LICENCE_TO: [&str; 9] = ["AE", "BY", "CN", "IR", "KP", "MO", "RU", "SA", "VN"];
const LICENCE_TPP_MILLI_MIN: u64 = 4_800_000;

/// Customs that may run validators, in the order in which they get seats.
pub(super) fn customs_with_nodes() -> impl Iterator<Item = MemberId> {
    VALIDATORS.iter().map(|place| customs(named(place)))
}

/// Whether a shipment at `time`, or within weeks of it, needs a licence.
pub(super) fn needs_licence(to: Jurisdiction, model: &ModelId, time: Time) -> bool {
    let tpp = Catalogue::builtin()
        .get(model)
        .and_then(|model| model.tpp_milli);
    LICENCE_TO.contains(&to.as_str())
        && tpp.is_none_or(|tpp| tpp >= LICENCE_TPP_MILLI_MIN)
        && time >= named::<Time>(LICENCE_FROM)
}

/// Founders are the authorities and one vendor; everybody else is admitted by them later. Each
/// validator is the customs of another country, and has one vote.
pub(super) fn genesis(seed: Seed, roster: &Roster, validators: usize, clock: Clock) -> Genesis {
    let founding_fab: MemberId = named(FOUNDING_FAB);
    let founders = roster.members.values().filter(|member| {
        roster.authorities.contains(&member.member) || member.member == founding_fab
    });
    let seats = VALIDATORS.iter().take(validators).map(|place| {
        let member = customs(named(place));
        ValidatorSeat {
            key: seed.key(&member, KeyName::Validator).public(),
            member,
            power: 1,
        }
    });
    let mut seats: Vec<ValidatorSeat> = seats.collect();
    seats.sort();
    let has_node = |member: &MemberId| {
        member.as_str() == INSPECTOR || seats.iter().any(|seat| seat.member == *member)
    };
    let founders = founders.map(|member| Founder {
        member: member.clone(),
        admin_key: seed.key(&member.member, KeyName::Admin).public(),
        peer_keys: if validators > 1 && has_node(&member.member) {
            vec![seed.key(&member.member, KeyName::Peer).public()]
        } else {
            Vec::new()
        },
    });
    let founders = founders.collect();
    let packaging = roster.fabs().filter(|party| party.member == founding_fab);
    Genesis {
        version: GENESIS_VERSION,
        name: "Chipledger demonstration world".to_owned(),
        time: named(GENESIS_TIME),
        clock,
        bounds: Bounds::default(),
        catalogue: Catalogue::builtin().edition.number,
        founders,
        sites: packaging
            .map(|party| fab_site(party, named(GENESIS_TIME)))
            .collect(),
        policies: policies(),
        validators: ValidatorSet(seats),
        solo: validators == 1,
    }
}

/// A site of the project's own making: no position, no power.
pub(super) fn fab_site(party: &Party, valid_from: Time) -> SetSite {
    SetSite {
        site: party.site.clone(),
        name: format!("{} in {}", party.member, party.jurisdiction.name()),
        jurisdiction: party.jurisdiction,
        operator: party.member.clone(),
        position: None,
        power_kw: None,
        valid_from,
    }
}

fn policies() -> Vec<SetPolicy> {
    let to = LICENCE_TO.iter().map(|place| named(place)).collect();
    let tpp_milli_min = LICENCE_TPP_MILLI_MIN;
    let rules = [
        ("EXIT", GENESIS_TIME, PolicyRule::ExitClearanceRequired),
        ("ENTRY", GENESIS_TIME, PolicyRule::EntryClearanceRequired),
        (
            "LATENESS",
            GENESIS_TIME,
            PolicyRule::Lateness {
                after_ms: 30 * DAY_MS,
            },
        ),
        ("VETTING", "2021-01-01", PolicyRule::VettingRequired),
        (
            "LICENCE",
            LICENCE_FROM,
            PolicyRule::LicenceRequired { to, tpp_milli_min },
        ),
    ];
    let policy = |(name, from, rule): (&str, &str, PolicyRule)| SetPolicy {
        policy: DocumentId::new(named(LICENSOR), named(name)),
        jurisdiction: None,
        valid_from: named(from),
        valid_until: named(END_OF_TIME),
        rule,
    };
    let mut policies: Vec<SetPolicy> = rules.map(policy).into();
    policies.sort_by(|a, b| a.policy.cmp(&b.policy));
    policies
}

/// Says whatever must have been said before the stories in the plan can be: call it after all of
/// them.
pub(super) fn prepare(plan: &mut Plan) {
    declare_sites(plan);
    let members: Vec<SetMember> = plan.roster.members.values().cloned().collect();
    let mut first_keys = BTreeMap::new();
    for member in members {
        if plan.roster.authorities.contains(&member.member) {
            continue;
        }
        if let Some(needed) = plan.first_needed.get(&member.member).copied() {
            let key_added_at = admit(plan, &member, needed.minus_ms(ADMITTED_BEFORE_MS));
            first_keys.insert(member.member, key_added_at);
        }
    }
    renew_keys(plan, &first_keys);
}

fn declare_sites(plan: &mut Plan) {
    let founded: BTreeSet<SiteId> = plan.genesis.sites.iter().map(|s| s.site.clone()).collect();
    let needed = plan
        .sites
        .values()
        .filter(|planned| !founded.contains(&planned.record.site));
    let needed: Vec<(SetSite, Time)> = needed
        .filter_map(|planned| Some((planned.record.clone(), planned.first_needed?)))
        .collect();
    for (mut record, first_needed) in needed {
        let signed_at = first_needed.minus_ms(DECLARED_BEFORE_MS);
        record.valid_from = signed_at;
        let place = record.jurisdiction;
        // Customs of the unknown country is a stand-in: a regulator vouches for such sites.
        let unknown = place == Jurisdiction::UNKNOWN;
        let voucher = if unknown {
            named(REGULATORS[0].0)
        } else {
            customs(place)
        };
        let author = admin(&record.operator);
        let records = vec![Record::SetSite(record)];
        plan.say(Draft {
            signed_at,
            author,
            cosigners: vec![admin(&voucher)],
            records,
        });
    }
}

fn admin(member: &MemberId) -> Signer {
    Signer {
        member: member.clone(),
        class: KeyClass::Admin,
    }
}

/// The quorum admits and vets a member and gives it its admin key; with that it adds its first
/// clerk key. Returns when.
fn admit(plan: &mut Plan, member: &SetMember, at: Time) -> Time {
    let id = member.member.clone();
    let founded = id.as_str() == FOUNDING_FAB;
    let mut records = Vec::new();
    if id.as_str() == PROPOSED {
        admit_by_vote(plan, member, at.minus_ms(3 * DAY_MS));
    } else if !founded {
        records.push(Record::SetMember(member.clone()));
    }
    if !founded {
        let key = plan.keys.public(&id, KeyName::Admin);
        records.push(add_key(&id, key, KeyClass::Admin, at, named(END_OF_TIME)));
    }
    if !member.roles.contains(&Role::Carrier) {
        records.push(Record::VetMember(VetMember {
            member: id.clone(),
            outcome: VetOutcome::Cleared,
            valid_until: named(END_OF_TIME),
            case: None,
        }));
    }
    let [_, second, third, first] = REGULATORS.map(|(member, _)| admin(&named(member)));
    plan.say(Draft {
        signed_at: at,
        author: first,
        cosigners: vec![second, third],
        records,
    });

    let signed_at = at.plus_ms(HOUR_MS);
    let term = term(signed_at);
    let (_, until) = validity(term);
    let key = plan.keys.public(&id, KeyName::Clerk(term));
    let records = vec![add_key(&id, key, KeyClass::Clerk, signed_at, until)];
    plan.say(Draft {
        signed_at,
        author: admin(&id),
        cosigners: Vec::new(),
        records,
    });
    signed_at
}

/// One regulator proposes, which counts as its vote; two more approve on the next days.
fn admit_by_vote(plan: &mut Plan, member: &SetMember, at: Time) {
    let [proposer, second, third, _] = REGULATORS.map(|(member, _)| admin(&named(member)));
    let proposal = plan.document(&proposer.member, "PROP");
    let record =
        Nested::new(Record::SetMember(member.clone())).expect("admissions can be proposed");
    let propose = Record::Propose(Propose {
        proposal: proposal.clone(),
        record,
        expires_at: at.plus_ms(60 * DAY_MS),
    });
    let approve = Record::Approve(Approve { proposal });
    let votes = [
        (proposer, propose),
        (second, approve.clone()),
        (third, approve),
    ];
    for ((author, record), day) in votes.into_iter().zip(0..) {
        let signed_at = at.plus_ms(day * DAY_MS);
        plan.say(Draft {
            signed_at,
            author,
            cosigners: Vec::new(),
            records: vec![record],
        });
    }
}

fn add_key(
    member: &MemberId,
    key: PublicKey,
    class: KeyClass,
    valid_from: Time,
    valid_until: Time,
) -> Record {
    Record::SetKey(SetKey {
        member: member.clone(),
        key,
        action: KeyAction::Add {
            class,
            valid_from,
            valid_until,
        },
    })
}

/// Members that sign in several terms add the next clerk key before the old one ends.
fn renew_keys(plan: &mut Plan, first_keys: &BTreeMap<MemberId, Time>) {
    let mut terms: BTreeMap<MemberId, BTreeSet<usize>> = BTreeMap::new();
    for draft in &plan.drafts {
        for signer in draft.cosigners.iter().chain([&draft.author]) {
            if signer.class == KeyClass::Clerk {
                terms
                    .entry(signer.member.clone())
                    .or_default()
                    .insert(term(draft.signed_at));
            }
        }
    }
    for (member, terms) in terms {
        let added_at = first_keys[&member];
        let first = term(added_at);
        for term in terms.into_iter().filter(|term| *term != first) {
            let (from, until) = validity(term);
            let signed_at = from.max(added_at.plus_ms(HOUR_MS));
            debug_assert!(signed_at <= from.plus_ms(OVERLAP_MS));
            let key = plan.keys.public(&member, KeyName::Clerk(term));
            let records = vec![add_key(&member, key, KeyClass::Clerk, signed_at, until)];
            let author = admin(&member);
            plan.say(Draft {
                signed_at,
                author,
                cosigners: Vec::new(),
                records,
            });
        }
    }
}
