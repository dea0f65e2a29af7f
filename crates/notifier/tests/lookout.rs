//! Hand-offs reach their person, and gaps become incidents before they come.

mod house;

use campanile_ledger::Topic;
use campanile_model::Span;
use house::House;
use serde_json::json;

/// The house's clock begins at 2026-09-21T14:13:20Z; Ann's shift on the schedule ends two hours later.
const SHIFT_END: &str = "2026-09-21T16:13:20Z";

fn with_a_schedule() -> Vec<(&'static str, String, serde_json::Value)> {
    let mut objects = house::organisation();
    let schedule = json!({"schedule": {
        "name": "Primary", "time_zone": "Etc/UTC",
        "schedule_layers": [{"name": "one", "start": "2026-09-01T00:00:00Z", "end": SHIFT_END,
            "rotation_virtual_start": "2026-09-01T00:00:00Z", "rotation_turn_length_seconds": 604_800,
            "users": [{"user": {"id": "PANN", "type": "user_reference"}}]}]}});
    objects.push(("schedules", "PSCHED".to_owned(), schedule));
    for (folder, id, object) in &mut objects {
        if *folder == "escalation_policies" {
            object["escalation_policy"]["escalation_rules"] = json!([{"escalation_delay_in_minutes": 5, "targets": [{"id": "PSCHED", "type": "schedule_reference"}]}]);
        }
        if id == "PANN" {
            object["user"]["oncall_handoff_notification_rules"] = json!([{"handoff_type": "offcall", "notify_advance_in_minutes": 60,
                        "contact_method": {"id": "PANNTERM", "type": "terminal_contact_method"}}]);
        }
    }
    objects
}

#[test]
fn a_shift_s_end_is_told_an_hour_before_and_once() {
    let mut house = House::of(with_a_schedule(), Default::default());
    // The lookout looks at every start.
    house.turn(Span::minutes(59));
    house.stop_notifier();
    house.start_notifier();
    house.turn(Span::minutes(2));
    house.stop_notifier();
    assert_eq!(house.phone.count(), 0);
    house.start_notifier();
    let told = house.phone.messages(1);
    let handoff = told[0].handoff.as_ref().expect("a hand-off");
    assert_eq!(handoff.schedule.name, "Primary");
    assert!(told[0].items.is_empty());
    house.record(Topic::Answers, |it| it["type"] == "order" && it["reply"] == "accepted");
    // One that is not judged yet is offered again by the next process, under the same key.
    house.answers_are_judged();
    house.stop_notifier();
    house.start_notifier();
    // The second look's notice is judged, and tells nothing.
    let count = || house.records(Topic::Answers).iter().filter(|it| it["type"] == "handoff").count();
    house.until("the notice was found again", || count() == 2);
    house.stop_notifier();
    assert_eq!(house.phone.count(), 1);
}

#[test]
fn a_gap_is_an_incident_before_it_comes() {
    let paging = campanile_escalation::Options {
        gap_routing_key: Some(campanile_model::RoutingKey::new(house::KEY)),
        ..Default::default()
    };
    let mut house = House::of(with_a_schedule(), paging);
    let told = house.record(Topic::Incidents, |it| it["event_type"] == "incident.triggered");
    let title = told["data"]["title"].as_str().expect("a title");
    assert_eq!(title, "Nobody is on call at any level of on-call from 2026-09-21T16:13:20Z on");
    house.stop_notifier();
}
