//! Every mistake names its file, line and column, says what is allowed and what to do.

use campanile_model::Epoch;
use campanile_pagerduty::objects::{Diagnostic, File, Known, load};

const POLICY: &str = r#"{"name": "On call", "escalation_rules": [
  {"escalation_delay_in_minutes": 5, "targets": [{"id": "PUSER01", "type": "user_reference"}]}
]}"#;
const USER: &str = r#"{"name": "John Doe", "email": "john@example.com"}"#;
const SERVICE: &str = r#"{"service": {
  "name": "api-gateway",
  "escalation_policy": {"id": "PPOLICY1", "type": "escalation_policy_reference"}
}}"#;

/// The small directory that each test spoils, with these files put in or replaced.
fn load_with(changes: &[(&str, &str)]) -> Result<(), Vec<Diagnostic>> {
    let base =
        [("escalation_policies/PPOLICY1.json", POLICY), ("users/PUSER01.json", USER), ("services/PAPI.json", SERVICE)];
    let kept = base.iter().filter(|(path, _)| !changes.iter().any(|(changed, _)| changed == path));
    let mut files = Vec::new();
    for (path, text) in kept.chain(changes) {
        files.extend(File::new(path, text.as_bytes().to_vec()).map_err(|refusal| vec![refusal])?);
    }
    let mut draws = 0;
    let mut entropy = || {
        draws += 1;
        [draws; 16]
    };
    load(&files, Known::NOTHING, &mut entropy, Epoch(1), 16).map(|_| ())
}

#[track_caller]
fn check(changes: &[(&str, &str)], expected: &str) {
    let found = load_with(changes).expect_err("the mistake must be found");
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found.join("\n"), expected);
}

/// A service with these lines beside what every service needs.
fn service(lines: &str) -> String {
    format!("{{\n  \"name\": \"cdn-edge\",\n  \"escalation_policy\": {{\"id\": \"PPOLICY1\"}},\n{lines}\n}}")
}

#[track_caller]
fn check_service(lines: &str, expected: &str) {
    check(&[("services/PCDN.json", &service(lines))], expected);
}

#[test]
fn the_directory_is_sound_until_a_test_spoils_it() {
    assert_eq!(load_with(&[]), Ok(()));
}

#[test]
fn a_missing_comma_is_shown_where_reading_stopped() {
    check_service(
        "  \"status\": \"active\"\n  \"teams\": []",
        "services/PCDN.json:5:3: expected a comma or '}', found '\"'\n\
         \x20 help: a comma stands between two entries; look at the end of the line above too",
    );
}

#[test]
fn a_comment_is_not_json() {
    check_service(
        "  // on call since May\n  \"teams\": []",
        "services/PCDN.json:4:3: expected a key, found '/'\n\
         \x20 help: JSON has no comments",
    );
}

#[test]
fn a_string_that_never_ends_is_shown_at_its_beginning() {
    check(
        &[("users/PUSER01.json", "{\"name\": \"John}")],
        "users/PUSER01.json:1:10: the string that begins here never ends\n\
         \x20 help: close its quotes",
    );
}

#[test]
fn a_key_that_comes_twice_is_refused() {
    check_service(
        "  \"teams\": [],\n  \"teams\": []",
        "services/PCDN.json:5:3: key \"teams\" comes twice in one object\n\
         \x20 help: keep one of the two",
    );
}

#[test]
fn an_unknown_key_gets_the_nearest_known_one() {
    check_service(
        "  \"auto_resolve_timout\": 14400",
        "services/PCDN.json:4:3: unknown service key \"auto_resolve_timout\" (did you mean \"auto_resolve_timeout\"?)\n\
         \x20 help: keys are name, description, status, escalation_policy, teams, alert_creation, alert_grouping_parameters, incident_urgency_rule, support_hours, scheduled_actions, auto_resolve_timeout, acknowledgement_timeout, integrations, priority_by_severity, auto_pause_notifications_parameters",
    );
}

#[test]
fn a_value_of_the_wrong_type_says_which_is_wanted() {
    check_service(
        "  \"acknowledgement_timeout\": \"1800\"",
        "services/PCDN.json:4:30: \"acknowledgement_timeout\" must be a whole number, and is a string\n\
         \x20 help: write a whole number here",
    );
}

#[test]
fn a_word_outside_a_closed_set_gets_the_set() {
    check_service(
        "  \"alert_grouping_parameters\": {\"type\": \"inteligent\"}",
        "services/PCDN.json:4:41: \"type\" cannot be \"inteligent\" (did you mean \"intelligent\"?)\n\
         \x20 help: allowed are time, content_based, intelligent, content_based_intelligent",
    );
}

#[test]
fn an_unknown_policy_gets_the_nearest_id() {
    let text = SERVICE.replace("PPOLICY1", "PPOLICI1");
    check(
        &[("services/PAPI.json", &text)],
        "services/PAPI.json:3:31: unknown escalation policy \"PPOLICI1\" (did you mean \"PPOLICY1\"?)\n\
         \x20 help: use one of PPOLICY1, or add escalation_policies/PPOLICI1.json",
    );
}

#[test]
fn a_reference_by_name_is_told_the_id() {
    let text = SERVICE.replace("PPOLICY1", "On call");
    check(
        &[("services/PAPI.json", &text)],
        "services/PAPI.json:3:31: unknown escalation policy \"On call\"\n\
         \x20 help: a reference takes the id, which is \"PPOLICY1\"",
    );
}

#[test]
fn a_reference_of_the_wrong_kind_is_told_the_right_one() {
    let text = SERVICE.replace("escalation_policy_reference", "user_reference");
    check(
        &[("services/PAPI.json", &text)],
        "services/PAPI.json:3:51: a reference of type \"user_reference\" cannot stand here\n\
         \x20 help: allowed are escalation_policy_reference",
    );
}

#[test]
fn an_unknown_target_is_found_inside_its_rule() {
    let text = POLICY.replace("PUSER01", "PUSER02");
    check(
        &[("escalation_policies/PPOLICY1.json", &text)],
        "escalation_policies/PPOLICY1.json:2:57: unknown user \"PUSER02\" (did you mean \"PUSER01\"?)\n\
         \x20 help: use one of PUSER01, or add users/PUSER02.json",
    );
}

#[test]
fn an_integration_key_of_another_service_is_refused() {
    let lines = |name: &str| {
        format!(
            "{{\"name\": \"{name}\", \"escalation_policy\": {{\"id\": \"PPOLICY1\"}},\n \"integrations\": [\n  \
             {{\"name\": \"Prometheus\", \"integration_key\": \"0123456789abcdef0123456789abcdef\"}}]}}"
        )
    };
    check(
        &[("services/PCDN1.json", &lines("cdn-1")), ("services/PCDN2.json", &lines("cdn-2"))],
        "services/PCDN2.json:3:45: integration key 0123456789abcdef0123456789abcdef is already a key of service PCDN1\n\
         \x20 help: leave integration_key out to have a new one minted",
    );
}

#[test]
fn an_integration_key_of_the_wrong_form_is_refused() {
    check_service(
        "  \"integrations\": [{\"name\": \"Nagios\", \"integration_key\": \"short\"}]",
        "services/PCDN.json:4:58: \"short\" is not an integration key\n\
         \x20 help: a key has exactly 32 letters and digits; leave integration_key out to have one minted",
    );
}

#[test]
fn two_integrations_of_one_name_need_ids() {
    check_service(
        "  \"integrations\": [\n    {\"name\": \"Nagios\"},\n    {\"name\": \"Nagios\"}]",
        "services/PCDN.json:6:5: integration P6M2R3WQGFZ73S is on service PCDN too\n\
         \x20 help: give each integration a name of its own, or an id",
    );
}

#[test]
fn a_service_name_is_unique() {
    check(
        &[("services/PCDN.json", &service("  \"teams\": []").replace("cdn-edge", "api-gateway"))],
        "services/PCDN.json:2:11: Name has already been taken: service PAPI is called \"api-gateway\" too\n\
         \x20 help: give this service another name",
    );
}

#[test]
fn a_grouping_window_has_bounds() {
    check_service(
        "  \"alert_grouping_parameters\": {\"type\": \"content_based\", \"config\": {\n    \
         \"fields\": [\"class\"], \"time_window\": 60}}",
        "services/PCDN.json:5:41: time_window of 60 seconds is out of range\n\
         \x20 help: allowed are 300 to 3600 seconds, or exactly 86400",
    );
}

#[test]
fn a_time_out_is_told_its_bounds_in_the_unit_it_was_written_in() {
    check_service(
        "  \"alert_grouping_parameters\": {\"type\": \"time\", \"config\": {\"timeout\": 1441}}",
        "services/PCDN.json:4:71: timeout of 1441 minutes is out of range\n\
         \x20 help: allowed are 1 to 1440 minutes, or 0 for until resolved",
    );
}

#[test]
fn a_weekly_restriction_without_its_day_is_refused() {
    check(
        &[(
            "schedules/PS.json",
            "{\"name\": \"Weekly\", \"time_zone\": \"UTC\", \"schedule_layers\": [{\n  \
             \"start\": \"2026-01-01T00:00:00Z\", \"rotation_turn_length_seconds\": 604800,\n  \
             \"users\": [{\"user\": {\"id\": \"PUSER01\"}}], \"restrictions\": [\n  \
             {\"type\": \"weekly_restriction\", \"start_time_of_day\": \"9 am\", \"duration_seconds\": 3600}]}]}",
        )],
        "schedules/PS.json:4:3: \"start_day_of_week\" is missing\n\
         \x20 help: a weekly restriction needs its day, from 1 (Monday) to 7 (Sunday)\n\
         schedules/PS.json:4:55: \"start_time_of_day\" of \"9 am\" is not a time of day\n\
         \x20 help: a time of day is HH:MM:SS, from 00:00:00 to 23:59:59",
    );
}

#[test]
fn an_object_too_large_for_a_record_is_refused() {
    let text = format!("{{\"name\": \"{}\"}}", "y".repeat(1_000_000));
    check(&[("teams/PT.json", &text)], "teams/PT.json:1:1: object of 1000012 bytes exceeds the limit of 1000000 bytes");
}

#[test]
fn an_unknown_grouping_field_gets_the_nearest_one() {
    check_service(
        "  \"alert_grouping_parameters\": {\"type\": \"intelligent\", \"config\": {\"fields\": [\"componet\"]}}",
        "services/PCDN.json:4:78: unknown field \"componet\" (did you mean \"component\"?)\n\
         \x20 help: fields are summary, source, severity, component, group, class, and custom_details.… with the path to a detail",
    );
}

#[test]
fn a_key_of_another_type_of_grouping_is_refused() {
    check_service(
        "  \"alert_grouping_parameters\": {\"type\": \"time\", \"config\": {\"time_window\": 600}}",
        "services/PCDN.json:4:75: \"time_window\" has no meaning in a grouping of type time\n\
         \x20 help: keys of this type are timeout",
    );
}

#[test]
fn business_services_may_not_depend_on_each_other_in_a_circle() {
    let portal = "{\"name\": \"Portal\",\n \"depends_on\": [\"api-gateway\", \"Payments\"]}";
    let payments = "{\"name\": \"Payments\", \"depends_on\": [\"Portal\"]}";
    check(
        &[("business_services/PB1.json", portal), ("business_services/PB2.json", payments)],
        "business_services/PB2.json:1:37: services depend on each other in a circle: PB1 → PB2 → PB1\n\
         \x20 help: remove this dependency, or another one on the way",
    );
}

#[test]
fn an_unknown_dependency_gets_the_nearest_name() {
    check(
        &[("business_services/PB1.json", "{\"name\": \"Portal\", \"depends_on\": [\"api-gatway\"]}")],
        "business_services/PB1.json:1:35: unknown service \"api-gatway\" (did you mean \"api-gateway\"?)\n\
         \x20 help: name a service or a business service of this directory, by id or by name",
    );
}

#[test]
fn an_unknown_folder_gets_the_nearest_kind() {
    check(
        &[("service/PCDN.json", "{}")],
        "service/PCDN.json:1:1: unknown kind of object \"service\" (did you mean \"services\"?)\n\
         \x20 help: folders are priorities, teams, users, schedules, escalation_policies, services, alert_grouping_settings, maintenance_windows, business_services, webhook_subscriptions",
    );
}

#[test]
fn a_file_outside_any_kind_is_told_where_to_go() {
    check(
        &[("PCDN.json", "{}")],
        "PCDN.json:1:1: an object's file lies in the folder of its kind\n\
         \x20 help: move it to <kind>/<ID>.json, such as services/PAPIGW1.json",
    );
}

#[test]
fn an_object_in_the_folder_of_another_kind_is_refused() {
    check(
        &[("teams/PTEAM.json", "{\"user\": {\"name\": \"Platform\"}}")],
        "teams/PTEAM.json:1:1: found \"user\" where \"team\" belongs\n\
         \x20 help: write {\"team\": …}, or the object without a wrapper, or move it to its own kind",
    );
}

#[test]
fn an_unknown_time_zone_gets_the_nearest_one() {
    check(
        &[(
            "schedules/PS.json",
            "{\"name\": \"Weekly\",\n \"time_zone\": \"America/New_Yrok\", \"schedule_layers\": []}",
        )],
        "schedules/PS.json:2:15: unknown time zone \"America/New_Yrok\" (did you mean \"America/New_York\"?)\n\
         \x20 help: use a name of the IANA database, such as UTC, America/New_York or Europe/Berlin",
    );
}

#[test]
fn a_window_that_ends_before_it_starts_is_refused() {
    check(
        &[(
            "maintenance_windows/PM.json",
            "{\"services\": [{\"id\": \"PAPI\"}],\n \"start_time\": \"2026-01-02T20:00:00-05:00\",\n \
             \"end_time\": \"2026-01-02T19:00:00-05:00\"}",
        )],
        "maintenance_windows/PM.json:3:14: the window ends before it starts\n\
         \x20 help: its start is 2026-01-03T01:00:00Z; both are instants with an offset",
    );
}

#[test]
fn an_instant_needs_its_offset() {
    check(
        &[(
            "maintenance_windows/PM.json",
            "{\"services\": [{\"id\": \"PAPI\"}], \"start_time\": \"2026-01-02T20:00:00\",\n \
             \"end_time\": \"2026-01-03T19:00:00Z\"}",
        )],
        "maintenance_windows/PM.json:1:46: \"start_time\" of \"2026-01-02T20:00:00\" is not an instant\n\
         \x20 help: write date, time and offset, like 2024-01-01T09:00:00-05:00 or 2024-01-01T14:00:00Z",
    );
}

#[test]
fn support_hours_end_after_they_start() {
    check_service(
        "  \"incident_urgency_rule\": {\"type\": \"use_support_hours\",\n    \
         \"during_support_hours\": {\"type\": \"constant\", \"urgency\": \"high\"},\n    \
         \"outside_support_hours\": {\"type\": \"constant\", \"urgency\": \"low\"}},\n  \
         \"support_hours\": {\"type\": \"fixed_time_per_day\", \"time_zone\": \"Europe/Berlin\",\n    \
         \"days_of_week\": [1], \"start_time\": \"17:00:00\", \"end_time\": \"09:00:00\"}",
        "services/PCDN.json:8:64: support hours end at 09:00:00 before they start at 17:00:00\n\
         \x20 help: both times are of one day; hours over midnight are the outside of the opposite hours",
    );
}

#[test]
fn a_rule_of_support_hours_needs_support_hours() {
    check_service(
        "  \"incident_urgency_rule\": {\"type\": \"use_support_hours\",\n    \
         \"during_support_hours\": {\"type\": \"constant\", \"urgency\": \"high\"},\n    \
         \"outside_support_hours\": {\"type\": \"constant\", \"urgency\": \"low\"}}",
        "services/PCDN.json:4:37: use_support_hours needs support_hours, and the service has none\n\
         \x20 help: add support_hours, or use a constant urgency",
    );
}

#[test]
fn a_rule_with_several_targets_waits_five_minutes_at_least() {
    let text = POLICY
        .replace(": 5,", ": 4,")
        .replace("[{\"id\"", "[{\"id\": \"PUSER01\", \"type\": \"user_reference\"}, {\"id\"");
    check(
        &[("escalation_policies/PPOLICY1.json", &text)],
        "escalation_policies/PPOLICY1.json:2:35: escalation_delay_in_minutes of 4 minutes is out of range\n\
         \x20 help: allowed are 5 to 43200 minutes, for the rule has several targets",
    );
}

#[test]
fn an_unknown_priority_gets_the_list() {
    check_service(
        "  \"priority_by_severity\": {\"critical\": \"P0\"}",
        "services/PCDN.json:4:40: unknown priority \"P0\"\n\
         \x20 help: priorities are P1, P2, P3, P4, P5; a name or an id will do",
    );
}

#[test]
fn a_service_is_in_one_grouping_setting_at_most() {
    let setting = "{\"type\": \"time\", \"services\": [{\"id\": \"PAPI\"}]}";
    let settings = [("alert_grouping_settings/PG1.json", setting), ("alert_grouping_settings/PG2.json", setting)];
    check(
        &settings,
        "alert_grouping_settings/PG2.json:1:38: service PAPI is already in setting PG1\n\
         \x20 help: a service is in one grouping setting at most",
    );
}

#[test]
fn an_id_inside_the_file_agrees_with_its_name() {
    check_service(
        "  \"id\": \"PEDGE\"",
        "services/PCDN.json:4:9: the object calls itself \"PEDGE\", and is stored as \"PCDN\"\n\
         \x20 help: make file name and id the same, or leave the id out",
    );
}

#[test]
fn all_mistakes_are_told_at_once() {
    let cdn = service("  \"statuss\": \"active\",\n  \"description\": 7");
    let user = "{\"name\": \"\", \"email\": \"nobody\"}";
    check(
        &[("services/PCDN.json", &cdn), ("users/PUSER09.json", user)],
        "services/PCDN.json:4:3: unknown service key \"statuss\" (did you mean \"status\"?)\n\
         \x20 help: keys are name, description, status, escalation_policy, teams, alert_creation, alert_grouping_parameters, incident_urgency_rule, support_hours, scheduled_actions, auto_resolve_timeout, acknowledgement_timeout, integrations, priority_by_severity, auto_pause_notifications_parameters\n\
         services/PCDN.json:5:18: \"description\" must be a string, and is a number\n\
         \x20 help: write a string here\n\
         users/PUSER09.json:1:10: name is blank\n\
         \x20 help: give the user a name\n\
         users/PUSER09.json:1:23: \"nobody\" is not an e-mail address\n\
         \x20 help: an address is name@host, 6 to 100 characters",
    );
}

#[test]
fn a_file_that_cannot_be_read_does_not_make_its_referrers_wrong() {
    check(
        &[("escalation_policies/PPOLICY1.json", "{\"name\" \"On call\"}")],
        "escalation_policies/PPOLICY1.json:1:9: expected a colon after \"name\", found '\"'\n\
         \x20 help: a colon stands between key and value",
    );
}
