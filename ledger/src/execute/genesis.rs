//! The first state: what the genesis document says, as a block that no one submitted.

use chipledger_proof::state::{Catalogue, Chain, Key, Member, MemberKey, ModelVersions};
use chipledger_schemas::block::PROTOCOL_VERSION;
use chipledger_schemas::certificate::ValidatorSet;
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::ids::Height;
use chipledger_schemas::time::Time;
use chipledger_schemas::words::KeyClass;

use super::{set_member, set_site, validators};
use crate::rejection::Fault;
use crate::state::memory::MemoryState;
use crate::state::{Changes, Draft};

/// Changes that turn nothing into the first state.
///
/// # Errors
/// A founder that takes another's issuer prefix, or names an unknown parent.
pub fn genesis_changes(genesis: &Genesis) -> Result<Changes, Fault> {
    let nothing = MemoryState::default();
    let mut draft = Draft::new(&nothing, Height(0), genesis.time);
    draft.put(Key::Chain, chain(genesis));
    validators::record_seats(&mut draft, &ValidatorSet(Vec::new()), &genesis.validators)?;
    let builtin = chipledger_schemas::catalogue::Catalogue::builtin();
    draft.put(Key::Catalogue, Catalogue::builtin());
    for (model, version) in &builtin.models {
        draft.put(
            Key::Model(model.clone()),
            ModelVersions(vec![version.clone()]),
        );
    }
    for founder in &genesis.founders {
        // Parents may be named before they are written: founders know each other.
        draft.put(
            Key::Member(founder.member.member.clone()),
            Member::from(&founder.member),
        );
    }
    for founder in &genesis.founders {
        let member = &founder.member;
        let key = Key::Member(member.member.clone());
        let before = draft.get::<Member>(&key)?;
        set_member::set(&mut draft, member, before)?;
        let key = |class| MemberKey {
            member: member.member.clone(),
            class,
            valid_from: Time(0),
            valid_until: Time::END,
            revoked_at: None,
        };
        draft.put(Key::SigningKey(founder.admin_key), key(KeyClass::Admin));
        for peer in &founder.peer_keys {
            draft.put(Key::SigningKey(*peer), key(KeyClass::Peer));
        }
    }
    for site in &genesis.sites {
        set_site::put(&mut draft, site, None);
    }
    for policy in &genesis.policies {
        draft.put(Key::Policy(policy.policy.clone()), policy.clone());
    }
    Ok(draft.into_changes())
}

fn chain(genesis: &Genesis) -> Chain {
    let validators = genesis.validators.clone();
    Chain {
        genesis: genesis.hash(),
        clock: genesis.clock,
        bounds: genesis.bounds,
        solo: genesis.solo,
        time: genesis.time,
        validators: validators.clone(),
        next_validators: validators.clone(),
        later_validators: validators,
        protocol: PROTOCOL_VERSION,
        upgrade: None,
    }
}
