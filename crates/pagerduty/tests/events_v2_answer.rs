//! Answers, byte for byte.

use campanile_pagerduty::events_v2::{Problem, answer};
use serde_json::Value;

#[track_caller]
fn check(body: Vec<u8>, expected: &str) {
    let body = String::from_utf8(body).expect("answers are UTF-8");
    assert_eq!(body, expected);
    serde_json::from_str::<Value>(&body).expect("answers are JSON");
}

#[test]
fn an_accepted_event_gets_its_dedup_key_back() {
    check(
        answer::accepted("samplekeyhere"),
        r#"{"status":"success","message":"Event processed","dedup_key":"samplekeyhere"}"#,
    );
    assert_eq!(answer::ACCEPTED_STATUS, 202);
}

#[test]
fn a_dedup_key_is_escaped_as_json_demands() {
    check(
        answer::accepted("a\"b\\c\nd\re\tf\u{0}\u{1f}/é🔥\u{7f}"),
        "{\"status\":\"success\",\"message\":\"Event processed\",\
         \"dedup_key\":\"a\\\"b\\\\c\\nd\\re\\tf\\u0000\\u001f/é🔥\u{7f}\"}",
    );
    for letter in (0..=0x2ff_u32).filter_map(char::from_u32) {
        let body: Value = serde_json::from_slice(&answer::accepted(&format!("{letter}x"))).expect("answers are JSON");
        assert_eq!(body["dedup_key"], format!("{letter}x"));
    }
}

#[test]
fn an_invalid_event_gets_every_problem_in_order() {
    check(
        answer::invalid(&[Problem::SeverityMissing]),
        r#"{"status":"invalid event","message":"Event object is invalid","errors":["'payload.severity' is missing or blank"]}"#,
    );
    check(
        answer::invalid(&[Problem::RoutingKeyLength, Problem::SummaryLong]),
        concat!(
            r#"{"status":"invalid event","message":"Event object is invalid","errors":["#,
            r#""Length of 'routing_key' is incorrect (should be 32 characters)","#,
            r#""'summary' is too long (maiximum is 1024 characters)"]}"#,
        ),
    );
    assert_eq!(answer::REFUSED_STATUS, 400);
}

#[test]
fn an_unknown_key_and_a_large_body_are_invalid_events() {
    check(
        answer::invalid(&[Problem::RoutingKeyUnknown]),
        r#"{"status":"invalid event","message":"Event object is invalid","errors":["Invalid routing key"]}"#,
    );
    check(
        answer::too_large(),
        r#"{"status":"invalid event","message":"Event object is invalid","errors":["Event object is too large (maximum is 524288 bytes)"]}"#,
    );
}

#[test]
fn bytes_that_are_no_event_get_the_other_answer() {
    check(
        answer::unparseable(),
        r#"{"status":"Unrecognized object","message":"Event object format is unrecognized","errors":["JSON parse error"]}"#,
    );
}

#[test]
fn above_the_rate_limit_the_body_is_plain_text() {
    assert_eq!((answer::RATE_LIMITED_STATUS, answer::RATE_LIMITED), (429, "Request Limit Exceeded"));
}
