//! What a block has read and changed so far, one map deep: what a transaction changes is put in
//! place at once, and put back if it is rejected.

// tidy: allow(HashMap) looked up by key; whatever is told of all of it is sorted by key first
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// A value as the block has it now.
#[derive(Debug)]
struct Slot<V> {
    value: V,
    /// Whether the block changed it, or only read it.
    changed: bool,
}

/// Values by key, over committed ones.
#[derive(Debug)]
pub(super) struct Overlay<K, V> {
    slots: HashMap<K, Slot<V>>,
    /// What the transaction under execution replaced, in order.
    undo: Vec<(K, Option<Slot<V>>)>,
}

impl<K, V> Default for Overlay<K, V> {
    fn default() -> Self {
        Self {
            slots: HashMap::new(),
            undo: Vec::new(),
        }
    }
}

impl<K: Ord + Hash + Clone, V> Overlay<K, V> {
    /// The value as it is now, if it was read or changed before.
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.slots.get(key).map(|slot| &slot.value)
    }

    /// Remembers what is committed.
    pub(super) fn read(&mut self, key: K, value: V) {
        let changed = false;
        self.slots.insert(key, Slot { value, changed });
    }

    /// Changes a value.
    pub(super) fn put(&mut self, key: K, value: V) {
        let changed = true;
        let slot = Slot { value, changed };
        let before = match self.slots.get_mut(&key) {
            Some(place) => Some(std::mem::replace(place, slot)),
            None => self.slots.insert(key.clone(), slot),
        };
        self.undo.push((key, before));
    }

    /// Keys that the transaction changed.
    pub(super) fn keys_of_transaction(&self) -> impl Iterator<Item = &K> {
        self.undo.iter().map(|(key, _)| key)
    }

    /// Keeps what the transaction changed.
    pub(super) fn keep(&mut self) {
        self.undo.clear();
    }

    /// Puts back what the transaction changed.
    pub(super) fn put_back(&mut self) {
        while let Some((key, before)) = self.undo.pop() {
            match before {
                Some(slot) => self.slots.insert(key, slot),
                None => self.slots.remove(&key),
            };
        }
    }

    /// What was changed, by key.
    pub(super) fn changed(&self) -> Vec<(&K, &V)> {
        let changed = self.slots.iter().filter(|(_, slot)| slot.changed);
        let mut changed: Vec<_> = changed.map(|(key, slot)| (key, &slot.value)).collect();
        changed.sort_unstable_by(|a, b| a.0.cmp(b.0));
        changed
    }

    /// What was changed, by key.
    pub(super) fn into_changed(self) -> BTreeMap<K, V> {
        let changed = self.slots.into_iter().filter(|(_, slot)| slot.changed);
        changed.map(|(key, slot)| (key, slot.value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rejected_transaction_changed_is_as_it_was() {
        let mut overlay = Overlay::default();
        overlay.read(1, "committed");
        overlay.put(2, "kept");
        overlay.keep();
        overlay.put(1, "dropped");
        overlay.put(2, "dropped");
        overlay.put(3, "dropped");
        overlay.put(2, "dropped again");
        overlay.put_back();
        assert_eq!(overlay.get(&1), Some(&"committed"));
        assert_eq!(overlay.get(&3), None);
        assert_eq!(overlay.into_changed(), BTreeMap::from([(2, "kept")]));
    }
}
