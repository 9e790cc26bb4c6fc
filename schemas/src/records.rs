//! Records: one signed statement each, one kind per file.
//!
//! The order of the kinds below is part of the canonical bytes: a new kind goes to the end of the
//! list.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::items::ItemSet;
use crate::time::Time;
use check::{Check, FieldError};

pub mod check;
pub mod nested;

macro_rules! records {
    ($($group:ident { $($(#[$doc:meta])* $variant:ident = $module:ident,)* })*) => {
        $($(pub mod $module;)*)*
        $($(pub use $module::$variant;)*)*

        /// One signed statement. JSON: `{"register": {...}}`.
        #[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Record {
            $($($(#[$doc])* $variant($variant),)*)*
        }

        /// The kind of a record.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[derive(Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind {
            $($($(#[$doc])* $variant,)*)*
        }

        impl Record {
            /// Which kind it is.
            pub fn kind(&self) -> Kind {
                match self { $($(Self::$variant(_) => Kind::$variant,)*)* }
            }

            fn inner(&self) -> &dyn Check {
                match self { $($(Self::$variant(record) => record,)*)* }
            }
        }

        impl Kind {
            /// Every kind, in canonical order.
            pub const ALL: &'static [Self] = &[$($(Self::$variant,)*)*];

            /// The kind's name in JSON, the CLI and the docs.
            pub fn name(self) -> &'static str {
                match self { $($(Self::$variant => stringify!($module),)*)* }
            }

            /// JSON text of the kind's examples.
            pub(crate) fn example_text(self) -> &'static str {
                match self {
                    $($(Self::$variant => {
                        include_str!(concat!("examples/", stringify!($module), ".json"))
                    })*)*
                }
            }

            /// The schema of the kind's fields, and its place among the generator's definitions.
            pub(crate) fn subschema(
                self,
                generator: &mut schemars::SchemaGenerator,
            ) -> schemars::Schema {
                match self { $($(Self::$variant => generator.subschema_for::<$variant>(),)*)* }
            }

            /// Parties and policy, custody, or evidence.
            pub fn group(self) -> Group {
                match self { $($(Self::$variant => Group::$group,)*)* }
            }
        }
    };
}

/// What a record is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Group {
    /// Parties and policy.
    Governance,
    /// What happened to items.
    Custody,
    /// What somebody saw.
    Evidence,
}

records! {
    Governance {
        /// Admits an organisation or changes what the ledger knows of it.
        SetMember = set_member,
        /// Outcome of a background check of a member, by a customs or regulator member.
        VetMember = vet_member,
        /// Suspends a member (its validator with it) or reinstates it.
        SuspendMember = suspend_member,
        /// One member takes over everything of another: merger, insolvency.
        SucceedMember = succeed_member,
        /// Adds or revokes a signing key of a member.
        SetKey = set_key,
        /// Declares or changes a site; countersigned by customs of the claimed jurisdiction.
        SetSite = set_site,
        /// Adds a version of a catalogue entry.
        SetModel = set_model,
        /// Grants, changes or revokes a licence.
        SetLicence = set_licence,
        /// Sets a dated cap or threshold on pooled compute.
        SetLimit = set_limit,
        /// Puts a dated rule of policy in force; policy is data, never code.
        SetPolicy = set_policy,
        /// Replaces the validator set.
        SetValidators = set_validators,
        /// Schedules the protocol version that blocks have from a height on.
        ScheduleUpgrade = schedule_upgrade,
        /// Puts a governance record to the vote of the regulators.
        Propose = propose,
        /// A regulator's vote for a proposal; the one that completes the quorum makes it act.
        Approve = approve,
        /// Takes back a proposal, by its proposer.
        Withdraw = withdraw,
    }
    Custody {
        /// Brings chips into the ledger: by their fab, or as opening stock of unverified origin by
        /// their holder.
        Register = register,
        /// A buyer orders chips; what is shipped can be compared with it.
        Order = order,
        /// Puts items into units, the same number into each, in order; a unit that is new is
        /// created.
        Pack = pack,
        /// Takes items out of whatever contains them; each becomes a root where it is.
        Unpack = unpack,
        /// Puts a numbered seal on units.
        Seal = seal,
        /// Records that a seal was broken.
        BreakSeal = break_seal,
        /// Sends roots from the site where they are to a named receiver; opens a shipment.
        Ship = ship,
        /// Takes a shipment back before departure; names every item still under way.
        VoidShipment = void_shipment,
        /// Gives an open shipment another destination; names every item still under way.
        Redirect = redirect,
        /// A customs decision on a consignment: exit, entry or transit.
        Clear = clear,
        /// The receiver says what arrived, item by item; closes its part of the shipment.
        Receive = receive,
        /// Passes ownership; the new owner co-signs.
        TransferTitle = transfer_title,
        /// Says who computes on the items: a lease, a cloud tenant; ends it if absent.
        SetUse = set_use,
        /// Puts items into operation where they are.
        Install = install,
        /// Takes items out of operation, back to stock.
        Remove = remove,
        /// Ends the working life of items that stay where they are.
        Decommission = decommission,
        /// Ends items for good; a witness (inspector, customs or regulator) co-signs.
        Destroy = destroy,
        /// Reports items lost or stolen, or recovered.
        SetLoss = set_loss,
        /// An authority seizes items where they are, under way too, or releases them.
        SetSeizure = set_seizure,
        /// A repair swap: the new chip takes the old one's place, the old one becomes a root.
        Replace = replace,
    }
    Evidence {
        /// A signed physical listing of a site.
        DeclareInventory = declare_inventory,
        /// Result of an inspection, by an inspector, customs or regulator member.
        Inspect = inspect,
        /// An id was seen where the book does not have it; moves nothing, and the id may be
        /// unknown.
        Sighting = sighting,
        /// Evidence of where chips are: a region and a digest, never a bare point.
        AttestLocation = attest_location,
        /// Chip-based reporting, signed by the chip's registered key.
        DeviceReport = device_report,
        /// Energy that a site drew in a period.
        ReportEnergy = report_energy,
        /// A fab's production of one model in a period.
        DeclareProduction = declare_production,
        /// A training run: who, where, on what, how much.
        DeclareRun = declare_run,
        /// A regulator's decision on a training run.
        ApproveRun = approve_run,
        /// Financial intelligence: a payment that belongs to an order.
        DeclarePayment = declare_payment,
        /// A whistleblower's message, sealed, entered by a regulator after a random delay.
        Tip = tip,
        /// Marks items as disputed, or resolves it; the account does not change.
        Dispute = dispute,
        /// Undoes the latest movement of the items it names, and may put another in its place.
        Correct = correct,
        /// A note on a record; changes nothing.
        Annotate = annotate,
        /// A disposition of an alert by a customs, regulator or inspector member.
        CloseAlert = close_alert,
        /// A validator's key signed two different things at one step of consensus.
        ReportEquivocation = report_equivocation,
    }
}

impl Record {
    /// Checks what can be seen without the ledger: bounds, order, non-emptiness.
    ///
    /// # Errors
    /// [`FieldError`] names the field and what it should be.
    pub fn check(&self) -> Result<(), FieldError> {
        self.inner().check()
    }

    /// The item sets that it names, in the order of its fields.
    pub fn items(&self) -> Vec<&ItemSet> {
        self.inner().items()
    }

    /// Items named, single ids included: the number of item-events if it is a movement. Known from
    /// the encoding alone, before anything is expanded; saturates.
    pub fn item_events(&self) -> u64 {
        let single = match self {
            Self::Replace(_) => 2,
            Self::DeviceReport(_) | Self::Sighting(_) => 1,
            Self::Correct(correct) => correct.replacement.as_ref().map_or(0, |r| r.item_events()),
            _ => 0,
        };
        self.items()
            .iter()
            .fold(single, |sum, set| sum.saturating_add(set.len()))
    }

    /// When it happened, if the kind says so.
    pub fn occurred_at(&self) -> Option<Time> {
        self.inner().occurred_at()
    }
}

impl Kind {
    /// Whether it is about parties and policy.
    pub fn is_governance(self) -> bool {
        self.group() == Group::Governance
    }

    /// Whether it says what happened to items.
    pub fn is_custody(self) -> bool {
        self.group() == Group::Custody
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}
