//! Building proof files from a store at its head.
//!
//! Everything in one file is read while the tip is held and from a view of the same height, so that
//! it is consistent; blocks wait that long. What the files look like and how they are checked is in
//! `chipledger-proof`.

use chipledger_proof::bundle::DenseBundle;
use chipledger_proof::check::Refusal;
use chipledger_proof::check::absent::AbsentProof;
use chipledger_proof::check::book::{BookProof, ShownAccount};
use chipledger_proof::check::equivocation::EquivocationProof;
use chipledger_proof::check::item::{ItemProof, ShownPlace};
use chipledger_proof::check::totals::TotalsProof;
use chipledger_proof::file::{Content, FILE_VERSION, ProofFile};
use chipledger_proof::shown::{
    Looked, LookedNames, Roots, ShownCatalogue, ShownEntry, ShownItem, ShownItems, ShownNames,
};
use chipledger_proof::state::{
    Balance, Catalogue, Dimension, EntryKind, Equivocation, Item, ItemKind, Key, Names, Shipment,
    Stored, name_slot,
};
use chipledger_schemas::encode::ENCODED_BYTES_MAX;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{Height, ItemId, ItemNumber, SiteId};
use chipledger_schemas::movement::{Location, Place};

use crate::commitment::{Commitment, NameProof};
use crate::read::QueryError;
use crate::state::{State, StateError, page_of};
use crate::store::{Store, StoreError, Tip, View};

mod journey;
mod question;
mod trust;

pub use question::{NotADimension, dimension, dimension_text};
pub(crate) use trust::Passage;

/// What to prove.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Question {
    /// An item, with all its containers and its place.
    Item(ItemId),
    /// That no item has this id.
    Absent(ItemId),
    /// A total.
    Totals(Dimension),
    /// Every record that named an item, or what contained it.
    Journey(ItemId),
    /// Every account.
    Book,
    /// What a validator's key signed twice, by its id.
    Equivocation(Hash),
}

/// Where the checker's trust begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Since {
    /// At the genesis document.
    #[default]
    Genesis,
    /// At a height whose block hash the checker has pinned.
    Checkpoint(Height),
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The item is not registered; that can be proven. Check the id, or prove its absence.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The item exists: its absence cannot be proven. Prove the item.
    #[error("{id} is registered, so its absence cannot be proven")]
    Registered {
        /// The item.
        id: ItemId,
    },
    /// No such equivocation was reported. List them, and check the id.
    #[error("no equivocation {id} was reported")]
    EquivocationUnknown {
        /// The id.
        id: Hash,
    },
    /// Nobody has certified a header after genesis, or after the checkpoint. Submit something
    /// first, or choose an earlier checkpoint.
    #[error("no block after height {after} is certified yet")]
    NothingCertified {
        /// Genesis, or the checkpoint.
        after: Height,
    },
    /// The proof is larger than a file may be. Prove something narrower.
    #[error("the proof has {bytes} bytes, a file may have {ENCODED_BYTES_MAX}")]
    TooLarge {
        /// Bytes that it would have.
        bytes: usize,
    },
    /// What the store holds does not prove itself: it is damaged. Run `audit`.
    #[error("the store is damaged: {0}")]
    Damaged(#[from] Refusal),
    /// The store cannot be read: stop.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state cannot be read: stop.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Proves something at the head.
///
/// # Errors
/// When it is not so, or the store cannot be read.
pub fn prove(store: &Store, question: &Question, since: Since) -> Result<ProofFile, ProveError> {
    loop {
        // Rows are written before the tip moves: for that moment a view may be one height ahead.
        let proven = store.with_tip(|tip| {
            let view = store.view();
            if view.head()?.header != tip.head.header {
                return Ok(None);
            }
            Desk { store, view, tip }.prove(question, since).map(Some)
        });
        match proven {
            // A block was committed between the two looks: look again.
            Ok(None) => {}
            Ok(Some(file)) => return Ok(file),
            Err(error) => return Err(error),
        }
    }
}

/// All that a proof is built from: one height.
struct Desk<'s> {
    store: &'s Store,
    view: View<'s>,
    tip: &'s Tip,
}

impl Desk<'_> {
    fn prove(&self, question: &Question, since: Since) -> Result<ProofFile, ProveError> {
        let content = match question {
            Question::Item(id) => Content::Item(Box::new(self.item(id)?)),
            Question::Absent(id) => Content::Absent(Box::new(self.absent(id)?)),
            Question::Totals(dimension) => Content::Totals(Box::new(self.totals(dimension)?)),
            Question::Journey(id) => Content::Journey(Box::new(self.journey(id)?)),
            Question::Book => Content::Book(Box::new(self.book()?)),
            Question::Equivocation(id) => Content::Equivocation(Box::new(self.equivocation(id)?)),
        };
        let commitment = self.commitment();
        let roots = Roots {
            items: commitment.items_root(),
            names: commitment.names_root(),
        };
        let file = ProofFile {
            version: FILE_VERSION,
            content,
            roots,
            trust: self.trust(since)?,
        };
        let bytes = file.bytes().len();
        if bytes > ENCODED_BYTES_MAX {
            Err(ProveError::TooLarge { bytes })
        } else {
            Ok(file)
        }
    }

    fn commitment(&self) -> &Commitment {
        &self.tip.commitment
    }

    fn item(&self, id: &ItemId) -> Result<ItemProof, ProveError> {
        let number = self.view.item_number(id)?;
        let mut numbers = vec![number];
        let leaf = self.view.leaf(number)?;
        let mut root = leaf.clone();
        while let Location::In(container) = root.facts.location {
            numbers.push(container);
            root = self.view.leaf(container)?;
        }
        let Location::At { place, .. } = &root.facts.location else {
            return Err(damaged("a root without a place"));
        };
        Ok(ItemProof {
            id: id.clone(),
            names: self.names(id)?,
            items: self.items(numbers)?,
            place: self.place(place)?,
            catalogue: self.catalogue_for(&leaf)?,
        })
    }

    fn absent(&self, id: &ItemId) -> Result<AbsentProof, ProveError> {
        let (key, offset) = name_slot(id);
        let names = self.value::<Names>(&key)?;
        if (names.as_ref()).is_some_and(|names| names.get(offset).is_some()) {
            return Err(ProveError::Registered { id: id.clone() });
        }
        let names = match (self.looked(&key)?, names) {
            (Looked::Absent(proof), _) => LookedNames::Absent(proof),
            (Looked::Present(shown), names) => {
                let names = names.unwrap_or_default();
                LookedNames::Present(ShownNames::new(&names, offset, shown.proof))
            }
        };
        Ok(AbsentProof {
            id: id.clone(),
            names,
        })
    }

    fn totals(&self, dimension: &Dimension) -> Result<TotalsProof, ProveError> {
        Ok(TotalsProof {
            dimension: dimension.clone(),
            totals: self.looked(&Key::Totals(dimension.clone()))?,
            catalogue: self.catalogue()?,
        })
    }

    fn book(&self) -> Result<BookProof, ProveError> {
        let mut accounts = Vec::new();
        for (key, entry) in self.view.entries(EntryKind::Account)? {
            let shown = self.shown(&key)?;
            if let (Key::Account(account), Some(balance)) = (key, Balance::of(&entry)) {
                let balance = balance.clone();
                accounts.push(ShownAccount {
                    account,
                    balance,
                    proof: shown.proof,
                });
            }
        }
        // Rows are in the order of the keys' bytes, in which lengths come before letters.
        accounts.sort_by(|a, b| a.account.cmp(&b.account));
        Ok(BookProof {
            accounts,
            world: self.looked(&Key::Totals(Dimension::World))?,
            catalogue: self.catalogue()?,
        })
    }

    fn equivocation(&self, id: &Hash) -> Result<EquivocationProof, ProveError> {
        let key = Key::Equivocation(*id);
        let found = self.value::<Equivocation>(&key)?;
        let found = found.ok_or(ProveError::EquivocationUnknown { id: *id })?;
        Ok(EquivocationProof {
            equivocation: self.shown(&key)?,
            seats: self.shown(&Key::Seats(found.report.key))?,
        })
    }

    fn names(&self, id: &ItemId) -> Result<ShownNames, ProveError> {
        let (key, offset) = name_slot(id);
        let ShownEntry { entry, proof } = self.shown(&key)?;
        let names = Names::of(&entry).ok_or_else(|| damaged("an entry is of another kind"))?;
        Ok(ShownNames::new(names, offset, proof))
    }

    fn place(&self, place: &Place) -> Result<ShownPlace, ProveError> {
        let site = |site: &SiteId| self.shown(&Key::Site(site.clone()));
        match place {
            Place::Site(at) => Ok(ShownPlace::Site(site(at)?)),
            Place::Transit(id) => {
                let key = Key::Shipment(id.clone());
                let shipment = self.value::<Shipment>(&key)?;
                let shipment = shipment.ok_or_else(|| damaged("a shipment is missing"))?;
                Ok(ShownPlace::Transit {
                    shipment: self.shown(&key)?,
                    from: site(&shipment.from_site)?,
                    to: site(&shipment.to_site)?,
                })
            }
        }
    }

    fn catalogue_for(&self, item: &Item) -> Result<Option<ShownCatalogue>, ProveError> {
        match item.kind {
            ItemKind::Chip(_) => Ok(Some(self.catalogue()?)),
            ItemKind::Unit(_) => Ok(None),
        }
    }

    fn catalogue(&self) -> Result<ShownCatalogue, ProveError> {
        let catalogue = self.value::<Catalogue>(&Key::Catalogue)?;
        let catalogue = catalogue.ok_or_else(|| damaged("the catalogue is missing"))?;
        Ok(ShownCatalogue::new(
            &catalogue,
            self.shown(&Key::Catalogue)?.proof,
        ))
    }

    fn value<T: Stored>(&self, key: &Key) -> Result<Option<T>, ProveError> {
        Ok(self
            .view
            .entry(key)?
            .and_then(|entry| T::of(&entry).cloned()))
    }

    fn looked(&self, key: &Key) -> Result<Looked, ProveError> {
        match self.commitment().prove(&self.view, &key.digest())? {
            NameProof::Absent(proof) => Ok(Looked::Absent(proof)),
            NameProof::Present(_, proof) => {
                let entry = self
                    .view
                    .entry(key)?
                    .ok_or_else(|| damaged("an entry is missing"))?;
                Ok(Looked::Present(ShownEntry {
                    entry: (*entry).clone(),
                    proof,
                }))
            }
        }
    }

    fn shown(&self, key: &Key) -> Result<ShownEntry, ProveError> {
        match self.looked(key)? {
            Looked::Present(shown) => Ok(shown),
            Looked::Absent(_) => Err(damaged("an entry is missing")),
        }
    }

    /// Leaves with one path for all of them.
    fn items(&self, mut numbers: Vec<ItemNumber>) -> Result<ShownItems, ProveError> {
        numbers.sort_unstable();
        let mut items = Vec::with_capacity(numbers.len());
        let mut paths = Vec::with_capacity(numbers.len());
        for number in numbers {
            let (index, _) = page_of(number);
            let page = self.view.page(index)?;
            paths.push(self.commitment().item_path(page.digests(), number.0));
            items.push(ShownItem {
                number,
                item: self.view.leaf(number)?,
            });
        }
        Ok(ShownItems {
            items,
            path: DenseBundle::of(&paths),
        })
    }
}

fn damaged(what: &'static str) -> ProveError {
    ProveError::Damaged(Refusal::Contradiction { what })
}
