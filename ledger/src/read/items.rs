//! Lists of items.

use std::collections::BTreeMap;

use chipledger_proof::state::{Item, ItemKind};
use chipledger_schemas::ids::{ItemNumber, MemberId};
use chipledger_schemas::movement::{Facts, Location, Place};
use chipledger_schemas::words::Status;
use serde::{Deserialize, Serialize};

use super::places::Whereabouts;
use super::{AsOf, QueryError};
use crate::state::{PAGE_ITEMS, State};
use crate::store::View;

/// Chips or units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    /// Accelerators.
    Chips,
    /// Containers.
    Units,
}

/// Which items to list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ItemFilter {
    /// Chips or units; both if absent.
    pub which: Option<Which>,
    /// Of this model.
    pub model: Option<String>,
    /// At this site.
    pub site: Option<String>,
    /// In the custody of this member.
    pub holder: Option<String>,
    /// In this status.
    pub status: Option<Status>,
    /// At most so many.
    pub limit: Option<usize>,
}

/// An item with its whereabouts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Listed {
    /// Where it is, whose, since when.
    #[serde(flatten)]
    pub whereabouts: Whereabouts,
    /// Model of a chip, kind of a unit.
    pub kind: String,
    /// Chips inside, for a unit; 1 for a chip.
    pub chips: u64,
}

/// Some of the items that fit a filter, and where the next ones begin.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ItemPage {
    /// The items, by number.
    pub items: Vec<Listed>,
    /// Where to go on; absent after the last item.
    pub next: Option<ItemNumber>,
}

impl View<'_> {
    /// Items that fit a filter, by number.
    pub fn list_items(&self, filter: &ItemFilter) -> Result<Vec<Listed>, QueryError> {
        let all = self.item_page(filter, ItemNumber(0), u64::MAX)?;
        Ok(all.items)
    }

    /// Items that fit a filter, from a number on: until the filter's limit is reached, or
    /// `look_at_max` items were looked at.
    pub fn item_page(
        &self,
        filter: &ItemFilter,
        from: ItemNumber,
        look_at_max: u64,
    ) -> Result<ItemPage, QueryError> {
        let models = self.models()?;
        let mut listed = Vec::new();
        let mut containers = Containers::default();
        let limit = filter.limit.unwrap_or(usize::MAX);
        let end = from.0.saturating_add(look_at_max);
        for page in from.0 / PAGE_ITEMS..self.item_count().div_ceil(PAGE_ITEMS) {
            for (place, item) in self.page(page)?.items()? {
                let number = ItemNumber(page * PAGE_ITEMS + place as u64);
                if number < from {
                    continue;
                }
                if listed.len() >= limit || number.0 >= end {
                    return Ok(ItemPage {
                        items: listed,
                        next: Some(number),
                    });
                }
                let kind = match item.kind {
                    ItemKind::Chip(number) => models
                        .get(usize::from(number.0))
                        .map_or_else(String::new, |(id, _)| id.clone()),
                    ItemKind::Unit(kind) => kind.to_string(),
                };
                if let Some(found) = self.fits(filter, &item, kind, &mut containers)? {
                    listed.push(found);
                }
            }
        }
        Ok(ItemPage {
            items: listed,
            next: None,
        })
    }

    fn fits(
        &self,
        filter: &ItemFilter,
        item: &Item,
        kind: String,
        containers: &mut Containers,
    ) -> Result<Option<Listed>, QueryError> {
        let is_chip = matches!(item.kind, ItemKind::Chip(_));
        let wanted = filter
            .which
            .is_none_or(|which| (which == Which::Chips) == is_chip);
        let same = |wanted: &Option<String>, got: &str| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(got))
        };
        if !wanted || !same(&filter.model, &kind) {
            return Ok(None);
        }
        if filter.asks_where() && !containers.held(self, &item.facts)?.may_fit(filter) {
            return Ok(None);
        }
        let whereabouts = self.whereabouts(&item.id, AsOf::default())?;
        let fits = same(&filter.site, &whereabouts.place)
            && same(&filter.holder, whereabouts.holder.as_str())
            && filter
                .status
                .is_none_or(|status| status == whereabouts.status);
        let chips = item.rows().iter().map(|row| row.count).sum();
        Ok(fits.then_some(Listed {
            whereabouts,
            kind,
            chips,
        }))
    }
}

impl ItemFilter {
    fn asks_where(&self) -> bool {
        self.site.is_some() || self.holder.is_some() || self.status.is_some()
    }
}

/// What holds of an item now by the leaves of it and its containers, as far as filters ask: enough
/// to pass over those that do not fit without looking up their movements.
#[derive(Clone)]
struct Held {
    place: Place,
    holder: MemberId,
    /// The nearest one told.
    status: Option<Status>,
    /// That of the outermost that ended: it goes before.
    ended: Option<Status>,
}

impl Held {
    fn may_fit(&self, filter: &ItemFilter) -> bool {
        let site = filter.site.as_ref().is_none_or(|wanted| match &self.place {
            Place::Site(site) => wanted.eq_ignore_ascii_case(site.as_str()),
            // The way is looked up with the whereabouts.
            Place::Transit(_) => wanted.contains("->"),
        });
        let holder = filter
            .holder
            .as_ref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(self.holder.as_str()));
        let status = self.ended.or(self.status).unwrap_or(Status::Stock);
        site && holder && filter.status.is_none_or(|wanted| wanted == status)
    }
}

/// Containers that were met lately: what is inside one was mostly registered together.
#[derive(Default)]
struct Containers(BTreeMap<ItemNumber, Held>);

/// Containers that are remembered.
const CONTAINERS_MAX: usize = 4_096;

impl Containers {
    fn held(&mut self, view: &View<'_>, facts: &Facts) -> Result<Held, QueryError> {
        let outer = match &facts.location {
            Location::At { place, holder } => Held {
                place: place.clone(),
                holder: holder.clone(),
                status: None,
                ended: None,
            },
            Location::In(container) => self.of(view, *container)?,
        };
        let ended = facts.status.filter(|status| status.is_ended());
        Ok(Held {
            status: facts.status.or(outer.status),
            ended: outer.ended.or(ended),
            ..outer
        })
    }

    fn of(&mut self, view: &View<'_>, container: ItemNumber) -> Result<Held, QueryError> {
        if let Some(held) = self.0.get(&container) {
            return Ok(held.clone());
        }
        let facts = view.leaf(container)?.facts;
        let held = self.held(view, &facts)?;
        if self.0.len() >= CONTAINERS_MAX {
            self.0.clear();
        }
        self.0.insert(container, held.clone());
        Ok(held)
    }
}
