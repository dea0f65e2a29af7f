//! The processor on the memory ledger: real bytes in, real records out.

mod house;

use std::time::Duration;

use campanile_ledger::{Record, Topic};
use campanile_model::Span;
use campanile_processor::Drained;
use house::{House, KEY_DISK, KEY_HOP, KEY_LONE, trigger};
use serde_json::json;

#[test]
fn an_event_becomes_an_incident_and_its_resolve_closes_it() {
    let house = House::open(1);
    house.send(&trigger(KEY_LONE, "a", "critical"));
    house.send(&trigger(KEY_LONE, "a", "critical"));
    house.send(&json!({"routing_key": KEY_LONE, "event_action": "resolve", "dedup_key": "a"}));
    let incidents = house.read(Topic::Incidents, 2);
    assert_eq!(incidents[0]["event_type"], "incident.triggered");
    assert_eq!(incidents[0]["data"]["incident_key"], "a");
    assert_eq!(incidents[0]["data"]["priority"]["summary"], "P1");
    assert_eq!(incidents[1]["event_type"], "incident.resolved");
    assert_eq!(incidents[1]["out_seq"], 2);
    assert_eq!(incidents[1]["revision"], 2);
    let last = house.alerts().into_iter().next_back().expect("an alert record");
    assert_eq!((&last["status"], &last["count"]), (&json!("resolved"), &json!(2)));
    assert_eq!(last["body"]["custom_details"], json!({"n": 1.5}));
    assert_eq!(house.close(), Drained::Clean);
}

#[test]
fn bad_bytes_go_to_dead_letters_with_their_reason_and_place() {
    let house = House::open(1);
    house.send_raw(b"{not json".as_slice());
    house
        .send(&json!({"routing_key": KEY_LONE, "event_action": "trigger", "payload": {"summary": "s", "source": "h"}}));
    house.send(&trigger("ffffffffffffffffffffffffffffffff", "a", "info"));
    let dead = house.stored(Topic::DeadLetters, 3);
    let header = |nth: usize, name: &str| {
        let value = dead[nth].record.header(name).cloned().unwrap_or_default();
        String::from_utf8(value.to_vec()).expect("text")
    };
    assert_eq!(header(0, "campanile-reason"), "unparseable");
    assert_eq!(header(1, "campanile-reason"), "invalid");
    assert_eq!(header(1, "campanile-detail"), "'payload.severity' is missing or blank");
    assert_eq!(header(2, "campanile-reason"), "unknown_key");
    assert!(header(0, "campanile-position").starts_with("campanile.events;0;0;"));
    assert_eq!(dead[0].record.value.as_ref(), b"{not json", "the bytes are as they came");
    house.close();
}

#[test]
fn a_trigger_without_a_dedup_key_gets_one_from_its_place() {
    let house = House::open(1);
    for _ in 0..2 {
        let mut event = trigger(KEY_LONE, "", "error");
        event.as_object_mut().expect("an object").remove("dedup_key");
        house.send(&event);
    }
    let incidents = house.read(Topic::Incidents, 2);
    assert_eq!(incidents[0]["data"]["incident_key"], "log:0:0");
    assert_eq!(incidents[1]["data"]["incident_key"], "log:0:1");
    house.close();
}

#[test]
fn an_event_that_lands_elsewhere_is_forwarded_home_once() {
    let house = House::open(4);
    let home = house.home_of("PHOP");
    let elsewhere = (home + 1) % 4;
    house.append(elsewhere, &trigger(KEY_HOP, "a", "critical"));
    let stored = house.stored_at(Topic::Incidents, home, 1);
    assert_eq!(stored.len(), 1);
    let hop = house.stored_at(Topic::Triage, home, 1);
    let envelope = hop[0].record.header("campanile-source").cloned().unwrap_or_default();
    assert!(envelope.starts_with(format!("{elsewhere};0;").as_bytes()), "{envelope:?}");
    house.close();
}

#[test]
fn a_timer_fires_on_an_idle_shard_once_log_time_passes_it() {
    let house = House::open(1);
    house.send(&trigger(KEY_DISK, "a", "critical"));
    assert_eq!(house.read(Topic::Incidents, 1)[0]["event_type"], "incident.triggered");
    house.turn(Span::seconds(59));
    house.turn(Span::seconds(1));
    let incidents = house.read(Topic::Incidents, 2);
    assert_eq!(incidents[1]["event_type"], "incident.resolved");
    assert_eq!(incidents[1]["cause"], json!({"type": "timer", "timer": "auto_resolve"}));
    house.close();
}

#[test]
fn a_backlog_resolves_before_it_auto_resolves() {
    let house = House::stopped(1);
    house.send(&trigger(KEY_DISK, "a", "critical"));
    house.turn(Span::seconds(30));
    house.send(&json!({"routing_key": KEY_DISK, "event_action": "resolve", "dedup_key": "a"}));
    house.turn(Span::hours(5));
    let house = house.start();
    let incidents = house.read(Topic::Incidents, 2);
    assert_eq!(incidents[1]["cause"]["type"], "event", "the resolve came in time, though nobody was there to see it");
    house.close();
}

#[test]
fn a_command_is_answered_on_the_incidents_topic() {
    let house = House::open(1);
    house.send(&trigger(KEY_LONE, "a", "critical"));
    let id = house.read(Topic::Incidents, 1)[0]["data"]["id"].as_str().expect("an id").to_owned();
    let command = |id: &str, verb: &str, incident: &str| json!({"v": 1, "id": id, "actor": {"type": "user_reference", "id": "PU"}, "incident": incident, "verb": verb});
    house.command(&command("c1", "acknowledge", &id));
    house.command(&command("c2", "acknowledge", &id));
    house.command(&command("c1", "acknowledge", &id));
    house.command(&json!("nonsense"));
    let incidents = house.read(Topic::Incidents, 4);
    let types: Vec<&str> = incidents.iter().filter_map(|r| r["event_type"].as_str()).collect();
    assert_eq!(types, ["incident.triggered", "incident.acknowledged", "command.unchanged", "command.applied"]);
    assert_eq!(incidents[1]["agent"], json!({"id": "PU", "type": "user_reference"}));
    assert_eq!(incidents[3]["repeated"], json!(true));
    assert_eq!(house.stored(Topic::DeadLetters, 1).len(), 1);
    house.close();
}

#[test]
fn a_new_directory_is_taken_before_what_was_accepted_under_it() {
    let house = House::open(1);
    let unknown = "0123456789abcdef0123456789abcdef";
    house.send(&trigger(unknown, "a", "info"));
    assert_eq!(house.stored(Topic::DeadLetters, 1).len(), 1);
    house.add_service("PNEW", "new", unknown);
    house.send(&trigger(unknown, "a", "info"));
    let incidents = house.read(Topic::Incidents, 1);
    assert_eq!(incidents[0]["epoch"], json!(2));
    house.close();
}

#[test]
fn what_was_judged_before_a_restart_is_not_judged_again() {
    let house = House::open(2);
    for nth in 0..50 {
        house.send(&trigger(KEY_LONE, &format!("k{nth}"), "error"));
    }
    house.read_all(Topic::Incidents, 50);
    let house = house.restart();
    for nth in 0..50 {
        house.send(&trigger(KEY_LONE, &format!("k{nth}"), "error"));
    }
    house.send(&trigger(KEY_LONE, "last", "error"));
    assert_eq!(house.read_all(Topic::Incidents, 51).len(), 51, "repeats met their alerts");
    let steps = house.steps();
    let seqs: Vec<u64> = steps.iter().filter_map(|step| step["seq"].as_u64()).collect();
    assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "commits are numbered without a gap: {seqs:?}");
    house.close();
}

#[test]
fn a_drain_commits_what_was_judged() {
    let house = House::open(1);
    house.send_raw(Record::new("k", trigger(KEY_LONE, "a", "info").to_string()).value);
    house.read(Topic::Incidents, 1);
    let started = std::time::Instant::now();
    assert_eq!(house.close(), Drained::Clean);
    assert!(started.elapsed() < Duration::from_secs(5));
}
