//! Floor 70: the gateway, the door that events come in by: `Options → Service → Handle`.
//!
//! ```text
//!  accept ─► watch ─► head ─► body ─► judge ─► append ─► answer
//!    │         │        │       │       │         │
//!    │         │        │       │       │         └─ 202 once it is durable; 503 when it cannot be
//!    │         │        │       │       └─ 400 unparseable, invalid, unknown key; 429 above the key's rate
//!    │         │        │       └─ 400 too large (kept in dead letters), 408 too slow, 503 no room
//!    │         │        └─ 404, 405
//!    │         └─ closed: silent, slow header, idle too long
//!    └─ closed: too many from one address; waits: too many at all
//! ```
//!
//! Architecture invariant: 202 means durable. The body is appended as it came, byte for byte; what the gateway knows
//! beyond it is in headers. No rule is judged here, so a slow or stopped processor never costs an event.
//!
//! Deliberately without a router: four paths are one `match`, and the answers are PagerDuty's, byte for byte.

mod address_count;
mod answer;
mod body;
mod connection;
mod door;
mod enqueue;
mod limiter;
mod mint;
mod options;
mod port_owner;
mod pulse;
mod readiness;
mod series;
mod service;

pub use options::Options;
pub use readiness::Readiness;
pub use service::{BindError, Drained, Handle, MetricsPage, Ready, Service};
