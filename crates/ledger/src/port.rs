//! The three ports.

use std::collections::VecDeque;
use std::time::Duration;

use campanile_model::{ShardId, Timestamp};

use crate::batch::{Batch, RowKey, TimerKey};
use crate::commit::Opening;
use crate::error::{AppendError, Stop, TailError};
use crate::record::{Record, Stored};
use crate::topic::Topic;

pub enum Claim<S> {
    Granted(S),
    Revoked(ShardId),
    Lost(ShardId),
}

/// Hands out shards to this process.
pub trait Shards: Send {
    type Shard: Shard + 'static;

    /// What changed in ownership; waits at most `wait` for something to.
    fn claims(&mut self, wait: Duration) -> Vec<Claim<Self::Shard>>;
}

/// What was read and not yet consumed, per lane, in lane order. Owned by the engine and refilled by [`Shard::read`].
#[derive(Debug, Default)]
pub struct Intake {
    pub main: VecDeque<Stored>,
    /// A hop's order is decided by its source's `at`, which its envelope carries.
    pub hop: VecDeque<Stored>,
    pub door: VecDeque<Stored>,
    /// The lane had nothing more to read when it was last looked at.
    pub main_at_end: bool,
    pub hop_at_end: bool,
    /// Given only when main and hop were both read to their ends: no record appended later will be older than this.
    pub horizon: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Every batch up to this one is durable and visible.
    Committed(u64),
    /// The newest sealed batch is still on its way.
    Pending,
    Lost,
    /// Cannot commit now, for the reason given; tried again by itself, nothing is skipped.
    Halted(String),
}

/// One claimed shard, driven by one thread.
pub trait Shard: Send {
    fn id(&self) -> ShardId;

    fn opening(&self) -> &Opening;

    /// Tops `intake` up to about `max` records a lane, from where the last read ended. Waits at most `wait`, and only
    /// when nothing at all is there. Clears and sets the flags and the horizon.
    fn read(&mut self, max: usize, wait: Duration, intake: &mut Intake) -> Result<(), Stop>;

    /// Values of rows, in the order of `keys`, sealed batches included.
    fn rows(&mut self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, Stop>;

    /// Rows whose key begins with `prefix` and lies after `after`, by key, at most `limit`.
    fn scan(&mut self, prefix: &[u8], after: Option<RowKey>, limit: usize) -> Result<Vec<(RowKey, Vec<u8>)>, Stop>;

    /// Timers due at or before `until`, by (due, key), at most `max`, sealed batches included.
    fn timers(&mut self, until: Timestamp, max: usize) -> Result<Vec<(Timestamp, TimerKey)>, Stop>;

    /// Due time of the earliest timer, if there is one; may be earlier than the truth, never later.
    fn next_due(&mut self) -> Result<Option<Timestamp>, Stop>;

    /// Takes the batch for good and gives its number. Blocks while an earlier one is in the way.
    fn seal(&mut self, batch: Batch) -> Result<u64, Stop>;

    /// How far sealed batches have settled; waits at most `wait` for the newest.
    fn settled(&mut self, wait: Duration) -> Result<Settled, Stop>;

    /// Back to the last commit, after a panic of the machine: forgets reads, keeps sealed batches.
    fn reopen(&mut self) -> Result<Opening, Stop>;

    /// Waits until anything may have become readable for any shard of this process, at most `wait`.
    fn idle(&self, wait: Duration);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the first record; the others follow without a gap.
    pub first: u64,
    pub at: Timestamp,
}

/// Called once, from a thread of the ledger: do not block in it.
pub type Done = Box<dyn FnOnce(Result<Appended, AppendError>) + Send>;

pub trait Appender: Send + Sync {
    fn partitions(&self, topic: Topic) -> u16;

    /// Appends the records to one partition, all or none, and calls `done` once they are durable.
    fn append(&self, topic: Topic, partition: u16, records: Vec<Record>, done: Done);

    /// [`Appender::append`], waiting for the answer.
    fn append_wait(&self, topic: Topic, partition: u16, records: Vec<Record>) -> Result<Appended, AppendError> {
        let (tx, rx) = std::sync::mpsc::sync_channel(1);
        self.append(topic, partition, records, Box::new(move |answer| drop(tx.send(answer))));
        rx.recv().unwrap_or_else(|_| Err(AppendError::InDoubt("the ledger closed before it answered".to_owned())))
    }
}

/// First offset still held, and the one after the last durable record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    pub start: u64,
    pub end: u64,
}

pub trait Tail: Send + Sync {
    fn ends(&self, topic: Topic, partition: u16) -> Ends;

    /// Durable records from `from` on, at most about `max`; empty at the end.
    fn read(&self, topic: Topic, partition: u16, from: u64, max: usize) -> Result<Vec<Stored>, TailError>;

    /// Waits at most `wait` until the partition ends beyond `from`; says whether it does.
    fn wait(&self, topic: Topic, partition: u16, from: u64, wait: Duration) -> bool;
}
