//! Supervision: every thread has a name, and one that ends before it was asked to ends the process with its reason.
//!
//! A server that goes on with a part of it dead looks healthy and does half its work. Ending is safe instead: what was
//! confirmed is durable, and the next start goes on from the last commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::mpsc;

/// Tells supervised threads to end. Clones share it.
#[derive(Clone, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    pub fn set(&self) {
        *lock(&self.0.0) = true;
        self.0.1.notify_all();
    }

    pub fn is_set(&self) -> bool {
        *lock(&self.0.0)
    }

    /// Waits at most `wait`; says whether it is set.
    pub fn wait(&self, wait: Duration) -> bool {
        match self.0.1.wait_timeout_while(lock(&self.0.0), wait, |set| !*set) {
            Ok((set, _)) => *set,
            Err(poisoned) => *poisoned.into_inner().0,
        }
    }
}

/// A part that ended and should not have.
#[derive(Debug)]
pub struct Death {
    pub name: &'static str,
    pub reason: String,
}

pub struct Supervisor {
    stop: Stop,
    deaths: mpsc::UnboundedSender<Death>,
    threads: Mutex<Vec<(&'static str, JoinHandle<()>)>>,
}

impl Supervisor {
    /// A supervisor, and where it tells of deaths.
    pub fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Death>) {
        let (deaths, told) = mpsc::unbounded_channel();
        (Arc::new(Self { stop: Stop::default(), deaths, threads: Mutex::default() }), told)
    }

    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Runs `run` on a thread of this name. It must go on until the stop is set: whatever ends it before is a death.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn spawn(&self, name: &'static str, run: impl FnOnce(Stop) -> Result<()> + Send + 'static) -> Result<()> {
        let (stop, deaths) = (self.stop.clone(), self.deaths.clone());
        let body = move || {
            let reason = match catch_unwind(AssertUnwindSafe(|| run(stop.clone()))) {
                Ok(Ok(())) => "it ended although nobody asked it to".to_owned(),
                Ok(Err(error)) => format!("{error:#}"),
                Err(panic) => format!("it panicked: {}", panic_text(panic.as_ref())),
            };
            if !stop.is_set() {
                tracing::error!(name, %reason, "a part of the server died");
                // Nobody listens only when the process is ending already.
                let _ = deaths.send(Death { name, reason });
            }
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(body);
        let thread = thread.with_context(|| format!("the thread {name} could not be started"))?;
        lock(&self.threads).push((name, thread));
        Ok(())
    }

    /// Sets the stop and waits at most `within` for all threads; gives the names of those that did not end.
    pub fn end(&self, within: Duration) -> Vec<&'static str> {
        self.stop.set();
        let until = Instant::now() + within;
        let mut late = Vec::new();
        for (name, thread) in std::mem::take(&mut *lock(&self.threads)) {
            while !thread.is_finished() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
            if thread.is_finished() {
                // Its panic was caught and told.
                let _ = thread.join();
            } else {
                late.push(name);
            }
        }
        late
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

/// The lock, whatever became of its last holder: a panic is told by supervision, not by poison.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
