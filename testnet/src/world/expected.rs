//! What a ledger that loaded the world must answer, computed straight from the table of clusters.
//!
//! This file knows nothing of journeys: it is the other side of the comparison.

use std::collections::BTreeMap;

use chipledger_schemas::catalogue::{Catalogue, ModelId};
use chipledger_schemas::jurisdiction::Jurisdiction;

use super::cluster::Clusters;
use super::scale::Scale;

/// A pool of compute.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pool {
    /// Accelerators.
    pub chips: u64,
    /// Thousandths of TPP of those whose model has a known TPP.
    pub tpp_milli: u64,
    /// Accelerators of models without a known TPP.
    pub chips_of_unknown_tpp: u64,
}

/// The pools that the loaded world must end with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Expected {
    /// By the jurisdiction of the place; `ZZ` is a row of its own.
    pub by_jurisdiction: BTreeMap<Jurisdiction, Pool>,
    /// By model.
    pub by_model: BTreeMap<ModelId, Pool>,
    /// Everything.
    pub total: Pool,
}

impl Pool {
    fn add(&mut self, chips: u64, tpp_milli: Option<u64>) {
        self.chips += chips;
        match tpp_milli {
            Some(tpp) => self.tpp_milli += tpp * chips,
            None => self.chips_of_unknown_tpp += chips,
        }
    }
}

impl Expected {
    /// The pools of `clusters` at `scale`, each part of each cluster rounded for itself.
    pub fn of(clusters: &Clusters, scale: Scale) -> Self {
        let catalogue = Catalogue::builtin();
        let mut expected = Self::default();
        for cluster in &clusters.loadable {
            for part in &cluster.parts {
                let chips = scale.of(part.chips);
                let tpp = catalogue.get(&part.model).and_then(|model| model.tpp_milli);
                let place = expected.by_jurisdiction.entry(cluster.country).or_default();
                place.add(chips, tpp);
                expected
                    .by_model
                    .entry(part.model.clone())
                    .or_default()
                    .add(chips, tpp);
                expected.total.add(chips, tpp);
            }
        }
        expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_world_has_the_published_totals() {
        let scale = Scale::from_ppm(1_000_000).expect("a scale");
        let expected = Expected::of(&Clusters::builtin(), scale);
        assert_eq!(expected.total.chips, 1_840_384);
        assert_eq!(expected.total.chips_of_unknown_tpp, 63_808);
        let unknown = expected.by_jurisdiction[&Jurisdiction::UNKNOWN];
        assert_eq!(unknown.chips, 143_984);
        assert_eq!(expected.by_jurisdiction.len() - 1, 31);
        assert_eq!(expected.total.chips - unknown.chips, 1_696_400);
    }
}
