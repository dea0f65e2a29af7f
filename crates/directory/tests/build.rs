//! Building: defaults, scopes, two grouping APIs with one truth, bounds of dependencies, unknown references.

use campanile_directory::policy::{Handoff, Policy, Rule, Strategy, Target};
use campanile_directory::urgency::Constant;
use campanile_directory::{
    BusinessDraft, DependencyDraft, Grouping, GroupingSetting, Kind, MaintenanceWindow, Object, Problem, ServiceDraft,
    Snapshot, Team, UrgencyRule, User, build, warnings,
};
use campanile_model::*;

const TIME: Grouping = Grouping::Time { window: None };
const SHARDS: u16 = 8;

fn user() -> Object {
    Object::User(User {
        id: UserId::new("PU"),
        name: "John Doe".into(),
        email: "john@example.com".into(),
        zone: None,
        role: Default::default(),
        job_title: "".into(),
        description: String::new(),
        teams: vec![],
        contact_methods: Vec::new(),
        notification_rules: Vec::new(),
        handoff_rules: Vec::new(),
    })
}

fn policy(teams: &[&str]) -> Object {
    let targets = vec![Target::User(UserId::new("PU"))];
    Object::Policy(Policy {
        id: PolicyId::new("PP"),
        name: "On call".into(),
        description: String::new(),
        loops: 0,
        handoff: Handoff::IfHasServices,
        rules: vec![Rule { id: None, delay: Span::minutes(1), targets, strategy: Strategy::AssignToEveryone }],
        teams: teams.iter().map(TeamId::new).collect(),
    })
}

fn service(id: &str, grouping: Option<Grouping>) -> Object {
    Object::Service(Box::new(ServiceDraft {
        id: ServiceId::new(id),
        name: format!("service {id}").into(),
        description: String::new(),
        disabled: false,
        policy: PolicyId::new("PP"),
        teams: vec![],
        integrations: vec![],
        grouping,
        urgency_rule: UrgencyRule::Constant(Constant::High),
        support_hours: None,
        urgency_raised_at: None,
        auto_resolve: None,
        acknowledgement_timeout: None,
        priority_by_severity: [None, None, None, Some("P1".into())],
    }))
}

fn setting(services: &[&str]) -> Object {
    Object::Grouping(GroupingSetting {
        id: GroupingId::new("PG"),
        name: "joined".into(),
        description: String::new(),
        grouping: TIME,
        services: services.iter().map(ServiceId::new).collect(),
    })
}

fn window(id: &str, start: i64, services: &[&str]) -> Object {
    Object::Maintenance(MaintenanceWindow {
        id: MaintenanceId::new(id),
        start: Timestamp(start),
        end: Timestamp(start + 10),
        description: String::new(),
        services: services.iter().map(ServiceId::new).collect(),
    })
}

fn business(id: usize, depends_on: &[&str]) -> Object {
    Object::Business(BusinessDraft {
        id: BusinessServiceId::new(format!("PB{id}")),
        name: format!("business {id}").into(),
        description: String::new(),
        point_of_contact: String::new(),
        team: None,
        depends_on: depends_on.iter().map(|to| DependencyDraft { kind: None, id_or_name: (*to).into() }).collect(),
    })
}

fn built(objects: Vec<Object>) -> Result<Snapshot, Vec<Problem>> {
    build(Epoch(3), SHARDS, objects.into_iter().chain([user()]))
}

#[track_caller]
fn check(objects: Vec<Object>, expected: &[(&str, &str)]) {
    let problems = built(objects).expect_err("the mistake must be found");
    let found: Vec<_> = problems.iter().map(|it| (it.path.as_str(), it.message.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_directory_without_priorities_has_p1_to_p5() {
    let snapshot = built(vec![policy(&[]), service("PS", None)]).expect("sound");
    let names: Vec<_> = snapshot.priorities().iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["P1", "P2", "P3", "P4", "P5"]);
    let service = snapshot.service("PS").expect("built");
    assert_eq!(service.priority(Severity::Critical), snapshot.priority("P1"));
    assert_eq!(service.priority(Severity::Info), None);
    assert_eq!(snapshot.epoch, Epoch(3));
}

#[test]
fn a_service_without_teams_belongs_to_its_policys() {
    let team = Team { id: TeamId::new("PT"), name: "Platform".into(), description: String::new(), parent: None };
    let snapshot = built(vec![Object::Team(team), policy(&["PT"]), service("PS", None)]).expect("sound");
    assert_eq!(snapshot.service("PS").expect("built").teams, [TeamId::new("PT")]);
    assert_eq!(snapshot.service("PS").expect("built").policy_name, "On call");
}

#[test]
fn services_of_one_setting_share_scope_and_home() {
    let objects =
        vec![policy(&[]), service("PS1", None), service("PS2", None), service("PS3", None), setting(&["PS1", "PS2"])];
    let snapshot = built(objects).expect("sound");
    let of = |id: &str| {
        let service = snapshot.service(id).expect("built");
        assert_eq!(service.home, snapshot.home(&service.scope));
        (service.scope.as_str().to_owned(), service.grouping.clone())
    };
    assert_eq!(of("PS1"), ("PG".to_owned(), Some(TIME)));
    assert_eq!(of("PS2"), ("PG".to_owned(), Some(TIME)));
    assert_eq!(of("PS3"), ("PS3".to_owned(), None));
}

#[test]
fn a_setting_of_one_service_groups_it_where_it_is() {
    let snapshot = built(vec![policy(&[]), service("PS", None), setting(&["PS"])]).expect("sound");
    let service = snapshot.service("PS").expect("built");
    assert_eq!((service.scope.as_str(), &service.grouping), ("PS", &Some(TIME)));
}

#[test]
fn parameters_on_a_service_take_it_out_of_the_setting_unless_they_say_the_same() {
    let other = Grouping::Time { window: Some(Span::minutes(5)) };
    let objects =
        vec![policy(&[]), service("PS1", Some(other.clone())), service("PS2", Some(TIME)), setting(&["PS1", "PS2"])];
    let warned: Vec<_> = warnings(&objects).into_iter().map(|it| (it.id, it.path)).collect();
    assert_eq!(warned, [("PS1".to_owned(), "/alert_grouping_parameters".to_owned())]);
    let snapshot = built(objects).expect("sound");
    let of = |id: &str| snapshot.service(id).map(|it| (it.scope.as_str(), it.grouping.clone())).expect("built");
    assert_eq!(of("PS1"), ("PS1", Some(other)));
    assert_eq!(of("PS2"), ("PG", Some(TIME)));
}

#[test]
fn windows_of_a_service_come_by_start() {
    let objects = vec![policy(&[]), service("PS", None), window("PM1", 50, &["PS"]), window("PM2", 20, &["PS", "PS"])];
    let snapshot = built(objects).expect("sound");
    let service = snapshot.service("PS").expect("built");
    let starts: Vec<_> = service.maintenance.iter().map(|it| it.start.0).collect();
    assert_eq!(starts, [20, 50]);
    assert!(service.maintenance_at(Timestamp(29)).is_some());
    assert!(service.maintenance_at(Timestamp(30)).is_none());
}

#[test]
fn every_unknown_reference_is_found_with_what_is_missing() {
    let objects = vec![policy(&["PTX"]), service("PS", None), window("PM", 0, &["PSX"]), setting(&["PS", "PSX"])];
    let problems = built(objects).expect_err("three are missing");
    let missing: Vec<_> = problems.iter().map(|it| (it.kind, it.path.as_str(), it.missing.clone())).collect();
    let service = || Some((Kind::Service, "PSX".to_owned()));
    assert_eq!(
        missing,
        [
            (Kind::Policy, "/teams/0/id", Some((Kind::Team, "PTX".to_owned()))),
            (Kind::Grouping, "/services/1/id", service()),
            (Kind::Maintenance, "/services/0/id", service()),
        ]
    );
}

#[test]
fn one_id_is_one_object_of_its_kind() {
    let (first, second) = (service("PS", None), service("PS", None));
    check(vec![policy(&[]), first, second], &[("", "two objects of kind service have this id")]);
}

#[test]
fn a_strange_id_is_refused() {
    check(vec![policy(&[]), service("P S", None)], &[("", "\"P S\" cannot be an id")]);
}

#[test]
fn dependencies_may_be_a_hundred_deep_and_no_deeper() {
    let chain = |depth: usize| {
        let mut objects = vec![policy(&[]), service("PS", None), business(depth, &["service PS"])];
        objects.extend((1..depth).map(|i| business(i, &[&format!("PB{}", i + 1)])));
        objects
    };
    assert!(built(chain(100)).is_ok());
    let problems = built(chain(101)).expect_err("one too deep");
    let messages: Vec<_> = problems.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(messages, ["dependencies are more than 100 deep"]);
    assert!(built(chain(5000)).is_err());
}

#[test]
fn a_business_service_may_not_stand_on_itself() {
    check(
        vec![business(1, &["business 1"])],
        &[("/depends_on/0", "services depend on each other in a circle: PB1 → PB1")],
    );
}

#[test]
fn a_team_may_not_be_part_of_itself() {
    let team = |id: &str, parent: &str| {
        let parent = Some(TeamId::new(parent));
        Object::Team(Team { id: TeamId::new(id), name: id.into(), description: String::new(), parent })
    };
    let message = "the team is part of itself";
    check(vec![team("PT1", "PT2"), team("PT2", "PT1")], &[("/parent/id", message), ("/parent/id", message)]);
}
