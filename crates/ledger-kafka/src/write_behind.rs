//! The shard's table: a RocksDB that is written behind, and the layers that are newer than it.
//!
//! ```text
//!  read ──► sealed batches, newest first ──► committed, not yet written ──► RocksDB
//!                        │ settles                      │ about once a second, one WriteBatch
//!                        └──────────────────────────────┘
//! ```
//!
//! Durability is the changelog's, so no commit waits for this disk. What RocksDB holds is always one commit exactly: rows
//! and position go in one batch, and a batch in doubt is never written.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use campanile_ledger::{Batch, CommitRecord, RowKey, TimerKey};
use campanile_model::Timestamp;
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DB, DBCompressionType, Options, ReadOptions, WriteBatch,
};

use crate::commit_record::{Subject, due_of, due_value, row_key, share, subject, timer_key};
use crate::faults::{self, Fault as Mutation, Point};

/// How far the disk may lag behind what is committed, in time and bytes.
const BEHIND: Duration = Duration::from_secs(1);
const BEHIND_BYTES: usize = 32 << 20;
/// Above it reading stops until the disk takes writes again.
const BEHIND_BYTES_MAX: usize = 64 << 20;

const ROWS: &str = "rows";
const RECORD: &[u8] = b"record";
const POSITION: &[u8] = b"position";
const DIGEST: &[u8] = b"digest";
const WRITTEN: &[u8] = b"written";
const CARD: &[u8] = b"card";

pub(crate) type Value = Option<Bytes>;

/// A sealed batch's changes, one per key, the last one made.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) rows: BTreeMap<RowKey, Value>,
    pub(crate) timers: BTreeMap<TimerKey, Option<Timestamp>>,
    pub(crate) bytes: usize,
}

impl Changes {
    pub(crate) fn of(batch: &Batch) -> Self {
        let mut changes = Self::default();
        for (key, value) in batch.rows.iter() {
            changes.rows.insert(key, value.map(Bytes::copy_from_slice));
        }
        changes.timers.extend(batch.timers.iter().copied());
        changes.bytes = batch.rows.size_bytes() + batch.timers.len() * 32;
        changes
    }
}

/// What the local directory says of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Local {
    pub(crate) card: Option<String>,
    pub(crate) record: CommitRecord,
    /// Changelog offset from which it must be continued.
    pub(crate) position: u64,
    /// Digest of the rows as they lie there, which is the record's except in the middle of a restore.
    pub(crate) digest: u128,
    /// Wall clock of the last write.
    pub(crate) written: Timestamp,
}

pub(crate) struct Store {
    db: DB,
    sealed: VecDeque<(u64, Arc<Changes>)>,
    committed: Changes,
    /// All timers, sealed batches included.
    timers: HashMap<TimerKey, Timestamp>,
    due: BTreeSet<(Timestamp, TimerKey)>,
    /// Digest after the newest sealed batch.
    pub(crate) digest: u128,
    /// Shares of rows that were read since the last seal; the old values that the digest takes away.
    shares: HashMap<RowKey, u128>,
    written_at: Instant,
    pub(crate) stuck: Option<String>,
}

type Failure = rocksdb::Error;

impl Store {
    /// Opens the directory, or makes an empty one.
    pub(crate) fn open(path: &Path, cache: &Cache) -> Result<(Self, Local), Failure> {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_max_background_jobs(2);
        options.set_max_total_wal_size(64 << 20);
        options.set_keep_log_file_num(2);
        let families = ["default", ROWS].map(|name| ColumnFamilyDescriptor::new(name, family(cache)));
        let db = DB::open_cf_descriptors(&options, path, families)?;
        let local = local(&db)?;
        let mut store = Self {
            db,
            sealed: VecDeque::new(),
            committed: Changes::default(),
            timers: HashMap::new(),
            due: BTreeSet::new(),
            digest: local.digest,
            shares: HashMap::new(),
            written_at: Instant::now(),
            stuck: None,
        };
        store.load_timers()?;
        Ok((store, local))
    }

    fn load_timers(&mut self) -> Result<(), Failure> {
        let mut iterator = self.db.raw_iterator_cf(self.rows_family());
        iterator.seek(b"t");
        let mut found = Vec::new();
        while let Some((key, value)) = iterator.item() {
            if let (Some(Subject::Timer(key)), Some(due)) = (subject(key), due_of(value)) {
                found.push((key, due));
            }
            iterator.next();
        }
        iterator.status()?;
        drop(iterator);
        for (key, due) in found {
            self.arm(key, Some(due));
        }
        Ok(())
    }

    fn rows_family(&self) -> &rocksdb::ColumnFamily {
        self.db.cf_handle(ROWS).expect("the family is made when the directory is opened")
    }

    fn arm(&mut self, key: TimerKey, due: Option<Timestamp>) -> Option<Timestamp> {
        let before = match due {
            Some(due) => self.timers.insert(key, due),
            None => self.timers.remove(&key),
        };
        if let Some(before) = before {
            self.due.remove(&(before, key));
        }
        if let Some(due) = due {
            self.due.insert((due, key));
        }
        before
    }

    fn layered(&self, key: RowKey) -> Option<Value> {
        let sealed = self.sealed.iter().rev().find_map(|(_, changes)| changes.rows.get(&key));
        sealed.or_else(|| self.committed.rows.get(&key)).cloned()
    }

    /// Values in the order of `keys`.
    pub(crate) fn rows(&mut self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, Failure> {
        let mut values = Vec::with_capacity(keys.len());
        let mut missing = Vec::new();
        for (place, key) in keys.iter().enumerate() {
            match self.layered(*key) {
                Some(value) => values.push(value.map(|value| value.to_vec())),
                None => {
                    missing.push((row_key(*key), place));
                    values.push(None);
                }
            }
        }
        // Sorted, the look-ups share blocks and filters between neighbours.
        missing.sort_unstable();
        if missing.is_empty() {
            self.note_shares(keys, &values);
            return Ok(values);
        }
        let family = self.rows_family();
        let found = self.db.batched_multi_get_cf(family, missing.iter().map(|(key, _)| key), true);
        for (value, (_, place)) in found.into_iter().zip(&missing) {
            values[*place] = value?.map(|value| value.to_vec());
        }
        self.note_shares(keys, &values);
        Ok(values)
    }

    fn note_shares(&mut self, keys: &[RowKey], values: &[Option<Vec<u8>>]) {
        for (key, value) in keys.iter().zip(values) {
            self.shares.insert(*key, share(&row_key(*key), value.as_deref()));
        }
    }

    /// Rows that begin with `prefix` and lie after `after`, by key, at most `limit`.
    pub(crate) fn scan(
        &self,
        prefix: &[u8],
        after: Option<RowKey>,
        limit: usize,
    ) -> Result<Vec<(RowKey, Vec<u8>)>, Failure> {
        let is_in = |key: &RowKey| key.0.starts_with(prefix) && after.is_none_or(|after| *key > after);
        let mut newer: BTreeMap<RowKey, Value> = BTreeMap::new();
        let layers = std::iter::once(&self.committed).chain(self.sealed.iter().map(|(_, changes)| changes.as_ref()));
        for layer in layers {
            newer.extend(layer.rows.iter().filter(|(key, _)| is_in(key)).map(|(key, value)| (*key, value.clone())));
        }
        let mut options = ReadOptions::default();
        options.set_total_order_seek(true);
        let mut iterator = self.db.raw_iterator_cf_opt(self.rows_family(), options);
        let mut from = vec![b'r'];
        from.extend_from_slice(prefix);
        if let Some(after) = after {
            from = from.max(row_key(after).to_vec());
        }
        iterator.seek(&from);
        let mut found = BTreeMap::new();
        // A newer layer may take away any of those found, so that many more are looked at.
        while found.len() < limit.saturating_add(newer.len())
            && let Some((key, value)) = iterator.item()
            && let Some(Subject::Row(key)) = subject(key)
            && key.0.starts_with(prefix)
        {
            if is_in(&key) {
                found.insert(key, Some(Bytes::copy_from_slice(value)));
            }
            iterator.next();
        }
        iterator.status()?;
        found.extend(newer);
        let rows = found.into_iter().filter_map(|(key, value)| Some((key, value?.to_vec())));
        Ok(rows.take(limit).collect())
    }

    /// Timers due at or before `until`, by (due, key), at most `max`.
    pub(crate) fn timers(&self, until: Timestamp, max: usize) -> Vec<(Timestamp, TimerKey)> {
        self.due.iter().take_while(|(due, _)| *due <= until).take(max).copied().collect()
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Takes the changes as sealed under `seq` and gives the digest after them: minus old, plus new.
    pub(crate) fn seal(&mut self, seq: u64, changes: Arc<Changes>) -> Result<u128, Failure> {
        // Rows are written after they were read, so this finds none unless somebody writes blindly.
        let unread: Vec<_> = changes.rows.keys().filter(|key| !self.shares.contains_key(key)).copied().collect();
        if !unread.is_empty() {
            self.rows(&unread)?;
        }
        let mut digest = self.digest;
        for (key, value) in &changes.rows {
            let before = self.shares.get(key).copied().unwrap_or_default();
            digest = digest.wrapping_sub(before).wrapping_add(share(&row_key(*key), value.as_deref()));
        }
        for (key, due) in &changes.timers {
            let before = self.arm(*key, *due);
            let of = |due: Option<Timestamp>| due.map_or(0, |due| share(&timer_key(*key), Some(&due_value(due))));
            digest = digest.wrapping_sub(of(before)).wrapping_add(of(*due));
        }
        self.shares.clear();
        self.digest = digest;
        self.sealed.push_back((seq, changes));
        Ok(digest)
    }

    /// Batches up to `seq` are known to be committed.
    pub(crate) fn settle(&mut self, seq: u64) {
        while let Some((_, changes)) = self.sealed.pop_front_if(|(sealed, _)| *sealed <= seq) {
            self.committed.rows.extend(changes.rows.iter().map(|(key, value)| (*key, value.clone())));
            self.committed.timers.extend(changes.timers.iter().map(|(key, due)| (*key, *due)));
            self.committed.bytes += changes.bytes;
        }
    }

    pub(crate) fn is_due(&self) -> bool {
        let is_late = self.written_at.elapsed() >= BEHIND && !self.committed.is_empty();
        is_late || self.committed.bytes >= BEHIND_BYTES
    }

    /// Whether so much waits for the disk that reading must stop.
    pub(crate) fn is_full(&self) -> bool {
        self.committed.bytes >= BEHIND_BYTES_MAX
    }

    /// Writes what is committed. `record` is the newest committed one, `position` the changelog offset behind it or lower:
    /// too low is harmless, too high would lose rows.
    pub(crate) fn write(&mut self, record: &CommitRecord, position: u64, now: Timestamp) -> Result<(), Failure> {
        self.written_at = Instant::now();
        let mut batch = WriteBatch::default();
        let family = self.rows_family();
        for (key, value) in &self.committed.rows {
            match value {
                Some(value) => batch.put_cf(family, row_key(*key), value),
                None => batch.delete_cf(family, row_key(*key)),
            }
        }
        for (key, due) in &self.committed.timers {
            match due {
                Some(due) => batch.put_cf(family, timer_key(*key), due_value(*due)),
                None => batch.delete_cf(family, timer_key(*key)),
            }
        }
        // The fault: so many records later than it is true of.
        let too_far = if faults::chosen() == Mutation::PositionTooHigh { 200 } else { 0 };
        mark(&mut batch, record, position + too_far, record.digest, now);
        let written = self.db.write(batch);
        faults::tear(self.db.path());
        faults::reach(Point::Written);
        faults::reach_compacting(|| self.flush_and_compact());
        self.stuck = written.as_ref().err().map(|error| format!("the state directory takes no writes: {error}"));
        written?;
        self.committed = Changes::default();
        Ok(())
    }

    /// Only for the place C10 of the crash matrix, which random kills hardly ever meet.
    fn flush_and_compact(&self) {
        let family = self.rows_family();
        drop(self.db.flush_cf(family));
        self.db.compact_range_cf(family, None::<&[u8]>, None::<&[u8]>);
    }

    /// Writes a piece of a restore. `digest` is carried along by the caller.
    pub(crate) fn restore(&mut self, piece: Piece<'_>) -> Result<(), Failure> {
        let mut batch = WriteBatch::default();
        let family = self.rows_family();
        for (key, value) in piece.changes {
            match value {
                Some(value) => batch.put_cf(family, key, value),
                None => batch.delete_cf(family, key),
            }
        }
        mark(&mut batch, piece.record, piece.position, piece.digest, piece.now);
        self.db.write(batch)?;
        self.digest = piece.digest;
        for (key, value) in piece.changes {
            if let Some(Subject::Timer(key)) = subject(key) {
                self.arm(key, value.as_deref().and_then(due_of));
            }
        }
        Ok(())
    }

    /// The value of a changelog key as it lies on disk.
    pub(crate) fn raw(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        self.db.get_cf(self.rows_family(), key)
    }

    pub(crate) fn write_card(&self, card: &str) -> Result<(), Failure> {
        self.db.put(CARD, card)
    }
}

/// A piece of the changelog on its way to the disk.
pub(crate) struct Piece<'a> {
    pub(crate) changes: &'a BTreeMap<Vec<u8>, Value>,
    pub(crate) record: &'a CommitRecord,
    pub(crate) position: u64,
    pub(crate) digest: u128,
    pub(crate) now: Timestamp,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.bytes == 0 && self.rows.is_empty() && self.timers.is_empty()
    }
}

fn mark(batch: &mut WriteBatch, record: &CommitRecord, position: u64, digest: u128, now: Timestamp) {
    batch.put(RECORD, record.to_string());
    batch.put(POSITION, position.to_be_bytes());
    batch.put(DIGEST, digest.to_be_bytes());
    batch.put(WRITTEN, now.0.to_be_bytes());
}

fn local(db: &DB) -> Result<Local, Failure> {
    let number = |value: Option<Vec<u8>>| value.and_then(|value| Some(u64::from_be_bytes(value.try_into().ok()?)));
    let text = |value: Option<Vec<u8>>| value.and_then(|value| String::from_utf8(value).ok());
    let digest = db.get(DIGEST)?.and_then(|value| Some(u128::from_be_bytes(value.try_into().ok()?)));
    Ok(Local {
        card: text(db.get(CARD)?),
        record: text(db.get(RECORD)?).and_then(|text| text.parse().ok()).unwrap_or_default(),
        position: number(db.get(POSITION)?).unwrap_or_default(),
        digest: digest.unwrap_or_default(),
        written: Timestamp(number(db.get(WRITTEN)?).unwrap_or_default() as i64),
    })
}

fn family(cache: &Cache) -> Options {
    let mut options = Options::default();
    options.set_write_buffer_size(16 << 20);
    options.set_max_write_buffer_number(3);
    options.set_compression_type(DBCompressionType::Lz4);
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_block_size(8 << 10);
    table.set_bloom_filter(10.0, false);
    table.set_format_version(6);
    options.set_block_based_table_factory(&table);
    options
}
