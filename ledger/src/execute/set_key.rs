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
    if *context.author() != record.member {
        draft.require_quorum(context.signers)?;
    }
    let entry = Key::SigningKey(record.key);
    let found = draft.get::<MemberKey>(&entry)?;
    let member = record.member.clone();
    match (record.action, found) {
        (
            KeyAction::Add {
                class,
                valid_from,
                valid_until,
            },
            None,
        ) => {
            draft.put(
                entry,
                MemberKey {
                    member,
                    class,
                    valid_from,
                    valid_until,
                    revoked_at: None,
                },
            );
        }
        (KeyAction::Add { .. }, Some(found)) => {
            return reject(
                Code::KeyTaken,
                format!("the key is registered for {}", found.member),
            );
        }
        (KeyAction::Revoke, Some(found)) if found.member == member => {
            let revoked_at = found.revoked_at.or(Some(draft.at.time));
            draft.put(
                entry,
                MemberKey {
                    revoked_at,
                    ..found
                },
            );
        }
        (KeyAction::Revoke, Some(_)) => {
            return reject(Code::KeyNotOfMember, format!("the key is not {member}'s"));
        }
        (KeyAction::Revoke, None) => {
            return reject(Code::KeyUnknown, "the key is not registered");
        }
    }
    Ok(())
}
