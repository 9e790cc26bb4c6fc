//! `set_model`: the quorum adds a version of a model's figures; earlier versions stay, and so does
//! the number of the model.

use chipledger_proof::state::{Catalogue, CatalogueModel, Key, ModelVersions};
use chipledger_schemas::records::SetModel;

use super::Context;
use crate::rejection::{Code, Fault, reject};
use crate::state::{Draft, State};

/// Most models: their numbers have 16 bits.
const MODELS_MAX: usize = 1 << 16;

pub(super) fn run<S: State>(
    draft: &mut Draft<'_, S>,
    context: &Context<'_>,
    record: &SetModel,
) -> Result<(), Fault> {
    draft.require_quorum(context.signers)?;
    let key = Key::Model(record.model.clone());
    let mut versions = draft
        .get::<ModelVersions>(&key)?
        .unwrap_or(ModelVersions(Vec::new()));
    let latest = versions.0.last().map_or(0, |version| version.version);
    let next = latest.checked_add(1);
    if next != Some(record.version.version) {
        return reject(
            Code::ModelVersionMismatch,
            format!("the latest version of {} is {latest}", record.model),
        );
    }
    versions.0.push(record.version.clone());
    list(draft, record)?;
    draft.put(key, versions);
    Ok(())
}

/// Brings the figures that totals are weighed by into the catalogue leaf.
fn list<S: State>(draft: &mut Draft<'_, S>, record: &SetModel) -> Result<(), Fault> {
    let mut catalogue = draft.get::<Catalogue>(&Key::Catalogue)?.unwrap_or_default();
    let entry = CatalogueModel {
        id: record.model.clone(),
        tpp_milli: record.version.tpp_milli,
        versions: record.version.version,
    };
    let number = catalogue.0.iter().position(|m| m.id == record.model);
    match number {
        Some(number) => catalogue.0[number] = entry,
        None if catalogue.0.len() >= MODELS_MAX => {
            return reject(Code::ContentTooLarge, "the catalogue has 65,536 models");
        }
        None => catalogue.0.push(entry),
    }
    draft.put(Key::Catalogue, catalogue);
    Ok(())
}

#[cfg(test)]
mod tests;
