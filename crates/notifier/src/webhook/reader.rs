//! Reading the incidents topic for many lines: each stands elsewhere, most stand at the end, and a chunk that one has
//! read serves the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use campanile_ledger::{Stored, Tail, TailError, Topic};

/// Records read in one go.
const CHUNK: usize = 200;

pub(crate) struct Reader {
    tail: Arc<dyn Tail>,
    /// The last chunk of each partition.
    chunks: Mutex<HashMap<u16, Arc<Vec<Stored>>>>,
}

impl Reader {
    pub(crate) fn new(tail: Arc<dyn Tail>) -> Self {
        Self { tail, chunks: Mutex::default() }
    }

    /// Records of a partition from `from` on. Blocks.
    ///
    /// # Errors
    /// As the ledger's.
    pub(crate) fn read(&self, partition: u16, from: u64) -> Result<Vec<Stored>, TailError> {
        let known = self.chunks.lock().unwrap_or_else(PoisonError::into_inner).get(&partition).cloned();
        if let Some(chunk) = known
            && chunk.first().is_some_and(|first| first.offset <= from)
            && chunk.last().is_some_and(|last| from <= last.offset)
        {
            return Ok(chunk.iter().filter(|stored| stored.offset >= from).cloned().collect());
        }
        let chunk = self.tail.read(Topic::Incidents, partition, from, CHUNK)?;
        if !chunk.is_empty() {
            let shared = Arc::new(chunk.clone());
            self.chunks.lock().unwrap_or_else(PoisonError::into_inner).insert(partition, shared);
        }
        Ok(chunk)
    }

    /// The record at an offset, if it is still held. Blocks.
    pub(crate) fn one(&self, partition: u16, offset: u64) -> Option<Stored> {
        let found = self.tail.read(Topic::Incidents, partition, offset, 1).ok()?;
        found.into_iter().next().filter(|stored| stored.offset == offset)
    }
}
