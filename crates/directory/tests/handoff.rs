//! Hand-offs that are told, and gaps of a whole policy. Times are hours of one day in UTC.

use campanile_directory::contact::{Channel, ContactMethod};
use campanile_directory::policy::{Handoff, Policy, Rule, Strategy, Target};
use campanile_directory::schedule::Schedule;
use campanile_directory::{HandoffRule, HandoffType, Object, Snapshot, Turn, User, build, coverage, handoff};
use campanile_model::*;
use campanile_oncall::{Layer, Override, Window};
use jiff::tz::TimeZone;

/// 2026-03-02T00:00:00Z and so many hours.
fn at(hour: i64) -> Timestamp {
    Timestamp(1_772_409_600_000) + Span::hours(hour)
}

fn window(from: i64, to: i64) -> Window {
    Window { start: at(from), end: at(to) }
}

fn user(id: &str, about: HandoffType, hours: i64) -> Object {
    Object::User(User {
        id: UserId::new(id),
        name: id.into(),
        email: "someone@example.com".into(),
        zone: None,
        role: Default::default(),
        job_title: "".into(),
        description: String::new(),
        teams: Vec::new(),
        contact_methods: vec![ContactMethod {
            id: "C".into(),
            channel: Channel::Email,
            address: "someone@example.com".into(),
            label: "".into(),
            country_code: 1,
            enabled: true,
        }],
        notification_rules: Vec::new(),
        handoff_rules: vec![HandoffRule { id: None, about, advance: Span::hours(hours), contact: "C".into() }],
    })
}

/// Ann and Ben in turns of six hours from hour 0 on, until hour 24; nobody from 14 to 16 but who an override names.
fn schedule(overrides: Vec<Override>) -> Object {
    let layer = Layer {
        id: None,
        name: "".into(),
        start: at(0),
        end: Some(at(24)),
        rotation_virtual_start: at(0),
        turn: Span::hours(6),
        users: vec![UserId::new("ANN"), UserId::new("BEN")],
        restrictions: Vec::new(),
    };
    Object::Schedule(Schedule {
        id: ScheduleId::new("S"),
        name: "Primary".into(),
        description: String::new(),
        zone: TimeZone::UTC,
        layers: vec![layer],
        overrides,
        teams: Vec::new(),
    })
}

fn policy(handoff: Handoff, targets: Vec<Target>) -> Object {
    Object::Policy(Policy {
        id: PolicyId::new("P"),
        name: "On call".into(),
        description: String::new(),
        loops: 0,
        handoff,
        rules: vec![Rule { id: None, delay: Span::minutes(5), targets, strategy: Strategy::AssignToEveryone }],
        teams: Vec::new(),
    })
}

fn organisation(handoff: Handoff, extra: Vec<Target>) -> Snapshot {
    let mut targets = vec![Target::Schedule(ScheduleId::new("S"))];
    targets.extend(extra);
    let objects = vec![
        user("ANN", HandoffType::Both, 1),
        user("BEN", HandoffType::OnCall, 2),
        schedule(Vec::new()),
        policy(handoff, targets),
    ];
    build(Epoch(1), 8, objects).expect("a sound organisation")
}

fn told(snapshot: &Snapshot, from: i64, to: i64) -> Vec<(String, Turn, i64, i64)> {
    let hour = |at: Timestamp| at.since(Timestamp(1_772_409_600_000)).whole_seconds() / 3600;
    let notices = handoff::notices(snapshot, window(from, to));
    let mut told: Vec<_> = notices.iter().map(|it| (it.user.to_string(), it.turn, hour(it.at), hour(it.due))).collect();
    told.sort_by_key(|it| (it.3, it.2, it.0.clone()));
    told
}

#[test]
fn each_end_of_a_shift_is_told_once_and_in_time() {
    let snapshot = organisation(Handoff::Always, vec![]);
    let expected = [
        ("ANN", Turn::Begins, 0, -1),
        ("BEN", Turn::Begins, 6, 4),
        ("ANN", Turn::Ends, 6, 5),
        ("ANN", Turn::Begins, 12, 11),
        ("BEN", Turn::Begins, 18, 16),
        ("ANN", Turn::Ends, 18, 17),
    ]
    .map(|(user, turn, at, due)| (user.to_owned(), turn, at, due));
    assert_eq!(told(&snapshot, -10, 40), expected);
    // Looked at hour by hour, nothing is told twice and nothing is left out.
    let by_hour: Vec<_> = (-10..40).flat_map(|hour| told(&snapshot, hour, hour + 1)).collect();
    assert_eq!(by_hour, expected);
}

#[test]
fn a_policy_without_services_tells_nothing_unless_always() {
    assert_eq!(told(&organisation(Handoff::IfHasServices, vec![]), -10, 40), []);
}

#[test]
fn gaps_are_those_of_the_whole_policy() {
    let snapshot = organisation(Handoff::Always, vec![]);
    let policy = snapshot.policy("P").expect("the policy");
    assert_eq!(coverage::gaps(&snapshot, policy, window(-3, 30)), [window(-3, 0), window(24, 30)]);
    assert_eq!(coverage::gaps(&snapshot, policy, window(2, 20)), []);
    let reachable = organisation(Handoff::Always, vec![Target::User(UserId::new("BEN"))]);
    let policy = reachable.policy("P").expect("the policy");
    assert_eq!(coverage::gaps(&reachable, policy, window(-3, 30)), []);
}
