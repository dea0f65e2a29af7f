//! Each answer of `POST /v2/enqueue`, byte for byte, and what the log holds after it.

use campanile_ledger::{AppendError, Topic};
use campanile_model::murmur2::partition_of;
use std::sync::Arc;

use crate::harness::{ACCEPTED_K, KEY, Refusing, SHARDS, ask, bind, enqueue, gateway, options, post, records, trigger};

fn invalid(error: &str) -> String {
    format!(r#"{{"status":"invalid event","message":"Event object is invalid","errors":["{error}"]}}"#)
}

#[tokio::test]
async fn an_event_is_answered_202_and_lies_untouched_under_its_routing_key() {
    let gateway = gateway(options());
    let body = trigger("k").replace(r#""trigger","#, "\"trigger\" ,\n\t");
    let answer = enqueue(gateway.address(), &body).await;
    answer.check(202, ACCEPTED_K);
    assert_eq!(answer.header("content-type"), Some("application/json"));

    let [(partition, stored)] = &records(&gateway.ledger, Topic::Events)[..] else { panic!("one record") };
    assert_eq!(*partition, partition_of(KEY.as_bytes(), SHARDS));
    assert_eq!(stored.record.key.as_deref(), Some(KEY.as_bytes()));
    assert_eq!(stored.record.value, body.as_bytes());
    assert!(stored.record.headers.is_empty());
}

#[tokio::test]
async fn acknowledge_and_resolve_need_no_payload_and_give_the_key_back() {
    let gateway = gateway(options());
    for action in ["acknowledge", "resolve"] {
        let body = format!(r#"{{"routing_key":"{KEY}","event_action":"{action}","dedup_key":"k"}}"#);
        enqueue(gateway.address(), &body).await.check(202, ACCEPTED_K);
    }
    assert_eq!(records(&gateway.ledger, Topic::Events).len(), 2);
}

#[tokio::test]
async fn a_trigger_without_a_key_gets_one_in_the_answer_and_in_a_header() {
    let gateway = gateway(options());
    let mut minted = Vec::new();
    for blank in ["", "  "] {
        let body = trigger(blank);
        let answer = enqueue(gateway.address(), &body).await;
        let head = r#"{"status":"success","message":"Event processed","dedup_key":""#;
        let key = answer.body.strip_prefix(head).and_then(|rest| rest.strip_suffix("\"}")).expect("a key");
        assert!(key.len() == 32 && key.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{key}");
        let newest = records(&gateway.ledger, Topic::Events).pop().expect("a record").1.record;
        assert_eq!(newest.header("campanile-dedup-key").map(|v| &v[..]), Some(key.as_bytes()));
        assert_eq!(newest.value, body.as_bytes());
        minted.push(key.to_owned());
    }
    assert_ne!(minted[0], minted[1]);
}

#[tokio::test]
async fn invalid_events_are_answered_400_with_every_error_and_are_not_stored() {
    let gateway = gateway(options());
    let good = trigger("k");
    let cases = [
        (
            good.replace(r#""severity":"critical""#, r#""severity":"""#),
            invalid("'payload.severity' is missing or blank"),
        ),
        (
            good.replace(r#""source":"web-1","#, "").replace(r#","severity":"critical""#, ""),
            invalid(r#"'payload.source' is missing or blank","'payload.severity' is missing or blank"#),
        ),
        (
            good.replace("critical", "fatal"),
            invalid(
                "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')",
            ),
        ),
        (good.replace(KEY, "short"), invalid("Length of 'routing_key' is incorrect (should be 32 characters)")),
        (
            good.replace(KEY, &KEY.replace('0', "-")),
            invalid("'routing_key' cannot contain non-alphanumeric characters."),
        ),
        (good.replace("Disk full", &"x".repeat(1025)), invalid("'summary' is too long (maiximum is 1024 characters)")),
        (good.replace(KEY, &"f".repeat(32)), invalid("Invalid routing key")),
        (good.replace(KEY, &KEY.to_uppercase()), invalid("Invalid routing key")),
    ];
    for (body, expected) in cases {
        let answer = enqueue(gateway.address(), &body).await;
        answer.check(400, &expected);
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    assert_eq!(records(&gateway.ledger, Topic::Events), []);
    assert_eq!(records(&gateway.ledger, Topic::DeadLetters), []);
}

#[tokio::test]
async fn bytes_that_are_no_json_object_are_unrecognized() {
    let gateway = gateway(options());
    let expected = r#"{"status":"Unrecognized object","message":"Event object format is unrecognized","errors":["JSON parse error"]}"#;
    for body in ["", "{", "[]", "null", "routing_key=x", r#"{"a":1}x"#] {
        enqueue(gateway.address(), body).await.check(400, expected);
    }
}

#[tokio::test]
async fn path_may_end_with_a_slash_and_the_content_type_does_not_matter() {
    let gateway = gateway(options());
    for path in ["/v2/enqueue", "/v2/enqueue/", "/v2/enqueue?", "/v2/enqueue/?a=b"] {
        for kind in ["", "content-type: text/plain\r\n", "content-type: application/x-www-form-urlencoded\r\n"] {
            ask(gateway.address(), post(path, kind, &trigger("k"))).await.check(202, ACCEPTED_K);
        }
    }
}

#[tokio::test]
async fn encoded_bodies_are_refused_with_415() {
    let gateway = gateway(options());
    let answer = ask(gateway.address(), post("/v2/enqueue", "content-encoding: gzip\r\n", &trigger("k"))).await;
    let expected = r#"{"status":"unsupported media type","message":"Event object is encoded","errors":["'Content-Encoding' is not supported; send the JSON as it is"]}"#;
    answer.check(415, expected);
    let plain = ask(gateway.address(), post("/v2/enqueue", "content-encoding: identity\r\n", &trigger("k"))).await;
    plain.check(202, ACCEPTED_K);
}

#[tokio::test]
async fn other_paths_and_methods_are_answered_in_json() {
    let gateway = gateway(options());
    let answer = ask(gateway.address(), "GET /v3 HTTP/1.1\r\nhost: gateway\r\n\r\n").await;
    let expected = r#"{"status":"not found","message":"Nothing is served at this path","errors":["Events go to POST /v2/enqueue; see also /health/live, /health/ready and /metrics"]}"#;
    answer.check(404, expected);
    assert_eq!(answer.header("content-type"), Some("application/json"));

    let answer = ask(gateway.address(), "GET /v2/enqueue HTTP/1.1\r\nhost: gateway\r\n\r\n").await;
    let expected = r#"{"status":"method not allowed","message":"This path does not take this method","errors":["The header 'allow' names the methods it takes"]}"#;
    answer.check(405, expected);
    assert_eq!(answer.header("allow"), Some("POST"));
    let answer = ask(gateway.address(), post("/metrics", "", "x")).await;
    assert_eq!((answer.code, answer.header("allow")), (405, Some("GET, HEAD")));
}

#[tokio::test]
async fn a_log_that_takes_no_input_is_answered_503_with_a_time_to_retry() {
    let stored_not = r#"{"status":"service unavailable","message":"Events cannot be stored now","errors":["The event was not stored; send it again"]}"#;
    let in_doubt = r#"{"status":"service unavailable","message":"It is not known whether the event was stored","errors":["Send it again; a repeat with the same 'dedup_key' makes no second alert"]}"#;
    let cases =
        [(AppendError::Unavailable("full".to_owned()), stored_not), (AppendError::InDoubt("?".to_owned()), in_doubt)];
    for (error, expected) in cases {
        let handle = bind(options(), Arc::new(Refusing(error))).start();
        let answer = enqueue(handle.local_addr(), &trigger("k")).await;
        answer.check(503, expected);
        assert_eq!(answer.header("retry-after"), Some("5"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn a_record_that_can_never_fit_is_a_fault_of_ours() {
    let handle = bind(options(), Arc::new(Refusing(AppendError::TooLarge { size: 2, limit: 1 }))).start();
    let expected = r#"{"status":"internal error","message":"The event was not stored","errors":["This is a fault of the server, and its log says more"]}"#;
    enqueue(handle.local_addr(), &trigger("k")).await.check(500, expected);
}
