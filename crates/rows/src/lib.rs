//! Floor 40: what rows look like on disk. Key layouts in [`keys`], one file per row kind, version byte first.
//!
//! Architecture invariant: kinds are never reused and encodings never change under their version byte; the bytes of
//! each version are kept as fixtures in `tests/`.

pub mod alert;
pub mod answer;
pub mod details;
pub mod group;
pub mod incident;
pub mod keys;
pub mod members;
mod wire;

pub use wire::RowError;
