//! The log: partitions, their ends, and reading them.
//!
//! What is written, what is durable and what is still held are three numbers per partition. Writers move `next` under
//! the partition's lock; only the syncer moves `readable`; only retention moves `start`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use campanile_ledger::{Ends, Record, Stored, Topic};
use campanile_model::Timestamp;
use rocksdb::{ColumnFamily, DB, Direction, IteratorMode, ReadOptions, WriteBatch};

use crate::format::{self, Cursor, Encoder};
use crate::packed::{pack, unpack};
use crate::tuning::Family;

/// A mark is noted at least every so much log time, so that retention by age is not much coarser than that.
const MARK_AGE_MS: i64 = 600_000;

/// Newest groups kept in memory, over all partitions: a reader that keeps up never asks RocksDB.
const HOT_BYTES: usize = 64 << 20;

const HOT_BYTES_PER_PARTITION_MAX: usize = 1 << 20;

/// A place in the log that retention can cut at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) offset: u64,
    /// Append time of the group that begins here: everything before is at least as old.
    pub(crate) at: Timestamp,
    /// Bytes appended to the partition before this offset, ever.
    pub(crate) bytes: u64,
}

pub(crate) struct Log {
    shards: u16,
    partitions: Vec<Partition>,
    hot_bytes: usize,
    mark_bytes: u64,
}

pub(crate) struct Partition {
    pub(crate) topic: Topic,
    pub(crate) number: u16,
    pub(crate) state: Mutex<Written>,
    pub(crate) readable: AtomicU64,
    pub(crate) start: AtomicU64,
    hot: Mutex<Hot>,
}

/// What was written, durable or not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    pub(crate) next: u64,
    pub(crate) last_at: Timestamp,
    /// First offset of the newest group. It is never trimmed: the end of the log is found by it.
    pub(crate) last_first: u64,
    pub(crate) bytes: u64,
    pub(crate) marks: VecDeque<Mark>,
}

#[derive(Default)]
struct Hot {
    groups: VecDeque<(u64, Bytes)>,
    bytes: usize,
}

/// A change of one partition that its write will make true.
pub(crate) struct Draft {
    pub(crate) first: u64,
    pub(crate) at: Timestamp,
    next: u64,
    last_first: u64,
    bytes: u64,
    marks: Vec<Mark>,
    groups: Vec<(u64, Bytes)>,
}

#[derive(Debug)]
pub(crate) enum ReadError {
    Trimmed { start: u64 },
    Damaged(String),
}

pub(crate) const fn family(topic: Topic) -> Family {
    match topic {
        Topic::Directory => Family::Meta,
        Topic::Events | Topic::Triage | Topic::Commands | Topic::Pages | Topic::Answers => Family::Inputs,
        Topic::Incidents | Topic::Alerts | Topic::DeadLetters | Topic::Steps | Topic::Notifications => Family::Outputs,
    }
}

pub(crate) fn handle(db: &DB, family: Family) -> &ColumnFamily {
    db.cf_handle(family.name()).expect("every family was named when the database was opened")
}

/// A poisoned lock is taken all the same: its numbers change only after a write succeeded, in one step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    /// Finds the ends of every partition in the database.
    pub(crate) fn load(db: &DB, shards: u16, mark_bytes: u64) -> Result<Self, String> {
        let mut partitions = Vec::new();
        for topic in Topic::ALL {
            for number in 0..topic.partitions(shards) {
                partitions.push(Partition::load(db, topic, number)?);
            }
        }
        let hot_bytes = (HOT_BYTES / partitions.len().max(1)).min(HOT_BYTES_PER_PARTITION_MAX);
        Ok(Self { shards, partitions, hot_bytes, mark_bytes })
    }

    pub(crate) fn index(&self, topic: Topic, partition: u16) -> Option<usize> {
        if partition >= topic.partitions(self.shards) {
            return None;
        }
        let before: usize =
            Topic::ALL.iter().take_while(|t| **t != topic).map(|t| usize::from(t.partitions(self.shards))).sum();
        Some(before + usize::from(partition))
    }

    pub(crate) fn partition(&self, index: usize) -> &Partition {
        &self.partitions[index]
    }

    pub(crate) fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    pub(crate) fn find(&self, topic: Topic, partition: u16) -> Option<&Partition> {
        self.index(topic, partition).map(|index| &self.partitions[index])
    }

    /// Puts `records` into `batch` as groups after what `written` says.
    pub(crate) fn stage<'r>(
        &self,
        db: &DB,
        index: usize,
        written: &Written,
        now: Timestamp,
        records: impl Iterator<Item = &'r Record> + Clone,
        batch: &mut WriteBatch,
    ) -> Draft {
        let partition = &self.partitions[index];
        let at = written.last_at.max(now);
        let mut draft = Draft {
            first: written.next,
            at,
            next: written.next,
            last_first: written.last_first,
            bytes: written.bytes,
            marks: Vec::new(),
            groups: Vec::new(),
        };
        let size = records.clone().map(|record| record.size() + format::RECORD_FRAME_BYTES).sum();
        let mut encoder = Encoder::new(at, size);
        let mut put = |draft: &mut Draft, encoder: &mut Encoder| {
            let Some((group, count)) = encoder.take() else { return };
            let key = format::log_key(partition.topic, partition.number, draft.next);
            pack(&group, |stored| batch.put_cf(handle(db, family(partition.topic)), key, stored));
            let last = draft.marks.last().or(written.marks.back()).copied();
            if last.is_none_or(|m| draft.bytes - m.bytes >= self.mark_bytes || at.since(m.at).0 >= MARK_AGE_MS) {
                let mark = Mark { offset: draft.next, at, bytes: draft.bytes };
                let key = format::mark_key(partition.topic, partition.number, mark.offset);
                batch.put_cf(handle(db, Family::Meta), key, encode_mark(mark));
                draft.marks.push(mark);
            }
            draft.bytes += group.len() as u64;
            draft.last_first = draft.next;
            draft.groups.push((draft.next, group));
            draft.next += u64::from(count);
        };
        for record in records {
            encoder.push(record);
            if encoder.is_full() {
                put(&mut draft, &mut encoder);
            }
        }
        put(&mut draft, &mut encoder);
        draft
    }

    /// Makes a draft true after its write. Gives the new end, if it moved.
    pub(crate) fn apply(&self, index: usize, written: &mut Written, draft: Draft) -> Option<u64> {
        if draft.next == written.next {
            return None;
        }
        written.next = draft.next;
        written.last_at = draft.at;
        written.last_first = draft.last_first;
        written.bytes = draft.bytes;
        written.marks.extend(draft.marks);
        let mut hot = lock(&self.partitions[index].hot);
        for (first, group) in draft.groups {
            hot.bytes += group.len();
            hot.groups.push_back((first, group));
        }
        while hot.bytes > self.hot_bytes {
            let Some((_, group)) = hot.groups.pop_front() else { break };
            hot.bytes -= group.len();
        }
        Some(draft.next)
    }
}

fn encode_mark(mark: Mark) -> [u8; 16] {
    let mut value = [0; 16];
    value[..8].copy_from_slice(&mark.at.0.to_le_bytes());
    value[8..].copy_from_slice(&mark.bytes.to_le_bytes());
    value
}

fn decode_mark(key: &[u8], value: &[u8]) -> Option<Mark> {
    let at = Timestamp(i64::from_le_bytes(*value.first_chunk()?));
    Some(Mark { offset: format::offset_of(key)?, at, bytes: u64::from_le_bytes(*value.last_chunk()?) })
}

impl Partition {
    fn load(db: &DB, topic: Topic, number: u16) -> Result<Self, String> {
        let explain = |error: rocksdb::Error| format!("{} partition {number}: {error}", topic.name());
        let mut written = Written::default();
        if let Some((first, group)) = group_before(db, topic, number, u64::MAX).map_err(explain)? {
            let malformed = |_| format!("{} partition {number}: group {first} cannot be decoded", topic.name());
            let group = unpack(&group).map_err(malformed)?;
            let cursor = Cursor::open(first, group).map_err(malformed)?;
            written.next = cursor.end();
            written.last_at = cursor.at;
            written.last_first = first;
        }
        let from = format::mark_key(topic, number, 0);
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(format::mark_key(topic, number, u64::MAX));
        let mode = IteratorMode::From(&from, Direction::Forward);
        for item in db.iterator_cf_opt(handle(db, Family::Meta), options, mode) {
            let (key, value) = item.map_err(explain)?;
            written.marks.extend(decode_mark(&key, &value));
        }
        written.bytes = written.marks.back().map_or(0, |mark| mark.bytes);
        let start = db.get_cf(handle(db, Family::Meta), format::start_key(topic, number)).map_err(explain)?;
        let start = start.and_then(|value| Some(u64::from_le_bytes(*value.first_chunk()?))).unwrap_or(0);
        Ok(Self {
            topic,
            number,
            readable: AtomicU64::new(written.next),
            start: AtomicU64::new(start),
            state: Mutex::new(written),
            hot: Mutex::default(),
        })
    }

    pub(crate) fn ends(&self) -> Ends {
        Ends { start: self.start.load(Ordering::Acquire), end: self.readable.load(Ordering::Acquire) }
    }

    /// The group that holds `offset`, which is durable and not trimmed.
    fn group(&self, db: &DB, offset: u64) -> Result<Cursor, ReadError> {
        let hot = {
            let hot = lock(&self.hot);
            let after = hot.groups.partition_point(|(first, _)| *first <= offset);
            after.checked_sub(1).map(|i| hot.groups[i].clone())
        };
        let found = match hot {
            Some(group) => Some(group),
            None => self.stored(db, offset)?,
        };
        let Some((first, group)) = found else { return Err(self.missing(offset)) };
        let mut cursor = Cursor::open(first, group).map_err(|_| self.undecodable(first))?;
        if cursor.end() <= offset {
            return Err(self.missing(offset));
        }
        cursor.skip_to(offset).map_err(|_| self.undecodable(first))?;
        Ok(cursor)
    }

    /// A reader in sequence is always at the first offset of a group, and a point lookup is cheaper than a seek.
    fn stored(&self, db: &DB, offset: u64) -> Result<Option<(u64, Bytes)>, ReadError> {
        let refused = |error: rocksdb::Error| self.damaged(offset, error.as_ref());
        let key = format::log_key(self.topic, self.number, offset);
        let (first, group) = match db.get_pinned_cf(handle(db, family(self.topic)), key).map_err(refused)? {
            Some(stored) => (offset, unpack(&stored)),
            None => match group_before(db, self.topic, self.number, offset).map_err(refused)? {
                Some((first, stored)) => (first, unpack(&stored)),
                None => return Ok(None),
            },
        };
        Ok(Some((first, group.map_err(|_| self.undecodable(first))?)))
    }

    fn missing(&self, offset: u64) -> ReadError {
        let start = self.start.load(Ordering::Acquire);
        if offset < start { ReadError::Trimmed { start } } else { self.damaged(offset, "it is not there") }
    }

    fn undecodable(&self, offset: u64) -> ReadError {
        self.damaged(offset, "its group cannot be decoded")
    }

    fn damaged(&self, offset: u64, reason: &str) -> ReadError {
        ReadError::Damaged(format!("{} partition {} offset {offset}: {reason}", self.topic.name(), self.number))
    }
}

/// The last group that begins at or before `offset`, as it is stored.
pub(crate) fn group_before(
    db: &DB,
    topic: Topic,
    partition: u16,
    offset: u64,
) -> Result<Option<(u64, Vec<u8>)>, rocksdb::Error> {
    let mut options = ReadOptions::default();
    options.set_iterate_lower_bound(format::log_key(topic, partition, 0));
    let mut iterator = db.raw_iterator_cf_opt(handle(db, family(topic)), options);
    iterator.seek_for_prev(format::log_key(topic, partition, offset));
    iterator.status()?;
    let found = iterator.item().and_then(|(key, group)| Some((format::offset_of(key)?, group.to_vec())));
    Ok(found)
}

/// Reads one partition in sequence. What `max` cut off a group stays decoded up to there.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) position: u64,
    rest: Option<Cursor>,
}

impl Reader {
    pub(crate) fn at(position: u64) -> Self {
        Self { position, rest: None }
    }

    /// Moves at most `max` durable records into `out`; says whether that was all there is.
    pub(crate) fn read(
        &mut self,
        db: &DB,
        partition: &Partition,
        max: usize,
        out: &mut impl Extend<Stored>,
    ) -> Result<bool, ReadError> {
        let ends = partition.ends();
        if self.position < ends.start {
            return Err(ReadError::Trimmed { start: ends.start });
        }
        let mut left = max;
        while left > 0 && self.position < ends.end {
            let mut cursor = match self.rest.take() {
                Some(cursor) => cursor,
                None => partition.group(db, self.position)?,
            };
            let mut broken = false;
            out.extend(std::iter::from_fn(|| {
                left = left.checked_sub(1)?;
                let next = cursor.next().unwrap_or_else(|_| {
                    broken = true;
                    None
                });
                if next.is_none() {
                    left += 1;
                }
                next
            }));
            if broken {
                return Err(partition.undecodable(cursor.offset));
            }
            self.position = cursor.offset;
            self.rest = (cursor.end() > cursor.offset).then_some(cursor);
        }
        Ok(self.position >= ends.end)
    }
}
