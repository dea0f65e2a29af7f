//! A batch: everything that one commit changes. Sealed, it never changes again.

use campanile_model::{Epoch, Timestamp};

use crate::record::Record;
use crate::topic::Topic;

/// Bytes of a row key: two of kind, four of service prefix, sixteen of identity. Short keys are cheap in every memtable.
pub const ROW_KEY_BYTES: usize = 22;

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey(pub [u8; ROW_KEY_BYTES]);

/// Kinds of rows that are large and seldom rewritten, by the first two bytes of their keys. Adapters may keep them apart
/// from those that change at every input; nothing else depends on it.
pub const LARGE_KINDS: [[u8; 2]; 1] = [*b"de"];

impl RowKey {
    /// Whether it is of a kind that is large and seldom rewritten.
    pub fn is_large(&self) -> bool {
        LARGE_KINDS.iter().any(|kind| self.0.starts_with(kind))
    }
}

impl std::fmt::Debug for RowKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// Names one timer: at most one deadline per (kind, object).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimerKey {
    pub kind: u8,
    pub object: u128,
}

/// Row changes in one arena, so that a batch of 20 000 rows is two allocations.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    arena: Vec<u8>,
    entries: Vec<(RowKey, u32, u32)>,
}

const DELETED: u32 = u32::MAX;

impl Rows {
    /// Room for this many bytes and changes, so that a batch about as large as the last one does not grow by doubling.
    pub fn with_capacity(bytes: usize, changes: usize) -> Self {
        Self { arena: Vec::with_capacity(bytes), entries: Vec::with_capacity(changes) }
    }

    /// Writes the row whose value `encode` appends to the buffer it is given.
    pub fn put(&mut self, key: RowKey, encode: impl FnOnce(&mut Vec<u8>)) {
        let start = self.arena.len();
        encode(&mut self.arena);
        self.entries.push((key, start as u32, (self.arena.len() - start) as u32));
    }

    pub fn delete(&mut self, key: RowKey) {
        self.entries.push((key, 0, DELETED));
    }

    /// Changes in the order they were made; `None` deletes.
    pub fn iter(&self) -> impl Iterator<Item = (RowKey, Option<&[u8]>)> {
        self.entries.iter().map(|(key, start, len)| {
            let value = (*len != DELETED).then(|| &self.arena[*start as usize..(*start + *len) as usize]);
            (*key, value)
        })
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn size_bytes(&self) -> usize {
        self.arena.len() + self.entries.len() * ROW_KEY_BYTES
    }
}

#[derive(Clone, Debug)]
pub struct Publish {
    pub topic: Topic,
    pub partition: u16,
    pub record: Record,
}

#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub rows: Rows,
    /// `None` takes the timer away. Later entries win.
    pub timers: Vec<(TimerKey, Option<Timestamp>)>,
    pub publish: Vec<Publish>,
    /// Next offset of each lane after this batch.
    pub next: [u64; 3],
    pub now: Timestamp,
    pub epoch: Epoch,
    pub serial: u64,
    pub out_seq: u64,
}
