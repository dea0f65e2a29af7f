//! Floor 70: the notifier, from an incident to a person who answers: `Options → Service → Handle`.
//!
//! ```text
//!  incidents ─► ladder ─► pages ─► person ─► order ─► courier ─► channel ─► provider
//!                 ▲                             ▲                              │
//!              commands ─► processor         answers ◄── courier, door ◄───────┘
//! ```
//!
//! Architecture invariant: judgement is `escalation`'s alone. What is here carries its decisions out, after they are
//! durable, and reports what came of them as inputs.

mod channel;
pub mod egress;

pub use channel::{Accepted, Channel, Delivery, Item, Message, Recipient, Refused};
