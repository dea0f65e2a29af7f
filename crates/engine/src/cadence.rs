//! When to commit.

use std::time::Duration;

/// Bounds of a batch. Source of the figures: LEDGER.md 6, measured on a broker; the embedded ledger keeps them.
#[derive(Clone, Copy, Debug)]
pub struct Cadence {
    /// Least time between commits when nothing more is there to read; keeps a quiet stream from a commit per event.
    pub gap: Duration,
    /// A batch is sealed at this age, when the committer is free.
    pub age: Duration,
    pub changes: usize,
    pub bytes: usize,
    /// The same under a backlog. Beyond the hard bounds nothing more is taken until the batch is sealed.
    pub age_hard: Duration,
    pub changes_hard: usize,
    pub bytes_hard: usize,
}

impl Cadence {
    /// The usual bounds for a process that holds so many shards.
    pub fn for_shards(shards: usize) -> Self {
        let gap_ms = (5 * shards as u64).clamp(10, 100);
        Self {
            gap: Duration::from_millis(gap_ms),
            age: Duration::from_millis(100),
            age_hard: Duration::from_millis(250),
            changes: 20_000,
            bytes: 8 << 20,
            changes_hard: 50_000,
            bytes_hard: 16 << 20,
        }
    }

    /// Whether a batch of this size and age, so long after the last seal, should be sealed now.
    pub fn due(&self, batch: Batch) -> bool {
        if batch.empty {
            return false;
        }
        if !batch.committer_free {
            return false;
        }
        if batch.backlog {
            // Whoever waits behind a backlog waits for the backlog, not for this commit; a row that changes twice in a
            // batch is written once, so large batches are what shortens it.
            return batch.age >= self.age_hard || self.full(batch.changes, batch.bytes);
        }
        let quiet = batch.nothing_to_read && batch.since_seal >= self.gap;
        quiet || batch.age >= self.age || batch.changes >= self.changes || batch.bytes >= self.bytes
    }

    /// Whether the batch may take more.
    pub fn full(&self, changes: usize, bytes: usize) -> bool {
        changes >= self.changes_hard || bytes >= self.bytes_hard
    }
}

/// What the decision looks at.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    pub empty: bool,
    pub changes: usize,
    pub bytes: usize,
    /// Since the first input of this batch.
    pub age: Duration,
    pub since_seal: Duration,
    pub nothing_to_read: bool,
    /// More is read already than one slice takes.
    pub backlog: bool,
    pub committer_free: bool,
}
