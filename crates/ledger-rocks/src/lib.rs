//! Floor 50: the embedded ledger. Topics, rows, timers and commits in one RocksDB per data directory.
//!
//! ```text
//! appender ──queue──▶ syncer ──one WriteBatch, one group per partition──▶ RocksDB
//! shard ──seal: one WriteBatch──────────────────────────────────────────▶    │
//!                     syncer ◀── flush_wal(true) while anyone waits ─────────┘
//!                        └──▶ readable ends move, appends are answered, batches settle
//! ```
//!
//! Architecture invariant: what an appender, a tail, a table or a sibling shard sees is durable. Only a shard sees its
//! own sealed batches earlier.

mod commit;
mod core;
mod disk;
mod durability;
mod faults;
mod format;
mod health;
mod log;
mod open;
mod packed;
mod retention;
mod shard;
mod table;
mod tuning;
mod upgrade;
mod watch;

pub use health::{Health, SyncFigures};
pub use open::{Ledger, Options, ReadOnly};
pub use retention::{Keep, Retention};
pub use shard::{RocksShard, RocksShards};
pub use table::{Table, TableError};
pub use watch::FreeSpace;
