//! The wire: the narrow set of Kafka calls that claims, committer and restore stand on.
//!
//! Apart, so that a model broker can take the place of the real one under the same code. Everything that a call can end in
//! is a value here; librdkafka's error classes are sorted in one place, `wire_rdkafka`.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use campanile_ledger::{Ends, Lane, Record, Stored, Topic};
use campanile_model::Timestamp;

use crate::pulse::Pulse;

/// How a call failed, by what the caller does next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Passes by itself: abort what is open and try again.
    #[error("{0}")]
    Again(String),
    /// The producer is of no use any more, or the outcome is unknown: drop it, make another, look what became of it.
    #[error("{0}")]
    Dead(String),
    /// It will be refused again until somebody changes something: halt, tell, try again later.
    #[error("{0}")]
    Refused(String),
}

/// Group metadata as of one poll, valid for the shards owned then.
#[derive(Clone)]
pub struct Session {
    /// Never negative: the broker does not fence generation -1.
    pub generation: i32,
    pub native: Arc<dyn Any + Send + Sync>,
}

/// What the group says of us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    Member,
    /// Rebalancing, or the coordinator is away: ask again.
    Unclear(String),
    /// Unknown or fenced: the shards are somebody else's.
    Gone(String),
}

/// What ownership hears, from inside [`Wire::poll`].
pub trait Owner: Send + Sync {
    fn granted(&self, shard: u16);
    /// The generation changed while nothing that we own went to another yet.
    fn renewed(&self, session: Session);
    /// The shards go to others after this returns: stop, finish or leave what is on its way.
    fn revoking(&self, shards: &[u16]);
    /// The shard is gone already: commit nothing.
    fn lost(&self, shard: u16);
    /// Another process has our name.
    fn fenced(&self, reason: String);
}

/// A committed offset of the main lane with the commit record that it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    pub offset: u64,
    pub metadata: String,
}

/// One record of a changelog.
pub struct Change<'a> {
    pub offset: u64,
    pub at: Timestamp,
    pub key: &'a [u8],
    /// `None` deletes.
    pub value: Option<&'a [u8]>,
}

/// Where a transaction's record goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Topic(Topic, u16),
    /// The changelog, in the shard's own partition.
    Changelog,
}

/// What is known of a commit record once it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    pub offset: u64,
    pub at: Timestamp,
}

/// A way onto a cluster.
pub trait Cluster: Send + Sync {
    /// Joins the group; `owner` is told of shards from inside [`Wire::poll`].
    fn join(&self, owner: Arc<dyn Owner>) -> Result<Arc<dyn Wire>, Fault>;

    /// A reader of one lane. It beats the pulse when something has come, and shows it every append time.
    fn reader(&self, lane: Lane, pulse: Arc<Pulse>) -> Result<Box<dyn Reader>, Fault>;
}

/// Reads one lane of every shard that is assigned.
pub trait Reader: Send + Sync {
    /// Reads the shard's partition from an explicit offset; what was read before is forgotten.
    fn assign(&self, shard: u16, offset: u64);

    fn release(&self, shard: u16);

    /// Moves up to `max` records into `into`. Gives the offset of the end if all was read.
    ///
    /// Errors: the partition cannot be read where it stood.
    fn take(&self, shard: u16, max: usize, into: &mut VecDeque<Stored>) -> Result<Option<u64>, String>;
}

pub trait Wire: Send + Sync {
    /// Serves the group for about `wait`; the owner is told from inside.
    fn poll(&self, wait: Duration);

    /// Metadata of this moment, if we are a member in good standing.
    fn session(&self) -> Option<Session>;

    /// Asks the group whether we are one of it, by committing the door's offset as the member.
    fn probe(&self, shard: u16, door: u64) -> Probe;

    /// A new producer of the shard, initialised: the last owner's transaction has ended and its epoch is fenced.
    fn producer(&self, shard: u16) -> Result<Box<dyn Producer>, Fault>;

    /// Committed offset of the main lane, once no transaction holds it pending.
    fn committed(&self, shard: u16) -> Result<Option<Witness>, Fault>;

    /// Read-committed ends of the changelog.
    fn changelog_ends(&self, shard: u16) -> Result<Ends, Fault>;

    /// Read-committed ends of a lane.
    fn lane_ends(&self, lane: Lane, shard: u16) -> Result<Ends, Fault>;

    /// Reads the changelog from `from` up to `until`.
    fn changelog(&self, shard: u16, from: u64, until: u64, take: &mut dyn FnMut(Change<'_>)) -> Result<(), Fault>;
}

pub trait Producer: Send {
    fn begin(&mut self) -> Result<(), Fault>;

    /// Queues one record of the open transaction; waits while the queue is full. `marks` asks for its delivery report.
    fn produce(&mut self, place: Place, record: Outgoing<'_>, marks: bool) -> Result<(), Fault>;

    /// Waits until nothing is in flight, and gives the delivery of the marked record. Before every commit: the client
    /// would otherwise wait a slice of 100 ms.
    fn drain(&mut self) -> Result<Delivered, Fault>;

    fn send_offsets(&mut self, main: u64, metadata: &str, session: &Session) -> Result<(), Fault>;

    /// Anything but `Ok` leaves the outcome unknown.
    fn commit(&mut self) -> Result<(), Fault>;

    fn abort(&mut self) -> Result<(), Fault>;

    /// Whether an abort would ask for a new epoch, as after records that were not delivered. The broker then ends whatever
    /// transaction is open under the id, without looking at the epoch that it is asked with: a zombie would fence the owner.
    fn abort_may_fence(&self) -> bool;

    /// Whether a connection broke since the last begin: a late EndTxn could then end a later transaction.
    fn is_disturbed(&self) -> bool;
}

/// A record as it is sent.
pub enum Outgoing<'a> {
    Record(&'a Record),
    Row { key: &'a [u8], value: Option<&'a [u8]> },
}
