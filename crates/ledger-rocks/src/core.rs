//! What every handle of an open ledger shares.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use campanile_clock::Clock;
use campanile_ledger::{
    AppendError, Appended, Appender, Card, CommitRecord, Done, Ends, MachineId, Record, Stored, Tail, TailError, Topic,
};
use rocksdb::{Cache, DB};

use crate::disk::Confirmed;
use crate::durability::{Durability, Request};
use crate::faults::{Counter, Flight};
use crate::log::{Log, ReadError, Reader, lock};
use crate::watch::Watch;

pub(crate) struct Core {
    pub(crate) db: DB,
    pub(crate) cache: Cache,
    pub(crate) data: PathBuf,
    pub(crate) card: Card,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) log: Log,
    pub(crate) durability: Durability,
    pub(crate) watch: Watch,
    pub(crate) confirmed: Confirmed,
    pub(crate) flight: Flight,
    /// Durable positions of the lanes of every shard of every machine, see [`Core::place`]: retention stays below them.
    /// `u64::MAX` holds nothing back: the machine has never run here.
    pub(crate) cursors: Vec<[AtomicU64; 3]>,
    /// The last written commit of each.
    pub(crate) commits: Vec<Mutex<CommitRecord>>,
    /// Those that somebody holds now.
    pub(crate) claimed: Vec<AtomicBool>,
    /// Drawn at opening: tells commits of this process from those of others.
    pub(crate) claim: u64,
    pub(crate) record_bytes_max: usize,
    /// Called by the syncer before it syncs; tests hold durability back with it.
    pub(crate) before_sync: Option<Arc<dyn Fn() + Send + Sync>>,
    /// Held as long as anything uses the database.
    pub(crate) _lock: File,
}

impl Core {
    /// Position below which nothing of the partition is needed by a lane.
    pub(crate) fn cursor(&self, topic: Topic, partition: u16) -> u64 {
        MachineId::fed_by(topic).map_or(u64::MAX, |(machine, lane)| {
            self.cursors[self.place(machine, partition)][lane as usize].load(Ordering::Acquire)
        })
    }

    /// Where lists of every machine's shards have this one.
    pub(crate) fn place(&self, machine: MachineId, shard: u16) -> usize {
        machine as usize * usize::from(self.card.shards) + usize::from(shard)
    }

    fn check(&self, topic: Topic, partition: u16, records: &[Record]) -> Result<usize, AppendError> {
        let Some(index) = self.log.index(topic, partition) else {
            let partitions = topic.partitions(self.card.shards);
            return Err(AppendError::NoPartition { topic: topic.name(), partition, partitions });
        };
        let limit = self.record_bytes_max;
        if let Some(size) = records.iter().map(Record::size).find(|size| *size > limit) {
            return Err(AppendError::TooLarge { size, limit });
        }
        match self.watch.halted() {
            Some(reason) => Err(AppendError::Unavailable(reason)),
            None => Ok(index),
        }
    }
}

/// Appends to any topic and reads any topic.
pub(crate) struct Door(pub(crate) Arc<Core>);

impl Appender for Door {
    fn partitions(&self, topic: Topic) -> u16 {
        topic.partitions(self.0.card.shards)
    }

    fn append(&self, topic: Topic, partition: u16, records: Vec<Record>, done: Done) {
        let core = &self.0;
        let index = match core.check(topic, partition, &records) {
            Ok(index) => index,
            Err(error) => return done(Err(error)),
        };
        if records.is_empty() {
            let written = lock(&core.log.partition(index).state);
            let appended = Appended { first: written.next, at: written.last_at };
            drop(written);
            return done(Ok(appended));
        }
        core.flight.add(Counter::Appends, 1);
        if let Err((request, reason)) = core.durability.submit(Request { index, records, done }) {
            core.flight.add(Counter::Appends, -1);
            (request.done)(Err(AppendError::Unavailable(reason.to_owned())));
        }
    }
}

impl Tail for Door {
    fn ends(&self, topic: Topic, partition: u16) -> Ends {
        self.0.log.find(topic, partition).map_or(Ends { start: 0, end: 0 }, |partition| partition.ends())
    }

    fn read(&self, topic: Topic, partition: u16, from: u64, max: usize) -> Result<Vec<Stored>, TailError> {
        let Some(partition) = self.0.log.find(topic, partition) else { return Ok(Vec::new()) };
        let mut out = Vec::new();
        match Reader::at(from).read(&self.0.db, partition, max, &mut out) {
            Ok(_) => Ok(out),
            Err(ReadError::Trimmed { start }) => Err(TailError::Trimmed { asked: from, start }),
            Err(ReadError::Damaged(reason)) => Err(TailError::Damaged(reason)),
        }
    }

    fn wait(&self, topic: Topic, partition: u16, from: u64, wait: Duration) -> bool {
        let Some(partition) = self.0.log.find(topic, partition) else { return false };
        let until = std::time::Instant::now() + wait;
        loop {
            let seen = self.0.durability.generation();
            if partition.ends().end > from {
                return true;
            }
            let left = until.saturating_duration_since(std::time::Instant::now());
            if left.is_zero() || self.0.durability.is_closing() {
                return false;
            }
            self.0.durability.wait_after(seen, left);
        }
    }
}
