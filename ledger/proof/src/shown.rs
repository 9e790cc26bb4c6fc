//! Parts that proofs are made of: entries, items and the catalogue with their paths to the roots.

use std::collections::BTreeMap;

use chipledger_schemas::block::Header;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{ItemId, ItemNumber};
use serde::{Deserialize, Serialize};

use crate::bundle::DenseBundle;
use crate::check::Refusal;
use crate::dense::ITEMS;
use crate::entry::{AbsenceProof, EntryProof};
use crate::items::items_root;
use crate::names::BucketEntry;
use crate::state::{
    Catalogue, CatalogueModel, Entry, Item, Key, ModelNumber, Names, PIECE_SIBLINGS, Stored,
    name_slot, names_digest,
};
use crate::state_root;

/// The two roots that make a state root.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roots {
    /// Of the items tree.
    pub items: Hash,
    /// Of the names tree.
    pub names: Hash,
}

impl Roots {
    /// Checks that they are those of a trusted header.
    ///
    /// # Errors
    /// [`Refusal::OtherState`].
    pub fn verify(&self, header: &Header) -> Result<(), Refusal> {
        if state_root(&self.items, &self.names) == header.state_root {
            return Ok(());
        }
        Err(Refusal::OtherState)
    }
}

/// An entry that is there. Its key is not carried: the checker knows which one it asks for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownEntry {
    /// What stands there.
    pub entry: Entry,
    /// Its path.
    pub proof: EntryProof,
}

impl ShownEntry {
    /// The value under `key`, once its path is checked.
    pub fn value<T: Stored>(&self, key: &Key, roots: &Roots) -> Result<&T, Refusal> {
        let value = T::of(&self.entry).ok_or(Refusal::Contradiction {
            what: "an entry is of another kind",
        })?;
        let entry = BucketEntry {
            key: key.digest(),
            value: self.entry.digest(),
        };
        self.proof.verify(&roots.names, &entry)?;
        Ok(value)
    }
}

/// Serials of an entry of names: the piece that the one asked for lies in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownNames {
    /// The registered ones of 64 serials.
    pub piece: Names,
    /// From the piece to the entry: hashes beside the path.
    pub siblings: [Hash; PIECE_SIBLINGS],
    /// The entry's path.
    pub proof: EntryProof,
}

impl ShownNames {
    /// What an entry of names says about a serial, with the entry's path.
    pub fn new(names: &Names, offset: u16, proof: EntryProof) -> Self {
        let (piece, siblings) = names.piece(offset);
        Self {
            piece,
            siblings,
            proof,
        }
    }

    /// The number of an id, once the path is checked; `None` if it is not registered.
    pub fn number(&self, id: &ItemId, roots: &Roots) -> Result<Option<ItemNumber>, Refusal> {
        let (key, offset) = name_slot(id);
        let entry = BucketEntry {
            key: key.digest(),
            value: names_digest(&self.piece.top_from(offset, &self.siblings)),
        };
        self.proof.verify(&roots.names, &entry)?;
        Ok(self.piece.get(offset))
    }
}

/// Serials of an entry of names, or the proof that there is no such entry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LookedNames {
    /// It is there.
    Present(ShownNames),
    /// Nothing stands under the key.
    Absent(AbsenceProof),
}

impl LookedNames {
    /// The number of an id, or `None` when it is shown that it has none.
    pub fn number(&self, id: &ItemId, roots: &Roots) -> Result<Option<ItemNumber>, Refusal> {
        match self {
            Self::Present(shown) => shown.number(id, roots),
            Self::Absent(proof) => {
                proof.verify(&roots.names, &name_slot(id).0.digest())?;
                Ok(None)
            }
        }
    }
}

/// An entry that is there, or the proof that none is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Looked {
    /// It is there.
    Present(ShownEntry),
    /// Nothing stands under the key.
    Absent(AbsenceProof),
}

impl Looked {
    /// The value under `key`, or `None` when it is shown that nothing stands there.
    pub fn value<T: Stored>(&self, key: &Key, roots: &Roots) -> Result<Option<&T>, Refusal> {
        match self {
            Self::Present(shown) => Ok(Some(shown.value(key, roots)?)),
            Self::Absent(proof) => {
                proof.verify(&roots.names, &key.digest())?;
                Ok(None)
            }
        }
    }
}

/// A leaf of the items tree.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownItem {
    /// Its number.
    pub number: ItemNumber,
    /// What stands there.
    pub item: Item,
}

/// Leaves of the items tree with one path for all of them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownItems {
    /// The leaves, ascending by number.
    pub items: Vec<ShownItem>,
    /// Their paths.
    pub path: DenseBundle,
}

impl ShownItems {
    /// The items by number, once their path is checked.
    pub fn verify(&self, roots: &Roots) -> Result<BTreeMap<ItemNumber, &Item>, Refusal> {
        let leaves: Vec<_> = self
            .items
            .iter()
            .map(|shown| (shown.number.0, shown.item.digest()))
            .collect();
        let top = self.path.top(&ITEMS, &leaves)?;
        if items_root(self.path.count, &top) != roots.items {
            return Err(Refusal::Path(crate::PathError::OtherRoot));
        }
        Ok(self
            .items
            .iter()
            .map(|shown| (shown.number, &shown.item))
            .collect())
    }
}

/// The catalogue, as its difference from the edition that programs carry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownCatalogue {
    /// Number of the edition.
    pub edition: u32,
    /// Models of the catalogue.
    pub len: u16,
    /// Models that differ from the edition's or come after them, ascending by number.
    pub changed: Vec<(ModelNumber, CatalogueModel)>,
    /// Path of the catalogue's entry.
    pub proof: EntryProof,
}

impl ShownCatalogue {
    /// Shows a catalogue with its path.
    pub fn new(catalogue: &Catalogue, proof: EntryProof) -> Self {
        let builtin = Catalogue::builtin();
        let numbered = (0..).map(ModelNumber).zip(&catalogue.0);
        let changed = numbered
            .filter(|(number, model)| builtin.get(*number) != Some(*model))
            .map(|(number, model)| (number, model.clone()))
            .collect();
        let len = u16::try_from(catalogue.0.len()).unwrap_or(u16::MAX);
        Self {
            edition: edition(),
            len,
            changed,
            proof,
        }
    }

    /// The catalogue, once its path is checked.
    pub fn verify(&self, roots: &Roots) -> Result<Catalogue, Refusal> {
        if self.edition != edition() {
            return Err(Refusal::OtherEdition {
                needed: self.edition,
                known: edition(),
            });
        }
        let catalogue = self.apply(Catalogue::builtin())?;
        let entry: Entry = catalogue.clone().into();
        let entry = BucketEntry {
            key: Key::Catalogue.digest(),
            value: entry.digest(),
        };
        self.proof.verify(&roots.names, &entry)?;
        Ok(catalogue)
    }

    fn apply(&self, mut catalogue: Catalogue) -> Result<Catalogue, Refusal> {
        let wrong = Refusal::Contradiction {
            what: "the catalogue's changes are not in canonical form",
        };
        catalogue.0.truncate(usize::from(self.len));
        if !self.changed.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(wrong);
        }
        for (number, model) in &self.changed {
            let place = usize::from(number.0);
            let len = catalogue.0.len();
            match catalogue.0.get_mut(place) {
                // A model that does not differ would be bytes that nothing depends on.
                Some(have) if have != model => *have = model.clone(),
                None if place == len => catalogue.0.push(model.clone()),
                _ => return Err(wrong),
            }
        }
        if catalogue.0.len() == usize::from(self.len) {
            Ok(catalogue)
        } else {
            Err(wrong)
        }
    }
}

fn edition() -> u32 {
    chipledger_schemas::catalogue::Catalogue::builtin()
        .edition
        .number
}
