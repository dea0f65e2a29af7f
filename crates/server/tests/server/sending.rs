//! `campanile send`, as scripts use it.

use std::process::Output;

use crate::harness::{KEY, Server, campanile, directory, err, eventually, out, run};

pub(crate) fn send(server: &Server, key: &str, summary: &str) -> Output {
    let mut command = campanile();
    command.args(["send", "--url", &server.url, "--routing-key", key, "--summary", summary, "--source", "test"]);
    command.output().expect("the binary starts")
}

#[test]
fn the_dedup_key_is_printed_and_names_the_alert() {
    let home = directory();
    let server = Server::start(&home.path().join("d"));
    let sent = server.run(&["send", "--routing-key", KEY, "--summary", "s", "--source", "x", "--detail", "p99=2s"]);
    let key = out(&sent).trim().to_owned();
    assert_eq!(key.len(), 32, "{}", err(&sent));
    let alert = eventually("the alert", || {
        server.values("alerts").into_iter().find(|alert| alert["alert_key"] == key.as_str())
    });
    assert_eq!(alert["body"]["custom_details"]["p99"], "2s");
    let resolved = server.run(&["send", "--routing-key", KEY, "--action", "resolve", "--dedup-key", &key]);
    assert_eq!(out(&resolved).trim(), key);
    eventually("its end", || server.values("alerts").into_iter().find(|alert| alert["status"] == "resolved"));
}

#[test]
fn exit_codes_tell_refused_from_undelivered() {
    let home = directory();
    let server = Server::start(&home.path().join("d"));
    assert_eq!(send(&server, KEY, "fine").status.code(), Some(0));
    let unknown = send(&server, "00000000000000000000000000000000", "no such key");
    assert_eq!(unknown.status.code(), Some(1));
    assert!(err(&unknown).contains("Invalid routing key"), "{}", err(&unknown));
    let invalid = run(&["send", "--url", &server.url, "--routing-key", "short", "--summary", "s", "--source", "x"]);
    assert_eq!(invalid.status.code(), Some(1));
    assert!(err(&invalid).contains("32 characters"), "{}", err(&invalid));
    assert_eq!(run(&["send", "--no-such-flag"]).status.code(), Some(2));
    let url = server.url.clone();
    server.kill();
    let gone = run(&["send", "--url", &url, "--routing-key", KEY, "--summary", "s", "--source", "x"]);
    assert_eq!(gone.status.code(), Some(3));
    assert!(err(&gone).contains("send it again"), "{}", err(&gone));
}

#[test]
fn the_socket_refuses_an_unknown_key_as_the_gateway_does() {
    let home = directory();
    let server = Server::start(&home.path().join("d"));
    let unknown = "00000000000000000000000000000000";
    let refused = server.run(&["send", "--routing-key", unknown, "--summary", "s", "--source", "x"]);
    assert_eq!((refused.status.code(), out(&refused).as_str()), (Some(1), ""));
    assert!(err(&refused).contains("Invalid routing key"), "{}", err(&refused));
    assert!(server.records("events").is_empty(), "nothing was written");
}

#[test]
fn a_wrong_url_is_a_wrong_use_and_the_whole_address_is_a_right_one() {
    let event = ["--routing-key", KEY, "--summary", "s", "--source", "x"];
    for url in ["https://127.0.0.1:8080", "127.0.0.1:8080", "http://", "http://localhost:99999"] {
        let output = run(&[["send", "--url", url].as_slice(), &event].concat());
        assert_eq!(output.status.code(), Some(2), "{url}: {}", err(&output));
        assert!(!err(&output).contains("send it again"), "{}", err(&output));
    }
    let home = directory();
    let server = Server::start(&home.path().join("d"));
    for end in ["", "/", "/v2/enqueue", "/v2/enqueue/"] {
        let url = format!("{}{end}", server.url);
        let output = run(&[["send", "--url", &url].as_slice(), &event].concat());
        assert!(output.status.success(), "{url}: {}", err(&output));
    }
}

#[test]
fn a_whole_event_is_taken_from_a_file() {
    let home = directory();
    let server = Server::start(&home.path().join("d"));
    let file = home.path().join("event.json");
    let event = serde_json::json!({
        "routing_key": KEY, "event_action": "trigger", "dedup_key": "from-file",
        "payload": { "summary": "from a file", "source": "x", "severity": "info" },
    });
    std::fs::write(&file, event.to_string()).expect("it can be written");
    let sent = server.run(&["send", "--json", &file.display().to_string(), "--severity", "critical"]);
    assert_eq!(out(&sent).trim(), "from-file", "{}", err(&sent));
    let alert = eventually("the alert", || server.values("alerts").into_iter().next());
    assert_eq!((&alert["severity"], &alert["summary"]), (&"critical".into(), &"from a file".into()));
}
