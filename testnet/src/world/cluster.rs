//! The clusters of the public table: which of them can be loaded, and why the others cannot.

use chipledger_schemas::catalogue::ModelId;
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::set_site::Position;
use chipledger_schemas::time::Time;
use serde::Deserialize;

/// The table that rides in this crate; credit and columns in `testnet/data/README.md`.
const TABLE: &str = include_str!("../../data/clusters.csv");

/// A cluster that exists and has a model and a quantity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cluster {
    /// As published.
    pub name: String,
    /// As published; empty if not known.
    pub owner: String,
    /// Where it stands; `ZZ` if not known.
    pub country: Jurisdiction,
    /// Where on the map, if published.
    pub position: Option<Position>,
    /// First day in operation, if published.
    pub operational_from: Option<Time>,
    /// Power in W, if published.
    pub power_w: Option<u64>,
    /// What stands there: one or two models.
    pub parts: Vec<Part>,
}

/// So many accelerators of one model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// The catalogue key.
    pub model: ModelId,
    /// Accelerators.
    pub chips: u64,
}

/// A cluster that exists and cannot be loaded, because nobody published its (first) model or its
/// quantity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unloadable {
    /// As published.
    pub name: String,
    /// As published; empty if not known.
    pub owner: String,
    /// Where it stands; `ZZ` if not known.
    pub country: Jurisdiction,
    /// Which of the two is missing.
    pub lacks: Lack,
}

/// What a cluster lacks to be loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lack {
    /// The model of its accelerators.
    Model,
    /// Their number.
    Quantity,
}

impl std::fmt::Display for Lack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Model => "model not known",
            Self::Quantity => "quantity not known",
        })
    }
}

/// Every cluster that exists and has not grown into another one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Clusters {
    /// With model and quantity, in the table's order.
    pub loadable: Vec<Cluster>,
    /// Without.
    pub unloadable: Vec<Unloadable>,
}

/// One row as it is written.
#[derive(Deserialize)]
struct Row {
    name: String,
    owner: String,
    country: Option<Jurisdiction>,
    latitude_microdegree: Option<i32>,
    longitude_microdegree: Option<i32>,
    status: String,
    operational_from: String,
    power_w: Option<u64>,
    model_id: Option<ModelId>,
    quantity: Option<u64>,
    model_id_2: Option<ModelId>,
    quantity_2: Option<u64>,
    superseded_by: String,
}

impl Clusters {
    /// The table that rides in this crate.
    ///
    /// # Panics
    /// Never: a test reads it.
    pub fn builtin() -> Self {
        Self::parse(TABLE).expect("testnet/data/clusters.csv is checked by a test")
    }

    /// Reads a table of the form of `testnet/data/clusters.csv`.
    ///
    /// # Errors
    /// The row that does not read; repair it.
    pub fn parse(text: &str) -> Result<Self, csv::Error> {
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .from_reader(text.as_bytes());
        let mut clusters = Self::default();
        for row in reader.deserialize() {
            let row: Row = row?;
            if row.status == "existing" && row.superseded_by.is_empty() {
                clusters.add(row);
            }
        }
        Ok(clusters)
    }

    fn add(&mut self, row: Row) {
        let country = row.country.unwrap_or(Jurisdiction::UNKNOWN);
        let first = match (&row.model_id, row.quantity.filter(|chips| *chips > 0)) {
            (None, _) => Err(Lack::Model),
            (Some(_), None) => Err(Lack::Quantity),
            (Some(model), Some(chips)) => Ok(Part {
                model: model.clone(),
                chips,
            }),
        };
        let (name, owner) = (row.name, row.owner);
        match first {
            Err(lacks) => self.unloadable.push(Unloadable {
                name,
                owner,
                country,
                lacks,
            }),
            Ok(first) => {
                let second = row
                    .model_id_2
                    .zip(row.quantity_2.filter(|chips| *chips > 0));
                let second = second.map(|(model, chips)| Part { model, chips });
                let degrees = row.latitude_microdegree.zip(row.longitude_microdegree);
                self.loadable.push(Cluster {
                    name,
                    owner,
                    country,
                    position: degrees.map(|(latitude_udeg, longitude_udeg)| Position {
                        latitude_udeg,
                        longitude_udeg,
                    }),
                    operational_from: row.operational_from.parse().ok(),
                    power_w: row.power_w,
                    parts: std::iter::once(first).chain(second).collect(),
                });
            }
        }
    }
}

impl Cluster {
    /// All its accelerators.
    pub fn chips(&self) -> u64 {
        self.parts.iter().map(|part| part.chips).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "name,owner,country,latitude_microdegree,longitude_microdegree,status,certainty,\
        operational_from,power_w,model_id,quantity,model_id_2,quantity_2,quantity_total,h100e_milli,superseded_by\n";

    #[test]
    fn the_table_has_321_loadable_clusters_and_222_others() {
        let clusters = Clusters::builtin();
        assert_eq!(
            (clusters.loadable.len(), clusters.unloadable.len()),
            (321, 222)
        );
        assert_eq!(
            clusters.loadable.iter().map(Cluster::chips).sum::<u64>(),
            1_840_384
        );
    }

    #[test]
    fn a_second_model_counts_and_an_unknown_country_is_zz() {
        let row = "A,O,,,,existing,likely,2024-02-01,,NVIDIA/T4,8,NVIDIA/L4,16,24,,\n";
        let clusters = Clusters::parse(&format!("{HEAD}{row}")).expect("a table");
        assert_eq!(clusters.loadable[0].country, Jurisdiction::UNKNOWN);
        assert_eq!(clusters.loadable[0].chips(), 24);
    }

    #[test]
    fn superseded_and_planned_clusters_are_left_out_and_incomplete_ones_are_listed() {
        let rows = "A,O,US,,,existing,likely,,,NVIDIA/T4,8,,,8,,B\n\
            B,O,US,,,planned,likely,,,NVIDIA/T4,8,,,8,,\n\
            C,O,US,,,existing,likely,,,,8,NVIDIA/T4,8,8,,\n\
            D,O,US,,,existing,likely,,,NVIDIA/T4,,,,,,\n";
        let clusters = Clusters::parse(&format!("{HEAD}{rows}")).expect("a table");
        assert!(clusters.loadable.is_empty());
        let lacks: Vec<Lack> = clusters.unloadable.iter().map(|c| c.lacks).collect();
        assert_eq!(lacks, [Lack::Model, Lack::Quantity]);
    }

    #[test]
    fn half_a_row_is_refused() {
        assert!(Clusters::parse(&format!("{HEAD}A,O,US\n")).is_err());
        let unknown = "A,O,XX,,,existing,likely,,,NVIDIA/T4,8,,,8,,\n";
        assert!(Clusters::parse(&format!("{HEAD}{unknown}")).is_err());
    }
}
