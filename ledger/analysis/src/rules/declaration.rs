//! D5: declared goods disagree with what is registered.

use std::collections::{BTreeMap, BTreeSet};

use chipledger_ledger::read::QueryError;
use chipledger_proof::state::ModelNumber;
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::register::Origin;
use chipledger_schemas::records::{Clear, Record};
use chipledger_schemas::words::CustomsStage;

use super::calendar::date;
use super::id::RuleId;
use super::parameters::Name;
use super::shares::count;
use super::{About, Rule, Scene, Told};

/// HS 2022 headings under which accelerators and what contains them are declared.
const HEADINGS: [&str; 3] = ["8471", "8473", "8542"];

/// Where each model was made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declaration {
    made_in: BTreeMap<ModelNumber, BTreeSet<Jurisdiction>>,
}

impl Rule for Declaration {
    const ABOUT: About = About {
        id: RuleId::of(5),
        version: 1,
        name: "declaration disagrees with content",
        why: "Relabelled goods pass as something else: another goods code, another origin, another \
            weight or number than the registered content has.",
        innocent: &[
            "the broker used the code of the last consignment",
            "the mass is that of the container, or leaves out the packing",
            "the consignment was split after the declaration was made",
        ],
        next: &[
            "ask the declarant for invoice and packing list",
            "open the consignment and compare labels with the registered ids",
            "look at earlier declarations of the same declarant and broker",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        match told.record {
            Record::Register(register) if register.origin == Origin::Made => {
                if let Some(model) = scene.watch.model_number(&register.model) {
                    let place = scene.watch.place_of(&register.site);
                    self.made_in.entry(model).or_default().insert(place);
                }
            }
            Record::Clear(clear) => self.judge(scene, told, clear),
            _ => {}
        }
        Ok(())
    }
}

impl Declaration {
    fn judge(&self, scene: &mut Scene<'_, '_>, told: &Told<'_>, clear: &Clear) {
        let watch = scene.watch;
        let mut wrong = Vec::new();
        let heading = clear.hs.as_ref().map(std::string::ToString::to_string);
        if let Some(hs) = heading.filter(|hs| !HEADINGS.iter().any(|known| hs.starts_with(known))) {
            wrong.push(format!("goods code {hs} is not one of accelerators"));
        }
        let each = clear.mass_g.and_then(|mass| mass.checked_div(clear.chips));
        if let Some(grams) = each {
            let least = watch.parameters.at(Name::MassMinGrams, told.time);
            let most = watch.parameters.at(Name::MassMaxGrams, told.time);
            if grams < least || grams > most {
                wrong.push(format!(
                    "{grams} g for each accelerator, where {least} to {most} g are usual"
                ));
            }
        }
        let shipment = clear
            .shipment
            .as_ref()
            .and_then(|id| watch.shipments.get(id));
        if let Some(shipment) = shipment.filter(|_| clear.stage == CustomsStage::Entry) {
            let under_way = count(&shipment.under_way);
            if clear.chips != under_way {
                wrong.push(format!(
                    "{} accelerators declared, {under_way} registered in the shipment",
                    clear.chips
                ));
            }
            let made: BTreeSet<&Jurisdiction> = shipment
                .under_way
                .keys()
                .filter_map(|model| self.made_in.get(model))
                .flatten()
                .collect();
            if let Some(origin) = clear.origin
                && !made.is_empty()
                && !made.contains(&origin)
            {
                let made: Vec<String> = made.into_iter().map(ToString::to_string).collect();
                wrong.push(format!(
                    "origin {origin} declared, registered as made in {}",
                    made.join(", ")
                ));
            }
        }
        if wrong.is_empty() {
            return;
        }
        let story = vec![
            format!(
                "{} declared {} to {} on {} ({} of {} to {}, reference {}).",
                clear.declarant,
                clear.clearance,
                told.author(),
                date(clear.occurred_at),
                clear.stage,
                clear.from,
                clear.to,
                clear.mrn,
            ),
            format!("What disagrees: {}.", wrong.join("; ")),
        ];
        let stake = shipment.map_or_else(Default::default, |s| watch.stake(&s.under_way));
        let mut records = vec![told.spot];
        records.extend(shipment.map(|shipment| shipment.opened));
        match &clear.shipment {
            Some(id) => scene.raise(("shipment", id), records, (stake, story)),
            None => scene.raise(("clearance", &clear.clearance), records, (stake, story)),
        }
    }
}
