//! A server's life: incidents come, people change them, it is killed, it is stopped.

use serde_json::json;

use crate::harness::{Server, directory, err, eventually, out, run};

#[test]
fn an_event_becomes_an_incident_that_people_acknowledge_and_resolve() {
    let home = directory();
    let server = Server::start(&home.path().join("d"));
    let incident = server.break_something("web/disk", "critical");
    assert_eq!(incident["priority"]["summary"], "P1");
    let number = incident["number"].to_string();
    // The notifier's first step is a revision too.
    server.record("incidents", |it| it["event_type"] == "incident.assigned");

    let listed = server.run(&["incident", "list"]);
    let line = out(&listed).lines().find(|line| line.starts_with(&number)).map(str::to_owned).expect("it is listed");
    assert!(line.contains("triggered") && line.contains("P1") && line.contains("web/disk is broken"), "{line}");

    let acknowledged = server.run(&["incident", "ack", &number, "--as", "PUSER01"]);
    assert!(out(&acknowledged).contains("acknowledged (revision 3)"), "{}", err(&acknowledged));
    let again = server.run(&["incident", "ack", &number]);
    assert!(out(&again).contains("it was so already"), "{}", out(&again));
    let id = incident["id"].as_str().expect("it has an id");
    assert!(server.run(&["incident", "priority", id, "P3"]).status.success());
    assert!(server.run(&["incident", "urgency", id, "low"]).status.success());
    assert!(server.run(&["incident", "title", id, "A better title"]).status.success());

    let shown = out(&server.run(&["incident", "show", &number]));
    for part in ["A better title", "acknowledged by", "PUSER01", "low", "P3", "priority_updated"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert!(server.run(&["incident", "resolve", &number]).status.success());
    assert!(out(&server.run(&["incident", "list"])).contains("no open incidents"));
    assert!(out(&server.run(&["incident", "list", "--status", "resolved"])).contains(&number));
    let refused = server.run(&["incident", "ack", &number]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("does not change any more"), "{}", err(&refused));
}

#[test]
fn an_unknown_incident_is_named_as_such() {
    let home = directory();
    let server = Server::start(&home.path().join("d"));
    let by_number = server.run(&["incident", "show", "77000"]);
    assert_eq!(by_number.status.code(), Some(1));
    assert!(err(&by_number).contains("there is no incident 77000"), "{}", err(&by_number));
    let by_word = server.run(&["incident", "ack", "nonsense"]);
    assert!(err(&by_word).contains("give its number or its id"), "{}", err(&by_word));
}

#[test]
fn a_killed_server_knows_its_incidents_when_it_starts_again() {
    let home = directory();
    let data = home.path().join("d");
    let server = Server::start(&data);
    let incident = server.break_something("db/lag", "error");
    server.kill();

    let server = Server::start_with(&data, &[]);
    let listed = out(&server.run(&["incident", "list", "--json"]));
    assert!(listed.contains(incident["id"].as_str().expect("it has an id")), "{listed}");
    // The directory came back too, and a repeat finds its alert.
    let before = server.values("incidents").len();
    let sent = server.run(&[
        "send",
        "--routing-key",
        crate::harness::KEY,
        "--summary",
        "again",
        "--source",
        "db/lag",
        "--dedup-key",
        "db/lag",
    ]);
    assert!(sent.status.success(), "{}", err(&sent));
    let (_, rows) = eventually("the repeat", || {
        let (lines, last) = server.ask(&json!({ "op": "rows", "shard": 0, "kind": "alert" }));
        (lines.iter().any(|line| line["value"]["count"] == 2)).then_some((lines, last))
    });
    assert!(rows["after"].is_null());
    assert_eq!(server.values("incidents").len(), before, "a repeat opens nothing");
}

#[test]
fn a_signal_drains_and_ends_with_success() {
    let home = directory();
    let server = Server::start(&home.path().join("d"));
    server.break_something("web/cpu", "warning");
    let socket = server.data.join("campanile.sock");
    assert!(socket.exists());
    server.signal("TERM");
    let (status, said) = server.wait();
    assert_eq!(status.code(), Some(0), "{said}");
    for step in ["SIGTERM: stopping", "taking no more requests", "closing the ledger", "stopped"] {
        assert!(said.contains(step), "{step} in {said}");
    }
    assert!(!socket.exists(), "the socket goes with its server");
}

#[test]
fn a_second_signal_ends_at_once() {
    use std::io::Write;
    use std::net::TcpStream;
    let home = directory();
    let server = Server::start(&home.path().join("d"));
    let address = server.url.trim_start_matches("http://").to_owned();
    // A request whose body never comes holds the drain up.
    let mut slow = TcpStream::connect(&address).expect("it listens");
    write!(slow, "POST /v2/enqueue HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{{").expect("it reads");
    eventually("the request", || {
        let mut http = campanile_server::http::Http::new(&server.url).expect("it is a URL");
        let page = String::from_utf8(http.get("/metrics").expect("it answers").body).expect("it is text");
        page.contains("campanile_ingest_in_flight 1").then_some(())
    });
    server.signal("TERM");
    eventually("the closed door", || TcpStream::connect(&address).is_err().then_some(()));
    server.signal("TERM");
    let (status, said) = server.wait();
    assert_eq!(status.code(), Some(143), "{said}");
    assert!(said.contains("ending at once"), "{said}");
    drop(slow);
}

#[test]
fn the_socket_is_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = directory();
    let server = Server::start(&home.path().join("d"));
    let mode = std::fs::metadata(server.data.join("campanile.sock")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!server.data.join(".door").exists());
}

#[test]
fn a_busy_port_is_named_with_the_flag_that_changes_it() {
    let home = directory();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("it has one").to_string();
    let data = home.path().join("d").display().to_string();
    let output = run(&["up", "--data", &data, "--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    let port = address.rsplit(':').next().expect("it has a port");
    assert!(err(&output).contains(port) && err(&output).contains("--listen"), "{}", err(&output));
}

#[test]
fn two_servers_cannot_share_a_data_directory() {
    let home = directory();
    let server = Server::start(&home.path().join("d"));
    let data = server.data.display().to_string();
    let second = run(&["up", "--data", &data, "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(err(&second).contains("in use by another process"), "{}", err(&second));
}

#[test]
fn health_and_metrics_are_served() {
    let home = directory();
    let server = Server::start(&home.path().join("d"));
    server.break_something("web/cpu", "warning");
    let mut http = campanile_server::http::Http::new(&server.url).expect("it is a URL");
    assert_eq!(http.get("/health/live").expect("it answers").status, 200);
    assert_eq!(http.get("/health/ready").expect("it answers").status, 200);
    let page = http.get("/metrics").expect("it answers");
    let page = String::from_utf8(page.body).expect("it is text");
    for series in ["campanile_build_info", "campanile_ledger_free_bytes", "campanile_directory_epoch 1"] {
        assert!(page.contains(series), "{series} is missing");
    }
    assert!(page.contains("campanile_events_processed_total"), "{page}");
}

#[test]
fn without_a_server_a_command_says_how_to_start_one() {
    let home = directory();
    let data = home.path().join("nothing").display().to_string();
    let output = run(&["incident", "list", "--data", &data]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("campanile up"), "{}", err(&output));
}

#[test]
fn a_socket_path_that_is_too_long_is_told_before_any_event_is_taken() {
    let home = directory();
    let data = home.path().join("d".repeat(120)).display().to_string();
    let output = run(&["up", "--data", &data, "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("107 bytes") && err(&output).contains("door.socket"), "{}", err(&output));
    assert!(out(&output).is_empty(), "it never said that it listens");
}
