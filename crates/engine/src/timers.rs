//! Timers as the batch sees them: those of sealed batches, under the changes that this batch has made.

use std::collections::{BTreeMap, BTreeSet};

use campanile_ledger::{Shard, Stop, TimerKey};
use campanile_model::Timestamp;

/// Timers asked of the ledger at a time.
const TIMERS_ASKED: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct Timers {
    /// Changes of the batch; `None` took the timer away.
    changed: BTreeMap<TimerKey, Option<Timestamp>>,
    armed: BTreeSet<(Timestamp, TimerKey)>,
    /// A lower bound of the due times that sealed batches left, when it is known.
    sealed_next: Option<Option<Timestamp>>,
    /// Sealed timers that are due and were fetched, earliest last.
    fetched: Vec<(Timestamp, TimerKey)>,
}

impl Timers {
    pub(crate) fn change(&mut self, key: TimerKey, due: Option<Timestamp>) {
        if let Some(Some(before)) = self.changed.insert(key, due) {
            self.armed.remove(&(before, key));
        }
        if let Some(due) = due {
            self.armed.insert((due, key));
        }
    }

    /// The changes, for the batch that is being sealed. What was armed is the ledger's from now on.
    pub(crate) fn seal(&mut self) -> Vec<(TimerKey, Option<Timestamp>)> {
        self.forget();
        std::mem::take(&mut self.changed).into_iter().collect()
    }

    fn forget(&mut self) {
        self.armed.clear();
        self.fetched.clear();
        self.sealed_next = None;
    }

    pub(crate) fn changes(&self) -> usize {
        self.changed.len()
    }

    /// The earliest timer due at or before `until`, by (due, key). It stays armed until the machine changes it.
    pub(crate) fn due(
        &mut self,
        shard: &mut impl Shard,
        until: Timestamp,
    ) -> Result<Option<(Timestamp, TimerKey)>, Stop> {
        let armed = self.armed.first().copied().filter(|(due, _)| *due <= until);
        let sealed = self.sealed_due(shard, until)?;
        Ok(match (armed, sealed) {
            (Some(armed), Some(sealed)) => Some(armed.min(sealed)),
            (armed, sealed) => armed.or(sealed),
        })
    }

    fn sealed_due(&mut self, shard: &mut impl Shard, until: Timestamp) -> Result<Option<(Timestamp, TimerKey)>, Stop> {
        loop {
            while let Some(last) = self.fetched.last().copied() {
                if !self.changed.contains_key(&last.1) {
                    return Ok(Some(last).filter(|(due, _)| *due <= until));
                }
                self.fetched.pop();
            }
            let next = match self.sealed_next {
                Some(next) => next,
                None => *self.sealed_next.insert(shard.next_due()?),
            };
            if next.is_none_or(|next| next > until) {
                return Ok(None);
            }
            // What this batch has changed may hide everything of a short answer, so ask past it.
            let asked = TIMERS_ASKED + self.changed.len();
            let mut due = shard.timers(until, asked)?;
            due.retain(|(_, key)| !self.changed.contains_key(key));
            if due.is_empty() {
                // Nothing more up to here: the bound rises above it until the next seal.
                self.sealed_next = Some(Some(Timestamp(until.0.saturating_add(1))));
                return Ok(None);
            }
            due.reverse();
            self.fetched = due;
        }
    }
}
