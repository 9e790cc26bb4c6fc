//! An item stands so: from its id to its number, its leaf, its containers' leaves, and the root's
//! place.

use std::collections::BTreeMap;

use chipledger_schemas::catalogue::ModelId;
use chipledger_schemas::ids::{DocumentId, ItemId, ItemNumber, MemberId, SiteId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::movement::{Location, Place};
use chipledger_schemas::time::Time;
use chipledger_schemas::words::{Irregularity, Status, UnitKind};
use serde::{Deserialize, Serialize};

use super::{Refusal, require};
use crate::shown::{Roots, ShownCatalogue, ShownEntry, ShownItems, ShownNames};
use crate::state::{Evidence, Item, ItemKind, Key, Shipment, Site};

/// Shows an item with everything around it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemProof {
    /// The item.
    pub id: ItemId,
    /// Its block of serials: says which number the id has.
    pub names: ShownNames,
    /// The item and its containers.
    pub items: ShownItems,
    /// Where the root is.
    pub place: ShownPlace,
    /// The catalogue, for a chip: says which model its number means.
    pub catalogue: Option<ShownCatalogue>,
}

/// Shows a place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ShownPlace {
    /// A site.
    Site(ShownEntry),
    /// Under way.
    Transit {
        /// The shipment.
        shipment: ShownEntry,
        /// The site that it left.
        from: ShownEntry,
        /// The site that it goes to.
        to: ShownEntry,
    },
}

/// A chip of a model, or a unit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One accelerator.
    Chip(ModelId),
    /// A container.
    Unit(UnitKind),
}

/// A site, as the ledger has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SiteStatement {
    /// Its id.
    pub site: SiteId,
    /// What people call it.
    pub name: String,
    /// Whose law holds there.
    pub jurisdiction: Jurisdiction,
    /// Who runs it.
    pub operator: MemberId,
}

/// Where a root is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceStatement {
    /// At a site.
    Site(SiteStatement),
    /// Under way.
    Transit {
        /// The shipment.
        shipment: DocumentId,
        /// The site that it left.
        from: SiteStatement,
        /// The site that it goes to.
        to: SiteStatement,
        /// The named receiver.
        receiver: MemberId,
        /// Expected arrival.
        expected_at: Time,
    },
}

/// What is true of an item, its containers taken into account. Parties are those that the records
/// name; whoever took one of them over stands in that member's own entry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ItemStatement {
    /// The item.
    pub id: ItemId,
    /// Its number.
    pub number: ItemNumber,
    /// Chip or unit.
    pub kind: Kind,
    /// Its containers, innermost first.
    pub containers: Vec<ItemId>,
    /// Where.
    pub place: PlaceStatement,
    /// Custody.
    pub holder: MemberId,
    /// Title.
    pub owner: MemberId,
    /// Use.
    pub user: MemberId,
    /// State of life; that of an ended container, if one ended.
    pub status: Status,
    /// Why it is irregular, if it is.
    pub irregularity: Option<Irregularity>,
    /// Whether a dispute is open on it or on a container of it.
    pub disputed: bool,
    /// Whether its origin is unverified opening stock.
    pub unverified: bool,
    /// Chips that it stands for: 1, or what the unit contains.
    pub chips: u64,
    /// Latest movement of it or of a container, event time.
    pub moved_at: Time,
    /// Evidence that last named it.
    pub evidence: Evidence,
    /// Records that named it so far.
    pub events: u32,
}

impl ItemProof {
    /// What is true of the item.
    pub fn check(&self, roots: &Roots) -> Result<ItemStatement, Refusal> {
        let number = number_of(&self.id, &self.names, roots)?;
        let leaves = self.items.verify(roots)?;
        let climb = climb(number, &leaves)?;
        require(
            climb.levels.len() == leaves.len(),
            "an item is shown that contains nothing of it",
        )?;
        let item = climb.levels[0];
        require(item.id == self.id, "the leaf is of another item")?;
        let kind = kind_of(item, self.catalogue.as_ref(), roots)?;
        let place = self.place.check(climb.place, roots)?;
        let missing = Refusal::Contradiction {
            what: "a root without owner or status",
        };
        let (Some(owner), Some((status, irregularity))) = (climb.owner(), climb.status()) else {
            return Err(missing);
        };
        Ok(ItemStatement {
            id: item.id.clone(),
            number,
            kind,
            containers: climb.levels[1..]
                .iter()
                .map(|unit| unit.id.clone())
                .collect(),
            place,
            holder: climb.holder.clone(),
            owner: owner.clone(),
            user: climb.user().unwrap_or(owner).clone(),
            status,
            irregularity,
            disputed: climb.levels.iter().any(|item| !item.disputes.is_empty()),
            unverified: item.unverified,
            chips: item
                .rows()
                .iter()
                .fold(0, |sum, row| sum.saturating_add(row.count)),
            moved_at: climb.moved_at(),
            evidence: item.evidence,
            events: item.events,
        })
    }
}

/// The number that an id has.
pub(crate) fn number_of(
    id: &ItemId,
    names: &ShownNames,
    roots: &Roots,
) -> Result<ItemNumber, Refusal> {
    names.number(id, roots)?.ok_or(Refusal::Contradiction {
        what: "the id is not registered",
    })
}

/// What an item is; the catalogue is there for a chip and for nothing else.
pub(crate) fn kind_of(
    item: &Item,
    catalogue: Option<&ShownCatalogue>,
    roots: &Roots,
) -> Result<Kind, Refusal> {
    match (item.kind, catalogue) {
        (ItemKind::Unit(kind), None) => Ok(Kind::Unit(kind)),
        (ItemKind::Chip(model), Some(catalogue)) => {
            let catalogue = catalogue.verify(roots)?;
            let known = catalogue
                .get(model)
                .map(|model| Kind::Chip(model.id.clone()));
            known.ok_or(Refusal::Contradiction {
                what: "the model is not in the catalogue",
            })
        }
        _ => Err(Refusal::Contradiction {
            what: "the catalogue belongs to a chip's proof",
        }),
    }
}

/// An item with its containers.
struct Climb<'a> {
    /// The item first, the root last.
    levels: Vec<&'a Item>,
    place: &'a Place,
    holder: &'a MemberId,
}

/// Climbs from an item to its root.
fn climb<'a>(
    number: ItemNumber,
    leaves: &BTreeMap<ItemNumber, &'a Item>,
) -> Result<Climb<'a>, Refusal> {
    let mut levels = Vec::new();
    let mut at = number;
    loop {
        // More levels than leaves would be a circle.
        require(levels.len() < leaves.len(), "containers form a circle")?;
        let Some(item) = leaves.get(&at) else {
            return Err(Refusal::Contradiction {
                what: "a container is not shown",
            });
        };
        levels.push(*item);
        match &item.facts.location {
            Location::In(unit) => at = *unit,
            Location::At { place, holder } => {
                return Ok(Climb {
                    levels,
                    place,
                    holder,
                });
            }
        }
    }
}

impl<'a> Climb<'a> {
    fn owner(&self) -> Option<&'a MemberId> {
        self.levels
            .iter()
            .find_map(|item| item.facts.owner.as_ref())
    }

    fn user(&self) -> Option<&'a MemberId> {
        self.levels.iter().find_map(|item| item.facts.user.as_ref())
    }

    /// Status with the irregularity of the same level; the outermost that ended, if any did.
    fn status(&self) -> Option<(Status, Option<Irregularity>)> {
        let set = |item: &&'a Item| Some((item.facts.status?, item.facts.irregularity));
        let ended = self
            .levels
            .iter()
            .rev()
            .filter_map(set)
            .find(|(status, _)| status.is_ended());
        ended.or_else(|| self.levels.iter().find_map(set))
    }

    fn moved_at(&self) -> Time {
        self.levels
            .iter()
            .map(|item| item.movement.occurred_at())
            .max()
            .unwrap_or_default()
    }
}

impl ShownPlace {
    fn check(&self, place: &Place, roots: &Roots) -> Result<PlaceStatement, Refusal> {
        match (self, place) {
            (Self::Site(shown), Place::Site(site)) => {
                Ok(PlaceStatement::Site(site_statement(site, shown, roots)?))
            }
            (Self::Transit { shipment, from, to }, Place::Transit(id)) => {
                let shipment = shipment.value::<Shipment>(&Key::Shipment(id.clone()), roots)?;
                Ok(PlaceStatement::Transit {
                    shipment: id.clone(),
                    from: site_statement(&shipment.from_site, from, roots)?,
                    to: site_statement(&shipment.to_site, to, roots)?,
                    receiver: shipment.to.clone(),
                    expected_at: shipment.expected_at,
                })
            }
            _ => Err(Refusal::Contradiction {
                what: "the place shown is not the root's",
            }),
        }
    }
}

fn site_statement(
    id: &SiteId,
    shown: &ShownEntry,
    roots: &Roots,
) -> Result<SiteStatement, Refusal> {
    let site = shown.value::<Site>(&Key::Site(id.clone()), roots)?;
    Ok(SiteStatement {
        site: id.clone(),
        name: site.name.clone(),
        jurisdiction: site.jurisdiction,
        operator: site.operator.clone(),
    })
}
