//! Floor 40: the ledger, a log and a table that commit together, as three small ports.
//!
//! - [`Shard`] (handed out by [`Shards`]) is for the engine: read lanes, read rows and timers, seal a batch.
//! - [`Appender`] puts records on a topic and answers once they are durable.
//! - [`Tail`] reads a topic partition from a position, never above what is durable.
//!
//! Adapters: `ledger-rocks` (embedded), `ledger-kafka` (later), and [`memory`] here. One [`contract`] suite holds for all.
//!
//! Architecture invariant: there is no `Aborted`. A sealed batch is immutable bytes, retried until it is committed or
//! the shard is lost, so the engine never rewinds and ids cannot change.

pub mod batch;
pub mod commit;
pub mod contract;
pub mod error;
pub mod machine;
pub mod memory;
pub mod port;
pub mod record;
pub mod topic;

pub use batch::{Batch, Publish, RowKey, Rows, TimerKey};
pub use commit::{Card, CommitRecord, Lane, Opening};
pub use error::{AppendError, OpenError, Stop, TailError};
pub use machine::MachineId;
pub use port::{Appended, Appender, Claim, Done, Ends, Intake, Settled, Shard, Shards, Tail};
pub use record::{Header, Headers, Record, Stored};
pub use topic::Topic;
