//! Durability: the one thread that appends and syncs.
//!
//! Appends queue here and are written together, one group per partition. Commits are written by their shard and only
//! wait here. What is written is made durable by one `flush_wal(true)` for everybody, and only then shown and answered.
//!
//! A ticket is drawn after a write, together with the note of which partitions it moved: a sync takes all tickets and
//! notes drawn so far, so that what it settles is also readable. Readers of rows have no ticket and wait for RocksDB's
//! sequence number instead: what they saw has a number at most the latest, and a write is in the WAL before it has one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use campanile_ledger::{AppendError, Appended, Done, Record};
use rocksdb::{FlushOptions, WriteBatch};

use crate::core::Core;
use crate::faults::{self, Counter, Fault};
use crate::format::PROBE_KEY;
use crate::log::{handle, lock};
use crate::tuning::Family;

/// Most bytes that may wait to be written; more are refused as unavailable.
const QUEUE_BYTES_MAX: usize = 64 << 20;

/// Most bytes written in one go, so that nobody waits long behind a burst.
const ROUND_BYTES_MAX: usize = 16 << 20;

/// A write refused by RocksDB is tried again after so long.
const RETRY: Duration = Duration::from_secs(2);

/// Framing and bookkeeping of one queued record, roughly.
const RECORD_OVERHEAD_BYTES: usize = 64;

pub(crate) struct Request {
    pub(crate) index: usize,
    pub(crate) records: Vec<Record>,
    pub(crate) done: Done,
}

#[derive(Default)]
struct Inbox {
    requests: Vec<Request>,
    bytes: usize,
    sync_wanted: bool,
}

/// What was written and is not durable yet.
#[derive(Default)]
struct Dirty {
    tickets: u64,
    /// Partitions that moved, and to where.
    ends: Vec<(usize, u64)>,
}

pub(crate) struct Durability {
    /// Set under the inbox's lock, so that nothing is queued after it; read without.
    closing: AtomicBool,
    inbox: Mutex<Inbox>,
    arrived: Condvar,
    dirty: Mutex<Dirty>,
    /// Highest ticket that is durable.
    settled: AtomicU64,
    /// Highest sequence number that is durable.
    synced: AtomicU64,
    /// Rises with each sync.
    generation: Mutex<u64>,
    moved: Condvar,
    pub(crate) syncs: Syncs,
}

/// Counts of syncs by how long they took.
#[derive(Default)]
pub(crate) struct Syncs {
    pub(crate) count: AtomicU64,
    pub(crate) total_us: AtomicU64,
    pub(crate) buckets: [AtomicU64; 24],
}

impl Syncs {
    fn count(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.total_us.fetch_add(us, Ordering::Relaxed);
        let bucket = (u64::BITS - us.leading_zeros()) as usize;
        self.buckets[bucket.min(self.buckets.len() - 1)].fetch_add(1, Ordering::Relaxed);
    }
}

fn size(records: &[Record]) -> usize {
    records.iter().map(|record| record.size() + RECORD_OVERHEAD_BYTES).sum()
}

impl Durability {
    pub(crate) fn new(synced: u64) -> Self {
        Self {
            closing: AtomicBool::new(false),
            inbox: Mutex::default(),
            arrived: Condvar::new(),
            dirty: Mutex::default(),
            settled: AtomicU64::new(0),
            synced: AtomicU64::new(synced),
            generation: Mutex::new(0),
            moved: Condvar::new(),
            syncs: Syncs::default(),
        }
    }

    /// Queues an append, or gives it back with the reason.
    pub(crate) fn submit(&self, request: Request) -> Result<(), (Request, &'static str)> {
        let size = size(&request.records);
        let mut inbox = lock(&self.inbox);
        if self.is_closing() {
            return Err((request, "the ledger is shutting down"));
        }
        // One append is always let in, however large: alone it must not be refused for ever.
        if inbox.bytes > 0 && inbox.bytes + size > QUEUE_BYTES_MAX {
            return Err((request, "64 MiB of appends wait to be written already"));
        }
        inbox.bytes += size;
        let wake = inbox.requests.is_empty();
        inbox.requests.push(request);
        drop(inbox);
        if wake {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Asks for a sync of all that is written by now.
    pub(crate) fn want_sync(&self) {
        let mut inbox = lock(&self.inbox);
        if !std::mem::replace(&mut inbox.sync_wanted, true) {
            drop(inbox);
            self.arrived.notify_one();
        }
    }

    pub(crate) fn close(&self) {
        let inbox = lock(&self.inbox);
        self.closing.store(true, Ordering::Release);
        drop(inbox);
        self.arrived.notify_one();
        self.wake();
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Closes, and answers what nobody will write any more.
    fn abandon(&self) {
        self.close();
        let requests = std::mem::take(&mut lock(&self.inbox).requests);
        for request in requests {
            (request.done)(Err(AppendError::InDoubt("the ledger stopped before it was written".to_owned())));
        }
    }

    /// Draws the ticket of a write that moved these partitions. Called under the partitions' locks, after the write.
    pub(crate) fn wrote(&self, ends: impl IntoIterator<Item = (usize, u64)>) -> u64 {
        let mut dirty = lock(&self.dirty);
        dirty.ends.extend(ends);
        dirty.tickets += 1;
        dirty.tickets
    }

    /// Every ticket up to this one is durable.
    pub(crate) fn settled(&self) -> u64 {
        self.settled.load(Ordering::Acquire)
    }

    /// Every sequence number up to this one is durable.
    pub(crate) fn synced(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }

    pub(crate) fn generation(&self) -> u64 {
        *lock(&self.generation)
    }

    /// Waits until a generation after `seen`, at most `wait`; gives the newest.
    pub(crate) fn wait_after(&self, seen: u64, wait: Duration) -> u64 {
        let guard = lock(&self.generation);
        match self.moved.wait_timeout_while(guard, wait, |generation| *generation == seen) {
            Ok((generation, _)) => *generation,
            Err(poisoned) => *poisoned.into_inner().0,
        }
    }

    /// Wakes everybody who waits, so that they look again.
    pub(crate) fn wake(&self) {
        *lock(&self.generation) += 1;
        self.moved.notify_all();
    }

    /// Waits for work: appends of at most a round, whether anything was asked for, whether the ledger closes.
    fn take(&self, wait: Duration) -> (Vec<Request>, bool) {
        let idle = |inbox: &mut Inbox| inbox.requests.is_empty() && !inbox.sync_wanted && !self.is_closing();
        let (mut inbox, _) = match self.arrived.wait_timeout_while(lock(&self.inbox), wait, idle) {
            Ok(woken) => woken,
            Err(poisoned) => poisoned.into_inner(),
        };
        inbox.sync_wanted = false;
        let mut bytes = 0;
        let mut count = 0;
        for request in &inbox.requests {
            if count > 0 && bytes + size(&request.records) > ROUND_BYTES_MAX {
                break;
            }
            bytes += size(&request.records);
            count += 1;
        }
        let later = inbox.requests.split_off(count);
        let now = std::mem::replace(&mut inbox.requests, later);
        inbox.bytes -= bytes;
        (now, self.is_closing())
    }
}

/// Runs until the ledger closes and everything taken is answered. A panic, be it of somebody's `Done`, must not leave
/// the others waiting for ever.
pub(crate) fn run(core: &Core) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| serve(core))).is_err() {
        core.watch.give_up("the thread that writes the log panicked; start the process again");
        core.durability.abandon();
    }
}

fn serve(core: &Core) {
    let durability = &core.durability;
    let mut tried_at = Instant::now();
    loop {
        let refused = core.watch.is_refused();
        let (requests, closing) = durability.take(if refused { RETRY } else { Duration::from_secs(1) });
        let answers = append(core, requests);
        let outcome = if !core.watch.is_refused() {
            tried_at = Instant::now();
            Some(sync(core))
        } else if closing || tried_at.elapsed() >= RETRY {
            tried_at = Instant::now();
            Some(recover(core).and_then(|()| sync(core)))
        } else {
            // Requests for a sync keep coming while the disk refuses; it is asked at its own pace.
            std::thread::sleep(Duration::from_millis(20));
            None
        };
        match &outcome {
            Some(Ok(())) => core.watch.write_succeeded(),
            Some(Err(error)) => {
                core.watch.write_failed(error.as_ref());
                durability.wake();
            }
            None => {}
        }
        let durable = matches!(outcome, Some(Ok(())));
        for (done, answer) in answers {
            core.flight.add(Counter::Appends, -1);
            let doubt =
                || AppendError::InDoubt(core.watch.halted().unwrap_or_else(|| "it is not durable yet".to_owned()));
            // Written but not durable: it may yet become so.
            done(if durable { answer } else { answer.and_then(|_| Err(doubt())) });
        }
        if closing && lock(&durability.inbox).requests.is_empty() {
            return;
        }
    }
}

type Answers = Vec<(Done, Result<Appended, AppendError>)>;

/// Writes all requests as one batch, one group per partition.
fn append(core: &Core, requests: Vec<Request>) -> Answers {
    if requests.is_empty() {
        return Vec::new();
    }
    if let Some(reason) = core.watch.halted_before(requests.iter().map(|r| size(&r.records)).sum()) {
        return requests.into_iter().map(|r| (r.done, Err(AppendError::Unavailable(reason.clone())))).collect();
    }
    let mut by_partition: BTreeMap<usize, Vec<Request>> = BTreeMap::new();
    for request in requests {
        by_partition.entry(request.index).or_default().push(request);
    }
    if faults::chosen() == Fault::AckBeforeAppend {
        answer_early(core, &mut by_partition);
    }
    let mut batch = WriteBatch::default();
    // In rising order, as commits take them.
    let mut guards: Vec<_> = by_partition.keys().map(|index| lock(&core.log.partition(*index).state)).collect();
    let now = core.clock.now();
    let mut drafts = Vec::with_capacity(guards.len());
    for (written, (index, requests)) in guards.iter().zip(&by_partition) {
        let records = requests.iter().flat_map(|request| &request.records);
        drafts.push(core.log.stage(&core.db, *index, written, now, records, &mut batch));
    }
    let outcome = core.db.write(batch);
    let mut answers = Vec::new();
    let mut ends = Vec::new();
    for ((written, draft), (index, requests)) in guards.iter_mut().zip(drafts).zip(by_partition) {
        let (mut first, at) = (draft.first, draft.at);
        if outcome.is_ok() {
            ends.extend(core.log.apply(index, written, draft).map(|end| (index, end)));
        }
        for request in requests {
            let answer = match &outcome {
                Ok(()) => Ok(Appended { first, at }),
                Err(error) => Err(AppendError::InDoubt(error.to_string())),
            };
            first += request.records.len() as u64;
            answers.push((request.done, answer));
        }
    }
    core.durability.wrote(ends);
    drop(guards);
    if let Err(error) = outcome {
        core.watch.write_failed(error.as_ref());
    }
    answers
}

/// The fault: what an append would be answered is told before anything is written.
fn answer_early(core: &Core, by_partition: &mut BTreeMap<usize, Vec<Request>>) {
    for (index, requests) in by_partition {
        let (mut first, at) = {
            let written = lock(&core.log.partition(*index).state);
            (written.next, written.last_at.max(core.clock.now()))
        };
        for request in requests {
            let done = std::mem::replace(&mut request.done, Box::new(|_| {}));
            done(Ok(Appended { first, at }));
            first += request.records.len() as u64;
        }
    }
    std::thread::sleep(Duration::from_millis(20));
}

/// Makes everything written by now durable, then readable. Does nothing if nothing was written since the last time.
fn sync(core: &Core) -> Result<(), rocksdb::Error> {
    let durability = &core.durability;
    let (tickets, ends) = {
        let mut dirty = lock(&durability.dirty);
        (dirty.tickets, std::mem::take(&mut dirty.ends))
    };
    if tickets == durability.settled() && core.db.latest_sequence_number() <= durability.synced() {
        return Ok(());
    }
    if let Some(gate) = &core.before_sync {
        gate();
    }
    let sequence = core.db.latest_sequence_number();
    let began = Instant::now();
    if let Err(error) = core.db.flush_wal(faults::chosen() != Fault::SkipFsync) {
        lock(&durability.dirty).ends.extend(ends);
        return Err(error);
    }
    durability.syncs.count(began.elapsed());
    core.flight.add(Counter::Syncs, 1);
    // Told to nobody before it is noted. A note that fails costs only the check at the next opening.
    if let Err(error) = core.confirmed.note(sequence) {
        tracing::warn!(%error, "the confirmed end could not be noted");
    }
    for (index, end) in ends {
        core.log.partition(index).readable.fetch_max(end, Ordering::AcqRel);
    }
    durability.synced.store(sequence, Ordering::Release);
    durability.settled.store(tickets, Ordering::Release);
    durability.wake();
    Ok(())
}

/// After a failed write or sync: finds out whether writes are taken again. A page that failed to sync may be called
/// clean by the kernel while it is lost, so the WAL is not trusted before all it held is in tables, which are synced on
/// their own.
fn recover(core: &Core) -> Result<(), rocksdb::Error> {
    core.db.put_cf(handle(&core.db, Family::Meta), PROBE_KEY, b"")?;
    let mut options = FlushOptions::default();
    options.set_wait(true);
    for family in Family::ALL {
        core.db.flush_cf_opt(handle(&core.db, family), &options)?;
    }
    Ok(())
}
