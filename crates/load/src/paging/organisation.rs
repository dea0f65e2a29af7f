//! Services with a policy and a person each, so that no person's caps are what is measured.

use campanile_directory::Kind;
use campanile_model::Span;
use serde_json::json;

/// Between the first and the second level: the shortest that a policy may have.
pub(super) const DELAY: Span = Span::minutes(1);

pub(super) fn routing_key(service: u64) -> String {
    format!("{:032x}", 0x1000_0000_0000_0000_0000_0000_0000_0000_u128 + u128::from(service))
}

pub(super) fn objects(services: u64) -> Vec<(Kind, String, Vec<u8>)> {
    let mut objects = Vec::new();
    for nth in 0..services {
        let other = (nth + 1) % services;
        let rule = |user: u64, minutes: u32| {
            json!({ "escalation_delay_in_minutes": minutes,
                "targets": [{ "id": format!("PLOAD{user:04}"), "type": "user_reference" }] })
        };
        let contact = json!({ "id": "TERM", "type": "terminal_contact_method" });
        let user = json!({ "user": { "name": format!("Person {nth}"), "email": format!("person{nth}@example.com"),
            "contact_methods": [{ "id": "TERM", "type": "terminal_contact_method", "label": "", "address": "here" }],
            "notification_rules": [{ "type": "assignment_notification_rule", "start_delay_in_minutes": 0,
                "urgency": "high", "contact_method": contact }] } });
        let minutes = u32::try_from(DELAY.whole_seconds() / 60).unwrap_or(1);
        let policy = json!({ "escalation_policy": { "name": format!("policy {nth}"), "num_loops": 0,
            "escalation_rules": [rule(nth, minutes), rule(other, 600)] } });
        let service = json!({ "service": { "name": format!("service {nth}"),
            "escalation_policy": { "id": format!("PLOADP{nth:04}"), "type": "escalation_policy_reference" },
            "auto_resolve_timeout": null, "acknowledgement_timeout": null,
            "integrations": [{ "id": format!("PLOADI{nth:04}"), "type": "events_api_v2_inbound_integration",
                "name": "load", "integration_key": routing_key(nth) }] } });
        let mut add =
            |kind, id: String, body: serde_json::Value| objects.push((kind, id, body.to_string().into_bytes()));
        add(Kind::User, format!("PLOAD{nth:04}"), user);
        add(Kind::Policy, format!("PLOADP{nth:04}"), policy);
        add(Kind::Service, format!("PLOADS{nth:04}"), service);
    }
    objects
}
