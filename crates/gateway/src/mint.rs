//! Dedup keys for triggers that came without one.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

/// Makes keys of 32 lower-case hexadecimal digits that do not repeat, in this process or another.
///
/// A keyed hash (SipHash, keys from the operating system) of a counter, twice: as good as random for telling keys
/// apart, and it asks the system once per process, not once per event. A key is no secret: it goes back to the sender.
pub(crate) struct Mint {
    high: RandomState,
    low: RandomState,
    count: AtomicU64,
}

impl Mint {
    pub(crate) fn new() -> Self {
        Self { high: RandomState::new(), low: RandomState::new(), count: AtomicU64::new(0) }
    }

    pub(crate) fn key(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        format!("{:016x}{:016x}", self.high.hash_one(count), self.low.hash_one(count))
    }
}
