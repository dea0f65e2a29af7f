//! The topics' formats, as their readers see them.

use campanile_ledger::{Record, Stored};
use campanile_model::{Command, Epoch, Source, Timestamp, Urgency, Verb};
use campanile_record::steps::{Standing, Steps};
use campanile_record::{body, command, directory, header, hop, steps};

#[test]
fn a_command_survives_its_encoding() {
    let text = br#"{"v":1,"id":"c-1","actor":{"type":"user_reference","id":"PU"},"incident":"Q0000000000009","verb":"set_urgency","urgency":"low","revision":4}"#;
    let read = command::decode(text).expect("a sound command");
    assert_eq!(read.verb, Verb::SetUrgency(Urgency::Low));
    assert_eq!(read.revision, Some(4));
    assert_eq!(command::decode(&command::encode(&read)).as_ref(), Ok(&read));
    let plain = Command { verb: Verb::SetPriority(None), revision: None, ..read };
    assert_eq!(command::decode(&command::encode(&plain)), Ok(plain));
}

#[test]
fn a_bad_command_is_told_what_is_allowed() {
    let with = |from: &str, to: &str| {
        let sound = r#"{"v":1,"id":"c","actor":{"type":"t","id":"i"},"incident":"Q0000000000009","verb":"resolve"}"#;
        command::decode(sound.replace(from, to).as_bytes()).expect_err("the command is broken")
    };
    assert!(with("resolve", "explode").contains(
        "expected acknowledge, resolve, set_priority, set_urgency, set_title, escalate, reassign, snooze, merge or note"
    ));
    assert!(with("Q0000000000009", "P1").contains("expected Q and 13 characters"));
    assert!(with("\"v\":1", "\"v\":2").contains("version 2"));
    assert!(with("\"id\":\"c\"", "\"id\":\"\"").contains("1 to 128 characters"));
    assert!(command::decode(b"{").expect_err("cut").contains("not a command"));
}

#[test]
fn a_hop_carries_its_first_place_and_counts() {
    let stored = Stored { offset: 5, at: Timestamp(99), record: Record::new("k", "v").with_header("x", "y") };
    let source = hop::first_append(3, &stored);
    assert_eq!(source, Source { partition: 3, offset: 5, at: Timestamp(99), hops: 0 });
    let once = hop::forward(&stored.record, source);
    let first = hop::source(&once).expect("an envelope");
    assert_eq!(first, Source { hops: 1, ..source });
    let twice = hop::forward(&once, first);
    assert_eq!(hop::source(&twice), Some(Source { hops: 2, ..source }));
    assert_eq!(twice.headers.iter().filter(|h| h.name == header::SOURCE).count(), 1, "one envelope, not two");
    assert_eq!((&twice.key, &twice.value), (&stored.record.key, &stored.record.value));
    assert_eq!(hop::source(&stored.record), None);
}

#[test]
fn steps_run_together_and_break_at_gaps() {
    let mut runs = Steps::default();
    for offset in [4, 5, 6, 8] {
        runs.record("main", offset);
    }
    runs.timer("auto_resolve", 255, Timestamp(10), Timestamp(11));
    runs.record("main", 9);
    let standing = Standing { seq: 2, now: Timestamp(11), epoch: Epoch(1), serial: 3, out_seq: 4, next: [10, 0, 0] };
    let text = String::from_utf8(steps::encode(&runs, standing)).expect("text");
    assert_eq!(
        text,
        r#"{"v":1,"seq":2,"now":11,"epoch":1,"serial":3,"out_seq":4,"next":[10,0,0],"runs":[["main",4,3],["main",8,1],["timer","auto_resolve","ff",10,11],["main",9,1]]}"#
    );
}

#[test]
fn the_sender_s_own_json_is_kept_byte_for_byte() {
    let details = br#"{ "a" : 1e400, "a":[ ] }"#;
    let parts =
        body::Parts { source: "h\"1", class: Some("disk"), custom_details: Some(details), ..Default::default() };
    let mut out = Vec::new();
    body::encode(&parts, &mut out);
    let text = String::from_utf8(out).expect("text");
    assert_eq!(text, r#"{"source":"h\"1","class":"disk","custom_details":{ "a" : 1e400, "a":[ ] }}"#);
}

#[test]
fn an_epoch_ends_an_apply() {
    let record = directory::epoch_record(Epoch(12));
    assert_eq!(directory::epoch(&record.value), Some(Epoch(12)));
    assert_eq!(directory::epoch(b"nonsense"), None);
}
