//! `sample`: how many chips of a site an inspector looks at.

use chipledger_analysis::hypergeometric::Probability;
use chipledger_analysis::plan::{Aim, Goal};
use chipledger_analysis::sample::{self, Design, Stratum};
use chipledger_ledger::answers;
use chipledger_schemas::catalogue::H100_TPP;
use chipledger_schemas::catalogue::decimal;
use chipledger_schemas::ids::SiteId;

use crate::error::Failure;
use crate::output::{Answer, Output, Table, Value};
use crate::session::{self, LedgerArgs, MomentArgs};

/// Says how many chips of a site must be looked at to find out, with a probability, if some are
/// missing. Nothing is drawn: that takes `sample-plan`, the next block, and `sample-draw`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    aim: AimArgs,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// What an inspection shall find out.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct AimArgs {
    /// The site.
    #[arg(value_name = "SITE")]
    site: SiteId,
    /// Chips that would be missing.
    #[arg(
        long,
        value_name = "CHIPS",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(sample::CHIPS_MAX)),
        required_unless_present = "missing_h100e"
    )]
    missing: Option<u32>,
    /// Compute that would be missing, in H100 equivalents, such as 16.
    #[arg(long, value_name = "H100E", value_parser = quantity, conflicts_with = "missing")]
    missing_h100e: Option<u64>,
    /// With what probability the sample shows it: 90% or 0.9.
    #[arg(long, value_name = "P", default_value = "90%")]
    probability: Probability,
}

/// H100 equivalents in thousandths of TPP.
fn quantity(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no number of H100 equivalents; write 16 or 16.5");
    let milli = decimal::parse(text, 3).map_err(|_| wrong())?;
    let tpp = milli.checked_mul(H100_TPP).filter(|tpp| *tpp > 0);
    tpp.ok_or_else(wrong)
}

impl AimArgs {
    pub(super) fn aim(&self) -> Aim {
        let chips = self.missing.map(Goal::Chips);
        let tpp = self.missing_h100e.map(Goal::TppMilli);
        Aim {
            site: self.site.clone(),
            goal: chips.or(tpp).unwrap_or(Goal::Chips(1)),
            probability: self.probability,
        }
    }
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let store = self.ledger.read_directory()?;
        let view = store.view();
        let as_of = self.moment.as_of();
        let moment = view.moment(as_of)?;
        let design = sample::design(&view, &self.aim.aim(), moment)?;
        let told = answers::answer(&store, moment, as_of.basis(), design);
        let head = facts(session::answer(&told), &told.answer);
        out.print(&head.table(table(&told.answer)))
    }
}

/// What is said of all of a design.
pub(super) fn facts(head: Answer, design: &Design) -> Answer {
    let head = head.fact("site", "site", design.aim.site.to_string());
    let head = match design.aim.goal {
        Goal::Chips(chips) => head.fact("missing_chips", "missing chips (d)", u64::from(chips)),
        Goal::TppMilli(tpp) => {
            head.fact("missing_tpp_milli", "missing TPP", Value::milli(tpp.into()))
        }
    };
    let head = head
        .fact(
            "probability_ppm",
            "probability of detection %",
            percent(design.aim.probability.ppm()),
        )
        .fact("held_chips", "chips booked (N)", design.held)
        .fact("sample_chips", "chips to look at (n)", design.sample);
    let head = match design.unstratified {
        Some(sample) => head.fact("sample_unstratified_chips", "n without strata", sample),
        None => head,
    };
    let head = match design.detection_ppm {
        Some(ppm) => head.fact("detection_ppm", "probability reached %", percent(ppm)),
        None => head,
    };
    head.fact(
        "reported_missing_chips",
        "reported lost or stolen, not drawn from",
        design.reported_missing,
    )
}

fn percent(ppm: u32) -> Value {
    Value::Scaled {
        value: ppm.into(),
        digits: 4,
        shown: 4,
    }
}

fn table(design: &Design) -> Table {
    let row = |stratum: &Stratum| {
        vec![
            stratum.model.as_str().into(),
            stratum.held.into(),
            stratum.missing.into(),
            stratum.sample.into(),
            stratum.disputed.into(),
            stratum.irregular.into(),
        ]
    };
    Table {
        columns: vec![
            ("model", "model"),
            ("held_chips", "booked (N)"),
            ("missing_chips", "missing (d)"),
            ("sample_chips", "to look at (n)"),
            ("disputed_chips", "of N disputed"),
            ("irregular_chips", "of N irregular"),
        ],
        rows: design.strata.iter().map(row).collect(),
        total: None,
    }
}
