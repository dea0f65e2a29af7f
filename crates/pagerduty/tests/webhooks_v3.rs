//! What subscribers are sent, byte for byte, and how it is signed.

use campanile_pagerduty::webhooks_v3::BODY_BYTES_MAX;
use campanile_pagerduty::webhooks_v3::payload::{Data, Event, Incident, Reference, event_id};
use campanile_pagerduty::webhooks_v3::signature::sign;

fn reference(kind: &str, id: &str, summary: &str) -> Reference {
    Reference { kind: kind.to_owned(), id: id.to_owned(), summary: Some(summary.to_owned()) }
}

fn incident() -> Incident {
    Incident {
        id: "PGR0VU2".to_owned(),
        number: 2,
        status: "triggered".to_owned(),
        incident_key: "d3640fbd41094207a1c11e58e46b1662".to_owned(),
        created_at: "2020-04-09T15:16:27.000Z".to_owned(),
        title: "A little bump in the road".to_owned(),
        service: reference("service_reference", "PF9KMXH", "API Service"),
        assignees: vec![reference("user_reference", "PTUXL6G", "User 123")],
        escalation_policy: reference("escalation_policy_reference", "PUS0KTE", "Default"),
        teams: vec![reference("team_reference", "PFCVPS0", "Engineering")],
        priority: Some(reference("priority_reference", "PSO75BM", "P1")),
        urgency: "high".to_owned(),
        merged_into: None,
    }
}

fn event(event_type: &str, data: Data) -> Event {
    Event {
        id: "01BWGSM3R00000000000000000".to_owned(),
        event_type: event_type.to_owned(),
        occurred_at: "2020-10-02T18:45:22.169Z".to_owned(),
        agent: Some(reference("user_reference", "PLH1HKV", "Tenex Engineer")),
        data,
    }
}

fn check(event: &Event, fixture: &str) {
    let body = String::from_utf8(event.body("https://campanile.example.org")).expect("JSON is UTF-8");
    assert_eq!(body, fixture.trim_end());
}

#[test]
fn an_incident_is_written_as_the_fixture() {
    let event = event("incident.triggered", Data::Incident(Box::new(incident())));
    check(&event, include_str!("../fixtures/webhooks_v3/incident_triggered.json"));
}

#[test]
fn a_merged_incident_without_team_and_priority_is_written_as_the_fixture() {
    let mut incident = incident();
    incident.status = "resolved".to_owned();
    incident.assignees.clear();
    incident.teams.clear();
    incident.priority = None;
    incident.merged_into =
        Some(Reference { kind: "incident_reference".to_owned(), id: "PGR0VU3".to_owned(), summary: None });
    let mut event = event("incident.resolved", Data::Incident(Box::new(incident)));
    event.agent = None;
    check(&event, include_str!("../fixtures/webhooks_v3/incident_resolved_by_merge.json"));
}

#[test]
fn a_note_is_written_as_the_fixture() {
    let incident = reference("incident_reference", "PGR0VU2", "A little bump in the road");
    let data = Data::Note { incident, id: "P7ASKDZ".to_owned(), content: "It was \"DNS\".\nAgain.".to_owned() };
    check(&event("incident.annotated", data), include_str!("../fixtures/webhooks_v3/incident_annotated.json"));
}

#[test]
fn a_ping_is_written_as_the_fixture() {
    let mut event = event("pagey.ping", Data::Ping);
    event.agent = None;
    check(&event, include_str!("../fixtures/webhooks_v3/pagey_ping.json"));
}

#[test]
fn a_note_that_does_not_fit_is_cut_and_says_so() {
    for content in ["x".repeat(60_000), "\u{1}".repeat(60_000), "é".repeat(40_000)] {
        let incident = reference("incident_reference", "PGR0VU2", "A little bump in the road");
        let body = event("incident.annotated", Data::Note { incident, id: "P7".to_owned(), content }).body("https://c");
        assert!(body.len() <= BODY_BYTES_MAX, "{}", body.len());
        let value: serde_json::Value = serde_json::from_slice(&body).expect("it is JSON still");
        assert_eq!(value["event"]["data"]["trimmed"], true);
    }
}

#[test]
fn an_event_has_one_id_and_another_has_another() {
    let id = event_id(1_601_664_322_169, "Q0001/1");
    assert_eq!(id, event_id(1_601_664_322_169, "Q0001/1"));
    assert_ne!(id, event_id(1_601_664_322_169, "Q0001/2"));
    assert_eq!((id.len(), &id[..10]), (26, "01EKNA42KS"));
}

/// The first vector is RFC 4231's second; the next has two secrets, as while one is changed.
#[test]
fn signatures_are_those_of_hmac_sha256() {
    let first = "v1=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(sign(["Jefe"], b"what do ya want for nothing?"), first);
    let both = sign(["Jefe", "other"], b"what do ya want for nothing?");
    assert!(both.starts_with(&format!("{first},v1=")) && !both.contains(' ') && both.len() == 2 * 67 + 1, "{both}");
    assert_eq!(sign([], b"x"), "");
}
