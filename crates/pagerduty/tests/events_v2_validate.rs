//! Validation: every error string, every bound at the limit and one past it, and where the log is milder than the door.

use std::borrow::Cow;

use campanile_model::{Severity, text};
use campanile_pagerduty::events_v2::{
    Action, Decoder, Payload, Problem, Request, limits, validate_logged, validate_request,
};
use serde_json::{Value, json};

const KEY: &str = "0123456789abcdefghijABCDEFGHIJxy";

fn trigger() -> Value {
    json!({
        "routing_key": KEY, "event_action": "trigger", "dedup_key": "d",
        "payload": {"summary": "s", "source": "o", "severity": "critical"},
    })
}

/// The trigger event with the value at this pointer replaced, or taken away by `None`.
fn trigger_with(pointer: &str, value: Option<Value>) -> Value {
    let mut event = trigger();
    let (parent, key) = pointer.rsplit_once('/').expect("pointers have a slash");
    let object = event.pointer_mut(parent).and_then(Value::as_object_mut).expect("parents are objects");
    match value {
        Some(value) => object.insert(key.to_owned(), value),
        None => object.remove(key),
    };
    event
}

type Rules = for<'a> fn(&campanile_pagerduty::events_v2::Event<'a>) -> Result<Request<'a>, Vec<Problem>>;

fn judge<T>(event: &Value, rules: Rules, read: impl FnOnce(Result<Request<'_>, Vec<Problem>>) -> T) -> T {
    let mut bytes = event.to_string().into_bytes();
    let event = Decoder::new().decode(&mut bytes).expect("test events are JSON objects");
    read(rules(&event))
}

/// What the door says about it, as the strings of `errors`.
fn errors(event: &Value, rules: Rules) -> Vec<String> {
    judge(event, rules, |result| result.err().unwrap_or_default().iter().map(ToString::to_string).collect())
}

fn check(event: &Value, expected: &[&str]) {
    assert_eq!(errors(event, validate_request), expected, "{event}");
}

/// Refused both at the door and behind the log.
fn check_both(event: &Value, expected: &[&str]) {
    check(event, expected);
    assert_eq!(errors(event, validate_logged), expected, "{event}");
}

#[test]
fn a_whole_trigger_becomes_a_request() {
    let event = json!({
        "routing_key": KEY, "event_action": "trigger", "dedup_key": " D ", "client": "c", "client_url": "u",
        "payload": {"summary": "s", "source": "o", "severity": "critical", "component": "p", "group": "g", "class": "l",
                    "timestamp": "t"},
    });
    let expected = Request {
        routing_key: KEY,
        action: Action::Trigger,
        dedup_key: Some(" D "),
        payload: Some(Payload {
            summary: Cow::Borrowed("s"),
            summary_cut: false,
            source: "o",
            severity: Severity::Critical,
            component: Some("p"),
            group: Some("g"),
            class: Some("l"),
            timestamp: Some("t"),
        }),
        client: Some("c"),
        client_url: Some("u"),
    };
    for rules in [validate_request as Rules, validate_logged] {
        judge(&event, rules, |result| assert_eq!(result, Ok(expected.clone())));
    }
}

#[test]
fn every_action_and_severity_is_taken_and_only_as_written() {
    for action in Action::ALL {
        let event = trigger_with("/event_action", Some(json!(action.as_str())));
        judge(&event, validate_request, |result| assert_eq!(result.map(|r| r.action), Ok(action)));
    }
    for severity in Severity::ALL {
        let event = trigger_with("/payload/severity", Some(json!(severity.as_str())));
        let seen = judge(&event, validate_request, |r| r.ok().and_then(|r| r.payload).map(|p| p.severity));
        assert_eq!(seen, Some(severity));
    }
    let action = "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')";
    let severity =
        "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')";
    for wrong in ["Trigger", "trigger ", "open"] {
        check_both(&trigger_with("/event_action", Some(json!(wrong))), &[action]);
    }
    for wrong in ["Critical", " info", "fatal"] {
        check_both(&trigger_with("/payload/severity", Some(json!(wrong))), &[severity]);
    }
}

#[test]
fn what_must_be_there_is_missing_when_absent_null_blank_or_no_text() {
    for (pointer, expected) in [
        ("/routing_key", "'routing_key' is missing or blank"),
        ("/event_action", "'event_action' is missing or blank"),
        ("/payload/summary", "'payload.summary' is missing or blank"),
        ("/payload/source", "'payload.source' is missing or blank"),
        ("/payload/severity", "'payload.severity' is missing or blank"),
    ] {
        let blanks = [None, Some(json!(null)), Some(json!("")), Some(json!(" \t\n\u{3000}"))];
        let others = [Some(json!(5)), Some(json!(true)), Some(json!([])), Some(json!({"a": "b"}))];
        for value in blanks.into_iter().chain(others) {
            check_both(&trigger_with(pointer, value), &[expected]);
        }
    }
}

#[test]
fn a_routing_key_has_exactly_32_letters_and_digits() {
    let length = "Length of 'routing_key' is incorrect (should be 32 characters)";
    let characters = "'routing_key' cannot contain non-alphanumeric characters.";
    for (key, expected) in [
        ("a".repeat(32), &[][..]),
        ("a".repeat(31), &[length]),
        ("a".repeat(33), &[length]),
        (format!("{}-", "a".repeat(31)), &[characters]),
        (format!("{}é", "a".repeat(31)), &[characters]),
        (format!("{}é", "a".repeat(30)), &[length, characters]),
        (format!(" {KEY}"), &[length, characters]),
        ("INTEGRATION_KEY".to_owned(), &[length, characters]),
    ] {
        check_both(&trigger_with("/routing_key", Some(json!(key))), expected);
    }
}

#[test]
fn a_dedup_key_of_255_characters_is_taken_and_256_are_refused_not_cut() {
    let long = "'dedup_key' is too long (maximum is 255 characters)";
    for action in Action::ALL {
        for (letter, count, expected) in
            [("k", 255, &[][..]), ("k", 256, &[long]), ("🔥", 255, &[]), ("🔥", 256, &[long])]
        {
            let mut event = trigger_with("/dedup_key", Some(json!(letter.repeat(count))));
            event["event_action"] = json!(action.as_str());
            check_both(&event, expected);
        }
    }
}

#[test]
fn a_blank_dedup_key_asks_for_a_new_one_on_trigger_and_is_refused_otherwise() {
    for value in [None, Some(json!(null)), Some(json!("")), Some(json!("  "))] {
        let mut event = trigger_with("/dedup_key", value);
        for rules in [validate_request as Rules, validate_logged] {
            judge(&event, rules, |result| assert_eq!(result.map(|r| r.dedup_key), Ok(None)));
        }
        for action in [Action::Acknowledge, Action::Resolve] {
            event["event_action"] = json!(action.as_str());
            check_both(&event, &["'dedup_key' is missing or blank"]);
        }
    }
}

#[test]
fn a_dedup_key_that_is_no_text_is_refused_rather_than_replaced() {
    for value in [json!(123), json!(["a"]), json!({}), json!(false)] {
        for action in Action::ALL {
            let mut event = trigger_with("/dedup_key", Some(value.clone()));
            event["event_action"] = json!(action.as_str());
            check_both(&event, &["'dedup_key' is invalid (must be a string)"]);
        }
    }
}

#[test]
fn a_trigger_needs_a_payload_that_is_an_object() {
    check_both(&trigger_with("/payload", None), &["'payload' is missing or blank"]);
    check_both(&trigger_with("/payload", Some(json!(null))), &["'payload' is missing or blank"]);
    for value in [json!("x"), json!([]), json!(1)] {
        check_both(&trigger_with("/payload", Some(value)), &["'payload' is invalid (must be an object)"]);
    }
}

#[test]
fn the_payload_of_acknowledge_and_resolve_is_not_looked_at() {
    for action in [Action::Acknowledge, Action::Resolve] {
        for payload in [json!(null), json!("x"), json!({}), json!({"summary": "s".repeat(2000), "severity": "bad"})] {
            let mut event = trigger_with("/payload", Some(payload));
            event["event_action"] = json!(action.as_str());
            judge(&event, validate_request, |result| assert_eq!(result.map(|r| r.payload), Ok(None)));
        }
    }
}

#[test]
fn a_summary_of_1024_characters_is_taken_and_1025_are_refused_at_the_door() {
    for letter in ["s", "é", "🔥"] {
        check(&trigger_with("/payload/summary", Some(json!(letter.repeat(1024)))), &[]);
        check(
            &trigger_with("/payload/summary", Some(json!(letter.repeat(1025)))),
            &["'summary' is too long (maiximum is 1024 characters)"],
        );
    }
}

#[test]
fn behind_the_log_a_long_summary_is_cut_and_marked() {
    for (count, cut) in [(1024, false), (1025, true), (5000, true)] {
        let summary = "é".repeat(count);
        judge(&trigger_with("/payload/summary", Some(json!(summary))), validate_logged, |result| {
            let payload = result.ok().and_then(|r| r.payload).expect("a long summary is no reason to refuse");
            assert_eq!(payload.summary_cut, cut, "{count}");
            assert_eq!(payload.summary.chars().count(), 1024, "{count}");
            assert_eq!(payload.summary.ends_with(text::CUT_MARK), cut, "{count}");
            assert_eq!(matches!(payload.summary, Cow::Owned(_)), cut, "{count}");
        });
    }
}

#[test]
fn optional_texts_that_are_blank_or_no_text_are_absent() {
    for value in [json!(null), json!(""), json!("  "), json!(5), json!(["x"])] {
        let mut event = trigger();
        for key in ["client", "client_url"] {
            event[key] = value.clone();
        }
        for key in ["component", "group", "class", "timestamp"] {
            event["payload"][key] = value.clone();
        }
        judge(&event, validate_request, |result| {
            let request = result.expect("optional texts are no reason to refuse");
            let payload = request.payload.expect("a trigger has its payload");
            let seen = [
                request.client,
                request.client_url,
                payload.component,
                payload.group,
                payload.class,
                payload.timestamp,
            ];
            assert_eq!(seen, [None; 6], "{value}");
        });
    }
}

#[test]
fn details_links_and_images_are_never_a_reason_to_refuse() {
    for value in [
        json!(null),
        json!(""),
        json!("text"),
        json!(1),
        json!([]),
        json!({}),
        json!([{"href": "", "src": "", "text": ""}]),
        json!([{"src": "http://insecure"}]),
        json!([1, null]),
    ] {
        let mut event = trigger();
        event["links"] = value.clone();
        event["images"] = value.clone();
        event["payload"]["custom_details"] = value;
        check_both(&event, &[]);
    }
}

#[test]
fn problems_come_in_the_order_of_the_fields() {
    let event = json!({"payload": {"severity": "bad"}, "dedup_key": 1, "event_action": "trigger", "routing_key": "-"});
    check_both(
        &event,
        &[
            "Length of 'routing_key' is incorrect (should be 32 characters)",
            "'routing_key' cannot contain non-alphanumeric characters.",
            "'dedup_key' is invalid (must be a string)",
            "'payload.summary' is missing or blank",
            "'payload.source' is missing or blank",
            "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')",
        ],
    );
    check_both(&json!({}), &["'routing_key' is missing or blank", "'event_action' is missing or blank"]);
}

#[test]
fn the_numbers_in_the_strings_are_the_limits() {
    for (problem, limit) in [
        (Problem::RoutingKeyLength, limits::ROUTING_KEY_CHARS),
        (Problem::DedupKeyLong, limits::DEDUP_KEY_CHARS_MAX),
        (Problem::SummaryLong, limits::SUMMARY_CHARS_MAX),
        (Problem::TooLarge, limits::BODY_BYTES_MAX),
    ] {
        assert!(problem.to_string().contains(&format!(" {limit} ")), "{problem}");
    }
}
