//! One beat for the whole process: something may have become readable or settled. Beside it, the broker's clock as far as
//! it is known.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use campanile_model::{Span, Timestamp};

use crate::host::{Host, Signal};

pub struct Pulse {
    beats: Arc<dyn Signal>,
    host: Arc<dyn Host>,
    /// The newest append time seen, and when.
    seen: Mutex<Option<(Timestamp, Instant)>>,
}

impl Pulse {
    pub(crate) fn new(host: Arc<dyn Host>) -> Self {
        Self { beats: host.signal(), host, seen: Mutex::default() }
    }

    pub fn beat(&self) {
        self.beats.tell();
    }

    pub(crate) fn beats(&self) -> u64 {
        self.beats.count()
    }

    /// Waits until a beat after `seen`, at most `wait`.
    pub(crate) fn wait_after(&self, seen: u64, wait: Duration) {
        self.beats.wait_after(seen, wait);
    }

    /// Notes an append time. Old ones of a backlog say nothing and are passed over.
    pub fn saw(&self, at: Timestamp) {
        let now = self.host.now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_none_or(|seen| reckon(seen, now) < at) {
            *seen = Some((at, now));
        }
    }

    /// What the broker's clock shows at least: the newest append time and the monotonic time since. No wall clock, so steps
    /// of ours do nothing; with the broker out of reach nothing confirms it and the ledger gives no horizon.
    pub(crate) fn broker_time(&self) -> Option<Timestamp> {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.map(|seen| reckon(seen, self.host.now()))
    }
}

fn reckon((at, since): (Timestamp, Instant), now: Instant) -> Timestamp {
    at + Span(now.saturating_duration_since(since).as_millis() as i64)
}
