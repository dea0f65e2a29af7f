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

mod audit;
mod channel;
pub mod channels;
mod courier;
mod deeds;
pub mod door;
pub mod egress;
mod figures;
mod incidents;
mod lookout;
mod machine;
mod message;
mod options;
mod outbox;
mod roll_call;
mod service;
mod telemetry;
mod webhook;

pub use campanile_engine::{Drained, ShardStatus};
pub use channel::{Accepted, Channel, Delivery, Item, Message, Recipient, Refused};
pub use channels::Channels;
pub use message::Directory;
pub use options::Options;
pub use service::{Handle, Ports, Service};
pub use webhook::{Pinged, WebhookOptions, WebhookPorts, WebhookStatus, Webhooks, request_enabling};
