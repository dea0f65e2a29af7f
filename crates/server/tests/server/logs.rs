//! Exports and tails.

use serde_json::Value;

use crate::harness::{Server, directory, err, out, run};

#[test]
fn an_export_of_a_stopped_server_is_what_its_door_gave() {
    let home = directory();
    let data = home.path().join("d");
    let server = Server::start(&data);
    server.break_something("web/disk", "critical");
    server.break_something("web/cpu", "error");
    let shown = data.display().to_string();
    let refused = run(&["log", "export", "--data", &shown]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("a server runs on"), "{}", err(&refused));

    let topics = ["events", "triage", "commands", "incidents", "alerts", "dead-letters", "directory"];
    let from_door: Vec<Value> = topics.iter().flat_map(|topic| server.records(topic)).collect();
    let tailed = out(&server.run(&["tail", "incidents", "--from", "start", "--no-follow", "--json"]));
    server.signal("INT");
    assert_eq!(server.wait().0.code(), Some(0));

    let mut arguments = vec!["log", "export", "--data", &shown];
    topics.iter().for_each(|topic| arguments.extend(["--topic", topic]));
    let exported = out(&run(&arguments));
    // Topics come in their own order; the door was asked in another.
    let mut exported: Vec<Value> =
        exported.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    let mut from_door = from_door;
    let place = |line: &Value| format!("{}/{}/{:>9}", line["topic"], line["partition"], line["offset"].to_string());
    exported.sort_by_key(place);
    from_door.sort_by_key(place);
    assert_eq!(exported, from_door);

    let incidents = out(&run(&["log", "export", "--data", &shown, "--topic", "incidents"]));
    let lines = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&incidents), lines(&tailed), "a line of a tail is a line of an export");
    let everything = out(&run(&["log", "export", "--data", &shown]));
    assert!(everything.lines().count() > exported.len(), "the steps are in it too");
    assert!(out(&run(&["log", "topics", "--data", &shown])).contains("campanile.steps"));
}

#[test]
fn a_tail_shows_a_table() {
    let home = directory();
    let server = Server::start(&home.path().join("d"));
    server.break_something("web/disk", "critical");
    let incidents = out(&server.run(&["tail", "incidents", "--from", "start", "--no-follow"]));
    assert!(incidents.starts_with("TIME") && incidents.contains("web/disk is broken"), "{incidents}");
    assert!(!incidents.contains('\u{1b}'), "no colours where no terminal is");
    let wrong = server.run(&["tail", "incidnets"]);
    assert!(err(&wrong).contains("topics are events"), "{}", err(&wrong));
}
