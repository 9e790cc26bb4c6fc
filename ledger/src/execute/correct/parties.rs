//! Who may correct: whoever made the statement, with whoever had to agree to it.

use chipledger_proof::state::{Key, Shipment};
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::movement::{Facts, Location};
use chipledger_schemas::words::Status;

use super::Undo;
use super::steps::{Step, step_of};
use crate::authority::Signers;
use crate::execute::destroy::WITNESSES;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

/// Rejects a correction by anybody but those who made the statement. The regulators' quorum may
/// correct anything: whoever made it may be gone.
pub(super) fn check_parties<S: State>(
    draft: &Draft<'_, S>,
    signers: &Signers,
    undo: &Undo,
) -> Result<(), Fault> {
    if signers.approved || draft.is_quorum(&signers.admins)? {
        return Ok(());
    }
    let mut speakers = Vec::new();
    for member in speakers_of(draft, undo)? {
        speakers.push(draft.successor_of(&member)?);
    }
    if !speakers.contains(&signers.author) {
        let names: Vec<_> = speakers.iter().map(ToString::to_string).collect();
        let id = &undo.item.id;
        return reject(
            Code::NotAuthority,
            format!("{id} is corrected by {}", names.join(" or ")),
        );
    }
    check_agreed(draft, signers, undo)
}

/// The members one of whom made the statement, as far as the facts before and after it tell.
fn speakers_of<S: State>(draft: &Draft<'_, S>, undo: &Undo) -> Result<Vec<MemberId>, Fault> {
    let now = &undo.named.effective;
    let after = &undo.item.facts;
    let Some(before) = &undo.movement.before else {
        return Ok(vec![now.holder.clone()]);
    };
    match step_of(&undo.movement, after) {
        Step::Departed(id) | Step::Redirected(id) => return Ok(vec![id.member]),
        Step::Refused { leg, .. } => return Ok(vec![leg.member]),
        Step::Missed(id) => {
            let receiver = draft.look::<Shipment, _>(&Key::Shipment(id), |s| s.to.clone())?;
            return Ok(receiver.into_iter().collect());
        }
        Step::Arrived(_) | Step::Voided(_) | Step::Other => {}
    }
    if before.status == Some(Status::Seized)
        && after.status != Some(Status::Seized)
        && let Location::At { holder, .. } = &before.location
    {
        return Ok(vec![holder.clone()]);
    }
    if passed_title(before, after) {
        return Ok(vec![former_owner(draft, undo, before)?]);
    }
    if before.location != after.location || after.status == Some(Status::Seized) {
        // Arrivals, seizures, packing and unpacking: by whoever has it since.
        return Ok(vec![now.holder.clone()]);
    }
    Ok(vec![now.holder.clone(), now.owner.clone()])
}

/// Whether nothing but the owner changed.
fn passed_title(before: &Facts, after: &Facts) -> bool {
    let owner = after.owner.clone();
    before.owner != after.owner
        && Facts {
            owner,
            ..before.clone()
        } == *after
}

fn former_owner<S: State>(
    draft: &Draft<'_, S>,
    undo: &Undo,
    before: &Facts,
) -> Result<MemberId, Fault> {
    match (&before.owner, undo.named.effective.containers.first()) {
        (None, Some(container)) => Ok(draft.effective(*container)?.owner),
        (owner, _) => Ok(owner
            .clone()
            .unwrap_or_else(|| undo.named.effective.owner.clone())),
    }
}

/// Whether nothing but a seal came off.
fn broke_seal(before: &Facts, after: &Facts) -> bool {
    let seal = before.seal.clone();
    before.seal.is_some()
        && after.seal.is_none()
        && Facts {
            seal,
            ..after.clone()
        } == *before
}

/// Who had to agree to the statement has to agree to its end: the buyer to the loss of its title,
/// an authority to the return of what was destroyed, and to a seal that was not broken after all.
fn check_agreed<S: State>(
    draft: &Draft<'_, S>,
    signers: &Signers,
    undo: &Undo,
) -> Result<(), Fault> {
    let (before, after) = (&undo.movement.before, &undo.item.facts);
    let destroyed = after.status == Some(Status::Destroyed);
    let unsealed = before
        .as_ref()
        .is_some_and(|before| broke_seal(before, after));
    if destroyed || unsealed {
        for member in &signers.cosigners {
            let roles = draft.member(member)?.roles;
            if WITNESSES.iter().any(|role| roles.contains(role)) {
                return Ok(());
            }
        }
        return reject(
            Code::CosignatureMissing,
            format!(
                "{} is {}; a witness must co-sign",
                undo.item.id,
                if destroyed { "destroyed" } else { "unsealed" }
            ),
        );
    }
    if before
        .as_ref()
        .is_some_and(|before| passed_title(before, after))
    {
        let owner = draft.successor_of(&undo.named.effective.owner)?;
        return draft.require_cosigner(signers, &owner);
    }
    Ok(())
}
