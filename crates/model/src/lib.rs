//! Floor 0: the nouns of the domain.
//!
//! Everything here is a plain value. Nothing reads a clock, does I/O, logs or serializes: borders give these
//! nouns their bytes (`pagerduty`, `record`, `rows`), machines give them their meaning (`triage`).

pub mod alert;
pub mod command;
pub mod id;
pub mod incident;
pub mod murmur2;
pub mod outcome;
pub mod paging;
pub mod source;
pub mod text;
pub mod time;

pub use alert::{AlertStatus, Hidden, Severity};
pub use command::{Actor, Command, Heir, Step, Verb};
pub use id::*;
pub use incident::{Change, IncidentStatus, Urgency};
pub use outcome::Outcome;
pub use paging::Paging;
pub use source::Source;
pub use time::{Span, Timestamp};
