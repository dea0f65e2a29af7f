//! Tasks, and the one thread that runs them. A task is what would be a thread in production; it gives way at every call of
//! the network and at every wait, and goes on when the scheduler says so. Which one goes on, the seed decides.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use campanile_clock::{Clock, Hand};
use campanile_ledger_kafka::host::{Host, Running, Signal};
use campanile_model::{Span, Timestamp};
use generator::{Generator, Gn};

/// Stack of a task in words; only what is touched takes memory.
const STACK_WORDS: usize = 1 << 16;

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a task waits for.
pub(crate) enum Wait {
    /// Its turn.
    Turn,
    /// A time, in milliseconds of the true clock.
    Until(Timestamp),
    /// A signal after the one seen, or a time.
    Signal {
        rung: Arc<AtomicU64>,
        seen: u64,
        until: Timestamp,
    },
    Ended,
}

/// One life of a process, from its start to its end or kill.
pub(crate) struct Life {
    pub(crate) process: usize,
    /// Counts the lives of all processes.
    pub(crate) number: u64,
    pub(crate) is_dead: AtomicBool,
    pub(crate) is_paused: AtomicBool,
    /// How wrong its wall clock is, in milliseconds.
    pub(crate) skew: AtomicI64,
}

impl Life {
    pub(crate) fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::Relaxed)
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Relaxed)
    }

    /// Gives way. A dead process is only taken apart: its destructors run through without another turn.
    #[expect(
        deprecated,
        reason = "the scoped form wants a handle, which the code under test would have to carry about"
    )]
    pub(crate) fn wait(&self, wait: Wait) {
        if !self.is_dead() && !std::thread::panicking() {
            generator::yield_with(wait);
        }
    }
}

struct Task {
    life: Arc<Life>,
    name: String,
    coroutine: Generator<'static, (), Wait>,
    wait: Wait,
}

struct Spawned {
    life: Arc<Life>,
    name: String,
    run: Box<dyn FnOnce() + Send>,
}

/// What tasks and scheduler share.
pub(crate) struct Shared {
    pub(crate) clock: Hand,
    began: Instant,
    start: Timestamp,
    spawned: Mutex<Vec<Spawned>>,
    /// The one source of chance while a story runs.
    chance: Mutex<fastrand::Rng>,
}

impl Shared {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        let start = Timestamp(1_790_000_000_000);
        Arc::new(Self {
            clock: Hand::at(start),
            began: Instant::now(),
            start,
            spawned: Mutex::default(),
            chance: Mutex::new(fastrand::Rng::with_seed(seed)),
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Below `n`.
    pub(crate) fn below(&self, n: usize) -> usize {
        lock(&self.chance).usize(0..n.max(1))
    }

    pub(crate) fn percent(&self, percent: u8) -> bool {
        lock(&self.chance).u8(0..100) < percent
    }

    pub(crate) fn after(&self, wait: Duration) -> Timestamp {
        self.now() + Span(wait.as_millis().max(1) as i64)
    }

    pub(crate) fn spawn(&self, life: &Arc<Life>, name: &str, run: impl FnOnce() + Send + 'static) {
        let spawned = Spawned { life: Arc::clone(life), name: name.to_owned(), run: Box::new(run) };
        lock(&self.spawned).push(spawned);
    }
}

/// All tasks of a story.
pub(crate) struct Schedule {
    pub(crate) shared: Arc<Shared>,
    tasks: Vec<Task>,
}

impl Schedule {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, tasks: Vec::new() }
    }

    fn adopt(&mut self) {
        for Spawned { life, name, run } in std::mem::take(&mut *lock(&self.shared.spawned)) {
            let coroutine = Gn::<()>::new_opt(STACK_WORDS, move || {
                run();
                Wait::Ended
            });
            self.tasks.push(Task { life, name, coroutine, wait: Wait::Turn });
        }
    }

    fn may_run(&self, task: &Task) -> bool {
        let now = self.shared.now();
        !task.life.is_paused()
            && match &task.wait {
                Wait::Turn => true,
                Wait::Until(at) => *at <= now,
                Wait::Signal { rung, seen, until } => rung.load(Ordering::Relaxed) != *seen || *until <= now,
                Wait::Ended => false,
            }
    }

    /// Runs one task that may run, chosen by chance, up to its next wait. False: none may.
    pub(crate) fn step(&mut self) -> bool {
        self.adopt();
        let ready: Vec<usize> = (0..self.tasks.len()).filter(|nth| self.may_run(&self.tasks[*nth])).collect();
        if ready.is_empty() {
            return false;
        }
        let nth = ready[self.shared.below(ready.len())];
        let task = &mut self.tasks[nth];
        task.wait = task.coroutine.resume().unwrap_or(Wait::Ended);
        if matches!(task.wait, Wait::Ended) {
            // In the order of their beginning they stay, so that a story does not depend on where one ended.
            drop(self.tasks.remove(nth));
        }
        true
    }

    /// When the first waiting task gives up waiting.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let due = |task: &Task| match &task.wait {
            Wait::Until(at) | Wait::Signal { until: at, .. } if !task.life.is_paused() => Some(*at),
            Wait::Until(_) | Wait::Signal { .. } | Wait::Turn | Wait::Ended => None,
        };
        self.tasks.iter().filter_map(due).min()
    }

    /// Takes a dead process apart, wherever its tasks stand.
    pub(crate) fn bury(&mut self, life: &Life) {
        self.adopt();
        // The newest first: an older one may wait for the end of a younger.
        for nth in (0..self.tasks.len()).rev() {
            if self.tasks[nth].life.number == life.number {
                drop(self.tasks.remove(nth));
            }
        }
    }

    /// Tasks that are left, for a story that does not come to rest.
    pub(crate) fn names(&self) -> Vec<String> {
        self.tasks.iter().map(|task| format!("{}/{}", task.life.process, task.name)).collect()
    }
}

/// A process's machine: its clock, its tasks, and the story's chance.
pub(crate) struct SimHost {
    pub(crate) shared: Arc<Shared>,
    pub(crate) life: Arc<Life>,
}

impl Host for SimHost {
    fn now(&self) -> Instant {
        let passed = self.shared.now().since(self.shared.start).0.max(0);
        self.shared.began + Duration::from_millis(passed as u64)
    }

    fn wall(&self) -> Timestamp {
        self.shared.now() + Span(self.life.skew.load(Ordering::Relaxed))
    }

    fn draw(&self) -> Result<u64, String> {
        Ok(lock(&self.shared.chance).u64(..))
    }

    fn sleep(&self, wait: Duration) {
        self.life.wait(Wait::Until(self.shared.after(wait)));
    }

    fn signal(&self) -> Arc<dyn Signal> {
        let (shared, life) = (Arc::clone(&self.shared), Arc::clone(&self.life));
        Arc::new(Bell { rung: Arc::default(), shared, life })
    }

    fn spawn(&self, name: &str, run: Box<dyn FnOnce() + Send>) -> Result<Box<dyn Running>, String> {
        let ended = Arc::new(AtomicU64::new(0));
        let ring = Arc::clone(&ended);
        self.shared.spawn(&self.life, name, move || {
            run();
            ring.store(1, Ordering::Relaxed);
        });
        Ok(Box::new(Join { ended, shared: Arc::clone(&self.shared), life: Arc::clone(&self.life) }))
    }
}

struct Bell {
    rung: Arc<AtomicU64>,
    shared: Arc<Shared>,
    life: Arc<Life>,
}

impl Signal for Bell {
    fn tell(&self) {
        self.rung.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.rung.load(Ordering::Relaxed)
    }

    fn wait_after(&self, seen: u64, wait: Duration) {
        if self.count() == seen && !wait.is_zero() {
            let until = self.shared.after(wait);
            self.life.wait(Wait::Signal { rung: Arc::clone(&self.rung), seen, until });
        }
    }
}

struct Join {
    ended: Arc<AtomicU64>,
    shared: Arc<Shared>,
    life: Arc<Life>,
}

impl Running for Join {
    fn join(self: Box<Self>) -> bool {
        while self.ended.load(Ordering::Relaxed) == 0 && !self.life.is_dead() {
            let until = self.shared.after(Duration::from_secs(1));
            self.life.wait(Wait::Signal { rung: Arc::clone(&self.ended), seen: 0, until });
        }
        true
    }
}
