//! Retention: what goes, and what never does.

mod support;

use std::time::Duration;

use campanile_ledger::contract::Subject as _;
use campanile_ledger::{Shard as _, Topic};
use campanile_ledger_rocks::{Keep, Retention};
use campanile_model::Span;
use support::{OnDisk, append, batch, claim, eventually, read, settle};

fn keeping(topic: Topic, keep: Keep) -> OnDisk {
    OnDisk::new(move |options| {
        options.retention = Retention::default().with(topic, keep);
        options.retention_every = Duration::from_millis(1);
        options.mark_bytes = 1;
    })
}

fn fill(subject: &OnDisk, topic: Topic, count: usize) {
    for n in 0..count {
        append(subject.ledger(), topic, &format!("{n:03}")).expect("append");
    }
}

fn start(subject: &OnDisk, topic: Topic) -> u64 {
    subject.tail().ends(topic, 0).start
}

#[test]
fn retention_by_bytes_keeps_the_newest() {
    let subject = keeping(Topic::Alerts, Keep { bytes: Some(200), age: None });
    fill(&subject, Topic::Alerts, 50);
    eventually("a trim", || start(&subject, Topic::Alerts) > 0);
    eventually("all of the trim", || read(subject.ledger(), Topic::Alerts).len() < 12);
    let left = read(subject.ledger(), Topic::Alerts);
    assert_eq!(left.last().map(String::as_str), Some("049"));
    assert!(left.len() >= 8, "200 bytes are more than {} records", left.len());
}

#[test]
fn retention_by_age_goes_by_log_time() {
    let subject = keeping(Topic::Alerts, Keep { bytes: None, age: Some(Span::hours(1)) });
    fill(&subject, Topic::Alerts, 3);
    subject.turn(Span::hours(2));
    append(subject.ledger(), Topic::Alerts, "young").expect("append");
    // The mark at the young group is itself too young to cut at; time passes it by.
    subject.turn(Span::minutes(61));
    append(subject.ledger(), Topic::Alerts, "younger").expect("append");
    eventually("a trim", || start(&subject, Topic::Alerts) == 3);
    assert_eq!(read(subject.ledger(), Topic::Alerts), ["young", "younger"]);
}

#[test]
fn retention_never_passes_a_lane_that_has_not_committed() {
    let mut subject = keeping(Topic::Events, Keep { bytes: Some(0), age: None });
    let mut shard = claim(subject.ledger()).remove(0);
    fill(&subject, Topic::Events, 20);
    // Whatever passes of retention came, they came with the lane at 0.
    subject.trim(Topic::Events, 0, 20);
    assert_eq!(start(&subject, Topic::Events), 0);
    subject.hold();
    shard.seal(batch("value", 7)).expect("seal");
    assert_eq!(start(&subject, Topic::Events), 0, "the commit is not durable");
    subject.release();
    settle(&mut shard);
    eventually("a trim", || start(&subject, Topic::Events) == 7);
    // A trim is not synced by itself; whatever is confirmed after it takes it along.
    append(subject.ledger(), Topic::Alerts, "after the trim").expect("append");
    drop(shard);
    subject.crash_and_reopen();
    assert_eq!(read(subject.ledger(), Topic::Events).first().map(String::as_str), Some("007"));
}

#[test]
fn newest_group_and_the_directory_are_never_trimmed() {
    let mut subject = keeping(Topic::Directory, Keep { bytes: Some(0), age: Some(Span::ZERO) });
    fill(&subject, Topic::Directory, 5);
    fill(&subject, Topic::Alerts, 5);
    subject.trim(Topic::Alerts, 0, 99);
    assert_eq!(read(subject.ledger(), Topic::Alerts), ["004"]);
    subject.crash_and_reopen();
    assert_eq!(read(subject.ledger(), Topic::Directory).len(), 5);
    assert_eq!(append(subject.ledger(), Topic::Alerts, "next").expect("append").first, 5);
}
