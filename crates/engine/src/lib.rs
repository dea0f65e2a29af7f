//! Floor 60: the engine. It runs a machine on a ledger: read → decode → prefetch → apply → commit, timers, drain,
//! telemetry. Written once, for every machine and every ledger.
//!
//! Architecture invariant: decisions are the machine's alone. The engine decides *when* (order of lanes, when timers
//! fire, when to commit), never *what*.

mod cadence;
#[cfg(feature = "faults")]
pub mod faults;
#[cfg(not(feature = "faults"))]
mod faults;
mod lanes;
mod machine;
mod output;
mod quarantine;
mod service;
mod shard;
mod slice;
mod telemetry;
mod timers;

pub use cadence::Cadence;
pub use machine::{Damage, Machine, Taken};
pub use output::Output;
pub use service::{Drained, Handle, ServiceOptions, ShardStatus, start};
pub use shard::{Progress, Runner, RunnerOptions, Standing};
