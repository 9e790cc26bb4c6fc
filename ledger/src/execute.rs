//! Execution: what a block does, decided by a pure function of committed state and the block.
//!
//! ```text
//! transactions -> Draft (one rule per record kind) -> Changes -> roots -> header
//! ```
//!
//! **Invariant:** no clock, randomness, float, map of random order, thread or I/O below this point.

use std::collections::BTreeSet;

use chipledger_proof::state::{Chain, Key};
use chipledger_schemas::ids::RecordId;
use chipledger_schemas::records::Record;
use chipledger_schemas::time::Time;

use crate::authority::Signers;
use crate::rejection::{Code, Fault, Rejection, reject};
use crate::state::{Draft, State};
use crate::verify::{VerifiedTransaction, needs_admin_key};

mod annotate;
mod approve;
mod approve_run;
mod attest_location;
mod break_seal;
mod clear;
mod close_alert;
mod correct;
mod declare_inventory;
mod declare_payment;
mod declare_production;
mod declare_run;
mod decommission;
mod destroy;
mod device_report;
mod dispute;
mod evidence;
pub mod genesis;
mod holding;
mod inspect;
mod install;
mod order;
mod pack;
mod policy;
mod propose;
mod receive;
mod redirect;
mod register;
mod remove;
mod replace;
mod report_energy;
mod report_equivocation;
mod schedule_upgrade;
mod seal;
mod set_key;
mod set_licence;
mod set_limit;
mod set_loss;
mod set_member;
mod set_model;
mod set_policy;
mod set_seizure;
mod set_site;
mod set_use;
mod set_validators;
mod ship;
mod sighting;
mod succeed_member;
mod suspend_member;
mod tip;
mod transfer_title;
mod unpack;
mod validators;
mod vet_member;
mod void_shipment;
mod withdraw;

/// Most earlier blocks whose transactions one block forgets, because their windows have ended; one
/// that is forgotten late hides nothing, because its transactions are refused as expired.
const WINDOWS_PER_BLOCK: usize = 100;

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

/// Begins a block: closes windows that ended, brings the next validators and a due upgrade in
/// force.
pub fn begin<S: State>(draft: &mut Draft<'_, S>, chain: &mut Chain) -> Result<(), Fault> {
    let time = draft.at.time;
    for (_, height) in draft.state().ended_windows(time, WINDOWS_PER_BLOCK)? {
        draft.remove(Key::Transactions(height));
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
    let future_ms = draft
        .look::<Chain, _>(&Key::Chain, |chain| chain.bounds.future_ms_max)?
        .expect("a ledger has its chain entry");
    check_window(draft.at.time, body.valid_from, body.valid_until)?;
    if draft.has_seen(&verified.id())? {
        return reject(
            Code::DuplicateTransaction,
            format!("{} was seen", verified.id()),
        );
    }
    let signers = signers(draft, verified)?;
    let context = Context {
        signers: &signers,
        future_ms,
    };
    draft.see(verified.id(), body.valid_until);
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
        Record::SetMember(record) => set_member::run(draft, context, record),
        Record::VetMember(record) => vet_member::run(draft, context, record),
        Record::SuspendMember(record) => suspend_member::run(draft, context, record),
        Record::SucceedMember(record) => succeed_member::run(draft, context, record),
        Record::SetKey(record) => set_key::run(draft, context, record),
        Record::SetSite(record) => set_site::run(draft, context, record),
        Record::SetModel(record) => set_model::run(draft, context, record),
        Record::SetLicence(record) => set_licence::run(draft, context, record),
        Record::SetLimit(record) => set_limit::run(draft, context, record),
        Record::SetPolicy(record) => set_policy::run(draft, context, record),
        Record::SetValidators(record) => set_validators::run(draft, context, record),
        Record::ScheduleUpgrade(record) => schedule_upgrade::run(draft, context, record),
        Record::Propose(record) => propose::run(draft, context, record),
        Record::Approve(record) => approve::run(draft, context, record),
        Record::Withdraw(record) => withdraw::run(draft, context, record),
        Record::Register(record) => register::run(draft, context, record),
        Record::Order(record) => order::run(draft, context, record),
        Record::Pack(record) => pack::run(draft, context, record),
        Record::Unpack(record) => unpack::run(draft, context, record),
        Record::Seal(record) => seal::run(draft, context, record),
        Record::BreakSeal(record) => break_seal::run(draft, context, record),
        Record::Ship(record) => ship::run(draft, context, record),
        Record::VoidShipment(record) => void_shipment::run(draft, context, record),
        Record::Redirect(record) => redirect::run(draft, context, record),
        Record::Clear(record) => clear::run(draft, context, record),
        Record::Receive(record) => receive::run(draft, context, record),
        Record::TransferTitle(record) => transfer_title::run(draft, context, record),
        Record::SetUse(record) => set_use::run(draft, context, record),
        Record::Install(record) => install::run(draft, context, record),
        Record::Remove(record) => remove::run(draft, context, record),
        Record::Decommission(record) => decommission::run(draft, context, record),
        Record::Destroy(record) => destroy::run(draft, context, record),
        Record::SetLoss(record) => set_loss::run(draft, context, record),
        Record::SetSeizure(record) => set_seizure::run(draft, context, record),
        Record::Replace(record) => replace::run(draft, context, record),
        Record::DeclareInventory(record) => declare_inventory::run(draft, context, record),
        Record::Inspect(record) => inspect::run(draft, context, record),
        Record::Sighting(record) => sighting::run(draft, context, record),
        Record::AttestLocation(record) => attest_location::run(draft, context, record),
        Record::DeviceReport(record) => device_report::run(draft, context, record),
        Record::ReportEnergy(record) => report_energy::run(draft, context, record),
        Record::DeclareProduction(record) => declare_production::run(draft, context, record),
        Record::DeclareRun(record) => declare_run::run(draft, context, record),
        Record::ApproveRun(record) => approve_run::run(draft, context, record),
        Record::DeclarePayment(record) => declare_payment::run(draft, context, record),
        Record::Tip(record) => tip::run(draft, context, record),
        Record::Dispute(record) => dispute::run(draft, context, record),
        Record::Correct(record) => correct::run(draft, context, record),
        Record::Annotate(record) => annotate::run(draft, context, record),
        Record::CloseAlert(record) => close_alert::run(draft, context, record),
        Record::ReportEquivocation(record) => report_equivocation::run(draft, context, record),
    }
}

#[cfg(test)]
pub(crate) mod cases;
#[cfg(test)]
pub(crate) mod tests;
