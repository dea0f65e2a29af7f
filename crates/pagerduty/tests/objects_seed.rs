//! The seed's service, policy and schedule load exactly as it prints them, and so does the organisation around them.

use std::fs;
use std::path::Path;

use campanile_directory::schedule::Restriction;
use campanile_directory::urgency::Constant;
use campanile_directory::{Dependency, Grouping, Kind, Object, UrgencyRule, mint};
use campanile_model::{Epoch, Severity, Span, Timestamp, Urgency};
use campanile_oncall::Window;
use campanile_pagerduty::objects::{File, Known, Loaded, load, read, snapshot_from_records};
use jiff::civil::time;

const SERVICE: &str = include_str!("objects_seed/service.json");
const POLICY: &str = include_str!("objects_seed/escalation_policy.json");
const SCHEDULE: &str = include_str!("objects_seed/schedule.json");

/// Shards of the ledger in these tests.
const SHARDS: u16 = 16;

fn example() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/seed-organisation");
    let mut files = Vec::new();
    for folder in fs::read_dir(&root).expect("the example is in the repository").map(|entry| entry.expect("readable")) {
        if !folder.path().is_dir() {
            continue;
        }
        for entry in fs::read_dir(folder.path()).expect("readable").map(|entry| entry.expect("readable")) {
            let path = entry.path();
            let name = path.strip_prefix(&root).expect("inside the root").to_str().expect("UTF-8").to_owned();
            files.extend(File::new(&name, fs::read(&path).expect("readable")).expect("a sound path"));
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

fn loaded() -> Loaded {
    let no_entropy = &mut || -> [u8; 16] { panic!("every key of the example is pinned") };
    match load(&example(), Known::NOTHING, no_entropy, Epoch(1), SHARDS) {
        Ok(loaded) => loaded,
        Err(refusals) => panic!("{}", refusals.iter().map(|it| format!("{it}\n")).collect::<String>()),
    }
}

#[test]
fn the_seeds_service_reads_as_printed() {
    let (object, warnings) = read(Kind::Service, "PXXXXXX", SERVICE.as_bytes()).expect("the seed's service is sound");
    let Object::Service(service) = object else { panic!("a service") };
    assert_eq!(warnings, []);
    assert_eq!((service.name.as_str(), service.description.as_str()), ("production-api", "Production API Service"));
    assert!(!service.disabled);
    assert_eq!(service.policy.as_str(), "PXXXXXX");
    assert_eq!(service.grouping, Some(Grouping::Intelligent { fields: vec![], window: Span::seconds(300) }));
    let rule = UrgencyRule::UseSupportHours { during: Constant::High, outside: Constant::Low };
    assert_eq!(service.urgency_rule, rule);
    let hours = service.support_hours.as_ref().expect("support hours");
    assert_eq!(hours.zone.iana_name(), Some("America/New_York"));
    assert_eq!(hours.days, [true, true, true, true, true, false, false]);
    assert_eq!((hours.start, hours.end), (time(9, 0, 0, 0), time(17, 0, 0, 0)));
    assert_eq!(service.auto_resolve, Some(Span::seconds(14_400)));
    assert_eq!(service.acknowledgement_timeout, Some(Span::seconds(1800)));
}

#[test]
fn the_seeds_policy_reads_as_printed() {
    let (object, warnings) = read(Kind::Policy, "PXXXXXX", POLICY.as_bytes()).expect("the seed's policy is sound");
    let Object::Policy(policy) = object else { panic!("a policy") };
    assert_eq!(warnings, []);
    assert_eq!((policy.name.as_str(), policy.loops), ("Production On-Call", 2));
    let rules: Vec<_> = policy.rules.iter().map(|rule| (rule.delay, rule.targets.len())).collect();
    assert_eq!(rules, [(Span::minutes(5), 1), (Span::minutes(15), 2), (Span::minutes(30), 1)]);
}

#[test]
fn the_seeds_schedule_reads_as_printed_and_warns_of_the_day() {
    let (object, warnings) =
        read(Kind::Schedule, "PXXXXXX", SCHEDULE.as_bytes()).expect("the seed's schedule is sound");
    let Object::Schedule(schedule) = object else { panic!("a schedule") };
    let warned: Vec<_> = warnings.iter().map(|warning| warning.path.as_str()).collect();
    assert_eq!(warned, ["/schedule_layers/0/restrictions/0/start_day_of_week"]);
    let [layer] = schedule.layers.as_slice() else { panic!("one layer") };
    assert_eq!(layer.start.to_string(), "2024-01-01T05:00:00.000Z");
    assert_eq!(layer.rotation_virtual_start.to_string(), "2024-01-01T14:00:00.000Z");
    assert_eq!(layer.turn, Span::hours(7 * 24));
    assert_eq!(
        layer.users.iter().map(|user| user.as_str()).collect::<Vec<_>>(),
        ["PUSER01", "PUSER02", "PUSER03", "PUSER04"]
    );
    let daily = Restriction::Daily { start: time(9, 0, 0, 0), duration: Span::hours(9) };
    assert_eq!(layer.restrictions, [daily]);
}

#[test]
fn the_seeds_schedule_covers_three_eighths_of_its_first_level() {
    let snapshot = loaded().snapshot;
    let roster = snapshot.roster("PXXXXXX").expect("the seed's schedule");
    let at = |text: &str| Timestamp(text.parse::<jiff::Timestamp>().expect("an instant").as_millisecond());
    let fortnight = Window { start: at("2026-11-24T00:00:00-05:00"), end: at("2026-12-08T00:00:00-05:00") };
    assert_eq!(roster.coverage(fortnight).percent(), 37.5);
    assert_eq!(roster.layer_coverage(0, fortnight).percent(), 37.5);
    let on_call = |text: &str| roster.on_call(at(text)).map(|user| user.as_str());
    assert_eq!(on_call("2024-01-01T09:00:00-05:00"), Some("PUSER01"));
    assert_eq!(on_call("2024-01-01T18:00:00-05:00"), None);
    // The 152nd week: 152 is 38 times round, so the first user's again.
    assert_eq!(on_call("2026-11-30T09:00:00-05:00"), Some("PUSER01"));
}

#[test]
fn overrides_read_as_pagerduty_answers_and_the_last_of_the_list_counts() {
    let overrides = r#""overrides": [
        {"id": "Q1", "start": "2026-11-26T08:00:00-05:00", "end": "2026-11-26T20:00:00-05:00",
         "user": {"id": "PUSER02", "type": "user_reference", "summary": "Two", "self": null, "html_url": null}},
        {"start": "2026-11-26T12:00:00Z", "end": "2026-11-26T14:00:00Z", "time_zone": "UTC",
         "user": {"id": "PUSER03", "type": "user_reference"}}]"#;
    let text = SCHEDULE.replace(r#""overrides": []"#, overrides);
    let (object, _) = read(Kind::Schedule, "PXXXXXX", text.as_bytes()).expect("sound");
    let Object::Schedule(schedule) = object else { panic!("a schedule") };
    let roster = schedule.roster();
    let on_call = |text: &str| {
        let at = text.parse::<jiff::Timestamp>().expect("an instant").as_millisecond();
        roster.on_call(Timestamp(at)).map(|user| user.as_str())
    };
    assert_eq!(on_call("2026-11-26T12:59:59Z"), Some("PUSER03"));
    assert_eq!(on_call("2026-11-26T13:59:59Z"), Some("PUSER03"));
    assert_eq!(on_call("2026-11-26T14:00:00Z"), Some("PUSER02"));
    assert_eq!(on_call("2026-11-27T01:00:00Z"), None);
}

#[test]
fn the_example_holds_the_seeds_policy_and_schedule_to_the_letter() {
    let files = example();
    let text = |name: &str| {
        let file = files.iter().find(|file| file.name == name).expect("in the example");
        String::from_utf8(file.bytes.clone()).expect("UTF-8")
    };
    assert_eq!(text("escalation_policies/PXXXXXX.json"), POLICY);
    assert_eq!(text("schedules/PXXXXXX.json"), SCHEDULE);
    // The service has its key beside; everything before it is the seed's.
    let until_the_end = SERVICE.trim_end().trim_end_matches(['}', '\n', ' ']);
    assert!(text("services/PXXXXXX.json").starts_with(until_the_end));
}

#[test]
fn the_example_loads_as_the_seeds_organisation() {
    let snapshot = loaded().snapshot;
    let mut names: Vec<_> = snapshot.services().map(|service| service.name.as_str()).collect();
    names.sort_unstable();
    let expected = [
        "api-gateway",
        "auth-service",
        "cdn-edge",
        "database-primary",
        "kubernetes-cluster",
        "payment-service",
        "production-api",
        "user-service",
    ];
    assert_eq!(names, expected);
    let of_team = |team: &str| {
        let named = snapshot.teams().find(|it| it.name == team).expect("a team of the seed");
        let mut names: Vec<_> =
            snapshot.services().filter(|it| it.teams.contains(&named.id)).map(|it| it.name.as_str()).collect();
        names.sort_unstable();
        names.join(" ")
    };
    assert_eq!(of_team("Platform"), "api-gateway auth-service user-service");
    assert_eq!(of_team("Infrastructure"), "cdn-edge database-primary kubernetes-cluster");
    let policies: Vec<_> = snapshot.policies().map(|it| it.name.as_str()).collect();
    assert_eq!(policies, ["infra-oncall", "platform-oncall", "Production On-Call"]);
    let schedules: Vec<_> = snapshot.schedules().map(|it| it.name.as_str()).collect();
    assert_eq!(schedules, ["infra-rotation", "platform-rotation", "Primary On-Call"]);
    let priorities: Vec<_> = snapshot.priorities().iter().map(|it| it.name.as_str()).collect();
    assert_eq!(priorities, ["P1", "P2", "P3", "P4", "P5"]);
    let depends_on = |name: &str| -> Vec<_> {
        let business = snapshot.business_services().find(|it| it.name == name).expect("a business service of the seed");
        let service = |to: &Dependency| match to {
            Dependency::Service(id) => snapshot.service(id.as_str()).expect("checked").name.to_string(),
            Dependency::Business(id) => panic!("{id} is not in the seed"),
        };
        business.depends_on.iter().map(service).collect()
    };
    assert_eq!(depends_on("Customer Portal"), ["api-gateway", "auth-service"]);
    assert_eq!(depends_on("Payment Processing"), ["payment-service", "database-primary"]);
}

#[test]
fn every_key_of_the_example_leads_to_its_service_without_a_hop() {
    let snapshot = loaded().snapshot;
    for service in snapshot.services() {
        let [integration] = service.integrations.as_slice() else { panic!("{} has one integration", service.name) };
        let key = integration.key.as_str();
        assert_eq!(snapshot.route(key).expect("routed").service.id, service.id);
        assert!(mint::has_affinity(key, service.id.as_str()), "{key} of {}", service.name);
        assert_eq!(campanile_model::murmur2::partition_of(key.as_bytes(), SHARDS), service.home.0);
    }
}

#[test]
fn severity_gives_priority_and_urgency_in_the_example() {
    let snapshot = loaded().snapshot;
    let gateway = snapshot.service("PAPIGW1").expect("in the example");
    let name = |severity| gateway.priority(severity).map(|it| it.name.as_str());
    assert_eq!(Severity::ALL.map(name), [Some("P5"), Some("P3"), Some("P2"), Some("P1")]);
    let production = snapshot.service("PXXXXXX").expect("in the example");
    // Monday 2026-11-23, 10:00 and 08:00 in New York.
    assert_eq!(production.urgency(Severity::Info, Timestamp(1_795_446_000_000)), Urgency::High);
    assert_eq!(production.urgency(Severity::Critical, Timestamp(1_795_438_800_000)), Urgency::Low);
}

#[test]
fn the_example_warns_of_what_the_seed_may_not_expect() {
    let warned: Vec<_> = loaded().warnings.iter().map(|it| format!("{}:{}:{}", it.file, it.line, it.column)).collect();
    assert_eq!(warned, ["schedules/PXXXXXX.json:23:34", "services/PXXXXXX.json:12:15"]);
}

#[test]
fn the_stored_example_gives_the_same_snapshot() {
    let loaded = loaded();
    let rebuilt = snapshot_from_records(loaded.objects, Epoch(1), SHARDS).expect("what was stored is sound");
    assert_eq!(rebuilt, loaded.snapshot);
}
