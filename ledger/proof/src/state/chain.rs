//! Singletons: where the chain stands, and the catalogue.

use chipledger_schemas::catalogue::{ModelId, ModelVersion};
use chipledger_schemas::certificate::ValidatorSet;
use chipledger_schemas::genesis::{Bounds, Clock};
use chipledger_schemas::ids::{GenesisHash, Height};
use chipledger_schemas::time::Time;
use serde::{Deserialize, Serialize};

use crate::state::ModelNumber;

/// A protocol version that is to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Upgrade {
    /// The version.
    pub version: u32,
    /// First height that has it.
    pub height: Height,
}

/// Where the chain stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Chain {
    /// The ledger.
    pub genesis: GenesisHash,
    /// How block time is made.
    pub clock: Clock,
    /// Bounds on records and blocks.
    pub bounds: Bounds,
    /// Whether fewer than four validators may run it.
    pub solo: bool,
    /// Time of the last block.
    pub time: Time,
    /// Who certifies the last block.
    pub validators: ValidatorSet,
    /// Who certifies the next one.
    pub next_validators: ValidatorSet,
    /// Who certifies the one after.
    pub later_validators: ValidatorSet,
    /// Protocol version in force.
    pub protocol: u32,
    /// The one that is to come.
    pub upgrade: Option<Upgrade>,
}

/// A model of the catalogue with all its versions, oldest first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CatalogueModel {
    /// Its key.
    pub id: ModelId,
    /// TPP of the latest version, thousandths; absent if unknown.
    pub tpp_milli: Option<u64>,
    /// How many versions it has; they stand under [`crate::state::Key::Model`].
    pub versions: u32,
}

/// The catalogue as one leaf: a model's number is its position.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Catalogue(pub Vec<CatalogueModel>);

impl Catalogue {
    /// The catalogue that ledgers of the built-in edition start with.
    pub fn builtin() -> Self {
        let builtin = chipledger_schemas::catalogue::Catalogue::builtin();
        let model = |(id, version): (&ModelId, &ModelVersion)| CatalogueModel {
            id: id.clone(),
            tpp_milli: version.tpp_milli,
            versions: 1,
        };
        Self(builtin.models.iter().map(model).collect())
    }

    /// A model's number.
    pub fn number(&self, id: &ModelId) -> Option<ModelNumber> {
        let position = self.0.iter().position(|model| model.id == *id)?;
        u16::try_from(position).ok().map(ModelNumber)
    }

    /// A model by number.
    pub fn get(&self, number: ModelNumber) -> Option<&CatalogueModel> {
        self.0.get(usize::from(number.0))
    }
}
