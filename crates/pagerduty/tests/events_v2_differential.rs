//! The decoder against `serde_json`: the same bytes get the same verdict and the same values, save for the differences
//! that are decided and named here. A parser that is written for speed is not believed, it is compared.

use campanile_pagerduty::events_v2::{Decoder, Event, Field, Shape, limits};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::Value;

const FIXTURES: [&[u8]; 8] = [
    include_bytes!("../fixtures/events_v2/alertmanager_resolve.json"),
    include_bytes!("../fixtures/events_v2/alertmanager_trigger.json"),
    include_bytes!("../fixtures/events_v2/apprise_trigger.json"),
    include_bytes!("../fixtures/events_v2/curl_heartbeat.json"),
    include_bytes!("../fixtures/events_v2/datadog_trigger.json"),
    include_bytes!("../fixtures/events_v2/grafana_trigger.json"),
    include_bytes!("../fixtures/events_v2/python_acknowledge.json"),
    include_bytes!("../fixtures/events_v2/typical_617_bytes.json"),
];

/// What the decoder should say, told by `serde_json` and the decided differences.
fn expected(bytes: &[u8]) -> Option<Value> {
    // Difference 1: a byte order mark is taken.
    let body = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let value: Value = serde_json::from_slice(body).ok()?;
    // Difference 2: an event is an object. 3: at most 64 levels. 4: no integers beyond 64 bits.
    let taken = value.is_object() && depth(body) <= limits::DEPTH_MAX && integers_fit(body);
    taken.then_some(value)
}

/// Levels of nesting, those within a duplicate key that loses among them.
fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    outside_texts(body, |byte| {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    });
    deepest
}

fn outside_texts(body: &[u8], mut see: impl FnMut(u8)) {
    let (mut within, mut escaped) = (false, false);
    for &byte in body {
        match (within, byte) {
            (false, b'"') => {
                within = true;
                see(b' ');
            }
            (false, other) => see(other),
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (true, b'"') => within = false,
            (true, _) => {}
        }
    }
}

fn integers_fit(body: &[u8]) -> bool {
    let mut plain = String::new();
    outside_texts(body, |byte| plain.push(char::from(byte)));
    plain
        .split(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E')))
        .filter(|token| token.bytes().any(|b| b.is_ascii_digit()) && !token.contains(['.', 'e', 'E']))
        .all(|token| token.parse::<i64>().is_ok() || token.parse::<u64>().is_ok())
}

fn field(value: Option<&Value>) -> Field<'_> {
    match value {
        None => Field::Missing,
        Some(Value::Null) => Field::Null,
        Some(Value::String(text)) => Field::Text(text),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => Field::Other,
    }
}

fn event(value: &Value) -> Event<'_> {
    let top = |key: &str| value.get(key);
    let payload = |key: &str| value.get("payload").and_then(|p| p.get(key));
    let there = |value: Option<&Value>| value.is_some_and(|v| !v.is_null());
    Event {
        routing_key: field(top("routing_key")),
        event_action: field(top("event_action")),
        dedup_key: field(top("dedup_key")),
        client: field(top("client")),
        client_url: field(top("client_url")),
        payload: match top("payload") {
            None | Some(Value::Null) => Shape::Missing,
            Some(Value::Object(_)) => Shape::Object,
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => Shape::Other,
        },
        summary: field(payload("summary")),
        source: field(payload("source")),
        severity: field(payload("severity")),
        timestamp: field(payload("timestamp")),
        component: field(payload("component")),
        group: field(payload("group")),
        class: field(payload("class")),
        has_details: there(payload("custom_details")),
        has_links: there(top("links")),
        has_images: there(top("images")),
    }
}

fn check(decoder: &mut Decoder, bytes: &[u8]) {
    let expected = expected(bytes);
    let mut scratch = bytes.to_vec();
    let found = decoder.decode(&mut scratch).ok();
    assert_eq!(found, expected.as_ref().map(event), "{}", String::from_utf8_lossy(bytes));
}

fn known_key() -> impl Strategy<Value = String> {
    let names = vec![
        "routing_key",
        "event_action",
        "dedup_key",
        "client",
        "client_url",
        "payload",
        "links",
        "images",
        "summary",
        "source",
        "severity",
        "timestamp",
        "component",
        "group",
        "class",
        "custom_details",
    ];
    prop_oneof![
        8 => prop::sample::select(names.clone()).prop_map(str::to_owned),
        1 => (prop::sample::select(names), any::<prop::sample::Index>()).prop_map(|(name, at)| {
            let at = at.index(name.len());
            name.char_indices().map(|(i, c)| if i == at { format!("\\u{:04x}", c as u32) } else { c.to_string() }).collect()
        }),
        1 => any::<String>().prop_map(|text| {
            let quoted = Value::String(text).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        }),
    ]
}

/// Values that are no objects or arrays. Those that are no JSON are rare, or hardly any whole text would be JSON.
fn leaf() -> impl Strategy<Value = String> {
    let good = vec![
        "0",
        "-0",
        "1.0",
        "-1.5e300",
        "1e308",
        "1e-400",
        "18446744073709551615",
        "9223372036854775807",
        "-9223372036854775808",
        "0.3333333333333333333333333333",
        "123456789012345678.5",
        "null",
        "null",
        "true",
        "false",
    ];
    let bad = vec![
        "1e309",
        "18446744073709551616",
        "-9223372036854775809",
        "100000000000000000000",
        "01",
        "1.",
        "-",
        "1e",
        "nul",
        "",
    ];
    let words = |words: Vec<&'static str>| prop::sample::select(words).prop_map(str::to_owned);
    prop_oneof![
        80 => words(good),
        80 => any::<String>().prop_map(|t| Value::String(t).to_string()),
        20 => "(\\\\u00[0-9a-fA-F]{2}|\\\\ud83d\\\\udd25|\\\\[bfnrt\"/]|[a-z]){0,40}".prop_map(|t| format!("\"{t}\"")),
        20 => any::<f64>().prop_map(|n| serde_json::json!(n).to_string()),
        1 => "\\\\u[0-9a-fD-F]{4}".prop_map(|t| format!("\"{t}\"")),
        1 => words(bad),
    ]
}

/// JSON text with the keys that matter, some of them twice, and with numbers at every edge.
fn json_text() -> impl Strategy<Value = String> {
    leaf().prop_recursive(6, 60, 8, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(padded(inner.clone()), 0..5).prop_map(|v| format!("[{}]", v.join(","))),
            4 => object(known_key(), padded(inner)),
        ]
    })
}

/// The same in the shape of an event, the keys that matter where they matter and more often twice.
fn event_text() -> impl Strategy<Value = String> {
    let value = || prop_oneof![3 => leaf(), 1 => json_text()];
    let payload = prop_oneof![4 => object(known_key(), padded(value())), 1 => value()];
    let members = prop_oneof![
        3 => (prop_oneof![1 => Just("links".to_owned()), 1 => Just("images".to_owned()), 3 => known_key()], padded(value())),
        1 => (Just("payload".to_owned()), padded(payload)),
    ];
    prop::collection::vec(members, 0..12).prop_map(|members| {
        let members: Vec<String> = members.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    })
}

fn blank() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "", "", " ", "\r\n\t"])
}

fn padded(value: impl Strategy<Value = String> + 'static) -> impl Strategy<Value = String> {
    (blank(), value, blank()).prop_map(|(a, v, b)| format!("{a}{v}{b}"))
}

fn object(key: impl Strategy<Value = String>, value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let member = (blank(), key, blank(), value).prop_map(|(a, k, b, v)| format!("{a}\"{k}\"{b}:{v}"));
    prop::collection::vec(member, 0..9).prop_map(|v| format!("{{{}}}", v.join(",")))
}

#[derive(Clone, Debug)]
enum Damage {
    Replace(prop::sample::Index, u8),
    Insert(prop::sample::Index, u8),
    Remove(prop::sample::Index),
    Cut(prop::sample::Index),
    Double(prop::sample::Index, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let byte = || prop_oneof![4 => prop::sample::select(b"{}[]\":,\\ \n\t0123456789eE.+-ntfu\0\x1f\x7f".to_vec()), 1 => any::<u8>()];
    let at = any::<prop::sample::Index>;
    prop_oneof![
        4 => (at(), byte()).prop_map(|(i, b)| Damage::Replace(i, b)),
        4 => (at(), byte()).prop_map(|(i, b)| Damage::Insert(i, b)),
        4 => at().prop_map(Damage::Remove),
        1 => at().prop_map(Damage::Cut),
        2 => (at(), 1..80_usize).prop_map(|(i, n)| Damage::Double(i, n)),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    if bytes.is_empty() {
        return;
    }
    match damage {
        Damage::Replace(i, byte) => *i.get_mut(bytes) = *byte,
        Damage::Insert(i, byte) => bytes.insert(i.index(bytes.len()), *byte),
        Damage::Remove(i) => {
            bytes.remove(i.index(bytes.len()));
        }
        Damage::Cut(i) => bytes.truncate(i.index(bytes.len())),
        Damage::Double(i, n) => {
            let at = i.index(bytes.len());
            let piece = bytes[at..bytes.len().min(at + n)].to_vec();
            bytes.splice(at..at, piece);
        }
    }
}

#[test]
fn fixtures_read_the_same() {
    let mut decoder = Decoder::new();
    for body in FIXTURES {
        check(&mut decoder, body);
        assert!(expected(body).is_some());
    }
}

#[test]
fn most_texts_that_are_made_here_are_events() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let taken = (0..300)
        .filter_map(|_| event_text().new_tree(&mut runner).ok())
        .filter(|tree| expected(tree.current().as_bytes()).is_some())
        .count();
    assert!(taken > 200, "{taken} of 300 event texts are events: the comparison compares little");
}

#[test]
fn every_cut_of_a_fixture_reads_the_same() {
    let mut decoder = Decoder::new();
    for body in FIXTURES {
        for end in 0..body.len() {
            check(&mut decoder, &body[..end]);
        }
    }
}

#[test]
fn numbers_at_every_place_of_a_register_read_the_same() {
    let mut decoder = Decoder::new();
    for blanks in 0..130 {
        for number in ["1234567890123456789", "-0.00012345678901234567", "18446744073709551616", "12345678901x", "1e5"]
        {
            let body = format!("{}{{\"x\":{number},\"dedup_key\":\"d\"}}", " ".repeat(blanks));
            check(&mut decoder, body.as_bytes());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn json_texts_read_the_same(first in json_text(), second in json_text()) {
        // Two bodies through one decoder: the second must not see the first.
        let mut decoder = Decoder::new();
        check(&mut decoder, first.as_bytes());
        check(&mut decoder, second.as_bytes());
    }

    #[test]
    fn event_texts_read_the_same(text in event_text()) {
        check(&mut Decoder::new(), text.as_bytes());
    }

    #[test]
    fn damaged_fixtures_read_the_same(which in 0..FIXTURES.len(), damages in prop::collection::vec(damage(), 1..4)) {
        let mut bytes = FIXTURES[which].to_vec();
        damages.iter().for_each(|d| apply(&mut bytes, d));
        check(&mut Decoder::new(), &bytes);
    }

    #[test]
    fn damaged_event_texts_read_the_same(text in event_text(), damages in prop::collection::vec(damage(), 1..4)) {
        let mut bytes = text.into_bytes();
        damages.iter().for_each(|d| apply(&mut bytes, d));
        check(&mut Decoder::new(), &bytes);
    }

    #[test]
    fn any_bytes_read_the_same(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&mut Decoder::new(), &bytes);
    }

    #[test]
    fn soups_of_tokens_read_the_same(tokens in prop::collection::vec(prop::sample::select(vec![
        "{", "}", "[", "]", ":", ",", "\"payload\"", "\"source\"", "\"\\", "\"", "1", "-", "1e9", "null", "true", " ", "\u{feff}",
        "\\u", "d83d", "é",
    ]), 0..30)) {
        check(&mut Decoder::new(), tokens.concat().as_bytes());
        check(&mut Decoder::new(), format!("{{\"payload\":{}}}", tokens.concat()).as_bytes());
    }

    #[test]
    fn nesting_around_the_limits_reads_the_same(levels in 1..140_usize, arrays in any::<bool>()) {
        let (open, close) = if arrays { ("[", "]") } else { ("{\"a\":", "}") };
        let body = format!("{{\"x\":{}1{}}}", open.repeat(levels), close.repeat(levels));
        check(&mut Decoder::new(), body.as_bytes());
    }
}
