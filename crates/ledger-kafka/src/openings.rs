//! What stands between a granted shard and its first input: a restore on its way, or a refusal that a person must look at.
//! Kept for those who watch; nothing is decided by it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A restore on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restore {
    pub shard: u16,
    /// Changelog offsets: where it began, where it is, where it ends.
    pub from: u64,
    pub position: u64,
    pub until: u64,
    pub elapsed: Duration,
}

impl Restore {
    /// Changelog offsets that are left, markers counted too.
    pub fn left(&self) -> u64 {
        self.until.saturating_sub(self.position)
    }

    /// How long the rest takes at the pace so far; `None` before anything was read.
    pub fn eta(&self) -> Option<Duration> {
        let done = self.position.saturating_sub(self.from);
        (done > 0).then(|| self.elapsed.mul_f64(self.left() as f64 / done as f64))
    }
}

#[derive(Default)]
struct State {
    restores: BTreeMap<u16, (u64, u64, u64, Instant)>,
    refused: BTreeMap<u16, String>,
}

/// Shards of this process that are granted and not open. Clones share it.
#[derive(Clone, Default)]
pub struct Openings(Arc<Mutex<State>>);

impl Openings {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Restores on their way, by shard.
    pub fn restores(&self) -> Vec<Restore> {
        let of = |(shard, found): (&u16, &(u64, u64, u64, Instant))| {
            let (from, position, until, began) = *found;
            Restore { shard: *shard, from, position, until, elapsed: began.elapsed() }
        };
        self.lock().restores.iter().map(of).collect()
    }

    /// Shards that are refused, with the reason.
    pub fn refused(&self) -> Vec<(u16, String)> {
        self.lock().refused.iter().map(|(shard, reason)| (*shard, reason.clone())).collect()
    }

    /// Notes a restore until the guard is dropped.
    pub(crate) fn restore(&self, shard: u16, from: u64, until: u64) -> Restoring {
        self.lock().restores.insert(shard, (from, from, until, Instant::now()));
        Restoring { openings: self.clone(), shard }
    }

    pub(crate) fn refuse(&self, shard: u16, reason: &str) {
        self.lock().refused.insert(shard, reason.to_owned());
    }

    /// Open, or not ours any more.
    pub(crate) fn clear(&self, shard: u16) {
        self.lock().refused.remove(&shard);
    }
}

pub(crate) struct Restoring {
    openings: Openings,
    shard: u16,
}

impl Restoring {
    /// Notes how far it is, and gives it.
    pub(crate) fn at(&self, position: u64) -> Option<Restore> {
        if let Some(found) = self.openings.lock().restores.get_mut(&self.shard) {
            found.1 = position;
        }
        self.openings.restores().into_iter().find(|restore| restore.shard == self.shard)
    }
}

impl Drop for Restoring {
    fn drop(&mut self) {
        self.openings.lock().restores.remove(&self.shard);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eta_follows_the_pace_so_far() {
        let restore =
            |position| Restore { shard: 0, from: 100, position, until: 500, elapsed: Duration::from_secs(10) };
        assert_eq!(restore(200).eta(), Some(Duration::from_secs(30)));
        assert_eq!(restore(500).eta(), Some(Duration::ZERO));
        assert_eq!(restore(100).eta(), None, "nothing was read yet");
    }

    #[test]
    fn restore_is_shown_until_it_ends() {
        let openings = Openings::default();
        let restoring = openings.restore(3, 0, 10);
        assert_eq!(restoring.at(4).map(|restore| (restore.shard, restore.left())), Some((3, 6)));
        drop(restoring);
        assert!(openings.restores().is_empty());
    }
}
