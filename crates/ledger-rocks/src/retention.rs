//! Retention: what of the log is forgotten, and when.
//!
//! A record goes when it is older than its topic keeps, or lies beyond the bytes that its topic keeps, whichever comes
//! first, but never while a lane has not durably committed it, and never the newest group of a partition. Cuts are made
//! at marks, noted every few MiB, so that nothing has to be looked through.

use std::sync::atomic::Ordering;
use std::time::Duration;

use campanile_ledger::Topic;
use campanile_model::{Span, Timestamp};
use rocksdb::WriteBatch;

use crate::core::Core;
use crate::format;
use crate::log::{Partition, family, group_before, handle, lock};
use crate::tuning::Family;

/// What a topic keeps at most. Without a bound it keeps everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Bytes of records per partition, before compression.
    pub bytes: Option<u64>,
    pub age: Option<Span>,
}

/// What every topic keeps. The directory keeps everything, whatever is set.
#[derive(Clone, Debug)]
pub struct Retention {
    topics: [Keep; Topic::ALL.len()],
}

const GIB: u64 = 1 << 30;

impl Default for Retention {
    /// Inputs a day or 2 GiB per partition, outputs a week or 2 GiB, steps a day or 1 GiB.
    fn default() -> Self {
        let keep = |hours, gib| Keep { bytes: Some(gib * GIB), age: Some(Span::hours(hours)) };
        Self {
            topics: Topic::ALL.map(|topic| match topic {
                Topic::Events | Topic::Triage | Topic::Commands | Topic::Pages | Topic::Answers => keep(24, 2),
                Topic::Incidents | Topic::Alerts | Topic::DeadLetters | Topic::Notifications => keep(168, 2),
                Topic::Steps => keep(24, 1),
                Topic::Directory => Keep::default(),
            }),
        }
    }
}

impl Retention {
    #[must_use]
    pub fn with(mut self, topic: Topic, keep: Keep) -> Self {
        self.topics[usize::from(topic.number() - 1)] = keep;
        self
    }

    pub fn keep(&self, topic: Topic) -> Keep {
        if topic == Topic::Directory { Keep::default() } else { self.topics[usize::from(topic.number() - 1)] }
    }
}

/// One pass over all partitions.
pub(crate) fn pass(core: &Core, retention: &Retention) -> Result<(), rocksdb::Error> {
    for partition in core.log.partitions() {
        let below = due(partition, retention.keep(partition.topic), core.clock.now());
        if let Some(below) = below {
            trim(core, partition, below)?;
        }
    }
    Ok(())
}

/// Offset below which the partition holds more than it keeps, if it does.
fn due(partition: &Partition, keep: Keep, now: Timestamp) -> Option<u64> {
    let written = lock(&partition.state);
    let total = written.bytes;
    // At a mark everything before is at least as old as the mark says, and `total - mark.bytes` is what would be left.
    let goes = |mark: &&crate::log::Mark| {
        keep.age.is_some_and(|age| mark.at < now - age) || keep.bytes.is_some_and(|bytes| total - mark.bytes >= bytes)
    };
    let mark = written.marks.iter().rev().find(goes)?;
    (mark.offset > partition.start.load(Ordering::Acquire)).then_some(mark.offset)
}

/// Trims a partition below `below`, or as far as lanes and group borders allow. Gives the new start.
pub(crate) fn trim(core: &Core, partition: &Partition, below: u64) -> Result<u64, rocksdb::Error> {
    let (topic, number) = (partition.topic, partition.number);
    let from = partition.start.load(Ordering::Acquire);
    let mut written = lock(&partition.state);
    // Under the lock, where a machine that begins takes its place: what it is about to read must not go meanwhile.
    let limit = below.min(core.cursor(topic, number)).min(partition.readable.load(Ordering::Acquire));
    let limit = limit.min(written.last_first);
    if limit <= from {
        return Ok(from);
    }
    let until = match group_before(&core.db, topic, number, limit)? {
        Some((first, _)) if first > from => first,
        _ => return Ok(from),
    };
    let meta = handle(&core.db, Family::Meta);
    let (low, high) = (format::log_key(topic, number, from), format::log_key(topic, number, until));
    let mut batch = WriteBatch::default();
    batch.delete_range_cf(handle(&core.db, family(topic)), low, high);
    batch.put_cf(meta, format::start_key(topic, number), until.to_le_bytes());
    while let Some(mark) = written.marks.pop_front_if(|mark| mark.offset < until) {
        batch.delete_cf(meta, format::mark_key(topic, number, mark.offset));
    }
    // Readers are told before the records go, so that none takes a trimmed record for a damaged one.
    partition.start.store(until, Ordering::Release);
    core.db.write(batch)?;
    core.durability.wrote([]);
    drop(written);
    // Whole files go at once, but only after the cut that they are cut by is durable.
    if synced(core) {
        core.db.delete_file_in_range_cf(handle(&core.db, family(topic)), low, high)?;
    }
    tracing::debug!(topic = topic.name(), partition = number, start = until, "trimmed");
    Ok(until)
}

/// Waits for everything written so far to be durable, but not for ever.
fn synced(core: &Core) -> bool {
    let sequence = core.db.latest_sequence_number();
    let durability = &core.durability;
    for _ in 0..10 {
        let seen = durability.generation();
        if durability.synced() >= sequence {
            return true;
        }
        durability.want_sync();
        durability.wait_after(seen, Duration::from_secs(1));
    }
    false
}
