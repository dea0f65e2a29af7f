//! How a subscription's receiver does, over all partitions: a breaker, and parking.
//!
//! ```text
//!  closed ── 5 failures in a row ──► open ── every 30 s one probe ──► closed
//!  taking ── 3 events given up in a row ──► parked, 24 h or until `enable` ──► taking
//! ```
//!
//! PagerDuty drops the queue of a receiver that it disables. Here the queue stays on the log and drains afterwards.

use campanile_model::{Span, Timestamp};

/// When a receiver is spared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Failures in a row that open the breaker.
    pub(crate) failures_max: u32,
    pub(crate) probe_every: Span,
    /// Events given up in a row that park the subscription.
    pub(crate) given_up_max: u32,
    pub(crate) parked_for: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    Open,
    /// One delivery may go, to see.
    Probe,
    Shut(Timestamp),
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Endpoint {
    failures: u32,
    given_up: u32,
    /// When the breaker lets one through; `None`: it is closed.
    pub(crate) probe_at: Option<Timestamp>,
    pub(crate) parked_until: Option<Timestamp>,
    /// Rises whenever what waits for its next attempt should go at once.
    pub(crate) mended: u64,
}

impl Endpoint {
    /// Whether a delivery may go now. A probe that is let through puts off the next.
    pub(crate) fn gate(&mut self, patience: &Patience, now: Timestamp) -> Gate {
        if let Some(until) = self.parked_until {
            if now < until {
                return Gate::Shut(until);
            }
            self.enable();
        }
        match self.probe_at {
            None => Gate::Open,
            Some(at) if now < at => Gate::Shut(at),
            Some(_) => {
                self.probe_at = Some(now + patience.probe_every);
                Gate::Probe
            }
        }
    }

    /// A probe was allowed and there was nothing to send.
    pub(crate) fn probe_unused(&mut self, now: Timestamp) {
        self.probe_at = self.probe_at.map(|_| now);
    }

    pub(crate) fn delivered(&mut self) {
        self.failures = 0;
        self.given_up = 0;
        if self.probe_at.take().is_some() {
            self.mended += 1;
        }
    }

    pub(crate) fn failed(&mut self, patience: &Patience, now: Timestamp) {
        self.failures += 1;
        if self.failures >= patience.failures_max {
            self.probe_at = Some(now + patience.probe_every);
        }
    }

    /// The receiver refused an event for good, or had its time. Says whether that event is given up: once parked, what
    /// is still under way stays in the queue.
    pub(crate) fn gives_up(&mut self, patience: &Patience, now: Timestamp) -> bool {
        if self.parked_until.is_some() {
            return false;
        }
        self.given_up += 1;
        if self.given_up >= patience.given_up_max {
            self.parked_until = Some(now + patience.parked_for);
        }
        true
    }

    /// Somebody says that the receiver was mended, or its time is over.
    pub(crate) fn enable(&mut self) {
        *self = Self { mended: self.mended + 1, ..Self::default() };
    }
}
