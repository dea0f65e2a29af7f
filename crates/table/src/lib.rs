//! Floor 20: rows in memory, as both machines hold them: those of the batch, and the ones that were of use lately.
//!
//! Two generations: a row that is touched moves to the young one; when the young one is full it becomes the old one
//! and what nobody asked for in between is forgotten. Forgetting is safe because only clean rows are forgotten.

use std::hash::Hash;

use rustc_hash::FxHashMap;

#[derive(Debug)]
struct Slot<V> {
    /// `None`: known to be absent.
    value: Option<V>,
    dirty: bool,
}

/// Keys are hashes with a secret in them, or serials: nobody can aim them, so a cheap hasher will do.
#[derive(Debug)]
pub struct Table<K, V> {
    young: FxHashMap<K, Slot<V>>,
    old: FxHashMap<K, Slot<V>>,
    dirty: Vec<K>,
    young_max: usize,
}

impl<K: Copy + Eq + Hash + Ord + std::fmt::Debug, V> Table<K, V> {
    /// Remembers up to about twice `young_max` clean rows.
    pub fn new(young_max: usize) -> Self {
        Self { young: FxHashMap::default(), old: FxHashMap::default(), dirty: Vec::new(), young_max }
    }

    /// Whether the row, or its absence, is known. What is known is young from here on.
    pub fn knows(&mut self, key: &K) -> bool {
        self.young.contains_key(key) || self.rejuvenate(key)
    }

    fn rejuvenate(&mut self, key: &K) -> bool {
        if self.old.is_empty() {
            return false;
        }
        match self.old.remove(key) {
            Some(slot) => {
                self.young.insert(*key, slot);
                true
            }
            None => false,
        }
    }

    /// What is known of the row: `None` nothing, `Some(None)` that there is none.
    pub fn known(&mut self, key: &K) -> Option<Option<&V>> {
        if !self.old.is_empty() && !self.young.contains_key(key) && !self.rejuvenate(key) {
            return None;
        }
        self.young.get(key).map(|slot| slot.value.as_ref())
    }

    /// Takes what was read. A row that is already known stays as it is: it may have changed since.
    pub fn load(&mut self, key: K, value: Option<V>) {
        if !self.knows(&key) {
            self.young.insert(key, Slot { value, dirty: false });
        }
    }

    /// The row, if it exists. Looks only at what is known.
    pub fn get(&self, key: &K) -> Option<&V> {
        let slot = self.young.get(key).or_else(|| self.old.get(key));
        debug_assert!(slot.is_some(), "footprint: row {key:?} was used before it was read");
        slot.and_then(|slot| slot.value.as_ref())
    }

    /// The row to be changed; it counts as changed from here on.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        // A footprint that was asked for has brought the row to the young generation.
        let slot = self.young.get_mut(key);
        debug_assert!(slot.is_some(), "footprint: row {key:?} was changed before it was read");
        let slot = slot?;
        let value = slot.value.as_mut()?;
        if !slot.dirty {
            slot.dirty = true;
            self.dirty.push(*key);
        }
        Some(value)
    }

    pub fn put(&mut self, key: K, value: V) {
        self.set(key, Some(value));
    }

    /// Takes the row away and gives what stood there.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.set(*key, None)
    }

    fn set(&mut self, key: K, value: Option<V>) -> Option<V> {
        let old = &mut self.old;
        let aged = || old.remove(&key).unwrap_or(Slot { value: None, dirty: false });
        let slot = self.young.entry(key).or_insert_with(aged);
        if !slot.dirty {
            slot.dirty = true;
            self.dirty.push(key);
        }
        std::mem::replace(&mut slot.value, value)
    }

    /// Shows every changed row in the order of keys, counts all as clean, and forgets what is old.
    pub fn drain(&mut self, mut write: impl FnMut(&K, Option<&V>)) {
        self.dirty.sort_unstable();
        for key in std::mem::take(&mut self.dirty) {
            if let Some(slot) = self.young.get_mut(&key) {
                slot.dirty = false;
                write(&key, slot.value.as_ref());
            }
        }
        if self.young.len() > self.young_max {
            self.old = std::mem::take(&mut self.young);
        }
    }

    /// Changed rows so far.
    pub fn changed(&self) -> usize {
        self.dirty.len()
    }

    /// Every row that is known to exist; for laws and tests.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.young.iter().chain(&self.old).filter_map(|(key, slot)| Some((key, slot.value.as_ref()?)))
    }

    /// Rows remembered, present or known absent.
    pub fn remembered(&self) -> usize {
        self.young.len() + self.old.len()
    }
}
