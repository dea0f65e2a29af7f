//! The world of the memory ledger: what a crash keeps or loses as a whole.

use std::collections::{BTreeMap, BTreeSet};

use campanile_model::Timestamp;

use crate::batch::{RowKey, TimerKey};
use crate::commit::{CommitRecord, Lane};
use crate::machine::MachineId;
use crate::port::Appended;
use crate::record::{Record, Stored};

#[derive(Clone)]
pub(super) struct World {
    pub(super) logs: Vec<Log>,
    /// Those of the first machine, by shard, then those of the next.
    pub(super) tables: Vec<Table>,
}

#[derive(Clone, Default)]
pub(super) struct Log {
    pub(super) start: u64,
    pub(super) records: Vec<Stored>,
    pub(super) last_at: Timestamp,
}

#[derive(Clone, Default)]
pub(super) struct Table {
    pub(super) rows: BTreeMap<RowKey, Vec<u8>>,
    pub(super) timers: BTreeMap<TimerKey, Timestamp>,
    pub(super) due: BTreeSet<(Timestamp, TimerKey)>,
    pub(super) commit: CommitRecord,
}

impl Log {
    pub(super) fn end(&self) -> u64 {
        self.start + self.records.len() as u64
    }

    pub(super) fn append(&mut self, records: Vec<Record>, now: Timestamp) -> Appended {
        let at = self.last_at.max(now);
        self.last_at = at;
        let first = self.end();
        self.records.extend((first..).zip(records).map(|(offset, record)| Stored { offset, at, record }));
        Appended { first, at }
    }

    /// Records from `from` to below `end`, at most `max`; `from` is at least `start`.
    pub(super) fn read(&self, from: u64, end: u64, max: usize) -> &[Stored] {
        let until = end.min(from.saturating_add(max as u64));
        if until <= from { &[] } else { &self.records[(from - self.start) as usize..(until - self.start) as usize] }
    }
}

impl Table {
    /// The offset of a lane that must stay. Triage's always must; the notifier's from its first commit on, so that a
    /// ledger that never runs one forgets what it may.
    pub(super) fn holds_back(&self, machine: MachineId, lane: Lane) -> u64 {
        match machine {
            MachineId::Notifier if self.commit.seq == 0 => u64::MAX,
            MachineId::Triage | MachineId::Notifier => self.commit.next[lane as usize],
        }
    }

    pub(super) fn arm(&mut self, key: TimerKey, due: Option<Timestamp>) {
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
    }
}
