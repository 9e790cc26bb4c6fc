//! Peers of members: who may connect, and what it may see.

use std::collections::{BTreeMap, BTreeSet};

use chipledger_proof::state::{EntryKind, Key, Member, MemberKey, Stored};
use chipledger_schemas::ids::{MemberId, PublicKey};
use chipledger_schemas::words::{KeyClass, Role};
use serde::Serialize;

use super::QueryError;
use crate::state::State;
use crate::store::View;

/// How much of the ledger a member's peers may see.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerView {
    /// Blocks and state: customs, regulators, inspectors.
    Full,
    /// Headers, certificates, and proofs of what is its own: competitors must not sync each
    /// other's customers.
    Own,
}

impl PeerView {
    /// What a member with these roles may see.
    pub fn of(roles: &BTreeSet<Role>) -> Self {
        let full = [Role::Customs, Role::Regulator, Role::Inspector];
        if full.iter().any(|role| roles.contains(role)) {
            Self::Full
        } else {
            Self::Own
        }
    }
}

/// A peer that may connect.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Peer {
    /// Whose.
    pub member: MemberId,
    /// Its identity, an Ed25519 key of class peer.
    pub key: PublicKey,
    /// What the member may do.
    pub roles: BTreeSet<Role>,
    /// What it may see.
    pub view: PeerView,
}

/// Every peer key that counts at the last block time, by member and key, of members that may act:
/// neither suspended nor succeeded.
pub fn peers(view: &View<'_>) -> Result<Vec<Peer>, QueryError> {
    let time = view.head()?.header.time;
    let mut members: BTreeMap<MemberId, BTreeSet<Role>> = BTreeMap::new();
    for (key, entry) in view.entries(EntryKind::Member)? {
        if let (Key::Member(id), Some(member)) = (key, Member::of(&entry))
            && !member.suspended
            && member.successor.is_none()
        {
            members.insert(id, member.roles.clone());
        }
    }
    let mut peers = Vec::new();
    for (key, entry) in view.entries(EntryKind::SigningKey)? {
        let (Key::SigningKey(key), Some(found)) = (key, MemberKey::of(&entry)) else {
            continue;
        };
        let Some(roles) = members.get(&found.member) else {
            continue;
        };
        if found.class == KeyClass::Peer && found.counts_at(time) {
            peers.push(Peer {
                member: found.member.clone(),
                key,
                roles: roles.clone(),
                view: PeerView::of(roles),
            });
        }
    }
    peers.sort_unstable_by(|a, b| (&a.member, a.key).cmp(&(&b.member, b.key)));
    Ok(peers)
}
