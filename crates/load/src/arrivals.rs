//! When each event should be sent: an open loop, decided before anything is known of the server's answers.

use std::time::Duration;

use crate::random::Random;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Spacing {
    /// Every 1/rate seconds.
    Steady,
    /// Exponential gaps with that mean, as independent senders make them.
    Poisson,
}

/// The instants of sending, from the start of the run, never running backwards.
#[derive(Clone, Debug)]
pub struct Arrivals {
    gap_ns: f64,
    spacing: Spacing,
    random: Random,
    next_ns: f64,
}

impl Arrivals {
    /// `rate` is in events per second; 0 means all at once, as fast as they are taken.
    pub fn new(rate: f64, spacing: Spacing, seed: u64) -> Self {
        let gap_ns = if rate > 0.0 { 1e9 / rate } else { 0.0 };
        Self { gap_ns, spacing, random: Random::new(seed), next_ns: 0.0 }
    }
}

impl Iterator for Arrivals {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let now = Duration::from_nanos(self.next_ns as u64);
        self.next_ns += match self.spacing {
            Spacing::Steady => self.gap_ns,
            // The fraction is below 1, so the logarithm is finite.
            Spacing::Poisson => -(1.0 - self.random.fraction()).ln() * self.gap_ns,
        };
        Some(now)
    }
}
