//! Floor 40: everything that is PagerDuty-shaped. Wire forms in, wire forms out; nothing here decides.

pub mod events_v2;
pub mod objects;
pub mod webhooks_v3;
