//! In memory: vectors behind one lock, for unit tests and the simulator.
//!
//! Everything is durable at once, unless a test [`Memory::hold`]s durability back. From then on the world as it was is
//! kept aside, readers see no more than it holds, and [`Memory::crash`] returns to it. A crash ends every handed-out
//! shard: it answers [`Stop::Lost`], as after a fence.

mod world;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use campanile_model::{ShardId, Timestamp};

use crate::batch::{Batch, RowKey, TimerKey};
use crate::commit::{Card, CommitRecord, Lane, Opening};
use crate::error::{AppendError, Stop, TailError};
use crate::machine::MachineId;
use crate::port::{Appended, Appender, Claim, Done, Ends, Intake, Settled, Shard, Shards, Tail};
use crate::record::{Record, Stored};
use crate::topic::Topic;
use world::{Log, Table, World};

/// Largest record, in bytes of key, headers and value. Source: Kafka's default `max.message.bytes`, less framing.
pub const RECORD_BYTES_MAX: usize = 1_000_000;

/// Sealed batches that may be unsettled at once: one on its way, one just sealed.
const UNSETTLED_MAX: u64 = 2;

/// Gives the append time of new records.
pub type Now = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// A ledger in memory. Clones share it.
#[derive(Clone)]
pub struct Memory {
    inner: Arc<Inner>,
}

struct Inner {
    card: Card,
    now: Now,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    world: World,
    /// The durable world, while durability is held back.
    saved: Option<World>,
    /// Appends to answer when durability returns.
    unanswered: Vec<(Done, Appended)>,
    /// Rises with each crash; a shard of an earlier life is lost.
    life: u64,
    /// Rises with everything that may have become readable.
    generation: u64,
}

impl Memory {
    pub fn new(card: Card, now: Now) -> Self {
        let logs = Topic::ALL.iter().flat_map(|t| (0..t.partitions(card.shards)).map(|_| Log::default())).collect();
        let tables = MachineId::ALL.iter().flat_map(|_| (0..card.shards).map(|_| Table::default())).collect();
        let state =
            State { world: World { logs, tables }, saved: None, unanswered: Vec::new(), life: 0, generation: 0 };
        Self { inner: Arc::new(Inner { card, now, state: Mutex::new(state), changed: Condvar::new() }) }
    }

    pub fn card(&self) -> Card {
        self.inner.card
    }

    /// All shards of triage, granted at the first call of [`Shards::claims`].
    pub fn shards(&self) -> MemoryShards {
        self.shards_of(MachineId::Triage)
    }

    /// All shards of a machine, granted at the first call of [`Shards::claims`].
    pub fn shards_of(&self, machine: MachineId) -> MemoryShards {
        MemoryShards { memory: self.clone(), machine, granted: false }
    }

    /// Where a machine keeps what is a shard's.
    fn table(&self, machine: MachineId, shard: u16) -> usize {
        machine as usize * usize::from(self.inner.card.shards) + usize::from(shard)
    }

    pub fn appender(&self) -> Arc<dyn Appender> {
        Arc::new(self.clone())
    }

    pub fn tail(&self) -> Arc<dyn Tail> {
        Arc::new(self.clone())
    }

    /// From now on nothing becomes durable, nor readable.
    pub fn hold(&self) {
        let mut state = self.lock();
        if state.saved.is_none() {
            state.saved = Some(state.world.clone());
        }
    }

    /// Everything becomes durable, and waiting appends are answered.
    pub fn release(&self) {
        let mut state = self.lock();
        state.saved = None;
        state.generation += 1;
        let unanswered = std::mem::take(&mut state.unanswered);
        drop(state);
        self.inner.changed.notify_all();
        for (done, appended) in unanswered {
            done(Ok(appended));
        }
    }

    /// Loses what was not durable, and every shard that was handed out. Appends on their way are never answered.
    pub fn crash(&self) {
        let mut state = self.lock();
        if let Some(saved) = state.saved.take() {
            state.world = saved;
        }
        state.life += 1;
        state.generation += 1;
        let unanswered = std::mem::take(&mut state.unanswered);
        drop(state);
        drop(unanswered);
        self.inner.changed.notify_all();
    }

    /// Forgets records below `below`, but none that a lane has not committed yet. Gives the new start.
    pub fn trim(&self, topic: Topic, partition: u16, below: u64) -> u64 {
        let mut state = self.lock();
        let durable = state.durable();
        let cursor = MachineId::fed_by(topic).map_or(u64::MAX, |(machine, lane)| {
            durable.tables[self.table(machine, partition)].holds_back(machine, lane)
        });
        let index = self.index(topic, partition);
        let until = below.min(cursor).min(durable.logs[index].end());
        let log = &mut state.world.logs[index];
        if until > log.start {
            log.records.drain(..(until - log.start) as usize);
            log.start = until;
        }
        log.start
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of another test thread must not hide its own message behind a second one.
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        (self.inner.now)()
    }

    fn index(&self, topic: Topic, partition: u16) -> usize {
        let before: usize = Topic::ALL
            .iter()
            .take_while(|t| **t != topic)
            .map(|t| usize::from(t.partitions(self.inner.card.shards)))
            .sum();
        before + usize::from(partition)
    }

    /// Waits until `ready` or until `wait` is over; gives the lock back either way.
    fn wait_for<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        wait: Duration,
        ready: impl Fn(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        let until = Instant::now() + wait;
        while !ready(&state) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.inner.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }
}

impl State {
    fn durable(&self) -> &World {
        self.saved.as_ref().unwrap_or(&self.world)
    }
}

impl Appender for Memory {
    fn partitions(&self, topic: Topic) -> u16 {
        topic.partitions(self.inner.card.shards)
    }

    fn append(&self, topic: Topic, partition: u16, records: Vec<Record>, done: Done) {
        if let Err(error) = check(topic, partition, self.partitions(topic), &records) {
            return done(Err(error));
        }
        let index = self.index(topic, partition);
        let mut state = self.lock();
        // Stamped under the lock, so that a horizon given before is never later than this append.
        let now = self.now();
        let appended = state.world.logs[index].append(records, now);
        if state.saved.is_some() {
            state.unanswered.push((done, appended));
            return;
        }
        state.generation += 1;
        drop(state);
        self.inner.changed.notify_all();
        done(Ok(appended));
    }
}

fn check(topic: Topic, partition: u16, partitions: u16, records: &[Record]) -> Result<(), AppendError> {
    if partition >= partitions {
        return Err(AppendError::NoPartition { topic: topic.name(), partition, partitions });
    }
    match records.iter().map(Record::size).find(|size| *size > RECORD_BYTES_MAX) {
        Some(size) => Err(AppendError::TooLarge { size, limit: RECORD_BYTES_MAX }),
        None => Ok(()),
    }
}

impl Tail for Memory {
    fn ends(&self, topic: Topic, partition: u16) -> Ends {
        let index = self.index(topic, partition);
        let state = self.lock();
        Ends { start: state.world.logs[index].start, end: state.durable().logs[index].end() }
    }

    fn read(&self, topic: Topic, partition: u16, from: u64, max: usize) -> Result<Vec<Stored>, TailError> {
        let index = self.index(topic, partition);
        let state = self.lock();
        let log = &state.world.logs[index];
        if from < log.start {
            return Err(TailError::Trimmed { asked: from, start: log.start });
        }
        Ok(log.read(from, state.durable().logs[index].end(), max).to_vec())
    }

    fn wait(&self, topic: Topic, partition: u16, from: u64, wait: Duration) -> bool {
        let index = self.index(topic, partition);
        let beyond = |state: &State| state.durable().logs[index].end() > from;
        beyond(&self.wait_for(self.lock(), wait, beyond))
    }
}

pub struct MemoryShards {
    memory: Memory,
    machine: MachineId,
    granted: bool,
}

impl Shards for MemoryShards {
    type Shard = MemoryShard;

    fn claims(&mut self, wait: Duration) -> Vec<Claim<MemoryShard>> {
        if self.granted {
            let life = self.memory.lock().life;
            drop(self.memory.wait_for(self.memory.lock(), wait, |state| state.life != life));
            return Vec::new();
        }
        self.granted = true;
        let machine = self.machine;
        let mut state = self.memory.lock();
        let life = state.life;
        let mut grant = |id| {
            let table = self.memory.table(machine, id);
            if machine == MachineId::Notifier && state.world.tables[table].commit.seq == 0 {
                // It comes to a log that others wrote before, and begins with what is held of it.
                let starts = Lane::ALL.map(|lane| state.world.logs[self.memory.index(machine.topic(lane), id)].start);
                state.world.tables[table].commit.next = starts;
            }
            let commit = state.world.tables[table].commit.clone();
            let opening = Opening { card: self.memory.inner.card, commit };
            let position = opening.commit.next;
            let memory = self.memory.clone();
            let seen = std::sync::atomic::AtomicU64::new(0);
            Claim::Granted(MemoryShard { memory, machine, id: ShardId(id), life, opening, position, seen })
        };
        (0..self.memory.inner.card.shards).map(&mut grant).collect()
    }
}

pub struct MemoryShard {
    memory: Memory,
    machine: MachineId,
    id: ShardId,
    life: u64,
    opening: Opening,
    position: [u64; 3],
    /// Generation that the last read began at: what came later ends [`Shard::idle`] at once.
    seen: std::sync::atomic::AtomicU64,
}

impl MemoryShard {
    fn alive(&self) -> Result<MutexGuard<'_, State>, Stop> {
        let state = self.memory.lock();
        if state.life == self.life { Ok(state) } else { Err(Stop::Lost) }
    }

    fn index(&self, lane: Lane) -> usize {
        self.memory.index(self.machine.topic(lane), self.id.0)
    }

    fn table(&self) -> usize {
        self.memory.table(self.machine, self.id.0)
    }

    fn fill(&self, state: &State, position: &mut [u64; 3], max: usize, intake: &mut Intake) {
        for (lane, position) in Lane::ALL.into_iter().zip(position) {
            let queue = match lane {
                Lane::Main => &mut intake.main,
                Lane::Hop => &mut intake.hop,
                Lane::Door => &mut intake.door,
            };
            let index = self.index(lane);
            let end = state.durable().logs[index].end();
            let read = state.world.logs[index].read(*position, end, max.saturating_sub(queue.len()));
            *position += read.len() as u64;
            queue.extend(read.iter().cloned());
            match lane {
                Lane::Main => intake.main_at_end = *position == end,
                Lane::Hop => intake.hop_at_end = *position == end,
                Lane::Door => {}
            }
        }
    }
}

fn is_empty(intake: &Intake) -> bool {
    intake.main.is_empty() && intake.hop.is_empty() && intake.door.is_empty()
}

impl Shard for MemoryShard {
    fn id(&self) -> ShardId {
        self.id
    }

    fn opening(&self) -> &Opening {
        &self.opening
    }

    fn read(&mut self, max: usize, wait: Duration, intake: &mut Intake) -> Result<(), Stop> {
        intake.horizon = None;
        let until = Instant::now() + wait;
        let mut position = self.position;
        loop {
            let state = self.alive()?;
            let generation = state.generation;
            self.seen.store(generation, std::sync::atomic::Ordering::Relaxed);
            self.fill(&state, &mut position, max, intake);
            let left = until.saturating_duration_since(Instant::now());
            if !is_empty(intake) || left.is_zero() {
                break;
            }
            drop(self.memory.wait_for(state, left, |state| state.generation != generation));
        }
        self.position = position;
        if intake.main_at_end && intake.hop_at_end {
            let (main, hop) = (self.index(Lane::Main), self.index(Lane::Hop));
            let mut state = self.alive()?;
            let logs = &mut state.world.logs;
            // Read to the end of what was appended, durable or not: what is on its way may be older than now.
            if logs[main].end() == position[0] && logs[hop].end() == position[1] {
                let horizon = self.memory.now().max(logs[main].last_at).max(logs[hop].last_at);
                logs[main].last_at = horizon;
                logs[hop].last_at = horizon;
                intake.horizon = Some(horizon);
            }
        }
        Ok(())
    }

    fn rows(&mut self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, Stop> {
        let state = self.alive()?;
        let rows = &state.world.tables[self.table()].rows;
        Ok(keys.iter().map(|key| rows.get(key).cloned()).collect())
    }

    fn scan(&mut self, prefix: &[u8], after: Option<RowKey>, limit: usize) -> Result<Vec<(RowKey, Vec<u8>)>, Stop> {
        let state = self.alive()?;
        let rows = &state.world.tables[self.table()].rows;
        let found = rows.iter().filter(|(key, _)| key.0.starts_with(prefix) && after.is_none_or(|after| **key > after));
        Ok(found.take(limit).map(|(key, value)| (*key, value.clone())).collect())
    }

    fn timers(&mut self, until: Timestamp, max: usize) -> Result<Vec<(Timestamp, TimerKey)>, Stop> {
        let state = self.alive()?;
        let due = &state.world.tables[self.table()].due;
        Ok(due.iter().take_while(|(at, _)| *at <= until).take(max).copied().collect())
    }

    fn next_due(&mut self) -> Result<Option<Timestamp>, Stop> {
        Ok(self.alive()?.world.tables[self.table()].due.first().map(|(at, _)| *at))
    }

    fn seal(&mut self, batch: Batch) -> Result<u64, Stop> {
        let shard = self.table();
        let mut state = self.alive()?;
        let life = self.life;
        let room = |state: &State| {
            state.life != life
                || state.world.tables[shard].commit.seq - state.durable().tables[shard].commit.seq < UNSETTLED_MAX
        };
        while !room(&state) {
            state = self.memory.wait_for(state, Duration::from_secs(1), room);
        }
        if state.life != life {
            return Err(Stop::Lost);
        }
        let now = self.memory.now();
        for publish in batch.publish {
            let index = self.memory.index(publish.topic, publish.partition);
            state.world.logs[index].append(vec![publish.record], now);
        }
        let table = &mut state.world.tables[shard];
        for (key, value) in batch.rows.iter() {
            match value {
                Some(value) => drop(table.rows.insert(key, value.to_vec())),
                None => drop(table.rows.remove(&key)),
            }
        }
        for (key, due) in batch.timers {
            table.arm(key, due);
        }
        table.commit = CommitRecord {
            seq: table.commit.seq + 1,
            owner: "memory".to_owned(),
            claim: life,
            next: batch.next,
            out_seq: batch.out_seq,
            serial: batch.serial,
            now: batch.now,
            epoch: batch.epoch,
            digest: 0,
        };
        let seq = table.commit.seq;
        state.generation += 1;
        drop(state);
        self.memory.inner.changed.notify_all();
        Ok(seq)
    }

    fn settled(&mut self, wait: Duration) -> Result<Settled, Stop> {
        let shard = self.table();
        let life = self.life;
        let newest = |state: &State| state.durable().tables[shard].commit.seq == state.world.tables[shard].commit.seq;
        let state = self.memory.wait_for(self.memory.lock(), wait, |state| state.life != life || newest(state));
        if state.life != life {
            return Ok(Settled::Lost);
        }
        Ok(if newest(&state) { Settled::Committed(state.world.tables[shard].commit.seq) } else { Settled::Pending })
    }

    fn reopen(&mut self) -> Result<Opening, Stop> {
        let commit = self.alive()?.world.tables[self.table()].commit.clone();
        self.position = commit.next;
        self.opening.commit = commit;
        Ok(self.opening.clone())
    }

    fn idle(&self, wait: Duration) {
        let seen = self.seen.load(std::sync::atomic::Ordering::Relaxed);
        drop(self.memory.wait_for(self.memory.lock(), wait, |state| state.generation != seen));
    }
}
