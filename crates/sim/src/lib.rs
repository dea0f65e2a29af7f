//! Floor 90: a deterministic simulation of engine, triage and the Kafka ledger.
//!
//! The code under test is the real one; a model broker, a model disk and a hand-turned clock take the place of cluster,
//! RocksDB and time, and one thread runs every task that would be a thread. Which task goes on at each call of the network
//! and each wait, what fails and when, one seed decides. So a seed tells the same story again.
//!
//! ```text
//!  seed ──► story ──► world ──► step ──► laws ──► step ──► laws ──► … ──► rest ──► laws
//!                                │ breach
//!                                └──► fewer acts, told again, until none can go
//! ```

mod broker;
mod disk;
mod faults;
mod oracle;
mod organisation;
mod panics;
mod process;
mod producer;
mod reader;
mod run;
mod schedule;
mod shrink;
mod story;
mod tables;
mod wire;
mod workload;
mod world;

pub use faults::{Mutation, choose};
pub use panics::quiet;
pub use run::{Report, Weather, replay, search};
