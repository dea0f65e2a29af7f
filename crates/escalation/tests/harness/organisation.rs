//! The organisation of the scenarios: the seed's policy and schedule as printed, and small policies beside them.

use campanile_directory::contact::{Channel, ContactMethod, NotificationRule};
use campanile_directory::policy::{Handoff, Rule, Strategy, Target};
use campanile_directory::urgency::Constant;
use campanile_directory::user::Role;
use campanile_directory::{
    IntegrationDraft, Object, Policy, Schedule, ServiceDraft, Snapshot, UrgencyRule, User, build,
};
use campanile_escalation::{OnCall, Users};
use campanile_model::{
    Epoch, IntegrationId, PolicyId, RoutingKey, ScheduleId, ServiceId, Span, Timestamp, Urgency, UserId,
};
use compact_str::CompactString;
use jiff::tz::TimeZone;

/// Monday, 2 March 2026, 00:00 in New York.
pub const MIDNIGHT: Timestamp = Timestamp(1_772_427_600_000);

const SEED_POLICY: &str = include_str!("../../../pagerduty/tests/objects_seed/escalation_policy.json");

pub fn key_of(service: &str) -> String {
    service.chars().cycle().take(32).collect()
}

fn service(name: &str, policy: &str) -> ServiceDraft {
    ServiceDraft {
        id: ServiceId::new(format!("P{}", name.to_uppercase())),
        name: name.into(),
        description: String::new(),
        disabled: false,
        policy: PolicyId::new(policy),
        teams: Vec::new(),
        integrations: vec![IntegrationDraft {
            id: IntegrationId::new(format!("I{}", name.to_uppercase())),
            name: name.into(),
            type_name: "events_api_v2_inbound_integration".into(),
            key: Some(RoutingKey::new(key_of(name))),
        }],
        grouping: None,
        urgency_rule: UrgencyRule::Constant(Constant::High),
        support_hours: None,
        urgency_raised_at: None,
        auto_resolve: None,
        acknowledgement_timeout: Some(Span::minutes(30)),
        priority_by_severity: [None, None, None, None],
    }
}

fn user(id: &str) -> User {
    User {
        id: UserId::new(id),
        name: id.into(),
        email: "someone@example.com".into(),
        zone: None,
        role: Role::User,
        job_title: CompactString::default(),
        description: String::new(),
        teams: Vec::new(),
        contact_methods: Vec::new(),
        notification_rules: Vec::new(),
        handoff_rules: Vec::new(),
    }
}

/// ANN: push at once, a text after 5 minutes, a call after 10; low urgency by mail after 20.
fn ann() -> User {
    let contact = |id: &str, channel, address: &str| ContactMethod {
        id: id.into(),
        channel,
        address: address.into(),
        label: CompactString::default(),
        country_code: 1,
        enabled: true,
    };
    let rule = |urgency, minutes, contact: &str| NotificationRule {
        id: None,
        urgency,
        delay: Span::minutes(minutes),
        contact: contact.into(),
    };
    let mut ann = user("ANN");
    ann.contact_methods = vec![
        contact("app", Channel::Push, "device"),
        contact("text", Channel::Sms, "5550100"),
        contact("call", Channel::Phone, "5550100"),
        contact("mail", Channel::Email, "ann@example.com"),
        ContactMethod { enabled: false, ..contact("old", Channel::Sms, "5550199") },
    ];
    ann.notification_rules = vec![
        rule(Urgency::High, 0, "app"),
        rule(Urgency::High, 0, "old"),
        rule(Urgency::High, 5, "text"),
        rule(Urgency::High, 10, "call"),
        rule(Urgency::Low, 20, "mail"),
    ];
    ann
}

/// The seed's policy, read from the seed's own bytes.
fn seed_policy() -> Policy {
    let json: serde_json::Value = serde_json::from_str(SEED_POLICY).unwrap();
    let json = &json["escalation_policy"];
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let rules = json["escalation_rules"].as_array().unwrap().iter().map(|rule| {
        let targets = rule["targets"].as_array().unwrap().iter().map(|target| match target["type"].as_str() {
            Some("schedule_reference") => Target::Schedule(ScheduleId::new(text(&target["id"]))),
            _ => Target::User(UserId::new(text(&target["id"]))),
        });
        let delay = Span::minutes(rule["escalation_delay_in_minutes"].as_i64().unwrap());
        Rule { id: None, delay, targets: targets.collect(), strategy: Strategy::AssignToEveryone }
    });
    Policy {
        id: PolicyId::new("PXXXXXX"),
        name: text(&json["name"]).into(),
        description: text(&json["description"]),
        loops: json["num_loops"].as_u64().unwrap() as u32,
        handoff: Handoff::IfHasServices,
        rules: rules.collect(),
        teams: Vec::new(),
    }
}

fn policy(id: &str, loops: u32, rules: &[(i64, &[&str], Strategy)]) -> Policy {
    let target = |name: &&str| match name.strip_prefix('@') {
        Some(schedule) => Target::Schedule(ScheduleId::new(schedule)),
        None => Target::User(UserId::new(name)),
    };
    let rules = rules.iter().map(|(minutes, targets, strategy)| Rule {
        id: None,
        delay: Span::minutes(*minutes),
        targets: targets.iter().map(target).collect(),
        strategy: *strategy,
    });
    let rules = rules.collect();
    let (id, name) = (PolicyId::new(id), CompactString::new(id));
    let (description, handoff) = (String::new(), Handoff::IfHasServices);
    Policy { id, name, description, loops, handoff, rules, teams: Vec::new() }
}

fn schedule(id: &str) -> Schedule {
    let (id, name) = (ScheduleId::new(id), CompactString::new(id));
    let (description, zone) = (String::new(), TimeZone::UTC);
    Schedule { id, name, description, zone, layers: Vec::new(), overrides: Vec::new(), teams: Vec::new() }
}

pub fn directory() -> Snapshot {
    use Strategy::{AssignToEveryone as All, RoundRobin as Ring};
    let mut objects: Vec<Object> = Vec::new();
    let users = ["PUSER01", "PUSER02", "PUSER03", "PUSER04", "PXXXXXX", "PYYYYYY", "PZZZZZZ", "BEN", "CID", "BOSS"];
    objects.extend(users.map(|id| Object::User(user(id))));
    objects.push(Object::User(ann()));
    objects.extend(["PXXXXXX", "NIGHT", "NOBODY"].map(|id| Object::Schedule(schedule(id))));
    objects.push(Object::Policy(seed_policy()));
    objects.push(Object::Policy(policy("PSHORT", 0, &[(5, &["ANN"], All), (5, &["BEN", "@NIGHT"], All)])));
    objects.push(Object::Policy(policy("PRING", 1, &[(5, &["BEN", "@NOBODY", "CID"], Ring), (5, &["BOSS"], All)])));
    objects.push(Object::Policy(policy("PEMPTY", 1, &[(5, &["@NOBODY"], All), (5, &["@NIGHT"], All)])));
    objects.push(Object::Policy(policy("PSLOW", 0, &[(30, &["ANN"], All)])));
    let mut services = vec![
        service("prod", "PXXXXXX"),
        service("prio", "PXXXXXX"),
        service("short", "PSHORT"),
        service("ring", "PRING"),
        service("empty", "PEMPTY"),
        service("low", "PSHORT"),
        service("slow", "PSLOW"),
    ];
    services[1].priority_by_severity = [None, Some("P3".into()), Some("P2".into()), Some("P1".into())];
    services[5].urgency_rule = UrgencyRule::Constant(Constant::Low);
    objects.extend(services.into_iter().map(|draft| Object::Service(Box::new(draft))));
    build(Epoch(1), 1, objects).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Who is on call, from a table of shifts: hours of the day, the same on each.
pub struct Shifts;

impl OnCall for Shifts {
    fn users(&self, schedule: &ScheduleId, at: Timestamp) -> Users {
        let hour = at.since(MIDNIGHT).whole_seconds().rem_euclid(86_400) / 3600;
        let user = match (schedule.as_str(), hour) {
            // The seed's: 09:00 to 18:00 in New York, the second user's week.
            ("PXXXXXX", 9..18) => "PUSER02",
            ("NIGHT", 22..24) => "CID",
            _ => return Users::new(),
        };
        Users::from_iter([UserId::new(user)])
    }
}
