//! Floor 50: the ledger on Apache Kafka, over librdkafka, with a RocksDB per shard that is written behind.
//!
//! One commit is one Kafka transaction: published records, changed rows and timers in the changelog, and the main lane's
//! offset with the commit record as its metadata. `transaction.rs` holds the commit protocol, `claims.rs` ownership,
//! `restore.rs` what happens before a shard may go on, `write_behind.rs` the table.
//!
//! Architecture invariants: a sealed batch is immutable bytes, retried until it is committed or the shard is lost. The
//! group alone decides who owns a shard. Claims, committer and restore know Kafka only through [`wire::Wire`]; time,
//! threads and chance only through [`host::Host`]; the disk only through [`disk::Disk`]. So the simulator runs this code as it is.

mod appender;
pub mod bare;
mod claims;
mod commit_record;
pub mod disk;
mod disk_rocks;
mod executor;
#[cfg(feature = "faults")]
pub mod faults;
#[cfg(not(feature = "faults"))]
mod faults;
pub mod host;
pub mod inspect;
mod ledger;
mod native;
pub mod offsets;
pub mod openings;
mod options;
mod orphans;
mod post;
mod producer_rdkafka;
mod pulse;
mod reader;
mod restore;
mod shard;
mod table;
mod tail;
pub mod topics;
mod transaction;
pub mod wire;
mod wire_rdkafka;
mod write_behind;

pub use claims::KafkaShards;
pub use ledger::{Ledger, Ports};
pub use options::{Gate, Options};
pub use pulse::Pulse;
pub use shard::KafkaShard;
pub use table::Table;
