//! Execution: what a block does, decided by a pure function of committed state and the block.
//!
//! ```text
//! transactions -> Draft (one rule per record kind) -> Changes -> roots -> header
//! ```
//!
//! **Invariant:** no clock, randomness, float, map of random order, thread or I/O below this point.

use std::collections::BTreeSet;

use chipledger_proof::state::{Chain, Key, Seen};
use chipledger_schemas::ids::RecordId;
use chipledger_schemas::records::Record;
use chipledger_schemas::time::Time;

use crate::authority::Signers;
use crate::rejection::{Code, Fault, Rejection, reject};
use crate::state::{Draft, State};
use crate::verify::{VerifiedTransaction, needs_admin_key};

pub mod genesis;
mod holding;
mod install;
mod pack;
mod policy;
mod receive;
mod register;
mod set_key;
mod set_member;
mod set_site;
mod ship;
mod unpack;

/// Most windows that one block closes; a window that is closed late hides nothing, because its
/// transactions are refused as expired.
const WINDOWS_PER_BLOCK: usize = 20_000;

/// A record under execution.
pub(crate) struct Context<'a> {
    /// Who stands behind it.
    pub signers: &'a Signers,
    /// Most milliseconds that an event may lie after block time.
    pub future_ms: u64,
}

impl Context<'_> {
    /// The author.
    pub(crate) fn author(&self) -> &chipledger_schemas::ids::MemberId {
        &self.signers.author
    }
}

/// Begins a block: closes windows that ended, brings the next validators and a due upgrade in force.
pub fn begin<S: State>(draft: &mut Draft<'_, S>, chain: &mut Chain) -> Result<(), Fault> {
    let time = draft.at.time;
    for (_, id) in draft.state().ended_windows(time, WINDOWS_PER_BLOCK)? {
        draft.remove(Key::Transaction(id));
    }
    chain.time = time;
    chain.validators = chain.next_validators.clone();
    chain.next_validators = chain.later_validators.clone();
    if let Some(upgrade) = chain.upgrade
        && upgrade.height <= draft.at.height
    {
        chain.protocol = upgrade.version;
        chain.upgrade = None;
    }
    draft.put(Key::Chain, chain.clone());
    draft.keep();
    Ok(())
}

/// Executes one transaction: all of its records, or none.
///
/// # Errors
/// [`Fault::Rejected`]: the draft is as before. [`Fault::Fatal`]: the state cannot be read.
pub fn transaction<S: State>(
    draft: &mut Draft<'_, S>,
    index: u32,
    verified: &VerifiedTransaction,
) -> Result<(), Fault> {
    draft.at.transaction = index;
    let done = apply(draft, verified);
    match &done {
        Ok(()) => draft.keep(),
        Err(_) => draft.drop_transaction(),
    }
    done
}

fn apply<S: State>(draft: &mut Draft<'_, S>, verified: &VerifiedTransaction) -> Result<(), Fault> {
    let body = &verified.transaction().body;
    let chain = draft
        .get::<Chain>(&Key::Chain)?
        .expect("a ledger has its chain entry");
    check_window(draft.at.time, body.valid_from, body.valid_until)?;
    let seen = Key::Transaction(verified.id());
    if draft.look::<Seen, _>(&seen, |_| ())?.is_some() {
        return reject(
            Code::DuplicateTransaction,
            format!("{} was seen", verified.id()),
        );
    }
    let signers = signers(draft, verified)?;
    let context = Context {
        signers: &signers,
        future_ms: chain.bounds.future_ms_max,
    };
    draft.put(seen, Seen(body.valid_until));
    for (number, record) in (0_u32..).zip(&body.records) {
        draft.at.record = number;
        draft.at.id = RecordId::new(verified.id(), number);
        run(draft, &context, record).map_err(|fault| with_record(fault, number))?;
        draft.settle().map_err(|fault| with_record(fault, number))?;
    }
    Ok(())
}

fn with_record(fault: Fault, record: u32) -> Fault {
    match fault {
        Fault::Rejected(rejection) => Fault::Rejected(Rejection {
            record: rejection.record.or(Some(record)),
            ..rejection
        }),
        fatal @ Fault::Fatal(_) => fatal,
    }
}

fn check_window(time: Time, from: Time, until: Time) -> Result<(), Fault> {
    if time < from {
        return reject(
            Code::NotYetValid,
            format!("valid from {from}, block time is {time}"),
        );
    }
    if time >= until {
        return reject(
            Code::Expired,
            format!("valid until {until}, block time is {time}"),
        );
    }
    Ok(())
}

/// Checks every key of a transaction and collects who stands behind it.
fn signers<S: State>(
    draft: &Draft<'_, S>,
    verified: &VerifiedTransaction,
) -> Result<Signers, Fault> {
    let body = &verified.transaction().body;
    let class = draft.check_key(&body.member, &body.key)?;
    let is_admin = |class| class == chipledger_schemas::words::KeyClass::Admin;
    let governs = body.records.iter().any(needs_admin_key);
    if governs && !is_admin(class) && !revokes_itself(body) {
        return reject(Code::KeyClassInsufficient, "governance needs an admin key");
    }
    let mut signers = Signers {
        author: body.member.clone(),
        key: body.key,
        class,
        cosigners: BTreeSet::new(),
        admins: BTreeSet::new(),
        approved: false,
    };
    if is_admin(class) {
        signers.admins.insert(body.member.clone());
    }
    for cosignature in &verified.transaction().cosignatures {
        let class = draft.check_key(&cosignature.member, &cosignature.key)?;
        if is_admin(class) {
            signers.admins.insert(cosignature.member.clone());
        }
        signers.cosigners.insert(cosignature.member.clone());
    }
    Ok(signers)
}

/// Revoking one's own stolen key waits for nobody: any key may revoke itself.
fn revokes_itself(body: &chipledger_schemas::transaction::Body) -> bool {
    use chipledger_schemas::records::set_key::KeyAction;
    body.records.iter().all(|record| match record {
        Record::SetKey(set) => {
            set.member == body.member && set.key == body.key && set.action == KeyAction::Revoke
        }
        other => !needs_admin_key(other),
    })
}

/// Executes one record: one call per kind.
pub(crate) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &Record,
) -> Result<(), Fault> {
    if let Some(occurred_at) = record.occurred_at() {
        draft.check_not_future(occurred_at, context.future_ms)?;
    }
    match record {
        Record::Register(record) => register::run(draft, context, record),
        Record::Pack(record) => pack::run(draft, context, record),
        Record::Unpack(record) => unpack::run(draft, context, record),
        Record::Ship(record) => ship::run(draft, context, record),
        Record::Receive(record) => receive::run(draft, context, record),
        Record::Install(record) => install::run(draft, context, record),
        Record::SetMember(record) => set_member::run(draft, context, record),
        Record::SetKey(record) => set_key::run(draft, context, record),
        Record::SetSite(record) => set_site::run(draft, context, record),
        _ => reject(Code::ExecutionFailed, "not yet"),
    }
}

#[cfg(test)]
pub(crate) mod tests;
