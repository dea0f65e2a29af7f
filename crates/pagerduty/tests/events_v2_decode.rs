//! Decoding: what is an event, what is unparseable, and what a decoder leaves behind for the next body.

use campanile_pagerduty::events_v2::{Decoder, Event, Field, Shape, Unparseable, limits};

/// Decodes with a decoder that has seen other bodies, good and bad, so that leftovers would show.
fn check(body: &[u8], judge: impl FnOnce(Result<Event<'_>, Unparseable>)) {
    let mut decoder = Decoder::new();
    for earlier in [&br#"{"routing_key":"other","payload":{"summary":"other","custom_details":{}}}"#[..], b"{\"x\":[[["]
    {
        let _ = decoder.decode(&mut earlier.to_vec());
    }
    judge(decoder.decode(&mut body.to_vec()));
}

fn check_event(body: &str, judge: impl FnOnce(Event<'_>)) {
    check(body.as_bytes(), |event| judge(event.unwrap_or_else(|_| panic!("should decode: {body}"))));
}

fn check_unparseable(body: &[u8]) {
    check(body, |event| assert_eq!(event, Err(Unparseable), "{}", String::from_utf8_lossy(body)));
}

fn nested(levels: usize) -> String {
    // The body itself is the first level.
    format!("{{\"x\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1))
}

#[test]
fn every_field_is_read() {
    check_event(
        r#"{"routing_key":"k","event_action":"trigger","dedup_key":"d","client":"c","client_url":"u",
            "payload":{"summary":"s","source":"o","severity":"info","timestamp":"t","component":"p","group":"g",
            "class":"l","custom_details":{"a":[1,{"summary":"no"}]}},"links":[{"href":""}],"images":[]}"#,
        |event| {
            let expected = Event {
                routing_key: Field::Text("k"),
                event_action: Field::Text("trigger"),
                dedup_key: Field::Text("d"),
                client: Field::Text("c"),
                client_url: Field::Text("u"),
                payload: Shape::Object,
                summary: Field::Text("s"),
                source: Field::Text("o"),
                severity: Field::Text("info"),
                timestamp: Field::Text("t"),
                component: Field::Text("p"),
                group: Field::Text("g"),
                class: Field::Text("l"),
                has_details: true,
                has_links: true,
                has_images: true,
            };
            assert_eq!(event, expected);
        },
    );
}

#[test]
fn an_empty_object_is_an_event_without_anything() {
    check_event("{}", |event| assert_eq!(event, Event::default()));
    check_event(" \r\n\t{ } \n", |event| assert_eq!(event, Event::default()));
}

#[test]
fn missing_null_text_and_other_are_told_apart() {
    for (value, expected) in [
        ("null", Field::Null),
        (r#""""#, Field::Text("")),
        (r#""x""#, Field::Text("x")),
        ("1", Field::Other),
        ("-1.5e3", Field::Other),
        ("true", Field::Other),
        ("[]", Field::Other),
        (r#"{"a":1}"#, Field::Other),
    ] {
        check_event(&format!(r#"{{"dedup_key":{value},"payload":{{"source":{value}}}}}"#), |event| {
            assert_eq!(event.dedup_key, expected, "{value}");
            assert_eq!(event.source, expected, "{value}");
            assert_eq!(event.summary, Field::Missing, "{value}");
        });
    }
}

#[test]
fn null_parts_are_not_there() {
    check_event(r#"{"payload":null,"links":null,"images":null}"#, |event| assert_eq!(event, Event::default()));
    check_event(r#"{"payload":{"custom_details":null}}"#, |event| {
        assert_eq!(event, Event { payload: Shape::Object, ..Event::default() });
    });
}

#[test]
fn a_payload_that_is_no_object_is_told() {
    for value in ["[]", "1", "\"x\"", "false"] {
        check_event(&format!(r#"{{"payload":{value}}}"#), |event| assert_eq!(event.payload, Shape::Other, "{value}"));
    }
}

#[test]
fn of_duplicate_keys_the_last_one_wins() {
    check_event(r#"{"dedup_key":"a","dedup_key":"b"}"#, |event| assert_eq!(event.dedup_key, Field::Text("b")));
    check_event(r#"{"dedup_key":"a","dedup_key":null}"#, |event| assert_eq!(event.dedup_key, Field::Null));
    check_event(r#"{"payload":{"source":"a","source":"b"}}"#, |event| assert_eq!(event.source, Field::Text("b")));
    check_event(r#"{"links":[1],"links":null}"#, |event| assert!(!event.has_links));
}

#[test]
fn of_two_payloads_nothing_of_the_first_shines_through() {
    check_event(r#"{"payload":{"summary":"a","custom_details":1},"payload":{"source":"b"}}"#, |event| {
        assert_eq!(event.summary, Field::Missing);
        assert_eq!(event.source, Field::Text("b"));
        assert!(!event.has_details);
    });
    check_event(r#"{"payload":{"summary":"a"},"payload":null}"#, |event| assert_eq!(event, Event::default()));
}

#[test]
fn escapes_are_resolved_in_keys_and_values() {
    check_event(r#"{"dedup\u005fkey":"a\n\u00e9\ud83d\udd25\"\\\/"}"#, |event| {
        assert_eq!(event.dedup_key, Field::Text("a\né🔥\"\\/"));
    });
}

#[test]
fn unknown_keys_are_skipped_whole() {
    check_event(
        r#"{"x":{"dedup_key":"no","payload":{"summary":"no"}},"y":[["dedup_key"],{}],"dedup_key":"d"}"#,
        |event| {
            assert_eq!(event, Event { dedup_key: Field::Text("d"), ..Event::default() });
        },
    );
}

#[test]
fn keys_are_case_sensitive() {
    check_event(r#"{"Dedup_Key":"d","PAYLOAD":{}}"#, |event| assert_eq!(event, Event::default()));
}

#[test]
fn nesting_at_the_limit_is_taken_and_one_level_more_is_not() {
    check_event(&nested(limits::DEPTH_MAX), |event| assert_eq!(event, Event::default()));
    check_unparseable(nested(limits::DEPTH_MAX + 1).as_bytes());
    check_unparseable("[".repeat(200_000).as_bytes());
    check_unparseable("{\"a\":".repeat(100_000).as_bytes());
}

#[test]
fn integers_within_64_bits_are_taken_and_beyond_are_not() {
    for number in ["18446744073709551615", "-9223372036854775808", "1e308", "-0", "0.1234567890123456789012345"] {
        check_event(&format!(r#"{{"x":{number}}}"#), |event| assert_eq!(event, Event::default(), "{number}"));
    }
    for number in ["18446744073709551616", "-9223372036854775809", "123456789012345678901234567890", "1e309"] {
        check_unparseable(format!(r#"{{"x":{number}}}"#).as_bytes());
    }
}

#[test]
fn what_is_no_json_object_is_unparseable() {
    for body in [
        "",
        " ",
        "\n",
        "null",
        "true",
        "1",
        "\"x\"",
        "[]",
        "[{}]",
        "{",
        "}",
        "{}{}",
        "{} x",
        "{}]",
        "{},",
        "{\"a\":1,}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":+1}",
        "{\"a\":NaN}",
        "{\"a\":tru}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"x}",
        "{\"a\" 1}",
        "{1:2}",
        "{\"a\":1 \"b\":2}",
        "{}\0",
        "// c\n{}",
        "routing_key=x&event_action=trigger",
    ] {
        check_unparseable(body.as_bytes());
    }
}

#[test]
fn half_of_a_surrogate_pair_is_unparseable() {
    for text in [r"\ud83d", r"\udd25", r"\ud83dx", r"\ud83d\u0041", r"\ud83d\ud83d"] {
        check_unparseable(format!(r#"{{"dedup_key":"{text}"}}"#).as_bytes());
    }
}

#[test]
fn bytes_that_are_not_utf8_are_unparseable_wherever_they_stand() {
    for bad in [&b"\xff"[..], b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"] {
        check_unparseable(&[b"{\"dedup_key\":\"", bad, b"\"}"].concat());
        check_unparseable(&[b"{\"", bad, b"\":1}"].concat());
        check_unparseable(&[b"{}", bad].concat());
    }
}

#[test]
fn a_byte_order_mark_before_the_object_is_taken_and_elsewhere_is_not() {
    check_event("\u{feff}{\"dedup_key\":\"d\"}", |event| assert_eq!(event.dedup_key, Field::Text("d")));
    check_event("{\"dedup_key\":\"\u{feff}d\"}", |event| assert_eq!(event.dedup_key, Field::Text("\u{feff}d")));
    for body in ["\u{feff}", "\u{feff}\u{feff}{}", " \u{feff}{}", "{}\u{feff}"] {
        check_unparseable(body.as_bytes());
    }
}

#[test]
fn every_length_of_text_around_the_width_of_a_register_is_whole() {
    for length in 0..200 {
        let key = "é".repeat(length / 2) + &"x".repeat(length % 2);
        check_event(&format!(r#"{{"dedup_key":"{key}\n","client":"{key}"}}"#), |event| {
            assert_eq!(event.dedup_key, Field::Text(format!("{key}\n").as_str()));
            assert_eq!(event.client, Field::Text(key.as_str()));
        });
    }
}

#[test]
fn a_giant_body_is_decoded_and_the_next_small_one_too() {
    let giant = format!(r#"{{"dedup_key":"d","x":[{}1]}}"#, "1,".repeat(limits::BODY_BYTES_MAX / 2 - 20));
    let mut decoder = Decoder::new();
    for body in [giant.as_str(), r#"{"dedup_key":"d"}"#, giant.as_str()] {
        let mut bytes = body.as_bytes().to_vec();
        assert_eq!(decoder.decode(&mut bytes).map(|e| e.dedup_key), Ok(Field::Text("d")));
    }
}

#[test]
fn events_of_one_decoder_outlive_its_next_call() {
    let mut decoder = Decoder::new();
    let (mut first, mut second) = (br#"{"dedup_key":"1"}"#.to_vec(), br#"{"dedup_key":"2"}"#.to_vec());
    let first = decoder.decode(&mut first);
    let second = decoder.decode(&mut second);
    assert_eq!(first.map(|e| e.dedup_key), Ok(Field::Text("1")));
    assert_eq!(second.map(|e| e.dedup_key), Ok(Field::Text("2")));
}
