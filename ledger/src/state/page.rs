//! Pages of items as they are stored: canonical bytes, read one by one when somebody asks.

use std::sync::Arc;

use chipledger_proof::ITEM_PAGE;
use chipledger_proof::state::Item;
use chipledger_schemas::hash::{self, Hash};

use super::StateError;

/// Eight consecutive item numbers: canonical bytes of the items that exist, and the digests that
/// their leaves have. An item is decoded when it is asked for, so that touching one of a page costs
/// nothing for the other seven.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// The items' bytes, one after the other.
    bytes: Vec<u8>,
    /// Where each ends in them; an item without bytes does not exist.
    ends: [usize; ITEM_PAGE],
    digests: [Hash; ITEM_PAGE],
}

impl Page {
    /// A page of items, digests computed.
    pub fn of(items: &[Option<Arc<Item>>]) -> Self {
        let changed = items.iter().enumerate();
        let changed = changed.filter_map(|(place, item)| Some((place, item.as_deref()?)));
        Self::default().with(changed)
    }

    /// The page with some items put into their places, ascending.
    #[must_use]
    pub fn with<'i>(&self, changed: impl Iterator<Item = (usize, &'i Item)>) -> Self {
        let mut page = Self {
            bytes: Vec::with_capacity(self.bytes.len() + 512),
            ends: [0; ITEM_PAGE],
            digests: self.digests,
        };
        let mut changed = changed.peekable();
        for place in 0..ITEM_PAGE {
            if let Some((_, item)) = changed.next_if(|(at, _)| *at == place) {
                let first = page.bytes.len();
                item.encode_into(&mut page.bytes);
                page.digests[place] = hash::ITEM.hash(&page.bytes[first..]);
            } else {
                page.bytes.extend_from_slice(self.bytes_of(place));
            }
            page.ends[place] = page.bytes.len();
        }
        debug_assert!(changed.next().is_none(), "places ascend");
        page
    }

    /// Puts an item that this program stored into the next place; `digest` is its leaf's.
    pub(crate) fn push_stored(
        &mut self,
        place: usize,
        digest: Hash,
        write: impl FnOnce(&mut Vec<u8>) -> Option<()>,
    ) -> Option<()> {
        write(&mut self.bytes)?;
        *self.digests.get_mut(place)? = digest;
        let end = self.bytes.len();
        self.ends.get_mut(place..)?.fill(end);
        Some(())
    }

    /// Canonical bytes of the item in a place; none where there is no item.
    pub fn bytes_of(&self, place: usize) -> &[u8] {
        let first = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.ends
            .get(place)
            .map_or(&[][..], |&end| &self.bytes[first..end])
    }

    /// The item in a place.
    ///
    /// # Errors
    /// When its bytes are damaged.
    pub fn item(&self, place: usize) -> Result<Option<Item>, StateError> {
        match self.bytes_of(place) {
            [] => Ok(None),
            bytes => Item::from_stored_bytes(bytes)
                .map(Some)
                .map_err(|_| StateError {
                    reason: "a row of items is damaged; run audit".to_owned(),
                }),
        }
    }

    /// The items with their places.
    ///
    /// # Errors
    /// When bytes are damaged.
    pub fn items(&self) -> Result<Vec<(usize, Item)>, StateError> {
        let mut items = Vec::new();
        for place in 0..ITEM_PAGE {
            items.extend(self.item(place)?.map(|item| (place, item)));
        }
        Ok(items)
    }

    /// Digests of the leaves; zero where there is no item.
    pub fn digests(&self) -> &[Hash; ITEM_PAGE] {
        &self.digests
    }
}
