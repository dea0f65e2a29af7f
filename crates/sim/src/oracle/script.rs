//! The reference: the same engine and the same machine on a table in memory, one shard, no faults. It is given the inputs
//! that a commit says it consumed, in that order, and must come to the same rows, timers and records, byte for byte.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use campanile_ledger::{
    Batch, Card, CommitRecord, Intake, Lane, Opening, RowKey, Settled, Shard, Stop, Stored, TimerKey,
};
use campanile_model::{ShardId, Timestamp};

use crate::schedule::lock;

/// What the reference is fed with.
pub(crate) enum Feed {
    Input(Lane, Stored),
    /// Timers up to here fall due with nothing to read.
    Horizon(Timestamp),
}

#[derive(Default)]
pub(crate) struct Table {
    pub(crate) rows: BTreeMap<RowKey, Vec<u8>>,
    pub(crate) timers: BTreeMap<TimerKey, Timestamp>,
    due: BTreeSet<(Timestamp, TimerKey)>,
    feed: VecDeque<Feed>,
    pub(crate) sealed: Option<Batch>,
    seq: u64,
}

impl Table {
    fn arm(&mut self, key: TimerKey, due: Option<Timestamp>) {
        let before = match due {
            Some(due) => self.timers.insert(key, due),
            None => self.timers.remove(&key),
        };
        if let Some(before) = before {
            self.due.remove(&(before, key));
        }
        if let Some(due) = due {
            self.due.insert((due, key));
        }
    }

    pub(crate) fn timers_due_by(&self, until: Timestamp) -> usize {
        self.due.iter().take_while(|(due, _)| *due <= until).count()
    }
}

/// The table as the engine's port, and as the oracle's hand on it.
pub(crate) struct ScriptShard {
    id: ShardId,
    opening: Opening,
    table: Arc<Mutex<Table>>,
}

impl ScriptShard {
    /// Opens the table at a commit, as a claim does.
    pub(crate) fn open(card: Card, id: ShardId, commit: CommitRecord, table: &Arc<Mutex<Table>>) -> Self {
        lock(table).seq = commit.seq;
        Self { id, opening: Opening { card, commit }, table: Arc::clone(table) }
    }
}

pub(crate) fn feed(table: &Mutex<Table>, feed: Feed) {
    lock(table).feed.push_back(feed);
}

impl Shard for ScriptShard {
    fn id(&self) -> ShardId {
        self.id
    }

    fn opening(&self) -> &Opening {
        &self.opening
    }

    fn read(&mut self, _max: usize, _wait: Duration, intake: &mut Intake) -> Result<(), Stop> {
        (intake.main_at_end, intake.hop_at_end, intake.horizon) = (true, true, None);
        match lock(&self.table).feed.pop_front() {
            Some(Feed::Input(Lane::Main, stored)) => intake.main.push_back(stored),
            Some(Feed::Input(Lane::Hop, stored)) => intake.hop.push_back(stored),
            Some(Feed::Input(Lane::Door, stored)) => intake.door.push_back(stored),
            Some(Feed::Horizon(until)) => intake.horizon = Some(until),
            None => {}
        }
        Ok(())
    }

    fn rows(&mut self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, Stop> {
        let table = lock(&self.table);
        Ok(keys.iter().map(|key| table.rows.get(key).cloned()).collect())
    }

    fn scan(&mut self, prefix: &[u8], after: Option<RowKey>, limit: usize) -> Result<Vec<(RowKey, Vec<u8>)>, Stop> {
        let table = lock(&self.table);
        let is_in = |key: &RowKey| key.0.starts_with(prefix) && after.is_none_or(|after| *key > after);
        let found = table.rows.iter().filter(|(key, _)| is_in(key)).take(limit);
        Ok(found.map(|(key, value)| (*key, value.clone())).collect())
    }

    fn timers(&mut self, until: Timestamp, max: usize) -> Result<Vec<(Timestamp, TimerKey)>, Stop> {
        Ok(lock(&self.table).due.iter().take_while(|(due, _)| *due <= until).take(max).copied().collect())
    }

    fn next_due(&mut self) -> Result<Option<Timestamp>, Stop> {
        Ok(lock(&self.table).due.first().map(|(due, _)| *due))
    }

    fn seal(&mut self, batch: Batch) -> Result<u64, Stop> {
        let mut table = lock(&self.table);
        for (key, value) in batch.rows.iter() {
            match value {
                Some(value) => drop(table.rows.insert(key, value.to_vec())),
                None => drop(table.rows.remove(&key)),
            }
        }
        for (key, due) in &batch.timers {
            table.arm(*key, *due);
        }
        table.seq += 1;
        table.sealed = Some(batch);
        Ok(table.seq)
    }

    fn settled(&mut self, _wait: Duration) -> Result<Settled, Stop> {
        Ok(Settled::Committed(lock(&self.table).seq))
    }

    fn reopen(&mut self) -> Result<Opening, Stop> {
        Err(Stop::Damaged("the reference panicked where the shard did not".to_owned()))
    }

    fn idle(&self, _wait: Duration) {}
}
