//! Rows and timers: reading them.
//!
//! A shard sees its own sealed batches, because they are in the database at once. Everybody else goes by [`Table`],
//! which answers only what is durable.

use std::sync::Arc;
use std::time::{Duration, Instant};

use campanile_ledger::{MachineId, RowKey, TimerKey};
use campanile_model::{ShardId, Timestamp};
use rocksdb::{DB, ReadOptions};

use crate::core::Core;
use crate::format;
use crate::log::handle;
use crate::tuning::Family;

pub(crate) type Row = (RowKey, Vec<u8>);

fn family_of(key: &RowKey) -> Family {
    if key.is_large() { Family::LargeRows } else { Family::Rows }
}

/// Values in the order of `keys`.
pub(crate) fn rows(db: &DB, shard: u16, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, rocksdb::Error> {
    if let [key] = keys {
        return Ok(vec![db.get_cf(handle(db, family_of(key)), format::row_key(shard, *key))?]);
    }
    let mut values = vec![None; keys.len()];
    for family in [Family::Rows, Family::LargeRows] {
        // Sorted, the lookup shares blocks and filters between neighbours.
        let wanted = (0_u32..).zip(keys).filter(|(_, key)| family_of(key) == family);
        let mut sorted: Vec<_> = wanted.map(|(place, key)| (format::row_key(shard, *key), place)).collect();
        if sorted.is_empty() {
            continue;
        }
        sorted.sort_unstable();
        let found = db.batched_multi_get_cf(handle(db, family), sorted.iter().map(|(key, _)| key), true);
        for (value, (_, place)) in found.into_iter().zip(&sorted) {
            values[*place as usize] = value?.map(|value| value.to_vec());
        }
    }
    Ok(values)
}

/// Rows that begin with `prefix` and lie after `after`, by key, at most `limit`.
pub(crate) fn scan(
    db: &DB,
    shard: u16,
    prefix: &[u8],
    after: Option<RowKey>,
    limit: usize,
) -> Result<Vec<Row>, rocksdb::Error> {
    let mut found = scan_family(db, Family::Rows, shard, prefix, after, limit)?;
    let large = scan_family(db, Family::LargeRows, shard, prefix, after, limit)?;
    if !large.is_empty() {
        found.extend(large);
        found.sort_unstable_by_key(|(key, _)| *key);
        found.truncate(limit);
    }
    Ok(found)
}

fn scan_family(
    db: &DB,
    family: Family,
    shard: u16,
    prefix: &[u8],
    after: Option<RowKey>,
    limit: usize,
) -> Result<Vec<Row>, rocksdb::Error> {
    let mut from = shard.to_be_bytes().to_vec();
    from.extend_from_slice(prefix);
    let mut options = ReadOptions::default();
    options.set_total_order_seek(true);
    if let Some(end) = after_prefix(&from) {
        options.set_iterate_upper_bound(end);
    }
    if let Some(after) = after {
        let mut next = format::row_key(shard, after).to_vec();
        next.push(0);
        from = from.max(next);
    }
    let mut iterator = db.raw_iterator_cf_opt(handle(db, family), options);
    iterator.seek(&from);
    let mut found = Vec::new();
    while found.len() < limit
        && let Some((key, value)) = iterator.item()
    {
        found.extend(format::row_of(key).map(|key| (key, value.to_vec())));
        iterator.next();
    }
    iterator.status()?;
    Ok(found)
}

/// The first key after all that begin with `prefix`, if there is one.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte < u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

/// Timers due from `from` to `until`, by (due, key), at most `max`.
///
/// `from` is as high as the caller can tell: popped timers leave tombstones below it.
pub(crate) fn timers(
    db: &DB,
    shard: u16,
    from: Timestamp,
    until: Timestamp,
    max: usize,
) -> Result<Vec<(Timestamp, TimerKey)>, rocksdb::Error> {
    let mut options = ReadOptions::default();
    options.set_total_order_seek(true);
    match until.0.checked_add(1) {
        Some(end) => options.set_iterate_upper_bound(format::due_prefix(shard, Timestamp(end))),
        None => options.set_iterate_upper_bound(format::due_end(shard).to_vec()),
    }
    let mut iterator = db.raw_iterator_cf_opt(handle(db, Family::Timers), options);
    iterator.seek(format::due_prefix(shard, from));
    let mut found = Vec::new();
    while found.len() < max
        && let Some(key) = iterator.key()
    {
        found.extend(format::due_of(key));
        iterator.next();
    }
    iterator.status()?;
    Ok(found)
}

/// When each of these timers is due now; `None` if it is not armed.
pub(crate) fn armed(db: &DB, shard: u16, keys: &[TimerKey]) -> Result<Vec<Option<Timestamp>>, rocksdb::Error> {
    let keys: Vec<_> = keys.iter().map(|key| format::timer_key(shard, *key)).collect();
    let found = db.batched_multi_get_cf(handle(db, Family::Timers), &keys, keys.is_sorted());
    let due = |value: Option<rocksdb::DBPinnableSlice<'_>>| {
        value.and_then(|value| value.first_chunk().map(|bytes| Timestamp(i64::from_be_bytes(*bytes))))
    };
    found.into_iter().map(|value| value.map(due)).collect()
}

/// Longest wait for a sync before a read gives up.
const BARRIER_WAIT: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, thiserror::Error)]
pub enum TableError {
    /// Try again later.
    #[error("what was read is not durable yet: {0}")]
    Halted(String),
    #[error("the ledger is damaged: {0}")]
    Damaged(String),
    #[error("the ledger is shutting down")]
    Closing,
}

/// Rows of any shard of one machine, for roles and the operator's door. Blocks for a sync, if what it saw is not durable yet.
#[derive(Clone)]
pub struct Table {
    pub(crate) core: Arc<Core>,
    pub(crate) machine: MachineId,
}

impl Table {
    /// Durable values of rows, in the order of `keys`.
    pub fn rows(&self, shard: ShardId, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, TableError> {
        self.durable(rows(&self.core.db, self.slot(shard), keys))
    }

    /// Durable rows whose key begins with `prefix` and lies after `after`, by key, at most `limit`.
    pub fn scan(
        &self,
        shard: ShardId,
        prefix: &[u8],
        after: Option<RowKey>,
        limit: usize,
    ) -> Result<Vec<Row>, TableError> {
        self.durable(scan(&self.core.db, self.slot(shard), prefix, after, limit))
    }

    /// Durable timers due at or before `until`, by (due, key), at most `max`.
    pub fn timers(
        &self,
        shard: ShardId,
        until: Timestamp,
        max: usize,
    ) -> Result<Vec<(Timestamp, TimerKey)>, TableError> {
        self.durable(timers(&self.core.db, self.slot(shard), Timestamp(i64::MIN), until, max))
    }

    fn slot(&self, shard: ShardId) -> u16 {
        format::slot(self.machine, shard.0)
    }

    /// Gives `seen` when all that was visible is durable.
    fn durable<T>(&self, seen: Result<T, rocksdb::Error>) -> Result<T, TableError> {
        let seen = seen.map_err(|error| TableError::Damaged(error.to_string()))?;
        let sequence = self.core.db.latest_sequence_number();
        let durability = &self.core.durability;
        let until = Instant::now() + BARRIER_WAIT;
        loop {
            let generation = durability.generation();
            if durability.synced() >= sequence {
                return Ok(seen);
            }
            if durability.is_closing() {
                return Err(TableError::Closing);
            }
            let left = until.saturating_duration_since(Instant::now());
            if let Some(reason) = self.core.watch.halted().or_else(|| left.is_zero().then(|| "no sync came".to_owned()))
            {
                return Err(TableError::Halted(reason));
            }
            durability.want_sync();
            durability.wait_after(generation, left);
        }
    }
}
