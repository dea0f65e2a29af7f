//! Floor 40: clocks. Wall, hand-turned, and scaled for demonstrations.
//!
//! Machines never see one: log time is stamped by ledgers, and only ledgers and roles hold a [`Clock`].

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use campanile_model::{Span, Timestamp};

/// Where a ledger's append time comes from.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// The machine's own clock.
pub struct Wall;

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(since.as_millis() as i64)
    }
}

/// The machine's clock as it stood when this was made, carried on by the monotonic one: a step of the wall clock, by hand
/// or by NTP, does nothing until the next start. Log time only rises, so one wrong step forward would otherwise make every
/// later timer fire at once.
pub struct Steady {
    began: Instant,
    start: Timestamp,
}

impl Steady {
    pub fn new() -> Self {
        Self { began: Instant::now(), start: Wall.now() }
    }
}

impl Default for Steady {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for Steady {
    fn now(&self) -> Timestamp {
        self.start + Span(self.began.elapsed().as_millis() as i64)
    }
}

/// Stands until somebody turns it.
pub struct Hand(AtomicI64);

impl Hand {
    pub fn at(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.0))
    }

    pub fn turn(&self, by: Span) {
        self.0.fetch_add(by.0, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Begins in the past and runs `factor` times as fast as the wall until it has caught up; from then on it is the wall.
pub struct Scaled {
    began: Instant,
    start: Timestamp,
    factor: i64,
    /// From here on, wall time.
    caught_up_after: std::time::Duration,
}

impl Scaled {
    /// A clock on which `length` passes in `length / factor` of real time and which then stands at wall time. `factor` is at least 2.
    pub fn catching_up(length: Span, factor: i64) -> Self {
        let factor = factor.max(2);
        let real_ms = length.0 / factor;
        let start = Wall.now() + Span(real_ms) - length;
        Self { began: Instant::now(), start, factor, caught_up_after: std::time::Duration::from_millis(real_ms as u64) }
    }

    /// How long to wait, in real time, until this clock shows `at`.
    pub fn until(&self, at: Timestamp) -> std::time::Duration {
        let ahead = at.since(self.now()).0.max(0);
        let factor = if self.began.elapsed() < self.caught_up_after { self.factor } else { 1 };
        std::time::Duration::from_micros((ahead * 1000 / factor) as u64)
    }
}

impl Clock for Scaled {
    fn now(&self) -> Timestamp {
        let elapsed = self.began.elapsed();
        if elapsed >= self.caught_up_after {
            return self.start
                + Span(self.caught_up_after.as_millis() as i64 * self.factor)
                + Span((elapsed - self.caught_up_after).as_millis() as i64);
        }
        self.start + Span(elapsed.as_micros() as i64 * self.factor / 1000)
    }
}
