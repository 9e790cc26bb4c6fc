//! Who may do what, judged at block time: members, keys, roles, co-signers, the regulators' quorum.

use std::collections::BTreeSet;

use chipledger_proof::state::{Key, Member, MemberKey, Site};
use chipledger_schemas::ids::{MemberId, PublicKey, SiteId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::time::Time;
use chipledger_schemas::words::{KeyClass, Role};

use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

/// Who stands behind a record: its author and the co-signers, all with keys that count.
#[derive(Clone, Debug)]
pub(crate) struct Signers {
    /// The author.
    pub author: MemberId,
    /// The author's key.
    pub key: PublicKey,
    /// Co-signers.
    pub cosigners: BTreeSet<MemberId>,
    /// Those of author and co-signers that signed with an admin key.
    pub admins: BTreeSet<MemberId>,
    /// Whether the regulators' quorum stands behind it already: an approved proposal.
    pub approved: bool,
}

impl Signers {
    /// Rejects unless the member signed or co-signed with an admin key.
    pub(crate) fn require_admin(&self, member: &MemberId) -> Result<(), Fault> {
        if self.admins.contains(member) {
            return Ok(());
        }
        reject(
            Code::CosignatureMissing,
            format!("{member} must sign or co-sign with an admin key"),
        )
    }
}

impl<S: State> Draft<'_, S> {
    /// A member that may act.
    pub(crate) fn active_member(&self, member: &MemberId) -> Result<Member, Fault> {
        self.check_active(member)?;
        self.member(member)
    }

    /// Rejects a member that may not act.
    fn check_active(&self, member: &MemberId) -> Result<(), Fault> {
        if self.with_member(member, |found| found.suspended || found.successor.is_some())? {
            return reject(
                Code::MemberSuspended,
                format!("{member} is suspended or succeeded"),
            );
        }
        Ok(())
    }

    /// A member, active or not.
    pub(crate) fn member(&self, member: &MemberId) -> Result<Member, Fault> {
        self.with_member(member, Member::clone)
    }

    /// Looks at a member, active or not, without copying it.
    fn with_member<T>(
        &self,
        member: &MemberId,
        look: impl FnOnce(&Member) -> T,
    ) -> Result<T, Fault> {
        match self.look::<Member, _>(&Key::Member(member.clone()), look)? {
            Some(found) => Ok(found),
            None => reject(Code::MemberUnknown, format!("{member} is no member")),
        }
    }

    /// Checks that a key is the member's, counts at block time and may sign; returns what.
    pub(crate) fn check_key(&self, member: &MemberId, key: &PublicKey) -> Result<KeyClass, Fault> {
        self.check_active(member)?;
        let Some(found) = self.get::<MemberKey>(&Key::SigningKey(*key))? else {
            return reject(Code::KeyUnknown, format!("key {key} is not registered"));
        };
        if found.member != *member {
            return reject(Code::KeyNotOfMember, format!("key {key} is not {member}'s"));
        }
        let time = self.at.time;
        if !found.counts_at(time) {
            return reject(
                Code::KeyNotValid,
                format!("key {key} does not count at {time}"),
            );
        }
        if found.class == KeyClass::Peer {
            return reject(
                Code::PeerKey,
                format!("key {key} is the identity of a peer of {member}"),
            );
        }
        Ok(found.class)
    }

    /// Rejects a member without any of the roles.
    pub(crate) fn require_role(&self, member: &MemberId, roles: &[Role]) -> Result<(), Fault> {
        let has = |found: &Member| roles.iter().any(|role| found.roles.contains(role));
        if self.with_member(member, has)? {
            return Ok(());
        }
        let names: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
        reject(
            Code::RoleMissing,
            format!("{member} is none of: {}", names.join(", ")),
        )
    }

    /// Rejects unless the member co-signed, or is the author.
    pub(crate) fn require_cosigner(
        &self,
        signers: &Signers,
        member: &MemberId,
    ) -> Result<(), Fault> {
        if signers.author == *member || signers.cosigners.contains(member) {
            return Ok(());
        }
        reject(Code::CosignatureMissing, format!("{member} must co-sign"))
    }

    /// Rejects the loss of the last regulator's seat: nothing could ever be decided again.
    pub(crate) fn check_regulators_remain(&self) -> Result<(), Fault> {
        if !self.regulators()?.is_empty() {
            return Ok(());
        }
        reject(Code::LastRegulator, "no regulator's seat would remain")
    }

    /// Members that hold a regulator's seat now.
    pub(crate) fn regulators(&self) -> Result<BTreeSet<MemberId>, Fault> {
        let seat = |(key, member): (Key, Member)| match key {
            Key::Member(id)
                if member.roles.contains(&Role::Regulator)
                    && !member.suspended
                    && member.successor.is_none() =>
            {
                Some(id)
            }
            _ => None,
        };
        Ok(self.all::<Member>()?.into_iter().filter_map(seat).collect())
    }

    /// Whether more than two thirds of the regulators' seats are among these members.
    pub(crate) fn is_quorum(&self, members: &BTreeSet<MemberId>) -> Result<bool, Fault> {
        let seats = self.regulators()?;
        let in_favour = seats.intersection(members).count();
        Ok(in_favour * 3 > seats.len() * 2)
    }

    /// Whether the regulators' quorum stands behind the record: it was approved, or they all
    /// signed.
    pub(crate) fn has_quorum(&self, signers: &Signers) -> Result<bool, Fault> {
        Ok(signers.approved || self.is_quorum(&signers.admins)?)
    }

    /// Rejects unless the regulators' quorum stands behind the record.
    pub(crate) fn require_quorum(&self, signers: &Signers) -> Result<(), Fault> {
        if self.has_quorum(signers)? {
            return Ok(());
        }
        reject(
            Code::QuorumMissing,
            "more than two thirds of the regulators' seats must agree",
        )
    }

    /// Whether a document is its author's own affair: named after it, and about nothing but the
    /// jurisdiction of which it is customs or regulator.
    pub(crate) fn is_national(
        &self,
        author: &MemberId,
        authority: &MemberId,
        scopes: &[Option<Jurisdiction>],
    ) -> Result<bool, Fault> {
        let member = self.member(author)?;
        let roles = [Role::Customs, Role::Regulator];
        Ok(*author == self.successor_of(authority)?
            && roles.iter().any(|role| member.roles.contains(role))
            && scopes
                .iter()
                .all(|scope| *scope == Some(member.jurisdiction)))
    }

    /// Whether a member is customs of a jurisdiction.
    pub(crate) fn is_customs_of(
        &self,
        member: &MemberId,
        jurisdiction: Jurisdiction,
    ) -> Result<bool, Fault> {
        let member = self.member(member)?;
        let customs = member.roles.contains(&Role::Customs) && member.jurisdiction == jurisdiction;
        let stand_in =
            jurisdiction == Jurisdiction::UNKNOWN && member.roles.contains(&Role::Regulator);
        Ok(customs || stand_in)
    }

    /// A site.
    pub(crate) fn site(&self, site: &SiteId) -> Result<Site, Fault> {
        match self.get::<Site>(&Key::Site(site.clone()))? {
            Some(found) => Ok(found),
            None => reject(Code::SiteUnknown, format!("{site} is not declared")),
        }
    }

    /// Rejects an event that lies too far after block time.
    pub(crate) fn check_not_future(&self, occurred_at: Time, future_ms: u64) -> Result<(), Fault> {
        if occurred_at > self.at.time.plus_ms(future_ms) {
            return reject(
                Code::InFuture,
                format!("{occurred_at} lies after block time {}", self.at.time),
            );
        }
        Ok(())
    }
}
