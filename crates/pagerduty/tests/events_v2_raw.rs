//! Raw parts: found where `serde_json` finds them, as the sender wrote them, and looked into along a path.

use std::collections::HashMap;

use campanile_pagerduty::events_v2::{RawDetails, RawParts, locate};
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

fn text(part: Option<&[u8]>) -> Option<&str> {
    part.map(|bytes| std::str::from_utf8(bytes).expect("parts of texts are texts"))
}

#[track_caller]
fn check(body: &str, details: Option<&str>, links: Option<&str>, images: Option<&str>) {
    let parts = locate(body.as_bytes());
    assert_eq!((text(parts.details), text(parts.links), text(parts.images)), (details, links, images), "{body}");
}

#[track_caller]
fn check_lookup(details: &str, path: &[&str], expected: Option<&str>) {
    assert_eq!(RawDetails(details.as_bytes()).lookup(path).as_deref(), expected, "{path:?} of {details}");
}

#[test]
fn parts_are_found_as_written() {
    check(
        r#"{"links" : [ {"href":""} ] ,"payload":{"a":[1,2],"custom_details": { "x" : 1.50 } },"images":null}"#,
        Some(r#"{ "x" : 1.50 }"#),
        Some(r#"[ {"href":""} ]"#),
        Some("null"),
    );
    for value in ["1", "-1.5E+3", "true", "null", "\"\"", r#""a\"}\\""#, "[]", "{}", "[[{}],{\"a\":\"]\"}]"] {
        check(&format!(r#"{{"payload":{{"custom_details":{value}}}}}"#), Some(value), None, None);
        check(&format!("{{\"links\":\t{value}\r\n,\"images\" : {value} }}\n"), None, Some(value), Some(value));
    }
}

#[test]
fn what_is_elsewhere_is_not_a_part() {
    check("{}", None, None, None);
    check(r#"{"custom_details":1,"payload":{"links":1,"images":1}}"#, None, None, None);
    check(r#"{"x":{"payload":{"custom_details":1},"links":1},"y":"\"links\":1","z":["links",1]}"#, None, None, None);
    check(r#"{"payload":[{"custom_details":1}],"links":1}"#, None, Some("1"), None);
    check(r#"{"payload":"{\"custom_details\":1}","images":1}"#, None, None, Some("1"));
}

#[test]
fn of_duplicates_the_last_one_wins() {
    check(r#"{"links":1,"links":2,"images":[1],"images":null}"#, None, Some("2"), Some("null"));
    check(r#"{"payload":{"custom_details":1,"custom_details":2}}"#, Some("2"), None, None);
    check(r#"{"payload":{"custom_details":1},"payload":{"custom_details":2}}"#, Some("2"), None, None);
    check(r#"{"payload":{"custom_details":1},"payload":{"source":"x"}}"#, None, None, None);
    check(r#"{"payload":{"custom_details":1},"payload":null}"#, None, None, None);
}

#[test]
fn keys_with_escapes_are_the_same_keys() {
    check(r#"{"pa\u0079load":{"custom\u005Fdetails":7},"\u006cinks":8,"image\u0073x":9}"#, Some("7"), Some("8"), None);
}

#[test]
fn a_byte_order_mark_is_no_hindrance() {
    check("\u{feff}{\"links\":1}", None, Some("1"), None);
}

#[test]
fn a_lookup_gives_scalars_as_text() {
    let details = r#"{"text":"a\n\"é🔥","int":42,"float":1.50,"exp":1E+2,"yes":true,"no":false,"nil":null,"empty":""}"#;
    check_lookup(details, &["text"], Some("a\n\"é🔥"));
    check_lookup(details, &["int"], Some("42"));
    check_lookup(details, &["float"], Some("1.50"));
    check_lookup(details, &["exp"], Some("1E+2"));
    check_lookup(details, &["yes"], Some("true"));
    check_lookup(details, &["no"], Some("false"));
    check_lookup(details, &["nil"], None);
    check_lookup(details, &["empty"], Some(""));
    check_lookup(details, &["absent"], None);
    check_lookup(details, &["text", "deeper"], None);
}

#[test]
fn a_lookup_follows_objects_and_gives_what_is_no_scalar_as_compact_json() {
    let details = " { \"a\" : { \"b\" : [ 1.0 , \" x \\\" \" , { } ] , \"b.c\" : \"dot\", \"\" : \"blank\" } } ";
    check_lookup(details, &["a", "b"], Some(r#"[1.0," x \" ",{}]"#));
    check_lookup(details, &["a", "b.c"], Some("dot"));
    check_lookup(details, &["a", ""], Some("blank"));
    check_lookup(details, &["a", "b", "0"], None);
    check_lookup(details, &["a"], Some(r#"{"b":[1.0," x \" ",{}],"b.c":"dot","":"blank"}"#));
    check_lookup(r#"{"a":1,"a":{"b":2},"a":{"b":3,"b":4}}"#, &["a", "b"], Some("4"));
    check_lookup(r#"{"\u0061":1}"#, &["a"], Some("1"));
}

#[test]
fn details_that_are_no_object_have_only_a_whole() {
    check_lookup("\"just text\"", &[], Some("just text"));
    check_lookup("\"just text\"", &["a"], None);
    check_lookup("17", &[], Some("17"));
    check_lookup("[1, 2]", &[], Some("[1,2]"));
    check_lookup("null", &[], None);
    check_lookup("", &[], None);
}

/// A key that matters, one that is near it, or any.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec!["payload", "custom_details", "links", "images"]).prop_map(|k| format!("\"{k}\"")),
        1 => prop::sample::select(vec![r#""p\u0061yload""#, r#""\u006Cinks""#, r#""custom\u005fdetails""#, r#""links\"""#])
            .prop_map(str::to_owned),
        2 => any::<String>().prop_map(|k| Value::String(k).to_string()),
    ]
}

/// JSON text with blanks, duplicate keys and escapes in it, as no serializer would write it.
fn json_text() -> impl Strategy<Value = String> {
    let blank = || prop::sample::select(vec!["", "", "", " ", "\n\t"]);
    let leaf = prop_oneof![
        prop::sample::select(vec![
            "null",
            "true",
            "0",
            "-1.5e3",
            "\"\"",
            r#""\\""#,
            r#""\"]}{[""#,
            r#""é\ud83d\udd25""#
        ])
        .prop_map(str::to_owned),
        any::<String>().prop_map(|t| Value::String(t).to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        let padded = (blank(), inner, blank()).prop_map(|(a, v, b)| format!("{a}{v}{b}"));
        let member = (blank(), key(), blank(), padded.clone()).prop_map(|(a, k, b, v)| format!("{a}{k}{b}:{v}"));
        prop_oneof![
            1 => prop::collection::vec(padded, 0..5).prop_map(|v| format!("[{}]", v.join(","))),
            4 => prop::collection::vec(member, 0..7).prop_map(|v| format!("{{{}}}", v.join(","))),
        ]
    })
}

fn raw_members(object: &str) -> HashMap<String, &RawValue> {
    serde_json::from_str(object).unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn parts_are_where_serde_json_finds_them(body in json_text()) {
        let top = raw_members(&body);
        let payload = top.get("payload").map(|p| raw_members(p.get())).unwrap_or_default();
        let part = |members: &HashMap<String, &RawValue>, key| members.get(key).map(|v| v.get().trim().to_owned());
        let RawParts { details, links, images } = locate(body.as_bytes());
        prop_assert_eq!(text(details).map(str::to_owned), part(&payload, "custom_details"));
        prop_assert_eq!(text(links).map(str::to_owned), part(&top, "links"));
        prop_assert_eq!(text(images).map(str::to_owned), part(&top, "images"));
    }

    #[test]
    fn a_lookup_finds_the_value_that_serde_json_finds(
        details in json_text(),
        path in prop::collection::vec(prop::sample::select(vec!["payload", "custom_details", "links"]), 0..3),
    ) {
        let whole: Value = serde_json::from_str(&details).expect("the strategy writes JSON");
        let expected = path.iter().try_fold(&whole, |value, key| value.get(key));
        let found = RawDetails(details.as_bytes()).lookup(&path);
        match expected {
            None | Some(Value::Null) => prop_assert_eq!(found, None),
            Some(Value::String(text)) => prop_assert_eq!(found.as_ref(), Some(text)),
            Some(other) => {
                let found = found.expect("something stands there");
                prop_assert_eq!(&serde_json::from_str::<Value>(&found).expect("what is found is JSON"), other);
            }
        }
    }

    #[test]
    fn bytes_that_are_no_json_end_somewhere(bytes in prop::collection::vec(
        prop_oneof![prop::sample::select(br#"{}[]":,\ n1"#.to_vec()), any::<u8>()], 0..60)) {
        let parts = locate(&bytes);
        for part in [parts.details, parts.links, parts.images].into_iter().flatten() {
            let _ = RawDetails(part).lookup(&["a"]);
        }
        let _ = RawDetails(&bytes).lookup(&["", "a"]);
        let _ = RawDetails(&bytes).lookup(&[] as &[&str]);
    }

    #[test]
    fn a_cut_body_ends_somewhere(body in json_text(), keep in 0.0..1.0) {
        let end = (body.len() as f64 * keep) as usize;
        let _ = locate(&body.as_bytes()[..end]);
    }
}
