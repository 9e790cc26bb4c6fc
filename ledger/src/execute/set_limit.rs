//! `set_limit`: an authority caps what is pooled in its own jurisdiction; whatever reaches further
//! needs the quorum.

use chipledger_proof::state::{Key, Limit, Site};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::SetLimit;
use chipledger_schemas::records::set_limit::LimitScope;

use super::Context;
use crate::rejection::Fault;
use crate::state::{Draft, State};

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &SetLimit,
) -> Result<(), Fault> {
    let authority = &record.limit.member;
    draft.member(authority)?;
    let key = Key::Limit(record.limit.clone());
    if let LimitScope::Parent(parent) = &record.scope {
        draft.member(parent)?;
    }
    let mut scopes = vec![reach(draft, &record.scope)?];
    if let Some(before) = draft.get::<Limit>(&key)? {
        // What the quorum decided for others is not one authority's to loosen.
        scopes.push(reach(draft, &before.scope)?);
    }
    if !draft.is_national(context.author(), authority, &scopes)? {
        draft.require_quorum(context.signers)?;
    }
    if let LimitScope::Site(site) = &record.scope {
        draft.site(site)?;
    }
    draft.put(key, record.clone());
    Ok(())
}

/// The one jurisdiction that a limit concerns, if it is only one.
fn reach<S: State>(
    draft: &Draft<'_, S>,
    scope: &LimitScope,
) -> Result<Option<Jurisdiction>, Fault> {
    match scope {
        LimitScope::Jurisdiction(jurisdiction) => Ok(Some(*jurisdiction)),
        LimitScope::Site(site) => {
            draft.look::<Site, _>(&Key::Site(site.clone()), |site| site.jurisdiction)
        }
        LimitScope::Parent(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests;
