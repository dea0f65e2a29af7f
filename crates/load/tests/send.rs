//! Reading answers, and whole runs against servers of a few lines: nothing lost, everything journalled.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;

use campanile_load::arrivals::Spacing;
use campanile_load::send::http::read_answer;
use campanile_load::send::{Common, Mix, append, http};
use serde_json::{Value, json};

fn answer(text: &str) -> Option<(u16, bool)> {
    read_answer(&mut Cursor::new(text.as_bytes())).ok()
}

#[test]
fn an_answer_is_its_status_and_whether_the_connection_lives() {
    assert_eq!(answer("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"), Some((202, true)));
    assert_eq!(answer("HTTP/1.1 503 \r\ncontent-length:0\r\nConnection: close\r\n\r\n"), Some((503, false)));
    assert_eq!(answer("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), Some((200, false)));
}

#[test]
fn a_torn_or_foreign_answer_is_none() {
    for text in ["", "HTTP/1.1 202 Acc", "HTTP/1.1 202 OK\r\ncontent-length: 9\r\n\r\n{}", "SSH-2.0\r\n\r\n"] {
        assert_eq!(answer(text), None, "{text:?}");
    }
}

fn common(journal: &Path, mix: Mix, events: u64) -> Common {
    Common {
        rate: 0.0,
        events,
        seed: 42,
        organisation_seed: 42,
        first: 0,
        services: Some(8),
        mix,
        spacing: Spacing::Steady,
        connections: 3,
        now: false,
        journal: Some(journal.to_owned()),
        retry: true,
        json: None,
    }
}

fn lines(journal: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(journal).expect("journal");
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

#[test]
fn over_http_a_failing_server_is_asked_again_until_each_event_has_its_202() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its number"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.expect("a connection");
            std::thread::spawn(move || gateway(stream));
        }
    });
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("journal");
    let options = http::Options { url, common: common(&journal, Mix::Noise, 100) };
    assert!(http::run(&options).expect("runs"));

    let mut taken = BTreeMap::new();
    let mut sent = BTreeMap::new();
    for line in lines(&journal) {
        if let Some(index) = line["send"].as_u64() {
            sent.insert((index, line["try"].as_u64()), line["dedup_key"].clone());
        } else if let Some(index) = line["answer"].as_u64() {
            assert!(sent.contains_key(&(index, line["try"].as_u64())), "{line} was answered before it was sent");
            if line["status"] == 202 {
                *taken.entry(index).or_insert(0) += 1;
            }
        }
    }
    assert_eq!(taken.len(), 100);
    assert!(taken.values().all(|times| *times == 1));
    assert!(sent.len() > 100, "no try was repeated");
}

/// Fails its second request, answers ten, and drops the connection on the next without a word.
fn gateway(stream: std::net::TcpStream) {
    let mut reader = BufReader::new(stream);
    for nth in 0..12 {
        let mut length = 0;
        let mut line = String::new();
        while reader.read_line(&mut line).unwrap_or_default() > 2 {
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().expect("a number");
            }
            line.clear();
        }
        let mut body = vec![0; length];
        if length == 0 || reader.read_exact(&mut body).is_err() || nth == 11 {
            return;
        }
        serde_json::from_slice::<Value>(&body).expect("JSON");
        let status = if nth == 1 { "503 Busy" } else { "202 Accepted" };
        write!(reader.get_mut(), "HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}").expect("an answer");
    }
}

#[test]
fn appends_carry_one_key_a_request_and_note_every_position() {
    let folder = tempfile::tempdir().expect("a folder");
    let (socket, journal) = (folder.path().join("campanile.sock"), folder.path().join("journal"));
    let listener = UnixListener::bind(&socket).expect("a socket");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.expect("a connection");
            std::thread::spawn(move || door(stream));
        }
    });
    let options = append::Options { socket, common: common(&journal, Mix::Oracle, 150) };
    assert!(append::run(&options).expect("runs"));
    let done: Vec<u64> = lines(&journal)
        .iter()
        .filter(|line| line["status"] == "done")
        .filter_map(|line| line["answer"].as_u64())
        .collect();
    assert_eq!(done.len(), 150);
}

/// Refuses every fourth request, else gives offsets from 0 on.
fn door(stream: std::os::unix::net::UnixStream) {
    let mut reader = BufReader::new(stream);
    let (mut first, mut nth) = (0, 0);
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap_or_default() > 0 {
        let request: Value = serde_json::from_str(&line).expect("JSON");
        let records = request["records"].as_array().expect("records");
        assert!(records.iter().all(|record| record["key"] == records[0]["key"]), "{request}");
        assert_eq!(
            (&request["op"], &request["topic"], &request["partition"]),
            (&json!("append"), &json!("events"), &Value::Null)
        );
        nth += 1;
        let answer = if nth % 4 == 0 {
            json!({ "error": "the log takes no input now" })
        } else {
            let answer = json!({ "done": true, "partition": 3, "first": first, "at": 1 });
            first += records.len();
            answer
        };
        writeln!(reader.get_mut(), "{answer}").expect("an answer");
        line.clear();
    }
}
