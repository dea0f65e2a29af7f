//! One topic partition: records, the transactions that are open on it, and what a read_committed reader may see.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use campanile_ledger::{Record, Topic};
use campanile_model::Timestamp;

/// A topic partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Topic(u8, u16),
    Changelog(u16),
}

impl Place {
    pub(crate) fn of(topic: Topic, partition: u16) -> Self {
        Self::Topic(topic.number(), partition)
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    Record(Record),
    Row {
        key: Bytes,
        value: Option<Bytes>,
    },
    /// The end of a transaction takes an offset too.
    Marker,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) offset: u64,
    pub(crate) at: Timestamp,
    pub(crate) transaction: Option<u64>,
    pub(crate) body: Body,
}

#[derive(Clone, Default)]
pub(crate) struct Log {
    pub(crate) start: u64,
    pub(crate) next: u64,
    last_at: Timestamp,
    /// By offset; compaction leaves holes.
    entries: Vec<Entry>,
    /// Open transactions with their first offset here.
    open: BTreeMap<u64, u64>,
    aborted: BTreeSet<u64>,
}

impl Log {
    /// Appends and stamps with the broker's time, which never runs back within a partition.
    pub(crate) fn append(&mut self, now: Timestamp, transaction: Option<u64>, body: Body) -> (u64, Timestamp) {
        let (offset, at) = (self.next, self.last_at.max(now));
        self.next += 1;
        self.last_at = at;
        if let Some(number) = transaction {
            self.open.entry(number).or_insert(offset);
        }
        self.entries.push(Entry { offset, at, transaction, body });
        (offset, at)
    }

    pub(crate) fn end_transaction(&mut self, now: Timestamp, number: u64, is_commit: bool) {
        if self.open.remove(&number).is_none() {
            return;
        }
        if !is_commit {
            self.aborted.insert(number);
        }
        self.append(now, None, Body::Marker);
    }

    /// Last stable offset: below it nothing is undecided.
    pub(crate) fn stable_end(&self) -> u64 {
        self.open.values().min().copied().unwrap_or(self.next)
    }

    /// What a read_committed reader gets of `from..until`.
    pub(crate) fn committed(&self, from: u64, until: u64) -> impl Iterator<Item = &Entry> {
        let until = until.min(self.stable_end());
        let begin = self.entries.partition_point(|entry| entry.offset < from);
        let read = self.entries[begin..].iter().take_while(move |entry| entry.offset < until);
        read.filter(|entry| !matches!(entry.body, Body::Marker) && !self.is_aborted(entry))
    }

    fn is_aborted(&self, entry: &Entry) -> bool {
        entry.transaction.is_some_and(|number| self.aborted.contains(&number))
    }

    /// Entries of one transaction, decided or not.
    pub(crate) fn of_transaction(&self, number: u64) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.transaction == Some(number))
    }

    /// Keeps the newest committed value of each key below `until`, and everything above.
    pub(crate) fn compact(&mut self, until: u64) {
        let until = until.min(self.stable_end());
        let mut newest: BTreeMap<Bytes, u64> = BTreeMap::new();
        for entry in self.entries.iter().take_while(|entry| entry.offset < until) {
            if let Body::Row { key, .. } = &entry.body
                && !self.is_aborted(entry)
            {
                newest.insert(key.clone(), entry.offset);
            }
        }
        self.entries.retain(|entry| match &entry.body {
            Body::Row { key, .. } if entry.offset < until => newest.get(key) == Some(&entry.offset),
            Body::Marker => entry.offset >= until,
            Body::Row { .. } | Body::Record(_) => true,
        });
    }

    pub(crate) fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// The broker forgot the newest entries: they were never flushed.
    pub(crate) fn lose_tail(&mut self, entries: usize) {
        let keep = self.entries.len().saturating_sub(entries);
        self.entries.truncate(keep);
        self.next = self.entries.last().map_or(self.start, |entry| entry.offset + 1);
    }

    /// A digest of everything here, to tell whether two runs of a story are the same.
    pub(crate) fn fold(&self, mut sum: u64) -> u64 {
        for entry in &self.entries {
            let size = match &entry.body {
                Body::Record(record) => record.size() as u64,
                Body::Row { key, value } => key.len() as u64 + value.as_ref().map_or(0, |value| value.len() as u64),
                Body::Marker => 1,
            };
            for word in [entry.offset, entry.at.0 as u64, entry.transaction.unwrap_or(0), size] {
                sum = (sum ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(17);
            }
        }
        sum
    }
}
