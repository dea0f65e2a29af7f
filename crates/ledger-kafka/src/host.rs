//! The host: what a process has of its machine beside network and disk, that is clocks, waiting, threads and chance.
//!
//! Apart, so that a simulator can take the machine's place: under it every thread is a task that runs when it is told to,
//! and time passes when it is turned.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use campanile_model::Timestamp;

pub trait Host: Send + Sync {
    /// Monotonic time.
    fn now(&self) -> Instant;

    /// The wall clock, which may be wrong and may step.
    fn wall(&self) -> Timestamp;

    /// A number that nobody drew before.
    ///
    /// Errors: the machine gives none.
    fn draw(&self) -> Result<u64, String>;

    fn sleep(&self, wait: Duration);

    fn signal(&self) -> Arc<dyn Signal>;

    /// Runs `run` beside the caller. What is given back waits for its end.
    ///
    /// Errors: the machine gives no thread.
    fn spawn(&self, name: &str, run: Box<dyn FnOnce() + Send>) -> Result<Box<dyn Running>, String>;
}

/// Something may have changed. Who wants to wait counts first, looks then, and waits for a later one: so none is missed.
pub trait Signal: Send + Sync {
    fn tell(&self);

    fn count(&self) -> u64;

    /// Waits until the count is not `seen` any more, at most `wait`.
    fn wait_after(&self, seen: u64, wait: Duration);
}

/// What was spawned.
pub trait Running: Send {
    /// Waits for its end. False: it panicked.
    fn join(self: Box<Self>) -> bool;
}

/// Waits for the next signal with the lock open, as a condition variable does.
pub(crate) fn wait_open<'a, T>(
    signal: &dyn Signal,
    mutex: &'a Mutex<T>,
    guard: MutexGuard<'a, T>,
    wait: Duration,
) -> MutexGuard<'a, T> {
    let seen = signal.count();
    drop(guard);
    signal.wait_after(seen, wait);
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The machine itself.
pub struct Machine;

impl Host for Machine {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(since.as_millis() as i64)
    }

    fn draw(&self) -> Result<u64, String> {
        getrandom::u64().map_err(|error| error.to_string())
    }

    fn sleep(&self, wait: Duration) {
        std::thread::sleep(wait);
    }

    fn signal(&self) -> Arc<dyn Signal> {
        Arc::new(Bell::default())
    }

    fn spawn(&self, name: &str, run: Box<dyn FnOnce() + Send>) -> Result<Box<dyn Running>, String> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
        Ok(Box::new(Thread(thread.map_err(|error| error.to_string())?)))
    }
}

struct Thread(JoinHandle<()>);

impl Running for Thread {
    fn join(self: Box<Self>) -> bool {
        self.0.join().is_ok()
    }
}

#[derive(Default)]
struct Bell {
    rung: Mutex<u64>,
    changed: Condvar,
}

impl Bell {
    fn lock(&self) -> MutexGuard<'_, u64> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signal for Bell {
    fn tell(&self) {
        *self.lock() += 1;
        self.changed.notify_all();
    }

    fn count(&self) -> u64 {
        *self.lock()
    }

    fn wait_after(&self, seen: u64, wait: Duration) {
        let until = Instant::now() + wait;
        let mut rung = self.lock();
        while *rung == seen {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            rung = self.changed.wait_timeout(rung, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
