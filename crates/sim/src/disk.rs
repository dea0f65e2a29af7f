//! The model disk: directories as sorted maps. A write outlives its process; chance may take a directory away, or bring an
//! older one back. It also notes what became of every directory, which is how a lost copy is found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use campanile_ledger_kafka::disk::{Directory, Disk, DiskError, Space, Writing};

use crate::schedule::{Life, lock};

type Key = (Space, Vec<u8>);
type Table = BTreeMap<Key, Vec<u8>>;

/// How many earlier states of a directory are kept, for the fault that brings one back.
const PAST_MAX: usize = 12;

#[derive(Clone, Default)]
struct Stored {
    table: Table,
    past: Vec<Table>,
    holder: Option<u64>,
    is_damaged: bool,
}

/// All directories of one process, over all of its lives.
#[derive(Clone, Default)]
pub(crate) struct Shelf {
    stored: Arc<Mutex<BTreeMap<PathBuf, Stored>>>,
    /// What was done to directories that nobody had damaged.
    notes: Arc<Mutex<Vec<String>>>,
    is_excused: Arc<AtomicBool>,
}

impl Shelf {
    pub(crate) fn lose(&self) {
        lock(&self.stored).clear();
    }

    /// The directories as they were some writes ago.
    pub(crate) fn age(&self, writes: usize) {
        for stored in lock(&self.stored).values_mut() {
            let keep = stored.past.len().saturating_sub(writes.max(1));
            if let Some(older) = stored.past.drain(keep..).next() {
                stored.table = older;
            }
        }
    }

    /// The directories cannot be opened any more.
    pub(crate) fn damage(&self) {
        for stored in lock(&self.stored).values_mut() {
            stored.is_damaged = true;
        }
    }

    /// Directories may be ahead of the changelog from now on.
    pub(crate) fn excuse(&self) {
        self.is_excused.store(true, Ordering::Relaxed);
    }

    pub(crate) fn release(&self, life: u64) {
        for stored in lock(&self.stored).values_mut() {
            if stored.holder == Some(life) {
                stored.holder = None;
            }
        }
    }

    pub(crate) fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.notes))
    }
}

/// The shelf as one life of the process sees it.
pub(crate) struct ModelDisk {
    pub(crate) shelf: Shelf,
    pub(crate) life: Arc<Life>,
}

fn broken(text: &str) -> DiskError {
    DiskError { text: text.to_owned(), is_held: false }
}

impl ModelDisk {
    fn alive(&self) -> Result<(), DiskError> {
        if self.life.is_dead() { Err(broken("the process is dead")) } else { Ok(()) }
    }
}

impl Disk for ModelDisk {
    fn open(&self, path: &Path) -> Result<Box<dyn Directory>, DiskError> {
        self.alive()?;
        let mut stored = lock(&self.shelf.stored);
        let found = stored.entry(path.to_owned()).or_default();
        if found.holder.is_some() {
            return Err(DiskError { text: "the lock is held".to_owned(), is_held: true });
        }
        if found.is_damaged {
            return Err(broken("a checksum does not match"));
        }
        found.holder = Some(self.life.number);
        let (shelf, life) = (self.shelf.clone(), Arc::clone(&self.life));
        Ok(Box::new(ModelDirectory { shelf, life, path: path.to_owned() }))
    }

    fn exists(&self, path: &Path) -> bool {
        lock(&self.shelf.stored).contains_key(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        self.alive()?;
        let mut stored = lock(&self.shelf.stored);
        let Some(moved) = stored.remove(from) else { return Err(broken("there is no such directory")) };
        if moved.holder.is_some() {
            let text = "the directory is open".to_owned();
            stored.insert(from.to_owned(), moved);
            return Err(DiskError { text, is_held: true });
        }
        let is_excused = moved.is_damaged || self.shelf.is_excused.load(Ordering::Relaxed);
        if !is_excused && !moved.table.is_empty() {
            lock(&self.shelf.notes).push(format!("{} was set aside, and nobody had damaged it", from.display()));
        }
        stored.insert(to.to_owned(), moved);
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<(), DiskError> {
        self.alive()?;
        let removed = lock(&self.shelf.stored).remove(path);
        if removed.is_some_and(|removed| !removed.table.is_empty()) {
            let text = format!("{} was deleted before anything in its place was verified", path.display());
            lock(&self.shelf.notes).push(text);
        }
        Ok(())
    }
}

struct ModelDirectory {
    shelf: Shelf,
    life: Arc<Life>,
    path: PathBuf,
}

impl Drop for ModelDirectory {
    fn drop(&mut self) {
        if let Some(stored) = lock(&self.shelf.stored).get_mut(&self.path)
            && stored.holder == Some(self.life.number)
        {
            stored.holder = None;
        }
    }
}

struct Batch(Vec<(Key, Option<Vec<u8>>)>);

impl Writing for Batch {
    fn put(&mut self, space: Space, key: &[u8], value: &[u8]) {
        self.0.push(((space, key.to_vec()), Some(value.to_vec())));
    }

    fn delete(&mut self, space: Space, key: &[u8]) {
        self.0.push(((space, key.to_vec()), None));
    }
}

impl ModelDirectory {
    fn read<T>(&self, read: impl FnOnce(&Table) -> T) -> Result<T, DiskError> {
        match lock(&self.shelf.stored).get(&self.path) {
            Some(stored) => Ok(read(&stored.table)),
            None => Err(broken("the directory is gone")),
        }
    }
}

impl Directory for ModelDirectory {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError> {
        self.read(|table| table.get(&(space, key.to_vec())).cloned())
    }

    fn rows(&self, keys: &mut dyn Iterator<Item = &[u8]>) -> Vec<Result<Option<Vec<u8>>, DiskError>> {
        keys.map(|key| self.get(Space::Rows, key)).collect()
    }

    fn scan(&self, from: &[u8], take: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), DiskError> {
        self.read(|table| {
            let rows = table.range((Space::Rows, from.to_vec())..);
            rows.take_while(|((_, key), value)| take(key, value)).for_each(drop);
        })
    }

    fn write(&self, fill: &mut dyn FnMut(&mut dyn Writing)) -> Result<(), DiskError> {
        if self.life.is_dead() {
            return Err(broken("the process is dead"));
        }
        let mut batch = Batch(Vec::new());
        fill(&mut batch);
        let mut stored = lock(&self.shelf.stored);
        let Some(stored) = stored.get_mut(&self.path) else { return Err(broken("the directory is gone")) };
        if stored.past.len() >= PAST_MAX {
            stored.past.remove(0);
        }
        stored.past.push(stored.table.clone());
        for (key, value) in batch.0 {
            match value {
                Some(value) => drop(stored.table.insert(key, value)),
                None => drop(stored.table.remove(&key)),
            }
        }
        Ok(())
    }
}
