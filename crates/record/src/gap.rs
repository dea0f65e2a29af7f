//! Events about policies of which nobody is, or will be, on call: Events API v2, like any other, on `campanile.events`.

use campanile_escalation::Gap;
use campanile_model::{PolicyId, RoutingKey, Timestamp};
use compact_str::CompactString;

use crate::json::Object;

/// Key is the routing key. One dedup key a policy, so that a gap that is met again is the same alert.
pub fn encode(gap: &Gap, out: &mut Vec<u8>) {
    let mut o = Object::open(out);
    o.text("routing_key", gap.routing_key.as_str());
    o.text("event_action", "trigger");
    o.text("dedup_key", &gap.dedup_key);
    o.object("payload", |o| {
        o.text("summary", &format!("Nobody is on call at any level of {}", gap.policy_name));
        o.text("source", "campanile");
        o.text("severity", "critical");
        o.text("class", "coverage");
        o.quoted("timestamp", gap.at);
        o.object("custom_details", |o| {
            o.text("escalation_policy", gap.policy.as_str());
            o.quoted("incident", gap.incident);
        });
    });
    o.close();
}

/// A time to come, or that has begun, in which nobody is on call at any level of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreseen {
    pub policy: PolicyId,
    pub policy_name: CompactString,
    pub start: Timestamp,
    /// `None`: beyond what was looked at.
    pub end: Option<Timestamp>,
    /// When it was seen.
    pub at: Timestamp,
}

/// An alert of severity warning: there is time to fill the gap.
pub fn encode_foreseen(routing_key: &RoutingKey, dedup_key: &str, gap: &Foreseen, out: &mut Vec<u8>) {
    let mut o = Object::open(out);
    o.text("routing_key", routing_key.as_str());
    o.text("event_action", "trigger");
    o.text("dedup_key", dedup_key);
    o.object("payload", |o| {
        let start = gap.start.rfc3339_seconds();
        let until = gap.end.map_or_else(|| "on".to_owned(), |end| format!("to {}", end.rfc3339_seconds()));
        o.text("summary", &format!("Nobody is on call at any level of {} from {start} {until}", gap.policy_name));
        o.text("source", "campanile");
        o.text("severity", "warning");
        o.text("class", "coverage");
        o.quoted("timestamp", gap.at);
        o.object("custom_details", |o| {
            o.text("escalation_policy", gap.policy.as_str());
            o.quoted("from", start);
            if let Some(end) = gap.end {
                o.quoted("to", end.rfc3339_seconds());
            }
        });
    });
    o.close();
}

/// The gap is filled, or over.
pub fn encode_filled(routing_key: &RoutingKey, dedup_key: &str, out: &mut Vec<u8>) {
    let mut o = Object::open(out);
    o.text("routing_key", routing_key.as_str());
    o.text("event_action", "resolve");
    o.text("dedup_key", dedup_key);
    o.close();
}
