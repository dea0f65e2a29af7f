//! The notifier's topics, as their readers see them. A changed fixture is a release note.

use campanile_directory::Channel;
use campanile_escalation::{
    Cause, ErrandKey, Gap, Hop, News, Notice, Notification, Page, Place, Reason, Reply, Report, Standing, Verdict,
    What, Withdrawal,
};
use campanile_model::outcome::RefusedReason;
use campanile_model::{
    Actor, Change, Command, CommandId, Epoch, Heir, IncidentId, IncidentStatus, LedgerId, Named, OrderId, PolicyId,
    PriorityId, RoutingKey, ServiceId, ShardId, Span, Step, Timestamp, Urgency, UserId, Verb,
};
use campanile_record::incident_event::{Setting, encode_answer, encode_revision};
use campanile_record::{answer, command, gap, incident_notice, notification, page};
use campanile_triage::{Addition, CommandAnswer, Incident, Revision};

const PLACE: Place = Place { cycle: 1, lap: 0, level: 2, turn: 0 };
const AT: Timestamp = Timestamp(1_772_427_600_000);

fn incident() -> Incident {
    Incident {
        id: IncidentId::derive(LedgerId(7), ShardId(0), 3),
        status: IncidentStatus::Triggered,
        urgency: Urgency::High,
        priority: Some(Named { id: PriorityId::new("PRIORP1"), name: "P1".into() }),
        title: "disk \"full\"".to_owned(),
        incident_key: "web/disk".to_owned(),
        service: Named { id: ServiceId::new("PWEB"), name: "web".into() },
        policy: Named { id: PolicyId::new("PPOL"), name: "on-call".into() },
        created_at: AT,
        status_changed_at: AT,
        resolved_at: None,
        revision: 2,
        alerts: 1,
        open: 1,
        grouping: Default::default(),
        last_joined_at: AT,
        acknowledgements: Default::default(),
        auto_resolve_at: None,
        acknowledgement_ends_at: None,
        urgency_rises_at: None,
        assignees: [Named { id: UserId::new("PU"), name: "Ann".into() }].into_iter().collect(),
        assigned_at: Some(AT),
        level: 2,
        snoozed_until: None,
        merged_into: None,
    }
}

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).expect("JSON is text")
}

fn setting() -> Setting<'static> {
    Setting { public_url: "http://localhost", epoch: Epoch(1) }
}

fn revision(change: Change, addition: Addition) -> Revision {
    let cause = campanile_triage::Cause::Command(CommandId::new("c-1"));
    Revision { incident: incident(), change, agent: None, cause, at: AT, alert_keys: Vec::new(), addition }
}

#[test]
fn a_revision_shows_who_has_it() {
    let shown = text(|out| encode_revision(&revision(Change::Escalated, Addition::None), 7, setting(), out));
    assert!(shown.contains(r#""assignees":[{"id":"PU","type":"user_reference","summary":"Ann"}]"#), "{shown}");
    assert!(
        shown.contains(
            r#""assignments":[{"at":"2026-03-02T05:00:00.000Z","assignee":{"id":"PU","type":"user_reference","summary":"Ann"}}],"escalation_level":2"#
        ),
        "{shown}"
    );
    let note = text(|out| encode_revision(&revision(Change::Annotated, Addition::Note("n".into())), 7, setting(), out));
    assert!(
        note.contains(r#""event_type":"incident.annotated""#) && note.contains(r#""note":{"content":"n"}"#),
        "{note}"
    );
    let mut merged = revision(Change::Resolved, Addition::None);
    merged.incident.merged_into = Some(IncidentId(9));
    let merged = text(|out| encode_revision(&merged, 7, setting(), out));
    let reason = r#""resolve_reason":{"type":"merge_resolve_reason","incident":{"id":"Q0000000000009","type":"incident_reference"}}"#;
    assert!(merged.contains(reason), "{merged}");
}

#[test]
fn the_notifier_reads_what_the_processor_writes() {
    for change in Change::ALL {
        let addition = if change == Change::EscalationRequested { Addition::Level(Some(2)) } else { Addition::None };
        let level = (change == Change::EscalationRequested).then_some(2);
        let bytes = text(|out| encode_revision(&revision(change, addition), 7, setting(), out));
        let standing = Standing {
            status: IncidentStatus::Triggered,
            urgency: Urgency::High,
            priority: Some("P1".into()),
            title: "disk \"full\"".to_owned(),
            service: incident().service,
            policy: incident().policy,
            assignees: vec![UserId::new("PU")],
        };
        let cause = Cause::Command(CommandId::new("c-1"));
        let news = News::Revision { revision: 2, change, cause, level, standing: Box::new(standing) };
        assert_eq!(incident_notice::decode(bytes.as_bytes()), Ok(Notice { incident: incident().id, news }));
    }
}

#[test]
fn the_notifier_reads_every_answer() {
    use campanile_triage::Answer;
    let verdicts = [
        (Answer::Applied(3), Verdict::Applied(3)),
        (Answer::Unchanged(4), Verdict::Unchanged(4)),
        (Answer::Refused(RefusedReason::StaleRevision), Verdict::Refused(RefusedReason::StaleRevision)),
    ];
    for (answer, verdict) in verdicts {
        let (id, repeated) = (incident().id, true);
        let answer = CommandAnswer { command: CommandId::new("c"), incident: id, answer, repeated, at: AT };
        let bytes = text(|out| encode_answer(&answer, 8, Epoch(1), out));
        let news = News::Answer { command: CommandId::new("c"), verdict };
        assert_eq!(incident_notice::decode(bytes.as_bytes()), Ok(Notice { incident: id, news }));
    }
    for reason in RefusedReason::ALL {
        assert_eq!(RefusedReason::parse(reason.as_str()), Some(reason));
    }
    assert!(incident_notice::decode(b"{}").is_err() && incident_notice::decode(b"[").is_err());
}

#[test]
fn a_page_survives_its_encoding() {
    let sent = Hop::Page(Page {
        user: UserId::new("PU"),
        incident: IncidentId(9),
        revision: 3,
        place: PLACE,
        urgency: Urgency::High,
        reason: Reason::LastResort,
        unconfirmed: true,
        service: Named { id: ServiceId::new("PWEB"), name: "web".into() },
        title: "disk".to_owned(),
        at: Timestamp(5),
    });
    let bytes = text(|out| page::encode(&sent, out));
    assert_eq!(
        bytes,
        r#"{"v":1,"type":"page","user":"PU","incident":"Q0000000000009","place":[1,0,2,0],"at":5,"revision":3,"urgency":"high","reason":"last_resort","unconfirmed":true,"service":{"id":"PWEB","type":"service_reference","summary":"web"},"title":"disk"}"#
    );
    assert_eq!(page::decode(bytes.as_bytes()), Ok(sent));
    let (user, incident) = (UserId::new("PU"), IncidentId(9));
    let sent = Hop::Withdrawal(Withdrawal { user, incident, place: PLACE, at: Timestamp(5) });
    let bytes = text(|out| page::encode(&sent, out));
    assert_eq!(
        bytes,
        r#"{"v":1,"type":"withdrawal","user":"PU","incident":"Q0000000000009","place":[1,0,2,0],"at":5}"#
    );
    assert_eq!(page::decode(bytes.as_bytes()), Ok(sent));
    assert!(
        page::decode(br#"{"v":1,"type":"page","user":"PU","incident":"Q0000000000009","place":[1,0,2,0],"at":5}"#)
            .is_err()
    );
}

#[test]
fn an_answer_survives_its_encoding() {
    let order = OrderId(9);
    let fixtures = [
        (
            Report::Order { order, reply: Reply::Accepted { provider: "p".into() } },
            r#"{"v":1,"type":"order","order":"Q0000000000009","reply":"accepted","provider":"p"}"#,
        ),
        (
            Report::Order { order, reply: Reply::Arrived { provider: "p".into() } },
            r#"{"v":1,"type":"order","order":"Q0000000000009","reply":"arrived","provider":"p"}"#,
        ),
        (
            Report::Order {
                order,
                reply: Reply::Refused { provider: "p".into(), permanent: true, detail: "no".to_owned() },
            },
            r#"{"v":1,"type":"order","order":"Q0000000000009","reply":"refused","provider":"p","permanent":true,"detail":"no"}"#,
        ),
        (
            Report::Person {
                id: "sms-1".into(),
                user: UserId::new("PU"),
                order: Some(order),
                incident: None,
                verb: Verb::Acknowledge,
            },
            r#"{"v":1,"type":"person","id":"sms-1","user":"PU","order":"Q0000000000009","verb":"acknowledge"}"#,
        ),
        (
            Report::Person {
                id: "mail-1".into(),
                user: UserId::new("PU"),
                order: None,
                incident: Some(IncidentId(9)),
                verb: Verb::RequestEscalation(None),
            },
            r#"{"v":1,"type":"person","id":"mail-1","user":"PU","incident":"Q0000000000009","verb":"escalate"}"#,
        ),
        (
            Report::Sent { key: ErrandKey(255), id: "step-1".into() },
            r#"{"v":1,"type":"sent","key":"000000000000000000000000000000ff","id":"step-1"}"#,
        ),
        (Report::Audit(IncidentId(9)), r#"{"v":1,"type":"audit","incident":"Q0000000000009"}"#),
    ];
    for (report, expected) in fixtures {
        let bytes = text(|out| answer::encode(&report, out));
        assert_eq!(bytes, expected);
        assert_eq!(answer::decode(bytes.as_bytes()), Ok(report));
    }
}

#[test]
fn a_bad_answer_is_told_what_is_allowed() {
    let refused = |text: &str| answer::decode(text.as_bytes()).expect_err("broken");
    assert!(refused("{").contains("not an answer"));
    assert!(refused(r#"{"v":1,"type":"x"}"#).contains("expected order, person, sent or audit"));
    assert!(refused(r#"{"v":1,"type":"person","id":"a","user":"u","verb":"acknowledge"}"#).contains("names an"));
    let long = "x".repeat(answer::ANSWER_ID_CHARS_MAX + 1);
    let of = |id: &str| {
        format!(r#"{{"v":1,"type":"person","id":"{id}","user":"u","order":"Q0000000000009","verb":"resolve"}}"#)
    };
    assert!(refused(&of(&long)).contains("1 to 113 characters"));
    assert!(answer::decode(of(&long[1..]).as_bytes()).is_ok(), "at the limit");
}

#[test]
fn every_new_verb_survives_its_encoding() {
    let users = vec![UserId::new("PU"), UserId::new("PV")];
    for verb in [
        Verb::Escalate(Step { lap: 1, level: 2, users: users.clone() }),
        Verb::RequestEscalation(None),
        Verb::RequestEscalation(Some(2)),
        Verb::Reassign(Heir::Users(users)),
        Verb::Reassign(Heir::Policy(PolicyId::new("PPOL"))),
        Verb::Snooze(Span::seconds(3600)),
        Verb::Merge(vec![IncidentId(8), IncidentId(9)]),
        Verb::Note("seen \"it\"".to_owned()),
    ] {
        let actor = Actor { kind: "user_reference".into(), id: "PU".into() };
        let sent = Command { id: CommandId::new("c"), actor, incident: IncidentId(7), verb, revision: Some(1) };
        assert_eq!(command::decode(&command::encode(&sent)), Ok(sent));
    }
}

#[test]
fn notifications_and_gaps_read_as_written() {
    let (order, user, channel) = (OrderId(9), UserId::new("PU"), Channel::Sms);
    let what = What::Ordered { order, user, channel, contact: "PC".into(), idempotency_key: 255 };
    let told = Notification { incident: IncidentId(9), place: PLACE, what, at: AT };
    assert_eq!(
        text(|out| notification::encode(&told, 7, out)),
        r#"{"v":1,"out_seq":7,"type":"ordered","incident":"Q0000000000009","place":[1,0,2,0],"occurred_at":"2026-03-02T05:00:00.000Z","order":"Q0000000000009","user":"PU","channel":"sms","contact_method":"PC","idempotency_key":"000000000000000000000000000000ff"}"#
    );
    let what = What::Entered { users: vec![UserId::new("PU")], reason: Reason::Step, unconfirmed: false };
    let told = Notification { incident: IncidentId(9), place: PLACE, what, at: AT };
    assert_eq!(
        text(|out| notification::encode(&told, 7, out)),
        r#"{"v":1,"out_seq":7,"type":"entered","incident":"Q0000000000009","place":[1,0,2,0],"occurred_at":"2026-03-02T05:00:00.000Z","users":["PU"],"reason":"step","unconfirmed":false}"#
    );
    let found = Gap {
        routing_key: RoutingKey::new("R"),
        dedup_key: "campanile/uncovered/PPOL".to_owned(),
        policy: PolicyId::new("PPOL"),
        policy_name: "on-call".into(),
        incident: IncidentId(9),
        at: AT,
    };
    assert_eq!(
        text(|out| gap::encode(&found, out)),
        r#"{"routing_key":"R","event_action":"trigger","dedup_key":"campanile/uncovered/PPOL","payload":{"summary":"Nobody is on call at any level of on-call","source":"campanile","severity":"critical","class":"coverage","timestamp":"2026-03-02T05:00:00.000Z","custom_details":{"escalation_policy":"PPOL","incident":"Q0000000000009"}}}"#
    );
}
