//! Seats of the validators: which set may certify blocks, and who loses its seat.

use chipledger_proof::state::{Chain, Key, Seats};
use chipledger_schemas::certificate::{ValidatorSeat, ValidatorSet};
use chipledger_schemas::ids::{Height, MemberId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::words::Role;
use std::collections::BTreeMap;

use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

/// Fewest validators that tolerate one that is faulty.
const VALIDATORS_MIN: usize = 4;

/// Gives the set the power over the block after the next one.
pub(super) fn seat<S: State>(draft: &mut Draft<'_, S>, set: ValidatorSet) -> Result<(), Fault> {
    let mut chain = chain(draft)?;
    check(draft, &set, &chain)?;
    let before = std::mem::replace(&mut chain.later_validators, set);
    record_seats(draft, &before, &chain.later_validators)?;
    draft.put(Key::Chain, chain);
    Ok(())
}

/// Remembers from which height until which each key has a seat, for what it signs there.
pub(super) fn record_seats<S: State>(
    draft: &mut Draft<'_, S>,
    before: &ValidatorSet,
    after: &ValidatorSet,
) -> Result<(), Fault> {
    // A set votes from the block after the next one; the first one from genesis on.
    let from = match draft.at.height {
        Height(0) => Height(0),
        height => height.next().next(),
    };
    let has = |set: &ValidatorSet, seat: &ValidatorSeat| {
        let same = |other: &ValidatorSeat| (&other.member, other.key) == (&seat.member, seat.key);
        set.0.iter().any(same)
    };
    for seat in before.0.iter().filter(|seat| !has(after, seat)) {
        let key = Key::Seats(seat.key);
        let mut seats = draft.get::<Seats>(&key)?.unwrap_or_default();
        seats.rise(&seat.member, from);
        draft.put(key, seats);
    }
    for seat in after.0.iter().filter(|seat| !has(before, seat)) {
        let key = Key::Seats(seat.key);
        let mut seats = draft.get::<Seats>(&key)?.unwrap_or_default();
        seats.sit(&seat.member, from);
        draft.put(key, seats);
    }
    Ok(())
}

/// Takes a member's seat away, if it has one, in the act that takes its signature away.
pub(super) fn unseat<S: State>(draft: &mut Draft<'_, S>, member: &MemberId) -> Result<(), Fault> {
    let mut set = chain(draft)?.later_validators;
    let seats = set.0.len();
    set.0.retain(|seat| seat.member != *member);
    if set.0.len() == seats {
        return Ok(());
    }
    seat(draft, set)
}

/// Rejects a change of a member that its seat, or everybody's share, does not bear.
pub(super) fn check_seat_of<S: State>(
    draft: &Draft<'_, S>,
    member: &MemberId,
) -> Result<(), Fault> {
    let chain = chain(draft)?;
    if chain
        .later_validators
        .0
        .iter()
        .any(|seat| seat.member == *member)
    {
        return check(draft, &chain.later_validators, &chain);
    }
    Ok(())
}

/// Where the chain stands.
pub(super) fn chain<S: State>(draft: &Draft<'_, S>) -> Result<Chain, Fault> {
    let chain = draft.get::<Chain>(&Key::Chain)?;
    Ok(chain.expect("a ledger has its chain entry"))
}

fn check<S: State>(draft: &Draft<'_, S>, set: &ValidatorSet, chain: &Chain) -> Result<(), Fault> {
    if !set.is_well_formed() {
        let detail = "a set is sorted by member, not empty, and has each member and key once";
        return reject(Code::ValidatorsInvalid, detail);
    }
    let mut homes: BTreeMap<&MemberId, Jurisdiction> = BTreeMap::new();
    for seat in &set.0 {
        let member = draft.member(&seat.member)?;
        let allowed = [Role::Customs, Role::Regulator];
        if !allowed.iter().any(|role| member.roles.contains(role)) {
            let detail = format!("{} is neither customs nor regulator", seat.member);
            return reject(Code::ValidatorsInvalid, detail);
        }
        homes.insert(&seat.member, member.jurisdiction);
    }
    if chain.solo {
        return Ok(());
    }
    if set.0.len() < VALIDATORS_MIN {
        let detail = format!("{} of {VALIDATORS_MIN} validators at least", set.0.len());
        return reject(Code::ValidatorsInvalid, detail);
    }
    match set.dominating(|member| homes.get(member).copied()) {
        None => Ok(()),
        Some((jurisdiction, power)) => reject(
            Code::ValidatorsInvalid,
            format!(
                "{jurisdiction} would hold {power} of {}, a third or more of the power",
                set.total_power()
            ),
        ),
    }
}
