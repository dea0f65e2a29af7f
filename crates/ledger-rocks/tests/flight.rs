//! The in-flight page, by which an outside program tells what a kill hit.
#![cfg(feature = "faults")]

mod support;

use campanile_ledger::contract::{PATIENCE, Subject as _};
use campanile_ledger::{Record, Shard as _, Topic};
use support::{OnDisk, batch, claim, settle};

/// Appends unanswered, seals begun, seals settled.
fn words(subject: &OnDisk) -> [u64; 3] {
    let page = std::fs::read(subject.path().join("flight")).expect("page");
    assert_eq!(page.len(), 64);
    [0, 8, 16].map(|place| u64::from_le_bytes(*page[place..].first_chunk().expect("eight bytes")))
}

#[test]
fn page_tells_what_is_unanswered_and_unsettled() {
    let subject = OnDisk::new(|_| {});
    let mut shard = claim(subject.ledger()).remove(0);
    assert_eq!(words(&subject), [0, 0, 0]);
    subject.hold();
    let (tx, rx) = std::sync::mpsc::channel();
    let done = Box::new(move |answer| drop(tx.send(answer)));
    subject.appender().append(Topic::Events, 0, vec![Record::new("key", "value")], done);
    shard.seal(batch("value", 0)).expect("seal");
    assert_eq!(words(&subject), [1, 1, 0]);
    subject.release();
    rx.recv_timeout(PATIENCE).expect("answer").expect("append");
    settle(&mut shard);
    assert_eq!(words(&subject), [0, 1, 1]);
}
