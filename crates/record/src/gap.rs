//! The event about a policy of which nobody is on call: Events API v2, like any other, on `campanile.events`.

use campanile_escalation::Gap;

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
