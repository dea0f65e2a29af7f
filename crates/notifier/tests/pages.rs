//! The whole path on one ledger: an event becomes an incident, the notifier asks for its step, the processor says yes,
//! and a phone rings; an acknowledgement stops it, silence escalates.

mod house;

use campanile_ledger::Topic;
use campanile_model::Span;
use campanile_notifier::Refused;
use house::House;
use serde_json::Value;

fn names(house: &House, count: usize) -> Vec<String> {
    house.phone.messages(count).iter().map(|message| message.recipient.name.to_string()).collect()
}

fn types(house: &House) -> Vec<String> {
    let records = house.records(Topic::Incidents);
    records.iter().filter_map(|it| it["event_type"].as_str().map(str::to_owned)).collect()
}

#[test]
fn incident_is_assigned_by_the_processor_and_its_first_level_is_paged() {
    let house = House::open();
    house.trigger("disk");
    let message = house.phone.messages(1).remove(0);
    assert_eq!((message.recipient.name.as_str(), message.contact.id.as_str()), ("Ann", "PANNTERM"));
    let item = &message.items[0];
    assert_eq!((item.title.as_str(), item.place.level, item.unconfirmed), ("trouble disk", 1, false));
    assert_eq!(types(&house), ["incident.triggered", "incident.assigned"]);
    let assigned = house.record(Topic::Incidents, |it| it["event_type"] == "incident.assigned");
    assert_eq!(assigned["data"]["assignees"][0]["id"], "PANN");
    assert_eq!(house.told("accepted")["provider"], "phone");
}

#[test]
fn silence_escalates_to_the_next_level_and_an_acknowledgement_stops_the_ladder() {
    let house = House::open();
    house.trigger("disk");
    house.phone.messages(1);
    house.told("accepted");
    house.turn(Span::minutes(5));
    assert_eq!(names(&house, 2), ["Ann", "Bob"]);
    let incident = house.incident();
    house.command(&incident, "acknowledge");
    house.record(Topic::Incidents, |it| it["event_type"] == "incident.acknowledged");
    // The withdrawal is judged in order with everything before it, so what it finds is what there is.
    house.told("accepted");
    house.turn(Span::minutes(20));
    house.trigger("other");
    assert_eq!(names(&house, 3), ["Ann", "Bob", "Ann"], "nobody was paged about the acknowledged one");
}

#[test]
fn pages_go_out_unconfirmed_when_the_processor_does_not_answer_in_15_seconds() {
    let mut house = House::open();
    house.trigger("disk");
    house.phone.messages(1);
    house.told("accepted");
    house.stop_processor();
    house.turn(Span::minutes(5));
    house.record(Topic::Commands, |it| it["level"] == 2);
    house.turn(Span::seconds(16));
    let message = house.phone.messages(2).remove(1);
    assert!(message.items[0].unconfirmed, "{message:?}");
    assert_eq!(message.recipient.name, "Bob");
    house.start_processor();
    house.record(Topic::Incidents, |it| it["event_type"] == "incident.escalated");
    assert_eq!(house.phone.count(), 2, "a late yes pages nobody again");
}

#[test]
fn refused_page_is_tried_again_with_the_same_key_and_told() {
    let house = House::open();
    let refused = Refused { provider: "phone".into(), permanent: false, detail: "busy".to_owned() };
    house.phone.refuse(Some(refused));
    house.trigger("disk");
    house.phone.messages(1);
    let told = house.told("refused");
    assert_eq!((told["detail"].as_str(), told["next_attempt_at"].is_string()), (Some("busy"), true));
    house.phone.refuse(None);
    house.turn(Span::seconds(3));
    let messages = house.phone.messages(2);
    assert_eq!(messages[0].idempotency_key, messages[1].idempotency_key);
    house.told("accepted");
}

#[test]
fn page_that_a_provider_refuses_for_good_is_told_and_not_tried_again() {
    let house = House::open();
    let refused = Refused { provider: "phone".into(), permanent: true, detail: "no such number".to_owned() };
    house.phone.refuse(Some(refused));
    house.trigger("disk");
    let told = house.told("refused");
    assert_eq!((told["detail"].as_str(), &told["next_attempt_at"]), (Some("no such number"), &Value::Null));
}

#[test]
fn restart_finds_what_was_not_done_and_pages_nobody_about_what_was_answered_meanwhile() {
    let mut house = House::open();
    let refused = Refused { provider: "phone".into(), permanent: false, detail: "busy".to_owned() };
    house.phone.refuse(Some(refused));
    house.trigger("disk");
    house.trigger("other");
    house.told("refused");
    house.record(Topic::Incidents, |it| it["event_type"] == "incident.assigned");
    house.stop_notifier();
    let incident = house.incident();
    house.command(&incident, "acknowledge");
    house.record(Topic::Incidents, |it| it["event_type"] == "incident.acknowledged");
    house.phone.refuse(None);
    let before = house.phone.count();
    house.turn(Span::minutes(2));
    house.start_notifier();
    house.told("accepted");
    for message in house.phone.messages(house.phone.count()).split_off(before) {
        assert!(message.items.iter().all(|item| item.incident.to_string() != incident), "{message:?}");
    }
}

#[test]
fn garbage_in_a_lane_becomes_a_dead_letter_with_its_reason() {
    let house = House::open();
    for topic in [Topic::Incidents, Topic::Pages, Topic::Answers] {
        house.append(topic, 1, "no record of ours");
    }
    house.trigger("disk");
    house.phone.messages(1);
    let tail = house.memory.tail();
    assert!(tail.wait(Topic::DeadLetters, 1, 2, std::time::Duration::from_secs(10)));
    let letters = tail.read(Topic::DeadLetters, 1, 0, 9).expect("read");
    let header = |name: &str| letters[0].record.header(name).map(|it| String::from_utf8_lossy(it).into_owned());
    assert_eq!(letters.len(), 3);
    assert_eq!(header("campanile-reason").as_deref(), Some("invalid"));
    assert!(header("campanile-position").is_some_and(|it| it.starts_with("campanile.")));
}

#[test]
fn answer_of_a_person_becomes_a_command_and_comes_back_as_a_record() {
    let house = House::open();
    house.trigger("disk");
    let order = house.phone.messages(1)[0].order.expect("an order");
    house.told("accepted");
    let answer =
        format!(r#"{{"v":1,"type":"person","id":"tap-1","user":"PANN","order":"{order}","verb":"acknowledge"}}"#);
    house.append(Topic::Answers, order.shard().0, &answer);
    let acknowledged = house.record(Topic::Incidents, |it| it["event_type"] == "incident.acknowledged");
    assert_eq!(acknowledged["cause"]["type"], "command");
    house.told("answered");
}

#[test]
fn outage_of_hours_ends_with_one_page_of_the_next_level() {
    let mut house = House::open();
    house.trigger("disk");
    house.phone.messages(1);
    house.told("accepted");
    house.stop_notifier();
    house.turn(Span::hours(6));
    house.start_notifier();
    assert_eq!(names(&house, 2), ["Ann", "Bob"]);
    house.record(Topic::Notifications, |it| it["type"] == "accepted" && it["user"] == "PBOB");
    house.trigger("other");
    assert_eq!(names(&house, 3), ["Ann", "Bob", "Ann"]);
    assert!(house.records(Topic::Notifications).iter().all(|it| it["type"] != "exhausted"));
    house.turn(Span::minutes(5));
    let again = house.phone.messages(4);
    assert!(again[3].items.iter().all(|item| !item.unconfirmed), "{again:#?}");
}

#[test]
fn history_that_is_read_late_pages_nobody_about_what_is_over() {
    let mut house = House::open();
    house.stop_notifier();
    for nth in 0..20 {
        let name = format!("old {nth}");
        house.trigger(&name);
        house.turn(Span::minutes(30));
        house.resolve(&name);
        house.turn(Span::hours(2));
    }
    house.trigger("new");
    let is_new = |it: &Value| it["data"]["title"] == "trouble new";
    house.record(Topic::Incidents, is_new);
    house.start_notifier();
    let first = house.phone.messages(1).remove(0);
    assert_eq!(first.items.iter().map(|item| item.title.as_str()).collect::<Vec<_>>(), ["trouble new"]);
    house.told("accepted");
    assert_eq!(house.phone.count(), 1);
}
