//! Bodies of real senders, byte for byte: each decodes, obeys the rules at the door and behind the log, and its raw
//! parts are found. `fixtures/events_v2/README.md` names the source of each.

use campanile_model::Severity;
use campanile_pagerduty::events_v2::{
    Action, Decoder, RawDetails, Request, locate, timestamp, validate_logged, validate_request,
};

const KEY: &str = "samplekeyhere0123456789abcdefABC";

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../fixtures/events_v2/", $name))
    };
}

/// What the door and the log make of a body; they must agree.
fn check(body: &[u8], judge: impl FnOnce(&Request<'_>)) {
    let mut bytes = body.to_vec();
    let event = Decoder::new().decode(&mut bytes).expect("fixtures are JSON objects");
    let request = validate_request(&event).expect("fixtures obey the rules");
    assert_eq!(validate_logged(&event).as_ref(), Ok(&request));
    assert_eq!(request.routing_key, KEY);
    let parts = locate(body);
    assert_eq!(
        [event.has_details, event.has_links, event.has_images],
        [parts.details.is_some(), parts.links.is_some(), parts.images.is_some()],
    );
    judge(&request);
}

fn detail(body: &[u8], path: &[&str]) -> Option<String> {
    RawDetails(locate(body).details?).lookup(path)
}

#[test]
fn alertmanager_sends_a_trigger_with_empty_links() {
    let body = fixture!("alertmanager_trigger.json");
    check(body, |request| {
        assert_eq!(request.action, Action::Trigger);
        assert_eq!(request.dedup_key.map(str::len), Some(64));
        assert_eq!(request.client, Some("Alertmanager"));
        assert_eq!(request.client_url, Some("http://alertmanager:9093/#/alerts?receiver=pagerduty"));
        let payload = request.payload.as_ref().expect("a trigger has its payload");
        assert_eq!(payload.summary, "[FIRING:1] HighErrorRate checkout (10.0.3.17:8080 production critical)");
        assert_eq!((payload.source, payload.severity), ("Alertmanager", Severity::Critical));
        assert_eq!(
            (payload.component, payload.group, payload.class),
            (Some("checkout"), Some("production"), Some("deploy"))
        );
    });
    let parts = locate(body);
    assert_eq!(parts.images, Some(&br#"[{"src":"","alt":"","href":""}]"#[..]));
    assert_eq!(parts.links, Some(&br#"[{"href":"","text":""}]"#[..]));
    assert_eq!(detail(body, &["num_firing"]).as_deref(), Some("1"));
    assert_eq!(detail(body, &["resolved"]).as_deref(), Some(""));
    let firing = detail(body, &["firing"]).expect("it is there");
    assert!(firing.starts_with("Labels:\n - alertname = HighErrorRate\n"), "{firing}");
    assert!(firing.contains("5xx above 5 % & rising"), "{firing}");
}

#[test]
fn alertmanager_sends_a_payload_on_resolve_too() {
    check(fixture!("alertmanager_resolve.json"), |request| {
        assert_eq!((request.action, request.payload.as_ref()), (Action::Resolve, None));
        assert_eq!(request.dedup_key.map(str::len), Some(64));
    });
}

#[test]
fn grafana_sends_a_top_level_description_and_an_image() {
    let body = fixture!("grafana_trigger.json");
    check(body, |request| {
        let payload = request.payload.as_ref().expect("a trigger has its payload");
        assert_eq!(payload.severity, Severity::Warning);
        assert_eq!(request.client, Some("Grafana"));
    });
    assert_eq!(detail(body, &["firing"]).map(|f| f.starts_with("\nValue: B=93.4")), Some(true));
}

#[test]
fn a_curl_sends_a_heartbeat_with_blanks_and_newlines() {
    check(fixture!("curl_heartbeat.json"), |request| {
        let payload = request.payload.as_ref().expect("a trigger has its payload");
        assert_eq!((request.dedup_key, &*payload.summary), (Some("heartbeat"), "Monitoring heartbeat"));
        assert_eq!((payload.source, payload.severity), ("monitoring-system", Severity::Info));
    });
}

#[test]
fn datadog_sends_details_of_every_kind() {
    let body = fixture!("datadog_trigger.json");
    check(body, |request| {
        let payload = request.payload.as_ref().expect("a trigger has its payload");
        let at = payload.timestamp.and_then(timestamp::parse).map(|at| at.to_string());
        assert_eq!(at.as_deref(), Some("2024-05-01T10:00:00.123Z"));
    });
    for (key, expected) in [
        ("threshold", Some("0.95")),
        ("count", Some("3")),
        ("muted", Some("false")),
        ("snapshot", None),
        ("event_id", Some("7345213904851230112")),
        ("body", Some("%%%\n@pagerduty-ops\n\nThe monitor was last triggered at Wed May 01 2024 10:00:00 UTC.\n%%%")),
    ] {
        assert_eq!(detail(body, &[key]).as_deref(), expected, "{key}");
    }
}

#[test]
fn python_sends_an_acknowledge_escaped_to_ascii() {
    check(fixture!("python_acknowledge.json"), |request| {
        assert_eq!((request.action, request.dedup_key), (Action::Acknowledge, Some("café/🔥")));
    });
}

#[test]
fn apprise_sends_no_dedup_key_and_line_ends_in_the_summary() {
    check(fixture!("apprise_trigger.json"), |request| {
        let payload = request.payload.as_ref().expect("a trigger has its payload");
        assert_eq!((request.dedup_key, &*payload.summary), (None, "Backup failed\r\nNo space left on device"));
    });
}

#[test]
fn the_typical_event_has_617_bytes() {
    let body = fixture!("typical_617_bytes.json");
    assert_eq!(body.len(), 617);
    check(body, |request| assert_eq!(request.action, Action::Trigger));
    assert_eq!(detail(body, &["region"]).as_deref(), Some("eu-central-1"));
}
