//! Inputs that made the machine panic. Judged again once, alone in their batch's history; a second panic sends them to
//! dead letters, so that one bad input never stops a shard.

use ahash::AHashMap;
use campanile_ledger::Lane;

/// Panics of one input that are forgiven.
const PANICS_FORGIVEN: u32 = 1;

#[derive(Debug, Default)]
pub(crate) struct Quarantine {
    panics: AHashMap<(Lane, u64), u32>,
}

impl Quarantine {
    pub(crate) fn panicked(&mut self, lane: Lane, offset: u64) {
        *self.panics.entry((lane, offset)).or_insert(0) += 1;
    }

    pub(crate) fn is_dead(&self, lane: Lane, offset: u64) -> bool {
        !self.panics.is_empty() && self.panics.get(&(lane, offset)).is_some_and(|count| *count > PANICS_FORGIVEN)
    }

    /// A commit moved past these offsets: what lay below is settled.
    pub(crate) fn committed(&mut self, next: [u64; 3]) {
        if !self.panics.is_empty() {
            self.panics.retain(|(lane, offset), _| *offset >= next[*lane as usize]);
        }
    }
}
