//! Floor 80: the load harness. The noise and what must come out of it, and ways to send it and to measure.
//!
//! ```text
//!  seed ──► workload ──► prefill ──► embedded ledger ──► decode only │ processor ──► read back ─┐
//!    │         ├───────► http, append (open loop, journal) ──► a running server                ├─► equal?
//!    └─────────┴───────► model ────────────────────────────────────────────────────────────────┘
//! ```
//!
//! `workload` and `model` are the definition of every figure: docs/reference/workload.md describes both in words.

pub mod arrivals;
pub mod drain;
mod event_json;
pub mod hostile;
pub mod idle;
pub mod journal;
pub mod latency;
pub mod machine;
pub mod model;
pub mod organisation;
pub mod paging;
pub mod random;
pub mod report;
pub mod send;
pub mod workload;
