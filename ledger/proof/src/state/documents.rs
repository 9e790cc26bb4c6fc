//! Documents of members: shipments, licences, orders, clearances, proposals, and so on.

use std::collections::BTreeSet;

use chipledger_schemas::ids::{DocumentId, MemberId, RecordId, Reference, SiteId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::approve_run::RunDecision;
use chipledger_schemas::records::close_alert::AlertOutcome;
use chipledger_schemas::records::declare_run::DeclareRun;
use chipledger_schemas::records::nested::Nested;
use chipledger_schemas::records::order::OrderLine;
use chipledger_schemas::records::set_licence::LicenceTerms;
use chipledger_schemas::records::{SetLimit, SetPolicy};
use chipledger_schemas::time::Time;
use chipledger_schemas::words::{CustomsDecision, CustomsStage};
use serde::{Deserialize, Serialize};

/// How far a shipment is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShipmentState {
    /// Under way, in part at least.
    Open,
    /// Nothing is under way any more.
    Closed,
    /// Taken back before departure.
    Void,
}

/// A shipment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Shipment {
    /// Named receiver.
    pub to: MemberId,
    /// Where it left.
    pub from_site: SiteId,
    /// Where it goes.
    pub to_site: SiteId,
    /// Who carries.
    pub carrier: Option<MemberId>,
    /// Event time of departure.
    pub shipped_at: Time,
    /// Expected arrival.
    pub expected_at: Time,
    /// Roots under way: in this transit, and neither lost nor seized.
    pub outstanding: u64,
    /// Roots reported lost or stolen on the way: still booked in this transit.
    pub lost: u64,
    /// Roots shipped.
    pub shipped: u64,
    /// Roots or parts reported missing so far.
    pub missing: u64,
    /// Roots received or refused so far.
    pub received: u64,
    /// How far it is.
    pub state: ShipmentState,
    /// The order that it answers.
    pub order: Option<DocumentId>,
    /// The licence that it uses.
    pub licence: Option<DocumentId>,
    /// Chips counted against the licence.
    pub licence_chips: u64,
    /// Thousandths of TPP counted against the licence.
    pub licence_tpp_milli: u64,
    /// The exit clearance.
    pub clearance: Option<DocumentId>,
    /// The shipment whose refused goods it brings back.
    pub return_of: Option<DocumentId>,
    /// The record that opened it.
    pub record: RecordId,
    /// What held before each redirect that stands, oldest first; at most [`REDIRECTS_MAX`].
    pub redirects: Vec<Redirected>,
    /// Roots that the shipper took back by voiding it.
    pub voided: u64,
}

/// The most redirects of a shipment that stand.
pub const REDIRECTS_MAX: usize = 8;

/// The terms of a shipment before a redirect.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Redirected {
    /// The record that put others in their place.
    pub record: RecordId,
    /// Its event time.
    pub until: Time,
    /// Named receiver.
    pub to: MemberId,
    /// Where it went.
    pub to_site: SiteId,
    /// Expected arrival.
    pub expected_at: Time,
    /// The licence that it used.
    pub licence: Option<DocumentId>,
    /// The exit clearance.
    pub clearance: Option<DocumentId>,
}

/// A licence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Licence {
    /// The terms in force.
    pub terms: LicenceTerms,
    /// Chips used.
    pub chips_used: u64,
    /// Thousandths of TPP used.
    pub tpp_milli_used: u64,
    /// Block time of its revocation.
    pub revoked_at: Option<Time>,
}

/// A limit, as set.
pub type Limit = SetLimit;
/// A policy, as set.
pub type Policy = SetPolicy;

/// An order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Order {
    /// From whom.
    pub seller: MemberId,
    /// What and how many.
    pub lines: Vec<OrderLine>,
    /// Where to.
    pub to_site: SiteId,
    /// When.
    pub ordered_at: Time,
    /// Chips shipped under it so far.
    pub chips_shipped: u64,
}

/// A customs decision.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Clearance {
    /// Exit, entry or transit.
    pub stage: CustomsStage,
    /// The decision now in force.
    pub decision: CustomsDecision,
    /// Who declared.
    pub declarant: MemberId,
    /// The shipment.
    pub shipment: Option<DocumentId>,
    /// Where from.
    pub from: Jurisdiction,
    /// Where to.
    pub to: Jurisdiction,
    /// Movement reference number.
    pub mrn: Reference,
    /// Declared number of accelerators.
    pub chips: u64,
    /// Of which used by shipments.
    pub chips_used: u64,
    /// First event time no longer covered.
    pub valid_until: Time,
}

/// A proposal under vote.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Proposal {
    /// What would act.
    pub record: Nested,
    /// Block time after which it can no longer be approved.
    pub expires_at: Time,
    /// Regulators that approved.
    pub approvals: BTreeSet<MemberId>,
    /// Whether it acted, or was withdrawn.
    pub closed: bool,
}

/// A declared training run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Run {
    /// The declaration.
    pub declared: DeclareRun,
    /// Decisions, by regulator.
    pub decisions: Vec<(MemberId, RunDecision)>,
}

/// How an alert was closed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Alert {
    /// By whom.
    pub by: MemberId,
    /// How.
    pub outcome: AlertOutcome,
    /// The record that says why.
    pub record: RecordId,
}
