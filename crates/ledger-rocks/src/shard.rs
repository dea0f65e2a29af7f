//! The shard handed to the engine: reading, sealing, settling.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use campanile_ledger::{
    Batch, Claim, CommitRecord, Intake, Lane, MachineId, Opening, RowKey, Settled, Shard, Shards, Stop, Stored,
    TimerKey,
};
use campanile_model::{ShardId, Timestamp};

use crate::commit::{self, Waiting};
use crate::core::Core;
use crate::faults::{self, Counter, Fault};
use crate::format;
use crate::log::{Partition, ReadError, Reader, lock};
use crate::table;

/// Sealed batches that may be unsettled at once: one on its way, one just sealed.
const UNSETTLED_MAX: usize = 2;

/// How often a batch that could not be written is tried again.
const RETRY: Duration = Duration::from_millis(200);

/// Owner in commit records. There is one, by the lock on the directory.
const OWNER: &str = "embedded";

/// All shards of a machine, granted at the first call: whoever holds the lock owns every shard. A shard is held by
/// one at a time; dropped, it can be claimed again, and opens at the last commit that was written.
pub struct RocksShards {
    pub(crate) core: Arc<Core>,
    pub(crate) machine: MachineId,
    pub(crate) granted: bool,
}

impl Shards for RocksShards {
    type Shard = RocksShard;

    fn claims(&mut self, wait: Duration) -> Vec<Claim<RocksShard>> {
        if self.granted {
            let until = Instant::now() + wait;
            while !self.core.durability.is_closing() {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                self.core.durability.wait_after(self.core.durability.generation(), left);
            }
            return Vec::new();
        }
        self.granted = true;
        let machine = self.machine;
        let free = |id: &u16| !self.core.claimed[self.core.place(machine, *id)].swap(true, Ordering::AcqRel);
        let grant = |id| Claim::Granted(RocksShard::new(Arc::clone(&self.core), machine, id));
        (0..self.core.card.shards).filter(free).map(grant).collect()
    }
}

pub struct RocksShard {
    core: Arc<Core>,
    machine: MachineId,
    id: u16,
    /// Its place in lists of the ledger.
    place: usize,
    /// What stands for it in keys.
    slot: u16,
    opening: Opening,
    /// The newest sealed batch.
    sealed: CommitRecord,
    readers: [Reader; 3],
    /// Ticket and positions of written batches that are not known to be durable, oldest first.
    unsettled: VecDeque<(u64, [u64; 3])>,
    waiting: Option<Waiting>,
    tried_at: Instant,
    /// No timer is due before; where a search in the index begins.
    due_from: Timestamp,
    /// Due time of the earliest timer or earlier; `None` when it must be looked up.
    first_due: Option<Option<Timestamp>>,
    /// Generation that the last read began at: what came later ends [`Shard::idle`] at once.
    seen: AtomicU64,
}

impl RocksShard {
    fn new(core: Arc<Core>, machine: MachineId, id: u16) -> Self {
        let place = core.place(machine, id);
        let mut sealed = lock(&core.commits[place]).clone();
        if sealed.seq == 0 && machine == MachineId::Notifier {
            sealed.next = Lane::ALL.map(|lane| begin(&core, machine, id, lane));
        }
        Self {
            opening: Opening { card: core.card, commit: sealed.clone() },
            readers: sealed.next.map(Reader::at),
            core,
            machine,
            id,
            place,
            slot: format::slot(machine, id),
            sealed,
            unsettled: VecDeque::new(),
            waiting: None,
            tried_at: Instant::now(),
            due_from: Timestamp(i64::MIN),
            first_due: None,
            seen: AtomicU64::new(0),
        }
    }

    fn alive(&self) -> Result<(), Stop> {
        // Damage first: a ledger that gave up closes too.
        match self.core.watch.damaged() {
            Some(reason) => Err(Stop::Damaged(reason)),
            None if self.core.durability.is_closing() => Err(Stop::Closing),
            None => Ok(()),
        }
    }

    fn partition(&self, lane: Lane) -> &Partition {
        partition(&self.core, self.machine, self.id, lane)
    }

    /// Tops up every lane once.
    fn fill(&mut self, max: usize, intake: &mut Intake) -> Result<(), Stop> {
        for (n, lane) in Lane::ALL.into_iter().enumerate() {
            let queue = match lane {
                Lane::Main => &mut intake.main,
                Lane::Hop => &mut intake.hop,
                Lane::Door => &mut intake.door,
            };
            let room = max.saturating_sub(queue.len());
            let mut reader = std::mem::replace(&mut self.readers[n], Reader::at(0));
            let at_end = reader.read(&self.core.db, self.partition(lane), room, queue);
            self.readers[n] = reader;
            let at_end = at_end.map_err(|error| stop(lane, error))?;
            match lane {
                Lane::Main => intake.main_at_end = at_end,
                Lane::Hop => intake.hop_at_end = at_end,
                Lane::Door => {}
            }
        }
        Ok(())
    }

    /// Under the locks of main and hop: if all that was appended was read, time has come to now, and later appends
    /// are held to that.
    fn horizon(&self) -> Option<Timestamp> {
        // Main before hop: the order in which every writer takes them.
        let mut main = lock(&self.partition(Lane::Main).state);
        let mut hop = lock(&self.partition(Lane::Hop).state);
        if main.next != self.readers[0].position || hop.next != self.readers[1].position {
            return None;
        }
        let horizon = self.core.clock.now().max(main.last_at).max(hop.last_at);
        main.last_at = horizon;
        hop.last_at = horizon;
        Some(horizon)
    }

    /// Writes the batch that waits, if one does and its time has come.
    fn retry(&mut self) {
        if self.waiting.is_none() || self.tried_at.elapsed() < RETRY {
            return;
        }
        self.tried_at = Instant::now();
        let Some(mut waiting) = self.waiting.take() else { return };
        match self.write(&waiting.batch, &waiting.record) {
            Ok(()) => {}
            Err(reason) => {
                waiting.reason = reason;
                self.waiting = Some(waiting);
            }
        }
    }

    fn write(&mut self, batch: &Batch, record: &CommitRecord) -> Result<(), String> {
        let ticket = if faults::chosen() == Fault::ForgottenCursor && record.seq.is_multiple_of(5) {
            let next = self.core.cursors[self.place].each_ref().map(|lane| lane.load(Ordering::Acquire));
            commit::write(&self.core, self.slot, batch, &CommitRecord { next, ..record.clone() })
        } else {
            commit::write(&self.core, self.slot, batch, record)
        }?;
        self.unsettled.push_back((ticket, record.next));
        lock(&self.core.commits[self.place]).clone_from(record);
        self.core.durability.want_sync();
        Ok(())
    }

    /// Forgets the batches that are durable by now.
    fn settle(&mut self) {
        let settled = self.core.durability.settled();
        while let Some((ticket, next)) = self.unsettled.front()
            && *ticket <= settled
        {
            for (cursor, position) in self.core.cursors[self.place].iter().zip(next) {
                cursor.store(*position, Ordering::Release);
            }
            self.unsettled.pop_front();
            self.core.flight.add(Counter::SealsSettled, 1);
        }
    }
}

fn partition(core: &Core, machine: MachineId, shard: u16, lane: Lane) -> &Partition {
    let found = core.log.find(machine.topic(lane), shard);
    found.expect("every shard has a partition of every lane: both are counted by the card")
}

/// Where a machine that never committed begins: with what is held of the lane, and from here on that stays.
fn begin(core: &Core, machine: MachineId, shard: u16, lane: Lane) -> u64 {
    let partition = partition(core, machine, shard, lane);
    let _trimmed_meanwhile = lock(&partition.state);
    let start = partition.start.load(Ordering::Acquire);
    core.cursors[core.place(machine, shard)][lane as usize].store(start, Ordering::Release);
    start
}

fn stop(lane: Lane, error: ReadError) -> Stop {
    match error {
        ReadError::Trimmed { start } => {
            Stop::Damaged(format!("lane {} was trimmed up to {start}, past what it had committed", lane.as_str()))
        }
        ReadError::Damaged(reason) => Stop::Damaged(reason),
    }
}

fn damaged(error: rocksdb::Error) -> Stop {
    Stop::Damaged(error.to_string())
}

fn is_empty(intake: &Intake) -> bool {
    let lanes: [&VecDeque<Stored>; 3] = [&intake.main, &intake.hop, &intake.door];
    lanes.iter().all(|lane| lane.is_empty())
}

impl Drop for RocksShard {
    fn drop(&mut self) {
        self.core.claimed[self.place].store(false, Ordering::Release);
    }
}

impl Shard for RocksShard {
    fn id(&self) -> ShardId {
        ShardId(self.id)
    }

    fn opening(&self) -> &Opening {
        &self.opening
    }

    fn read(&mut self, max: usize, wait: Duration, intake: &mut Intake) -> Result<(), Stop> {
        (intake.horizon, intake.main_at_end, intake.hop_at_end) = (None, false, false);
        let until = Instant::now() + wait;
        loop {
            self.alive()?;
            let seen = self.core.durability.generation();
            self.seen.store(seen, Ordering::Relaxed);
            if self.core.watch.may_read() {
                self.fill(max, intake)?;
            }
            let left = until.saturating_duration_since(Instant::now());
            if !is_empty(intake) || left.is_zero() {
                break;
            }
            self.core.durability.wait_after(seen, left);
        }
        if intake.main_at_end && intake.hop_at_end {
            intake.horizon = self.horizon();
        }
        Ok(())
    }

    fn rows(&mut self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, Stop> {
        let mut values = table::rows(&self.core.db, self.slot, keys).map_err(damaged)?;
        if let Some(waiting) = &self.waiting {
            for (key, value) in keys.iter().zip(&mut values) {
                if let Some(newer) = waiting.rows.get(key) {
                    value.clone_from(newer);
                }
            }
        }
        Ok(values)
    }

    fn scan(&mut self, prefix: &[u8], after: Option<RowKey>, limit: usize) -> Result<Vec<(RowKey, Vec<u8>)>, Stop> {
        let Some(waiting) = &self.waiting else {
            return table::scan(&self.core.db, self.slot, prefix, after, limit).map_err(damaged);
        };
        // Every row that the waiting batch deletes may take one of those found.
        let enough = limit.saturating_add(waiting.rows.len());
        let found = table::scan(&self.core.db, self.slot, prefix, after, enough).map_err(damaged)?;
        let mut rows: BTreeMap<_, _> = found.into_iter().map(|(key, value)| (key, Some(value))).collect();
        let newer = waiting.rows.iter().filter(|(key, _)| key.0.starts_with(prefix) && after.is_none_or(|a| **key > a));
        rows.extend(newer.map(|(key, value)| (*key, value.clone())));
        Ok(rows.into_iter().filter_map(|(key, value)| Some((key, value?))).take(limit).collect())
    }

    fn timers(&mut self, until: Timestamp, max: usize) -> Result<Vec<(Timestamp, TimerKey)>, Stop> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let newer = self.waiting.as_ref().map_or(0, |waiting| waiting.timers.len());
        let enough = max.saturating_add(newer);
        let mut found = table::timers(&self.core.db, self.slot, self.due_from, until, enough).map_err(damaged)?;
        if let Some(waiting) = &self.waiting {
            found.retain(|(_, key)| !waiting.timers.contains_key(key));
            let due = waiting.timers.iter().filter_map(|(key, due)| Some((due.filter(|due| *due <= until)?, *key)));
            found.extend(due);
            found.sort_unstable();
            found.truncate(max);
        } else {
            // Up to here the index was looked through, so the next search need not pass its tombstones again.
            let from = found.first().map_or(Timestamp(until.0.saturating_add(1)), |(due, _)| *due);
            self.due_from = self.due_from.max(from);
            self.first_due = found.first().map(|(due, _)| Some(*due));
        }
        Ok(found)
    }

    fn next_due(&mut self) -> Result<Option<Timestamp>, Stop> {
        if let Some(known) = self.first_due {
            return Ok(known);
        }
        let first = self.timers(Timestamp::MAX, 1)?.first().map(|(due, _)| *due);
        self.first_due = Some(first);
        Ok(first)
    }

    fn seal(&mut self, batch: Batch) -> Result<u64, Stop> {
        self.alive()?;
        loop {
            let seen = self.core.durability.generation();
            self.retry();
            self.settle();
            if self.waiting.is_none() && self.unsettled.len() < UNSETTLED_MAX {
                break;
            }
            self.core.durability.wait_after(seen, RETRY);
            self.alive()?;
        }
        let record = CommitRecord {
            seq: self.sealed.seq + 1,
            owner: OWNER.to_owned(),
            claim: self.core.claim,
            next: batch.next,
            out_seq: batch.out_seq,
            serial: batch.serial,
            now: batch.now,
            epoch: batch.epoch,
            digest: 0,
        };
        self.core.flight.add(Counter::SealsBegun, 1);
        if let Some(earliest) = batch.timers.iter().filter_map(|(_, due)| *due).min() {
            self.due_from = self.due_from.min(earliest);
            self.first_due = self.first_due.map(|first| Some(first.map_or(earliest, |first| first.min(earliest))));
        }
        if let Err(reason) = self.write(&batch, &record) {
            self.tried_at = Instant::now();
            self.waiting = Some(Waiting::new(batch, record.clone(), reason));
        }
        self.sealed = record;
        Ok(self.sealed.seq)
    }

    fn settled(&mut self, wait: Duration) -> Result<Settled, Stop> {
        let until = Instant::now() + wait;
        loop {
            let seen = self.core.durability.generation();
            self.retry();
            self.settle();
            if self.waiting.is_none() && self.unsettled.is_empty() {
                return Ok(Settled::Committed(self.sealed.seq));
            }
            self.alive()?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let waiting = self.waiting.as_ref().map(|waiting| waiting.reason.clone());
                let halted = self.core.watch.halted().or(waiting);
                return Ok(halted.map_or(Settled::Pending, Settled::Halted));
            }
            self.core.durability.wait_after(seen, left.min(RETRY));
        }
    }

    fn reopen(&mut self) -> Result<Opening, Stop> {
        self.alive()?;
        self.readers = self.sealed.next.map(Reader::at);
        self.first_due = None;
        self.due_from = Timestamp(i64::MIN);
        self.opening.commit = self.sealed.clone();
        Ok(self.opening.clone())
    }

    fn idle(&self, wait: Duration) {
        self.core.durability.wait_after(self.seen.load(Ordering::Relaxed), wait);
    }
}
