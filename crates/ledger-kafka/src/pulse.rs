//! One beat for the whole process: something may have become readable or settled. Beside it, the broker's clock as far as
//! it is known.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use campanile_model::{Span, Timestamp};

#[derive(Default)]
pub(crate) struct Pulse {
    beats: Mutex<u64>,
    changed: Condvar,
    /// The newest append time seen, and when.
    seen: Mutex<Option<(Timestamp, Instant)>>,
}

impl Pulse {
    fn lock(&self) -> MutexGuard<'_, u64> {
        self.beats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn beat(&self) {
        *self.lock() += 1;
        self.changed.notify_all();
    }

    pub(crate) fn beats(&self) -> u64 {
        *self.lock()
    }

    /// Waits until a beat after `seen`, at most `wait`.
    pub(crate) fn wait_after(&self, seen: u64, wait: Duration) {
        let until = Instant::now() + wait;
        let mut beats = self.lock();
        while *beats == seen {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            beats = self.changed.wait_timeout(beats, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Notes an append time. Old ones of a backlog say nothing and are passed over.
    pub(crate) fn saw(&self, at: Timestamp) {
        let now = Instant::now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_none_or(|seen| reckon(seen, now) < at) {
            *seen = Some((at, now));
        }
    }

    /// What the broker's clock shows at least: the newest append time and the monotonic time since. No wall clock, so steps
    /// of ours do nothing; with the broker out of reach nothing confirms it and the ledger gives no horizon.
    pub(crate) fn broker_time(&self) -> Option<Timestamp> {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.map(|seen| reckon(seen, Instant::now()))
    }
}

fn reckon((at, since): (Timestamp, Instant), now: Instant) -> Timestamp {
    at + Span(now.saturating_duration_since(since).as_millis() as i64)
}
