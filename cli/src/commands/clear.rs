//! `clear`: a customs decision on a consignment: exit, entry or transit.

use chipledger_schemas::ids::{DocumentId, MemberId, Reference};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::{Clear, Record};
use chipledger_schemas::time::Time;
use chipledger_schemas::words::{CustomsDecision, CustomsStage, HsCode};

use super::act::SealedArgs;
use crate::error::Failure;
use crate::output::Output;

/// A customs decision on a consignment: exit, entry or transit.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The decision, MEMBER:REFERENCE; its member is the customs authority.
    #[arg(long)]
    clearance: DocumentId,
    /// exit, entry or transit.
    #[arg(long)]
    stage: CustomsStage,
    /// allow, hold or refuse; a later one replaces it.
    #[arg(long)]
    decision: CustomsDecision,
    /// Who declared.
    #[arg(long)]
    declarant: MemberId,
    /// The shipment, once it is under way.
    #[arg(long)]
    shipment: Option<DocumentId>,
    /// Jurisdiction that the goods come from.
    #[arg(long)]
    from: Jurisdiction,
    /// Jurisdiction that they go to.
    #[arg(long)]
    to: Jurisdiction,
    /// Movement reference number.
    #[arg(long)]
    mrn: Reference,
    /// Declared goods code.
    #[arg(long)]
    hs: Option<HsCode>,
    /// Declared number of accelerators.
    #[arg(long)]
    chips: u64,
    /// Declared gross mass, grams.
    #[arg(long)]
    mass_g: Option<u64>,
    /// Declared origin.
    #[arg(long)]
    origin: Option<Jurisdiction>,
    /// First event time no longer covered.
    #[arg(long, value_name = "TIME")]
    valid_until: Time,
    /// Declared value, sealed to --seal-to.
    #[arg(long, requires = "seal_to", value_name = "TEXT")]
    value: Option<String>,
    #[command(flatten)]
    sealed: SealedArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let text = self.value.as_deref();
        self.sealed.act(out, text, |occurred_at, value| {
            Record::Clear(Clear {
                clearance: self.clearance,
                stage: self.stage,
                decision: self.decision,
                declarant: self.declarant,
                shipment: self.shipment,
                from: self.from,
                to: self.to,
                mrn: self.mrn,
                hs: self.hs,
                chips: self.chips,
                mass_g: self.mass_g,
                value,
                origin: self.origin,
                valid_until: self.valid_until,
                occurred_at,
            })
        })
    }
}
