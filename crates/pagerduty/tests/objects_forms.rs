//! The seed's forms and PagerDuty's own are both taken, and say the same.

use campanile_directory::policy::Strategy;
use campanile_directory::schedule::Restriction;
use campanile_directory::{
    Aggregate, FieldPath, Grouping, GroupingSetting, Kind, Object, Policy, Schedule, ServiceDraft,
};
use campanile_model::Span;
use campanile_pagerduty::objects::{position_of, read, write};
use jiff::civil::{Weekday, time};
use proptest::prelude::{any, prop, prop_assert, proptest};

#[track_caller]
fn object(kind: Kind, text: &str) -> Object {
    match read(kind, "PID", text.as_bytes()) {
        Ok((object, _)) => object,
        Err(faults) => panic!("{}", faults.iter().map(|it| format!("{it}\n")).collect::<String>()),
    }
}

#[track_caller]
fn service(lines: &str) -> ServiceDraft {
    let text = format!("{{\"name\": \"api\", \"escalation_policy\": {{\"id\": \"PP\"}}{lines}}}");
    let Object::Service(service) = object(Kind::Service, &text) else { panic!("a service") };
    *service
}

#[track_caller]
fn grouping(parameters: &str) -> Option<Grouping> {
    service(&format!(", \"alert_grouping_parameters\": {parameters}")).grouping
}

#[track_caller]
fn setting(text: &str) -> GroupingSetting {
    let Object::Grouping(setting) = object(Kind::Grouping, text) else { panic!("a setting") };
    setting
}

#[track_caller]
fn policy(rule: &str) -> Policy {
    let text = format!("{{\"name\": \"p\", \"escalation_rules\": [{{\"escalation_delay_in_minutes\": 5, {rule}}}]}}");
    let Object::Policy(policy) = object(Kind::Policy, &text) else { panic!("a policy") };
    policy
}

#[track_caller]
fn schedule(layer: &str) -> Schedule {
    let text = format!(
        "{{\"name\": \"s\", \"time_zone\": \"UTC\", \"schedule_layers\": [{{\"start\": \"2024-01-01T00:00:00Z\", \
         \"rotation_turn_length_seconds\": 3600, \"users\": [{{\"id\": \"PU\"}}]{layer}}}]}}"
    );
    let Object::Schedule(schedule) = object(Kind::Schedule, &text) else { panic!("a schedule") };
    schedule
}

#[test]
fn an_object_is_read_bare_and_inside_its_wrapper() {
    let bare = r#"{"name": "Platform"}"#;
    let wrapped = r#"{"team": {"name": "Platform", "type": "team_reference", "id": "PID", "self": "https://…"}}"#;
    assert_eq!(object(Kind::Team, bare), object(Kind::Team, wrapped));
}

#[test]
fn intelligent_grouping_takes_the_seeds_fields_and_pagerdutys_iag_fields() {
    let seed = r#"{"type": "intelligent", "config": {"time_window": 300, "fields": ["source", "component", "class"]}}"#;
    let own =
        r#"{"type": "intelligent", "config": {"time_window": 300, "iag_fields": ["source", "component", "class"]}}"#;
    let fields = vec![FieldPath::Source, FieldPath::Component, FieldPath::Class];
    assert_eq!(grouping(seed), Some(Grouping::Intelligent { fields, window: Span::seconds(300) }));
    assert_eq!(grouping(seed), grouping(own));
    assert!(String::from_utf8(write(&object(Kind::Service, &format!(
        "{{\"name\": \"api\", \"escalation_policy\": {{\"id\": \"PP\"}}, \"alert_grouping_parameters\": {seed}}}"
    )))).is_ok_and(|text| text.contains("\"iag_fields\"") && !text.contains("\"fields\"")));
}

#[test]
fn a_summary_alone_is_pagerdutys_way_of_saying_no_field() {
    let written = r#"{"type": "intelligent", "config": {"iag_fields": ["summary"]}}"#;
    assert_eq!(grouping(written), grouping(r#"{"type": "intelligent"}"#));
}

#[test]
fn a_timeout_is_minutes_on_a_service_and_seconds_in_a_setting() {
    let on_service = grouping(r#"{"type": "time", "config": {"timeout": 2}}"#);
    let in_setting = setting(r#"{"type": "time", "config": {"timeout": 120}, "services": [{"id": "PS"}]}"#);
    assert_eq!(on_service, Some(Grouping::Time { window: Some(Span::minutes(2)) }));
    assert_eq!(on_service, Some(in_setting.grouping));
}

#[test]
fn a_timeout_of_zero_or_none_lasts_until_resolved() {
    for config in [r#"{"timeout": 0}"#, "{}", "null"] {
        let written = format!(r#"{{"type": "time", "config": {config}}}"#);
        assert_eq!(grouping(&written), Some(Grouping::Time { window: None }), "{config}");
    }
}

#[test]
fn grouping_of_null_and_of_type_null_is_none() {
    assert_eq!(grouping("null"), None);
    assert_eq!(grouping(r#"{"type": null, "config": null}"#), None);
}

#[test]
fn nulls_of_other_types_in_an_exported_config_are_passed_over() {
    let exported = r#"{"type": "content_based", "config": {"aggregate": "any", "fields": ["custom_details.host.name"],
        "time_window": 86400, "recommended_time_window": 300, "timeout": null, "iag_fields": null}}"#;
    let fields = vec![FieldPath::Details(vec!["host".into(), "name".into()])];
    let window = Span::hours(24);
    assert_eq!(grouping(exported), Some(Grouping::Content { aggregate: Aggregate::Any, fields, window }));
}

#[test]
fn timeouts_that_are_absent_null_or_zero_are_off() {
    for lines in ["", ", \"auto_resolve_timeout\": null", ", \"auto_resolve_timeout\": 0"] {
        assert_eq!(service(lines).auto_resolve, None, "{lines}");
    }
    assert_eq!(service(", \"auto_resolve_timeout\": 1").auto_resolve, Some(Span::seconds(1)));
}

#[test]
fn only_disabled_is_a_status_of_the_writers() {
    for (status, disabled) in [("active", false), ("critical", false), ("maintenance", false), ("disabled", true)] {
        assert_eq!(service(&format!(", \"status\": \"{status}\"")).disabled, disabled, "{status}");
    }
}

#[test]
fn a_strategy_is_a_word_or_an_object() {
    let rule = |strategy: &str| {
        let rule = format!(
            "\"targets\": [{{\"id\": \"PU\", \"type\": \"user\"}}], \"escalation_rule_assignment_strategy\": {strategy}"
        );
        policy(&rule).rules[0].strategy
    };
    assert_eq!(rule("\"round_robin\""), Strategy::RoundRobin);
    assert_eq!(rule("{\"type\": \"round_robin\"}"), Strategy::RoundRobin);
    assert_eq!(rule("null"), Strategy::AssignToEveryone);
}

#[test]
fn a_virtual_start_is_read_in_gos_print_form_too() {
    let own = schedule(", \"rotation_virtual_start\": \"2024-01-01T09:00:00-05:00\"");
    let go = schedule(", \"rotation_virtual_start\": \"2024-01-01 09:00:00 -0500 EST\"");
    assert_eq!(own, go);
    let absent = schedule("");
    assert_eq!(absent.layers[0].rotation_virtual_start, absent.layers[0].start);
}

#[test]
fn a_weekly_restriction_keeps_its_day() {
    let schedule = schedule(
        ", \"restrictions\": [{\"type\": \"weekly_restriction\", \"start_day_of_week\": 7, \
         \"start_time_of_day\": \"09:00:00\", \"duration_seconds\": 60}]",
    );
    let weekly = Restriction::Weekly { day: Weekday::Sunday, start: time(9, 0, 0, 0), duration: Span::minutes(1) };
    assert_eq!(schedule.layers[0].restrictions, [weekly]);
}

#[test]
fn read_only_keys_of_pagerdutys_answers_are_passed_over_in_silence() {
    let exported = r#"{"service": {"id": "PID", "type": "service", "summary": "api", "self": "https://x", "html_url": "https://x",
        "name": "api", "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "status": "warning",
        "last_incident_timestamp": null, "addons": [], "alert_grouping": null, "alert_grouping_timeout": null,
        "response_play": null, "teams": [], "scheduled_actions": [], "support_hours": null,
        "auto_pause_notifications_parameters": {"enabled": false, "timeout": 0},
        "escalation_policy": {"id": "PP", "type": "escalation_policy_reference", "summary": "p", "self": "https://x"}}}"#;
    let (_, warnings) = read(Kind::Service, "PID", exported.as_bytes()).expect("an export is sound");
    assert_eq!(warnings, []);
}

#[test]
fn positions_are_found_with_and_without_the_wrapper() {
    let bytes = "{\"service\": {\n  \"näme\": \"x\", \"teams\": [\n    {\"id\": \"PT\"}]}}".as_bytes();
    for (path, place) in [
        ("", (1, 13)),
        ("/teams", (2, 25)),
        ("/service/teams/0/id", (3, 12)),
        ("/teams/0/id", (3, 12)),
        ("/teams/7/id", (2, 25)),
        ("/nowhere", (1, 13)),
    ] {
        assert_eq!(position_of(bytes, path), place, "{path}");
    }
}

#[test]
fn escapes_are_read_as_json_means_them() {
    let text = r#"{"name": "\u00e9\n\"\ud83d\ude00\/"}"#;
    let Object::Team(team) = object(Kind::Team, text) else { panic!("a team") };
    assert_eq!(team.name, "é\n\"😀/");
    for broken in [r#"{"name": "\ud83d"}"#, r#"{"name": "\x"}"#, r#"{"name": "\u12"}"#, "{\"name\": 01}", "{", ""] {
        assert!(read(Kind::Team, "PID", broken.as_bytes()).is_err(), "{broken}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for kind in Kind::ALL {
            let _any = read(kind, "PID", &bytes);
        }
    }

    /// Near misses reach deeper than noise: the seed's schedule with a few characters changed.
    #[test]
    fn no_change_of_a_sound_object_makes_reading_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), select_piece()), 1..4),
    ) {
        let mut text = include_str!("objects_seed/schedule.json").to_owned();
        for (at, piece) in changes {
            let at = at.index(text.len());
            if text.is_char_boundary(at) && text.is_char_boundary(at + 1) {
                text.replace_range(at..=at, piece);
            }
        }
        if let Err(faults) = read(Kind::Schedule, "PID", text.as_bytes()) {
            prop_assert!(faults.iter().all(|fault| fault.line >= 1 && fault.column >= 1 && fault.offset <= text.len()));
        }
    }
}

fn select_piece() -> impl prop::strategy::Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "{", "}", "[", "]", "\"", ",", ":", "null", "-1", "é", "\\", "\n", "0", "[]", "{}"])
}
