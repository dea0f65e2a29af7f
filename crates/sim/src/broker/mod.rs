//! The model broker: logs, the group, and transactions, as far as the ledger can see them.
//!
//! Source of the behaviour: Apache Kafka's coordinators, as design and reference pages note them: the group is asked at
//! TxnOffsetCommit and not whether a shard is the sender's; generation -1 is asked nothing; an EndTxn is judged by
//! producer epoch alone, so that a late one ends whatever is open.

mod group;
mod log;
mod offsets;
mod transactions;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use campanile_ledger::{CommitRecord, Lane, MachineId, Record, RowKey, TimerKey, Topic};
use campanile_ledger_kafka::Pulse;
use campanile_model::{Span, Timestamp};

use crate::schedule::{Life, Shared, lock};
pub(crate) use group::{Group, Standing};
pub(crate) use log::{Body, Entry, Log, Place};
pub(crate) use offsets::Offsets;
pub(crate) use transactions::{Coordinator, SESSION_MS};

/// What happened at the broker, for the laws.
pub(crate) enum Happening {
    /// A transaction was decided for.
    Committed(Committed),
    /// A shard was claimed, and this is what its table holds.
    Restored { shard: u16, commit: CommitRecord, rows: Vec<(RowKey, Vec<u8>)>, timers: Vec<(Timestamp, TimerKey)> },
    /// A law that the broker itself can judge.
    Breach(String),
}

/// Everything that one transaction made visible.
pub(crate) struct Committed {
    pub(crate) shard: u16,
    pub(crate) records: Vec<(Place, Record)>,
    pub(crate) rows: Vec<(Bytes, Option<Bytes>)>,
    /// Offset and metadata, if the group's offset was part of it.
    pub(crate) witness: Option<(u64, String)>,
}

/// Calls that can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Init,
    Produce,
    SendOffsets,
    Commit,
    Abort,
    Probe,
    Committed,
    Ends,
    Changelog,
}

/// How it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hiccup {
    /// The request is lost.
    Before,
    /// The answer is lost.
    After,
    /// The client asked twice; the first request comes later.
    Late,
    /// It takes so many milliseconds.
    Slow(i64),
    /// The client calls it fatal, and it was lost.
    Fatal,
}

pub(crate) struct Broker {
    pub(crate) shared: Arc<Shared>,
    /// Partitions of every topic but the directory; at least the shards.
    pub(crate) partitions: u16,
    pub(crate) logs: BTreeMap<Place, Log>,
    pub(crate) coordinators: BTreeMap<u16, Coordinator>,
    pub(crate) offsets: Offsets,
    pub(crate) group: Group,
    pub(crate) happenings: Vec<Happening>,
    pub(crate) pulses: Vec<(Arc<Life>, Arc<Pulse>)>,
    pub(crate) hiccups: Vec<(Call, Hiccup)>,
    /// Group and transaction coordinators answer nobody before this.
    pub(crate) away_until: Timestamp,
    /// Processes that reach nothing before this.
    pub(crate) cut_until: BTreeMap<usize, Timestamp>,
    /// How wrong the broker's own clock is, in milliseconds.
    pub(crate) skew: i64,
    pub(crate) trace: Option<Vec<String>>,
}

/// The broker as everybody holds it. Never locked across a wait.
pub(crate) type Cluster = Arc<Mutex<Broker>>;

impl Broker {
    pub(crate) fn new(shared: Arc<Shared>, partitions: u16) -> Cluster {
        let group = Group::new(partitions);
        let away_until = shared.now();
        Arc::new(Mutex::new(Self {
            shared,
            partitions,
            logs: BTreeMap::new(),
            coordinators: BTreeMap::new(),
            offsets: Offsets::default(),
            group,
            happenings: Vec::new(),
            pulses: Vec::new(),
            hiccups: Vec::new(),
            away_until,
            cut_until: BTreeMap::new(),
            skew: 0,
            trace: None,
        }))
    }

    /// The broker's wall clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.shared.now() + Span(self.skew)
    }

    pub(crate) fn note(&mut self, text: impl FnOnce() -> String) {
        let now = self.shared.now();
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>8} ms  {}", now.0 - 1_790_000_000_000, text()));
        }
    }

    pub(crate) fn log(&mut self, place: Place) -> &mut Log {
        self.logs.entry(place).or_default()
    }

    pub(crate) fn lane(&mut self, lane: Lane, shard: u16) -> &mut Log {
        self.log(Place::of(MachineId::Triage.topic(lane), shard))
    }

    /// Appends outside of transactions, as gateway and api do.
    pub(crate) fn append(&mut self, topic: Topic, partition: u16, record: Record) -> u64 {
        let now = self.now();
        let (offset, _) = self.log(Place::of(topic, partition)).append(now, None, Body::Record(record));
        self.beat();
        offset
    }

    /// Something may have become readable.
    pub(crate) fn beat(&mut self) {
        self.pulses.retain(|(life, _)| !life.is_dead());
        for (_, pulse) in &self.pulses {
            pulse.beat();
        }
    }

    /// What goes wrong with this call, if the story says so.
    pub(crate) fn hiccup(&mut self, call: Call) -> Option<Hiccup> {
        let nth = self.hiccups.iter().position(|(of, _)| *of == call)?;
        let (_, hiccup) = self.hiccups.remove(nth);
        self.note(|| format!("network: {call:?} meets {hiccup:?}"));
        Some(hiccup)
    }

    pub(crate) fn is_cut(&self, process: usize) -> bool {
        self.cut_until.get(&process).is_some_and(|until| *until > self.shared.now())
    }

    pub(crate) fn breach(&mut self, text: String) {
        self.happenings.push(Happening::Breach(text));
    }

    /// Compacts a changelog, the newest entries excepted, which lie in the active segment.
    pub(crate) fn compact(&mut self, shard: u16) {
        let log = self.log(Place::Changelog(shard));
        let until = log.next.saturating_sub(3);
        log.compact(until);
    }

    /// Does one thing that is due at the broker. False: nothing is.
    pub(crate) fn step(&mut self) -> bool {
        self.write_a_marker() || self.time_out_a_transaction() || self.expire_a_member()
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let dues = [self.next_marker(), self.next_time_out(), self.group.next_expiry()];
        dues.into_iter().flatten().min()
    }

    /// Where two runs of a story can be compared.
    pub(crate) fn fold(&self) -> u64 {
        self.logs.values().fold(7, |sum, log| log.fold(sum))
    }
}

/// Locks the cluster.
pub(crate) fn at(cluster: &Cluster) -> std::sync::MutexGuard<'_, Broker> {
    lock(cluster)
}
