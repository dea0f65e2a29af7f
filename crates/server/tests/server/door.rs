//! The door's protocol, as other programs speak it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use crate::harness::{KEY, Server, directory, eventually};

#[test]
fn appended_records_are_read_back_as_they_were() {
    let home = directory();
    let server = Server::start_with(&home.path().join("d"), &[]);
    let records = json!([
        { "key": "k", "value": "plain", "headers": { "campanile-x": "1" } },
        { "key": null, "value_base64": "/wA=" },
        { "key": "gone" },
    ]);
    let (_, done) = server.ask(&json!({ "op": "append", "topic": "events", "partition": 2, "records": records }));
    assert_eq!((&done["partition"], &done["first"]), (&json!(2), &json!(0)), "{done}");
    let (lines, last) = server.ask(&json!({ "op": "read", "topic": "events", "partition": 2, "from": "start" }));
    assert_eq!(last["next"], 3);
    assert_eq!(lines[0]["topic"], "campanile.events");
    assert_eq!((&lines[0]["key"], &lines[0]["value"]), (&json!("k"), &json!("plain")));
    assert_eq!(lines[0]["headers"]["campanile-x"], "1");
    assert_eq!(lines[0]["at"], done["at"]);
    assert_eq!((&lines[1]["key"], &lines[1]["value_base64"]), (&Value::Null, &json!("/wA=")));
    assert_eq!((&lines[2]["offset"], &lines[2]["value"]), (&json!(2), &json!("")));

    let (lines, last) = server.ask(&json!({ "op": "read", "topic": "events", "partition": 2, "from": 1, "max": 1 }));
    assert_eq!((lines.len(), &last["next"]), (1, &json!(2)));
    let (_, ends) = server.ask(&json!({ "op": "ends", "topic": "campanile.events" }));
    assert_eq!(ends["ends"], json!([[0, 0], [0, 0], [0, 3], [0, 0]]));
}

#[test]
fn a_keyed_append_goes_where_kafkas_producers_would_send_it() {
    let home = directory();
    let server = Server::start_with(&home.path().join("d"), &["--shards", "7"]);
    let (_, card) = server.ask(&json!({ "op": "card" }));
    assert_eq!((&card["shards"], &card["format"]), (&json!(7), &json!(2)));
    assert_eq!(card["ledger"].as_str().map(str::len), Some(16));
    for key in ["a", "web/disk", KEY] {
        let (_, done) = server.ask(&json!({ "op": "append", "topic": "events", "records": [{ "key": key }] }));
        assert_eq!(done["partition"], campanile_model::murmur2::partition_of(key.as_bytes(), 7), "{key}");
    }
}

#[test]
fn a_follower_gets_what_comes_until_it_leaves() {
    let home = directory();
    let server = Server::start_with(&home.path().join("d"), &[]);
    let stream = UnixStream::connect(server.data.join("campanile.sock")).expect("the door is open");
    let read = json!({ "op": "read", "topic": "events", "partition": 1, "from": "end", "follow": true });
    writeln!(&stream, "{read}").expect("it reads");
    // Until the follower stands at the end, a record could come too early for it; it is offered again.
    let mut lines = BufReader::new(stream.try_clone().expect("it can be shared")).lines();
    let append =
        json!({ "op": "append", "topic": "events", "partition": 1, "records": [{ "key": "k", "value": "v" }] });
    stream.set_read_timeout(Some(std::time::Duration::from_millis(300))).expect("it can be set");
    let line = eventually("a followed record", || {
        server.ask(&append);
        lines.next()?.ok()
    });
    let line: Value = serde_json::from_str(&line).expect("it is JSON");
    assert_eq!((&line["partition"], &line["value"]), (&json!(1), &json!("v")));
}

#[test]
fn a_command_is_answered_by_its_record() {
    let home = directory();
    let server = Server::start(&home.path().join("d"));
    let incident = server.break_something("web/disk", "critical");
    let command = json!({
        "v": 1, "id": "c-1", "actor": { "type": "user_reference", "id": "PUSER01" },
        "incident": incident["id"], "verb": "acknowledge",
    });
    let (_, first) = server.ask(&json!({ "op": "command", "command": command }));
    assert_eq!(first["answer"]["event_type"], "incident.acknowledged", "{first}");
    let (_, again) = server.ask(&json!({ "op": "command", "command": command }));
    assert_eq!(again["answer"]["repeated"], true, "{again}");
    let (_, wrong) = server.ask(&json!({ "op": "command", "command": { "v": 1 } }));
    assert!(wrong["error"].as_str().is_some_and(|error| error.contains("not a command")), "{wrong}");
}

#[test]
fn rows_are_shown_decoded_and_page_by_page() {
    let home = directory();
    let server = Server::start(&home.path().join("d"));
    // Three services of the seed would do; three groups of one service do too.
    for class in ["a", "b", "c"] {
        let event = json!({
            "routing_key": KEY, "event_action": "trigger", "dedup_key": class,
            "payload": { "summary": "s", "source": "x", "severity": "error", "component": "disk", "class": class },
        });
        server.ask(
            &json!({ "op": "append", "topic": "events", "records": [{ "key": KEY, "value": event.to_string() }] }),
        );
    }
    eventually("three incidents", || (server.values("incidents").len() == 3).then_some(()));
    let shard = server.records("incidents")[0]["partition"].clone();
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = json!({ "op": "rows", "shard": shard, "kind": "incident", "after": after, "limit": 2 });
        let (lines, last) = server.ask(&page);
        assert!(lines.len() <= 2);
        seen.extend(lines);
        after = last["after"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0]["value"]["service"]["name"], "api-gateway");
    assert_eq!(seen[0]["key"].as_str().map(str::len), Some(44));
    for kind in ["alert", "details", "group", "members", "answer"] {
        let (lines, last) = server.ask(&json!({ "op": "rows", "shard": shard, "kind": kind }));
        assert_eq!(last["done"], true, "{last}");
        assert!(kind == "answer" || lines.len() == 3, "{kind}: {lines:?}");
    }
    let (_, status) = server.ask(&json!({ "op": "status" }));
    let standing = &status["shards"][shard.as_u64().unwrap_or_default() as usize];
    assert_eq!((&standing["epoch"], &standing["halted"]), (&json!(1), &Value::Null), "{status}");
    assert!(standing["committed_seq"].as_u64().is_some_and(|seq| seq > 0), "{status}");
}

#[test]
fn what_cannot_be_done_is_refused_in_one_line_and_the_conversation_goes_on() {
    let home = directory();
    let server = Server::start_with(&home.path().join("d"), &[]);
    let stream = UnixStream::connect(server.data.join("campanile.sock")).expect("the door is open");
    let cases = [
        ("nonsense", "not a request"),
        (r#"{"op":"ends","topic":"incidnets"}"#, "topics are events"),
        (r#"{"op":"ends","topic":"events","partition":1}"#, "unknown field"),
        (r#"{"op":"read","topic":"events","partition":9}"#, "none numbered 9"),
        (r#"{"op":"read","topic":"events","from":"middle"}"#, "\"from\" must be"),
        (r#"{"op":"append","topic":"events","records":[]}"#, "at least one"),
        (r#"{"op":"append","topic":"directory","records":[{"key":"services/P1"}]}"#, "directory_apply"),
        (r#"{"op":"rows","shard":99,"kind":"alert"}"#, "none numbered 99"),
        (r#"{"op":"rows","shard":0,"kind":"allert"}"#, "kinds are alert"),
        (r#"{"op":"rows","shard":0,"kind":"alert","after":"xyz"}"#, "hexadecimal"),
    ];
    let mut lines = BufReader::new(&stream).lines();
    for (request, expected) in cases {
        writeln!(&stream, "{request}").expect("it reads");
        let answer: Value =
            serde_json::from_str(&lines.next().expect("an answer").expect("it comes")).expect("in JSON");
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(error.contains(expected), "{request}: {answer}");
    }
}
