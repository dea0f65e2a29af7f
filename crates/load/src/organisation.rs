//! The organisation that the noise workload speaks of: services, the policy they share, and the window that keeps a
//! tenth of the traffic from people.

use campanile_directory::{Kind, mint_key};
use campanile_model::ScopeId;
use serde_json::json;

use crate::random::{Random, mix, zipf_weight};

/// Services of the full workload. Source: performance.md 2.
pub const SERVICES: u16 = 500;
/// Most services one organisation may have: the `s017` of a dedup key has three digits, and ids likewise.
pub const SERVICES_MAX: u16 = 999;
/// First rank in maintenance, 0-based, and the step to the next. Source: performance.md 2.
const MAINTAINED_FIRST: usize = 4;
const MAINTAINED_STEP: usize = 8;
/// Share of all weight beyond which no further service is put into maintenance: 55 of 500 are. Source: performance.md 2.
const MAINTAINED_MASS_MAX: f64 = 0.1005;
/// Seconds; short enough that groups end within the run. Source: the seed's `time_window`.
pub const GROUP_WINDOW_SECONDS: i64 = 300;

/// One object of a directory, as stored: kind, id, JSON.
pub type Object = (Kind, String, Vec<u8>);

/// Id of the service with this 0-based rank.
pub fn service_id(rank: u16) -> String {
    format!("PLOAD{:03}", rank + 1)
}

/// The routing keys of ranks 0 to `services - 1`: 32 lower-hex digits, each at home where its service is.
pub fn routing_keys(seed: u64, services: u16) -> Vec<String> {
    (0..services).map(|rank| routing_key(seed, &service_id(rank), u64::from(rank))).collect()
}

/// The key of a service, from two draws of a stream of its own; counted up until it has affinity.
pub(crate) fn routing_key(seed: u64, service: &str, stream: u64) -> String {
    let mut random = Random::new(mix(seed) ^ mix(stream));
    let mut entropy = || {
        let (high, low) = (random.draw(), random.draw());
        ((u128::from(high) << 64) | u128::from(low)).to_be_bytes()
    };
    mint_key(&ScopeId::new(service), &mut entropy).as_str().to_owned()
}

/// Ranks in maintenance all the time, rising.
pub fn maintained(services: u16) -> Vec<u16> {
    let total: f64 = (0..usize::from(services)).map(zipf_weight).sum();
    let mut mass = 0.0;
    (MAINTAINED_FIRST..usize::from(services))
        .step_by(MAINTAINED_STEP)
        .take_while(|rank| {
            let taken = mass;
            mass += zipf_weight(*rank) / total;
            taken <= MAINTAINED_MASS_MAX
        })
        .map(|rank| rank as u16)
        .collect()
}

/// Every object of the organisation, by kind and id.
pub fn objects(seed: u64, services: u16) -> Vec<Object> {
    let mut objects = vec![user(), policy()];
    for (rank, key) in (0..services).zip(routing_keys(seed, services)) {
        let id = service_id(rank);
        let body = json!({ "service": {
            "id": id, "type": "service", "name": format!("load service {:03}", rank + 1), "status": "active",
            "escalation_policy": { "id": "PLOADE1", "type": "escalation_policy_reference" },
            "alert_creation": "create_alerts_and_incidents",
            "auto_resolve_timeout": null, "acknowledgement_timeout": null,
            "incident_urgency_rule": { "type": "constant", "urgency": "high" },
            "alert_grouping_parameters": { "type": "content_based", "config":
                { "aggregate": "all", "fields": ["class"], "time_window": GROUP_WINDOW_SECONDS } },
            "integrations": [integration(&format!("PLOADI{:03}", rank + 1), "load", &key)],
        }});
        objects.push((Kind::Service, id, body.to_string().into_bytes()));
    }
    let quiet: Vec<String> = maintained(services).into_iter().map(service_id).collect();
    if !quiet.is_empty() {
        objects.push(window("PLOADM1", &quiet));
    }
    objects
}

pub(crate) fn integration(id: &str, name: &str, key: &str) -> serde_json::Value {
    json!({ "id": id, "type": "events_api_v2_inbound_integration", "name": name, "integration_key": key })
}

pub(crate) fn user() -> Object {
    let body = json!({ "user": {
        "id": "PLOADU1", "type": "user", "name": "Load Harness", "email": "load@example.com", "role": "user",
    }});
    (Kind::User, "PLOADU1".to_owned(), body.to_string().into_bytes())
}

pub(crate) fn policy() -> Object {
    let body = json!({ "escalation_policy": {
        "id": "PLOADE1", "type": "escalation_policy", "name": "load", "num_loops": 0,
        "escalation_rules": [{ "escalation_delay_in_minutes": 30,
            "targets": [{ "id": "PLOADU1", "type": "user_reference" }] }],
    }});
    (Kind::Policy, "PLOADE1".to_owned(), body.to_string().into_bytes())
}

/// A window that covers every instant that an event of ours can have.
pub(crate) fn window(id: &str, services: &[String]) -> Object {
    let references: Vec<_> = services.iter().map(|id| json!({ "id": id, "type": "service_reference" })).collect();
    let body = json!({ "maintenance_window": {
        "id": id, "type": "maintenance_window", "description": "all the time",
        "start_time": "2000-01-01T00:00:00Z", "end_time": "2100-01-01T00:00:00Z", "services": references,
    }});
    (Kind::Maintenance, id.to_owned(), body.to_string().into_bytes())
}
