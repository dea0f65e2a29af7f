//! How long things took: a histogram with a fixed relative error and no allocation per value.
//!
//! Latency here is always counted from the instant at which an event *should* have been sent. Counted from the real
//! sending, a stalled server would hide all the time that events had to wait for their turn ("coordinated omission").

use std::time::Duration;

/// Steps within each power of two: values are kept to 1 part in 128.
const STEPS: u64 = 128;
const STEPS_BITS: u32 = 7;
/// Powers of two of nanoseconds above the linear part; the largest value is about 2⁴³ ns, two hours and a half.
const POWERS: u64 = 36;

#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    count: u64,
    sum_ns: u128,
    max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; (STEPS * (POWERS + 1)) as usize], count: 0, sum_ns: 0, max: Duration::ZERO }
    }
}

impl Histogram {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn record(&mut self, took: Duration) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let last = self.counts.len() - 1;
        self.counts[slot(ns).min(last)] += 1;
        self.count += 1;
        self.sum_ns += u128::from(ns);
        self.max = self.max.max(took);
    }

    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.count += other.count;
        self.sum_ns += other.sum_ns;
        self.max = self.max.max(other.max);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn mean(&self) -> Duration {
        let ns = self.sum_ns.checked_div(u128::from(self.count)).unwrap_or_default();
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }

    pub fn max(&self) -> Duration {
        self.max
    }

    /// The value that a share of all values does not exceed, at most 1/128 too high; zero when nothing was recorded.
    /// `share` is from 0 to 1.
    pub fn quantile(&self, share: f64) -> Duration {
        let rank = ((self.count as f64 * share).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        for (slot, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_nanos(slot_end(slot as u64)).min(self.max);
            }
        }
        self.max
    }
}

fn slot(ns: u64) -> usize {
    if ns < STEPS {
        return ns as usize;
    }
    let power = 63 - ns.leading_zeros() - STEPS_BITS;
    let step = (ns >> power) - STEPS;
    (STEPS * (u64::from(power) + 1) + step) as usize
}

/// The largest value that falls into the slot.
fn slot_end(slot: u64) -> u64 {
    if slot < STEPS {
        return slot;
    }
    let (power, step) = (slot / STEPS - 1, slot % STEPS);
    ((STEPS + step + 1) << power) - 1
}
