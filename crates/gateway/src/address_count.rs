//! Open connections per address.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ahash::AHashMap;

/// Counts; clones share it. One lock, taken once when a connection opens and once when it closes.
#[derive(Clone, Default)]
pub(crate) struct AddressCount(Arc<Mutex<AHashMap<IpAddr, u32>>>);

/// One counted connection; dropping it counts it out.
pub(crate) struct Counted {
    address: IpAddr,
    counts: AddressCount,
}

impl AddressCount {
    /// Counts one more connection from there, unless there are `max` already.
    pub(crate) fn enter(&self, address: IpAddr, max: NonZeroU32) -> Option<Counted> {
        // A sender that is known by both of its forms is still one sender.
        let address = address.to_canonical();
        let mut counts = self.lock();
        let count = counts.entry(address).or_insert(0);
        if *count >= max.get() {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Counted { address, counts: self.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, AHashMap<IpAddr, u32>> {
        // Nothing panics under this lock; and a count that is off by one is better than a closed door.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}
