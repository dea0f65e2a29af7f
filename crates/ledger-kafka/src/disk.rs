//! The disk: directories that hold a shard's table, as few calls as the table needs.
//!
//! Apart, so that a model can take RocksDB's place under a simulator: one that loses directories, brings old ones back, and
//! costs no milliseconds to open.

use std::path::Path;

/// A disk's answer, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct DiskError {
    pub text: String,
    /// Another process, or a dead one's remains, holds the directory.
    pub is_held: bool,
}

/// What is kept apart within a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Space {
    /// What the directory says of itself.
    Marks,
    /// Rows and timers, under the keys of the changelog.
    Rows,
}

pub trait Disk: Send + Sync {
    /// Opens the directory, or makes an empty one.
    ///
    /// Errors: it is held, damaged, or cannot be made.
    fn open(&self, path: &Path) -> Result<Box<dyn Directory>, DiskError>;

    fn exists(&self, path: &Path) -> bool;

    /// Moves a directory away under another name.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError>;

    fn remove(&self, path: &Path) -> Result<(), DiskError>;
}

/// An open directory. Closed when dropped.
pub trait Directory: Send {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError>;

    /// Values of rows, in the order of `keys`, which are sorted.
    fn rows(&self, keys: &mut dyn Iterator<Item = &[u8]>) -> Vec<Result<Option<Vec<u8>>, DiskError>>;

    /// Rows from the key `from` on, in order, while `take` says so.
    fn scan(&self, from: &[u8], take: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), DiskError>;

    /// Writes all that `fill` says, or nothing. It outlives the process, not always the machine.
    fn write(&self, fill: &mut dyn FnMut(&mut dyn Writing)) -> Result<(), DiskError>;
}

/// One write on its way.
pub trait Writing {
    fn put(&mut self, space: Space, key: &[u8], value: &[u8]);

    fn delete(&mut self, space: Space, key: &[u8]);
}
