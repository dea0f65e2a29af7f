//! Who is on call: `schedule show`, `oncall` and `who`, from a folder and from a running server.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Server, directory, err, out, run, seed};

fn of_seed(arguments: &[&str]) -> String {
    let folder = seed().display().to_string();
    let output = run(&[arguments, &["--directory", &folder]].concat());
    assert!(output.status.success(), "{}", err(&output));
    out(&output)
}

fn of_seed_json(arguments: &[&str]) -> Value {
    serde_json::from_str(&of_seed(&[arguments, &["--json"]].concat())).expect("JSON")
}

/// A folder with three users, a schedule of two layers and an override, a policy and a service.
fn write_folder(root: &Path) {
    let write = |path: &str, body: Value| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("in a folder")).expect("it can be made");
        fs::write(path, body.to_string()).expect("it can be written");
    };
    for (id, name) in [("PU1", "Ann"), ("PU2", "Ben"), ("PU3", "Ada")] {
        let email = format!("{name}@example.com");
        write(&format!("users/{id}.json"), json!({ "name": name, "email": email }));
    }
    let user = |id: &str| json!({ "user": { "id": id, "type": "user_reference" } });
    let layer = |name: &str, users: &[&str], start: &str, seconds: i64| {
        json!({
            "name": name, "start": "2026-01-05T09:00:00+01:00", "rotation_virtual_start": "2026-01-05T09:00:00+01:00",
            "rotation_turn_length_seconds": 86_400, "users": users.iter().map(|id| user(id)).collect::<Vec<_>>(),
            "restrictions": [
                { "type": "daily_restriction", "start_time_of_day": start, "duration_seconds": seconds }
            ],
        })
    };
    let schedule = json!({
        "name": "sun", "time_zone": "Europe/Berlin",
        "schedule_layers": [layer("Day", &["PU1", "PU2"], "08:30:00", 36_000), layer("Night", &["PU3"], "18:30:00", 36_000)],
        "overrides": [{
            "start": "2026-03-28T20:00:00+01:00", "end": "2026-03-29T12:00:00+02:00",
            "user": { "id": "PU2", "type": "user_reference" },
        }],
    });
    write("schedules/PS1.json", schedule);
    let target =
        |id: &str, kind: &str| json!({ "escalation_delay_in_minutes": 30, "targets": [{ "id": id, "type": kind }] });
    let rules =
        [target("PS1", "schedule_reference"), target("PU3", "user_reference"), target("PS1", "schedule_reference")];
    write("escalation_policies/PE1.json", json!({ "name": "ladder", "num_loops": 1, "escalation_rules": rules }));
    let policy = json!({ "id": "PE1", "type": "escalation_policy_reference" });
    write("services/PSV1.json", json!({ "name": "web", "escalation_policy": policy }));
}

/// What is said before the facts about now, which change with the day of the test.
fn calendar(text: &str) -> &str {
    text.split_once("on call now").expect("facts about now").0
}

#[test]
fn the_seeds_schedule_shows_its_gaps_and_its_coverage() {
    let text = of_seed(&["schedule", "show", "Primary On-Call", "--since", "2026-11-29", "--until", "2026-12-01"]);
    let expected = "\
Primary On-Call (PXXXXXX), times of America/New_York
Weekly rotation for primary responders

             Layer 1 - Primary
             0     6     12    18
Sun 29 Nov   ·········L────────······
Mon 30 Nov   ·········J────────······

  J  John Doe (PUSER01)
  A  Jane Roe (PUSER02)
  M  Amir Haddad (PUSER03)
  L  Li Wen (PUSER04)
  ·  nobody;  ╌  nobody for a part

";
    assert_eq!(calendar(&text), expected);
    assert!(text.ends_with("coverage     37.5 %, nobody for 30h in 3 gaps, the longest of 15h\n"), "{text}");
}

#[test]
fn days_of_23_and_25_hours_are_drawn_and_named() {
    let home = directory();
    write_folder(home.path());
    let folder = home.path().display().to_string();
    let show = |since: &str, until: &str| -> String {
        let output = run(&["schedule", "show", "PS1", "--directory", &folder, "--since", since, "--until", until]);
        assert!(output.status.success(), "{}", err(&output));
        let text = out(&output);
        calendar(&text).split("\n\n").nth(1).expect("the calendar").to_owned()
    };
    // Ann is A and Ben is B. Ada's own A is taken: she is D.
    let spring = "             Day           Night         overrides     final
             0  6  12 18   0  6  12 18   0  6  12 18   0  6  12 18
Sat 28 Mar       A─────    D──      D──            B─  D─╌·╌A───DB─
Sun 29 Mar       B─────    D──      D──  B─────        B────────D──  clocks forward 1h";
    assert_eq!(show("2026-03-28", "2026-03-30"), spring);
    // The day opens half an hour before its people change.
    let autumn = "             Day                       Night                     final
             0     6     12    18      0     6     12    18      0     6     12    18
Sat 24 Oct           BA─────────       D────             D─────  D───╌···╌A────────D─────
Sun 25 Oct           AB─────────       D────             D─────  D───╌···╌B────────D─────  clocks back 1h";
    assert_eq!(show("2026-10-24", "2026-10-26"), autumn);
}

#[test]
fn a_schedule_is_rendered_as_pagerduty_answers() {
    let shown =
        of_seed_json(&["schedule", "show", "PXXXXXX", "--since", "2026-11-27T12:00", "--until", "2026-11-28T12:00"]);
    let rendered = &shown["schedule"];
    let user = json!({ "id": "PUSER04", "type": "user_reference", "summary": "Li Wen" });
    let entries = json!([
        { "start": "2026-11-27T12:00:00-05:00", "end": "2026-11-27T18:00:00-05:00", "user": user },
        { "start": "2026-11-28T09:00:00-05:00", "end": "2026-11-28T12:00:00-05:00", "user": user },
    ]);
    assert_eq!(rendered["final_schedule"]["rendered_schedule_entries"], entries);
    assert_eq!(rendered["final_schedule"]["rendered_coverage_percentage"], 37.5);
    assert_eq!(rendered["schedule_layers"][0]["rendered_coverage_percentage"], 37.5);
    let gaps = json!([{ "start": "2026-11-27T18:00:00-05:00", "end": "2026-11-28T09:00:00-05:00" }]);
    assert_eq!(rendered["gaps"], gaps);
}

#[test]
fn on_call_rows_are_pagerdutys() {
    let rows = of_seed_json(&["oncall", "--at", "2026-11-24T20:00", "--time-zone", "America/New_York"]);
    let rows: Vec<_> = rows["oncalls"].as_array().expect("a list").iter().collect();
    let of = |policy: &str| -> Vec<_> {
        let rows = rows.iter().filter(|row| row["escalation_policy"]["summary"] == policy);
        rows.map(|row| (row["escalation_level"].as_u64(), row["user"]["summary"].as_str(), row["end"].as_str()))
            .collect()
    };
    let monday = Some("2026-11-30T09:00:00-05:00");
    assert_eq!(
        of("platform-oncall"),
        [
            (Some(1), Some("Jane Roe"), monday),
            (Some(2), Some("Sofia Marin"), None),
            (Some(3), Some("Ruth Adeyemi"), None)
        ]
    );
    // At 20:00 the first level of the seed's policy has nobody, so it has no row.
    assert_eq!(
        of("Production On-Call"),
        [
            (Some(2), Some("Sofia Marin"), None),
            (Some(2), Some("Tomas Novak"), None),
            (Some(3), Some("Ruth Adeyemi"), None)
        ]
    );
    let text = of_seed(&["oncall", "--at", "2026-11-24T20:00", "--time-zone", "America/New_York"]);
    assert!(text.contains("Production On-Call  1      nobody"), "{text}");
}

/// Level, seconds after the opening, names.
fn ladder(shown: &Value) -> Vec<(u64, u64, Vec<String>)> {
    let names = |step: &Value| -> Vec<String> {
        let people = step["on_call"].as_array().expect("a list").iter();
        people.map(|it| it["user"]["summary"].as_str().expect("a name").to_owned()).collect()
    };
    let steps = shown["levels"].as_array().expect("a list").iter();
    let number = |value: &Value| value.as_u64().expect("a number");
    steps.map(|step| (number(&step["escalation_level"]), number(&step["after_seconds"]), names(step))).collect()
}

#[test]
fn a_level_with_nobody_takes_no_time() {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let both = names(&["Sofia Marin", "Tomas Novak"]);
    let day = of_seed_json(&["who", "--service", "production-api", "--at", "2026-11-24T12:00"]);
    assert_eq!(ladder(&day), [(1, 0, names(&["Li Wen"])), (2, 300, both.clone()), (3, 1200, names(&["Ruth Adeyemi"]))]);
    let evening = of_seed_json(&["who", "--service", "production-api", "--at", "2026-11-24T20:00"]);
    assert_eq!(ladder(&evening), [(1, 0, names(&[])), (2, 0, both), (3, 900, names(&["Ruth Adeyemi"]))]);
    let text = of_seed(&["who", "--service", "production-api", "--at", "2026-11-24T20:00"]);
    assert!(text.contains("  skipped    level 1   nobody        Primary On-Call, nobody until Wed 25 Nov"), "{text}");
}

#[test]
fn who_is_on_call_is_looked_up_when_a_level_is_reached() {
    let home = directory();
    write_folder(home.path());
    let folder = home.path().display().to_string();
    let output = run(&["who", "--service", "web", "--directory", &folder, "--at", "2026-03-26T18:00+01:00", "--json"]);
    assert!(output.status.success(), "{}", err(&output));
    // Day hands to Night at 18:30; the third level is reached at 19:00.
    let found: Vec<_> = ladder(&serde_json::from_str(&out(&output)).expect("JSON"));
    let names: Vec<_> = found.iter().map(|(_, after, names)| (*after, names.join(" "))).collect();
    assert_eq!(names, [(0, "Ann".to_owned()), (1800, "Ada".to_owned()), (3600, "Ada".to_owned())]);
}

#[test]
fn a_running_server_answers_the_same() {
    let home = directory();
    let server = Server::start(&home.path().join("data"));
    for arguments in [
        ["oncall", "--at", "2026-11-24T12:00Z", "--json"].as_slice(),
        &["who", "--service", "api-gateway", "--at", "2026-11-24T12:00", "--json"],
        &["schedule", "show", "PSPLAT1", "--since", "2026-11-24", "--json"],
    ] {
        let output = server.run(arguments);
        assert!(output.status.success(), "{}", err(&output));
        assert_eq!(out(&output), of_seed(arguments));
    }
}

#[test]
fn what_is_misspelt_is_refused_with_an_offer() {
    let folder = seed().display().to_string();
    for (arguments, expected) in [
        (["schedule", "show", "platform-rotaton", ""].as_slice(), "did you mean \"platform-rotation\""),
        (&["schedule", "show", "PSPLAT1", "--time-zone=Europe/Berln"], "did you mean \"Europe/Berlin\""),
        (&["schedule", "show", "PSPLAT1", "--since=tomorrow"], "\"tomorrow\" is no time"),
        (&["schedule", "show", "PSPLAT1", "--since=2026-11-24", "--until=2026-11-24"], "is not after --since"),
        (&["schedule", "show", "PSPLAT1", "--since=2026-11-24", "--until=2062-11-24"], "are more than the 400"),
        (&["who", "--service", "api-gatway"], "did you mean \"api-gateway\""),
    ] {
        let arguments: Vec<_> = arguments.iter().copied().filter(|it| !it.is_empty()).collect();
        let output = run(&[arguments.as_slice(), &["--directory", &folder]].concat());
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(err(&output).contains(expected), "{}", err(&output));
    }
}

#[test]
fn an_organisation_that_is_brought_in_is_told_its_gaps() {
    let folder = seed().display().to_string();
    let output = run(&["directory", "check", &folder]);
    let said = out(&output);
    // 37.5, but for two weeks that hold a change of clocks.
    assert!(said.contains("level 1 of Production On-Call covers 37."), "{said}");
    assert!(said.contains("% of the next 14 days; see campanile schedule show PXXXXXX"), "{said}");
    assert!(!said.contains("platform-oncall"), "{said}");
    assert!(said.contains(&format!("--directory {folder}")), "{said}");
}
