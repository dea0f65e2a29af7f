//! The notifier beside the processor in one server, on the seed's organisation: who is paged, and what stops it.

use serde_json::Value;

use crate::harness::{Server, directory, err, out};

fn is(record: &Value, kind: &str, level: u64) -> bool {
    record["type"] == kind && record["place"][2] == level
}

/// People whose pages a provider took, in the order of levels.
fn paged(server: &Server, level: u64) -> String {
    let record = server.record("notifications", |it| is(it, "accepted", level));
    record["user"].as_str().expect("a user").to_owned()
}

#[test]
fn first_level_is_assigned_and_paged_and_the_pages_are_printed_on_the_terminal() {
    let home = directory();
    let server = Server::start(&home.path().join("d"));
    let incident = server.break_something("web/disk", "critical");
    let assigned = server.record("incidents", |it| it["event_type"] == "incident.assigned");
    assert_eq!(assigned["data"]["assignees"][0]["id"], paged(&server, 1));
    assert_eq!((&assigned["agent"]["id"], &assigned["data"]["escalation_level"]), (&"PEPLAT1".into(), &1.into()));
    let (lines, _) = server.ask(&serde_json::json!({ "op": "rows", "shard": shard(&incident), "kind": "ladder" }));
    assert_eq!(lines[0]["value"]["stage"], "climbing");
    server.signal("TERM");
    let (status, said) = server.wait();
    assert!(status.success(), "{said}");
    assert!(said.contains("page for") && said.contains("web/disk is broken (level 1)"), "{said}");
}

fn shard(incident: &Value) -> u64 {
    incident["number"].as_u64().expect("a number") % 1000
}

#[test]
fn request_escalates_at_once_and_an_acknowledgement_quiets_the_ladder() {
    let home = directory();
    let server = Server::start(&home.path().join("d"));
    let number = server.break_something("web/disk", "critical")["number"].to_string();
    paged(&server, 1);
    let escalated = server.run(&["incident", "escalate", &number, "--as", "PUSER01"]);
    assert!(out(&escalated).contains("escalation requested"), "{}", err(&escalated));
    assert_eq!(paged(&server, 2), "PXXXXXX");
    let acknowledged = server.run(&["incident", "ack", &number, "--as", "PXXXXXX"]);
    assert!(out(&acknowledged).contains("acknowledged"), "{}", err(&acknowledged));
    let none_left = server.run(&["incident", "escalate", &number, "--level", "9"]);
    assert!(err(&none_left).contains("no such level"), "{}", err(&none_left));
}

#[test]
fn incident_passes_from_hand_to_hand() {
    let home = directory();
    let server = Server::start(&home.path().join("d"));
    let number = server.break_something("web/disk", "critical")["number"].to_string();
    paged(&server, 1);
    let reassigned = server.run(&["incident", "reassign", &number, "--to", "PUSER04"]);
    assert!(out(&reassigned).contains("reassigned"), "{}", err(&reassigned));
    let by_hand = server.record("notifications", |it| it["type"] == "accepted" && it["user"] == "PUSER04");
    assert_eq!(by_hand["place"][2], 0);
    let delegated = server.run(&["incident", "reassign", &number, "--policy", "PEINFR1"]);
    assert!(out(&delegated).contains("delegated"), "{}", err(&delegated));
    let snoozed = server.run(&["incident", "snooze", &number, "8h"]);
    assert!(out(&snoozed).contains("snoozed"), "{}", err(&snoozed));
    assert!(err(&server.run(&["incident", "snooze", &number, "8"])).contains("45s, 30m, 8h or 2d"));
    let noted = server.run(&["incident", "note", &number, "Rolled back"]);
    assert!(out(&noted).contains("annotated"), "{}", err(&noted));
    assert!(out(&server.run(&["incident", "show", &number])).contains("annotated"));
}

#[test]
fn restart_goes_on_with_the_ladder_and_pages_nobody_twice() {
    let home = directory();
    let data = home.path().join("d");
    let server = Server::start(&data);
    let number = server.break_something("web/disk", "critical")["number"].to_string();
    let first = paged(&server, 1);
    server.kill();
    let server = Server::start_with(&data, &[]);
    assert!(server.run(&["incident", "escalate", &number]).status.success());
    paged(&server, 2);
    let accepted =
        server.values("notifications").into_iter().filter(|it| it["type"] == "accepted" && it["user"] == first);
    assert_eq!(accepted.count(), 1);
}

#[test]
fn server_without_a_notifier_assigns_nobody() {
    let home = directory();
    let config = home.path().join("campanile.toml");
    std::fs::write(&config, "[notifier]\nrun = false\n").expect("written");
    let seed = crate::harness::seed().display().to_string();
    let with = ["--config", &config.display().to_string(), "--directory", &seed];
    let server = Server::start_with(&home.path().join("d"), &with);
    let number = server.break_something("web/disk", "critical")["number"].to_string();
    assert!(server.run(&["incident", "resolve", &number]).status.success());
    assert_eq!(server.values("notifications"), Vec::<Value>::new());
    assert!(server.values("incidents").iter().all(|it| it["data"]["assignees"] == serde_json::json!([])));
}

#[test]
fn delays_that_make_no_sense_are_refused_with_what_to_write() {
    let home = directory();
    let config = home.path().join("campanile.toml");
    std::fs::write(&config, "[notifier]\npriority_delays = \"P1=soon\"\n").expect("written");
    let checked = crate::harness::run(&["config", "check", "--config", &config.display().to_string()]);
    let up = crate::harness::run(&["up", "--config", &config.display().to_string()]);
    assert!(!up.status.success());
    assert!(err(&up).contains("P1=0, P2=900, P3=3600"), "{}{}", err(&up), err(&checked));
}
