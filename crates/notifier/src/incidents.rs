//! Where incidents stand, for the last look before a page leaves: read from the tail of the incidents topic when it is
//! asked, so that it is as new as what is durable.
//!
//! The ladder's own rows would not do: they lie at the incident's shard, which another process may have, and a backlog
//! may keep it from the newest records.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use campanile_escalation::News;
use campanile_ledger::{Tail, TailError, Topic};
use campanile_model::{Change, IncidentId, IncidentStatus, Span, Timestamp};
use campanile_record::incident_notice;

/// How far back is read at first; further for a page that is older.
const REACH: Span = Span::hours(25);
/// Longest time for reading on. A page goes out with what is known by then: too many are better than none.
const READING_MAX: Duration = Duration::from_secs(5);
/// Records read in one go.
const CHUNK: usize = 1000;
/// Incidents of one partition beyond which those older than [`REACH`] are forgotten.
const KNOWN_MAX: usize = 100_000;

pub(crate) struct Incidents {
    tail: Arc<dyn Tail>,
    partitions: Vec<Mutex<Partition>>,
}

#[derive(Default)]
struct Partition {
    /// `None` until it was asked for once.
    next: Option<u64>,
    /// Since when everything was read.
    since: Timestamp,
    known: HashMap<IncidentId, Known>,
}

#[derive(Clone, Copy)]
struct Known {
    revision: u64,
    status: IncidentStatus,
    triggered_at: Option<Timestamp>,
    was_paged: bool,
    at: Timestamp,
}

impl Incidents {
    pub(crate) fn new(tail: Arc<dyn Tail>, shards: u16) -> Self {
        Self { tail, partitions: (0..shards).map(|_| Mutex::default()).collect() }
    }

    /// Whether the incident has been acknowledged or resolved since it had this revision, which it had at `at` or before.
    /// Blocks while it reads on.
    pub(crate) fn is_quiet(&self, incident: IncidentId, since_revision: u64, at: Timestamp, now: Timestamp) -> bool {
        let known = self.with(incident, |partition, tail, shard| {
            partition.read_on(tail, shard, at, now);
            partition.known.get(&incident).copied()
        });
        known.flatten().is_some_and(|it| it.revision > since_revision && it.status != IncidentStatus::Triggered)
    }

    /// How long ago it was triggered, the first time that this is asked of an incident whose triggering was read.
    /// Blocks while another reads on.
    pub(crate) fn first_paged(&self, incident: IncidentId, now: Timestamp) -> Option<Span> {
        let known = self.with(incident, |partition, _, _| {
            let known = partition.known.get_mut(&incident)?;
            (!std::mem::replace(&mut known.was_paged, true)).then_some(known.triggered_at)?
        });
        known.flatten().map(|at| now.since(at))
    }

    fn with<T>(&self, incident: IncidentId, work: impl FnOnce(&mut Partition, &dyn Tail, u16) -> T) -> Option<T> {
        let shard = incident.shard().0;
        let partition = self.partitions.get(usize::from(shard))?;
        // What a panic leaves is a position and what was read up to it, at worst a record twice.
        let mut partition = partition.lock().unwrap_or_else(PoisonError::into_inner);
        Some(work(&mut partition, self.tail.as_ref(), shard))
    }
}

impl Partition {
    fn read_on(&mut self, tail: &dyn Tail, shard: u16, at: Timestamp, now: Timestamp) {
        let until = Instant::now() + READING_MAX;
        let mut next = match self.next {
            Some(next) if self.since <= at => next,
            Some(_) | None => {
                self.since = at.min(now - REACH);
                first_since(tail, shard, self.since)
            }
        };
        let end = tail.ends(Topic::Incidents, shard).end;
        while next < end && Instant::now() < until {
            match tail.read(Topic::Incidents, shard, next, CHUNK) {
                Ok(records) => {
                    let Some(last) = records.last() else { break };
                    next = last.offset + 1;
                    records.iter().for_each(|stored| self.take(&stored.record.value, stored.at));
                }
                Err(TailError::Trimmed { start, .. }) => next = start,
                Err(TailError::Damaged(reason)) => {
                    tracing::error!(shard, reason, "incidents cannot be read; pages go out without a last look");
                    break;
                }
            }
        }
        self.next = Some(next);
        if self.known.len() > KNOWN_MAX {
            self.known.retain(|_, known| known.at > now - REACH);
            self.since = self.since.max(now - REACH);
        }
    }

    fn take(&mut self, value: &[u8], at: Timestamp) {
        // What cannot be read goes to dead letters where it is judged.
        let Ok(notice) = incident_notice::decode(value) else { return };
        let News::Revision { revision, change, standing, .. } = notice.news else { return };
        let before = self.known.get(&notice.incident);
        let triggered_at = match change {
            Change::Triggered => Some(at),
            _ => before.and_then(|known| known.triggered_at),
        };
        // Read again from further back, it is as new as it was.
        if let Some(known) = before.filter(|known| known.revision > revision).copied() {
            self.known.insert(notice.incident, Known { triggered_at, ..known });
            return;
        }
        let was_paged = before.is_some_and(|known| known.was_paged);
        let known = Known { revision, status: standing.status, triggered_at, was_paged, at };
        self.known.insert(notice.incident, known);
    }
}

/// The first offset of a partition that is not older than `since`, found by halving.
fn first_since(tail: &dyn Tail, shard: u16, since: Timestamp) -> u64 {
    let ends = tail.ends(Topic::Incidents, shard);
    let (mut low, mut high) = (ends.start, ends.end);
    while low < high {
        let middle = low + (high - low) / 2;
        let found = tail.read(Topic::Incidents, shard, middle, 1);
        match found.ok().and_then(|records| records.into_iter().next()) {
            Some(stored) if stored.at < since => low = stored.offset + 1,
            Some(_) | None => high = middle,
        }
    }
    low
}
