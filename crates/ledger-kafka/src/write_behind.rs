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

use crate::commit_record::{Subject, due_of, due_value, row_key, share, subject, timer_key};
use crate::disk::{Directory, Disk, DiskError, Space, Writing};
use crate::faults::{self, Fault as Mutation};
use crate::host::Host;

/// How far the disk may lag behind what is committed, in time and bytes.
const BEHIND: Duration = Duration::from_secs(1);
const BEHIND_BYTES: usize = 32 << 20;
/// Above it reading stops until the disk takes writes again.
const BEHIND_BYTES_MAX: usize = 64 << 20;

/// Rows of a generation of shares, of which there are two: about 6 MB for each shard.
const SHARES_KEPT: usize = 1 << 16;

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
    directory: Box<dyn Directory>,
    host: Arc<dyn Host>,
    sealed: VecDeque<(u64, Arc<Changes>)>,
    committed: Changes,
    /// All timers, sealed batches included.
    timers: HashMap<TimerKey, Timestamp>,
    due: BTreeSet<(Timestamp, TimerKey)>,
    /// Digest after the newest sealed batch.
    pub(crate) digest: u128,
    shares: Shares,
    written_at: Instant,
    pub(crate) stuck: Option<String>,
}

/// Shares in the digest of rows as they stand after the newest sealed batch, for those that were read or written lately. A
/// machine keeps rows in memory over many batches and writes them again without asking; to read each of them anew, only for
/// the share to take away, cost more than the rest of a seal.
#[derive(Default)]
struct Shares {
    newer: HashMap<RowKey, u128>,
    older: HashMap<RowKey, u128>,
}

impl Shares {
    fn of(&self, key: &RowKey) -> Option<u128> {
        self.newer.get(key).or_else(|| self.older.get(key)).copied()
    }

    fn note(&mut self, key: RowKey, share: u128) {
        self.newer.insert(key, share);
    }

    /// Forgets what was not noted for a generation, once that one is full.
    fn turn(&mut self) {
        if self.newer.len() >= SHARES_KEPT {
            self.older = std::mem::take(&mut self.newer);
        }
    }
}

type Failure = DiskError;

impl Store {
    /// Opens the directory, or makes an empty one.
    pub(crate) fn open(disk: &dyn Disk, path: &Path, host: &Arc<dyn Host>) -> Result<(Self, Local), Failure> {
        let directory = disk.open(path)?;
        let local = local(directory.as_ref())?;
        let mut store = Self {
            directory,
            host: Arc::clone(host),
            sealed: VecDeque::new(),
            committed: Changes::default(),
            timers: HashMap::new(),
            due: BTreeSet::new(),
            digest: local.digest,
            shares: Shares::default(),
            written_at: host.now(),
            stuck: None,
        };
        store.load_timers()?;
        Ok((store, local))
    }

    fn load_timers(&mut self) -> Result<(), Failure> {
        let mut found = Vec::new();
        self.directory.scan(b"t", &mut |key, value| {
            if let (Some(Subject::Timer(key)), Some(due)) = (subject(key), due_of(value)) {
                found.push((key, due));
            }
            true
        })?;
        for (key, due) in found {
            self.arm(key, Some(due));
        }
        Ok(())
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
        let found = self.directory.rows(&mut missing.iter().map(|(key, _)| key.as_slice()));
        for (value, (_, place)) in found.into_iter().zip(&missing) {
            values[*place] = value?;
        }
        self.note_shares(keys, &values);
        Ok(values)
    }

    fn note_shares(&mut self, keys: &[RowKey], values: &[Option<Vec<u8>>]) {
        for (key, value) in keys.iter().zip(values) {
            self.shares.note(*key, share(&row_key(*key), value.as_deref()));
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
        let mut from = vec![b'r'];
        from.extend_from_slice(prefix);
        if let Some(after) = after {
            from = from.max(row_key(after).to_vec());
        }
        let mut found = BTreeMap::new();
        // A newer layer may take away any of those found, so that many more are looked at.
        let enough = limit.saturating_add(newer.len());
        self.directory.scan(&from, &mut |key, value| {
            let Some(Subject::Row(key)) = subject(key) else { return false };
            if found.len() >= enough || !key.0.starts_with(prefix) {
                return false;
            }
            if is_in(&key) {
                found.insert(key, Some(Bytes::copy_from_slice(value)));
            }
            true
        })?;
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
        // Those that were read so long ago that their shares are forgotten, and those written blindly.
        let unread: Vec<_> = changes.rows.keys().filter(|key| self.shares.of(key).is_none()).copied().collect();
        if !unread.is_empty() {
            self.rows(&unread)?;
        }
        let mut digest = self.digest;
        for (key, value) in &changes.rows {
            let before = self.shares.of(key).unwrap_or_default();
            let after = share(&row_key(*key), value.as_deref());
            self.shares.note(*key, after);
            digest = digest.wrapping_sub(before).wrapping_add(after);
        }
        for (key, due) in &changes.timers {
            let before = self.arm(*key, *due);
            let of = |due: Option<Timestamp>| due.map_or(0, |due| share(&timer_key(*key), Some(&due_value(due))));
            digest = digest.wrapping_sub(of(before)).wrapping_add(of(*due));
        }
        self.shares.turn();
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
        let is_late =
            self.host.now().saturating_duration_since(self.written_at) >= BEHIND && !self.committed.is_empty();
        is_late || self.committed.bytes >= BEHIND_BYTES
    }

    /// Whether so much waits for the disk that reading must stop.
    pub(crate) fn is_full(&self) -> bool {
        self.committed.bytes >= BEHIND_BYTES_MAX
    }

    /// Writes what is committed. `record` is the newest committed one, `position` the changelog offset behind it or lower:
    /// too low is harmless, too high would lose rows.
    pub(crate) fn write(&mut self, record: &CommitRecord, position: u64) -> Result<(), Failure> {
        self.written_at = self.host.now();
        let (committed, now) = (&self.committed, self.host.wall());
        let written = self.directory.write(&mut |batch| {
            for (key, value) in &committed.rows {
                match value {
                    Some(value) => batch.put(Space::Rows, &row_key(*key), value),
                    None => batch.delete(Space::Rows, &row_key(*key)),
                }
            }
            for (key, due) in &committed.timers {
                match due {
                    Some(due) => batch.put(Space::Rows, &timer_key(*key), &due_value(*due)),
                    None => batch.delete(Space::Rows, &timer_key(*key)),
                }
            }
            // The fault: so many records later than it is true of.
            let too_far = if faults::chosen() == Mutation::PositionTooHigh { 200 } else { 0 };
            mark(batch, record, position + too_far, record.digest, now);
        });
        self.stuck = written.as_ref().err().map(|error| format!("the state directory takes no writes: {error}"));
        written?;
        self.committed = Changes::default();
        Ok(())
    }

    /// Writes a piece of a restore. `digest` is carried along by the caller.
    pub(crate) fn restore(&mut self, piece: Piece<'_>) -> Result<(), Failure> {
        let now = self.host.wall();
        self.directory.write(&mut |batch| {
            for (key, value) in piece.changes {
                match value {
                    Some(value) => batch.put(Space::Rows, key, value),
                    None => batch.delete(Space::Rows, key),
                }
            }
            mark(batch, piece.record, piece.position, piece.digest, now);
        })?;
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
        self.directory.get(Space::Rows, key)
    }

    pub(crate) fn write_card(&self, card: &str) -> Result<(), Failure> {
        self.directory.write(&mut |batch| batch.put(Space::Marks, CARD, card.as_bytes()))
    }
}

/// A piece of the changelog on its way to the disk.
pub(crate) struct Piece<'a> {
    pub(crate) changes: &'a BTreeMap<Vec<u8>, Value>,
    pub(crate) record: &'a CommitRecord,
    pub(crate) position: u64,
    pub(crate) digest: u128,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.bytes == 0 && self.rows.is_empty() && self.timers.is_empty()
    }
}

fn mark(batch: &mut dyn Writing, record: &CommitRecord, position: u64, digest: u128, now: Timestamp) {
    batch.put(Space::Marks, RECORD, record.to_string().as_bytes());
    batch.put(Space::Marks, POSITION, &position.to_be_bytes());
    batch.put(Space::Marks, DIGEST, &digest.to_be_bytes());
    batch.put(Space::Marks, WRITTEN, &now.0.to_be_bytes());
}

fn local(directory: &dyn Directory) -> Result<Local, Failure> {
    let mark = |key: &[u8]| directory.get(Space::Marks, key);
    let number = |value: Option<Vec<u8>>| value.and_then(|value| Some(u64::from_be_bytes(value.try_into().ok()?)));
    let text = |value: Option<Vec<u8>>| value.and_then(|value| String::from_utf8(value).ok());
    let digest = mark(DIGEST)?.and_then(|value| Some(u128::from_be_bytes(value.try_into().ok()?)));
    Ok(Local {
        card: text(mark(CARD)?),
        record: text(mark(RECORD)?).and_then(|text| text.parse().ok()).unwrap_or_default(),
        position: number(mark(POSITION)?).unwrap_or_default(),
        digest: digest.unwrap_or_default(),
        written: Timestamp(number(mark(WRITTEN)?).unwrap_or_default() as i64),
    })
}
