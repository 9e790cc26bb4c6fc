//! Members, their keys, and sites.

use std::collections::BTreeSet;

use chipledger_schemas::ids::{Issuer, MemberId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::set_member::SetMember;
use chipledger_schemas::records::set_site::Position;
use chipledger_schemas::records::vet_member::VetOutcome;
use chipledger_schemas::sealed::EncryptionKey;
use chipledger_schemas::time::Time;
use chipledger_schemas::words::{KeyClass, Lei, Role};
use serde::{Deserialize, Serialize};

/// The latest background check of a member.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Vetting {
    /// Who checked.
    pub by: MemberId,
    /// What came out.
    pub outcome: VetOutcome,
    /// When it lapses.
    pub valid_until: Time,
}

/// What is true of a member.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Member {
    /// Legal name.
    pub name: String,
    /// What it may do.
    pub roles: BTreeSet<Role>,
    /// Seat of its headquarters.
    pub jurisdiction: Jurisdiction,
    /// Direct parent.
    pub parent: Option<MemberId>,
    /// Legal Entity Identifier.
    pub lei: Option<Lei>,
    /// Issuer prefixes.
    pub issuers: BTreeSet<Issuer>,
    /// Key to seal fields to.
    pub encryption_key: Option<EncryptionKey>,
    /// Latest background check.
    pub vetting: Option<Vetting>,
    /// Whether its signatures count for nothing.
    pub suspended: bool,
    /// Who has taken over everything of it.
    pub successor: Option<MemberId>,
    /// Block time at which it last took over another.
    pub took_over_at: Option<Time>,
}

impl From<&SetMember> for Member {
    fn from(record: &SetMember) -> Self {
        Self {
            name: record.name.clone(),
            roles: record.roles.clone(),
            jurisdiction: record.jurisdiction,
            parent: record.parent.clone(),
            lei: record.lei.clone(),
            issuers: record.issuers.clone(),
            encryption_key: record.encryption_key,
            vetting: None,
            suspended: false,
            successor: None,
            took_over_at: None,
        }
    }
}

/// A signing key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MemberKey {
    /// Whose.
    pub member: MemberId,
    /// What it may sign.
    pub class: KeyClass,
    /// First block time at which it counts.
    pub valid_from: Time,
    /// First block time at which it no longer counts.
    pub valid_until: Time,
    /// Block time of its revocation.
    pub revoked_at: Option<Time>,
}

impl MemberKey {
    /// Whether it counts at a block time: begun, neither lapsed nor revoked.
    pub fn counts_at(&self, time: Time) -> bool {
        let revoked = self.revoked_at.is_some_and(|at| at <= time);
        !revoked && time >= self.valid_from && time < self.valid_until
    }
}

/// What is true of a site.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Site {
    /// What people call it.
    pub name: String,
    /// Whose law holds there.
    pub jurisdiction: Jurisdiction,
    /// Who runs it.
    pub operator: MemberId,
    /// Where it is.
    pub position: Option<Position>,
    /// Grid connection, kW.
    pub power_kw: Option<u64>,
    /// Since when, event time.
    pub valid_from: Time,
    /// Block time of its last change of jurisdiction.
    pub moved_at: Option<Time>,
}
