//! D19: energy outside of what the booked chips can draw.

use chipledger_ledger::read::QueryError;
use chipledger_schemas::records::{Record, ReportEnergy};
use chipledger_schemas::time::HOUR_MS;
use chipledger_schemas::words::Status;

use super::calendar::date;
use super::capacity::rated_w;
use super::id::RuleId;
use super::parameters::Name;
use super::shares::count;
use super::{About, Rule, Scene, Told};

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Energy;

impl Rule for Energy {
    const ABOUT: About = About {
        id: RuleId::of(19),
        version: 1,
        name: "energy does not fit the chips",
        why: "Chips that draw nothing are not there; energy that no booked chip draws is drawn by \
            others.",
        innocent: &[
            "the cluster was down for a part of the period",
            "the meter serves other halls too, or only a part of this one",
            "chips came or went within the period",
        ],
        next: &[
            "ask the operator for the load curve, and the grid operator for its own",
            "visit: count what runs",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        if let Record::ReportEnergy(report) = told.record {
            judge(scene, told, report);
        }
        Ok(())
    }
}

fn judge(scene: &mut Scene<'_, '_>, told: &Told<'_>, report: &ReportEnergy) {
    let watch = scene.watch;
    let installed = watch.at_site(&report.site, Status::Installed);
    if count(&installed) < watch.parameters.at(Name::EnergyChipsMin, told.time) {
        return;
    }
    let rated = installed.keys().all(|model| {
        let model = watch.model(*model);
        model.is_some_and(|model| model.tdp_w.is_some())
    });
    let span_ms = report.until.since_ms(report.from);
    let watts = rated_w(watch, &installed);
    // Energy of the whole site, without what its cooling takes.
    let it_wh =
        u128::from(report.energy_wh) * 1_000 / u128::from(report.pue_milli.unwrap_or(1_000).max(1));
    let drawn_w = it_wh * u128::from(HOUR_MS) / u128::from(span_ms.max(1));
    let low = watts * u128::from(watch.parameters.at(Name::EnergyLowPercent, told.time)) / 100;
    let high = watts * u128::from(watch.parameters.at(Name::EnergyHighPercent, told.time)) / 100;
    if !rated || (low..=high).contains(&drawn_w) {
        return;
    }
    let story = vec![format!(
        "{} reported for {} from {} to {} energy of {} kW on average without cooling; the {} chips \
         that the book has in operation there are rated {} kW, and {} to {} kW would fit them.",
        told.author(),
        report.site,
        date(report.from),
        date(report.until),
        drawn_w / 1_000,
        count(&installed),
        watts / 1_000,
        low / 1_000,
        high / 1_000,
    )];
    let stake = watch.stake(&installed);
    scene.raise(("site", &report.site), vec![told.spot], (stake, story));
}
