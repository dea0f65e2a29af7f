//! A role's life: threads that step the shards of one machine, until they are told to drain. Written once, for every
//! role that runs a machine.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use campanile_ledger::{Claim, MachineId, Shard, Shards, Stop};
use campanile_model::{Epoch, ShardId, Span, Timestamp};

use crate::cadence::Cadence;
use crate::machine::Machine;
use crate::shard::{Progress, Runner, RunnerOptions};

/// How often ownership is asked for.
const CLAIMS_WAIT: Duration = Duration::from_millis(50);
/// How long the first claims are waited for, so that shards are spread over threads rather than piled on one.
const FIRST_CLAIMS_WAIT: Duration = Duration::from_secs(1);

/// How a role steps its shards.
#[derive(Clone, Debug)]
pub struct ServiceOptions {
    pub machine: MachineId,
    /// First part of the threads' names.
    pub name: &'static str,
    /// Threads that step shards. `None`: one per shard, at most the machine's cores. 1 steps all shards in turn.
    pub threads: Option<usize>,
    /// Run on the senders' own times, for benches and back-tests.
    pub event_time: bool,
    /// Note what each commit consumed on the steps topic.
    pub steps: bool,
}

/// How a drain ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Everything taken was committed.
    Clean,
    /// Time ran out with batches on their way; nothing is lost, they are judged again at the next start.
    TimedOut,
    /// A shard stopped before, for this reason.
    Failed(String),
}

#[derive(Clone, Debug, Default)]
pub struct ShardStatus {
    pub shard: u16,
    pub committed_seq: u64,
    /// Next offsets of main, hop and door after the newest sealed batch.
    pub next: [u64; 3],
    pub now: Timestamp,
    pub epoch: Epoch,
    /// Why it cannot commit now.
    pub halted: Option<String>,
}

/// What threads and their handle share.
#[derive(Default)]
struct Shared {
    wall: Wall,
    draining: AtomicBool,
    drain_within: Mutex<Duration>,
    status: Mutex<HashMap<ShardId, ShardStatus>>,
    failed: Mutex<Option<String>>,
    timed_out: AtomicBool,
}

pub struct Handle {
    name: &'static str,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that panicked leaves values that are whole: each is replaced, never edited in steps.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts threads that step every shard this process is granted, now and later. `make` gives each shard its machine.
///
/// Errors: the operating system gives no thread.
pub fn start<M: Machine + 'static, S: Shards + 'static>(
    options: ServiceOptions,
    mut shards: S,
    make: impl Fn(&S::Shard) -> M + Send + 'static,
) -> std::io::Result<Handle> {
    let shared = Arc::new(Shared::default());
    let granted = first_claims(&mut shards);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // With nothing granted yet it is not known how many will come.
    let most = if granted.is_empty() { cores } else { granted.len() };
    let threads = options.threads.unwrap_or(cores).clamp(1, most);
    let name = options.name;
    let mut dealer = Dealer { options, make: Box::new(make), dealt: 0, piles: Vec::new() };
    let mut handles = Vec::new();
    for nth in 0..threads {
        let pile = Arc::new(Mutex::new(Vec::new()));
        dealer.piles.push(Arc::clone(&pile));
        let shared = shared.clone();
        let named = std::thread::Builder::new().name(format!("{name}-{nth}"));
        handles.push(named.spawn(move || work(&pile, &shared))?);
    }
    dealer.dealt = granted.len();
    for (nth, shard) in granted.into_iter().enumerate() {
        dealer.deal(nth, shard);
    }
    let watched = shared.clone();
    let named = std::thread::Builder::new().name(format!("{name}-claims"));
    handles.push(named.spawn(move || keep_claiming(shards, dealer, &watched))?);
    Ok(Handle { name, shared, threads: handles })
}

/// Shards on their way to a thread.
type Pile<M, S> = Mutex<Vec<Runner<M, S>>>;

/// Gives shards to threads in turn.
struct Dealer<M: Machine, S: Shard> {
    options: ServiceOptions,
    make: Box<dyn Fn(&S) -> M + Send>,
    dealt: usize,
    piles: Vec<Arc<Pile<M, S>>>,
}

impl<M: Machine, S: Shard> Dealer<M, S> {
    fn deal(&self, nth: usize, shard: S) {
        let runner_options = RunnerOptions {
            cadence: Cadence::for_shards(self.dealt),
            event_time: self.options.event_time,
            steps: self.options.steps,
            machine: self.options.machine,
        };
        let machine = (self.make)(&shard);
        lock(&self.piles[nth % self.piles.len()]).push(Runner::new(shard, machine, runner_options));
    }
}

/// Takes what is granted later. What is taken away the shard itself tells to the thread that steps it.
fn keep_claiming<M: Machine, S: Shards>(mut shards: S, mut dealer: Dealer<M, S::Shard>, shared: &Shared) {
    while !shared.draining.load(Ordering::Acquire) {
        for claim in shards.claims(CLAIMS_WAIT) {
            match claim {
                Claim::Granted(shard) if !shared.draining.load(Ordering::Acquire) => {
                    dealer.dealt += 1;
                    dealer.deal(dealer.dealt - 1, shard);
                }
                Claim::Granted(_) => {}
                Claim::Revoked(id) | Claim::Lost(id) => {
                    tracing::info!(shard = %id, "the shard goes to another process")
                }
            }
        }
    }
}

fn first_claims<S: Shards>(shards: &mut S) -> Vec<S::Shard> {
    let mut granted = Vec::new();
    let deadline = Instant::now() + FIRST_CLAIMS_WAIT;
    loop {
        let claims = shards.claims(CLAIMS_WAIT);
        if claims.is_empty() && (!granted.is_empty() || Instant::now() >= deadline) {
            return granted;
        }
        for claim in claims {
            match claim {
                Claim::Granted(shard) => granted.push(shard),
                Claim::Revoked(id) | Claim::Lost(id) => granted.retain(|shard: &S::Shard| shard.id() != id),
            }
        }
    }
}

/// One thread: all its shards in turn, sleeping only when none has anything to do.
fn work<M: Machine, S: Shard>(pile: &Pile<M, S>, shared: &Shared) {
    let mut runners: Vec<Runner<M, S>> = Vec::new();
    while !shared.draining.load(Ordering::Acquire) {
        runners.append(&mut lock(pile));
        let wall = shared.wall.now();
        let mut worked = false;
        let mut patience = CLAIMS_WAIT;
        let mut lost = None;
        for (nth, runner) in runners.iter_mut().enumerate() {
            match turn(runner, wall) {
                Ok((any, wait)) => {
                    worked |= any;
                    patience = patience.min(wait);
                }
                // Somebody else has it, or will in a moment; the others of this thread go on.
                Err(Stop::Lost) => lost = Some(nth),
                Err(stop @ (Stop::Damaged(_) | Stop::Closing)) => return fail(shared, runner.shard().id(), &stop),
            }
            publish_status(shared, runner);
        }
        if let Some(nth) = lost {
            let runner = runners.swap_remove(nth);
            lock(&shared.status).remove(&runner.shard().id());
            continue;
        }
        match runners.first() {
            Some(_) if worked => {}
            Some(first) => first.shard().idle(patience),
            None => std::thread::sleep(CLAIMS_WAIT),
        }
    }
    let deadline = Instant::now() + *lock(&shared.drain_within);
    for runner in &mut runners {
        match runner.drain(deadline.saturating_duration_since(Instant::now())) {
            Ok(true) | Err(Stop::Lost) => {}
            Ok(false) => shared.timed_out.store(true, Ordering::Release),
            Err(stop @ (Stop::Damaged(_) | Stop::Closing)) => fail(shared, runner.shard().id(), &stop),
        }
        publish_status(shared, runner);
    }
}

/// One shard's turn. A shard with a backlog keeps the thread until it has sealed: one large batch writes a row once
/// that many small ones, seal by seal in turn with its neighbours, would write several times. Cadence bounds the turn
/// to 100 ms. Gives whether anything was done, and how long nothing can fall due.
fn turn<M: Machine, S: Shard>(runner: &mut Runner<M, S>, wall: Timestamp) -> Result<(bool, Duration), Stop> {
    let mut any = false;
    loop {
        match runner.step(wall)? {
            Progress::Worked => any = true,
            Progress::Sealed => return Ok((true, Duration::ZERO)),
            Progress::Idle(wait) => return Ok((any, wait)),
        }
    }
}

fn fail(shared: &Shared, shard: ShardId, stop: &Stop) {
    tracing::error!(%shard, reason = %stop, "the shard stopped");
    lock(&shared.failed).get_or_insert_with(|| format!("shard {shard}: {stop}"));
}

fn publish_status<M: Machine, S: Shard>(shared: &Shared, runner: &Runner<M, S>) {
    let standing = runner.standing();
    let id = runner.shard().id();
    let status = ShardStatus {
        shard: id.0,
        committed_seq: standing.committed_seq,
        next: standing.next,
        now: standing.now,
        epoch: standing.epoch,
        halted: standing.halted.clone(),
    };
    lock(&shared.status).insert(id, status);
}

/// Wall time as it stood at the start, carried on by the monotonic clock, as ledgers do: a step of the clock must not make
/// every event look as if it came from the future.
struct Wall {
    began: Instant,
    start: Timestamp,
}

impl Default for Wall {
    fn default() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: Instant::now(), start: Timestamp(since.as_millis() as i64) }
    }
}

impl Wall {
    fn now(&self) -> Timestamp {
        self.start + Span(self.began.elapsed().as_millis() as i64)
    }
}

impl Handle {
    /// Where each shard stands, by shard.
    pub fn status(&self) -> Vec<ShardStatus> {
        let mut all: Vec<ShardStatus> = lock(&self.shared.status).values().cloned().collect();
        all.sort_by_key(|status| status.shard);
        all
    }

    /// The reason a shard stopped, if one did: the process should end then.
    pub fn failed(&self) -> Option<String> {
        let reason = lock(&self.shared.failed).clone();
        let died = !self.shared.draining.load(Ordering::Acquire) && self.threads.iter().any(JoinHandle::is_finished);
        reason.or_else(|| died.then(|| format!("a thread of the {} ended without a word", self.name)))
    }

    /// Stops taking input, commits what was judged, and ends the threads; waits at most `within`.
    pub fn drain(self, within: Duration) -> Drained {
        *lock(&self.shared.drain_within) = within;
        self.shared.draining.store(true, Ordering::Release);
        for thread in self.threads {
            if thread.join().is_err() {
                return Drained::Failed(format!("a thread of the {} panicked", self.name));
            }
        }
        if let Some(reason) = lock(&self.shared.failed).clone() {
            return Drained::Failed(reason);
        }
        if self.shared.timed_out.load(Ordering::Acquire) { Drained::TimedOut } else { Drained::Clean }
    }
}
