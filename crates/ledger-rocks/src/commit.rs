//! Sealing: one batch, one write.
//!
//! Rows, timers with their index, published records and the commit record go into one WriteBatch, so a crash keeps all
//! of them or none. It is written at once by the shard's own thread, unsynced; the syncer makes it durable.

use std::collections::BTreeMap;

use campanile_ledger::{Batch, CommitRecord, Record, RowKey, TimerKey};
use campanile_model::Timestamp;
use rocksdb::{WriteBatch, WriteOptions};

use crate::core::Core;
use crate::faults::{self, Fault};
use crate::format;
use crate::log::{handle, lock};
use crate::table;
use crate::tuning::Family;

/// A sealed batch that could not be written yet, and what it changes, for the shard to see.
pub(crate) struct Waiting {
    pub(crate) batch: Batch,
    pub(crate) record: CommitRecord,
    pub(crate) reason: String,
    pub(crate) rows: BTreeMap<RowKey, Option<Vec<u8>>>,
    pub(crate) timers: BTreeMap<TimerKey, Option<Timestamp>>,
}

impl Waiting {
    pub(crate) fn new(batch: Batch, record: CommitRecord, reason: String) -> Self {
        let rows = batch.rows.iter().map(|(key, value)| (key, value.map(<[u8]>::to_vec))).collect();
        let timers = batch.timers.iter().copied().collect();
        Self { batch, record, reason, rows, timers }
    }
}

/// Writes the batch and gives its ticket, or says why it cannot be written now.
pub(crate) fn write(core: &Core, shard: u16, batch: &Batch, record: &CommitRecord) -> Result<u64, String> {
    let published: usize = batch.publish.iter().map(|publish| publish.record.size()).sum();
    if let Some(reason) = core.watch.halted_before(batch.rows.size_bytes() + published) {
        return Err(reason);
    }
    let refused = |error: rocksdb::Error| {
        core.watch.write_failed(error.as_ref());
        error.to_string()
    };
    let mut writes = WriteBatch::with_capacity_bytes(batch.rows.size_bytes() + batch.rows.len() * 8 + published + 512);
    let text = record.to_string();
    let meta = handle(&core.db, Family::Meta);
    if faults::chosen() == Fault::CommitBeforeState {
        core.db.put_cf(meta, format::commit_key(shard), &text).map_err(refused)?;
        core.db.flush_wal(true).map_err(refused)?;
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    writes.put_cf(meta, format::commit_key(shard), text);
    let (rows, large) = (handle(&core.db, Family::Rows), handle(&core.db, Family::LargeRows));
    // In key order, so that each insert into the memtable begins where the last one ended. The sort keeps the order of
    // changes to one row, and the last one wins.
    let mut changes: Vec<_> = batch.rows.iter().collect();
    changes.sort_by_key(|(key, _)| *key);
    for (key, value) in changes {
        let family = if key.is_large() { large } else { rows };
        let key = format::row_key(shard, key);
        match value {
            Some(value) => writes.put_cf(family, key, value),
            None => writes.delete_cf(family, key),
        }
    }
    arm(core, shard, batch, &mut writes).map_err(refused)?;
    publish(core, batch, writes).map_err(refused)
}

/// Puts timers and their index. The old due time is looked up, because the index is keyed by it.
fn arm(core: &Core, shard: u16, batch: &Batch, writes: &mut WriteBatch) -> Result<(), rocksdb::Error> {
    if batch.timers.is_empty() {
        return Ok(());
    }
    // Later entries win, and sorted keys are looked up together.
    let changes: BTreeMap<TimerKey, Option<Timestamp>> = batch.timers.iter().copied().collect();
    let keys: Vec<_> = changes.keys().copied().collect();
    let family = handle(&core.db, Family::Timers);
    for (before, (key, due)) in table::armed(&core.db, shard, &keys)?.into_iter().zip(changes) {
        if before == due {
            continue;
        }
        if let Some(before) = before {
            writes.delete_cf(family, format::due_key(shard, before, key));
        }
        match due {
            Some(due) => {
                writes.put_cf(family, format::timer_key(shard, key), due.0.to_be_bytes());
                writes.put_cf(family, format::due_key(shard, due, key), b"");
            }
            None => writes.delete_cf(family, format::timer_key(shard, key)),
        }
    }
    Ok(())
}

/// Puts published records, one group per partition, and writes everything under the locks of those partitions, taken in
/// rising order: offsets are in the WAL in their order, so no crash leaves a gap.
fn publish(core: &Core, batch: &Batch, mut writes: WriteBatch) -> Result<u64, rocksdb::Error> {
    let mut by_partition: BTreeMap<usize, Vec<&Record>> = BTreeMap::new();
    for publish in &batch.publish {
        let index = core.log.index(publish.topic, publish.partition);
        let index = index.expect("a machine publishes only to partitions of its own ledger's card");
        by_partition.entry(index).or_default().push(&publish.record);
    }
    let mut guards: Vec<_> = by_partition.keys().map(|index| lock(&core.log.partition(*index).state)).collect();
    let now = core.clock.now();
    let mut drafts = Vec::with_capacity(guards.len());
    for (written, (index, records)) in guards.iter().zip(by_partition) {
        let draft = core.log.stage(&core.db, index, written, now, records.into_iter(), &mut writes);
        drafts.push((index, draft));
    }
    let mut options = WriteOptions::default();
    options.set_memtable_insert_hint_per_batch(true);
    core.db.write_opt(writes, &options)?;
    let applied = guards.iter_mut().zip(drafts).filter_map(|(written, (index, draft))| {
        let end = core.log.apply(index, written, draft)?;
        Some((index, end))
    });
    let ticket = core.durability.wrote(applied);
    drop(guards);
    Ok(ticket)
}
