//! What the engine asks of a machine.

use campanile_ledger::{Lane, Opening, RowKey, Rows, Shard, Stop, Stored, TimerKey};
use campanile_model::outcome::DeadReason;
use campanile_model::{Epoch, Source, Timestamp};

use crate::output::Output;

/// An input that was taken from a lane.
#[derive(Debug)]
pub struct Taken {
    pub lane: Lane,
    pub stored: Stored,
    /// Its first append: itself, or what its hop envelope says.
    pub source: Source,
}

/// A row that cannot be read. The shard stops: a person must look.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Damage(pub String);

pub trait Machine: Send {
    /// An input after decoding; borrows the taken record and its scratch copy.
    type Job<'a>;

    /// Forgets everything and stands where the commit record says.
    fn open(&mut self, opening: &Opening);

    /// The epoch it judges by, and the newest one there is.
    fn epochs(&self) -> (Epoch, Epoch);

    /// Takes the newest directory. Called only between batches.
    fn switch(&mut self);

    /// Serials used so far, for the commit record.
    fn serial(&self) -> u64;

    /// Makes a job of the bytes. `scratch` is a copy of the value that may be written over. Never fails: bytes that
    /// make no sense become a job that ends in dead letters.
    fn decode<'a>(&mut self, taken: &'a Taken, scratch: &'a mut [u8]) -> Self::Job<'a>;

    /// A job that sends the input to dead letters without looking into it.
    fn dead<'a>(&mut self, taken: &'a Taken, reason: DeadReason) -> Self::Job<'a>;

    /// A job for a timer that fell due.
    fn timer(&mut self, key: TimerKey) -> Self::Job<'static>;

    /// The sender's own time, for benches that run on event time.
    fn event_time(&self, job: &Self::Job<'_>) -> Option<Timestamp>;

    /// Appends the keys of rows that the job needs next and that are not in memory.
    fn footprint(&mut self, job: &Self::Job<'_>, now: Timestamp, wants: &mut Vec<RowKey>);

    fn load(&mut self, key: RowKey, value: Option<&[u8]>) -> Result<(), Damage>;

    /// Judges the job; publishes, moves timers and counts its one outcome through `output`.
    fn apply(&mut self, job: &Self::Job<'_>, now: Timestamp, output: &mut Output);

    /// Rows and records that a commit at this moment would carry beyond what `output` holds.
    fn pending(&self) -> usize;

    /// Writes what changed since the last call: rows into `rows`, records that wait for the end of a batch into `output`.
    fn drain(&mut self, rows: &mut Rows, output: &mut Output);

    /// The word for a timer's kind in steps and metrics.
    fn timer_name(&self, key: TimerKey) -> &'static str;

    /// Told before each judgement: where the pass ends, never earlier than the `now` of its jobs. For timers it is the
    /// horizon or the next input: hours later than `now` when they were missed. A machine whose deeds must be right when
    /// they are done, and not when they fell due, judges by it; it is not the same when a batch is judged again.
    fn present(&mut self, _until: Timestamp) {}

    /// Rows in memory by kind, for metrics.
    fn remembered(&self) -> Vec<(&'static str, usize)>;

    /// What was drained last is sealed under this number. A machine whose decisions are carried out elsewhere keeps them
    /// until [`Machine::committed`].
    fn sealed(&mut self, _seq: u64) {}

    /// Every batch up to this number is durable.
    fn committed(&mut self, _seq: u64) {}

    /// Between batches, and first of all when the shard is opened: a look at rows and timers as they are stored.
    ///
    /// Errors: the shard was lost, or its rows cannot be right.
    fn look(&mut self, _stored: &mut dyn Shard) -> Result<(), Stop> {
        Ok(())
    }
}
