//! Floor 40: what rows look like on disk. Key layouts in [`keys`], one file per row kind, version byte first.
//!
//! Architecture invariant: kinds are never reused and encodings never change under their version byte; the bytes of
//! each version are kept as fixtures in `tests/`.

pub mod alert;
pub mod answer;
pub mod details;
pub mod errand;
pub mod group;
pub mod incident;
pub mod keys;
pub mod ladder;
pub mod members;
pub mod notifier_keys;
pub mod order;
pub mod person;
pub mod ring;
mod wire;

pub use wire::RowError;
