//! The plan: everything that will be said, collected before it is put in order.

use std::collections::BTreeMap;

use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::ids::{DocumentId, GenesisHash, MemberId, RecordId, SiteId};
use chipledger_schemas::records::{Record, SetSite};
use chipledger_schemas::time::Time;
use chipledger_schemas::words::KeyClass;

use super::draft::{Draft, Signer};
use super::keys::{Keyring, Seed};
use super::roster::{Roster, named};
use super::scale::Scale;
use super::serial::Serials;

/// A site and when it is first needed.
#[derive(Debug)]
pub(super) struct PlannedSite {
    pub(super) record: SetSite,
    pub(super) first_needed: Option<Time>,
}

/// What the parts of the world write their stories into.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) seed: Seed,
    pub(super) scale: Scale,
    pub(super) genesis: Genesis,
    pub(super) genesis_hash: GenesisHash,
    pub(super) keys: Keyring,
    pub(super) roster: Roster,
    pub(super) serials: Serials,
    pub(super) drafts: Vec<Draft>,
    /// When each member first acts or is named; it is admitted before that.
    pub(super) first_needed: BTreeMap<MemberId, Time>,
    pub(super) sites: BTreeMap<SiteId, PlannedSite>,
    documents: u64,
}

impl Plan {
    pub(super) fn new(seed: Seed, scale: Scale, genesis: Genesis, roster: Roster) -> Self {
        Self {
            seed,
            scale,
            genesis_hash: genesis.hash(),
            genesis,
            keys: Keyring::new(seed),
            roster,
            serials: Serials::default(),
            drafts: Vec::new(),
            first_needed: BTreeMap::new(),
            sites: BTreeMap::new(),
            documents: 0,
        }
    }

    /// The hand that signs for a member: authorities have admin keys only, all others sign as
    /// clerks.
    pub(super) fn signer(&self, member: &MemberId) -> Signer {
        let class = if self.roster.authorities.contains(member) {
            KeyClass::Admin
        } else {
            KeyClass::Clerk
        };
        Signer {
            member: member.clone(),
            class,
        }
    }

    /// Adds a draft; its number names it until the drafts are sorted.
    pub(super) fn say(&mut self, draft: Draft) -> usize {
        for signer in draft.cosigners.iter().chain([&draft.author]) {
            need(&mut self.first_needed, &signer.member, draft.signed_at);
        }
        self.drafts.push(draft);
        self.drafts.len() - 1
    }

    /// A custody or evidence draft.
    pub(super) fn report(
        &mut self,
        signed_at: Time,
        author: &MemberId,
        cosigners: &[&MemberId],
        records: Vec<Record>,
    ) -> usize {
        let author = self.signer(author);
        let cosigners = cosigners.iter().map(|member| self.signer(member)).collect();
        self.say(Draft {
            signed_at,
            author,
            cosigners,
            records,
        })
    }

    /// The member is named at `time`, so it must have been admitted.
    pub(super) fn need_member(&mut self, member: &MemberId, time: Time) {
        need(&mut self.first_needed, member, time);
    }

    /// The site is named at `time`, so it must have been declared.
    pub(super) fn need_site(&mut self, site: &SiteId, time: Time) {
        let planned = self
            .sites
            .get_mut(site)
            .expect("every site of the world is planned");
        let earliest = planned.first_needed.map_or(time, |known| known.min(time));
        planned.first_needed = Some(earliest);
        let operator = planned.record.operator.clone();
        need(&mut self.first_needed, &operator, time);
    }

    /// A new document of a member, such as `NVIDIA:SHP-0000017`.
    pub(super) fn document(&mut self, member: &MemberId, kind: &str) -> DocumentId {
        self.documents += 1;
        let reference = named(&format!("{kind}-{:07}", self.documents));
        DocumentId::new(member.clone(), reference)
    }

    /// The id of the first record of a draft.
    pub(super) fn record_id(&mut self, draft: usize) -> RecordId {
        let id = self.drafts[draft].id(self.genesis_hash, &mut self.keys);
        RecordId::new(id, 0)
    }
}

fn need(first_needed: &mut BTreeMap<MemberId, Time>, member: &MemberId, time: Time) {
    let earliest = first_needed.entry(member.clone()).or_insert(time);
    *earliest = time.min(*earliest);
}
