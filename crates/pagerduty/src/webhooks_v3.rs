//! Webhooks v3: the events that subscribers are sent, and the signature that proves who sent them.

pub mod payload;
pub mod signature;

/// Source: PagerDuty, as its deliveries show.
pub const USER_AGENT: &str = "PagerDuty-Webhook/V3.0";

/// Longest body that PagerDuty is sure to deliver, in bytes. Source: PagerDuty, Webhooks v3, "Behavior".
pub const BODY_BYTES_MAX: usize = 56_320;
