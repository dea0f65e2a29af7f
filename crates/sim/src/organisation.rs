//! A small organisation: services of each kind that moves timers, with deadlines of seconds.

use campanile_directory::{Kind, Snapshot};
use campanile_model::Epoch;
use campanile_pagerduty::objects::snapshot_from_records;
use serde_json::{Value, json};

pub(crate) const ROUTING_KEYS: [&str; 4] = [
    "10000000000000000000000000000001",
    "20000000000000000000000000000002",
    "30000000000000000000000000000003",
    "40000000000000000000000000000004",
];

fn service(nth: usize, more: &Value) -> (Kind, String, Vec<u8>) {
    let id = format!("PSERVICE{nth}");
    let mut object = json!({
        "name": id, "escalation_policy": {"id": "PPOLICY", "type": "escalation_policy_reference"},
        "integrations": [{"id": format!("PINT{nth}"), "type": "events_api_v2_inbound_integration", "name": id,
                          "integration_key": ROUTING_KEYS[nth]}]
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        object[name] = value.clone();
    }
    (Kind::Service, id, json!({ "service": object }).to_string().into_bytes())
}

/// Its homes follow `shards`.
pub(crate) fn snapshot(shards: u16) -> Snapshot {
    let user = json!({"user": {"name": "Ann", "email": "ann@example.com"}});
    let policy = json!({"escalation_policy": {"name": "on-call", "escalation_rules": [
        {"escalation_delay_in_minutes": 5, "targets": [{"id": "PU", "type": "user_reference"}]}]}});
    let grouped = json!({"auto_resolve_timeout": 20, "acknowledgement_timeout": 0,
        "alert_grouping_parameters": {"type": "time", "config": {"timeout": 1}}});
    let objects = [
        (Kind::User, "PU".to_owned(), user.to_string().into_bytes()),
        (Kind::Policy, "PPOLICY".to_owned(), policy.to_string().into_bytes()),
        service(0, &json!({"auto_resolve_timeout": 4, "acknowledgement_timeout": 2})),
        service(1, &json!({"auto_resolve_timeout": 0, "acknowledgement_timeout": 3})),
        service(2, &grouped),
        service(3, &json!({"auto_resolve_timeout": 9, "acknowledgement_timeout": 0})),
    ];
    snapshot_from_records(objects, Epoch(1), shards).unwrap_or_else(|problems| {
        panic!("the organisation is sound: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}
