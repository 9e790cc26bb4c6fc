//! `set_key`: a member's admin key adds and revokes its keys; any key may revoke itself.

use chipledger_proof::state::{Key, MemberKey};
use chipledger_schemas::records::SetKey;
use chipledger_schemas::records::set_key::KeyAction;

use super::Context;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &SetKey,
) -> Result<(), Fault> {
    draft.member(&record.member)?;
    let entry = Key::SigningKey(record.key);
    let found = draft.get::<MemberKey>(&entry)?;
    if record.action == KeyAction::Revoke {
        check_revocable(record, found.as_ref())?;
    }
    if *context.author() != record.member {
        draft.require_quorum(context.signers)?;
    }
    let key = match (record.action, found) {
        (KeyAction::Add { .. }, Some(found)) => {
            return reject(
                Code::KeyTaken,
                format!("the key is registered for {}", found.member),
            );
        }
        (
            KeyAction::Add {
                class,
                valid_from,
                valid_until,
            },
            None,
        ) => MemberKey {
            member: record.member.clone(),
            class,
            valid_from,
            valid_until,
            revoked_at: None,
        },
        // The first revocation stands: nothing that the key signed after it may count again.
        (KeyAction::Revoke, found) => {
            let found = found.expect("a key that may be revoked is registered");
            let revoked_at = found.revoked_at.or(Some(draft.at.time));
            MemberKey {
                revoked_at,
                ..found
            }
        }
    };
    draft.put(entry, key);
    Ok(())
}

fn check_revocable(record: &SetKey, found: Option<&MemberKey>) -> Result<(), Fault> {
    match found {
        None => reject(Code::KeyUnknown, "the key is not registered"),
        Some(found) if found.member != record.member => reject(
            Code::KeyNotOfMember,
            format!("the key is not {}'s", record.member),
        ),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
