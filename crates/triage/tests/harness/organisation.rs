//! The organisation of the scenarios. Service `web` has the key `web` repeated to 32 characters, and so on.

use campanile_directory::policy::{Handoff, Rule, Strategy, Target};
use campanile_directory::service::RaiseAt;
use campanile_directory::urgency::Constant;
use campanile_directory::user::Role;
use campanile_directory::{
    Aggregate, FieldPath, Grouping, IntegrationDraft, MaintenanceWindow, Object, Policy, ServiceDraft, Snapshot,
    SupportHours, UrgencyRule, User, build,
};
use campanile_model::{Epoch, IntegrationId, MaintenanceId, PolicyId, RoutingKey, ServiceId, Span, Timestamp, UserId};
use compact_str::CompactString;
use jiff::civil::time;
use jiff::tz::TimeZone;

/// Monday, 2 March 2026, 00:00 UTC.
pub const MIDNIGHT: Timestamp = Timestamp(1_772_409_600_000);

pub fn key_of(service: &str) -> String {
    service.chars().cycle().take(32).collect()
}

fn service(name: &str, grouping: Option<Grouping>) -> ServiceDraft {
    ServiceDraft {
        id: ServiceId::new(format!("P{}", name.to_uppercase())),
        name: CompactString::new(name),
        description: String::new(),
        disabled: false,
        policy: PolicyId::new("PPOLICY"),
        teams: Vec::new(),
        integrations: vec![integration(name)],
        grouping,
        urgency_rule: UrgencyRule::Constant(Constant::High),
        support_hours: None,
        urgency_raised_at: None,
        auto_resolve: None,
        acknowledgement_timeout: None,
        priority_by_severity: [Some("P5".into()), Some("P3".into()), Some("P2".into()), Some("P1".into())],
    }
}

fn integration(name: &str) -> IntegrationDraft {
    IntegrationDraft {
        id: IntegrationId::new(format!("I{}", name.to_uppercase())),
        name: CompactString::new(name),
        type_name: "events_api_v2_inbound_integration".into(),
        key: Some(RoutingKey::new(key_of(name))),
    }
}

fn content(aggregate: Aggregate, fields: &[FieldPath]) -> Option<Grouping> {
    Some(Grouping::Content { aggregate, fields: fields.to_vec(), window: Span::seconds(300) })
}

fn objects() -> Vec<Object> {
    let user = |id: &str, name: &str| User {
        id: UserId::new(id),
        name: name.into(),
        email: "ann@example.com".into(),
        zone: None,
        role: Role::User,
        job_title: CompactString::default(),
        description: String::new(),
        teams: Vec::new(),
        contact_methods: Vec::new(),
        notification_rules: Vec::new(),
        handoff_rules: Vec::new(),
    };
    let rule = Rule {
        id: None,
        delay: Span::minutes(5),
        targets: vec![Target::User(UserId::new("PUSER"))],
        strategy: Strategy::AssignToEveryone,
    };
    let policy = Policy {
        id: PolicyId::new("PPOLICY"),
        name: "on-call".into(),
        description: String::new(),
        loops: 0,
        handoff: Handoff::IfHasServices,
        rules: vec![rule],
        teams: Vec::new(),
    };
    let window = MaintenanceWindow {
        id: MaintenanceId::new("PWINDOW"),
        start: MIDNIGHT + Span::hours(9),
        end: MIDNIGHT + Span::hours(10),
        description: String::new(),
        services: vec![ServiceId::new("PQUIET")],
    };
    let mut all = vec![
        Object::User(user("PUSER", "Ann")),
        Object::User(user("PBEN", "Ben")),
        Object::Policy(policy),
        Object::Maintenance(window),
    ];
    all.extend(services().into_iter().map(|draft| Object::Service(Box::new(draft))));
    all
}

fn services() -> Vec<ServiceDraft> {
    let class = FieldPath::Class;
    let mut web = service("web", content(Aggregate::All, std::slice::from_ref(&class)));
    web.auto_resolve = Some(Span::hours(4));
    web.acknowledgement_timeout = Some(Span::minutes(30));
    let mut two = service("two", None);
    two.integrations = vec![integration("left"), integration("rite")];
    let mut hours = service("hours", None);
    hours.urgency_rule = UrgencyRule::UseSupportHours { during: Constant::High, outside: Constant::Low };
    hours.support_hours = Some(SupportHours {
        zone: TimeZone::UTC,
        days: [true, true, true, true, true, false, false],
        start: time(9, 0, 0, 0),
        end: time(17, 0, 0, 0),
    });
    hours.urgency_raised_at = Some(RaiseAt::SupportHoursStart);
    let mut off = service("off", None);
    off.disabled = true;
    vec![
        web,
        two,
        hours,
        off,
        service("plain", None),
        service("fixed", Some(Grouping::Time { window: Some(Span::seconds(300)) })),
        service("open", Some(Grouping::Time { window: None })),
        service("any", content(Aggregate::Any, &[FieldPath::Component, class.clone()])),
        service("both", content(Aggregate::All, &[FieldPath::Component, class])),
        service("like", Some(Grouping::Intelligent { fields: Vec::new(), window: Span::seconds(300) })),
        service("deep", content(Aggregate::All, &[FieldPath::Details(vec!["host".into(), "rack".into()])])),
        service("quiet", content(Aggregate::All, &[FieldPath::Class])),
    ]
}

pub fn directory() -> Snapshot {
    build(Epoch(1), 1, objects()).expect("the organisation of the scenarios is sound")
}

/// The same after `quiet` lost its window, `off` was switched on, and `web` lost its acknowledgement time-out.
pub fn directory_later() -> Snapshot {
    let mut all = objects();
    all.retain(|object| !matches!(object, Object::Maintenance(_)));
    for object in &mut all {
        if let Object::Service(service) = object {
            service.disabled = false;
            service.acknowledgement_timeout = None;
        }
    }
    build(Epoch(2), 1, all).expect("the organisation of the scenarios is sound")
}
